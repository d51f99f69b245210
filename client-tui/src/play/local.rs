//! Sound files of this machine as sounds: decoded once, to the deck's rate, into a temporary file that nobody else sees; played from there in pages of the
//! system's own cache, so that an hour of music needs no memory. Measured on the way. Never here: the line, the studio.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::Path,
    sync::Arc,
};

use deadwax_dsp::{Block, DspError, Flow, Source, measure::Meter, resample::Resampler};

use super::{Frame, Sound, Track};
use crate::scrub;

/// Left and right as 32-bit floats.
const FRAME_BYTES: usize = 8;
const READ_FRAMES: usize = 1 << 13;
/// Read from the file at once, on the stack.
const PAGE_FRAMES: usize = 512;

/// A decoded file.
pub struct FileSound {
    file: File,
    frames: u64,
}

/// A file that was opened: its sound, and what a row of the studio would tell about it.
pub struct Opened {
    pub sound: Arc<FileSound>,
    pub track: Track,
    /// Of the sound.
    pub rate: u32,
}

impl FileSound {
    /// Decodes all of a file. `rate`: to this rate, else at its own. A mono file stands on both sides; of more than two channels the first two are heard.
    /// `progress` is asked at every block, from 0 to 1.
    ///
    /// Errors: those of `Source`; `NotAudio` for a file without a frame; `Write` where the temporary folder is full; `Stopped`.
    pub fn open(
        path: &Path,
        rate: Option<u32>,
        progress: &mut dyn FnMut(f64) -> Flow,
    ) -> Result<Opened, DspError> {
        let at_write = |source| DspError::Write { path: std::env::temp_dir(), source };
        let mut source = Source::open(path)?;
        let spec = source.spec().clone();
        let rate = rate.unwrap_or(spec.sample_rate);
        let mut resampler = Resampler::new(spec.channels, spec.sample_rate, rate)?;
        let mut meter = Meter::new(&spec);
        let mut out = BufWriter::with_capacity(1 << 18, tempfile::tempfile().map_err(at_write)?);
        let (mut block, mut ready) = (Block::default(), Block::default());
        let mut frames = 0;
        while source.read(&mut block, READ_FRAMES)? > 0 {
            meter.push(&block);
            ready.clear();
            resampler.push(&block, &mut ready)?;
            frames += write(&mut out, &ready).map_err(at_write)?;
            let share = spec.frames.map_or(0.0, |all| source.position() as f64 / all.max(1) as f64);
            if progress(share.min(1.0)) == Flow::Stop {
                return Err(DspError::Stopped);
            }
        }
        ready.clear();
        resampler.finish(&mut ready)?;
        frames += write(&mut out, &ready).map_err(at_write)?;
        let measured = meter.finish();
        if measured.frames == 0 {
            return Err(DspError::NotAudio { path: path.to_owned(), what: "it holds no sound".into() });
        }
        let file = out.into_inner().map_err(|e| at_write(e.into_error()))?;
        let track = Track {
            project_id: String::new(),
            version_id: String::new(),
            alternate: crate::name::parse(&path.to_string_lossy()).alternate,
            sha256: String::new(),
            label: scrub::line(&path.file_name().unwrap_or_default().to_string_lossy()),
            sample_rate: spec.sample_rate,
            channels: u32::try_from(spec.channels).unwrap_or(u32::MAX),
            frames: measured.frames,
            bytes: std::fs::metadata(path).map_or(0, |meta| meta.len()),
            lufs: measured.integrated_lufs,
            true_peak_dbtp: measured.true_peak_dbtp,
            original: true,
        };
        Ok(Opened { sound: Arc::new(FileSound { file, frames }), track, rate })
    }

    fn page(&self, at: u64, out: &mut [Frame]) -> io::Result<()> {
        let mut bytes = [0; PAGE_FRAMES * FRAME_BYTES];
        let bytes = &mut bytes[..out.len() * FRAME_BYTES];
        read_at(&self.file, bytes, at * FRAME_BYTES as u64)?;
        for (frame, bytes) in out.iter_mut().zip(bytes.chunks_exact(FRAME_BYTES)) {
            let sample = |i: usize| f32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
            *frame = [sample(0), sample(4)];
        }
        Ok(())
    }
}

#[cfg(unix)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[done..], at + done as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
}

fn write(out: &mut impl io::Write, block: &Block) -> io::Result<u64> {
    let Some(left) = block.channels.first() else { return Ok(0) };
    let right = block.channels.get(1).unwrap_or(left);
    for (left, right) in left.iter().zip(right) {
        out.write_all(&(*left as f32).to_le_bytes())?;
        out.write_all(&(*right as f32).to_le_bytes())?;
    }
    Ok(left.len() as u64)
}

impl Sound for FileSound {
    fn frames(&self) -> u64 {
        self.frames
    }

    fn read(&self, at: u64, out: &mut [Frame]) -> usize {
        let count = usize::try_from(self.frames.saturating_sub(at)).map_or(out.len(), |n| n.min(out.len()));
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
