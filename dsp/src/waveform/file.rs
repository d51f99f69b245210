//! A stored overview: where each level stands, and a reader that fetches only what is drawn. Every claim of the header is held against the length of the
//! file before anything is read. Never here: how an overview is made.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{
    BUCKET_FRAMES, Columns, HEADER_BYTES, Levels, MAGIC, MAX_CHANNELS, Mark, Pair, Shape, VERSION, View,
    sizes, view,
};
use crate::DspError;

/// An overview in its file. A picture of it costs the same however long the sound is.
pub struct Overview {
    shape: Shape,
    file: Mutex<File>,
}

/// An overview in memory as it would be stored.
pub(super) struct Held<'a> {
    shape: Shape,
    bytes: &'a [u8],
}

pub(super) fn wrong(what: &str) -> DspError {
    DspError::Invalid(format!("the waveform cannot be read: {what}. Measure the file again"))
}

/// Which bytes of the file hold what.
impl Shape {
    fn read(header: &[u8; HEADER_BYTES], length: u64) -> Result<Shape, DspError> {
        let word = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from(word(at)) | u32::from(word(at + 2)) << 16;
        if &header[..4] != MAGIC || word(4) != VERSION || u64::from(long(12)) != BUCKET_FRAMES {
            return Err(wrong("it is of another kind or version"));
        }
        let shape = Shape {
            sample_rate: long(8),
            frames: u64::from(long(16)) | u64::from(long(20)) << 32,
            channels: usize::from(word(6)),
            points: long(24),
        };
        let sound = shape.channels > 0 && shape.channels <= MAX_CHANNELS && shape.frames < 1 << 48;
        if !sound || shape.total_bytes() != length {
            return Err(wrong("its length is not what it says"));
        }
        Ok(shape)
    }

    fn pairs_bytes(&self) -> u64 {
        4 * sizes(self.buckets()).iter().map(|size| *size as u64).sum::<u64>()
    }

    fn loudness_bytes(&self) -> u64 {
        2 * sizes(self.points as usize).iter().map(|size| *size as u64).sum::<u64>()
    }

    fn marks_bytes(&self) -> u64 {
        sizes(self.buckets()).iter().map(|size| size.div_ceil(8) as u64).sum()
    }

    fn total_bytes(&self) -> u64 {
        HEADER_BYTES as u64
            + self.channels as u64 * self.pairs_bytes()
            + self.loudness_bytes()
            + 2 * self.marks_bytes()
    }

    fn pairs_at(&self, channel: usize, depth: usize) -> u64 {
        let coarser = sizes(self.buckets()).iter().take(depth).map(|size| 4 * *size as u64).sum::<u64>();
        HEADER_BYTES as u64 + channel as u64 * self.pairs_bytes() + coarser
    }

    fn loudness_at(&self, depth: usize) -> u64 {
        let finer = sizes(self.points as usize).iter().take(depth).map(|size| 2 * *size as u64).sum::<u64>();
        self.pairs_at(self.channels, 0) + finer
    }

    fn marks_at(&self, mark: Mark, depth: usize) -> u64 {
        let finer = sizes(self.buckets()).iter().take(depth).map(|size| size.div_ceil(8) as u64).sum::<u64>();
        let before = if mark == Mark::Over { self.marks_bytes() } else { 0 };
        self.loudness_at(0) + self.loudness_bytes() + before + finer
    }
}

/// Bytes from somewhere, at a place that the shape gave.
trait Bytes {
    fn shape_of(&self) -> Shape;
    fn fetch(&self, at: u64, length: usize) -> io::Result<Vec<u8>>;
}

impl<T: Bytes> Levels for T {
    fn shape(&self) -> Shape {
        self.shape_of()
    }

    fn pairs(&self, channel: usize, depth: usize, range: Range<usize>) -> io::Result<Vec<Pair>> {
        let at = self.shape_of().pairs_at(channel, depth) + 4 * range.start as u64;
        let bytes = self.fetch(at, 4 * range.len())?;
        let pair = |b: &[u8]| (i16::from_le_bytes([b[0], b[1]]), i16::from_le_bytes([b[2], b[3]]));
        Ok(bytes.chunks_exact(4).map(pair).collect())
    }

