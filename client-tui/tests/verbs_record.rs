//! The verbs of the record as a person runs them, against the small server: what is asked, what is told, what lands on the disk and what never does.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod net_fake;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use deadwax_client::profile::{Home, Profile};
use deadwax_proto::v1::{self, RecordState, Role, action::Action, row::Row};
use net_fake::{Fake, records::Book};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tonic::Status;

const PROJECT: &str = "01980000-0000-7000-8000-000000000001";
const RECORD: &str = "01980000-0000-7000-8000-000000000004";
const ANA: &str = "01980000-0000-7000-8000-00000000000a";

struct House {
    fake: Fake,
    folder: tempfile::TempDir,
}

impl House {
    async fn open(rows: Vec<v1::Row>) -> House {
        let fake = Fake::default();
        let address = fake.serve(None).await;
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile {
            name: "ana".into(),
            url: format!("deadwax+http://{address}"),
            token: Some("tok-1".into()),
            person_id: ANA.into(),
            ..Profile::default()
        };
        Home::at(folder.path().join("home")).save(&profile).unwrap();
        fake.seen().rows = rows;
        House { fake, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deadwax"));
        command
            .args(args)
            .current_dir(self.path())
            .env("DEADWAX_HOME", self.path().join("home"))
            .env("TZ", "UTC")
            .env_remove("DEADWAX_PROFILE")
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null());
        command
    }

    async fn run(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Exit code, standard output, standard error.
    async fn told(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.run(args).await;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn last_action(&self) -> Option<Action> {
        self.fake.seen().actions.last().cloned()
    }
}

fn sha(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes.as_ref()))
}

fn row(row: Row) -> v1::Row {
    v1::Row { key: String::new(), row: Some(row) }
}

fn yes(action: &str) -> v1::Allowed {
    v1::Allowed { action: action.into(), yes: true, ..v1::Allowed::default() }
}

/// Profile, folder, name, bytes.
type Made<'a> = (&'a str, &'a str, &'a str, &'a [u8]);

fn record(number: u32, state: RecordState, files: &[Made<'_>]) -> v1::RecordRow {
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
        waits_for: "Record 2 waits for the approval of Lena.".into(),
        allowed: ["cancel_record", "approve_record", "deliver_record"].map(yes).to_vec(),
        ..v1::RecordRow::default()
    }
}

const IMAGE: &[u8] = b"the image of the disc, which is long enough to come in pieces";
const TRACK: &[u8] = b"a track of the record";
const SHEET: &[u8] = b"FILE x";

fn files() -> Vec<Made<'static>> {
    vec![
        ("cd", "cd/Ana-EP-DDP", "IMAGE.DAT", IMAGE),
        ("cd", "cd", "EP.cue", SHEET),
        ("hi-res", "hi-res", "01 夜.wav", TRACK),
    ]
}

