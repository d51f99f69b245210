//! A fixed gain, and a filter that takes away a constant offset.

use super::{
    Processor,
    biquad::{Coefficients, Section},
    linear,
};
use crate::block::Block;

/// The same factor for every sample.
pub struct Gain {
    factor: f64,
}

impl Gain {
    pub fn new(gain_db: f64) -> Self {
        Gain { factor: linear(gain_db) }
    }
}

impl Processor for Gain {
    fn prepare(&mut self, _sample_rate: u32, _channels: usize) {}

    fn reset(&mut self) {}

    fn process(&mut self, block: &mut Block, _key: Option<&Block>) {
        block.channels.iter_mut().flatten().for_each(|s| *s *= self.factor);
    }
}

/// First-order high pass, far below hearing.
pub struct DcFilter {
    hz: f64,
    coefficients: Coefficients,
    state: Vec<Section>,
}

impl DcFilter {
    pub fn new(hz: f64) -> Self {
        DcFilter { hz, coefficients: Coefficients { b: [1.0, 0.0, 0.0], a: [0.0, 0.0] }, state: Vec::new() }
    }
}

impl Processor for DcFilter {
    fn prepare(&mut self, sample_rate: u32, channels: usize) {
        // The bilinear transform of s / (s + w), with the corner where it was asked for.
        let k = (std::f64::consts::PI * self.hz / f64::from(sample_rate)).tan();
        let b = 1.0 / (1.0 + k);
        self.coefficients = Coefficients { b: [b, -b, 0.0], a: [(k - 1.0) * b, 0.0] };
        self.state = vec![Section::default(); channels];
    }

    fn reset(&mut self) {
        self.state.fill(Section::default());
    }

    fn process(&mut self, block: &mut Block, _key: Option<&Block>) {
        for (samples, section) in block.channels.iter_mut().zip(&mut self.state) {
            samples.iter_mut().for_each(|s| *s = section.run(&self.coefficients, *s));
        }
    }
}
