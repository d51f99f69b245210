//! The equaliser of linear phase: the very curve of the bands as a symmetric filter, so that all frequencies are late by the same time. The filter is
//! as long as its curve needs and no longer; what it does is compared with the curve before it is used. It runs by overlap-save on the crate's own
//! transform, on stretches that stand at absolute frames, so that the size of blocks changes nothing. Never here: words of a recipe.

use super::{Placement, eq::EqBandSettings, matched::MATCHED_TO};
use crate::{block::Block, error::DspError, fft::Fft, lanes, math};

/// Of the curve's gain: 0.01 dB.
const CLOSE: f64 = 1.15e-3;
/// What may remain where the curve lets nothing through: -100 dB.
const REST: f64 = 1e-5;
/// The curve is held from here up.
const LOWEST_HZ: f64 = 10.0;
/// Frames on each side of the filter's middle, at rates up to 50 kHz: from 12 ms to 1.5 s. Higher rates take more of them.
const SHORTEST: usize = 512;
const LONGEST: usize = 1 << 16;
/// Transforms up to this length keep to the second cache.
const QUICK_LEN: usize = 1 << 15;

/// What the two planes of a transform are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axes {
    /// Channels as they come.
    Sides,
    /// Middle and difference.
    MidSide,
}

/// One filter: the gains at the bins of a transform of length `len`, real because the filter is symmetric.
struct Kernel {
    /// Frames on each side of the middle.
    reach: usize,
    len: usize,
    gains: Vec<f64>,
}

#[derive(Clone)]
pub(super) struct LinearPhase {
    axes: Axes,
    /// `None`: no band does anything.
    engine: Option<Engine>,
}

#[derive(Clone)]
struct Engine {
    fft: Fft,
    reach: usize,
    hop: usize,
    /// Half the sum and half the difference of the two planes' gains, over the transform's length: what each bin and its mirror give.
    straight: Vec<f64>,
    crossed: Option<Vec<f64>>,
    /// The newest frames of each channel, on the axes of the filter; `filled` of the last `hop` are there.
    windows: Vec<Vec<f64>>,
    ready: Vec<Vec<f64>>,
    filled: usize,
    spectrum: [Vec<f64>; 2],
    turned: [Vec<f64>; 2],
}

impl LinearPhase {
    /// Bands on mid or side and bands on left or right are two sets of axes, and a filter has one.
    pub fn check(bands: &[EqBandSettings]) -> Result<(), DspError> {
        let any = |places: [Placement; 2]| bands.iter().any(|b| places.contains(&b.on));
        if any([Placement::Mid, Placement::Side]) && any([Placement::Left, Placement::Right]) {
            return Err(DspError::Invalid(
                "an equaliser of linear phase has bands on mid and side or on left and right, not both; make it two steps"
                    .into(),
            ));
        }
        Ok(())
    }

    /// The bands were checked, and every one has its place in so many channels.
    pub fn new(bands: &[EqBandSettings], sample_rate: u32, channels: usize) -> Result<Self, DspError> {
        let middle = bands.iter().any(|b| matches!(b.on, Placement::Mid | Placement::Side));
        let axes = if middle && channels == 2 { Axes::MidSide } else { Axes::Sides };
        if bands.iter().all(EqBandSettings::is_neutral) {
            return Ok(LinearPhase { axes, engine: None });
        }
        let places =
            if middle { [Placement::Mid, Placement::Side] } else { [Placement::Left, Placement::Right] };
        let curves = places.map(|place| Curve::new(bands, place));
        let same = curves[0] == curves[1];
        let reach = curves
            .iter()
            .map(|curve| curve.reach(sample_rate))
            .try_fold(0, |most, reach| reach.map(|r| most.max(r)))?;
        let first = curves[0].kernel(reach, sample_rate);
        let second = (!same).then(|| curves[1].kernel(reach, sample_rate));
        Ok(LinearPhase { axes, engine: Some(Engine::new(first, second, channels)?) })
    }

    pub fn latency_frames(&self) -> usize {
        self.engine.as_ref().map_or(0, |e| e.hop + e.reach)
    }

    pub fn reset(&mut self) {
        if let Some(e) = &mut self.engine {
            e.windows.iter_mut().chain(&mut e.ready).for_each(|plane| plane.fill(0.0));
            e.filled = 0;
        }
    }

    pub fn run(&mut self, block: &mut Block) {
        let Some(engine) = &mut self.engine else { return };
        let frames = block.frames();
        let mut at = 0;
        while at < frames {
            let n = (engine.hop - engine.filled).min(frames - at);
            engine.exchange(block, at, n, self.axes);
            at += n;
            if engine.filled == engine.hop {
                engine.transform();
            }
        }
    }
}

