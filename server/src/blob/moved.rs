//! Audio on its way from one place of a studio to another, folder or object store: only whole files under the digest that they have, and uploads under way up to
//! their last durable byte. The source may be in use meanwhile and is only read. Never here: which files facts name, and when a move is done.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use deadwax_domain::Digest;

use super::{
    BlobError, Blobs, Source, blocking, digest_of,
    far::Far,
    staging::{Sidecar, durable_offset},
};
use crate::disk::Drive;

/// Where audio comes from.
pub enum Giver {
    Folder(PathBuf),
    /// Brought into the folder of the target first, as a copy; what was never put into the object store lies in the folder.
    Far(Arc<Blobs>, PathBuf),
}

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Done,
    /// It is not there any more: nobody needed it, and it was collected.
    Gone,
    /// Its bytes are not those of its name, or it is not there.
    Damaged,
}

impl Giver {
    /// `far`: where the audio lies, if that is not the folder `root`. `into`: the folder of the target, whose disk keeps `reserve_bytes`.
    ///
    /// # Errors
    /// Where the folder of the target cannot be used.
    pub async fn open(
        root: &Path,
        far: Option<Arc<Far>>,
        into: &Path,
        reserve_bytes: u64,
    ) -> Result<Self, BlobError> {
        match far {
            None => Ok(Self::Folder(root.to_owned())),
            Some(far) => {
                let brought =
                    Blobs::open_beside(Some(far), Drive::real(), into.to_owned(), reserve_bytes).await?;
                Ok(Self::Far(brought, root.to_owned()))
            }
        }
    }

    /// Every finished file with its length.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub async fn names(&self) -> Result<BTreeMap<Digest, u64>, BlobError> {
        match self {
            Self::Folder(root) => names_in(root.clone()).await,
            Self::Far(blobs, root) => {
                let mut names = names_in(root.clone()).await?;
                if let Some(far) = blobs.far() {
                    names.extend(far.names().await?);
                }
                Ok(names)
            }
        }
    }

    /// A local file with the bytes.
    async fn file(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        match self {
            Self::Folder(root) => Ok(path_in(root, digest)),
            Self::Far(blobs, root) => match blobs.bring(digest).await {
                Ok(()) => Ok(blobs.path_of(digest)),
                Err(BlobError::Missing(_)) => Ok(path_in(root, digest)),
                Err(error) => Err(error),
            },
        }
    }
}

/// Where audio goes.
pub struct Taker {
    blobs: Arc<Blobs>,
}

impl Taker {
    /// # Errors
    /// Where the folder cannot be used.
    pub async fn open(root: &Path, far: Option<Arc<Far>>, reserve_bytes: u64) -> Result<Self, BlobError> {
        let root = std::path::absolute(root)?;
        Ok(Self { blobs: Blobs::open_beside(far, Drive::real(), root, reserve_bytes).await? })
    }

    /// # Errors
    /// Where it cannot be listed.
    pub async fn names(&self) -> Result<BTreeMap<Digest, u64>, BlobError> {
        match self.blobs.far() {
            Some(far) => Ok(far.names().await?),
            None => names_in(self.blobs.place.root.clone()).await,
        }
    }

    /// Puts one file in its place, durable on return. `again`: what lies there is known to be wrong.
    ///
    /// # Errors
    /// Where either end cannot be used; the same again will do.
    pub async fn take(&self, giver: &Giver, digest: Digest, again: bool) -> Result<Given, BlobError> {
        let taken = self.try_take(giver, digest, again).await;
        match taken {
            Ok(()) => Ok(Given::Done),
            Err(BlobError::Missing(_)) => Ok(Given::Gone),
            Err(BlobError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Given::Gone),
            Err(BlobError::Corrupt(_) | BlobError::DigestDiffers { .. }) => Ok(Given::Damaged),
            Err(error) => Err(error),
        }
    }

