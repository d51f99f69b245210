//! True peak: the height of the wave between its samples (ITU-R BS.1770-5 Annex 2), by a windowed-sinc polyphase interpolator of our own.
//! [`Bank`] is the interpolator, [`TruePeak`] the meter; `bounds` tells where the meter need not look. Never here: gain, limiting, decisions
//! about a ceiling.

mod bounds;

use std::{f64::consts::PI, sync::OnceLock};

use crate::{block::Block, lanes, math};
use bounds::RUN;

/// Points a sample that the meter looks at, at every rate: a tone at 0.45 of the rate is read 0.034 dB low at most
/// (20 log cos(pi f / n), f in cycles per sample, n the oversampling).
const METER_PHASES: usize = 16;
/// Half the length of the meter's kernel in samples. Long, because synthesised sound is full to the last hertz: on a pluck of white noise a kernel
/// of 64 taps read 0.34 dB less than one of 256, and 1,000 taps add 0.1 dB to that. One kernel serves every figure of the house, so that an
/// upload, a render's report and the limiter never disagree about the same bytes.
const METER_HALF: usize = 128;
const METER_BETA: f64 = 9.0;
/// A sample beyond this counts as infinite: its differences could not be told from infinity any more.
const MAX_SAMPLE: f64 = 1e300;
/// Runs before a position that its kernel and the bounds may reach, and runs after it that must be known.
const RUNS_BEFORE: usize = 5;
const RUNS_AFTER: usize = 5;
/// Runs that may be done with before they are dropped: dropping moves what is left.
const RUNS_KEPT: usize = 64;

/// Kernels that interpolate at `phases` points from a sample to just before the next: phase p gives the wave at i + p / phases.
#[derive(Clone, Debug)]
pub struct Bank {
    phases: usize,
    half: usize,
    /// `phases` rows of `2 * half` taps; row p, tap j weighs sample i - half + 1 + j.
    taps: Vec<f64>,
    /// The most any phase can amplify the largest sample under its kernel.
    bound: f64,
}

impl Bank {
    /// Kaiser-windowed sinc, each phase scaled to pass DC exactly.
    pub fn new(phases: usize, half: usize, beta: f64) -> Self {
        let phases = phases.max(1);
        let width = 2 * half;
        let mut taps = Vec::with_capacity(phases * width);
        let mut bound: f64 = 1.0;
        for p in 0..phases {
            let at = half as f64 - 1.0 + p as f64 / phases as f64;
            let row: Vec<f64> = (0..width)
                .map(|j| {
                    let t = j as f64 - at;
                    sinc(t) * kaiser(t / half as f64, beta)
                })
                .collect();
            let sum: f64 = row.iter().sum();
            taps.extend(row.iter().map(|w| w / sum));
            bound = bound.max(row.iter().map(|w| (w / sum).abs()).sum());
        }
        Bank { phases, half, taps, bound }
    }

    pub fn phases(&self) -> usize {
        self.phases
    }

    pub fn half(&self) -> usize {
        self.half
    }

    /// No interpolated value is larger than this times the largest sample under the kernel.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// The wave at phase `p` after sample i, where `window` is the samples i - half + 1 ..= i + half.
    #[inline(always)]
    pub fn at(&self, p: usize, window: &[f64]) -> f64 {
        let width = 2 * self.half;
        dot(&self.taps[p * width..(p + 1) * width], &window[..width])
    }
}

/// Exactly nothing at whole numbers, so that phase 0 gives the samples themselves.
pub(crate) fn sinc(t: f64) -> f64 {
    if t == 0.0 {
        1.0
    } else if t == t.round() {
        0.0
    } else {
        math::sin(PI * t) / (PI * t)
    }
}

/// Kaiser window at -1 <= x <= 1.
pub(crate) fn kaiser(x: f64, beta: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { bessel_i0(beta * (1.0 - x * x).sqrt()) / bessel_i0(beta) }
}

/// Modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        sum += term;
        k += 1.0;
    }
    sum
}

