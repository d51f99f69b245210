//! What a channel amounts to in steps of 100 ms: level, peak, DC offset, the noise floor (quietest second, low percentile), digital black.
//! Never here: two channels against each other.

use serde::Serialize;

use super::sums::Sums;
use crate::math::{decibels, decibels_of_power};

/// Steps in a window of the noise floor: one second.
const WINDOW_STEPS: usize = 10;
/// Of the steps that are not digital black, so many are under the low level.
const LOW_SHARE: f64 = 0.05;
/// Levels of steps are counted in tenths of a decibel from -220 dB to +40 dB.
const BIN_MIN_DB: f64 = -220.0;
const BINS: usize = 2600;

/// One channel as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChannelLevels {
    /// Root of the mean square, of full scale: a full-scale sine reads -3.01. `null` (minus infinity) for silence.
    pub rms_dbfs: f64,
    pub peak_dbfs: f64,
    /// Peak over RMS; 0 for silence.
    pub crest_db: f64,
    /// Mean, of full scale, with its sign.
    pub dc_offset: f64,
    /// Every sample is zero.
    pub silent: bool,
    pub bits: super::BitDepth,
}

/// The quiet parts of a file. Levels are RMS over all channels without their mean; digital black, where every sample of every channel is zero, is
/// told apart and counts in no level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Noise {
    /// The quietest whole second, looked for at every 100 ms; `null` where no second is free of digital black.
    pub floor_dbfs: Option<f64>,
    /// Where that second begins.
    pub floor_at_s: Option<f64>,
    /// 5 % of the steps of 100 ms are at or under this, within 0.1 dB; `null` where all is digital black.
    pub low_dbfs: Option<f64>,
    /// Digital black in whole steps of 100 ms, heads and tails too.
    pub black_s: f64,
    /// The longest of it between the first and the last sound.
    pub longest_gap_s: f64,
}

/// Sums of one channel over the whole stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Whole {
    pub frames: u64,
    pub sum: f64,
    pub squares: f64,
    pub peak: f64,
}

impl Whole {
    pub(super) fn add(&mut self, sums: &Sums, frames: u64) {
        self.frames += frames;
        self.sum += sums.sum;
        self.squares += sums.squares;
        self.peak = self.peak.max(sums.highest).max(-sums.lowest);
    }

    pub(super) fn finish(&self, bits: super::BitDepth) -> ChannelLevels {
        let count = self.frames.max(1) as f64;
        let rms_dbfs = decibels_of_power(self.squares / count);
        let peak_dbfs = decibels(self.peak);
        ChannelLevels {
            rms_dbfs,
            peak_dbfs,
            crest_db: if rms_dbfs.is_finite() { (peak_dbfs - rms_dbfs).max(0.0) } else { 0.0 },
            dc_offset: self.sum / count,
            silent: self.peak == 0.0,
            bits,
        }
    }
}

/// Follows the quiet parts.
#[derive(Clone, Debug)]
pub(super) struct Floor {
    /// Variance times frames of the last second's steps, and their frames; negative is digital black.
    ring: [f64; WINDOW_STEPS],
    ring_frames: [u64; WINDOW_STEPS],
    steps: u64,
    /// Steps since the last black one.
    sounding: u64,
    quietest: Option<(f64, u64)>,
    counts: Vec<u32>,
    black_frames: u64,
    gap_frames: u64,
    longest_gap_frames: u64,
    began: bool,
    frames: u64,
}

impl Floor {
    pub(super) fn new() -> Self {
        Floor {
            ring: [0.0; WINDOW_STEPS],
            ring_frames: [0; WINDOW_STEPS],
            steps: 0,
            sounding: 0,
            quietest: None,
            counts: vec![0; BINS],
            black_frames: 0,
            gap_frames: 0,
            longest_gap_frames: 0,
            began: false,
            frames: 0,
        }
    }

    /// A step of all channels, each with its sums.
    pub(super) fn step(&mut self, channels: &[Sums], frames: u64) {
        let slot = (self.steps % WINDOW_STEPS as u64) as usize;
        self.steps += 1;
        self.frames += frames;
        let black = channels.iter().all(|sums| sums.highest == 0.0 && sums.lowest == 0.0);
        if black {
            self.black_frames += frames;
            self.gap_frames += frames;
            self.sounding = 0;
            return;
        }
        if self.began {
            self.longest_gap_frames = self.longest_gap_frames.max(self.gap_frames);
        }
        (self.began, self.gap_frames) = (true, 0);
        let count = frames.max(1) as f64;
        let spread: f64 = channels.iter().map(|s| (s.squares - s.sum * s.sum / count).max(0.0)).sum();
        let power = spread / (count * channels.len().max(1) as f64);
        self.counts[bin(power)] += 1;
        self.ring[slot] = spread;
        self.ring_frames[slot] = frames * channels.len() as u64;
        self.sounding += 1;
        if self.sounding >= WINDOW_STEPS as u64 {
            let samples: u64 = self.ring_frames.iter().sum();
            let mean = self.ring.iter().sum::<f64>() / samples.max(1) as f64;
            if self.quietest.is_none_or(|(least, _)| mean < least) {
                self.quietest = Some((mean, self.steps - WINDOW_STEPS as u64));
            }
        }
    }

    pub(super) fn finish(&self, sample_rate: u32) -> Noise {
        let seconds = |frames: u64| frames as f64 / f64::from(sample_rate);
        let total: u64 = self.counts.iter().map(|c| u64::from(*c)).sum();
        let mut under = 0;
        let low = self.counts.iter().position(|count| {
            under += u64::from(*count);
            under > 0 && under as f64 >= LOW_SHARE * total as f64
        });
        Noise {
            floor_dbfs: self.quietest.map(|(power, _)| decibels_of_power(power).max(BIN_MIN_DB)),
            floor_at_s: self.quietest.map(|(_, step)| step as f64 / 10.0),
            low_dbfs: low.map(|bin| BIN_MIN_DB + 0.1 * bin as f64),
            black_s: seconds(self.black_frames),
            longest_gap_s: seconds(self.longest_gap_frames),
        }
    }
}

fn bin(power: f64) -> usize {
    let db = decibels_of_power(power);
    let index = ((db - BIN_MIN_DB) * 10.0).floor();
    if index > 0.0 { (index as usize).min(BINS - 1) } else { 0 }
}
