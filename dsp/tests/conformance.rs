//! The 67 checks of EBU Tech 3341:2023 and 3342:2023 whose signals can be made from their description, at 48 kHz and at four other rates, and the
//! K-curve of BS.1770-5 against the standard's own table. The authentic programmes (3341-7, -8, 3342-5, -6) are not ours to ship.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

use std::f64::consts::{PI, TAU};

use deadwax_dsp::measure::{Loudness, Meter};
use deadwax_dsp::true_peak::TruePeak;
use deadwax_dsp::{Block, Spec};

/// No divisor of anything, so that no step of the meter ends with a block.
const BLOCK: usize = 4099;

/// Stretches of (seconds, dBFS of each channel); silence for none.
type Stretches = Vec<(f64, Vec<f64>)>;

struct Checks {
    rate: u32,
    done: usize,
    failed: Vec<String>,
}

impl Checks {
    fn within(&mut self, name: &str, value: f64, wanted: f64, under: f64, over: f64) {
        self.done += 1;
        if !(wanted - under..=wanted + over).contains(&value) {
            self.failed.push(format!("{name} at {} Hz: {value:.3}, wanted {wanted}", self.rate));
        }
    }

    fn loudness(&mut self, name: &str, value: f64, wanted: f64) {
        self.within(name, value, wanted, 0.1, 0.1);
    }

    fn all_hold(&self, checks: usize) {
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
        assert_eq!(self.done, checks);
    }
}

fn stereo(stretches: &[(f64, f64)]) -> Stretches {
    stretches.iter().map(|(seconds, level)| (*seconds, vec![*level; 2])).collect()
}

const SILENT: f64 = f64::NEG_INFINITY;

/// A 1 kHz sine in phase in all channels, pushed in blocks; `after` is told the meter and the time in frames after each.
fn play(rate: u32, stretches: &Stretches, block: usize, mut after: impl FnMut(&Loudness, usize)) -> Loudness {
    let channels = stretches[0].1.len();
    let mut meter = Loudness::new(rate, channels);
    // A whole number of periods, so that no sine is computed twice.
    let period = rate as usize / gcd(1000, rate as usize);
    let sine: Vec<f64> = (0..period).map(|n| (TAU * 1000.0 * n as f64 / f64::from(rate)).sin()).collect();
    let ends: Vec<usize> = stretches
        .iter()
        .scan(0.0, |time, (seconds, _)| {
            *time += seconds;
            Some((*time * f64::from(rate)).round() as usize)
        })
        .collect();
    let mut sound = Block::default();
    let mut at = 0;
    while at < *ends.last().unwrap() {
        let stretch = ends.iter().position(|end| *end > at).unwrap();
        let take = block.min(ends[stretch] - at);
        sound.resize(channels, take);
        for (plane, level) in sound.channels.iter_mut().zip(&stretches[stretch].1) {
            let gain = 10f64.powf(level / 20.0);
            let wave = sine.iter().cycle().skip(at % period);
            plane.iter_mut().zip(wave).for_each(|(out, s)| *out = gain * s);
        }
        meter.push(&sound);
        at += take;
        after(&meter, at);
    }
    meter
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn loudness_of(rate: u32, stretches: &[(f64, f64)]) -> Loudness {
    play(rate, &stereo(stretches), BLOCK, |_, _| ())
}

/// 3341-1 to -6: integrated, 10 checks.
fn integrated(checks: &mut Checks) {
    for (name, level) in [("3341-1", -23.0), ("3341-2", -33.0)] {
        let meter = loudness_of(checks.rate, &[(20.0, level)]);
        let (momentary, short_term) = meter.now_lufs();
        checks.loudness(name, momentary.unwrap(), level);
        checks.loudness(name, short_term.unwrap(), level);
        checks.loudness(name, meter.integrated_lufs().unwrap(), level);
    }
    let cases: [(&str, &[(f64, f64)]); 3] = [
        ("3341-3", &[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)]),
        ("3341-4", &[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)]),
        ("3341-5", &[(20.0, -26.0), (20.1, -20.0), (20.0, -26.0)]),
    ];
    for (name, stretches) in cases {
        let meter = loudness_of(checks.rate, stretches);
        checks.loudness(name, meter.integrated_lufs().unwrap(), -23.0);
    }
    let surround = vec![(20.0, vec![-28.0, -28.0, -24.0, -30.0, -30.0])];
    let meter = play(checks.rate, &surround, BLOCK, |_, _| ());
    checks.loudness("3341-6", meter.integrated_lufs().unwrap(), -23.0);
}

