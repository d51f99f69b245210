//! The overview of a sound: least and greatest sample of every 256 frames, and of every 8 of those, and so on, with the course of its loudness and where it is
//! clipped or over; so that any stretch is drawn in time of its columns alone. Never here: colours, screens.
//!
//! The file, little-endian: `DWXP`, u16 version 2, u16 channels, u32 sample rate in Hz, u32 frames of a bucket (256), u64 frames, u32 points of loudness, u32 0.
//! Then levels, the finest first, each an eighth of the one before, down to 8 entries or fewer: for each channel pairs of i16, least and greatest, 32767
//! for full scale, of ceil(frames / 256) buckets; short-term loudness in i16, hundredths of a LUFS, ten a second; clipped buckets, one bit each, a level
//! padded to whole bytes; buckets with overs alike. Nothing follows.

mod builder;
mod file;
mod window;

use std::{io, ops::Range, path::Path};

pub use builder::PyramidBuilder;
pub use file::Overview;
pub use window::{WINDOW_FRAMES_MAX, Window, window};

use crate::{DspError, decode::MAX_CHANNELS};

const MAGIC: &[u8; 4] = b"DWXP";
const VERSION: u16 = 2;
const HEADER_BYTES: usize = 32;
const BUCKET_FRAMES: u64 = 256;
const FACTOR: usize = 8;
/// The level of silence, and of a sound too short for a window.
const SILENCE_LUFS: f32 = -70.0;
/// Value i of the loudness is of the window around this and i tenths of a second.
const LOUDNESS_CENTRE_S: f64 = 1.5;
const LOUDNESS_PER_S: f64 = 10.0;

type Pair = (i16, i16);

/// All of it in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Pyramid {
    shape: Shape,
    /// For each channel its levels, the finest first.
    channels: Vec<Vec<Vec<Pair>>>,
    loudness: Vec<Vec<i16>>,
    clipped: Vec<Vec<bool>>,
    over: Vec<Vec<bool>>,
}

/// What the header says, and so where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    sample_rate: u32,
    frames: u64,
    channels: usize,
    points: u32,
}

/// A stretch as columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// For each channel its columns: least and greatest, 32767 for full scale.
    pub peaks: Vec<Vec<(i16, i16)>>,
    /// One a column: the loudest of the 3 s windows whose middle lies in it, or nearest to it; -70 for silence.
    pub short_term_lufs: Vec<f32>,
    /// Columns with runs of at least three samples at full scale.
    pub clipped: Vec<u32>,
    /// Columns in which the true peak lies over 0 dBTP.
    pub over: Vec<u32>,
}

/// What is marked bucket by bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Clipped,
    Over,
}

/// Where levels come from: memory, or a file of which only what is drawn is read.
trait Levels {
    fn shape(&self) -> Shape;
    fn pairs(&self, channel: usize, depth: usize, range: Range<usize>) -> io::Result<Vec<Pair>>;
    fn loudness(&self, depth: usize, range: Range<usize>) -> io::Result<Vec<i16>>;
    fn marks(&self, mark: Mark, depth: usize, range: Range<usize>) -> io::Result<Vec<bool>>;
}

impl Shape {
    fn buckets(&self) -> usize {
        usize::try_from(self.frames.div_ceil(BUCKET_FRAMES)).unwrap_or(usize::MAX)
    }
}

/// Entries of each level over so many, the finest first.
fn sizes(finest: usize) -> Vec<usize> {
    let mut sizes = vec![finest];
    while let Some(last) = sizes.last().copied().filter(|last| *last > FACTOR) {
        sizes.push(last.div_ceil(FACTOR));
    }
    sizes
}

fn levels<T: Copy>(finest: Vec<T>, together: impl Fn(&[T]) -> T) -> Vec<Vec<T>> {
    let mut levels = vec![finest];
    while let Some(last) = levels.last().filter(|level| level.len() > FACTOR) {
        levels.push(last.chunks(FACTOR).map(&together).collect());
    }
    levels
}

/// Least and greatest of a stretch of pairs; silence for none.
fn hull(pairs: &[Pair]) -> Pair {
    pairs.iter().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
}

fn loudest(points: &[i16]) -> i16 {
    points.iter().copied().max().unwrap_or(i16::MIN)
}

fn any(marks: &[bool]) -> bool {
    marks.iter().any(|mark| *mark)
}

/// The columns of a picture: column i reaches from `edge(i)` to `edge(i + 1)`.
#[derive(Clone, Copy)]
struct Columns {
    start: u64,
    end: u64,
    count: usize,
}

