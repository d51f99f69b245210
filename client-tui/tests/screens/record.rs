//! The room of records and its questions as people see them in each mood, and the records that all its tests are about.

use deadwax_client::tui::{
    Effect, Failure, Msg,
    record::{News, Order},
    signing,
};
use deadwax_proto::v1::{row::Row as Of, *};
use sha2::{Digest as _, Sha256};

use crate::{
    sample::{self, HOUR, LONG, NOW_MS, Names, PLAIN, no, then, yes},
    seat::Seat,
    shots::{cut, shoot},
};

pub const SIZE: (u16, u16) = (80, 24);

pub fn sha(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes.as_ref()))
}

pub fn file(profile: &str, folder: &str, name: &str, kind: &str) -> RecordFile {
    let sound = matches!(kind, "track" | "disc");
    RecordFile {
        profile: profile.into(),
        folder: folder.into(),
        name: name.into(),
        sha256: sha(format!("{folder}/{name}")),
        bytes: if sound { 58_752_044 } else { 2_311 },
        kind: kind.into(),
        sample_rate: if sound { 44_100 } else { 0 },
        bits: if sound { 16 } else { 0 },
        frames: if sound { 44_100 * 204 } else { 0 },
        exact: kind == "track",
        integrated_lufs: sound.then_some(-14.2),
        true_peak_dbtp: sound.then_some(-1.1),
        over_full_scale: sound.then_some(0),
    }
}

pub fn files(names: Names) -> Vec<RecordFile> {
    let mut all = vec![
        file("cd", "cd/KleineNacht-DDP", "IMAGE.DAT", "disc"),
        file("cd", "cd/KleineNacht-DDP", "DDPID", "ddp"),
        file("cd", "cd", "KleineNacht.cue", "cue"),
    ];
    for (at, song) in names.songs.iter().enumerate() {
        all.push(file("hi-res", "hi-res", &format!("{:02} {song}.wav", at + 1), "track"));
    }
    all.push(file("hi-res", "hi-res", "SHA256SUMS", "checksums"));
    all
}

/// Over the sorted list of place and digest, as the studio counts it.
pub fn print(files: &[RecordFile]) -> String {
    let mut lines: Vec<String> =
        files.iter().map(|it| format!("{}/{} {}\n", it.folder, it.name, it.sha256)).collect();
    lines.sort();
    if files.is_empty() { String::new() } else { sha(lines.concat()) }
}

pub fn approval(names: Names) -> ApprovalView {
    ApprovalView {
        approval_id: "a9".into(),
        person_id: "p3".into(),
        name: names.people[3].into(),
        role: Role::Label.into(),
        fingerprint: print(&files(names)),
        at_ms: NOW_MS - HOUR,
        state: ApprovalState::Counts.into(),
        receipt_sequence: 5,
        ..ApprovalView::default()
    }
}

pub fn record(number: u32, state: RecordState, names: Names) -> RecordRow {
    let made = matches!(state, RecordState::Made | RecordState::Delivered);
    let files = if made { files(names) } else { Vec::new() };
    let name = format!("Record {number}");
    let waits_for = match state {
        RecordState::Made => format!("{name} waits for the approval of {}.", names.people[3]),
        RecordState::Running => format!("{name} is being made."),
        _ => String::new(),
    };
    RecordRow {
        record_id: format!("r-{number}"),
        number,
        state: state.into(),
        spacing: 3,
        sources: (2..4)
            .map(|at| RecordSource {
                song_id: format!("s{at}"),
                version_id: format!("v{}", at + 3),
                fingerprint: "3c9e07aa51d2f480".repeat(4),
            })
            .collect(),
        profiles: vec!["cd".into(), "hi-res".into()],
        by: names.people[2].into(),
        at_ms: NOW_MS - i64::from(9 - number) * HOUR,
        fingerprint: print(&files),
        files,
        waits_for,
        asked_roles: vec![Role::Label.into()],
        allowed: vec![
            no("cancel_record", "RECORD_ENDED", "Record 2 has ended.", ""),
            then("approve_record", "It is signed without a key."),
            no(
                "deliver_record",
                "RECORD_NOT_APPROVED",
                "Record 2 is not approved yet.",
                "The label signs it first.",
            ),
        ],
        ..RecordRow::default()
    }
}

pub fn row(it: RecordRow) -> Row {
    sample::row(&format!("record/{}", it.number), Of::Record(it))
}

/// The row of the project with one more answer.
pub fn project(names: Names, me: usize, allowed: Allowed) -> Row {
    let mut head = sample::rows(me, names).remove(0);
    if let Some(Of::Project(it)) = &mut head.row {
        it.allowed.push(allowed);
        it.spacing = Some(Spacing { number: 3, ..Spacing::default() });
    }
    head
}

pub fn two(names: Names) -> Vec<Row> {
    let mut second = record(2, RecordState::Made, names);
    second.differs = vec![format!("{} is Master 2 instead of Master 1.", names.songs[2])];
    vec![row(record(1, RecordState::Cancelled, names)), row(second)]
}

