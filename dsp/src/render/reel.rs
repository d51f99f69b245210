//! One source on its way to the chain: decoded, at the rate and with the channels of the main, and as long as the main is.
//! The same samples every time it is opened, whatever the size of the blocks. Never here: the chain, levels, files that are written.

use std::path::{Path, PathBuf};

use super::SANE_PEAK_DBFS;
use crate::{
    block::{Block, Spec},
    decode::Source,
    error::DspError,
    measure::{Measurement, Meter},
    processors::{decibels, linear},
    resample::{Phase, Resampler},
    sheet::{Side, SideMeter},
};

/// What is cut off and is louder than this is missed by somebody.
const SOUNDING_DBFS: f64 = -60.0;

/// Where a reel comes from and what it is made into.
#[derive(Clone, Debug)]
pub struct Origin {
    pub path: PathBuf,
    pub rate: u32,
    pub channels: usize,
    pub phase: Phase,
    pub block_frames: usize,
}

pub struct Reel {
    source: Source,
    path: PathBuf,
    spec: Spec,
    channels: usize,
    block_frames: usize,
    /// `None`: it has the rate asked.
    resampler: Option<Resampler>,
    meter: Option<(Meter, Option<SideMeter>)>,
    decoded: Block,
    waiting: Block,
    ended: bool,
    frames: u64,
    peak: f64,
}

/// How the length of a source compares with that of the main, at the main's rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tail {
    pub frames: u64,
    /// Before it was converted.
    pub source_rate: u32,
    /// From the end of the main to the last frame that sounds.
    pub sounding_frames: u64,
    pub peak_dbfs: f64,
    pub silent: bool,
}

impl Reel {
    pub fn open(origin: &Origin) -> Result<Self, DspError> {
        let source = Source::open(&origin.path)?;
        let spec = source.spec().clone();
        if spec.channels > origin.channels {
            return Err(misfit(&origin.path, &spec, origin.channels));
        }
        let converted = spec.sample_rate != origin.rate;
        let resampler = converted
            .then(|| Resampler::with(spec.channels, spec.sample_rate, origin.rate, origin.phase))
            .transpose()?;
        Ok(Reel {
            path: origin.path.clone(),
            channels: origin.channels,
            block_frames: origin.block_frames.max(1),
            resampler,
            meter: None,
            decoded: Block::new(spec.channels, 0),
            waiting: Block::new(origin.channels, 0),
            ended: false,
            frames: 0,
            peak: 0.0,
            source,
            spec,
        })
    }

    /// Measures the source while it is read; `side`: for a sheet too.
    pub fn meter(&mut self, side: bool) {
        self.meter = Some((Meter::new(&self.spec), side.then(|| SideMeter::new(&self.spec))));
    }

    /// The figures of the source, once, if they were asked for.
    pub fn measured(&mut self) -> Option<(Measurement, Option<Side>)> {
        let (meter, side) = self.meter.take()?;
        let Some(side) = side else { return Some((meter.finish(), None)) };
        let (measurement, mut side) = side.finish(meter);
        side.file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Some((measurement, Some(side)))
    }

    /// Whether reading it anew costs next to nothing and gives the samples as they lie.
    pub fn cheap(&self) -> bool {
        self.resampler.is_none() && self.channels == self.spec.channels && self.spec.codec == "pcm"
    }

    /// Part of the source worked through, 0 to 1, where the container states its length.
    pub fn fraction(&self) -> f64 {
        let total = self.spec.frames.unwrap_or(0);
        if total > 0 { (self.source.position() as f64 / total as f64).min(1.0) } else { 0.0 }
    }

    /// Replaces `out` with the next frames. `false` when there are none left.
    pub fn next(&mut self, out: &mut Block) -> Result<bool, DspError> {
        while !self.ended && self.waiting.frames() == 0 {
            self.read()?;
        }
        out.resize(self.channels, 0);
        std::mem::swap(out, &mut self.waiting);
        self.waiting.clear();
        Ok(out.frames() > 0)
    }

    /// Replaces `out` with exactly so many frames; behind the end comes silence.
    pub fn take(&mut self, frames: usize, out: &mut Block) -> Result<(), DspError> {
        while !self.ended && self.waiting.frames() < frames {
            self.read()?;
        }
        out.resize(self.channels, 0);
        for (out, waiting) in out.channels.iter_mut().zip(&mut self.waiting.channels) {
            out.extend(waiting.drain(..frames.min(waiting.len())));
            out.resize(frames, 0.0);
        }
        Ok(())
    }

    /// Reads what is left behind the end of the main, which has `main_frames`.
    pub fn tail(&mut self, main_frames: u64) -> Result<Tail, DspError> {
        let bar = linear(SOUNDING_DBFS);
        let (mut at, mut last, mut highest) = (0u64, 0u64, 0.0f64);
        let mut block = Block::default();
        while self.next(&mut block)? {
            for samples in &block.channels {
                for (i, s) in samples.iter().enumerate() {
                    if s.abs() > bar {
                        last = last.max(at + i as u64 + 1);
                    }
                    highest = highest.max(s.abs());
                }
            }
            at += block.frames() as u64;
        }
        debug_assert!(at == 0 || self.frames >= main_frames);
        Ok(Tail {
            frames: self.frames,
            source_rate: self.spec.sample_rate,
            sounding_frames: last,
            peak_dbfs: decibels(highest),
            silent: self.peak == 0.0,
        })
    }

    fn read(&mut self) -> Result<(), DspError> {
        let before = self.waiting.frames();
        // Channels that the source lacks are made from its only one afterwards.
        let mut lines = std::mem::take(&mut self.waiting);
        lines.channels.truncate(self.spec.channels);
        if self.source.read(&mut self.decoded, self.block_frames)? == 0 {
            self.ended = true;
            if let Some(resampler) = &mut self.resampler {
                resampler.finish(&mut lines)?;
            }
        } else {
            if let Some((meter, side)) = &mut self.meter {
                meter.push(&self.decoded);
                if let Some(side) = side {
                    side.push(&self.decoded);
                }
            }
            match &mut self.resampler {
                Some(resampler) => resampler.push(&self.decoded, &mut lines)?,
                None if before == 0 => std::mem::swap(&mut lines, &mut self.decoded),
                None => {
                    for (line, decoded) in lines.channels.iter_mut().zip(&self.decoded.channels) {
                        line.extend_from_slice(decoded);
                    }
                }
            }
        }
        lines.channels.resize_with(self.spec.channels, Vec::new);
        while lines.channels.len() < self.channels {
            let only = lines.channels[0].clone();
            lines.channels.push(only);
        }
        for samples in &lines.channels {
            self.peak = samples[before..].iter().fold(self.peak, |m, s| m.max(s.abs()));
        }
        self.frames += (lines.frames() - before) as u64;
        self.waiting = lines;
        if decibels(self.peak) > SANE_PEAK_DBFS {
            return Err(DspError::Hostile {
                path: self.path.clone(),
                what: format!("its peak is {:.0} dB over full scale", decibels(self.peak)),
            });
        }
        Ok(())
    }
}

fn misfit(path: &Path, spec: &Spec, channels: usize) -> DspError {
    DspError::Invalid(format!(
        "{} has {} channels beside a main of {channels}: it cannot be laid under it. Bounce it with {channels}, or render it by itself",
        path.display(),
        spec.channels
    ))
}
