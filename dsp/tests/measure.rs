//! The meter against EBU Tech 3341 and 3342 (November 2023), against the crate ebur128, and at the edges: silence, shortness, block sizes.

use std::f64::consts::TAU;

use deadwax_dsp::{
    Block, Spec,
    measure::{Measurement, Meter},
};
use ebur128::{EbuR128, Mode};

const RATE: u32 = 48_000;

fn spec(channels: usize, sample_rate: u32) -> Spec {
    Spec { sample_rate, channels, bits: Some(24), float: false, frames: None, container: "wav", codec: "pcm" }
}

/// 1 kHz stereo, in phase: (seconds, dBFS) one after the other.
fn tones(parts: &[(f64, f64)], rate: u32) -> Block {
    let mut samples = Vec::new();
    for (seconds, db) in parts {
        let level = 10f64.powf(db / 20.0);
        for _ in 0..(seconds * f64::from(rate)).round() as usize {
            samples.push(level * (TAU * 1_000.0 * samples.len() as f64 / f64::from(rate)).sin());
        }
    }
    Block { channels: vec![samples.clone(), samples] }
}

fn measure(block: &Block, rate: u32) -> Measurement {
    let mut meter = Meter::new(&spec(block.channels.len(), rate));
    meter.push(block);
    meter.finish()
}

fn near(value: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!((value - wanted).abs() <= tolerance, "{what}: {value}, wanted {wanted} +-{tolerance}");
}

#[test]
fn tech_3341_integrated_loudness() {
    let cases: [(&[(f64, f64)], f64); 5] = [
        (&[(20.0, -23.0)], -23.0),
        (&[(20.0, -33.0)], -33.0),
        (&[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)], -23.0),
        (&[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)], -23.0),
        (&[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)], -23.0),
    ];
    for (index, (parts, wanted)) in cases.iter().enumerate() {
        for rate in [44_100, RATE] {
            near(measure(&tones(parts, rate), rate).integrated_lufs, *wanted, 0.1, &format!("case {} at {rate}", index + 1));
        }
    }
}

#[test]
fn tech_3341_short_term_and_momentary_maxima() {
    let nine: Vec<_> = [(1.34, -20.0), (1.66, -30.0)].repeat(5);
    near(measure(&tones(&nine, RATE), RATE).max_short_term_lufs, -23.0, 0.1, "case 9");
    let twelve: Vec<_> = [(0.18, -20.0), (0.22, -30.0)].repeat(25);
    near(measure(&tones(&twelve, RATE), RATE).max_momentary_lufs, -23.0, 0.1, "case 12");
    for i in 0..20 {
        let silence = f64::from(i) * 0.15;
        let ten = tones(&[(silence, -200.0), (3.0, -23.0), (1.0, -200.0)], RATE);
        near(measure(&ten, RATE).max_short_term_lufs, -23.0, 0.1, &format!("case 10, file {i}"));
        let silence = f64::from(i) * 0.02;
        let thirteen = tones(&[(silence, -200.0), (0.4, -23.0), (1.0, -200.0)], RATE);
        near(measure(&thirteen, RATE).max_momentary_lufs, -23.0, 0.1, &format!("case 13, file {i}"));
    }
}

#[test]
fn tech_3342_range() {
    let cases: [(&[(f64, f64)], f64); 4] = [
        (&[(20.0, -20.0), (20.0, -30.0)], 10.0),
        (&[(20.0, -20.0), (20.0, -15.0)], 5.0),
        (&[(20.0, -40.0), (20.0, -20.0)], 20.0),
        (&[(20.0, -50.0), (20.0, -35.0), (20.0, -20.0), (20.0, -35.0), (20.0, -50.0)], 15.0),
    ];
    for (index, (parts, wanted)) in cases.iter().enumerate() {
        near(measure(&tones(parts, RATE), RATE).loudness_range_lu, *wanted, 1.0, &format!("case {}", index + 1));
    }
}

#[test]
fn the_crate_ebur128_is_of_the_same_opinion() {
    // Noise with a beat: loud and soft, left and right apart.
    let mut seed = 7u64;
    let mut noise = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    for rate in [44_100u32, 48_000, 96_000] {
        let frames = 12 * rate as usize;
        let beat = |n: usize| 0.05 + 0.4 * (-((n % (rate as usize / 2)) as f64) / f64::from(rate) * 6.0).exp();
        let left: Vec<f64> = (0..frames).map(|n| beat(n) * noise()).collect();
        let right: Vec<f64> = (0..frames).map(|n| 0.7 * beat(n) * noise()).collect();
        let ours = measure(&Block { channels: vec![left.clone(), right.clone()] }, rate);
        let mut theirs = EbuR128::new(2, rate, Mode::I).expect("a meter");
        theirs.add_frames_planar_f64(&[&left, &right]).expect("frames");
        near(ours.integrated_lufs, theirs.loudness_global().expect("loudness"), 0.01, &format!("at {rate}"));
    }
}

#[test]
fn a_full_scale_sine_of_997_hz_in_one_channel_reads_3_01_below() {
    let left: Vec<f64> = (0..RATE as usize * 4).map(|n| (TAU * 997.0 * n as f64 / f64::from(RATE)).sin()).collect();
    let block = Block { channels: vec![left.clone(), vec![0.0; left.len()]] };
    near(measure(&block, RATE).integrated_lufs, -3.01, 0.01, "BS.1770");
}

#[test]
fn silence_and_short_files_have_levels_that_are_numbers_or_minus_infinity() {
    for frames in [0, 1, 100, 48_000] {
        let m = measure(&Block::new(2, frames), RATE);
        assert_eq!(m.integrated_lufs, f64::NEG_INFINITY);
        assert_eq!(m.true_peak_dbtp, f64::NEG_INFINITY);
        assert_eq!(m.loudness_range_lu, 0.0);
        assert_eq!(m.correlation, 1.0);
        assert!(!m.dc_offset.is_nan());
    }
}

#[test]
fn block_sizes_do_not_change_what_is_measured() {
    let whole = tones(&[(1.0, -20.0), (2.5, -26.0), (0.7, -6.0)], 44_100);
    let at_once = measure(&whole, 44_100);
    for size in [1usize, 441, 4_096] {
        let mut meter = Meter::new(&spec(2, 44_100));
        for start in (0..whole.frames()).step_by(size) {
            let end = whole.frames().min(start + size);
            meter.push(&Block { channels: whole.channels.iter().map(|c| c[start..end].to_vec()).collect() });
        }
        let m = meter.finish();
        near(m.integrated_lufs, at_once.integrated_lufs, 1e-9, "integrated");
        near(m.max_momentary_lufs, at_once.max_momentary_lufs, 1e-9, "momentary");
        near(m.true_peak_dbtp, at_once.true_peak_dbtp, 1e-9, "true peak");
    }
}

#[test]
fn clipping_offset_and_silent_ends_are_found() {
    let mut samples = vec![0.0; 4_800];
    samples.extend(vec![0.25; 9_600]);
    samples.extend([1.0, 1.0, 1.0, 0.2, 1.0, 1.0]);
    samples.extend(vec![0.0; 2_400]);
    let m = measure(&Block { channels: vec![samples.clone(), samples.iter().map(|s| -s).collect()] }, RATE);
    assert_eq!(m.clipped_samples, 6, "three in each channel; two in a row are not a run");
    near(m.head_silence_s, 0.1, 1e-9, "head");
    near(m.tail_silence_s, 0.05, 1e-9, "tail");
    near(m.correlation, -1.0, 1e-9, "correlation");
    assert!(m.dc_offset.abs() > 0.1);
    assert!(!m.dual_mono);
}
