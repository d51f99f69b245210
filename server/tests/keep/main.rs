//! What is stored stays whole: flipped bits (`flips`), backups and the way back (`drills`), collection (`collect`), the scrub (`scrubbed`), the egress book (`book`), export and import (`travel`), verify by its
//! command (`checked`), stored forms of the past and of the future (`formats`). The long forms are run by `cargo trust --full`.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../common/mod.rs"]
mod common;

mod book;
mod checked;
mod collect;
#[path = "../common/dice.rs"]
mod dice;
mod drills;
mod flips;
mod formats;
mod scrubbed;
mod travel;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use deadwax_domain::{Cover, Digest, Event, Fact, Time};
use deadwax_server::{
    store::{Append, CommandKey, StreamId},
    wire::ledger,
};
use dice::Dice;

/// As the gates of trust ask for it; they read the lines `#gate`.
fn is_long() -> bool {
    std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|form| form == "full")
}

fn seed() -> u64 {
    std::env::var("DEADWAX_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

impl Dice {
    fn bytes(&mut self, length: usize) -> Bytes {
        let mut bytes: Vec<u8> = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes.into()
    }
}

/// Where syncs cost nothing, if there is such a place: these tests are not about power cuts.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A fact that names a file.
fn cover(digest: Digest, bytes: u64, at_ms: i64) -> Bytes {
    let cover = Cover { digest, bytes, mime: "image/png".into(), width: 1, height: 1 };
    let fact = Fact::CoverSet { cover: Some(cover) };
    ledger::encode(&Event { at: Time(at_ms), by: None, fact }, 1)
}

/// A fact that names none.
fn titled(title: &str, at_ms: i64) -> Bytes {
    let fact = Fact::ProjectCreated { title: title.into(), artist: "Ana".into() };
    ledger::encode(&Event { at: Time(at_ms), by: None, fact }, 1)
}

fn append(stream: u128, expected: u64, id: u128, entries: Vec<Bytes>) -> Append {
    let command = CommandKey { id, request_sha256: [7; 32] };
    Append { stream: StreamId(stream), expected, command, entries, claims: Vec::new(), desk: Vec::new() }
}

fn sha256(bytes: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest(sha2::Sha256::digest(bytes).into())
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Every file below, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files.sort();
    files
}

fn flip(path: &Path, at: u64, bit: u64) {
    use std::os::unix::fs::FileExt as _;
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << (bit % 8))], at).unwrap();
}

fn blob_file(root: &Path, digest: Digest) -> PathBuf {
    let hex = digest.to_string();
    root.join("blobs").join(&hex[..2]).join(&hex[2..])
}
