//! Opening a file and streaming its sound as planar f64. The content decides what it is, never the name. WAV and RF64 are read by our own chunk walker
//! (exact for every bit depth, and the only reader that knows RF64); everything else comes through symphonia. Claims in a header are checked
//! against the size of the file before anything is allocated for them.

mod coded;
mod riff;

use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{Block, DspError, Spec};

pub const SAMPLE_RATE_MIN: u32 = 8_000;
pub const SAMPLE_RATE_MAX: u32 = 384_000;
pub const CHANNELS_MAX: usize = 16;

/// A file that is being read from its first frame to its last.
pub struct Source {
    path: PathBuf,
    spec: Spec,
    reader: Reader,
    position: u64,
}

enum Reader {
    Riff(riff::RiffReader),
    Coded(Box<coded::CodedReader>),
}

impl Source {
    /// Errors: `Open`, `Empty`, `NotAudio`, `Unsupported`, `Hostile`.
    pub fn open(path: &Path) -> Result<Source, DspError> {
        let at_open = |source| DspError::Open { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(at_open)?;
        let metadata = file.metadata().map_err(at_open)?;
        if !metadata.is_file() {
            return Err(DspError::NotAudio {
                path: path.to_owned(),
                what: "it is not a regular file".into(),
            });
        }
        if metadata.len() == 0 {
            return Err(DspError::Empty { path: path.to_owned() });
        }
        let mut head = [0u8; 16];
        let got = read_up_to(&mut file, &mut head).map_err(at_open)?;
        file.seek(SeekFrom::Start(0)).map_err(at_open)?;
        let head = &head[..got];
        refuse_by_name(path, head)?;
        let (spec, reader) =
            if head.starts_with(b"RIFF") || head.starts_with(b"RF64") || head.starts_with(b"BW64") {
                let reader = riff::RiffReader::open(path, file, metadata.len())?;
                (reader.spec().clone(), Reader::Riff(reader))
            } else {
                let reader = coded::CodedReader::open(path, file, metadata.len())?;
                (reader.spec().clone(), Reader::Coded(Box::new(reader)))
            };
        Ok(Source { path: path.to_owned(), spec, reader, position: 0 })
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Frames read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Fills `block` (made `channels` x frames) with at most `frames_max` frames; 0 at the end. Errors: `Damaged` with the time, also for samples that
    /// are not numbers.
    pub fn read(&mut self, block: &mut Block, frames_max: usize) -> Result<usize, DspError> {
        block.channels.resize_with(self.spec.channels, Vec::new);
        block.clear();
        let got = match &mut self.reader {
            Reader::Riff(reader) => reader.read(block, frames_max),
            Reader::Coded(reader) => reader.read(block, frames_max),
        };
        let at_s = self.position as f64 / f64::from(self.spec.sample_rate);
        let damaged = |what: String| DspError::Damaged { path: self.path.clone(), at_s, what };
        let frames = got.map_err(damaged)?;
        if let Some(frame) = block
            .channels
            .iter()
            .filter_map(|channel| channel.iter().position(|sample| !sample.is_finite()))
            .min()
        {
            let at_s = (self.position + frame as u64) as f64 / f64::from(self.spec.sample_rate);
            return Err(DspError::Damaged {
                path: self.path.clone(),
                at_s,
                what: "a sample is not a number".into(),
            });
        }
        self.position += frames as u64;
        Ok(frames)
    }
}

/// Kinds that are known and not read here, so that the refusal can say what was found.
fn refuse_by_name(path: &Path, head: &[u8]) -> Result<(), DspError> {
    let kinds: [(&[u8], &str); 9] = [
        (b"caff", "a CAF file; export WAV, AIFF or FLAC"),
        (&[0x1A, 0x45, 0xDF, 0xA3], "a Matroska or WebM file; export WAV or FLAC"),
        (b"wvpk", "a WavPack file; export WAV or FLAC"),
        (b"MAC ", "a Monkey's Audio file; export WAV or FLAC"),
        (b"DSD ", "a DSD file; export WAV or FLAC"),
        (b"FRM8", "a DSDIFF file; export WAV or FLAC"),
        (b"riff", "a Wave64 file; export WAV (RF64 where it is large)"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a zip archive; send the files inside it"),
    ];
    match kinds.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, what)) => Err(DspError::Unsupported { path: path.to_owned(), what: (*what).into() }),
        None => Ok(()),
    }
}

/// The claims that every container makes, held against what can be true.
fn check_claims(path: &Path, sample_rate: u32, channels: usize) -> Result<(), DspError> {
    let hostile = |what: String| Err(DspError::Hostile { path: path.to_owned(), what });
    if channels == 0 {
        return hostile("0 channels".into());
    }
    if channels > CHANNELS_MAX {
        return hostile(format!("{channels} channels; at most {CHANNELS_MAX} are read"));
    }
    if !(SAMPLE_RATE_MIN..=SAMPLE_RATE_MAX).contains(&sample_rate) {
        return hostile(format!(
            "a sample rate of {sample_rate} Hz; {SAMPLE_RATE_MIN} to {SAMPLE_RATE_MAX} Hz are read"
        ));
    }
    Ok(())
}

/// Fewer bytes than asked only at the end of the file.
fn read_up_to(file: &mut impl std::io::Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
