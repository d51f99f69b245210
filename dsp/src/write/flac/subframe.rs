//! One channel of one frame: constant, plain, a fixed or a linear prediction, whichever takes the fewest bits (RFC 9639, 9.2). Never here: what
//! channels have to do with each other.

use super::{
    bits::Bits,
    lpc::{self, MAX_ORDER, Quantised},
    rice::{Partitions, Rice, Shape},
};
use crate::{lanes, math};

/// Fewer frames than this are not worth a linear prediction.
const MIN_LPC_FRAMES: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Plan {
    Constant,
    #[default]
    Verbatim,
    Fixed(usize),
    Linear(Quantised),
}

impl Plan {
    fn order(&self) -> usize {
        match self {
            Plan::Constant | Plan::Verbatim => 0,
            Plan::Fixed(order) => *order,
            Plan::Linear(predictor) => predictor.order,
        }
    }
}

/// What every channel's search uses again.
#[derive(Default)]
pub(super) struct Tools {
    windows: Vec<Part>,
    frames: usize,
    rice: Rice,
    windowed: Vec<f64>,
    trial: Vec<i32>,
}

/// A window over a part of the block.
struct Part {
    start: usize,
    window: Vec<f64>,
    /// Also try what the whole has without this part.
    rest: bool,
}

impl Tools {
    /// Windows for blocks of `frames`: the whole, its halves and its thirds, and the whole without one of the thirds. A song changes within a
    /// block, and a predictor of one part may serve the block better than one of the whole.
    pub(super) fn fit(&mut self, frames: usize) {
        if self.frames == frames {
            return;
        }
        self.frames = frames;
        self.windows.clear();
        for parts in 1..=3usize {
            for part in 0..parts {
                let (start, end) = (frames * part / parts, frames * (part + 1) / parts);
                if end - start > MAX_ORDER {
                    let window = lpc::tukey(end - start, TAPERS[parts - 1]);
                    self.windows.push(Part { start, window, rest: parts == 3 });
                }
            }
        }
    }
}

/// For the whole, a half, a third.
const TAPERS: [f64; 3] = [0.5, 0.25, 0.25];

/// One channel and the best way found for it.
#[derive(Default)]
pub(super) struct Subframe {
    samples: Vec<i32>,
    real: Vec<f64>,
    /// Of a sample, without the wasted ones.
    bits: u32,
    /// Low bits that are zero in every sample.
    wasted: u32,
    plan: Plan,
    residual: Vec<i32>,
    /// Mean square of the samples.
    power: f64,
    whole: lpc::Correlation,
    partitions: Partitions,
    /// About how many bits it takes; to the bit after `refine`.
    pub(super) cost: u64,
}

impl Subframe {
    /// Takes the samples and looks at the quick ways: constant, fixed, one linear prediction. `bits`: up to 25.
    pub(super) fn look(&mut self, samples: impl Iterator<Item = i32>, bits: u32, tools: &mut Tools) {
        self.samples.clear();
        self.samples.extend(samples);
        let together = self.samples.iter().fold(0, |all, sample| all | sample);
        self.wasted = if together == 0 { 0 } else { together.trailing_zeros() };
        self.bits = bits - self.wasted;
        if self.wasted > 0 {
            self.samples.iter_mut().for_each(|sample| *sample >>= self.wasted);
        }
        let first = self.samples.first().copied().unwrap_or(0);
        if self.samples.iter().all(|sample| *sample == first) {
            (self.plan, self.cost) = (Plan::Constant, u64::from(self.bits));
            return;
        }
        (self.plan, self.cost) = (Plan::Verbatim, self.samples.len() as u64 * u64::from(self.bits));
        self.real.clear();
        self.real.extend(self.samples.iter().map(|sample| f64::from(*sample)));
        self.power = lanes::wide_with(power, &self.real);
        self.try_fixed(tools);
        if self.samples.len() >= MIN_LPC_FRAMES {
            let whole = &tools.windows[0];
            self.whole = lpc::correlate(&self.real, &whole.window, &mut tools.windowed);
            self.try_linear(self.whole, tools);
        }
    }

