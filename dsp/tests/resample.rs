//! Conversion of the sample rate: length, place in time, level of the passband, distortion, aliases.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::f64::consts::PI;

use deadwax_dsp::{Block, resample::Resampler};

fn convert(signal: &[f64], from: u32, to: u32, block: usize) -> Vec<f64> {
    let mut resampler = Resampler::new(1, from, to).unwrap();
    let mut out = Block::new(1, 0);
    for part in signal.chunks(block) {
        resampler.push(&Block { channels: vec![part.to_vec()] }, &mut out).unwrap();
    }
    resampler.finish(&mut out).unwrap();
    out.channels.remove(0)
}

fn tone(rate: u32, hz: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.5 * (2.0 * PI * hz * i as f64 / f64::from(rate)).sin()).collect()
}

/// Amplitude of the tone at `hz`, its phase, and the rest in decibels below it, by least squares over the middle half under a smooth window.
fn fit(signal: &[f64], rate: u32, hz: f64) -> (f64, f64, f64) {
    let range = signal.len() / 4..3 * signal.len() / 4;
    let w = |i: usize| (PI * (i - range.start) as f64 / range.len() as f64).sin().powi(4);
    let (mut ss, mut cc, mut sc, mut ys, mut yc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let turn = |i: usize| 2.0 * PI * hz * i as f64 / f64::from(rate);
    for i in range.clone() {
        let (s, c, y) = (turn(i).sin(), turn(i).cos(), signal[i]);
        ss += w(i) * s * s;
        cc += w(i) * c * c;
        sc += w(i) * s * c;
        ys += w(i) * y * s;
        yc += w(i) * y * c;
    }
    let det = ss * cc - sc * sc;
    let (a, b) = ((ys * cc - yc * sc) / det, (yc * ss - ys * sc) / det);
    let rest: f64 =
        range.clone().map(|i| w(i) * (signal[i] - a * turn(i).sin() - b * turn(i).cos()).powi(2)).sum();
    let tone: f64 = range.clone().map(|i| w(i) * (a * turn(i).sin() + b * turn(i).cos()).powi(2)).sum();
    (a.hypot(b), b.atan2(a), 10.0 * (rest / tone).log10())
}

const PAIRS: [(u32, u32); 7] = [
    (48_000, 44_100),
    (96_000, 44_100),
    (44_100, 48_000),
    (44_100, 96_000),
    (96_000, 48_000),
    (192_000, 44_100),
    (88_200, 44_100),
];

#[test]
fn the_length_is_exact_for_any_length() {
    for (from, to) in PAIRS.into_iter().chain([(44_100, 44_100), (8_000, 44_100), (44_100, 11_025)]) {
        for n in [0usize, 1, 2, 3, 100, 511, 512, 4096, 12_345] {
            let expected = (n as f64 * f64::from(to) / f64::from(from)).round() as usize;
            assert_eq!(convert(&vec![0.1; n], from, to, 1000).len(), expected, "{n} frames, {from} to {to}");
        }
    }
}

#[test]
fn a_tone_keeps_its_level_its_place_and_gains_no_distortion() {
    for (from, to) in PAIRS {
        let (amplitude, phase, rest) =
            fit(&convert(&tone(from, 997.0, from as usize), from, to, 4096), to, 997.0);
        assert!((20.0 * (amplitude / 0.5).log10()).abs() < 0.001, "{from} to {to}: level {amplitude}");
        // A thousandth of a frame.
        let late = phase / (2.0 * PI * 997.0) * f64::from(to);
        assert!(late.abs() < 0.001, "{from} to {to}: {late} frames late");
        assert!(rest < -140.0, "{from} to {to}: THD+N {rest} dB");
    }
}

#[test]
fn the_passband_is_flat_to_20_khz() {
    for (from, to) in PAIRS {
        for hz in [20.0, 100.0, 5_000.0, 10_000.0, 15_000.0, 19_000.0, 20_000.0] {
            let (amplitude, _, _) = fit(&convert(&tone(from, hz, from as usize), from, to, 4096), to, hz);
            let db = 20.0 * (amplitude / 0.5).log10();
            assert!(db.abs() < 0.005, "{hz} Hz, {from} to {to}: {db} dB");
        }
    }
}

#[test]
fn what_does_not_fit_is_gone() {
    for (hz, from, to) in [
        (23_000.0, 96_000, 44_100),
        (30_000.0, 96_000, 44_100),
        (23_000.0, 48_000, 44_100),
        (40_000.0, 96_000, 48_000),
    ] {
        let out = convert(&tone(from, hz, from as usize), from, to, 4096);
        let middle = &out[out.len() / 4..3 * out.len() / 4];
        let rms = (middle.iter().map(|s| s * s).sum::<f64>() / middle.len() as f64).sqrt();
        assert!(20.0 * rms.log10() < -140.0, "{hz} Hz from {from} to {to} leaves {} dB", 20.0 * rms.log10());
    }
}

#[test]
fn block_size_does_not_change_a_bit() {
    let signal = tone(48_000, 440.0, 20_000);
    let whole = convert(&signal, 48_000, 44_100, 20_000);
    for block in [1, 7, 64, 4096] {
        assert!(
            whole
                .iter()
                .zip(convert(&signal, 48_000, 44_100, block))
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
    }
}

#[test]
fn a_rate_of_zero_is_refused_and_odd_rates_work() {
    assert!(Resampler::new(2, 0, 44_100).is_err());
    assert!(Resampler::new(0, 48_000, 44_100).is_err());
    assert_eq!(convert(&tone(37_777, 997.0, 37_777), 37_777, 44_100, 999).len(), 44_100);
}