/// What the bands at one place come to.
#[derive(PartialEq)]
struct Curve {
    sections: Vec<super::analogue::Analogue>,
}

impl Curve {
    fn new(bands: &[EqBandSettings], place: Placement) -> Curve {
        let here = |b: &&EqBandSettings| !b.is_neutral() && (b.on == Placement::Stereo || b.on == place);
        Curve { sections: bands.iter().filter(here).flat_map(EqBandSettings::analogue).collect() }
    }

    fn gain(&self, hz: f64) -> f64 {
        self.sections.iter().map(|s| s.power(hz)).product::<f64>().sqrt()
    }

    /// Gains at the bins up to half of `len`, both ends included.
    fn gains(&self, len: usize, sample_rate: u32) -> Vec<f64> {
        let step = f64::from(sample_rate) / len as f64;
        (0..=len / 2).map(|bin| self.gain(bin as f64 * step)).collect()
    }

    /// The shortest filter that keeps to the curve.
    fn reach(&self, sample_rate: u32) -> Result<usize, DspError> {
        let faster = (sample_rate as usize).div_ceil(50_000).next_power_of_two();
        let mut reach = SHORTEST;
        while reach <= LONGEST * faster {
            if self.keeps(&self.kernel(reach, sample_rate), sample_rate) {
                return Ok(reach);
            }
            reach *= 2;
        }
        Err(DspError::Invalid(
            "a band of the equaliser is so narrow and so low that a filter of linear phase would ring for seconds; lower its q or let the phase be \"minimum\""
                .into(),
        ))
    }

    /// The filter with `reach` frames on each side: the curve's own response in time, faded out over its outer half.
    fn kernel(&self, reach: usize, sample_rate: u32) -> Kernel {
        // The response is taken from a grid of four times its length, so that what folds over is far out and small.
        let grid = 8 * reach;
        let gains = self.gains(grid, sample_rate);
        let mut time = transform_even(&gains, grid);
        time.truncate(reach + 1);
        let inner = reach / 2;
        for (n, value) in time.iter_mut().enumerate() {
            let out = n.saturating_sub(inner) as f64 / (reach - inner) as f64;
            *value *= (0.5 + 0.5 * math::cos(std::f64::consts::PI * out)) / grid as f64;
        }
        let len = if 8 * reach <= QUICK_LEN { QUICK_LEN } else { 4 * reach };
        time.resize(len / 2 + 1, 0.0);
        Kernel { reach, len, gains: transform_even(&time, len) }
    }

    fn keeps(&self, kernel: &Kernel, sample_rate: u32) -> bool {
        let step = f64::from(sample_rate) / kernel.len as f64;
        let from = (LOWEST_HZ / step) as usize + 1;
        let to = (MATCHED_TO * kernel.len as f64) as usize;
        (from..=to).all(|bin| {
            let wanted = self.gain(bin as f64 * step);
            (kernel.gains[bin] - wanted).abs() <= CLOSE * wanted + REST
        })
    }
}

/// The transform of an even, real sequence, given and returned from nought to half of `len`: it is real and even too.
fn transform_even(half: &[f64], len: usize) -> Vec<f64> {
    let mut fft = Fft::new(len).expect("a power of two");
    let mut re: Vec<f64> = (0..len).map(|n| half[n.min(len - n)]).collect();
    fft.forward(&mut re, &mut vec![0.0; len]);
    re.truncate(len / 2 + 1);
    re
}

impl Engine {
    fn new(first: Kernel, second: Option<Kernel>, channels: usize) -> Result<Engine, DspError> {
        let (len, reach) = (first.len, first.reach);
        let whole = |half: &[f64]| -> Vec<f64> {
            (0..len).map(|bin| half[bin.min(len - bin)] / len as f64).collect()
        };
        let (straight, crossed) = match &second {
            None => (whole(&first.gains), None),
            Some(second) => {
                let pair = || first.gains.iter().zip(&second.gains);
                let sum: Vec<f64> = pair().map(|(a, b)| 0.5 * (a + b)).collect();
                let difference: Vec<f64> = pair().map(|(a, b)| 0.5 * (a - b)).collect();
                (whole(&sum), Some(whole(&difference)))
            }
        };
        let hop = len - 2 * reach;
        Ok(Engine {
            fft: Fft::new(len).ok_or_else(|| DspError::Invalid(format!("no transform of {len} points")))?,
            reach,
            hop,
            straight,
            crossed,
            windows: vec![vec![0.0; len]; channels],
            ready: vec![vec![0.0; hop]; channels],
            filled: 0,
            spectrum: [vec![0.0; len], vec![0.0; len]],
            turned: [vec![0.0; len], vec![0.0; len]],
        })
    }

