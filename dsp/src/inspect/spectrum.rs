//! The spectrum of a whole file: Hann windows of about a third of a second, none overlapping, power averaged over time and channels. From it the
//! third octaves (IEC 61260-1:2014, base ten) and the long-term average; and for the search of a cut, the highs of each window in coarse cells.
//! Bands are sums of bins, those on an edge in proportion: not the filters of the standard, whose slopes overlap.

use std::f64::consts::TAU;

use serde::Serialize;

use super::cutoff::{self, Cutoff};
use super::stretch::cell_frames;
use crate::{fft::Fft, lanes, math};

/// Frames of a window in cells: 0.34 to 0.51 s at every rate.
const WINDOW_CELLS: usize = 512;
/// Bands to a decade: third octaves, twelfths.
const THIRDS: f64 = 10.0;
pub(crate) const SIXTHS: f64 = 20.0;
const TWELFTHS: f64 = 40.0;
const LOWEST_HZ: f64 = 20.0;

/// The level of a band of frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// The exact middle (for third octaves 10^(n/10): 19.95 is called 20).
    pub hz: f64,
    /// Mean square over time and channels: a full-scale sine reads -3.01. `null` (minus infinity) where there is nothing.
    pub dbfs: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// From 20 Hz to the last whose middle is below half the sample rate; that one may be cut off there.
    pub third_octaves: Vec<Band>,
    /// Long-term average in twelfths of an octave, from 20 Hz up likewise.
    pub long_term: Vec<Band>,
    /// Windows that were averaged, and seconds of each; what is left at the end of a file, less than a window, is left out.
    pub windows: u64,
    pub window_s: f64,
}

/// Gathers windows and their spectra.
pub(crate) struct Analyser {
    sample_rate: u32,
    fft: Fft,
    window: Vec<f64>,
    /// Of each channel, the frames of the window that is being filled.
    planes: Vec<Vec<f64>>,
    re: Vec<f64>,
    im: Vec<f64>,
    /// Of this window and of all, by bin up to half the sample rate.
    power: Vec<f64>,
    total: Vec<f64>,
    windows: u64,
    rows: cutoff::Rows,
}

impl Analyser {
    pub(crate) fn new(channels: usize, sample_rate: u32) -> Self {
        let len = WINDOW_CELLS * cell_frames(sample_rate);
        let hann = |n: usize| 0.5 - 0.5 * math::cos(TAU * n as f64 / len as f64);
        Analyser {
            sample_rate,
            fft: Fft::new(len).expect("a power of two has no other factor"),
            window: (0..len).map(hann).collect(),
            planes: vec![Vec::with_capacity(len); channels],
            re: vec![0.0; len],
            im: vec![0.0; len],
            power: vec![0.0; len / 2 + 1],
            total: vec![0.0; len / 2 + 1],
            windows: 0,
            rows: cutoff::Rows::new(),
        }
    }

