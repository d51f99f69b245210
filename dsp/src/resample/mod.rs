//! Sample-rate conversion over blocks, any rate to any: exact length, no delay, flat to 0.914 of half the lower rate, -180 dB above half of it. Two
//! engines share one filter: by transforms where the ratio allows it, by a table of the filter where it does not. Never here: level, word length.

mod design;
mod fft_engine;
mod sinc_engine;

use fft_engine::FftEngine;
use sinc_engine::SincEngine;

use crate::{block::Block, error::DspError};

/// Rates further apart than this are refused: the table of the filter grows with it. 8 to 384 kHz are 48 apart.
const MAX_RATIO: u32 = 256;

/// How the filter treats time. Both have the same magnitude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Every frequency keeps its place; an impulse rings before and after itself.
    #[default]
    Linear,
    /// Nothing sounds before its cause: an impulse's first frame stays in its place, and its peak comes some 4 frames of the lower rate later, as does
    /// every low frequency (0.08 ms at 44.1 kHz). This delay belongs to the filter and is not taken out.
    Minimum,
}

impl Phase {
    pub const ALL: [Phase; 2] = [Phase::Linear, Phase::Minimum];

    /// The word for it in recipes and reports.
    pub fn token(self) -> &'static str {
        match self {
            Phase::Linear => "linear",
            Phase::Minimum => "minimum",
        }
    }

    pub fn from_token(token: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|p| p.token() == token)
    }
}

/// Turns a stream at one rate into a stream at another. The output has round(frames * to / from) frames, and frame 0 is frame 0. The result does not
/// depend on the sizes of the blocks, not by a bit. Samples that are not finite count as silence.
pub struct Resampler {
    engine: Engine,
    channels: usize,
    /// In lowest terms.
    from: u64,
    to: u64,
    taken: u64,
}

enum Engine {
    /// The rates are the same: every sample passes untouched.
    Pass,
    Fft(Box<FftEngine>),
    Sinc(Box<SincEngine>),
}

impl Resampler {
    /// Linear phase.
    pub fn new(channels: usize, from: u32, to: u32) -> Result<Self, DspError> {
        Self::with(channels, from, to, Phase::Linear)
    }

    /// Designs the filter, which takes some milliseconds. `Invalid` where a rate or the number of channels is zero or the rates are too far apart.
    pub fn with(channels: usize, from: u32, to: u32, phase: Phase) -> Result<Self, DspError> {
        let impossible =
            |why: String| DspError::Invalid(format!("{from} Hz cannot be turned into {to} Hz: {why}"));
        if from == 0 || to == 0 || channels == 0 {
            return Err(impossible("a rate or the number of channels is zero".into()));
        }
        if from / to >= MAX_RATIO || to / from >= MAX_RATIO {
            return Err(impossible(format!("the rates are more than {MAX_RATIO} times apart")));
        }
        let shared = gcd(from, to);
        let (from, to) = (u64::from(from / shared), u64::from(to / shared));
        let engine = if from == to {
            Engine::Pass
        } else if let Some(engine) = FftEngine::new(channels, from, to, phase) {
            Engine::Fft(Box::new(engine))
        } else {
            let engine = SincEngine::new(channels, from, to, phase);
            Engine::Sinc(Box::new(
                engine.ok_or_else(|| impossible("there is no filter for this ratio".into()))?,
            ))
        };
        Ok(Resampler { engine, channels, from, to, taken: 0 })
    }

    /// Takes a stretch and appends what is ready to `out`, which gets the channels it lacks. `Invalid` where the block has another number of
    /// channels than the stream, or channels of unequal length.
    pub fn push(&mut self, block: &Block, out: &mut Block) -> Result<(), DspError> {
        let frames = block.frames();
        if block.channels.len() != self.channels || block.channels.iter().any(|c| c.len() != frames) {
            return Err(DspError::Invalid(format!(
                "a block of {} channels cannot be resampled in a stream of {}, or its channels differ in length",
                block.channels.len(),
                self.channels
            )));
        }
        self.taken += frames as u64;
        out.channels.resize_with(self.channels, Vec::new);
        match &mut self.engine {
            Engine::Pass => append(out, block),
            Engine::Fft(engine) => engine.push(block, out),
            Engine::Sinc(engine) => engine.push(block, out),
        }
        Ok(())
    }

    /// Appends the rest: the stream is over. A second call appends nothing.
    pub fn finish(&mut self, out: &mut Block) -> Result<(), DspError> {
        out.channels.resize_with(self.channels, Vec::new);
        let total = (u128::from(self.taken) * u128::from(self.to) + u128::from(self.from) / 2)
            / u128::from(self.from);
        let total = u64::try_from(total).map_err(|_| {
            DspError::Invalid("the resampled stream would be longer than can be counted".into())
        })?;
        match &mut self.engine {
            Engine::Pass => {}
            Engine::Fft(engine) => engine.finish(total, out),
            Engine::Sinc(engine) => engine.finish(total, out),
        }
        Ok(())
    }
}

fn append(out: &mut Block, block: &Block) {
    for (to, c) in out.channels.iter_mut().zip(&block.channels) {
        to.extend_from_slice(c);
    }
}

/// Appends samples to what waits; those that are not finite as silence.
fn take(waiting: &mut Vec<f64>, samples: &[f64]) {
    const EXPONENT: u64 = 0x7FF0_0000_0000_0000;
    let start = waiting.len();
    waiting.extend_from_slice(samples);
    let wild = samples.iter().fold(false, |any, s| any | (s.to_bits() & EXPONENT == EXPONENT));
    if wild {
        waiting[start..].iter_mut().filter(|s| !s.is_finite()).for_each(|s| *s = 0.0);
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
