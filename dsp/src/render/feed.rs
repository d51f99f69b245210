//! The sound of one source on its way: decoded, through the recipe's chain, at the rate of the output.
//! The same blocks every time it is opened. Never here: gain for a target, limiting, quantising.

use std::path::Path;

use crate::{
    block::{Block, Spec},
    decode::Source,
    error::DspError,
    processors::{Chain, Processor},
    recipe::Recipe,
    resample::Resampler,
};

pub struct Feed {
    source: Source,
    spec: Spec,
    chain: Chain,
    /// Frames of the chain's delay still to be thrown away.
    early: usize,
    resampler: Resampler,
    block_frames: usize,
    decoded: Block,
    ended: bool,
}

impl Feed {
    pub fn open(path: &Path, recipe: &Recipe, rate: u32, block_frames: usize) -> Result<Self, DspError> {
        let source = Source::open(path)?;
        let spec = source.spec().clone();
        let mut chain = recipe.chain();
        chain.prepare(spec.sample_rate, spec.channels);
        Ok(Feed {
            early: chain.latency_frames(),
            chain,
            resampler: Resampler::new(spec.channels, spec.sample_rate, rate)?,
            block_frames: block_frames.max(1),
            decoded: Block::new(spec.channels, 0),
            ended: false,
            source,
            spec,
        })
    }

    pub fn channels(&self) -> usize {
        self.spec.channels
    }

    /// Part of the source worked through, 0 to 1, where the container states its length.
    pub fn fraction(&self, frames_out: u64, rate: u32) -> f64 {
        let total = self.spec.frames.unwrap_or(0) as f64 * f64::from(rate) / f64::from(self.spec.sample_rate);
        if total > 0.0 { (frames_out as f64 / total).min(1.0) } else { 0.0 }
    }

    /// Replaces `out` with the next frames. `false` when there are none left.
    pub fn next(&mut self, out: &mut Block) -> Result<bool, DspError> {
        out.channels.resize(self.spec.channels, Vec::new());
        out.clear();
        while !self.ended && out.frames() == 0 {
            if self.source.read(&mut self.decoded, self.block_frames)? == 0 {
                self.drain(out)?;
            } else {
                self.work(out)?;
            }
        }
        Ok(out.frames() > 0)
    }

    fn work(&mut self, out: &mut Block) -> Result<(), DspError> {
        self.chain.process(&mut self.decoded, None);
        let skip = self.early.min(self.decoded.frames());
        self.early -= skip;
        self.decoded.channels.iter_mut().for_each(|c| {
            c.drain(..skip);
        });
        self.resampler.push(&self.decoded, out)
    }

    fn drain(&mut self, out: &mut Block) -> Result<(), DspError> {
        self.ended = true;
        let late = self.chain.latency_frames();
        if late > 0 {
            self.decoded = Block::new(self.spec.channels, late);
            self.work(out)?;
        }
        self.resampler.finish(out)
    }
}
