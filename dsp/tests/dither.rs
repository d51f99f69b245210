//! What rounding adds to the sound: the bars of "Quantization and Dither" measured on long stretches, and that neither blocks nor registers change it.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its signal may panic

use std::f64::consts::PI;

use deadwax_dsp::dither::{Dither, Quantiser};
use deadwax_dsp::{Block, lanes};
use proptest::prelude::*;

const RATE: usize = 44_100;
const LSB_16: f64 = 1.0 / 32_768.0;

fn quantised(dither: Dither, bits: u32, rate: u32, signal: &[f64]) -> Block {
    let mut block = Block { channels: vec![signal.to_vec(), signal.to_vec()] };
    Quantiser::with(2, bits, dither, rate).unwrap().process(&mut block);
    block
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// The power of `x` at a whole number of cycles in `period`, after the mean of all periods: what repeats stays, noise falls.
fn repeated_power(x: &[f64], period: usize, cycles: usize) -> f64 {
    let mut mean = vec![0.0; period];
    x.chunks_exact(period).for_each(|p| mean.iter_mut().zip(p).for_each(|(m, s)| *m += s));
    let periods = (x.len() / period) as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, m) in mean.iter().enumerate() {
        let angle = 2.0 * PI * (cycles * n % period) as f64 / period as f64;
        re += m / periods * angle.cos();
        im += m / periods * angle.sin();
    }
    2.0 * (re * re + im * im) / (period * period) as f64
}

fn errors(out: &[f64], signal: &[f64]) -> Vec<f64> {
    out.iter().zip(signal).map(|(y, x)| y - x).collect()
}

fn mean_square(x: &[f64]) -> f64 {
    x.iter().map(|s| s * s).sum::<f64>() / x.len() as f64
}

/// 1 kHz with a peak of one step of 16 bits (-90.31 dBFS), 40 s.
fn faint_tone() -> Vec<f64> {
    (0..40 * RATE).map(|n| LSB_16 * (2.0 * PI * 10.0 * (n % 441) as f64 / 441.0).sin()).collect()
}

/// Decibels against a full-scale sine.
const SINE: f64 = 0.5;

#[test]
fn a_tone_of_one_step_has_no_harmonics_and_keeps_its_level() {
    let tone = faint_tone();
    for (dither, most) in [(Dither::Tpdf, -140.0), (Dither::Shaped, -128.0)] {
        let out = quantised(dither, 16, 44_100, &tone);
        for c in &out.channels {
            let level = db(repeated_power(c, 441, 10) / SINE);
            assert!((level + 90.31).abs() < 0.05, "{dither}: the tone is at {level} dBFS");
            let worst = (2..20).map(|h| db(repeated_power(c, 441, 10 * h) / SINE)).fold(-300.0, f64::max);
            assert!(worst < most, "{dither}: harmonic at {worst} dBFS");
        }
    }
    // The measurement sees what rounding alone does to the same tone.
    let out = quantised(Dither::None, 16, 44_100, &tone);
    let worst =
        (2..20).map(|h| db(repeated_power(&out.channels[0], 441, 10 * h) / SINE)).fold(-300.0, f64::max);
    assert!(worst > -110.0, "{worst}");
}

