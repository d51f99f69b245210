//! The sound of one source on its way: decoded, through the recipe's chain, at the rate of the output.
//! The same blocks every time it is opened. Never here: gain for a target, limiting, quantising.

use std::path::Path;

use crate::{
    block::{Block, Spec},
    decode::Source,
    error::DspError,
    measure::{Measurement, Meter},
    processors::{Chain, Control},
    recipe::Recipe,
    resample::Resampler,
};

/// Where sound comes from and what it becomes.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    pub path: &'a Path,
    pub recipe: &'a Recipe,
    pub rate: u32,
    pub block_frames: usize,
}

pub struct Feed {
    source: Source,
    spec: Spec,
    rate: u32,
    chain: Chain,
    controls: Vec<Control>,
    /// Frames of the chain's delay still to be thrown away.
    early: usize,
    resampler: Resampler,
    block_frames: usize,
    decoded: Block,
    ended: bool,
    frames_out: u64,
    /// Measures what is decoded, before the chain.
    meter: Option<Meter>,
}

impl Feed {
    pub fn open(origin: Origin<'_>) -> Result<Self, DspError> {
        let source = Source::open(origin.path)?;
        let spec = source.spec().clone();
        let mut chain = origin.recipe.chain()?;
        chain.prepare(spec.sample_rate, spec.channels)?;
        Ok(Feed {
            early: chain.latency_frames(),
            chain,
            controls: Vec::new(),
            resampler: Resampler::with(
                spec.channels,
                spec.sample_rate,
                origin.rate,
                origin.recipe.resample_phase,
            )?,
            rate: origin.rate,
            block_frames: origin.block_frames.max(1),
            decoded: Block::new(spec.channels, 0),
            ended: false,
            frames_out: 0,
            meter: None,
            source,
            spec,
        })
    }

    /// Measures the source while it is read.
    pub fn metered(mut self) -> Self {
        self.meter = Some(Meter::new(&self.spec));
        self
    }

    /// The figures of the source, once, if they were asked for.
    pub fn measurement(&mut self) -> Option<Measurement> {
        self.meter.take().map(Meter::finish)
    }

    pub fn channels(&self) -> usize {
        self.spec.channels
    }

    /// Whether opening it anew costs less than keeping what it gives.
    pub fn cheap(&self) -> bool {
        self.chain.is_empty() && self.rate == self.spec.sample_rate && self.spec.codec == "pcm"
    }

    /// Part of the source worked through, 0 to 1, where the container states its length.
    pub fn fraction(&self) -> f64 {
        let total =
            self.spec.frames.unwrap_or(0) as f64 * f64::from(self.rate) / f64::from(self.spec.sample_rate);
        if total > 0.0 { (self.frames_out as f64 / total).min(1.0) } else { 0.0 }
    }

    /// Replaces `out` with the next frames. `false` when there are none left.
    pub fn next(&mut self, out: &mut Block) -> Result<bool, DspError> {
        out.channels.resize(self.spec.channels, Vec::new());
        out.clear();
        while !self.ended && out.frames() == 0 {
            if self.source.read(&mut self.decoded, self.block_frames)? == 0 {
                self.drain(out)?;
            } else {
                if let Some(meter) = &mut self.meter {
                    meter.push(&self.decoded);
                }
                self.work(out)?;
            }
        }
        self.frames_out += out.frames() as u64;
        Ok(out.frames() > 0)
    }

    fn work(&mut self, out: &mut Block) -> Result<(), DspError> {
        self.chain.process(&mut self.decoded, &mut self.controls)?;
        let skip = self.early.min(self.decoded.frames());
        self.early -= skip;
        if skip > 0 {
            self.decoded.channels.iter_mut().for_each(|c| {
                c.drain(..skip);
            });
        }
        if self.rate == self.spec.sample_rate {
            // Nothing is converted: the samples are handed on as they lie.
            std::mem::swap(&mut self.decoded, out);
            return Ok(());
        }
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
