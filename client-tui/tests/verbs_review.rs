//! The verbs of the review protocol as a person runs them: the real program, a home of its own, and the small server. What is asked before it is
//! sent, what reaches the wire, and that a blind comparison stays blind.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use deadwax_dsp::{
    Block,
    report::measure_file,
    write::{AudioWriter, Encoding},
};
use deadwax_proto::v1::{self, Role, Stage, action::Action, row::Row};
use kit::{House, code, err, objects, out, sha};

impl House {
    fn change<T>(&self, pick: impl Fn(&mut Row) -> Option<&mut T>, change: impl Fn(&mut T)) {
        let mut seen = self.fake.seen();
        seen.rows.iter_mut().filter_map(|row| row.row.as_mut()).filter_map(pick).for_each(change);
    }

    fn song(&self, change: impl Fn(&mut v1::SongRow)) {
        self.change(|row| if let Row::Song(song) = row { Some(song) } else { None }, change);
    }

    fn version(&self, change: impl Fn(&mut v1::VersionRow)) {
        self.change(|row| if let Row::Version(version) = row { Some(version) } else { None }, change);
    }
}

fn told(action: &str, yes: bool, reason: &str, text: &str) -> v1::Allowed {
    v1::Allowed { action: action.into(), yes, reason: reason.into(), text: text.into(), hint: String::new() }
}

