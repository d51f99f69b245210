//! A copy of a studio folder's journal and blobs that can be opened as a studio, taken while the server runs, and the way back. No lock is needed: segments
//! only grow, an erased entry has its redaction further on, and blobs never change; they come after the journal that names them.
//! It copies facts and audio only. Configuration and keys are for the caller to keep, apart from the music.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{
    OpenError,
    cut::cut,
    journal::{Journal, segment_name},
    verify::{VerifyReport, existing, verify_journal},
};
use crate::disk::Drive;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The copy as it was read back.
    pub journal: VerifyReport,
    pub blobs: u64,
    /// Of these, copied now; the others were there from an earlier backup.
    pub copied_blobs: u64,
    pub copied_bytes: u64,
    /// Blobs of the studio whose bytes do not match their names. They are not copied.
    pub damaged_blobs: Vec<String>,
}

/// Copies `root/journal` and `root/blobs` to `dest`, durable on return. An earlier backup of the same studio in `dest` is brought up to
/// date; one of another studio is refused.
pub fn backup(root: &Path, dest: &Path) -> Result<BackupReport, OpenError> {
    copy(root, dest, u64::MAX)
}

/// The way back: into `dest`, which must hold no journal yet, with the first `records` records and no more. What was redacted later stays redacted.
pub fn restore(backup: &Path, dest: &Path, records: u64) -> Result<BackupReport, OpenError> {
    if dest.join("journal").exists() {
        let there = io::Error::new(io::ErrorKind::AlreadyExists, "it holds a journal already");
        return Err(OpenError::io(&format!("writing to {}", dest.display()))(there));
    }
    copy(backup, dest, records)
}

fn copy(root: &Path, dest: &Path, records: u64) -> Result<BackupReport, OpenError> {
    let source = existing(root)?;
    make_dir(dest).map_err(OpenError::io(&format!("making {}", dest.display())))?;
    let partial = dest.join("journal.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(OpenError::io("removing an unfinished backup"))?;
    }
    copy_segments(&source, &partial).map_err(OpenError::io("copying the journal"))?;
    // A writer may have been half way through a record.
    cut(&partial, records)?;
    let copy = Journal::open(Drive::real(), &partial)?;
    let journal = verify_journal(&copy)?;
    let current = dest.join("journal");
    if current.exists() && Journal::open(Drive::real(), &current)?.id != copy.id {
        let other = io::Error::new(io::ErrorKind::AlreadyExists, "it holds the backup of another studio");
        return Err(OpenError::io(&format!("writing to {}", dest.display()))(other));
    }
    let mut report =
        BackupReport { journal, blobs: 0, copied_blobs: 0, copied_bytes: 0, damaged_blobs: Vec::new() };
    // Blobs before the journal takes its place: at every moment the journal in `dest` finds its blobs there.
    copy_blobs(&root.join("blobs"), &dest.join("blobs"), &mut report)
        .map_err(OpenError::io("copying the blobs"))?;
    replace(&partial, &current).map_err(OpenError::io("putting the new journal in its place"))?;
    sync_dir(dest).map_err(OpenError::io("syncing the backup"))?;
    Ok(report)
}

