//! Reads sound out of a file, whatever its name says: the content decides. One `Source`, blocks of f64, integers mapped exactly
//! (x / 2^(bits-1)). Every claim of a header is checked against the file's size before anything is allocated or believed.
//! Never here: a whole song in memory, a guess at damaged sound.

mod aiff;
mod coded;
mod kind;
mod metadata;
mod mp4;
mod mpeg;
mod opus;
mod pcm;
mod riff;
mod storage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use metadata::{Bext, Cue, Loudness, Metadata};
pub use storage::{Bytes, Storage};

use crate::{Block, DspError, Spec, lanes};
use kind::Kind;

pub const MIN_SAMPLE_RATE_HZ: u32 = 8_000;
pub const MAX_SAMPLE_RATE_HZ: u32 = 384_000;
pub const MAX_CHANNELS: usize = 16;
/// A single read gives no more frames than this, whatever is asked.
pub const MAX_READ_FRAMES: usize = 1 << 16;
/// No sample may be further from zero, in units of full scale (+192 dBFS): beyond it a float file is noise or an attack.
const MAX_SAMPLE: f64 = 4_294_967_296.0;

/// An open sound file, read from front to back; `seek` begins elsewhere.
pub struct Source {
    path: PathBuf,
    storage: Arc<dyn Storage>,
    kind: Kind,
    spec: Spec,
    metadata: Metadata,
    body: Body,
    position: u64,
}

enum Body {
    Pcm(pcm::PcmReader),
    Coded(Box<coded::CodedReader>),
}

/// What a container's own reader hands to `Source`.
struct Opened {
    spec: Spec,
    metadata: Metadata,
    body: Body,
}

/// What a file is by its first bytes: `wav`, `aiff`, `flac`, `ogg`, `mp4`, `mp3` or `adts`. Nothing is decoded.
///
/// Errors: as [`Source::open`], as far as the first bytes tell.
pub fn format(path: &Path) -> Result<&'static str, DspError> {
    let mut file = std::fs::File::open(path).map_err(|e| DspError::open(path, e))?;
    Ok(match kind::recognise(&mut file, path)? {
        Kind::Riff => "wav",
        Kind::Aiff => "aiff",
        Kind::Coded(container) => container,
    })
}

impl Source {
    /// Opens a file and reads its header. WAV, RF64/BW64, AIFF, FLAC, MP3, MP4 (ALAC, AAC), ADTS AAC, Ogg Vorbis and Ogg Opus
    /// are read. What coders put before and behind the sound is left out wherever the file tells how much it is.
    ///
    /// Errors: `Open`, `Empty` (no bytes), `NotAudio`, `Unsupported` (a kind known by name), `Hostile` (a claim outside
    /// 8 kHz..384 kHz or 1..16 channels), `Damaged` (the header promises more sound than the file holds).
    pub fn open(path: &Path) -> Result<Source, DspError> {
        let about = std::fs::metadata(path).map_err(|e| DspError::open(path, e))?;
        if !about.is_file() {
            return Err(DspError::not_audio(path, "it is not a file"));
        }
        let bytes = about.len();
        Source::open_in(Arc::new(storage::FileStorage { path: path.to_owned(), bytes }), path)
    }

