//! The server as a process: started on a folder, killed, told to stop, and its own `verify`. Never here: people.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::{Channel, Endpoint};

const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");
const START_PATIENCE: Duration = Duration::from_secs(120);
/// As if the settings knew no pace: these tests ask more quickly than people. Without TLS: what is tested lies behind it.
const SETTINGS: [(&str, &str); 8] = [
    ("TLS", "false"),
    ("DOOR__CALLS_PER_S", "1000000"),
    ("DOOR__CALLS_BURST", "1000000"),
    ("DOOR__CONNECTIONS_PER_PERSON", "1000"),
    ("LIMITS__CONNECTIONS_PER_ADDRESS", "1000"),
    ("LIMITS__RESERVE_BYTES", "0"),
    ("LOG__LEVEL", "error"),
    ("LOG__FORMAT", "text"),
];

pub struct House {
    pub studio: PathBuf,
    /// Beside the studio and on a disk that stays: the ready file and the log.
    beside: PathBuf,
    server: Option<Child>,
    address: Option<SocketAddr>,
    pub owner_code: String,
    pub slowest_start: Duration,
    pub starts: u64,
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _may_be_gone = server.kill();
            let _ = server.wait();
        }
    }
}

fn server(verb: &str, studio: &Path) -> Command {
    let mut command = Command::new(EXE);
    command.arg(verb).arg(studio).stdin(Stdio::null());
    for (key, value) in SETTINGS {
        command.env(format!("DEADWAX_{key}"), value);
    }
    command
}

impl House {
    /// `deadwax-server init` of `studio`.
    pub fn found(studio: &Path, beside: &Path) -> Self {
        let mut init = server("init", studio);
        init.args(["--name", "Gold Room", "--owner", "Noor", "--email", "noor@x.example", "--json"]);
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let said: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let link = said["link"].as_str().unwrap();
        let owner_code = link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned();
        let (studio, beside) = (studio.to_owned(), beside.to_owned());
        let (server, address, slowest_start, starts) = (None, None, Duration::ZERO, 0);
        Self { studio, beside, server, address, owner_code, slowest_start, starts }
    }

    /// Starts it and waits until it is ready. A start that is refused fails the test with what the server said.
    pub fn start(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        let ready = self.beside.join("ready");
        let _none_at_first = fs::remove_file(&ready);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.beside.join("log")).unwrap();
        let begun = Instant::now();
        let mut serve = server("serve", &self.studio);
        serve.args(["--listen", "127.0.0.1:0", "--ready-file"]).arg(&ready);
        let mut child = serve.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        while !ready.exists() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the start was refused ({ended:?}): {}", self.log_tail());
            assert!(begun.elapsed() < START_PATIENCE, "the server did not get ready: {}", self.log_tail());
            thread::sleep(Duration::from_millis(5));
        }
        self.address = Some(fs::read_to_string(&ready).unwrap().trim().parse().unwrap());
        self.server = Some(child);
        self.slowest_start = self.slowest_start.max(begun.elapsed());
        self.starts += 1;
    }

    /// No handler runs; its children end with it.
    pub fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
        let status = server.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log_tail());
    }

    /// Of a server that is down: reads every byte, and must find nothing.
    pub fn verify(&self) {
        let said = server("verify", &self.studio).arg("--json").output().unwrap();
        let text = [said.stdout, said.stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
        assert!(said.status.success(), "verify found something: {text}");
    }

    /// What went wrong inside, by the server's own words.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.beside.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    pub fn panics(&self) -> usize {
        let log = fs::read_to_string(self.beside.join("log")).unwrap_or_default();
        log.lines().filter(|line| line.contains("panicked at")).count()
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address.unwrap())).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// What lies in a folder of the studio.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.studio.join(folder)) else { return Vec::new() };
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}
