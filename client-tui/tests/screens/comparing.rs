//! Two versions beside each other: what is asked, heard, looped and switched at the same music. No sound: news are fed by hand.

use deadwax_client::{
    play::{Deck, Order},
    tui::{Effect, Failure, Msg, model::Screen},
};
use deadwax_dsp::compare::{
    Change, ChangeKind, Comparison, Edit, FileFacts, Piece, Place, Residual, Sameness, TimeMap,
};

use crate::{
    listening::{RATE, SIZE, orders, song, tells},
    review,
    sample::{self, Names, PLAIN},
    seat::Seat,
};

/// Mix 2 against Mix 1: three seconds were taken out at the front, a voice is louder in the chorus.
pub fn comparison(words: &str) -> Comparison {
    let facts = |seconds: u64| FileFacts {
        sample_rate: 48_000,
        channels: 2,
        frames: seconds * RATE,
        silent: false,
        codec: "pcm".into(),
        lossy: false,
    };
    let change = |kind, start_s: f64, end_s, low_hz, high_hz, whole_song, words: &str| Change {
        start_s,
        end_s,
        low_hz,
        high_hz,
        change_db: 0.8,
        part_db: None,
        residual_db: -18.0,
        kind,
        place: Place::Centre,
        whole_song,
        stem: None,
        explained: 1.0,
        words: words.into(),
    };
    Comparison {
        a: facts(204),
        b: facts(201),
        same: Sameness::Changed,
        why: None,
        rate: Some(48_000),
        gain_db: Some(0.8),
        offset_frames: Some(0.0),
        offset_s: Some(0.0),
        polarity: Some(1),
        drift_ppm: Some(0.0),
        confidence: 1.0,
        residual_db: Some(-23.4),
        residual_dbfs: Some(-41.0),
        residual: Some(residual()),
        edits: vec![Edit { a_s: 0.0, b_s: 0.0, inserted_s: 0.0, removed_s: 3.0 }],
        changes: vec![
            change(
                ChangeKind::Level,
                0.0,
                204.0,
                5_000.0,
                24_000.0,
                true,
                "+0.3 dB, above 5 kHz, the whole song",
            ),
            change(ChangeKind::Part, 80.0, 94.0, 1_000.0, 4_000.0, false, words),
            change(
                ChangeKind::New,
                120.0,
                130.0,
                5_000.0,
                10_000.0,
                false,
                "other sound than before, 5-10 kHz, 2:00.0-2:10.0",
            ),
        ],
        untold: 2,
        time_map: TimeMap { pieces: vec![Piece { a_s: 3.0, a_end_s: 204.0, b_s: 0.0, pace: 1.0 }] },
        words: vec![words.into(), "The second is 0.80 dB louder.".into()],
    }
}

/// What is left of the one when the other is taken away, second by second.
fn residual() -> Residual {
    let level = |step: usize, band: usize| {
        let here = |from: usize, to: usize| (from..to).contains(&step);
        Some(match band {
            _ if here(0, 3) => return None,
            3 | 4 if here(80, 94) => -12.0,
            5 if here(120, 130) => -5.0,
            6 => -70.0,
            3 => -38.0,
            _ => -52.0,
        })
    };
    let bands_db: Vec<Vec<Option<f32>>> =
        (0..204).map(|step| (0..7).map(|band| level(step, band)).collect()).collect();
    Residual {
        step_s: 1.0,
        edges_hz: vec![20.0, 60.0, 250.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 24_000.0],
        all_db: bands_db.iter().map(|it| it.iter().flatten().copied().reduce(f32::max)).collect(),
        bands_db,
    }
}

pub const WORDS: &str = "a part of the mix was turned by about +0.8 dB, 1-4 kHz, 1:20.0-1:34.0, in the centre: the vocal region; the level there changed by +0.4 dB";

pub fn compare(size: (u16, u16), names: Names, keys: &str) -> Seat {
    let mut seat = song(size, names);
    seat.rows(false, review::examined(3, names));
    seat.press("C");
    let json = serde_json::to_string(&comparison(WORDS)).unwrap();
    answer(&mut seat, Ok(json));
    seat.press(keys);
    seat
}

pub fn answer(seat: &mut Seat, outcome: Result<String, Failure>) {
    let read = seat.effects.iter().rev().find_map(|effect| match effect {
        Effect::Read { ticket, page } => Some((*ticket, page.clone())),
        _ => None,
    });
    let (ticket, page) = read.expect("a comparison was asked for");
    seat.tell(Msg::Page { ticket, page, outcome });
}