/// In order, each to the end it has when its turn comes, until there is no next one.
pub(super) fn copy_segments(source: &Path, dest: &Path) -> io::Result<()> {
    make_dir(dest)?;
    for name in (1u32..).map(segment_name) {
        match File::open(source.join(&name)) {
            Ok(mut segment) => {
                let mut copy = create(&dest.join(&name))?;
                io::copy(&mut segment, &mut copy)?;
                copy.sync_all()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    sync_dir(dest)
}

fn copy_blobs(source: &Path, dest: &Path, report: &mut BackupReport) -> io::Result<()> {
    make_dir(dest)?;
    let folders = match fs::read_dir(source) {
        Ok(folders) => folders,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for folder in folders {
        let folder = folder?;
        let dest = dest.join(folder.file_name());
        make_dir(&dest)?;
        for blob in fs::read_dir(folder.path())? {
            let blob = blob?;
            let name = blob.file_name().to_string_lossy().into_owned();
            let digest = format!("{}{name}", folder.file_name().to_string_lossy());
            // The object store's own unfinished files bear a `#`.
            if digest.len() != 64 || name.contains('#') {
                continue;
            }
            let to = dest.join(&name);
            let copied = blob.metadata().map(|found| found.len()).and_then(|bytes| {
                let there = fs::metadata(&to).is_ok_and(|there| there.len() == bytes);
                let sound = there || copy_blob(&blob.path(), &to, &digest)?;
                Ok((bytes, there, sound))
            });
            match copied {
                Ok((_, true, _)) => {}
                Ok((bytes, _, true)) => {
                    report.copied_blobs += 1;
                    report.copied_bytes += bytes;
                }
                Ok(_) => report.damaged_blobs.push(digest),
                // No fact named it, and it was collected meanwhile; who needs it is asked about afterwards.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            report.blobs += 1;
        }
        sync_dir(&dest)?;
    }
    sync_dir(dest)
}

/// Bytes under the digest that names them, durable on return, in a studio folder that no server holds. Whether they were what the name says.
pub fn put_blob(from: &Path, root: &Path, digest: &str) -> io::Result<bool> {
    let (first, rest) = digest.split_at(2);
    let (blobs, folder) = (root.join("blobs"), root.join("blobs").join(first));
    make_dir(&folder)?;
    let sound = copy_blob(from, &folder.join(rest), digest)?;
    sync_dir(&folder)?;
    sync_dir(&blobs)?;
    Ok(sound)
}

/// Whether the bytes were what the name says.
fn copy_blob(from: &Path, to: &Path, digest: &str) -> io::Result<bool> {
    let partial = to.with_extension("partial");
    let _ = fs::remove_file(&partial);
    let (mut source, mut copy) = (File::open(from)?, create(&partial)?);
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        copy.write_all(&buffer[..read])?;
    }
    if hex::encode(hasher.finalize()) != digest {
        fs::remove_file(&partial)?;
        return Ok(false);
    }
    copy.sync_all()?;
    fs::rename(&partial, to)?;
    Ok(true)
}

pub(super) fn replace(partial: &Path, current: &Path) -> io::Result<()> {
    let old = current.with_extension("old");
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    if current.exists() {
        fs::rename(current, &old)?;
    }
    fs::rename(partial, current)?;
    if old.exists() { fs::remove_dir_all(&old) } else { Ok(()) }
}

fn make_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::{
        blob::Blobs,
        store::{
            EmbeddedStore, Store, StreamId,
            conformance::append,
            embedded::{Options, verify},
        },
    };

    fn options(root: &Path) -> Options {
        Options { reserve_bytes: 0, segment_bytes: 4000, ..Options::new(root) }
    }

    /// Writers run on while the copy is made; what was acknowledged before it began is in it, with its audio.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_backup_of_a_running_studio_restores() {
        let folder = tempfile::tempdir().unwrap();
        let (root, dest) = (folder.path().join("studio"), folder.path().join("backup"));
        let store = Arc::new(EmbeddedStore::open(options(&root)).unwrap());
        let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
        let (begun, mut beginning) = tokio::sync::mpsc::channel(64);
        let writer = |stream: u128| {
            let (store, blobs, begun) = (store.clone(), blobs.clone(), begun.clone());
            tokio::spawn(async move {
                for seq in 0..120u64 {
                    let digest = blobs.put(Bytes::from(format!("audio {stream} {}", seq / 8))).await.unwrap();
                    let id = stream << 32 | u128::from(seq);
                    let done = store.append(append(stream, seq, id, &[&digest.to_string()])).await.unwrap();
                    if seq % 10 == 9 {
                        store.redact(StreamId(stream), seq).await.unwrap();
                    }
                    if seq == 30 {
                        begun.send(done).await.unwrap();
                    }
                }
            })
        };
        let writers: Vec<_> = (1..=4).map(writer).collect();
        for _ in 0..4 {
            beginning.recv().await.unwrap();
        }
        let first = tokio::task::spawn_blocking({
            let (root, dest) = (root.clone(), dest.clone());
            move || backup(&root, &dest).unwrap()
        });
        let first = first.await.unwrap();
        assert!(first.journal.entries >= 4 * 31 && first.damaged_blobs.is_empty(), "{first:?}");
        for writer in writers {
            writer.await.unwrap();
        }
        let second = backup(&root, &dest).unwrap();
        assert_eq!((second.journal.entries, second.blobs), (480, 60));
        assert_eq!(first.copied_blobs + second.copied_blobs, 60);
        drop((store, blobs));
        assert_eq!(verify(&root).unwrap(), second.journal);
        let restored = EmbeddedStore::open(options(&dest)).unwrap();
        let blobs = Blobs::open_with(dest.clone(), 0).await.unwrap();
        for stream in 1..=4 {
            let entries = restored.read(StreamId(stream), 0, usize::MAX).await.unwrap();
            assert_eq!(entries.len(), 120);
            for payload in entries.into_iter().filter_map(|entry| entry.payload) {
                let digest: [u8; 32] = hex::decode(payload).unwrap().try_into().unwrap();
                blobs.verify(deadwax_domain::Digest(digest)).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_damaged_blob_is_named_and_another_studio_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (root, other, dest) =
            (folder.path().join("a"), folder.path().join("b"), folder.path().join("backup"));
        drop(EmbeddedStore::open(options(&root)).unwrap());
        drop(EmbeddedStore::open(options(&other)).unwrap());
        let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
        let digest = blobs.put(Bytes::from_static(b"take one")).await.unwrap();
        fs::write(blobs.local_path(digest).await.unwrap(), b"take two").unwrap();
        let report = backup(&root, &dest).unwrap();
        assert_eq!(report.damaged_blobs, [digest.to_string()]);
        let refused = backup(&other, &dest).unwrap_err().to_string();
        assert!(refused.contains("another studio"), "{refused}");
    }
}
