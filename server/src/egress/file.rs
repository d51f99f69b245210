//! The file of the book on the drive of the studio: found or begun, settled as a start finds it, written behind its end. Its errors reach the one latch of all
//! that is written. Never here: what a page says, who is told what.

use std::{io, path::Path};

use super::{
    page::{NOTHING, PAGE_BYTES, Page},
    scan::End,
};
use crate::disk::{Access, Drive, DriveFile, Site};

/// Within the studio folder.
pub const FOLDER: &str = "egress";
pub const NAME: &str = "book";
/// The most that is written and synced at once, and what a start writes once more.
pub const PAGES_AT_ONCE: u32 = 1024;

#[derive(Clone)]
pub struct BookFile {
    drive: Drive,
    file: DriveFile,
}

impl BookFile {
    /// The book in a folder; both are made where they are not there, for nobody else to read, and their names are durable on return.
    pub fn open(drive: &Drive, folder: &Path) -> io::Result<Self> {
        drive.make_dir(Site::BookFolder, folder)?;
        if let Some(parent) = folder.parent() {
            drive.sync_dir(Site::BookRootSync, parent)?;
        }
        let path = folder.join(NAME);
        let file = match drive.open(Site::BookOpen, &path, Access::ReadWrite) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => drive.create(Site::BookCreate, &path)?,
            opened => opened?,
        };
        drive.sync_dir(Site::BookFolderSync, folder)?;
        Ok(Self { drive: drive.clone(), file })
    }

    /// A book that is only read; `None` where there is none.
    pub fn look(path: &Path) -> io::Result<Option<Self>> {
        let drive = Drive::real();
        match drive.open(Site::BookOpen, path, Access::Read) {
            Ok(file) => Ok(Some(Self { drive, file })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.meta(Site::BookMeta)?.bytes)
    }

    /// How many bytes were read; fewer than asked only at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(Site::BookRead, offset, buffer)
    }

    /// An error once the latch has fallen.
    pub fn check(&self) -> io::Result<()> {
        Ok(self.drive.latch().check()?)
    }

    /// The first page of a new book; durable on return.
    pub fn begin(&self, id: [u8; 32]) -> io::Result<End> {
        let (bytes, link) = Page::Head(id).write(&NOTHING, 0);
        self.file.write_at(Site::BookHead, 0, &bytes)?;
        self.file.sync_data(Site::BookHeadSync)?;
        Ok(End { pages: 1, link, torn_bytes: 0 })
    }

    /// Makes what a scan found safe to go on from: the torn end goes, and what was written last is written and synced once more. The process before may have
    /// died, or its sync failed, between the two; then these pages are in memory only.
    pub fn settle(&self, end: End) -> io::Result<()> {
        if end.torn_bytes > 0 {
            tracing::warn!(bytes = end.torn_bytes, page = end.pages, "cut a torn end off the egress book");
            self.file.truncate(Site::BookCut, end.offset())?;
        }
        let pages = end.pages.min(PAGES_AT_ONCE);
        let mut bytes = vec![0; pages as usize * PAGE_BYTES];
        let from = end.offset() - bytes.len() as u64;
        if self.file.read_at(Site::BookTailRead, from, &mut bytes)? != bytes.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.write_at(Site::BookTailWrite, from, &bytes)?;
        self.file.sync_data(Site::BookTailSync)
    }

    /// Durable on return. Where it fails nothing of it stays, or the latch has fallen.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_at(Site::BookWrite, offset, bytes) {
            // Half a page must not stand before the next one.
            return match self.file.truncate(Site::BookUndo, offset) {
                Ok(()) => Err(error),
                Err(stays) => Err(self.drive.latch().fall(format!("{}: {stays}", Site::BookUndo)).into()),
            };
        }
        self.file.sync_data(Site::BookSync)
    }
}
