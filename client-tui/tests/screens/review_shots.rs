//! Snapshots of the review protocol. What is in the .snap files is what people see: read them before accepting.

use deadwax_client::tui::{Failure, Msg};
use deadwax_proto::v1::{HistoryEntry, HistoryResponse};

use crate::{
    review,
    sample::{LONG, MINUTE, NOW_MS, PLAIN},
    seat::Seat,
};

fn shoot(name: &str, steps: impl Fn((u16, u16)) -> Seat) {
    for size in [(80, 24), (120, 40)] {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), steps(size).screen());
    }
}

fn pressed(mut seat: Seat, keys: &str) -> Seat {
    seat.press(keys);
    seat
}

#[test]
fn what_the_studio_found_out() {
    for (name, names) in [("song_examined", PLAIN), ("song_examined_long", LONG)] {
        shoot(name, |size| {
            let mut seat = review::seat(size, names, review::examined(3, names));
            seat.answer_wave();
            pressed(seat, "<end><up>")
        });
    }
    shoot("song_note_cut_out", |size| {
        let mut seat = review::seat(size, PLAIN, review::examined(3, PLAIN));
        seat.answer_wave();
        pressed(seat, "<home><down>")
    });
    shoot("gate_detail", |size| pressed(review::seat(size, PLAIN, review::examined(3, PLAIN)), "e"));
    shoot("approve_untouched", |size| pressed(review::seat(size, PLAIN, review::examined(3, PLAIN)), "a"));
    shoot("move_note", |size| {
        pressed(review::seat(size, PLAIN, review::examined(3, PLAIN)), "<end><up><right><right>M")
    });
}

#[test]
fn mixes_that_compete() {
    let open = |size| review::seat(size, PLAIN, review::shootout(3, PLAIN, false));
    let over = |size| review::seat(size, PLAIN, review::shootout(3, PLAIN, true));
    shoot("shootout_open", |size| {
        let mut seat = open(size);
        seat.answer_wave();
        seat
    });
    shoot("shootout_open_page", |size| pressed(open(size), "s"));
    shoot("shootout_picked", |size| {
        let mut seat = over(size);
        seat.answer_wave();
        seat
    });
    shoot("shootout_picked_page", |size| pressed(over(size), "s"));
    shoot("shootout_entrants", |size| {
        let rows = [review::manager(PLAIN), review::shootout(3, PLAIN, false)].concat();
        pressed(review::seat(size, PLAIN, rows), "B ")
    });
    shoot("shootout_vote", |size| pressed(open(size), "V-<enter>The wider one."));
    shoot("shootout_pick", |size| pressed(open(size), "PThe wider one.<enter>"));
}

#[test]
fn rounds_beyond_the_terms() {
    shoot("revision_beyond_terms", |size| {
        let mut seat = review::seat(size, PLAIN, Vec::new());
        seat.press("R<enter>Once more.<enter>");
        let command_id = seat.model.pending[0].command_id.clone();
        let text = "This is round 3 of 2 included: it is billed.".to_owned();
        let refused = Failure::Refused { reason: "BEYOND_TERMS".into(), text, hint: "Say yes to it.".into() };
        seat.tell(Msg::Performed { command_id, outcome: Err(refused) });
        seat
    });
    shoot("revision_correction", |size| pressed(review::seat(size, PLAIN, Vec::new()), "R<tab>"));
}

#[test]
fn decisions() {
    let seat = |size| review::seat(size, PLAIN, review::manager(PLAIN));
    shoot("override", |size| pressed(seat(size), "OThe label is on tour, the date is fixed."));
    shoot("terms", |size| pressed(seat(size), "<esc>t"));
    shoot("spacing", |size| pressed(seat(size), "<esc>s"));
    shoot("spacing_approve", |size| pressed(seat(size), "<esc>A"));
    shoot("follow", |size| pressed(seat(size), "z<down>"));
    shoot("palette", |size| pressed(seat(size), ":note"));
    shoot("project_late", |size| {
        let keys = if size.0 >= 100 { "<esc><right>" } else { "<esc><down>" };
        pressed(seat(size), keys)
    });
    let to_master = |size: (u16, u16)| if size.0 >= 100 { "<esc><right>m" } else { "<esc><down>m" };
    shoot("handoff", |size| pressed(pressed(seat(size), to_master(size)), "Z"));
    shoot("handoff_return", |size| {
        let text = "GTwo files are wrong.";
        pressed(pressed(seat(size), to_master(size)), text)
    });
    shoot("swap_mix", |size| pressed(pressed(seat(size), to_master(size)), "S"));
}

#[test]
fn desk_with_dates() {
    for (name, names) in [("desk_dates", PLAIN), ("desk_dates_long", LONG)] {
        shoot(name, |size| {
            let mut seat = Seat::sample(size, 3, names);
            seat.tell(Msg::Desk(review::desk(names)));
            pressed(seat, "<down>")
        });
    }
}

#[test]
fn turnaround() {
    for (name, names) in [("turnaround", PLAIN), ("turnaround_long", LONG)] {
        shoot(name, |size| {
            let mut seat = review::seat(size, names, Vec::new());
            seat.press("<esc>T");
            let ticket = seat.model.ticket;
            seat.tell(Msg::Turnaround { ticket, outcome: Ok(review::turnaround(names)) });
            pressed(seat, "<down><down>")
        });
    }
}

#[test]
fn an_override_stands_out_in_history() {
    shoot("history_override", |size| {
        let mut seat = review::seat(size, PLAIN, Vec::new());
        seat.press("i");
        let entry = |seq: u64, code: &str, text: &str| HistoryEntry {
            seq,
            at_ms: NOW_MS - i64::try_from(50 - seq).unwrap() * MINUTE,
            who: "Lena Ruiz".into(),
            code: code.into(),
            text: text.into(),
            song_id: "s0".into(),
        };
        let entries = vec![
            entry(42, "NOTE_ADDED", "Lena Ruiz wrote a note on Mix 2 of Glass Hour."),
            entry(41, "GATE_OVERRIDDEN", "Lena Ruiz overrode the gate of mixing: the date is fixed."),
            entry(40, "MIX_SWAPPED", "Lena Ruiz asked for another mix of Glass Hour."),
        ];
        let ticket = seat.model.ticket;
        let outcome = Ok(HistoryResponse { entries, next_before_seq: 0 });
        seat.tell(Msg::History { ticket, outcome });
        seat
    });
}
