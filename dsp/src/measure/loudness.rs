//! Loudness: momentary, short-term, integrated (ITU-R BS.1770-5, EBU Tech 3341:2023) and loudness range (EBU Tech 3342:2023), streamed in
//! steps of 10 ms. Integrated needs one whole block of 400 ms and short-term one of 3 s: a shorter file has minus infinity there, and a range of 0.

use super::weighting::{KWeighting, channel_weights};
use crate::Block;

/// Steps of 10 ms in a momentary window, a short-term window, and between two values of either gate.
const MOMENTARY_STEPS: usize = 40;
const SHORT_TERM_STEPS: usize = 300;
const GATE_STEPS: u64 = 10;
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
const INTEGRATED_GATE_LU: f64 = -10.0;
const RANGE_GATE_LU: f64 = -20.0;

pub(super) struct Loudness {
    filters: Vec<KWeighting>,
    weights: Vec<f64>,
    sample_rate: u64,
    /// Of the step that is being filled.
    energy: f64,
    frames: u64,
    steps: u64,
    /// Energy and frames of the last 3 s, a ring.
    ring: Vec<(f64, u64)>,
    max_momentary: f64,
    max_short_term: f64,
    /// Mean squares, ten a second.
    momentary: Vec<f64>,
    short_term: Vec<f64>,
}

pub(super) struct Levels {
    pub(super) integrated_lufs: f64,
    pub(super) range_lu: f64,
    pub(super) max_momentary_lufs: f64,
    pub(super) max_short_term_lufs: f64,
}

impl Loudness {
    pub(super) fn new(sample_rate: u32, channels: usize) -> Self {
        Loudness {
            filters: vec![KWeighting::new(sample_rate); channels],
            weights: channel_weights(channels),
            sample_rate: u64::from(sample_rate),
            energy: 0.0,
            frames: 0,
            steps: 0,
            ring: vec![(0.0, 0); SHORT_TERM_STEPS],
            max_momentary: 0.0,
            max_short_term: 0.0,
            momentary: Vec::new(),
            short_term: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, block: &Block) {
        let mut at = 0;
        while at < block.frames() {
            // Steps end at whole frames nearest to 10 ms, so that rates that 100 does not divide do not drift.
            let end =
                ((self.steps + 1) * self.sample_rate + 50) / 100 - (self.steps * self.sample_rate + 50) / 100;
            let take = (end - self.frames).min((block.frames() - at) as u64) as usize;
            for ((filter, weight), plane) in self.filters.iter_mut().zip(&self.weights).zip(&block.channels) {
                if *weight > 0.0 {
                    self.energy += weight * filter.energy(&plane[at..at + take]);
                }
            }
            self.frames += take as u64;
            at += take;
            if self.frames == end {
                self.end_step();
            }
        }
    }

    fn end_step(&mut self) {
        let slot = (self.steps % SHORT_TERM_STEPS as u64) as usize;
        self.ring[slot] = (self.energy, self.frames);
        (self.energy, self.frames) = (0.0, 0);
        self.steps += 1;
        let to_gates = self.steps.is_multiple_of(GATE_STEPS);
        if let Some(mean) = self.mean_of_last(MOMENTARY_STEPS) {
            self.max_momentary = self.max_momentary.max(mean);
            if to_gates {
                self.momentary.push(mean);
            }
        }
        if let Some(mean) = self.mean_of_last(SHORT_TERM_STEPS) {
            self.max_short_term = self.max_short_term.max(mean);
            if to_gates {
                self.short_term.push(mean);
            }
        }
    }

    fn mean_of_last(&self, steps: usize) -> Option<f64> {
        if self.steps < steps as u64 {
            return None;
        }
        let end = (self.steps % SHORT_TERM_STEPS as u64) as usize;
        let (wrapped, start) =
            (end.checked_sub(steps).is_none(), (end + SHORT_TERM_STEPS - steps) % SHORT_TERM_STEPS);
        let (tail, head) = if wrapped || steps == SHORT_TERM_STEPS {
            (&self.ring[start..], &self.ring[..end])
        } else {
            (&self.ring[start..end], &[][..])
        };
        let (energy, frames) = tail
            .iter()
            .chain(head)
            .fold((0.0, 0), |(energy, frames), step| (energy + step.0, frames + step.1));
        Some(energy / frames as f64)
    }

    pub(super) fn finish(&self) -> Levels {
        Levels {
            integrated_lufs: integrated(&self.momentary),
            range_lu: range(&self.short_term),
            max_momentary_lufs: lufs(self.max_momentary),
            max_short_term_lufs: lufs(self.max_short_term),
        }
    }
}

fn lufs(mean_square: f64) -> f64 {
    -0.691 + 10.0 * mean_square.log10()
}

fn mean_square(lufs: f64) -> f64 {
    10f64.powf((lufs + 0.691) / 10.0)
}

/// The mean of the values at or above `gate`; `None` where there are none.
fn mean_above(values: &[f64], gate: f64) -> Option<f64> {
    let (sum, count) =
        values.iter().filter(|v| **v >= gate).fold((0.0, 0u64), |(sum, count), v| (sum + v, count + 1));
    (count > 0).then(|| sum / count as f64)
}

fn integrated(blocks: &[f64]) -> f64 {
    let absolute = mean_square(ABSOLUTE_GATE_LUFS);
    let Some(ungated) = mean_above(blocks, absolute) else { return f64::NEG_INFINITY };
    let relative = mean_square(lufs(ungated) + INTEGRATED_GATE_LU);
    mean_above(blocks, absolute.max(relative)).map_or(f64::NEG_INFINITY, lufs)
}

/// From the 10th to the 95th percentile of what the two gates leave.
fn range(short_term: &[f64]) -> f64 {
    let absolute = mean_square(ABSOLUTE_GATE_LUFS);
    let Some(ungated) = mean_above(short_term, absolute) else { return 0.0 };
    let gate = absolute.max(mean_square(lufs(ungated) + RANGE_GATE_LU));
    let mut left: Vec<f64> = short_term.iter().copied().filter(|v| *v >= gate).collect();
    left.sort_by(f64::total_cmp);
    let at = |share: f64| left[((left.len() - 1) as f64 * share).round() as usize];
    lufs(at(0.95)) - lufs(at(0.10))
}
