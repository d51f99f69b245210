//! What scripts and workstations lean on: the watched folder, errors as JSON, manual pages, completions.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use std::{
    f64::consts::TAU,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use deadwax_proto::v1::{self, action::Action, row::Row};
use kit::{program, sha, sign_in};
use net_fake::Fake;
use serde_json::Value;

const VERBS: [&str; 12] = [
    "login",
    "status",
    "push",
    "pull",
    "note",
    "approve",
    "request-revision",
    "watch-folder",
    "export",
    "measure",
    "play",
    "man",
];

/// A home that is signed in to this address, and a folder for bounces.
fn room(address: SocketAddr) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bounces")).unwrap();
    sign_in(folder.path(), address, "p1");
    folder
}

async fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = program(folder, args);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn objects(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line:?}: {e}"))).collect()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn bounce(path: &Path, hz: f64) -> String {
    let plane: Vec<f64> = (0..4_800).map(|n| 0.5 * (TAU * hz * f64::from(n) / 48_000.0).sin()).collect();
    let mut writer = AudioWriter::create(path, Encoding::Wav24, 48_000, 2, None).unwrap();
    writer.write(&Block { channels: vec![plane.clone(), plane] }).unwrap();
    writer.finish().unwrap();
    sha(std::fs::read(path).unwrap())
}

fn row(key: &str, row: Row) -> v1::Row {
    v1::Row { key: key.into(), row: Some(row) }
}

fn rows(digests: &[&str]) -> Vec<v1::Row> {
    let project =
        v1::ProjectRow { project_id: "proj-1".into(), title: "Night Drive EP".into(), ..Default::default() };
    let song = |id: &str, title: &str| v1::SongRow {
        song_id: id.into(),
        title: title.into(),
        stage: v1::Stage::Mixing as i32,
        ..Default::default()
    };
    let file = |digest: &&str| v1::VersionFile { sha256: (*digest).to_owned(), ..Default::default() };
    let version = v1::VersionRow {
        version_id: "m1".into(),
        song_id: "s1".into(),
        files: digests.iter().map(file).collect(),
        ..Default::default()
    };
    vec![
        row("project", Row::Project(project)),
        row("song/s1", Row::Song(song("s1", "Night Drive"))),
        row("song/s2", Row::Song(song("s2", "Lamps"))),
        row("version/m1", Row::Version(version)),
    ]
}

