//! The name of a file by its bytes: SHA-256 and length. Never here: what is in the file.

use std::{fs::File, io::Read as _, path::Path};

use sha2::{Digest as _, Sha256};

use crate::DspError;

const READ_BYTES: usize = 1 << 18;

/// What a finished file is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Reads a finished file once more for its name in the store. Sizes and levels are set at its end, so no digest can be made while it is written.
/// Errors: `Open`.
pub fn digest(path: &Path) -> Result<Digest, DspError> {
    digest_of(path, &mut |_| Ok(()))
}

/// [`digest`], which tells after each piece how much of the file was read, 0 to 1, and ends where that is answered with an error.
pub(crate) fn digest_of(
    path: &Path,
    read: &mut dyn FnMut(f64) -> Result<(), DspError>,
) -> Result<Digest, DspError> {
    let opened = |e| DspError::open(path, e);
    let mut file = File::open(path).map_err(opened)?;
    let total = file.metadata().map_err(opened)?.len().max(1);
    let (mut sum, mut piece, mut bytes) = (Sha256::new(), vec![0; READ_BYTES], 0u64);
    loop {
        let count = file.read(&mut piece).map_err(opened)?;
        if count == 0 {
            return Ok(Digest { bytes, sha256: hex::encode(sum.finalize()) });
        }
        sum.update(&piece[..count]);
        bytes += count as u64;
        read((bytes as f64 / total as f64).min(1.0))?;
    }
}
