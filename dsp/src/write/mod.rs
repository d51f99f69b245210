//! Writing sound: WAV (BWF, RF64 where it must be), AIFF, FLAC, MP3 and Opus. A file appears under its name whole or not at all, and the same blocks make the same
//! bytes (D-1): no date, no random number goes in. Dither is not added here: whoever made the samples knows whether they need it.

mod aiff;
mod encoding;
mod flac;
#[cfg(feature = "mp3")]
mod mp3;
mod opus;
mod pack;
mod tags;
mod wav;

use std::{
    io::BufWriter,
    path::{Path, PathBuf},
};

pub use encoding::Encoding;
pub(crate) use tags::tag_in;
pub use tags::{COVER_BYTES_MAX, Cover, Tags, tag};
use tempfile::NamedTempFile;

pub use crate::digest::{Digest, digest};

use crate::{
    Block, DspError,
    decode::{Bext, Loudness, MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ},
};

/// More encoders than this wait for whoever makes the samples.
const MAX_FLAC_THREADS: usize = 8;

/// A file being written. Dropped before `finish`, it leaves nothing behind.
pub struct AudioWriter {
    path: PathBuf,
    channels: usize,
    format: Format,
}

enum Format {
    Wav(wav::WavWriter<BufWriter<NamedTempFile>>),
    Aiff(aiff::AiffWriter<BufWriter<NamedTempFile>>),
    Flac(Box<flac::FlacWriter>),
    #[cfg(feature = "mp3")]
    Mp3(Box<mp3::Mp3Writer>),
    Opus(Box<opus::OpusWriter>),
}

impl AudioWriter {
    /// `bext` makes a WAV a Broadcast Wave; FLAC has no such chunk and ignores it. Errors: `Write`, `Invalid` for a rate or channel count that the
    /// format cannot hold.
    pub fn create(
        path: &Path,
        encoding: Encoding,
        sample_rate: u32,
        channels: usize,
        bext: Option<Bext>,
    ) -> Result<AudioWriter, DspError> {
        let most = if matches!(encoding, Encoding::Flac16 | Encoding::Flac24) { 8 } else { MAX_CHANNELS };
        let rates = MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ;
        if channels == 0 || channels > most || !rates.contains(&sample_rate) {
            return Err(DspError::Invalid(format!(
                "{channels} channels at {sample_rate} Hz cannot be written as {encoding}: 1 to {most} channels, \
                 {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz"
            )));
        }
        if let Some(what) = refusal(encoding, sample_rate, channels) {
            return Err(DspError::Invalid(what));
        }
        let at_write = |source| DspError::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut part = tempfile::Builder::new();
        part.prefix(".deadwax-").suffix(".part");
        // A master lies on a share for others to read: the mode of any new file, less the umask, not the 0600 of a temporary one.
        #[cfg(unix)]
        part.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = part.tempfile_in(folder).map_err(at_write)?;
        let format = match encoding {
            Encoding::Flac16 | Encoding::Flac24 => {
                let threads =
                    std::thread::available_parallelism().map_or(1, |it| it.get().min(MAX_FLAC_THREADS));
                let writer = flac::FlacWriter::new(file, sample_rate, encoding.bits(), channels, threads)
                    .map_err(at_write)?;
                Format::Flac(Box::new(writer))
            }
            Encoding::Aiff16 | Encoding::Aiff24 => {
                let out = BufWriter::with_capacity(1 << 18, file);
                let writer = aiff::AiffWriter::new(out, encoding.bits(), sample_rate, channels);
                Format::Aiff(writer.map_err(at_write)?)
            }
            #[cfg(feature = "mp3")]
            Encoding::Mp3_320 | Encoding::Mp3V0 => {
                let writer = mp3::Mp3Writer::new(file, encoding, sample_rate, channels);
                Format::Mp3(Box::new(writer.map_err(at_write)?))
            }
            #[cfg(not(feature = "mp3"))]
            Encoding::Mp3_320 | Encoding::Mp3V0 => return Err(DspError::Invalid(NO_MP3.into())),
            Encoding::Opus160 => {
                let writer = opus::OpusWriter::new(file, sample_rate, channels);
                Format::Opus(Box::new(writer.map_err(at_write)?))
            }
            Encoding::Wav16 | Encoding::Wav24 | Encoding::Wav32 | Encoding::Wav32f => {
                let out = BufWriter::with_capacity(1 << 18, file);
                Format::Wav(
                    wav::WavWriter::new(out, encoding, sample_rate, channels, bext).map_err(at_write)?,
                )
            }
        };
        Ok(AudioWriter { path: path.to_owned(), channels, format })
    }

