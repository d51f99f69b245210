//! Loudness: momentary, short-term, integrated (ITU-R BS.1770-5, EBU Tech 3341:2023) and loudness range (EBU Tech 3342:2023), streamed in
//! steps of 10 ms. Integrated needs one whole block of 400 ms and short-term one of 3 s: a shorter file has minus infinity there, and a range of 0.

use super::gate::{self, lufs};
use super::weighting::WeightedEnergy;
use crate::Block;

const STEPS_PER_SECOND: u64 = 100;
/// Steps in a momentary window, in a short-term window, and between two values of either gate.
const MOMENTARY_STEPS: usize = 40;
const SHORT_TERM_STEPS: usize = 300;
const GATE_STEPS: u64 = 10;
/// Silence after a file before its last short-term value is taken for the range (Tech 3342:2023, file-based measurement): half a window.
const RANGE_PAD_STEPS: u64 = 150;

/// The loudness of a stream. The size of the blocks changes nothing, to the bit.
#[derive(Clone, Debug)]
pub struct Loudness {
    energy: WeightedEnergy,
    windows: Windows,
    fresh: Vec<f64>,
}

/// Levels in LUFS (the range in LU); minus infinity where there is nothing to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    pub integrated_lufs: f64,
    pub range_lu: f64,
    pub max_momentary_lufs: f64,
    pub max_short_term_lufs: f64,
}

impl Loudness {
    /// For `channels` channels in the order of WAVE, weighed by [`channel_weights`](super::channel_weights).
    pub fn new(sample_rate: u32, channels: usize) -> Self {
        Loudness {
            energy: WeightedEnergy::clocked(sample_rate, channels, STEPS_PER_SECOND),
            windows: Windows::new(sample_rate),
            fresh: Vec::new(),
        }
    }

    /// Takes the next frames. A sample that is no number, or absurdly large (over +600 dBFS), counts as silence.
    pub fn push(&mut self, block: &Block) {
        self.energy.push(block, &mut self.fresh);
        self.fresh.drain(..).for_each(|energy| self.windows.step(energy));
    }

    /// Integrated loudness in LUFS as if the stream ended here; `None` for silence (nothing above the gate of -70 LUFS) and for less than
    /// 400 ms. More can be pushed afterwards.
    pub fn integrated_lufs(&self) -> Option<f64> {
        gate::integrated_lufs(&self.ended().momentary)
    }

    /// All figures as if the stream ended here. More can be pushed afterwards.
    pub fn levels(&self) -> Levels {
        let ended = self.ended();
        let mut padded = ended.clone();
        (0..RANGE_PAD_STEPS).for_each(|_| padded.step(0.0));
        Levels {
            integrated_lufs: gate::integrated_lufs(&ended.momentary).unwrap_or(f64::NEG_INFINITY),
            range_lu: if ended.short_term.is_empty() { 0.0 } else { gate::range_lu(&padded.short_term) },
            max_momentary_lufs: lufs(ended.max_momentary),
            max_short_term_lufs: lufs(ended.max_short_term),
        }
    }

    /// The mean squares that the gates of integrated loudness ask, ten a second, for [`super::integrated_lufs`]: those of several songs, one behind the
    /// other, are those of the record.
    pub fn momentary_energies(&self) -> Vec<f64> {
        self.ended().momentary
    }

    /// The mean squares that the gates of the range ask, ten a second, for [`super::range_lu`].
    pub fn short_term_energies(&self) -> Vec<f64> {
        self.ended().short_term
    }

    /// Momentary loudness in LUFS, ten values a second: value i is of the 400 ms that end at 0.4 s + i / 10. The last are those of the whole
    /// steps so far.
    pub fn momentary_lufs(&self) -> Vec<f64> {
        self.ended().momentary.into_iter().map(lufs).collect()
    }

    /// Short-term loudness in LUFS, ten values a second: value i is of the 3 s that end at 3 s + i / 10.
    pub fn short_term_lufs(&self) -> Vec<f64> {
        self.ended().short_term.into_iter().map(lufs).collect()
    }

    /// Momentary and short-term loudness in LUFS of the windows that end at the last whole step of 10 ms; `None` before there is one.
    pub fn now_lufs(&self) -> (Option<f64>, Option<f64>) {
        let ended = self.ended();
        (ended.now_momentary.map(lufs), ended.now_short_term.map(lufs))
    }