    /// The same over any storage. `name` stands in errors.
    pub fn open_in(storage: Arc<dyn Storage>, name: &Path) -> Result<Source, DspError> {
        let mut file = storage.open().map_err(|e| DspError::open(name, e))?;
        if storage.byte_len() == 0 {
            return Err(DspError::Empty { path: name.to_owned() });
        }
        let kind = kind::recognise(&mut file, name)?;
        let opened = open_as(kind, file, &storage, name)?;
        Ok(Source {
            path: name.to_owned(),
            storage,
            kind,
            spec: opened.spec,
            metadata: opened.metadata,
            body: opened.body,
            position: 0,
        })
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Frames read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Fills `block` with the next frames, at most `max_frames` of them and often fewer; `0` is the end and only the end.
    ///
    /// Errors: `Damaged` with the time, where the stream breaks off, cannot be decoded or holds a sample that is not a number.
    pub fn read(&mut self, block: &mut Block, max_frames: usize) -> Result<usize, DspError> {
        let max_frames = max_frames.clamp(1, MAX_READ_FRAMES);
        let frames = match &mut self.body {
            Body::Pcm(reader) => reader.read(block, max_frames, &self.path, self.position, &self.spec)?,
            Body::Coded(reader) => reader.read(block, max_frames, &self.path, self.position, &self.spec)?,
        };
        if self.spec.float || self.spec.bits.is_none() {
            check_samples(block, &self.path, self.position, self.spec.sample_rate)?;
        }
        self.position += frames as u64;
        Ok(frames)
    }

    /// Goes to a frame: what is read from now on is what a reading from the start gives there. Formats that need what stood before (MP3, AAC,
    /// Vorbis, Opus) are decoded from a little earlier on; Opus and the drawn noise of AAC come within their own tolerance, all others to the bit.
    /// Behind the end it is the end. What is read after a seek is not held against a digest of the whole.
    ///
    /// Errors: as `read`.
    pub fn seek(&mut self, frame: u64) -> Result<(), DspError> {
        let frame = self.spec.frames.map_or(frame, |frames| frame.min(frames));
        match &mut self.body {
            Body::Pcm(reader) => reader.seek(frame, &self.path, &self.spec)?,
            Body::Coded(reader) => {
                if !reader.seek(frame, &self.path, &self.spec)? {
                    return self.read_up_to(frame);
                }
            }
        }
        self.position = frame;
        Ok(())
    }

    /// From the start, where there is no shorter way.
    fn read_up_to(&mut self, frame: u64) -> Result<(), DspError> {
        if frame < self.position || matches!(&self.body, Body::Coded(reader) if reader.is_lost()) {
            let file = self.storage.open().map_err(|e| DspError::open(&self.path, e))?;
            self.body = open_as(self.kind, file, &self.storage, &self.path)?.body;
            self.position = 0;
        }
        let mut block = Block::default();
        while self.position < frame {
            let left = usize::try_from(frame - self.position).unwrap_or(MAX_READ_FRAMES);
            if self.read(&mut block, left)? == 0 {
                break;
            }
        }
        Ok(())
    }
}

fn open_as(
    kind: Kind,
    file: Box<dyn Bytes>,
    storage: &Arc<dyn Storage>,
    path: &Path,
) -> Result<Opened, DspError> {
    match kind {
        Kind::Riff => riff::open(file, storage.byte_len(), path),
        Kind::Aiff => aiff::open(file, storage.byte_len(), path),
        Kind::Coded(container) => coded::open(file, container, storage.clone(), path),
    }
}

/// Refuses rates and channel counts that no studio has.
fn check_limits(path: &Path, sample_rate: f64, channels: usize) -> Result<u32, DspError> {
    if channels == 0 {
        return Err(DspError::hostile(path, "it says that it has no channels"));
    }
    if channels > MAX_CHANNELS {
        return Err(DspError::hostile(
            path,
            format!("it says {channels} channels, at most {MAX_CHANNELS} are read"),
        ));
    }
    let allowed = f64::from(MIN_SAMPLE_RATE_HZ)..=f64::from(MAX_SAMPLE_RATE_HZ);
    if !allowed.contains(&sample_rate) {
        return Err(DspError::hostile(
            path,
            format!(
                "it says {sample_rate} Hz, rates from {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz are read"
            ),
        ));
    }
    Ok(sample_rate.round() as u32)
}

fn check_samples(block: &Block, path: &Path, position: u64, sample_rate: u32) -> Result<(), DspError> {
    // All of a plane at once: where it is sound, which is nearly always, nothing is searched.
    let sound = |sample: &f64| sample.abs() <= MAX_SAMPLE;
    let whole = |plane: &[f64]| {
        lanes::wide(
            #[inline(always)]
            || plane.iter().fold(true, |all, s| all & sound(s)),
        )
    };
    if block.channels.iter().all(|plane| whole(plane)) {
        return Ok(());
    }
    let wrong = block.channels.iter().filter_map(|plane| plane.iter().position(|s| !sound(s))).min();
    match wrong {
        None => Ok(()),
        Some(frame) => {
            let at_s = seconds(position + frame as u64, sample_rate);
            Err(DspError::damaged(path, at_s, "a sample is not a number or is beyond any level"))
        }
    }
}

fn seconds(frames: u64, sample_rate: u32) -> f64 {
    frames as f64 / f64::from(sample_rate.max(1))
}
