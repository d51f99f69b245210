//! One file of a version: which bytes, which alternate, what was measured. The domain never opens a file; the server measures and tells.

use crate::{Alternate, Digest};

#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub alternate: Alternate,
    pub digest: Digest,
    pub name: String,
    pub facts: AudioFacts,
}

/// Measured from the bytes by the server. Levels are `f64::NEG_INFINITY` for silence and never NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioFacts {
    pub container: String,
    pub codec: String,
    pub sample_rate_hz: u32,
    pub channels: u32,
    /// 0 where the codec has none.
    pub bits: u32,
    pub float: bool,
    pub frames: u64,
    pub bytes: u64,
    pub integrated_lufs: f64,
    pub loudness_range_lu: f64,
    pub max_momentary_lufs: f64,
    pub max_short_term_lufs: f64,
    pub true_peak_dbtp: f64,
    pub sample_peak_dbfs: f64,
    /// Of full scale, the worse channel.
    pub dc_offset: f64,
    pub correlation: f64,
    pub head_silence_s: f64,
    pub tail_silence_s: f64,
    /// Samples in runs of at least three at full scale.
    pub clipped_samples: u64,
    /// What else the inspection of the sound found. Preflight decides what follows from it.
    pub remarks: Vec<Remark>,
}

/// One thing said of the sound of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// Stable: `CLICK`, `DROP_OUT`, ...
    pub code: String,
    /// For people, one short sentence.
    pub text: String,
    /// `None`: the file as a whole.
    pub at_ms: Option<u64>,
}
