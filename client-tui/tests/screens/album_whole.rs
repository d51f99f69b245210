//! The whole spacing by keys: trims, the hidden song, sides, and notes on the order and its joints.

use deadwax_client::{
    play::{Deck, Order},
    tui::{Effect, Msg},
};
use deadwax_proto::v1::*;

use crate::{
    album::{SIZE, head, order, played, seat, set, spacing},
    sample::{self, HOUR, LONG, NOW_MS, Names, PLAIN, no},
    seat::Seat,
    shots::{cut, shoot},
};

/// Trims, a hidden song, sides, and what was said of it.
fn whole(names: Names) -> Spacing {
    let mut all = spacing(3, names.people[0], [0, 1, 2, 3]);
    all.items[0].hidden = true;
    all.items[1].trim_in_ms = 350;
    all.items[1].trim_out_ms = 12_500;
    all.items[2].crossfade_ms = 1_500;
    all.items[2].gap_ms = 0;
    all.items[3].begins_side = true;
    let note = |id: &str, song: &str, text: &str| SpacingNote {
        note_id: id.into(),
        number: 3,
        song_id: song.into(),
        by: names.people[1].into(),
        at_ms: NOW_MS - HOUR,
        text: text.into(),
        ..SpacingNote::default()
    };
    all.notes = vec![
        note("n1", "s1", names.note),
        note("n2", "", "The second side begins too softly."),
        SpacingNote {
            closed: true,
            closed_by: names.people[0].into(),
            answer: "Half a second now.".into(),
            ..note("n3", "s2", "A little less air here?")
        },
    ];
    all
}

/// All of it in the room.
fn full(size: (u16, u16), names: Names) -> Seat {
    let mut seat = seat(size, names);
    seat.rows(false, vec![head(names, |it| it.spacing = Some(whole(names)))]);
    seat.tell(Msg::Tick(NOW_MS + 10_000));
    seat
}

#[test]
fn album_whole() {
    shoot("album_whole", |size| {
        let mut seat = full(size, PLAIN);
        seat.press("<down>");
        seat
    });
    shoot("album_whole_long", |size| {
        let mut seat = full(size, LONG);
        seat.press("<down>");
        seat
    });
    shoot("album_beside", |size| {
        let mut seat = full(size, PLAIN);
        seat.press("<tab><down><down>");
        seat
    });
    shoot("album_beside_long", |size| {
        let mut seat = full(size, LONG);
        seat.press("<tab>");
        seat
    });
    shoot("album_beside_nothing", |size| {
        let mut seat = Seat::sample(size, 3, PLAIN);
        seat.press("2<enter>4<tab>");
        let none = sample::rows(3, PLAIN).into_iter().filter(|it| !it.key.starts_with("version"));
        seat.rows(true, none.collect());
        seat
    });
    shoot("album_notes", |size| {
        let mut seat = full(size, PLAIN);
        seat.press("<tab><tab><down>");
        seat
    });
    shoot("album_notes_long", |size| {
        let mut seat = full(size, LONG);
        seat.press("<tab><tab>");
        seat
    });
    shoot("album_notes_none", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<tab><tab>");
        seat
    });
    shoot("album_note_written", |size| {
        let mut seat = full(size, PLAIN);
        seat.press("<down>nLet it breathe.");
        seat
    });
    shoot("album_beside_offline", |size| {
        let mut seat = full(size, PLAIN);
        cut(&mut seat);
        seat.press("<tab>");
        seat
    });
}

