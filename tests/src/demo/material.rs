//! The sound that goes through the house: the synthesised song, or a recording of one's own. Writes the files that people push, under the
//! names that people give them. Never here: the studio.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};

use super::recording::Recording;
use crate::song::{self, MixSettings, RATE_HZ, Stems};

/// What each alternate is called in a file name; written by hand, so that the client's reading of names is put to the test.
const FIELDS: [(&str, &str); 7] = [
    ("main", "Main"),
    ("vocal-up+1.0", "VocUp10"),
    ("vocal-down-1.0", "VocDn10"),
    ("instrumental", "Inst"),
    ("tv", "TV"),
    ("a-cappella", "Acap"),
    ("limited", "Limited"),
];

pub enum Material {
    /// Mixes are true sums of stems, so all alternates can be made.
    Song(Box<Stems>),
    /// A finished recording: only what can be made honestly from it.
    Recording(Recording),
}

/// One file to push, and the alternate that its name must be read as.
pub struct Printed {
    pub alternate: &'static str,
    pub path: PathBuf,
}

impl Material {
    pub fn say(&self) -> String {
        match self {
            Material::Song(stems) => format!(
                "the synthesised song: {:.1} s at {RATE_HZ} Hz, six stems, mixes are true sums of them",
                stems.frames() as f64 / f64::from(RATE_HZ)
            ),
            Material::Recording(recording) => recording.say(),
        }
    }

    /// What the artist recorded.
    pub fn take(&self, folder: &Path) -> Result<PathBuf> {
        match self {
            Material::Song(stems) => {
                let path = folder.join(name("main", 1, RATE_HZ));
                write(&path, RATE_HZ, &song::take(stems))?;
                Ok(path)
            }
            Material::Recording(recording) => Ok(recording.original.clone()),
        }
    }

    /// Mix 1 or Mix 2 with its alternates, the main first.
    pub fn mix(&self, number: u32, folder: &Path) -> Result<Vec<Printed>> {
        match self {
            Material::Song(stems) => {
                let settings = if number == 1 { MixSettings::FIRST } else { MixSettings::REVISED };
                song::ALTERNATES
                    .iter()
                    .map(|alternate| {
                        let path = folder.join(name(alternate, number, RATE_HZ));
                        write(&path, RATE_HZ, &song::mix(stems, settings, alternate))?;
                        Ok(Printed { alternate, path })
                    })
                    .collect()
            }
            Material::Recording(recording) => {
                let file = |alternate| folder.join(name(alternate, number, recording.rate_hz));
                recording.mix(number, &file("main"), &file("limited"))?;
                let printed = |alternate| Printed { alternate, path: file(alternate) };
                Ok(vec![printed("main"), printed("limited")])
            }
        }
    }

    /// What the artist's note speaks of, in ms.
    pub fn place_ms(&self) -> (u64, u64) {
        let ms = |frame: usize| frame as u64 * 1000 / u64::from(RATE_HZ);
        match self {
            Material::Song(stems) => (ms(stems.last_chorus.start), ms(stems.last_chorus.end)),
            Material::Recording(recording) => (recording.length_ms() * 2 / 3, recording.length_ms() * 3 / 4),
        }
    }

    pub fn artists_note(&self) -> &'static str {
        match self {
            Material::Song(_) => "The lead drowns in the last chorus. As loud as in the first one, please.",
            Material::Recording(_) => {
                "Half a decibel less, and a second of silence before it begins, please."
            }
        }
    }

    pub fn changelog(&self) -> &'static str {
        match self {
            Material::Song(_) => "Lead 2 dB up in the last chorus, bass half a decibel down.",
            Material::Recording(_) => "Half a decibel down, a second of silence in front.",
        }
    }
}

/// "MaraLind_NightDrive_VocUp10_v01_48k24b.wav"
fn name(alternate: &str, number: u32, rate_hz: u32) -> String {
    let field = FIELDS.iter().find(|(token, _)| *token == alternate).map_or("Main", |(_, field)| field);
    let rate = match rate_hz {
        44_100 => "441k".to_owned(),
        88_200 => "882k".to_owned(),
        hz => format!("{}k", hz / 1000),
    };
    format!("MaraLind_NightDrive_{field}_v{number:02}_{rate}24b.wav")
}

fn write(path: &Path, rate_hz: u32, block: &Block) -> Result<()> {
    let at = || format!("writing {}", path.display());
    let mut writer =
        AudioWriter::create(path, Encoding::Wav24, rate_hz, block.channels.len(), None).with_context(at)?;
    writer.write(block).with_context(at)?;
    writer.finish().with_context(at)?;
    Ok(())
}
