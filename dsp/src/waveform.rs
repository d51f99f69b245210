//! The overview of a sound: least and greatest sample of every 256 frames, and of every 8 of those, and so on, so that any stretch is drawn
//! in time of its columns alone. Never here: colours, screens.
//!
//! The file, little-endian: `DWXP`, u16 version 1, u16 channels, u32 sample rate in Hz, u32 frames of a bucket (256), u64 frames; then for each channel
//! ceil(frames / 256) pairs of i16, least and greatest, 32767 for full scale. Nothing follows.

use std::path::Path;

use crate::{Block, DspError, Spec, decode::MAX_CHANNELS, lanes};

const MAGIC: &[u8; 4] = b"DWXP";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 24;
const BUCKET_FRAMES: u64 = 256;
const FACTOR: usize = 8;

type Pair = (i16, i16);

#[derive(Clone, Debug, PartialEq)]
pub struct Pyramid {
    sample_rate: u32,
    frames: u64,
    /// For each channel its levels, the finest first.
    channels: Vec<Vec<Vec<Pair>>>,
}

/// Grows beside a meter.
pub struct PyramidBuilder {
    sample_rate: u32,
    frames: u64,
    open: Vec<(f64, f64)>,
    base: Vec<Vec<Pair>>,
}

const NOTHING: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

impl PyramidBuilder {
    pub fn new(spec: &Spec) -> Self {
        PyramidBuilder {
            sample_rate: spec.sample_rate,
            frames: 0,
            open: vec![NOTHING; spec.channels],
            base: vec![Vec::new(); spec.channels],
        }
    }

    pub fn push(&mut self, block: &Block) {
        let mut at = 0;
        while at < block.frames() {
            let room = BUCKET_FRAMES - self.frames % BUCKET_FRAMES;
            let take = room.min((block.frames() - at) as u64) as usize;
            for (open, plane) in self.open.iter_mut().zip(&block.channels) {
                let (least, most) = lanes::wide(
                    #[inline(always)]
                    || extremes(&plane[at..at + take]),
                );
                *open = (open.0.min(least), open.1.max(most));
            }
            self.frames += take as u64;
            at += take;
            if self.frames.is_multiple_of(BUCKET_FRAMES) {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        for (open, base) in self.open.iter_mut().zip(&mut self.base) {
            base.push((level(open.0.min(open.1)), level(open.1.max(open.0))));
            *open = NOTHING;
        }
    }

    pub fn finish(mut self) -> Pyramid {
        if !self.frames.is_multiple_of(BUCKET_FRAMES) {
            self.close();
        }
        Pyramid {
            sample_rate: self.sample_rate,
            frames: self.frames,
            channels: self.base.into_iter().map(levels).collect(),
        }
    }
}

/// Least and greatest. NaN counts as nothing.
#[inline(always)]
fn extremes(samples: &[f64]) -> (f64, f64) {
    // Two walks over what the nearest cache holds: in one, the compiler turns each comparison into a mask of bytes and back.
    let least = fold_lanes(samples, NOTHING.0, |m, s| if s < m { s } else { m });
    let most = fold_lanes(samples, NOTHING.1, |m, s| if s > m { s } else { m });
    (least, most)
}

/// Sixteen side by side.
#[inline(always)]
fn fold_lanes(samples: &[f64], start: f64, pick: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [start; 16];
    let chunks = samples.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for k in 0..16 {
            lanes[k] = pick(lanes[k], chunk[k]);
        }
    }
    let mut end = start;
    for s in lanes {
        end = pick(end, s);
    }
    for s in rest {
        end = pick(end, *s);
    }
    end
}

fn level(sample: f64) -> i16 {
    (sample * f64::from(i16::MAX)).round() as i16
}

fn levels(base: Vec<Pair>) -> Vec<Vec<Pair>> {
    let mut levels = vec![base];
    while let Some(finest) = levels.last().filter(|level| level.len() > FACTOR) {
        levels.push(finest.chunks(FACTOR).map(hull).collect());
    }
    levels
}

/// Least and greatest of a stretch of pairs; silence for none.
fn hull(pairs: &[Pair]) -> Pair {
    pairs.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
}

impl Pyramid {
    pub fn frames(&self) -> u64 {
        self.frames
    }

    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// `count` columns over the frames from `start` up to `end`, for each channel: least and greatest, 32767 for full scale. Columns
    /// outside of the sound are silent; one narrower than 256 frames shows the bucket it lies in.
    pub fn columns(&self, start: u64, end: u64, count: usize) -> Vec<Vec<(i16, i16)>> {
        let width = u128::from(end.saturating_sub(start));
        let edge = |column: usize| start + (width * column as u128 / count.max(1) as u128) as u64;
        let column = |levels: &[Vec<Pair>], index: usize| self.column(levels, edge(index), edge(index + 1));
        self.channels.iter().map(|levels| (0..count).map(|index| column(levels, index)).collect()).collect()
    }