#[test]
fn trims_go_in_steps_are_heard_and_are_taken_back() {
    let mut seat = seat(SIZE, PLAIN);
    let items = |seat: &Seat| seat.model.album.items("P", &seat.model.projects["P"]);
    seat.press("<down>xxxvvv");
    assert_eq!((items(&seat)[1].trim_in_ms, items(&seat)[1].trim_out_ms), (30, 30));
    seat.press(&format!("{}{}", "x".repeat(20), "v".repeat(40)));
    assert_eq!((items(&seat)[1].trim_in_ms, items(&seat)[1].trim_out_ms), (350, 2_750));
    seat.press("XV");
    assert_eq!((items(&seat)[1].trim_in_ms, items(&seat)[1].trim_out_ms), (300, 2_500));
    assert!(seat.screen().contains("|3:04.2|"), "what is left is told:\n{}", seat.screen());
    assert!(seat.screen().contains("0.3 s cut from its head, 2.5 s cut from its tail"), "{}", seat.screen());
    // The third song begins earlier by what was cut.
    seat.press(" ");
    let orders = played(&mut seat);
    let [Order::Load { deck: Deck::Album { items: deck }, at, .. }] = orders.as_slice() else { panic!() };
    assert_eq!((deck[1].trim_in_ms, deck[1].trim_out_ms), (300, 2_500));
    assert_eq!(*at, 48_000 * (204 + 2 - 5));
    seat.press("w");
    assert_eq!(set(&mut seat).items[1].trim_out_ms, 2_500);
    seat.press("X");
    assert_eq!(items(&seat)[1].trim_in_ms, 250);
    seat.press("UU");
    assert_eq!((items(&seat)[1].trim_in_ms, items(&seat)[1].trim_out_ms), (300, 2_750));
    seat.press("<home>X");
    assert!(seat.screen().contains("Nothing is cut there."), "{}", seat.screen());
    // Of a song is left what its crossfade needs.
    seat.press("<down>cccc");
    seat.press(&"v".repeat(600));
    assert!(seat.screen().contains("must be left what its crossfades need"), "{}", seat.screen());
    let left = 187_000 - items(&seat)[1].trim_in_ms - items(&seat)[1].trim_out_ms;
    assert!((2_000..3_000).contains(&left), "{left}");
}

#[test]
fn only_the_first_song_is_hidden_and_it_stays_the_first() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("<down>P");
    assert!(seat.screen().contains("Only the first song"), "{}", seat.screen());
    seat.press("<home>P");
    let screen = seat.screen();
    assert!(
        screen.contains("hidden in the pre-gap, before track 1") && screen.contains("pre-gap"),
        "{screen}"
    );
    for keys in ["]", "<down>["] {
        seat.press(keys);
        assert_eq!(order(&seat), ["s0", "s1", "s2", "s3"], "{keys}");
        assert!(seat.screen().contains("has to be the first"), "{}", seat.screen());
    }
    seat.press("w");
    assert!(set(&mut seat).items[0].hidden);
    seat.press("<home>P");
    assert!(!seat.screen().contains("hidden in"));
}

#[test]
fn no_crossfade_goes_over_the_edge_of_a_side() {
    let mut seat = seat(SIZE, PLAIN);
    let items = |seat: &Seat| seat.model.album.items("P", &seat.model.projects["P"]);
    seat.press("<down>Bc");
    assert!(seat.screen().contains("A side begins with this song"), "{}", seat.screen());
    seat.press("HHHH");
    assert_eq!((items(&seat)[1].gap_ms, items(&seat)[1].crossfade_ms), (0, 0), "down to none and no further");
    seat.press("<down>cB");
    assert!(seat.screen().contains("a side would be cut there"), "{}", seat.screen());
    assert!(!items(&seat)[2].begins_side);
    // A side that somebody else set so can still be mended.
    let mut other = super::album::seat(SIZE, PLAIN);
    let mut wrong = spacing(2, "Ben Okafor", [0, 1, 2, 3]);
    (wrong.items[1].begins_side, wrong.items[1].gap_ms, wrong.items[1].crossfade_ms) = (true, 0, 2_000);
    other.rows(false, vec![head(PLAIN, |it| it.spacing = Some(wrong))]);
    assert!(other.screen().contains("a crossfade ends at the edge"), "{}", other.screen());
    other.press("<down>C");
    assert_eq!(items(&other)[1].crossfade_ms, 1_500);
}

fn sent_one(seat: &mut Seat) -> action::Action {
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    action.action.clone().unwrap()
}

