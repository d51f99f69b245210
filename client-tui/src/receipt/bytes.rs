//! The bytes that somebody is about to sign: fetched, or read again from this machine's cache, and hashed here in either case. What a server lists is only
//! held against that. Never here: statements, keys.

use std::{
    io::{self, Write},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use super::{Trouble, statement::Hashed};
use crate::{
    cache::audio::{AudioCache, Entry, Key},
    net::{Backoff, Client},
    planted::planted,
};

/// Tries in a row that brought no byte.
const TRIES_MAX: u32 = 6;

/// Of what it is a file.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    Version(&'a str),
    Record(&'a str),
}

/// A file as the rows list it.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    pub of: Of<'a>,
    pub sha256: &'a str,
    pub bytes: u64,
    /// As it stands in the statement.
    pub name: &'a str,
}

/// Every byte of the file went through here, and it is the one that is listed. `progress` hears how many so far.
///
/// # Errors
/// `BYTES_DIFFER` where other bytes come than are listed.
pub async fn fetch(
    client: &Client,
    cache: &AudioCache,
    project_id: &str,
    listed: &Listed<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Hashed, Trouble> {
    let key = Key::new(listed.sha256, false).ok_or_else(|| differs(listed.name, "no digest is listed"))?;
    let entry = cache.entry(&key).map_err(|e| no_room(&e))?;
    if let Some(found) = again(&entry).await? {
        if found == (listed.bytes, listed.sha256.to_owned()) {
            progress(listed.bytes);
            return Ok(hashed(listed));
        }
        // The disk keeps something else by now: that says nothing about the studio.
        entry.forget().map_err(|e| no_room(&e))?;
    }
    let mut tee = Tee { entry: entry.clone(), hasher: Sha256::new(), at: 0, max: listed.bytes };
    tee.entry.set_total(listed.bytes);
    let mut backoff = Backoff::default();
    loop {
        let from = tee.at;
        let told = |done: u64, _total: u64| progress(done);
        let tried = match listed.of {
            Of::Version(version_id) => {
                client.download(project_id, version_id, listed.sha256, from, &mut tee, &told).await
            }
            Of::Record(record_id) => {
                client.fetch_of_record(project_id, record_id, listed.sha256, from, &mut tee, &told).await
            }
        };
        match tried {
            Ok(_) => break,
            Err(_) if tee.at > listed.bytes => break,
            Err(e) if e.is_passing() && backoff.tries() < TRIES_MAX => {
                if tee.at > from {
                    backoff.reset();
                }
                tokio::time::sleep(backoff.next_wait()).await;
            }
            Err(e) => return Err(e.into()),
        }
    }
    let came = (tee.at, hex::encode(tee.hasher.finalize()));
    let flush = entry.clone();
    let right = came == (listed.bytes, listed.sha256.to_owned()) || planted!("listed-hash-trusted");
    let kept = tokio::task::spawn_blocking(move || if right { flush.flush() } else { flush.forget() }).await;
    // What could not be kept comes again next time; wrong bytes must not stay.
    if !right {
        kept.map_err(|_| no_room(&io::Error::other("stopped")))?.map_err(|e| no_room(&e))?;
        return Err(differs(listed.name, &format!("{} bytes with the digest {} came", came.0, came.1)));
    }
    cache.trim();
    Ok(hashed(listed))
}

fn hashed(listed: &Listed<'_>) -> Hashed {
    Hashed { sha256: listed.sha256.to_owned(), bytes: listed.bytes, name: listed.name.to_owned() }
}

fn differs(name: &str, what: &str) -> Trouble {
    Trouble::no(
        "BYTES_DIFFER",
        format!(
            "{}: the bytes that came are not those that are listed: {what}. Nothing was signed.",
            crate::scrub::line(name)
        ),
        "Do not approve it. Tell the studio: its storage is damaged, or somebody serves other files than it lists.",
    )
}

fn no_room(error: &io::Error) -> Trouble {
    Trouble::Input(format!("the files could not be kept on this machine: {error}"))
}

/// Length and digest of what is here, read from the disk anew; `None` where not all is here.
async fn again(entry: &Arc<Entry>) -> Result<Option<(u64, String)>, Trouble> {
    if !entry.is_complete() {
        return Ok(None);
    }
    let entry = entry.clone();
    let read = move || -> io::Result<Option<(u64, String)>> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let (mut at, total) = (0, entry.total().unwrap_or(0));
        while at < total {
            let count = entry.read_at(at, &mut buffer)?;
            if count == 0 {
                return Ok(None);
            }
            hasher.update(&buffer[..count]);
            at += count as u64;
        }
        Ok(Some((at, hex::encode(hasher.finalize()))))
    };
    let done = tokio::task::spawn_blocking(read).await;
    // A disk that cannot give it back: it comes again.
    Ok(done.ok().and_then(Result::ok).flatten())
}

/// Hashes what comes and keeps it for listening.
struct Tee {
    entry: Arc<Entry>,
    hasher: Sha256,
    at: u64,
    max: u64,
}

impl Write for Tee {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.at + data.len() as u64 > self.max {
            // Remembered as too long; nothing beyond is wanted.
            self.at = self.max + 1;
            return Err(io::Error::other("more bytes came than are listed"));
        }
        self.hasher.update(data);
        self.entry.put(self.at, data);
        self.at += data.len() as u64;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