#[test]
fn two_versions_are_played_side_by_side_and_the_other_is_heard_at_the_same_music() {
    let mut seat = compare(SIZE, PLAIN, "");
    seat.effects.clear();
    seat.press(" ");
    let sent = orders(&mut seat);
    let Order::Load { deck: Deck::Side { tracks, heard }, at, .. } = &sent[0] else { panic!() };
    assert_eq!(tracks.iter().map(|it| it.label.as_str()).collect::<Vec<_>>(), ["Mix 1", "Mix 2"]);
    assert_eq!((*heard, *at), (1, 0), "the beginning of A is cut out of B: B begins");
    tells(&mut seat, 60_000, |_| {});
    assert!(seat.screen().contains("▶ B  Mix 2"), "{}", seat.screen());
    assert!(seat.screen().contains("▶1:03.0"), "the axis is A's: {}", seat.screen());
    seat.press("<tab>");
    assert_eq!(orders(&mut seat), [Order::Switch(0), Order::Seek { at: 63 * RATE }]);
    tells(&mut seat, 63_000, |_| {});
    assert!(seat.screen().contains("▶ A  Mix 1"));
    seat.press("X");
    assert_eq!(orders(&mut seat), [Order::Switch(1), Order::Seek { at: 60 * RATE }]);
}

#[test]
fn space_takes_the_shown_pair_where_something_else_plays() {
    let mut seat = compare(SIZE, PLAIN, "");
    // An alternate of Mix 2 plays: neither of the two files here.
    seat.press("<esc>. ");
    tells(&mut seat, 60_000, |_| {});
    seat.press("<esc>");
    seat.press("<enter>");
    let Screen::Song(view) = seat.model.top_mut() else { panic!() };
    view.file = 0;
    seat.model.player.playing = true;
    let heard = seat.model.player.track().unwrap().label.clone();
    assert_eq!(heard, "Mix 2 vocal-up+0.5");
    seat.press("C");
    let json = serde_json::to_string(&comparison(WORDS)).unwrap();
    answer(&mut seat, Ok(json));
    assert!(seat.screen().contains("Space play ·"), "the hint says what the key does: {}", seat.screen());
    seat.effects.clear();
    seat.press(" ");
    let sent = orders(&mut seat);
    let [Order::Load { deck: Deck::Side { tracks, .. }, play: true, .. }] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(tracks.iter().map(|it| it.label.as_str()).collect::<Vec<_>>(), ["Mix 1", "Mix 2"]);
    assert!(seat.screen().contains("Space pause ·"), "{}", seat.screen());
    seat.press(" ");
    assert_eq!(orders(&mut seat), [Order::Pause]);
}

#[test]
fn a_change_is_heard_by_enter_and_looped() {
    let mut seat = compare(SIZE, PLAIN, " ");
    tells(&mut seat, 1_000, |_| {});
    seat.effects.clear();
    seat.press("<down><down><enter>");
    assert_eq!(orders(&mut seat), [Order::Seek { at: 77 * RATE }], "1:20 of A is 1:17 of B, which is heard");
    seat.press("\\");
    assert_eq!(orders(&mut seat), [Order::Loop(Some((77 * RATE, 91 * RATE)))]);
    seat.press("\\<up>\\");
    assert_eq!(orders(&mut seat), [Order::Loop(None)]);
    assert!(seat.screen().contains("Choose a change that has a place"), "{}", seat.screen());
}

#[test]
fn the_pair_is_changed_by_key_and_asked_for_once() {
    let mut seat = compare(SIZE, PLAIN, "");
    let asked = |seat: &Seat| seat.effects.iter().filter(|it| matches!(it, Effect::Read { .. })).count();
    assert_eq!(asked(&seat), 1);
    seat.press(".");
    assert_eq!(asked(&seat), 2);
    assert!(seat.screen().contains("Mix 1 vocal-up+0.5"), "{}", seat.screen());
    seat.press("[");
    assert!(seat.screen().contains("There is no older version."));
    seat.tell(Msg::Lost { why: "cut".into() });
    seat.connect(3, PLAIN);
    assert_eq!(asked(&seat), 3, "what was cut on its way is asked for again");
    seat.tell(Msg::Tick(sample::NOW_MS + 1));
    assert_eq!(asked(&seat), 3);
}

#[test]
fn an_alternate_of_a_first_version_is_held_against_its_main() {
    let mut seat = song(SIZE, PLAIN);
    seat.press("<esc>2<enter><right><right><enter>");
    seat.press("C");
    assert!(!matches!(seat.model.top(), Screen::Compare(_)) || seat.screen().contains("Mix 3"));
    let mut seat = song(SIZE, PLAIN);
    seat.press("<tab><down>C");
    assert!(seat.screen().contains("is the first of its kind"), "{}", seat.screen());
    seat.press("<esc>.C");
    let Screen::Compare(view) = seat.model.top() else { panic!("{}", seat.screen()) };
    assert_eq!((view.a.alternate.as_str(), view.b.alternate.as_str()), ("", "vocal-up+0.5"));
    assert_eq!(view.a.version, view.b.version);
}
