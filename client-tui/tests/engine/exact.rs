//! What leaves, where it can be said beforehand.

use std::sync::Arc;

use deadwax_client::play::{
    Channels, Deck, Engine, EngineOrder, Frame, HeardRange, Level, Loaded, Monitor, Sound,
};

use crate::kit::{
    FADE, Patchy, RATE, ask, in_memory, loudest, noise, playing, pull, side, sine, steepest, track,
};

const SILENCE: Frame = [0.0; 2];

#[test]
fn one_track_as_it_is_leaves_to_the_bit() {
    let source = noise(100_000, 1);
    let mut engine = playing(in_memory(vec![source.clone()]), 0);
    let out = pull(&mut engine, 100_100);
    assert_eq!(out[..100_000], source[..]);
    assert!(out[100_000..].iter().all(|frame| *frame == SILENCE));
    let now = engine.now();
    assert_eq!((now.at, now.playing, now.underruns), (100_000, false, 0));
    // Played again it begins at the beginning.
    ask(&mut engine, EngineOrder::Play);
    assert_eq!(pull(&mut engine, 500)[..], source[..500]);
}

#[test]
fn a_loop_plays_exactly_its_frames_again_and_again() {
    let source = noise(60_000, 2);
    let mut engine = playing(in_memory(vec![source.clone()]), 0);
    ask(&mut engine, EngineOrder::Loop(Some((1_000, 4_333))));
    // It lay outside: it goes to the beginning, rising.
    let out = pull(&mut engine, 3_333 * 4);
    for (i, frame) in out.iter().enumerate().skip(FADE) {
        assert_eq!(*frame, source[1_000 + i % 3_333], "frame {i}");
    }
    ask(&mut engine, EngineOrder::Loop(None));
    assert_eq!(engine.now().at, 1_000);
    let rest = pull(&mut engine, 20_000);
    assert_eq!(rest[..], source[1_000..21_000], "taken away it goes on, without a fade");
}

#[test]
fn the_shortest_loops_and_those_to_the_end_hold_too() {
    let source = noise(2_000, 3);
    for (from, to) in [(7, 8), (1_990, 2_000), (0, 2_000), (1_500, 9_000)] {
        let mut engine = playing(in_memory(vec![source.clone()]), from);
        ask(&mut engine, EngineOrder::Loop(Some((from, to))));
        let out = pull(&mut engine, 10_000);
        let length = (to.min(2_000) - from) as usize;
        for (i, frame) in out.iter().enumerate().skip(FADE) {
            assert_eq!(*frame, source[from as usize + i % length], "{from}..{to}, frame {i}");
        }
        assert!(engine.now().playing);
    }
}

#[test]
fn whoever_seeks_behind_a_loop_is_not_drawn_back_into_it() {
    let source = noise(12_000, 3);
    for (to, at) in [(12_000, 12_000), (9_000, 9_000), (9_000, 10_000)] {
        let mut engine = playing(in_memory(vec![source.clone()]), 0);
        ask(&mut engine, EngineOrder::Loop(Some((8_222, to))));
        pull(&mut engine, 100);
        ask(&mut engine, EngineOrder::Seek { at });
        pull(&mut engine, 4_000);
        assert_eq!((engine.now().at, engine.now().playing), (12_000, false), "{to} {at}");
    }
}

#[test]
fn pause_keeps_the_position_and_play_goes_on_exactly_there() {
    let source = sine(48_000, 1_000.0, 0.9);
    let mut engine = playing(in_memory(vec![source.clone()]), 0);
    let before = pull(&mut engine, 10_000);
    ask(&mut engine, EngineOrder::Pause);
    assert_eq!(engine.now().at, 10_000);
    let paused = pull(&mut engine, 3_000);
    assert_eq!(engine.now().at, 10_000);
    assert!(paused[..FADE - 1].iter().any(|frame| *frame != SILENCE));
    assert!(paused[FADE..].iter().all(|frame| *frame == SILENCE), "it is over after 5 ms");
    ask(&mut engine, EngineOrder::Play);
    let after = pull(&mut engine, 5_000);
    assert_eq!(after[FADE..], source[10_000 + FADE..15_000]);
    let whole = [before, paused, after].concat();
    assert!(steepest(&whole) <= steepest(&source) + 0.005, "{}", steepest(&whole));
}

#[test]
fn a_seek_has_no_step_and_lands_on_its_frame() {
    let source = sine(96_000, 440.0, 1.0);
    let mut engine = playing(in_memory(vec![source.clone()]), 0);
    let before = pull(&mut engine, 5_003);
    ask(&mut engine, EngineOrder::Seek { at: 70_001 });
    let after = pull(&mut engine, 2_000);
    assert_eq!(after[FADE..], source[70_001 + FADE..72_001]);
    let whole = [before, after].concat();
    assert!(steepest(&whole) <= steepest(&source) + 2.0 / FADE as f32);
    assert!(loudest(&whole) <= 1.0);
}

