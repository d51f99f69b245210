//! Studio folders, the servers on them and the mover between them, as processes. Never here: people.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");
const PATIENCE: Duration = Duration::from_secs(90);
/// Tests ask more quickly than people. Without TLS: what is tested lies behind it. The mover reads the files alone.
const SETTINGS: &str = "name = \"Gold Room\"\ntls = false\n[door]\ncalls_per_s = 1000000\ncalls_burst = 1000000\nconnections_per_person = 1000\n[limits]\nconnections_per_address = 1000\nreserve_bytes = 0\n[examine]\nworkers = 0\n[log]\nlevel = \"warn\"\n";

pub fn program(verb: &str) -> Command {
    let mut command = Command::new(EXE);
    command.arg(verb).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A studio folder and its server.
pub struct Studio {
    pub folder: PathBuf,
    process: Option<Child>,
    pub address: Option<SocketAddr>,
}

impl Drop for Studio {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _may_be_gone = process.kill();
            let _ = process.wait();
        }
    }
}

impl Studio {
    /// A new one with its facts and its audio in the folder; the owner's code.
    pub fn init(folder: PathBuf) -> (Self, String) {
        let mut init = program("init");
        init.arg(&folder).args([
            "--name",
            "Gold Room",
            "--owner",
            "Noor",
            "--email",
            "noor@x.example",
            "--json",
        ]);
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let told: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let link = told["link"].as_str().unwrap();
        let code = link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned();
        fs::write(folder.join("studio.toml"), SETTINGS).unwrap();
        (Self { folder, process: None, address: None }, code)
    }

    /// A folder with settings alone: what a move goes to. `more`: the tables of where things are.
    pub fn settled(folder: PathBuf, more: &str) -> Self {
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("studio.toml"), format!("{SETTINGS}{more}")).unwrap();
        fs::set_permissions(folder.join("studio.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder, process: None, address: None }
    }

    /// Starts it at `address`, or anywhere.
    pub fn start(&mut self, address: Option<SocketAddr>) {
        let ready = self.folder.with_extension("ready");
        let _none_at_first = fs::remove_file(&ready);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let listen = address.or(self.address).map_or_else(|| "127.0.0.1:0".into(), |it| it.to_string());
        let mut serve = program("serve");
        serve.arg(&self.folder).args(["--listen", &listen, "--ready-file"]).arg(&ready);
        let mut process = serve.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while !ready.exists() {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "no start ({ended:?}): {}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
        self.address = Some(fs::read_to_string(&ready).unwrap().trim().parse().unwrap());
        self.process = Some(process);
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
        assert!(process.wait().unwrap().success(), "{}", self.said());
    }

    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Whether a process may open its facts to write to them, and what is said where it may not.
    pub fn opens(&self) -> Result<(), String> {
        let told = told_of(program("user").arg(&self.folder).args(["list", "--json"]));
        if told.status.success() { Ok(()) } else { Err(said(&told)) }
    }

    /// What `verify` says of a folder that keeps its facts itself.
    pub fn verified(&self) -> serde_json::Value {
        let told = told_of(program("verify").arg(&self.folder).args(["--data", "--json"]));
        assert!(told.status.success(), "{}", said(&told));
        serde_json::from_slice(&told.stdout).unwrap()
    }
}

fn told_of(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// The mover as a process.
pub struct Mover {
    process: Child,
    out: PathBuf,
}

impl Mover {
    pub fn start(from: &Path, to: &Path) -> Self {
        let out = to.with_extension("mover");
        fs::write(&out, "").unwrap();
        let file = || fs::OpenOptions::new().create(true).append(true).open(&out).unwrap();
        let mut command = program("migrate");
        command.arg(from).arg("--to").arg(to).arg("--json").stdout(file()).stderr(file());
        Self { process: command.spawn().unwrap(), out: out.clone() }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Until it has said this since its start; it must not end before.
    pub fn until(&mut self, words: &str) {
        let begun = Instant::now();
        while !self.said().contains(words) {
            assert!(self.process.try_wait().unwrap().is_none(), "it ended: {}", self.said());
            assert!(begun.elapsed() < PATIENCE, "it never said {words:?}: {}", self.said());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// No handler runs. Whether it was still at work.
    pub fn kill_after(mut self, time: Duration) -> bool {
        thread::sleep(time);
        let worked = self.process.try_wait().unwrap().is_none();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        worked
    }

    /// What it told at its end.
    pub fn ended(mut self) -> serde_json::Value {
        let begun = Instant::now();
        loop {
            match self.process.try_wait().unwrap() {
                Some(status) => {
                    assert!(status.success(), "{}", self.said());
                    break;
                }
                None => assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.said()),
            }
            thread::sleep(Duration::from_millis(10));
        }
        let said = self.said();
        let line = said.lines().rev().find(|line| line.starts_with('{')).unwrap();
        serde_json::from_str(line).unwrap()
    }
}

/// A move that is refused: what it said.
pub fn no_move(from: &Path, to: &Path) -> String {
    let told = told_of(program("migrate").arg(from).arg("--to").arg(to));
    assert!(!told.status.success(), "it was done: {}", said(&told));
    said(&told)
}

/// A move of a studio that nobody serves.
pub fn moved(from: &Path, to: &Path) -> serde_json::Value {
    Mover::start(from, to).ended()
}

/// The tables of a place in a database, and in a bucket where there is one.
pub fn in_database(url_file: &Path, bucket: Option<(String, String)>) -> String {
    let mut text = format!("[store]\nengine = \"postgres\"\nurl_file = \"{}\"\n", url_file.display());
    if let Some((endpoint, bucket)) = bucket {
        text += &format!(
            "[audio]\nstore = \"s3\"\nendpoint = \"{endpoint}\"\nbucket = \"{bucket}\"\naccess_key = \"AKID\"\nsecret_key = \"top-secret\"\n"
        );
    }
    text
}

pub fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
