//! The verbs of the record as a person runs them, against the small server: what is asked, what is told. Its files on the disk have a place of their own.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;
mod record_house;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use deadwax_proto::v1::{self, RecordState, Role, action::Action};
use net_fake::records::Book;
use record_house::*;
use serde_json::Value;
use tonic::Status;

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
        basis: "b5b5".into(),
        bytes: 71_971_288,
        penalties_json:
            r#"[{"service":"Spotify","album":true,"tracks":[{"song_id":"s1","change_db":-3.6}]}]"#.into(),
        consistency_json: r#"{"median_lufs":-9.8,"songs":[{"song_id":"s1","title":"Lamps\u001b[2J","integrated_lufs":-9.8,
                "bands_db":[0.4,-1.2,0.0,0.1,0.2,0.3,null,-2.5]}],"outliers":["Lamps is 4.0 LU louder than the song before."]}"#
                .into(),
    }
}

#[tokio::test]
async fn a_dry_run_shows_every_file_and_says_no_where_something_blocks() {
    let house = open(rows(Vec::new())).await;
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
        "Songs beside each other: middle -9.8 LUFS",
        "sub  bass lomid  mids himid  pres brill   air",
        "+0.4  -1.2   0.0  +0.1  +0.2  +0.3     -  -2.5",
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
    let house = open(rows(Vec::new())).await;
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
    let house = open(rows(Vec::new())).await;
    house.fake.seen().plan = Some(plan(false));
    let (code, _, told) = house.told(&["record", "start", "--for", "cd"]).await;
    assert!(code == 2 && told.contains("--yes"), "nobody is there to ask: {told}");
    let args = ["record", "start", "--for", "cd", "--loudest", "-12", "--medium", "12\" 33 rpm", "--yes"];
    let (code, _, aside) = house.told(&args).await;
    assert!(code == 0 && aside.contains("Dry run with spacing 3"), "{aside}");
    let Some(Action::StartRecord(sent)) = house.last_action() else { panic!() };
    assert_eq!((sent.spacing, sent.loudest_track_lufs), (3, Some(-12.0)));
    assert_eq!((sent.medium.as_str(), sent.basis.as_str()), ("12\" 33 rpm", "b5b5"), "of the dry run");
    assert_eq!(house.fake.seen().plans.last().map(|it| it.medium.clone()), Some(sent.medium));
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
    // One that came out as another is no failure: the other one is named.
    let mut twin = record(2, RecordState::Cancelled, &[]);
    (twin.same_as, twin.reason) = (1, "Its files are those of Record 1, byte for byte.".into());
    house.fake.seen().rows = rows(vec![twin]);
    let (code, told, aside) = house.told(&["record", "watch"]).await;
    assert!(
        code == 0 && told.contains("those of Record 1") && aside.contains("record show 1"),
        "{told}{aside}"
    );
    let (_, told, _) = house.told(&["--json", "record", "show", "2"]).await;
    let value: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((value["same_as"].as_u64(), value["asked_roles"][0].as_str()), (Some(1), Some("label")));
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
    let house = open(rows(vec![record(2, RecordState::Running, &[])])).await;
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
    let house = open(rows(Vec::new())).await;
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
        second.files[2].over_full_scale = Some(12);
        second.outdated = true;
        second.outdated_by = vec!["The label copy differs in \x1b[2JUPC.".into()];
        second.medium = "12\" 33 rpm".into();
        second.manifest_json = r#"{"a":"\u001b[2J"}"#.into();
        seen.rows = rows(vec![record(1, RecordState::Cancelled, &[]), second]);
    }
    let (_, told, _) = house.told(&["record", "show"]).await;
    assert!(told.starts_with("Record 2   delivered 3 files") && told.lines().count() == 2, "{told}");
    let (_, full, _) = house.told(&["record", "show", "record 2"]).await;
    for part in [
        "approved by Lena as label (counts), receipt #5",
        "differs: Lamps is Master 3",
        "! outdated: The label copy differs in",
        "for cd, hi-res on 12\" 33 rpm",
        "cd/Ana-EP-DDP",
        "16/44.1",
        "! 12 samples were cut off at full scale",
        "3c9e07aa51d2",
    ] {
        assert!(full.contains(part), "{part}\n{full}");
    }
    assert_eq!(full.matches("cut off").count(), 1, "{full}");
    for line in told.lines().chain(full.lines().filter(|it| !it.contains("fingerprint"))) {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80 && !line.contains('\x1b'), "{line}");
    }
    let (_, told, _) = house.told(&["--json", "record", "show", "2"]).await;
    let value: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(value["files"][2]["folder"].as_str(), Some("hi-res"));
    assert_eq!(value["files"][2]["over_full_scale"].as_u64(), Some(12));
    assert!(value["files"][0]["over_full_scale"].is_null(), "nobody counted");
    assert_eq!(value["outdated"].as_bool(), Some(true));
    assert_eq!(value["medium"].as_str(), Some("12\" 33 rpm"));
    assert_eq!(value["outdated_by"].as_array().map(Vec::len), Some(1));
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

    let mut unheard = record(2, RecordState::Made, &files());
    unheard.cautions = vec!["Spacing 3 is approved by nobody.".into()];
    house.fake.seen().rows = rows(vec![unheard]);
    let (_, _, aside) = house.told(&args).await;
    assert!(aside.contains("! Spacing 3 is approved by nobody."), "{aside}");
    let (code, done, aside) = house.told(&["record", "deliver", "2", "--yes"]).await;
    assert!(aside.contains("! Spacing 3 is approved by nobody."), "{aside}");
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
