//! The verbs as a person runs them: the real program, a home of its own, and the small server. Exit codes, JSON, what lands on the disk.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use std::process::{Output, Stdio};

use deadwax_client::profile::Home;
use deadwax_proto::v1::{self, row::Row};
use kit::{House, code, err, objects, out, sha};
use net_fake::Fake;

fn row(key: &str, row: Row) -> v1::Row {
    v1::Row { key: key.into(), row: Some(row) }
}

fn file(alternate: &str, bytes: &[u8]) -> v1::VersionFile {
    v1::VersionFile {
        alternate: alternate.into(),
        sha256: sha(bytes),
        name: "../../evil\x1b[2J.wav".into(),
        facts: Some(v1::AudioFacts {
            container: "wav".into(),
            sample_rate: 48_000,
            bits: 24,
            frames: 48_000 * 83,
            bytes: bytes.len() as u64,
            integrated_lufs: -14.2,
            true_peak_dbtp: -1.3,
            ..v1::AudioFacts::default()
        }),
        may_fetch: true,
    }
}

/// A song in mixing with Mix 2 of two files, handed over, with one note.
fn rows(main: &[u8], inst: &[u8]) -> Vec<v1::Row> {
    vec![
        row(
            "project",
            Row::Project(v1::ProjectRow {
                project_id: "proj-1".into(),
                title: "Night Drive EP".into(),
                artist: "Ana".into(),
                your_roles: vec![v1::Role::Label as i32],
                ..v1::ProjectRow::default()
            }),
        ),
        row(
            "song/s1",
            Row::Song(v1::SongRow {
                song_id: "s1".into(),
                title: "Night\x1b]52;c;eA==\x07 Drive".into(),
                position: 1,
                stage: v1::Stage::Mixing as i32,
                candidate_version_id: "v2".into(),
                waits_for: "Mix 2 waits for the approval of the label.".into(),
                handoff: Some(v1::Handoff { version_id: "v2".into(), ..v1::Handoff::default() }),
                ..v1::SongRow::default()
            }),
        ),
        row(
            "version/v2",
            Row::Version(v1::VersionRow {
                version_id: "v2".into(),
                song_id: "s1".into(),
                kind: v1::VersionKind::Mix as i32,
                number: 2,
                fingerprint: "ab".repeat(32),
                files: vec![file("main", main), file("instrumental", inst)],
                ..v1::VersionRow::default()
            }),
        ),
        row(
            "note/n1",
            Row::Note(v1::NoteRow {
                note_id: "n1".into(),
                song_id: "s1".into(),
                version_id: "v2".into(),
                author: "Ben".into(),
                start_ms: Some(83_400),
                text: "=voice \"too\" loud".into(),
                state: v1::NoteState::Open as i32,
                ..v1::NoteRow::default()
            }),
        ),
    ]
}

