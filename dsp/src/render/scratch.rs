//! Sound and tracks kept in temporary files while a level is searched: planes of 32-bit floats, piece by piece, read as often as needed.
//! A float of 32 bits lies at most -150 dB beside the value it stands for, under the noise of 24-bit dither. Never here: what the planes mean.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::{block::Block, error::DspError, lanes};

/// Values of one plane in one piece; the last piece is shorter.
const PIECE: usize = 8192;
const BYTES: usize = 4;

/// Planes of equal length in a file that vanishes when it is dropped.
pub struct Planes {
    file: NamedTempFile,
    count: usize,
    length: u64,
}

pub struct PlanesWriter {
    file: NamedTempFile,
    dir: PathBuf,
    waiting: Vec<Vec<f64>>,
    bytes: Vec<u8>,
    length: u64,
    /// Never write less than was given: peaks that a limiter relies on.
    upper: bool,
}

impl PlanesWriter {
    pub fn create(dir: &Path, count: usize, upper: bool) -> Result<Self, DspError> {
        let file = NamedTempFile::new_in(dir).map_err(|e| DspError::write(dir, e))?;
        Ok(PlanesWriter {
            file,
            dir: dir.to_owned(),
            waiting: vec![Vec::new(); count],
            bytes: Vec::new(),
            length: 0,
            upper,
        })
    }

    /// What waits to be written: append to each plane as much as to the others, then call [`Self::flow`].
    pub fn planes(&mut self) -> &mut [Vec<f64>] {
        &mut self.waiting
    }

    pub fn write(&mut self, planes: &[Vec<f64>]) -> Result<(), DspError> {
        for (waiting, plane) in self.waiting.iter_mut().zip(planes) {
            waiting.extend_from_slice(plane);
        }
        self.flow()
    }

    /// Writes every whole piece that waits.
    pub fn flow(&mut self) -> Result<(), DspError> {
        let whole = self.waiting.first().map_or(0, Vec::len) / PIECE;
        for piece in 0..whole {
            self.put(piece * PIECE, PIECE)?;
        }
        for plane in &mut self.waiting {
            plane.drain(..whole * PIECE);
        }
        Ok(())
    }

    fn put(&mut self, from: usize, n: usize) -> Result<(), DspError> {
        let Self { waiting, bytes, upper, .. } = self;
        bytes.resize(n * waiting.len() * BYTES, 0);
        for (bytes, plane) in bytes.chunks_exact_mut(n * BYTES).zip(waiting) {
            let values = &plane[from..from + n];
            if *upper {
                for (four, v) in bytes.chunks_exact_mut(BYTES).zip(values) {
                    let near = *v as f32;
                    let value = if f64::from(near) < *v { near.next_up() } else { near };
                    four.copy_from_slice(&value.to_le_bytes());
                }
            } else {
                lanes::wide(|| {
                    for (four, v) in bytes.chunks_exact_mut(BYTES).zip(values) {
                        four.copy_from_slice(&(*v as f32).to_le_bytes());
                    }
                });
            }
        }
        self.length += n as u64;
        self.file.write_all(&self.bytes).map_err(|e| DspError::write(&self.dir, e))
    }

    pub fn finish(mut self) -> Result<Planes, DspError> {
        self.flow()?;
        let rest = self.waiting.first().map_or(0, Vec::len);
        if rest > 0 {
            self.put(0, rest)?;
        }
        Ok(Planes { count: self.waiting.len(), length: self.length, file: self.file })
    }
}

impl Planes {
    /// Reads from the beginning; any number of readers at once.
    pub fn reader(&self) -> Result<PlanesReader, DspError> {
        let path = self.file.path().to_owned();
        let file = self.file.reopen().map_err(|e| DspError::open(&path, e))?;
        Ok(PlanesReader { file, path, count: self.count, left: self.length, bytes: Vec::new() })
    }
}

pub struct PlanesReader {
    file: File,
    path: PathBuf,
    count: usize,
    left: u64,
    bytes: Vec<u8>,
}

impl PlanesReader {
    /// Appends the next piece to each plane; how many values that were, 0 at the end.
    pub fn more(&mut self, planes: &mut [Vec<f64>]) -> Result<usize, DspError> {
        let n = self.left.min(PIECE as u64) as usize;
        if n == 0 {
            return Ok(0);
        }
        self.left -= n as u64;
        self.bytes.resize(n * self.count * BYTES, 0);
        self.file.read_exact(&mut self.bytes).map_err(|e| DspError::open(&self.path, e))?;
        let bytes = &self.bytes;
        lanes::wide(|| {
            for (plane, bytes) in planes.iter_mut().zip(bytes.chunks_exact(n * BYTES)) {
                let value = |b: &[u8]| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                plane.extend(bytes.chunks_exact(BYTES).map(value));
            }
        });
        Ok(n)
    }

    /// Replaces `block` with the next piece. `false` at the end.
    pub fn next(&mut self, block: &mut Block) -> Result<bool, DspError> {
        block.channels.resize(self.count, Vec::new());
        block.clear();
        Ok(self.more(&mut block.channels)? > 0)
    }
}
