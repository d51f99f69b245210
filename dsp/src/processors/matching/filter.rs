//! Filters for mid and side from gains in bands: a kernel of linear or minimum phase, and the convolution that applies both in one complex transform,
//! on a grid of absolute frames. Never here: where the gains come from.

use std::f64::consts::{PI, TAU};

use super::profile::{BANDS, band_hz};
use crate::{fft::Fft, math, resample::Phase};

/// Length of a kernel in seconds, at least.
const KERNEL_S: f64 = 0.15;
/// A transform is so many kernels long.
const SPAN: usize = 4;

/// Two kernels at work.
#[derive(Clone)]
pub struct MidSide {
    fft: Fft,
    /// Half the sum and half the difference of the two filters' spectra, scaled: with z = mid + i side, mid's and side's parts of its spectrum
    /// are even and odd about the middle.
    sum: Spectrum,
    difference: Spectrum,
    /// Frames from one block of the grid to the next, and those of the past before them.
    hop: usize,
    past: usize,
    /// Mid and side that came in and are not done with, the past included.
    waiting: [Vec<f64>; 2],
    /// Done and not gone out.
    done: [Vec<f64>; 2],
    re: Vec<f64>,
    im: Vec<f64>,
}

#[derive(Clone)]
struct Spectrum {
    re: Vec<f64>,
    im: Vec<f64>,
}

fn kernel_frames(sample_rate: u32) -> usize {
    ((f64::from(sample_rate) * KERNEL_S) as usize).next_power_of_two()
}

/// Frames by which the sound comes late: the same for every curve.
pub fn latency_frames(sample_rate: u32, phase: Phase) -> usize {
    let kernel = kernel_frames(sample_rate);
    let centre = if phase == Phase::Linear { kernel / 2 } else { 0 };
    (SPAN - 1) * kernel + centre
}

impl MidSide {
    pub fn new(sample_rate: u32, phase: Phase, mid_db: &[f64], side_db: &[f64]) -> Option<MidSide> {
        let kernel = kernel_frames(sample_rate);
        let len = SPAN * kernel;
        let mut fft = Fft::new(len)?;
        let mid = spectrum(&mut fft, &taps(sample_rate, phase, mid_db)?);
        let side = spectrum(&mut fft, &taps(sample_rate, phase, side_db)?);
        let scale = 0.5 / len as f64;
        let join = |sign: f64| Spectrum {
            re: mid.re.iter().zip(&side.re).map(|(m, s)| scale * (m + sign * s)).collect(),
            im: mid.im.iter().zip(&side.im).map(|(m, s)| scale * (m + sign * s)).collect(),
        };
        let mut made = MidSide {
            fft,
            sum: join(1.0),
            difference: join(-1.0),
            hop: len - kernel,
            past: kernel,
            waiting: [Vec::new(), Vec::new()],
            done: [Vec::new(), Vec::new()],
            re: vec![0.0; len],
            im: vec![0.0; len],
        };
        made.reset();
        Some(made)
    }

    pub fn reset(&mut self) {
        for (waiting, done) in self.waiting.iter_mut().zip(&mut self.done) {
            waiting.clear();
            waiting.resize(self.past, 0.0);
            done.clear();
            done.resize(self.hop, 0.0);
        }
    }

    /// Replaces mid and side, of the same length, by what comes out.
    pub fn run(&mut self, mid: &mut [f64], side: &mut [f64]) {
        self.waiting[0].extend_from_slice(mid);
        self.waiting[1].extend_from_slice(side);
        while self.waiting[0].len() >= self.past + self.hop {
            self.turn();
        }
        for (done, out) in self.done.iter_mut().zip([mid, side]) {
            out.copy_from_slice(&done[..out.len()]);
            done.drain(..out.len());
        }
    }