/// Sixteen sums side by side, so that the compiler can use the machine's lanes and no addition waits for the one before; the order is fixed, so
/// the result is the same every time.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [[0.0f64; 4]; 4];
    let (a16, b16) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f64 = a16.remainder().iter().zip(b16.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a16.zip(b16) {
        for (q, sum) in sums.iter_mut().enumerate() {
            for k in 0..4 {
                sum[k] += x[4 * q + k] * y[4 * q + k];
            }
        }
    }
    let [a, b, c, d] = sums;
    let mut four = [0.0; 4];
    for k in 0..4 {
        four[k] = (a[k] + b[k]) + (c[k] + d[k]);
    }
    ((four[0] + four[1]) + (four[2] + four[3])) + rest
}

/// Largest magnitude; NaN counts as nothing.
#[inline(always)]
pub(crate) fn magnitude(samples: &[f64]) -> f64 {
    largest(samples).0
}

/// Largest magnitude, and whether every sample is a number of at most `MAX_SAMPLE`.
#[inline(always)]
fn largest(samples: &[f64]) -> (f64, bool) {
    let larger = |m: f64, s: f64| if s > m { s } else { m };
    let chunks = samples.chunks_exact(8);
    let rest = chunks.remainder();
    let (mut most, mut nothing) = ([0.0f64; 8], [0.0f64; 8]);
    for chunk in chunks {
        for k in 0..8 {
            most[k] = larger(most[k], chunk[k].abs());
            // Nothing times a number is nothing; times infinity or NaN it is NaN, and stays so.
            nothing[k] += chunk[k] * 0.0;
        }
    }
    let most = most.iter().fold(0.0, |m, s| larger(m, *s));
    let most = rest.iter().fold(most, |m, s| larger(m, s.abs()));
    let sound = nothing.iter().chain(rest).all(|s| s.is_finite()) && most <= MAX_SAMPLE;
    (most, sound)
}

/// The meter's own kernels, made once.
fn meter_bank() -> &'static Bank {
    static BANK: OnceLock<Bank> = OnceLock::new();
    BANK.get_or_init(|| Bank::new(METER_PHASES, METER_HALF, METER_BETA))
}

/// A stretch of one channel where the wave is above a threshold without a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Over {
    pub channel: usize,
    /// First frame; the wave rises above the threshold at it or before the next.
    pub start_frame: u64,
    /// Frame after the last one; start_frame < end_frame.
    pub end_frame: u64,
    /// Largest magnitude of the wave within, linear.
    pub peak_linear: f64,
}

/// A streaming true-peak meter. The stream is taken as silent before its first and after its last frame, so that the ringing of a hard
/// cut counts. NaN counts as silence; an infinite sample makes the peak infinite and counts as silence beside.
///
/// The result is the largest of all points of the grid, to the bit, at every block size: what is not computed is proved to be smaller.
#[derive(Clone, Debug)]
pub struct TruePeak {
    lines: Vec<Line>,
    reported: Vec<f64>,
    /// Linear; infinite where no overs are asked for.
    threshold: f64,
}

impl TruePeak {
    /// For `channels` channels. The kernel is the same at every rate: it counts in samples.
    pub fn new(channels: usize, _sample_rate: u32) -> Self {
        TruePeak {
            lines: vec![Line::new(); channels],
            reported: vec![0.0; channels],
            threshold: f64::INFINITY,
        }
    }

    /// Reports the stretches where the wave is above `threshold` (linear, positive) too. To be asked for before the first push.
    pub fn with_overs(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Takes the next stretch. Channels beyond those promised are left out.
    pub fn push(&mut self, block: &Block) {
        for (line, samples) in self.lines.iter_mut().zip(&block.channels) {
            line.push(samples, self.threshold);
        }
    }

    /// Largest magnitude of the wave so far, linear (1.0 is 0 dBTP), as if the stream ended here. More can be pushed afterwards.
    pub fn peak_linear_per_channel(&mut self) -> &[f64] {
        for (line, out) in self.lines.iter().zip(&mut self.reported) {
            let ended = line.ended(f64::INFINITY);
            *out = if ended.infinite { f64::INFINITY } else { ended.peak };
        }
        &self.reported
    }

    /// The loudest channel, linear.
    pub fn peak_linear(&mut self) -> f64 {
        self.peak_linear_per_channel().iter().fold(0.0, |m, p| m.max(*p))
    }

    /// Largest magnitude of the samples themselves so far, for each channel; infinite samples as above.
    pub fn sample_peak_per_channel(&self) -> impl Iterator<Item = f64> + '_ {
        self.lines.iter().map(|line| if line.infinite { f64::INFINITY } else { line.sample_peak })
    }