fn rows(records: Vec<v1::RecordRow>) -> Vec<v1::Row> {
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
async fn made() -> House {
    let house = House::open(rows(vec![record(2, RecordState::Made, &files())])).await;
    for (.., bytes) in files() {
        house.fake.seen().files.insert(sha(bytes), bytes.to_vec());
    }
    house
}

fn plan(blocks: bool) -> v1::PlanResponse {
    let file = |folder: &str, name: &str, sample_rate| v1::PlannedFile {
        profile: "cd".into(),
        folder: folder.into(),
        name: name.into(),
        kind: "track".into(),
        format: "WAV 16 bit 44.1 kHz".into(),
        sample_rate,
        frames: 44_100 * 204,
        bytes: 35_985_644,
        estimated: sample_rate == 0,
        ..v1::PlannedFile::default()
    };
    let finding = |block| v1::PlanFinding {
        block,
        code: "CD_TEXT".into(),
        text: "The title has letters that CD-Text has not.".into(),
        source: "ReaClassical, notes on DDP".into(),
        mend: "Give it a title in Latin letters.".into(),
        profile: "cd".into(),
        song_id: "s1".into(),
    };
    v1::PlanResponse {
        files: vec![
            file("cd/DDP", "夜のドライブと名前がとても長い曲のための長い名前のファイル.wav", 44_100),
            file("", "Ana_NightDriveEP_A_very_long_name_of_a_file_that_is_not_to_be_cut_badly.txt", 0),
        ],
        findings: if blocks { vec![finding(true), finding(false)] } else { vec![finding(false)] },
        spacing: 3,
        bytes: 71_971_288,
        penalties_json:
            r#"[{"service":"Spotify","album":true,"tracks":[{"song_id":"s1","change_db":-3.6}]}]"#.into(),
        consistency_json: r#"{"outliers":["Lamps is 4.0 LU louder than the song before."]}"#.into(),
    }
}

#[tokio::test]
async fn a_dry_run_shows_every_file_and_says_no_where_something_blocks() {
    let house = House::open(rows(Vec::new())).await;
    house.fake.seen().plan = Some(plan(false));
    let (code, told, _) = house.told(&["record", "plan", "--for", "cd,hi-res", "--loudest", "-14"]).await;
    assert_eq!(code, 0, "{told}");
    for part in [
        "cd: 2 files, 72.0 MB",
        "  DDP/",
        "3:24.0",
        "~36.0 MB",
        "! warns [cd, A title",
        "mend: Give it",
        "from: ReaClassical",
        "Spotify turns the record down by 3.6 dB",
        "Lamps is 4.0 LU louder",
        "Dry run with spacing 3: 2 files, 72.0 MB; 0 blocks, 1 warning",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let table = told.lines().filter(|it| it.contains("MB"));
    for line in table {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    let asked = house.fake.seen().plans[0].clone();
    let names: Vec<&str> = asked.profiles.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((names, asked.loudest_track_lufs), (vec!["cd", "hi-res"], Some(-14.0)));
    assert_eq!(asked.project_id, PROJECT);

    house.fake.seen().plan = Some(plan(true));
    let (code, told, _) = house.told(&["--json", "record", "plan", "--for", "cd"]).await;
    let value: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((code, told.lines().count()), (1, 1));
    assert_eq!((value["ready"].as_bool(), value["spacing"].as_u64()), (Some(false), Some(3)));
    assert_eq!(value["files"][1]["estimated"].as_bool(), Some(true));
    assert_eq!(value["findings"][0]["song"].as_str(), Some("s1"));
    assert_eq!(value["penalties"][0]["tracks"][0]["change_db"].as_f64(), Some(-3.6));
    assert!(value["consistency"]["outliers"].is_array());
    // What does not pass a dry run is not started.
    let (code, _, told) = house.told(&["record", "start", "--for", "cd", "--yes"]).await;
    assert!(
        code == 1 && told.contains("letters that CD-Text has not") && told.contains("in Latin"),
        "{told}"
    );
    assert!(house.fake.seen().actions.is_empty());
}

#[tokio::test]
async fn profiles_are_listed_and_ones_own_are_read_first() {
    let house = House::open(rows(Vec::new())).await;
    house.fake.seen().profiles = vec![v1::ProfileInfo {
        name: "cd".into(),
        dated: "2026-11-21".into(),
        about: format!("A disc.\x1b[2J{}", " And more of it".repeat(9)),
        toml: "name = \"cd\"\n".into(),
        of_the_studio: false,
    }];
    let (_, told, _) = house.told(&["record", "profiles"]).await;
    assert!(told.starts_with("cd  2026-11-21  A disc.") && told.trim_end().chars().count() <= 80, "{told}");
    let (_, told, _) = house.told(&["record", "profiles", "cd"]).await;
    assert_eq!(told, "name = \"cd\"\n");
    let (code, _, told) = house.told(&["record", "profiles", "dc"]).await;
    assert!(code == 2 && told.contains("there are cd"), "{told}");

    let (code, _, told) = house.told(&["record", "plan"]).await;
    assert!(code == 2 && told.contains("--for NAME"), "{told}");
    fs::write(house.path().join("own.toml"), "name = \"x\"\ndatd = \"2026-11-21\"\nsources = []\n").unwrap();
    let (code, _, told) = house.told(&["record", "plan", "--file", "own.toml"]).await;
    assert!(code == 3 && told.contains("own.toml, line 2") && told.contains("dated"), "{told}");
    assert!(house.fake.seen().plans.is_empty(), "nothing was asked");
    let text = deadwax_dsp::profile::text("sync").unwrap();
    fs::write(house.path().join("own.toml"), text).unwrap();
    house.fake.seen().plan = Some(plan(false));
    let (code, ..) = house.told(&["record", "plan", "--file", "own.toml", "--for", "cd"]).await;
    assert_eq!(code, 0);
    let sent = house.fake.seen().plans[0].profiles.clone();
    assert_eq!((sent[0].name.as_str(), sent[0].toml.len()), ("cd", 0));
    assert_eq!((sent[1].name.as_str(), sent[1].toml.as_str()), ("sync", text));
    // The studio's refusal of a name.
    house.fake.seen().plan = None;
    let (code, _, told) = house.told(&["record", "plan", "--for", "cdd"]).await;
    assert!(code == 2 && told.contains("did you mean"), "{told}");
}

fn step(step: &str, fraction: f64, ended: bool) -> Result<v1::RecordProgress, Status> {
    Ok(v1::RecordProgress { step: step.into(), fraction, files_done: 1, files: 3, ended })
}

#[tokio::test]
async fn a_record_is_started_with_what_was_planned_and_watched_to_its_end() {
    let house = House::open(rows(Vec::new())).await;
    house.fake.seen().plan = Some(plan(false));
    let (code, _, told) = house.told(&["record", "start", "--for", "cd"]).await;
    assert!(code == 2 && told.contains("--yes"), "nobody is there to ask: {told}");
    let (code, _, aside) = house.told(&["record", "start", "--for", "cd", "--loudest", "-12", "--yes"]).await;
    assert!(code == 0 && aside.contains("Dry run with spacing 3"), "{aside}");
    let Some(Action::StartRecord(sent)) = house.last_action() else { panic!() };
    assert_eq!((sent.spacing, sent.loudest_track_lufs), (3, Some(-12.0)));
    assert_eq!(sent.profiles[0].name, "cd");

    // Cut on the way, then made.
    house.fake.seen().rows = rows(vec![record(2, RecordState::Running, &[])]);
    let done = rows(vec![record(2, RecordState::Made, &files())]);
    house.fake.seen().progress = [
        (vec![step("cd: image\x1b[2J", 0.25, false), Err(Status::unavailable("cut"))], Vec::new()),
        (vec![step("hi-res: track 1 of 1", 0.9, false), step("", 1.0, true)], done),
    ]
    .into();
    let (code, told, aside) = house.told(&["record", "watch"]).await;
    assert_eq!(code, 0, "{told}{aside}");
    assert!(aside.contains("25 %  cd: image[2J 1/3") && aside.contains("90 %  hi-res"), "{aside}");
    assert!(told.contains("Record 2: made. 3 files") && !aside.contains('\x1b'), "{told}");
    // One that ended already.
    let (code, told, _) = house.told(&["--json", "record", "watch", "2"]).await;
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!((code, last["state"].as_str(), last["number"].as_u64()), (0, Some("made"), Some(2)));
    for state in [RecordState::Failed, RecordState::Cancelled] {
        let mut failed = record(2, state, &[]);
        failed.reason = "The disk is full.".into();
        house.fake.seen().rows = rows(vec![failed]);
        let (code, told, _) = house.told(&["record", "watch"]).await;
        assert!(code == 1 && told.contains("The disk is full."), "{told}");
    }
    let (code, _, told) = house.told(&["record", "watch", "7"]).await;
    assert!(code == 2 && told.contains("numbered from 1 to 2"), "{told}");
    let (code, ..) = house.told(&["record", "cancel"]).await;
    assert!(
        code == 0 && matches!(house.last_action(), Some(Action::CancelRecord(it)) if it.record_id == RECORD)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_stops_looking_does_not_stop_the_record() {
    let house = House::open(rows(vec![record(2, RecordState::Running, &[])])).await;
    let first = vec![step("cd: image", 0.25, false), Err(Status::unavailable("cut"))];
    house.fake.seen().progress = [(first, Vec::new()), (Vec::new(), Vec::new())].into();
    let mut command = house.command(&["record", "watch"]);
    let told = tokio::task::spawn_blocking(move || {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut aside = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains("cd: image") {
            assert!(aside.read_line(&mut text).unwrap() > 0, "{text}");
        }
        let pid = i32::try_from(child.id()).unwrap();
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(pid).unwrap(),
            rustix::process::Signal::INT,
        )
        .unwrap();
        while aside.read_line(&mut text).unwrap() > 0 {}
        assert_eq!(child.wait().unwrap().code(), Some(1));
        text
    })
    .await
    .unwrap();
    assert!(told.contains("Record 2 goes on being made") && told.contains("record cancel 2"), "{told}");
    assert!(house.fake.seen().actions.is_empty(), "nothing was sent");
}

#[tokio::test]
async fn records_are_shown_in_lines_of_eighty_columns() {
    let house = House::open(rows(Vec::new())).await;
    let (code, told, _) = house.told(&["record", "show"]).await;
    assert!(code == 0 && told.contains("record plan"), "{told}");
    let (code, _, told) = house.told(&["record", "show", "1"]).await;
    assert!(code == 1 && told.contains("has no record yet"), "{told}");
    let house = made().await;
    {
        let mut seen = house.fake.seen();
        let mut second = record(2, RecordState::Delivered, &files());
        second.approvals = vec![v1::ApprovalView {
            name: "Lena".into(),
            role: Role::Label.into(),
            state: v1::ApprovalState::Counts.into(),
            receipt_sequence: 5,
            ..v1::ApprovalView::default()
        }];
        second.differs = vec!["Lamps is Master 3 instead of Master 2.".into()];
        second.outdated = true;
        second.manifest_json = r#"{"a":"\u001b[2J"}"#.into();
        seen.rows = rows(vec![record(1, RecordState::Cancelled, &[]), second]);
    }
    let (_, told, _) = house.told(&["record", "show"]).await;
    assert!(told.starts_with("Record 2   delivered 3 files") && told.lines().count() == 2, "{told}");
    let (_, full, _) = house.told(&["record", "show", "record 2"]).await;
    for part in [
        "approved by Lena as label (counts), receipt #5",
        "differs: Lamps is Master 3",
        "outdated",
        "cd/Ana-EP-DDP",
        "16/44.1",
        "3c9e07aa51d2",
    ] {
        assert!(full.contains(part), "{part}\n{full}");
    }
    for line in told.lines().chain(full.lines().filter(|it| !it.contains("fingerprint"))) {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80 && !line.contains('\x1b'), "{line}");
    }
    let (_, told, _) = house.told(&["--json", "record", "show", "2"]).await;
    let value: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(value["files"][2]["folder"].as_str(), Some("hi-res"));
    assert_eq!(value["outdated"].as_bool(), Some(true));
}

#[tokio::test]
async fn a_record_is_signed_as_it_was_quoted_and_delivered() {
    let house = made().await;
    house.fake.seen().book = Some(Book::new(PROJECT, ANA));
    let args = ["record", "approve", "--as", "label", "--yes"];
    let (code, _, told) = house.told(&[&args[..], &["--fingerprint", "deadbeef"]].concat()).await;
    assert!(code == 1 && told.contains("Nothing was signed"), "{told}");
    let (code, _, told) = house.told(&args).await;
    assert!(code == 1 && told.contains("deadwax key new"), "the book asks for a receipt: {told}");
    house.told(&["key", "new"]).await;
    let (code, done, aside) = house.told(&[&["--json"], &args[..]].concat()).await;
    assert_eq!(code, 0, "{aside}");
    let print = record(2, RecordState::Made, &files()).fingerprint;
    for part in
        ["Record 2: made", "3 files, 88 B", print.as_str(), "A title that was written by", "3c9e07aa51d2"]
    {
        assert!(aside.contains(part), "{part}\n{aside}");
    }
    let done: Value = serde_json::from_str(&done).unwrap();
    let statement = done["receipt"]["statement"].as_str().unwrap();
    assert!(statement.contains("object: record\n") && statement.contains("name: Record 2\n"), "{statement}");
    assert!(statement.contains(&format!("file: {} 61 cd/Ana-EP-DDP/IMAGE.DAT\n", sha(IMAGE))), "{statement}");
    assert!(matches!(house.last_action(), Some(Action::ApproveRecord(it)) if it.fingerprint == print));
    // A list that does not fit its fingerprint is not signed.
    let mut other = record(2, RecordState::Made, &files());
    other.files[0].sha256 = sha(b"another");
    house.fake.seen().rows = rows(vec![other]);
    let before = house.fake.seen().actions.len();
    let (code, _, told) = house.told(&args).await;
    assert!(code == 1 && told.contains("does not fit together"), "{told}");
    assert_eq!(house.fake.seen().actions.len(), before);

    let (code, done, _) = house.told(&["record", "deliver", "2", "--yes"]).await;
    assert!(code == 0 && done.contains("record fetch 2 --to DIR"), "{done}");
    assert!(matches!(house.last_action(), Some(Action::DeliverRecord(it)) if it.record_id == RECORD));
    let mut refused = record(2, RecordState::Made, &files());
    refused.allowed = vec![v1::Allowed {
        action: "deliver_record".into(),
        reason: "RECORD_NOT_APPROVED".into(),
        text: "Record 2 is not approved yet.".into(),
        hint: "The label signs it first.".into(),
        ..v1::Allowed::default()
    }];
    house.fake.seen().rows = rows(vec![refused]);
    let (code, _, told) = house.told(&["record", "deliver", "--yes"]).await;
    assert!(code == 1 && told.contains("not approved yet") && told.contains("signs it first"), "{told}");
}

/// Everything below a folder, with what it holds.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
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

#[tokio::test]
async fn files_are_fetched_resumed_and_never_written_over_unasked() {
    let house = made().await;
    // The first file is cut twice; the fetch goes on by itself.
    house.fake.seen().cuts = [10, 20].into();
    let (code, told, aside) = house.told(&["record", "fetch", "--to", "out", "--only", "cd"]).await;
    assert_eq!(code, 0, "{told}{aside}");
    assert!(aside.contains("not delivered yet"), "{aside}");
    let offsets: Vec<u64> = house.fake.seen().stretches.iter().map(|it| it.2).collect();
    assert_eq!(offsets, [0, 10, 30, 0], "from where it was cut");
    let out = house.path().join("out");
    let cd = vec![
        (PathBuf::from("cd/Ana-EP-DDP/IMAGE.DAT"), IMAGE.to_vec()),
        ("cd/EP.cue".into(), SHEET.to_vec()),
    ];
    assert_eq!(tree(&out), cd, "no part is left");

    // What is right stays; what is not there yet comes; a delivered record brings its manifest as it was frozen.
    let frozen = "{\"record\": \"e\u{301}\u{202e}\"}\n";
    let mut delivered = record(2, RecordState::Delivered, &files());
    delivered.manifest_json = frozen.into();
    house.fake.seen().rows = rows(vec![delivered]);
    let (code, told, _) = house.told(&["--json", "record", "fetch", "2", "--to", "out"]).await;
    assert_eq!(code, 0, "{told}");
    let objects: Vec<Value> = told.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let new: Vec<bool> = objects[..3].iter().map(|it| it["fetched"].as_bool().unwrap()).collect();
    assert_eq!(new, [false, false, true]);
    assert_eq!((objects[3]["files"].as_u64(), objects[3]["fetched"].as_u64()), (Some(3), Some(1)));
    assert_eq!(fs::read(out.join("hi-res/01 夜.wav")).unwrap(), TRACK);
    assert_eq!(fs::read(out.join("manifest.json")).unwrap(), frozen.as_bytes());
    assert_eq!(house.fake.seen().stretches.len(), 5);

    // Another file lies there: nothing is fetched, nothing is lost, and --force takes its place.
    fs::write(out.join("cd/EP.cue"), "mine").unwrap();
    fs::remove_file(out.join("hi-res/01 夜.wav")).unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert!(code == 1 && told.contains("EP.cue exists already") && told.contains("--force"), "{told}");
    assert_eq!(fs::read(out.join("cd/EP.cue")).unwrap(), b"mine");
    assert!(!out.join("hi-res/01 夜.wav").exists(), "looked at first");
    let (code, ..) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
    assert_eq!((code, fs::read(out.join("cd/EP.cue")).unwrap()), (0, SHEET.to_vec()));
    assert!(out.join("hi-res/01 夜.wav").exists());
    fs::write(out.join("manifest.json"), "{}").unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert!(code == 1 && told.contains("of another record"), "{told}");
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out", "--only", "vinyl"]).await;
    assert!(code == 2 && told.contains("it has cd, hi-res"), "{told}");
}

#[tokio::test]
async fn a_line_that_stays_cut_leaves_a_part_and_the_next_fetch_goes_on_from_it() {
    let house = made().await;
    house.fake.seen().cuts = [25, 0, 0, 0, 0, 0, 0, 0].into();
    let (code, ..) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert_eq!(code, 1);
    let found = tree(&house.path().join("out"));
    let [(path, bytes)] = found.as_slice() else { panic!("{found:?}") };
    assert!(path.to_string_lossy().ends_with(".part") && bytes == &IMAGE[..25], "{path:?}");
    house.fake.seen().cuts.clear();
    house.fake.seen().stretches.clear();
    let (code, ..) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert_eq!((code, house.fake.seen().stretches[0].2), (0, 25));
    assert_eq!(fs::read(house.path().join("out/cd/Ana-EP-DDP/IMAGE.DAT")).unwrap(), IMAGE);
}

#[tokio::test]
async fn wrong_bytes_get_no_name() {
    let house = made().await;
    house.fake.seen().files.insert(sha(IMAGE), [&IMAGE[..IMAGE.len() - 1], b"X"].concat());
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert!(code == 1 && told.contains("thrown away"), "{told}");
    assert!(tree(&house.path().join("out")).is_empty());
}

#[tokio::test]
async fn a_hostile_studio_writes_nothing_outside_of_the_folder() {
    let house = made().await;
    let before = tree(house.path());
    for (folder, name) in [
        ("..", "evil.wav"),
        ("cd/../../..", "evil.wav"),
        ("/tmp", "evil.wav"),
        ("cd", "../../evil.wav"),
        ("cd", "/tmp/evil.wav"),
        (".ssh", "authorized_keys"),
        ("", ".bashrc"),
        ("", "manifest.json"),
        ("cd", "EP.cue/evil"),
    ] {
        let mut all = files();
        all.push(("cd", folder, name, b"evil"));
        house.fake.seen().rows = rows(vec![record(2, RecordState::Made, &all)]);
        house.fake.seen().files.insert(sha(b"evil"), b"evil".to_vec());
        for only in [&[][..], &["--only", "hi-res"]] {
            let args = [&["record", "fetch", "--to", "out", "--force"], only].concat();
            let (code, _, told) = house.told(&args).await;
            assert_eq!(code, 1, "{folder} {name}: {told}");
            assert!(told.contains("Nothing was fetched"), "{told}");
        }
        assert_eq!(tree(house.path()), before, "{folder} {name}");
    }
    assert!(house.fake.seen().stretches.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_folder_leads_nowhere() {
    let house = made().await;
    let elsewhere = house.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("EP.cue"), "mine").unwrap();
    fs::create_dir_all(house.path().join("out/cd")).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("EP.cue"), house.path().join("out/cd/EP.cue")).unwrap();
    let (code, ..) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert_eq!(code, 1);
    // Forced, the link is replaced and what it led to stays.
    let (code, ..) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
    assert_eq!(code, 0);
    assert_eq!(fs::read(elsewhere.join("EP.cue")).unwrap(), b"mine");
    assert_eq!(fs::read(house.path().join("out/cd/EP.cue")).unwrap(), SHEET);
    // A whole folder that is a link is not entered, forced or not.
    std::os::unix::fs::symlink(&elsewhere, house.path().join("linked")).unwrap();
    fs::create_dir_all(house.path().join("two")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, house.path().join("two/cd")).unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "two", "--force"]).await;
    assert!(code == 1 && told.contains("is no folder"), "{told}");
    assert_eq!(tree(&elsewhere).len(), 1);
}
