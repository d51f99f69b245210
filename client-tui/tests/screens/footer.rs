//! The last lines of the screen: which keys are offered, which come first, and how long a message stays.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use deadwax_client::{
    play::Order,
    tui::{
        Effect, Msg, draw,
        draw::Hit,
        keys::{Kind, Verb},
        model::Screen,
    },
};
use deadwax_proto::v1::{NoteState, row::Row as Of};

use crate::{
    sample::{self, PLAIN},
    seat::Seat,
};

const SIZE: (u16, u16) = (80, 24);

fn song(me: usize) -> Seat {
    let mut seat = Seat::sample(SIZE, me, PLAIN);
    seat.press("<enter>");
    assert_eq!(seat.model.top().kind(), Kind::Song);
    seat
}

/// The song without a version.
fn bare(me: usize) -> Seat {
    let mut seat = Seat::sample(SIZE, me, PLAIN);
    seat.press("2<enter><home><enter>");
    assert!(seat.screen().contains("Nothing is uploaded yet."), "{}", seat.screen());
    seat
}

fn footer(seat: &Seat) -> String {
    seat.screen().lines().last().unwrap_or_default().to_owned()
}

fn click(seat: &mut Seat, is: impl Fn(&Hit) -> bool) {
    let areas = draw::areas_of(&seat.model);
    let (area, _) =
        areas.iter().rev().find(|(area, hit)| is(hit) && area.width > 0 && area.height > 0).unwrap();
    let (kind, modifiers) = (MouseEventKind::Down(MouseButton::Left), KeyModifiers::NONE);
    seat.tell(Msg::Mouse(MouseEvent { kind, column: area.x, row: area.y, modifiers }));
    seat.tell(Msg::Shown);
}

#[test]
fn a_message_goes_with_its_screen() {
    let mut seat = song(3);
    seat.press("X");
    assert!(seat.model.notice.is_some());
    seat.press("<down>");
    assert!(seat.model.notice.is_some(), "the screen is the same");
    seat.press("m");
    assert!(seat.model.notice.is_none(), "{}", seat.screen());
    seat.press("<esc>");
    assert_eq!(seat.model.top().kind(), Kind::Song, "the first Esc leaves");
}

#[test]
fn a_song_without_a_version_offers_what_can_be_done_with_it() {
    let seat = bare(1);
    assert!(footer(&seat).starts_with(" u upload  "), "{}", footer(&seat));
    assert!(seat.screen().contains("u uploads its first file."));
    for nothing in ["reply", "compare", "gate", "note", "play"] {
        assert!(!footer(&seat).contains(nothing), "{}", footer(&seat));
    }
    let mut seat = bare(0);
    let mut rows = sample::rows(0, PLAIN);
    let Some(Of::Song(row)) = rows.iter_mut().find(|it| it.key == "song/s1").and_then(|it| it.row.as_mut())
    else {
        unreachable!("the sample holds this song")
    };
    row.allowed = vec![sample::no("add_version", "NOT_YOUR_ROLE", "You do not record.", "")];
    seat.rows(true, rows);
    assert!(!seat.screen().contains("u upload"), "{}", seat.screen());
}

#[test]
fn whoever_judges_a_mix_finds_both_answers_in_the_narrow_line() {
    let seat = song(3);
    assert!(footer(&seat).contains("a approve  R revision"), "{}", footer(&seat));
    let mut seat = song(0);
    assert!(
        footer(&seat).contains("w withdraw") && footer(&seat).contains("R revision"),
        "{}",
        footer(&seat)
    );
    seat.press("<tab><down>");
    assert!(!footer(&seat).contains("R revision"), "Mix 1 is no candidate: {}", footer(&seat));
}

#[test]
fn what_was_signed_in_a_stage_that_is_left_is_not_offered_for_withdrawal() {
    let mut seat = song(3);
    let mut rows = sample::rows(3, PLAIN);
    let Some(Of::Gate(gate)) = rows.iter_mut().find(|it| it.key == "gate/s0").and_then(|it| it.row.as_mut())
    else {
        unreachable!("the sample holds this gate")
    };
    // Lena signed the mix before, Mara the one that the gate looks at.
    let mut earlier = gate.approvals[0].clone();
    (earlier.person_id, earlier.version_id) = ("p3".into(), "v1".into());
    gate.approvals.push(earlier);
    seat.rows(true, rows.clone());
    assert!(
        footer(&seat).starts_with(" a approve") && !footer(&seat).contains("withdraw"),
        "{}",
        footer(&seat)
    );
    let Some(Of::Gate(gate)) = rows.iter_mut().find(|it| it.key == "gate/s0").and_then(|it| it.row.as_mut())
    else {
        unreachable!("the sample holds this gate")
    };
    gate.approvals[1].carried_to_version_id = "v2".into();
    seat.rows(true, rows);
    assert!(
        footer(&seat).contains("w withdraw"),
        "what the carry rule keeps can be withdrawn: {}",
        footer(&seat)
    );
}

