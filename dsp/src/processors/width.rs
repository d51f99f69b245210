//! Stereo width: the side signal louder or softer, and none of it below a frequency. Mono and more than two channels pass untouched.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{
    Processor,
    biquad::{Coefficients, Section},
};
use crate::block::Block;

pub struct Width {
    /// 1 leaves the image, 0 is mono, 2 doubles the side.
    width: f64,
    mono_below_hz: Option<f64>,
    cut: Option<Coefficients>,
    /// Two in a row: 24 dB an octave.
    state: [Section; 2],
}

impl Width {
    pub fn new(width: f64, mono_below_hz: Option<f64>) -> Self {
        Width { width, mono_below_hz, cut: None, state: [Section::default(); 2] }
    }
}

impl Processor for Width {
    fn prepare(&mut self, sample_rate: u32, _channels: usize) {
        self.cut = self.mono_below_hz.map(|hz| Coefficients::low_cut(sample_rate, hz, FRAC_1_SQRT_2));
        self.reset();
    }

    fn reset(&mut self) {
        self.state = [Section::default(); 2];
    }

    fn process(&mut self, block: &mut Block, _key: Option<&Block>) {
        let [left, right] = block.channels.as_mut_slice() else { return };
        for (l, r) in left.iter_mut().zip(right) {
            let mid = 0.5 * (*l + *r);
            let mut side = 0.5 * (*l - *r) * self.width;
            if let Some(c) = &self.cut {
                side = self.state[0].run(c, side);
                side = self.state[1].run(c, side);
            }
            (*l, *r) = (mid + side, mid - side);
        }
    }
}