/// For whoever fills every text with something that attacks.
pub fn wild() -> Vec<Row> {
    let mut delivered = record(2, RecordState::Delivered, PLAIN);
    delivered.approvals = vec![approval(PLAIN)];
    delivered.manifest_json = "{\"record\": 2}".into();
    delivered.reason = "A reason.".into();
    vec![row(delivered), row(record(1, RecordState::Failed, PLAIN))]
}

/// At the room, as the person at this place.
pub fn seat(size: (u16, u16), me: usize, names: Names, rows: Vec<Row>) -> Seat {
    let mut seat = Seat::sample(size, me, names);
    seat.press("2<enter>");
    seat.rows(false, rows);
    seat.tell(Msg::Tick(NOW_MS + 5_000));
    seat.press("5v");
    seat
}

pub fn label(size: (u16, u16), names: Names) -> Seat {
    let mut rows = two(names);
    rows.push(project(names, 3, yes("start_record")));
    seat(size, 3, names, rows)
}

pub fn orders(seat: &mut Seat) -> Vec<Order> {
    std::mem::take(&mut seat.effects)
        .into_iter()
        .filter_map(|it| if let Effect::Record(order) = it { Some(order) } else { None })
        .collect()
}

pub fn listed(names: Names) -> Vec<ProfileInfo> {
    let of = |name: &str, about: &str| ProfileInfo {
        name: name.into(),
        dated: "2026-11-21".into(),
        about: about.into(),
        toml: "x".into(),
        of_the_studio: false,
    };
    vec![
        of("archive", "What a label keeps: everything, in full."),
        of("cd", "A compact disc: a DDP-compatible set with CUE/BIN as the fallback, PQ sheet, label copy."),
        of("hi-res", "96 kHz and 24 bit."),
        ProfileInfo { of_the_studio: true, ..of("own plant", names.note) },
    ]
}

pub fn planned(names: Names, blocks: bool) -> PlanResponse {
    let file = |profile: &str, folder: &str, name: &str, format: &str| PlannedFile {
        profile: profile.into(),
        folder: folder.into(),
        name: name.into(),
        kind: "track".into(),
        format: format.into(),
        sample_rate: 44_100,
        frames: 44_100 * 204,
        bytes: 35_985_644,
        estimated: profile == "hi-res",
        exact: profile == "cd",
        song_ids: vec!["s2".into()],
    };
    let finding = |block, text: &str| PlanFinding {
        block,
        code: if block { "UPC_CHECK_DIGIT" } else { "CD_TEXT" }.into(),
        text: text.into(),
        source: "ReaClassical, notes on DDP: CD-Text is of Latin-1".into(),
        mend: "Give the song a title in Latin letters.".into(),
        profile: "cd".into(),
        song_id: "s2".into(),
    };
    let mut findings = vec![finding(false, "CD-Text cannot write this title.")];
    if blocks {
        findings.insert(0, finding(true, "The UPC has a wrong check digit."));
    }
    let mut files = vec![file("cd", "cd/DDP", "IMAGE.DAT", "raw 16 bit 44.1 kHz")];
    files.extend(names.songs.iter().map(|it| file("hi-res", "hi-res", it, "WAV 24 bit 96 kHz")));
    PlanResponse {
        files,
        findings,
        spacing: 3,
        bytes: 179_928_220,
        penalties_json: r#"[{"service":"Spotify","album":true,"tracks":[{"song_id":"s2","change_db":-3.6}]},{"service":"Tidal","album":false,"tracks":[{"song_id":"s2","change_db":-1.0},{"song_id":"s3","change_db":-3.0}]}]"#.into(),
        consistency_json: r#"{"outliers":["Night Bus is 4.0 LU louder than the song before."]}"#.into(),
        basis: String::new(),
    }
}

/// The question with its list of profiles answered.
pub fn choosing(seat: &mut Seat, names: Names) {
    seat.press("s");
    let asked = orders(seat);
    let [Order::Profiles { ticket }] = asked[..] else { panic!("{asked:?}") };
    seat.tell(Msg::Record(News::Profiles { ticket, outcome: Ok(listed(names)) }));
}

/// The dry run answered.
pub fn planning(seat: &mut Seat, plan: PlanResponse) -> Order {
    seat.press("<enter>");
    let mut asked = orders(seat);
    let Some(Order::Plan { ticket, names, .. }) = asked.last().cloned() else { panic!("{asked:?}") };
    let profiles = names.into_iter().map(|name| RecordProfile { name, toml: String::new() }).collect();
    seat.tell(Msg::Record(News::Planned { ticket, outcome: Ok((profiles, Box::new(plan))) }));
    asked.pop().unwrap()
}

pub fn running(size: (u16, u16), names: Names) -> Seat {
    let mut it = record(2, RecordState::Running, names);
    it.allowed = vec![yes("cancel_record")];
    let mut seat = seat(size, 2, names, vec![row(it)]);
    let progress = RecordProgress {
        step: format!("hi-res: {}", names.songs[1]),
        fraction: 0.437,
        files_done: 3,
        files: 8,
        ended: false,
    };
    seat.tell(Msg::Record(News::Progress { record_id: "r-2".into(), progress }));
    seat
}

