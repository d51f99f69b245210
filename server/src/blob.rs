//! Audio by its SHA-256 (B-1): staged uploads that resume, then an immutable name. Knows bytes and digests, nothing of projects.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use deadwax_domain::Digest;
use futures::stream::BoxStream;

/// Finished audio, over the `object_store` crate.
pub struct Blobs {}

/// Bytes that are still arriving. One file under `uploads/`, durable up to `offset`; survives a restart.
pub struct Staged {
    pub id: u128,
    pub path: PathBuf,
    pub offset: u64,
    pub bytes: u64,
    pub digest: Digest,
    /// Opaque to this module: who and for which project, kept beside the bytes.
    pub owner: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("no bytes are stored under {0}")]
    Missing(Digest),
    #[error("the stored bytes do not match their name {0}")]
    Corrupt(Digest),
    #[error("the digest of the received bytes is {received}, not {stated}")]
    DigestDiffers { stated: Digest, received: Digest },
    #[error("the upload stands at {offset}, not at {sent}")]
    OffsetDiffers { offset: u64, sent: u64 },
    #[error("no upload {0:032x}")]
    NoSuchUpload(u128),
    #[error("more bytes than stated arrived")]
    TooManyBytes,
    #[error("the disk is nearly full: {free} bytes are free, {needed} are kept in reserve")]
    DiskNearlyFull { free: u64, needed: u64 },
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Store(#[from] object_store::Error),
}

impl Blobs {
    /// `root/blobs` for finished audio, `root/uploads` for staged bytes; both made where absent, mode 0700.
    pub async fn open(_root: PathBuf) -> Result<Arc<Self>, BlobError> {
        unimplemented!()
    }
    pub async fn has(&self, _digest: Digest) -> Result<bool, BlobError> {
        unimplemented!()
    }
    /// The local file of a blob, for the child that decodes it.
    pub async fn local_path(&self, _digest: Digest) -> Result<PathBuf, BlobError> {
        unimplemented!()
    }
    /// `length` `None`: to the end. The total size comes first. Whole reads verify the digest while they stream (B-1).
    pub async fn read(
        &self,
        _digest: Digest,
        _offset: u64,
        _length: Option<u64>,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, BlobError>>), BlobError> {
        unimplemented!()
    }
    /// Takes a finished local file (a render's output) under its digest, which is computed here. Durable on return.
    pub async fn adopt(&self, _path: PathBuf) -> Result<(Digest, u64), BlobError> {
        unimplemented!()
    }
    /// Begins an upload, or finds the one begun before with the same digest, size and owner.
    pub async fn stage(&self, _digest: Digest, _bytes: u64, _owner: String) -> Result<Staged, BlobError> {
        unimplemented!()
    }
    pub async fn staged(&self, _id: u128) -> Result<Staged, BlobError> {
        unimplemented!()
    }
    /// Appends a chunk at `offset`. Durable once `sync_staged` returns.
    pub async fn write_staged(&self, _id: u128, _offset: u64, _chunk: Bytes) -> Result<u64, BlobError> {
        unimplemented!()
    }
    pub async fn sync_staged(&self, _id: u128) -> Result<u64, BlobError> {
        unimplemented!()
    }
    /// All bytes are here: checks the digest, gives the file its name, durable on return. A wrong digest forgets the upload.
    pub async fn finish_staged(&self, _id: u128) -> Result<Digest, BlobError> {
        unimplemented!()
    }
    pub async fn forget_staged(&self, _id: u128) -> Result<(), BlobError> {
        unimplemented!()
    }
}
