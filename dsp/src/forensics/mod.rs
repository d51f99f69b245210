//! Alternate forensics: do the instrumental, the a cappella, the TV mix, the vocal rides, the clean version and the stems of a song belong to its
//! main? Every file is laid beside the main (start, polarity, rate, level), then all are questioned together: sums that must null, rides that must be
//! the voice and nothing else, voices that must be gone. Each answer is a sentence with its figure. Never here: the studio's words for alternates, limits
//! of a profile, more of a song in memory than the inner products of its files.

mod bus;
mod clean;
mod estimate;
mod hearing;
mod labels;
mod ledger;
mod rides;
mod sharpen;
mod song;
mod strand;
mod sums;
mod voices;
mod words;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{DspError, Flow};

/// What a file is said to be. Callers map their own words to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Main,
    /// No voice at all.
    Instrumental,
    /// All voices, nothing else.
    Acappella,
    /// The main without its lead voice; backing voices stay.
    Tv,
    /// The voice raised by this many dB, nothing else touched.
    VocalUp(f64),
    /// The voice lowered by this many dB (a positive number).
    VocalDown(f64),
    /// The main with words taken out.
    Clean,
    /// One of the groups that together are the main.
    Stem(String),
    /// Some other version of the whole length: only start, polarity, rate, length and whether it is this song.
    Other,
    /// Shorter or longer on purpose: not compared.
    Edit,
}

impl Part {
    /// By how much the name says that the voice was moved, dB.
    pub fn ride_db(&self) -> Option<f64> {
        match self {
            Part::VocalUp(db) => Some(*db),
            Part::VocalDown(db) => Some(-*db),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Listen to it, or know why.
    Warn,
    /// Not to be delivered so.
    Block,
}

/// A verdict on one alternate or on several together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Stable; for machines.
    pub code: &'static str,
    pub severity: Severity,
    /// The callers' words for the files that it speaks of, the one to mend first.
    pub tokens: Vec<String>,
    /// A sentence, with its figure.
    pub words: String,
    pub figure: Figure,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub value: f64,
    /// "dB", "frames", "s", "Hz", "%"
    pub unit: &'static str,
}

/// How one alternate lies against the main.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Laid {
    pub token: String,
    /// Frames of the main's rate by which it comes late; negative: early.
    pub offset_frames: f64,
    pub inverted: bool,
    pub rate_hz: u32,
    pub channels: usize,
    /// Of its own rate.
    pub frames: u64,
    /// Its level against the main's, dB, where it can be told: 0 where it was printed with the faders where they were.
    pub level_db: Option<f64>,
    /// Whether it has anything of the main in it.
    pub of_this_song: bool,
}

/// A sum of alternates that should be the main.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sum {
    pub tokens: Vec<String>,
    /// What is left of the main when they are taken from it, against the main. No less than -300.
    pub null_db: f64,
    pub bands: Vec<BandNull>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BandNull {
    pub from_hz: f64,
    pub to_hz: f64,
    pub null_db: f64,
}

/// What a vocal ride really is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VocalDb {
    pub token: String,
    pub named_db: f64,
    pub real_db: f64,
    /// Share of what was moved that is the voice, 0 to 1; `None` where nothing tells what the voice is.
    pub voice_share: Option<f64>,
    /// Whether it was read from the voice itself, or only from how far what was moved stands apart from the rest ("about").
    pub exact: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Examination {
    /// The gravest first.
    pub findings: Vec<Finding>,
    pub laid: Vec<Laid>,
    pub sums: Vec<Sum>,
    pub vocal_db: Vec<VocalDb>,
}

impl Examination {
    pub fn blocked(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Block)
    }
}

/// Examines alternates (the callers' word, what it is said to be, its file) against their main. Streams: each file is read a few times from front to back.
/// `progress` goes from 0 to 1 and is asked at every block.
///
/// Errors: those of `Source`, `NotAudio` for a file without a frame, `Stopped`; `Invalid` where a main has more channels or a higher rate than can be
/// examined.
pub fn examine(
    main: &Path,
    alternates: &[(String, Part, PathBuf)],
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<Examination, DspError> {
    let mut out = Examination::default();
    let heard = hearing::hear(main, alternates, &mut out, progress)?;
    if let Some(heard) = heard {
        song::judge(heard, &mut out);
    }
    out.findings.sort_by_key(|found| std::cmp::Reverse(found.severity));
    Ok(out)
}
