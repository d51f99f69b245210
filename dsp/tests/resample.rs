//! Conversion of the sample rate: length, place in time, level of the passband, distortion, aliases, and the same bits however it is run.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its signals may panic

use std::f64::consts::PI;

use deadwax_dsp::{
    Block, lanes,
    resample::{Phase, Resampler},
};
use proptest::prelude::*;

fn convert_all(channels: &[Vec<f64>], from: u32, to: u32, phase: Phase, block: usize) -> Vec<Vec<f64>> {
    let mut resampler = Resampler::with(channels.len(), from, to, phase).unwrap();
    let mut out = Block::default();
    let frames = channels[0].len();
    for start in (0..frames).step_by(block) {
        let end = (start + block).min(frames);
        let part = Block { channels: channels.iter().map(|c| c[start..end].to_vec()).collect() };
        resampler.push(&part, &mut out).unwrap();
    }
    resampler.finish(&mut out).unwrap();
    assert_eq!(out.channels.len(), channels.len());
    out.channels
}

fn convert(signal: &[f64], from: u32, to: u32) -> Vec<f64> {
    convert_all(&[signal.to_vec()], from, to, Phase::Linear, 4096).remove(0)
}

fn tone(rate: u32, hz: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.5 * (2.0 * PI * (hz * i as f64 / f64::from(rate)).fract()).sin()).collect()
}

fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn db(x: f64) -> f64 {
    20.0 * x.max(1e-300).log10()
}

fn expected_frames(n: usize, from: u32, to: u32) -> usize {
    ((n as u128 * u128::from(to) + u128::from(from) / 2) / u128::from(from)) as usize
}

/// Amplitude of the tone at `hz`, its phase, and the rest in decibels below it, by least squares over the middle half under a smooth window.
fn fit(signal: &[f64], rate: u32, hz: f64) -> (f64, f64, f64) {
    let range = signal.len() / 4..3 * signal.len() / 4;
    let w = |i: usize| (PI * (i - range.start) as f64 / range.len() as f64).sin().powi(4);
    let turn = |i: usize| 2.0 * PI * (hz * i as f64 / f64::from(rate)).fract();
    let mut rest: Vec<f64> = signal[range.clone()].to_vec();
    let (mut a, mut b) = (0.0, 0.0);
    // Twice: the second round takes away what rounding left of the first.
    for _ in 0..2 {
        let (mut ss, mut cc, mut sc, mut ys, mut yc) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for i in range.clone() {
            let (s, c, y) = (turn(i).sin(), turn(i).cos(), rest[i - range.start]);
            ss += w(i) * s * s;
            cc += w(i) * c * c;
            sc += w(i) * s * c;
            ys += w(i) * y * s;
            yc += w(i) * y * c;
        }
        let det = ss * cc - sc * sc;
        let (da, db) = ((ys * cc - yc * sc) / det, (yc * ss - ys * sc) / det);
        for i in range.clone() {
            rest[i - range.start] -= da * turn(i).sin() + db * turn(i).cos();
        }
        a += da;
        b += db;
    }
    let left: f64 = range.clone().map(|i| w(i) * rest[i - range.start].powi(2)).sum();
    let tone: f64 = range.clone().map(|i| w(i) * (a * turn(i).sin() + b * turn(i).cos()).powi(2)).sum();
    (a.hypot(b), b.atan2(a), 10.0 * (left / tone).log10())
}

/// On a common grid of moderate length (transforms), and without one (table of the filter): 44 101 is prime, 37 777 has a factor of 37 777.
const GRID: [(u32, u32); 8] = [
    (44_100, 48_000),
    (48_000, 44_100),
    (96_000, 44_100),
    (192_000, 48_000),
    (44_100, 88_200),
    (44_100, 192_000),
    (8_000, 44_100),
    (44_100, 11_025),
];
const ODD: [(u32, u32); 3] = [(44_100, 44_101), (37_777, 44_100), (96_000, 44_101)];

fn all_pairs() -> impl Iterator<Item = (u32, u32)> {
    GRID.into_iter().chain(ODD)
}

