//! The installed program as a process: a verb asked of it, a server or worker started until it is ready, told by signals, ended. Below the houses of `whole`,
//! `servers`, `machines` and `attacks`. Never here: which folder, which database, people, and what is expected of them.
#![allow(dead_code, reason = "each suite starts and ends it its own way")]

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::{Channel, Endpoint};

const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");
const START_PATIENCE: Duration = Duration::from_secs(120);
/// As if the settings knew no pace: tests ask more quickly than people. Without TLS: what they try lies behind it.
pub const AT_EASE: [(&str, &str); 7] = [
    ("TLS", "false"),
    ("DOOR__CALLS_PER_S", "1000000"),
    ("DOOR__CALLS_BURST", "1000000"),
    ("DOOR__CONNECTIONS_PER_PERSON", "1000"),
    ("LIMITS__CONNECTIONS_PER_ADDRESS", "1000"),
    ("LIMITS__RESERVE_BYTES", "0"),
    ("LOG__FORMAT", "text"),
];

/// A verb on a folder, with settings by their names in the environment, without `DEADWAX_`.
pub fn verb<'a>(
    verb: &str,
    folder: &Path,
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Command {
    let mut command = Command::new(EXE);
    command.arg(verb).arg(folder).stdin(Stdio::null());
    for (key, value) in settings {
        command.env(format!("DEADWAX_{key}"), value);
    }
    command
}

/// Makes a studio by this `init`, and answers the code of its owner's link.
pub fn found(mut init: Command) -> String {
    init.args(["--name", "Gold Room", "--owner", "Noor", "--email", "noor@x.example", "--json"]);
    let made = init.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let said: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let link = said["link"].as_str().unwrap();
    link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned()
}

pub async fn connect(address: SocketAddr) -> Option<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_timeout(Duration::from_secs(2)).connect().await.ok()
}

/// One that runs. It is killed where a test ends without ending it.
pub struct Process {
    child: Child,
    ready: PathBuf,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _may_be_gone = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts a `serve` or a `worker` and waits until it is ready; what it says goes to the end of `log`. A start that is refused fails the test with that.
    pub fn start(mut command: Command, ready: &Path, log: &Path) -> Self {
        let _none_at_first = fs::remove_file(ready);
        let words = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        command.arg("--ready-file").arg(ready).stdout(Stdio::null()).stderr(words);
        let begun = Instant::now();
        let child = command.spawn().unwrap();
        let mut process = Self { child, ready: ready.to_owned(), log: log.to_owned() };
        while !ready.exists() {
            let ended = process.has_ended();
            assert!(ended.is_none(), "the start was refused ({ended:?}): {}", process.tail());
            assert!(begun.elapsed() < START_PATIENCE, "it did not get ready: {}", process.tail());
            thread::sleep(Duration::from_millis(5));
        }
        process
    }

    /// Where a server listens, by its own word.
    pub fn address(&self) -> SocketAddr {
        fs::read_to_string(&self.ready).unwrap().trim().parse().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// No handler runs; its children end with it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.tail());
    }

    /// Waits for the end of one that was told to stop, without holding up the others of this thread.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(begun.elapsed() < within, "it did not end within {within:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// All that was said on this log, by those before it too.
    pub fn told(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn tail(&self) -> String {
        let told = self.told();
        let lines: Vec<&str> = told.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
