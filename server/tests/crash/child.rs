//! The child: appends with several writers, uploads, and prints each acknowledgement on its own line. And the parent's end of it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use deadwax_domain::Digest;
use deadwax_server::{
    blob::Blobs,
    store::{Append, CommandKey, EmbeddedStore, Store, StreamId, embedded::Options},
};
use sha2::{Digest as _, Sha256};

const MODE: &str = "DEADWAX_CRASH_CHILD";
const ROOT: &str = "DEADWAX_CRASH_ROOT";
pub const WRITERS: u128 = 6;
const SONG_BYTES: usize = 1_500_000;

/// One line of the child: what may be relied on from then on.
#[derive(Clone, Debug, PartialEq)]
pub enum Ack {
    Entry { stream: u128, seq: u64, command: u128 },
    Synced { upload: u128, offset: u64 },
    Blob { digest: Digest },
    Key { key: u64 },
}

fn say(ack: &Ack) {
    let line = match ack {
        Ack::Entry { stream, seq, command } => format!("@entry {stream} {seq} {command}"),
        Ack::Synced { upload, offset } => format!("@synced {upload} {offset}"),
        Ack::Blob { digest } => format!("@blob {digest}"),
        Ack::Key { key } => format!("@key {key}"),
    };
    // One write a line: a line is there whole or not at all.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn hear(line: &str) -> Option<Ack> {
    let mut words = line.split(' ');
    let kind = words.next()?;
    let mut number = || words.next()?.parse::<u128>().ok();
    Some(match kind {
        "@entry" => Ack::Entry { stream: number()?, seq: number()? as u64, command: number()? },
        "@synced" => Ack::Synced { upload: number()?, offset: number()? as u64 },
        "@key" => Ack::Key { key: number()? as u64 },
        "@blob" => {
            let digest = hex::decode(words.next()?).ok()?;
            Ack::Blob { digest: Digest(digest.try_into().ok()?) }
        }
        _ => return None,
    })
}

/// What an entry says; the parent knows it from the acknowledgement alone.
pub fn payload(stream: u128, seq: u64, command: u128) -> Bytes {
    Bytes::from(format!("{stream}/{seq}/{command} ").repeat(1 + seq as usize % 7))
}

pub fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 200_000, ..Options::new(root) }
}

pub fn run_if_child() {
    let (Ok(mode), Ok(root)) = (std::env::var(MODE), std::env::var(ROOT)) else { return };
    let root = PathBuf::from(root);
    match mode.as_str() {
        "studio" => write_studio(&root, true),
        "journal" => write_studio(&root, false),
        "sled" => write_sled(&root),
        other => panic!("unknown mode {other}"),
    }
}

fn write_studio(root: &Path, uploads: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(EmbeddedStore::open(options(root)).unwrap());
        let writers = (1..=WRITERS).map(|stream| tokio::spawn(append_for_ever(store.clone(), stream)));
        let writers: Vec<_> = writers.collect();
        if uploads {
            upload_for_ever(Blobs::open_with(root.to_owned(), 0).await.unwrap()).await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

async fn append_for_ever(store: Arc<EmbeddedStore>, stream: u128) {
    let heads = store.heads().await.unwrap();
    let mut head = heads.iter().find(|(id, _)| id.0 == stream).map_or(0, |(_, head)| *head);
    loop {
        let mut id = [0; 16];
        getrandom::fill(&mut id).unwrap();
        let command = u128::from_le_bytes(id);
        let append = Append {
            stream: StreamId(stream),
            expected: head,
            command: CommandKey { id: command, request_sha256: [7; 32] },
            entries: vec![payload(stream, head + 1, command)],
            claims: Vec::new(),
            desk: Vec::new(),
        };
        // After a power cut the disk fails and this writer has nothing more to say.
        let Ok(done) = store.append(append).await else { return };
        head = done.last_seq;
        say(&Ack::Entry { stream, seq: head, command });
    }
}

async fn upload_for_ever(blobs: Arc<Blobs>) {
    for song in 0u64.. {
        let mut bytes = vec![0; SONG_BYTES];
        bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at as u64 * (song + 3) / 8) as u8);
        let bytes = Bytes::from(bytes);
        let digest = Digest(Sha256::digest(&bytes).into());
        let staged = blobs.stage(digest, SONG_BYTES as u64, "child".into()).await.unwrap();
        let mut offset = staged.offset;
        while offset < SONG_BYTES as u64 {
            let end = (offset as usize + 100_000).min(SONG_BYTES);
            blobs.write_staged(staged.id, offset, bytes.slice(offset as usize..end)).await.unwrap();
            offset = blobs.sync_staged(staged.id).await.unwrap();
            say(&Ack::Synced { upload: staged.id, offset });
        }
        blobs.finish_staged(staged.id).await.unwrap();
        say(&Ack::Blob { digest });
    }
}

/// The negative control: a store that takes sled's flush for durability.
fn write_sled(root: &Path) {
    let db = sled::Config::new().path(root.join("sled")).open().unwrap();
    for key in 0u64.. {
        db.insert(key.to_be_bytes(), vec![key as u8; 400]).unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is the store that must lose")]
        if db.flush().is_err() {
            return;
        }
        say(&Ack::Key { key });
        // A person's pace: time for everything that sled does in the background.
        thread::sleep(Duration::from_millis(5));
    }
}

/// The parent's hold on a child.
pub struct Writer {
    process: Child,
    heard: Arc<Mutex<Vec<Ack>>>,
    listener: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub fn start(mode: &str, root: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_entry", "--nocapture", "--test-threads=1"])
            .env(MODE, mode)
            .env(ROOT, root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ears = heard.clone();
        let listener = thread::spawn(move || {
            for ack in lines.map_while(Result::ok).filter_map(|line| hear(&line)) {
                ears.lock().unwrap().push(ack);
            }
        });
        Self { process, heard, listener: Some(listener) }
    }

    pub fn wait_for(&self, acks: usize) {
        let begin = Instant::now();
        while self.heard.lock().unwrap().len() < acks {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "the child said only {:?}",
                self.heard.lock().unwrap().len()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills with -9 and returns everything that was said.
    pub fn kill(mut self) -> Vec<Ack> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.listener.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

/// Every acknowledged entry is there, and streams have no gaps. Returns how many entries there are.
pub async fn check_entries(root: &Path, acks: &[Ack]) -> usize {
    let store = EmbeddedStore::open(options(root)).unwrap();
    let mut streams = BTreeMap::new();
    for stream in 1..=WRITERS {
        let entries = store.read(StreamId(stream), 0, usize::MAX).await.unwrap();
        assert!(entries.iter().map(|entry| entry.seq).eq(1..=entries.len() as u64));
        streams.insert(stream, entries);
    }
    for ack in acks {
        let Ack::Entry { stream, seq, command } = ack else { continue };
        let entry = streams[stream].get(*seq as usize - 1);
        let entry = entry.unwrap_or_else(|| panic!("{ack:?} was acknowledged and is gone"));
        assert_eq!(entry.payload.as_ref(), Some(&payload(*stream, *seq, *command)), "{ack:?}");
    }
    if let Some(Ack::Entry { stream, seq, command }) =
        acks.iter().rev().find(|ack| matches!(ack, Ack::Entry { .. }))
    {
        let (done, request) = store.command(*command).await.unwrap().unwrap();
        assert_eq!((done.stream.0, done.last_seq, request), (*stream, *seq, [7; 32]));
    }
    streams.values().map(Vec::len).sum()
}
