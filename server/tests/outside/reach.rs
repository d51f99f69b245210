//! ISOLATION: a child that is driven to reach out is stopped. This test binary is started again, holds itself as a child holds itself, and then does what
//! hostile bytes in a decoder would. Never here: limits of memory and time (`process`, `renders`).

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use deadwax_dsp::recipe::Recipe;
use deadwax_server::render::{
    child::RenderLine,
    confine::{Reach, confine, known},
    process::{self, Limits},
};

use crate::{
    common::{
        child::{is_dead, server, wav},
        within,
    },
    tell,
};

const ASKED: &str = "DEADWAX_TEST_REACH";
const ROOM: &str = "DEADWAX_TEST_REACH_ROOM";
const FOREIGN: &str = "DEADWAX_TEST_REACH_FOREIGN";
const PORT: &str = "DEADWAX_TEST_REACH_PORT";
const SIGSYS: i32 = 31;

/// Not a test of its own: what the process that is held runs. Returns at once when started by anybody else.
#[test]
fn held_entry() {
    let Ok(asked) = std::env::var(ASKED) else { return };
    let of = |name: &str| PathBuf::from(std::env::var_os(name).unwrap());
    let (room, foreign) = (of(ROOM), of(FOREIGN));
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let programs = if asked.starts_with("program-") { vec![PathBuf::from("/bin/sh")] } else { Vec::new() };
    let reach = Reach { reads: vec![room.join("../own")], writes: vec![room.clone()], programs };
    if asked != "free" {
        confine(&reach).unwrap();
    }
    let shell = |words: String| Command::new("/bin/sh").args(["-c", &words]).stderr(Stdio::null()).status();
    let through = match asked.trim_start_matches("program-") {
        "free" | "read" => std::fs::read(&foreign).is_ok(),
        "write" => std::fs::write(foreign.with_extension("new"), b"x").is_ok(),
        "remove" => std::fs::remove_file(&foreign).is_ok(),
        "list" => std::fs::read_dir(foreign.parent().unwrap()).is_ok(),
        "move" => std::fs::rename(&foreign, room.join("taken")).is_ok(),
        "link" => std::fs::read(room.join("link")).is_ok(),
        "connect" => TcpStream::connect(("127.0.0.1", port)).is_ok(),
        "datagram" => {
            UdpSocket::bind("127.0.0.1:0").is_ok_and(|it| it.send_to(b"x", ("127.0.0.1", port)).is_ok())
        }
        "listen" => TcpListener::bind("127.0.0.1:0").is_ok(),
        "execute" => Command::new("/bin/true").status().is_ok_and(|it| it.success()),
        "memory-of-others" => {
            std::fs::read(format!("/proc/{}/environ", std::os::unix::process::parent_id())).is_ok()
        }
        "work" => work(&room).is_ok(),
        "shell-reads" => shell(format!("cat {} > /dev/null", foreign.display())).is_ok_and(|it| it.success()),
        "shell-writes" => shell(format!("echo x > {}.new", foreign.display())).is_ok_and(|it| it.success()),
        "shell-works" => shell(format!("echo x > {0}/it && cat {0}/it > /dev/null", room.display()))
            .is_ok_and(|it| it.success()),
        other => panic!("{other}"),
    };
    println!("\n@{}", if through { "through" } else { "refused" });
    std::process::exit(0);
}

/// What work on sound is made of.
fn work(room: &Path) -> std::io::Result<()> {
    assert_eq!(std::fs::read(room.join("../own"))?, b"own");
    std::fs::create_dir_all(room.join("a/b"))?;
    let mut part = tempfile::NamedTempFile::new_in(room)?;
    part.write_all(b"sound")?;
    part.as_file().sync_all()?;
    part.persist(room.join("a/b/sound")).map_err(|failed| failed.error)?;
    std::fs::hard_link(room.join("a/b/sound"), room.join("a/other"))?;
    std::fs::copy(room.join("a/other"), room.join("copy"))?;
    std::fs::rename(room.join("copy"), room.join("a/copy"))?;
    let threads: Vec<_> = (0..4).map(|n| std::thread::spawn(move || vec![n; 1 << 20].len())).collect();
    assert!(threads.into_iter().all(|it| it.join().is_ok_and(|length| length == 1 << 20)));
    assert!(std::panic::catch_unwind(|| panic!("of a decoder")).is_err());
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(std::fs::read_dir(room.join("a"))?.count(), 3);
    std::fs::remove_dir_all(room.join("a"))
}

struct Outside {
    folder: tempfile::TempDir,
    listener: TcpListener,
}