impl Columns {
    fn edge(&self, column: usize) -> u64 {
        let width = u128::from(self.end.saturating_sub(self.start));
        self.start + (width * column as u128 / self.count.max(1) as u128) as u64
    }

    /// From and to, at least one frame; `None` behind the end of the sound.
    fn frames(&self, column: usize, frames: u64) -> Option<Range<u64>> {
        let (from, to) = (self.edge(column), self.edge(column + 1));
        (from < frames).then(|| from..to.clamp(from + 1, frames))
    }

    /// The coarsest level that still has a few entries in every column, so that its edges are true and its cost is bounded: entries of `entry` frames at
    /// the finest, `depths` levels.
    fn depth(&self, entry: f64, depths: usize) -> usize {
        let narrowest = self.end.saturating_sub(self.start) / self.count.max(1) as u64;
        let (mut entry, mut depth) = (entry, 0);
        while depth + 1 < depths && entry * (FACTOR * FACTOR) as f64 <= narrowest as f64 {
            entry *= FACTOR as f64;
            depth += 1;
        }
        depth
    }
}

/// Drawn in time of the columns: of each level only the stretch that is seen is asked for.
fn view(from: &impl Levels, columns: Columns) -> io::Result<View> {
    let shape = from.shape();
    let sizes = sizes(shape.buckets());
    let depth = columns.depth(BUCKET_FRAMES as f64, sizes.len());
    let bucket = BUCKET_FRAMES * (FACTOR as u64).pow(depth as u32);
    let entries = |frames: Range<u64>| {
        let most = sizes[depth];
        let first = usize::try_from(frames.start / bucket).unwrap_or(usize::MAX).min(most);
        first..usize::try_from(frames.end.div_ceil(bucket)).unwrap_or(usize::MAX).min(most)
    };
    let ranges: Vec<Range<usize>> = (0..columns.count)
        .map(|column| columns.frames(column, shape.frames).map_or(0..0, &entries))
        .collect();
    let seen = hull_of(&ranges);
    let within =
        |range: &Range<usize>| range.start.saturating_sub(seen.start)..range.end.saturating_sub(seen.start);
    let peaks = (0..shape.channels).map(|channel| {
        let pairs = from.pairs(channel, depth, seen.clone())?;
        Ok(ranges.iter().map(|range| hull(&pairs[within(range)])).collect())
    });
    let marked = |mark| -> io::Result<Vec<u32>> {
        let marks = from.marks(mark, depth, seen.clone())?;
        let lit = ranges.iter().enumerate().filter(|(_, range)| any(&marks[within(range)]));
        Ok(lit.map(|(column, _)| column as u32).collect())
    };
    Ok(View {
        peaks: peaks.collect::<io::Result<_>>()?,
        short_term_lufs: short_term(from, columns)?,
        clipped: marked(Mark::Clipped)?,
        over: marked(Mark::Over)?,
    })
}

/// The least range that holds them all; ranges of nothing do not count.
fn hull_of(ranges: &[Range<usize>]) -> Range<usize> {
    let filled = || ranges.iter().filter(|range| !range.is_empty());
    let start = filled().map(|range| range.start).min().unwrap_or(0);
    start..filled().map(|range| range.end).max().unwrap_or(start)
}

fn short_term(from: &impl Levels, columns: Columns) -> io::Result<Vec<f32>> {
    let shape = from.shape();
    let points = shape.points as usize;
    if points == 0 {
        return Ok(vec![SILENCE_LUFS; columns.count]);
    }
    let sizes = sizes(points);
    let rate = f64::from(shape.sample_rate.max(1));
    let depth = columns.depth(rate / LOUDNESS_PER_S, sizes.len());
    let group = FACTOR.pow(depth as u32) as f64;
    // The point, with its fraction, that a moment is the middle of.
    let point = |frame: u64| ((frame as f64 / rate - LOUDNESS_CENTRE_S) * LOUDNESS_PER_S / group).max(0.0);
    let last = sizes[depth] - 1;
    let range = |column: usize| {
        let Some(frames) = columns.frames(column, shape.frames) else { return 0..0 };
        let (from, to) = (point(frames.start), point(frames.end));
        let first = (if depth == 0 { from.ceil() } else { from.floor() } as usize).min(last);
        let end = (to.ceil() as usize).clamp(first + 1, last + 1);
        // Where no middle lies in the column, the nearest.
        let nearest = (from.round() as usize).min(last);
        if to.ceil() <= from.ceil() && depth == 0 { nearest..nearest + 1 } else { first..end }
    };
    let ranges: Vec<Range<usize>> = (0..columns.count).map(range).collect();
    let seen = hull_of(&ranges);
    let values = from.loudness(depth, seen.clone())?;
    let lufs = |range: &Range<usize>| {
        if range.is_empty() {
            return SILENCE_LUFS;
        }
        let loudest = loudest(&values[range.start - seen.start..range.end - seen.start]);
        (f32::from(loudest) / 100.0).max(SILENCE_LUFS)
    };
    Ok(ranges.iter().map(lufs).collect())
}

