//! What a render tells about itself: the figures of what went in and of every file that came out, measured on the files.

use serde::Serialize;

use crate::measure::Measurement;

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
    pub warnings: Vec<String>,
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
    #[serde(flatten)]
    pub measurement: Measurement,
    pub gain_db: f64,
    pub max_gain_reduction_db: f64,
    /// Integrated loudness by a second meter that shares no code with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_meter_lufs: Option<f64>,
}

impl Report {
    /// One line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, words and lists always become JSON")
    }
}