    /// One block of the grid (overlap-save).
    fn turn(&mut self) {
        let len = self.fft.len();
        self.re.copy_from_slice(&self.waiting[0][..len]);
        self.im.copy_from_slice(&self.waiting[1][..len]);
        self.fft.forward(&mut self.re, &mut self.im);
        let filtered = |re: &[f64], im: &[f64], bin: usize| {
            let mirror = (len - bin) % len;
            let (a, b) = (self.sum.re[bin], self.sum.im[bin]);
            let (c, d) = (self.difference.re[bin], self.difference.im[bin]);
            let (x, y) = (re[bin], im[bin]);
            let (u, v) = (re[mirror], -im[mirror]);
            ((a * x - b * y) + (c * u - d * v), (a * y + b * x) + (c * v + d * u))
        };
        for bin in 0..=len / 2 {
            let mirror = (len - bin) % len;
            let here = filtered(&self.re, &self.im, bin);
            let there = filtered(&self.re, &self.im, mirror);
            (self.re[bin], self.im[bin]) = here;
            (self.re[mirror], self.im[mirror]) = there;
        }
        self.fft.inverse(&mut self.re, &mut self.im);
        self.done[0].extend_from_slice(&self.re[self.past..]);
        self.done[1].extend_from_slice(&self.im[self.past..]);
        let hop = self.hop;
        self.waiting.iter_mut().for_each(|w| drop(w.drain(..hop)));
    }
}

fn spectrum(fft: &mut Fft, taps: &[f64]) -> Spectrum {
    let mut made = Spectrum { re: vec![0.0; fft.len()], im: vec![0.0; fft.len()] };
    made.re[..taps.len()].copy_from_slice(taps);
    fft.forward(&mut made.re, &mut made.im);
    made
}

/// A kernel with the gains of the bands, straight lines between them over the logarithm of frequency.
fn taps(sample_rate: u32, phase: Phase, gains_db: &[f64]) -> Option<Vec<f64>> {
    let kernel = kernel_frames(sample_rate);
    match phase {
        Phase::Linear => {
            let mut fft = Fft::new(kernel)?;
            let mut re = sampled(kernel, sample_rate, gains_db, math::linear);
            let mut im = vec![0.0; kernel];
            fft.inverse(&mut re, &mut im);
            // From the middle of the circle to the middle of the kernel, under a Hann window that is zero at its ends.
            let tap = |n: usize| {
                let hann = 0.5 - 0.5 * math::cos(TAU * n as f64 / kernel as f64);
                re[(n + kernel / 2) % kernel] * hann / kernel as f64
            };
            Some((0..kernel).map(tap).collect())
        }
        Phase::Minimum => {
            // The cepstrum folded to its causal side (A. Oppenheim, R. Schafer, "Discrete-Time Signal Processing", section 13.5), on a circle
            // so long that what wraps around it is nothing.
            let len = 8 * kernel;
            let mut fft = Fft::new(len)?;
            let mut re = sampled(len, sample_rate, gains_db, |db| db * (std::f64::consts::LN_10 / 20.0));
            let mut im = vec![0.0; len];
            fft.inverse(&mut re, &mut im);
            for (n, value) in re.iter_mut().enumerate() {
                let fold = if n == 0 || n == len / 2 {
                    1.0
                } else if n < len / 2 {
                    2.0
                } else {
                    0.0
                };
                *value *= fold / len as f64;
            }
            im.fill(0.0);
            fft.forward(&mut re, &mut im);
            for (re, im) in re.iter_mut().zip(&mut im) {
                let size = math::exp(*re);
                (*re, *im) = (size * math::cos(*im), size * math::sin(*im));
            }
            fft.inverse(&mut re, &mut im);
            let tap = |n: usize| {
                let fade = 0.5 + 0.5 * math::cos(PI * n as f64 / kernel as f64);
                re[n] * fade / len as f64
            };
            Some((0..kernel).map(tap).collect())
        }
    }
}

/// A curve over the bins of a circle of `len`, the same above and below half the rate.
fn sampled(len: usize, sample_rate: u32, gains_db: &[f64], of_db: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut all = vec![0.0; len];
    for bin in 0..=len / 2 {
        let hz = bin as f64 * f64::from(sample_rate) / len as f64;
        let value = of_db(at(gains_db, hz));
        all[bin] = value;
        all[(len - bin) % len] = value;
    }
    all
}

/// The gain at a frequency; beyond the bands that of the last.
fn at(gains_db: &[f64], hz: f64) -> f64 {
    let place = if hz > 0.0 { math::log10(hz / band_hz(0)) * 20.0 } else { 0.0 };
    let place = place.clamp(0.0, (BANDS - 1) as f64);
    let below = (place as usize).min(BANDS - 2);
    let share = place - below as f64;
    gains_db[below] * (1.0 - share) + gains_db[below + 1] * share
}