    fn loudness(&self, depth: usize, range: Range<usize>) -> io::Result<Vec<i16>> {
        let at = self.shape_of().loudness_at(depth) + 2 * range.start as u64;
        let bytes = self.fetch(at, 2 * range.len())?;
        Ok(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
    }

    fn marks(&self, mark: Mark, depth: usize, range: Range<usize>) -> io::Result<Vec<bool>> {
        let (first, end) = (range.start / 8, range.end.div_ceil(8));
        let at = self.shape_of().marks_at(mark, depth) + first as u64;
        let bytes = self.fetch(at, end - first)?;
        let bit = |index: usize| bytes[index / 8 - first] >> (index % 8) & 1 == 1;
        Ok(range.map(bit).collect())
    }
}

impl Bytes for Overview {
    fn shape_of(&self) -> Shape {
        self.shape
    }

    fn fetch(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl<'a> Held<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Held<'a>, DspError> {
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or_else(|| wrong("it is too short"))?;
        Ok(Held { shape: Shape::read(header, bytes.len() as u64)?, bytes })
    }
}

impl Bytes for Held<'_> {
    fn shape_of(&self) -> Shape {
        self.shape
    }

    fn fetch(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let part = self.bytes.get(at..at.saturating_add(length));
        part.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Overview {
    /// Reads the header alone. Errors: `Open`, `Invalid` for anything but a whole file of this version.
    pub fn open(path: &Path) -> Result<Overview, DspError> {
        let open = |e| DspError::open(path, e);
        let mut file = File::open(path).map_err(open)?;
        let length = file.metadata().map_err(open)?.len();
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header).map_err(|_| wrong("it is too short"))?;
        Ok(Overview { shape: Shape::read(&header, length)?, file: Mutex::new(file) })
    }

    pub fn frames(&self) -> u64 {
        self.shape.frames
    }

    pub fn sample_rate(&self) -> u32 {
        self.shape.sample_rate
    }

    pub fn channels(&self) -> usize {
        self.shape.channels
    }

    /// As [`Pyramid::view`](super::Pyramid::view). Errors: `Invalid`.
    pub fn view(&self, start: u64, end: u64, count: usize) -> Result<View, DspError> {
        view(self, Columns { start, end, count }).map_err(|e| wrong(&e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::{Block, Spec, waveform::PyramidBuilder};

    struct Counted<'a> {
        held: Held<'a>,
        bytes: AtomicU64,
    }

    impl Bytes for Counted<'_> {
        fn shape_of(&self) -> Shape {
            self.held.shape
        }

        fn fetch(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
            self.bytes.fetch_add(length as u64, Ordering::Relaxed);
            self.held.fetch(at, length)
        }
    }

    /// Bytes that a picture of the whole takes, and one of a tenth of it.
    fn cost(minutes: usize) -> [u64; 2] {
        let rate = 8000;
        let spec = Spec {
            sample_rate: rate,
            channels: 2,
            bits: Some(16),
            float: false,
            frames: None,
            container: "wav",
            codec: "pcm",
        };
        let mut builder = PyramidBuilder::new(&spec);
        let second = Block { channels: vec![vec![0.25; rate as usize]; 2] };
        (0..60 * minutes).for_each(|_| builder.push(&second));
        builder.set_loudness(&vec![-14.0; 600 * minutes - 29]);
        let pyramid = builder.finish();
        let bytes = pyramid.to_bytes();
        let frames = pyramid.frames();
        [frames, frames / 10].map(|end| {
            let counted = Counted { held: Held::new(&bytes).unwrap(), bytes: AtomicU64::new(0) };
            let drawn = view(&counted, Columns { start: 0, end, count: 200 }).unwrap();
            assert_eq!(drawn, pyramid.view(0, end, 200));
            counted.bytes.into_inner()
        })
    }

    #[test]
    fn an_hour_costs_no_more_than_three_minutes() {
        let ([song, song_part], [hour, hour_part]) = (cost(3), cost(60));
        assert!(hour <= song, "{hour} bytes for an hour, {song} for a song");
        // A level has 8 to 64 entries a column, so a part may be near the dear end of that; beyond it no length goes.
        for read in [song, song_part, hour, hour_part] {
            assert!(read <= 200 * 65 * (2 * 4 + 2) + 400, "{read} bytes for 200 columns");
        }
    }
}