#[test]
fn the_length_is_exact_for_any_length() {
    for (from, to) in all_pairs().chain([(44_100, 44_100), (384_000, 8_000), (8_000, 384_000)]) {
        for n in [0usize, 1, 2, 3, 100, 511, 4096, 12_345] {
            let expected = expected_frames(n, from, to);
            assert_eq!(convert(&vec![0.1; n], from, to).len(), expected, "{n} frames, {from} to {to}");
        }
    }
}

#[test]
fn tones_keep_level_and_place_and_gain_no_distortion() {
    for (from, to) in all_pairs() {
        for share in [0.045, 0.455] {
            let low = f64::from(from.min(to));
            let hz = (low * share).round();
            let (amplitude, phase, rest) =
                fit(&convert(&tone(from, hz, from as usize / 2), from, to), to, hz);
            let level = db(amplitude / 0.5);
            assert!(level.abs() < 1e-6, "{hz} Hz, {from} to {to}: level {level} dB");
            // A millionth of a frame.
            let late = phase / (2.0 * PI * hz) * f64::from(to);
            assert!(late.abs() < 1e-6, "{hz} Hz, {from} to {to}: {late} frames late");
            assert!(rest < -180.0, "{hz} Hz, {from} to {to}: THD+N {rest} dB");
        }
    }
}

#[test]
fn the_passband_is_flat_and_the_cut_is_steep() {
    for (from, to) in [(96_000, 44_100), (44_100, 48_000), (44_100, 44_101)] {
        for phase in Phase::ALL {
            let response = |hz: f64| {
                let out = convert_all(&[tone(from, hz, 20_000)], from, to, phase, 4096).remove(0);
                db(fit(&out, to, hz).0 / 0.5)
            };
            for hz in [20.0, 100.0, 5_000.0, 15_000.0, 19_000.0, 20_000.0, 20_300.0] {
                let level = response(hz);
                let bound = if hz > 20_000.0 { 0.001 } else { 1e-4 };
                assert!(level.abs() < bound, "{hz} Hz, {phase:?}, {from} to {to}: {level} dB");
            }
            assert!((-0.1..0.0).contains(&response(20_600.0)), "{}", response(20_600.0));
            assert!((-3.5..-2.5).contains(&response(21_000.0)), "{}", response(21_000.0));
        }
    }
}

#[test]
fn what_does_not_fit_is_gone() {
    for (hz, from, to) in [
        (22_060.0, 96_000, 44_100),
        (23_000.0, 96_000, 44_100),
        (30_000.0, 96_000, 44_100),
        (44_000.0, 96_000, 44_100),
        (22_500.0, 48_000, 44_100),
        (24_010.0, 192_000, 48_000),
        (95_000.0, 192_000, 48_000),
        (22_100.0, 96_000, 44_101),
        (40_000.0, 96_000, 44_101),
    ] {
        for phase in Phase::ALL {
            let out = convert_all(&[tone(from, hz, from as usize / 2)], from, to, phase, 4096).remove(0);
            let middle = &out[out.len() / 4..3 * out.len() / 4];
            let rms = (middle.iter().map(|s| s * s).sum::<f64>() / middle.len() as f64).sqrt();
            let alias = db(rms / (0.5 / 2f64.sqrt()));
            assert!(alias < -179.5, "{hz} Hz, {phase:?}, {from} to {to} leaves {alias} dB");
        }
    }
}

#[test]
fn images_of_a_tone_stay_away() {
    // The rest under the tone holds all images: -180 dB as long as the tone itself is under the cut.
    for (from, to) in
        [(44_100, 96_000), (44_100, 44_101), (8_000, 48_000), (11_025, 44_100), (22_051, 96_000)]
    {
        for phase in Phase::ALL {
            let hz = f64::from(from) * 0.456;
            let out = convert_all(&[tone(from, hz, 40_000)], from, to, phase, 4096).remove(0);
            let rest = fit(&out, to, hz).2;
            assert!(rest < -180.0, "{from} to {to}, {phase:?}: {rest} dB");
        }
    }
}

