//! One file of the song as the examination hears it: at the main's rate, in step with the main, right way up, in windows that overlap by half.
//! Never here: more of a song than one window and one block, decisions.

use std::path::Path;

use crate::{Block, DspError, Source, resample::Resampler};

const READ_FRAMES: usize = 1 << 14;

/// How a file lies against its main.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lie {
    /// Whole frames of the main's rate by which it comes late (negative: early).
    pub late_frames: i64,
    /// The rest, within half a frame.
    pub rest_frames: f64,
    pub inverted: bool,
}

/// A file that is read in step with the main.
pub struct Strand {
    source: Source,
    resampler: Option<Resampler>,
    pub lie: Lie,
    decoded: Block,
    ready: Block,
    /// Frames of `ready` that were handed on already.
    used: usize,
    /// Frames of silence that stand before the first of the file.
    silence: u64,
    /// Frames of the file to leave out.
    skip: u64,
    ended: bool,
    /// One window for each channel.
    pub window: Vec<Vec<f64>>,
}

impl Strand {
    /// `channels` of the main: a mono file sounds from both sides, what a file has beyond them is left out.
    pub fn open(
        path: &Path,
        rate: u32,
        channels: usize,
        window: usize,
        lie: Lie,
    ) -> Result<Strand, DspError> {
        let source = Source::open(path)?;
        let own = source.spec().sample_rate;
        let resampler =
            if own == rate { None } else { Some(Resampler::new(source.spec().channels, own, rate)?) };
        Ok(Strand {
            source,
            resampler,
            lie,
            decoded: Block::default(),
            ready: Block::default(),
            used: 0,
            silence: (-lie.late_frames).max(0) as u64,
            skip: lie.late_frames.max(0) as u64,
            ended: false,
            window: vec![vec![0.0; window]; channels],
        })
    }

    /// Moves on by `hop` frames; behind the end stands silence.
    pub fn advance(&mut self, hop: usize) -> Result<(), DspError> {
        let len = self.window.first().map_or(0, Vec::len);
        let hop = hop.min(len);
        for plane in &mut self.window {
            plane.copy_within(hop.., 0);
        }
        let mut at = len - hop;
        let silent = (self.silence.min(hop as u64)) as usize;
        self.silence -= silent as u64;
        self.window.iter_mut().for_each(|plane| plane[at..at + silent].fill(0.0));
        at += silent;
        while at < len {
            if self.used == self.ready.frames() && !self.refill()? {
                self.window.iter_mut().for_each(|plane| plane[at..].fill(0.0));
                break;
            }
            let frames = (len - at).min(self.ready.frames() - self.used);
            let sign = if self.lie.inverted { -1.0 } else { 1.0 };
            let last = self.ready.channels.len() - 1;
            for (side, plane) in self.window.iter_mut().enumerate() {
                // A mono file sounds from both sides of a stereo main; of a centre or a surround it knows nothing.
                let from = if last == 0 && side < 2 { Some(0) } else { (side <= last).then_some(side) };
                let to = &mut plane[at..at + frames];
                match from {
                    Some(from) => to
                        .iter_mut()
                        .zip(&self.ready.channels[from][self.used..])
                        .for_each(|(to, s)| *to = sign * s),
                    None => to.fill(0.0),
                }
            }
            self.used += frames;
            at += frames;
        }
        Ok(())
    }

    /// The next frames of the file, those to skip left out; `false` at its end.
    fn refill(&mut self) -> Result<bool, DspError> {
        loop {
            self.ready.channels.resize_with(self.source.spec().channels, Vec::new);
            self.ready.clear();
            self.used = 0;
            if self.ended {
                return Ok(false);
            }
            match &mut self.resampler {
                None => {
                    if self.source.read(&mut self.ready, READ_FRAMES)? == 0 {
                        self.ended = true;
                        self.ready.clear();
                    }
                }
                Some(resampler) => {
                    if self.source.read(&mut self.decoded, READ_FRAMES)? == 0 {
                        self.ended = true;
                        resampler.finish(&mut self.ready)?;
                    } else {
                        resampler.push(&self.decoded, &mut self.ready)?;
                    }
                }
            }
            let frames = self.ready.frames();
            let skipped = self.skip.min(frames as u64) as usize;
            self.skip -= skipped as u64;
            self.used = skipped;
            if skipped < frames {
                return Ok(true);
            }
        }
    }
}