impl Outside {
    fn new() -> Outside {
        let folder = tempfile::tempdir().unwrap();
        for name in ["room", "foreign"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("own"), b"own").unwrap();
        let secret = folder.path().join("foreign/secret");
        std::fs::write(&secret, b"secret").unwrap();
        std::os::unix::fs::symlink(secret, folder.path().join("room/link")).unwrap();
        Outside { folder, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn asked(&self, what: &str) -> Output {
        let room = self.folder.path().join("room");
        Command::new(std::env::current_exe().unwrap())
            .args(["reach::held_entry", "--exact", "--nocapture", "--test-threads=1"])
            .env(ASKED, what)
            .env(PORT, self.listener.local_addr().unwrap().port().to_string())
            .env(FOREIGN, self.folder.path().join("foreign/secret"))
            // A command's own folder lies there: the test's must not be what it lies in.
            .env("TMPDIR", &room)
            .env(ROOM, room)
            .output()
            .unwrap()
    }

    /// `None`: it was ended by the kernel.
    fn went_through(&self, what: &str) -> Option<bool> {
        let output = self.asked(what);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match (output.status.signal(), said.contains("@through"), said.contains("@refused")) {
            (Some(SIGSYS), ..) => None,
            (None, true, false) => Some(true),
            (None, false, true) => Some(false),
            _ => panic!("{what}: {}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr)),
        }
    }
}

#[tokio::test]
async fn a_child_reaches_its_own_files_and_nothing_else() {
    let held = known(&server()).await.unwrap();
    if !held.is_whole() {
        println!("\n#gate ISOLATION not-run this machine lacks {}", held.lacks());
        return;
    }
    let outside = Outside::new();
    assert_eq!(outside.went_through("free"), Some(true), "the control: without it the file can be read");
    assert_eq!(outside.went_through("work"), Some(true), "what the work needs");
    let refused = ["read", "write", "remove", "list", "move", "link", "execute", "memory-of-others"];
    let ended = ["connect", "datagram", "listen"];
    let inserts = [
        "program-read",
        "program-connect",
        "program-datagram",
        "program-listen",
        "program-shell-reads",
        "program-shell-writes",
    ];
    let mut wrong: Vec<String> = Vec::new();
    for (what, expected) in refused
        .map(|it| (it, Some(false)))
        .into_iter()
        .chain(ended.map(|it| (it, None)))
        .chain(inserts.map(|it| (it, Some(false))))
        .chain([("program-work", Some(true)), ("program-shell-works", Some(true))])
    {
        let found = outside.went_through(what);
        if found != expected {
            wrong.push(format!("{what}: {found:?}"));
        }
    }
    assert_eq!(std::fs::read(outside.folder.path().join("foreign/secret")).unwrap(), b"secret");
    let tries = refused.len() + ended.len() + inserts.len();
    let figures =
        format!("{tries} ways out tried, {} went another way than they must: {wrong:?}", wrong.len());
    tell("ISOLATION", wrong.is_empty(), &figures);
}

/// The program itself, not a copy of what it does: the kernel tells how it is held.
#[tokio::test]
async fn the_real_child_is_held_while_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let job = render_job(folder.path(), &Recipe::default().canonical_toml(), &serde_json::json!({}), 60);
    let mut child = Command::new(env!("CARGO_BIN_EXE_deadwax-server"))
        .args(["child", "render", "--memory-bytes", "536870912", "--cpu-seconds", "600"])
        .arg(job)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    within(Duration::from_secs(60), "the child is held", async {
        loop {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let of = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
            if of("Seccomp:") == Some("2") && of("NoNewPrivs:") == Some("1") {
                break;
            }
            assert!(!is_dead(child.id()), "it ended before it was held: {status}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
}

fn render_job(folder: &Path, recipe: &str, inserts: &serde_json::Value, seconds: u32) -> PathBuf {
    let (main, out) = (folder.join("main.wav"), folder.join("job/out"));
    std::fs::write(&main, wav(48_000, 24, seconds, 440.0)).unwrap();
    std::fs::create_dir_all(&out).unwrap();
    let job = serde_json::json!({
        "main": main, "alternates": [], "sums": [], "inserts": inserts, "recipe_toml": recipe, "out_dir": out, "stem": "x",
    });
    let path = folder.join("job/job.json");
    std::fs::write(&path, job.to_string()).unwrap();
    path
}

/// A program of the operator's works in a child that is held, and reads nothing of the studio.
#[tokio::test]
async fn an_insert_hears_the_sound_and_reads_no_foreign_file() {
    let held = known(&server()).await.unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let secret = folder.path().join("key.pem");
    std::fs::write(&secret, "secret").unwrap();
    let recipe = "[[step]]\nkind = \"insert\"\ncommand = \"host\"\n";
    let answer = async |words: &str| {
        let inserts = serde_json::json!({ "host": { "program": "/bin/sh", "args": ["-c", words] } });
        let job = render_job(folder.path(), recipe, &inserts, 3);
        process::run(&server(), "render", Limits::INSPECT, &[job.into_os_string()], |line| match line {
            RenderLine::Progress { .. } => None,
            answer => Some(answer),
        })
        .await
        .unwrap()
    };
    let done = answer("exec cat").await;
    assert!(matches!(done, RenderLine::Done { .. }), "{done:?}");
    if held.is_whole() {
        let RenderLine::Failed { text, .. } = answer(&format!("cat {} && exec cat", secret.display())).await
        else {
            panic!("it read the key")
        };
        assert!(text.contains("Permission denied"), "{text}");
    }
}
