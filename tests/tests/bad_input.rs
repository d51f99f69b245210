//! Bad input, named: each has its own stable code, a sentence, a next step, and changes nothing. Method: a real server, the real command line where
//! a person could do it, the generated client where only a program could; after each case the project stands where it stood.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod bad_audio;

use std::{path::Path, process::Command};

use anyhow::Result;
use bad_audio::{noise, wav};
use deadwax_client::net::{Client, NetError, new_id};
use deadwax_proto::v1::{self, Role, action::Action};
use deadwax_tests::{
    demo::{Log, Material, Studio, cast, mixing, studio::text},
    harness::Seat,
};
use serde_json::Value;
use tempfile::TempDir;

struct Rig {
    on: Studio,
    root: TempDir,
    project: String,
}

impl Rig {
    /// A project with a take and two mixes; nothing may change after that.
    fn new() -> Rig {
        let root = tempfile::tempdir().unwrap();
        // Nothing is mixed here: the files are made by hand.
        let material = Material::Song(Box::default());
        let on = Studio::found(Path::new(env!("CARGO_BIN_EXE_demo")), root.path(), material, Log::new(true))
            .unwrap();
        let push = |seat: &Seat, stage: &str, seconds: usize| {
            let path = root.path().join("NightDrive.wav");
            std::fs::write(&path, wav(1, 24, 2, 48_000, &noise(48_000 * 6 * seconds))).unwrap();
            seat.verb(["push", path.to_str().unwrap(), "--stage", stage, "--alternate", "main", "--yes"])
                .unwrap();
        };
        push(&on.cast.artist, "take", 2);
        on.cast.mixer.verb(["approve", "--role", "mix-engineer", "--yes"]).unwrap();
        push(&on.cast.mixer, "mix", 3);
        push(&on.cast.mixer, "mix", 4);
        // Until the house has looked at them, facts come by themselves.
        mixing::examined(&on, "mix", 2).unwrap();
        let project = on.project_id().unwrap();
        Rig { on, root, project }
    }

    fn client(&self, seat: &Seat) -> Client {
        self.on.runtime.block_on(cast::client(seat)).unwrap()
    }

    fn seq(&self) -> u64 {
        self.on.runtime.block_on(self.client(&self.on.cast.owner).get(&self.project)).unwrap().seq
    }

    /// Runs a case; the project must stand where it stood.
    fn unchanged<T>(&self, what: &str, case: impl FnOnce() -> T) -> T {
        let before = self.seq();
        let answer = case();
        assert_eq!(self.seq(), before, "{what}: something was written");
        answer
    }

    /// A verb that must end with this exit code and this reason, in one sentence with a next step.
    fn verb_refused(&self, seat: &Seat, code: i32, reason: &str, args: &[&str]) {
        let said = self.unchanged(reason, || seat.try_verb(args).unwrap());
        let told =
            said.stderr.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
        assert_eq!(said.code, code, "{args:?}: {}", said.stderr);
        assert_eq!(text(&told, "error"), reason, "{args:?}: {}", said.stderr);
        assert!(!text(&told, "text").is_empty(), "{reason} without a sentence");
        assert!(!told["hint"].is_null(), "{reason}: {told}");
    }

    /// A file pushed as Mix 2 by the mix engineer, which must be refused as bad input.
    fn push_refused(&self, name: &str, bytes: &[u8], reason: &str) {
        let path = self.root.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        self.verb_refused(&self.on.cast.mixer, 3, reason, &["push", path, "--alternate", "main", "--yes"]);
    }

    fn perform(&self, seat: &Seat, action: Action) -> Result<v1::PerformResponse, NetError> {
        self.on.runtime.block_on(self.client(seat).perform(&self.project, action))
    }

    fn perform_refused(&self, seat: &Seat, reason: &str, action: Action) {
        let error = self.unchanged(reason, || self.perform(seat, action)).expect_err(reason);
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().ends_with('.'), "{reason}: {error}");
    }

    fn mix(&self) -> Value {
        cast::version(&self.on.cast.owner, "mix", 2).unwrap()
    }
}

