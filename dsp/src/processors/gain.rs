//! A fixed gain, and a filter that takes away a constant offset.

use serde::{Deserialize, Serialize};

use super::{Control, Processor, biquad::Coefficients, cascade::Cascade, linear};
use crate::{block::Block, error::DspError, lanes, math};

crate::amounts! {
    /// How much louder or softer.
    TrimDb: -60.0..=40.0, "dB";
    /// Corner of the filter against an offset: below all music.
    DcCornerHz: 0.5..=20.0, "Hz";
}

/// A trim. `left_db` and `right_db` come on top of `gain_db` and need two channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainSettings {
    #[serde(default = "no_trim", skip_serializing_if = "is_no_trim")]
    pub gain_db: TrimDb,
    #[serde(default = "no_trim", skip_serializing_if = "is_no_trim")]
    pub left_db: TrimDb,
    #[serde(default = "no_trim", skip_serializing_if = "is_no_trim")]
    pub right_db: TrimDb,
}

fn no_trim() -> TrimDb {
    TrimDb::at(0.0)
}

fn is_no_trim(trim: &TrimDb) -> bool {
    trim.get() == 0.0
}

impl Default for GainSettings {
    fn default() -> Self {
        GainSettings { gain_db: no_trim(), left_db: no_trim(), right_db: no_trim() }
    }
}

impl GainSettings {
    /// Any of them goes with any other.
    pub fn check(&self) -> Result<(), DspError> {
        Ok(())
    }
}

/// The same factor for every sample of a channel. 0 dB leaves every bit.
#[derive(Clone)]
pub struct Gain {
    gain_db: f64,
    sides_db: [f64; 2],
}

impl Gain {
    pub fn new(gain_db: f64) -> Self {
        Gain { gain_db, sides_db: [0.0; 2] }
    }

    pub fn trim(settings: &GainSettings) -> Self {
        Gain { gain_db: settings.gain_db.get(), sides_db: [settings.left_db.get(), settings.right_db.get()] }
    }

    fn has_sides(&self) -> bool {
        self.sides_db != [0.0; 2]
    }
}

impl Processor for Gain {
    fn prepare(&mut self, _sample_rate: u32, channels: usize) -> Result<(), DspError> {
        if self.has_sides() && channels != 2 {
            return Err(DspError::Invalid(format!(
                "a gain of left or right needs two channels, the sound has {channels}; leave left_db and right_db out"
            )));
        }
        Ok(())
    }

    fn reset(&mut self) {}

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        let sides = if self.has_sides() { self.sides_db } else { [0.0; 2] };
        let factors = sides.map(|db| linear(self.gain_db + db));
        lanes::wide(
            #[inline(always)]
            || {
                for (i, samples) in block.channels.iter_mut().enumerate() {
                    let factor = factors[i % 2];
                    samples.iter_mut().for_each(|s| *s *= factor);
                }
            },
        );
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        let [left, right] = self.sides_db.map(|db| self.gain_db + db);
        if self.has_sides() {
            vec![format!("gain {left:+.2} dB left, {right:+.2} dB right")]
        } else {
            vec![format!("gain {:+.2} dB", self.gain_db)]
        }
    }
}

/// The filter against a constant offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DcSettings {
    #[serde(default = "corner")]
    pub hz: DcCornerHz,
}

fn corner() -> DcCornerHz {
    DcCornerHz::at(5.0)
}

impl Default for DcSettings {
    fn default() -> Self {
        DcSettings { hz: corner() }
    }
}

impl DcSettings {
    pub fn check(&self) -> Result<(), DspError> {
        Ok(())
    }
}

/// First-order high pass, far below hearing.
#[derive(Clone)]
pub struct DcFilter {
    hz: f64,
    cascade: Cascade,
}

impl DcFilter {
    pub fn new(hz: f64) -> Self {
        DcFilter { hz, cascade: Cascade::default() }
    }
}

impl Processor for DcFilter {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        // The bilinear transform of s / (s + w), with the corner where it was asked for.
        let k = math::tan(std::f64::consts::PI * self.hz / f64::from(sample_rate));
        let b = 1.0 / (1.0 + k);
        let section = Coefficients { b: [b, -b, 0.0], a: [(k - 1.0) * b, 0.0] };
        self.cascade = Cascade::new(&[section], channels);
        Ok(())
    }

    fn reset(&mut self) {
        self.cascade.reset();
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        self.cascade.run(&mut block.channels);
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        vec![format!("high pass of the first order at {} Hz against an offset", self.hz)]
    }
}
