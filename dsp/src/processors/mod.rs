//! Processors: what a recipe's chain is made of. Each works on planar blocks in place and keeps its state between blocks, so that the size
//! of the blocks changes nothing, to the bit. Never here: files, targets, the words of a recipe.

use crate::block::Block;
pub use crate::math::{decibels, linear};

pub mod biquad;
pub mod cascade;
pub mod compressor;
pub mod detector;
pub mod eq;
pub mod gain;
pub mod gain_curve;
pub mod limiter;
pub mod width;

pub use compressor::{Compressor, CompressorSettings, Sensing};
pub use detector::{PeakDetector, group_frames};
pub use eq::{Band, BandKind, Equaliser};
pub use gain::{DcFilter, Gain};
pub use gain_curve::{CurveSettings, GainCurve, apply_ramp};
pub use limiter::Limiter;
pub use width::Width;

/// One step of a chain.
pub trait Processor: Send {
    /// Makes ready for a stream of this kind, and forgets the one before.
    fn prepare(&mut self, sample_rate: u32, channels: usize);

    /// Forgets all sound heard, keeps the settings.
    fn reset(&mut self);

    /// Works on `block` in place. `key`, of the same length, is what a dynamic step listens to instead of the block itself: an alternate
    /// is given the sound of its main, so that both get the same gain.
    fn process(&mut self, block: &mut Block, key: Option<&Block>);

    /// By how many frames the output comes late.
    fn latency_frames(&self) -> usize {
        0
    }
}

/// Processors in order, as one.
#[derive(Default)]
pub struct Chain {
    steps: Vec<Box<dyn Processor>>,
}

impl Chain {
    pub fn new(steps: Vec<Box<dyn Processor>>) -> Self {
        Chain { steps }
    }

    /// An empty chain hands every sample through untouched.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Processor for Chain {
    fn prepare(&mut self, sample_rate: u32, channels: usize) {
        self.steps.iter_mut().for_each(|s| s.prepare(sample_rate, channels));
    }

    fn reset(&mut self) {
        self.steps.iter_mut().for_each(|s| s.reset());
    }

    fn process(&mut self, block: &mut Block, key: Option<&Block>) {
        self.steps.iter_mut().for_each(|s| s.process(block, key));
    }

    fn latency_frames(&self) -> usize {
        self.steps.iter().map(|s| s.latency_frames()).sum()
    }
}

/// The share of the way that a one-pole smoother goes in one frame, for a time constant in milliseconds.
pub(crate) fn one_pole(time_ms: f64, sample_rate: u32) -> f64 {
    if time_ms <= 0.0 { 1.0 } else { 1.0 - crate::math::exp(-1000.0 / (time_ms * f64::from(sample_rate))) }
}