    /// The next samples of each channel, all of the same length.
    pub(crate) fn push<'a>(&mut self, channels: impl Fn(usize) -> &'a [f64], frames: usize) {
        let len = self.window.len();
        let mut at = 0;
        while at < frames {
            let held = self.planes.first().map_or(0, Vec::len);
            let take = (len - held).min(frames - at);
            for (index, plane) in self.planes.iter_mut().enumerate() {
                plane.extend_from_slice(&channels(index)[at..at + take]);
            }
            at += take;
            if held + take == len {
                self.end_window(len);
            }
        }
    }

    /// `filled`: frames that are there; the rest of a window is silence.
    fn end_window(&mut self, filled: usize) {
        let len = self.window.len();
        self.power.fill(0.0);
        for planes in self.planes.chunks_mut(2) {
            // Two real channels in one complex transform: the powers of both together are those of bins k and len - k.
            let windowed = |plane: &mut Vec<f64>, out: &mut [f64], window: &[f64]| {
                plane.resize(len, 0.0);
                for ((out, sample), w) in out.iter_mut().zip(plane.iter()).zip(window) {
                    *out = sample * w;
                }
                plane.clear();
            };
            match planes {
                [left, right] => {
                    windowed(left, &mut self.re, &self.window);
                    windowed(right, &mut self.im, &self.window);
                }
                [one, ..] => {
                    windowed(one, &mut self.re, &self.window);
                    self.im.fill(0.0);
                }
                [] => {}
            }
            self.fft.forward(&mut self.re, &mut self.im);
            add_power(&self.re, &self.im, &mut self.power);
        }
        let energy: f64 = self.window[..filled].iter().map(|w| w * w).sum();
        // A sine of amplitude 1 shall sum to a half.
        let scale = 1.0 / (len as f64 * energy.max(1e-9) * self.planes.len().max(1) as f64);
        for (total, power) in self.total.iter_mut().zip(&mut self.power) {
            *power *= scale;
            *total += *power;
        }
        self.windows += 1;
        self.rows.add(&self.power);
    }

    pub(super) fn finish(mut self) -> (Spectrum, Option<Cutoff>) {
        self.end();
        let spectrum = Spectrum {
            third_octaves: self.bands(THIRDS),
            long_term: self.bands(TWELFTHS),
            windows: self.windows,
            window_s: self.window.len() as f64 / f64::from(self.sample_rate),
        };
        (spectrum, self.rows.finish(self.sample_rate))
    }

    /// Only the bands, so many to a decade.
    pub(crate) fn finish_bands(mut self, to_a_decade: f64) -> Vec<Band> {
        self.end();
        self.bands(to_a_decade)
    }

    fn end(&mut self) {
        let held = self.planes.first().map_or(0, Vec::len);
        if self.windows == 0 && held > 0 {
            self.end_window(held);
        }
        let mean = 1.0 / self.windows.max(1) as f64;
        self.total.iter_mut().for_each(|power| *power *= mean);
    }

    fn bands(&self, to_a_decade: f64) -> Vec<Band> {
        let half_rate = f64::from(self.sample_rate) / 2.0;
        let middle = |n: f64| math::pow(10.0, n / to_a_decade);
        let first = (math::log10(LOWEST_HZ) * to_a_decade).round();
        (0..)
            .map(|n| first + f64::from(n))
            .take_while(|n| middle(*n) < half_rate)
            .map(|n| Band {
                hz: middle(n),
                dbfs: math::decibels_of_power(self.between(middle(n - 0.5), middle(n + 0.5))),
            })
            .collect()
    }

    /// Power from one frequency to another.
    fn between(&self, from_hz: f64, to_hz: f64) -> f64 {
        let bin_hz = f64::from(self.sample_rate) / self.window.len() as f64;
        // Bin k stands for the band from k - 1/2 to k + 1/2.
        let (from, to) = (from_hz / bin_hz + 0.5, to_hz / bin_hz + 0.5);
        let last = self.total.len() - 1;
        let mut power = 0.0;
        for bin in from as usize..=(to as usize).min(last) {
            let share = (to.min(bin as f64 + 1.0) - from.max(bin as f64)).clamp(0.0, 1.0);
            power += share * self.total[bin];
        }
        power
    }
}

/// Adds `|Z[k]|^2 + |Z[len - k]|^2` for every bin; the ends stand for themselves alone.
fn add_power(re: &[f64], im: &[f64], power: &mut [f64]) {
    let half = re.len() / 2;
    lanes::wide(
        #[inline(always)]
        || {
            let mirrored = re[half + 1..].iter().rev().zip(im[half + 1..].iter().rev());
            let lower = re[1..half].iter().zip(&im[1..half]);
            for ((power, (a, b)), (c, d)) in power[1..half].iter_mut().zip(lower).zip(mirrored) {
                *power += (a * a + b * b) + (c * c + d * d);
            }
        },
    );
    power[0] += re[0] * re[0] + im[0] * im[0];
    power[half] += re[half] * re[half] + im[half] * im[half];
}
