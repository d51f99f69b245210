//! Reading finished audio. A whole read is hashed while it streams and its last chunk is held back until the digest is right (B-1).
//! It must never trust a name: a flipped bit ends in `Corrupt`, not in a complete file.

use std::{io, ops::Range};

use bytes::Bytes;
use deadwax_domain::Digest;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use sha2::{Digest as _, Sha256};

use super::{BlobError, Blobs, blocking};
use crate::disk::{Access, DriveFile, Site};

const CHUNK_BYTES: usize = 256 * 1024;

impl Blobs {
    /// `length` `None`: to the end. The total size comes first. Whole reads verify the digest while they stream (B-1). A range past the
    /// end is cut at the end.
    pub async fn read(
        &self,
        digest: Digest,
        offset: u64,
        length: Option<u64>,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, BlobError>>), BlobError> {
        let (drive, path) = (self.place.drive.clone(), self.path_of(digest));
        let opened = blocking(move || match drive.open(Site::BlobOpen, &path, Access::Read) {
            Ok(file) => {
                let total = file.meta(Site::BlobMeta)?.bytes;
                Ok((file, total))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::Missing(digest)),
            Err(error) => Err(error.into()),
        });
        let (file, total) = opened.await?;
        let end = length.map_or(total, |length| offset.saturating_add(length).min(total));
        if offset == 0 && end == total {
            let chunks =
                if total == 0 { stream::empty().boxed() } else { chunks(file, Site::BlobRead, 0..total) };
            return Ok((total, verified(digest, chunks)));
        }
        if offset >= end {
            return Ok((total, stream::empty().boxed()));
        }
        Ok((total, chunks(file, Site::BlobRead, offset..end)))
    }

    /// Reads a whole blob and tells whether it still matches its name. For a scrub in the background.
    pub async fn verify(&self, digest: Digest) -> Result<u64, BlobError> {
        let (total, mut chunks) = self.read(digest, 0, None).await?;
        while let Some(chunk) = chunks.next().await {
            chunk?;
        }
        Ok(total)
    }

    /// As `read`, of a derived file; `None` where there is none. Nothing is verified: it has no name of its own, and can be made again.
    pub async fn read_derived(
        &self,
        digest: Digest,
        kind: &'static str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<Option<(u64, BoxStream<'static, Result<Bytes, BlobError>>)>, BlobError> {
        let (drive, path) = (self.place.drive.clone(), self.path_of_derived(digest, kind));
        let opened = blocking(move || match drive.open(Site::DerivedOpen, &path, Access::Read) {
            Ok(file) => {
                let total = file.meta(Site::DerivedMeta)?.bytes;
                Ok(Some((file, total)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        });
        let Some((file, total)) = opened.await? else { return Ok(None) };
        let end = length.map_or(total, |length| offset.saturating_add(length).min(total));
        Ok(Some((total, chunks(file, Site::DerivedRead, offset.min(end)..end))))
    }
}

fn chunks(file: DriveFile, site: Site, range: Range<u64>) -> BoxStream<'static, Result<Bytes, BlobError>> {
    stream::try_unfold((file, range), move |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        blocking(move || {
            let mut chunk = vec![0; (range.end - range.start).min(CHUNK_BYTES as u64) as usize];
            let read = file.read_at(site, range.start, &mut chunk)?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            chunk.truncate(read);
            let next = range.start + read as u64..range.end;
            Ok(Some((Bytes::from(chunk), (file, next))))
        })
        .await
    })
    .boxed()
}

/// Passes chunks on one step late, and the last one only when the digest of all is the name.
fn verified(
    digest: Digest,
    chunks: BoxStream<'static, Result<Bytes, BlobError>>,
) -> BoxStream<'static, Result<Bytes, BlobError>> {
    let state = (chunks, Sha256::new(), None::<Bytes>, false);
    stream::try_unfold(state, move |(mut chunks, mut hasher, mut held, ended)| async move {
        if ended {
            return Ok(None);
        }
        loop {
            match chunks.next().await {
                Some(chunk) => {
                    let chunk = chunk?;
                    hasher.update(&chunk);
                    if let Some(ready) = held.replace(chunk) {
                        return Ok(Some((ready, (chunks, hasher, held, false))));
                    }
                }
                None => {
                    let found = Digest(hasher.clone().finalize().into());
                    if found != digest {
                        return Err(BlobError::Corrupt(digest));
                    }
                    return Ok(held.take().map(|last| (last, (chunks, hasher, None, true))));
                }
            }
        }
    })
    .boxed()
}
