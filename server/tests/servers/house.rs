//! Servers as processes over one database and one folder of audio, each with a folder and a port of its own. Never here: people.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::{Channel, Endpoint};

use crate::cluster::Cluster;

const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");
const START_PATIENCE: Duration = Duration::from_secs(60);
/// As if the settings knew no pace: these tests ask more quickly than people. Without TLS: what is tested lies behind it.
const SETTINGS: [(&str, &str); 8] = [
    ("TLS", "false"),
    ("DOOR__CALLS_PER_S", "1000000"),
    ("DOOR__CALLS_BURST", "1000000"),
    ("DOOR__CONNECTIONS_PER_PERSON", "1000"),
    ("LIMITS__CONNECTIONS_PER_ADDRESS", "1000"),
    ("LIMITS__RESERVE_BYTES", "0"),
    ("LOG__LEVEL", "warn"),
    ("LOG__FORMAT", "text"),
];

/// A database and the servers over it.
pub struct House {
    _root: tempfile::TempDir,
    pub servers: Vec<Server>,
    pub owner_code: String,
}

pub struct Server {
    folder: PathBuf,
    process: Option<Child>,
    /// Kept over a new start: whoever was connected finds it where it was.
    address: Option<SocketAddr>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _may_be_gone = process.kill();
            let _ = process.wait();
        }
    }
}

fn command(verb: &str, studio: &Path) -> Command {
    let mut command = Command::new(EXE);
    command.arg(verb).arg(studio).stdin(Stdio::null());
    for (key, value) in SETTINGS {
        command.env(format!("DEADWAX_{key}"), value);
    }
    command
}

impl House {
    /// A studio in a fresh place of this cluster, and `count` servers that run.
    pub fn open(cluster: &Cluster, count: usize) -> Self {
        Self::open_at(cluster.place().url.reveal(), count)
    }

    pub fn open_at(url: &str, count: usize) -> Self {
        let root = tempfile::tempdir().unwrap();
        let secret = root.path().join("url");
        fs::write(&secret, url).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let first = root.path().join("0");
        let mut init = command("init", &first);
        init.args(["--name", "Gold Room", "--owner", "Noor", "--email", "noor@x.example", "--json"]);
        init.env("DEADWAX_STORE__ENGINE", "postgres").env("DEADWAX_STORE__URL_FILE", &secret);
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let said: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let link = said["link"].as_str().unwrap();
        let owner_code = link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned();
        fs::create_dir_all(first.join("blobs")).unwrap();
        let mut servers = Vec::new();
        for number in 0..count {
            let folder = root.path().join(number.to_string());
            if number > 0 {
                copy(&first, &folder);
            }
            let mut server = Server { folder, process: None, address: None };
            server.start();
            servers.push(server);
        }
        Self { _root: root, servers, owner_code }
    }

    /// A connection of its own to one of them; `None` while it is down.
    pub async fn try_channel(&self, server: usize) -> Option<Channel> {
        connect(self.servers[server].address()).await
    }

    pub async fn channel(&self, server: usize) -> Channel {
        self.try_channel(server).await.unwrap()
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::address).collect()
    }

    /// What went wrong inside, by their own words.
    pub fn logs(&self) -> String {
        let log = |server: &Server| fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        self.servers.iter().map(log).collect()
    }
}

pub async fn connect(address: SocketAddr) -> Option<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_timeout(Duration::from_secs(2)).connect().await.ok()
}

/// A folder for another server of the same studio: the settings and keys of the first, and its audio where it lies.
fn copy(first: &Path, folder: &Path) {
    fs::create_dir(folder).unwrap();
    for entry in fs::read_dir(first).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    symlink(first.join("blobs"), folder.join("blobs")).unwrap();
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    /// Starts it and waits until it is ready. A start that is refused fails the test with what the server said.
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let ready = self.folder.join("ready");
        let _none_at_first = fs::remove_file(&ready);
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let begun = Instant::now();
        let listen = self.address.map_or_else(|| "127.0.0.1:0".into(), |address| address.to_string());
        let mut serve = command("serve", &self.folder);
        serve.args(["--listen", &listen, "--ready-file"]).arg(&ready);
        let mut process = serve.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let said = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        while !ready.exists() {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "the start was refused ({ended:?}): {}", said());
            assert!(begun.elapsed() < START_PATIENCE, "the server did not get ready: {}", said());
            thread::sleep(Duration::from_millis(5));
        }
        self.address = Some(fs::read_to_string(&ready).unwrap().trim().parse().unwrap());
        self.process = Some(process);
    }

    /// No handler runs.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
        let status = process.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}
