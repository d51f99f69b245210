//! Uploads on their way: one `.part` file of bytes, a `.json` sidecar that says what they shall become, and an `.at` file of the offsets
//! that were made durable. After a restart an upload goes on from its last durable offset; what lay beyond is sent again.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use deadwax_domain::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    BlobError, Blobs, Staged, blocking, check_reserve, create_private, fresh_id, part_name, publish, sync_dir,
};

/// One upload. Whoever holds its lock owns its files.
pub(super) struct Upload {
    staged: Staged,
    /// Bytes are durable up to here; `staged.offset` may be ahead.
    durable: u64,
    /// SHA-256 of the bytes up to `staged.offset`; absent after a restart until somebody writes.
    hasher: Option<Sha256>,
    file: File,
    gone: bool,
}

/// What makes two offers the same upload. Kept beside the lock, so that a search waits for no writer.
pub(super) type Identity = (Digest, u64, String);

/// Every upload by its id.
pub(super) type Uploads = HashMap<u128, (Identity, Arc<Mutex<Upload>>)>;

#[derive(Serialize, Deserialize)]
struct Sidecar {
    digest: String,
    bytes: u64,
    owner: String,
}

impl Upload {
    pub(super) fn shared(self) -> (u128, (Identity, Arc<Mutex<Self>>)) {
        let Staged { id, digest, bytes, ref owner, .. } = self.staged;
        (id, ((digest, bytes, owner.clone()), Arc::new(Mutex::new(self))))
    }

    fn create(uploads: &Path, digest: Digest, bytes: u64, owner: String) -> Result<Self, BlobError> {
        let id = fresh_id()?;
        let path = uploads.join(part_name(id));
        let sidecar = Sidecar { digest: digest.to_string(), bytes, owner: owner.clone() };
        let sidecar = serde_json::to_vec(&sidecar).map_err(io::Error::from)?;
        let made = (|| {
            let file = create_private(&path)?;
            create_private(&path.with_extension("at"))?;
            let mut json = create_private(&path.with_extension("json"))?;
            json.write_all(&sidecar)?;
            json.sync_data()?;
            sync_dir(uploads)?;
            Ok::<_, io::Error>(file)
        })();
        if made.is_err() {
            remove_files(&path);
        }
        let staged = Staged { id, path, offset: 0, bytes, digest, owner };
        Ok(Self { staged, durable: 0, hasher: Some(Sha256::new()), file: made?, gone: false })
    }

    /// Picks an upload up after a restart, cut back to its last durable offset.
    fn reopen(part: &Path) -> Option<Self> {
        let id = u128::from_str_radix(part.file_stem()?.to_str()?, 16).ok()?;
        let sidecar: Sidecar = serde_json::from_slice(&fs::read(part.with_extension("json")).ok()?).ok()?;
        let digest = Digest(hex::decode(sidecar.digest).ok()?.try_into().ok()?);
        let file = OpenOptions::new().read(true).write(true).open(part).ok()?;
        let marks = part.with_extension("at");
        let offset = durable_offset(&marks).min(file.metadata().ok()?.len());
        // A torn mark must not shift those to come.
        let marks = OpenOptions::new().write(true).open(&marks).ok()?;
        marks.set_len(marks.metadata().ok()?.len() / 12 * 12).ok()?;
        file.set_len(offset).ok()?;
        let (bytes, owner) = (sidecar.bytes, sidecar.owner);
        let staged = Staged { id, path: part.to_owned(), offset, bytes, digest, owner };
        Some(Self { staged, durable: offset, hasher: None, file, gone: false })
    }

