//! A stretch of a disc image as a sound: 16-bit samples, little-endian, left and right, at 44.1 kHz, read in place from a file that stays open. Never here:
//! where a track begins.

use std::{fs::File, io};

use super::{Frame, Sound, local::read_at};

pub const DISC_RATE: u32 = 44_100;
const FRAME_BYTES: usize = 4;
/// Read from the file at once, on the stack.
const PAGE_FRAMES: usize = 1024;

pub struct RawSound {
    file: File,
    begin: u64,
    frames: u64,
}

impl RawSound {
    /// From this frame of the file on, so many.
    pub fn new(file: File, begin: u64, frames: u64) -> RawSound {
        RawSound { file, begin, frames }
    }

    fn page(&self, at: u64, out: &mut [Frame]) -> io::Result<()> {
        let mut bytes = [0; PAGE_FRAMES * FRAME_BYTES];
        let bytes = &mut bytes[..out.len() * FRAME_BYTES];
        read_at(&self.file, bytes, (self.begin + at) * FRAME_BYTES as u64)?;
        for (frame, bytes) in out.iter_mut().zip(bytes.chunks_exact(FRAME_BYTES)) {
            let sample = |i: usize| f32::from(i16::from_le_bytes([bytes[i], bytes[i + 1]])) / 32_768.0;
            *frame = [sample(0), sample(2)];
        }
        Ok(())
    }
}

impl Sound for RawSound {
    fn frames(&self) -> u64 {
        self.frames
    }

    fn read(&self, at: u64, out: &mut [Frame]) -> usize {
        let left = self.frames.saturating_sub(at);
        let count = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let mut done = 0;
        for page in out[..count].chunks_mut(PAGE_FRAMES) {
            if self.page(at + done as u64, page).is_err() {
                break;
            }
            done += page.len();
        }
        done
    }

    fn want(&self, _at: u64) {}
}
