//! Studio folders, the servers on them and the mover between them, as processes. Never here: people.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use crate::{
    Dice,
    process::{self, Process},
};

pub const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");
const PATIENCE: Duration = Duration::from_secs(180);
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
    process: Option<Process>,
    pub address: Option<SocketAddr>,
}

impl Studio {
    /// A new one with its facts and its audio in the folder; the owner's code.
    pub fn init(folder: PathBuf) -> (Self, String) {
        let code = process::found(process::verb("init", &folder, []));
        fs::write(folder.join("studio.toml"), SETTINGS).unwrap();
        (Self { folder, process: None, address: None }, code)
    }

    /// A folder with settings alone: what a move goes to. `more`: the tables of where things are.
    pub fn settled(folder: PathBuf, more: &str) -> Self {
        fs::create_dir(&folder).unwrap();
        secret(&folder.join("studio.toml"), &format!("{SETTINGS}{more}"));
        Self { folder, process: None, address: None }
    }

    /// Another server of this one, with a folder of its own and the audio that lies at `blobs`.
    pub fn twin(&self, folder: PathBuf) -> Self {
        fs::create_dir_all(folder.join("keys")).unwrap();
        for part in ["", "keys"] {
            for entry in fs::read_dir(self.folder.join(part)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), folder.join(part).join(entry.file_name())).unwrap();
                }
            }
        }
        symlink(self.folder.join("blobs"), folder.join("blobs")).unwrap();
        Self { folder, process: None, address: None }
    }

    /// Starts it at `address`, or anywhere.
    pub fn start(&mut self, address: Option<SocketAddr>) {
        let listen = address.or(self.address).map_or_else(|| "127.0.0.1:0".into(), |it| it.to_string());
        let mut serve = process::verb("serve", &self.folder, []);
        serve.args(["--listen", &listen]);
        let (ready, log) = (self.folder.with_extension("ready"), self.folder.with_extension("log"));
        let process = Process::start(serve, &ready, &log);
        self.address = Some(process.address());
        self.process = Some(process);
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        self.process.take().unwrap().stop();
    }

    pub fn kill(&mut self) {
        self.process.take().unwrap().kill();
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

impl Drop for Mover {
    fn drop(&mut self) {
        let _may_be_gone = self.process.kill();
        let _ = self.process.wait();
    }
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

    /// The most memory that was really its own, until it ends.
    pub fn most_kib(&mut self) -> u64 {
        let (path, mut most) = (format!("/proc/{}/status", self.process.id()), 0);
        while self.process.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(&path).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            most = most.max(kib.unwrap_or(0));
            thread::sleep(Duration::from_millis(5));
        }
        most
    }

    /// Whether it came to the end of the move.
    pub fn ends(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            match self.process.try_wait().unwrap() {
                Some(status) => return status.success(),
                None => assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.said()),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it told at its end.
    pub fn ended(mut self) -> serde_json::Value {
        assert!(self.ends(), "{}", self.said());
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
    let database = format!("[store]\nengine = \"postgres\"\nurl_file = \"{}\"\n", url_file.display());
    database + &bucket.map(|(endpoint, bucket)| in_bucket(&endpoint, &bucket)).unwrap_or_default()
}

pub fn in_bucket(endpoint: &str, bucket: &str) -> String {
    format!(
        "[audio]\nstore = \"s3\"\nendpoint = \"{endpoint}\"\nbucket = \"{bucket}\"\naccess_key = \"AKID\"\nsecret_key = \"top-secret\"\n"
    )
}

pub fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// So many files in a folder of audio, as if somebody had sent them.
pub fn put_audio(folder: &Path, dice: &mut Dice, files: usize, bytes: u64) {
    for _ in 0..files {
        let mut sound = vec![0; usize::try_from(dice.between(bytes / 2, bytes)).unwrap()];
        let seed = dice.next().to_be_bytes();
        sound[..8].copy_from_slice(&seed);
        let name = hex::encode(Sha256::digest(&sound));
        let shelf = folder.join("blobs").join(&name[..2]);
        fs::create_dir_all(&shelf).unwrap();
        fs::write(shelf.join(&name[2..]), sound).unwrap();
    }
}

/// Every file of a studio, by its bytes.
pub fn audio_of(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for shelf in fs::read_dir(folder.join("blobs")).unwrap().map(|it| it.unwrap().path()) {
        for file in fs::read_dir(&shelf).unwrap().map(|it| it.unwrap().path()) {
            let of = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let name = of(&shelf) + &of(&file);
            assert_eq!(hex::encode(Sha256::digest(fs::read(&file).unwrap())), name);
            names.push(name);
        }
    }
    names.sort();
    names
}
