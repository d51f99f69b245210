//! An overview never hides a peak, and a broken one is refused.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use deadwax_dsp::report::measure_file;
use deadwax_dsp::waveform::{Overview, Pyramid, PyramidBuilder, window};
use deadwax_dsp::write::{AudioWriter, Encoding};
use deadwax_dsp::{Block, Flow, Source, Spec, listening};
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

/// A tone of 0.5 at 48 kHz, stereo, with what `change` makes of it.
fn file(
    folder: &std::path::Path,
    encoding: Encoding,
    rate: u32,
    frames: usize,
    change: impl Fn(usize, f64) -> f64,
) -> std::path::PathBuf {
    let tone = |at: usize| (at as f64 * 997.0 / f64::from(rate) * std::f64::consts::TAU).sin() * 0.5;
    let path = folder.join(format!("{encoding:?}-{rate}"));
    let mut writer = AudioWriter::create(&path, encoding, rate, 2, None).unwrap();
    for start in (0..frames).step_by(10_000) {
        let plane: Vec<f64> =
            (start..(start + 10_000).min(frames)).map(|at| change(at, tone(at)).clamp(-1.0, 1.0)).collect();
        writer.write(&Block { channels: vec![plane.clone(), plane] }).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn loudness_clips_and_overs_stand_where_they_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    // Twelve seconds: the second half is 20 dB softer; after 2 s five samples are clipped.
    let frames = 12 * 48_000;
    let path = file(folder.path(), Encoding::Wav24, 48_000, frames, |at, tone| match at {
        100_000..100_005 => 1.0,
        288_000.. => tone * 0.1,
        _ => tone,
    });
    let (report, pyramid) = measure_file(&path, true, &mut |_| Flow::Go).unwrap();
    let pyramid = pyramid.unwrap();
    let view = pyramid.view(0, frames as u64, 12);
    assert_eq!(view.clipped, [2]);
    assert_eq!(view.over, [2]);
    let loudest = view.short_term_lufs.iter().copied().fold(f32::MIN, f32::max);
    assert!((f64::from(loudest) - report.measurement.max_short_term_lufs).abs() < 0.02, "{view:?}");
    let [loud, soft] = [view.short_term_lufs[3], view.short_term_lufs[9]];
    assert!((loud - soft - 20.0).abs() < 0.1, "{loud} and {soft}");
    let falls = view.short_term_lufs.windows(2).all(|two| two[0] > two[1] - 0.02);
    assert!(falls, "louder before the step: {view:?}");
    // A tenth of a second, ten columns: each shows the window nearest to it.
    let close = pyramid.view(240_000, 244_800, 10);
    assert!(close.short_term_lufs.iter().all(|lufs| (lufs - loud).abs() < 3.0), "{close:?}");
}

#[test]
fn a_window_shows_the_samples_themselves_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let frames = 5 * 48_000;
    for encoding in [Encoding::Wav16, Encoding::Flac16] {
        let path = file(folder.path(), encoding, 48_000, frames, |at, tone| {
            if (200_000..200_003).contains(&at) { 1.0 } else { tone }
        });
        let mut all = Vec::new();
        let (mut source, mut block) = (Source::open(&path).unwrap(), Block::default());
        while source.read(&mut block, 1 << 14).unwrap() > 0 {
            all.extend_from_slice(&block.channels[0]);
        }
        assert_eq!(all.len(), frames);
        for (start, end) in [(0, 100), (199_990, 200_020), (239_990, 240_000), (130_000, 130_064)] {
            let count = (end - start) as usize;
            let window = window(&path, start, end, count).unwrap();
            let level = |sample: &f64| (sample * 32_767.0).round() as i16;
            let exact: Vec<(i16, i16)> =
                all[start as usize..end as usize].iter().map(|s| (level(s), level(s))).collect();
            assert_eq!(window.peaks, [exact.clone(), exact], "{encoding:?} {start}");
            let clipped: Vec<u32> = (200_000..200_003)
                .filter(|at| (start..end).contains(at))
                .map(|at| (at - start) as u32)
                .collect();
            assert_eq!(window.clipped, clipped, "{encoding:?} {start}");
        }
        // A run that begins before the window is one all the same.
        assert_eq!(window(&path, 200_002, 200_010, 8).unwrap().clipped, [0]);
        assert!(window(&path, 0, u64::MAX, 10).is_err());
    }
}

#[test]
fn a_copy_for_listening_is_as_long_as_the_original() {
    let folder = tempfile::tempdir().unwrap();
    for (rate, frames, copied) in
        [(44_100, 100_003, 100_003), (48_000, 48_001, 48_001), (96_000, 96_000, 48_000)]
    {
        let path = file(folder.path(), Encoding::Wav24, rate, frames, |_, tone| tone);
        let copy = folder.path().join(format!("{rate}.mp3"));
        assert_eq!(listening::copy(&path, &copy, &mut || Flow::Go).unwrap(), copied);
        let (mut source, mut block) = (Source::open(&copy).unwrap(), Block::default());
        let mut energy = 0.0;
        while source.read(&mut block, 1 << 14).unwrap() > 0 {
            energy += block.channels[0].iter().map(|s| s * s).sum::<f64>();
        }
        assert_eq!((source.position(), source.spec().sample_rate), (copied, listening::rate_of(rate)));
        let rms = (energy / copied as f64).sqrt();
        assert!((rms - 0.5 / 2.0f64.sqrt()).abs() < 0.005, "{rms}");
    }
    let stopped =
        listening::copy(&folder.path().join("Wav24-48000"), &folder.path().join("s"), &mut || Flow::Stop);
    assert!(stopped.is_err() && !folder.path().join("s").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_file_draws_what_memory_draws(
        frames in 0usize..100_000, start in 0u64..120_000, width in 0u64..120_000, columns in 1usize..300,
    ) {
        let samples: Vec<f64> = (0..frames).map(|n| (n as f64 / 5000.0).sin() * 1.1).collect();
        let pyramid = build(&samples);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("waveform");
        pyramid.write_to(&path).unwrap();
        let stored = Overview::open(&path).unwrap();
        prop_assert_eq!((stored.frames(), stored.channels()), (frames as u64, 1));
        let drawn = stored.view(start, start + width, columns).unwrap();
        prop_assert_eq!(drawn, pyramid.view(start, start + width, columns));
    }
}