#[test]
fn a_switch_to_the_same_music_is_not_heard() {
    let source = noise(50_000, 4);
    let mut engine = playing(in_memory(vec![source.clone(), source.clone()]), 0);
    let mut out = Vec::new();
    for turn in 0..40 {
        ask(&mut engine, EngineOrder::Switch(turn % 2));
        out.extend(pull(&mut engine, 1_001));
    }
    for (i, (out, source)) in out.iter().zip(&source).enumerate() {
        assert!((out[0] - source[0]).abs() < 3e-7 && (out[1] - source[1]).abs() < 3e-7, "frame {i}");
    }
}

#[test]
fn a_switch_to_the_quieter_twin_fades_with_gains_that_add_up_to_one() {
    let (loud, soft) = (sine(48_000, 1_000.0, 0.8), sine(48_000, 1_000.0, 0.4));
    let mut engine = playing(in_memory(vec![loud.clone(), soft.clone()]), 0);
    let before = pull(&mut engine, 4_321);
    ask(&mut engine, EngineOrder::Switch(1));
    let after = pull(&mut engine, 4_000);
    for (i, frame) in after.iter().enumerate() {
        let share = (i as f32 / FADE as f32).min(1.0);
        let wanted = loud[4_321 + i][0] * (1.0 - share) + soft[4_321 + i][0] * share;
        assert!((frame[0] - wanted).abs() < 1e-6, "frame {i}");
    }
    assert!(steepest(&[before, after].concat()) <= steepest(&loud) + 0.001);
    let status = engine.status();
    assert_eq!((status.heard, status.at, status.tracks.len()), (1, 8_321, 2));
}

#[test]
fn behind_the_end_of_a_shorter_track_is_silence_and_the_deck_goes_on() {
    let (long, short) = (noise(9_000, 5), noise(4_000, 6));
    let mut engine = playing(in_memory(vec![short.clone(), long.clone()]), 0);
    let out = pull(&mut engine, 6_000);
    assert_eq!(out[..4_000], short[..]);
    assert!(out[4_000..].iter().all(|frame| *frame == SILENCE));
    ask(&mut engine, EngineOrder::Switch(1));
    let rest = pull(&mut engine, 3_000);
    assert_eq!(rest[FADE..], long[6_000 + FADE..]);
    assert!(!engine.now().playing && engine.status().frames == 9_000);
}

#[test]
fn missing_sound_waits_dies_away_and_goes_on_exactly_there() {
    let sound = Patchy::new(sine(96_000, 330.0, 0.9), 4_800);
    let mut engine = playing(side(vec![sound.clone()]), 0);
    sound.set(2, false);
    let before = pull(&mut engine, 12_000);
    let now = engine.now();
    assert_eq!((now.at, now.waiting, now.playing, now.underruns), (9_600, true, true, 1));
    assert_eq!(before[..9_600], sound.frames[..9_600]);
    assert!(before[9_600 + FADE..].iter().all(|frame| *frame == SILENCE));
    assert_eq!(sound.wanted.lock().unwrap().last(), Some(&9_600), "it was asked for");
    let still = pull(&mut engine, 5_000);
    assert!(still.iter().all(|frame| *frame == SILENCE) && engine.now().underruns == 1, "counted once");
    sound.set(2, true);
    let after = pull(&mut engine, 10_000);
    assert_eq!(after[FADE..], sound.frames[9_600 + FADE..19_600]);
    let now = engine.now();
    assert_eq!((now.at, now.waiting, now.underruns), (19_600, false, 1));
    let whole = [before, still, after].concat();
    assert!(steepest(&whole) <= steepest(&sound.frames) + 0.005, "{}", steepest(&whole));
    let mut heard = Vec::new();
    engine.take_heard(&mut heard);
    assert_eq!(heard, [HeardRange { track: 0, from: 0, to: 19_600 }]);
}

#[test]
fn waiting_at_the_start_is_no_underrun_and_takes_nothing_from_the_file() {
    let sound = Patchy::new(noise(20_000, 7), 1_000);
    sound.set(1, false);
    let mut engine = playing(side(vec![sound.clone()]), 0);
    assert!(pull(&mut engine, 700).iter().all(|frame| *frame == SILENCE));
    assert!(engine.now().waiting && engine.now().underruns == 0 && engine.status().waiting);
    sound.set(1, true);
    assert_eq!(pull(&mut engine, 20_000)[..], sound.frames[..]);
}

