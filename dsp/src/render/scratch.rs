//! The sound before the limiter, and how high its wave stands at each frame, in two temporary files: read many times while a gain is searched.
//! 32-bit floats: the search needs no more, and the final pass makes the sound again in full precision.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{block::Block, error::DspError};

const BUFFER_BYTES: usize = 1 << 18;

/// A file of 32-bit floats that vanishes when it is dropped.
pub struct Floats {
    file: File,
    dir: PathBuf,
}

impl Floats {
    pub fn create(
        dir: &Path,
        fill: impl FnOnce(&mut FloatWriter<'_>) -> Result<(), DspError>,
    ) -> Result<Self, DspError> {
        let failed = |source| DspError::Write { path: dir.to_owned(), source };
        let file = tempfile::tempfile_in(dir).map_err(failed)?;
        let mut writer = FloatWriter { out: BufWriter::with_capacity(BUFFER_BYTES, &file), dir };
        fill(&mut writer)?;
        writer.out.flush().map_err(failed)?;
        drop(writer);
        Ok(Floats { file, dir: dir.to_owned() })
    }

    /// Reads from the beginning. One reader at a time: they share the file's position.
    pub fn reader(&self) -> Result<FloatReader<'_>, DspError> {
        let failed = |source| DspError::Write { path: self.dir.clone(), source };
        (&self.file).seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(FloatReader {
            input: BufReader::with_capacity(BUFFER_BYTES, &self.file),
            dir: &self.dir,
            bytes: Vec::new(),
        })
    }
}

pub struct FloatWriter<'a> {
    out: BufWriter<&'a File>,
    dir: &'a Path,
}

impl FloatWriter<'_> {
    pub fn write(&mut self, values: impl Iterator<Item = f32>) -> Result<(), DspError> {
        for v in values {
            self.out
                .write_all(&v.to_le_bytes())
                .map_err(|source| DspError::Write { path: self.dir.to_owned(), source })?;
        }
        Ok(())
    }

    /// Frames of all channels, interleaved.
    pub fn write_block(&mut self, block: &Block) -> Result<(), DspError> {
        self.write((0..block.frames()).flat_map(|i| block.channels.iter().map(move |c| c[i] as f32)))
    }

    /// Never lower than what was given: the limiter relies on it.
    pub fn write_upper(&mut self, values: &[f64]) -> Result<(), DspError> {
        self.write(values.iter().map(|v| {
            let near = *v as f32;
            if f64::from(near) < *v { near.next_up() } else { near }
        }))
    }
}

pub struct FloatReader<'a> {
    input: BufReader<&'a File>,
    dir: &'a Path,
    bytes: Vec<u8>,
}

impl FloatReader<'_> {
    /// Appends up to `n` values to `out`; fewer only at the end.
    pub fn read(&mut self, n: usize, out: &mut Vec<f64>) -> Result<usize, DspError> {
        self.bytes.clear();
        self.input
            .by_ref()
            .take(4 * n as u64)
            .read_to_end(&mut self.bytes)
            .map_err(|source| DspError::Open { path: self.dir.to_owned(), source })?;
        let values =
            self.bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        out.extend(values);
        Ok(self.bytes.len() / 4)
    }

    /// Fills `block` with up to `frames` frames of interleaved channels. `false` at the end.
    pub fn read_block(
        &mut self,
        frames: usize,
        flat: &mut Vec<f64>,
        block: &mut Block,
    ) -> Result<bool, DspError> {
        let channels = block.channels.len();
        flat.clear();
        block.clear();
        let got = self.read(frames * channels, flat)?;
        for (i, c) in block.channels.iter_mut().enumerate() {
            c.extend(flat.iter().skip(i).step_by(channels));
        }
        Ok(got > 0)
    }
}
