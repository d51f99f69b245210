//! Audio by its SHA-256 (B-1): staged uploads that resume, then an immutable name. Knows bytes and digests, nothing of projects.
//! A digest is not a permission: who may read or offer what is decided by the callers. Names on disk are digests and ids only.

mod carried;
mod damage;
pub mod far;
pub mod moved;
mod read;
pub mod settings;
mod staging;
mod sums;
mod trash;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use bytes::Bytes;
use deadwax_domain::Digest;
use tokio::sync::Mutex;

use crate::disk::{Access, Drive, DriveFile, Site, Stopped, work};
use far::{Far, FarError, Source};
use staging::{Upload, Uploads};
use sums::{Summing, Sums};
use trash::Touched;

pub use damage::{Damage, Thing};
pub use read::Pace;
pub use trash::Discarded;

/// Kept free on the disk, so that the journal can still write when audio has filled the rest.
pub const DEFAULT_RESERVE_BYTES: u64 = 64 << 20;

/// Kept free beside it, unless nothing is: names that the index and the journal may want when uploads have taken all others.
const RESERVE_FILES: u64 = 256;

/// Finished audio under its digest, and the uploads that become it.
pub struct Blobs {
    place: Place,
    reserve_bytes: u64,
    uploads: Mutex<Uploads>,
    /// Where the audio lies, if that is not the folder: what lies here are copies then.
    far: Option<Arc<Far>>,
}

/// Bytes that are still arriving. One file under `uploads/`, durable up to `offset`; survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    pub id: u128,
    pub path: PathBuf,
    pub offset: u64,
    pub bytes: u64,
    pub digest: Digest,
    /// Opaque to this module: who and for which project, kept beside the bytes.
    pub owner: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("no bytes are stored under {0}")]
    Missing(Digest),
    #[error("the stored bytes do not match their name {0}")]
    Corrupt(Digest),
    #[error("the digest of the received bytes is {received}, not {stated}")]
    DigestDiffers { stated: Digest, received: Digest },
    #[error("the upload stands at {offset}, not at {sent}")]
    OffsetDiffers { offset: u64, sent: u64 },
    #[error("no upload {0:032x}")]
    NoSuchUpload(u128),
    #[error("more bytes than stated arrived")]
    TooManyBytes,
    #[error("the disk is nearly full: {free} bytes are free, {needed} are kept in reserve")]
    DiskNearlyFull { free: u64, needed: u64 },
    #[error("the disk has room for {free} more files only; some are kept in reserve")]
    TooFewFiles { free: u64 },
    /// The disk failed earlier. Nothing is taken any more; reads go on; a restart recovers.
    #[error("{0}")]
    ReadOnly(Stopped),
    /// The object store is away or says no. Nothing was acknowledged.
    #[error("{0}")]
    Far(#[from] FarError),
    #[error("{0}")]
    Io(std::io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match Stopped::of(&error) {
            Some(stopped) => Self::ReadOnly(stopped.clone()),
            None => Self::Io(error),
        }
    }
}

impl Blobs {
    /// `root/blobs` for finished audio, `root/uploads` for staged bytes, `root/derived` for what can be made again; made where
    /// absent, mode 0700. One process at a time: the journal's lock on the same folder sees to that.
    pub async fn open(root: PathBuf) -> Result<Arc<Self>, BlobError> {
        Self::open_with(root, DEFAULT_RESERVE_BYTES).await
    }

    /// As `open`, with the number of bytes of free disk under which new bytes are refused.
    pub async fn open_with(root: PathBuf, reserve_bytes: u64) -> Result<Arc<Self>, BlobError> {
        Self::open_on(Drive::real(), std::path::absolute(root)?, reserve_bytes).await
    }

    /// As `open_with`, on the disk whose latch the journal shares.
    pub async fn open_on(drive: Drive, root: PathBuf, reserve_bytes: u64) -> Result<Arc<Self>, BlobError> {
        Self::open_beside(None, drive, root, reserve_bytes).await
    }

