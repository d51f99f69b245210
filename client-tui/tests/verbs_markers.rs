//! `notes export` and `notes import` as a person runs them: the real program, a home of its own, and the small server.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use std::{fs, process::Output};

use deadwax_client::scrub;
use deadwax_proto::v1::{self, row::Row};
use kit::{House, code, err, objects, out};
use serde_json::Value;

const N1: &str = "0190f3c2-7b1e-7a31-9d55-1c2faaaaaaa1";
const N2: &str = "0190f3c2-7b1e-7a31-9d55-1c2faaaaaaa2";

impl House {
    async fn notes(&self, args: &[&str]) -> Output {
        let args: Vec<&str> = ["notes"].iter().chain(args).copied().collect();
        let output = self.run(&args).await;
        for text in [out(&output), err(&output)] {
            assert!(
                !text.chars().any(|c| !matches!(c, '\n' | '\t' | '\r') && scrub::is_hostile(c)),
                "{text:?}"
            );
        }
        output
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    fn added(&self) -> Vec<v1::AddNote> {
        std::mem::take(&mut self.fake.seen().notes_added)
    }
}

fn row(key: &str, row: Row) -> v1::Row {
    v1::Row { key: key.into(), row: Some(row) }
}

/// A mix of 100 s.
fn version(song_id: &str, id: &str, number: u32) -> v1::Row {
    let facts = v1::AudioFacts { sample_rate: 48_000, frames: 48_000 * 100, ..v1::AudioFacts::default() };
    let file = |alternate: &str| v1::VersionFile {
        alternate: alternate.into(),
        facts: Some(facts.clone()),
        ..v1::VersionFile::default()
    };
    row(
        &format!("version/{id}"),
        Row::Version(v1::VersionRow {
            version_id: id.into(),
            song_id: song_id.into(),
            kind: v1::VersionKind::Mix as i32,
            number,
            at_ms: i64::from(number),
            files: vec![file("main"), file("instrumental")],
            ..v1::VersionRow::default()
        }),
    )
}

fn note(id: &str, version: &str, start: Option<u64>, text: &str) -> v1::NoteRow {
    v1::NoteRow {
        note_id: id.into(),
        song_id: "s1".into(),
        version_id: version.into(),
        author: "Ben".into(),
        author_role: v1::Role::Artist as i32,
        start_ms: start,
        text: text.into(),
        state: v1::NoteState::Open as i32,
        ..v1::NoteRow::default()
    }
}

/// A song with Mix 1 to 3 of 100 s. The note of Mix 1 was moved in Mix 2 and cut in Mix 3.
fn rows() -> Vec<v1::Row> {
    let song = |id: &str, title: &str, position| {
        row(
            &format!("song/{id}"),
            Row::Song(v1::SongRow {
                song_id: id.into(),
                title: title.into(),
                position,
                stage: v1::Stage::Mixing as i32,
                candidate_version_id: if id == "s1" { "v2".into() } else { "v9".into() },
                ..v1::SongRow::default()
            }),
        )
    };
    let mut moved = note(N1, "v1", Some(10_000), "=voice, \"too\" loud\nin the chorus");
    moved.end_ms = Some(12_000);
    let place = |version: &str, start_ms, end_ms| v1::NotePlace {
        version_id: version.into(),
        kind: v1::PlaceKind::Moved as i32,
        start_ms,
        end_ms,
    };
    moved.places = vec![place("v2", Some(14_000), Some(16_000)), place("v3", None, None)];
    let mut inside = note(N2, "v2", Some(50_000), "singer is flat");
    inside.internal = true;
    inside.state = v1::NoteState::Addressed as i32;
    inside.alternate = "instrumental".into();
    let mut answer = note("0190f3c2-7b1e-7a31-9d55-1c2faaaaaaa3", "v2", None, "done");
    answer.parent_note_id = N1.into();
    let whole = note("0190f3c2-7b1e-7a31-9d55-1c2faaaaaaa4", "v1", None, "lovely");
    let later = note("0190f3c2-7b1e-7a31-9d55-1c2faaaaaaa5", "v3", Some(1000), "only in three");
    let notes = [moved, inside, answer, whole, later];
    let mut rows = vec![
        row(
            "project",
            Row::Project(v1::ProjectRow {
                project_id: "proj-1".into(),
                title: "Night Drive EP".into(),
                ..v1::ProjectRow::default()
            }),
        ),
        row(
            "member/p9",
            Row::Member(v1::MemberRow {
                person_id: "p9".into(),
                name: "Mia".into(),
                ..v1::MemberRow::default()
            }),
        ),
        song("s1", "Night Drive", 1),
        song("s2", "Blue Hour", 2),
    ];
    rows.extend([1, 2, 3].map(|number| version("s1", &format!("v{number}"), number)));
    rows.push(version("s2", "v9", 1));
    rows.extend(notes.map(|it| row(&format!("note/{}", it.note_id), Row::Note(it))));
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_go_out_at_their_place_in_the_version() {
    let house = House::open(rows()).await;
    let output = house.notes(&["export", "night", "--format", "reaper"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(
        out(&output),
        "#,Name,Start,End,Length\nR1,\"Ben (artist): =voice, \"\"too\"\" loud⏎in the chorus [open] [dw:aaaaaaa1]\",0:14.000,0:16.000,0:02.000\nM1,Ben (artist) on instrumental: singer is flat [addressed] [dw:aaaaaaa2 internal],0:50.000,,\n"
    );
    for what in ["1 x internal", "1 x written in a later version", "1 x on the whole song", "1 x an answer"] {
        assert!(err(&output).contains(what), "{}", err(&output));
    }
    let output = house.notes(&["export", "night", "--version", "mix 1", "--format", "reaper"]).await;
    assert!(out(&output).contains("0:10.000,0:12.000"), "the original time: {}", out(&output));
    assert_eq!(out(&output).lines().count(), 2);
    let output = house.notes(&["export", "night", "--version", "mix 3", "--format", "reaper"]).await;
    assert!(!out(&output).contains("voice") && err(&output).contains("does not have"), "{}", out(&output));
    let output = house.notes(&["export", "night", "--open-only", "--format", "protools"]).await;
    assert!(out(&output).contains("voice") && !out(&output).contains("singer"), "{}", out(&output));
    assert!(out(&output).contains(&format!("[dw:{N1}]")) && out(&output).contains("\tend  "));
    let output = house.notes(&["export", "night"]).await;
    assert_eq!(out(&output).lines().count(), 6, "all but the later one, one of two lines: {}", out(&output));
    let output = house.notes(&["export", "night", "--json"]).await;
    assert_eq!(objects(&output)[0]["start_ms"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_written_once_and_nothing_is_written_over() {
    let house = House::open(rows()).await;
    let output = house.notes(&["export", "night", "-o", "notes.mid", "--json"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(objects(&output)[0]["format"], "midi");
    assert!(house.get("notes.mid").starts_with(b"MThd"));
    assert_eq!(code(&house.notes(&["export", "night", "-o", "notes.mid"]).await), 0, "the same bytes");
    let output = house.notes(&["export", "night", "-o", "notes.mid", "--format", "reaper"]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("Name another file"), "{}", err(&output));
    assert!(house.get("notes.mid").starts_with(b"MThd"));
    let output = house.notes(&["export", "night", "-o", "notes.edl"]).await;
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("--fps"), "{}", err(&output));
    assert_eq!(code(&house.notes(&["export", "night", "-o", "notes.edl", "--fps", "25"]).await), 0);
    assert_eq!(code(&house.notes(&["export", "night", "--fps", "26"]).await), 2);
    assert_eq!(code(&house.notes(&["export", "night", "--format", "midi", "--json"]).await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_out_is_known_when_it_comes_back() {
    let house = House::open(rows()).await;
    for (format, file) in
        [("reaper", "a.csv"), ("protools", "a.txt"), ("midi", "a.mid"), ("edl", "a.edl"), ("csv", "b.csv")]
    {
        let args = ["export", "night", "--format", format, "-o", file, "--fps", "29.97df"];
        assert_eq!(code(&house.notes(&args).await), 0, "{format}");
        let output = house.notes(&["import", "night", file, "--fps", "29.97df", "--json"]).await;
        assert_eq!(code(&output), 0, "{format}: {}{}", out(&output), err(&output));
        let objects = objects(&output);
        let (last, notes) = objects.split_last().unwrap();
        assert_eq!(last["dialect"], format);
        assert_eq!((&last["written"], &last["not_taken"]), (&0.into(), &0.into()), "{format}: {objects:?}");
        assert_eq!(last["there"], if format == "csv" { 4 } else { 2 });
        for note in notes {
            assert_eq!((&note["reason"], &note["why"]), (&"THERE".into(), &"".into()), "{format}");
        }
        assert_eq!(house.added(), []);
        // By mistake into another song of the project.
        let output = house.notes(&["import", "blue hour", file, "--fps", "29.97df"]).await;
        assert_eq!(code(&output), 1, "{format}: {}", err(&output));
        let text = out(&output);
        assert!(text.contains("it is a note of Night Drive, not of Blue Hour"), "{format}: {text}");
        assert!(text.contains("0 notes written"), "{format}: {text}");
        assert_eq!(house.added(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_become_notes_and_each_line_that_does_not_is_told() {
    let house = House::open(rows()).await;
    house.put(
        "m.csv",
        "#,Name,Start,End,Length\nM1,kick,0:05.000,,\nR1,\"bass, low\",0:06.000,0:08.000,0:02.000\nM2,late,1:40.001,,\nM3,,0:09.000,,\nM4,kick,0:05.000,,\nM5,bars,3.1.00,,\nM6,singer is flat,0:50.000,,\nM7,refuse this,0:51.000,,\nM8,evil\u{202e}\x1b[2J,0:52.000,,\nM9,moved [dw:aaaaaaa1],0:20.000,,\n",
    );
    let dry = house.notes(&["import", "night", "m.csv", "--dry-run"]).await;
    assert_eq!(code(&dry), 3, "a line could not be read");
    assert!(out(&dry).contains("4 notes would be written, 2 there already, 4 not taken"), "{}", out(&dry));
    assert_eq!(house.added(), []);
    let strict = house.notes(&["import", "night", "m.csv", "--strict"]).await;
    assert_eq!(code(&strict), 3);
    assert!(out(&strict).contains("nothing was written"), "{}", out(&strict));
    assert_eq!(house.added(), []);

    let output = house.notes(&["import", "night", "m.csv", "--internal", "--to", "mia"]).await;
    assert_eq!(code(&output), 3, "{}", err(&output));
    let text = out(&output);
    for what in [
        "line 4: 1:40.001  late  not taken: it stands at 1:40.001, and Mix 2 ends at 1:40.000",
        "line 5: 0:09.000    not taken: it has no words",
        "line 6: 0:05.000  kick  not taken: it says the same as line 2",
        "line 7: not taken: 3.1.00 counts bars",
        "line 8: 0:50.000  singer is flat  is there already: aaaaaaa2",
        "line 9: 0:51.000  refuse this  not taken: The server[2J says no. Shorten it.",
        "line 11: 0:20.000  moved  is there already: aaaaaaa1, which stands at another time in the file and has other words",
        "3 notes written, 2 there already, 5 not taken",
    ] {
        assert!(text.contains(what), "{what}\n--\n{text}");
    }
    let added = house.added();
    let told: Vec<_> = added.iter().map(|n| (n.text.as_str(), n.start_ms, n.end_ms)).collect();
    assert_eq!(
        told,
        [("kick", Some(5000), None), ("bass, low", Some(6000), Some(8000)), ("evil[2J", Some(52_000), None)]
    );
    assert!(added.iter().all(|n| n.internal && n.addressee_id == "p9" && n.version_id == "v2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_is_taken_off_and_a_refusal_of_everything_stops() {
    let house = House::open(rows()).await;
    house.put("m.csv", "#,Name,Start,End,Length\nM1,before,0:10.000,,\nM2,a,1:02.000,,\n");
    let output = house.notes(&["import", "night", "m.csv", "--offset", "1:00"]).await;
    assert_eq!(code(&output), 3);
    assert!(out(&output).contains("line 2: not taken: it stands before the song begins"), "{}", out(&output));
    assert_eq!(house.added()[0].start_ms, Some(2000));
    house.put(
        "m.csv",
        "#,Name,Start,End,Length\nM1,a,0:01.000,,\nM2,refuse this and all,0:02.000,,\nM3,b,0:03.000,,\n",
    );
    let output = house.notes(&["import", "night", "m.csv"]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("Stopped at line 3: 1 note written"), "{}", err(&output));
    assert_eq!(house.added().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_dialect_is_refused_before_anything_is_written() {
    let house = House::open(rows()).await;
    house.put("m.txt", "1.0\t2.0\tAudacity \x1b]52;c;x\x07label\n");
    for args in [&["import", "night", "m.txt"][..], &["import", "night", "m.txt", "--dry-run"]] {
        let output = house.notes(args).await;
        assert_eq!(code(&output), 3);
        let text = err(&output);
        assert!(text.contains("Audacity") && text.contains("Known are: reaper"), "{text}");
        assert!(text.contains("Nothing was written"), "{text}");
    }
    let output = house.notes(&["import", "night", "none.csv"]).await;
    assert_eq!(code(&output), 3, "{}", err(&output));
    house.put("m.edl", "TITLE: a\nFCM: NON-DROP FRAME\n* LOC: 00:00:01:00 RED a\n");
    let output = house.notes(&["import", "night", "m.edl"]).await;
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("--fps"), "{}", err(&output));
    assert_eq!(house.added(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_notes_learns_it_before_the_first() {
    let mut rows = rows();
    for it in &mut rows {
        if let Some(Row::Version(version)) = &mut it.row {
            version.allowed = vec![v1::Allowed {
                action: "add_note".into(),
                yes: false,
                reason: "NOT_YOUR_ROLE".into(),
                text: "Listeners write no notes.".into(),
                hint: "Ask a manager.".into(),
            }];
        }
    }
    let house = House::open(rows).await;
    house.put("m.csv", "#,Name,Start,End,Length\nM1,a,0:01.000,,\n");
    let output = house.notes(&["import", "night", "m.csv"]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("Listeners write no notes."), "{}", err(&output));
    assert_eq!(house.added(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_of_another_house_keeps_answers_privacy_and_checklists() {
    let house = House::open(rows()).await;
    house.put(
        "n.csv",
        "note_id,start,end,text,to,internal,alternate,reply_to,checklist\n0190f3c2-0000-7000-8000-00000000000b,,,yes,,no,,0190f3c2-0000-7000-8000-00000000000a,\n0190f3c2-0000-7000-8000-00000000000a,0:01.000,0:02.000,'=drums,Mia,yes,instrumental,,\"[x] kick\n[ ] snare\"\n,0:03.000,,x,,no,stems-bass,,\n,0:04.000,,y,,no,,0190f3c2-0000-7000-8000-0000000000ff,\n",
    );
    let output = house.notes(&["import", "night", "n.csv"]).await;
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(
        out(&output).contains("Mix 2 has no stems-bass")
            && out(&output).contains("answers a note that is not here")
    );
    let added = house.added();
    assert_eq!(added.len(), 2, "{}", out(&output));
    let root = added.iter().find(|n| n.text == "=drums").unwrap();
    assert_eq!(root.checklist, ["kick", "snare"]);
    assert!(root.internal && root.addressee_id == "p9" && root.alternate == "instrumental");
    assert_eq!((root.start_ms, root.end_ms), (Some(1000), Some(2000)));
    let answer = added.iter().find(|n| n.text == "yes").unwrap();
    assert_eq!((&answer.parent_note_id, answer.start_ms), (&root.note_id, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_words_are_cut_in_a_name_and_whole_where_there_is_room() {
    let mut rows = rows();
    let long = format!("start {} end", "word ".repeat(60));
    let mut told = note("0190f3c2-7b1e-7a31-9d55-1c2faaaaaaa6", "v2", Some(70_000), &long);
    told.checklist = vec![v1::ChecklistItem { text: "kick".into(), done: true }];
    rows.push(row("note/6", Row::Note(told)));
    let house = House::open(rows).await;
    let output = house.notes(&["export", "night", "--format", "reaper"]).await;
    assert!(!out(&output).contains(&long) && out(&output).contains("…"), "{}", out(&output));
    assert!(err(&output).contains("1 x longer than"), "{}", err(&output));
    for format in ["protools", "csv"] {
        let output = house.notes(&["export", "night", "--format", format]).await;
        assert!(out(&output).contains(&long) && out(&output).contains("[x] kick"), "{}", out(&output));
        assert!(!err(&output).contains("longer than"), "{}", err(&output));
    }
    for format in ["reaper", "protools"] {
        let output = house.notes(&["export", "night", "--format", format, "-o", format]).await;
        assert_eq!(code(&output), 0);
        let output = house.notes(&["import", "night", format]).await;
        assert!(out(&output).contains("3 there already, 0 not taken"), "{}", out(&output));
        assert!(!out(&output).contains("other words"), "{}", out(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_says_what_pro_tools_cannot() {
    let house = House::open(rows()).await;
    let output = house.notes(&["export", "--help"]).await;
    let text = out(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Pro Tools writes its session text and cannot read it"), "{text}");
    assert!(text.contains("must be imported with its tempo"), "{text}");
}
