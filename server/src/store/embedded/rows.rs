//! The sorted rows that the index is made of, and sled as their keeper. One constructor, one place that names sled; the journal is the
//! truth and these can be thrown away. `MapRows` keeps them in memory for tests of the journal alone.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::disk::is_full;

pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);
pub(super) type Row = (Vec<u8>, Vec<u8>);

pub(super) trait Rows: Send + Sync {
    fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>>;
    /// Rows with `key >= from` that start with `prefix`, in order, at most `limit`.
    fn range(&self, from: &[u8], prefix: &[u8], limit: usize) -> io::Result<Vec<Row>>;
    /// All or nothing.
    fn apply(&self, changes: Vec<Change>) -> io::Result<()>;
    /// One after the other: where the process dies in between, the first of them are there.
    fn put(&self, changes: Vec<Change>) -> io::Result<()> {
        self.apply(changes)
    }
}

/// Why the index on the disk is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Distrust {
    #[error("the machine stopped before the index was closed, and sled does not reach the disk by itself")]
    Unclean,
    #[error("it is broken: {0}")]
    Broken(String),
    #[error("there is no room to open it")]
    Full,
}

pub(super) struct SledRows {
    /// `None` only while it is being closed.
    db: Option<sled::Db>,
    folder: PathBuf,
    /// sled told of an error; what it holds is not trusted again.
    failed: AtomicBool,
}

impl SledRows {
    /// Opens what is there, if it can be trusted; a panic inside sled counts as broken.
    pub(super) fn open(folder: &Path) -> Result<Self, Distrust> {
        if folder.join("sled").exists() && !is_trusted(folder) {
            return Err(Distrust::Unclean);
        }
        Self::open_untested(folder).map_err(|error| match is_full(&error) {
            true => Distrust::Full,
            false => Distrust::Broken(error.to_string()),
        })
    }

    fn open_untested(folder: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        write_trust(folder, &boot_id().unwrap_or_default())?;
        let path = folder.join("sled");
        let opened = thread::spawn(move || {
            sled::Config::new()
                .path(path)
                .segment_size(4 << 20)
                .cache_capacity(64 << 20)
                .flush_every_ms(Some(500))
                .open()
        });
        let db = opened.join().map_err(|_| io::Error::other("sled panicked while it opened"))?;
        Ok(Self { db: Some(db.map_err(told)?), folder: folder.to_owned(), failed: AtomicBool::new(false) })
    }

    /// Moves what is there aside, where it may tell why it broke, and begins anew.
    pub(super) fn fresh(folder: &Path, why: &Distrust) -> io::Result<Self> {
        let aside = folder.with_extension("broken");
        if folder.exists() {
            if aside.exists() {
                fs::remove_dir_all(&aside)?;
            }
            match why {
                Distrust::Unclean => fs::remove_dir_all(folder)?,
                Distrust::Broken(_) | Distrust::Full => fs::rename(folder, &aside)?,
            }
        }
        Self::open_untested(folder)
    }

    fn ask<T>(&self, ask: impl FnOnce(&sled::Db) -> sled::Result<T>) -> io::Result<T> {
        let db = self.db.as_ref().ok_or_else(|| io::Error::other("the index is closed"))?;
        ask(db).map_err(|error| {
            self.failed.store(true, Ordering::Relaxed);
            told(error)
        })
    }
}

/// What sled says, with the operating system's own word where it has one.
fn told(error: sled::Error) -> io::Error {
    match error {
        sled::Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl Drop for SledRows {
    fn drop(&mut self) {
        // Dropping writes sled's buffers out; only then can its files be made durable and be trusted after a power cut.
        drop(self.db.take());
        let word = if *self.failed.get_mut() { "failed" } else { "clean" };
        if let Err(error) =
            sync_files(&self.folder.join("sled")).and_then(|()| write_trust(&self.folder, word))
        {
            tracing::warn!(%error, "the index was not closed cleanly; it may be rebuilt at the next start");
        }
    }
}

impl Rows for SledRows {
    fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(self.ask(|db| db.get(key))?.map(|row| row.to_vec()))
    }

    fn range(&self, from: &[u8], prefix: &[u8], limit: usize) -> io::Result<Vec<Row>> {
        self.ask(|db| {
            let mut rows = Vec::new();
            for row in db.range(from.to_vec()..).take(limit) {
                let (key, row) = row?;
                if !key.starts_with(prefix) {
                    break;
                }
                rows.push((key.to_vec(), row.to_vec()));
            }
            Ok(rows)
        })
    }

    fn apply(&self, changes: Vec<Change>) -> io::Result<()> {
        let mut batch = sled::Batch::default();
        for (key, row) in changes {
            match row {
                Some(row) => batch.insert(key, row),
                None => batch.remove(key),
            }
        }
        self.ask(|db| db.apply_batch(batch))
    }

    /// sled keeps every reader out during a batch and writes its log twice for it, waking all its threads each time.
    fn put(&self, changes: Vec<Change>) -> io::Result<()> {
        self.ask(|db| {
            changes.into_iter().try_for_each(|(key, row)| match row {
                Some(row) => db.insert(key, row).map(drop),
                None => db.remove(key).map(drop),
            })
        })
    }
}

/// An index is trusted after a clean close, or when the machine has run on since it was opened: sled survives the death of its
/// process, not of the machine.
fn is_trusted(folder: &Path) -> bool {
    match fs::read_to_string(folder.join("trust")) {
        Ok(word) => word == "clean" || boot_id().is_some_and(|boot| boot == word),
        Err(_) => false,
    }
}

fn write_trust(folder: &Path, word: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(word.as_bytes())?;
    file.as_file().sync_data()?;
    file.persist(folder.join("trust")).map_err(|failed| failed.error)?;
    File::open(folder)?.sync_all()
}

fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_files(&path)? } else { File::open(path)?.sync_all()? }
    }
    File::open(folder)?.sync_all()
}

#[cfg(any(test, feature = "faults"))]
#[derive(Default)]
pub(super) struct MapRows(std::sync::Mutex<std::collections::BTreeMap<Vec<u8>, Vec<u8>>>);

#[cfg(any(test, feature = "faults"))]
impl Rows for MapRows {
    fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).cloned())
    }
    fn range(&self, from: &[u8], prefix: &[u8], limit: usize) -> io::Result<Vec<Row>> {
        let rows = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = rows.range(from.to_vec()..).take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(found.map(|(key, row)| (key.clone(), row.clone())).collect())
    }
    fn apply(&self, changes: Vec<Change>) -> io::Result<()> {
        let mut rows = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (key, row) in changes {
            match row {
                Some(row) => rows.insert(key, row),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }
}
