//! S-1: text from others never reaches the terminal as control sequences, on any screen.

use deadwax_client::{
    scrub,
    tui::{Failure, Msg, model::Screen},
};

use crate::{
    review,
    sample::HOSTILE,
    seat::Seat,
    sink::{Kind, faults},
};

pub fn assert_clean(seat: &Seat, at: &str) {
    let (cells, bytes) = seat.sent_to_terminal();
    for cell in cells.content() {
        let symbol = cell.symbol();
        assert!(!symbol.chars().any(scrub::is_hostile), "{symbol:?} on {at}");
    }
    let wrong = faults(&bytes, Kind::Frame);
    assert!(wrong.is_empty(), "on {at}: {wrong:?}");
}

#[test]
fn no_screen_lets_a_control_character_through() {
    for size in [(80, 24), (120, 40), (41, 13)] {
        for keys in [
            "",
            "2",
            "2<enter>",
            "2<enter>u",
            "<enter>",
            "<enter>]]",
            "<enter>a",
            "<enter>R",
            "<enter>R<enter>",
            "<enter>]]t",
            "<enter>r",
            "<enter>H",
            "<enter>u",
            "<down><down><enter>",
            "<down><down><enter>e",
            "<down><down><enter>s",
            "<enter>i",
            "<enter>?",
        ] {
            for me in 0..4 {
                let mut seat = Seat::sample(size, me, HOSTILE);
                seat.press(keys);
                assert_clean(&seat, keys);
            }
        }
    }
}

#[test]
fn no_screen_of_the_review_lets_one_through() {
    let pages = [
        "",
        "e",
        "s",
        "Z",
        "I",
        "a",
        "R",
        "O",
        "S",
        "G",
        "F",
        "B",
        "B ",
        "V",
        "V<enter>",
        "P",
        "Px<enter>",
        "z",
        "M",
        ":",
        "n<tab>",
        "<end><up>",
        "<esc>t",
        "<esc>s",
        "<esc>A",
        "<esc>z",
        "<esc>",
        "<esc><down>m",
        "<esc><down>mZ",
        "<esc><down>mG",
        "<esc><down>mS",
    ];
    for size in [(80, 24), (120, 40), (41, 13)] {
        for picked in [false, true] {
            for keys in pages {
                let rows = [
                    review::examined(3, HOSTILE),
                    review::manager(HOSTILE),
                    if keys.contains(['V', 'P', 's', 'B']) {
                        review::shootout(3, HOSTILE, picked)
                    } else {
                        Vec::new()
                    },
                ];
                let mut seat = review::seat(size, HOSTILE, rows.concat());
                seat.press(keys);
                assert_clean(&seat, keys);
            }
        }
        let mut seat = Seat::sample(size, 3, HOSTILE);
        seat.tell(Msg::Desk(review::desk(HOSTILE)));
        seat.press("<down>");
        assert_clean(&seat, "the desk");
        seat.press("2<enter>T");
        let ticket = seat.model.ticket;
        seat.tell(Msg::Turnaround { ticket, outcome: Ok(review::turnaround(HOSTILE)) });
        assert_clean(&seat, "turnaround");
    }
}

#[test]
fn words_of_a_refusal_and_a_cut_are_scrubbed_too() {
    let mut seat = Seat::sample((80, 24), 3, HOSTILE);
    seat.press("<enter>ay");
    let command_id = seat.model.pending[0].command_id.clone();
    let evil = "no\x1b]0;owned\x07\u{202e}".to_owned();
    let outcome = Err(Failure::Refused { reason: "X".into(), text: evil.clone(), hint: evil.clone() });
    seat.tell(Msg::Performed { command_id, outcome });
    assert_clean(&seat, "a refusal");
    seat.tell(Msg::Lost { why: evil.clone() });
    assert_clean(&seat, "a banner");
    seat.press("<esc>n");
    seat.tell(Msg::SessionEnded { text: evil.clone(), hint: evil });
    assert_clean(&seat, "an ended session");
}

#[test]
fn pasted_escapes_become_plain_text() {
    let mut seat = Seat::sample((80, 24), 3, HOSTILE);
    seat.press("<enter>n");
    seat.tell(Msg::Paste("quiet\x1b[2J\u{202e} please".into()));
    assert!(matches!(seat.model.top(), Screen::Song(_)));
    assert_clean(&seat, "a paste");
    assert!(seat.screen().contains("quiet[2J please"));
}
