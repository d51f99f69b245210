//! What the studio keeps of a record and no row carries, by keys: the files of an older one, asked for when it is looked at, and the report of how one was made.

use deadwax_client::tui::{
    Failure, Msg,
    model::{Ask, Notice},
    record::{News, Order},
};
use deadwax_proto::v1::*;

use crate::{
    hostile::assert_clean,
    record::{SIZE, file, orders, project, record, row, seat},
    sample::{HOSTILE, Names, PLAIN, yes},
    seat::Seat,
    shots::cut,
};

/// As rows of older records come: counts, and no files.
fn bare(whole: &RecordRow) -> RecordRow {
    RecordRow {
        files: Vec::new(),
        manifest_json: String::new(),
        file_count: whole.files.len() as u32,
        bytes: whole.files.iter().map(|it| it.bytes).sum(),
        ..whole.clone()
    }
}

fn delivered(names: Names) -> RecordRow {
    let mut old = record(1, RecordState::Delivered, names);
    old.delivered_ms = 1_795_000_000_000;
    old.manifest_json = "{\"record\": 1}".into();
    old.file_count = old.files.len() as u32;
    old
}

/// Record 2 is the newest and whole, Record 1 came without its files.
fn room(size: (u16, u16), names: Names) -> Seat {
    let newest = record(2, RecordState::Made, names);
    seat(
        size,
        3,
        names,
        vec![row(bare(&delivered(names))), row(newest), project(names, 3, yes("start_record"))],
    )
}

fn whole(seat: &mut Seat, row: RecordRow) {
    let outcome = Ok(Box::new(row));
    seat.tell(Msg::Record(News::Whole { project: "P".into(), outcome }));
}

#[test]
fn files_of_an_older_record_are_asked_for_once_when_it_is_looked_at() {
    let mut seat = room(SIZE, PLAIN);
    assert!(orders(&mut seat).iter().all(|it| !matches!(it, Order::Whole { .. })), "nobody looks at it");
    let screen = seat.screen();
    assert!(
        screen.contains("Record 1") && screen.contains("8 files, 29"),
        "its row tells how many: {screen}"
    );
    seat.press("<down>");
    let asked = orders(&mut seat);
    let wanted = Order::Whole { project: "P".into(), record_id: "r-1".into() };
    assert_eq!(asked.iter().filter(|it| **it == wanted).count(), 1, "{asked:?}");
    assert!(seat.screen().contains("They come in a moment."), "{}", seat.screen());
    seat.press("<tab>");
    assert!(seat.screen().contains("come in a moment"), "there is nothing to go into yet");
    seat.press("f");
    assert!(seat.model.prompt.is_none(), "nothing is fetched that is not listed");
    seat.press("e");
    assert!(seat.screen().contains("come in a moment"), "{}", seat.screen());
    assert!(orders(&mut seat).is_empty(), "once");

    whole(&mut seat, delivered(PLAIN));
    assert!(seat.screen().contains("cd: 3 files") && seat.screen().contains("hi-res:"), "{}", seat.screen());
    seat.press("f");
    let Some(Ask::Form(_)) = seat.model.prompt.as_ref().map(|it| &it.ask) else {
        panic!("{}", seat.screen())
    };
    seat.press("<esc>e");
    assert!(seat.screen().contains("Manifest of Record 1"), "{}", seat.screen());
    seat.press("<esc>");

    // The next row of it comes without files again and says something else: they stay, and it is said.
    let mut next = bare(&delivered(PLAIN));
    next.differs = vec!["Low Sun is Master 1 instead of Master 0.".into()];
    seat.rows(false, vec![row(next)]);
    let screen = seat.screen();
    assert!(screen.contains("cd: 3 files") && screen.contains("Master 0"), "{screen}");
    assert!(orders(&mut seat).is_empty(), "nothing is asked for that is here");
    // A snapshot of all rows takes nothing away either.
    let rows = vec![
        project(PLAIN, 3, yes("start_record")),
        row(bare(&delivered(PLAIN))),
        row(record(2, RecordState::Made, PLAIN)),
    ];
    seat.rows(true, rows);
    assert!(seat.screen().contains("cd: 3 files"), "{}", seat.screen());
}

#[test]
fn an_answer_about_other_bytes_is_not_taken() {
    let mut seat = room(SIZE, PLAIN);
    seat.press("<down>");
    let mut other = delivered(PLAIN);
    other.fingerprint = "ab".repeat(32);
    whole(&mut seat, other);
    let mut stranger = delivered(PLAIN);
    stranger.record_id = "r-9".into();
    whole(&mut seat, stranger);
    assert!(seat.screen().contains("They come in a moment."), "{}", seat.screen());
}

#[test]
fn without_a_line_it_is_said_and_asked_again_when_it_is_back() {
    let mut seat = room(SIZE, PLAIN);
    cut(&mut seat);
    seat.press("<down>");
    assert!(seat.screen().contains("when the line is back"), "{}", seat.screen());
    assert!(orders(&mut seat).iter().all(|it| !matches!(it, Order::Whole { .. })));
    seat.press("c");
    assert!(orders(&mut seat).is_empty());
    assert!(matches!(&seat.model.notice, Some(Notice::Tell(text)) if text.contains("Without a line")));
    seat.connect(3, PLAIN);
    let asked = orders(&mut seat);
    assert!(asked.iter().any(|it| matches!(it, Order::Whole { .. })), "{asked:?}");
    let text = "The studio is busy.".to_owned();
    let outcome = Err(Failure::Refused { reason: "BUSY".into(), text, hint: "Look again.".into() });
    seat.tell(Msg::Record(News::Whole { project: "P".into(), outcome }));
    assert!(matches!(&seat.model.notice, Some(Notice::Refused { text, .. }) if text.contains("busy")));
    assert!(orders(&mut seat).is_empty(), "a refusal is not asked for again and again");
}

