//! The overview of a song for drawing: smallest and largest sample of each 256 frames, and of ever longer stretches above that, so that any view costs
//! as much as it has columns. Built beside the meters; kept in a small file that can be made again from the audio.
//!
//! File: `DWXPYR1\n`, then little-endian u32 sample rate, u32 channels, u64 frames, then for each level (base first, each eight times coarser, until
//! one stretch holds the song) for each stretch for each channel i16 minimum, i16 maximum. Sizes follow from the head; any other length is refused.

use std::{fs, io::Write as _, path::Path};

use crate::{Block, DspError, Spec};

const MAGIC: &[u8; 8] = b"DWXPYR1\n";
const HEAD_BYTES: usize = 24;
const BASE_FRAMES: u64 = 256;
const FACTOR: u64 = 8;

type Peak = (i16, i16);

/// Levels of peaks; in a level, stretch by stretch, channel by channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Pyramid {
    sample_rate: u32,
    channels: usize,
    frames: u64,
    levels: Vec<Vec<Peak>>,
}

/// Takes the song block by block.
pub struct PyramidBuilder {
    sample_rate: u32,
    channels: usize,
    frames: u64,
    base: Vec<Peak>,
    open: Vec<Peak>,
}

const NOTHING: Peak = (i16::MAX, i16::MIN);

fn join(a: Peak, b: Peak) -> Peak {
    (a.0.min(b.0), a.1.max(b.1))
}

impl PyramidBuilder {
    pub fn new(spec: &Spec) -> Self {
        let (sample_rate, channels) = (spec.sample_rate, spec.channels);
        PyramidBuilder { sample_rate, channels, frames: 0, base: Vec::new(), open: vec![NOTHING; channels] }
    }

    pub fn push(&mut self, block: &Block) {
        let frames = block.frames();
        let mut start = 0;
        while start < frames {
            let room = (BASE_FRAMES - self.frames % BASE_FRAMES) as usize;
            let end = frames.min(start + room);
            for (open, channel) in self.open.iter_mut().zip(&block.channels) {
                for sample in &channel[start..end] {
                    // Float sound may pass full scale; a picture stops there.
                    let level = (sample * 32_767.0).round().clamp(-32_767.0, 32_767.0) as i16;
                    *open = join(*open, (level, level));
                }
            }
            self.frames += (end - start) as u64;
            start = end;
            if self.frames.is_multiple_of(BASE_FRAMES) {
                self.end_stretch();
            }
        }
    }

    fn end_stretch(&mut self) {
        self.base.append(&mut self.open);
        self.open.resize(self.channels, NOTHING);
    }

    pub fn finish(mut self) -> Pyramid {
        if !self.frames.is_multiple_of(BASE_FRAMES) {
            self.end_stretch();
        }
        let mut levels = vec![self.base];
        while levels.last().is_some_and(|level| level.len() > self.channels) {
            let finer = levels.last().map_or(&[][..], Vec::as_slice);
            let coarser = finer.chunks(self.channels * FACTOR as usize).flat_map(|group| {
                (0..self.channels)
                    .map(move |c| group.iter().skip(c).step_by(self.channels).copied().fold(NOTHING, join))
            });
            levels.push(coarser.collect());
        }
        Pyramid { sample_rate: self.sample_rate, channels: self.channels, frames: self.frames, levels }
    }
}

impl Pyramid {
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// `columns` pairs of smallest and largest (full scale 32,767) for each channel, over `start..end` (frames; the end is held at the song's).
    /// A column narrower than 256 frames repeats the stretch that it lies in.
    pub fn columns(&self, start: u64, end: u64, columns: usize) -> Vec<Vec<Peak>> {
        let end = end.min(self.frames);
        let start = start.min(end);
        let width = (end - start) as f64 / columns.max(1) as f64;
        // The coarsest level whose stretches are no wider than a column.
        let mut level = 0;
        while level + 1 < self.levels.len() && (BASE_FRAMES * FACTOR.pow(level as u32 + 1)) as f64 <= width {
            level += 1;
        }
        let (peaks, stretch) = (&self.levels[level], BASE_FRAMES * FACTOR.pow(level as u32));
        let stretches = (peaks.len() / self.channels.max(1)) as u64;
        let column = |channel: usize, n: usize| {
            let from = (start as f64 + n as f64 * width) as u64 / stretch;
            let to = ((start as f64 + (n + 1) as f64 * width).ceil() as u64)
                .div_ceil(stretch)
                .max(from + 1)
                .min(stretches);
            let peak = (from..to).map(|at| peaks[at as usize * self.channels + channel]).fold(NOTHING, join);
            if peak == NOTHING { (0, 0) } else { peak }
        };
        (0..self.channels).map(|channel| (0..columns).map(|n| column(channel, n)).collect()).collect()
    }

    /// Whole or not at all.
    pub fn write_to(&self, path: &Path) -> Result<(), DspError> {
        let at_write = |source| DspError::Write { path: path.to_owned(), source };
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.levels.iter().map(Vec::len).sum::<usize>() * 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.sample_rate.to_le_bytes());
        bytes.extend_from_slice(&(self.channels as u32).to_le_bytes());
        bytes.extend_from_slice(&self.frames.to_le_bytes());
        for (low, high) in self.levels.iter().flatten() {
            bytes.extend_from_slice(&low.to_le_bytes());
            bytes.extend_from_slice(&high.to_le_bytes());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(at_write)?;
        file.write_all(&bytes).map_err(at_write)?;
        file.persist(path).map_err(|error| at_write(error.error))?;
        Ok(())
    }

    pub fn read_from(path: &Path) -> Result<Pyramid, DspError> {
        let bytes = fs::read(path).map_err(|source| DspError::Open { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes).ok_or_else(|| DspError::NotAudio {
            path: path.to_owned(),
            what: "it is not a waveform, or it is damaged".into(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Option<Pyramid> {
        let head = bytes.strip_prefix(MAGIC)?;
        let sample_rate = u32::from_le_bytes(head.get(..4)?.try_into().ok()?);
        let channels = u32::from_le_bytes(head.get(4..8)?.try_into().ok()?) as usize;
        let frames = u64::from_le_bytes(head.get(8..16)?.try_into().ok()?);
        let mut rest = bytes.get(HEAD_BYTES..)?;
        if channels == 0 || channels > crate::decode::CHANNELS_MAX || frames > rest.len() as u64 * BASE_FRAMES
        {
            return None;
        }
        let mut levels = Vec::new();
        let mut stretches = frames.div_ceil(BASE_FRAMES) as usize;
        loop {
            let (level, after) = rest.split_at_checked(stretches * channels * 4)?;
            rest = after;
            levels.push(
                level
                    .chunks_exact(4)
                    .map(|peak| {
                        (i16::from_le_bytes([peak[0], peak[1]]), i16::from_le_bytes([peak[2], peak[3]]))
                    })
                    .collect(),
            );
            if stretches <= 1 {
                break;
            }
            stretches = stretches.div_ceil(FACTOR as usize);
        }
        rest.is_empty().then_some(Pyramid { sample_rate, channels, frames, levels })
    }
}
