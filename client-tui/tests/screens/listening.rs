//! What a person hears while they press keys: orders to the player, and what the screens make of what it tells. No sound: news are fed by hand.

use deadwax_client::{
    play::{Channels, Deck, Level, News, Order, Status, TrackStatus},
    scrub,
    tui::{Effect, Msg, model::Screen},
};
use deadwax_proto::v1::{Section, WaveformResponse, action::Action as Do};
use proptest::prelude::*;

use crate::{
    comparing::{answer, compare, comparison},
    review,
    sample::{HOSTILE, Names, PLAIN},
    seat::Seat,
};

pub const SIZE: (u16, u16) = (80, 24);
pub const RATE: u64 = 48_000;

/// A label manager on the song "Glass Hour", looking at Mix 2.
pub fn song(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 3, names);
    seat.press("<enter>");
    seat.answer_wave();
    seat
}

/// What the player was asked since the last look.
pub fn orders(seat: &mut Seat) -> Vec<Order> {
    std::mem::take(&mut seat.effects)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Play(order) => Some(order),
            _ => None,
        })
        .collect()
}

/// The player tells how it stands, with everything that was asked done.
pub fn tells(seat: &mut Seat, at_ms: u64, change: impl FnOnce(&mut Status)) {
    let (tracks, heard) = match &seat.model.player.deck {
        Some(Deck::Side { tracks, heard }) => (tracks.len(), *heard),
        Some(Deck::Album { items }) => (items.len(), 0),
        None => (0, 0),
    };
    let mut status = Status {
        tracks: vec![TrackStatus { gain_db: -2.3, here: 1.0, problem: None }; tracks],
        heard,
        rate: RATE as u32,
        frames: 204 * RATE,
        at: at_ms * RATE / 1000,
        playing: seat.model.player.playing,
        level: seat.model.player.level,
        monitor: seat.model.player.monitor,
        output: "PulseAudio".into(),
        audible: true,
        ..Status::default()
    };
    change(&mut status);
    seat.tell(Msg::Play(News::Status(Box::new(status))));
}

fn view(seat: &Seat) -> &deadwax_client::tui::model::SongView {
    let Screen::Song(view) = seat.model.top() else { panic!("not on a song") };
    view
}

fn deck(order: &Order) -> (Vec<String>, usize, u64) {
    let Order::Load { deck: Deck::Side { tracks, heard }, at, play: true } = order else {
        panic!("{order:?}")
    };
    (tracks.iter().map(|it| it.label.clone()).collect(), *heard, *at)
}

#[test]
fn space_plays_what_is_looked_at_from_the_cursor_with_its_alternates_ready() {
    let mut seat = song(SIZE, PLAIN);
    seat.press("<right><right> ");
    let sent = orders(&mut seat);
    let (labels, heard, at) = deck(&sent[0]);
    assert_eq!(labels, ["Mix 2", "Mix 2 vocal-up+0.5", "Mix 2 instrumental"]);
    assert_eq!((sent.len(), heard), (1, 0));
    assert_eq!(at, 2 * (204_000_000 / 72) * RATE / 1_000_000);
    tells(&mut seat, 10_000, |_| {});
    seat.press(" ");
    assert_eq!(orders(&mut seat), [Order::Pause]);
    tells(&mut seat, 10_000, |_| {});
    seat.press(" ");
    assert_eq!(orders(&mut seat), [Order::Play], "on from where it stands, and nothing is loaded twice");
}

#[test]
fn an_alternate_is_switched_and_another_version_comes_at_the_same_position() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 61_000, |_| {});
    orders(&mut seat);
    seat.press(".");
    assert_eq!(orders(&mut seat), [Order::Switch(1)]);
    seat.press(",");
    assert_eq!(orders(&mut seat), [Order::Switch(0)]);
    seat.press("<tab><down>");
    let sent = orders(&mut seat);
    let (labels, heard, at) = deck(&sent[0]);
    assert_eq!(
        labels,
        ["Mix 1", "Mix 1 vocal-up+0.5", "Mix 1 instrumental", "Mix 2"],
        "with what was heard before"
    );
    assert_eq!((sent.len(), heard, at), (1, 0, 61 * RATE));
    tells(&mut seat, 61_500, |_| {});
    seat.press("X");
    assert_eq!(orders(&mut seat), [Order::Switch(3)], "back, without a load");
    assert!(seat.screen().contains("Mix 2 · Ben"), "and the eye goes with the ear");
    tells(&mut seat, 62_000, |_| {});
    seat.press("X");
    assert_eq!(orders(&mut seat), [Order::Switch(0)]);
}

