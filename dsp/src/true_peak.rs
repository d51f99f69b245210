//! True peak: the height of the wave between its samples (ITU-R BS.1770-5 Annex 2), by a windowed-sinc polyphase interpolator of our own.
//! [`Bank`] is the interpolator, [`TruePeak`] the meter. Never here: gain, limiting, decisions about a ceiling.

use std::f64::consts::PI;

use crate::{block::Block, math};

/// Points a sample that the meter looks at: 16 up to 100 kHz, 8 above. 16 x 44.1 kHz under-reads a 20 kHz tone by 0.03 dB at most
/// (20 log cos(pi f / n), f in cycles per sample, n the oversampling).
const METER_PHASES: usize = 16;
/// Half the length of the meter's kernel in samples. Long, because synthesised sound is full to the last hertz: on a pluck of white noise a kernel
/// of 64 taps read 0.34 dB less than one of 256, and 1,000 taps add 0.1 dB to that. One kernel serves every figure of the house, so that an
/// upload, a render's report and the limiter never disagree about the same bytes.
const METER_HALF: usize = 128;
const METER_BETA: f64 = 9.0;
/// If the loudest instant of a band-limited signal lies between two points of a grid of n points a sample, one of the two is at least
/// cos(pi / 2n) of it: 0.707 for n = 2, 0.924 for n = 4. A little less is asked for, because the kernel is not ideal.
const SCREEN_2X: f64 = 0.69;
const SCREEN_4X: f64 = 0.91;
/// Positions that are screened together by the sum of the kernel's absolute values.
const SCREEN_RUN: usize = 32;

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
    pub fn at(&self, p: usize, window: &[f64]) -> f64 {
        let width = 2 * self.half;
        dot(&self.taps[p * width..(p + 1) * width], &window[..width])
    }
}

fn sinc(t: f64) -> f64 {
    if t == 0.0 { 1.0 } else { math::sin(PI * t) / (PI * t) }
}

/// Kaiser window at -1 <= x <= 1.
fn kaiser(x: f64, beta: f64) -> f64 {
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

/// Eight sums side by side, so that the compiler can use the machine's lanes; the order is fixed, so the result is the same every time.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for k in 0..8 {
            lanes[k] += x[k] * y[k];
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + rest
}

/// Largest magnitude.
pub(crate) fn magnitude(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |m, s| if s.abs() > m { s.abs() } else { m })
}

/// A stretch of one channel where the wave is above a threshold without a pause: from the sample before it rises above to the sample after
/// it falls below.
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
/// cut counts. NaN counts as silence; an infinite sample makes the peak infinite.
#[derive(Clone, Debug)]
pub struct TruePeak {
    bank: Bank,
    lines: Vec<Line>,
    reported: Vec<f64>,
    /// Linear; infinite where no overs are asked for.
    threshold: f64,
}

/// One channel: the samples still under a kernel, and the largest value so far.
#[derive(Clone, Debug)]
struct Line {
    window: Vec<f64>,
    peak: f64,
    infinite: bool,
    /// Frame of the middle of the first window: half - 1 frames of silence stand before the stream.
    next: i64,
    open: Option<Over>,
    overs: Vec<Over>,
}

impl TruePeak {
    /// For samples at `sample_rate` Hz.
    pub fn new(channels: usize, sample_rate: u32) -> Self {
        // A power of two of at least four, so that the coarse grids of the screening are part of the fine one.
        let phases = if sample_rate > 100_000 { METER_PHASES / 2 } else { METER_PHASES };
        Self::with_bank(channels, Bank::new(phases, METER_HALF, METER_BETA))
    }

    fn with_bank(channels: usize, bank: Bank) -> Self {
        let line = Line {
            window: vec![0.0; 2 * bank.half - 1],
            peak: 0.0,
            infinite: false,
            next: -(bank.half as i64),
            open: None,
            overs: Vec::new(),
        };
        let lines = vec![line; channels];
        TruePeak { bank, lines, reported: vec![0.0; channels], threshold: f64::INFINITY }
    }

