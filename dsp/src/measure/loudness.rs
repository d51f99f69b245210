//! Loudness: K-weighting, 10 ms energies, and the three windows made from them. One grid of 10 ms serves them all: momentary at every step, blocks of
//! 400 ms every 100 ms for the gate, 3 s every 100 ms for short-term and range. The range needs ten values a second (Tech 3342); the crate ebur128 takes
//! one a second, which is why this is our own and the crate is the second opinion in the tests.

use std::{collections::VecDeque, f64::consts::PI};

use crate::Block;

const STEPS_MOMENTARY: usize = 40;
const STEPS_SHORT: usize = 300;
/// Values a second of short-term loudness and of gating blocks.
const STEPS_HOP: usize = 10;
const ABSOLUTE_GATE_LUFS: f64 = -70.0;

#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    pub integrated_lufs: f64,
    pub range_lu: f64,
    pub max_momentary_lufs: f64,
    pub max_short_term_lufs: f64,
}

pub struct Loudness {
    filters: Vec<KWeighting>,
    weights: Vec<f64>,
    /// Frames of each 10 ms step: a rate that 100 does not divide alternates between two lengths.
    sample_rate: u64,
    step: u64,
    left: u64,
    energy: f64,
    /// Mean squares of the last 3 s, a value for each 10 ms.
    recent: VecDeque<f64>,
    max_momentary: f64,
    max_short: f64,
    gating: Vec<f64>,
    short: Vec<f64>,
}

impl Loudness {
    pub fn new(channels: usize, sample_rate: u32) -> Self {
        let sample_rate = u64::from(sample_rate);
        Loudness {
            filters: vec![KWeighting::new(sample_rate as f64); channels],
            weights: weights(channels),
            sample_rate,
            step: 0,
            left: step_frames(sample_rate, 0),
            energy: 0.0,
            recent: VecDeque::with_capacity(STEPS_SHORT),
            max_momentary: 0.0,
            max_short: 0.0,
            gating: Vec::new(),
            short: Vec::new(),
        }
    }

    pub fn push(&mut self, block: &Block) {
        let frames = block.frames();
        let mut start = 0;
        while start < frames {
            let end = frames.min(start + self.left as usize);
            for ((channel, filter), weight) in block.channels.iter().zip(&mut self.filters).zip(&self.weights)
            {
                if *weight > 0.0 {
                    self.energy += weight
                        * channel[start..end]
                            .iter()
                            .map(|sample| filter.process(*sample).powi(2))
                            .sum::<f64>();
                }
            }
            self.left -= (end - start) as u64;
            start = end;
            if self.left == 0 {
                self.end_step();
            }
        }
    }

    fn end_step(&mut self) {
        let frames = step_frames(self.sample_rate, self.step);
        if self.recent.len() == STEPS_SHORT {
            self.recent.pop_front();
        }
        self.recent.push_back(self.energy / frames as f64);
        self.energy = 0.0;
        self.step += 1;
        self.left = step_frames(self.sample_rate, self.step);
        let on_hop = self.step.is_multiple_of(STEPS_HOP as u64);
        if let Some(momentary) = self.mean_of_last(STEPS_MOMENTARY) {
            self.max_momentary = self.max_momentary.max(momentary);
            if on_hop {
                self.gating.push(momentary);
            }
        }
        if on_hop && let Some(short) = self.mean_of_last(STEPS_SHORT) {
            self.max_short = self.max_short.max(short);
            self.short.push(short);
        }
    }

    fn mean_of_last(&self, steps: usize) -> Option<f64> {
        let from = self.recent.len().checked_sub(steps)?;
        Some(self.recent.range(from..).sum::<f64>() / steps as f64)
    }

    pub fn finish(&self) -> Levels {
        Levels {
            integrated_lufs: lufs(gated_mean(&self.gating, -10.0)),
            range_lu: range(&self.short),
            max_momentary_lufs: lufs(self.max_momentary),
            max_short_term_lufs: lufs(self.max_short),
        }
    }
}

