//! A person at a shell in front of a small server that has a record: its rows, its bytes, and what lies on the disk afterwards.

#![allow(dead_code)] // each test file uses its part

use std::{
    fs,
    path::{Path, PathBuf},
};

use deadwax_proto::v1::{self, RecordState, Role, row::Row};
use serde_json::{Value, json};

pub use crate::kit::{House, sha};

pub const PROJECT: &str = "01980000-0000-7000-8000-000000000001";
pub const RECORD: &str = "01980000-0000-7000-8000-000000000004";
pub const ANA: &str = "01980000-0000-7000-8000-00000000000a";

pub async fn open(rows: Vec<v1::Row>) -> House {
    House::of(ANA, rows).await
}

pub fn row(row: Row) -> v1::Row {
    v1::Row { key: String::new(), row: Some(row) }
}

pub fn yes(action: &str) -> v1::Allowed {
    v1::Allowed { action: action.into(), yes: true, ..v1::Allowed::default() }
}

/// Profile, folder, name, bytes.
pub type Made<'a> = (&'a str, &'a str, &'a str, &'a [u8]);

pub fn record(number: u32, state: RecordState, files: &[Made<'_>]) -> v1::RecordRow {
    let file = |(profile, folder, name, bytes): &Made<'_>| v1::RecordFile {
        profile: (*profile).into(),
        folder: (*folder).into(),
        name: (*name).into(),
        sha256: sha(bytes),
        bytes: bytes.len() as u64,
        kind: "track".into(),
        sample_rate: 44_100,
        bits: 16,
        frames: 44_100 * 61,
        ..v1::RecordFile::default()
    };
    let mut lines: Vec<String> =
        files.iter().map(|(_, folder, name, bytes)| format!("{folder}/{name} {}\n", sha(bytes))).collect();
    lines.sort();
    v1::RecordRow {
        record_id: RECORD.into(),
        number,
        state: state.into(),
        spacing: 3,
        profiles: vec!["cd".into(), "hi-res".into()],
        by: "Iris\x1b[2J".into(),
        sources: vec![v1::RecordSource {
            song_id: "s1".into(),
            version_id: "v1".into(),
            fingerprint: "3c9e07aa51d2f480".repeat(4),
        }],
        files: files.iter().map(file).collect(),
        fingerprint: if files.is_empty() { String::new() } else { sha(lines.concat()) },
        asked_roles: vec![Role::Label.into()],
        waits_for: "Record 2 waits for the approval of Lena.".into(),
        allowed: ["cancel_record", "approve_record", "deliver_record"].map(yes).to_vec(),
        ..v1::RecordRow::default()
    }
}

/// The same with its manifest, in letters that no screen shows and a file keeps.
pub fn delivered(number: u32, files: &[Made<'_>]) -> v1::RecordRow {
    let mut row = record(number, RecordState::Delivered, files);
    let file = |(profile, folder, name, bytes): &Made<'_>| json!({ "folder": folder, "name": name, "sha256": sha(bytes), "bytes": bytes.len(), "profile": profile });
    let all: Vec<Value> = files.iter().map(file).collect();
    let of = json!({ "id": RECORD, "number": number, "fingerprint": row.fingerprint });
    row.manifest_json = format!("{}\n", json!({ "record": of, "files": all, "artist": "e\u{301}\u{202e}" }));
    row
}

pub const IMAGE: &[u8] = b"the image of the disc, which is long enough to come in pieces";
pub const TRACK: &[u8] = b"a track of the record";
pub const SHEET: &[u8] = b"FILE x";

pub fn files() -> Vec<Made<'static>> {
    vec![
        ("cd", "cd/Ana-EP-DDP", "IMAGE.DAT", IMAGE),
        ("cd", "cd", "EP.cue", SHEET),
        ("hi-res", "hi-res", "01 夜.wav", TRACK),
    ]
}

pub fn rows(records: Vec<v1::RecordRow>) -> Vec<v1::Row> {
    let project = v1::ProjectRow {
        project_id: PROJECT.into(),
        title: "Night Drive EP".into(),
        your_roles: vec![Role::Label.into()],
        allowed: vec![yes("start_record")],
        ..v1::ProjectRow::default()
    };
    let song = v1::SongRow {
        song_id: "s1".into(),
        title: "A title that was written by somebody who never had to fit one on a label".into(),
        position: 1,
        ..v1::SongRow::default()
    };
    let member = v1::MemberRow {
        person_id: ANA.into(),
        name: "Ana".into(),
        roles: vec![Role::Label.into()],
        ..v1::MemberRow::default()
    };
    let mut all = vec![row(Row::Project(project)), row(Row::Song(song)), row(Row::Member(member))];
    all.extend(records.into_iter().map(|it| row(Row::Record(it))));
    all
}

/// A house with Record 2 made, and its bytes to be fetched.
pub async fn made() -> House {
    let house = open(rows(vec![record(2, RecordState::Made, &files())])).await;
    for (.., bytes) in files() {
        house.fake.seen().files.insert(sha(bytes), bytes.to_vec());
    }
    house
}

/// Everything below a folder, with what it holds.
pub fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => all.push((path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap())),
            }
        }
    }
    all.sort();
    all
}
