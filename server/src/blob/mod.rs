//! Audio by its SHA-256 (B-1): staged uploads that resume, then an immutable name. Knows bytes and digests, nothing of projects.
//! A digest is not a permission: who may read or offer what is decided by the callers. Names on disk are digests and ids only.

mod read;
mod staging;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use deadwax_domain::Digest;
use object_store::{ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path as ObjectPath};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use staging::{Upload, Uploads};

/// Kept free on the disk, so that the journal can still write when audio has filled the rest.
pub const DEFAULT_RESERVE_BYTES: u64 = 64 << 20;

/// Finished audio, over the `object_store` crate, and the uploads that become it.
pub struct Blobs {
    root: PathBuf,
    reserve_bytes: u64,
    store: Arc<dyn ObjectStore>,
    uploads: Mutex<Uploads>,
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
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Store(#[from] object_store::Error),
}

impl Blobs {
    /// `root/blobs` for finished audio, `root/uploads` for staged bytes, `root/derived` for what can be made again; made where
    /// absent, mode 0700. One process at a time: the journal's lock on the same folder sees to that.
    pub async fn open(root: PathBuf) -> Result<Arc<Self>, BlobError> {
        Self::open_with(root, DEFAULT_RESERVE_BYTES).await
    }

    /// As `open`, with the number of bytes of free disk under which new bytes are refused.
    pub async fn open_with(root: PathBuf, reserve_bytes: u64) -> Result<Arc<Self>, BlobError> {
        blocking(move || {
            for folder in ["blobs", "uploads", "derived"] {
                make_private_dir(&root.join(folder))?;
            }
            sync_dir(&root)?;
            let root = root.canonicalize()?;
            let store = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
            let uploads = staging::load(&root.join("uploads"))?;
            let uploads = uploads.into_iter().map(Upload::shared);
            let uploads = Mutex::new(uploads.collect());
            Ok(Arc::new(Self { root, reserve_bytes, store: Arc::new(store), uploads }))
        })
        .await
    }

