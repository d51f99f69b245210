//! Two files side by side: made-up pairs whose difference is known. What stands here holds for every one of them.

#![allow(clippy::disallowed_methods)]

mod render_kit;

use std::{f64::consts::PI, path::PathBuf};

use deadwax_dsp::{
    Block, Flow,
    compare::{self, Alignment, Pair, Relation},
    write::Encoding,
};
use render_kit::{Noise, save};
use tempfile::TempDir;

const RATE: u32 = 44_100;

/// Music with no two bars alike: notes of a random walk, noise bursts at random times, sides that differ.
fn tune(seed: u64, rate: u32, seconds: f64) -> Block {
    let n = (seconds * f64::from(rate)) as usize;
    let mut block = Block::new(2, n);
    let mut noise = Noise(seed | 1);
    let mut at = 0.0;
    while at < seconds {
        let hz = 110.0 * 2f64.powf((noise.next() * 18.0).round() / 12.0 + 1.0);
        let (pan, length, level) =
            (0.5 + 0.35 * noise.next(), 0.3 + 0.25 * noise.next().abs(), 0.12 + 0.06 * noise.next());
        let hit = noise.next() > 0.2;
        let from = (at * f64::from(rate)) as usize;
        for i in from..n.min(from + (length * f64::from(rate)) as usize) {
            let t = (i - from) as f64 / f64::from(rate);
            let shape = (-t / 0.18).exp() * (1.0 - (-t / 0.004).exp());
            let mut s = 0.0;
            for k in 1..8 {
                let partial = hz * f64::from(k) * (1.0 + 0.0003 * f64::from(k));
                if partial < 0.45 * f64::from(rate) {
                    s += (std::f64::consts::TAU * partial * t).sin() / f64::from(k);
                }
            }
            let burst = if hit { 0.5 * (-t / 0.02).exp() * noise.next() } else { 0.0 };
            block.channels[0][i] += level * (shape * s * (1.0 - pan) + burst);
            block.channels[1][i] += level * (shape * s * pan + 0.8 * burst);
        }
        at += 0.11 + 0.05 * noise.next().abs();
    }
    block
}

struct Desk {
    dir: TempDir,
    count: std::cell::Cell<usize>,
}

impl Desk {
    fn new() -> Desk {
        Desk { dir: TempDir::new().unwrap(), count: std::cell::Cell::new(0) }
    }

    fn file(&self, block: &Block, rate: u32, encoding: Encoding) -> PathBuf {
        self.count.set(self.count.get() + 1);
        save(
            &self.dir.path().join(format!("{}.{}", self.count.get(), encoding.extension())),
            block,
            rate,
            encoding,
        )
    }

    fn wav(&self, block: &Block) -> PathBuf {
        self.file(block, RATE, Encoding::Wav24)
    }

    fn pair(&self, a: &Block, b: &Block) -> Pair {
        compare::align(&self.wav(a), &self.wav(b), &mut |_| Flow::Go).unwrap()
    }

    fn aligned(&self, a: &Block, b: &Block) -> Alignment {
        self.pair(a, b).alignment().expect("they have much in common").clone()
    }
}

fn map(block: &Block, f: impl Fn(usize, usize, f64) -> f64) -> Block {
    let channels = block
        .channels
        .iter()
        .enumerate()
        .map(|(c, plane)| plane.iter().enumerate().map(|(i, s)| f(c, i, *s)).collect())
        .collect();
    Block { channels }
}

fn cut(block: &Block, from: usize, until: usize) -> Block {
    Block { channels: block.channels.iter().map(|c| c[from..until].to_vec()).collect() }
}

fn joined(parts: &[&Block]) -> Block {
    let channels = (0..parts[0].channels.len())
        .map(|c| parts.iter().flat_map(|p| p.channels[c].iter().copied()).collect())
        .collect();
    Block { channels }
}

/// `block` later by a fraction of a frame and at another pace, by a sinc of 64 taps: `out[i] = in(i * pace + start)`.
fn warped(block: &Block, start: f64, pace: f64) -> Block {
    let n = ((block.frames() as f64 - start - 70.0) / pace) as usize;
    let plane = |c: &Vec<f64>| {
        let sample = |i: usize| {
            let at = i as f64 * pace + start;
            let (whole, part) = (at.floor() as i64, at.fract());
            if part == 0.0 {
                return c[whole as usize];
            }
            // sin(pi (part - k)) differs from sin(pi part) in sign alone.
            let sine = (PI * part).sin();
            (-31..=32i64)
                .map(|k| {
                    let x = part - k as f64;
                    let sign = if k % 2 == 0 { sine } else { -sine };
                    let window = 0.5 + 0.5 * (PI * x / 32.5).cos();
                    c.get((whole + k) as usize).map_or(0.0, |s| s * sign / (PI * x) * window)
                })
                .sum()
        };
        (0..n).map(sample).collect()
    };
    Block { channels: block.channels.iter().map(plane).collect() }
}

