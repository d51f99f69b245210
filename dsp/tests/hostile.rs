//! Files from strangers: a clear refusal, never a panic, whatever their bytes say.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::path::{Path, PathBuf};

use deadwax_dsp::write::{AudioWriter, Encoding};
use deadwax_dsp::{Block, DspError, Flow, Source, report};
use proptest::prelude::*;

fn open(bytes: &[u8]) -> Result<(), DspError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master_FINAL.wav");
    std::fs::write(&path, bytes).unwrap();
    report::measure_file(&path, true, &mut |_| Flow::Go).map(|_| ())
}

fn small(folder: &Path, encoding: Encoding) -> PathBuf {
    let path = folder.join(format!("small-{encoding}"));
    let mut writer = AudioWriter::create(&path, encoding, 44_100, 2, Default::default()).unwrap();
    let tone: Vec<f64> = (0..3000).map(|n| (f64::from(n) / 20.0).sin() * 0.5).collect();
    writer.write(&Block { channels: vec![tone.clone(), tone] }).unwrap();
    writer.finish().unwrap();
    path
}

fn wav_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut wav = std::fs::read(small(folder.path(), Encoding::Wav16)).unwrap();
    let format = wav.windows(4).position(|four| four == b"fmt ").unwrap() + 8;
    wav[format + at..format + at + bytes.len()].copy_from_slice(bytes);
    wav
}

#[test]
fn impossible_claims_are_named() {
    for (at, bytes) in [
        (2, 0u32.to_le_bytes()[..2].to_vec()),
        (2, 65_535u16.to_le_bytes().to_vec()),
        (4, 1u32.to_le_bytes().to_vec()),
        (4, 10_000_000u32.to_le_bytes().to_vec()),
    ] {
        let error = open(&wav_with(at, &bytes)).unwrap_err();
        assert!(matches!(error, DspError::Hostile { .. }), "{error}");
    }
}

#[test]
fn what_is_no_sound_is_refused_by_what_it_is() {
    assert!(matches!(open(b"").unwrap_err(), DspError::Empty { .. }));
    assert!(matches!(open(b"%PDF-1.7 invoice").unwrap_err(), DspError::NotAudio { .. }));
    assert!(matches!(open(b"RIFF\0\0\0\0WAVE").unwrap_err(), DspError::NotAudio { .. }));
    // Frames per packet of 2^32-1, which a decoder would allocate.
    let mut caf = b"caff\0\x01\0\0desc\0\0\0\0\0\0\0\x20".to_vec();
    caf.extend(44_100f64.to_be_bytes());
    caf.extend(b"lpcm\0\0\0\0\0\0\0\x04\xff\xff\xff\xff\0\0\0\x02\0\0\0\x10");
    let error = open(&caf).unwrap_err();
    assert!(matches!(&error, DspError::Unsupported { what, .. } if what.contains("CAF")), "{error}");
}

#[test]
fn petabytes_of_rf64_are_damage() {
    let mut bytes = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    bytes.extend([1u64 << 50, 1 << 50, 1 << 48].iter().flat_map(|n| n.to_le_bytes()));
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(b"fmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0data\xff\xff\xff\xff");
    bytes.extend([0; 400]);
    assert!(matches!(open(&bytes).unwrap_err(), DspError::Damaged { .. }));
}

#[test]
fn sizes_that_a_pipe_left_open_mean_the_rest_of_the_file() {
    for size in [u32::MAX, 0] {
        let folder = tempfile::tempdir().unwrap();
        let path = small(folder.path(), Encoding::Wav16);
        let mut wav = std::fs::read(&path).unwrap();
        let data = wav.windows(4).position(|four| four == b"data").unwrap() + 4;
        wav[4..8].copy_from_slice(&size.to_le_bytes());
        wav[data..data + 4].copy_from_slice(&size.to_le_bytes());
        std::fs::write(&path, wav).unwrap();
        assert_eq!(Source::open(&path).unwrap().spec().frames, Some(3000));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn mutated_files_never_panic(
        flac: bool,
        flips in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..6),
        near_head: bool,
        cut in prop::option::of(0.0..1.0f64),
    ) {
        thread_local!(static SEEDS: [Vec<u8>; 2] = {
            let folder = tempfile::tempdir().unwrap();
            [Encoding::Wav24, Encoding::Flac16].map(|e| std::fs::read(small(folder.path(), e)).unwrap())
        });
        let mut bytes = SEEDS.with(|seeds| seeds[usize::from(flac)].clone());
        let reach = if near_head { 120.min(bytes.len()) } else { bytes.len() };
        for (at, value) in flips {
            let at = (reach as f64 * at) as usize;
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate((bytes.len() as f64 * cut) as usize);
        }
        let _ = open(&bytes);
    }
}