/// What ends in front of the decoder, in it, or behind it: none of it becomes a file of the project.
#[test]
fn audio_that_cannot_be_used_is_refused_by_name() {
    let rig = Rig::new();
    let whole = wav(1, 24, 2, 48_000, &noise(48_000 * 6));
    rig.push_refused("renamed.wav", b"Dear studio, the mix is attached.\n", "NOT_AUDIO");
    rig.push_refused("renamed.mp3", &[0u8; 4096], "NOT_AUDIO");
    rig.push_refused("header-only.wav", &whole[..44], "NOT_AUDIO");
    rig.push_refused("truncated.wav", &whole[..whole.len() / 2], "NOT_AUDIO");
    rig.push_refused("no-channels.wav", &wav(1, 16, 0, 48_000, &noise(4_000)), "AUDIO_HOSTILE");
    rig.push_refused("one-hertz.wav", &wav(1, 16, 2, 1, &noise(4_000)), "AUDIO_HOSTILE");
    rig.push_refused("ten-megahertz.wav", &wav(1, 16, 2, 10_000_000, &noise(4_000)), "AUDIO_HOSTILE");
    let mut nan: Vec<u8> = [0.25f32; 9_000].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    nan[4_000..4_004].copy_from_slice(&f32::NAN.to_le_bytes());
    rig.push_refused("nan.wav", &wav(3, 32, 2, 48_000, &nan), "NOT_AUDIO");
    rig.push_refused("petabytes.wav", &bad_audio::rf64_of_petabytes(), "NOT_AUDIO");
    rig.push_refused("empty.wav", b"", "INPUT");
    // The same empty file from a client that does not look before it asks.
    let error = rig.begin(&"00".repeat(32), 0, "empty.wav").unwrap_err();
    assert_eq!(error.reason(), "UPLOAD_EMPTY");
    assert_eq!(
        cast::rows(&rig.on.cast.owner).unwrap().keys().filter(|key| key.starts_with("version/")).count(),
        3
    );
}

impl Rig {
    fn begin(&self, sha256: &str, bytes: u64, name: &str) -> Result<v1::UploadState, NetError> {
        let client = self.client(&self.on.cast.mixer);
        let request = v1::BeginUploadRequest {
            project_id: self.project.clone(),
            sha256: sha256.to_owned(),
            bytes,
            name: name.to_owned(),
        };
        let answer = self.on.runtime.block_on(client.media().begin_upload(request));
        answer.map(tonic::Response::into_inner).map_err(|status| NetError::from_status(client.url(), &status))
    }

    fn send(&self, chunks: Vec<v1::UploadChunk>) -> Result<v1::UploadState, NetError> {
        let client = self.client(&self.on.cast.mixer);
        let answer = self.on.runtime.block_on(client.media().upload(tokio_stream::iter(chunks)));
        answer.map(tonic::Response::into_inner).map_err(|status| NetError::from_status(client.url(), &status))
    }
}

