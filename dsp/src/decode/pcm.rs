//! Uncompressed samples to f64, exactly. Knows no container.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::seconds;
use crate::{Block, DspError, Spec};

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
    file: BufReader<File>,
    layout: Layout,
    bytes: Vec<u8>,
}

impl PcmReader {
    pub(super) fn new(mut file: File, layout: Layout, path: &Path) -> Result<Self, DspError> {
        file.seek(SeekFrom::Start(layout.start)).map_err(|e| DspError::open(path, e))?;
        Ok(PcmReader { file: BufReader::with_capacity(1 << 16, file), layout, bytes: Vec::new() })
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
        self.bytes.resize(frames * step, 0);
        self.file.read_exact(&mut self.bytes).map_err(|e| {
            DspError::damaged(path, seconds(position, spec.sample_rate), format!("it cannot be read on: {e}"))
        })?;
        block.resize(spec.channels, frames);
        for (channel, plane) in block.channels.iter_mut().enumerate() {
            let offset = channel * self.layout.coding.bytes();
            unpack(&self.bytes, step, offset, &self.layout, plane);
        }
        Ok(frames)
    }
}

fn unpack(bytes: &[u8], step: usize, offset: usize, layout: &Layout, plane: &mut [f64]) {
    let big = layout.big_endian;
    match layout.coding {
        Coding::U8 => each::<1>(bytes, step, offset, plane, |b| (f64::from(b[0]) - 128.0) / 128.0),
        Coding::S8 => each::<1>(bytes, step, offset, plane, |b| f64::from(b[0] as i8) / 128.0),
        Coding::S16 => each::<2>(bytes, step, offset, plane, |b| {
            f64::from(if big { i16::from_be_bytes(b) } else { i16::from_le_bytes(b) }) / 32_768.0
        }),
        // The three bytes become the upper ones of an i32, so that the sign comes along.
        Coding::S24 => each::<3>(bytes, step, offset, plane, |b| {
            let [x, y, z] = b;
            let wide = if big { [0, z, y, x] } else { [0, x, y, z] };
            f64::from(i32::from_le_bytes(wide)) / 2_147_483_648.0
        }),
        Coding::S32 => each::<4>(bytes, step, offset, plane, |b| {
            f64::from(if big { i32::from_be_bytes(b) } else { i32::from_le_bytes(b) }) / 2_147_483_648.0
        }),
        Coding::F32 => each::<4>(bytes, step, offset, plane, |b| {
            f64::from(if big { f32::from_be_bytes(b) } else { f32::from_le_bytes(b) })
        }),
        Coding::F64 => each::<8>(bytes, step, offset, plane, |b| {
            if big { f64::from_be_bytes(b) } else { f64::from_le_bytes(b) }
        }),
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    step: usize,
    offset: usize,
    plane: &mut [f64],
    value: impl Fn([u8; N]) -> f64,
) {
    for (frame, out) in bytes.chunks_exact(step).zip(plane) {
        let mut sample = [0; N];
        sample.copy_from_slice(&frame[offset..offset + N]);
        *out = value(sample);
    }
}
