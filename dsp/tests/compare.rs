//! Two files side by side: made-up pairs whose difference is known. What stands here holds for every one of them.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod render_kit;
// The demo's song: its stems are known, and so is every change between two mixes of them.
#[allow(dead_code)]
#[path = "../../tests/src/song/mod.rs"]
mod song;

use std::{f64::consts::PI, path::PathBuf};

use deadwax_dsp::{
    Block, Flow,
    compare::{
        self, Alignment, Change, ChangeKind, Comparison, Hint, Pair, Piece, Place, Relation, Sameness,
        TimeMap,
    },
    write::Encoding,
};
use proptest::prelude::*;
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

    fn compared(&self, a: &Block, b: &Block) -> Comparison {
        compare::compare(&self.wav(a), &self.wav(b), &[], &mut |_| Flow::Go).unwrap()
    }

    fn with_stem(&self, a: &Block, b: &Block, name: &str, stem: &Block) -> Comparison {
        let stems = [(name.to_owned(), self.wav(stem))];
        compare::compare(&self.wav(a), &self.wav(b), &stems, &mut |_| Flow::Go).unwrap()
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

/// A factor between two times, with edges of ten milliseconds, one elsewhere.
fn ride(from_s: f64, until_s: f64, factor: f64) -> impl Fn(usize) -> f64 {
    move |i| {
        let t = i as f64 / f64::from(RATE);
        let inside = ((t - from_s) / 0.01).clamp(0.0, 1.0).min(((until_s - t) / 0.01).clamp(0.0, 1.0));
        1.0 + (factor - 1.0) * inside
    }
}

fn linear(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// A band and a voice in the middle that pauses, and both together.
fn band_and_voice(seconds: f64) -> (Block, Block, Block) {
    let band = tune(21, RATE, seconds);
    let sung = tune(33, RATE, seconds);
    let voice = map(&band, |_, i, _| {
        let phrase = (i as f64 / f64::from(RATE)) % 5.0;
        let open = (phrase / 0.1).clamp(0.0, 1.0).min(((4.0 - phrase) / 0.1).clamp(0.0, 1.0));
        0.35 * open * (sung.channels[0][i] + sung.channels[1][i])
    });
    let both = map(&band, |c, i, s| s + voice.channels[c][i]);
    (band, voice, both)
}

fn text(c: &Comparison) -> String {
    format!("{:#?}", (&c.words, &c.changes, &c.edits, c.gain_db, c.residual_db))
}

#[test]
fn a_file_against_itself_is_exact() {
    let desk = Desk::new();
    let song = tune(11, RATE, 12.0);
    let c = desk.compared(&song, &song);
    assert_eq!(c.same, Sameness::Identical);
    assert_eq!((c.residual_db, c.gain_db, c.offset_frames), (None, Some(0.0), Some(0.0)));
    assert!(c.changes.is_empty() && c.edits.is_empty(), "{}", text(&c));
    assert_eq!(c.time_map.b_of_a(7.0), Some(7.0));
}

#[test]
fn level_polarity_place_and_rate_are_no_change_of_the_music() {
    let desk = Desk::new();
    let song = tune(12, RATE, 20.0);
    let softer = map(&song, |_, _, s| -s * linear(-3.1));
    let c = desk.compared(&song, &softer);
    assert_eq!(c.same, Sameness::Matched, "{}", text(&c));
    assert!((c.gain_db.unwrap() + 3.1).abs() < 0.001 && c.polarity == Some(-1), "{}", text(&c));
    assert!(c.residual_db.unwrap() < -100.0, "{}", text(&c));
    let late = desk.compared(&song, &warped(&song, 3.3, 1.0));
    assert_eq!(late.same, Sameness::Matched, "{}", text(&late));
    let slow = desk.compared(&song, &warped(&song, 0.0, 1.000_03));
    assert_eq!(slow.same, Sameness::Matched, "{}", text(&slow));
    assert!((slow.drift_ppm.unwrap() + 30.0).abs() < 0.05);
}

#[test]
fn dither_and_coding_are_told_from_changes() {
    let desk = Desk::new();
    let song = tune(13, RATE, 20.0);
    let a = desk.wav(&song);
    let short =
        compare::compare(&a, &desk.file(&song, RATE, Encoding::Wav16), &[], &mut |_| Flow::Go).unwrap();
    assert_eq!(short.same, Sameness::Noise, "{}", text(&short));
    // Rounding to 16 bits leaves the 12th of a step squared: -98 dBFS of a full-scale square.
    assert!((short.residual_dbfs.unwrap() + 101.1).abs() < 6.0, "{}", text(&short));
    let song = tune(13, 48_000, 20.0);
    let a = desk.file(&song, 48_000, Encoding::Wav24);
    let b = desk.file(&song, 48_000, Encoding::Opus160);
    let coded = compare::compare(&a, &b, &[], &mut |_| Flow::Go).unwrap();
    assert_eq!(coded.same, Sameness::Lossy, "{}", text(&coded));
    assert!(coded.changes.is_empty(), "{}", text(&coded));
}

#[test]
fn an_equaliser_in_a_part_of_the_song_is_placed_and_sized() {
    let desk = Desk::new();
    let song = tune(14, RATE, 40.0);
    // A bell of 3 dB at 2 kHz, two octaves wide (Audio EQ Cookbook), faded in at 15 s and out at 24 s.
    let (w, a) = (std::f64::consts::TAU * 2_000.0 / f64::from(RATE), linear(1.5));
    let alpha = w.sin() / (2.0 * 0.9);
    let (b0, b2) = (1.0 + alpha * a, 1.0 - alpha * a);
    let (a0, a1, a2) = (1.0 + alpha / a, -2.0 * w.cos(), 1.0 - alpha / a);
    let mut bell = song.clone();
    for plane in &mut bell.channels {
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for s in plane.iter_mut() {
            let y = (b0 * *s + a1 * x1 + b2 * x2 - a1 * y1 - a2 * y2) / a0;
            (x2, x1, y2, y1) = (x1, *s, y1, y);
            *s = y;
        }
    }
    let mix = ride(15.0, 24.0, 0.0);
    let b = map(&song, |c, i, s| mix(i) * s + (1.0 - mix(i)) * bell.channels[c][i]);
    let found = desk.compared(&song, &b);
    let [change] = &found.changes[..] else { panic!("one change: {}", text(&found)) };
    assert_eq!(change.kind, ChangeKind::Level);
    assert!((change.start_s - 15.0).abs() < 0.25 && (change.end_s - 24.0).abs() < 0.25, "{change:?}");
    assert!(
        (900.0..2_000.0).contains(&change.low_hz) && (2_000.0..5_000.0).contains(&change.high_hz),
        "{change:?}"
    );
    assert!((change.change_db - 3.0).abs() < 0.6, "{change:?}");
    // The whole song through the same bell: a line for each band that differs from the one beside it, none of them local.
    let whole = desk.compared(&song, &bell);
    assert!(whole.changes.len() <= 12 && whole.changes.iter().all(|c| c.whole_song), "{}", text(&whole));
}

#[test]
fn half_a_decibel_on_a_voice_is_found_placed_and_sized() {
    let desk = Desk::new();
    let (_, voice, a) = band_and_voice(40.0);
    let gain = ride(20.0, 29.0, linear(0.5));
    let b = map(&a, |c, i, s| s + (gain(i) - 1.0) * voice.channels[c][i]);
    let near = |change: &Change, places: &str| {
        assert!((change.part_db.unwrap() - 0.5).abs() < 0.1, "{places}: {change:?}");
        assert!(
            (change.start_s - 20.0).abs() < 0.3 && (change.end_s - 29.0).abs() < 0.3,
            "{places}: {change:?}"
        );
    };
    let alone = desk.compared(&a, &b);
    let [change] = &alone.changes[..] else { panic!("one change: {}", text(&alone)) };
    near(change, "from the mixes alone");
    assert_eq!((change.kind, change.place), (ChangeKind::Part, Place::Centre));
    let solved = desk.with_stem(&a, &b, "the a cappella", &voice);
    let [change] = &solved.changes[..] else { panic!("one change: {}", text(&solved)) };
    assert!((change.part_db.unwrap() - 0.5).abs() < 0.01, "{change:?}");
    near(change, "given the stem");
    assert_eq!(change.stem.as_deref(), Some("the a cappella"));
    let score = compare::score(&solved, 21.0, 27.0, Some(&Hint::Stem("the a cappella".into())));
    assert!(score.changed && score.certainty > 0.5, "{score:?}");
    let elsewhere = compare::score(&solved, 5.0, 9.0, None);
    assert!(!elsewhere.changed && elsewhere.words == "no change found", "{elsewhere:?}");
}

/// A bass below the others, a voice and background voices in the middle, each of its own notes; and everything together.
fn four_parts(seed: u64, seconds: f64) -> (Block, Block, Block, Block) {
    let (band, lead, backing) =
        (tune(seed, RATE, seconds), tune(seed + 40, RATE, seconds), tune(seed + 80, RATE, seconds));
    let middle = |block: &Block, level: f64| {
        map(block, |_, i, _| level * (block.channels[0][i] + block.channels[1][i]))
    };
    let mut noise = Noise(seed + 7);
    let roots: Vec<f64> =
        (0..seconds as usize + 1).map(|_| 41.0 * 2f64.powf((noise.next() * 5.0).round() / 12.0)).collect();
    let bass = map(&band, |_, i, _| {
        let t = i as f64 / f64::from(RATE);
        let (root, within) = (roots[t as usize], t.fract());
        let shape = (within / 0.02).min(1.0) * ((1.0 - within) / 0.05).min(1.0);
        (1..4).map(|k| 0.2 / f64::from(k) * shape * (2.0 * PI * root * f64::from(k) * within).sin()).sum()
    });
    (band, bass, middle(&lead, 0.35), middle(&backing, 0.2))
}

fn mixed(parts: &[(&Block, f64)]) -> Block {
    map(parts[0].0, |c, i, _| parts.iter().map(|(p, g)| g * p.channels[c][i]).sum())
}

#[test]
fn two_parts_moved_at_once_are_two_statements_and_nothing_false() {
    let desk = Desk::new();
    let (band, bass, lead, backing) = four_parts(91, 30.0);
    let a = mixed(&[(&band, 1.0), (&bass, 1.0), (&lead, 1.0), (&backing, 1.0)]);
    let gain = ride(15.0, 24.0, linear(2.0));
    let softer = mixed(&[(&band, 1.0), (&bass, linear(-0.5)), (&lead, 1.0), (&backing, 1.0)]);
    let b = map(&softer, |c, i, s| s + (gain(i) - 1.0) * lead.channels[c][i]);
    let stems = [("lead".to_owned(), desk.wav(&lead)), ("backing".to_owned(), desk.wav(&backing))];
    let c = compare::compare(&desk.wav(&a), &desk.wav(&b), &stems, &mut |_| Flow::Go).unwrap();
    assert_eq!(c.changes.len(), 2, "{}", text(&c));
    let (bass, lead) = (&c.changes[0], &c.changes[1]);
    assert!(bass.whole_song && bass.stem.is_none() && bass.high_hz < 400.0, "{}", text(&c));
    let db = bass.part_db.unwrap_or(bass.change_db);
    assert!((db + 0.5).abs() < 0.15, "{}", text(&c));
    assert_eq!(lead.stem.as_deref(), Some("lead"));
    assert!((lead.part_db.unwrap() - 2.0).abs() < 0.05, "{lead:?}");
    assert!((lead.start_s - 15.0).abs() < 0.3 && (lead.end_s - 24.0).abs() < 0.3, "{lead:?}");
}

/// Parts that are no stem move, by seeds of their own: of the stems, which stand as they were, nothing may be told.
#[test]
fn nothing_is_told_of_stems_that_stand_as_they_were() {
    for seed in 1..=5u64 {
        let desk = Desk::new();
        let (band, bass, lead, backing) = four_parts(100 + 13 * seed, 12.0);
        let a = mixed(&[(&band, 1.0), (&bass, 1.0), (&lead, 1.0), (&backing, 1.0)]);
        let (db, from) = (seed as f64 - 3.5, seed as f64);
        let ride = ride(from, from + 4.0, linear(2.0 * db));
        let b = map(&a, |c, i, s| {
            s + (linear(db) - 1.0) * bass.channels[c][i] + (ride(i) - 1.0) * band.channels[c][i]
        });
        let stems = [("lead".to_owned(), desk.wav(&lead)), ("backing".to_owned(), desk.wav(&backing))];
        let c = compare::compare(&desk.wav(&a), &desk.wav(&b), &stems, &mut |_| Flow::Go).unwrap();
        assert!(!c.changes.is_empty(), "seed {seed}: {}", text(&c));
        assert!(c.changes.iter().all(|x| x.stem.is_none()), "seed {seed}: {}", text(&c));
        assert!(c.changes.len() <= 8, "seed {seed}: {}", text(&c));
    }
}

#[test]
fn the_demos_lead_is_found_in_the_mixes_and_in_the_stems() {
    let stems = song::arrange();
    let settings = song::MixSettings::FIRST;
    let half = song::MixSettings { lead_last_chorus_db: settings.lead_last_chorus_db + 0.5, ..settings };
    let desk = Desk::new();
    let file = |block: &Block| desk.file(block, song::RATE_HZ, Encoding::Wav24);
    let (a, b) = (file(&song::mix(&stems, settings, "main")), file(&song::mix(&stems, half, "main")));
    let acap = file(&song::mix(&stems, settings, "a-cappella"));
    let (start, end) = (stems.last_chorus.start as f64 / 48_000.0, stems.last_chorus.end as f64 / 48_000.0);
    for given in [vec![], vec![("the a cappella".to_owned(), acap)]] {
        let c = compare::compare(&a, &b, &given, &mut |_| Flow::Go).unwrap();
        let [change] = &c.changes[..] else { panic!("one change: {}", text(&c)) };
        assert!((change.part_db.unwrap() - 0.5).abs() < 0.1, "{change:?}");
        // The last note ends before the chorus does.
        assert!(
            (change.start_s - start).abs() < 0.3 && (change.end_s - end).abs() < 1.0,
            "{change:?} {start} {end}"
        );
        assert_eq!(change.stem.is_some(), !given.is_empty());
    }
}

#[test]
fn a_word_taken_out_and_a_word_sung_anew_are_found() {
    let desk = Desk::new();
    let (_, voice, a) = band_and_voice(30.0);
    let gone = ride(11.5, 12.3, 0.0);
    let other = tune(45, RATE, 30.0);
    let muted = map(&a, |c, i, s| s - (1.0 - gone(i)) * voice.channels[c][i]);
    let c = desk.compared(&a, &muted);
    let [change] = &c.changes[..] else { panic!("one change: {}", text(&c)) };
    assert!((change.start_s - 11.5).abs() < 0.25 && (change.end_s - 12.3).abs() < 0.25, "{change:?}");
    assert!(change.kind == ChangeKind::Removed || change.part_db.is_some_and(|p| p < -9.0), "{change:?}");
    let anew =
        map(&muted, |c, i, s| s + (1.0 - gone(i)) * 0.35 * (other.channels[0][i] + other.channels[c][i]));
    let c = desk.compared(&a, &anew);
    assert!(!c.changes.is_empty() && c.changes.len() <= 2, "{}", text(&c));
    assert!(
        (c.changes[0].start_s - 11.5).abs() < 0.25 && (c.changes[0].end_s - 12.3).abs() < 0.25,
        "{}",
        text(&c)
    );
}

#[test]
fn cuts_are_placed_within_milliseconds() {
    let desk = Desk::new();
    let song = tune(15, RATE, 50.0);
    let at = |s: f64| (s * f64::from(RATE)) as usize;
    let bar = tune(61, RATE, 2.5);
    let intro = desk.compared(&song, &cut(&song, at(4.0), song.frames()));
    let [edit] = &intro.edits[..] else { panic!("one edit: {}", text(&intro)) };
    assert!(edit.a_s == 0.0 && (edit.removed_s - 4.0).abs() < 0.001 && edit.inserted_s == 0.0, "{edit:?}");
    assert_eq!((intro.residual_db, intro.offset_frames), (None, Some(-176_400.0)));
    let added = desk
        .compared(&song, &joined(&[&cut(&song, 0, at(20.0)), &bar, &cut(&song, at(20.0), song.frames())]));
    let [edit] = &added.edits[..] else { panic!("one edit: {}", text(&added)) };
    assert!((edit.a_s - 20.0).abs() < 0.003 && (edit.inserted_s - 2.5).abs() < 0.003, "{edit:?}");
    assert!(edit.removed_s < 0.003 && added.changes.is_empty(), "{}", text(&added));
    let moved = joined(&[
        &cut(&song, 0, at(12.0)),
        &cut(&song, at(22.0), at(40.0)),
        &cut(&song, at(12.0), at(22.0)),
        &cut(&song, at(40.0), song.frames()),
    ]);
    let c = desk.compared(&song, &moved);
    let [out, back] = &c.edits[..] else { panic!("out and back in: {}", text(&c)) };
    assert!((out.a_s - 12.0).abs() < 0.003 && (out.removed_s - 10.0).abs() < 0.003, "{out:?}");
    assert!((back.a_s - 40.0).abs() < 0.003 && (back.inserted_s - 10.0).abs() < 0.003, "{back:?}");
    assert_eq!(c.time_map.b_of_a(15.0), None);
    assert!((c.time_map.b_of_a(25.0).unwrap() - 15.0).abs() < 1e-6);
}

#[test]
fn a_limiter_is_one_line() {
    let desk = Desk::new();
    let song = tune(16, RATE, 30.0);
    let held: Vec<f64> =
        (0..song.frames()).map(|i| song.channels[0][i].abs().max(song.channels[1][i].abs())).collect();
    let peak = held.iter().copied().fold(0.0, f64::max);
    let mut gain = vec![1.0f64; song.frames()];
    for (i, height) in held.iter().enumerate() {
        let wanted = (0.45 * peak / height.max(1e-9)).min(1.0);
        if wanted < 1.0 {
            for (k, g) in gain[i.saturating_sub(300)..(i + 2_000).min(held.len())].iter_mut().enumerate() {
                let close = 1.0 - (k as f64 - 300.0).max(0.0) / 1_700.0;
                *g = g.min(1.0 - (1.0 - wanted) * close.clamp(0.0, 1.0));
            }
        }
    }
    let c = desk.compared(&song, &map(&song, |_, i, s| s * gain[i]));
    assert!(c.changes.iter().any(|x| x.kind == ChangeKind::Limited), "{}", text(&c));
    assert!(c.changes.len() <= 4, "{}", text(&c));
}

#[test]
fn mono_silence_and_nothing_in_common_have_answers() {
    let desk = Desk::new();
    let song = tune(17, RATE, 15.0);
    let mono = Block {
        channels: vec![song.channels[0].iter().zip(&song.channels[1]).map(|(l, r)| 0.5 * (l + r)).collect()],
    };
    let c = desk.compared(&song, &mono);
    assert!(c.residual_db.unwrap() < -90.0 && c.changes.is_empty(), "{}", text(&c));
    let silence = Block::new(2, 44_100);
    assert_eq!(desk.compared(&silence, &silence).same, Sameness::Silent);
    let apart = desk.compared(&song, &tune(71, RATE, 15.0));
    assert_eq!((apart.same, apart.gain_db, apart.offset_frames), (Sameness::Unrelated, None, None));
    assert_eq!(apart.words, ["These two files have nothing in common."]);
    let json = serde_json::to_string(&c).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap().edits, c.edits);
}

proptest! {
    #[test]
    fn the_time_map_goes_there_and_back(
        lengths in prop::collection::vec((0.1f64..20.0, 0.0f64..5.0, 0.0f64..5.0), 1..6),
        ppm in -100.0f64..100.0,
        at in 0.0f64..1.0,
    ) {
        let (mut a_s, mut b_s, mut pieces) = (0.0, 0.0, Vec::new());
        let pace = 1.0 + ppm * 1e-6;
        for (length, gap_a, gap_b) in lengths {
            (a_s, b_s) = (a_s + gap_a, b_s + gap_b);
            let piece = Piece { a_s, a_end_s: a_s + length, b_s, pace };
            (a_s, b_s) = (piece.a_end_s, piece.b_end_s());
            pieces.push(piece);
        }
        let map = TimeMap { pieces };
        let t = at * a_s;
        let inside = map.pieces.iter().any(|p| t >= p.a_s && t < p.a_end_s);
        let there = map.b_of_a(t);
        prop_assert!(there.is_some() || !inside);
        if let Some(back) = there.and_then(|b| map.a_of_b(b)) {
            prop_assert!((back - t).abs() < 1e-9, "{t} {back}");
        }
        // Later in A is later in B, and the nearest place always exists.
        let (one, other) = (map.nearest_b_of_a(t), map.nearest_b_of_a(t + 0.5));
        prop_assert!(one.is_some() && other.is_some());
    }
}
