//! The scrub: every stored file is read again in the background, slowly, and held against its name; new ones within a day, all of them within a month. The
//! journal's entries are read against their hashes each round. What is damaged is told, and put right from a backup folder where one is configured. Never
//! here: deleting anything.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use deadwax_domain::Digest;

use super::{blob_path, write_whole};
use crate::{
    blob::{BlobError, Blobs, Pace, Thing},
    store::{ReadError, Store},
};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Read again after this, so that a whole round fits into 30 days.
pub const AGAIN_MS: u64 = 21 * DAY_MS;
/// Entries read at once.
const PAGE: usize = 256;
const LINE_BYTES: usize = 32 + 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    pub files: u64,
    pub bytes: u64,
    pub damaged: u64,
    pub repaired: u64,
}

pub struct Scrub {
    pub blobs: Arc<Blobs>,
    pub store: Arc<dyn Store>,
    pub pace: Pace,
    /// Empty: none.
    pub repair_from: PathBuf,
    /// Where it is kept when each file was read.
    pub file: PathBuf,
    /// In ms since 1970.
    read: BTreeMap<Digest, u64>,
}

impl Scrub {
    pub fn open(
        blobs: Arc<Blobs>,
        store: Arc<dyn Store>,
        pace: Pace,
        repair_from: PathBuf,
        file: PathBuf,
    ) -> Self {
        let kept = std::fs::read(&file).unwrap_or_default();
        let read = kept.chunks_exact(LINE_BYTES).filter_map(|line| {
            let (digest, at) = line.split_at(32);
            Some((Digest(digest.try_into().ok()?), u64::from_le_bytes(at.try_into().ok()?)))
        });
        Self { read: read.collect(), blobs, store, pace, repair_from, file }
    }

    /// What is due at `now_ms`: what was never read first, then what was read longest ago.
    pub async fn due(&mut self, now_ms: u64) -> Result<Vec<Digest>, BlobError> {
        let there: HashSet<Digest> = self.blobs.names().await?.into_iter().collect();
        self.read.retain(|digest, _| there.contains(digest));
        let mut due: Vec<(u64, Digest)> = there
            .into_iter()
            .map(|digest| (self.read.get(&digest).copied().unwrap_or(0), digest))
            .filter(|(read, _)| read.saturating_add(AGAIN_MS) <= now_ms || *read > now_ms)
            .collect();
        due.sort_unstable();
        Ok(due.into_iter().map(|(_, digest)| digest).collect())
    }

    /// Reads all that is due.
    pub async fn pass(&mut self, now_ms: u64) -> Result<Scrubbed, BlobError> {
        let mut done = Scrubbed::default();
        for digest in self.due(now_ms).await? {
            match self.one(digest).await? {
                One::Gone => continue,
                One::Sound(bytes) => done.bytes += bytes,
                One::Repaired => (done.damaged, done.repaired) = (done.damaged + 1, done.repaired + 1),
                // It stays due: the next round tells of it again if it is still so.
                One::Damaged => {
                    done.damaged += 1;
                    continue;
                }
            }
            done.files += 1;
            self.read.insert(digest, now_ms);
            if done.files.is_multiple_of(64) {
                self.remember();
            }
        }
        self.remember();
        Ok(done)
    }

    async fn one(&self, digest: Digest) -> Result<One, BlobError> {
        match self.blobs.check(digest, &self.pace).await {
            Ok(bytes) => Ok(One::Sound(bytes)),
            // Collected a moment ago; who asks for it by a fact is told that it is gone.
            Err(BlobError::Missing(_)) => Ok(One::Gone),
            Err(BlobError::Corrupt(_)) => {
                Ok(if self.repair(digest).await { One::Repaired } else { One::Damaged })
            }
            Err(BlobError::Io(error)) => {
                self.blobs.damage().tell(Thing::Audio(digest), &format!("it cannot be read: {error}"));
                Ok(if self.repair(digest).await { One::Repaired } else { One::Damaged })
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the bytes from the backup, if they are the right ones there.
    async fn repair(&self, digest: Digest) -> bool {
        if self.repair_from.as_os_str().is_empty() {
            return false;
        }
        match self.blobs.take_copy(blob_path(&self.repair_from, digest), digest).await {
            Ok(()) => {
                tracing::warn!(%digest, from = %self.repair_from.display(), "damaged audio was put right from the backup");
                true
            }
            Err(error) => {
                tracing::error!(%digest, %error, "damaged audio could not be put right from the backup");
                false
            }
        }
    }

    /// Every entry against its hash. How many were read, in streams that are sound.
    pub async fn journal(&self) -> Result<u64, ReadError> {
        let mut entries = 0;
        for (stream, _) in self.store.heads().await? {
            let mut after = 0;
            loop {
                match self.store.read(stream, after, PAGE).await {
                    Ok(page) => {
                        entries += page.len() as u64;
                        let Some(last) = page.last().filter(|_| page.len() == PAGE) else {
                            self.blobs.damage().healed(Thing::Stream(stream.0));
                            break;
                        };
                        after = last.seq;
                    }
                    Err(error) => {
                        self.blobs.damage().tell(Thing::Stream(stream.0), &error.to_string());
                        break;
                    }
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(entries)
    }

    /// What is lost here is read once more.
    fn remember(&self) {
        let mut lines = Vec::with_capacity(self.read.len() * LINE_BYTES);
        for (digest, at) in &self.read {
            lines.extend_from_slice(&digest.0);
            lines.extend_from_slice(&at.to_le_bytes());
        }
        let written = self.file.parent().map_or(Ok(()), super::make_private_dir);
        if let Err(error) = written.and_then(|()| write_whole(&self.file, &lines)) {
            tracing::warn!(%error, "how far the scrub came could not be kept");
        }
    }
}

enum One {
    Sound(u64),
    Damaged,
    Repaired,
    Gone,
}
