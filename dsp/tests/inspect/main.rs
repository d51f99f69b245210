//! Every detector of the inspection with signals in which the thing is and signals in which it is not but might seem to be; and the promises that
//! hold for all figures: the same for every size of block, never NaN.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its signals may panic

mod damage;
mod image;
mod levels;
mod signals;
mod spectrum;

use deadwax_dsp::Flow;
use deadwax_dsp::inspect::Severity;
use deadwax_dsp::report::measure_file;
use proptest::prelude::*;

use signals::*;

#[test]
fn nothing_is_nan_and_nothing_panics_at_the_ends_of_what_exists() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, 1e-310, -0.0, 2.0, -1.0];
    let planes: [Vec<f64>; 8] = [
        vec![],
        vec![0.3],
        vec![0.0; 30_000],
        vec![0.25; 30_000],
        odd.iter().copied().cycle().take(20_000).collect(),
        white(3, 9000, 1.0),
        vec![1e-200; 5000],
        vec![1e300; 5000],
    ];
    for rate in [8_000, 11_025, 44_100, 96_000, 192_000, 384_000] {
        for plane in &planes {
            for channels in [1, 2, 3, 12] {
                let read = inspect(rate, 24, &vec![plane.clone(); channels]);
                // A value that is NaN is not equal to itself.
                assert_eq!(read, read.clone(), "{rate} Hz, {channels} channels, {} frames", plane.len());
                assert_eq!((read.channels.len(), read.stereo.is_some()), (channels, channels > 1));
                assert!(read.findings().iter().all(|f| !f.words.contains("NaN") && !f.words.contains("inf")));
            }
        }
    }
    assert!(inspect(RATE, 24, &[]).channels.is_empty());
}

#[test]
fn keys_of_the_json_are_these() {
    let read = inspect(RATE, 24, &[sine(RATE, 440.0, 0.5, 4.0), sine(RATE, 441.0, 0.5, 4.0)]);
    let json = serde_json::to_value(&read).unwrap();
    let mut keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    keys.sort();
    let wanted = [
        "channels",
        "clicks",
        "clips",
        "coded_with_loss",
        "container_bits",
        "cutoff",
        "dropouts",
        "edges",
        "flat_tops",
        "noise",
        "overs",
        "plr_db",
        "psr_db",
        "seconds",
        "spectrum",
        "stereo",
    ];
    assert_eq!(keys, wanted);
    assert!(json["channels"][0]["bits"]["exact"].is_null() && json["noise"]["floor_dbfs"].is_number());
    assert_eq!(json["stereo"]["relation"], "stereo");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn the_size_of_blocks_changes_no_bit(
        seed: u64,
        sizes in proptest::collection::vec(1usize..9000, 1..6),
        rate in prop::sample::select(vec![8_000u32, 44_100, 96_000]),
        frames in 1usize..60_000,
    ) {
        let mut left = white(seed, frames, 0.4);
        let mut right = sine(rate, 300.0, 1.1, 1.0);
        right.resize(frames, 0.0);
        right.iter_mut().for_each(|s| *s = s.clamp(-0.9, 0.9));
        for at in (0..frames).step_by(7001) {
            left[at] = 3.0;
            right[at..(at + 90).min(frames)].fill(0.0);
        }
        let planes = [left, right];
        let spec = spec(rate, 2, 24);
        let whole = inspect_in(&spec, &planes, &[frames]);
        prop_assert_eq!(&whole, &inspect_in(&spec, &planes, &sizes));
        prop_assert_eq!(&whole, &inspect_in(&spec, &planes, &[4096]));
    }
}

#[test]
fn findings_are_sentences_with_times_the_gravest_first() {
    let mut song = sine(RATE, 441.0, 0.5, 3.0);
    song.push(0.0);
    let at = 2 * RATE as usize;
    song[at..at + 100].fill(-1.0);
    let read = mono(song);
    let found = read.findings();
    assert_eq!(found[0].words, "1 peak is flat at full scale, at 0:02.000.");
    assert_eq!((found[0].severity, found[0].what, found[0].at_s), (Severity::Block, "CLIPPED", Some(2.0)));
    assert!(
        found
            .windows(2)
            .all(|pair| pair[0].severity == Severity::Block || pair[1].severity == Severity::Warn)
    );
    assert!(found.iter().all(|finding| finding.words.ends_with('.')));
}

/// A WAV of 16 bits, one channel.
fn wav(samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((2 * RATE).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn a_file_is_inspected_in_the_pass_that_measures_it() {
    let mut samples: Vec<i16> = (0..30_000).map(|n| if n % 97 < 48 { 5000 } else { -5000 }).collect();
    samples[20_000..20_040].fill(i16::MAX);
    let path = tempfile::tempdir().unwrap().keep().join("clipped.wav");
    std::fs::write(&path, wav(&samples)).unwrap();
    let (report, _) = measure_file(&path, false, &mut |_| Flow::Go).unwrap();
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let planes = [samples.iter().map(|s| f64::from(*s) / 32_768.0).collect::<Vec<f64>>()];
    assert_eq!(report.inspection, inspect(RATE, 16, &planes));
    let json = report.to_json();
    assert_eq!(json["clipped_samples"], 40);
    assert_eq!(json["inspection"]["clips"]["listed"][0]["at_s"], 20_000.0 / 44_100.0);
    assert!(json["inspection"]["overs"]["count"].as_u64().unwrap() >= 1);
}
