//! The sheet of a master: what went in, what came out and what was done between, on a page that a client reads. Here it is data: figures, short
//! curves and sentences, filled by the render or by [`of_files`]; the drawings are made from it alone. Never here: sound, the studio, the clock.

use serde::{Deserialize, Serialize};

mod canvas;
mod charts;
mod collect;
mod drawing;
mod files;
mod font;
mod html;
mod page;
#[cfg(feature = "png")]
mod png;
mod report;
mod scale;
mod svg;
mod terminal;
mod words;

pub use collect::{SideMeter, TrackMeter};
pub use files::{of_files, side_of_file};
pub use html::html;
#[cfg(feature = "png")]
pub use png::{WIDTH_MAX_PX, WIDTH_MIN_PX, png};
pub use svg::svg;
pub use terminal::{Look, terminal};

/// A curve has at most so many points.
pub const POINTS_MAX: usize = 600;
/// What a curve of loudness says of anything quieter: the absolute gate of BS.1770.
pub const SILENCE_LUFS: f32 = -70.0;
/// The like for a band of a spectrum.
pub const SILENCE_DBFS: f32 = -140.0;

/// The whole page. Levels are `None` where there is nothing to measure. All words come from people and files: the drawings escape them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sheet {
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// Which version this is: "Master 2 of Mix 4".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub studio: Option<String>,
    /// When, as it shall be read. A render does not know: the same source and recipe give the same sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    pub recipe_name: String,
    pub recipe_sha256: String,
    pub engine: String,
    pub target_lufs: Option<f64>,
    pub ceiling_dbtp: Option<f64>,
    /// `None`: nothing was asked for.
    pub reached: Option<bool>,
    /// Why not.
    pub reason: Option<String>,
    pub gain_db: Option<f64>,
    /// How far the limiter went down at most; `None` where there is none.
    pub limiter_max_db: Option<f64>,
    /// The main as it came, and its first output.
    pub before: Side,
    pub after: Side,
    /// The steps that change their gain with the sound, the limiter last.
    pub reduction: Vec<Track>,
    /// In the order of the chain.
    pub steps: Vec<StepTold>,
    pub outputs: Vec<OutputTold>,
    pub sums: Vec<SumTold>,
    pub warnings: Vec<String>,
}

/// One side of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Side {
    pub file: String,
    pub seconds: f64,
    pub sample_rate: u32,
    pub channels: usize,
    pub lufs: Option<f64>,
    /// `None` for less than 3 s and for silence.
    pub range_lu: Option<f64>,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub sample_peak_dbfs: Option<f64>,
    /// True peak to loudness.
    pub plr_db: Option<f64>,
    pub correlation: Option<f64>,
    /// LUFS, at the middle of windows of 3 s. Empty for less.
    pub short_term: Curve,
    /// Sixths of an octave from 20 Hz up: mean square of the channels, dBFS.
    pub spectrum: Vec<Band>,
}

/// Values evenly spaced in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Curve {
    /// The time of the first value.
    pub first_s: f32,
    pub step_s: f32,
    pub values: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    pub hz: f32,
    pub dbfs: f32,
}

/// The gain of one step over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Track {
    /// "limiter", "de-esser", "multiband 120-2000 Hz"
    pub name: String,
    /// Decibels: negative is down. Each value is the one of its time that lies furthest from 0.
    pub gain_db: Curve,
    /// Lowest and highest gain of all, dB; 0 where it never went that way.
    pub lowest_db: f32,
    pub highest_db: f32,
    /// When it was lowest.
    pub lowest_at_s: f64,
    /// Mean over the whole time, dB.
    pub mean_db: f32,
    /// Of the time: 0.1 dB and more away from nothing. 0 to 1.
    pub active: f32,
}

/// What one step did, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepTold {
    pub name: String,
    pub bypassed: bool,
    pub lines: Vec<String>,
}

/// One written file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputTold {
    /// "main", or the token of the alternate.
    pub alternate: String,
    pub file: String,
    /// "wav24", "mp3_320": the token of the encoding.
    pub encoding: String,
    pub sample_rate: u32,
    pub channels: usize,
    pub frames: u64,
    pub lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub sha256: String,
}

/// Whether mastered alternates still make the main.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SumTold {
    /// "instrumental + a cappella = main"
    pub what: String,
    /// What is left when they are taken off each other, against the main, dB; `None`: nothing at all.
    pub residual_db: Option<f64>,
    pub holds: bool,
    /// More, where there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A level that is there: neither silence nor nonsense.
pub(crate) fn known(level: f64) -> Option<f64> {
    level.is_finite().then_some(level)
}
