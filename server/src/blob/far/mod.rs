//! Audio in an object store: the far side of the blobs. What is finished lies there under its digest before anybody is told that it is finished, and the studio
//! folder holds copies. Keys are digests and ids, so that a store which ignores conditions, an answer that is lost and a second server do no harm. Whatever
//! comes from there is believed only when its digest is right. Never here: projects, permissions, links for outsiders (see ARCHITECTURE.md).

mod bring;
mod bucket;
pub(super) mod pieces;
mod reading;
#[cfg(feature = "s3")]
pub mod s3;
mod shelf;

#[cfg(test)]
mod own;
#[cfg(test)]
pub(crate) mod shed;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use deadwax_domain::Digest;
use futures::{StreamExt as _, stream};
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    BlobError, Discarded, Pace,
    settings::{Audio, Kind},
    sums::Summing,
};
use shelf::Shelf;

pub use bucket::{Arriving, Bucket, FarError, Lying, Parts, Put};
pub(super) use pieces::About;
pub(super) use reading::Source;

/// What goes in one request; more goes in parts of this size.
pub const PART_BYTES: u64 = 16 << 20;
/// Whatever fails is tried so often in all.
const TRIES: u32 = 4;
/// Before the second try; twice as long before each further one.
const REST: Duration = Duration::from_millis(200);
/// After so long nothing is tried once more: somebody waits for the answer, and a line that is cut without a word takes its whole patience each time.
const ENOUGH: Duration = Duration::from_secs(30);
/// For an answer, or for the next byte of one.
const PATIENCE: Duration = Duration::from_secs(120);
const CLAIM: &str = "studio";
const SMALL_BYTES: u64 = 1 << 16;

pub struct Far {
    bucket: Arc<dyn Bucket>,
    rest: Duration,
    patience: Duration,
    /// Of the local copies.
    shelf: Shelf,
    tidying: tokio::sync::Mutex<()>,
    /// What is being brought here: one at a time of each, however many ask.
    bringing: Turns,
    /// Uploads that are being begun.
    beginning: Turns,
    away: AtomicBool,
}

/// One at a time for each digest.
#[derive(Default)]
struct Turns(Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>);

impl Far {
    /// `local_bytes`: copies in the studio folder take so many bytes, and more only while they are needed.
    pub fn new(bucket: Arc<dyn Bucket>, local_bytes: u64) -> Arc<Self> {
        Self::patient(bucket, local_bytes, REST, PATIENCE)
    }