    /// As `open_on`, for audio that lies in an object store where there is `far`.
    pub async fn open_beside(
        far: Option<Arc<Far>>,
        drive: Drive,
        root: PathBuf,
        reserve_bytes: u64,
    ) -> Result<Arc<Self>, BlobError> {
        blocking(move || {
            for folder in ["blobs", "uploads", "derived"] {
                drive.make_dir(Site::BlobFolders, &root.join(folder))?;
            }
            drive.sync_dir(Site::BlobRootSync, &root)?;
            // The process before may have died between a name and its sync; whoever offers the same bytes is told that they are here.
            let blobs = root.join("blobs");
            let mut folders = BTreeSet::new();
            for name in drive.list(Site::BlobFoldersList, &blobs)?.into_iter().filter(|name| name.len() == 2)
            {
                let folder = blobs.join(name);
                drive.sync_dir(Site::BlobFolderSync, &folder)?;
                folders.insert(folder);
            }
            drive.sync_dir(Site::BlobFoldersSync, &blobs)?;
            let folders = Arc::new(std::sync::Mutex::new(folders));
            let place = Place { drive, root, folders, touched: Touched::default(), damage: Arc::default() };
            let uploads = staging::load(&place)?;
            let uploads = uploads.into_iter().map(Upload::shared);
            let uploads = Mutex::new(uploads.collect());
            if let Some(far) = &far {
                far.look_at_copies(&place)?;
            }
            Ok(Arc::new(Self { place, reserve_bytes, uploads, far }))
        })
        .await
    }

    pub async fn has(&self, digest: Digest) -> Result<bool, BlobError> {
        self.place.touched.note(digest);
        self.lies_there(digest).await
    }

    /// As [`has`](Self::has), and not taken for a sign that somebody needs it.
    pub async fn lies_there(&self, digest: Digest) -> Result<bool, BlobError> {
        let (drive, path) = (self.place.drive.clone(), self.path_of(digest));
        let here = blocking(move || Ok(drive.meta(Site::BlobMeta, &path)?.is_some())).await?;
        match &self.far {
            Some(far) if !here => Ok(far.length_of(digest).await?.is_some()),
            _ => Ok(here),
        }
    }

    /// Takes a copy of a file that stays where it is (in a backup), if its bytes are those of the name: a damaged blob is healed by it. Durable on return.
    pub async fn take_copy(&self, from: PathBuf, digest: Digest) -> Result<(), BlobError> {
        if let Some(far) = &self.far {
            far.keep(digest, &Source::file(&self.place.drive, from.clone()).await?, true).await?;
        }
        let (place, reserve_bytes) = (self.place.clone(), self.reserve_bytes);
        let taken = blocking(move || {
            let file = place.drive.open(Site::GivenOpen, &from, Access::Read)?;
            let bytes = file.meta(Site::PartMeta)?.bytes;
            check_reserve(&place.drive, &place.root, reserve_bytes, bytes)?;
            let part = place.fresh_part()?;
            let copied =
                place.drive.create(Site::CopyCreate, &part).map_err(BlobError::from).and_then(|copy| {
                    let write = |at, chunk: &[u8]| copy.write_at(Site::CopyWrite, at, chunk);
                    let (received, sums) = hash(&file, Site::GivenRead, write)?;
                    if received != digest {
                        return Err(BlobError::DigestDiffers { stated: digest, received });
                    }
                    copy.sync_data(Site::CopySync)?;
                    place.publish(&part, digest)?;
                    place.keep_sums(digest, &sums);
                    Ok(sums.bytes)
                });
            if copied.is_err() {
                // Where this fails as well, the next start removes it.
                let _ = place.drive.remove(Site::PartRemove, &part);
            }
            copied
        });
        let bytes = taken.await?;
        self.shelved(digest, bytes).await;
        Ok(())
    }

    /// What is known to be damaged of the audio, and of the journal where the scrub found it.
    pub fn damage(&self) -> &Damage {
        &self.place.damage
    }

    /// The local file of a blob, for the child that decodes it; nothing is checked (see [`verify`](Self::verify)). One that lies far is brought, and stays here
    /// while a child may need it.
    pub async fn local_path(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        if let Some(far) = &self.far {
            // Lent first, looked for then: it does not leave in between.
            self.place.touched.note(digest);
            far.lend(digest);
            self.bring(digest).await?;
            return Ok(self.path_of(digest));
        }
        if self.has(digest).await? { Ok(self.path_of(digest)) } else { Err(BlobError::Missing(digest)) }
    }