    pub async fn has(&self, digest: Digest) -> Result<bool, BlobError> {
        match self.store.head(&name_of(digest)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The local file of a blob, for the child that decodes it.
    pub async fn local_path(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        if self.has(digest).await? { Ok(self.path_of(digest)) } else { Err(BlobError::Missing(digest)) }
    }

    /// Takes a finished local file (a render's output) under its digest, which is computed here. The file is moved where it lies on
    /// the same disk, else copied and removed. Nobody may write to it any more. Durable on return.
    pub async fn adopt(&self, path: PathBuf) -> Result<(Digest, u64), BlobError> {
        let uploads = self.root.join("uploads");
        let reserve_bytes = self.reserve_bytes;
        let (part, digest, bytes) = blocking(move || {
            let part = uploads.join(part_name(fresh_id()?));
            let taken = take(&path, &part, reserve_bytes);
            if taken.is_err() && !path.exists() && part.exists() {
                // The move was made and a later step failed: the caller's file goes back to where it was.
                let _ = fs::rename(&part, &path);
            } else if taken.is_err() {
                let _ = fs::remove_file(&part);
            }
            taken.map(|(digest, bytes)| (part, digest, bytes))
        })
        .await?;
        publish(self.store.clone(), &part, digest).await?;
        Ok((digest, bytes))
    }

    /// Hashes a finished local file where it lies and makes it durable: the long part of [`adopt`](Self::adopt), for many files that get their names
    /// together or not at all. Nobody may write to it any more.
    pub async fn seal(&self, path: PathBuf) -> Result<(Digest, u64), BlobError> {
        blocking(move || {
            let mut file = File::open(&path)?;
            let sealed = hash(&mut file, io::sink())?;
            file.sync_all()?;
            Ok(sealed)
        })
        .await
    }

    /// Gives a sealed file its name: a rename where it lies on the same disk, else it is taken like any other. Durable on return.
    pub async fn adopt_sealed(&self, path: PathBuf, digest: Digest) -> Result<(), BlobError> {
        let uploads = self.root.join("uploads");
        let from = path.clone();
        let moved = blocking(move || {
            let part = uploads.join(part_name(fresh_id()?));
            match fs::rename(&from, &part) {
                Ok(()) => {
                    fs::set_permissions(&part, fs::Permissions::from_mode(0o600))?;
                    Ok(Some(part))
                }
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        match moved {
            Some(part) => publish(self.store.clone(), &part, digest).await,
            None => match self.adopt(path).await? {
                (found, _) if found == digest => Ok(()),
                (found, _) => Err(BlobError::DigestDiffers { stated: digest, received: found }),
            },
        }
    }

    /// Takes bytes from memory (a manifest, a certificate) under their digest. Durable on return.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let (uploads, reserve_bytes) = (self.root.join("uploads"), self.reserve_bytes);
        let (part, digest) = blocking(move || {
            check_reserve(&uploads, reserve_bytes, bytes.len() as u64)?;
            let part = uploads.join(part_name(fresh_id()?));
            let written = create_private(&part).and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_data()
            });
            if let Err(error) = written {
                let _ = fs::remove_file(&part);
                return Err(error.into());
            }
            Ok((part, Digest(Sha256::digest(&bytes).into())))
        })
        .await?;
        publish(self.store.clone(), &part, digest).await?;
        Ok(digest)
    }

    /// Where a file made from a blob is kept (a waveform, say). It may be absent or removed at any time; whoever needs it makes it
    /// again. `kind` is a word of the code, never of a user.
    pub fn path_of_derived(&self, digest: Digest, kind: &'static str) -> PathBuf {
        self.root.join("derived").join(format!("{digest}.{kind}"))
    }

    /// Writes a derived file whole or not at all. Not synced: it can be made again, and its reader checks its form.
    pub async fn write_derived(
        &self,
        digest: Digest,
        kind: &'static str,
        bytes: Bytes,
    ) -> Result<(), BlobError> {
        let path = self.path_of_derived(digest, kind);
        let reserve_bytes = self.reserve_bytes;
        blocking(move || {
            let folder = path.parent().unwrap_or(Path::new("."));
            check_reserve(folder, reserve_bytes, bytes.len() as u64)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&bytes)?;
            file.persist(&path).map_err(|failed| failed.error)?;
            Ok(())
        })
        .await
    }

    /// Refuses where the disk has no room for `more_bytes` above the reserve: for work that writes outside of this module first.
    pub async fn must_have_room(&self, more_bytes: u64) -> Result<(), BlobError> {
        let (root, reserve_bytes) = (self.root.clone(), self.reserve_bytes);
        blocking(move || check_reserve(&root, reserve_bytes, more_bytes)).await
    }

    fn path_of(&self, digest: Digest) -> PathBuf {
        let hex = digest.to_string();
        self.root.join("blobs").join(&hex[..2]).join(&hex[2..])
    }
}

/// Gives a complete, synced file under `uploads/` its name: an atomic rename and a sync of both folders.
async fn publish(store: Arc<dyn ObjectStore>, part: &Path, digest: Digest) -> Result<(), BlobError> {
    let name = part.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let from = ObjectPath::from_iter(["uploads", &name]);
    // Equal bytes have equal names, so an older blob is replaced by itself (or healed, where its bits had rotted).
    Ok(store.rename(&from, &name_of(digest)).await?)
}

/// Whose bytes lie at a path that [`Blobs::local_path`] gave, maybe when the studio lay elsewhere.
pub fn digest_of(path: &Path) -> Option<Digest> {
    let (folder, name) = (path.parent()?.file_name()?.to_str()?, path.file_name()?.to_str()?);
    Some(Digest(hex::decode(format!("{folder}{name}")).ok()?.try_into().ok()?))
}

fn name_of(digest: Digest) -> ObjectPath {
    let hex = digest.to_string();
    ObjectPath::from_iter(["blobs", &hex[..2], &hex[2..]])
}

fn part_name(id: u128) -> String {
    format!("{id:032x}.part")
}

/// Hashes, syncs and moves `path` to `part`.
fn take(path: &Path, part: &Path, reserve_bytes: u64) -> Result<(Digest, u64), BlobError> {
    let mut file = File::open(path)?;
    let (digest, bytes) = hash(&mut file, io::sink())?;
    file.sync_all()?;
    match fs::rename(path, part) {
        Ok(()) => fs::set_permissions(part, fs::Permissions::from_mode(0o600))?,
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            check_reserve(part.parent().unwrap_or(part), reserve_bytes, bytes)?;
            let mut copy = create_private(part)?;
            let (copied, _) = hash(&mut File::open(path)?, &mut copy)?;
            if copied != digest {
                return Err(BlobError::DigestDiffers { stated: digest, received: copied });
            }
            copy.sync_data()?;
            fs::remove_file(path)?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok((digest, bytes))
}

/// Reads to the end, feeding both the hash and `copy`.
fn hash(file: &mut File, mut copy: impl Write) -> io::Result<(Digest, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok((Digest(hasher.finalize().into()), bytes)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        copy.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

fn check_reserve(folder: &Path, reserve_bytes: u64, more_bytes: u64) -> Result<(), BlobError> {
    let disk = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let needed = reserve_bytes.saturating_add(more_bytes);
    if free < needed { Err(BlobError::DiskNearlyFull { free, needed }) } else { Ok(()) }
}

fn make_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
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
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(format!("file work stopped: {error}")).into()),
    }
}
