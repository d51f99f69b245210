//! History: by day, searched while typing, older entries as one scrolls, newer ones as they happen, and the way to what a line speaks of.

use deadwax_client::tui::{Effect, Msg, model::Screen};
use deadwax_proto::v1::{HistoryEntry, HistoryResponse};

use crate::{
    rooms::{manager, shoot},
    sample::{self, MINUTE, NOW_MS, PLAIN},
    seat::Seat,
};

fn entries(from: u64, count: u64) -> Vec<HistoryEntry> {
    let one = |seq: u64| HistoryEntry {
        seq,
        at_ms: NOW_MS - i64::try_from(1000 - seq).unwrap() * 37 * MINUTE,
        who: PLAIN.people[usize::try_from(seq % 4).unwrap()].into(),
        code: if seq.is_multiple_of(2) { "APPROVED" } else { "NOTE_ADDED" }.into(),
        text: if seq.is_multiple_of(2) { "approved Mix 2 of Glass Hour." } else { "wrote about Mix 1." }
            .into(),
        song_id: "s0".into(),
    };
    (0..count).map(|it| one(from - it)).collect()
}

fn history(size: (u16, u16), count: u64) -> Seat {
    let mut seat = manager(size, PLAIN);
    seat.press("i");
    let ticket = seat.model.ticket;
    let answer = HistoryResponse { entries: entries(1000, count), next_before_seq: 1001 - count };
    seat.tell(Msg::History { ticket, outcome: Ok(answer) });
    seat.effects.clear();
    seat
}

#[test]
fn history_rooms() {
    shoot("history_days", |size| {
        let mut seat = history(size, 60);
        seat.press("<down><down>");
        seat
    });
    shoot("history_search", |size| {
        let mut seat = history(size, 60);
        seat.press("/who:iris what:approved after:2d");
        seat
    });
    shoot("history_misread", |size| {
        let mut seat = history(size, 60);
        seat.press("/after:soon");
        seat
    });
}

#[test]
fn scrolling_towards_the_end_loads_what_is_older_once() {
    let mut seat = history((80, 24), 30);
    seat.press("<down>");
    assert!(seat.effects.is_empty(), "far from the end");
    seat.press("<end><down>");
    let asked: Vec<_> =
        seat.effects.iter().filter(|it| matches!(it, Effect::History { before_seq: 971, .. })).collect();
    assert_eq!(asked.len(), 1, "{:?}", seat.effects);
    let ticket = seat.model.ticket;
    let answer = HistoryResponse { entries: entries(970, 30), next_before_seq: 0 };
    seat.tell(Msg::History { ticket, outcome: Ok(answer) });
    seat.effects.clear();
    seat.press("<end>");
    assert!(seat.screen().contains("#941"), "{}", seat.screen());
    assert!(seat.effects.is_empty());
}

#[test]
fn what_happens_meanwhile_appears_and_the_mark_stays() {
    let mut seat = history((80, 24), 30);
    seat.press("<down><down>");
    assert!(seat.screen().contains("#998, "));
    let note = sample::rows(0, PLAIN).into_iter().filter(|row| row.key == "note/n5").collect();
    seat.rows(false, note);
    seat.tell(Msg::Tick(NOW_MS + 5_000));
    let ticket = seat.model.ticket;
    assert!(
        matches!(seat.effects.as_slice(), [.., Effect::History { before_seq: 0, .. }]),
        "{:?}",
        seat.effects
    );
    let mut newest = entries(1000, 5);
    newest.insert(
        0,
        HistoryEntry { seq: 1001, at_ms: NOW_MS, text: "put it on hold.".into(), ..newest[0].clone() },
    );
    let answer = HistoryResponse { entries: newest, next_before_seq: 996 };
    seat.tell(Msg::History { ticket, outcome: Ok(answer) });
    let screen = seat.screen();
    assert!(screen.contains("#1001") && screen.contains("#998, "), "{screen}");
}

#[test]
fn a_line_of_history_opens_the_version_that_it_speaks_of() {
    for (downs, version) in [("", "v2"), ("<down>", "v1")] {
        let mut seat = history((80, 24), 30);
        seat.press(downs);
        seat.press("<enter>");
        let Screen::Song(view) = seat.model.top() else { panic!("{:?}", seat.model.top()) };
        assert_eq!((view.song.as_str(), view.version.as_deref()), ("s0", Some(version)));
    }
}
