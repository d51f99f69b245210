//! A record over its joints: against the sum of its songs, each where the timeline has it.

use std::sync::Arc;

use deadwax_client::play::{AlbumItem, Deck, EngineOrder, Frame, HeardRange, Loaded, Shape, Sound};
use deadwax_dsp::{
    album::{Song, Timeline},
    processors::fade,
};
use proptest::prelude::*;

use crate::kit::{FADE, Patchy, RATE, ask, item, noise, playing, pull};

fn record(items: Vec<AlbumItem>, songs: &[Arc<Patchy>]) -> Box<Loaded> {
    let sounds = songs.iter().map(|song| song.clone() as Arc<dyn Sound>).collect();
    Box::new(Loaded::new(Deck::Album { items }, sounds, RATE).unwrap())
}

fn songs(lengths: &[usize]) -> Vec<Arc<Patchy>> {
    lengths.iter().enumerate().map(|(n, len)| Patchy::new(noise(*len, n as u64 + 10), 1_000)).collect()
}

/// The same joints, at 48 frames a millisecond.
fn timeline(items: &[AlbumItem], songs: &[Arc<Patchy>]) -> Timeline {
    let frames = |ms: u32| u64::from(ms) * 48;
    let song = |(item, song): (&AlbumItem, &Arc<Patchy>)| Song {
        frames: song.frames.len() as u64,
        trim_in: frames(item.trim_in_ms),
        trim_out: frames(item.trim_out_ms),
        gap: frames(item.gap_ms),
        crossfade: frames(item.crossfade_ms),
        fade_in: frames(item.fade_in_ms),
        fade_out: frames(item.fade_out_ms),
        shape: match item.shape {
            Shape::EqualPower => fade::Shape::EqualPower,
            Shape::Linear => fade::Shape::Linear,
            Shape::Exponential => fade::Shape::Exponential,
        },
        gain_db: item.gain_db,
    };
    Timeline::new(&items.iter().zip(songs).map(song).collect::<Vec<_>>())
}

fn naive(line: &Timeline, songs: &[Arc<Patchy>], at: u64) -> [f64; 2] {
    let mut sum = [0.0; 2];
    for (index, song) in songs.iter().enumerate() {
        let placed = line.songs()[index];
        let t = at.checked_sub(placed.start).filter(|t| *t < placed.frames);
        if let Some(frame) = t.and_then(|t| song.frames.get((placed.trim_in + t) as usize)) {
            let gain = line.gain_at(index, at);
            sum[0] += f64::from(frame[0]) * gain;
            sum[1] += f64::from(frame[1]) * gain;
        }
    }
    sum
}

#[test]
fn songs_without_a_gap_join_to_the_bit() {
    let songs = songs(&[5_000, 7_001, 3_000]);
    let mut engine = playing(record(vec![item(0, 0); 3], &songs), 0);
    let out = pull(&mut engine, 15_001);
    let whole: Vec<Frame> = songs.iter().flat_map(|song| song.frames.clone()).collect();
    assert_eq!(out, whole);
    assert!(!engine.now().playing);
}

#[test]
fn the_song_that_sounds_is_told_and_what_was_heard_of_each() {
    let songs = songs(&[9_600, 9_600, 9_600]);
    let items = vec![item(0, 0), item(100, 0), item(0, 50)];
    let mut engine = playing(record(items, &songs), 0);
    // 9600, 4800 of silence, 9600; the third comes 2400 before the end of the second.
    for (frames, heard) in [(9_600, 0), (4_799, 0), (1, 1), (7_199, 1), (1, 2)] {
        pull(&mut engine, frames);
        assert_eq!(engine.now().heard, heard, "at {}", engine.now().at);
    }
    pull(&mut engine, 1_000);
    let mut heard = Vec::new();
    engine.take_heard(&mut heard);
    let range = |track, to| HeardRange { track, from: 0, to };
    assert_eq!(heard, [range(0, 9_600), range(1, 8_200), range(2, 1_000)]);
    assert_eq!(engine.status().frames, 9_600 * 3 + 4_800 - 2_400);
}

#[test]
fn what_is_cut_is_neither_heard_nor_told_as_heard() {
    let songs = songs(&[9_600, 9_600]);
    let cut = AlbumItem { trim_in_ms: 50, trim_out_ms: 100, ..item(0, 0) };
    let mut engine = playing(record(vec![cut.clone(), cut], &songs), 0);
    assert_eq!(engine.status().frames, 2 * 2_400);
    assert_eq!(songs[0].wanted.lock().unwrap().first(), Some(&2_400), "asked for from where it sounds");
    let out = pull(&mut engine, 4_800);
    let left: Vec<Frame> = songs.iter().flat_map(|song| song.frames[2_400..4_800].to_vec()).collect();
    assert_eq!(out, left);
    let mut heard = Vec::new();
    engine.take_heard(&mut heard);
    let range = |track| HeardRange { track, from: 2_400, to: 4_800 };
    assert_eq!(heard, [range(0), range(1)], "of the files");
}

