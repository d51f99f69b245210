//! Audio that came from the studio, by its digest; copies for listening apart from originals. Files are readable by their owner alone (0600 in a folder of 0700)
//! and removed when the profile signs out. What was wanted longest ago goes first, what is open stays. Never here: the line, decoding.

mod entry;
mod map;
mod ranges;

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::SystemTime,
};

pub use entry::{Check, Entry, Kept};
pub use ranges::Ranges;

/// Where a person said nothing.
pub const BYTES_MAX_DEFAULT: u64 = 4 << 30;

/// What an entry is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// 64 hexadecimal digits.
    sha256: String,
    listening: bool,
}

impl Key {
    /// `None` where this is no digest: it becomes a file name.
    pub fn new(sha256: &str, listening: bool) -> Option<Key> {
        let digest = sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        digest.then(|| Key { sha256: sha256.to_owned(), listening })
    }

    fn name(&self) -> String {
        format!("{}{}", self.sha256, if self.listening { "-listening" } else { "" })
    }

    fn file_name(&self, kind: &str) -> String {
        format!("{}.{kind}", self.name())
    }
}

/// Cheap to clone; clones are the same cache.
#[derive(Clone)]
pub struct AudioCache {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    bytes_max: u64,
    open: Mutex<HashMap<Key, Weak<Entry>>>,
}

impl AudioCache {
    /// `bytes_max` 0: the default. The folder is made where it is missing.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<AudioCache> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let bytes_max = if bytes_max == 0 { BYTES_MAX_DEFAULT } else { bytes_max };
        let inner = Inner { folder: folder.to_owned(), bytes_max, open: Mutex::default() };
        Ok(AudioCache { inner: Arc::new(inner) })
    }

    /// The entry, made where it is missing. The same one for everybody in this process.
    pub fn entry(&self, key: &Key) -> io::Result<Arc<Entry>> {
        let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = open.get(key).and_then(Weak::upgrade) {
            return Ok(entry);
        }
        open.retain(|_, entry| entry.strong_count() > 0);
        let entry = Arc::new(Entry::open(&self.inner.folder, key.clone())?);
        open.insert(key.clone(), Arc::downgrade(&entry));
        Ok(entry)
    }

    /// What the files take on the disk.
    pub fn bytes(&self) -> u64 {
        self.files().iter().map(|file| file.bytes).sum()
    }

    /// Removes what was wanted longest ago until the rest fits. What is open here or in another client stays, however much it is.
    pub fn trim(&self) {
        let mut files = self.files();
        files.sort_by_key(|file| file.wanted);
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if bytes <= self.inner.bytes_max {
                return;
            }
            if self.remove(&file.data) {
                bytes -= file.bytes;
            }
        }
    }

    fn remove(&self, data: &Path) -> bool {
        let Ok(file) = fs::OpenOptions::new().read(true).open(data) else { return false };
        if file.try_lock().is_err() {
            return false;
        }
        // The map first: bytes without a map are nothing, a map without its bytes would be a lie.
        let map = data.with_extension("map");
        let gone = fs::remove_file(&map)
            .or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) });
        gone.and_then(|()| fs::remove_file(data)).is_ok()
    }

    fn files(&self) -> Vec<Held> {
        let Ok(found) = fs::read_dir(&self.inner.folder) else { return Vec::new() };
        let held = |entry: io::Result<fs::DirEntry>| {
            let data = entry.ok()?.path();
            let about =
                data.extension().filter(|kind| *kind == "audio").and_then(|_| fs::metadata(&data).ok())?;
            Some(Held { wanted: about.modified().ok()?, bytes: about.blocks() * 512, data })
        };
        found.filter_map(held).collect()
    }
}

struct Held {
    data: PathBuf,
    bytes: u64,
    wanted: SystemTime,
}
