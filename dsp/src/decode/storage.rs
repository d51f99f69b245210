//! Where the bytes of a sound lie: in a file on this machine, or somewhere that hands them over as they come. Never here: what the bytes mean.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use symphonia::core::io::MediaSource;

/// Bytes that can be read at any place. A read that fails ends the decoding; one that waits is the storage's own business.
pub trait Bytes: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Bytes for T {}

/// Something that can be opened several times; each opening keeps a place of its own.
pub trait Storage: Send + Sync {
    fn open(&self) -> io::Result<Box<dyn Bytes>>;

    /// The length, known before the bytes are here.
    fn byte_len(&self) -> u64;
}

pub(super) struct FileStorage {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

impl Storage for FileStorage {
    fn open(&self) -> io::Result<Box<dyn Bytes>> {
        Ok(Box::new(File::open(&self.path)?))
    }

    fn byte_len(&self) -> u64 {
        self.bytes
    }
}

/// What lies behind `start`, as if the file began there.
pub(super) struct Tail {
    inner: Box<dyn Bytes>,
    start: u64,
    bytes: u64,
    at: u64,
}

impl Tail {
    pub(super) fn new(mut inner: Box<dyn Bytes>, start: u64, whole: u64) -> io::Result<Tail> {
        inner.seek(SeekFrom::Start(start))?;
        Ok(Tail { inner, start, bytes: whole.saturating_sub(start), at: 0 })
    }
}

impl Read for Tail {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = out.len().min(left);
        let read = self.inner.read(&mut out[..wanted])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Tail {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the start"))?;
        self.inner.seek(SeekFrom::Start(self.start.saturating_add(at)))?;
        self.at = at;
        Ok(at)
    }
}

impl MediaSource for Tail {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.bytes)
    }
}