/// Frames of the n-th 10 ms, so that a hundred of them are one second exactly.
fn step_frames(sample_rate: u64, step: u64) -> u64 {
    let edge = |n: u64| (n % 100) * sample_rate / 100;
    if step % 100 == 99 { sample_rate - edge(99) } else { edge(step % 100 + 1) - edge(step % 100) }
}

/// BS.1770-5 table 3: the front channels 1, the surrounds 1.41, no LFE. Order as in WAV: L R C LFE Ls Rs.
fn weights(channels: usize) -> Vec<f64> {
    const SURROUND: f64 = 1.41;
    match channels {
        4 => vec![1.0, 1.0, SURROUND, SURROUND],
        5 => vec![1.0, 1.0, 1.0, SURROUND, SURROUND],
        6 => vec![1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND],
        n => vec![1.0; n],
    }
}

/// -0.691 makes 997 Hz at full scale in one front channel read -3.01 LKFS (BS.1770-5).
fn lufs(mean_square: f64) -> f64 {
    if mean_square > 0.0 { -0.691 + 10.0 * mean_square.log10() } else { f64::NEG_INFINITY }
}

fn power(lufs: f64) -> f64 {
    10f64.powf((lufs + 0.691) / 10.0)
}

/// Mean of the values above the absolute gate and above the mean of those plus `relative_lu`; 0 where none is.
fn gated_mean(values: &[f64], relative_lu: f64) -> f64 {
    let mean_above = |gate: f64| {
        let above: Vec<f64> = values.iter().copied().filter(|value| *value > gate).collect();
        if above.is_empty() { 0.0 } else { above.iter().sum::<f64>() / above.len() as f64 }
    };
    let absolute = power(ABSOLUTE_GATE_LUFS);
    let first = mean_above(absolute);
    mean_above(absolute.max(first * 10f64.powf(relative_lu / 10.0)))
}

/// From the 10th to the 95th percentile of short-term loudness above the gates (Tech 3342).
fn range(short: &[f64]) -> f64 {
    let absolute = power(ABSOLUTE_GATE_LUFS);
    let above: Vec<f64> = short.iter().copied().filter(|value| *value > absolute).collect();
    if above.is_empty() {
        return 0.0;
    }
    let relative = above.iter().sum::<f64>() / above.len() as f64 * 0.01;
    let mut values: Vec<f64> = above.into_iter().filter(|value| *value >= relative).collect();
    values.sort_by(f64::total_cmp);
    let at = |percent: f64| values[((values.len() - 1) as f64 * percent / 100.0).round() as usize];
    if values.is_empty() { 0.0 } else { lufs(at(95.0)) - lufs(at(10.0)) }
}

/// The two biquads of BS.1770-5 annex 1 at any rate. The standard gives coefficients at 48 kHz only; these are the analogue prototypes behind them
/// (De Man, "Evaluation of implementations of the EBU R128 loudness measurement", AES 145, 2018), warped by the bilinear transform.
#[derive(Clone)]
struct KWeighting {
    shelf: Biquad,
    high_pass: Biquad,
}

#[derive(Clone)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    z: [f64; 2],
}

impl Biquad {
    /// Transposed direct form II.
    #[inline]
    fn process(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.z[0];
        self.z[0] = self.b[1] * x - self.a[0] * y + self.z[1];
        self.z[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

impl KWeighting {
    fn new(sample_rate: f64) -> Self {
        let (f0, gain_db, q) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
        let k = (PI * f0 / sample_rate).tan();
        let vh = 10f64.powf(gain_db / 20.0);
        let vb = vh.powf(0.499_666_774_154_541_6);
        let a0 = 1.0 + k / q + k * k;
        let shelf = Biquad {
            b: [(vh + vb * k / q + k * k) / a0, 2.0 * (k * k - vh) / a0, (vh - vb * k / q + k * k) / a0],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
            z: [0.0; 2],
        };
        let (f0, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
        let k = (PI * f0 / sample_rate).tan();
        let a0 = 1.0 + k / q + k * k;
        let high_pass = Biquad {
            b: [1.0, -2.0, 1.0],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
            z: [0.0; 2],
        };
        KWeighting { shelf, high_pass }
    }

    #[inline]
    fn process(&mut self, sample: f64) -> f64 {
        self.high_pass.process(self.shelf.process(sample))
    }
}
