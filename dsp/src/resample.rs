//! Sample-rate conversion over blocks: exact length, no delay. The filter is rubato's (FFT, squared Blackman-Harris window). Never here: level.

use audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::{block::Block, error::DspError};

/// Length of the filter's block on the side of the lower rate: at 44.1 kHz the passband then reaches 20.8 kHz and the ringing stays short.
const LOW_SIDE_FRAMES: usize = 512;

/// Turns a stream at one rate into a stream at another. The output has round(frames * to / from) frames, and frame 0 is frame 0.
pub struct Resampler {
    /// `None` when the rates are the same: every sample then passes untouched.
    fft: Option<Fft<f64>>,
    from: u64,
    to: u64,
    waiting: Block,
    chunk: Block,
    taken: u64,
    given: u64,
    /// Frames of the filter's delay still to be thrown away.
    early: usize,
}

impl Resampler {
    pub fn new(channels: usize, from: u32, to: u32) -> Result<Self, DspError> {
        let impossible =
            |why: String| DspError::Invalid(format!("{from} Hz cannot be turned into {to} Hz: {why}"));
        if from == 0 || to == 0 || channels == 0 {
            return Err(impossible("a rate or the number of channels is zero".into()));
        }
        let fft = (from != to)
            .then(|| Self::filter(channels, from, to))
            .transpose()
            .map_err(|e| impossible(e.to_string()))?;
        let early = fft.as_ref().map_or(0, |f| f.output_delay());
        let out = fft.as_ref().map_or(0, |f| f.output_frames_max());
        Ok(Resampler {
            fft,
            from: u64::from(from),
            to: u64::from(to),
            waiting: Block::new(channels, 0),
            chunk: Block::new(channels, out),
            taken: 0,
            given: 0,
            early,
        })
    }

    fn filter(channels: usize, from: u32, to: u32) -> Result<Fft<f64>, rubato::ResamplerConstructionError> {
        let shared = gcd(from, to);
        let step = (from / shared) as usize;
        let low = (from.min(to) / shared) as usize;
        // An even number of steps, so that the delay is a whole number of frames.
        let steps = LOW_SIDE_FRAMES.div_ceil(low).next_multiple_of(2);
        Fft::new_custom(
            from as usize,
            to as usize,
            step * steps,
            1,
            channels,
            WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
    }

    /// Takes a stretch and appends what is ready to `out`.
    pub fn push(&mut self, block: &Block, out: &mut Block) -> Result<(), DspError> {
        self.taken += block.frames() as u64;
        if self.fft.is_none() {
            append(out, block, 0..block.frames());
            return Ok(());
        }
        append(&mut self.waiting, block, 0..block.frames());
        self.run(out, u64::MAX)
    }

    /// Appends the rest: the stream is over.
    pub fn finish(&mut self, out: &mut Block) -> Result<(), DspError> {
        let Some(fft) = &self.fft else { return Ok(()) };
        let need = fft.input_frames_next();
        let total = (u128::from(self.taken) * u128::from(self.to) + u128::from(self.from / 2))
            / u128::from(self.from);
        let total = total as u64;
        while self.given < total {
            for c in &mut self.waiting.channels {
                c.resize(c.len().next_multiple_of(need).max(need), 0.0);
            }
            self.run(out, total)?;
        }
        Ok(())
    }

    /// Works through every whole chunk that waits, giving out no more than `total` frames in all.
    fn run(&mut self, out: &mut Block, total: u64) -> Result<(), DspError> {
        let Some(fft) = &mut self.fft else { return Ok(()) };
        let need = fft.input_frames_next();
        let channels = self.waiting.channels.len();
        let mut start = 0;
        while self.waiting.frames() - start >= need {
            let input: Vec<Vec<f64>> =
                self.waiting.channels.iter().map(|c| c[start..start + need].to_vec()).collect();
            start += need;
            let frames = self.chunk.frames();
            let failed =
                |e: String| DspError::Invalid(format!("the sample rate could not be converted: {e}"));
            let view =
                SequentialSliceOfVecs::new(&input, channels, need).map_err(|e| failed(e.to_string()))?;
            let mut room = SequentialSliceOfVecs::new_mut(&mut self.chunk.channels, channels, frames)
                .map_err(|e| failed(e.to_string()))?;
            let (_, made) =
                fft.process_into_buffer(&view, &mut room, None).map_err(|e| failed(e.to_string()))?;
            let skip = self.early.min(made);
            self.early -= skip;
            let keep = ((made - skip) as u64).min(total - self.given);
            append(out, &self.chunk, skip..skip + keep as usize);
            self.given += keep;
        }
        self.waiting.channels.iter_mut().for_each(|c| {
            c.drain(..start);
        });
        Ok(())
    }
}

fn append(out: &mut Block, from: &Block, range: std::ops::Range<usize>) {
    for (to, c) in out.channels.iter_mut().zip(&from.channels) {
        to.extend_from_slice(&c[range.clone()]);
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