#[test]
fn a_choice_on_a_record_goes_to_the_beginning_of_the_song() {
    let songs = songs(&[9_600, 9_600]);
    let mut engine = playing(record(vec![item(0, 0), item(1_000, 0)], &songs), 0);
    pull(&mut engine, 100);
    ask(&mut engine, EngineOrder::Switch(1));
    assert_eq!(engine.now().at, 57_600);
    assert_eq!(pull(&mut engine, 4_000)[FADE..], songs[1].frames[FADE..4_000]);
}

#[test]
fn the_next_song_is_asked_for_before_its_joint_and_waited_for_in_a_crossfade() {
    let songs = songs(&[96_000, 96_000]);
    let mut engine = playing(record(vec![item(0, 0), item(0, 100)], &songs), 0);
    pull(&mut engine, 1_000);
    assert_eq!(songs[1].wanted.lock().unwrap().first(), Some(&0), "2 s before");
    songs[1].set(0, false);
    pull(&mut engine, 96_000);
    let now = engine.now();
    assert_eq!((now.at, now.waiting, now.underruns), (91_200, true, 1), "one song alone is not the record");
    songs[1].set(0, true);
    pull(&mut engine, 1_000);
    assert_eq!(engine.now().at, 92_200);
}

fn joint() -> impl Strategy<Value = AlbumItem> {
    let shape = prop_oneof![Just(Shape::EqualPower), Just(Shape::Linear), Just(Shape::Exponential)];
    let trims = prop_oneof![Just((0u32, 0u32)), (0u32..40, 0u32..40)];
    (0u32..80, prop_oneof![Just(0u32), 0u32..200], 0u32..60, 0u32..60, trims, shape, -6.0f64..0.0).prop_map(
        |(gap_ms, crossfade_ms, fade_in_ms, fade_out_ms, (trim_in_ms, trim_out_ms), shape, gain_db)| {
            AlbumItem {
                gap_ms,
                crossfade_ms,
                fade_in_ms,
                fade_out_ms,
                trim_in_ms,
                trim_out_ms,
                shape,
                gain_db,
                ..item(0, 0)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_record_is_the_sum_of_its_songs_in_their_places(
        joints in proptest::collection::vec((joint(), 100usize..6_000), 1..6),
        jumps in proptest::collection::vec((0.0f64..1.0, 300usize..4_000), 0..6),
    ) {
        let (items, lengths): (Vec<AlbumItem>, Vec<usize>) = joints.into_iter().unzip();
        let songs = songs(&lengths);
        let line = timeline(&items, &songs);
        let mut engine = playing(record(items, &songs), 0);
        prop_assert_eq!(engine.status().frames, line.frames());
        let check = |engine: &mut deadwax_client::play::Engine, from: u64, count: usize, skip: usize| {
            let out = pull(engine, count);
            for (i, frame) in out.iter().enumerate().skip(skip) {
                let at = from + i as u64;
                let wanted = if at < line.frames() { naive(&line, &songs, at) } else { [0.0; 2] };
                prop_assert!((f64::from(frame[0]) - wanted[0]).abs() < 1e-5, "frame {at}: {frame:?} {wanted:?}");
            }
            Ok(())
        };
        for (share, count) in jumps {
            let at = (share * line.frames() as f64) as u64;
            ask(&mut engine, EngineOrder::Play);
            ask(&mut engine, EngineOrder::Seek { at });
            check(&mut engine, at, count, FADE)?;
        }
        ask(&mut engine, EngineOrder::Stop);
    }

    #[test]
    fn from_its_beginning_a_record_is_exact(joints in proptest::collection::vec((joint(), 100usize..6_000), 1..6)) {
        let (items, lengths): (Vec<AlbumItem>, Vec<usize>) = joints.into_iter().unzip();
        let songs = songs(&lengths);
        let line = timeline(&items, &songs);
        let mut engine = playing(record(items, &songs), 0);
        let out = pull(&mut engine, line.frames() as usize);
        for (at, frame) in out.iter().enumerate() {
            let wanted = naive(&line, &songs, at as u64);
            prop_assert!((f64::from(frame[0]) - wanted[0]).abs() < 1e-5, "frame {at}: {frame:?} {wanted:?}");
            prop_assert!((f64::from(frame[1]) - wanted[1]).abs() < 1e-5, "frame {at}: {frame:?} {wanted:?}");
        }
        prop_assert!(!engine.now().playing);
    }
}
