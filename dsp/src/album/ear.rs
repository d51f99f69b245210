//! Digests of samples, by which two streams are known to be the same: what was written and what is read back, a track and its source. Never here: bytes
//! of files.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::CHANNELS;
use crate::Block;

/// Of samples as a file holds them, whole numbers or floats of 32 bits; channel by channel, so that the size of blocks is nothing to it.
pub(super) struct Ear {
    float: bool,
    sums: [Sha256; CHANNELS],
    bytes: Vec<u8>,
}

impl Ear {
    pub fn new(float: bool) -> Ear {
        Ear { float, sums: Default::default(), bytes: Vec::new() }
    }

    pub fn hear(&mut self, block: &Block) {
        self.hear_part(block, 0..block.frames());
    }

    /// Some frames of a block.
    pub fn hear_part(&mut self, block: &Block, part: Range<usize>) {
        const FULL_SCALE: f64 = 2_147_483_648.0;
        for (sum, plane) in self.sums.iter_mut().zip(&block.channels) {
            let plane = &plane[part.clone()];
            self.bytes.clear();
            if self.float {
                plane.iter().for_each(|s| self.bytes.extend((*s as f32).to_bits().to_le_bytes()));
            } else {
                plane.iter().for_each(|s| self.bytes.extend(((*s * FULL_SCALE) as i32).to_le_bytes()));
            }
            sum.update(&self.bytes);
        }
    }

    pub fn said(&self) -> [Vec<u8>; CHANNELS] {
        self.sums.clone().map(|sum| sum.finalize().to_vec())
    }
}

/// A source, heard as either kind of file would hold it.
pub(super) struct Ears([Ear; 2]);

impl Ears {
    pub fn new() -> Ears {
        Ears([false, true].map(Ear::new))
    }

    pub fn hear(&mut self, block: &Block) {
        self.0.iter_mut().for_each(|ear| ear.hear(block));
    }

    pub fn agree(&self, written: &Ear) -> bool {
        self.0[usize::from(written.float)].said() == written.said()
    }
}