    /// Takes a finished local file (a render's output) under its digest, which is computed here. The file is moved where it lies on
    /// the same disk, else copied and removed. Nobody may write to it any more. Durable on return.
    pub async fn adopt(&self, path: PathBuf) -> Result<(Digest, u64), BlobError> {
        if self.far.is_none() {
            return self.adopt_here(path).await;
        }
        let (digest, bytes) = self.seal(path.clone()).await?;
        self.adopt_sealed(path, digest).await?;
        Ok((digest, bytes))
    }

    async fn adopt_here(&self, path: PathBuf) -> Result<(Digest, u64), BlobError> {
        let (place, reserve_bytes) = (self.place.clone(), self.reserve_bytes);
        blocking(move || {
            let part = place.fresh_part()?;
            let taken = take(&place.drive, &path, &part, reserve_bytes);
            if taken.is_err() {
                give_back(&place.drive, &path, &part);
            }
            let (digest, sums) = taken?;
            place.publish(&part, digest)?;
            place.keep_sums(digest, &sums);
            Ok((digest, sums.bytes))
        })
        .await
    }

    /// Hashes a finished local file where it lies and makes it durable: the long part of [`adopt`](Self::adopt), for many files that get their names
    /// together or not at all. Nobody may write to it any more.
    pub async fn seal(&self, path: PathBuf) -> Result<(Digest, u64), BlobError> {
        let drive = self.place.drive.clone();
        blocking(move || {
            let file = drive.open(Site::GivenOpen, &path, Access::Read)?;
            let (digest, sums) = hash(&file, Site::GivenRead, |_, _| Ok(()))?;
            file.sync_data(Site::GivenSync)?;
            Ok((digest, sums.bytes))
        })
        .await
    }

    /// Gives a sealed file its name: a rename where it lies on the same disk, else it is taken like any other. Durable on return.
    pub async fn adopt_sealed(&self, path: PathBuf, digest: Digest) -> Result<(), BlobError> {
        let mut length = 0;
        if let Some(far) = &self.far {
            let source = Source::file(&self.place.drive, path.clone()).await?;
            length = source.bytes();
            far.keep(digest, &source, false).await?;
        }
        let (place, from) = (self.place.clone(), path.clone());
        let moved = blocking(move || {
            let part = place.fresh_part()?;
            match place.drive.rename(Site::GivenMove, &from, &part) {
                Ok(()) => {
                    place.drive.make_private(Site::GivenPrivate, &part)?;
                    place.publish(&part, digest)?;
                    Ok(true)
                }
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => Ok(false),
                Err(error) => Err(error.into()),
            }
        });
        if !moved.await? {
            let (received, _) = self.adopt_here(path).await?;
            if received != digest {
                return Err(BlobError::DigestDiffers { stated: digest, received });
            }
        }
        self.shelved(digest, length).await;
        Ok(())
    }