#[test]
fn what_arrives_from_the_studio_changes_nothing_in_the_ear() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 61_000, |_| {});
    orders(&mut seat);
    crate::flows::supersede(&mut seat);
    seat.press("n<esc>");
    assert_eq!(orders(&mut seat), []);
}

#[test]
fn the_cursor_goes_with_the_sound_until_it_is_moved_and_enter_takes_the_sound_along() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    orders(&mut seat);
    tells(&mut seat, 83_400, |_| {});
    assert_eq!(view(&seat).cursor_ms, 83_400);
    assert!(seat.screen().contains("▶1:23.4"), "{}", seat.screen());
    seat.press("<left>");
    let there = view(&seat).cursor();
    tells(&mut seat, 90_000, |_| {});
    assert_eq!(view(&seat).cursor(), there, "the person took it away");
    assert!(seat.screen().contains("Enter play on from the cursor"), "{}", seat.screen());
    seat.press("<enter>");
    assert_eq!(orders(&mut seat), [Order::Seek { at: there * RATE / 1_000_000 }]);
    tells(&mut seat, 84_000, |_| {});
    assert_eq!(view(&seat).cursor_ms, 84_000, "together again");
}

#[test]
fn enter_on_a_note_takes_the_sound_there_and_a_range_is_looped() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 5_000, |_| {});
    orders(&mut seat);
    seat.press("<end><enter>");
    assert_eq!(orders(&mut seat), [Order::Seek { at: 83_400 * RATE / 1000 }]);
    seat.press("\\");
    assert_eq!(orders(&mut seat), [Order::Loop(Some((83_400 * RATE / 1000, 97_000 * RATE / 1000)))]);
    tells(&mut seat, 84_000, |it| it.looped = Some((83_400 * RATE / 1000, 97_000 * RATE / 1000)));
    assert!(seat.screen().contains("· loop"), "{}", seat.screen());
    seat.press("\\");
    assert_eq!(orders(&mut seat), [Order::Loop(None)]);
    seat.press("<esc>\\");
    assert_eq!(orders(&mut seat), []);
    assert!(seat.screen().contains("Mark a range first"));
}

#[test]
fn a_loop_of_a_range_begins_to_play_it_where_nothing_played() {
    let mut seat = song(SIZE, PLAIN);
    seat.press("<end><enter>\\");
    let sent = orders(&mut seat);
    assert_eq!(deck(&sent[0]).2, 83_400 * RATE / 1000);
    assert_eq!(sent[1], Order::Loop(Some((83_400 * RATE / 1000, 97_000 * RATE / 1000))));
}

#[test]
fn five_seconds_on_and_back_and_twice_is_twice() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(">");
    assert!(seat.screen().contains("Nothing is playing"));
    seat.press("<esc> ");
    orders(&mut seat);
    tells(&mut seat, 10_000, |_| {});
    seat.press(">>");
    assert_eq!(orders(&mut seat), [Order::Seek { at: 15 * RATE }, Order::Seek { at: 20 * RATE }]);
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 2_000, |_| {});
    orders(&mut seat);
    seat.tell(Msg::Key(crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('<'))));
    assert_eq!(orders(&mut seat), [Order::Seek { at: 0 }]);
}

#[test]
fn level_and_monitor_are_said_with_the_gain_on_every_screen() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 1_000, |_| {});
    assert!(seat.screen().contains("▶ Mix 2 0:01.0/3:24 · matched -2.3 dB"), "{}", seat.screen());
    orders(&mut seat);
    seat.press("JJKWQ");
    let sent = orders(&mut seat);
    assert_eq!(sent[0], Order::Level(Level::AsIs));
    assert!(matches!(sent[1], Order::Level(Level::Platform(it)) if it.name == "Spotify"));
    let Order::Monitor(last) = sent[4] else { panic!() };
    assert_eq!((last.channels, last.swap, last.dim), (Channels::Mono, true, true));
    tells(&mut seat, 1_000, |_| {});
    seat.press("1");
    let screen = seat.screen();
    assert!(screen.contains("as Spotify plays it -2.3 dB · mono · L/R swapped · dim"), "{screen}");
    seat.press("2<enter><enter>K");
    let Order::Monitor(now) = orders(&mut seat)[0] else { panic!() };
    assert_eq!(now.channels, Channels::Stereo, "again is back");
}

