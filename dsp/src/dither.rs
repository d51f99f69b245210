//! Whole numbers out of samples, with dither: the last step before a file, used once. Every channel has its own noise, the same every time and for
//! every size of block (D-1). S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, "Quantization and Dither: A Theoretical Survey", JAES 40(5), 1992:
//! with triangular noise of two steps peak to peak the first two moments of the error are free of the signal. Never here: files, a blank on silence.

use std::fmt;
use std::str::FromStr;

use crate::{DspError, block::Block, lanes};

mod noise;

use noise::{Noise, PERIOD};

/// What is done to the error of rounding. The words in recipes are `tpdf`, `shaped`, `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dither {
    /// White triangular noise of two steps peak to peak.
    #[default]
    Tpdf,
    /// The same noise, with the error of rounding moved to where the ear hears least. For 16 bits at 44.1 or 48 kHz, as the very last step
    /// and never before a lossy encoder.
    Shaped,
    /// Rounding alone: its error follows the signal. For sound that stands on the grid already.
    None,
}

impl Dither {
    pub const ALL: [Dither; 3] = [Dither::Tpdf, Dither::Shaped, Dither::None];

    pub fn token(self) -> &'static str {
        match self {
            Dither::Tpdf => "tpdf",
            Dither::Shaped => "shaped",
            Dither::None => "none",
        }
    }
}

impl Dither {
    /// Mean square of what rounding and dither add, in steps squared: a twelfth for rounding, a sixth for triangular noise of two steps, and as much more
    /// as the filter of shaped noise has energy.
    pub fn noise_power(self) -> f64 {
        match self {
            Dither::None => 1.0 / 12.0,
            Dither::Tpdf => 0.25,
            Dither::Shaped => 0.25 * (1.0 + F_WEIGHTED.iter().map(|c| c * c).sum::<f64>()),
        }
    }
}

impl fmt::Display for Dither {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

impl FromStr for Dither {
    type Err = DspError;

    fn from_str(word: &str) -> Result<Self, DspError> {
        Dither::ALL.into_iter().find(|d| d.token() == word).ok_or_else(|| {
            DspError::Invalid(format!("\"{word}\" is no kind of dither. Write tpdf, shaped or none"))
        })
    }
}

/// The error filter of nine taps for the F-weighted curve, designed for 44.1 kHz: R. A. Wannamaker, "Psychoacoustically Optimal Noise Shaping",
/// JAES 40(7/8), 1992. The noise that is left has the spectrum `1 - sum c[k] z^-(k+1)`.
const F_WEIGHTED: [f64; TAPS] = [2.412, -3.370, 3.937, -4.174, 3.353, -2.205, 1.281, -0.569, 0.0847];
const TAPS: usize = 9;
/// Triangular noise reaches one step, rounding half a step: a larger error comes from clipping, and must not be fed back.
const MAX_ERROR_STEPS: f64 = 1.5;
/// Adding and taking away 1.5 * 2^52 rounds to whole numbers, halves to the even one, in any register.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Puts samples on the grid of `bits`-bit whole numbers. The values stay f64; each is exactly a number that the format holds.
#[derive(Clone, Debug)]
pub struct Quantiser {
    grid: Grid,
    dither: Dither,
    voices: Vec<Voice>,
}

/// The whole numbers of a format: from `-scale` to `scale - 1`.
#[derive(Clone, Copy, Debug)]
struct Grid {
    scale: f64,
    step: f64,
}

/// One channel's noise, how much of it is used, and the errors of its last roundings, the newest first, in steps.
#[derive(Clone, Debug)]
struct Voice {
    noise: Noise,
    steps: Box<[f64; PERIOD]>,
    used: usize,
    errors: [f64; TAPS],
}

impl Quantiser {
    /// With triangular noise. `bits`: 8 to 32; what lies outside is brought to the nearer end.
    pub fn new(channels: usize, bits: u32) -> Self {
        let scale = (1u64 << (bits.clamp(8, 32) - 1)) as f64;
        let voice = |channel| Voice {
            noise: Noise::new(channel),
            steps: Box::new([0.0; PERIOD]),
            used: PERIOD,
            errors: [0.0; TAPS],
        };
        Quantiser {
            grid: Grid { scale, step: 1.0 / scale },
            dither: Dither::Tpdf,
            voices: (0..channels as u64).map(voice).collect(),
        }
    }