#[test]
fn a_whole_offset_is_found_to_the_frame_and_polarity_with_it() {
    let desk = Desk::new();
    let song = tune(1, RATE, 20.0);
    for (late, sign) in [(0usize, 1.0), (1, 1.0), (12_345, 1.0), (12_345, -1.0)] {
        let b = joined(&[&Block::new(2, late), &map(&song, |_, _, s| sign * 0.7 * s)]);
        let found = desk.aligned(&song, &b);
        assert_eq!(found.whole_frames(), Some(late as i64), "{found:?}");
        assert_eq!(found.inverted, sign < 0.0);
        assert_eq!(found.drift_ppm, 0.0);
        assert!(found.confidence > 0.9, "{found:?}");
        assert!((found.gain_db - 20.0 * 0.7f64.log10()).abs() < 0.05, "{found:?}");
    }
    let early = desk.aligned(&song, &cut(&song, 100_000, song.frames()));
    assert_eq!(early.whole_frames(), Some(-100_000));
}

#[test]
fn a_fraction_of_a_frame_and_a_slow_clock_are_measured() {
    let desk = Desk::new();
    let song = tune(2, RATE, 40.0);
    let found = desk.aligned(&song, &warped(&song, 10.4, 1.0));
    assert!((found.offset_frames + 10.4).abs() < 0.01, "{found:?}");
    // A second of A lasts 30 millionths less in a file that is read 30 millionths faster.
    let found = desk.aligned(&song, &warped(&song, 0.0, 1.000_030));
    assert!((found.drift_ppm + 30.0).abs() < 0.3, "{found:?}");
    assert!(found.offset_frames.abs() < 0.1, "{found:?}");
}

#[test]
fn other_rates_are_converted() {
    let desk = Desk::new();
    let song = tune(3, RATE, 20.0);
    let mut resampler = deadwax_dsp::resample::Resampler::new(2, RATE, 48_000).unwrap();
    let mut up = Block::default();
    resampler.push(&song, &mut up).unwrap();
    resampler.finish(&mut up).unwrap();
    let late = joined(&[&Block::new(2, 4_800), &up]);
    let (a, b) = (desk.wav(&song), desk.file(&late, 48_000, Encoding::Wav24));
    let pair = compare::align(&a, &b, &mut |_| Flow::Go).unwrap();
    let found = pair.alignment().unwrap();
    assert_eq!((found.rate, found.whole_frames()), (RATE, Some(4_410)), "{found:?}");
    assert_eq!((pair.a.sample_rate, pair.b.sample_rate), (RATE, 48_000));
}

#[test]
fn nothing_in_common_is_said_so() {
    let desk = Desk::new();
    let (a, b) = (tune(4, RATE, 30.0), tune(51, RATE, 25.0));
    assert!(matches!(desk.pair(&a, &b).relation, Relation::Unrelated { .. }));
    let silence = Block::new(2, 50_000);
    assert!(matches!(desk.pair(&a, &silence).relation, Relation::Unrelated { .. }));
    assert_eq!(desk.pair(&silence, &silence).relation, Relation::Silent);
}

#[test]
fn an_instrumental_and_a_voice_are_both_found_in_their_sum() {
    let desk = Desk::new();
    let (band, voice) = (tune(6, RATE, 30.0), map(&tune(77, RATE, 30.0), |_, _, s| 0.4 * s));
    let sum = map(&band, |c, i, s| s + voice.channels[c][i]);
    for part in [&band, &voice] {
        let found = desk.aligned(&sum, &joined(&[&Block::new(2, 777), part]));
        assert_eq!(found.whole_frames(), Some(777), "{found:?}");
    }
}

#[test]
fn very_short_files_have_an_answer() {
    let desk = Desk::new();
    let song = tune(8, RATE, 2.0);
    for frames in [1usize, 2, 10, 100, 1_000, 10_000, 80_000] {
        let part = cut(&song, 1_000, 1_000 + frames);
        let pair = desk.pair(&part, &part);
        assert_eq!(pair.alignment().and_then(Alignment::whole_frames), Some(0), "{frames}: {pair:?}");
    }
}

#[test]
fn a_bar_that_was_added_and_an_intro_that_was_cut_make_pieces() {
    let desk = Desk::new();
    let song = tune(9, RATE, 60.0);
    let at = |s: f64| (s * f64::from(RATE)) as usize;
    let bar = tune(10, RATE, 2.5);
    let b = joined(&[&cut(&song, at(4.0), at(30.0)), &bar, &cut(&song, at(30.0), song.frames())]);
    let found = desk.aligned(&song, &b);
    assert_eq!(found.map.pieces.len(), 2, "{found:?}");
    assert_eq!(found.map.b_of_a(2.0), None);
    assert!((found.map.b_of_a(20.0).unwrap() - 16.0).abs() < 1e-4, "{found:?}");
    assert!((found.map.b_of_a(50.0).unwrap() - 48.5).abs() < 1e-4, "{found:?}");
}
