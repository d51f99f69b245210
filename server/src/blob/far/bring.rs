//! Copies of far audio in the studio folder: brought when somebody reads, once however many ask, checked while they arrive, and gone again when they take too
//! much. Never here: a copy that leaves before the object store has its bytes.

use std::{io, sync::Arc};

use bytes::{Bytes, BytesMut};
use deadwax_domain::Digest;
use futures::StreamExt as _;

use super::{Far, Source, key_of};
use crate::{
    blob::{
        BlobError, Blobs, Pace, Place, Thing, blocking, check_reserve,
        read::Chunks,
        sums::{Summing, Sums},
    },
    disk::Site,
};

/// Written at once.
const WRITE_BYTES: usize = 1 << 20;

/// What bringing needs, for a task of its own.
#[derive(Clone)]
struct Bringer {
    far: Arc<Far>,
    place: Place,
    reserve_bytes: u64,
}

impl Blobs {
    /// Where the audio lies, if that is not the studio folder.
    pub fn far(&self) -> Option<&Arc<Far>> {
        self.far.as_ref()
    }

    fn bringer(&self) -> Option<Bringer> {
        let far = Arc::clone(self.far.as_ref()?);
        Some(Bringer { far, place: self.place.clone(), reserve_bytes: self.reserve_bytes })
    }

    /// The bytes lie in the folder on return. Who asks while somebody else brings them waits for the same bytes.
    pub(in crate::blob) async fn bring(&self, digest: Digest) -> Result<(), BlobError> {
        let Some(bringer) = self.bringer() else { return Err(BlobError::Missing(digest)) };
        let turn = bringer.far.bringing.turn(digest).await;
        // A task of its own: a reader that goes away takes nothing from those who wait.
        let brought = tokio::spawn(async move {
            let _turn = turn;
            bringer.bring(digest).await
        });
        brought.await.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }

    /// A copy that does not match its name goes where the audio itself lies far, and is brought again by the next who asks. `true`: so it was. Else the damage
    /// is told.
    pub(in crate::blob) async fn spoiled(&self, digest: Digest, what: &'static str) -> bool {
        match self.bringer() {
            Some(bringer) => bringer.spoiled(digest, what).await,
            None => {
                self.place.damage.tell(Thing::Audio(digest), what);
                false
            }
        }
    }

    /// Sees to it that damage which is met on the way is told, or put right for the next who reads.
    pub(in crate::blob) fn told(&self, digest: Digest, chunks: Chunks) -> Chunks {
        let what = "a piece of it does not match its sum";
        let (place, bringer) = (self.place.clone(), self.bringer());
        chunks
            .then(move |chunk| {
                let (place, bringer) = (place.clone(), bringer.clone());
                async move {
                    match (&chunk, bringer) {
                        (Err(BlobError::Corrupt(_)), Some(bringer)) => {
                            let _goes = bringer.spoiled(digest, what).await;
                        }
                        (Err(BlobError::Corrupt(_)), None) => place.damage.tell(Thing::Audio(digest), what),
                        _ => {}
                    }
                    chunk
                }
            })
            .boxed()
    }

    /// The copy alone.
    pub(in crate::blob) async fn let_copy_go(&self, digest: Digest) -> Result<bool, BlobError> {
        match self.bringer() {
            Some(bringer) => bringer.leave(digest).await,
            None => Ok(false),
        }
    }

