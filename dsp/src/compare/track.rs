//! A file as the comparison hears it: at the common rate, block by block, from front to back as often as it is asked. Thumbnails (one channel at a
//! low rate) and stretches at given places are taken from it. Never here: what the sound means, two files at once.

use std::path::{Path, PathBuf};

use crate::{Block, DspError, Flow, Source, resample::Resampler};

pub(super) const READ_FRAMES: usize = 1 << 14;
/// One channel out of two: unequal, so that neither a file whose right side is turned over nor one whose sides are exchanged becomes silent.
const LEFT: f64 = 0.65;
const RIGHT: f64 = 0.35;

/// How far a long task has come; an error `Stopped` where the caller wants no more of it.
pub(super) type Progress<'a> = &'a mut dyn FnMut(f64) -> Flow;

pub(super) fn still(progress: Progress<'_>, fraction: f64) -> Result<(), DspError> {
    match progress(fraction.clamp(0.0, 1.0)) {
        Flow::Go => Ok(()),
        Flow::Stop => Err(DspError::Stopped),
    }
}

/// A file on its way, at a rate of our choosing.
pub(super) struct Stream {
    source: Source,
    resampler: Option<Resampler>,
    decoded: Block,
    ended: bool,
}

impl Stream {
    /// `rate` in Hz; a file that has it already is handed on sample by sample.
    pub(super) fn open(path: &Path, rate: u32) -> Result<Self, DspError> {
        let source = Source::open(path)?;
        let own = source.spec().sample_rate;
        let resampler =
            if own == rate { None } else { Some(Resampler::new(source.spec().channels, own, rate)?) };
        Ok(Stream { source, resampler, decoded: Block::default(), ended: false })
    }

    pub(super) fn channels(&self) -> usize {
        self.source.spec().channels
    }

    /// Replaces `out` with the next frames; `false` at the end.
    pub(super) fn next(&mut self, out: &mut Block) -> Result<bool, DspError> {
        out.channels.resize_with(self.channels(), Vec::new);
        out.clear();
        let Some(resampler) = &mut self.resampler else {
            return Ok(self.source.read(out, READ_FRAMES)? > 0);
        };
        while !self.ended && out.frames() == 0 {
            if self.source.read(&mut self.decoded, READ_FRAMES)? == 0 {
                self.ended = true;
                resampler.finish(out)?;
            } else {
                resampler.push(&self.decoded, out)?;
            }
        }
        Ok(out.frames() > 0)
    }
}

/// What a file is, and a thumbnail of its sound.
pub(super) struct Thumbnail {
    pub path: PathBuf,
    pub codec: &'static str,
    pub rate: u32,
    pub channels: usize,
    /// At the file's own rate, counted.
    pub frames: u64,
    /// Highest sample of any channel.
    pub peak: f64,
    /// One channel at the low rate.
    pub sound: Vec<f32>,
}

impl Thumbnail {
    pub(super) fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate)
    }

    /// Reads the whole file once. `low_rate` in Hz.
    pub(super) fn take(path: &Path, low_rate: u32, progress: Progress<'_>) -> Result<Self, DspError> {
        let mut source = Source::open(path)?;
        let spec = source.spec().clone();
        let mut resampler = Resampler::new(1, spec.sample_rate, low_rate)?;
        let (mut block, mut mono, mut low) = (Block::default(), Block::new(1, 0), Block::new(1, 0));
        let mut thumbnail = Thumbnail {
            path: path.to_owned(),
            codec: spec.codec,
            rate: spec.sample_rate,
            channels: spec.channels,
            frames: 0,
            peak: 0.0,
            sound: Vec::new(),
        };
        loop {
            let frames = source.read(&mut block, READ_FRAMES)?;
            low.clear();
            if frames == 0 {
                resampler.finish(&mut low)?;
            } else {
                thumbnail.peak = block.channels.iter().flatten().fold(thumbnail.peak, |m, s| m.max(s.abs()));
                fold(&block, &mut mono.channels[0]);
                resampler.push(&mono, &mut low)?;
            }
            thumbnail.sound.extend(low.channels[0].iter().map(|s| *s as f32));
            thumbnail.frames += frames as u64;
            let total = spec.frames.unwrap_or(0).max(1);
            still(progress, thumbnail.frames as f64 / total as f64)?;
            if frames == 0 {
                break;
            }
        }
        if thumbnail.frames == 0 {
            return Err(DspError::not_audio(path, "it holds no sound"));
        }
        Ok(thumbnail)
    }
}

/// One channel out of all.
pub(super) fn fold(block: &Block, mono: &mut Vec<f64>) {
    mono.clear();
    match &block.channels[..] {
        [] => {}
        [one] => mono.extend_from_slice(one),
        [left, right] => mono.extend(left.iter().zip(right).map(|(l, r)| LEFT * l + RIGHT * r)),
        [first, rest @ ..] => {
            let share = (1.0 - LEFT) / rest.len() as f64;
            mono.extend(first.iter().map(|s| LEFT * s));
            for plane in rest {
                mono.iter_mut().zip(plane).for_each(|(sum, s)| *sum += share * s);
            }
        }
    }
}

/// Stretches of one channel, `frames` long, at the given starts (frames at `rate`, ascending, may lie outside: silence there).
pub(super) fn stretches(
    path: &Path,
    rate: u32,
    starts: &[i64],
    frames: usize,
    progress: Progress<'_>,
) -> Result<Vec<Vec<f64>>, DspError> {
    let mut stream = Stream::open(path, rate)?;
    let mut out = vec![vec![0.0; frames]; starts.len()];
    let (mut block, mut mono, mut at) = (Block::default(), Vec::new(), 0i64);
    let last = starts.iter().copied().max().unwrap_or(0) + frames as i64;
    while at < last && stream.next(&mut block)? {
        let end = at + block.frames() as i64;
        let touched = |start: &i64| *start < end && start + frames as i64 > at;
        if starts.iter().any(touched) {
            fold(&block, &mut mono);
            for (start, to) in starts.iter().zip(&mut out).filter(|(start, _)| touched(start)) {
                let (from, until) = (at.max(*start), end.min(start + frames as i64));
                to[(from - start) as usize..(until - start) as usize]
                    .copy_from_slice(&mono[(from - at) as usize..(until - at) as usize]);
            }
        }
        at = end;
        still(progress, at as f64 / last as f64)?;
    }
    Ok(out)
}
