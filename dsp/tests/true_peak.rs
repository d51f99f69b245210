//! The true-peak meter against EBU Tech 3341 (signals 15 to 19, synthesised here) and against a brute-force reference with a longer kernel.

#![allow(clippy::disallowed_methods)]

use std::f64::consts::PI;

use deadwax_dsp::{Block, true_peak::TruePeak};
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