fn no_escapes(output: &Output) {
    for text in [out(output), err(output)] {
        assert!(!text.chars().any(|c| c != '\n' && deadwax_client::scrub::is_hostile(c)), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_keeps_a_token_and_logout_forgets_it() {
    let house = House::open(Vec::new()).await;
    let link = format!("deadwax+http://{}/GOOD-code", house.address);
    let output = house.run(&["login", &link, "--profile", "lena", "--json"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(objects(&output)[0]["name"], "Ana");
    assert!(!out(&output).contains("tok-1") && !err(&output).contains("tok-1"));
    no_escapes(&output);
    let home = Home::at(house.path().join("home"));
    assert_eq!(home.load(Some("lena")).unwrap().token.as_deref(), Some("tok-1"));
    let output = house.run(&["logout", "--profile", "lena"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(home.load(Some("lena")).is_err());
    let wrong = format!("deadwax+http://{}/BAD", house.address);
    let output = house.run(&["login", &wrong]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("No such invite.") && err(&output).contains("Ask for a new one."));
}

#[tokio::test(flavor = "multi_thread")]
async fn login_never_trusts_an_unknown_certificate_without_a_yes() {
    let made = rcgen::generate_simple_self_signed(["x.example".to_owned()]).unwrap();
    let fingerprint = sha(made.cert.der());
    let fake = Fake::default();
    let address = fake.serve(Some((made.cert.pem(), made.signing_key.serialize_pem()))).await;
    let house = House::open(Vec::new()).await;
    let link = format!("deadwax://{address}/GOOD-code");
    let output = house.run(&["login", &link, "--profile", "tls"]).await;
    assert_eq!(code(&output), 2, "nobody to ask");
    assert!(err(&output).contains(&fingerprint), "{}", err(&output));
    let output = house.run(&["login", &link, "--profile", "tls", "--trust", &"0".repeat(64)]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains(&fingerprint) && err(&output).contains(&"0".repeat(64)));
    let whole = format!("{link}#sha256={fingerprint}");
    let output = house.run(&["login", &whole, "--profile", "tls"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_shows_the_song_and_its_gate_without_escapes() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    let output = house.run(&["status"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("waits for the approval of the label"), "{}", out(&output));
    no_escapes(&output);
    let output = house.run(&["status", "--json"]).await;
    let kinds: Vec<_> = objects(&output).iter().map(|o| o["row"].clone()).collect();
    assert_eq!(kinds, ["project", "song"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn push_guesses_says_so_and_sends_only_after_a_yes() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    std::fs::write(house.path().join("Ana_NightDrive_Main_v03.wav"), vec![1; 300_000]).unwrap();
    std::fs::write(house.path().join("Ana_NightDrive_VocUp05_v03.wav"), vec![2; 300_000]).unwrap();
    let args = ["push", "Ana_NightDrive_Main_v03.wav", "Ana_NightDrive_VocUp05_v03.wav"];
    let output = house.run(&args).await;
    assert_eq!(code(&output), 2, "nobody to ask");
    assert!(err(&output).contains("vocal-up+0.5"), "{}", err(&output));
    assert!(house.fake.seen().uploads.is_empty() && house.fake.seen().commands.is_empty());
    let output = house.run(&[&args[..], &["--yes", "--json"]].concat()).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(house.fake.seen().uploads.len(), 2);
    assert_eq!(house.fake.seen().commands.len(), 1);
    assert_eq!(objects(&output)[0]["done"], true);
    no_escapes(&output);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_names_of_one_file_are_pushed_where_the_project_only_warns() {
    let house = House::open(Vec::new()).await;
    for name in ["NightDrive_Main.wav", "NightDrive_Clean.wav"] {
        std::fs::write(house.path().join(name), vec![1; 300_000]).unwrap();
    }
    let mut push = vec!["push", "NightDrive_Main.wav", "NightDrive_Clean.wav", "--song", "night", "--yes"];
    push.extend(["--stage", "mix", "--alternate", "main", "--alternate", "clean"]);
    let rule = |severity: v1::Severity| v1::PreflightRule {
        code: "SAME_AS_MAIN".into(),
        kind: v1::VersionKind::Mix.into(),
        severity: severity.into(),
        ..v1::PreflightRule::default()
    };
    for rules in [Vec::new(), vec![rule(v1::Severity::Block)]] {
        house.fake.seen().rows = with_preflight(rules);
        let output = house.run(&push).await;
        assert_eq!(code(&output), 3, "{}", err(&output));
        assert!(err(&output).contains("same file byte for byte"), "{}", err(&output));
        assert!(house.fake.seen().uploads.is_empty());
    }
    house.fake.seen().rows = with_preflight(vec![rule(v1::Severity::Warn)]);
    let output = house.run(&push).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(err(&output).contains("only warns of it"), "{}", err(&output));
    assert_eq!(house.fake.seen().commands.len(), 1);
}

fn with_preflight(rules: Vec<v1::PreflightRule>) -> Vec<v1::Row> {
    let mut all = rows(b"main", b"inst");
    for row in &mut all {
        if let Some(Row::Project(it)) = &mut row.row {
            it.preflight.clone_from(&rules);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_would_be_refused_sends_no_byte() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    std::fs::write(house.path().join("NightDrive.wav"), vec![1; 300_000]).unwrap();
    let push = ["push", "NightDrive.wav", "--yes", "--json", "--stage"];
    let output = house.run(&[&push[..], &["master"]].concat()).await;
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(err(&output).contains("WRONG_STAGE"), "{}", err(&output));
    for row in &mut house.fake.seen().rows {
        if let Some(Row::Song(song)) = &mut row.row {
            song.allowed = vec![v1::Allowed {
                action: "add_version".into(),
                yes: false,
                reason: "NOT_YOUR_ROLE".into(),
                text: "A listener may not upload files.".into(),
                hint: "Ask the manager.".into(),
            }];
        }
    }
    let output = house.run(&[&push[..], &["mix"]].concat()).await;
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(err(&output).contains("NOT_YOUR_ROLE"), "{}", err(&output));
    assert!(house.fake.seen().uploads.is_empty() && house.fake.seen().commands.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_files_and_wrong_usage_have_their_own_codes() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    std::fs::write(house.path().join("empty.wav"), b"").unwrap();
    for (args, wanted) in [
        (&["push", "missing.wav", "--song", "night", "--yes"][..], 3),
        (&["push", "empty.wav", "--song", "night", "--yes"], 3),
        (&["push", "empty.wav", "--song", "other", "--yes"], 2),
        (&["push"], 2),
        (&["note", "x", "--at", "1:99"], 2),
        (&["note", "x", "--to", "1:00"], 2),
        (&["approve", "--version", "mix 9", "--yes"], 2),
        (&["frobnicate"], 2),
        (&["status", "--profile", "nobody"], 1),
        (&["--help"], 0),
    ] {
        let output = house.run(args).await;
        assert_eq!(code(&output), wanted, "{args:?}: {}", err(&output));
        assert!(wanted == 0 || out(&output).is_empty(), "{args:?} wrote on standard output");
    }
    assert!(house.fake.seen().commands.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_quotes_the_bytes_and_needs_a_yes() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    let output = house.run(&["approve"]).await;
    assert_eq!(code(&output), 2);
    for part in ["Mix 2", "1:23.0", "-14.2 LUFS", "-1.3 dBTP", &"ab".repeat(32), "label"] {
        assert!(err(&output).contains(part), "{part} is missing: {}", err(&output));
    }
    assert!(house.fake.seen().commands.is_empty());
    let output = house.run(&["approve", "--yes", "--fingerprint", "ffffffff"]).await;
    assert_eq!(code(&output), 1);
    assert!(house.fake.seen().commands.is_empty(), "another fingerprint was signed");
    let output = house.run(&["approve", "--yes", "--fingerprint", "abababab", "--json"]).await;
    assert_eq!(code(&output), 1, "the fake refuses");
    let told: serde_json::Value = serde_json::from_str(err(&output).lines().last().unwrap()).unwrap();
    assert_eq!(told["error"], "VERSION_SUPERSEDED");
    assert_eq!(told["hint"], "Look at Mix 2.");
    no_escapes(&output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handoff_goes_on_after_a_cut_and_what_is_no_package_is_not_unpacked() {
    let house = House::open(Vec::new()).await;
    let bytes: Vec<u8> = (0..5_500u32).map(|it| (it % 251) as u8).collect();
    house.fake.seen().rows = rows(&bytes, &bytes);
    house.fake.seen().package = Some(("../../evil.zip".into(), bytes.clone()));
    let digest = sha(&bytes);
    let folder = house.path().join("out");
    // An earlier try left the beginning: the rest is fetched, not the whole.
    let parts = folder.join(".deadwax-part");
    std::fs::create_dir_all(&parts).unwrap();
    std::fs::write(parts.join(format!("{digest}.part")), &bytes[..1_234]).unwrap();
    let fetch = ["handoff", "-o", "out", "--json"];
    let output = house.run(&fetch).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(house.fake.seen().handoff_offsets.contains(&1_234));
    let file = folder.join(format!("Handoff_{}.zip", &digest[..12]));
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(objects(&output)[0]["fetched"], true);
    let output = house.run(&fetch).await;
    assert_eq!(objects(&output)[0]["fetched"], false, "a second time nothing is fetched");
    // What is no package is refused whole: beside the file that came nothing is written.
    let output = house.run(&["pull", "out", "--handoff"]).await;
    assert_ne!(code(&output), 0, "{}", out(&output));
    no_escapes(&output);
    let names = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|it| !it.starts_with('.')).collect();
    assert_eq!(names, [file.file_name().unwrap().to_str().unwrap()]);
    // A changed file is left alone and told.
    std::fs::write(&file, b"mine").unwrap();
    let output = house.run(&fetch).await;
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_into_the_same_folder_adds_to_its_list_of_digests() {
    let house = House::open(Vec::new()).await;
    let (main, inst) = (vec![3; 40_000], vec![4; 40_000]);
    house.fake.seen().rows = rows(&main, &inst);
    for bytes in [&main, &inst] {
        house.fake.seen().files.insert(sha(bytes), bytes.clone());
    }
    let sums = house.path().join("out/SHA256SUMS");
    for (alternate, lines) in [("main", 1), ("instrumental", 2), ("main", 2)] {
        let output = house.run(&["pull", "out", "--version", "mix 2", "--alternate", alternate]).await;
        assert_eq!(code(&output), 0, "{}", err(&output));
        let text = std::fs::read_to_string(&sums).unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
        for line in text.lines() {
            let (digest, name) = line.split_once("  ").unwrap();
            let bytes = std::fs::read(house.path().join("out").join(name)).unwrap();
            assert_eq!(sha(bytes), digest, "{name}");
        }
    }
    std::fs::write(&sums, "my own words\n").unwrap();
    let output = house.run(&["pull", "out", "--version", "mix 2"]).await;
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert_eq!(std::fs::read_to_string(&sums).unwrap(), "my own words\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_without_a_link_says_why() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    let args = ["invite", "--name", "Lena", "--email", "lena@x.example", "--roles", "label"];
    let output = house.run(&args).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("sign in as they did before"), "{}", out(&output));
    let output = house.run(&[&args[..], &["--json"]].concat()).await;
    assert_eq!(objects(&output)[0]["link"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_do_not_match_their_name_get_no_name() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(&[7; 5_500], &[9; 2_500]);
    for bytes in [[7u8; 5_500].as_slice(), &[9; 2_500]] {
        let mut other = bytes.to_vec();
        other[100] ^= 1;
        house.fake.seen().files.insert(sha(bytes), other);
    }
    let output = house.run(&["pull", "out"]).await;
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("other bytes"), "{}", err(&output));
    let left: Vec<_> = std::fs::read_dir(house.path().join("out"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|n| n != ".deadwax-part")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_writes_rows_until_it_may_no_longer_and_a_gone_reader_ends_it_quietly() {
    let house = House::open(Vec::new()).await;
    house.fake.seen().rows = rows(b"main", b"inst");
    let output = house.run(&["watch"]).await;
    assert_eq!(code(&output), 1, "signed out at the end");
    let removed: Vec<_> =
        objects(&output).iter().filter(|o| o["row"] == "removed").map(|o| o["seq"].clone()).collect();
    assert_eq!(removed, [1, 2, 3]);
    // Completions are long; the pipe is closed before they are written.
    let mut child = house
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0);
    assert_eq!(err(&output), "");
}