    /// Reports the stretches where the wave is above `threshold` (linear) too. To be asked for before the first push.
    pub fn with_overs(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Hands out the overs that have ended by now, channel by channel in order of time, and forgets them: a caller that takes them after every
    /// push bounds the memory. What ends within the last 128 frames is not known yet.
    pub fn take_overs(&mut self) -> Vec<Over> {
        let overs = self
            .lines
            .iter_mut()
            .enumerate()
            .flat_map(|(channel, line)| line.overs.drain(..).map(move |over| Over { channel, ..over }));
        overs.collect()
    }

    /// The overs that are left, as if the stream ended here.
    pub fn last_overs(&mut self) -> Vec<Over> {
        let mut ended = self.clone();
        for line in &mut ended.lines {
            line.push(&ended.bank, ended.threshold, std::iter::repeat_n(0.0, 2 * ended.bank.half));
            line.overs.extend(line.open.take());
        }
        ended.take_overs()
    }

    /// Takes the next stretch. Channels beyond those promised are left out.
    pub fn push(&mut self, block: &Block) {
        for (line, samples) in self.lines.iter_mut().zip(&block.channels) {
            line.push(&self.bank, self.threshold, samples.iter().copied());
        }
    }

    /// Largest magnitude of the wave so far, linear (1.0 is 0 dBTP), as if the stream ended here. More can be pushed afterwards.
    pub fn peak_linear_per_channel(&mut self) -> &[f64] {
        for (line, out) in self.lines.iter().zip(&mut self.reported) {
            let mut ended = line.clone();
            ended.push(&self.bank, self.threshold, std::iter::repeat_n(0.0, 2 * self.bank.half));
            *out = if ended.infinite { f64::INFINITY } else { ended.peak };
        }
        &self.reported
    }

    /// The loudest channel, linear.
    pub fn peak_linear(&mut self) -> f64 {
        self.peak_linear_per_channel().iter().fold(0.0, |m, p| m.max(*p))
    }
}

impl Line {
    fn push(&mut self, bank: &Bank, threshold: f64, samples: impl Iterator<Item = f64>) {
        for s in samples {
            self.infinite |= s.is_infinite();
            self.window.push(if s.is_finite() { s } else { 0.0 });
        }
        let width = 2 * bank.half;
        let positions = self.window.len() + 1 - width;
        for start in (0..positions).step_by(SCREEN_RUN) {
            let run = SCREEN_RUN.min(positions - start);
            let bound = magnitude(&self.window[start..start + run + width - 1]) * bank.bound;
            for i in start..start + run {
                let window = &self.window[i..i + width];
                if bound > self.peak {
                    self.peak = peak_at(bank, window, self.peak);
                }
                let height = if bound > threshold {
                    (0..bank.phases).map(|p| bank.at(p, window).abs()).fold(0.0, f64::max)
                } else {
                    0.0
                };
                over(&mut self.open, &mut self.overs, self.next + (i) as i64, height, threshold);
            }
        }
        self.next += positions as i64;
        self.window.drain(..positions);
    }
}

/// Lengthens the open over, or begins or ends one. `height`: of the wave from `frame` to the next.
fn over(open: &mut Option<Over>, overs: &mut Vec<Over>, frame: i64, height: f64, threshold: f64) {
    if height > threshold {
        let start = frame.max(0).unsigned_abs();
        let over =
            open.get_or_insert(Over { channel: 0, start_frame: start, end_frame: start, peak_linear: 0.0 });
        over.end_frame = (frame + 1).max(1).unsigned_abs();
        over.peak_linear = over.peak_linear.max(height);
    } else {
        overs.extend(open.take());
    }
}

/// The larger of `peak` and the wave from the sample in the middle of `window` to the next. A coarse look decides whether a fine one can matter.
fn peak_at(bank: &Bank, window: &[f64], mut peak: f64) -> f64 {
    let ends = window[bank.half - 1].abs().max(window[bank.half].abs());
    peak = peak.max(window[bank.half - 1].abs());
    let n = bank.phases;
    let middle = bank.at(n / 2, window).abs();
    let coarse = ends.max(middle);
    peak = peak.max(middle);
    if coarse < peak * SCREEN_2X {
        return peak;
    }
    let quarters = bank.at(n / 4, window).abs().max(bank.at(3 * n / 4, window).abs());
    peak = peak.max(quarters);
    if coarse.max(quarters) < peak * SCREEN_4X {
        return peak;
    }
    (1..n).filter(|p| p % (n / 4) != 0).fold(peak, |m, p| m.max(bank.at(p, window).abs()))
}