#[test]
fn a_steady_level_stays_exactly_where_it_is() {
    for (from, to) in all_pairs() {
        for phase in Phase::ALL {
            let out = convert_all(&[vec![0.25; 30_000]], from, to, phase, 4096).remove(0);
            for s in &out[out.len() / 3..2 * out.len() / 3] {
                assert!((s / 0.25 - 1.0).abs() < 1e-9, "{from} to {to}, {phase:?}: {s}");
            }
        }
    }
}

#[test]
fn an_impulse_stays_in_its_place() {
    for (from, to) in [(96_000u32, 44_100u32), (44_100, 48_000), (96_000, 44_101), (44_100, 44_101)] {
        // At a frame that both rates have: one second.
        let (at, there) = (from as usize, to as usize);
        let mut signal = vec![0.0; from as usize * 5 / 4];
        signal[at] = 0.5;
        let linear = convert(&signal, from, to);
        let peak = |x: &[f64]| (0..x.len()).max_by(|a, b| x[*a].abs().total_cmp(&x[*b].abs())).unwrap();
        assert_eq!(peak(&linear), there, "{from} to {to}");
        for i in 1..400 {
            assert!((linear[there - i] - linear[there + i]).abs() < 1e-10, "{from} to {to}: not even at {i}");
        }
        let first = |x: &[f64]| {
            let least = 1e-3 * x[peak(x)].abs();
            x.iter().position(|s| s.abs() > least).unwrap()
        };
        // Ringing over -60 dB before the peak: 1.4 ms.
        let before = (there - first(&linear)) as f64 / f64::from(to);
        assert!(before < 0.001_5, "{before} s");
        let minimum = convert_all(&[signal], from, to, Phase::Minimum, 4096).remove(0);
        assert!(
            first(&minimum) + 1 >= there,
            "{from} to {to}: sounds {} frames early",
            there - first(&minimum)
        );
        let late = (peak(&minimum) - there) as f64 / f64::from(from.min(to));
        assert!((0.0..0.000_3).contains(&late), "{late} s");
        // What comes before its cause is at the level of the stop-band.
        assert!(minimum[..there - 8].iter().all(|s| s.abs() < 2e-9));
    }
}

#[test]
fn block_size_and_register_width_do_not_change_a_bit() {
    let channels: Vec<Vec<f64>> = (0..3).map(|c| noise(23_000, 1 + c)).collect();
    for (from, to) in [(96_000, 44_100), (44_100, 48_000), (48_000, 44_101)] {
        for phase in Phase::ALL {
            for count in [1, 3] {
                let input = &channels[..count];
                let whole = convert_all(input, from, to, phase, 23_000);
                for block in [61, 4096] {
                    assert!(
                        same(&whole, &convert_all(input, from, to, phase, block)),
                        "{from} to {to}, {block}"
                    );
                }
                for path in lanes::paths() {
                    lanes::force(Some(path));
                    assert!(
                        same(&whole, &convert_all(input, from, to, phase, 5000)),
                        "{from} to {to}, {path:?}"
                    );
                }
                lanes::force(None);
            }
        }
    }
}

fn same(a: &[Vec<f64>], b: &[Vec<f64>]) -> bool {
    let bits =
        |x: &[Vec<f64>]| x.iter().map(|c| c.iter().map(|s| s.to_bits()).collect()).collect::<Vec<Vec<u64>>>();
    bits(a) == bits(b)
}

#[test]
fn every_channel_is_converted_as_if_alone() {
    for (from, to) in [(96_000, 44_100), (44_100, 44_101)] {
        let channels: Vec<Vec<f64>> = (0..12).map(|c| noise(9_000, 20 + c)).collect();
        for count in [2, 3, 12] {
            let together = convert_all(&channels[..count], from, to, Phase::Linear, 1000);
            for (c, both) in together.iter().enumerate() {
                let alone = convert(&channels[c], from, to);
                let worst = both.iter().zip(&alone).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-14, "channel {c} of {count}: {worst}");
            }
        }
    }
}

