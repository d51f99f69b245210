//! Uploads on their way: one `.part` file of bytes, a `.json` sidecar that says what they shall become, and an `.at` file of the offsets
//! that were made durable. After a restart an upload goes on from its last durable offset; what lay beyond is sent again. Its description stays until whoever
//! brought it to its end says that it is known: bytes that have their name already are not sent again because a process died in between.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use deadwax_domain::Digest;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    BlobError, Blobs, Place, Staged, blocking,
    carried::{carry, keep_far},
    check_reserve, fresh_id, part_name,
    sums::{Summing, Sums},
};
use crate::disk::{Access, Drive, DriveFile, Meta, Site};

const MARK_BYTES: u64 = 12;
/// Far more than a description or the marks of the largest upload take.
const SMALL_BYTES: u64 = 4 << 20;

/// One upload. Whoever holds its lock owns its files.
pub(super) struct Upload {
    /// Its path is where the bytes lie: `part`, or their name.
    pub(super) staged: Staged,
    /// Its files are named after this one.
    part: PathBuf,
    /// The bytes have their name. They belong to everybody then and are not changed any more.
    pub(super) named: bool,
    /// Bytes are durable up to here; `staged.offset` may be ahead.
    pub(super) durable: u64,
    /// Where the audio lies far: other servers have the bytes up to here, and have heard of the upload.
    pub(super) far_to: u64,
    pub(super) announced: bool,
    /// Digest and sums of the bytes up to `staged.offset`; absent after a restart until somebody writes.
    hasher: Option<Summing>,
    file: DriveFile,
    drive: Drive,
    gone: bool,
}

/// What makes two offers the same upload. Kept beside the lock, so that a search waits for no writer.
pub(super) type Identity = (Digest, u64, String);

/// Every upload by its id.
pub(super) type Uploads = HashMap<u128, (Identity, Arc<Mutex<Upload>>)>;

#[derive(Serialize, Deserialize)]
pub(super) struct Sidecar {
    digest: String,
    bytes: u64,
    owner: String,
    /// Other servers were told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) far: bool,
}

impl Upload {
    pub(super) fn shared(self) -> (u128, (Identity, Arc<Mutex<Self>>)) {
        let Staged { id, digest, bytes, ref owner, .. } = self.staged;
        (id, ((digest, bytes, owner.clone()), Arc::new(Mutex::new(self))))
    }

    /// `far`: other servers are told of it.
    pub(super) fn create(
        drive: &Drive,
        uploads: &Path,
        (id, far): (u128, bool),
        (digest, bytes, owner): Identity,
    ) -> Result<Self, BlobError> {
        let path = uploads.join(part_name(id));
        let sidecar = Sidecar { digest: digest.to_string(), bytes, owner: owner.clone(), far };
        let sidecar = serde_json::to_vec(&sidecar).map_err(io::Error::from)?;
        let made = (|| {
            let file = drive.create(Site::PartCreate, &path)?;
            drive.create(Site::MarksCreate, &path.with_extension("at"))?;
            let json = drive.create(Site::SidecarCreate, &path.with_extension("json"))?;
            json.write_at(Site::SidecarWrite, 0, &sidecar)?;
            json.sync_data(Site::SidecarSync)?;
            drive.sync_dir(Site::UploadsSync, uploads)?;
            Ok::<_, io::Error>(file)
        })();
        if made.is_err() {
            remove_files(drive, &path);
        }
        let staged = Staged { id, path: path.clone(), offset: 0, bytes, digest, owner };
        let (file, drive, hasher) = (made?, drive.clone(), Some(Summing::default()));
        let part = path;
        let (named, durable, far_to) = (false, 0, 0);
        Ok(Self { staged, part, named, durable, far_to, announced: far, hasher, file, drive, gone: false })
    }

    /// Picks an upload up after a restart, cut back to its last durable offset. `None`: its files do not make an upload, and may go.
    fn reopen(place: &Place, part: &Path) -> io::Result<Option<Self>> {
        let drive = &place.drive;
        let Some(id) = id_of(part) else { return Ok(None) };
        let Some(sidecar) = read_sidecar(drive, &part.with_extension("json"))? else { return Ok(None) };
        let Some(digest) = digest_of(&sidecar.digest) else { return Ok(None) };
        let Some(file) = existing(drive, Site::PartOpen, part)? else {
            return Self::reopen_named(place, (id, part), sidecar, digest);
        };
        let Some(marks) = existing(drive, Site::MarksOpen, &part.with_extension("at"))? else {
            return Ok(None);
        };
        let marked = whole(&marks, Site::MarksRead, drive.meta(Site::PartMeta, &part.with_extension("at"))?)?;
        let offset = durable_offset(&marked).min(file.meta(Site::PartMeta)?.bytes);
        // A torn mark must not shift those to come.
        marks.truncate(Site::MarksCut, marked.len() as u64 / MARK_BYTES * MARK_BYTES)?;
        file.truncate(Site::PartCut, offset)?;
        let (bytes, owner, announced) = (sidecar.bytes, sidecar.owner, sidecar.far);
        let staged = Staged { id, path: part.to_owned(), offset, bytes, digest, owner };
        let (part, drive) = (part.to_owned(), drive.clone());
        let (named, durable, far_to, hasher) = (false, offset, 0, None);
        Ok(Some(Self { staged, part, named, durable, far_to, announced, hasher, file, drive, gone: false }))
    }

