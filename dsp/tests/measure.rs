//! The meter against EBU Tech 3341 and 3342 (2023), with signals made here, and against a second meter that shares no code with it.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::f64::consts::{PI, TAU};

use deadwax_dsp::measure::{Measurement, Meter};
use deadwax_dsp::{Block, Spec};
use proptest::prelude::*;

const RATE: u32 = 48_000;

fn spec(rate: u32, channels: usize) -> Spec {
    Spec {
        sample_rate: rate,
        channels,
        bits: Some(24),
        float: false,
        frames: None,
        container: "wav",
        codec: "pcm",
    }
}

fn measure(rate: u32, planes: Vec<Vec<f64>>) -> Measurement {
    let mut meter = Meter::new(&spec(rate, planes.len()));
    let frames = planes[0].len();
    // An odd block, so that no step ends with a block.
    for at in (0..frames).step_by(7919) {
        let end = (at + 7919).min(frames);
        meter.push(&Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() });
    }
    meter.finish()
}

/// 1 kHz in phase, in stretches of (seconds, dBFS).
fn tones(rate: u32, stretches: &[(f64, f64)]) -> Vec<f64> {
    let mut tone = Vec::new();
    for (seconds, level_dbfs) in stretches {
        let peak = 10f64.powf(level_dbfs / 20.0);
        for _ in 0..(seconds * f64::from(rate)).round() as usize {
            tone.push(peak * (TAU * 1000.0 * tone.len() as f64 / f64::from(rate)).sin());
        }
    }
    tone
}

fn stereo(rate: u32, stretches: &[(f64, f64)]) -> Measurement {
    let tone = tones(rate, stretches);
    measure(rate, vec![tone.clone(), tone])
}

#[track_caller]
fn close(value: f64, wanted: f64, within: f64) {
    assert!((value - wanted).abs() <= within, "{value} is not {wanted} within {within}");
}

#[test]
fn ebu_3341_1_and_2_steady_tones_at_every_rate() {
    for rate in [44_100, 48_000, 88_200, 96_000, 22_050] {
        for level in [-23.0, -33.0] {
            let read = stereo(rate, &[(20.0, level)]);
            close(read.integrated_lufs, level, 0.1);
            close(read.max_momentary_lufs, level, 0.1);
            close(read.max_short_term_lufs, level, 0.1);
        }
    }
}

#[test]
fn ebu_3341_3_to_5_gates() {
    let three = [(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)];
    close(stereo(RATE, &three).integrated_lufs, -23.0, 0.1);
    let four = [(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)];
    close(stereo(RATE, &four).integrated_lufs, -23.0, 0.1);
    let five = [(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)];
    close(stereo(RATE, &five).integrated_lufs, -23.0, 0.1);
}

#[test]
fn ebu_3341_6_surround_weights() {
    let tone = |level| tones(RATE, &[(20.0, level)]);
    let planes =
        vec![tone(-28.0), tone(-28.0), tone(-24.0), vec![0.0; 20 * 48_000], tone(-30.0), tone(-30.0)];
    close(measure(RATE, planes).integrated_lufs, -23.0, 0.1);
}

#[test]
fn ebu_3341_9_and_12_windows_of_the_right_length() {
    let nine = [(1.34, -20.0), (1.66, -30.0)].repeat(5);
    close(stereo(RATE, &nine).max_short_term_lufs, -23.0, 0.1);
    let twelve = [(0.18, -20.0), (0.22, -30.0)].repeat(25);
    close(stereo(RATE, &twelve).max_momentary_lufs, -23.0, 0.1);
}

#[test]
fn ebu_3341_10_and_13_maxima_wherever_they_begin() {
    for i in 0..20 {
        let begin = f64::from(i);
        let ten = [(begin * 0.15, -200.0), (3.0, -23.0), (1.0, -200.0)];
        close(stereo(RATE, &ten).max_short_term_lufs, -23.0, 0.1);
        let thirteen = [(begin * 0.02, -200.0), (0.4, -23.0), (1.0, -200.0)];
        close(stereo(RATE, &thirteen).max_momentary_lufs, -23.0, 0.1);
    }
}

#[test]
fn ebu_3341_15_to_19_true_peaks() {
    let cases = [
        (4.0, 0.0, 0.5, -6.0),
        (4.0, 45.0, 0.5, -6.0),
        (6.0, 60.0, 0.5, -6.0),
        (8.0, 67.5, 0.5, -6.0),
        (4.0, 45.0, 1.41, 3.0),
    ];
    for (divisor, degrees, peak, wanted) in cases {
        let fade = 480.0;
        let frames = 24_000;
        let tone: Vec<f64> = (0..frames)
            .map(|n| {
                let gain = (f64::from(n) / fade).min(f64::from(frames - 1 - n) / fade).min(1.0);
                gain * peak * (TAU * f64::from(n) / divisor + degrees / 180.0 * PI).sin()
            })
            .collect();
        let read = measure(RATE, vec![tone.clone(), tone]).true_peak_dbtp;
        assert!((wanted - 0.4..=wanted + 0.2).contains(&read), "{read} is not {wanted}");
    }
}

