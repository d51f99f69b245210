//! Reading finished audio, in pieces that are each checked before they leave; a whole read is hashed as well, and its last chunk is held back until the digest
//! is right (B-1). It must never trust a name: a flipped bit ends in `Corrupt`, and the piece it lies in is never sent.

use std::{
    io,
    ops::Range,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use deadwax_domain::Digest;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{
    BlobError, Blobs, Place, Thing, blocking, hash,
    sums::{self, PIECE_BYTES, Summing, Sums},
};
use crate::disk::{Access, DriveFile, Site};

/// Read at once where nothing waits for it.
const CHECK_BYTES: usize = 1 << 20;
/// Of a blob of 16 TiB: a longer file of sums is none.
const SUMS_BYTES_MAX: u64 = 256 << 20;
/// A copy that leaves again before it was opened is brought again, so often.
const BROUGHT_MAX: u32 = 3;

pub(super) type Chunks = BoxStream<'static, Result<Bytes, BlobError>>;

/// How fast work in the background may read.
pub struct Pace {
    bytes_per_s: u64,
    free_at: Mutex<Instant>,
}

impl Pace {
    /// 0: as fast as it goes.
    pub fn of(bytes_per_s: u64) -> Self {
        Self { bytes_per_s, free_at: Mutex::new(Instant::now()) }
    }

    /// Waits as long as `bytes` take. A rest that was not used is not made up for.
    pub(super) async fn spend(&self, bytes: u64) {
        if self.bytes_per_s == 0 {
            return;
        }
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            *free_at = (*free_at).max(Instant::now())
                + Duration::from_secs_f64(bytes as f64 / self.bytes_per_s as f64);
            *free_at
        };
        tokio::time::sleep_until(until).await;
    }
}

impl Blobs {
    /// `length` `None`: to the end. The total size comes first. Every piece is checked against its sum before it is passed on; whole reads verify the digest
    /// as well (B-1). A range past the end is cut at the end.
    pub async fn read(
        &self,
        digest: Digest,
        offset: u64,
        length: Option<u64>,
    ) -> Result<(u64, Chunks), BlobError> {
        self.place.touched.note(digest);
        let checked = self.opened(digest).await?;
        let total = checked.sums.bytes;
        let end = length.map_or(total, |length| offset.saturating_add(length).min(total));
        if offset >= end {
            return Ok((total, stream::empty().boxed()));
        }
        let whole = offset == 0 && end == total;
        let chunks = pieces(checked, offset..end);
        let chunks = if whole { verified(digest, chunks) } else { chunks };
        Ok((total, self.told(digest, chunks)))
    }

    /// The file with its sums; brought first where it lies far.
    async fn opened(&self, digest: Digest) -> Result<Checked, BlobError> {
        let mut brought = 0;
        loop {
            let place = self.place.clone();
            let opened = blocking(move || {
                let (file, total) = place.open(digest)?;
                let sums = place.sums(digest, &file, total)?;
                Ok(Checked { digest, file, sums })
            });
            match opened.await {
                Err(BlobError::Missing(_)) if self.far().is_some() && brought < BROUGHT_MAX => {
                    brought += 1;
                    self.bring(digest).await.inspect_err(|error| self.tell_missing(digest, error))?;
                }
                Err(error @ BlobError::Corrupt(_)) => {
                    let again = self.spoiled(digest, "its bytes do not match its name").await;
                    if !again || brought == BROUGHT_MAX {
                        return Err(error);
                    }
                }
                opened => {
                    if let Some(far) = self.far() {
                        far.used(digest);
                    }
                    return opened.inspect_err(|error| self.tell_missing(digest, error));
                }
            }
        }
    }

    fn tell_missing(&self, digest: Digest, error: &BlobError) {
        if matches!(error, BlobError::Missing(_)) {
            self.place.damage.tell(Thing::Audio(digest), "the file is gone");
        }
    }