    /// Takes bytes from memory (a manifest, a certificate) under their digest. Durable on return.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let Some(far) = &self.far else { return self.put_here(bytes).await };
        let hashed = bytes.clone();
        let digest = blocking(move || Ok(Summing::of(&hashed).0)).await?;
        // Asked for first: collection does not take what is about to be named.
        self.place.touched.note(digest);
        far.keep(digest, &Source::Bytes(bytes.clone()), false).await?;
        let length = bytes.len() as u64;
        self.put_here(bytes).await?;
        self.shelved(digest, length).await;
        Ok(digest)
    }

    async fn put_here(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let (place, reserve_bytes) = (self.place.clone(), self.reserve_bytes);
        blocking(move || {
            check_reserve(&place.drive, &place.root, reserve_bytes, bytes.len() as u64)?;
            let part = place.fresh_part()?;
            let written = place.drive.create(Site::BytesCreate, &part).and_then(|file| {
                file.write_at(Site::BytesWrite, 0, &bytes)?;
                file.sync_data(Site::BytesSync)
            });
            let (digest, sums) = Summing::of(&bytes);
            if let Err(error) = written.map_err(BlobError::from).and_then(|()| place.publish(&part, digest)) {
                // Where this fails as well, the next start removes it.
                let _ = place.drive.remove(Site::PartRemove, &part);
                return Err(error);
            }
            place.keep_sums(digest, &sums);
            Ok(digest)
        })
        .await
    }

    /// Where a file made from a blob is kept (a waveform, say). It may be absent or removed at any time; whoever needs it makes it
    /// again. `kind` is a word of the code, never of a user.
    pub fn path_of_derived(&self, digest: Digest, kind: &'static str) -> PathBuf {
        self.place.path_of_derived(digest, kind)
    }

    /// Writes a derived file whole or not at all. Not synced: it can be made again, and its reader checks its form.
    pub async fn write_derived(
        &self,
        digest: Digest,
        kind: &'static str,
        bytes: Bytes,
    ) -> Result<(), BlobError> {
        let (place, reserve_bytes) = (self.place.clone(), self.reserve_bytes);
        blocking(move || {
            check_reserve(&place.drive, &place.root, reserve_bytes, bytes.len() as u64)?;
            place.write_derived(digest, kind, &bytes)?;
            let (_, sums) = Summing::of(&bytes);
            Ok(place.write_derived(digest, &format!("{kind}.{}", sums::KIND), &sums.to_bytes(digest))?)
        })
        .await
    }

    /// Refuses where the disk has no room for `more_bytes` above the reserve: for work that writes outside of this module first.
    pub async fn must_have_room(&self, more_bytes: u64) -> Result<(), BlobError> {
        let (place, reserve_bytes) = (self.place.clone(), self.reserve_bytes);
        blocking(move || {
            place.drive.latch().check().map_err(BlobError::ReadOnly)?;
            check_reserve(&place.drive, &place.root, reserve_bytes, more_bytes)
        })
        .await
    }

    fn path_of(&self, digest: Digest) -> PathBuf {
        self.place.path_of(digest)
    }

    /// A copy of far audio lies in the folder now; older ones may have to leave.
    async fn shelved(&self, digest: Digest, bytes: u64) {
        if let Some(far) = &self.far {
            far.lies_here(digest, bytes);
            self.tidy_shelf().await;
        }
    }
}

#[cfg(test)]
fn far_of_tests(_: &Path) -> Option<Arc<Far>> {
    None
}

/// The studio folder, for work that runs off the async threads.
#[derive(Clone)]
struct Place {
    drive: Drive,
    root: PathBuf,
    /// Folders of the audio whose own names are durable.
    folders: Arc<std::sync::Mutex<BTreeSet<PathBuf>>>,
    touched: Touched,
    damage: Arc<Damage>,
}

impl Place {
    fn path_of(&self, digest: Digest) -> PathBuf {
        let hex = digest.to_string();
        self.root.join("blobs").join(&hex[..2]).join(&hex[2..])
    }

    fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// A name for bytes that come from within.
    fn fresh_part(&self) -> io::Result<PathBuf> {
        Ok(self.uploads().join(part_name(fresh_id()?)))
    }

    /// Makes a folder of the audio where it is missing. Who finds it made waits until its name is durable.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if !folders.contains(folder) {
            self.drive.make_dir(Site::BlobFolder, folder)?;
            self.drive.sync_dir(Site::BlobFoldersSync, &self.root.join("blobs"))?;
            folders.insert(folder.to_owned());
        }
        Ok(())
    }

    /// Gives a complete, synced file under `uploads/` its name: an atomic rename and a sync of both folders, the new name first.
    fn publish(&self, part: &Path, digest: Digest) -> Result<(), BlobError> {
        let path = self.path_of(digest);
        let folder = path.parent().unwrap_or(&self.root);
        self.make_folder(folder)?;
        self.touched.note(digest);
        // Equal bytes have equal names, so an older blob is replaced by itself (or healed, where its bits had rotted).
        self.drive.rename(Site::BlobName, part, &path)?;
        self.drive.sync_dir(Site::BlobFolderSync, folder)?;
        self.drive.sync_dir(Site::UploadsSync, &self.uploads())?;
        self.damage.healed(Thing::Audio(digest));
        Ok(())
    }

    fn path_of_derived(&self, digest: Digest, kind: &str) -> PathBuf {
        self.root.join("derived").join(format!("{digest}.{kind}"))
    }

    fn write_derived(&self, digest: Digest, kind: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path_of_derived(digest, kind);
        let part = path.with_file_name(part_name(fresh_id()?));
        let written = self
            .drive
            .create(Site::DerivedCreate, &part)
            .and_then(|file| file.write_at(Site::DerivedWrite, 0, bytes))
            .and_then(|()| self.drive.rename(Site::DerivedName, &part, &path));
        if written.is_err() {
            let _ = self.drive.remove(Site::DerivedRemove, &part);
        }
        written
    }

    /// Beside a blob that has its name. One of a single piece is always read whole and needs none. Where they cannot be written they are made when they are
    /// needed.
    fn keep_sums(&self, digest: Digest, sums: &Sums) {
        if sums.bytes > sums::PIECE_BYTES
            && let Err(error) = self.write_derived(digest, sums::KIND, &sums.to_bytes(digest))
        {
            tracing::debug!(%digest, %error, "the checksums of a blob could not be kept");
        }
    }
}