#[test]
fn what_sounds_is_stopped_from_every_screen() {
    for away in ["1", "2<enter>", "6", "i", "8"] {
        let mut seat = song(SIZE, PLAIN);
        seat.press(" ");
        tells(&mut seat, 1_000, |_| {});
        assert!(!seat.screen().contains("Backspace stops"), "Space pauses here: {}", seat.screen());
        seat.press(away);
        assert!(seat.screen().contains("Backspace stops"), "{}", seat.screen());
        seat.effects.clear();
        seat.press("<backspace>");
        assert_eq!(orders(&mut seat), [Order::Stop], "{away}");
        assert!(!seat.screen().contains("Backspace stops"), "{}", seat.screen());
    }
}

#[test]
fn trouble_is_told_and_what_was_heard_is_counted() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 1_000, |it| {
        it.audible = false;
        it.output = "no sound device".into();
        it.tracks[0].here = 0.4;
        it.waiting = true;
        it.underruns = 2;
    });
    let screen = seat.screen();
    assert!(screen.contains("buffering 40 %") && screen.contains("! no sound device"), "{screen}");
    seat.tell(Msg::Play(News::Trouble { text: "No sound device.".into(), hint: "Plug one in.".into() }));
    assert!(seat.screen().contains("No sound device. Plug one in."));
    seat.press("<esc>");
    let heard = News::Heard { version_id: "v2".into(), alternate: "main".into(), percent: 61 };
    seat.tell(Msg::Play(heard));
    assert!(seat.screen().contains("heard 61 %"), "{}", seat.screen());
}

#[test]
fn news_that_change_nothing_draw_nothing() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 1_000, |_| {});
    seat.model.dirty = false;
    tells(&mut seat, 1_000, |_| {});
    assert!(!seat.model.dirty);
    tells(&mut seat, 1_100, |_| {});
    assert!(seat.model.dirty);
}

#[test]
fn zoom_goes_down_to_single_samples_and_the_cursor_steps_between_milliseconds() {
    let mut seat = song(SIZE, PLAIN);
    seat.press("]]++++++++++++++++++++");
    let (start, end) = view(&seat).window.unwrap();
    assert_eq!(end - start, 1);
    let ask = seat.effects.iter().rev().find_map(|it| match it {
        Effect::Waveform(ask) => Some(ask.clone()),
        _ => None,
    });
    assert_eq!(ask.map(|it| it.end_frame - it.start_frame), Some(48), "the samples of a millisecond");
    let before = view(&seat).cursor();
    seat.press("<right>");
    assert_eq!(view(&seat).cursor() - before, 1000 / 72);
    seat.press("0");
    assert_eq!(view(&seat).window, None);
}

#[test]
fn blind_nothing_tells_which_is_which_and_the_score_is_kept() {
    let mut seat = song(SIZE, PLAIN);
    seat.press(" ");
    tells(&mut seat, 30_000, |_| {});
    seat.press("<tab><down>");
    tells(&mut seat, 31_000, |_| {});
    orders(&mut seat);
    seat.press("b");
    let sent = orders(&mut seat);
    assert_eq!(sent[0], Order::Level(Level::Matched));
    let (labels, heard, at) = deck(&sent[1]);
    assert_eq!((labels, heard, at), (vec!["Mix 2".to_owned(), "Mix 1".to_owned()], 0, 31 * RATE));
    tells(&mut seat, 31_000, |_| {});
    let strip = |seat: &Seat| seat.screen().lines().find(|it| it.contains("/3:24")).unwrap().to_owned();
    assert!(strip(&seat).contains("▶ blind 0:31.0/3:24 · matched"), "{}", strip(&seat));
    assert!(!strip(&seat).contains("dB"));
    seat.press("1");
    assert!(seat.screen().contains("Listen to X first"));
    let mut right = 0;
    for round in 0..12 {
        orders(&mut seat);
        seat.press("ax");
        // Whoever hears the difference knows: X is b where the sound changed.
        let changed = orders(&mut seat).contains(&Order::Switch(1));
        let screen = seat.screen();
        seat.press(if changed { "2" } else { "1" });
        right += 1;
        assert!(
            seat.screen().contains(&format!("Right. {right} of {} right", round + 1)),
            "{}",
            seat.screen()
        );
        assert!(!screen.contains("▶ a") || !screen.contains("▶ b"));
        assert_eq!(seat.model.player.side().unwrap().1, 0, "the next round begins with a");
    }
    assert!(seat.screen().contains("p under 0.001: hardly chance"));
    seat.press("<esc>");
    assert!(seat.model.prompt.is_none());
    assert!(seat.screen().contains("Blind: 12 of 12 right"));
    assert!(orders(&mut seat).ends_with(&[Order::Pause, Order::Level(Level::Matched)]));
}