#[test]
fn stop_and_load_let_what_sounds_die_away_and_give_it_back() {
    let source = sine(48_000, 200.0, 0.9);
    let mut engine = playing(in_memory(vec![source.clone()]), 0);
    let mut whole = pull(&mut engine, 3_000);
    let next = in_memory(vec![noise(10, 1)]);
    let old = engine.order(EngineOrder::Load { loaded: next, at: 0, play: false });
    let mut heard = Vec::new();
    old.unwrap().take_heard(&mut heard);
    assert_eq!(heard, [HeardRange { track: 0, from: 0, to: 3_000 }]);
    whole.extend(pull(&mut engine, 1_000));
    assert!(steepest(&whole) <= steepest(&source) + 0.005);
    assert_eq!(whole[3_000 + FADE..], vec![SILENCE; 1_000 - FADE][..]);
    assert!(engine.order(EngineOrder::Stop).is_some() && engine.order(EngineOrder::Stop).is_none());
    assert_eq!(engine.status().tracks.len(), 0);
}

#[test]
fn matched_levels_arrive_without_a_step_and_never_over_full_scale() {
    let tracks = vec![track(-8.0), track(-20.0)];
    let sounds = || -> Vec<Arc<dyn Sound>> {
        vec![Arc::new(sine(48_000, 100.0, 1.0)), Arc::new(sine(48_000, 100.0, 0.25))]
    };
    let deck = Deck::Side { tracks, heard: 0 };
    let loaded = Box::new(Loaded::new(deck, sounds(), RATE).unwrap());
    let mut engine = playing(loaded, 0);
    let mut whole = pull(&mut engine, 10_000);
    for order in [
        EngineOrder::Level(Level::Matched),
        EngineOrder::Switch(1),
        EngineOrder::Level(Level::AsIs),
        EngineOrder::Monitor(Monitor { channels: Channels::Mono, ..Monitor::default() }),
        EngineOrder::Level(Level::Matched),
        EngineOrder::Monitor(Monitor { dim: true, swap: true, ..Monitor::default() }),
        EngineOrder::Switch(0),
    ] {
        ask(&mut engine, order);
        whole.extend(pull(&mut engine, 3_000));
    }
    let gains: Vec<f64> = engine.status().tracks.iter().map(|track| track.gain_db).collect();
    assert_eq!(gains, [-12.0, 0.0]);
    assert!(loudest(&whole) <= 1.0);
    assert!(steepest(&whole) < 0.02, "{}", steepest(&whole));
    // Dimmed and swapped: the left ear hears the right channel, 32 dB down.
    let last = whole.len() - 1;
    let wanted = sounds()[0].clone();
    let mut frame = [[0.0; 2]];
    wanted.read(engine.now().at - 1, &mut frame);
    let gain = 10f32.powf(-32.0 / 20.0);
    assert!((whole[last][0] - frame[0][1] * gain).abs() < 1e-6);
}

#[test]
fn the_output_can_tell_what_leaves_the_loudspeaker() {
    let source = noise(48_000, 9);
    let mut engine = playing(in_memory(vec![source]), 0);
    ask(&mut engine, EngineOrder::Loop(Some((0, 1_000))));
    pull(&mut engine, 1_300);
    assert_eq!((engine.now().at, engine.at_before(200), engine.at_before(400)), (300, 100, 900));
    ask(&mut engine, EngineOrder::Pause);
    pull(&mut engine, 1_000);
    assert_eq!((engine.at_before(0), engine.at_before(500), engine.at_before(1_001)), (300, 300, 299));
}

#[test]
fn orders_that_mean_nothing_change_nothing() {
    let mut engine = Engine::new();
    for order in [
        EngineOrder::Play,
        EngineOrder::Pause,
        EngineOrder::Seek { at: 77 },
        EngineOrder::Loop(Some((3, 9))),
        EngineOrder::Switch(4),
    ] {
        ask(&mut engine, order);
    }
    assert!(pull(&mut engine, 100).iter().all(|frame| *frame == SILENCE));
    assert_eq!((engine.now().at, engine.now().playing), (0, false));
    let deck = Deck::Side { tracks: Vec::new(), heard: 0 };
    assert!(Loaded::new(deck, Vec::new(), RATE).is_err());
    let source = noise(100, 1);
    let mut engine = playing(in_memory(vec![source]), 0);
    for order in
        [EngineOrder::Switch(1), EngineOrder::Loop(Some((50, 50))), EngineOrder::Loop(Some((200, 300)))]
    {
        ask(&mut engine, order);
    }
    assert_eq!((engine.now().at, engine.status().looped), (0, None));
    ask(&mut engine, EngineOrder::Seek { at: u64::MAX });
    pull(&mut engine, 10);
    assert_eq!((engine.now().at, engine.now().playing), (100, false));
}
