//! The server's command line as a person meets it: a real process, a real folder.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");

fn run(args: &[&str], dir: &Path, more: &[&str]) -> Output {
    Command::new(EXE).args(args).arg(dir).args(more).env_remove("DEADWAX_LISTEN").output().unwrap()
}

fn init(dir: &Path) -> Output {
    run(&["init"], dir, &["--name", "Gold Room", "--owner", "Noor", "--email", "noor@x.example", "--json"])
}

#[track_caller]
fn said(output: &Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is not in: {stderr}");
    }
}

/// A served folder; the address it listens on.
fn serve(dir: &Path, ready: &Path) -> (Child, String) {
    let mut child = Command::new(EXE)
        .arg("serve")
        .arg(dir)
        .args(["--listen", "127.0.0.1:0", "--ready-file"])
        .arg(ready)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let began = Instant::now();
    while !ready.exists() {
        assert!(began.elapsed() < Duration::from_secs(10) && child.try_wait().unwrap().is_none(), "{line}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let address = fs::read_to_string(ready).unwrap().trim().to_owned();
    assert!(line.contains("Gold Room") && line.contains(&address) && line.contains("sha256="), "{line}");
    (child, address)
}

#[test]
fn init_makes_a_private_folder_once() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("studio");
    let made = init(&dir);
    said(&made, 0, &[]);
    let json: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let link = json["link"].as_str().unwrap();
    assert!(link.starts_with("deadwax://127.0.0.1:4747/"), "{link}");
    assert!(link.ends_with(&format!("#sha256={}", json["sha256"].as_str().unwrap())), "{link}");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{} is open to others", path.display());
    }
    let before = fs::read(dir.join("key.pem")).unwrap();
    said(&init(&dir), 1, &["is a studio already"]);
    assert_eq!(fs::read(dir.join("key.pem")).unwrap(), before);

    let other = root.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("song.wav"), "x").unwrap();
    said(&init(&other), 1, &["is not empty"]);
}

#[test]
fn wrong_usage_and_bad_input_have_codes_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("studio");
    said(&Command::new(EXE).arg("dance").output().unwrap(), 2, &["dance"]);
    said(&run(&["init"], &dir, &["--owner", "Noor", "--email", "noor"]), 3, &["e-mail"]);
    said(&run(&["init"], &dir, &["--owner", "N\u{202e}", "--email", "n@x"]), 3, &["direction"]);
    assert!(!dir.exists(), "a refused init makes nothing");
    said(&run(&["serve"], &dir, &[]), 3, &["studio.toml"]);
    said(&init(&dir), 0, &[]);
    fs::write(dir.join("studio.toml"), "[limits]\nmax_upload = 1\n").unwrap();
    said(&run(&["serve"], &dir, &[]), 3, &["studio.toml", "max_upload", "line 2"]);
}

#[test]
fn one_server_holds_a_folder_and_sigterm_ends_it_cleanly() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("studio");
    said(&init(&dir), 0, &[]);
    let (mut server, address) = serve(&dir, &root.path().join("ready"));
    for verb in ["serve", "verify", "rebuild-index"] {
        said(&run(&[verb], &dir, &[]), 1, &["another deadwax-server holds"]);
    }
    said(&run(&["user"], &dir, &["list"]), 1, &["another deadwax-server holds"]);
    std::net::TcpStream::connect(&address).unwrap();

    let began = Instant::now();
    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5));
    said(&run(&["verify"], &dir, &[]), 0, &[]);
}

#[test]
fn people_are_invited_listed_and_erased_offline() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("studio");
    said(&init(&dir), 0, &[]);
    let invited = run(&["invite"], &dir, &["--email", "lena@x.example", "--name", "Lena", "--json"]);
    said(&invited, 0, &[]);
    let list = || {
        let output = run(&["user"], &dir, &["list", "--json"]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(list().lines().count(), 2);
    said(&run(&["user"], &dir, &["redact", "lena@x.example"]), 0, &[]);
    assert!(!list().contains("Lena"));
    said(&run(&["user"], &dir, &["redact", "noor@x.example"]), 1, &["only owner"]);
    said(&run(&["user"], &dir, &["redact", "nobody@x.example"]), 1, &["nobody"]);
    let journal =
        fs::read_dir(dir.join("journal")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let bytes: Vec<u8> = journal.flatten().collect();
    assert!(!bytes.windows(14).any(|window| window == b"lena@x.example"), "the e-mail is out of the journal");
    said(&run(&["verify"], &dir, &[]), 0, &[]);
}

#[test]
fn a_backup_is_a_studio() {
    let root = tempfile::tempdir().unwrap();
    let (dir, dest) = (root.path().join("studio"), root.path().join("backup"));
    said(&init(&dir), 0, &[]);
    said(&run(&["backup"], &dir, &[dest.to_str().unwrap()]), 0, &[]);
    said(&run(&["invite"], &dir, &["--email", "lena@x.example", "--name", "Lena"]), 0, &[]);
    let (mut server, _) = serve(&dir, &root.path().join("running"));
    said(&run(&["backup"], &dir, &[dest.to_str().unwrap()]), 0, &[]);
    server.kill().unwrap();
    server.wait().unwrap();
    let other = root.path().join("other");
    said(&init(&other), 0, &[]);
    said(&run(&["backup"], &other, &[dest.to_str().unwrap()]), 1, &["another studio"]);
    let chain = |dir: &Path| {
        let output = run(&["verify"], dir, &["--json"]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["chain"].clone()
    };
    assert_eq!(chain(&dest), chain(&dir));
    let (mut server, _) = serve(&dest, &root.path().join("ready"));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn verify_finds_a_damaged_audio_file() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("studio");
    said(&init(&dir), 0, &[]);
    let folder = dir.join("blobs").join("ab");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("cd".repeat(31)), "not what its name says").unwrap();
    said(&run(&["verify"], &dir, &[]), 1, &["do not match their names"]);
}
