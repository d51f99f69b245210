//! An overview never hides a peak, and a broken one is refused.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use deadwax_dsp::waveform::{Pyramid, PyramidBuilder};
use deadwax_dsp::{Block, Spec};
use proptest::prelude::*;

fn build(samples: &[f64]) -> Pyramid {
    let spec = Spec {
        sample_rate: 48_000,
        channels: 1,
        bits: Some(16),
        float: false,
        frames: None,
        container: "wav",
        codec: "pcm",
    };
    let mut builder = PyramidBuilder::new(&spec);
    samples.chunks(1000).for_each(|part| builder.push(&Block { channels: vec![part.to_vec()] }));
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_peak_is_in_its_column(frames in 1usize..200_000, at in 0.0..1.0f64, columns in 1usize..300) {
        let mut samples = vec![0.0; frames];
        let at = ((frames as f64 * at) as usize).min(frames - 1);
        samples[at] = 1.0;
        let pyramid = build(&samples);
        let drawn = &pyramid.columns(0, frames as u64, columns)[0];
        prop_assert_eq!(drawn.len(), columns);
        let column = (0..columns).rev().find(|c| frames * c / columns <= at).unwrap();
        prop_assert_eq!(drawn[column].1, i16::MAX);
        // A column wider than a few buckets may reach at most one bucket of an eighth of itself into its neighbours.
        let lit = drawn.iter().filter(|pair| pair.1 > 0).count();
        prop_assert!(lit <= 2 + 2 * 256 * columns / frames, "{} columns lit", lit);
    }

    #[test]
    fn bytes_come_back(frames in 0usize..5_000) {
        let samples: Vec<f64> = (0..frames).map(|n| (n as f64 / 50.0).sin()).collect();
        let pyramid = build(&samples);
        prop_assert_eq!(Pyramid::from_bytes(&pyramid.to_bytes()).unwrap(), pyramid);
    }

    #[test]
    fn broken_bytes_are_refused_or_read_and_never_panic(at in 0usize..100, value: u8, cut in 0usize..100) {
        let mut bytes = build(&vec![0.5; 4_000]).to_bytes();
        let at = at.min(bytes.len() - 1);
        bytes[at] = value;
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        if let Ok(pyramid) = Pyramid::from_bytes(&bytes) {
            pyramid.columns(0, u64::MAX, 100);
        }
    }
}