/// A song in mixing with two competing lines, as the label sees it.
fn rows() -> Vec<v1::Row> {
    let label_1 = v1::Need { any_of: vec![Role::Label as i32], count: 1 };
    let project = v1::ProjectRow {
        project_id: "proj-1".into(),
        title: "Night Drive EP".into(),
        your_roles: vec![Role::Label as i32],
        gates: vec![v1::GateRule {
            stage: Stage::Mixing as i32,
            needs: vec![label_1],
            heard_percent: 50,
            ..v1::GateRule::default()
        }],
        ..v1::ProjectRow::default()
    };
    let line = |letter: &str, version: &str| v1::Line {
        letter: letter.into(),
        newest_version_id: version.into(),
        ..v1::Line::default()
    };
    let song = v1::SongRow {
        song_id: "s1".into(),
        title: "Night Drive".into(),
        position: 1,
        stage: Stage::Mixing as i32,
        candidate_version_id: "va".into(),
        shootout: Some(v1::Shootout {
            shootout_id: "sh1".into(),
            blind: true,
            lines: vec![line("A", "va"), line("B", "vb")],
            ..v1::Shootout::default()
        }),
        ..v1::SongRow::default()
    };
    let version = |id: &str, name: &str, number| v1::VersionRow {
        version_id: id.into(),
        song_id: "s1".into(),
        kind: v1::VersionKind::Mix as i32,
        number,
        name: name.into(),
        fingerprint: id.repeat(32),
        ..v1::VersionRow::default()
    };
    let note = v1::NoteRow {
        note_id: "n1".into(),
        song_id: "s1".into(),
        version_id: "va".into(),
        author: "Ben".into(),
        start_ms: Some(95_000),
        text: "Voice up".into(),
        state: v1::NoteState::Open as i32,
        places: vec![v1::NotePlace {
            version_id: "vb".into(),
            kind: v1::PlaceKind::Moved as i32,
            start_ms: Some(92_000),
            end_ms: None,
        }],
        verdicts: vec![v1::NoteVerdict {
            version_id: "vb".into(),
            verdict: v1::Verdict::Changed as i32,
            text: "change found: +0.8 dB\x1b[2J, 1-4 kHz".into(),
        }],
        ..v1::NoteRow::default()
    };
    let rows = [
        ("project", Row::Project(project)),
        ("song/s1", Row::Song(song)),
        ("version/va", Row::Version(version("va", "Mix A 1", 1))),
        ("version/vb", Row::Version(version("vb", "Mix B 1", 1))),
        ("note/n1", Row::Note(note)),
    ];
    rows.into_iter().map(|(key, row)| v1::Row { key: key.into(), row: Some(row) }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_is_changed_only_in_what_was_said_and_warnings_are_told() {
    let house = House::open(rows()).await;
    house.fake.seen().trial.warnings = vec!["Nobody is a producer.".into()];
    let sent = house.sent(&["gate", "set", "--stage", "mixing", "--need", "producer:1"]).await;
    let Action::SetGate(v1::SetGate { rule: Some(rule) }) = sent else { panic!() };
    assert_eq!((rule.needs[0].any_of[0], rule.heard_percent), (Role::Producer as i32, 50));
    let output = house.run(&["gate", "set", "--heard", "95", "--json"]).await;
    assert_eq!(objects(&output)[0]["warnings"][0], "Nobody is a producer.");
    assert_eq!(objects(&output)[0]["rule"]["heard_percent"], 95);
    for wrong in [
        &["gate", "set"][..],
        &["gate", "set", "--stage", "delivered", "--heard", "1"],
        &["gate", "set", "--due", "soon"],
    ] {
        house.fake.seen().actions.clear();
        let output = house.run(wrong).await;
        assert_eq!(code(&output), 2, "{wrong:?}: {}", err(&output));
        assert!(house.fake.seen().actions.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_goes_to_a_file_and_back() {
    let house = House::open(rows()).await;
    let output = house.run(&["gate", "show", "--toml"]).await;
    std::fs::write(house.path().join("gates.toml"), out(&output)).unwrap();
    let sent = house.sent(&["gate", "set", "--file", "gates.toml"]).await;
    let Some(Row::Project(project)) = &rows()[0].row else { panic!() };
    assert_eq!(sent, Action::SetGate(v1::SetGate { rule: Some(project.gates[0].clone()) }));
    std::fs::write(house.path().join("wrong.toml"), "[[gate]]\nstage = \"mixing\"\nheard = 3\n").unwrap();
    let output = house.run(&["gate", "set", "--file", "wrong.toml"]).await;
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("heard"), "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_changes_nothing_and_its_exit_code_is_the_answer() {
    let house = House::open(rows()).await;
    let gate = |met| v1::GateRow {
        song_id: "s1".into(),
        stage: Stage::Mixing as i32,
        met,
        lines: vec![v1::GateLine { met, code: "HEARD".into(), text: "Lena heard 12 %.".into() }],
        ..v1::GateRow::default()
    };
    for (met, wanted) in [(false, 1), (true, 0)] {
        house.fake.seen().trial = v1::TryGateResponse { gates: vec![gate(met)], warnings: vec!["w".into()] };
        let output = house.run(&["gate", "try", "--heard", "95", "--song", "night", "--at", "7"]).await;
        assert_eq!(code(&output), wanted, "{}", err(&output));
        assert!(out(&output).contains("Lena heard 12 %.") && out(&output).contains("warning: w"));
    }
    let tried = house.fake.seen().tried.clone();
    assert_eq!((tried[0].song_id.as_str(), tried[0].at_seq), ("s1", 7));
    assert_eq!(tried[0].rule.as_ref().unwrap().needs[0].count, 1, "the rest is the rule that holds");
    house.run(&["gate", "try"]).await;
    assert!(house.fake.seen().tried.last().unwrap().rule.is_none());
    assert!(house.fake.seen().actions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_is_told_and_agreed_to_before_it_is_sent() {
    let house = House::open(rows()).await;
    house.version(|v| v.allowed = vec![told("request_revision", true, "", "This is round 3 of 2 included.")]);
    house.song(|s| s.allowed = vec![told("swap_mix", true, "", "The master falls.")]);
    for (args, text) in [
        (&["request-revision", "--all-open"][..], "round 3 of 2"),
        (&["swap", "--reason", "the bass was muted"], "The master falls."),
        (&["gate", "override", "--reason", "by phone"], "although it is not met"),
    ] {
        let output = house.run(args).await;
        assert_eq!(code(&output), 2, "nobody to ask: {}", err(&output));
        assert!(err(&output).contains(text), "{}", err(&output));
        assert!(house.fake.seen().actions.is_empty(), "{args:?}");
        house.sent(&[args, &["--yes"]].concat()).await;
        house.fake.seen().actions.clear();
    }
    let sent = house.sent(&["request-revision", "--all-open", "--correction", "--yes"]).await;
    let Action::RequestRevision(sent) = sent else { panic!() };
    assert_eq!((sent.kind, sent.beyond_terms), (v1::RevisionKind::Correction as i32, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_terms_the_word_for_it_is_named() {
    let house = House::open(rows()).await;
    let asked = ["request-revision", "--note", "n1", "--yes"];
    house.fake.seen().refuse = Some(["BEYOND_TERMS", "This is round 3 of 2 included.", "Talk."]);
    let output = house.run(&asked).await;
    assert_eq!(code(&output), 1);
    assert!(
        err(&output).contains("round 3 of 2") && err(&output).contains("--beyond-terms"),
        "{}",
        err(&output)
    );
    // Told beforehand, nothing is sent at all.
    house.version(|v| v.allowed = vec![told("request_revision", false, "BEYOND_TERMS", "Round 3 of 2.")]);
    house.fake.seen().actions.clear();
    let output = house.run(&asked).await;
    assert!(code(&output) == 1 && err(&output).contains("--beyond-terms"), "{}", err(&output));
    assert!(house.fake.seen().actions.is_empty());
    let sent = house.sent(&[&asked[..], &["--beyond-terms"]].concat()).await;
    assert!(matches!(sent, Action::RequestRevision(it) if it.beyond_terms));
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_tell_where_they_stand_now_and_whether_something_changed() {
    let house = House::open(rows()).await;
    let output = house.run(&["notes", "list"]).await;
    assert!(out(&output).contains("1:32.0 (was 1:35.0 in Mix A 1) | Mix B 1 | open"), "{}", out(&output));
    assert!(out(&output).contains("Mix B 1: change found: +0.8 dB") && !out(&output).contains('\x1b'));
    let object = &objects(&house.run(&["notes", "list", "--json"]).await)[0];
    assert_eq!(
        (object["start_ms"].as_u64(), object["places"][0]["start_ms"].as_u64()),
        (Some(95_000), Some(92_000))
    );
    assert_eq!(object["verdicts"][0]["verdict"], "changed");
    let sent = house.sent(&["notes", "move", "n1", "--at", "1:33", "--version", "mix b 1"]).await;
    let Action::MoveNote(sent) = sent else { panic!() };
    assert_eq!((sent.version_id.as_str(), sent.start_ms, sent.end_ms), ("vb", 93_000, None));
}

/// A tone with a little of another on one side, at this peak.
fn mix(seconds: f64, peak_dbfs: f64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mix.wav");
    let peak = 10f64.powf(peak_dbfs / 20.0);
    let count = (seconds * 48_000.0) as usize;
    let tone = |hz: f64| {
        (0..count).map(|n| peak * (n as f64 * hz * std::f64::consts::TAU / 48_000.0).sin()).collect()
    };
    let mut writer = AudioWriter::create(&path, Encoding::Wav24, 48_000, 2, None).unwrap();
    writer.write(&Block { channels: vec![tone(440.0), tone(443.0)] }).unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

fn hold_mixes(house: &House) {
    let mixes = [("va", mix(4.0, -3.0)), ("vb", mix(3.5, -14.0))];
    for (id, bytes) in &mixes {
        let sha256 = sha(bytes);
        house.fake.seen().files.insert(sha256.clone(), bytes.clone());
        let facts = Some(v1::AudioFacts { bytes: bytes.len() as u64, ..v1::AudioFacts::default() });
        house.version(|version| {
            if version.version_id == *id {
                let (sha256, facts) = (sha256.clone(), facts.clone());
                let file = v1::VersionFile {
                    alternate: "main".into(),
                    sha256,
                    facts,
                    may_fetch: true,
                    ..Default::default()
                };
                version.files = vec![file];
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mixes_are_compared_blind_equally_loud_and_equally_long() {
    let house = House::open(rows()).await;
    hold_mixes(&house);
    let output = house.run(&["shootout", "fetch", "night", "-o", "blind", "--json"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    // Nothing that was printed or lies beside the files tells which is which.
    let folder = house.path().join("blind");
    let mut names: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["X1.wav", "X2.wav"]);
    let printed = out(&output) + &err(&output);
    let digests: Vec<String> = house.fake.seen().files.keys().cloned().collect();
    for word in
        ["va", "vb", "Mix A", "Mix B", "letter", "gain"].into_iter().chain(digests.iter().map(String::as_str))
    {
        assert!(!printed.contains(word), "{word} was printed: {printed}");
    }
    let heard: Vec<_> = names
        .iter()
        .map(|name| {
            measure_file(&folder.join(name), false, &mut |_| deadwax_dsp::Flow::Go).unwrap().0.measurement
        })
        .collect();
    assert!((heard[0].integrated_lufs - heard[1].integrated_lufs).abs() < 0.25, "{heard:?}");
    assert_eq!(heard[0].frames, heard[1].frames);
    // Once more into another folder: the same mixes keep their names.
    house.run(&["shootout", "fetch", "night", "-o", "again"]).await;
    for name in &names {
        assert_eq!(
            std::fs::read(folder.join(name)).unwrap(),
            std::fs::read(house.path().join("again").join(name)).unwrap()
        );
    }
    // Before the vote nobody is told.
    let output = house.run(&["shootout", "reveal", "night"]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("vote") && !err(&output).contains("line"), "{}", err(&output));
    let Action::CastVote(vote) = house.sent(&["shootout", "vote", "night", "X2", "x1"]).await else {
        panic!()
    };
    assert!(vote.blind && vote.matched_lufs < -14.0 && vote.role == Role::Label as i32);
    house.song(|s| s.shootout.as_mut().unwrap().votes = vec![v1::Vote::default()]);
    let output = house.run(&["shootout", "reveal", "night", "--json"]).await;
    let second = &objects(&output)[1];
    assert_eq!(
        (second["name"].as_str(), second["version_id"].as_str()),
        (Some("X2"), Some(vote.ranking[0].as_str()))
    );
    // Whoever knows is not blind any more, and says so.
    let Action::CastVote(vote) = house.sent(&["shootout", "vote", "night", "X1", "X2"]).await else {
        panic!()
    };
    assert!(!vote.blind && vote.matched_lufs < -14.0);
    let Action::PickMix(pick) = house.sent(&["shootout", "pick", "night", "b", "--yes"]).await else {
        panic!()
    };
    assert_eq!((pick.version_id.as_str(), pick.fingerprint), ("vb", "vb".repeat(32)));
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_by_lines_are_not_blind_and_wrong_names_are_refused() {
    let house = House::open(rows()).await;
    let Action::CastVote(vote) = house.sent(&["shootout", "vote", "B", "A", "--song", "night"]).await else {
        panic!()
    };
    assert_eq!((vote.ranking, vote.blind, vote.matched_lufs), (vec!["vb".into(), "va".into()], false, 0.0));
    house.fake.seen().actions.clear();
    for args in [
        &["vote", "night", "X1", "X2"][..],
        &["vote", "night", "A", "X1"],
        &["vote", "night", "C"],
        &["vote", "night"],
        &["pick", "night", "--reason", "r", "--yes"],
    ] {
        let output = house.run(&[&["shootout"], args].concat()).await;
        assert_eq!(code(&output), 2, "{args:?}: {}", err(&output));
    }
    house.song(|s| s.shootout.as_mut().unwrap().lines[1].newest_version_id.clear());
    let output = house.run(&["shootout", "fetch"]).await;
    assert_eq!(code(&output), 1, "one line alone is nothing to compare");
    assert!(err(&output).contains("1 of 2 lines"), "{}", err(&output));
    // Whoever competes is not told to wait for what stays hidden.
    let no = |action: &str| v1::Allowed {
        action: action.into(),
        reason: "NOT_YOUR_ROLE".into(),
        text: "Who competes does not vote.".into(),
        ..v1::Allowed::default()
    };
    house.song(|s| s.allowed = vec![no("cast_vote"), no("pick_mix")]);
    let output = house.run(&["shootout", "fetch"]).await;
    assert!(code(&output) == 1 && err(&output).contains("Who competes"), "{}", err(&output));
    // A vote that was blind gives way only to a yes.
    house.song(|s| {
        s.allowed.clear();
        let shootout = s.shootout.as_mut().unwrap();
        shootout.lines[1].newest_version_id = "vb".into();
        shootout.votes = vec![v1::Vote { blind: true, ..v1::Vote::default() }];
    });
    let output = house.run(&["shootout", "vote", "night", "B", "A"]).await;
    assert!(code(&output) == 2 && err(&output).contains("--yes"), "{}", err(&output));
    assert!(house.fake.seen().actions.is_empty());
    house.sent(&["shootout", "vote", "night", "B", "A", "--yes"]).await;
    house.fake.seen().actions.clear();
    house.song(|s| s.shootout = None);
    let output = house.run(&["shootout", "show"]).await;
    assert!(code(&output) == 1 && err(&output).contains("shootout open"), "{}", err(&output));
    assert!(house.fake.seen().actions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_small_verbs_reach_the_wire_as_they_were_said() {
    let house = House::open(rows()).await;
    let sent = house.sent(&["handoff", "return", "Two files.", "--item", "instrumental=ends early"]).await;
    let Action::ReturnHandoff(sent) = sent else { panic!() };
    assert_eq!((sent.reason.as_str(), sent.items[0].alternate.as_str()), ("Two files.", "instrumental"));
    let sent = house.sent(&["project", "terms", "--corrections", "1", "--cut-off", "2026-12-03"]).await;
    let Action::ChangeTerms(sent) = sent else { panic!() };
    assert_eq!(
        (sent.corrections_free, sent.cut_off_ms, sent.rounds_included),
        (Some(1), Some(1_796_342_399_000), None)
    );
    let sent = house.sent(&["follow", "night", "muted"]).await;
    assert_eq!(
        sent,
        Action::Follow(v1::Follow { song_id: "s1".into(), level: v1::FollowLevel::Muted as i32 })
    );
    let Action::Follow(sent) = house.sent(&["follow", "all"]).await else { panic!() };
    assert!(sent.song_id.is_empty());
    let output = house.run(&["webhook", "add", "https://x.example/hook", "--code", "version_added"]).await;
    assert_eq!(out(&output).lines().last(), Some("s3cret"));
    house.version(|v| {
        v.files = vec![v1::VersionFile {
            alternate: "main".into(),
            facts: Some(v1::AudioFacts {
                sample_rate: 48_000,
                frames: 48_000 * 83 + 47,
                ..v1::AudioFacts::default()
            }),
            ..v1::VersionFile::default()
        }];
    });
    let output = house.run(&["heard", "night", "--all"]).await;
    assert!(out(&output).contains("97 %"), "{}{}", out(&output), err(&output));
    house.run(&["heard", "0:10-0:20", "0:30-1:00"]).await;
    let heard = house.fake.seen().heard.clone();
    assert_eq!(heard[0].ranges, [v1::HeardRange { start_ms: 0, end_ms: 83_000 }]);
    assert_eq!(heard[1].ranges.len(), 2);
    for wrong in [
        &["heard"][..],
        &["heard", "0:20-0:10"],
        &["handoff", "return", "--item", "x=y"],
        &["follow", "loud"],
    ] {
        assert_eq!(code(&house.run(wrong).await), 2, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_lists_say_so_and_status_tells_the_rounds() {
    let house = House::open(rows()).await;
    house.song(|s| (s.rounds_used, s.due_ms, s.overdue) = (2, 1_796_342_399_000, true));
    house.change(|row| if let Row::Project(p) = row { Some(p) } else { None }, |p| p.rounds_included = 2);
    let output = house.run(&["status"]).await;
    for part in
        ["rounds: 2 of 2 included", "OVERDUE since 2026-12-03 23:59 UTC", "2 mixes compete, 0 vote(s)"]
    {
        assert!(out(&output).contains(part), "{part} is missing: {}", out(&output));
    }
    for args in [&["turnaround"][..], &["webhook", "list"], &["spacing", "show"], &["preflight", "rules"]] {
        let output = house.run(args).await;
        assert_eq!(code(&output), 0, "{args:?}");
        assert!(!out(&output).trim().is_empty(), "{args:?} says nothing");
        let output = house.run(&[args, &["--json"]].concat()).await;
        assert!(out(&output).is_empty(), "{args:?}: {}", out(&output));
    }
}
