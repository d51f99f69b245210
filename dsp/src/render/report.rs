//! What a render tells about itself: the figures of what went in and of every file that came out, measured on the files.

use serde::Serialize;

use crate::{measure::Measurement, sheet::Sheet};

/// The figures of one main and its alternates. As JSON, levels of silence (minus infinity) are null.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The main as it came.
    pub input: Measurement,
    pub target_lufs: Option<f64>,
    pub ceiling_dbtp: f64,
    /// Every output of the main is within 0.02 LU of the target (0.1 where it is lossy; where the recipe has one) and none is over the ceiling.
    pub reached: bool,
    /// Why not.
    pub reason: Option<String>,
    /// A change of its number means that the same source and recipe may give other bytes.
    pub engine: &'static str,
    /// The same source, recipe and engine give the same bytes; false where the sound went through an insert.
    pub reproducible: bool,
    /// SHA-256 of the recipe's canonical text, hexadecimal.
    pub recipe_sha256: String,
    /// The gain that the main and every alternate got before the limiter, at the rate of the main.
    pub gain_db: f64,
    /// How far the limiter went down at most on the main.
    pub max_gain_reduction_db: f64,
    /// How loud the main gets with no peak pushed down by more than 6 dB, where it is pushed down by more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loudest_clean_lufs: Option<f64>,
    pub outputs: Vec<OutputReport>,
    /// How the alternates stand to the main.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternates: Vec<AlternateReport>,
    /// How well sets of alternates add up to the main.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<SumReport>,
    /// What each step of the recipe did to the main, in the order of the sound, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
    /// Before and after, for people; where the steps were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Box<Sheet>>,
    pub warnings: Vec<String>,
}

/// One step of the recipe, and what it did.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    pub title: String,
    /// Its settings.
    pub settings: String,
    pub bypassed: bool,
    /// Of the main as it goes in and as it comes out. `None` where there is no loudness, and of what is no step of the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lufs: Option<[Option<f64>; 2]>,
    /// Highest samples, in and out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_dbfs: Option<[f64; 2]>,
    /// What it did, in its own words.
    pub did: Vec<String>,
}

/// One alternate at one rate and level.
#[derive(Clone, Debug, Serialize)]
pub struct AlternateReport {
    pub alternate: String,
    pub sample_rate: u32,
    /// What the main was to have, where that is one number.
    pub target_lufs: Option<f64>,
    /// "part", "whole" or "edit".
    pub role: &'static str,
    /// It got the gains of the main, frame by frame.
    pub keyed: bool,
    /// By what it would be over the ceiling under the limiter's gains for the main alone, in decibels; below 0 there was room. Null for silence.
    pub over_db: f64,
    /// The limiter was made deep enough for it too, so that it still adds up.
    pub shared: bool,
}

/// A set of alternates that is meant to add up to the main.
#[derive(Clone, Debug, Serialize)]
pub struct SumReport {
    pub alternates: Vec<String>,
    /// What is left of the source of the main when theirs are taken from it, in decibels against it. Null where nothing is left.
    pub sources_residual_db: f64,
    pub sources_hold: bool,
    pub files: Vec<SummedFiles>,
}

/// The same of finished files of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct SummedFiles {
    /// Of the main.
    pub file: String,
    pub encoding: String,
    pub sample_rate: u32,
    /// In decibels against the main. Null where nothing is left.
    pub residual_db: f64,
    /// The highest sample of what is left, in dBFS.
    pub residual_peak_dbfs: f64,
    /// What the quantising of all these files leaves by itself, against the main: nothing can be under it by much. Null where nothing is quantised.
    pub quantising_db: f64,
    /// No more is left than dither, rounding or a lossy encoder leave.
    pub holds: bool,
}

/// What an alternate got of its own behind the gains of its main, because these left it over the ceiling.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Guarded {
    /// How far its own limiter went down at most.
    pub reduction_db: f64,
    /// Turned down as a whole, 0 or less.
    pub trim_db: f64,
    /// What that leaves in a sum with the main, in decibels against the main.
    pub residual_db: f64,
    /// Where its own limiter worked, the deepest places first.
    pub places: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Place {
    pub start_s: f64,
    pub end_s: f64,
    pub reduction_db: f64,
}

/// One written file.
#[derive(Clone, Debug, Serialize)]
pub struct OutputReport {
    /// "main", or the token of the alternate.
    pub alternate: String,
    /// Its name in the job's folder.
    pub file: String,
    /// "wav24", ...
    pub encoding: String,
    pub sample_rate: u32,
    pub channels: usize,
    pub bits: Option<u32>,
    pub bytes: u64,
    pub sha256: String,
    /// What the main was to have in this file, where that is one number.
    pub target_lufs: Option<f64>,
    pub ceiling_dbtp: f64,
    #[serde(flatten)]
    pub measurement: Measurement,
    pub gain_db: f64,
    pub max_gain_reduction_db: f64,
    /// Of an alternate that did not keep the ceiling with the main's gains alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guarded: Option<Guarded>,
    /// Integrated loudness by a second meter that shares no code with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_meter_lufs: Option<f64>,
}

impl OutputReport {
    /// Whether `other` is the same kind of file of another source.
    pub(super) fn is_beside(&self, other: &OutputReport) -> bool {
        let kind = |o: &OutputReport| (o.encoding.clone(), o.sample_rate, o.target_lufs, o.ceiling_dbtp);
        kind(self) == kind(other)
    }
}

impl Report {
    /// One line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, words and lists always become JSON")
    }
}