#[test]
fn moods() {
    shoot("record_normal", |size| label(size, PLAIN));
    shoot("record_files", |size| {
        let mut seat = label(size, PLAIN);
        seat.press("<tab><enter><down><down>");
        seat
    });
    shoot("record_about", |size| {
        let mut seat = label(size, PLAIN);
        seat.press("I");
        seat
    });
    shoot("record_running", |size| running(size, PLAIN));
    shoot("record_long", |size| {
        let mut seat = label(size, LONG);
        seat.press("<tab><down><enter><down>");
        seat
    });
    shoot("record_long_running", |size| running(size, LONG));
    shoot("record_delivered", |size| {
        let mut it = record(2, RecordState::Delivered, PLAIN);
        (it.delivered_ms, it.delivered_by) = (NOW_MS - HOUR, PLAIN.people[3].into());
        it.approvals = vec![approval(PLAIN)];
        it.manifest_json = "{\"record\": 2}".into();
        seat(size, 3, PLAIN, vec![row(it)])
    });
    shoot("record_failed_outdated", |size| {
        let mut it = record(3, RecordState::Failed, PLAIN);
        it.reason = "The disk of the studio is full.".into();
        let mut old = record(2, RecordState::Made, PLAIN);
        old.outdated = true;
        let mut seat = seat(size, 3, PLAIN, vec![row(it), row(old)]);
        seat.press("<down><up>");
        seat
    });
    shoot("record_empty", |size| seat(size, 3, PLAIN, vec![project(PLAIN, 3, yes("start_record"))]));
    shoot("record_empty_refused", |size| {
        let refused = no(
            "start_record",
            "NOT_DELIVERED_YET",
            "Glass Hour and Paper Boats have no masters that are signed yet.",
            "The gate of mastering comes first, for every song of the record.",
        );
        seat(size, 3, PLAIN, vec![project(PLAIN, 3, refused)])
    });
    shoot("record_offline", |size| {
        let mut seat = running(size, PLAIN);
        cut(&mut seat);
        seat
    });
    shoot("record_refused", |size| {
        let mut seat = label(size, PLAIN);
        seat.press("D");
        seat
    });
}

#[test]
fn questions() {
    shoot("record_profiles", |size| {
        let mut seat = label(size, PLAIN);
        choosing(&mut seat, PLAIN);
        seat
    });
    shoot("record_profiles_long", |size| {
        let mut seat = label(size, LONG);
        choosing(&mut seat, LONG);
        seat.press("<end> <tab>~/夜/plant.toml");
        seat
    });
    shoot("record_profiles_none_chosen", |size| {
        let mut seat = seat(size, 3, PLAIN, vec![project(PLAIN, 3, yes("start_record"))]);
        choosing(&mut seat, PLAIN);
        seat.press("<enter>");
        seat
    });
    shoot("record_plan", |size| {
        let mut seat = label(size, PLAIN);
        choosing(&mut seat, PLAIN);
        planning(&mut seat, planned(PLAIN, true));
        seat
    });
    shoot("record_plan_files", |size| {
        let mut seat = label(size, LONG);
        choosing(&mut seat, LONG);
        planning(&mut seat, planned(LONG, false));
        seat.press("<tab>");
        seat
    });
    shoot("record_plan_levels", |size| {
        let mut seat = label(size, PLAIN);
        choosing(&mut seat, PLAIN);
        planning(&mut seat, planned(PLAIN, false));
        seat.press("<tab><tab>");
        seat
    });
    shoot("record_plan_refused", |size| {
        let mut seat = label(size, PLAIN);
        choosing(&mut seat, PLAIN);
        seat.press("<enter>");
        let Some(Order::Plan { ticket, .. }) = orders(&mut seat).pop() else { panic!() };
        let outcome = Err(Failure::Refused {
            reason: "PROFILE_INVALID".into(),
            text: "plant.toml, line 4: there is no \"bitz_min\"; did you mean \"bits_min\"?".into(),
            hint: "Mend the file, then try again.".into(),
        });
        seat.tell(Msg::Record(News::Planned { ticket, outcome }));
        seat
    });
    shoot("record_start", |size| {
        let mut seat = label(size, PLAIN);
        choosing(&mut seat, PLAIN);
        planning(&mut seat, planned(PLAIN, false));
        seat.press("s");
        seat
    });
    shoot("record_sign", |size| {
        let mut seat = label(size, PLAIN);
        seat.tell(Msg::Signing(signing::News::Key(signing::Key::Ready {
            label: "1a2b3c4d5e6f (made here)".into(),
        })));
        seat.press("a");
        seat
    });
    shoot("record_sign_long", |size| {
        let mut seat = label(size, LONG);
        seat.press("a");
        seat
    });
    shoot("record_fetch", |size| {
        let mut seat = label(size, PLAIN);
        seat.press("f");
        seat
    });
}
