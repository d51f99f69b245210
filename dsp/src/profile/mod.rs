//! Delivery profiles: dated, sourced data that say which files a destination gets and which checks hold; the plan of a record made from one; what a
//! platform does to its level; how its songs stand to each other; its label copy. Pure. Never here: reading or writing files, rendering, who may do what.

mod choice;
mod consistency;
mod cover_rules;
mod file;
mod finding;
pub mod label_copy;
mod lengths;
mod level_rules;
mod made_rules;
mod maker;
pub mod media;
mod names;
mod on_disc;
mod parse;
mod penalties;
mod plan;
mod record_rules;
mod sheet;
mod shipped;
mod sides;
mod sizes;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use choice::{pick, pick_alone};
pub use consistency::{
    BAND_EDGES_HZ, BANDS, Consistency, ConsistencyRow, Tolerances, TrackFigures, bands_of, consistency,
    consistency_within,
};
pub use file::{Found, Measured, one};
pub use finding::Finding;
pub use lengths::{Place, places};
pub use made_rules::Held;
pub(crate) use made_rules::{Sound, made};
pub use media::{Fit, Medium};
pub use names::{fold, role_word};
pub use on_disc::{disc_of, planned_disc};
pub use penalties::{Heard, Penalty, penalties, penalties_text};
pub use plan::{Kind, Plan, PlannedFile, plan};
pub use sheet::{AlternateSheet, AudioFile, Figures, FormatSheet, Placing, RecordSheet, SongSheet};
pub use shipped::{Catalogue, shipped, text};
pub use sides::side_sheet;

use crate::write::Encoding;

/// What a destination asks for. Everything but name, date and sources may be absent: then it is not asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub name: String,
    /// When its figures were collected: "2026-11-21".
    pub dated: String,
    #[serde(default)]
    pub about: String,
    pub sources: Vec<String>,
    /// Which source a limit comes from: the key of the limit, and words that stand in one of `sources`.
    #[serde(default)]
    pub because: BTreeMap<String, String>,
    #[serde(default)]
    pub limits: Limits,
    pub alternates: Option<Alternates>,
    #[serde(default)]
    pub record: RecordRules,
    #[serde(default, rename = "platform")]
    pub platforms: Vec<Platform>,
    #[serde(default, rename = "medium")]
    pub media: Vec<Medium>,
    #[serde(default, rename = "file")]
    pub files: Vec<FileAsk>,
    /// Of the text it was read from, in hex: what a record says it was made by.
    #[serde(skip)]
    pub sha256: String,
}

impl Profile {
    /// A profile's text. The error names the line, what is wrong there, and the nearest word that would be right.
    pub fn parse(text: &str) -> Result<Profile, (usize, String)> {
        parse::parse(text)
    }

    /// The source of one limit, whole; `None` where the profile does not tell it apart.
    pub fn said_by(&self, limit: &str) -> Option<&str> {
        let words = self.because.get(limit)?;
        self.sources.iter().find(|it| it.contains(words.as_str())).map(String::as_str)
    }

    /// The source of a limit, or else the profile itself.
    pub(crate) fn source(&self, limit: &str) -> String {
        self.said_by(limit)
            .map_or_else(|| format!("profile {} of {}", self.name, self.dated), ToOwned::to_owned)
    }

    /// The medium of that name, as a record says what it is pressed on.
    pub fn medium(&self, name: &str) -> Option<&Medium> {
        self.media.iter().find(|it| it.name == name)
    }
}

/// Of one file. What is absent is not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub lossy_blocks: bool,
    pub containers_preferred: Vec<String>,
    /// Any other blocks.
    pub sample_rates_hz: Vec<u32>,
    /// Below it warns.
    pub sample_rate_min_hz: Option<u32>,
    pub bits_min: Option<u32>,
    /// Any other blocks.
    pub channels: Vec<usize>,
    pub true_peak_max_dbtp: Option<f64>,
    pub true_peak_advised_dbtp: Option<f64>,
    pub sample_peak_advised_dbfs: Option<f64>,
    pub loudness_max_lufs: Option<f64>,
    /// Above it warns.
    pub loudness_advised_lufs: Option<f64>,
    pub clipping_blocks: bool,
    pub dc_offset_max: Option<f64>,
    pub correlation_min: Option<f64>,
    pub head_silence_advised_s: Option<[f64; 2]>,
    pub tail_silence_advised_s: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternates {
    /// How many frames an alternate may be longer or shorter than its main.
    pub same_length_frames: u64,
    pub same_format: bool,
    /// How far an alternate that only moves one element may be from its main.
    pub step_loudness_max_lu: Option<f64>,
}