    /// As `new`, with its own times: before a second try, and for an answer.
    pub fn patient(
        bucket: Arc<dyn Bucket>,
        local_bytes: u64,
        rest: Duration,
        patience: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            bucket,
            rest,
            patience,
            shelf: Shelf::new(local_bytes),
            tidying: tokio::sync::Mutex::default(),
            bringing: Turns::default(),
            beginning: Turns::default(),
            away: AtomicBool::new(false),
        })
    }

    /// Where it is.
    pub fn place(&self) -> &str {
        self.bucket.place()
    }

    /// Writes, reads, lists and removes a small object, and sees to it that no other studio keeps its audio at the same place: its collection would erase
    /// what only this one names.
    ///
    /// # Errors
    /// A sentence about what cannot be done, and what to look at.
    pub async fn check(&self, studio: &str) -> Result<(), String> {
        let place = self.place().to_owned();
        let trouble = |error: FarError| format!("{place}: {error}");
        let id = super::fresh_id().map_err(|error| error.to_string())?;
        let key = format!("probe/{id:032x}");
        let probe = Bytes::copy_from_slice(&id.to_be_bytes());
        self.put(&key, probe.clone(), false).await.map_err(trouble)?;
        let read = match self.open(&key).await.map_err(trouble)? {
            Some(reading) => reading.whole(SMALL_BYTES).await.map_err(trouble)?,
            None => Bytes::new(),
        };
        if read != probe {
            return Err(format!("{place}: what was written a moment ago is not what is read"));
        }
        let listed = self.list("probe").await.map_err(trouble)?;
        if !listed.iter().any(|it| it.key == key) {
            return Err(format!("{place}: what was written a moment ago is not listed"));
        }
        self.remove(&key).await.map_err(trouble)?;
        let mine = Bytes::copy_from_slice(studio.as_bytes());
        if self.put(CLAIM, mine.clone(), true).await.map_err(trouble)? == Put::Exists
            && let Some(claimed) = self.open(CLAIM).await.map_err(trouble)?
            && claimed.whole(SMALL_BYTES).await.map_err(trouble)? != mine
        {
            return Err(format!(
                "{place} holds the audio of another studio, and each would erase what the other needs: choose another `audio.prefix`. Where it is this one, and its key of checkpoints was made anew, remove the object `{CLAIM}` there"
            ));
        }
        Ok(())
    }

    /// As [`check`](Self::check), for those who only read: whose audio lies there.
    pub async fn claimed_by(&self) -> Result<Option<Bytes>, FarError> {
        match self.open(CLAIM).await? {
            Some(claim) => Ok(Some(claim.whole(SMALL_BYTES).await?)),
            None => Ok(None),
        }
    }

    /// Puts the bytes under their digest, and returns when they lie there: made now, or found there and read to their end. `over`: what lies there is known
    /// to be wrong.
    pub(super) async fn keep(&self, digest: Digest, source: &Source, over: bool) -> Result<(), BlobError> {
        let key = key_of(digest);
        let (mut turn, begun) = (1, Instant::now());
        loop {
            match self.try_keep((digest, &key), source, over).await {
                Err(BlobError::Far(error)) if may_try_again(turn, begun, &error) => {
                    tracing::debug!(%digest, %error, "audio could not be put into the object store; tried again");
                    self.rest(turn).await;
                    turn += 1;
                }
                done => {
                    if let Err(BlobError::Far(error)) = &done {
                        self.given_up(error);
                    }
                    return done;
                }
            }
        }
    }

    async fn try_keep(
        &self,
        (digest, key): (Digest, &str),
        source: &Source,
        over: bool,
    ) -> Result<(), BlobError> {
        let bytes = source.bytes();
        if bytes <= PART_BYTES {
            let whole = source.part(0, bytes).await?;
            // What the disk gave now, not what it had when the digest was made.
            if Summing::of(&whole).0 != digest {
                return Err(BlobError::Corrupt(digest));
            }
            let put = self.within("write", key, self.bucket.put(key, whole.clone(), !over)).await?;
            if put == Put::Made || self.has_whole(digest, bytes).await? {
                return Ok(());
            }
            self.within("write", key, self.bucket.put(key, whole, false)).await?;
            return Ok(());
        }
        if !over && self.has_whole(digest, bytes).await? {
            return Ok(());
        }
        let sent = Mutex::new(Summing::default());
        let parts = stream::iter((0..bytes).step_by(PART_BYTES as usize)).then(|at| {
            let sent = &sent;
            async move {
                let part = source.part(at, PART_BYTES.min(bytes - at)).await?;
                sent.lock().unwrap_or_else(PoisonError::into_inner).update(&part);
                Ok(part)
            }
        });
        self.bucket.put_parts(key, parts.boxed()).await?;
        self.answered();
        let (sent, _) = sent.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
        if sent != digest {
            self.remove(key).await?;
            return Err(BlobError::Corrupt(digest));
        }
        match self.length(key).await? {
            Some(found) if found == bytes => Ok(()),
            found => {
                Err(FarError::away("write", key, format!("{found:?} of {bytes} bytes lie there")).into())
            }
        }
    }

    /// Whether the right bytes lie there, read to their end.
    async fn has_whole(&self, digest: Digest, bytes: u64) -> Result<bool, FarError> {
        if self.length(&key_of(digest)).await? != Some(bytes) {
            return Ok(false);
        }
        Ok(self.hashed(digest, &Pace::of(0)).await?.is_some_and(|(found, _)| found == digest))
    }

    /// Digest and length of what lies under a digest.
    pub(super) async fn hashed(
        &self,
        digest: Digest,
        pace: &Pace,
    ) -> Result<Option<(Digest, u64)>, FarError> {
        let Some(mut reading) = self.open(&key_of(digest)).await? else { return Ok(None) };
        let mut summing = Summing::default();
        while let Some(chunk) = reading.next().await? {
            summing.update(&chunk);
            pace.spend(chunk.len() as u64).await;
        }
        let (found, sums) = summing.finish();
        Ok(Some((found, sums.bytes)))
    }

    /// Whether what lies under a digest is what it says, read to its end.
    pub async fn is_right(&self, digest: Digest) -> Result<bool, FarError> {
        Ok(self.hashed(digest, &Pace::of(0)).await?.is_some_and(|(found, _)| found == digest))
    }

    pub async fn length_of(&self, digest: Digest) -> Result<Option<u64>, FarError> {
        self.length(&key_of(digest)).await
    }

    /// Everything that lies under a digest, with its length.
    pub async fn names(&self) -> Result<BTreeMap<Digest, u64>, FarError> {
        let listed = self.list("blobs").await?;
        Ok(listed.iter().filter_map(|it| Some((digest_of(&it.key)?, it.bytes))).collect())
    }

    pub(super) async fn trash(&self) -> Result<Vec<Discarded>, FarError> {
        let listed = self.list("trash").await?;
        Ok(listed.iter().filter_map(|it| Discarded::parse(it.key.strip_prefix("trash/")?)).collect())
    }

    /// To the trash. Whether anything lay there. It lies under both names for a moment, never under none.
    pub(super) async fn discard(&self, discarded: Discarded) -> Result<bool, FarError> {
        let (from, to) = (key_of(discarded.digest), trash_key(discarded));
        let copied = self.tried("copy", &from, || self.bucket.copy(&from, &to)).await?;
        if copied {
            self.remove(&from).await?;
        }
        Ok(copied)
    }

    /// From the trash. Whether it lay there.
    pub(super) async fn put_back(&self, discarded: Discarded) -> Result<bool, FarError> {
        let (from, to) = (trash_key(discarded), key_of(discarded.digest));
        let copied = self.tried("copy", &from, || self.bucket.copy(&from, &to)).await?;
        if copied {
            self.remove(&from).await?;
        }
        Ok(copied)
    }

    pub(super) async fn erase(&self, discarded: Discarded) -> Result<(), FarError> {
        self.remove(&trash_key(discarded)).await
    }

    /// What another server moved to the trash while somebody here was about to name it.
    async fn rescue(&self, digest: Digest) -> Result<bool, FarError> {
        let Some(found) = self.trash().await?.into_iter().find(|it| it.digest == digest) else {
            return Ok(false);
        };
        let back = self.put_back(found).await?;
        if back {
            tracing::warn!(%digest, "audio that is asked for lay in the trash and was put back");
        }
        Ok(back)
    }

    async fn put(&self, key: &str, bytes: Bytes, only_new: bool) -> Result<Put, FarError> {
        self.tried("write", key, || self.bucket.put(key, bytes.clone(), only_new)).await
    }

    async fn length(&self, key: &str) -> Result<Option<u64>, FarError> {
        self.tried("look for", key, || self.bucket.length(key)).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<Lying>, FarError> {
        self.tried("list", folder, || self.bucket.list(folder)).await
    }

    async fn remove(&self, key: &str) -> Result<(), FarError> {
        self.tried("remove", key, || self.bucket.remove(key)).await
    }

    /// Again, where it makes sense. Every call of ours may be made twice.
    async fn tried<T, F: Future<Output = Result<T, FarError>>>(
        &self,
        what: &'static str,
        key: &str,
        mut call: impl FnMut() -> F,
    ) -> Result<T, FarError> {
        let (mut turn, begun) = (1, Instant::now());
        loop {
            match self.within(what, key, call()).await {
                Err(error) if may_try_again(turn, begun, &error) => {
                    tracing::debug!(%error, "asked of the object store again");
                    self.rest(turn).await;
                    turn += 1;
                }
                done => {
                    if let Err(error) = &done {
                        self.given_up(error);
                    }
                    return done;
                }
            }
        }
    }

    async fn within<T>(
        &self,
        what: &'static str,
        key: &str,
        call: impl Future<Output = Result<T, FarError>>,
    ) -> Result<T, FarError> {
        let answer = tokio::time::timeout(self.patience, call).await;
        let answer = answer.unwrap_or_else(|_| Err(FarError::away(what, key, "no answer came in time")));
        if answer.is_ok() {
            self.answered();
        }
        answer
    }

    fn answered(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the object store answers again");
        }
    }

    /// Tried often enough.
    fn given_up(&self, error: &FarError) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "the object store does not do what is asked of it");
        }
    }

    /// It did not do what was asked of it last, however often.
    pub fn away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    async fn rest(&self, turn: u32) {
        tokio::time::sleep(self.rest * 2u32.pow(turn.min(6) - 1)).await;
    }

    /// Whoever begins an upload of these bytes.
    pub(super) async fn begin(&self, digest: Digest) -> OwnedMutexGuard<()> {
        self.beginning.turn(digest).await
    }
}