#[test]
fn the_noise_is_as_loud_as_theory_says_and_its_own_in_each_channel() {
    let tone = faint_tone();
    // Rounding 1/12 and triangular noise 1/6 of a squared step, from 0 Hz to half the rate; 0.42 dB less between 20 Hz and 20 kHz.
    for (bits, expected) in [(16, -93.32), (24, -141.48)] {
        let out = quantised(Dither::Tpdf, bits, 44_100, &tone);
        let both: Vec<Vec<f64>> = out.channels.iter().map(|c| errors(c, &tone)).collect();
        for e in &both {
            let noise = db(mean_square(e) / SINE);
            assert!((noise - expected).abs() < 0.02, "{bits} bits: {noise} dBFS");
            let mean = e.iter().sum::<f64>() / e.len() as f64;
            assert!(mean.abs() < 0.002 * 2f64.powi(1 - bits as i32), "{bits} bits: offset {mean}");
            // White: no two frames hang together.
            for lag in [1, 2, 3, 8, 16, 512] {
                let product: f64 = e.iter().zip(&e[lag..]).map(|(a, b)| a * b).sum();
                let share = product / e.len() as f64 / mean_square(e);
                assert!(share.abs() < 0.004, "{bits} bits: {share} at {lag} frames");
            }
        }
        let product: f64 = both[0].iter().zip(&both[1]).map(|(a, b)| a * b).sum();
        let share = product / tone.len() as f64 / mean_square(&both[0]);
        assert!(share.abs() < 0.004, "{bits} bits: the channels hang together by {share}");
    }
}

#[test]
fn the_noise_does_not_breathe_with_the_signal() {
    // A constant between two steps comes out right on average, and its noise is as strong as on a step.
    for dither in [Dither::Tpdf, Dither::Shaped] {
        let levels: Vec<f64> = (0..=16)
            .map(|sixteenth| {
                let signal = vec![(10.0 + f64::from(sixteenth) / 16.0) * LSB_16; 400_000];
                let e = errors(&quantised(dither, 16, 44_100, &signal).channels[0], &signal);
                let mean = e.iter().sum::<f64>() / e.len() as f64 / LSB_16;
                assert!(mean.abs() < 0.004, "{dither}: {mean} steps off");
                db(mean_square(&e))
            })
            .collect();
        let spread = levels.iter().fold(-300.0, |a: f64, b| a.max(*b))
            - levels.iter().fold(300.0, |a: f64, b| a.min(*b));
        assert!(spread < 0.1, "{dither}: {spread} dB");
    }
}

#[test]
fn the_shape_is_the_published_one() {
    let silence = vec![0.0; 60 * RATE];
    let white = quantised(Dither::Tpdf, 16, 44_100, &silence);
    let shaped = quantised(Dither::Shaped, 16, 44_100, &silence);
    // |1 - sum c z^-k|^2 of the nine taps at these frequencies, worked out apart from the code.
    let taps = [2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847];
    let expected = |hz: f64| {
        let w = 2.0 * PI * hz / RATE as f64;
        let (re, im) = taps.iter().enumerate().fold((1.0, 0.0), |(re, im), (k, c)| {
            let angle = w * (k + 1) as f64;
            (re - c * angle.cos(), im + c * angle.sin())
        });
        db(re * re + im * im)
    };
    for hz in [500usize, 2000, 3500, 6000, 9000, 12_000, 16_000, 20_000] {
        let band = |x: &[f64]| {
            let hann = |n: usize| 1.0 - (2.0 * PI * n as f64 / 4410.0).cos();
            x.chunks_exact(4410)
                .map(|part| {
                    let windowed: Vec<f64> = part.iter().enumerate().map(|(n, s)| s * hann(n)).collect();
                    repeated_power(&windowed, 4410, hz / 10)
                })
                .sum::<f64>()
        };
        let gain = db(band(&shaped.channels[1]) / band(&white.channels[1]));
        // 600 stretches tell a level within about 0.3 dB.
        assert!(
            (gain - expected(hz as f64)).abs() < 1.0,
            "{hz} Hz: {gain} dB instead of {}",
            expected(hz as f64)
        );
    }
    // By the sum of the squared taps.
    let louder = db(mean_square(&shaped.channels[0]) / mean_square(&white.channels[0]));
    assert!((louder - 18.4).abs() < 0.2, "{louder}");
}

