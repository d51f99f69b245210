//! Uncompressed samples to f64, exactly. Knows no container.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Bytes, seconds};
use crate::{Block, DspError, Spec, lanes};

/// What is fetched from the file at once: few calls, and still within the second cache.
const BUFFER_BYTES: usize = 1 << 17;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    U8,
    S8,
    S16,
    S24,
    S32,
    F32,
    F64,
}

impl Coding {
    pub(super) fn bytes(self) -> usize {
        match self {
            Coding::U8 | Coding::S8 => 1,
            Coding::S16 => 2,
            Coding::S24 => 3,
            Coding::S32 | Coding::F32 => 4,
            Coding::F64 => 8,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Coding::F32 | Coding::F64)
    }

    /// The integer coding whose container has room for `bits`.
    pub(super) fn integer(bits: u32, one_byte: Coding) -> Option<Coding> {
        match bits {
            1..=8 => Some(one_byte),
            9..=16 => Some(Coding::S16),
            17..=24 => Some(Coding::S24),
            25..=32 => Some(Coding::S32),
            _ => None,
        }
    }
}

/// Where the samples stand in the file, and how.
pub(super) struct Layout {
    pub(super) coding: Coding,
    pub(super) big_endian: bool,
    pub(super) start: u64,
    pub(super) frames: u64,
}

pub(super) struct PcmReader {
    file: Box<dyn Bytes>,
    layout: Layout,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are fetched and not yet unpacked.
    held: std::ops::Range<usize>,
}

impl PcmReader {
    pub(super) fn new(mut file: Box<dyn Bytes>, layout: Layout, path: &Path) -> Result<Self, DspError> {
        file.seek(SeekFrom::Start(layout.start)).map_err(|e| DspError::open(path, e))?;
        Ok(PcmReader { file, layout, buffer: vec![0; BUFFER_BYTES], held: 0..0 })
    }

    pub(super) fn seek(&mut self, frame: u64, path: &Path, spec: &Spec) -> Result<(), DspError> {
        let step = (self.layout.coding.bytes() * spec.channels) as u64;
        let at = self.layout.start + frame.min(self.layout.frames) * step;
        self.file.seek(SeekFrom::Start(at)).map_err(|e| DspError::open(path, e))?;
        self.held = 0..0;
        Ok(())
    }

    pub(super) fn read(
        &mut self,
        block: &mut Block,
        max_frames: usize,
        path: &Path,
        position: u64,
        spec: &Spec,
    ) -> Result<usize, DspError> {
        let left = self.layout.frames.saturating_sub(position);
        let frames = left.min(max_frames as u64) as usize;
        let step = self.layout.coding.bytes() * spec.channels;
        block.resize(spec.channels, frames);
        let mut done = 0;
        while done < frames {
            if self.held.len() < step {
                self.fetch(step).map_err(|e| {
                    let at_s = seconds(position + done as u64, spec.sample_rate);
                    DspError::damaged(path, at_s, format!("it cannot be read on: {e}"))
                })?;
            }
            let n = (self.held.len() / step).min(frames - done);
            let bytes = &self.buffer[self.held.start..self.held.start + n * step];
            lanes::wide(
                #[inline(always)]
                || unpack(bytes, &self.layout, &mut block.channels, done),
            );
            self.held.start += n * step;
            done += n;
        }
        Ok(frames)
    }

    /// Fetches until at least one frame of `step` bytes is held. Bytes behind the sound may come along; they are never unpacked.
    fn fetch(&mut self, step: usize) -> std::io::Result<()> {
        self.buffer.copy_within(self.held.clone(), 0);
        self.held = 0..self.held.len();
        while self.held.len() < step {
            match self.file.read(&mut self.buffer[self.held.end..]) {
                Ok(0) => return Err(std::io::Error::new(ErrorKind::UnexpectedEof, "it ends too early")),
                Ok(n) => self.held.end += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Puts whole frames into the planes, from frame `from` on.
#[inline(always)]
fn unpack(bytes: &[u8], layout: &Layout, planes: &mut [Vec<f64>], from: usize) {
    const STEP_8: f64 = 1.0 / 128.0;
    const STEP_16: f64 = 1.0 / 32_768.0;
    const STEP_32: f64 = 1.0 / 2_147_483_648.0;
    match (layout.coding, layout.big_endian) {
        (Coding::U8, _) => each::<1>(bytes, planes, from, |[b]| (f64::from(b) - 128.0) * STEP_8),
        (Coding::S8, _) => each::<1>(bytes, planes, from, |[b]| f64::from(b as i8) * STEP_8),
        (Coding::S16, false) => each(bytes, planes, from, |b| f64::from(i16::from_le_bytes(b)) * STEP_16),
        (Coding::S16, true) => each(bytes, planes, from, |b| f64::from(i16::from_be_bytes(b)) * STEP_16),
        // The three bytes become the upper ones of an i32, so that the sign comes along.
        (Coding::S24, false) => {
            each(bytes, planes, from, |[x, y, z]| f64::from(i32::from_le_bytes([0, x, y, z])) * STEP_32);
        }
        (Coding::S24, true) => {
            each(bytes, planes, from, |[x, y, z]| f64::from(i32::from_be_bytes([x, y, z, 0])) * STEP_32);
        }
        (Coding::S32, false) => each(bytes, planes, from, |b| f64::from(i32::from_le_bytes(b)) * STEP_32),
        (Coding::S32, true) => each(bytes, planes, from, |b| f64::from(i32::from_be_bytes(b)) * STEP_32),
        (Coding::F32, false) => each(bytes, planes, from, |b| f64::from(f32::from_le_bytes(b))),
        (Coding::F32, true) => each(bytes, planes, from, |b| f64::from(f32::from_be_bytes(b))),
        (Coding::F64, false) => each(bytes, planes, from, f64::from_le_bytes),
        (Coding::F64, true) => each(bytes, planes, from, f64::from_be_bytes),
    }
}

#[inline(always)]
fn each<const N: usize>(
    bytes: &[u8],
    planes: &mut [Vec<f64>],
    from: usize,
    value: impl Fn([u8; N]) -> f64 + Copy,
) {
    let samples = bytes.as_chunks::<N>().0;
    match planes {
        [one] => one[from..].iter_mut().zip(samples).for_each(|(out, b)| *out = value(*b)),
        // Both channels of a frame in one walk.
        [left, right] => {
            let frames = samples.as_chunks::<2>().0;
            for ((left, right), [l, r]) in left[from..].iter_mut().zip(&mut right[from..]).zip(frames) {
                (*left, *right) = (value(*l), value(*r));
            }
        }
        many => {
            let channels = many.len();
            for (channel, plane) in many.iter_mut().enumerate() {
                let own = samples.iter().skip(channel).step_by(channels);
                plane[from..].iter_mut().zip(own).for_each(|(out, b)| *out = value(*b));
            }
        }
    }
}
