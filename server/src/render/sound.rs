//! The local file of stored sound, once its bytes are known to be those of its name (B-1). Never here: what is done with it.

use std::path::PathBuf;

use deadwax_domain::{Alternate, Digest, File};

use crate::blob::{BlobError, Blobs};

#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// For the members: what is wrong with which file. What was not done because of it, and what helps, is the caller's to add.
    #[error(
        "The stored file of \u{201c}{alternate}\u{201d} is damaged or gone: its bytes do not match the digest {digest}."
    )]
    Damaged { alternate: Alternate, digest: Digest },
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// Reads the whole file first: what is made of damaged bytes would be taken for good.
pub async fn sound_path(blobs: &Blobs, file: &File) -> Result<PathBuf, Unsound> {
    sound(blobs, file.alternate, file.digest).await
}

/// As [`sound_path`], of a file by its digest.
pub async fn sound(blobs: &Blobs, alternate: Alternate, digest: Digest) -> Result<PathBuf, Unsound> {
    match blobs.verify(digest).await {
        Ok(_) => Ok(blobs.local_path(digest).await?),
        Err(error @ (BlobError::Corrupt(_) | BlobError::Missing(_))) => {
            tracing::error!(%digest, %error, "a stored file is not sound");
            Err(Unsound::Damaged { alternate, digest })
        }
        Err(error) => Err(error.into()),
    }
}