#[test]
fn uploads_that_are_not_what_they_say_are_refused() {
    let rig = Rig::new();
    let bytes = wav(1, 24, 2, 48_000, &noise(48_000));
    let chunk = |upload_id: &str, offset, data: &[u8]| v1::UploadChunk {
        upload_id: upload_id.to_owned(),
        offset,
        data: data.to_vec().into(),
    };
    rig.unchanged("uploads", || {
        let begun = rig.begin(&"5a".repeat(32), bytes.len() as u64, "mix.wav").unwrap();
        let mut chunks = vec![chunk(&begun.upload_id, 0, &[])];
        chunks.extend(bytes.chunks(200_000).map(|data| chunk("", 0, data)));
        let error = rig.send(chunks).expect_err("another digest than announced");
        assert_eq!((error.reason(), error.exit_code()), ("DIGEST_DIFFERS", 3));
        assert!(!error.hint().is_empty(), "{error}");
        let error = rig.send(vec![chunk(&begun.upload_id, 0, &bytes[..10])]).expect_err("a forgotten upload");
        assert_eq!(error.reason(), "UPLOAD_UNKNOWN");

        let begun = rig.begin(&"5b".repeat(32), bytes.len() as u64, "mix.wav").unwrap();
        let error = rig.send(vec![chunk(&begun.upload_id, 77, &bytes[..10])]).expect_err("a gap");
        assert_eq!(error.reason(), "OFFSET_DIFFERS");

        let error = rig.begin(&"5c".repeat(32), 1 << 50, "mix.wav").expect_err("a petabyte");
        assert_eq!((error.reason(), error.exit_code()), ("UPLOAD_TOO_LARGE", 3));
        assert!(error.hint().contains("limits.max_upload_bytes"), "{}", error.hint());
        for name in ["../../etc/passwd", "mix\u{202e}vaw.wav", "mix\u{1b}[2J.wav", "", &"a".repeat(10_000)] {
            let error = rig.begin(&"5d".repeat(32), 100, name).expect_err("a hostile name");
            assert_eq!(error.reason(), "NAME_INVALID", "{name:?}");
        }
    });
}

#[test]
fn what_the_rules_do_not_allow_is_refused_with_its_reason() {
    let rig = Rig::new();
    let Studio { cast, .. } = &rig.on;
    let mix = rig.mix();
    let version_id = text(&mix, "version_id").to_owned();
    let approve = |role: i32, fingerprint: &str| {
        Action::Approve(v1::Approve {
            receipt: None,
            approval_id: new_id(),
            version_id: version_id.clone(),
            role,
            fingerprint: fingerprint.to_owned(),
        })
    };
    let print = text(&mix, "fingerprint");
    rig.perform_refused(&cast.mixer, "NOT_YOUR_ROLE", approve(Role::Label as i32, print));
    rig.perform_refused(&cast.label, "FINGERPRINT_DIFFERS", approve(Role::Label as i32, &"00".repeat(32)));
    let error = rig.perform(&cast.label, approve(99, print)).expect_err("an unknown role");
    assert_eq!(error.exit_code(), 2, "malformed, not refused: {error}");
    rig.verb_refused(&cast.label, 2, "USAGE", &["approve", "--role", "king", "--yes"]);
    rig.verb_refused(
        &cast.label,
        1,
        "FINGERPRINT_DIFFERS",
        &["approve", "--fingerprint", "00000000", "--yes"],
    );
    rig.verb_refused(&cast.mixer, 1, "NOT_ASKED_BY_GATE", &["approve", "--role", "mix-engineer", "--yes"]);
    rig.verb_refused(&cast.label, 1, "VERSION_SUPERSEDED", &["approve", "--version", "mix 1", "--yes"]);
    rig.verb_refused(&cast.artist, 1, "NOTE_BEYOND_END", &["note", "Louder.", "--at", "59:00"]);
    rig.verb_refused(
        &cast.artist,
        2,
        "NOTE_RANGE_EMPTY",
        &["note", "Louder.", "--at", "0:02", "--to", "0:01"],
    );
    rig.verb_refused(&cast.artist, 1, "NOT_YOUR_ROLE", &["handoff", "accept"]);
    rig.verb_refused(&cast.masterer, 1, "WRONG_STAGE", &["render", "start"]);
    rig.verb_refused(&cast.label, 1, "NOT_DELIVERED_YET", &["deliver"]);
    let stranger = rig.client(&rig.stranger());
    for project in [rig.project.clone(), new_id()] {
        let error = rig.on.runtime.block_on(stranger.get(&project)).expect_err("a stranger");
        assert!(matches!(error, NetError::Refused { code: tonic::Code::NotFound, .. }), "{error}");
    }
}