#[test]
fn mixes_that_compete_are_ranked_under_letters_and_the_vote_is_blind() {
    let mut seat = review::seat(SIZE, PLAIN, review::shootout(3, PLAIN, false));
    seat.effects.clear();
    seat.press("b");
    let sent = orders(&mut seat);
    let (labels, ..) = deck(&sent[1]);
    assert_eq!(labels.len(), 2);
    let behind: Vec<String> =
        seat.model.player.side().unwrap().0.iter().map(|it| it.version_id.clone()).collect();
    tells(&mut seat, 0, |_| {});
    let screen = seat.screen();
    assert!(screen.contains("X1") && screen.contains("X2  not heard yet"), "{screen}");
    seat.press("<enter>");
    assert!(seat.screen().contains("X2 was not heard yet"));
    seat.press("2+");
    assert_eq!(orders(&mut seat), [Order::Switch(1)]);
    seat.press("<down>+<enter>");
    let screen = seat.screen();
    assert!(
        screen.contains("1. X2") && screen.contains("2. X1") && screen.contains("blind, all played at"),
        "{screen}"
    );
    assert!(orders(&mut seat).contains(&Order::Pause));
    seat.press("Wider.<enter>");
    let sent = seat.sent();
    let Effect::Perform { action, .. } = &sent[0] else { panic!() };
    let Some(Do::CastVote(vote)) = &action.action else { panic!() };
    assert!(vote.blind && (vote.matched_lufs + 16.2).abs() < 1e-9, "{vote:?}");
    assert_eq!(vote.ranking, [behind[1].clone(), behind[0].clone()]);
    assert_eq!(vote.reason, "Wider.");
}

#[test]
fn a_section_is_named_at_the_cursor_and_the_list_is_sent_whole() {
    let mut seat = song(SIZE, PLAIN);
    let sections = vec![Section { start_ms: 0, name: "Intro".into() }];
    seat.rows(false, vec![review::version(3, PLAIN, "v2", |it| it.sections = sections)]);
    seat.press("]TVerse 1<enter>");
    assert!(seat.screen().contains("0:12.5  Verse 1"), "{}", seat.screen());
    seat.press("<up>ex<enter>");
    seat.press("<enter>");
    let sent = seat.sent();
    let Effect::Perform { action, .. } = &sent[0] else { panic!() };
    let Some(Do::SetSections(set)) = &action.action else { panic!() };
    assert_eq!(set.version_id, "v2");
    let list: Vec<_> = set.sections.iter().map(|it| (it.start_ms, it.name.as_str())).collect();
    assert_eq!(list, [(0, "Introx"), (12_500, "Verse 1")]);
    seat.press("0T");
    assert!(seat.screen().contains("A name: Verse 1"), "between two sections a name is asked at once");
    seat.press("<esc>x<esc>");
    assert!(seat.screen().contains("Esc again puts the text aside; U brings it back."));
    seat.press("<esc>");
    assert!(seat.model.prompt.is_none() && seat.sent().is_empty());
}

#[test]
fn a_person_who_never_saw_it_reads_the_next_steps() {
    let screen = song(SIZE, PLAIN).screen();
    for told in ["Space play", "v, then n note on a range", "C compare", "a approve"] {
        assert!(screen.contains(told), "{told} is not on the screen:\n{screen}");
    }
    let mut seat = song(SIZE, PLAIN);
    seat.press("v<right><right>");
    let screen = seat.screen();
    assert!(screen.contains("n note on 0:00.0-0:05.6") && screen.contains("\\ loop it"), "{screen}");
}

fn assert_clean(seat: &Seat) {
    let terminal = seat.terminal();
    for cell in terminal.backend().buffer().content() {
        assert!(!cell.symbol().chars().any(scrub::is_hostile), "{:?}", cell.symbol());
    }
}