    /// Hands out the overs that have ended by now, channel by channel in order of time, and forgets them: a caller that takes them after every
    /// push bounds the memory. What ends within the last 200 frames is not known yet.
    pub fn take_overs(&mut self) -> Vec<Over> {
        let ended = |(channel, line): (usize, &mut Line)| {
            line.overs.drain(..).map(move |run| run.over(channel, u64::MAX)).collect::<Vec<_>>()
        };
        self.lines.iter_mut().enumerate().flat_map(ended).collect()
    }

    /// The overs that are left, as if the stream ended here. More can be pushed afterwards, and is then reported from the start of what was open.
    pub fn last_overs(&self) -> Vec<Over> {
        let mut overs = Vec::new();
        for (channel, line) in self.lines.iter().enumerate() {
            let ended = line.ended(self.threshold);
            overs.extend(ended.overs.iter().chain(&ended.open).map(|run| run.over(channel, line.frames)));
        }
        overs
    }
}

/// Positions from `start` up to `end` where the wave is above the threshold; negative ones stand before the stream.
#[derive(Clone, Copy, Debug)]
struct Above {
    start: i64,
    end: i64,
    peak: f64,
}

impl Above {
    /// What rings before the first frame counts for the first, what rings after the last counts for the last.
    fn over(&self, channel: usize, frames: u64) -> Over {
        let start = self.start.max(0).unsigned_abs().min(frames.saturating_sub(1));
        let end = self.end.max(0).unsigned_abs().min(frames).max(start + 1);
        Over { channel, start_frame: start, end_frame: end, peak_linear: self.peak }
    }
}

/// One channel. Its samples are cut at absolute frames into runs of 32; a run is judged as a whole, then position by position.
#[derive(Clone, Debug)]
struct Line {
    /// The samples still needed, from frame `first` (a multiple of a run) on.
    samples: Vec<f64>,
    first: i64,
    /// For each run of `samples` whose neighbours are known, what `bounds` asks for.
    hulls: Vec<f64>,
    highs: Vec<f64>,
    /// The run that is judged next, counted in `hulls`.
    next: usize,
    frames: u64,
    sample_peak: f64,
    peak: f64,
    infinite: bool,
    open: Option<Above>,
    overs: Vec<Above>,
}

impl Line {
    fn new() -> Self {
        // The kernel reaches 128 positions before the first sample, which are four runs; what they need before them is silence.
        let silent = RUNS_BEFORE + METER_HALF / RUN;
        Line {
            samples: vec![0.0; silent * RUN],
            first: -((silent * RUN) as i64),
            // Nobody asks for the first run's own bounds: two samples before it would be needed.
            hulls: vec![0.0],
            highs: vec![0.0],
            next: RUNS_BEFORE,
            frames: 0,
            sample_peak: 0.0,
            peak: 0.0,
            infinite: false,
            open: None,
            overs: Vec::new(),
        }
    }

    fn push(&mut self, samples: &[f64], threshold: f64) {
        self.frames += samples.len() as u64;
        lanes::wide(
            #[inline(always)]
            || {
                self.append(samples);
                self.bound_runs();
                self.judge_runs(meter_bank(), threshold);
            },
        );
        let judged = self.first + (self.next * RUN) as i64;
        self.overs.extend(self.open.take_if(|open| open.end < judged));
        let done = self.next - RUNS_BEFORE;
        if done >= RUNS_KEPT {
            self.samples.drain(..done * RUN);
            self.hulls.drain(..done);
            self.highs.drain(..done);
            self.first += (done * RUN) as i64;
            self.next -= done;
        }
    }