#[test]
fn silence_stays_silence_and_equal_channels_stay_equal() {
    let loud = noise(30_000, 9);
    for (from, to) in [(96_000, 44_100), (44_100, 44_101)] {
        for silent in 0..2 {
            let mut channels = vec![loud.clone(), loud.clone()];
            channels[silent].fill(0.0);
            let out = convert_all(&channels, from, to, Phase::Linear, 4096);
            assert!(out[silent].iter().all(|s| *s == 0.0));
            assert!(out[1 - silent].iter().any(|s| *s != 0.0));
        }
        let out = convert_all(&[loud.clone(), loud.clone()], from, to, Phase::Linear, 4096);
        assert_eq!(out[0], out[1]);
    }
}

#[test]
fn what_is_not_a_number_counts_as_silence() {
    let clean = noise(9_000, 5);
    for (from, to) in [(96_000, 44_100), (44_100, 44_101)] {
        let (mut wild, mut zeroed) = (clean.clone(), clean.clone());
        for (at, bad) in
            [(0, f64::NAN), (4_000, f64::INFINITY), (4_001, f64::NEG_INFINITY), (8_999, f64::NAN)]
        {
            wild[at] = bad;
            zeroed[at] = 0.0;
        }
        let out = convert_all(&[wild, clean.clone()], from, to, Phase::Linear, 1000);
        assert!(same(&out, &convert_all(&[zeroed, clean.clone()], from, to, Phase::Linear, 1000)));
    }
}

#[test]
fn what_cannot_be_converted_is_refused() {
    for (channels, from, to) in [
        (2, 0, 44_100),
        (2, 44_100, 0),
        (0, 48_000, 44_100),
        (1, 1, u32::MAX),
        (1, u32::MAX, 1),
        (2, 8_000, 4_000_000),
    ] {
        let said = Resampler::new(channels, from, to).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("cannot be turned into"), "{said}");
    }
    let mut resampler = Resampler::new(2, 48_000, 44_100).unwrap();
    let mut out = Block::default();
    assert!(resampler.push(&Block::new(1, 10), &mut out).is_err());
    assert!(resampler.push(&Block { channels: vec![vec![0.0; 3], vec![0.0; 4]] }, &mut out).is_err());
    // A refused block leaves no trace.
    resampler.push(&Block::new(2, 480), &mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    assert_eq!(out.frames(), 441);
}

#[test]
fn tokens_name_the_phases() {
    for phase in Phase::ALL {
        assert_eq!(Phase::from_token(phase.token()), Some(phase));
    }
    assert_eq!(Phase::from_token("Linear"), None);
    assert_eq!(Phase::default(), Phase::Linear);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_rate_to_any_rate(from in 8_000u32..=384_000, to in 8_000u32..=384_000, n in 0usize..3_000, round in 0u32..3, minimum: bool) {
        // Rates of the trade as well as any other.
        let grain = [1, 25, 1_000][round as usize];
        let (from, to) = (from / grain * grain, to / grain * grain);
        let phase = if minimum { Phase::Minimum } else { Phase::Linear };
        let signal = noise(n, 77);
        let out = convert_all(&[signal], from, to, phase, 777).remove(0);
        prop_assert_eq!(out.len(), expected_frames(n, from, to));
        prop_assert!(out.iter().all(|s| s.abs() < 8.0));
    }

    #[test]
    fn a_low_tone_survives_between_any_rates(from in 8_000u32..=384_000, to in 8_000u32..=384_000) {
        let low = f64::from(from.min(to));
        let hz = low * 0.1;
        // Long enough for the filter, in frames of the lower rate.
        let n = (2_500.0 / low * f64::from(from)) as usize;
        let (amplitude, phase, rest) = fit(&convert(&tone(from, hz, n), from, to), to, hz);
        prop_assert!(db(amplitude / 0.5).abs() < 1e-6);
        prop_assert!((phase / (2.0 * PI * hz) * f64::from(to)).abs() < 1e-5);
        prop_assert!(rest < -180.0, "{}", rest);
    }
}
