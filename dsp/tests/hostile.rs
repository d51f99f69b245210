//! Files from strangers: a clear refusal, never a panic, whatever their bytes say.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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

/// A small whole file of every container that is read, by name. What our own writers do not make comes from ffmpeg.
fn seeds() -> &'static [(String, Vec<u8>)] {
    static SEEDS: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let ours = [
            Encoding::Wav24,
            Encoding::Wav32f,
            Encoding::Aiff16,
            Encoding::Flac16,
            Encoding::Flac24,
            Encoding::Mp3_320,
            Encoding::Mp3V0,
            Encoding::Opus160,
        ];
        let mut seeds: Vec<(String, Vec<u8>)> = Vec::new();
        let tone: Vec<f64> = (0..12_000).map(|n| (f64::from(n) / 20.0).sin() * 0.5).collect();
        let sound = Block { channels: vec![tone.clone(), tone] };
        for encoding in ours {
            let path = folder.path().join(encoding.token());
            let mut writer = AudioWriter::create(&path, encoding, 48_000, 2, None).unwrap();
            writer.write(&sound).unwrap();
            writer.finish().unwrap();
            seeds.push((encoding.token().into(), std::fs::read(&path).unwrap()));
        }
        let source = folder.path().join(Encoding::Wav24.token());
        for (name, options) in [
            ("aac.m4a", &["-c:a", "aac"][..]),
            ("front.m4a", &["-c:a", "aac", "-movflags", "faststart"]),
            ("alac.m4a", &["-c:a", "alac"]),
            ("vorbis.ogg", &["-c:a", "libvorbis"]),
            ("stream.aac", &["-c:a", "aac"]),
        ] {
            let path = folder.path().join(name);
            let made = Command::new("ffmpeg")
                .args(["-v", "error", "-i"])
                .arg(&source)
                .args(options)
                .arg(&path)
                .status();
            match made {
                Ok(status) if status.success() => seeds.push((name.into(), std::fs::read(&path).unwrap())),
                _ => println!("SKIPPED: ffmpeg is not on this machine, {name} is not tested"),
            }
        }
        seeds
    })
}

/// Reads a file of these bytes to its end. Frames, or the error; more sound than any coder packs into so many bytes is a failure.
fn read(folder: &Path, bytes: &[u8]) -> Result<usize, DspError> {
    let path = folder.join("a song.dat");
    std::fs::write(&path, bytes).unwrap();
    let mut source = Source::open(&path)?;
    let mut block = Block::default();
    let mut frames = 0;
    loop {
        match source.read(&mut block, 1 << 16)? {
            0 => return Ok(frames),
            read => frames += read,
        }
        // A frame of FLAC that is silent holds 65535 frames in some 14 bytes.
        assert!(frames <= bytes.len() * 8_192, "{frames} frames out of {} bytes", bytes.len());
    }
}

/// The largest memory this process ever had, in MiB. `None` where the system does not tell.
fn most_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

/// Below the sizes that a header of 32 bits can claim, above what all tests of this file need side by side.
const MEMORY_MIB: u64 = 512;

#[test]
fn every_kind_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in seeds() {
        let frames = read(folder.path(), bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A bare stream of AAC keeps its priming and padding.
        let expected = if name == "stream.aac" { 13_312 } else { 12_000 };
        assert_eq!(frames, expected, "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_in_its_header_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in seeds() {
        for kept in 0..bytes.len().min(700) {
            let error = read(folder.path(), &bytes[..kept]);
            // A bare stream tells neither how long it is nor where it ends: a shorter one is a whole one.
            assert!(error.is_err() || name == "stream.aac", "{name} cut to {kept} bytes: {error:?}");
        }
    }
    assert!(most_memory_mib().is_none_or(|mib| mib < MEMORY_MIB));
}

#[test]
fn a_file_cut_in_its_sound_is_never_taken_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in seeds() {
        for hundredths in 1..100 {
            let kept = bytes.len() * hundredths / 100;
            let result = read(folder.path(), &bytes[..kept]);
            match name.as_str() {
                "stream.aac" => {}
                // Its index at the end may be cut off, the sound before it is whole; then nothing is missing.
                _ => {
                    assert!(!matches!(result, Ok(frames) if frames < 12_000), "{name} at {kept}: {result:?}");
                }
            }
        }
    }
}

#[test]
fn flipped_bits_never_panic_and_never_cost_more_than_the_file_is_worth() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below.max(1)
    };
    for (_, bytes) in seeds() {
        for round in 0..150 {
            let mut wrong = bytes.clone();
            let reach = if round % 2 == 0 { wrong.len().min(400) } else { wrong.len() };
            for _ in 0..=random(4) {
                let at = random(reach);
                wrong[at] ^= 1 << random(8);
            }
            // Sizes are what an attacker writes first.
            if round % 5 == 0 {
                let at = random(reach.saturating_sub(4));
                wrong[at..at + 4].fill(if random(2) == 0 { 0xff } else { 0x7f });
            }
            let _ = read(folder.path(), &wrong);
        }
    }
    assert!(most_memory_mib().is_none_or(|mib| mib < MEMORY_MIB));
}

#[test]
fn a_change_of_rate_inside_a_file_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let half = |rate: u32| {
        let mut writer = AudioWriter::create(&path, Encoding::Mp3_320, rate, 2, None).unwrap();
        writer.write(&Block::new(2, 20_000)).unwrap();
        writer.finish().unwrap();
        std::fs::read(&path).unwrap()
    };
    // Without their first frames, which tell the length: what is left is a bare stream that changes in the middle.
    let (first, second) = (half(48_000), half(44_100));
    let bare = [&first[960..], &second[1_044..]].concat();
    let error = read(folder.path(), &bare).unwrap_err();
    assert!(matches!(error, DspError::Damaged { .. }), "{error}");
}

fn measured(channels: Vec<Vec<f64>>) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.wav");
    let mut writer = AudioWriter::create(&path, Encoding::Wav32f, 48_000, channels.len(), None).unwrap();
    writer.write(&Block { channels }).unwrap();
    writer.finish().unwrap();
    report::measure_file(&path, true, &mut |_| Flow::Go).unwrap().0.to_json()
}

#[test]
fn the_strangest_sounds_have_a_defined_reading() {
    let tone: Vec<f64> = (0..48_000).map(|n| (f64::from(n) / 20.0).sin() * 0.5).collect();
    let clipped: Vec<f64> = tone.iter().map(|x| (x * 40.0).clamp(-1.0, 1.0)).collect();
    let cases = [
        ("silence", vec![vec![0.0; 48_000]; 2]),
        ("one sample", vec![vec![0.5]; 2]),
        ("one sample of silence", vec![vec![0.0]]),
        ("denormals", vec![vec![1e-39; 48_000]; 2]),
        ("the smallest denormal", vec![vec![f64::from(f32::from_bits(1)); 48_000]; 2]),
        ("DC", vec![vec![0.7; 48_000]; 2]),
        ("mono", vec![tone.clone()]),
        ("12 channels", vec![tone.clone(); 12]),
        ("clipped", vec![clipped; 2]),
        ("far beyond full scale", vec![vec![1e9; 5_000]; 2]),
    ];
    for (name, channels) in cases {
        let report = measured(channels).to_string();
        assert!(!report.contains("NaN") && report.len() > 20, "{name}: {report}");
    }
}