    /// Puts what lies in the folder alone into the object store: what a studio had before it used one. How many files.
    pub async fn carry_over(&self) -> Result<usize, BlobError> {
        let Some(far) = &self.far else { return Ok(0) };
        let there = far.names().await?;
        let mut carried = 0;
        for digest in self.local_names().await? {
            if there.contains_key(&digest) {
                continue;
            }
            let source = Source::file(&self.place.drive, self.path_of(digest)).await?;
            match far.keep(digest, &source, false).await {
                Ok(()) => carried += 1,
                Err(BlobError::Corrupt(_)) => {
                    self.place.damage.tell(Thing::Audio(digest), "its bytes do not match its name");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(carried)
    }

    /// The scrub of what lies far: the object to its end, and the copy where there is one. What is wrong on one side is put right from the other.
    pub(in crate::blob) async fn check_far(&self, digest: Digest, pace: &Pace) -> Result<u64, BlobError> {
        let Some(far) = &self.far else { return self.check_copy(digest, pace).await };
        let copy = match self.check_copy(digest, pace).await {
            Ok(bytes) => Some(bytes),
            Err(BlobError::Missing(_)) => None,
            Err(error @ (BlobError::Corrupt(_) | BlobError::Io(_))) => {
                match self.spoiled(digest, "its bytes do not match its name").await {
                    true => None,
                    false => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        match (far.hashed(digest, pace).await?, copy) {
            (Some((found, bytes)), _) if found == digest => {
                self.place.damage.healed(Thing::Audio(digest));
                Ok(bytes)
            }
            (found, Some(bytes)) => {
                let what = if found.is_some() { "damaged" } else { "missing" };
                let source = Source::file(&self.place.drive, self.path_of(digest)).await?;
                far.keep(digest, &source, true).await?;
                tracing::warn!(%digest, what, "audio in the object store was put right from the copy in the studio folder");
                Ok(bytes)
            }
            (Some(_), None) => {
                self.place
                    .damage
                    .tell(Thing::Audio(digest), "its bytes in the object store do not match its name");
                Err(BlobError::Corrupt(digest))
            }
            (None, None) => Err(BlobError::Missing(digest)),
        }
    }

    /// Lets copies go that take more than they may. After a failure the next who brings something tries again.
    pub(in crate::blob) async fn tidy_shelf(&self) {
        if let Some(bringer) = self.bringer() {
            bringer.tidy(0).await;
        }
    }
}

impl Bringer {
    async fn spoiled(&self, digest: Digest, what: &'static str) -> bool {
        if !self.far.length_of(digest).await.is_ok_and(|length| length.is_some()) {
            self.place.damage.tell(Thing::Audio(digest), what);
            return false;
        }
        tracing::warn!(%digest, what, "a copy of audio was damaged and goes; it is brought again from the object store");
        let (place, far) = (self.place.clone(), Arc::clone(&self.far));
        // Lent or not: nobody can use it.
        let gone = blocking(move || {
            absent(place.drive.remove(Site::TrashRemove, &place.path_of(digest)))?;
            far.shelf.gone(digest);
            Ok(())
        });
        gone.await.is_ok()
    }

    async fn bring(&self, digest: Digest) -> Result<(), BlobError> {
        let (drive, path) = (self.place.drive.clone(), self.place.path_of(digest));
        if blocking(move || Ok(drive.meta(Site::BlobMeta, &path)?.is_some())).await? {
            return Ok(());
        }
        let fetched = match self.fetch(digest).await {
            // It may have been torn on its way.
            Err(BlobError::Corrupt(_)) => self.fetch(digest).await,
            fetched => fetched,
        };
        if let Err(BlobError::Corrupt(_)) = fetched {
            let what = "its bytes in the object store do not match its name";
            self.place.damage.tell(Thing::Audio(digest), what);
        }
        fetched
    }

    async fn fetch(&self, digest: Digest) -> Result<(), BlobError> {
        let key = key_of(digest);
        let mut reading = match self.far.open(&key).await? {
            Some(reading) => reading,
            None if self.far.rescue(digest).await? => {
                self.far.open(&key).await?.ok_or(BlobError::Missing(digest))?
            }
            None => return Err(BlobError::Missing(digest)),
        };
        let total = reading.total;
        self.make_room(total).await?;
        let place = self.place.clone();
        let (part, mut file) = blocking(move || {
            let part = place.fresh_part()?;
            let file = place.drive.create(Site::CopyCreate, &part)?;
            Ok((part, file))
        })
        .await?;
        let mut summing = Summing::default();
        let (mut buffer, mut at) = (BytesMut::with_capacity(WRITE_BYTES), 0);
        let arrived: Result<(Digest, Sums), BlobError> = loop {
            let chunk = match reading.next().await {
                Ok(chunk) => chunk,
                Err(error) => break Err(error.into()),
            };
            let ended = chunk.is_none();
            buffer.extend_from_slice(&chunk.unwrap_or_else(Bytes::new));
            if buffer.len() < WRITE_BYTES && !ended {
                continue;
            }
            let bytes = buffer.split().freeze();
            let length = bytes.len() as u64;
            let written = blocking(move || {
                file.write_at(Site::CopyWrite, at, &bytes)?;
                summing.update(&bytes);
                if ended {
                    file.sync_data(Site::CopySync)?;
                }
                Ok((file, summing))
            });
            match written.await {
                Ok(back) => (file, summing) = back,
                Err(error) => break Err(error),
            }
            at += length;
            if ended {
                break Ok(summing.finish());
            }
        };
        let (place, far) = (self.place.clone(), Arc::clone(&self.far));
        blocking(move || {
            let published = arrived.and_then(|(found, sums)| {
                if found != digest {
                    return Err(BlobError::Corrupt(digest));
                }
                place.publish(&part, digest)?;
                far.shelf.put(digest, sums.bytes);
                place.keep_sums(digest, &sums);
                Ok(())
            });
            if published.is_err() {
                // Where this fails as well, the next start removes it.
                let _ = place.drive.remove(Site::PartRemove, &part);
            }
            published
        })
        .await
    }

    /// For bytes that shall come: first by the size that copies may take, then by what the disk has.
    async fn make_room(&self, bytes: u64) -> Result<(), BlobError> {
        self.tidy(bytes).await;
        loop {
            let (place, reserve_bytes) = (self.place.clone(), self.reserve_bytes);
            let room = blocking(move || check_reserve(&place.drive, &place.root, reserve_bytes, bytes)).await;
            let Err(BlobError::DiskNearlyFull { .. } | BlobError::TooFewFiles { .. }) = room else {
                return room;
            };
            let Some((oldest, length)) = self.far.shelf.oldest() else { return room };
            if !self.let_go(oldest, length).await? {
                return room;
            }
        }
    }

    async fn tidy(&self, more: u64) {
        // One at a time: two would both find the same one to be the oldest.
        let Ok(_turn) = self.far.tidying.try_lock() else { return };
        while let Some((digest, bytes)) = self.far.shelf.too_many(more) {
            match self.let_go(digest, bytes).await {
                Ok(true) => tracing::debug!(%digest, bytes, "a copy left the studio folder"),
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(%digest, %error, "a copy could not leave the studio folder");
                    return;
                }
            }
        }
    }

    /// Whether the copy is gone. It goes when the object store was asked and has the bytes; one that lacks them gets them first.
    async fn let_go(&self, digest: Digest, bytes: u64) -> Result<bool, BlobError> {
        if self.far.length_of(digest).await? != Some(bytes) {
            match Source::file(&self.place.drive, self.place.path_of(digest)).await {
                Ok(source) => self.far.keep(digest, &source, false).await?,
                // Collected meanwhile.
                Err(BlobError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.leave(digest).await
    }

    async fn leave(&self, digest: Digest) -> Result<bool, BlobError> {
        let (place, far) = (self.place.clone(), Arc::clone(&self.far));
        blocking(move || {
            let remove = || absent(place.drive.remove(Site::TrashRemove, &place.path_of(digest)));
            Ok(far.shelf.leave(digest, remove)?)
        })
        .await
    }
}

impl Far {
    /// A copy lies in the folder now.
    pub(in crate::blob) fn lies_here(&self, digest: Digest, bytes: u64) {
        self.shelf.put(digest, bytes);
    }

    pub(in crate::blob) fn used(&self, digest: Digest) {
        self.shelf.used(digest);
    }

    pub(in crate::blob) fn lend(&self, digest: Digest) {
        self.shelf.lend(digest);
    }

    /// What lies in the folder when the server starts: the oldest leaves first.
    pub(in crate::blob) fn look_at_copies(&self, place: &Place) -> io::Result<()> {
        let mut found = Vec::new();
        for digest in place.names()? {
            if let Some(meta) = place.drive.meta(Site::BlobMeta, &place.path_of(digest))? {
                found.push((meta.modified, digest, meta.bytes));
            }
        }
        found.sort_unstable();
        found.into_iter().for_each(|(_, digest, bytes)| self.shelf.put(digest, bytes));
        Ok(())
    }
}

/// What is to go may be gone.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
