//! The server as a process: started on a folder, killed, told to stop, and its own `verify`. Never here: people.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tonic::transport::Channel;

use crate::process::{self, AT_EASE, Process, connect};

pub struct House {
    pub studio: PathBuf,
    /// Beside the studio and on a disk that stays: the ready file and the log.
    beside: PathBuf,
    server: Option<Process>,
    address: Option<SocketAddr>,
    pub owner_code: String,
    pub slowest_start: Duration,
    pub starts: u64,
}

fn server(verb: &str, studio: &Path) -> std::process::Command {
    process::verb(verb, studio, AT_EASE.into_iter().chain([("LOG__LEVEL", "error")]))
}

impl House {
    /// `deadwax-server init` of `studio`.
    pub fn found(studio: &Path, beside: &Path) -> Self {
        let owner_code = process::found(server("init", studio));
        let (studio, beside) = (studio.to_owned(), beside.to_owned());
        let (server, address, slowest_start, starts) = (None, None, Duration::ZERO, 0);
        Self { studio, beside, server, address, owner_code, slowest_start, starts }
    }

    /// Starts it and waits until it is ready. A start that is refused fails the test with what the server said.
    pub fn start(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        let begun = Instant::now();
        let mut serve = server("serve", &self.studio);
        serve.args(["--listen", "127.0.0.1:0"]);
        let server = Process::start(serve, &self.beside.join("ready"), &self.beside.join("log"));
        self.address = Some(server.address());
        self.server = Some(server);
        self.slowest_start = self.slowest_start.max(begun.elapsed());
        self.starts += 1;
    }

    /// No handler runs; its children end with it.
    pub fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        self.server.take().unwrap().stop();
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
        connect(self.address.unwrap()).await.unwrap()
    }

    /// What lies in a folder of the studio.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.studio.join(folder)) else { return Vec::new() };
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}