#[test]
fn a_note_goes_to_the_joint_or_to_the_order_and_is_closed_with_an_answer() {
    let mut seat = full(SIZE, PLAIN);
    seat.press("<down><down>nLess air.<enter>");
    let action::Action::AddSpacingNote(it) = sent_one(&mut seat) else { panic!() };
    assert_eq!((it.number, it.song_id.as_str(), it.text.as_str()), (3, "s2", "Less air."));
    let mut seat = full(SIZE, PLAIN);
    seat.press("NGood.<enter>");
    let action::Action::AddSpacingNote(it) = sent_one(&mut seat) else { panic!() };
    assert_eq!((it.song_id.as_str(), it.text.as_str()), ("", "Good."));
    // On the joint of the marked song; where it has none, on the order.
    for (keys, id) in [("<down>d", "n1"), ("d", "n2"), ("<tab><tab><down>d", "n2")] {
        let mut seat = full(SIZE, PLAIN);
        seat.press(keys);
        seat.press("Done.<enter>");
        let action::Action::CloseSpacingNote(it) = sent_one(&mut seat) else { panic!() };
        assert_eq!((it.note_id.as_str(), it.answer.as_str()), (id, "Done."), "{keys}");
    }
    let mut seat = full(SIZE, PLAIN);
    seat.press("d<enter>");
    assert!(matches!(sent_one(&mut seat), action::Action::CloseSpacingNote(it) if it.answer.is_empty()));
    let mut seat = full(SIZE, PLAIN);
    seat.press("<tab><tab><end>d");
    assert!(seat.screen().contains("closed already"), "{}", seat.screen());
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("2<enter>4n");
    assert!(seat.screen().contains("No running order is saved yet"), "{}", seat.screen());
}

#[test]
fn a_note_that_was_left_comes_back_before_the_order_is_undone() {
    let mut seat = full(SIZE, PLAIN);
    seat.press("<down>lnLess<esc><esc>");
    assert!(seat.model.prompt.is_none());
    seat.press("U");
    assert!(seat.screen().contains("Less") && seat.model.prompt.is_some(), "{}", seat.screen());
    seat.press("<enter>");
    assert!(matches!(sent_one(&mut seat), action::Action::AddSpacingNote(it) if it.text == "Less"));
    let items = seat.model.album.items("P", &seat.model.projects["P"]);
    assert_eq!(items[1].gap_ms, 2_100, "the draft was left alone");
}

#[test]
fn a_note_without_a_line_waits_and_a_refused_one_comes_back() {
    let mut seat = full(SIZE, PLAIN);
    cut(&mut seat);
    seat.press("<down>nLess.<enter>");
    assert!(
        seat.sent().is_empty() && seat.screen().contains("Kept here: the note on the spacing"),
        "{}",
        seat.screen()
    );
    let mut seat = full(SIZE, PLAIN);
    seat.rows(
        false,
        vec![head(PLAIN, |it| {
            it.allowed.push(no("add_spacing_note", "X", "Listeners write no notes.", "Ask."));
            it.spacing = Some(whole(PLAIN));
        })],
    );
    seat.press("n");
    assert!(
        seat.model.prompt.is_none() && seat.screen().contains("Listeners write no notes."),
        "{}",
        seat.screen()
    );
}

#[test]
fn what_a_draft_undoes_is_its_own_whatever_the_studio_sent_between() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("<down>l]w");
    let items = set(&mut seat).items;
    let mine: Vec<String> = items.iter().map(|it| it.song_id.clone()).collect();
    seat.rows(
        false,
        vec![head(PLAIN, |it| {
            it.spacing = Some(Spacing { items, ..spacing(2, "Iris Lund", [0, 1, 2, 3]) });
        })],
    );
    // Saved, then somebody else set another order of the same songs.
    seat.rows(false, vec![head(PLAIN, |it| it.spacing = Some(spacing(3, "Ben Okafor", [3, 2, 1, 0])))]);
    assert_eq!(order(&seat), ["s3", "s2", "s1", "s0"]);
    seat.press("U");
    assert_eq!(order(&seat), mine, "one step back is the whole of what was mine");
    seat.press("UU");
    assert_eq!(order(&seat), ["s0", "s1", "s2", "s3"]);
    let items = seat.model.album.items("P", &seat.model.projects["P"]);
    assert_eq!(items.iter().map(|it| it.gap_ms).collect::<Vec<_>>(), [0, 2_000, 2_000, 2_000]);
}
