//! S-1 by property: every text field of every row, found by the contract's own descriptors, is filled with what attacks a terminal; every key of every screen is
//! pressed, every question it opens is drawn. What is added to the contract or to the table of keys is tested without being named here.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_client::{
    scrub,
    tui::{
        Msg,
        keys::{Key, Kind, bindings},
        model::{Chosen, CompareView, Screen},
    },
};
use deadwax_proto::v1::{DeskRow, HistoryResponse, Person, ProjectSummary, SongTurnaround, Update};
use proptest::prelude::*;

use crate::{
    contract::Contract,
    review,
    sample::{self, PLAIN},
    seat::Seat,
    sink,
};

fn attack() -> impl Strategy<Value = String> {
    let pieces = vec![
        "\x1b[2J\x1b[H",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1bP+q\x1b\\",
        "\u{9b}31m",
        "\u{90}x\u{9c}",
        "\x07\x08\x7f",
        "\0",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{061c}",
        "\u{200b}",
        "\u{feff}",
        "\u{2060}",
        "\u{ad}",
        "\u{e0041}",
        "\u{e007f}",
        "\r\n",
        "\t",
        "\u{2028}",
        "\u{85}",
        "a\u{301}\u{302}\u{303}\u{304}\u{305}",
        "\u{301}",
        "👩‍👩‍👧‍👦",
        "夜",
        "ｱ",
        " ",
        "%s{}",
        "'; rm -rf ~",
    ];
    let piece = prop_oneof![
        20 => prop::sample::select(pieces).prop_map(str::to_owned),
        2 => ".{0,6}",
        1 => Just("long ".repeat(2_000)),
        1 => Just("e\u{301}".repeat(300)),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|all| all.concat())
}

fn event(key: Key) -> KeyEvent {
    match key {
        Key::Char(c) => KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
        Key::Ctrl(c) => KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL),
        Key::Code(code) => KeyEvent::new(code, KeyModifiers::NONE),
    }
}

/// In front of a studio where everything is named by somebody who means harm.
fn seat(contract: &Contract, size: (u16, u16), me: usize, with: &str) -> Seat {
    let mut seat = Seat::new(size);
    let person: Person = contract.change("Person", &sample::person(me, PLAIN), with);
    let mut summary: ProjectSummary = contract.change("ProjectSummary", &sample::summary(me, PLAIN), with);
    summary.project_id = "P".into();
    seat.tell(Msg::Connected { me: person, studio: format!("Studio{with}"), projects: vec![summary] });
    let desk: Vec<DeskRow> =
        sample::desk(PLAIN).iter().map(|row| contract.change("DeskRow", row, with)).collect();
    let desk = desk.into_iter().map(|row| DeskRow { project_id: "P".into(), ..row }).collect();
    seat.tell(Msg::Desk(desk));
    seat.press("2<enter>");
    let mut rows = sample::rows(me, PLAIN);
    rows.extend(review::examined(me, PLAIN));
    rows.extend(review::manager(PLAIN));
    rows.extend(review::shootout(me, PLAIN, false));
    let update = Update { seq: 7, snapshot: true, upserts: rows, removals: Vec::new() };
    let update: Update = contract.change("Update", &update, with);
    seat.tell(Msg::Rows { project_id: "P".into(), update });
    seat.press("1");
    seat
}

