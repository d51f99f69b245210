//! Verbs of older records, whose files no row carries, and of the report of how one was made, against the small server.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;
mod record_house;

use std::fs;

use deadwax_proto::v1::{self, RecordState, Role, row::Row};
use record_house::{ANA, House, PROJECT, SHEET, TRACK, row, sha};
use serde_json::Value;

/// Record 1 is older and came without its files; Record 2 is whole.
async fn open() -> House {
    let project = v1::ProjectRow {
        project_id: PROJECT.into(),
        title: "Night Drive EP".into(),
        your_roles: vec![Role::Label.into()],
        ..v1::ProjectRow::default()
    };
    let bare = v1::RecordRow { files: Vec::new(), ..record(1) };
    let rows = [Row::Project(project), Row::Record(bare), Row::Record(record(2))];
    let rows = rows.map(row).to_vec();
    let house = House::of(ANA, rows).await;
    let mut seen = house.fake.seen();
    seen.whole = vec![record(1)];
    for bytes in [TRACK, SHEET] {
        seen.files.insert(sha(bytes), bytes.to_vec());
    }
    drop(seen);
    house
}

impl House {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.seen().records_asked)
    }
}

fn record(number: u32) -> v1::RecordRow {
    let file = |(name, bytes): (&str, &[u8])| v1::RecordFile {
        profile: "cd".into(),
        folder: "cd".into(),
        name: name.into(),
        sha256: sha(bytes),
        bytes: bytes.len() as u64,
        kind: "track".into(),
        ..v1::RecordFile::default()
    };
    let files: Vec<v1::RecordFile> = [("01.wav", TRACK), ("EP.cue", SHEET)].map(file).into();
    let mut lines: Vec<String> = files.iter().map(|it| format!("cd/{} {}\n", it.name, it.sha256)).collect();
    lines.sort();
    v1::RecordRow {
        record_id: format!("r-{number}"),
        number,
        state: RecordState::Made.into(),
        spacing: 3,
        profiles: vec!["cd".into()],
        by: "Iris".into(),
        fingerprint: sha(lines.concat()),
        file_count: files.len() as u32,
        bytes: files.iter().map(|it| it.bytes).sum(),
        files,
        ..v1::RecordRow::default()
    }
}

#[tokio::test]
async fn an_older_record_is_shown_and_fetched_whole() {
    let house = open().await;
    let (_, told, _) = house.told(&["record", "show"]).await;
    let old = told.lines().last().unwrap();
    assert!(old.starts_with("Record 1") && old.contains("2 files, 27 B"), "{told}");
    assert!(house.asked().is_empty(), "the list asks for nothing more");
    let (_, told, _) = house.told(&["record", "show", "1"]).await;
    assert!(told.contains("01.wav") && told.contains("EP.cue") && told.contains("2 files, 27 B"), "{told}");
    assert_eq!(house.asked(), ["r-1"]);
    let (_, told, _) = house.told(&["--json", "record", "show", "1"]).await;
    let value: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(value["files"].as_array().map(Vec::len), Some(2));
    assert_eq!((value["file_count"].as_u64(), value["bytes"].as_u64()), (Some(2), Some(27)));
    house.asked();

    let (code, _, told) = house.told(&["record", "fetch", "1", "--to", "out"]).await;
    assert_eq!(code, 0, "{told}");
    assert_eq!(fs::read(house.path().join("out/cd/01.wav")).unwrap(), TRACK);
    assert_eq!(house.asked(), ["r-1"]);
    house.told(&["record", "show", "2"]).await;
    assert!(house.asked().is_empty(), "its row has all of it");

    // Files that are not those of the fingerprint are fetched by nobody.
    house.fake.seen().whole[0].files[0].sha256 = sha("another");
    let (code, _, told) = house.told(&["record", "fetch", "1", "--to", "other"]).await;
    assert!(code == 1 && told.contains("do not fit the fingerprint"), "{told}");
    assert!(!house.path().join("other").exists());
}

#[tokio::test]
async fn the_report_of_a_record_is_told_in_words_and_as_it_is() {
    let house = open().await;
    let report = r#"{"made_by":"Deadwax 0.7.0","record":1,"profiles":[{"name":"cd\u001b[2J","dated":"2026-11-21","files":2,"warned":[{"code":"CD_TEXT","text":"A title of letters that CD-Text has not, said at such a length that no line of a terminal has room for all of it.","mend":"Give it Latin letters."}]}],"level_columns":["file","integrated_lufs","true_peak_dbtp"],"levels":[[0,-14.2,-1.1]]}"#;
    house.fake.seen().reports.insert("r-1".into(), report.into());
    let (code, told, _) = house.told(&["record", "show", "1", "--report"]).await;
    assert_eq!(code, 0, "{told}");
    for part in [
        "Report of Record 1",
        "Made by Deadwax 0.7.0",
        "cd: 01.wav",
        "-14.2",
        "! CD_TEXT: A title",
        "mend: Give it",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    for line in told.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80 && !line.contains('\x1b'), "{line}");
    }
    let (_, told, _) = house.told(&["--json", "record", "show", "1", "--report"]).await;
    let value: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((value["row"].as_str(), value["number"].as_u64()), (Some("report"), Some(1)));
    assert_eq!(value["report"]["levels"][0][1].as_f64(), Some(-14.2));
    // Without a number it is that of the newest, which the studio has none of.
    let (code, _, told) = house.told(&["record", "show", "--report"]).await;
    assert!(code == 1 && told.contains("not made"), "{told}");
}