/// What a missing or doubtful thing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It is not asked.
    #[default]
    No,
    Warn,
    Block,
}

/// Of the record as a whole. Ill-formed and doubled codes, and what cannot be made at all, block whatever stands here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordRules {
    /// A song without an ISRC.
    pub isrc: Weight,
    pub upc: Weight,
    pub catalogue: Weight,
    /// Label, P-line, C-line and release date.
    pub label_lines: Weight,
    /// A song that does not say whether its words are explicit, or were cleaned.
    pub explicit: Weight,
    /// "Clean" and "Explicit" in a title; a version that does not stand in brackets.
    pub title_words: Weight,
    /// A song without credits.
    pub credits: Weight,
    /// A song whose splits are missing or are not 100 %.
    pub splits: Weight,
    /// Titles that CD-Text cannot carry.
    pub cd_text: Weight,
    /// Songs that follow each other at once without a crossfade.
    pub gap_zero: Weight,
    /// A song that is faded in or out.
    pub fades: Weight,
    /// A hidden song, where there is no pre-gap to hide it in.
    pub hidden: Weight,
    pub step_max_lu: Option<f64>,
    /// The last song of a side, against the others of it.
    pub last_song_louder_lu: Option<f64>,
    pub last_song_quieter_lu: Option<f64>,
    /// A platform that turns down by more warns.
    pub penalty_db: Option<f64>,
    /// How far a cutdown may be from its seconds.
    pub cut_tolerance_ms: Option<u32>,
    /// A record without a picture, and one whose picture is smaller than `cover_min_px`, which warns at least.
    pub cover: Weight,
    /// Of its shorter side.
    pub cover_min_px: Option<u32>,
    /// A picture that is no square.
    pub cover_square: Weight,
}

/// A service that plays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub name: String,
    /// `None`: it plays as it is.
    pub plays_at_lufs: Option<f64>,
    pub true_peak_dbtp: f64,
    /// For masters louder than it plays at.
    pub true_peak_if_louder_dbtp: Option<f64>,
    /// Whether the songs of a record played in a row keep one gain, and whose level it is made from.
    pub album: Option<AlbumGain>,
    /// What it does to quiet masters; `None`: no source says.
    pub turns_up: Option<TurnsUp>,
    /// Listeners choose it: it stands in the report, and nothing is found wrong because of it.
    #[serde(default)]
    pub by_choice: bool,
    #[serde(default)]
    pub source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlbumGain {
    /// From the record as one sound.
    Together,
    /// From its loudest song.
    Loudest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TurnsUp {
    Never,
    /// As far as the true peak stays under the ceiling of the platform.
    ToPeak,
}

/// Files that a destination asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileAsk {
    pub kind: Ask,
    /// A token of [`Encoding`]; of kinds that are sound.
    #[serde(default, deserialize_with = "parse::encoding")]
    pub encoding: Option<Encoding>,
    /// At most: nothing is ever up-sampled for it. Absent: the master's own.
    pub sample_rate_hz: Option<u32>,
    /// Folder and name, with words in braces: see `names::WORDS`. Names get their extension by themselves.
    #[serde(default)]
    pub folder: String,
    #[serde(default)]
    pub name: String,
    /// Title, artist, codes, and the cover where there is one, go into the file.
    #[serde(default)]
    pub tags: bool,
    /// A Broadcast Wave chunk of version 2 with levels.
    #[serde(default)]
    pub bext: bool,
    /// Of kind `song`: the alternate; absent: the main.
    pub alternate: Option<String>,
    /// What it does where there is no such alternate.
    #[serde(default)]
    pub missing: Weight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Cut from the spaced record, a file a song.
    Track,
    /// A song by itself, apart from the record: no gaps, no fades, no levels of the spacing.
    Song,
    Side,
    /// The record from its first to its last frame.
    Whole,
    /// A DDP-compatible set.
    Ddp,
    /// Sound of the disc and its cue, as the fallback.
    CueBin,
    PqSheet,
    /// Songs and times of every side, for the cutting engineer.
    SideSheet,
    LabelCopyCsv,
    LabelCopyJson,
    /// What platforms do to the level.
    Penalties,
    Sha256,
    Md5,
}