const REPORT: &str = r#"{"made_by":"Deadwax 0.7.0","record":2,"album_gain_db":0.0,
    "profiles":[{"name":"cd","dated":"2026-11-21","files":3,"sounds":1,"warned":[{"code":"CD_TEXT","text":"CD-Text cannot write this title.","source":"notes","mend":"Give it one in Latin letters."}]}],
    "disc":[],"level_columns":["file","integrated_lufs","true_peak_dbtp"],"levels":[[0,-14.2,-1.1]],
    "consistency":{"songs":[],"outliers":[]},"penalties":[]}"#;

fn asked_report(seat: &mut Seat) -> (u64, String) {
    seat.press("c");
    match orders(seat).pop() {
        Some(Order::Report { ticket, project, record_id }) if project == "P" => (ticket, record_id),
        other => panic!("{other:?}"),
    }
}

fn report(seat: &mut Seat, ticket: u64, json: &str) {
    seat.tell(Msg::Record(News::Report { ticket, outcome: Ok(json.to_owned()) }));
}

#[test]
fn c_shows_the_report_of_the_record_that_is_looked_at() {
    let mut seat = room(SIZE, PLAIN);
    let (ticket, record_id) = asked_report(&mut seat);
    assert_eq!(record_id, "r-2");
    assert!(seat.screen().contains("comes in a moment"), "{}", seat.screen());
    report(&mut seat, ticket, REPORT);
    let screen = seat.screen();
    for part in
        ["Report of Record 2", "Made by Deadwax 0.7.0", "cd: IMAGE.DAT", "-14.2", "CD-Text cannot write"]
    {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    seat.press("<esc>");

    // Whoever went on to something else by then keeps it: a late answer takes no question's place.
    let (ticket, _) = asked_report(&mut seat);
    seat.press("<esc>f");
    report(&mut seat, ticket, REPORT);
    assert!(matches!(seat.model.prompt.as_ref().map(|it| &it.ask), Some(Ask::Form(_))), "{}", seat.screen());
    seat.press("<esc>");
    // What no client can read is said, and so is a refusal.
    let (ticket, _) = asked_report(&mut seat);
    report(&mut seat, ticket, "<xml>");
    assert!(seat.screen().contains("cannot be read by this program"), "{}", seat.screen());
    seat.press("<esc>");
    let (ticket, _) = asked_report(&mut seat);
    let text = "The studio is busy.".to_owned();
    let outcome = Err(Failure::Refused { reason: "BUSY".into(), text, hint: "Look again.".into() });
    seat.tell(Msg::Record(News::Report { ticket, outcome }));
    assert!(seat.screen().contains("The studio is busy.") && seat.screen().contains("Look again."));
}

#[test]
fn a_record_that_is_not_made_has_no_report() {
    let rows = vec![row(record(1, RecordState::Failed, PLAIN)), project(PLAIN, 3, yes("start_record"))];
    let mut seat = seat(SIZE, 3, PLAIN, rows);
    seat.press("c");
    assert!(
        orders(&mut seat).is_empty() && seat.screen().contains("There is no report yet"),
        "{}",
        seat.screen()
    );
}

#[test]
fn no_word_of_a_report_breaks_the_room() {
    for size in [(80, 24), (120, 40), (41, 13)] {
        let mut seat = room(size, HOSTILE);
        let (ticket, _) = asked_report(&mut seat);
        let wild = HOSTILE.note;
        let told = serde_json::json!({
            "made_by": wild, "album_gain_db": 1e300, "left_out": [wild],
            "profiles": [{"name": wild, "dated": wild, "files": u64::MAX, "warned": [{"code": wild, "text": wild, "source": wild, "mend": wild}]}],
            "disc": [{"code": wild, "text": wild}], "level_columns": ["file", "clipped_samples", wild], "levels": [[u64::MAX, wild], [], [0, 1e300]],
            "consistency": {"median_lufs": -1e300, "songs": [{"title": wild, "integrated_lufs": 1e300}], "outliers": [wild]},
            "penalties": [{"platform": wild, "songs": [{"gain_db": 1e300}]}],
        });
        report(&mut seat, ticket, &told.to_string());
        assert_clean(&seat, "report");
        for keys in ["<end>", "<home>", "<pagedown>"] {
            seat.press(keys);
            assert_clean(&seat, keys);
        }
    }
    // Files that came whole are drawn as those of a row are.
    let mut seat = room(SIZE, HOSTILE);
    seat.press("<down>");
    let mut wild = delivered(HOSTILE);
    wild.files.push(file(HOSTILE.title, HOSTILE.artist, HOSTILE.note, "track"));
    wild.file_count += 1;
    whole(&mut seat, wild);
    seat.press("<tab><enter><down><enter>");
    assert_clean(&seat, "whole");
}
