//! Processors: what a recipe's chain is made of. Each works on planar blocks in place and keeps its state between blocks, so that the size
//! of the blocks changes nothing, to the bit. Never here: files, targets, the words of a recipe.

pub use crate::math::{decibels, linear};
use crate::{block::Block, error::DspError};

pub mod analogue;
pub mod biquad;
pub mod cascade;
pub mod compressor;
pub mod control;
pub mod detector;
pub mod de_esser;
pub mod dynamic_band;
pub mod dynamic_eq;
pub mod eq;
pub mod gain;
pub mod gain_curve;
pub mod limiter;
pub mod linear_eq;
pub mod matched;
pub mod moving_filter;
pub mod placement;
pub mod width;

pub use compressor::{Compressor, CompressorSettings, Sensing};
pub use control::Control;
pub use detector::{PeakDetector, group_frames};
pub use de_esser::{DeEsser, DeEsserSettings, Listen, SibilantBand};
pub use dynamic_eq::{DynamicBandSettings, DynamicEq, DynamicEqSettings, DynamicKind, When};
pub use eq::{Band, BandKind, EqBandSettings, EqPhase, EqSettings, Equaliser};
pub use gain::{DcFilter, Gain};
pub use gain_curve::{CurveSettings, GainCurve, apply_ramp};
pub use limiter::Limiter;
pub use placement::Placement;
pub use width::Width;

/// One step of a chain.
///
/// A main goes through [`process`](Processor::process); its alternates go, beside it and block for block, through [`follow`](Processor::follow) of
/// clones of their own, and get the very gains that the main got. For a fixed course of the main a step must be linear in the alternate:
/// `follow(a) + follow(b) = follow(a + b)`, and `follow` of the main itself gives what `process` gave. So mastered alternates sum (D-4).
pub trait Processor: CloneBox + Send {
    /// Makes ready for a stream of this kind, and forgets the one before; what was studied stays. An error names what cannot be at this rate or
    /// with so many channels.
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError>;

    /// Forgets all sound heard, keeps the settings and what was studied.
    fn reset(&mut self);

    /// Works on `block` in place. What was done that depends on the sound is told to `control`, which comes in empty and holds exactly the frames
    /// that go out.
    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError>;

    /// Does to the block of an alternate what the main got in the same frames. Steps that do the same to every sound need no other way.
    fn follow(&mut self, block: &mut Block, _control: &Control) -> Result<(), DspError> {
        self.process(block, &mut Control::default())
    }

    /// By how many frames the output comes late. Known after `prepare`.
    fn latency_frames(&self) -> usize {
        0
    }

    /// Whether it must hear the whole main, as it comes out of the steps before, ahead of the first `process`.
    fn studies(&self) -> bool {
        false
    }

    /// Hears a block of the main. Called between `prepare` and [`Processor::studied`], only where [`Processor::studies`].
    fn study(&mut self, _block: &Block) {}

    /// The main has ended: settles what follows from it.
    fn studied(&mut self) -> Result<(), DspError> {
        Ok(())
    }

    /// What it did since `prepare`, in words and figures, a line each: "gain reduction 1.2 dB on average, 4.1 dB at most, at 1:32".
    fn told(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A step that can be had twice: alternates run on clones of the main's steps.
pub trait CloneBox {
    fn clone_box(&self) -> Box<dyn Processor>;
}

impl<T: Processor + Clone + 'static> CloneBox for T {
    fn clone_box(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Processor> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// Processors in order.
#[derive(Clone, Default)]
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

    pub fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.steps.iter_mut().try_for_each(|s| s.prepare(sample_rate, channels))
    }

    pub fn reset(&mut self) {
        self.steps.iter_mut().for_each(|s| s.reset());
    }

    /// `controls`: one for each step; what they held is gone.
    pub fn process(&mut self, block: &mut Block, controls: &mut Vec<Control>) -> Result<(), DspError> {
        controls.resize_with(self.steps.len(), Control::default);
        for (step, control) in self.steps.iter_mut().zip(controls) {
            control.clear();
            step.process(block, control)?;
        }
        Ok(())
    }

    /// `controls`: of the main's same frames.
    pub fn follow(&mut self, block: &mut Block, controls: &[Control]) -> Result<(), DspError> {
        self.steps.iter_mut().zip(controls).try_for_each(|(step, control)| step.follow(block, control))
    }

    pub fn latency_frames(&self) -> usize {
        self.steps.iter().map(|s| s.latency_frames()).sum()
    }
}

/// The share of the way that a one-pole smoother goes in one frame, for a time constant in milliseconds.
pub(crate) fn one_pole(time_ms: f64, sample_rate: u32) -> f64 {
    if time_ms <= 0.0 { 1.0 } else { 1.0 - crate::math::exp(-1000.0 / (time_ms * f64::from(sample_rate))) }
}