/// 3341-9 to -14: windows, 44 checks.
fn windows(checks: &mut Checks) {
    let rate = checks.rate as usize;
    // Read every 10 ms: the value that is furthest off counts.
    let furthest = |stretches: &[(f64, f64)], from_s: usize, read: fn((Option<f64>, Option<f64>)) -> f64| {
        let mut worst = -23.0f64;
        play(rate as u32, &stereo(stretches), rate / 100, |meter, at| {
            let now = if at >= from_s * rate { read(meter.now_lufs()) } else { -23.0 };
            worst = if (now + 23.0).abs() > (worst + 23.0).abs() { now } else { worst };
        });
        worst
    };
    let nine = furthest(&[(1.34, -20.0), (1.66, -30.0)].repeat(5), 3, |now| now.1.unwrap());
    checks.loudness("3341-9", nine, -23.0);
    let twelve = furthest(&[(0.18, -20.0), (0.22, -30.0)].repeat(25), 1, |now| now.0.unwrap());
    checks.loudness("3341-12", twelve, -23.0);
    for i in 0..20 {
        let begin = f64::from(i);
        let meter = loudness_of(checks.rate, &[(begin * 0.15, SILENT), (3.0, -23.0), (1.0, SILENT)]);
        checks.loudness("3341-10", meter.levels().max_short_term_lufs, -23.0);
        let meter = loudness_of(checks.rate, &[(begin * 0.02, SILENT), (0.4, -23.0), (1.0, SILENT)]);
        checks.loudness("3341-13", meter.levels().max_momentary_lufs, -23.0);
    }
    // Each tone is 1 dB louder than the one before: the largest so far is its own.
    let risen = |length_s: f64, hop_s: f64, read: fn(&Loudness) -> f64| {
        let stretches: Vec<(f64, f64)> = (0..20)
            .flat_map(|i| {
                let begin = f64::from(i) * hop_s;
                [(begin, SILENT), (length_s, -38.0 + f64::from(i)), (length_s - begin, SILENT)]
            })
            .collect();
        let (mut worst, mut tone) = (0.0f64, 0);
        play(rate as u32, &stereo(&stretches), rate / 100, |meter, at| {
            if at >= ((f64::from(tone) + 1.0) * 2.0 * length_s * rate as f64).round() as usize {
                worst = worst.max((read(meter) - (-38.0 + f64::from(tone))).abs());
                tone += 1;
            }
        });
        assert_eq!(tone, 20);
        worst
    };
    checks.loudness("3341-11", risen(3.0, 0.15, |meter| meter.levels().max_short_term_lufs), 0.0);
    checks.loudness("3341-14", risen(0.4, 0.02, |meter| meter.levels().max_momentary_lufs), 0.0);
}

fn true_peak_dbtp(rate: u32, wave: &[f64]) -> f64 {
    let mut meter = TruePeak::new(2, rate);
    for part in wave.chunks(BLOCK) {
        meter.push(&Block { channels: vec![part.to_vec(); 2] });
    }
    20.0 * meter.peak_linear().log10()
}

fn fade(wave: &mut [f64], frames: usize) {
    let n = wave.len();
    for i in 0..frames {
        let gain = i as f64 / (frames - 1) as f64;
        wave[i] *= gain;
        wave[n - 1 - i] *= gain;
    }
}

/// 3341-15 to -23: true peaks, 9 checks.
fn true_peaks(checks: &mut Checks) {
    let rate = checks.rate as usize;
    let cases = [
        ("3341-15", 4.0, 0.0, 0.50, -6.0),
        ("3341-16", 4.0, 45.0, 0.50, -6.0),
        ("3341-17", 6.0, 60.0, 0.50, -6.0),
        ("3341-18", 8.0, 67.5, 0.50, -6.0),
        ("3341-19", 4.0, 45.0, 1.41, 3.0),
    ];
    for (name, period, degrees, amplitude, wanted) in cases {
        let mut wave: Vec<f64> = (0..rate)
            .map(|n| amplitude * (TAU * n as f64 / period + f64::to_radians(degrees)).sin())
            .collect();
        fade(&mut wave, rate / 100);
        checks.within(name, true_peak_dbtp(checks.rate, &wave), wanted, 0.4, 0.2);
    }
    // At four times the rate, low-passed to half the rate, then every fourth sample from each offset.
    let turn = |amplitude: f64, period: usize, n: usize| amplitude * (TAU * n as f64 / period as f64).sin();
    let side = rate / 24 * 24;
    let mut fine: Vec<f64> = (0..side).map(|n| turn(0.5, 24, n)).collect();
    fine.extend((0..16).map(|n| turn(1.0, 16, n)));
    fine.extend((0..side).map(|n| turn(0.5, 24, n)));
    fade(&mut fine, rate / 25);
    let half = 256i64;
    let mut low_pass: Vec<f64> = (-half..=half)
        .map(|k| {
            let t = k as f64 * PI / 4.0;
            let window = 0.42
                + 0.5 * (PI * k as f64 / half as f64).cos()
                + 0.08 * (TAU * k as f64 / half as f64).cos();
            if k == 0 { 1.0 } else { t.sin() / t * window }
        })
        .collect();
    let sum: f64 = low_pass.iter().sum();
    low_pass.iter_mut().for_each(|tap| *tap /= sum);
    for offset in 0..4 {
        let wave: Vec<f64> = (offset..fine.len())
            .step_by(4)
            .map(|at| {
                let first = at.saturating_sub(half as usize);
                let skipped = half as usize + first - at;
                fine[first..].iter().zip(&low_pass[skipped..]).map(|(x, h)| x * h).sum()
            })
            .collect();
        checks.within("3341-20 to -23", true_peak_dbtp(checks.rate, &wave), 0.0, 0.4, 0.2);
    }
}