    /// Takes `n` frames of the block into the windows and puts as many that are ready in their place.
    fn exchange(&mut self, block: &mut Block, at: usize, n: usize, axes: Axes) {
        let (from, to) = (self.filled, 2 * self.reach + self.filled);
        self.filled += n;
        if let (Axes::MidSide, [left, right], [mid, side], [mid_ready, side_ready]) =
            (axes, block.channels.as_mut_slice(), self.windows.as_mut_slice(), self.ready.as_slice())
        {
            let (left, right) = (&mut left[at..at + n], &mut right[at..at + n]);
            let (mid, side) = (&mut mid[to..to + n], &mut side[to..to + n]);
            let (mid_ready, side_ready) = (&mid_ready[from..from + n], &side_ready[from..from + n]);
            lanes::wide(
                #[inline(always)]
                || {
                    for i in 0..n {
                        (mid[i], side[i]) = (0.5 * (left[i] + right[i]), 0.5 * (left[i] - right[i]));
                        (left[i], right[i]) = (mid_ready[i] + side_ready[i], mid_ready[i] - side_ready[i]);
                    }
                },
            );
            return;
        }
        for ((plane, window), ready) in block.channels.iter_mut().zip(&mut self.windows).zip(&self.ready) {
            window[to..to + n].copy_from_slice(&plane[at..at + n]);
            plane[at..at + n].copy_from_slice(&ready[from..from + n]);
        }
    }

    /// The windows are full: two channels at a time share one transform, a last one has silence beside it.
    fn transform(&mut self) {
        self.filled = 0;
        let (len, hop, reach) = (self.fft.len(), self.hop, self.reach);
        let mut windows = std::mem::take(&mut self.windows);
        let mut ready = std::mem::take(&mut self.ready);
        for (pair, out) in windows.chunks_mut(2).zip(ready.chunks_mut(2)) {
            let quiet = |plane: &Vec<f64>| plane.iter().all(|s| *s == 0.0);
            let silent = [quiet(&pair[0]), pair.get(1).is_none_or(quiet)];
            if silent == [true, true] {
                out.iter_mut().for_each(|plane| plane.fill(0.0));
                continue;
            }
            let same = self.crossed.is_none() && pair.len() == 2 && pair[0] == pair[1];
            self.convolve(&pair[0], pair.get(1).filter(|_| !same));
            for ((plane, made), silent) in out.iter_mut().zip(&self.turned).zip(silent) {
                // One transform for two leaves rounding of each in the other: what is silent stays silent, what is equal stays equal.
                let made = if same { &self.turned[0] } else { made };
                if silent {
                    plane.fill(0.0);
                } else {
                    plane.copy_from_slice(&made[reach..reach + hop]);
                }
            }
            pair.iter_mut().for_each(|window| window.copy_within(hop..len, 0));
        }
        (self.windows, self.ready) = (windows, ready);
    }

    /// Both planes through the filter, around the circle of the transform, into `turned`.
    fn convolve(&mut self, first: &[f64], second: Option<&Vec<f64>>) {
        let len = self.fft.len();
        let [re, im] = &mut self.spectrum;
        let [to_re, to_im] = &mut self.turned;
        match second {
            Some(second) => self.fft.forward_into(first, second, re, im),
            None => {
                to_im.fill(0.0);
                self.fft.forward_into(first, to_im, re, im);
            }
        }
        let straight = &self.straight[..len];
        match &self.crossed {
            None => lanes::wide(
                #[inline(always)]
                || {
                    for ((re, im), gain) in re.iter_mut().zip(im.iter_mut()).zip(straight) {
                        (*re, *im) = (*re * gain, *im * gain);
                    }
                },
            ),
            Some(crossed) => {
                // Bins and their mirrors: of z = first + j second, first is the half that mirrors with its conjugate, second the other.
                for bin in 0..=len / 2 {
                    let mirror = (len - bin) % len;
                    let (g, x) = (straight[bin], crossed[bin]);
                    let (a, b) = ((re[bin], im[bin]), (re[mirror], im[mirror]));
                    (re[bin], im[bin]) = (g * a.0 + x * b.0, g * a.1 - x * b.1);
                    (re[mirror], im[mirror]) = (g * b.0 + x * a.0, g * b.1 - x * a.1);
                }
            }
        }
        // Exchanged parts turn the transform's direction.
        self.fft.forward_into(im, re, to_im, to_re);
    }
}