    /// One whose bytes got their name before the process died, and nobody was told.
    fn reopen_named(
        place: &Place,
        (id, part): (u128, &Path),
        Sidecar { bytes, owner, far, .. }: Sidecar,
        digest: Digest,
    ) -> io::Result<Option<Self>> {
        let (drive, path) = (place.drive.clone(), place.path_of(digest));
        if drive.meta(Site::BlobMeta, &path)?.is_none_or(|meta| meta.bytes != bytes) {
            return Ok(None);
        }
        let file = drive.open(Site::BlobOpen, &path, Access::Read)?;
        let staged = Staged { id, path, offset: bytes, bytes, digest, owner };
        let part = part.to_owned();
        let (named, durable, far_to, announced, hasher) = (true, bytes, bytes, far, None);
        Ok(Some(Self { staged, part, named, durable, far_to, announced, hasher, file, drive, gone: false }))
    }

    pub(super) fn write(&mut self, offset: u64, chunk: &[u8], reserve_bytes: u64) -> Result<u64, BlobError> {
        if offset != self.staged.offset {
            return Err(BlobError::OffsetDiffers { offset: self.staged.offset, sent: offset });
        }
        let end = offset.checked_add(chunk.len() as u64).ok_or(BlobError::TooManyBytes)?;
        if end > self.staged.bytes {
            return Err(BlobError::TooManyBytes);
        }
        check_reserve(&self.drive, &self.staged.path, reserve_bytes, chunk.len() as u64)?;
        self.hash_prefix()?;
        self.file.write_at(Site::PartWrite, offset, chunk)?;
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
        let mut hasher = Summing::default();
        let mut buffer = vec![0; 256 * 1024];
        let mut at = 0;
        while at < self.staged.offset {
            let wanted = (self.staged.offset - at).min(buffer.len() as u64) as usize;
            let read = self.file.read_at(Site::PartRead, at, &mut buffer[..wanted])?;
            if read < wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            hasher.update(&buffer[..read]);
            at += read as u64;
        }
        self.hasher = Some(hasher);
        Ok(())
    }

    /// `length` bytes from `at` on, which it has.
    pub(super) fn read(&self, at: u64, length: u64) -> io::Result<Bytes> {
        let mut bytes = vec![0; length as usize];
        let read = self.file.read_at(Site::PartRead, at, &mut bytes)?;
        if read < bytes.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes.into()) }
    }

    pub(super) fn sync(&mut self) -> io::Result<u64> {
        if self.durable < self.staged.offset {
            self.file.sync_data(Site::PartSync)?;
            let marks = self.part.with_extension("at");
            let end = self.drive.meta(Site::PartMeta, &marks)?.map_or(0, |meta| meta.bytes);
            let marks = self.drive.open(Site::MarksOpen, &marks, Access::ReadWrite)?;
            // Over a mark that was cut short by a full disk.
            marks.write_at(Site::MarkWrite, end / MARK_BYTES * MARK_BYTES, &mark(self.staged.offset))?;
            marks.sync_data(Site::MarkSync)?;
            self.durable = self.staged.offset;
        }
        Ok(self.durable)
    }

    /// All bytes are here and are the right ones, synced: ready for their name.
    pub(super) fn complete(&mut self) -> Result<Sums, BlobError> {
        let Staged { offset, bytes, digest, .. } = self.staged;
        if offset != bytes {
            return Err(BlobError::OffsetDiffers { offset, sent: bytes });
        }
        self.hash_prefix()?;
        let hasher = self.hasher.clone().unwrap_or_default();
        let (received, sums) = hasher.finish();
        if received != digest {
            return Err(BlobError::DigestDiffers { stated: digest, received });
        }
        if !self.named {
            // A chunk that failed half way may have left bytes past the end.
            self.file.truncate(Site::PartCut, bytes)?;
            self.file.sync_data(Site::PartSync)?;
        }
        Ok(sums)
    }

    /// Gives the bytes their name.
    fn name(&mut self, place: &Place) -> Result<(), BlobError> {
        let sums = self.complete()?;
        let digest = self.staged.digest;
        if self.named {
            // Asked for first, looked for then: collection does not take in between what it has not taken yet.
            place.touched.note(digest);
            if self.drive.meta(Site::BlobMeta, &self.staged.path)?.is_none() {
                self.forget();
                return Err(BlobError::NoSuchUpload(self.staged.id));
            }
        } else {
            place.publish(&self.part, digest)?;
            (self.named, self.staged.path) = (true, place.path_of(digest));
        }
        place.keep_sums(digest, &sums);
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        self.gone = true;
        remove_files(&self.drive, &self.part);
    }
}

