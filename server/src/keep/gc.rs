//! Audio that no fact names goes, in two phases: it is marked, lies as it is for a grace time, is asked about once more and moved to the trash; a week later it is
//! asked about again and erased. What is named comes back from the trash by itself. Whatever is touched while it is marked begins anew. Uploads that were not
//! finished go by a clock of their own (`Blobs::sweep`). Never here: how a blob is moved (`blob::trash`).

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use deadwax_domain::Digest;
use futures::{FutureExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};

use super::{named, write_whole};
use crate::{
    blob::{BlobError, Blobs},
    planted::planted,
    store::{ReadError, Store, StreamId},
};

const HOUR_MS: u64 = 3600 * 1000;
/// From the mark to the trash: whoever has bytes and no fact yet has until then.
pub const GRACE_MS: u64 = 24 * HOUR_MS;
/// From the trash to nothing.
pub const TRASH_MS: u64 = 7 * 24 * HOUR_MS;
/// Entries read at once.
const PAGE: usize = 256;

/// Which of the digests in question any stored fact mentions.
pub trait Mentions: Send + Sync {
    fn among<'a>(
        &'a self,
        asked: &'a HashSet<Digest>,
    ) -> BoxFuture<'a, Result<HashSet<Digest>, CollectError>>;
}

#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error("the audio could not be asked: {0}")]
    Blob(#[from] BlobError),
    #[error("the facts could not be read, so nothing was collected: {0}")]
    Read(#[from] ReadError),
    #[error("the marks could not be kept: {0}")]
    Marks(#[from] std::io::Error),
}

/// Every entry of every stream, as it is stored.
pub struct Facts(pub Arc<dyn Store>);

impl Mentions for Facts {
    fn among<'a>(
        &'a self,
        asked: &'a HashSet<Digest>,
    ) -> BoxFuture<'a, Result<HashSet<Digest>, CollectError>> {
        async move {
            let mut found = HashSet::new();
            for (stream, _) in self.0.heads().await? {
                scan(&*self.0, stream, asked, &mut found).await?;
            }
            Ok(found)
        }
        .boxed()
    }
}

async fn scan(
    store: &dyn Store,
    stream: StreamId,
    asked: &HashSet<Digest>,
    found: &mut HashSet<Digest>,
) -> Result<(), ReadError> {
    let mut after = 0;
    loop {
        let page = store.read(stream, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for payload in page.iter().filter_map(|entry| entry.payload.as_ref()) {
            named::mentioned(payload, |digest| {
                if asked.contains(&digest) {
                    found.insert(digest);
                }
            });
        }
        if page.len() < PAGE {
            return Ok(());
        }
        // Reading a long journal must not hold up those who ask for a song.
        tokio::task::yield_now().await;
    }
}

/// When each blob was first found to be named by nobody, in ms since 1970. Kept in a file, so that a restart does not begin the grace time anew.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Marks(BTreeMap<String, u64>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub marked: usize,
    pub discarded: usize,
    pub put_back: usize,
    pub erased: usize,
}

pub struct Collector {
    blobs: Arc<Blobs>,
    facts: Arc<dyn Mentions>,
    file: PathBuf,
    marks: Marks,
}

impl Collector {
    /// `file`: where marks are kept. One that cannot be read is forgotten: every grace time begins anew.
    pub fn open(blobs: Arc<Blobs>, facts: Arc<dyn Mentions>, file: PathBuf) -> Self {
        let marks = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Self { blobs, facts, file, marks: marks.unwrap_or_default() }
    }

    /// Everything that is due at `now_ms`.
    pub async fn pass(&mut self, now_ms: u64) -> Result<Collected, CollectError> {
        let mut done = Collected { put_back: self.rescue().await?, ..Collected::default() };
        let due = self.mark(now_ms).await?;
        done.marked = self.marks.0.len();
        done.discarded = self.discard(due, now_ms).await?;
        done.erased = self.erase(now_ms).await?;
        Ok(done)
    }

    /// Marks what nobody names. What is due: marked for the whole grace time, and not touched since.
    pub async fn mark(&mut self, now_ms: u64) -> Result<HashSet<Digest>, CollectError> {
        // Before anything is looked at: whoever touches a blob from here on is seen when it is moved.
        let touched = self.blobs.take_touched();
        let there: HashSet<Digest> = self.blobs.names().await?.into_iter().collect();
        let mentioned = self.facts.among(&there).await?;
        let mut marks = BTreeMap::new();
        let mut due = HashSet::new();
        for digest in there.difference(&mentioned) {
            let known = self.marks.0.get(&digest.to_string()).copied();
            let since = known.filter(|_| !touched.contains(digest)).unwrap_or(now_ms);
            marks.insert(digest.to_string(), since);
            if since.saturating_add(GRACE_MS) <= now_ms || planted!("collection-without-grace") {
                due.insert(*digest);
            }
        }
        self.marks = Marks(marks);
        let text = serde_json::to_vec(&self.marks).map_err(std::io::Error::from)?;
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || {
            file.parent().map_or(Ok(()), super::make_private_dir).and_then(|()| write_whole(&file, &text))
        });
        written.await.map_err(std::io::Error::other)??;
        Ok(due)
    }

    /// Asks once more, then moves to the trash. How many were moved.
    pub async fn discard(&mut self, mut due: HashSet<Digest>, now_ms: u64) -> Result<usize, CollectError> {
        if due.is_empty() {
            return Ok(0);
        }
        let mentioned = self.facts.among(&due).await?;
        due.retain(|digest| !mentioned.contains(digest));
        let mut moved = 0;
        for digest in due {
            if self.blobs.discard(digest, now_ms).await? {
                tracing::info!(%digest, "audio that no fact names was moved to the trash");
                moved += 1;
            }
        }
        Ok(moved)
    }

    /// Whatever lies in the trash and is named after all gets its name back.
    pub async fn rescue(&self) -> Result<usize, CollectError> {
        let trash = self.blobs.trash().await?;
        let asked = trash.iter().map(|it| it.digest).collect();
        let mentioned = if trash.is_empty() { HashSet::new() } else { self.facts.among(&asked).await? };
        let mut back = 0;
        for discarded in trash.into_iter().filter(|it| mentioned.contains(&it.digest)) {
            if self.blobs.put_back(discarded).await? {
                tracing::error!(digest = %discarded.digest, "audio in the trash is named by a fact and was put back");
                back += 1;
            }
        }
        Ok(back)
    }

    /// What has lain in the trash for its time and is still named by nobody, unless it was put back a moment ago.
    pub async fn erase(&self, now_ms: u64) -> Result<usize, CollectError> {
        let old = |it: &crate::blob::Discarded| it.at_ms.saturating_add(TRASH_MS) <= now_ms;
        let trash: Vec<_> = self.blobs.trash().await?.into_iter().filter(old).collect();
        let asked = trash.iter().map(|it| it.digest).collect();
        let mentioned = if trash.is_empty() { HashSet::new() } else { self.facts.among(&asked).await? };
        let mut erased = 0;
        for discarded in trash.into_iter() {
            // Named, and there under its name as well: then this is a second copy.
            if mentioned.contains(&discarded.digest) && !self.blobs.lies_there(discarded.digest).await? {
                continue;
            }
            self.blobs.erase(discarded).await?;
            tracing::info!(digest = %discarded.digest, "discarded audio was erased");
            erased += 1;
        }
        Ok(erased)
    }
}