    fn write(&mut self, offset: u64, chunk: &[u8], reserve_bytes: u64) -> Result<u64, BlobError> {
        if offset != self.staged.offset {
            return Err(BlobError::OffsetDiffers { offset: self.staged.offset, sent: offset });
        }
        let end = offset.checked_add(chunk.len() as u64).ok_or(BlobError::TooManyBytes)?;
        if end > self.staged.bytes {
            return Err(BlobError::TooManyBytes);
        }
        check_reserve(&self.staged.path, reserve_bytes, chunk.len() as u64)?;
        self.hash_prefix()?;
        self.file.write_all_at(chunk, offset)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(chunk);
        }
        self.staged.offset = end;
        Ok(end)
    }

    /// Computes the hash of what is already here, once after a restart.
    fn hash_prefix(&mut self) -> io::Result<()> {
        if self.hasher.is_some() {
            return Ok(());
        }
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut at = 0;
        while at < self.staged.offset {
            let wanted = (self.staged.offset - at).min(buffer.len() as u64) as usize;
            self.file.read_exact_at(&mut buffer[..wanted], at)?;
            hasher.update(&buffer[..wanted]);
            at += wanted as u64;
        }
        self.hasher = Some(hasher);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<u64> {
        if self.durable < self.staged.offset {
            self.file.sync_data()?;
            let mark = mark(self.staged.offset);
            let mut at = OpenOptions::new().append(true).open(self.staged.path.with_extension("at"))?;
            at.write_all(&mark)?;
            at.sync_data()?;
            self.durable = self.staged.offset;
        }
        Ok(self.durable)
    }

    /// All bytes are here and are the right ones, synced: ready for their name.
    fn complete(&mut self) -> Result<(), BlobError> {
        let Staged { offset, bytes, digest, .. } = self.staged;
        if offset != bytes {
            return Err(BlobError::OffsetDiffers { offset, sent: bytes });
        }
        self.hash_prefix()?;
        let hasher = self.hasher.clone().unwrap_or_default();
        let received = Digest(hasher.finalize().into());
        if received != digest {
            return Err(BlobError::DigestDiffers { stated: digest, received });
        }
        // A chunk that failed half way may have left bytes past the end.
        self.file.set_len(bytes)?;
        self.file.sync_all()?;
        Ok(())
    }

    fn forget(&mut self) {
        self.gone = true;
        remove_files(&self.staged.path);
    }
}

impl Blobs {
    /// Begins an upload, or finds the one begun before with the same digest, size and owner.
    pub async fn stage(&self, digest: Digest, bytes: u64, owner: String) -> Result<Staged, BlobError> {
        let identity = (digest, bytes, owner.clone());
        loop {
            // Held over the search and the creation, so that two hands with the same file find one upload.
            let mut uploads = self.uploads.lock().await;
            let known = uploads.iter().find(|(_, (known, _))| *known == identity);
            let Some((id, upload)) = known.map(|(id, (_, upload))| (*id, upload.clone())) else {
                let (folder, reserve_bytes) = (self.root.join("uploads"), self.reserve_bytes);
                let upload = blocking(move || {
                    check_reserve(&folder, reserve_bytes, bytes)?;
                    Upload::create(&folder, digest, bytes, owner)
                })
                .await?;
                let staged = upload.staged.clone();
                uploads.extend([upload.shared()]);
                return Ok(staged);
            };
            drop(uploads);
            let upload = upload.lock_owned().await;
            if !upload.gone {
                return settled(upload).await;
            }
            self.uploads.lock().await.remove(&id);
        }
    }

    /// How far an upload has come. Its bytes are durable up to the `offset` told.
    pub async fn staged(&self, id: u128) -> Result<Staged, BlobError> {
        settled(self.upload(id).await?).await
    }

    /// Appends a chunk at `offset` and returns the new offset. Durable once `sync_staged` returns.
    pub async fn write_staged(&self, id: u128, offset: u64, chunk: Bytes) -> Result<u64, BlobError> {
        let mut upload = self.upload(id).await?;
        let reserve_bytes = self.reserve_bytes;
        blocking(move || upload.write(offset, &chunk, reserve_bytes)).await
    }

    /// Makes every byte written so far durable and returns how many there are. Each call costs two syncs: once for some megabytes.
    pub async fn sync_staged(&self, id: u128) -> Result<u64, BlobError> {
        let mut upload = self.upload(id).await?;
        blocking(move || Ok(upload.sync()?)).await
    }

