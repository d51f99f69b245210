//! Bytes from the object store to their end, gone on with where the line broke, and bytes of ours on their way to it. Never here: what they are believed to be.

use std::{io, path::PathBuf};

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;

use super::{Far, FarError, TRIES, bucket::Arriving};
use crate::{
    blob::{BlobError, blocking},
    disk::{Access, Drive, Site},
};

const WHAT: &str = "read";

/// An object that is being read.
pub(in crate::blob) struct Reading<'f> {
    far: &'f Far,
    key: String,
    at: u64,
    pub total: u64,
    arriving: Option<Arriving>,
    /// Tries without a byte that are left.
    left: u32,
}

impl Far {
    pub(in crate::blob) async fn open(&self, key: &str) -> Result<Option<Reading<'_>>, FarError> {
        let begun = self.tried(WHAT, key, || self.bucket.get(key, 0)).await?;
        Ok(begun.map(|(total, arriving)| Reading {
            far: self,
            key: key.to_owned(),
            at: 0,
            total,
            arriving: Some(arriving),
            left: TRIES,
        }))
    }
}

impl Reading<'_> {
    /// The next bytes, never none of them; `None` at the end.
    pub(in crate::blob) async fn next(&mut self) -> Result<Option<Bytes>, FarError> {
        while self.at < self.total {
            let arriving = match &mut self.arriving {
                Some(arriving) => arriving,
                None => {
                    let (far, key, at) = (self.far, &self.key, self.at);
                    let again = far.tried(WHAT, key, || far.bucket.get(key, at)).await?;
                    let Some((_, arriving)) = again.filter(|(total, _)| *total == self.total) else {
                        return Err(FarError::away(WHAT, key, "it changed while it was read"));
                    };
                    self.arriving.insert(arriving)
                }
            };
            let broke = match tokio::time::timeout(self.far.patience, arriving.next()).await {
                Ok(Some(Ok(chunk))) if chunk.is_empty() => continue,
                Ok(Some(Ok(chunk))) if chunk.len() as u64 <= self.total - self.at => {
                    (self.at, self.left) = (self.at + chunk.len() as u64, TRIES);
                    return Ok(Some(chunk));
                }
                Ok(Some(Ok(_))) => FarError::away(WHAT, &self.key, "more bytes came than it has"),
                Ok(Some(Err(error))) => error,
                Ok(None) => FarError::away(WHAT, &self.key, "the bytes ended early"),
                Err(_) => FarError::away(WHAT, &self.key, "no byte came for too long"),
            };
            self.arriving = None;
            if self.left <= 1 || broke.lasting {
                self.far.given_up(&broke);
                return Err(broke);
            }
            self.left -= 1;
            self.far.rest(TRIES - self.left).await;
        }
        Ok(None)
    }

    /// All of a small object.
    pub(in crate::blob) async fn whole(mut self, most: u64) -> Result<Bytes, FarError> {
        if self.total > most {
            return Err(FarError::away(WHAT, &self.key, format!("it has {} bytes", self.total)));
        }
        let mut whole = BytesMut::with_capacity(self.total as usize);
        while let Some(chunk) = self.next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

/// Where bytes of ours lie.
#[derive(Clone)]
pub(in crate::blob) enum Source {
    Bytes(Bytes),
    File { drive: Drive, path: PathBuf, bytes: u64 },
}

impl Source {
    pub(in crate::blob) async fn file(drive: &Drive, path: PathBuf) -> Result<Self, BlobError> {
        let drive = drive.clone();
        blocking(move || {
            let bytes = drive.open(Site::GivenOpen, &path, Access::Read)?.meta(Site::PartMeta)?.bytes;
            Ok(Self::File { drive, path, bytes })
        })
        .await
    }

    pub(in crate::blob) fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { bytes, .. } => *bytes,
        }
    }

    /// `length` bytes from `at` on, which it has.
    pub(super) async fn part(&self, at: u64, length: u64) -> io::Result<Bytes> {
        let (drive, path) = match self {
            Self::Bytes(bytes) => return Ok(bytes.slice(at as usize..(at + length) as usize)),
            Self::File { drive, path, .. } => (drive.clone(), path.clone()),
        };
        let read = crate::disk::work::run(move || {
            let file = drive.open(Site::GivenOpen, &path, Access::Read)?;
            let mut part = vec![0; length as usize];
            let read = file.read_at(Site::GivenRead, at, &mut part)?;
            if read < part.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Bytes::from(part)) }
        });
        read.await?
    }
}
