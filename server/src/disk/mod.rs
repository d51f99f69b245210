//! All that journal, audio and the egress book ask of a disk, behind one small trait, so that a disk which fails, fills up or forgets can be put under them (`faulty`).
//! `Drive` is what they hold: it goes on after an interruption and a short write, and its latch ends every write after the first failed sync. `work` is where it
//! is done. Never here:
//! what a record or a blob is.

#[cfg(any(test, feature = "faults"))]
pub mod faulty;
mod figures;
mod latch;
mod real;
mod site;
#[cfg(test)]
mod trial;
pub mod work;

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Instant, SystemTime},
};

pub use figures::Figures;
pub use latch::{Latch, Stopped};
pub use real::RealDisk;
pub use site::{Call, Site};

use crate::planted::planted;

/// How a file is opened that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    ReadWrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub bytes: u64,
    pub modified: SystemTime,
}

/// What is free for a user who is not root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub bytes: u64,
    /// Files that can still be made; `u64::MAX` where the file system does not count them.
    pub files: u64,
}

/// A disk by its calls, each of them one call of the operating system: a write may be short, a call may be interrupted. `site` says who asks.
pub trait Disk: Send + Sync + 'static {
    /// With its parents, for nobody else to read; one that is there is left as it is.
    fn make_dir(&self, site: Site, path: &Path) -> io::Result<()>;
    /// A new file, for nobody else to read. Its name is durable after `sync_dir` of its folder.
    fn create(&self, site: Site, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    fn open(&self, site: Site, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    fn meta(&self, site: Site, path: &Path) -> io::Result<Meta>;
    /// The names in a folder, sorted.
    fn list(&self, site: Site, folder: &Path) -> io::Result<Vec<String>>;
    /// Takes the place of what bears the name; durable after `sync_dir` of both folders.
    fn rename(&self, site: Site, from: &Path, to: &Path) -> io::Result<()>;
    fn make_private(&self, site: Site, path: &Path) -> io::Result<()>;
    fn remove(&self, site: Site, path: &Path) -> io::Result<()>;
    fn sync_dir(&self, site: Site, folder: &Path) -> io::Result<()>;
    fn room(&self, site: Site, folder: &Path) -> io::Result<Room>;
}

pub trait DiskFile: Send + Sync {
    /// How many of `bytes` were written.
    fn write_at(&self, site: Site, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// How many bytes were read; 0 only at the end of the file.
    fn read_at(&self, site: Site, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Bytes and length are on the disk on return.
    fn sync_data(&self, site: Site) -> io::Result<()>;
    fn truncate(&self, site: Site, bytes: u64) -> io::Result<()>;
    fn meta(&self, site: Site) -> io::Result<Meta>;
}

/// A disk, its latch and its figures; clones share all three. Every call that changes something fails once the latch has fallen.
#[derive(Clone)]
pub struct Drive {
    disk: Arc<dyn Disk>,
    latch: Latch,
    figures: Figures,
}

/// An open file of a drive.
#[derive(Clone)]
pub struct DriveFile {
    file: Arc<dyn DiskFile>,
    latch: Latch,
    figures: Figures,
}

impl Default for Drive {
    fn default() -> Self {
        Self::real()
    }
}

impl Drive {
    /// The file system of this machine.
    pub fn real() -> Self {
        Self::on(Arc::new(RealDisk))
    }

    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self { disk, latch: Latch::default(), figures: Figures::default() }
    }

    pub fn latch(&self) -> &Latch {
        &self.latch
    }

    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    fn of(&self, file: Arc<dyn DiskFile>) -> DriveFile {
        DriveFile { file, latch: self.latch.clone(), figures: self.figures.clone() }
    }

    pub fn make_dir(&self, site: Site, path: &Path) -> io::Result<()> {
        self.latch.check()?;
        unbroken(|| self.disk.make_dir(site, path))
    }

    pub fn create(&self, site: Site, path: &Path) -> io::Result<DriveFile> {
        self.latch.check()?;
        Ok(self.of(unbroken(|| self.disk.create(site, path))?))
    }

    pub fn open(&self, site: Site, path: &Path, access: Access) -> io::Result<DriveFile> {
        Ok(self.of(unbroken(|| self.disk.open(site, path, access))?))
    }

    /// `None` where nothing bears the name.
    pub fn meta(&self, site: Site, path: &Path) -> io::Result<Option<Meta>> {
        match unbroken(|| self.disk.meta(site, path)) {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn list(&self, site: Site, folder: &Path) -> io::Result<Vec<String>> {
        unbroken(|| self.disk.list(site, folder))
    }

    pub fn rename(&self, site: Site, from: &Path, to: &Path) -> io::Result<()> {
        self.latch.check()?;
        unbroken(|| self.disk.rename(site, from, to))
    }

    pub fn make_private(&self, site: Site, path: &Path) -> io::Result<()> {
        self.latch.check()?;
        unbroken(|| self.disk.make_private(site, path))
    }

    pub fn remove(&self, site: Site, path: &Path) -> io::Result<()> {
        self.latch.check()?;
        unbroken(|| self.disk.remove(site, path))
    }

    /// A failure lets the latch fall.
    pub fn sync_dir(&self, site: Site, folder: &Path) -> io::Result<()> {
        self.latch.check()?;
        if planted!("no-folder-fsync") {
            return Ok(());
        }
        unbroken(|| self.disk.sync_dir(site, folder)).map_err(|error| self.latch.failed(site, &error))
    }

    pub fn room(&self, site: Site, folder: &Path) -> io::Result<Room> {
        unbroken(|| self.disk.room(site, folder))
    }
}

impl DriveFile {
    /// All of `bytes`; where it fails, any part of them may have been written.
    pub fn write_at(&self, site: Site, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        self.latch.check()?;
        while !bytes.is_empty() {
            let written = unbroken(|| self.file.write_at(site, offset, bytes))?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
            offset += written as u64;
        }
        Ok(())
    }

    /// How many bytes were read; fewer than asked only at the end of the file.
    pub fn read_at(&self, site: Site, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match unbroken(|| self.file.read_at(site, offset + read as u64, rest))? {
                0 => break,
                more => read += more,
            }
        }
        Ok(read)
    }

    /// A failure lets the latch fall: what was to be written may be lost, and a second sync would not tell.
    pub fn sync_data(&self, site: Site) -> io::Result<()> {
        self.latch.check()?;
        let began = Instant::now();
        let synced = unbroken(|| self.file.sync_data(site));
        let synced =
            synced.or_else(|no| if planted!("fsync-retried") { self.file.sync_data(site) } else { Err(no) });
        self.figures.synced(site, began.elapsed());
        synced.map_err(|error| self.latch.failed(site, &error))
    }

    pub fn truncate(&self, site: Site, bytes: u64) -> io::Result<()> {
        self.latch.check()?;
        unbroken(|| self.file.truncate(site, bytes))
    }

    pub fn meta(&self, site: Site) -> io::Result<Meta> {
        unbroken(|| self.file.meta(site))
    }
}

/// Nothing is left to write with: bytes, names or the owner's share of them.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// A call that was interrupted did nothing and is made again.
fn unbroken<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