    /// With a kind of dither that the recipe names.
    ///
    /// Errors: `Invalid`, where `bits` is outside 8 to 32, and for [`Dither::Shaped`] other than at 16 bits and 44.1 or 48 kHz: the curve is made
    /// for these, and elsewhere plain noise is less audible.
    pub fn with(channels: usize, bits: u32, dither: Dither, sample_rate: u32) -> Result<Self, DspError> {
        if !(8..=32).contains(&bits) {
            return Err(DspError::Invalid(format!(
                "sound cannot be rounded to {bits} bits. 8 to 32 can be had"
            )));
        }
        if dither == Dither::Shaped && !(bits == 16 && matches!(sample_rate, 44_100 | 48_000)) {
            return Err(DspError::Invalid(format!(
                "shaped dither is made for 16 bits at 44100 or 48000 Hz, this is {bits} bits at {sample_rate} Hz. Write dither = \"tpdf\""
            )));
        }
        Ok(Quantiser { dither, ..Quantiser::new(channels, bits) })
    }

    pub fn dither(&self) -> Dither {
        self.dither
    }

    /// Adds the noise, rounds, and clips what the format cannot hold. What is not a number becomes the lowest value.
    /// `block` has the channels of `new`; further ones are left as they are.
    pub fn process(&mut self, block: &mut Block) {
        let grid = self.grid;
        for (samples, voice) in block.channels.iter_mut().zip(&mut self.voices) {
            match self.dither {
                Dither::Tpdf => voice.feed(samples, |part, noise, _| {
                    lanes::wide(
                        #[inline(always)]
                        || grid.round(part, noise),
                    );
                }),
                Dither::Shaped => voice.feed(samples, |part, noise, errors| grid.shape(part, noise, errors)),
                Dither::None => lanes::wide(
                    #[inline(always)]
                    || samples.iter_mut().for_each(|s| *s = grid.nearest(*s * grid.scale)),
                ),
            }
        }
    }
}

impl Voice {
    /// Hands out the samples with as much noise. The noise is made in periods from the first frame of the stream on, so that the size of blocks
    /// changes nothing.
    fn feed(&mut self, mut samples: &mut [f64], work: impl Fn(&mut [f64], &[f64], &mut [f64; TAPS])) {
        while !samples.is_empty() {
            if self.used == PERIOD {
                lanes::wide(
                    #[inline(always)]
                    || self.noise.fill(&mut self.steps),
                );
                self.used = 0;
            }
            let n = samples.len().min(PERIOD - self.used);
            let (part, rest) = samples.split_at_mut(n);
            work(part, &self.steps[self.used..self.used + n], &mut self.errors);
            self.used += n;
            samples = rest;
        }
    }
}

impl Grid {
    /// The value for `x` in steps. Clipped before it is rounded, so that any float comes out right.
    #[inline(always)]
    fn nearest(self, x: f64) -> f64 {
        self.whole(x) * self.step
    }

    #[inline(always)]
    fn whole(self, x: f64) -> f64 {
        // Written so that each is one instruction, and what is not a number takes the second arm.
        let x = if x > -self.scale { x } else { -self.scale };
        let top = self.scale - 1.0;
        let x = if x < top { x } else { top };
        (x + ROUND) - ROUND
    }

    #[inline(always)]
    fn round(self, samples: &mut [f64], noise: &[f64]) {
        for (s, noise) in samples.iter_mut().zip(noise) {
            *s = self.nearest(*s * self.scale + noise);
        }
    }

    fn shape(self, samples: &mut [f64], noise: &[f64], errors: &mut [f64; TAPS]) {
        let [c1, c2, c3, c4, c5, c6, c7, c8, c9] = F_WEIGHTED;
        let [mut e1, mut e2, mut e3, mut e4, mut e5, mut e6, mut e7, mut e8, mut e9] = *errors;
        for (s, noise) in samples.iter_mut().zip(noise) {
            let older =
                (c2 * e2 + c3 * e3) + (c4 * e4 + c5 * e5) + ((c6 * e6 + c7 * e7) + (c8 * e8 + c9 * e9));
            let wanted = (*s * self.scale - older) - c1 * e1;
            let whole = self.whole(wanted + noise);
            *s = whole * self.step;
            let error = whole - wanted;
            (e9, e8, e7, e6, e5, e4, e3, e2) = (e8, e7, e6, e5, e4, e3, e2, e1);
            let error = if error > -MAX_ERROR_STEPS { error } else { -MAX_ERROR_STEPS };
            e1 = if error < MAX_ERROR_STEPS { error } else { MAX_ERROR_STEPS };
        }
        *errors = [e1, e2, e3, e4, e5, e6, e7, e8, e9];
    }
}
