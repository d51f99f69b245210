//! A fixed gain, and a filter that takes away a constant offset.

use super::{Control, Processor, biquad::Coefficients, cascade::Cascade, linear};
use crate::{block::Block, error::DspError, lanes, math};

/// The same factor for every sample.
#[derive(Clone)]
pub struct Gain {
    factor: f64,
}

impl Gain {
    pub fn new(gain_db: f64) -> Self {
        Gain { factor: linear(gain_db) }
    }
}

impl Processor for Gain {
    fn prepare(&mut self, _sample_rate: u32, _channels: usize) -> Result<(), DspError> {
        Ok(())
    }

    fn reset(&mut self) {}

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        lanes::wide(
            #[inline(always)]
            || {
                for samples in &mut block.channels {
                    samples.iter_mut().for_each(|s| *s *= self.factor);
                }
            },
        );
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
}