    fn column(&self, levels: &[Vec<Pair>], from: u64, to: u64) -> Pair {
        if from >= self.frames {
            return Pair::default();
        }
        let to = to.clamp(from + 1, self.frames);
        // The coarsest level that still has a few buckets in the column, so that its edges are true and its cost is bounded.
        let mut bucket = BUCKET_FRAMES;
        let mut depth = 0;
        while depth + 1 < levels.len() && bucket * (FACTOR * FACTOR) as u64 <= to - from {
            bucket *= FACTOR as u64;
            depth += 1;
        }
        let first = (from / bucket) as usize;
        let last = (to.div_ceil(bucket) as usize).min(levels[depth].len());
        hull(&levels[depth][first.min(last)..last])
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(*MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.channels.len() as u16).to_le_bytes());
        bytes.extend(self.sample_rate.to_le_bytes());
        bytes.extend((BUCKET_FRAMES as u32).to_le_bytes());
        bytes.extend(self.frames.to_le_bytes());
        for (least, greatest) in self.channels.iter().flat_map(|levels| &levels[0]) {
            bytes.extend(least.to_le_bytes());
            bytes.extend(greatest.to_le_bytes());
        }
        bytes
    }

    /// Errors: `Invalid` for anything but a whole file of this version; nothing is allocated beyond the bytes given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Pyramid, DspError> {
        let wrong = |what: &str| {
            DspError::Invalid(format!("the waveform cannot be read: {what}. Measure the file again"))
        };
        let (header, pairs) =
            bytes.split_first_chunk::<HEADER_BYTES>().ok_or_else(|| wrong("it is too short"))?;
        let word = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from(word(at)) | u32::from(word(at + 2)) << 16;
        if &header[..4] != MAGIC || word(4) != VERSION || u64::from(long(12)) != BUCKET_FRAMES {
            return Err(wrong("it is of another kind or version"));
        }
        let channels = usize::from(word(6));
        let frames = u64::from(long(16)) | u64::from(long(20)) << 32;
        let buckets = frames.div_ceil(BUCKET_FRAMES);
        let stated = u128::from(buckets) * channels as u128 * 4;
        if channels == 0 || channels > MAX_CHANNELS || stated != pairs.len() as u128 {
            return Err(wrong("its length is not what it says"));
        }
        let pair = |b: &[u8]| (i16::from_le_bytes([b[0], b[1]]), i16::from_le_bytes([b[2], b[3]]));
        let mut all = pairs.chunks_exact(4).map(pair);
        let base = (0..channels).map(|_| all.by_ref().take(buckets as usize).collect::<Vec<_>>());
        let channels: Vec<Vec<Vec<Pair>>> = base.map(levels).collect();
        Ok(Pyramid { sample_rate: long(8), frames, channels })
    }

    /// Errors: `Write`.
    pub fn write_to(&self, path: &Path) -> Result<(), DspError> {
        std::fs::write(path, self.to_bytes()).map_err(|e| DspError::write(path, e))
    }

    /// Errors: `Open`, `Invalid`.
    pub fn read_from(path: &Path) -> Result<Pyramid, DspError> {
        Pyramid::from_bytes(&std::fs::read(path).map_err(|e| DspError::open(path, e))?)
    }
}