    /// Reads a whole blob and tells whether it still matches its name. One that lies far is brought.
    pub async fn verify(&self, digest: Digest) -> Result<u64, BlobError> {
        self.place.touched.note(digest);
        let Some(far) = self.far() else { return self.check(digest, &Pace::of(0)).await };
        let mut brought = 0;
        loop {
            match self.check_copy(digest, &Pace::of(0)).await {
                Err(BlobError::Missing(_)) if brought < BROUGHT_MAX => {
                    brought += 1;
                    self.bring(digest).await?;
                }
                Err(error @ BlobError::Corrupt(_)) => {
                    let again = self.spoiled(digest, "its bytes do not match its name").await;
                    if !again || brought == BROUGHT_MAX {
                        return Err(error);
                    }
                }
                checked => {
                    far.used(digest);
                    return checked;
                }
            }
        }
    }

    /// As [`verify`](Self::verify), for a scrub in the background: no faster than `pace`, and not taken for a sign that somebody needs it. What lies far is read
    /// where it lies.
    pub async fn check(&self, digest: Digest, pace: &Pace) -> Result<u64, BlobError> {
        if self.far().is_some() {
            return self.check_far(digest, pace).await;
        }
        let checked = self.check_copy(digest, pace).await;
        if let Err(BlobError::Corrupt(_)) = checked {
            self.place.damage.tell(Thing::Audio(digest), "its bytes do not match its name");
        }
        checked
    }

    /// The file in the folder; tells nobody.
    pub(super) async fn check_copy(&self, digest: Digest, pace: &Pace) -> Result<u64, BlobError> {
        let place = self.place.clone();
        let mut file = blocking(move || Ok(place.open(digest)?.0)).await?;
        let (mut summing, mut at) = (Summing::default(), 0);
        loop {
            let read;
            (file, summing, read) = blocking(move || {
                let mut chunk = vec![0; CHECK_BYTES];
                let read = file.read_at(Site::BlobRead, at, &mut chunk)?;
                summing.update(chunk.get(..read).unwrap_or_default());
                Ok((file, summing, read as u64))
            })
            .await?;
            if read == 0 {
                break;
            }
            at += read;
            pace.spend(read).await;
        }
        let (found, sums) = summing.finish();
        let place = self.place.clone();
        blocking(move || {
            if found != digest {
                return Err(BlobError::Corrupt(digest));
            }
            if place.kept_sums(digest, sums::KIND)?.as_ref() != Some(&sums) {
                place.keep_sums(digest, &sums);
            }
            place.damage.healed(Thing::Audio(digest));
            Ok(at)
        })
        .await
    }

    /// As `read`, of a derived file; `None` where there is none. It has no name of its own: its sums are made when it is first read, and where it does not match
    /// them any more it goes, and is made again for the next who asks.
    pub async fn read_derived(
        &self,
        digest: Digest,
        kind: &'static str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<Option<(u64, Chunks)>, BlobError> {
        let place = self.place.clone();
        let opened = blocking(move || place.derived(digest, kind));
        let Some((checked, total)) = opened.await? else { return Ok(None) };
        let end = length.map_or(total, |length| offset.saturating_add(length).min(total));
        let place = self.place.clone();
        let chunks = pieces(checked, offset.min(end)..end).map(move |chunk| match chunk {
            Err(BlobError::Corrupt(_)) => Err(place.drop_derived(digest, kind).into()),
            chunk => chunk,
        });
        Ok(Some((total, chunks.boxed())))
    }
}

impl Place {
    fn open(&self, digest: Digest) -> Result<(DriveFile, u64), BlobError> {
        match self.drive.open(Site::BlobOpen, &self.path_of(digest), Access::Read) {
            Ok(file) => {
                let total = file.meta(Site::BlobMeta)?.bytes;
                Ok((file, total))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::Missing(digest)),
            Err(error) => Err(error.into()),
        }
    }

    /// As they were kept when it got its name; else made now, from all of its bytes, if those are still the right ones.
    fn sums(&self, digest: Digest, file: &DriveFile, total: u64) -> Result<Sums, BlobError> {
        if total > PIECE_BYTES
            && let Some(kept) = self.kept_sums(digest, sums::KIND)?.filter(|kept| kept.bytes == total)
        {
            return Ok(kept);
        }
        let (found, sums) = hash(file, Site::BlobRead, |_, _| Ok(()))?;
        if found != digest {
            return Err(BlobError::Corrupt(digest));
        }
        self.keep_sums(digest, &sums);
        Ok(sums)
    }

