//! One song while it sounds: decoded once, from front to back, and brought to every rate that is asked for. Never here: where it lies, how loud it is.

use std::path::PathBuf;

use super::{CHANNELS, ear::Ears, layout::Known};
use crate::{Block, DspError, decode, resample::Resampler};

pub(super) struct Voice {
    path: PathBuf,
    source: decode::Source,
    /// That were told before; the layout stands on them.
    frames: u64,
    block_frames: usize,
    ended: bool,
    /// Where its samples must be known again.
    ears: Option<Ears>,
    decoded: Block,
    lines: Vec<Line>,
}

/// The song at one rate.
struct Line {
    /// `None`: it has the rate.
    resampler: Option<Resampler>,
    made: Block,
    waiting: Block,
    /// Frames that are still to be cut from its head.
    skip: u64,
}

impl Voice {
    /// `rates`, each with the frames that are cut from the head there.
    pub fn open(
        path: PathBuf,
        known: &Known,
        rates: &[(u32, u64)],
        block_frames: usize,
    ) -> Result<Voice, DspError> {
        let source = decode::Source::open(&path)?;
        if *source.spec() != known.spec {
            return Err(changed(&path));
        }
        let spec = &known.spec;
        let line = |(rate, skip): &(u32, u64)| {
            let differs = spec.sample_rate != *rate;
            let resampler =
                differs.then(|| Resampler::new(spec.channels, spec.sample_rate, *rate)).transpose()?;
            let waiting = Block::new(CHANNELS, 0);
            Ok(Line { resampler, made: Block::new(spec.channels, 0), waiting, skip: *skip })
        };
        let lines = rates.iter().map(line).collect::<Result<_, DspError>>()?;
        let decoded = Block::new(spec.channels, 0);
        let frames = known.frames;
        Ok(Voice { path, source, frames, block_frames, ended: false, ears: None, decoded, lines })
    }

    /// Replaces `out` with the next frames at the rate of a line. Errors: those of `decode`, `Damaged` where there are not so many.
    pub fn take(&mut self, line: usize, frames: usize, out: &mut Block) -> Result<(), DspError> {
        while !self.ended && self.lines[line].waiting.frames() < frames {
            self.read()?;
        }
        if self.lines[line].waiting.frames() < frames {
            return Err(changed(&self.path));
        }
        out.resize(CHANNELS, 0);
        for (out, waiting) in out.channels.iter_mut().zip(&mut self.lines[line].waiting.channels) {
            out.clear();
            out.extend(waiting.drain(..frames));
        }
        Ok(())
    }

    /// Reads what is left, which nobody hears: damage in the trimmed tail of a file, or a digest that does not agree, is damage of the file.
    /// Gives what [`Voice::listen`] asked for.
    pub fn finish(
        mut self,
        still: &mut dyn FnMut() -> Result<(), DspError>,
    ) -> Result<Option<Ears>, DspError> {
        while !self.ended {
            self.lines.clear();
            self.read()?;
            still()?;
        }
        Ok(self.ears)
    }

    /// From its first sample on.
    pub fn listen(&mut self) {
        self.ears = Some(Ears::new());
    }

    fn read(&mut self) -> Result<(), DspError> {
        self.ended = self.source.read(&mut self.decoded, self.block_frames)? == 0;
        if self.ended && self.source.position() != self.frames {
            return Err(changed(&self.path));
        }
        if let Some(ears) = self.ears.as_mut().filter(|_| !self.ended) {
            ears.hear(&self.decoded);
        }
        for line in &mut self.lines {
            line.made.clear();
            let made = match &mut line.resampler {
                Some(resampler) if self.ended => {
                    resampler.finish(&mut line.made)?;
                    &line.made
                }
                Some(resampler) => {
                    resampler.push(&self.decoded, &mut line.made)?;
                    &line.made
                }
                None if self.ended => &line.made,
                None => &self.decoded,
            };
            let frames = made.frames();
            let skip = usize::try_from(line.skip).unwrap_or(usize::MAX).min(frames);
            line.skip -= skip as u64;
            for (n, waiting) in line.waiting.channels.iter_mut().enumerate() {
                // The only channel of a mono song is laid on both.
                if let Some(plane) = made.channels.get(n).or(made.channels.first()) {
                    waiting.extend_from_slice(&plane[skip..]);
                }
            }
        }
        Ok(())
    }
}

fn changed(path: &std::path::Path) -> DspError {
    let what = "it is not as long as it said, or was changed while the record was made. Render again";
    DspError::damaged(path, 0.0, what)
}
