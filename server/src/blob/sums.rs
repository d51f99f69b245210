//! Checksums of the pieces of a blob, made while its digest is made and kept beside it under `derived/`. With them a range of a large file is checked before
//! it leaves, without reading the rest. They are believed only where their own digest is right, and can be made again from the blob. Never here: a disk.

use std::mem;

use bytes::{Buf, BufMut, Bytes};
use deadwax_domain::Digest;
use sha2::{Digest as _, Sha256};

/// What is read, checked and sent at once.
pub(super) const PIECE_BYTES: u64 = 256 * 1024;
/// The word under which they lie beside what else is derived from a blob.
pub(super) const KIND: &str = "sums";

const MAGIC: &[u8; 8] = b"DEADWAXS";
const FORMAT: u32 = 1;
const HEAD_BYTES: usize = 8 + 4 + 4 + 8 + 32;
const SEAL_BYTES: usize = 32;

/// CRC32C of each piece. Every flipped bit changes it; whoever reads a whole blob compares its digest as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    pub bytes: u64,
    pieces: Vec<u32>,
}

impl Sums {
    /// Whether `bytes` are the whole of piece `number`, as they were.
    pub(super) fn fits(&self, number: u64, bytes: &[u8]) -> bool {
        let length = self.bytes.saturating_sub(number.saturating_mul(PIECE_BYTES)).min(PIECE_BYTES);
        let sum = usize::try_from(number).ok().and_then(|number| self.pieces.get(number));
        bytes.len() as u64 == length && sum.is_some_and(|sum| *sum == crc32c::crc32c(bytes))
    }

    pub(super) fn to_bytes(&self, digest: Digest) -> Bytes {
        let mut out = Vec::with_capacity(HEAD_BYTES + 4 * self.pieces.len() + SEAL_BYTES);
        out.put_slice(MAGIC);
        out.put_u32_le(FORMAT);
        out.put_u32_le(PIECE_BYTES as u32);
        out.put_u64_le(self.bytes);
        out.put_slice(&digest.0);
        self.pieces.iter().for_each(|sum| out.put_u32_le(*sum));
        let seal = Sha256::digest(&out);
        out.put_slice(&seal);
        out.into()
    }

    /// `None`: of another form, of another blob, or damaged. They are made again then.
    pub(super) fn parse(digest: Digest, bytes: &[u8]) -> Option<Self> {
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
        if body.len() < HEAD_BYTES || Sha256::digest(body)[..] != *seal {
            return None;
        }
        let (mut head, mut rest) = body.split_at(HEAD_BYTES);
        let fits = head.copy_to_bytes(8) == MAGIC[..]
            && head.get_u32_le() == FORMAT
            && u64::from(head.get_u32_le()) == PIECE_BYTES;
        let bytes = head.get_u64_le();
        let count = bytes.div_ceil(PIECE_BYTES);
        if !fits || head != digest.0 || rest.len() as u64 != count.checked_mul(4)? {
            return None;
        }
        let mut pieces = Vec::with_capacity(rest.len() / 4);
        while rest.has_remaining() {
            pieces.push(rest.get_u32_le());
        }
        Some(Self { bytes, pieces })
    }
}

/// Makes the digest and the sums of bytes that come in order.
#[derive(Clone, Default)]
pub(super) struct Summing {
    whole: Sha256,
    bytes: u64,
    /// Of the piece that is not full yet.
    piece: u32,
    pieces: Vec<u32>,
}

impl Summing {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.whole.update(bytes);
        while !bytes.is_empty() {
            let room = (PIECE_BYTES - self.bytes % PIECE_BYTES) as usize;
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.piece = crc32c::crc32c_append(self.piece, now);
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(PIECE_BYTES) {
                self.pieces.push(mem::take(&mut self.piece));
            }
            bytes = rest;
        }
    }

    pub(super) fn of(bytes: &[u8]) -> (Digest, Sums) {
        let mut summing = Self::default();
        summing.update(bytes);
        summing.finish()
    }

    pub(super) fn finish(mut self) -> (Digest, Sums) {
        if !self.bytes.is_multiple_of(PIECE_BYTES) {
            self.pieces.push(self.piece);
        }
        (Digest(self.whole.finalize().into()), Sums { bytes: self.bytes, pieces: self.pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_come_back_as_they_went_however_the_bytes_came() {
        let bytes: Vec<u8> = (0..700_000u32).map(|n| ((n * 31) >> 3) as u8).collect();
        let (digest, sums) = Summing::of(&bytes);
        assert_eq!(digest.0, <[u8; 32]>::from(Sha256::digest(&bytes)));
        for step in [1000, 262_144, 300_001] {
            let mut summing = Summing::default();
            bytes.chunks(step).for_each(|chunk| summing.update(chunk));
            assert_eq!(summing.finish(), (digest, sums.clone()), "{step}");
        }
        assert_eq!(Sums::parse(digest, &sums.to_bytes(digest)), Some(sums.clone()));
        assert_eq!(Sums::parse(Digest([1; 32]), &sums.to_bytes(digest)), None);
        for (number, piece) in (0..).zip(bytes.chunks(PIECE_BYTES as usize)) {
            assert!(sums.fits(number, piece) && !sums.fits(number + 1, piece));
            assert!(!sums.fits(number, &piece[1..]));
        }
        assert!(Summing::of(&[]).1.pieces.is_empty());
    }

    #[test]
    fn every_flipped_bit_of_them_is_noticed() {
        let (digest, sums) = Summing::of(&vec![7; 600_000]);
        let good = sums.to_bytes(digest);
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Sums::parse(digest, &bad), None, "bit {bit}");
        }
        for length in 0..good.len() {
            assert_eq!(Sums::parse(digest, &good[..length]), None);
        }
    }
}