impl Blobs {
    /// Begins an upload, or finds the one begun before with the same digest, size and owner: at this server, or where the audio lies far at any other.
    pub async fn stage(&self, digest: Digest, bytes: u64, owner: String) -> Result<Staged, BlobError> {
        match self.far() {
            Some(far) => self.stage_anywhere(far, (digest, bytes, owner)).await,
            None => self.stage_here((digest, bytes, owner)).await,
        }
    }

    pub(super) async fn stage_here(&self, identity: Identity) -> Result<Staged, BlobError> {
        loop {
            // Held over the search and the creation, so that two hands with the same file find one upload.
            let mut uploads = self.uploads.lock().await;
            let known = uploads.iter().find(|(_, (known, _))| *known == identity);
            let Some((id, upload)) = known.map(|(id, (_, upload))| (*id, upload.clone())) else {
                let (drive, folder) = (self.place.drive.clone(), self.place.uploads());
                let (reserve_bytes, far) = (self.reserve_bytes, self.far().is_some());
                let upload = blocking(move || {
                    check_reserve(&drive, &folder, reserve_bytes, identity.1)?;
                    Upload::create(&drive, &folder, (fresh_id()?, far), identity)
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
        match self.far() {
            Some(far) => self.staged_anywhere(far, id).await,
            None => settled(self.upload(id).await?).await,
        }
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
        let synced = blocking(move || {
            // Also where there is nothing to do: this is an answer to somebody who writes.
            upload.drive.latch().check().map_err(BlobError::ReadOnly)?;
            let durable = upload.sync()?;
            Ok((upload, durable))
        });
        let (upload, durable) = synced.await?;
        if let Some(far) = self.far() {
            carry(far, upload).await?;
        }
        Ok(durable)
    }

    /// All bytes are here and are the right ones, durable and still without a name: whoever looks into them first (a decoder) may refuse them with
    /// `forget_staged`, and nothing of them stays. A wrong digest forgets the upload; too few bytes do not.
    pub async fn check_staged(&self, id: u128) -> Result<Staged, BlobError> {
        let mut upload = self.upload(id).await?;
        let about = upload.about();
        let checked = blocking(move || {
            let complete = upload.complete();
            if let Err(BlobError::DigestDiffers { .. }) = complete {
                upload.forget();
            }
            complete.map(|_| upload.staged.clone())
        })
        .await;
        if let Err(BlobError::DigestDiffers { .. }) = checked {
            self.uploads.lock().await.remove(&id);
            self.forget_anywhere(id, about).await;
        }
        checked
    }

    /// Uploads on their way whose owner is one of those asked for.
    pub async fn count_staged(&self, is_theirs: impl Fn(&str) -> bool) -> usize {
        self.uploads.lock().await.values().filter(|((.., owner), _)| is_theirs(owner)).count()
    }

    /// All bytes are here: checks the digest, gives the file its name, durable on return. The upload stays known, as one that is complete, until
    /// [`forget_staged`](Self::forget_staged): whoever tells the world of the file does so first, and after a crash in between goes on from here. A wrong
    /// digest forgets the upload; too few bytes do not.
    pub async fn name_staged(&self, id: u128) -> Result<Digest, BlobError> {
        let mut upload = self.upload(id).await?;
        let (place, far, about) = (self.place.clone(), self.far().cloned(), upload.about());
        // A task of its own: a caller that goes away must not leave a file that has its name and an upload that does not know it.
        let naming = tokio::spawn(async move {
            if let Some(far) = far {
                upload = keep_far(&far, &place, upload).await?;
            }
            blocking(move || {
                let named = upload.name(&place);
                if let Err(BlobError::DigestDiffers { .. }) = named {
                    upload.forget();
                }
                named.map(|()| upload.staged.digest)
            })
            .await
        });
        let named = match naming.await {
            Ok(named) => named,
            Err(error) => Err(io::Error::other(format!("naming the upload stopped: {error}")).into()),
        };
        match named {
            Ok(digest) => self.shelved(digest, about.bytes).await,
            Err(BlobError::DigestDiffers { .. } | BlobError::NoSuchUpload(_)) => {
                self.uploads.lock().await.remove(&id);
                self.forget_anywhere(id, about).await;
            }
            Err(_) => {}
        }
        named
    }

    /// As [`name_staged`](Self::name_staged), and forgets the upload.
    pub async fn finish_staged(&self, id: u128) -> Result<Digest, BlobError> {
        let digest = self.name_staged(id).await?;
        self.forget_staged(id).await?;
        Ok(digest)
    }

    /// The upload, with its bytes unless they have their name.
    pub async fn forget_staged(&self, id: u128) -> Result<(), BlobError> {
        let mut upload = self.upload(id).await?;
        let about = upload.about();
        blocking(move || {
            upload.forget();
            Ok(())
        })
        .await?;
        self.uploads.lock().await.remove(&id);
        self.forget_anywhere(id, about).await;
        Ok(())
    }

    /// Forgets uploads that nobody has written to for `older_than`; returns how many.
    pub async fn sweep(&self, older_than: Duration) -> Result<usize, BlobError> {
        let here = self.sweep_here(older_than).await?;
        match self.far() {
            // Those of this server are among them.
            Some(far) => Ok(here.max(far.sweep(older_than).await?)),
            None => Ok(here),
        }
    }

    async fn sweep_here(&self, older_than: Duration) -> Result<usize, BlobError> {
        let uploads = self.uploads.lock().await;
        let known: Vec<_> = uploads.iter().map(|(id, (_, upload))| (*id, upload.clone())).collect();
        drop(uploads);
        let mut swept = 0;
        for (id, upload) in known {
            // Whoever holds the lock is writing just now.
            let Ok(mut upload) = upload.try_lock_owned() else { continue };
            let stale = blocking(move || {
                let touched = upload.file.meta(Site::PartMeta)?.modified;
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

    pub(super) async fn upload(&self, id: u128) -> Result<OwnedMutexGuard<Upload>, BlobError> {
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
pub(super) fn load(place: &Place) -> io::Result<Vec<Upload>> {
    let (drive, uploads) = (&place.drive, place.uploads());
    let names = drive.list(Site::UploadsList, &uploads)?;
    let parts: BTreeSet<PathBuf> =
        names.iter().map(|name| uploads.join(name).with_extension("part")).collect();
    let mut found = Vec::new();
    for part in parts {
        match Upload::reopen(place, &part)? {
            Some(upload) => found.push(upload),
            None => remove_files(drive, &part),
        }
    }
    Ok(found)
}

fn id_of(part: &Path) -> Option<u128> {
    u128::from_str_radix(part.file_stem()?.to_str()?, 16).ok()
}

fn digest_of(hex: &str) -> Option<Digest> {
    Some(Digest(hex::decode(hex).ok()?.try_into().ok()?))
}

/// `None` where it is absent or was never written whole. A disk that cannot be read is an error: what it holds must not go for that.
fn read_sidecar(drive: &Drive, path: &Path) -> io::Result<Option<Sidecar>> {
    let meta = drive.meta(Site::PartMeta, path)?;
    let file = match drive.open(Site::SidecarOpen, path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    Ok(serde_json::from_slice(&whole(&file, Site::SidecarRead, meta)?).ok())
}

fn existing(drive: &Drive, site: Site, path: &Path) -> io::Result<Option<DriveFile>> {
    match drive.open(site, path, Access::ReadWrite) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A small file of ours.
fn whole(file: &DriveFile, site: Site, meta: Option<Meta>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; meta.map_or(0, |meta| meta.bytes.min(SMALL_BYTES)) as usize];
    let read = file.read_at(site, 0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The `.at` file grows by one mark with each sync; the last whole one counts, so a torn mark costs one sync's worth of bytes.
fn mark(offset: u64) -> [u8; MARK_BYTES as usize] {
    let mut mark = [0; MARK_BYTES as usize];
    mark[..8].copy_from_slice(&offset.to_le_bytes());
    let check = crc32c::crc32c(&mark[..8]);
    mark[8..].copy_from_slice(&check.to_le_bytes());
    mark
}

pub(super) fn durable_offset(marks: &[u8]) -> u64 {
    let mut whole = marks.chunks_exact(MARK_BYTES as usize).filter_map(|chunk| {
        let offset = u64::from_le_bytes(chunk[..8].try_into().ok()?);
        (mark(offset) == chunk).then_some(offset)
    });
    whole.next_back().unwrap_or(0)
}

fn remove_files(drive: &Drive, part: &Path) {
    for extension in ["part", "json", "at"] {
        // Absent is what is wanted; anything else is tried again at the next start.
        let _ = drive.remove(Site::PartRemove, &part.with_extension(extension));
    }
}