#[test]
fn ebu_3342_1_to_4_loudness_range() {
    close(stereo(RATE, &[(20.0, -20.0), (20.0, -30.0)]).loudness_range_lu, 10.0, 1.0);
    close(stereo(RATE, &[(20.0, -20.0), (20.0, -15.0)]).loudness_range_lu, 5.0, 1.0);
    close(stereo(RATE, &[(20.0, -40.0), (20.0, -20.0)]).loudness_range_lu, 20.0, 1.0);
    let four = [(20.0, -50.0), (20.0, -35.0), (20.0, -20.0), (20.0, -35.0), (20.0, -50.0)];
    close(stereo(RATE, &four).loudness_range_lu, 15.0, 1.0);
}

#[test]
fn a_full_scale_tone_in_one_channel_reads_minus_3_01() {
    let tone: Vec<f64> =
        (0..RATE * 5).map(|n| (TAU * 997.0 * f64::from(n) / f64::from(RATE)).sin()).collect();
    close(measure(RATE, vec![tone]).integrated_lufs, -3.01, 0.01);
}

#[test]
fn silence_and_short_files_have_levels_that_are_defined() {
    let silent = measure(RATE, vec![vec![0.0; 48_000 * 4]; 2]);
    for level in
        [silent.integrated_lufs, silent.max_momentary_lufs, silent.true_peak_dbtp, silent.sample_peak_dbfs]
    {
        assert_eq!(level, f64::NEG_INFINITY);
    }
    assert_eq!((silent.loudness_range_lu, silent.correlation, silent.dual_mono), (0.0, 0.0, false));
    assert_eq!((silent.head_silence_s, silent.tail_silence_s), (4.0, 4.0));
    let short = stereo(RATE, &[(0.399, -20.0)]);
    assert_eq!(short.integrated_lufs, f64::NEG_INFINITY);
    let two_seconds = stereo(RATE, &[(2.0, -20.0)]);
    close(two_seconds.integrated_lufs, -20.0, 0.1);
    assert_eq!((two_seconds.max_short_term_lufs, two_seconds.loudness_range_lu), (f64::NEG_INFINITY, 0.0));
}

#[test]
fn dc_correlation_silence_and_clips() {
    let wave: Vec<f64> = (0..48_000).map(|n| (TAU * 100.0 * f64::from(n) / 48_000.0).sin() * 0.5).collect();
    let shifted: Vec<f64> = wave.iter().map(|s| 0.1 - s).collect();
    let read = measure(RATE, vec![wave.clone(), shifted]);
    close(read.dc_offset, 0.1, 1e-9);
    assert!(read.correlation < -0.9 && !read.dual_mono);
    assert!(measure(RATE, vec![wave.clone(), wave.clone()]).dual_mono);
    let mut padded = vec![0.0; 24_000];
    padded.extend(vec![0.5; 10]);
    padded.extend(vec![0.0; 12_000]);
    let read = measure(RATE, vec![padded]);
    assert_eq!((read.head_silence_s, read.tail_silence_s), (0.5, 0.25));
    let clipped = [1.0, 1.0, 0.0, -1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    assert_eq!(measure(RATE, vec![clipped.to_vec()]).clipped_samples, 7);
}

/// Noise whose loudness moves like that of music.
fn music(seed: u64, seconds: usize) -> Vec<f64> {
    let mut state = seed | 1;
    let mut held = 0.0;
    (0..seconds * 48_000)
        .map(|n| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let white = (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
            held += 0.1 * (white - held);
            let swell = 0.55 + 0.45 * (TAU * n as f64 / 48_000.0 / 7.3).sin();
            held * swell
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn a_second_meter_agrees(seed: u64) {
        let planes = vec![music(seed, 12), music(seed.rotate_left(17), 12)];
        let mut other = ebur128::EbuR128::new(2, RATE, ebur128::Mode::I | ebur128::Mode::TRUE_PEAK).unwrap();
        other.add_frames_planar_f64(&[planes[0].as_slice(), &planes[1]]).unwrap();
        let read = measure(RATE, planes);
        prop_assert!((read.integrated_lufs - other.loudness_global().unwrap()).abs() < 0.05);
        let peak = other.true_peak(0).unwrap().max(other.true_peak(1).unwrap());
        prop_assert!((read.true_peak_dbtp - 20.0 * peak.log10()).abs() < 0.3);
    }
}