#[test]
fn no_text_from_others_comes_through_while_listening() {
    let evil = "no\x1b]0;owned\x07\u{202e}\u{9b}31m";
    for size in [(80, 24), (120, 40), (41, 13)] {
        let mut seat = song(size, HOSTILE);
        let sections = vec![
            Section { start_ms: 0, name: evil.into() },
            Section { start_ms: 90_000, name: evil.repeat(40) },
        ];
        seat.rows(
            false,
            vec![review::version(3, HOSTILE, "v2", |it| {
                it.sections = sections;
                it.name = evil.into();
                it.files[1].alternate = evil.into();
            })],
        );
        seat.press(" ");
        tells(&mut seat, 1_000, |it| {
            it.output = evil.into();
            it.audible = false;
            it.tracks[0].problem = Some(evil.into());
        });
        seat.tell(Msg::Present(vec![deadwax_proto::v1::Attendee {
            name: evil.into(),
            song_id: "s0".into(),
            playhead_ms: Some(60_000),
            ..Default::default()
        }]));
        assert_clean(&seat);
        seat.press(".");
        assert_clean(&seat);
        seat.press("T");
        seat.tell(Msg::Paste(evil.into()));
        assert_clean(&seat);
        seat.press("<enter><esc><esc><esc>,b");
        assert_clean(&seat);
        seat.press("<esc>");
        seat.tell(Msg::Play(News::Trouble { text: evil.into(), hint: evil.into() }));
        assert_clean(&seat);
        let mut seat = compare(size, HOSTILE, "<down><down>");
        assert_clean(&seat);
        seat.press("I");
        assert_clean(&seat);
        let mut seat = song(size, HOSTILE);
        seat.press("C");
        let mut found = comparison(evil);
        found.why = Some(evil.into());
        answer(&mut seat, Ok(serde_json::to_string(&found).unwrap()));
        seat.press("<down><down>");
        assert_clean(&seat);
        seat.press("I");
        assert_clean(&seat);
        let refused = deadwax_client::tui::Failure::Refused {
            reason: "X".into(),
            text: evil.into(),
            hint: evil.into(),
        };
        seat.press("<esc><esc>C.");
        answer(&mut seat, Err(refused));
        assert_clean(&seat);
    }
}

fn status() -> impl Strategy<Value = Status> {
    let frame = || prop_oneof![any::<u64>(), 0u64..10_000_000];
    (
        (0usize..5, any::<usize>(), prop::sample::select(vec![0, 1, 48_000, u32::MAX]), frame(), frame()),
        (
            any::<bool>(),
            any::<bool>(),
            prop::option::of((frame(), frame())),
            any::<f64>(),
            any::<f64>(),
            ".{0,12}",
        ),
    )
        .prop_map(
            |((tracks, heard, rate, frames, at), (playing, waiting, looped, gain_db, here, text))| Status {
                tracks: vec![TrackStatus { gain_db, here, problem: Some(text.clone()) }; tracks],
                heard,
                rate,
                frames,
                at,
                playing,
                waiting,
                looped,
                output: text,
                ..Status::default()
            },
        )
}

fn picture() -> impl Strategy<Value = WaveformResponse> {
    let list = || prop::collection::vec(any::<i32>(), 0..40);
    let columns = || prop::collection::vec(any::<u32>(), 0..9);
    (
        any::<u32>(),
        prop_oneof![any::<u32>(), 0u32..3],
        any::<u64>(),
        list(),
        list(),
        prop::collection::vec(any::<f32>(), 0..40),
        columns(),
        columns(),
    )
        .prop_map(
            |(sample_rate, channels, frames, min, max, short_term_lufs, clipped_columns, over_columns)| {
                WaveformResponse {
                    sample_rate,
                    channels,
                    frames,
                    min,
                    max,
                    short_term_lufs,
                    clipped_columns,
                    over_columns,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_the_player_tells_and_the_server_draws_nothing_falls_over(
        keys in prop::collection::vec(prop::sample::select(vec![
            " ", ".", ",", "X", "J", "K", "\\", "<left>", "<right>", "v", "+", "+", "+", "-", "b", "a", "x", "1", "2", "C",
            "<tab>", "<down>", "<enter>", "<esc>", "T", "n", ">", "]", "0", "[",
        ]), 0..40),
        told in prop::collection::vec(status(), 1..6),
        answered in picture(),
        starts in prop::collection::vec((any::<u64>(), ".{0,9}"), 0..6),
        size in prop::sample::select(vec![(80, 24), (41, 13), (200, 60)]),
    ) {
        let mut seat = song(size, PLAIN);
        let sections = starts.into_iter().map(|(start_ms, name)| Section { start_ms, name }).collect();
        seat.rows(false, vec![review::version(3, PLAIN, "v2", |it| it.sections = sections)]);
        for (at, key) in keys.iter().enumerate() {
            seat.press(key);
            let status = told[at % told.len()].clone();
            seat.tell(Msg::Play(News::Status(Box::new(status))));
            if let Some(ticket) = seat.model.wave.as_ref().map(|it| it.ask.ticket) {
                seat.tell(Msg::Waveform { ticket, outcome: Ok(answered.clone()) });
            }
            assert_clean(&seat);
        }
        // Nothing is signed by keys that came while the screen was new: each was drawn before the next.
        prop_assert!(seat.model.pending.iter().all(|it| it.verb != deadwax_client::tui::keys::Verb::Approve) || keys.contains(&"a"));
    }
}
