//! Servers as processes over one database and one folder of audio, each with a folder and a port of its own. Never here: people.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tonic::transport::Channel;

pub use crate::process::connect;
use crate::{
    cluster::Cluster,
    process::{self, AT_EASE, Process},
};

/// A database and the servers over it.
pub struct House {
    _root: tempfile::TempDir,
    pub servers: Vec<Server>,
    pub owner_code: String,
}

pub struct Server {
    folder: PathBuf,
    process: Option<Process>,
    /// Kept over a new start: whoever was connected finds it where it was.
    address: Option<SocketAddr>,
    /// Settings by their names, beside the usual ones.
    more: Vec<(String, String)>,
}

fn command(verb: &str, studio: &Path, more: &[(String, String)]) -> Command {
    let more = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    process::verb(verb, studio, AT_EASE.into_iter().chain([("LOG__LEVEL", "warn")]).chain(more))
}

impl House {
    /// A studio in a fresh place of this cluster, and `count` servers that run.
    pub fn open(cluster: &Cluster, count: usize) -> Self {
        Self::open_with(cluster, count, &[])
    }

    /// With these settings, by their names.
    pub fn open_with(cluster: &Cluster, count: usize, more: &[(&str, &str)]) -> Self {
        Self::open_at(cluster.place().url.reveal(), count, more)
    }

    pub fn open_at(url: &str, count: usize, more: &[(&str, &str)]) -> Self {
        let more: Vec<_> = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let root = tempfile::tempdir().unwrap();
        let secret = root.path().join("url");
        fs::write(&secret, url).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let first = root.path().join("0");
        let mut init = command("init", &first, &more);
        init.env("DEADWAX_STORE__ENGINE", "postgres").env("DEADWAX_STORE__URL_FILE", &secret);
        let owner_code = process::found(init);
        fs::create_dir_all(first.join("blobs")).unwrap();
        let mut servers = Vec::new();
        for number in 0..count {
            let folder = root.path().join(number.to_string());
            if number > 0 {
                copy(&first, &folder);
            }
            let mut server = Server { folder, process: None, address: None, more: more.clone() };
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

/// A folder for another server of the same studio: the settings and keys of the first, and its audio where it lies.
fn copy(first: &Path, folder: &Path) {
    fs::create_dir_all(folder.join("keys")).unwrap();
    for part in ["", "keys"] {
        for entry in fs::read_dir(first.join(part)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), folder.join(part).join(entry.file_name())).unwrap();
            }
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
        let listen = self.address.map_or_else(|| "127.0.0.1:0".into(), |address| address.to_string());
        let mut serve = command("serve", &self.folder, &self.more);
        serve.args(["--listen", &listen]);
        let process = Process::start(serve, &self.folder.join("ready"), &self.folder.join("log"));
        self.address = Some(process.address());
        self.process = Some(process);
    }

    /// From its next start on its audio lies in no folder that it shares.
    pub fn keep_audio_apart(&self) {
        fs::remove_file(self.folder.join("blobs")).unwrap();
    }

    /// From its next start on, over whatever it was told before.
    pub fn set(&mut self, key: &str, value: &str) {
        self.more.push((key.to_owned(), value.to_owned()));
    }

    /// No handler runs.
    pub fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// SIGTERM, and a clean end.
    pub fn stop(&mut self) {
        self.process.take().unwrap().stop();
    }
}
