//! Four or eight times the rate and back, for steps that bend the wave: half-band filters of linear phase, one for each doubling (Kaiser windows over
//! the ideal filter; P. P. Vaidyanathan, "Multirate Systems and Filter Banks", section 4.6.3). Up and down again is a delay of whole frames. Every
//! output is one fixed sum over the input, so that the sizes of blocks change nothing. Never here: what is done at the high rate.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::{lanes, true_peak};

/// How many times the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Oversampling {
    #[serde(rename = "4x")]
    Four,
    #[default]
    #[serde(rename = "8x")]
    Eight,
}

/// Taps on one side of each half-band filter, the outermost doubling first. The first lets pass what is below 0.4535 of the rate (20 kHz at 44.1) and
/// stops what is above 0.5465; those further in have more room. Each is 125 dB down or better where it stops. The last one of eight is even, so that
/// the delay is whole frames.
const TAPS: [usize; 3] = [48, 10, 6];
const BETA: f64 = 12.5;
/// Outputs worked on side by side.
const SIDE_BY_SIDE: usize = 32;

impl Oversampling {
    pub fn times(self) -> usize {
        1 << self.doublings()
    }

    pub(super) fn doublings(self) -> usize {
        match self {
            Oversampling::Four => 2,
            Oversampling::Eight => 3,
        }
    }

    /// Of the way up and down together, in frames of the low rate.
    pub(super) fn latency_frames(self) -> usize {
        // Each filter is met twice; what one holds back counts half of what the one outside it does.
        let held = |(doubling, taps): (usize, &usize)| (2 * taps) >> doubling;
        TAPS[..self.doublings()].iter().enumerate().map(held).sum()
    }
}

/// One channel's way up.
#[derive(Clone, Debug)]
pub(super) struct Up {
    stages: Vec<Stage>,
}

/// One channel's way down.
#[derive(Clone, Debug)]
pub(super) struct Down {
    stages: Vec<Stage>,
}

/// One doubling or halving: the half-band filter's odd taps, and the samples it still needs.
#[derive(Clone, Debug)]
struct Stage {
    taps: Vec<f64>,
    halves: bool,
    held: Vec<f64>,
    /// On the way down: the even samples wait for the odd ones to be filtered.
    waiting: Vec<f64>,
    odd: Vec<f64>,
}

impl Up {
    pub(super) fn new(factor: Oversampling) -> Self {
        Up { stages: TAPS[..factor.doublings()].iter().map(|taps| Stage::new(*taps, false)).collect() }
    }

    pub(super) fn reset(&mut self) {
        self.stages.iter_mut().for_each(Stage::reset);
    }

    /// Appends the samples at the high rate, so many times as many.
    pub(super) fn run(&mut self, samples: &[f64], out: &mut Vec<f64>) {
        let mut now = samples.to_vec();
        for stage in &mut self.stages {
            now = stage.double(&now);
        }
        out.extend_from_slice(&now);
    }
}

impl Down {
    pub(super) fn new(factor: Oversampling) -> Self {
        let stages = TAPS[..factor.doublings()].iter().rev();
        Down { stages: stages.map(|taps| Stage::new(*taps, true)).collect() }
    }

    pub(super) fn reset(&mut self) {
        self.stages.iter_mut().for_each(Stage::reset);
    }

    /// Replaces `out` with as many frames as `samples` has at the low rate.
    pub(super) fn run(&mut self, samples: &[f64], out: &mut Vec<f64>) {
        let mut now = Vec::new();
        for (i, stage) in self.stages.iter_mut().enumerate() {
            now = stage.halve(if i == 0 { samples } else { &now });
        }
        *out = now;
    }
}

impl Stage {
    fn new(count: usize, halves: bool) -> Self {
        // The ideal filter half way between two samples, under the window, of unit sum.
        let ideal = |j: usize| {
            let t = j as f64 + 0.5;
            let sign = if j.is_multiple_of(2) { 1.0 } else { -1.0 };
            sign / (PI * t) * true_peak::kaiser(t / count as f64, BETA)
        };
        let mut taps: Vec<f64> = (0..count).map(ideal).collect();
        let sum = 2.0 * taps.iter().sum::<f64>();
        taps.iter_mut().for_each(|tap| *tap /= sum);
        let mut stage = Stage { taps, halves, held: Vec::new(), waiting: Vec::new(), odd: Vec::new() };
        stage.reset();
        stage
    }

    fn reset(&mut self) {
        let count = self.taps.len();
        // One sample more on the way down: a value then stands before the odd sample of its own pair, and both ways are equally late.
        for (plane, frames) in
            [(&mut self.held, 2 * count - 1 + usize::from(self.halves)), (&mut self.waiting, count)]
        {
            plane.clear();
            plane.resize(frames, 0.0);
        }
    }

    /// Takes samples to what is held, and finds `odd`: as many values half way between two samples, late by the filter's one side.
    fn between(&mut self, samples: impl ExactSizeIterator<Item = f64>) {
        self.odd.clear();
        self.odd.resize(samples.len(), 0.0);
        self.held.extend(samples);
        let (taps, held, odd) = (&self.taps[..], &self.held[..], &mut self.odd[..]);
        lanes::wide(
            #[inline(always)]
            || filter(taps, held, odd),
        );
    }

    /// Two samples for each: the sample itself, then the one half way to the next.
    fn double(&mut self, samples: &[f64]) -> Vec<f64> {
        self.between(samples.iter().copied());
        let own = &self.held[self.taps.len() - 1..];
        let out = own.iter().zip(&self.odd).flat_map(|(own, between)| [*own, *between]).collect();
        self.held.drain(..samples.len());
        out
    }

    /// One sample for two: half of the even one, and half of what the odd ones make of its place.
    fn halve(&mut self, samples: &[f64]) -> Vec<f64> {
        let (pairs, _) = samples.as_chunks::<2>();
        self.waiting.extend(pairs.iter().map(|[even, _]| even));
        self.between(pairs.iter().map(|[_, odd]| *odd));
        let out = self.waiting.iter().zip(&self.odd).map(|(even, odd)| 0.5 * (even + odd)).collect();
        self.waiting.drain(..pairs.len());
        self.held.drain(..pairs.len());
        out
    }
}

/// `odd[i]` is the sum of taps times the samples around the place between `held[i + count - 1]` and the next, from the nearest outwards.
#[inline(always)]
fn filter(taps: &[f64], held: &[f64], odd: &mut [f64]) {
    let count = taps.len();
    for (at, out) in odd.chunks_mut(SIDE_BY_SIDE).enumerate() {
        let from = at * SIDE_BY_SIDE;
        if let Ok(out) = <&mut [f64; SIDE_BY_SIDE]>::try_from(&mut *out) {
            let mut sums = [0.0; SIDE_BY_SIDE];
            for (j, tap) in taps.iter().enumerate() {
                let before = &held[from + count - 1 - j..][..SIDE_BY_SIDE];
                let after = &held[from + count + j..][..SIDE_BY_SIDE];
                for k in 0..SIDE_BY_SIDE {
                    sums[k] += tap * (before[k] + after[k]);
                }
            }
            *out = sums;
            continue;
        }
        for (k, out) in out.iter_mut().enumerate() {
            let place = from + k + count;
            *out = taps
                .iter()
                .enumerate()
                .fold(0.0, |sum, (j, tap)| sum + tap * (held[place - 1 - j] + held[place + j]));
        }
    }
}
