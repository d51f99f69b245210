//! The names of what a file can be written as: tokens of recipes and of the command line. Never here: how one is written.

use std::{fmt, str::FromStr};

use crate::DspError;

/// What a file is written as. Tokens stand in recipes and on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    Wav16,
    Wav24,
    /// Whole numbers of 32 bits.
    Wav32,
    Wav32f,
    Aiff16,
    Aiff24,
    Flac16,
    Flac24,
    /// MP3 at a constant 320 kbit/s.
    Mp3_320,
    /// MP3 of variable bit rate at LAME's quality 0.
    Mp3V0,
    /// Opus at 160 kbit/s, for previews.
    Opus160,
}

impl Encoding {
    pub const ALL: [Encoding; 11] = [
        Encoding::Wav16,
        Encoding::Wav24,
        Encoding::Wav32,
        Encoding::Wav32f,
        Encoding::Aiff16,
        Encoding::Aiff24,
        Encoding::Flac16,
        Encoding::Flac24,
        Encoding::Mp3_320,
        Encoding::Mp3V0,
        Encoding::Opus160,
    ];

    /// Those that give back the samples they were given.
    pub const LOSSLESS: [Encoding; 8] = [
        Encoding::Wav16,
        Encoding::Wav24,
        Encoding::Wav32,
        Encoding::Wav32f,
        Encoding::Aiff16,
        Encoding::Aiff24,
        Encoding::Flac16,
        Encoding::Flac24,
    ];

    pub fn token(self) -> &'static str {
        match self {
            Encoding::Wav16 => "wav16",
            Encoding::Wav24 => "wav24",
            Encoding::Wav32 => "wav32",
            Encoding::Wav32f => "wav32f",
            Encoding::Aiff16 => "aiff16",
            Encoding::Aiff24 => "aiff24",
            Encoding::Flac16 => "flac16",
            Encoding::Flac24 => "flac24",
            Encoding::Mp3_320 => "mp3-320",
            Encoding::Mp3V0 => "mp3-v0",
            Encoding::Opus160 => "opus-160",
        }
    }

    /// Of a sample as the writer takes it: a lossy encoder is fed floats of 32 bits.
    pub fn bits(self) -> u32 {
        match self {
            Encoding::Wav16 | Encoding::Aiff16 | Encoding::Flac16 => 16,
            Encoding::Wav24 | Encoding::Aiff24 | Encoding::Flac24 => 24,
            Encoding::Wav32 | Encoding::Wav32f => 32,
            Encoding::Mp3_320 | Encoding::Mp3V0 | Encoding::Opus160 => 32,
        }
    }

    /// The writer takes floats as they are: nothing is rounded to whole numbers before it, so nothing is dithered. True for the lossy ones too.
    pub fn float(self) -> bool {
        self == Encoding::Wav32f || self.lossy()
    }

    /// What comes back is not what was given: levels and peaks must be measured on the decoded sound.
    pub fn lossy(self) -> bool {
        matches!(self, Encoding::Mp3_320 | Encoding::Mp3V0 | Encoding::Opus160)
    }

    pub fn extension(self) -> &'static str {
        match self {
            Encoding::Wav16 | Encoding::Wav24 | Encoding::Wav32 | Encoding::Wav32f => "wav",
            Encoding::Aiff16 | Encoding::Aiff24 => "aiff",
            Encoding::Flac16 | Encoding::Flac24 => "flac",
            Encoding::Mp3_320 | Encoding::Mp3V0 => "mp3",
            Encoding::Opus160 => "opus",
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
        Encoding::ALL.into_iter().find(|encoding| encoding.token() == token).ok_or_else(|| {
            let known = Encoding::ALL.map(Encoding::token).join(", ");
            DspError::Invalid(format!("{token:?} is not an encoding; there are {known}"))
        })
    }
}
