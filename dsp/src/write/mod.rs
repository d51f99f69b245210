//! Writing sound: WAV (BWF, RF64 where it must be) and FLAC. A file appears under its name whole or not at all, and the same blocks make the same
//! bytes (D-1): no date, no random number goes in. Dither is not added here: whoever made the samples knows whether they need it.

mod flac;
mod wav;

use std::{
    fmt,
    io::BufWriter,
    path::{Path, PathBuf},
    str::FromStr,
};

use tempfile::NamedTempFile;
pub use wav::BextInfo;

use crate::{Block, DspError};

/// What a file is written as. Tokens stand in recipes and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    Wav16,
    Wav24,
    Wav32f,
    Flac16,
    Flac24,
}

impl Encoding {
    pub const ALL: [Encoding; 5] =
        [Encoding::Wav16, Encoding::Wav24, Encoding::Wav32f, Encoding::Flac16, Encoding::Flac24];

    pub fn token(self) -> &'static str {
        match self {
            Encoding::Wav16 => "wav16",
            Encoding::Wav24 => "wav24",
            Encoding::Wav32f => "wav32f",
            Encoding::Flac16 => "flac16",
            Encoding::Flac24 => "flac24",
        }
    }

    pub fn bits(self) -> u32 {
        match self {
            Encoding::Wav16 | Encoding::Flac16 => 16,
            Encoding::Wav24 | Encoding::Flac24 => 24,
            Encoding::Wav32f => 32,
        }
    }

    pub fn float(self) -> bool {
        self == Encoding::Wav32f
    }

    pub fn extension(self) -> &'static str {
        match self {
            Encoding::Wav16 | Encoding::Wav24 | Encoding::Wav32f => "wav",
            Encoding::Flac16 | Encoding::Flac24 => "flac",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

impl FromStr for Encoding {
    type Err = DspError;

    fn from_str(token: &str) -> Result<Encoding, DspError> {
        if token == "mp3" {
            return Err(DspError::Invalid(
                "this build has no MP3 encoder; wav16, wav24, wav32f, flac16 and flac24 are written".into(),
            ));
        }
        Encoding::ALL.into_iter().find(|encoding| encoding.token() == token).ok_or_else(|| {
            DspError::Invalid(format!(
                "{token:?} is not an encoding; wav16, wav24, wav32f, flac16 and flac24 are written"
            ))
        })
    }
}

/// A file being written. Dropped before `finish`, it leaves nothing behind.
pub struct AudioWriter {
    path: PathBuf,
    channels: usize,
    format: Format,
}

enum Format {
    Wav(wav::WavWriter<BufWriter<NamedTempFile>>),
    Flac(Box<flac::FlacWriter>),
}

impl AudioWriter {
    /// `bext` makes a WAV a Broadcast Wave; FLAC has no such chunk and ignores it. Errors: `Write`, `Invalid` for a rate or channel count that the
    /// format cannot hold.
    pub fn create(
        path: &Path,
        encoding: Encoding,
        sample_rate: u32,
        channels: usize,
        bext: Option<BextInfo>,
    ) -> Result<AudioWriter, DspError> {
        if channels == 0 || channels > 8 || sample_rate == 0 {
            return Err(DspError::Invalid(format!(
                "{channels} channels at {sample_rate} Hz cannot be written as {encoding}"
            )));
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
                let writer =
                    flac::FlacWriter::new(file, sample_rate, encoding.bits(), channels).map_err(at_write)?;
                Format::Flac(Box::new(writer))
            }
            _ => {
                let out = BufWriter::with_capacity(1 << 18, file);
                Format::Wav(
                    wav::WavWriter::new(out, encoding, sample_rate, channels, bext).map_err(at_write)?,
                )
            }
        };
        Ok(AudioWriter { path: path.to_owned(), channels, format })
    }

    /// Samples beyond full scale are held at full scale by integer formats and kept by float.
    pub fn write(&mut self, block: &Block) -> Result<(), DspError> {
        if block.channels.len() != self.channels {
            let what =
                format!("a block of {} channels for a file of {}", block.channels.len(), self.channels);
            return Err(DspError::Invalid(what));
        }
        let written = match &mut self.format {
            Format::Wav(writer) => writer.write(block),
            Format::Flac(writer) => writer.write(block),
        };
        written.map_err(|source| DspError::Write { path: self.path.clone(), source })
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
            Format::Flac(writer) => writer.finish().map_err(at_write)?,
        };
        let bytes = file.as_file().metadata().map_err(at_write)?.len();
        file.as_file().sync_data().map_err(at_write)?;
        file.persist(&path).map_err(|error| at_write(error.error))?;
        Ok(bytes)
    }
}

/// f64 to an integer of `bits`: round half to even, held at full scale. The inverse of how integers are read, so a copy is exact (D-3).
fn quantise(sample: f64, bits: u32) -> i32 {
    let scale = f64::from(1u32 << (bits - 1));
    (sample * scale).round_ties_even().clamp(-scale, scale - 1.0) as i32
}
