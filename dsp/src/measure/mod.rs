//! One pass over a song: loudness, range, peaks, offset, correlation, silence, clipping. Streams blocks of any size. Sources: ITU-R BS.1770-5 (loudness,
//! true peak), EBU Tech 3341 (momentary, short-term) and 3342 (range), both of November 2023. Never here: files and decoding.

mod loudness;
mod stats;

pub use loudness::Loudness;
use serde::Serialize;

use crate::{Block, Spec, true_peak::TruePeak};

/// Levels of silence are -inf, never NaN.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    pub frames: u64,
    /// Gated, BS.1770-5. -inf where no block of 400 ms passes the gate.
    pub integrated_lufs: f64,
    /// EBU Tech 3342; 0 where the song is shorter than 3 s.
    pub loudness_range_lu: f64,
    /// The largest of 400 ms, every 10 ms.
    pub max_momentary_lufs: f64,
    /// The largest of 3 s, every 100 ms.
    pub max_short_term_lufs: f64,
    pub true_peak_dbtp: f64,
    pub sample_peak_dbfs: f64,
    /// Mean of the worse channel, of full scale, with its sign.
    pub dc_offset: f64,
    /// Pearson's, of the first two channels: -1 to 1. 1 for mono and for silence.
    pub correlation: f64,
    /// Seconds below -60 dBFS at the start and at the end.
    pub head_silence_s: f64,
    pub tail_silence_s: f64,
    /// Samples in runs of at least three at full scale, over all channels.
    pub clipped_samples: u64,
    /// Two channels that carry the same samples.
    pub dual_mono: bool,
}

pub struct Meter {
    loudness: Loudness,
    true_peak: TruePeak,
    stats: stats::Stats,
    sample_rate: u32,
}

impl Meter {
    pub fn new(spec: &Spec) -> Self {
        Meter {
            loudness: Loudness::new(spec.channels, spec.sample_rate),
            true_peak: TruePeak::new(spec.channels, spec.sample_rate),
            stats: stats::Stats::new(spec),
            sample_rate: spec.sample_rate,
        }
    }

    pub fn push(&mut self, block: &Block) {
        self.loudness.push(block);
        self.true_peak.push(block);
        self.stats.push(block);
    }

    pub fn finish(mut self) -> Measurement {
        let levels = self.loudness.finish();
        let seconds = |frames: u64| frames as f64 / f64::from(self.sample_rate);
        let stats = self.stats;
        Measurement {
            frames: stats.frames,
            integrated_lufs: levels.integrated_lufs,
            loudness_range_lu: levels.range_lu,
            max_momentary_lufs: levels.max_momentary_lufs,
            max_short_term_lufs: levels.max_short_term_lufs,
            // The oversampled peak of a signal is never below its samples'.
            true_peak_dbtp: decibels(self.true_peak.peak_linear().max(stats.peak)),
            sample_peak_dbfs: decibels(stats.peak),
            dc_offset: stats.dc_offset(),
            correlation: stats.correlation(),
            head_silence_s: seconds(stats.head_silence()),
            tail_silence_s: seconds(stats.tail_silence()),
            clipped_samples: stats.clipped(),
            dual_mono: stats.dual_mono(),
        }
    }
}

fn decibels(linear: f64) -> f64 {
    20.0 * linear.log10()
}
