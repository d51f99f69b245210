//! The true-peak meter against EBU Tech 3341 (signals 15 to 19, synthesised here) and against a brute-force reference with a longer kernel.

#![allow(clippy::disallowed_methods)]

use std::f64::consts::PI;

use deadwax_dsp::{
    Block,
    true_peak::{Bank, Over, TruePeak},
};
use proptest::prelude::*;

fn db(linear: f64) -> f64 {
    20.0 * linear.log10()
}

fn measure(signal: &[f64], rate: u32, block: usize) -> f64 {
    let mut meter = TruePeak::new(1, rate);
    for part in signal.chunks(block) {
        meter.push(&Block { channels: vec![part.to_vec()] });
    }
    meter.peak_linear_per_channel()[0]
}

/// Every sixteenth of a sample, 128 samples either side under a Hann-weighted sinc, no screening: slow and obvious.
fn reference_16x(signal: &[f64]) -> f64 {
    const HALF: i64 = 128;
    let mut best = 0.0f64;
    let kernels: Vec<Vec<f64>> = (0..16)
        .map(|p| {
            (-HALF + 1..=HALF)
                .map(|j| {
                    let t = j as f64 - f64::from(p) / 16.0;
                    let s = if t == 0.0 { 1.0 } else { (PI * t).sin() / (PI * t) };
                    s * (0.5 + 0.5 * (PI * t / HALF as f64).cos())
                })
                .collect()
        })
        .collect();
    let mut padded = vec![0.0; 2 * HALF as usize];
    padded.extend_from_slice(signal);
    padded.extend(std::iter::repeat_n(0.0, 2 * HALF as usize));
    for window in padded.windows(2 * HALF as usize) {
        for kernel in &kernels {
            best = best.max(window.iter().zip(kernel).map(|(x, k)| x * k).sum::<f64>().abs());
        }
    }
    best
}

/// A sine of `level` full scale at `turns` cycles per sample and `phase` degrees with 10 ms fades.
fn ebu(rate: u32, level: f64, turns: f64, phase: f64) -> Vec<f64> {
    let n = rate as usize;
    let fade = f64::from(rate) * 0.01;
    (0..n)
        .map(|i| {
            let edge = (i as f64).min((n - 1 - i) as f64);
            level * (edge / fade).min(1.0) * (2.0 * PI * turns * i as f64 + phase.to_radians()).sin()
        })
        .collect()
}

#[test]
fn ebu_3341_signals_15_to_19_read_within_the_tolerance() {
    let cases = [
        (0.50, 0.25, 0.0, -6.0),
        (0.50, 0.25, 45.0, -6.0),
        (0.50, 1.0 / 6.0, 60.0, -6.0),
        (0.50, 0.125, 67.5, -6.0),
        (1.41, 0.25, 45.0, 3.0),
    ];
    for rate in [44_100, 48_000, 96_000, 192_000] {
        for (level, turns, phase, expected) in cases {
            let read = db(measure(&ebu(rate, level, turns, phase), rate, 4096));
            assert!(
                read <= expected + 0.2 && read >= expected - 0.4,
                "{read:.3} dBTP at {rate} Hz, {turns} fs, {phase} degrees: expected {expected}"
            );
            // Far inside the tolerance: the amplitude is known exactly.
            assert!((read - db(level)).abs() < 0.05, "{read:.4} against {:.4}", db(level));
        }
    }
}

#[test]
fn tones_up_to_20_khz_are_within_a_twentieth_of_a_decibel_at_every_rate() {
    for rate in
        [8_000u32, 11_025, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000, 352_800, 384_000]
    {
        let top = (f64::from(rate) * 0.4535).min(20_000.0);
        for f in [20.0, 997.0, 0.37 * top, 0.81 * top, top] {
            let n = 8192;
            let signal: Vec<f64> = (0..n)
                .map(|i| {
                    // A slow fade in and out: a hard-cut tone is truly higher than its amplitude.
                    let w = (PI * f64::from(i) / f64::from(n)).sin().powi(2);
                    w * (2.0 * PI * f * f64::from(i) / f64::from(rate) + 0.7).sin()
                })
                .collect();
            let read = db(measure(&signal, rate, 1000));
            if f > 300.0 {
                assert!(read.abs() < 0.05, "{f} Hz at {rate}: {read:.4} dB");
            }
        }
    }
}

/// The wave at every sixteenth of a sample from 128 samples before the signal to 127 after it, by the meter's own kernel, none left out.
fn every_height(signal: &[f64]) -> Vec<[f64; 16]> {
    let bank = Bank::new(16, 128, 9.0);
    let mut padded = vec![0.0; 255];
    padded.extend_from_slice(signal);
    padded.extend([0.0; 255]);
    padded.windows(256).map(|window| std::array::from_fn(|p| bank.at(p, window).abs())).collect()
}

fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}

/// Kinds of sound that differ in what lies near half the rate.
fn sound(kind: usize, seed: u64, n: usize) -> Vec<f64> {
    let turns = 0.0005 + 0.4995 * (seed % 1009) as f64 / 1009.0;
    let tone = |i: usize| (2.0 * PI * turns * i as f64 + seed as f64).sin();
    let mut held = 0.0;
    let white = noise(seed);
    match kind {
        0 => white.take(n).collect(),
        1 => (0..n).map(tone).collect(),
        2 => (0..n).map(|i| if tone(i) > 0.0 { 0.9 } else { -0.9 }).collect(),
        3 => (0..n).map(|i| (3.0 * tone(i)).clamp(-0.8, 0.8)).collect(),
        4 => (0..n).map(|i| if (i as u64).is_multiple_of(seed % 300 + 5) { 1.0 } else { 0.0 }).collect(),
        5 => white
            .take(n)
            .map(|w| {
                held += 0.15 * (w - held);
                held
            })
            .collect(),
        _ => white.take(n).enumerate().map(|(i, w)| tone(i) * i as f64 / n as f64 + 0.1 * w).collect(),
    }
}