    /// With the steps that are whole but wait for others to be filtered with.
    fn ended(&self) -> Windows {
        let (mut windows, mut rest) = (self.windows.clone(), Vec::new());
        if self.energy.rest(&mut rest) > 0 {
            rest.pop();
        }
        rest.into_iter().for_each(|energy| windows.step(energy));
        windows
    }
}

/// The windows over the steps.
#[derive(Clone, Debug)]
struct Windows {
    sample_rate: u64,
    steps: u64,
    last_400_ms: Sliding,
    last_3_s: Sliding,
    now_momentary: Option<f64>,
    now_short_term: Option<f64>,
    max_momentary: f64,
    max_short_term: f64,
    /// Mean squares, ten a second.
    momentary: Vec<f64>,
    short_term: Vec<f64>,
}

impl Windows {
    fn new(sample_rate: u32) -> Self {
        Windows {
            sample_rate: u64::from(sample_rate.max(super::weighting::LEAST_RATE_HZ)),
            steps: 0,
            last_400_ms: Sliding::new(MOMENTARY_STEPS),
            last_3_s: Sliding::new(SHORT_TERM_STEPS),
            now_momentary: None,
            now_short_term: None,
            max_momentary: 0.0,
            max_short_term: 0.0,
            momentary: Vec::new(),
            short_term: Vec::new(),
        }
    }

    fn step(&mut self, energy: f64) {
        self.steps += 1;
        let to_gates = self.steps.is_multiple_of(GATE_STEPS);
        let sums = (self.last_400_ms.push(energy), self.last_3_s.push(energy));
        self.now_momentary = sums.0.map(|sum| sum / self.frames_of_last(MOMENTARY_STEPS));
        self.now_short_term = sums.1.map(|sum| sum / self.frames_of_last(SHORT_TERM_STEPS));
        self.max_momentary = self.max_momentary.max(self.now_momentary.unwrap_or(0.0));
        self.max_short_term = self.max_short_term.max(self.now_short_term.unwrap_or(0.0));
        if to_gates {
            self.momentary.extend(self.now_momentary);
            self.short_term.extend(self.now_short_term);
        }
    }

    /// Steps are as long as `WeightedEnergy` cuts them.
    fn frames_of_last(&self, steps: usize) -> f64 {
        let end = |n: u64| (n * self.sample_rate + STEPS_PER_SECOND / 2) / STEPS_PER_SECOND;
        (end(self.steps) - end(self.steps - steps as u64)) as f64
    }
}

/// The sum of the last n values, by two additions a value and no subtraction: a running sum that takes old values off drifts over hours, and
/// once it has seen a loud one it keeps that one's rounding for ever. The stream is cut every n values; a window is the tail of one piece
/// and the head of the next (van Herk's scheme, with sums for maxima).
#[derive(Clone, Debug)]
struct Sliding {
    /// Up to `filled` the values of the open piece; above it the tails of the one before: entry i is its sum from value i on.
    values: Vec<f64>,
    filled: usize,
    head: f64,
    full: bool,
}

impl Sliding {
    fn new(values: usize) -> Self {
        Sliding { values: vec![0.0; values], filled: 0, head: 0.0, full: false }
    }

    /// The sum of the last n values and this one; `None` before there are n.
    fn push(&mut self, value: f64) -> Option<f64> {
        self.values[self.filled] = value;
        self.filled += 1;
        self.head += value;
        if self.filled < self.values.len() {
            return self.full.then(|| self.values[self.filled] + self.head);
        }
        let sum = self.head;
        (self.filled, self.head, self.full) = (0, 0.0, true);
        for i in (0..self.values.len() - 1).rev() {
            self.values[i] += self.values[i + 1];
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sliding_sums_are_those_of_their_windows() {
        let values: Vec<f64> = (0..1000u64).map(|n| (n * n % 37) as f64).collect();
        let mut sliding = Sliding::new(40);
        for (n, value) in values.iter().enumerate() {
            let sum = (n + 1 >= 40).then(|| values[n + 1 - 40..=n].iter().sum::<f64>());
            assert_eq!(sliding.push(*value), sum, "after value {n}");
        }
    }

    #[test]
    fn a_loud_moment_leaves_nothing_in_later_windows() {
        let mut sliding = Sliding::new(300);
        sliding.push(1e20);
        let soft = (0..1000).filter_map(|_| sliding.push(1e-9)).last();
        assert!((soft.unwrap() / 300e-9 - 1.0).abs() < 1e-12);
    }
}
