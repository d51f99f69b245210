//! How well files add up to another: the energy of what is left when the parts are taken from the whole. Never here: how they were made.

use std::path::{Path, PathBuf};

use super::steps::Steps;
use crate::{block::Block, decode::Source, error::DspError, processors::decibels};

/// Frames read at once.
const FRAMES: usize = 16_384;
/// The residual of sources that are meant to add up, against the main.
const SOURCES_HOLD_DB: f64 = -40.0;

/// Squares of the whole and of what is left of it, over all frames and channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Residual {
    whole: f64,
    left: f64,
    peak: f64,
    samples: u64,
}

impl Residual {
    /// The parts have the channels of the whole and as many frames.
    pub fn push<'b>(&mut self, whole: &Block, parts: impl Iterator<Item = &'b Block> + Clone) {
        for (c, samples) in whole.channels.iter().enumerate() {
            self.samples += samples.len() as u64;
            for (i, s) in samples.iter().enumerate() {
                let sum: f64 = parts.clone().filter_map(|part| part.channels.get(c)?.get(i)).sum();
                let left = s - sum;
                self.whole += s * s;
                self.left += left * left;
                self.peak = self.peak.max(left.abs());
            }
        }
    }

    /// Of what is left against the whole, in decibels: minus infinity where nothing is left, and infinity where the whole is silent but the parts
    /// are not.
    pub fn relative_db(&self) -> f64 {
        if self.left == 0.0 { f64::NEG_INFINITY } else { 0.5 * decibels(self.left / self.whole) }
    }

    /// Sources that do not add up better than this cannot be expected to do so afterwards.
    pub fn sources_hold(&self) -> bool {
        self.relative_db() < SOURCES_HOLD_DB
    }

    /// Mean of the squares of the whole.
    pub fn mean_square(&self) -> f64 {
        self.whole / self.samples.max(1) as f64
    }

    /// The highest sample of what is left.
    pub fn peak_dbfs(&self) -> f64 {
        decibels(self.peak)
    }
}

/// Of files that have the same rate. What is shorter counts as silent behind its end.
pub fn residual(whole: &Path, parts: &[PathBuf], steps: &mut Steps<'_>) -> Result<Residual, DspError> {
    let mut lines = parts.iter().map(|path| Line::open(path)).collect::<Result<Vec<_>, _>>()?;
    let mut main = Source::open(whole)?;
    let (mut residual, mut block) = (Residual::default(), Block::default());
    loop {
        let n = main.read(&mut block, FRAMES)?;
        if n == 0 {
            return Ok(residual);
        }
        for line in &mut lines {
            line.take(n)?;
        }
        residual.push(&block, lines.iter().map(|line| &line.out));
        steps.still()?;
    }
}

/// A file read in step with another.
struct Line {
    source: Source,
    read: Block,
    waiting: Vec<Vec<f64>>,
    out: Block,
}

impl Line {
    fn open(path: &Path) -> Result<Self, DspError> {
        let source = Source::open(path)?;
        let channels = source.spec().channels;
        Ok(Line {
            source,
            read: Block::default(),
            waiting: vec![Vec::new(); channels],
            out: Block::new(channels, 0),
        })
    }

    fn take(&mut self, frames: usize) -> Result<(), DspError> {
        while self.waiting.first().is_some_and(|w| w.len() < frames)
            && self.source.read(&mut self.read, FRAMES)? > 0
        {
            for (waiting, read) in self.waiting.iter_mut().zip(&self.read.channels) {
                waiting.extend_from_slice(read);
            }
        }
        for (out, waiting) in self.out.channels.iter_mut().zip(&mut self.waiting) {
            out.clear();
            out.extend(waiting.drain(..frames.min(waiting.len())));
            out.resize(frames, 0.0);
        }
        Ok(())
    }
}
