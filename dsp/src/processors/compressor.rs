//! A feed-forward compressor with one gain for all channels, so that the image stays. Gain computer and smoothing after D. Giannoulis,
//! M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design", JAES 60(6), 2012: soft knee, smoothing in decibels.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{
    Processor,
    biquad::{Coefficients, Section},
    decibels, linear, one_pole,
};
use crate::block::Block;

/// Time constant of the mean of squares.
const RMS_TIME_MS: f64 = 10.0;
/// Levels below this count as this: it keeps the logarithm finite.
const FLOOR_DB: f64 = -120.0;

/// What the level is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensing {
    /// Mean of squares over about 10 ms, all channels together.
    Rms,
    /// The largest sample of any channel.
    Peak,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompressorSettings {
    pub threshold_db: f64,
    pub ratio: f64,
    pub knee_db: f64,
    pub attack_ms: f64,
    pub release_ms: f64,
    pub makeup_db: f64,
    pub sensing: Sensing,
    /// Bass below this does not move the gain.
    pub key_low_cut_hz: Option<f64>,
}

impl CompressorSettings {
    /// Gain in decibels, 0 or less, that a steady level of `level_db` gets, before make-up.
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        let over = level_db - self.threshold_db;
        let slope = 1.0 / self.ratio - 1.0;
        if 2.0 * over <= -self.knee_db {
            0.0
        } else if 2.0 * over < self.knee_db {
            slope * (over + self.knee_db / 2.0).powi(2) / (2.0 * self.knee_db)
        } else {
            slope * over
        }
    }
}

pub struct Compressor {
    settings: CompressorSettings,
    cut: Option<Coefficients>,
    cut_state: Vec<Section>,
    attack: f64,
    release: f64,
    rms: f64,
    mean_square: f64,
    gain_db: f64,
}

impl Compressor {
    pub fn new(settings: CompressorSettings) -> Self {
        Compressor {
            settings,
            cut: None,
            cut_state: Vec::new(),
            attack: 1.0,
            release: 1.0,
            rms: 1.0,
            mean_square: 0.0,
            gain_db: 0.0,
        }
    }

    /// The factor for the next frame, given the key's samples at that frame.
    fn next_factor(&mut self, key: impl ExactSizeIterator<Item = f64>) -> f64 {
        let channels = key.len().max(1) as f64;
        let (mut peak, mut squares) = (0.0f64, 0.0);
        for (i, sample) in key.enumerate() {
            let heard = match (&self.cut, self.cut_state.get_mut(i)) {
                (Some(c), Some(section)) => section.run(c, sample),
                _ => sample,
            };
            peak = peak.max(heard.abs());
            squares += heard * heard;
        }
        self.mean_square += (squares / channels - self.mean_square) * self.rms;
        let level = match self.settings.sensing {
            Sensing::Peak => decibels(peak),
            Sensing::Rms => 10.0 * self.mean_square.log10(),
        };
        let wanted = self.settings.static_gain_db(level.max(FLOOR_DB));
        let pace = if wanted < self.gain_db { self.attack } else { self.release };
        self.gain_db += (wanted - self.gain_db) * pace;
        linear(self.gain_db + self.settings.makeup_db)
    }
}

impl Processor for Compressor {
    fn prepare(&mut self, sample_rate: u32, channels: usize) {
        self.cut =
            self.settings.key_low_cut_hz.map(|hz| Coefficients::low_cut(sample_rate, hz, FRAC_1_SQRT_2));
        self.cut_state = vec![Section::default(); channels];
        self.attack = one_pole(self.settings.attack_ms, sample_rate);
        self.release = one_pole(self.settings.release_ms, sample_rate);
        self.rms = one_pole(RMS_TIME_MS, sample_rate);
        self.reset();
    }

    fn reset(&mut self) {
        self.cut_state.fill(Section::default());
        self.mean_square = 0.0;
        self.gain_db = 0.0;
    }

    fn process(&mut self, block: &mut Block, key: Option<&Block>) {
        for i in 0..block.frames() {
            let factor = match key {
                Some(key) => self.next_factor(key.channels.iter().map(|c| c[i])),
                None => self.next_factor(block.channels.iter().map(|c| c[i])),
            };
            block.channels.iter_mut().for_each(|c| c[i] *= factor);
        }
    }
}