/// Whose bytes lie at a path that [`Blobs::local_path`] gave, maybe when the studio lay elsewhere.
pub fn digest_of(path: &Path) -> Option<Digest> {
    let (folder, name) = (path.parent()?.file_name()?.to_str()?, path.file_name()?.to_str()?);
    Some(Digest(hex::decode(format!("{folder}{name}")).ok()?.try_into().ok()?))
}

fn part_name(id: u128) -> String {
    format!("{id:032x}.part")
}

/// Hashes, syncs and moves `path` to `part`.
fn take(drive: &Drive, path: &Path, part: &Path, reserve_bytes: u64) -> Result<(Digest, Sums), BlobError> {
    let file = drive.open(Site::GivenOpen, path, Access::Read)?;
    let (digest, sums) = hash(&file, Site::GivenRead, |_, _| Ok(()))?;
    file.sync_data(Site::GivenSync)?;
    match drive.rename(Site::GivenMove, path, part) {
        Ok(()) => drive.make_private(Site::GivenPrivate, part)?,
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            check_reserve(drive, part.parent().unwrap_or(part), reserve_bytes, sums.bytes)?;
            let copy = drive.create(Site::CopyCreate, part)?;
            let (copied, _) =
                hash(&file, Site::GivenRead, |at, chunk| copy.write_at(Site::CopyWrite, at, chunk))?;
            if copied != digest {
                return Err(BlobError::DigestDiffers { stated: digest, received: copied });
            }
            copy.sync_data(Site::CopySync)?;
            drive.remove(Site::GivenRemove, path)?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok((digest, sums))
}

/// After a failed `take`: where the move was made the caller's file goes back to where it was, and a copy that was begun goes. Nothing can be done where
/// that fails too; the next start removes what lies in `uploads/` without a description.
fn give_back(drive: &Drive, path: &Path, part: &Path) {
    let there = |path: &Path| drive.meta(Site::PartMeta, path).ok().flatten().is_some();
    if there(path) {
        let _ = drive.remove(Site::PartRemove, part);
    } else if there(part) {
        let _ = drive.rename(Site::GivenBack, part, path);
    }
}

/// Reads to the end, feeding the hash and, with their offset, `each`.
fn hash(
    file: &DriveFile,
    site: Site,
    mut each: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<(Digest, Sums)> {
    let mut summing = Summing::default();
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read_at(site, bytes, &mut buffer)?;
        if read == 0 {
            return Ok(summing.finish());
        }
        let chunk = buffer.get(..read).unwrap_or_default();
        summing.update(chunk);
        each(bytes, chunk)?;
        bytes += read as u64;
    }
}

fn check_reserve(drive: &Drive, folder: &Path, reserve_bytes: u64, more_bytes: u64) -> Result<(), BlobError> {
    let room = drive.room(Site::BlobRoom, folder)?;
    let needed = reserve_bytes.saturating_add(more_bytes);
    if room.bytes < needed {
        return Err(BlobError::DiskNearlyFull { free: room.bytes, needed });
    }
    if reserve_bytes > 0 && room.files < RESERVE_FILES {
        return Err(BlobError::TooFewFiles { free: room.files });
    }
    Ok(())
}

fn fresh_id() -> io::Result<u128> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|error| io::Error::other(format!("no randomness for an id: {error}")))?;
    Ok(u128::from_be_bytes(id))
}

/// Runs file work off the async threads. A caller that goes away does not stop it half way.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match work::run(work).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(format!("file work stopped: {error}")).into()),
    }
}