#[test]
fn neither_blocks_nor_registers_change_a_bit() {
    let signal: Vec<f64> = (0..10_000).map(|i| (f64::from(i) * 0.013).sin() * 1.2).collect();
    for (dither, bits) in
        [(Dither::Tpdf, 16), (Dither::Tpdf, 24), (Dither::Tpdf, 32), (Dither::Shaped, 16), (Dither::None, 20)]
    {
        let whole = quantised(dither, bits, 48_000, &signal);
        let scale = 2f64.powi(bits as i32 - 1);
        assert!(
            whole.channels.iter().flatten().all(|s| (s * scale).fract() == 0.0 && *s >= -1.0 && *s < 1.0)
        );
        for path in lanes::paths() {
            lanes::force(Some(path));
            for size in [1, 7, 512, 4099] {
                let mut quantiser = Quantiser::with(2, bits, dither, 48_000).unwrap();
                let mut parts = Block::new(2, 0);
                for part in signal.chunks(size) {
                    let mut block = Block { channels: vec![part.to_vec(), part.to_vec()] };
                    quantiser.process(&mut block);
                    parts.channels.iter_mut().zip(block.channels).for_each(|(all, c)| all.extend(c));
                }
                assert!(whole == parts, "{dither} {bits} bits in blocks of {size}, {path:?}");
            }
            lanes::force(None);
        }
    }
}

#[test]
fn clipping_does_not_throw_the_shaped_error_off() {
    // A tenth of a second far over full scale: afterwards the noise is what it would have been.
    let mut signal = vec![0.0; 200_000];
    signal[..4410].iter_mut().enumerate().for_each(|(n, s)| *s = if n % 40 < 20 { 8.0 } else { -8.0 });
    let out = quantised(Dither::Shaped, 16, 44_100, &signal);
    assert!(out.channels[0][..4410].iter().all(|s| *s == -1.0 || *s == 1.0 - LSB_16));
    let after = db(mean_square(&out.channels[0][4500..]) / SINE);
    assert!((after - (18.4 - 93.32)).abs() < 0.3, "{after} dBFS");
}

#[test]
fn shapes_are_refused_where_they_were_not_made_for() {
    for (bits, rate) in [(24, 44_100), (16, 96_000), (16, 8_000), (20, 48_000)] {
        let error = Quantiser::with(2, bits, Dither::Shaped, rate).unwrap_err().to_string();
        assert!(error.contains("16 bits") && error.contains(&rate.to_string()), "{error}");
        assert!(Quantiser::with(2, bits, Dither::Tpdf, rate).is_ok());
    }
    for bits in [0, 7, 33] {
        assert!(Quantiser::with(2, bits, Dither::Tpdf, 44_100).is_err());
    }
    for dither in Dither::ALL {
        assert_eq!(dither.token().parse::<Dither>().unwrap(), dither);
        assert_eq!(serde_json::to_string(&dither).unwrap(), format!("\"{dither}\""));
    }
    assert!("TPDF".parse::<Dither>().is_err());
    assert_eq!(Dither::default(), Dither::Tpdf);
}

proptest! {
    #[test]
    fn any_float_lands_on_the_grid(
        bits in 8u32..=32,
        which in 0usize..3,
        signal in prop::collection::vec(prop::num::f64::ANY, 1..50),
    ) {
        let dither = Dither::ALL[which];
        let bits = if dither == Dither::Shaped { 16 } else { bits };
        let out = quantised(dither, bits, 44_100, &signal);
        let scale = 2f64.powi(bits as i32 - 1);
        for s in out.channels.iter().flatten() {
            prop_assert!((s * scale).fract() == 0.0 && *s >= -1.0 && *s < 1.0, "{}", s);
        }
    }
}

#[test]
fn rounding_alone_gives_back_what_stood_on_the_grid() {
    let signal: Vec<f64> = (-32_768..32_768).map(|n| f64::from(n) / 32_768.0).collect();
    assert_eq!(quantised(Dither::None, 16, 44_100, &signal).channels[0], signal);
    assert_eq!(quantised(Dither::None, 24, 44_100, &signal).channels[1], signal);
}