#[test]
fn who_is_waited_for_is_said_by_name() {
    let mut seat = song(3);
    assert!(seat.screen().contains("Mix 2 waits for the approval of Lena Ruiz."), "{}", seat.screen());
    // Where a line names nobody the sentence of the studio stands.
    let mut rows = sample::rows(3, PLAIN);
    let Some(Of::Gate(gate)) = rows.iter_mut().find(|it| it.key == "gate/s0").and_then(|it| it.row.as_mut())
    else {
        unreachable!("the sample holds this gate")
    };
    gate.lines[1].text = "Label: 0 of 1 approvals.".into();
    seat.rows(true, rows);
    assert!(seat.screen().contains("Mix 2 waits for the approval of the label."), "{}", seat.screen());
    // On the board there is room for the name alone.
    let mut seat = Seat::sample(SIZE, 0, PLAIN);
    seat.press("2<enter>");
    let board = seat.screen();
    assert!(board.lines().any(|it| it.contains("Glass Hour") && it.ends_with("Lena Ruiz")), "{board}");
}

#[test]
fn the_rooms_beside_the_board_and_the_next_step_of_a_master_are_named() {
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("2<enter><home>");
    let screen = seat.screen();
    assert!(screen.contains("4 running order · 5 delivery · 6 people, invites · i history"), "{screen}");
    assert!(!footer(&seat).contains("fetch"), "nothing is there of this song: {}", footer(&seat));
    let mut wide = Seat::sample((120, 40), 3, PLAIN);
    wide.press("2<enter><home>");
    assert!(!footer(&wide).contains("f fetch"), "{}", footer(&wide));
    wide.press("<right>");
    assert!(footer(&wide).contains("f fetch"), "{}", footer(&wide));
    seat.press("<down>");
    // The label on the master that waits for its signature.
    seat.press("<down>m");
    assert!(seat.screen().contains("Enter open it, then approve"), "{}", seat.screen());
    // The mastering engineer finds the way to the renders where there is room for little.
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press("2<enter><down><down><enter>");
    assert!(footer(&seat).contains("m master"), "{}", footer(&seat));
}

#[test]
fn an_open_note_has_nothing_to_accept() {
    let mut seat = song(0);
    let mut rows = sample::rows(0, PLAIN);
    for row in &mut rows {
        if let Some(Of::Note(note)) = &mut row.row {
            note.state = NoteState::Open.into();
            note.allowed = vec![sample::yes("accept_note"), sample::yes("address_note")];
        }
    }
    seat.rows(true, rows);
    seat.sent();
    assert!(!footer(&seat).contains("accept"), "{}", footer(&seat));
    seat.press("c");
    assert!(seat.screen().contains("Nobody has done it yet.") && seat.sent().is_empty());
}

#[test]
fn a_click_chooses_a_version_and_says_no() {
    let mut seat = song(3);
    click(&mut seat, |it| *it == Hit::Version("v1".into()));
    let Screen::Song(view) = seat.model.top() else { panic!("{}", seat.screen()) };
    assert_eq!(view.version.as_deref(), Some("v1"));
    click(&mut seat, |it| *it == Hit::Version("v2".into()));
    seat.press("a");
    assert!(seat.model.prompt.is_some(), "{}", seat.screen());
    click(&mut seat, |it| *it == Hit::Key(Verb::Back));
    assert!(seat.model.prompt.is_none() && seat.sent().is_empty());
}

#[test]
fn space_plays_the_song_that_is_looked_at() {
    let mut seat = song(3);
    seat.press(" ");
    seat.effects.clear();
    seat.press("2<enter><down><down><enter>");
    let Screen::Song(view) = seat.model.top() else { panic!("{}", seat.screen()) };
    assert_ne!(view.song, "s0");
    assert!(seat.screen().contains("Glass Hour: Mix 2"), "{}", seat.screen());
    seat.press(" ");
    let loads = seat.effects.iter().any(|it| matches!(it, Effect::Play(Order::Load { play: true, .. })));
    assert!(loads && seat.model.player.playing, "{}", seat.screen());
    assert!(!seat.screen().contains("Glass Hour"), "{}", seat.screen());
    seat.press(" ");
    assert!(!seat.model.player.playing);
}