/// 3342-1 to -4: range, 4 checks.
fn ranges(checks: &mut Checks) {
    let cases: [(&str, &[f64], f64); 4] = [
        ("3342-1", &[-20.0, -30.0], 10.0),
        ("3342-2", &[-20.0, -15.0], 5.0),
        ("3342-3", &[-40.0, -20.0], 20.0),
        ("3342-4", &[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    for (name, levels, wanted) in cases {
        let stretches: Vec<(f64, f64)> = levels.iter().map(|level| (20.0, *level)).collect();
        let range = loudness_of(checks.rate, &stretches).levels().range_lu;
        checks.within(name, range, wanted, 1.0, 1.0);
    }
}

fn whole_set(rate: u32) {
    let mut checks = Checks { rate, done: 0, failed: Vec::new() };
    integrated(&mut checks);
    windows(&mut checks);
    true_peaks(&mut checks);
    ranges(&mut checks);
    checks.all_hold(67);
}

#[test]
fn all_67_at_48_khz() {
    whole_set(48_000);
}

#[test]
fn all_67_at_44_1_khz() {
    whole_set(44_100);
}

#[test]
fn all_67_at_88_2_khz() {
    whole_set(88_200);
}

#[test]
fn all_67_at_96_khz() {
    whole_set(96_000);
}

#[test]
fn all_67_at_192_khz() {
    whole_set(192_000);
}

fn spec(rate: u32, channels: usize) -> Spec {
    let (container, codec) = ("wav", "pcm");
    Spec { sample_rate: rate, channels, bits: Some(32), float: true, frames: None, container, codec }
}

fn sine(rate: u32, hz: f64, amplitude: f64, seconds: f64) -> Vec<f64> {
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| amplitude * (TAU * hz * n as f64 / f64::from(rate)).sin())
        .collect()
}

#[test]
fn one_channel_is_3_01_lu_softer_than_two_and_997_hz_at_full_scale_reads_minus_3_01() {
    for rate in [44_100, 48_000, 96_000, 192_000] {
        let mut mono = Meter::new(&spec(rate, 1));
        mono.push(&Block { channels: vec![sine(rate, 997.0, 1.0, 5.0)] });
        let read = mono.finish().integrated_lufs;
        // The standard states its filters for 48 kHz; transformed to a higher rate they read up to 0.028 dB less at 1 kHz.
        assert!((read + 3.01).abs() < if rate > 48_000 { 0.03 } else { 0.01 }, "{read} at {rate} Hz");
    }
}

#[test]
fn float_above_full_scale_is_measured_as_it_is() {
    let tone = sine(48_000, 1000.0, 4.0, 5.0);
    let mut meter = Meter::new(&spec(48_000, 2));
    meter.push(&Block { channels: vec![tone; 2] });
    let read = meter.finish();
    let level = 20.0 * 4f64.log10();
    assert!((read.integrated_lufs - level).abs() < 0.1, "{}", read.integrated_lufs);
    assert!((read.true_peak_dbtp - level).abs() < 0.01, "{}", read.true_peak_dbtp);
}

/// The gain of the standard's own filters at 48 kHz (BS.1770-5 Annex 1, tables 1 and 2), in dB.
fn table_gain_db(hz: f64) -> f64 {
    let gain = |b: [f64; 3], a: [f64; 3]| {
        let w = TAU * hz / 48_000.0;
        let size = |c: [f64; 3]| {
            let re = c[0] + c[1] * w.cos() + c[2] * (2.0 * w).cos();
            let im = c[1] * w.sin() + c[2] * (2.0 * w).sin();
            re.hypot(im)
        };
        size(b) / size(a)
    };
    let shelf = gain(
        [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85],
        [1.0, -1.690_659_293_182_41, 0.732_480_774_215_85],
    );
    let pass = gain([1.0, -2.0, 1.0], [1.0, -1.990_047_454_833_98, 0.990_072_250_366_21]);
    20.0 * (shelf * pass).log10()
}

#[test]
fn the_k_curve_holds_from_25_hz_to_10_khz_at_every_rate() {
    for rate in [32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000, 384_000] {
        for hz in [25.0, 38.0, 60.0, 100.0, 200.0, 500.0, 1000.0, 1700.0, 2000.0, 4000.0, 6300.0, 10_000.0] {
            let mut meter = Loudness::new(rate, 1);
            meter.push(&Block { channels: vec![sine(rate, hz, 0.5, 4.0)] });
            // The window of 3 s begins after the filter has settled.
            let read = meter.now_lufs().1.unwrap();
            let wanted = -0.691 + table_gain_db(hz) + 20.0 * (0.5 / 2f64.sqrt()).log10();
            // Near half the rate, the transform to 32 kHz bends the shelf a little more than that to 48 kHz.
            let room = if rate < 44_100 && hz > 6000.0 { 0.2 } else { 0.1 };
            assert!((read - wanted).abs() < room, "{hz} Hz at {rate} Hz: {read:.3}, wanted {wanted:.3}");
        }
    }
}