    async fn try_take(&self, giver: &Giver, digest: Digest, again: bool) -> Result<(), BlobError> {
        let file = giver.file(digest).await?;
        match (self.blobs.far(), giver) {
            (Some(far), _) => {
                far.keep(digest, &Source::file(&self.blobs.place.drive, file).await?, again).await
            }
            // Bringing it put it there.
            (None, Giver::Far(..)) if file == self.blobs.path_of(digest) => Ok(()),
            (None, _) => self.blobs.take_copy(file, digest).await,
        }
    }

    /// Whether the bytes that lie there are those of the name, read to their end.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn is_right(&self, digest: Digest) -> Result<bool, BlobError> {
        if let Some(far) = self.blobs.far() {
            return Ok(far.is_right(digest).await?);
        }
        let path = self.blobs.path_of(digest);
        blocking(move || {
            let file = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                opened => opened?,
            };
            Ok(hashed(file)? == digest)
        })
        .await
    }

    /// A file of the folder that is not what its name says goes, so that it is taken again.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub async fn drop_wrong(&self, digest: Digest) -> Result<(), BlobError> {
        let path = self.blobs.path_of(digest);
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        })
        .await
    }
}

fn hashed(mut file: File) -> io::Result<Digest> {
    use sha2::{Digest as _, Sha256};
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest(hash.finalize().into())),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn path_in(root: &Path, digest: Digest) -> PathBuf {
    let hex = digest.to_string();
    let (first, rest) = hex.split_at(2);
    root.join("blobs").join(first).join(rest)
}

async fn names_in(root: PathBuf) -> Result<BTreeMap<Digest, u64>, BlobError> {
    blocking(move || {
        let mut names = BTreeMap::new();
        for folder in listed(&root.join("blobs"))? {
            if !folder.is_dir() {
                continue;
            }
            for file in listed(&folder)? {
                let Some(digest) = digest_of(&file) else { continue };
                match fs::metadata(&file) {
                    Ok(meta) => drop(names.insert(digest, meta.len())),
                    // Collected meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(names)
    })
    .await
}

/// Nothing where the folder is absent.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Uploads under way, up to their last durable byte: what is there is not copied again, and what the source has no more goes. How many there are.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn copy_uploads(from: &Path, to: &Path) -> io::Result<u64> {
    let (from, to) = (from.join("uploads"), to.join("uploads"));
    fs::create_dir_all(&to)?;
    let mut there = 0;
    for described in listed(&from)?.into_iter().filter(|path| path.extension().is_some_and(|it| it == "json"))
    {
        there += u64::from(copy_upload(&described, &to)?);
    }
    for copied in listed(&to)? {
        let described = copied.file_stem().map(|name| from.join(name).with_extension("json"));
        if described.is_none_or(|described| !described.exists()) {
            fs::remove_file(copied)?;
        }
    }
    File::open(&to)?.sync_all()?;
    Ok(there)
}

/// Its bytes, then its marks, its description last: without that it is no upload.
fn copy_upload(described: &Path, to: &Path) -> io::Result<bool> {
    let read = |extension: &str| match fs::read(described.with_extension(extension)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    };
    let (Some(json), Some(marks)) = (read("json")?, read("at")?) else { return Ok(false) };
    let Ok(mut sidecar) = serde_json::from_slice::<Sidecar>(&json) else { return Ok(false) };
    // Where it goes nobody was told of it yet.
    sidecar.far = false;
    let Some(name) = described.file_name() else { return Ok(false) };
    let copy = to.join(name);
    match File::open(described.with_extension("part")) {
        Ok(part) => copy_tail(part, &copy.with_extension("part"), durable_offset(&marks))?,
        // It has its name already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    write(&copy.with_extension("at"), &marks)?;
    write(&copy, &serde_json::to_vec(&sidecar)?)?;
    Ok(true)
}

fn copy_tail(mut part: File, copy: &Path, durable: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(copy)?;
    let there = file.metadata()?.len().min(durable);
    file.set_len(there)?;
    file.seek(SeekFrom::Start(there))?;
    part.seek(SeekFrom::Start(there))?;
    io::copy(&mut part.take(durable - there), &mut file)?;
    file.sync_all()
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