    /// With the silence that lets every position be judged that a sample reaches.
    fn ended(&self, threshold: f64) -> Line {
        let mut ended = self.clone();
        ended.push(&[0.0; METER_HALF + (RUNS_AFTER + 1) * RUN + 2], threshold);
        ended
    }

    #[inline(always)]
    fn append(&mut self, samples: &[f64]) {
        let start = self.samples.len();
        self.samples.extend_from_slice(samples);
        let (mut largest, sound) = largest(samples);
        if !sound {
            self.infinite |= samples.iter().any(|s| s.abs() > MAX_SAMPLE);
            self.samples[start..]
                .iter_mut()
                .filter(|s| s.is_nan() || s.abs() > MAX_SAMPLE)
                .for_each(|s| *s = 0.0);
            largest = magnitude(&self.samples[start..]);
        }
        self.sample_peak = self.sample_peak.max(largest);
        self.peak = self.peak.max(self.sample_peak);
    }

    #[inline(always)]
    fn bound_runs(&mut self) {
        while let Some(around) = self.samples.get(self.hulls.len() * RUN - 2..) {
            let Some(around) = around.first_chunk() else { return };
            let (hull, high) = bounds::run(around);
            self.hulls.push(hull);
            self.highs.push(high);
        }
    }

    #[inline(always)]
    fn judge_runs(&mut self, bank: &Bank, threshold: f64) {
        while self.next + RUNS_AFTER <= self.hulls.len() {
            let run = self.next;
            let highs = &self.highs[run - bounds::REACH..=run + bounds::REACH];
            let rest = bounds::beyond_samples(highs, self.sample_peak);
            if self.hulls[run].max(self.hulls[run + 1]) + rest > self.peak.min(threshold) {
                let rest_at_halves = bounds::beyond_halves(highs, self.sample_peak);
                self.judge_positions(bank, threshold, rest, rest_at_halves);
            }
            self.next += 1;
        }
    }

    /// Looks at the run's positions, first at their samples, then half way to the next, then everywhere.
    fn judge_positions(&mut self, bank: &Bank, threshold: f64, rest: f64, rest_at_halves: f64) {
        let n = bank.phases;
        let at = |p: usize, position: usize| {
            bank.at(p, &self.samples[position + 1 - METER_HALF..=position + METER_HALF])
        };
        // Of the last three positions, so that neighbours share the work.
        let mut halves = [(usize::MAX, 0.0); 3];
        let mut half = |position: usize| {
            let known = &mut halves[position % 3];
            if known.0 != position {
                *known = (position, at(n / 2, position));
            }
            known.1
        };
        for position in self.next * RUN..(self.next + 1) * RUN {
            let least = self.peak.min(threshold);
            let (x, y) = (self.samples[position], self.samples[position + 1]);
            let ends = bounds::hull(&self.samples, position).max(bounds::hull(&self.samples, position + 1));
            if ends + rest <= least {
                continue;
            }
            let (before, middle, after) = (half(position - 1), half(position), half(position + 1));
            let mut height = x.abs().max(middle.abs());
            let least = self.peak.max(height).min(threshold);
            if bounds::span(before, x, middle, y) + rest_at_halves > least {
                height = (1..n / 2).fold(height, |height, p| height.max(at(p, position).abs()));
            }
            if bounds::span(x, middle, y, after) + rest_at_halves > least {
                height = (n / 2 + 1..n).fold(height, |height, p| height.max(at(p, position).abs()));
            }
            self.peak = self.peak.max(height);
            if height > threshold {
                let frame = self.first + position as i64;
                match &mut self.open {
                    Some(open) if open.end == frame => {
                        open.end += 1;
                        open.peak = open.peak.max(height);
                    }
                    open => {
                        self.overs.extend(open.replace(Above { start: frame, end: frame + 1, peak: height }));
                    }
                }
            }
        }
    }
}