fn may_try_again(turn: u32, begun: Instant, error: &FarError) -> bool {
    turn < TRIES && !error.lasting && begun.elapsed() < ENOUGH
}

impl Turns {
    async fn turn(&self, digest: Digest) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            turns.get(&digest).and_then(Weak::upgrade).unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(digest, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

/// The object store of the settings; `None`: the audio lies in the studio folder.
pub fn of_settings(settings: &Audio, folder: &Path) -> anyhow::Result<Option<Arc<Far>>> {
    match settings.store {
        Kind::Folder => Ok(None),
        #[cfg(feature = "s3")]
        Kind::S3 => s3::open(settings, folder).map(Some),
        #[cfg(not(feature = "s3"))]
        Kind::S3 => anyhow::bail!(
            "this deadwax-server was built without the feature `s3`, which {} asks for",
            folder.display()
        ),
    }
}

/// Where audio lies: `blobs/ab/cdef…`, as in the folder.
pub fn key_of(digest: Digest) -> String {
    let hex = digest.to_string();
    format!("blobs/{}/{}", &hex[..2], &hex[2..])
}

fn trash_key(discarded: Discarded) -> String {
    format!("trash/{}", discarded.name())
}

fn digest_of(key: &str) -> Option<Digest> {
    let (folder, rest) = key.strip_prefix("blobs/")?.split_once('/')?;
    let known = folder.len() == 2;
    known.then(|| Some(Digest(hex::decode(format!("{folder}{rest}")).ok()?.try_into().ok()?)))?
}
