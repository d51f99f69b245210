//! What is stored stays whole, and what nobody needs goes: verify, backup and restore for the operator; scrub and collection while the server runs. One file a
//! job. Never here: how the journal and the audio lie on the disk (`store`, `blob`), and rules of the studio.

pub mod backup;
pub mod book;
pub mod elsewhere;
pub mod gc;
pub mod migrate;
pub mod named;
pub mod restore;
pub mod scrub;
pub mod settings;
pub mod travel;
pub mod verify;
pub mod work;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use deadwax_domain::Digest;
use sha2::{Digest as _, Sha256};

use crate::blob;

/// One thing that is not as it should be, and what its operator does next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub what: String,
    pub next: String,
}

impl Finding {
    fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }
}

/// Every file below a folder, sorted; none where the folder is absent. Links are not followed.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The file of a blob in a studio folder or in a backup of one.
fn blob_path(root: &Path, digest: Digest) -> PathBuf {
    let hex = digest.to_string();
    root.join("blobs").join(&hex[..2]).join(&hex[2..])
}

/// Digest and length of what lies in a file.
fn hash_file(path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((Digest(hash.finalize().into()), length)),
            Ok(read) => {
                hash.update(&buffer[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Audio in a folder: its digest by its name, its file, its length.
fn audio_in(root: &Path) -> io::Result<Vec<(Option<Digest>, PathBuf, u64)>> {
    let files = files_below(&root.join("blobs"))?;
    files
        .into_iter()
        .map(|file| {
            let bytes = fs::metadata(&file)?.len();
            Ok((blob::digest_of(&file), file, bytes))
        })
        .collect()
}

/// Whole or not at all, durable, for this user alone.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("part");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn make_private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