    /// Tries every window, then counts the best way to the bit.
    pub(super) fn refine(&mut self, tools: &mut Tools) {
        if self.plan == Plan::Constant {
            return;
        }
        if self.samples.len() >= MIN_LPC_FRAMES {
            let windows = std::mem::take(&mut tools.windows);
            for part in &windows[1..] {
                let samples = &self.real[part.start..part.start + part.window.len()];
                let part_of_it = lpc::correlate(samples, &part.window, &mut tools.windowed);
                self.try_linear(part_of_it, tools);
                if part.rest {
                    let mut rest = self.whole;
                    rest.iter_mut().zip(&part_of_it).for_each(|(rest, part)| *rest -= part);
                    self.try_linear(rest, tools);
                }
            }
            tools.windows = windows;
        }
        let plain = self.samples.len() as u64 * u64::from(self.bits);
        if self.plan != Plan::Verbatim {
            let shape = self.shape(self.plan.order());
            tools.rice.choose(&self.residual, shape, &mut self.partitions);
            self.cost = self.partitions.bits + self.side_bits(&self.plan);
        }
        if self.cost >= plain {
            (self.plan, self.cost) = (Plan::Verbatim, plain);
        }
    }

    fn shape(&self, warm_up: usize) -> Shape {
        Shape { frames: self.samples.len(), warm_up }
    }

    /// Bits beside the residual.
    fn side_bits(&self, plan: &Plan) -> u64 {
        let numbers = match plan {
            Plan::Linear(predictor) => 9 + u64::from(predictor.precision) * predictor.order as u64,
            _ => 0,
        };
        plan.order() as u64 * u64::from(self.bits) + numbers
    }

    fn try_fixed(&mut self, tools: &mut Tools) {
        let most = self.samples.len().saturating_sub(1).min(4);
        let order = match self.samples.len() {
            0..=5 => 0,
            _ => best_fixed(&self.samples, self.bits).min(most),
        };
        differences(&self.samples, order, &mut tools.trial);
        self.keep_if_better(Plan::Fixed(order), tools);
    }

    fn try_linear(&mut self, correlation: lpc::Correlation, tools: &mut Tools) {
        let found = lpc::predictors(&correlation, MAX_ORDER);
        // RFC 9639 allows 15 bits; with short samples they cost more than they gain.
        let precision = match self.bits {
            0..=16 => 13,
            17 => 12,
            _ => 15,
        };
        let Some(order) = self.best_order(&found, precision, correlation[0]) else { return };
        let Some(predictor) = lpc::quantise(&found.coefficients[order - 1][..order], precision) else {
            return;
        };
        if lpc::residual(&self.samples, &self.real, self.bits, &predictor, &mut tools.trial) {
            self.keep_if_better(Plan::Linear(predictor), tools);
        }
    }

    /// The order whose error, as noise of a Laplace distribution, and coefficients should take the fewest bits.
    fn best_order(&self, found: &lpc::Predictors, precision: u32, energy: f64) -> Option<usize> {
        let n = self.samples.len() as f64;
        let total: f64 = energy.max(f64::MIN_POSITIVE);
        let bits = |order: usize| {
            let error = found.errors[order - 1].max(f64::MIN_POSITIVE) / total * self.power;
            let each = (0.5 * math::log2((error * 0.5).max(1e-9))).max(0.0);
            each * (n - order as f64) + (order as u32 * (precision + self.bits)) as f64
        };
        (1..=found.orders).map(|order| (order, bits(order))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|it| it.0)
    }

    fn keep_if_better(&mut self, plan: Plan, tools: &mut Tools) {
        let shape = self.shape(plan.order());
        let cost = tools.rice.estimate(&tools.trial, shape) + self.side_bits(&plan);
        if cost < self.cost {
            (self.cost, self.plan) = (cost, plan);
            std::mem::swap(&mut self.residual, &mut tools.trial);
        }
    }

