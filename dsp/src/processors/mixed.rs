//! Dry and wet: a share of a step's sound and the rest of what came in, as late as the step is. Never here: what the step does.

use super::{Control, Processor};
use crate::{block::Block, error::DspError, lanes};

/// `dry + mix (wet - dry)`. At 1 it is the step to the bit, at 0 the delayed input to the bit. As linear in an alternate as the step is.
#[derive(Clone)]
pub struct Mixed {
    step: Box<dyn Processor>,
    mix: f64,
    /// What came in, from as many frames before as the step is late.
    dry: Vec<Vec<f64>>,
}

impl Mixed {
    /// `mix`: 0 to 1.
    pub fn new(step: Box<dyn Processor>, mix: f64) -> Self {
        Mixed { step, mix: mix.clamp(0.0, 1.0), dry: Vec::new() }
    }

    fn keep(&mut self, block: &Block) {
        for (dry, samples) in self.dry.iter_mut().zip(&block.channels) {
            dry.extend_from_slice(samples);
        }
    }

    fn blend(&mut self, block: &mut Block) {
        let mix = self.mix;
        for (dry, wet) in self.dry.iter_mut().zip(&mut block.channels) {
            if mix <= 0.0 {
                let frames = wet.len();
                wet.copy_from_slice(&dry[..frames]);
            } else if mix < 1.0 {
                lanes::wide(
                    #[inline(always)]
                    || wet.iter_mut().zip(&*dry).for_each(|(wet, dry)| *wet = dry + mix * (*wet - dry)),
                );
            }
            dry.drain(..wet.len());
        }
    }
}

impl Processor for Mixed {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.step.prepare(sample_rate, channels)?;
        self.dry = vec![vec![0.0; self.step.latency_frames()]; channels];
        Ok(())
    }

    fn reset(&mut self) {
        self.step.reset();
        let late = self.step.latency_frames();
        for dry in &mut self.dry {
            dry.clear();
            dry.resize(late, 0.0);
        }
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        self.keep(block);
        self.step.process(block, control)?;
        self.blend(block);
        Ok(())
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        self.keep(block);
        self.step.follow(block, control)?;
        self.blend(block);
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        self.step.latency_frames()
    }

    fn comes_late(&mut self, frames: usize) {
        self.step.comes_late(frames);
    }

    fn studies(&self) -> bool {
        self.step.studies()
    }

    fn study(&mut self, block: &Block) {
        self.step.study(block);
    }

    fn studied(&mut self) -> Result<(), DspError> {
        self.step.studied()
    }

    fn told(&self) -> Vec<String> {
        self.step.told()
    }
}