    /// Samples beyond full scale are held at full scale by integer formats and kept by float. Errors: `Invalid` for a block of another shape,
    /// `Write`, also where a sample is not a number; the file should then be given up.
    pub fn write(&mut self, block: &Block) -> Result<(), DspError> {
        if block.channels.len() != self.channels {
            let what =
                format!("a block of {} channels for a file of {}", block.channels.len(), self.channels);
            return Err(DspError::Invalid(what));
        }
        if block.channels.iter().any(|plane| plane.len() != block.frames()) {
            return Err(DspError::Invalid("a block whose channels are not of the same length".into()));
        }
        let written = match &mut self.format {
            Format::Wav(writer) => writer.write(block),
            Format::Aiff(writer) => writer.write(block),
            Format::Flac(writer) => writer.write(block),
            #[cfg(feature = "mp3")]
            Format::Mp3(writer) => writer.write(block),
            Format::Opus(writer) => writer.write(block),
        };
        written.map_err(|source| DspError::Write { path: self.path.clone(), source })
    }

    /// Levels for the `bext` chunk, known only when all sound has been heard: any time before `finish`, the last call counts. Formats without
    /// such a chunk, and a WAV created without one, ignore them.
    pub fn set_levels(&mut self, levels: &Loudness) {
        if let Format::Wav(writer) = &mut self.format {
            writer.set_levels(levels);
        }
    }

    /// Gives the file its name; what stood there is replaced. Returns its size in bytes.
    pub fn finish(self) -> Result<u64, DspError> {
        let path = self.path;
        let at_write = |source| DspError::Write { path: path.clone(), source };
        let file = match self.format {
            Format::Wav(writer) => {
                let out = writer.finish().map_err(at_write)?;
                out.into_inner().map_err(|error| at_write(error.into_error()))?
            }
            Format::Aiff(writer) => {
                let out = writer.finish().map_err(at_write)?;
                out.into_inner().map_err(|error| at_write(error.into_error()))?
            }
            Format::Flac(writer) => writer.finish().map_err(at_write)?,
            #[cfg(feature = "mp3")]
            Format::Mp3(writer) => writer.finish().map_err(at_write)?,
            Format::Opus(writer) => writer.finish().map_err(at_write)?,
        };
        let bytes = file.as_file().metadata().map_err(at_write)?.len();
        file.as_file().sync_data().map_err(at_write)?;
        file.persist(&path).map_err(|error| at_write(error.error))?;
        Ok(bytes)
    }
}

/// The size that a WAV or AIFF file of these frames will have, to the byte, with its tags; `None` for encodings whose size their coder decides, and for
/// tags that [`tag`] would refuse.
pub fn pcm_bytes(
    encoding: Encoding,
    channels: usize,
    frames: u64,
    bext: Option<&Bext>,
    tags: Option<&Tags>,
) -> Option<u64> {
    let head = match encoding {
        Encoding::Wav16 | Encoding::Wav24 | Encoding::Wav32 | Encoding::Wav32f => {
            wav::head_bytes(encoding, channels, bext)
        }
        Encoding::Aiff16 | Encoding::Aiff24 => aiff::HEAD_BYTES,
        _ => return None,
    };
    let frame_bytes = channels as u64 * u64::from(encoding.bits() / 8);
    let data = frames.saturating_mul(frame_bytes);
    let tags = match tags {
        Some(given) => tags::chunk_bytes(given, matches!(encoding, Encoding::Aiff16 | Encoding::Aiff24))?,
        None => 0,
    };
    Some(head.saturating_add(data).saturating_add(data % 2).saturating_add(tags))
}

#[cfg(not(feature = "mp3"))]
const NO_MP3: &str = "this build has no MP3 encoder: build with the feature mp3, or choose another encoding";

/// Why an encoder cannot take sound of this shape, and what to choose instead.
pub(crate) fn refusal(encoding: Encoding, sample_rate: u32, channels: usize) -> Option<String> {
    match encoding {
        #[cfg(feature = "mp3")]
        Encoding::Mp3_320 | Encoding::Mp3V0 => mp3::refusal(sample_rate, channels),
        #[cfg(not(feature = "mp3"))]
        Encoding::Mp3_320 | Encoding::Mp3V0 => Some(NO_MP3.into()),
        Encoding::Opus160 => opus::refusal(sample_rate, channels),
        _ => None,
    }
}