impl Levels for Pyramid {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn pairs(&self, channel: usize, depth: usize, range: Range<usize>) -> io::Result<Vec<Pair>> {
        Ok(self.channels[channel][depth][range].to_vec())
    }

    fn loudness(&self, depth: usize, range: Range<usize>) -> io::Result<Vec<i16>> {
        Ok(self.loudness[depth][range].to_vec())
    }

    fn marks(&self, mark: Mark, depth: usize, range: Range<usize>) -> io::Result<Vec<bool>> {
        let levels = if mark == Mark::Clipped { &self.clipped } else { &self.over };
        Ok(levels[depth][range].to_vec())
    }
}

impl Pyramid {
    pub fn frames(&self) -> u64 {
        self.shape.frames
    }

    pub fn sample_rate(&self) -> u32 {
        self.shape.sample_rate
    }

    pub fn channels(&self) -> usize {
        self.shape.channels
    }

    /// `count` columns over the frames from `start` up to `end`, for each channel: least and greatest, 32767 for full scale. Columns
    /// outside of the sound are silent; one narrower than 256 frames shows the bucket it lies in.
    pub fn columns(&self, start: u64, end: u64, count: usize) -> Vec<Vec<(i16, i16)>> {
        self.view(start, end, count).peaks
    }

    /// The same with loudness and marks.
    pub fn view(&self, start: u64, end: u64, count: usize) -> View {
        view(self, Columns { start, end, count }).expect("memory is always read")
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let shape = self.shape;
        let mut bytes = Vec::from(*MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((shape.channels as u16).to_le_bytes());
        bytes.extend(shape.sample_rate.to_le_bytes());
        bytes.extend((BUCKET_FRAMES as u32).to_le_bytes());
        bytes.extend(shape.frames.to_le_bytes());
        bytes.extend(shape.points.to_le_bytes());
        bytes.extend([0; 4]);
        for (least, greatest) in self.channels.iter().flatten().flatten() {
            bytes.extend(least.to_le_bytes());
            bytes.extend(greatest.to_le_bytes());
        }
        bytes.extend(self.loudness.iter().flatten().flat_map(|point| point.to_le_bytes()));
        for level in self.clipped.iter().chain(&self.over) {
            let byte = |bits: &[bool]| {
                bits.iter().enumerate().fold(0u8, |byte, (at, bit)| byte | u8::from(*bit) << at)
            };
            bytes.extend(level.chunks(8).map(byte));
        }
        bytes
    }

    /// Errors: `Invalid` for anything but a whole file of this version; nothing is allocated beyond the bytes given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Pyramid, DspError> {
        let held = file::Held::new(bytes)?;
        let shape = held.shape();
        let unread = |error: io::Error| file::wrong(&error.to_string());
        let whole = |count: usize| sizes(count).into_iter().enumerate();
        let buckets = shape.buckets();
        let channel = |index: usize| {
            whole(buckets).map(|(depth, size)| held.pairs(index, depth, 0..size)).collect::<io::Result<_>>()
        };
        let marks = |mark| {
            whole(buckets).map(|(depth, size)| held.marks(mark, depth, 0..size)).collect::<io::Result<_>>()
        };
        let loudness = whole(shape.points as usize).map(|(depth, size)| held.loudness(depth, 0..size));
        Ok(Pyramid {
            shape,
            channels: (0..shape.channels).map(channel).collect::<io::Result<_>>().map_err(unread)?,
            loudness: loudness.collect::<io::Result<_>>().map_err(unread)?,
            clipped: marks(Mark::Clipped).map_err(unread)?,
            over: marks(Mark::Over).map_err(unread)?,
        })
    }

    /// Whole or not at all: somebody may be reading the one before. Errors: `Write`.
    pub fn write_to(&self, path: &Path) -> Result<(), DspError> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            io::Write::write_all(&mut file, &self.to_bytes())?;
            file.persist(path).map_err(|failed| failed.error)
        });
        written.map(|_| ()).map_err(|e| DspError::write(path, e))
    }

    /// Errors: `Open`, `Invalid`.
    pub fn read_from(path: &Path) -> Result<Pyramid, DspError> {
        Pyramid::from_bytes(&std::fs::read(path).map_err(|e| DspError::open(path, e))?)
    }
}
