//! Stereo width: the side signal louder or softer, and none of it below a frequency. Mono and more than two channels pass untouched.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{Control, Processor, biquad::Coefficients, cascade::Cascade};
use crate::{block::Block, error::DspError, lanes};

/// Frames whose side signal stands on the stack at once.
const PIECE_FRAMES: usize = 256;

#[derive(Clone)]
pub struct Width {
    /// 1 leaves the image, 0 is mono, 2 doubles the side.
    width: f64,
    mono_below_hz: Option<f64>,
    /// Two in a row: 24 dB an octave.
    cut: Option<Cascade>,
}

impl Width {
    pub fn new(width: f64, mono_below_hz: Option<f64>) -> Self {
        Width { width, mono_below_hz, cut: None }
    }
}

impl Processor for Width {
    fn prepare(&mut self, sample_rate: u32, _channels: usize) -> Result<(), DspError> {
        let cut = |hz| Cascade::new(&[Coefficients::low_cut(sample_rate, hz, FRAC_1_SQRT_2); 2], 1);
        self.cut = self.mono_below_hz.map(cut);
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(cut) = &mut self.cut {
            cut.reset();
        }
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        let [left, right] = block.channels.as_mut_slice() else { return Ok(()) };
        let mut side = [0.0; PIECE_FRAMES];
        for (left, right) in left.chunks_mut(PIECE_FRAMES).zip(right.chunks_mut(PIECE_FRAMES)) {
            let side = &mut side[..left.len().min(right.len())];
            let half = 0.5 * self.width;
            lanes::wide(
                #[inline(always)]
                || {
                    for ((side, l), r) in side.iter_mut().zip(&*left).zip(&*right) {
                        *side = half * (l - r);
                    }
                },
            );
            if let Some(cut) = &mut self.cut {
                cut.run(&mut [&mut *side]);
            }
            lanes::wide(
                #[inline(always)]
                || {
                    for ((side, l), r) in side.iter().zip(left).zip(right) {
                        let mid = 0.5 * (*l + *r);
                        (*l, *r) = (mid + side, mid - side);
                    }
                },
            );
        }
        Ok(())
    }
}