fn added(fake: &Fake) -> Vec<v1::AddVersion> {
    let version = |action: &Action| match action {
        Action::AddVersion(version) => Some(version.clone()),
        _ => None,
    };
    fake.seen().actions.iter().filter_map(version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_bounces_are_grouped_by_name_told_and_pushed_once() {
    let fake = Fake::default();
    let room = room(fake.serve(None).await);
    let at = |name: &str| room.path().join("bounces").join(name);
    let main = bounce(&at("Ana_NightDrive_Main_v02.wav"), 440.0);
    let inst = bounce(&at("Ana_NightDrive_Inst_v02.wav"), 330.0);
    let lamps = bounce(&at("Ana_Lamps_Main_v01.wav"), 220.0);
    let old = bounce(&at("Ana_Lamps_Main_v00.wav"), 110.0);
    std::fs::write(at("Ana_NightDrive_VocUp05_v02.wav.part"), "half").unwrap();
    std::fs::write(at("notes.txt"), "text").unwrap();
    fake.seen().rows = rows(&[&old]);
    let args =
        ["watch-folder", "bounces", "--yes", "--once", "--calm", "0.2", "--json", "--note", "new snare"];
    let output = run(room.path(), &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let versions = added(&fake);
    let of = |song: &str| versions.iter().find(|version| version.song_id == song).unwrap();
    assert_eq!((versions.len(), of("s1").changelog.as_str()), (2, "new snare"));
    let sent: Vec<(&str, &str)> =
        of("s1").files.iter().map(|file| (file.alternate.as_str(), file.sha256.as_str())).collect();
    assert_eq!(sent, [("instrumental", inst.as_str()), ("main", main.as_str())]);
    assert_eq!(of("s2").files[0].sha256, lamps);
    let told = objects(&output.stdout);
    let events: Vec<&str> = told.iter().filter_map(|object| object["event"].as_str()).collect();
    assert_eq!(events, ["ignored", "found", "found"], "what the server has is not sent again");
    assert_eq!(told[3]["files"][1]["alternate"], "main");
    assert_eq!(told.iter().filter(|object| object["done"] == true).count(), 2);
    // Another look, and everything is there already.
    fake.seen().rows = rows(&[&old, &main, &inst, &lamps]);
    let output = run(room.path(), &args).await;
    assert_eq!((output.status.code(), added(&fake).len()), (Some(0), 2), "{}", err(&output));
}

/// A watcher that runs, read line by line.
struct Watching {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    faults: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Watching {
    fn start(folder: &Path) -> Watching {
        let mut child = program(folder, &["watch-folder", "bounces", "--yes", "--calm", "0.2", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let faults = BufReader::new(child.stderr.take().unwrap()).lines();
        Watching { child, lines, faults }
    }

    /// Reads on until an object says this.
    fn until(&mut self, key: &str, wanted: &Value) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            let object: Value = serde_json::from_str(&line).unwrap();
            if object[key] == *wanted {
                return object;
            }
        }
    }

    /// The next error.
    fn fault(&mut self) -> Value {
        loop {
            let line = self.faults.next().expect("it goes on").unwrap();
            if let Ok(object) = serde_json::from_str(&line) {
                return object;
            }
        }
    }

    #[cfg(unix)]
    fn interrupt(mut self) -> Option<i32> {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn it_survives_a_line_that_is_down_and_a_bounce_that_is_half_there() {
    let fake = Fake::default();
    // An address where nobody answers yet.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let room = room(address);
    fake.seen().rows = rows(&[]);
    let at = |name: &str| room.path().join("bounces").join(name);
    bounce(&at("NightDrive_Main_v02.wav"), 440.0);
    let folder = room.path().to_owned();
    let mut watching = tokio::task::spawn_blocking(move || {
        let mut watching = Watching::start(&folder);
        watching.until("event", &"later".into());
        watching
    })
    .await
    .unwrap();
    assert!(added(&fake).is_empty());
    fake.serve_at(address, None).await;
    let whole = {
        let path = room.path().join("other.wav");
        bounce(&path, 220.0);
        std::fs::read(path).unwrap()
    };
    let half = at("Lamps_Main_v01.wav");
    let code = tokio::task::spawn_blocking(move || {
        watching.until("done", &true.into());
        std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
        let fault = watching.fault();
        assert!(fault["text"].as_str().unwrap().contains("looked at again when it changes"), "{fault}");
        std::fs::write(&half, &whole).unwrap();
        watching.until("done", &true.into());
        watching.interrupt()
    })
    .await
    .unwrap();
    assert_eq!(code, Some(0), "Ctrl-C is how it ends");
    let songs: Vec<String> = added(&fake).into_iter().map(|version| version.song_id).collect();
    assert_eq!(songs, ["s1", "s2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_told_and_the_others_are_pushed() {
    let fake = Fake::default();
    let room = room(fake.serve(None).await);
    let at = |name: &str| room.path().join("bounces").join(name);
    bounce(&at("Lamps_Main_v01.wav"), 440.0);
    bounce(&at("NightDrive_Inst_v01.wav"), 330.0);
    bounce(&at("Nobody_Main_v01.wav"), 220.0);
    fake.seen().rows = rows(&[]);
    let args = ["watch-folder", "bounces", "--yes", "--once", "--calm", "0.2", "--json"];
    let output = run(room.path(), &args).await;
    assert_eq!((output.status.code(), added(&fake).len()), (Some(1), 1), "{}", err(&output));
    let told = objects(&output.stdout);
    assert!(told.iter().any(|object| object["event"] == "without_main" && object["title"] == "Night Drive"));
    assert!(err(&output).contains("which song?"), "{}", err(&output));
    // Without somebody to ask and without leave it does nothing.
    let output = run(room.path(), &["watch-folder", "bounces"]).await;
    assert!(output.status.code() == Some(2) && err(&output).contains("--yes"));
    let output = run(room.path(), &["watch-folder", "nowhere", "--yes", "--json"]).await;
    assert_eq!(output.status.code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_failure_is_an_object_with_a_code() {
    let fake = Fake::default();
    fake.seen().rows = rows(&[]);
    let room = room(fake.serve(None).await);
    let nobody = tempfile::tempdir().unwrap();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cut_off = crate::room(dead);
    std::fs::write(room.path().join("text.wav"), "no sound").unwrap();
    for (folder, args, code, reason) in [
        (room.path(), &["push"][..], 2, "USAGE"),
        (room.path(), &["no-such-verb"], 2, "USAGE"),
        (room.path(), &["play", "text.wav", "--level", "winamp"], 2, "USAGE"),
        (room.path(), &["play", "text.wav", "--to", "x.wav"], 3, "INPUT"),
        (room.path(), &["measure", "text.wav"], 3, "NOT_AUDIO"),
        (room.path(), &["push", "none.wav", "--song", "lamps", "--yes"], 3, "FILE"),
        (room.path(), &["pull", "--song", "lamps"], 1, "NO_VERSION"),
        (nobody.path(), &["status"], 1, "PROFILE"),
        (cut_off.path(), &["status"], 1, "UNREACHABLE"),
    ] {
        let output = run(folder, &[args, &["--json"]].concat()).await;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        let told = objects(&output.stderr);
        let error = told.last().unwrap();
        assert_eq!(
            (&error["error"], &error["exit_code"]),
            (&reason.into(), &code.into()),
            "{args:?}: {error}"
        );
        assert!(error["text"].is_string() && error["hint"].is_string(), "{error}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

/// Two mixes of one song, one of another, and the running order of both; the audio lies on the server.
fn lay_out(fake: &Fake, folder: &Path) {
    let file = |name: &str, hz: f64, lufs: f64| {
        let path = folder.join(name);
        let digest = bounce(&path, hz);
        let bytes = std::fs::read(path).unwrap();
        let facts = v1::AudioFacts {
            sample_rate: 48_000,
            channels: 2,
            frames: 4_800,
            bytes: bytes.len() as u64,
            integrated_lufs: lufs,
            true_peak_dbtp: -6.0,
            ..Default::default()
        };
        fake.seen().files.insert(digest.clone(), bytes);
        v1::VersionFile {
            alternate: "main".into(),
            sha256: digest,
            facts: Some(facts),
            may_fetch: true,
            ..Default::default()
        }
    };
    let version = |song: &str, number: u32, file: v1::VersionFile| {
        let version = v1::VersionRow {
            version_id: format!("{song}-{number}"),
            song_id: song.into(),
            kind: v1::VersionKind::Mix as i32,
            number,
            files: vec![file],
            ..Default::default()
        };
        row(&version.version_id.clone(), Row::Version(version))
    };
    let mut all = rows(&[]);
    all.pop();
    all.extend([
        version("s1", 1, file("one.wav", 440.0, -14.0)),
        version("s1", 2, file("two.wav", 330.0, -11.0)),
        version("s2", 1, file("three.wav", 220.0, -14.0)),
    ]);
    let item =
        |song: &str, gap_ms: u32| v1::SpacingItem { song_id: song.into(), gap_ms, ..Default::default() };
    if let Some(Row::Project(project)) = &mut all[0].row {
        project.spacing =
            Some(v1::Spacing { items: vec![item("s2", 500), item("s1", 25)], ..Default::default() });
    }
    fake.seen().rows = all;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_the_studio_are_played_side_by_side_and_a_record_over_its_joints() {
    let fake = Fake::default();
    let room = room(fake.serve(None).await);
    lay_out(&fake, room.path());
    let args =
        ["play", "--song", "night", "--version", "mix 2", "--version", "mix 1", "--to", "out.wav", "--json"];
    let output = run(room.path(), &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told = &objects(&output.stdout)[0];
    assert_eq!((&told["frames"], &told["tracks"][0]["gain_db"]), (&4_800.into(), &(-3.0).into()));
    assert_eq!(told["tracks"][1]["label"], "Night Drive, Mix 1");
    let args = ["play", "--album", "--to", "record.wav", "--json"];
    let output = run(room.path(), &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told = &objects(&output.stdout)[0];
    assert_eq!(told["frames"], 4_800 + 1_200 + 4_800, "no gap before the first, 25 ms before the second");
    assert_eq!(told["tracks"][0]["label"], "Lamps, Mix 1");
    // To the ear it is played as it comes; here to the clock, which nobody hears: so nothing is told of it.
    let mut command = program(room.path(), &["play", "--song", "lamps", "--json"]);
    command.env("DEADWAX_SOUND", "none");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told = &objects(&output.stdout)[0];
    assert_eq!(
        (&told["audible"], &told["underruns"], &told["at_s"]),
        (&false.into(), &0.into(), &0.1.into())
    );
    assert!(fake.seen().heard.is_empty());
    // Damaged on its way it is not written.
    let digest = sha(std::fs::read(room.path().join("three.wav")).unwrap());
    fake.seen().files.get_mut(&digest).unwrap()[60] ^= 1;
    let output = run(room.path(), &["play", "--song", "lamps", "--to", "damaged.wav"]).await;
    assert_ne!(output.status.code(), Some(0));
    assert!(!room.path().join("damaged.wav").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_manual_page_for_every_verb() {
    let room = tempfile::tempdir().unwrap();
    let output = run(room.path(), &["man", "pages", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told = &objects(&output.stdout)[0];
    let files = told["files"].as_array().unwrap();
    assert_eq!(files.len(), std::fs::read_dir(room.path().join("pages")).unwrap().count());
    for verb in VERBS {
        let page = std::fs::read_to_string(room.path().join(format!("pages/deadwax-{verb}.1"))).unwrap();
        assert!(page.contains(".SH OPTIONS") && page.contains(".SH SYNOPSIS"), "{verb}");
    }
    assert!(files.contains(&"deadwax.1".into()) && files.contains(&"deadwax-notes-list.1".into()));
    let page = run(room.path(), &["man", "--print", "notes", "list"]).await;
    assert!(String::from_utf8_lossy(&page.stdout).contains("deadwax"), "{}", err(&page));
    assert_eq!(run(room.path(), &["man", "--print", "dance"]).await.status.code(), Some(2));
    assert_eq!(run(room.path(), &["man"]).await.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_of_each_shell_know_every_verb() {
    let room = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(room.path(), &["completions", shell]).await;
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        for verb in VERBS {
            assert!(text.contains(verb), "{shell} does not know {verb}");
        }
        assert!(text.contains("--switch-at") || shell == "fish" && text.contains("switch-at"), "{shell}");
    }
    // The shell itself reads its completions without a complaint.
    let text = run(room.path(), &["completions", "bash"]).await.stdout;
    std::fs::write(room.path().join("complete.bash"), text).unwrap();
    let read = Command::new("bash").args(["-n", "complete.bash"]).current_dir(room.path()).output().unwrap();
    assert!(read.status.success() && read.stderr.is_empty(), "{}", err(&read));
}