    fn kept_sums(&self, digest: Digest, kind: &str) -> io::Result<Option<Sums>> {
        let path = self.path_of_derived(digest, kind);
        let Some((file, bytes)) = self.open_derived(&path)? else { return Ok(None) };
        let mut kept = vec![0; bytes.min(SUMS_BYTES_MAX) as usize];
        let read = file.read_at(Site::DerivedRead, 0, &mut kept)?;
        Ok(Sums::parse(digest, kept.get(..read).unwrap_or_default()))
    }

    fn open_derived(&self, path: &Path) -> io::Result<Option<(DriveFile, u64)>> {
        match self.drive.open(Site::DerivedOpen, path, Access::Read) {
            Ok(file) => {
                let bytes = file.meta(Site::DerivedMeta)?.bytes;
                Ok(Some((file, bytes)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn derived(&self, digest: Digest, kind: &str) -> Result<Option<(Checked, u64)>, BlobError> {
        let path = self.path_of_derived(digest, kind);
        let Some((file, total)) = self.open_derived(&path)? else { return Ok(None) };
        let kind_of_sums = format!("{kind}.{}", sums::KIND);
        let sums = match self.kept_sums(digest, &kind_of_sums)?.filter(|kept| kept.bytes == total) {
            Some(kept) => kept,
            None => {
                let (_, sums) = hash(&file, Site::DerivedRead, |_, _| Ok(()))?;
                // Where there is no room for them they are made anew for each who reads.
                let _ = self.write_derived(digest, &kind_of_sums, &sums.to_bytes(digest));
                sums
            }
        };
        Ok(Some((Checked { digest, file, sums }, total)))
    }

    fn drop_derived(&self, digest: Digest, kind: &str) -> io::Error {
        let path = self.path_of_derived(digest, kind);
        tracing::warn!(%digest, kind, "a derived file was damaged; it is made again");
        for path in [path.with_extension(format!("{kind}.{}", sums::KIND)), path] {
            // Where it stays, the next reader comes here again.
            let _ = self.drive.remove(Site::DerivedRemove, &path);
        }
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the {kind} of {digest} was damaged and is made again"),
        )
    }
}

/// An open file with what its pieces must be.
struct Checked {
    digest: Digest,
    file: DriveFile,
    sums: Sums,
}

impl Checked {
    /// The part of `range` that lies in its first piece.
    fn piece(&self, range: &Range<u64>) -> Result<Bytes, BlobError> {
        let number = range.start / PIECE_BYTES;
        let start = number * PIECE_BYTES;
        let length = self.sums.bytes.saturating_sub(start).min(PIECE_BYTES);
        let mut piece = vec![0; length as usize];
        let read = self.file.read_at(Site::BlobRead, start, &mut piece)?;
        piece.truncate(read);
        if !self.sums.fits(number, &piece) {
            return Err(BlobError::Corrupt(self.digest));
        }
        let (from, to) = (range.start - start, (range.end - start).min(length));
        Ok(Bytes::from(piece).slice(from as usize..to as usize))
    }
}

fn pieces(checked: Checked, range: Range<u64>) -> Chunks {
    stream::try_unfold((checked, range), move |(checked, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        blocking(move || {
            let chunk = checked.piece(&range)?;
            let next = range.start + chunk.len() as u64..range.end;
            Ok(Some((chunk, (checked, next))))
        })
        .await
    })
    .boxed()
}

/// Passes chunks on one step late, and the last one only when the digest of all is the name.
fn verified(digest: Digest, chunks: Chunks) -> Chunks {
    let state = (chunks, Sha256::new(), None::<Bytes>, false);
    stream::try_unfold(state, move |(mut chunks, mut hasher, mut held, ended)| async move {
        if ended {
            return Ok(None);
        }
        loop {
            match chunks.next().await {
                Some(chunk) => {
                    let chunk = chunk?;
                    hasher.update(&chunk);
                    if let Some(ready) = held.replace(chunk) {
                        return Ok(Some((ready, (chunks, hasher, held, false))));
                    }
                }
                None => {
                    let found = Digest(hasher.clone().finalize().into());
                    if found != digest {
                        return Err(BlobError::Corrupt(digest));
                    }
                    return Ok(held.take().map(|last| (last, (chunks, hasher, None, true))));
                }
            }
        }
    })
    .boxed()
}