    /// All bytes are here: checks the digest, gives the file its name, durable on return. A wrong digest forgets the upload; too few
    /// bytes do not.
    pub async fn finish_staged(&self, id: u128) -> Result<Digest, BlobError> {
        let mut upload = self.upload(id).await?;
        let store = self.store.clone();
        // A task of its own: a caller that goes away must not leave a file that has its name and an upload that does not know it.
        let finish = tokio::spawn(async move {
            let (mut upload, complete) = blocking(move || {
                let complete = upload.complete();
                if let Err(BlobError::DigestDiffers { .. }) = complete {
                    upload.forget();
                }
                Ok((upload, complete))
            })
            .await?;
            complete?;
            let Staged { ref path, digest, .. } = upload.staged;
            publish(store, path, digest).await?;
            upload.forget();
            Ok(digest)
        });
        let finished = match finish.await {
            Ok(finished) => finished,
            Err(error) => Err(io::Error::other(format!("finishing the upload stopped: {error}")).into()),
        };
        if matches!(finished, Ok(_) | Err(BlobError::DigestDiffers { .. })) {
            self.uploads.lock().await.remove(&id);
        }
        finished
    }

    pub async fn forget_staged(&self, id: u128) -> Result<(), BlobError> {
        let mut upload = self.upload(id).await?;
        blocking(move || {
            upload.forget();
            Ok(())
        })
        .await?;
        self.uploads.lock().await.remove(&id);
        Ok(())
    }

    /// Forgets uploads that nobody has written to for `older_than`; returns how many.
    pub async fn sweep(&self, older_than: Duration) -> Result<usize, BlobError> {
        let uploads = self.uploads.lock().await;
        let known: Vec<_> = uploads.iter().map(|(id, (_, upload))| (*id, upload.clone())).collect();
        drop(uploads);
        let mut swept = 0;
        for (id, upload) in known {
            // Whoever holds the lock is writing just now.
            let Ok(mut upload) = upload.try_lock_owned() else { continue };
            let stale = blocking(move || {
                let touched = upload.file.metadata()?.modified()?;
                let stale = SystemTime::now().duration_since(touched).unwrap_or_default() >= older_than;
                if stale {
                    upload.forget();
                }
                Ok(stale)
            })
            .await?;
            if stale {
                self.uploads.lock().await.remove(&id);
                swept += 1;
            }
        }
        Ok(swept)
    }

    async fn upload(&self, id: u128) -> Result<OwnedMutexGuard<Upload>, BlobError> {
        let known = self.uploads.lock().await.get(&id).map(|(_, upload)| upload.clone());
        let upload = known.ok_or(BlobError::NoSuchUpload(id))?;
        let upload = upload.lock_owned().await;
        if upload.gone { Err(BlobError::NoSuchUpload(id)) } else { Ok(upload) }
    }
}

/// What is told to a client as its offset is durable first.
async fn settled(mut upload: OwnedMutexGuard<Upload>) -> Result<Staged, BlobError> {
    blocking(move || {
        upload.sync()?;
        Ok(upload.staged.clone())
    })
    .await
}

/// Every upload that can go on; files that belong to none are removed.
pub(super) fn load(uploads: &Path) -> io::Result<Vec<Upload>> {
    let mut parts: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
    for entry in fs::read_dir(uploads)? {
        let path = entry?.path();
        parts.entry(path.with_extension("part")).or_default().push(path);
    }
    let mut found = Vec::new();
    for part in parts.into_keys() {
        match Upload::reopen(&part) {
            Some(upload) => found.push(upload),
            None => remove_files(&part),
        }
    }
    Ok(found)
}

/// The `.at` file grows by one mark with each sync; the last whole one counts, so a torn mark costs one sync's worth of bytes.
fn mark(offset: u64) -> [u8; 12] {
    let mut mark = [0; 12];
    mark[..8].copy_from_slice(&offset.to_le_bytes());
    let check = crc32c::crc32c(&mark[..8]);
    mark[8..].copy_from_slice(&check.to_le_bytes());
    mark
}

fn durable_offset(path: &Path) -> u64 {
    let mut bytes = Vec::new();
    let opened = File::open(path);
    if opened.and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
        return 0;
    }
    let mut whole = bytes.chunks_exact(12).filter_map(|chunk| {
        let offset = u64::from_le_bytes(chunk[..8].try_into().ok()?);
        (mark(offset) == chunk).then_some(offset)
    });
    whole.next_back().unwrap_or(0)
}

fn remove_files(part: &Path) {
    for extension in ["part", "json", "at"] {
        // Absent is what is wanted; anything else is tried again at the next start.
        let _ = fs::remove_file(part.with_extension(extension));
    }
}