    pub(super) fn write(&self, out: &mut Bits) {
        let kind = match &self.plan {
            Plan::Constant => 0,
            Plan::Verbatim => 1,
            Plan::Fixed(order) => 8 + *order as u64,
            Plan::Linear(predictor) => 31 + predictor.order as u64,
        };
        out.put(kind << 1 | u64::from(self.wasted > 0), 8);
        if self.wasted > 0 {
            out.put_unary(self.wasted - 1);
        }
        let plain = match &self.plan {
            Plan::Constant => 1,
            Plan::Verbatim => self.samples.len(),
            plan => plan.order(),
        };
        for sample in &self.samples[..plain] {
            out.put_signed(i64::from(*sample), self.bits);
        }
        if let Plan::Linear(predictor) = &self.plan {
            out.put(u64::from(predictor.precision - 1), 4);
            out.put(u64::from(predictor.shift), 5);
            for value in &predictor.values[..predictor.order] {
                out.put_signed(i64::from(*value), predictor.precision);
            }
        }
        if let Plan::Fixed(_) | Plan::Linear(_) = &self.plan {
            self.partitions.write(&self.residual, self.shape(self.plan.order()), out);
        }
    }
}

/// Mean square. Four sums side by side, so that they can be lanes.
#[inline(always)]
fn power(samples: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    for four in samples.as_chunks::<4>().0 {
        sums.iter_mut().zip(four).for_each(|(sum, sample)| *sum += sample * sample);
    }
    sums.iter().sum::<f64>() / samples.len() as f64
}

/// The order from 0 to 4 whose differences are the smallest in sum.
fn best_fixed(samples: &[i32], bits: u32) -> usize {
    let sums = lanes::wide_with(fixed_sums, (samples, bits));
    (0..5).min_by_key(|order| sums[*order]).unwrap_or(0)
}

/// Sums of the sizes of all differences. Those of 25-bit samples have 29 bits at most; so that a part of 128 sums fits 32 bits, up to four low bits
/// are let go where samples are long.
#[inline(always)]
fn fixed_sums((samples, bits): (&[i32], u32)) -> [u64; 5] {
    const PART: usize = 128;
    let spared = (bits + 4 + PART.trailing_zeros()).saturating_sub(32);
    let mut sums = [0u64; 5];
    for part in samples.windows(PART + 4).step_by(PART) {
        let mut short = [0u32; 5];
        for [a, b, c, d, e] in part.array_windows() {
            // First differences, then differences of these, and so on.
            let firsts = [e.wrapping_sub(*d), d.wrapping_sub(*c), c.wrapping_sub(*b), b.wrapping_sub(*a)];
            let seconds = [0, 1, 2].map(|n| firsts[n].wrapping_sub(firsts[n + 1]));
            let thirds = [0, 1].map(|n| seconds[n].wrapping_sub(seconds[n + 1]));
            let fourth = thirds[0].wrapping_sub(thirds[1]);
            for (sum, difference) in short.iter_mut().zip([*e, firsts[0], seconds[0], thirds[0], fourth]) {
                *sum = sum.wrapping_add(difference.unsigned_abs() >> spared);
            }
        }
        sums.iter_mut().zip(short).for_each(|(sum, short)| *sum += u64::from(short));
    }
    sums
}

/// Differences of `order`, for every sample behind the first `order`.
fn differences(samples: &[i32], order: usize, out: &mut Vec<i32>) {
    out.clear();
    match order {
        0 => out.extend_from_slice(samples),
        1 => out.extend(samples.array_windows().map(|[d, e]| e - d)),
        2 => out.extend(samples.array_windows().map(|[c, d, e]| e - 2 * d + c)),
        3 => out.extend(samples.array_windows().map(|[b, c, d, e]| e - 3 * d + 3 * c - b)),
        _ => out.extend(samples.array_windows().map(|[a, b, c, d, e]| e - 4 * d + 6 * c - 4 * b + a)),
    }
}