impl Rig {
    /// Somebody with an account and no project.
    fn stranger(&self) -> Seat {
        let said =
            self.on.cast.owner.verb(["invite", "--name", "Sol Ek", "--email", "sol@else.example"]).unwrap();
        let seat = self.on.house.seat(self.root.path(), "sol").unwrap();
        seat.verb(["login", said.first()["link"].as_str().unwrap()]).unwrap();
        seat
    }
}

#[test]
fn names_that_mislead_never_become_facts() {
    let rig = Rig::new();
    let owner = &rig.on.cast.owner;
    let long = "x".repeat(10_000);
    for title in ["Night\u{202e}evirD", "Night\u{7}Drive", "Night\nDrive", "../../Night", "..", &long] {
        rig.verb_refused(owner, 2, "NAME_INVALID", &["song", "add", title]);
    }
    rig.verb_refused(owner, 2, "TEXT_EMPTY", &["song", "add", "   "]);
    rig.verb_refused(&rig.on.cast.artist, 2, "TEXT_TOO_LONG", &["note", &long]);
    rig.verb_refused(&rig.on.cast.artist, 2, "NAME_INVALID", &["note", "bell \u{7} and \u{1b}[2J"]);
}

#[test]
fn a_command_sent_twice_happens_once() {
    let rig = Rig::new();
    let client = rig.client(&rig.on.cast.artist);
    let (command, note_id, mix) = (new_id(), new_id(), rig.mix());
    let action = |words: &str| {
        Action::AddNote(v1::AddNote {
            note_id: note_id.clone(),
            version_id: text(&mix, "version_id").to_owned(),
            text: words.to_owned(),
            ..v1::AddNote::default()
        })
    };
    let ask =
        |words: &str| rig.on.runtime.block_on(client.perform_as(&command, &rig.project, None, action(words)));
    let first = ask("Once.").unwrap();
    rig.unchanged("the same again", || assert_eq!(ask("Once.").unwrap(), first));
    let error = rig.unchanged("another body", || ask("Twice.").unwrap_err());
    assert_eq!(error.reason(), "COMMAND_ID_REUSED");
    let stale = rig.on.runtime.block_on(client.perform_as(
        &new_id(),
        &rig.project,
        Some(first.first_seq - 1),
        action("Late."),
    ));
    assert!(matches!(stale, Err(NetError::Refused { code: tonic::Code::Aborted, .. })), "{stale:?}");
}

#[test]
fn a_client_of_another_time_is_told_which_side_to_update() {
    let rig = Rig::new();
    let said = rig.on.cast.label.verb(["invite"]).unwrap();
    let link: deadwax_client::net::Link = said.first()["link"].as_str().unwrap().parse().unwrap();
    let client = rig.client(&rig.on.cast.label);
    for (api, side) in [(0, "Update the client"), (99, "update the server")] {
        let request =
            v1::LoginRequest { code: link.code.clone(), device: "old".into(), api, ..Default::default() };
        let status = rig.on.runtime.block_on(client.sessions().login(request)).unwrap_err();
        let error = NetError::from_status(client.url(), &status);
        assert_eq!(error.reason(), "API_VERSION");
        assert!(error.hint().contains(side), "{}", error.hint());
    }
    // The code was not used up by the tries.
    let request = v1::LoginRequest { code: link.code, device: "new".into(), api: 1, ..Default::default() };
    rig.on.runtime.block_on(client.sessions().login(request)).unwrap();
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let rig = Rig::new();
    rig.unchanged("a second server", || {
        let serve = |verb: &str| {
            Command::new(env!("CARGO_BIN_EXE_demo"))
                .args(["server", verb])
                .arg(&rig.on.house.studio)
                .args(if verb == "serve" { &["--listen", "127.0.0.1:0"][..] } else { &[] })
                .output()
                .unwrap()
        };
        for verb in ["serve", "verify", "rebuild-index"] {
            let output = serve(verb);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{verb}: {said}");
            assert!(
                said.contains("in use") || said.contains("another") || said.contains("runs"),
                "{verb}: {said}"
            );
        }
    });
}