/// Overs as the definition has them: neighbouring positions above the threshold.
fn overs_slowly(heights: &[[f64; 16]], threshold: f64, frames: usize) -> Vec<Over> {
    let tops: Vec<f64> = heights.iter().map(|h| h.iter().fold(0.0f64, |m, v| m.max(*v))).collect();
    let mut overs: Vec<Over> = Vec::new();
    let mut last = usize::MAX - 1;
    for (index, top) in tops.iter().enumerate().filter(|(_, top)| **top > threshold) {
        // Window 0 has its middle 128 positions before the signal.
        let end_frame = (index + 1).saturating_sub(128).min(frames) as u64;
        if index == last + 1 {
            let open = overs.last_mut().expect("one was opened before");
            open.end_frame = end_frame.max(open.start_frame + 1);
            open.peak_linear = open.peak_linear.max(*top);
        } else {
            let start_frame = index.saturating_sub(128).min(frames - 1) as u64;
            let end_frame = end_frame.max(start_frame + 1);
            overs.push(Over { channel: 0, start_frame, end_frame, peak_linear: *top });
        }
        last = index;
    }
    overs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_computed_is_never_the_peak_nor_an_over(
        kind in 0usize..7, seed: u64, n in 1usize..1500, block in 1usize..600, share in 0.3f64..1.1,
    ) {
        let signal = sound(kind, seed % 1_000_000, n);
        let heights = every_height(&signal);
        let peak = heights.iter().flatten().fold(0.0f64, |m, v| m.max(*v));
        prop_assert_eq!(measure(&signal, 44_100, block).to_bits(), peak.to_bits());
        let threshold = peak * share + 1e-9;
        let mut meter = TruePeak::new(1, 44_100).with_overs(threshold);
        let mut overs = Vec::new();
        for part in signal.chunks(block) {
            meter.push(&Block { channels: vec![part.to_vec()] });
            overs.extend(meter.take_overs());
        }
        overs.extend(meter.last_overs());
        prop_assert_eq!(overs, overs_slowly(&heights, threshold, n));
        prop_assert_eq!(meter.peak_linear().to_bits(), peak.to_bits());
    }
}

#[test]
fn a_burst_over_the_threshold_is_reported_where_it_is() {
    let mut signal = vec![0.0; 20_000];
    for n in 0..40 {
        signal[9_000 + n] = 1.2 * (PI * n as f64 / 40.0).sin();
    }
    let mut meter = TruePeak::new(2, 48_000).with_overs(1.0);
    meter.push(&Block { channels: vec![vec![0.0; 20_000], signal] });
    let overs = meter.take_overs();
    assert_eq!(overs.len(), 1);
    assert_eq!(overs[0].channel, 1);
    assert!((9_012..9_014).contains(&overs[0].start_frame) && (9_027..9_029).contains(&overs[0].end_frame));
    assert!((overs[0].peak_linear - 1.2).abs() < 1e-3);
    assert!(meter.take_overs().is_empty() && meter.last_overs().is_empty());
}

#[test]
fn block_size_does_not_change_a_bit() {
    let mut seed = 1u64;
    let signal: Vec<f64> = (0..5000)
        .map(|_| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect();
    let whole = measure(&signal, 44_100, 5000);
    for block in [1, 7, 64, 4096] {
        assert_eq!(whole.to_bits(), measure(&signal, 44_100, block).to_bits(), "blocks of {block}");
    }
}

#[test]
fn a_hard_cut_rings_outside_its_last_sample_and_that_counts() {
    // Ends on the samples of a tone between whose points the wave is higher.
    let signal = [0.0, 0.7, 0.7];
    assert!(measure(&signal, 44_100, 3) > 0.75);
}

#[test]
fn silence_nan_infinity_and_denormals_are_handled() {
    assert_eq!(measure(&[0.0; 1000], 44_100, 64), 0.0);
    assert_eq!(measure(&[], 44_100, 64), 0.0);
    assert_eq!(measure(&[f64::NAN; 100], 44_100, 64), 0.0);
    assert_eq!(measure(&[0.1, f64::NEG_INFINITY, 0.1], 44_100, 64), f64::INFINITY);
    let tiny = measure(&[f64::MIN_POSITIVE / 4.0; 300], 44_100, 64);
    assert!(tiny > 0.0 && tiny < 1e-300);
    assert!((measure(&[0.5], 44_100, 1) - 0.5).abs() < 1e-12);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Sums of tones up to 20 kHz with hard edges anywhere in the amplitude.
    #[test]
    fn never_under_the_reference_by_more_than_a_twentieth(
        parts in prop::collection::vec((20.0f64..20_000.0, 0.0f64..std::f64::consts::TAU, 0.05f64..1.0), 1..6),
        n in 300usize..1500,
    ) {
        let signal: Vec<f64> = (0..n)
            .map(|i| {
                let w = (PI * i as f64 / n as f64).sin();
                w * parts.iter().map(|(f, p, a)| a * (2.0 * PI * f * i as f64 / 44_100.0 + p).sin()).sum::<f64>()
            })
            .collect();
        let (own, reference) = (db(measure(&signal, 44_100, 512)), db(reference_16x(&signal)));
        prop_assert!(own >= reference - 0.05, "{} under {}", own, reference);
        prop_assert!(own <= reference + 0.08, "{} over {}", own, reference);
    }
}