/// As the keys would lead there; what waits for an answer gets one.
fn go(contract: &Contract, seat: &mut Seat, kind: Kind, with: &str) {
    let (project, song) = ("P".to_owned(), format!("s0{with}"));
    let chosen =
        |version: &str| Chosen { version: format!("{version}{with}"), alternate: format!("main{with}") };
    match kind {
        Kind::Desk => {}
        Kind::Projects => seat.press("2"),
        Kind::Project => seat.press("2<enter>"),
        Kind::Song => {
            seat.press("<enter>");
            if seat.effects.iter().any(|it| matches!(it, deadwax_client::tui::Effect::Waveform(_))) {
                seat.answer_wave();
            }
        }
        Kind::Master => seat.model.stack.push(Screen::Master { project, song, render: None }),
        Kind::History => {
            seat.press("2<enter>i");
            let entries = vec![deadwax_proto::v1::HistoryEntry {
                who: "Ana".into(),
                text: "Ana approved Mix 2".into(),
                code: "APPROVED".into(),
                ..Default::default()
            }];
            let answer = HistoryResponse { entries, next_before_seq: 3 };
            let outcome = Ok(contract.change("HistoryResponse", &answer, with));
            seat.tell(Msg::History { ticket: seat.model.ticket, outcome });
        }
        Kind::Turnaround => {
            seat.press("2<enter>T");
            let songs: Vec<SongTurnaround> = review::turnaround(PLAIN)
                .iter()
                .map(|it| contract.change("SongTurnaround", it, with))
                .collect();
            seat.tell(Msg::Turnaround { ticket: seat.model.ticket, outcome: Ok(songs) });
        }
        Kind::Compare => {
            let view = CompareView::new(project, song, chosen("v1"), chosen("v2"));
            seat.model.stack.push(Screen::Compare(view));
        }
        Kind::Album => seat.press("2<enter>4"),
        Kind::Delivery => seat.press("2<enter>5"),
        Kind::Record => {
            seat.press("2<enter>");
            let update = Update { seq: 8, upserts: crate::record::wild(), ..Update::default() };
            let update: Update = contract.change("Update", &update, with);
            seat.tell(Msg::Rows { project_id: "P".into(), update });
            seat.press("5v");
        }
        Kind::People => seat.press("2<enter>6"),
        Kind::LabelCopy => seat.press("2<enter>%"),
        Kind::Transfers => seat.press("8"),
        Kind::Help => seat.press("?"),
    }
}

fn check(seat: &Seat, at: &str) -> Result<(), TestCaseError> {
    let (cells, bytes) = seat.sent_to_terminal();
    for cell in cells.content() {
        let symbol = cell.symbol();
        prop_assert!(!symbol.chars().any(scrub::is_hostile), "{symbol:?} on {at}");
    }
    let wrong = sink::faults(&bytes, sink::Kind::Frame);
    prop_assert!(wrong.is_empty(), "on {at}: {wrong:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_any_field_no_screen_and_no_question_lets_it_through(
        with in attack(),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        me in 0usize..4,
        size in prop::sample::select(vec![(80u16, 24u16), (120, 40), (41, 13), (200, 60), (40, 12)]),
    ) {
        let contract = Contract::read();
        let mut at = seat(&contract, size, me, &with);
        go(&contract, &mut at, kind, &with);
        check(&at, &format!("{kind:?}"))?;
        for binding in bindings(kind) {
            let mut seat = Seat { model: at.model.clone(), effects: Vec::new() };
            for key in binding.keys.iter().take(1) {
                seat.tell(Msg::Key(event(*key)));
                seat.tell(Msg::Shown);
                check(&seat, &format!("{kind:?} after {:?}", binding.verb))?;
                // Further into whatever opened.
                for further in [KeyCode::Down, KeyCode::Tab, KeyCode::Enter] {
                    seat.tell(Msg::Key(KeyEvent::new(further, KeyModifiers::NONE)));
                    seat.tell(Msg::Shown);
                }
                check(&seat, &format!("{kind:?} after {:?} and further", binding.verb))?;
            }
        }
    }
}

#[test]
fn the_walk_reaches_every_text_of_a_row() {
    let contract = Contract::read();
    let rows = sample::rows(0, PLAIN);
    let update = Update { seq: 1, snapshot: true, upserts: rows, removals: vec!["gone".into()] };
    let changed: Update = contract.change("Update", &update, "\x1b!");
    let debug = format!("{changed:?}");
    let texts = debug.matches("\\u{1b}!").count();
    // Song titles, authors, notes, file names, hints: hundreds in the sample project.
    assert!(texts > 200, "only {texts} texts were changed");
    assert_eq!(changed.removals, ["gone\x1b!"]);
}
