//! Digital sections that have the curve of an analogue one up to 0.4535 of the rate (20 kHz at 44.1 kHz), so that nothing cramps near half the rate.
//!
//! The bilinear transform keeps the shape and bends the axis: s = j tan(pi f / rate). After M. Vicanek, "Matched Second Order Digital Filters" (2016),
//! the squared gain is what is matched; but all of it, not at three frequencies: the numbers of the bent section are moved until the largest
//! deviation in decibels is least, by damped least squares (Levenberg, Marquardt) with weights that grow where it deviates most (C. L. Lawson, 1961).
//! Any such section is stable and of minimum phase, since its numbers stay positive. Where one section cannot follow, two do. Never here: sound.

use std::f64::consts::PI;

use super::{analogue::Analogue, biquad::Coefficients};
use crate::math;

/// Of the rate: 20 kHz at 44.1 kHz.
pub const MATCHED_TO: f64 = 0.4535;
/// One section is enough where it stays this close.
pub const CLOSE_DB: f64 = 0.036;
/// Below it a deviation may grow, tenfold in 40 dB: there is little left to hear.
const DEEP_DB: f64 = -12.0;
/// Numbers of a section: numerator, then denominator; the logarithm of each.
const EACH: usize = 4;
pub(super) const MOST: usize = 2 * EACH;
const ROUNDS: usize = 10;
const STEPS: usize = 40;
/// Positions of a corner over half the rate are started from here.
const STARTS: [f64; 3] = [0.47, 0.42, 0.35];
/// A root that stands in numerator and denominator alike gives a first order section the freedom of a second.
const SPARE: f64 = 0.3;

/// Logarithms: of the middle number of a quadratic, and of its last one by the middle one. Both keep roots about 3e-4 from the circle.
const LEAST_MIDDLE: f64 = -8.1;
const LEAST_END: f64 = -8.0;

type Numbers = [f64; MOST];

/// The sections whose gains multiply to that of `wanted`.
pub fn sections(wanted: &Analogue, sample_rate: u32) -> Vec<Coefficients> {
    let rate = f64::from(sample_rate);
    let plain = wanted.num[0] > 0.0 && wanted.num[1] > 0.0;
    // Gain taken away is the boost turned over, so that both mirror each other to the last bit of the design.
    let turned = plain && loudest(wanted) < loudest(&wanted.inverse());
    let section = if turned { wanted.inverse() } else { *wanted };
    let fit = Fit::new(&section, rate);
    let found = fit.best();
    let finish = |numbers: &[f64]| {
        let made = fit.coefficients(numbers);
        if turned { made.inverse() } else { made }
    };
    let mut made = vec![finish(&found.numbers[..EACH])];
    if found.sections == 2 {
        let second = Fit { zeros: 0, base: 1.0, ..fit.clone() }.coefficients(&found.numbers[EACH..]);
        made.push(if turned { second.inverse() } else { second });
    }
    made
}

/// One section alone for a boost: (1 + a s + r s^2) over the same with other numbers, s being the bilinear transform's, beside the gain at frequency
/// nought. Numerator's a and r, then the denominator's.
pub(super) fn one_section(boost: &Analogue, sample_rate: u32) -> [f64; EACH] {
    let fit = Fit::new(boost, f64::from(sample_rate));
    let numbers = fit.best_single().numbers.map(math::exp);
    [numbers[0], numbers[1], numbers[2], numbers[3]]
}

/// The highest of the gains at nought, at the corner and far above it: for a boost over, for a cut under one.
fn loudest(section: &Analogue) -> f64 {
    section.power(0.0).max(section.power(section.hz)).max(section.power(section.hz * 1e4))
}

#[derive(Clone)]
struct Fit {
    /// Zeros at frequency nought: 0, 1 or 2.
    zeros: usize,
    /// Gain at frequency nought, where there is no zero.
    base: f64,
    base_db: f64,
    starts: Vec<[f64; EACH]>,
    /// tan^2(pi f / rate), decibels there, and what a deviation of one decibel counts.
    points: Vec<Point>,
}

#[derive(Clone, Copy)]
struct Point {
    y: f64,
    db: f64,
    counts: f64,
}

#[derive(Clone, Copy)]
struct Found {
    worst: f64,
    numbers: Numbers,
    sections: usize,
}

impl Fit {
    fn new(section: &Analogue, rate: f64) -> Fit {
        let zeros = section.num.iter().take_while(|c| **c == 0.0).count();
        let base = if zeros == 0 { section.num[0] / section.den[0] } else { 1.0 };
        let near = section.hz / rate;
        let caps: &[f64] = if near > STARTS[2] { &STARTS } else { &STARTS[..1] };
        let start = |cap: &f64| start(section, zeros, math::tan(PI * near.min(*cap)));
        Fit {
            zeros,
            base,
            base_db: math::decibels(base),
            starts: caps.iter().map(start).collect(),
            points: frequencies(section, rate)
                .into_iter()
                .map(|hz| {
                    let db = math::decibels_of_power(section.power(hz));
                    let t = math::tan(PI * hz / rate);
                    let counts = math::linear((db - DEEP_DB).min(0.0) / 2.0);
                    Point { y: t * t, db, counts }
                })
                .collect(),
        }
    }

    fn best_single(&self) -> Found {
        let mut best = Found { worst: f64::INFINITY, numbers: [0.0; MOST], sections: 1 };
        for start in 0..self.starts.len() {
            self.improve(self.start_of(start), 1, &mut best);
            if best.worst < CLOSE_DB {
                break;
            }
        }
        best
    }

    /// One section, or two where that is not close.
    fn best(&self) -> Found {
        let mut best = self.best_single();
        if best.worst < CLOSE_DB {
            return best;
        }
        let one = best;
        // Where one section had to bend far from its shape to follow, two had better start from the shape.
        let bases = [one.numbers, self.start_of(0)];
        for (middle, end) in [(0.3, 0.1), (1.0, 0.3), (0.1, 0.01)] {
            for mut numbers in bases {
                let extra = [middle, end, middle * 1.05, end];
                numbers[EACH..].iter_mut().zip(extra).for_each(|(n, e)| *n = math::log(e));
                self.improve(numbers, 2, &mut best);
                if best.worst < 0.1 * CLOSE_DB {
                    return best;
                }
            }
        }
        best
    }

    fn start_of(&self, start: usize) -> Numbers {
        let mut numbers = [0.0; MOST];
        numbers[..EACH].copy_from_slice(&self.starts[start]);
        numbers
    }

    /// Least squares, then again with the weights raised where it deviates most; the best of all goes to `best`.
    fn improve(&self, mut numbers: Numbers, sections: usize, best: &mut Found) {
        let mut weights: Vec<f64> = self.points.iter().map(|p| p.counts).collect();
        let mut stale = 0;
        for round in 0..ROUNDS {
            let steps = if round == 0 { 2 * STEPS } else { STEPS };
            self.least_squares(&mut numbers, sections, &weights, steps);
            let off: Vec<f64> = self
                .points
                .iter()
                .map(|p| (self.gain_db(&numbers, sections, p.y, &mut [0.0; MOST]) - p.db).abs() * p.counts)
                .collect();
            let worst = off.iter().fold(0.0, |m: f64, e| m.max(*e));
            if !worst.is_finite() {
                return;
            }
            stale = if worst < 0.97 * best.worst { 0 } else { stale + 1 };
            if worst < best.worst {
                *best = Found { worst, numbers, sections };
            }
            if worst < 0.1 * CLOSE_DB || stale > 3 {
                return;
            }
            weights.iter_mut().zip(&off).for_each(|(w, e)| *w *= (e / worst + 0.02).sqrt());
            let most = weights.iter().fold(0.0, |m: f64, w| m.max(*w));
            weights.iter_mut().for_each(|w| *w /= most);
        }
    }

    fn least_squares(&self, numbers: &mut Numbers, sections: usize, weights: &[f64], steps: usize) {
        let n = sections * EACH;
        let mut damping = 1e-3;
        let (mut cost, mut normal, mut slope) = self.normal(numbers, sections, weights);
        for _ in 0..steps {
            let mut lifted = normal;
            for (i, row) in lifted.iter_mut().enumerate() {
                row[i] += damping * row[i] + 1e-12;
            }
            let Some(step) = solve(lifted, slope, n) else { return };
            let mut tried = *numbers;
            tried.iter_mut().zip(&step).take(n).for_each(|(t, s)| *t = (*t - s).clamp(-30.0, 30.0));
            self.keep_inside(&mut tried[..n]);
            let (new_cost, new_normal, new_slope) = self.normal(&tried, sections, weights);
            if new_cost < cost {
                let gained = (cost - new_cost) / cost;
                (*numbers, cost, normal, slope) = (tried, new_cost, new_normal, new_slope);
                damping = (damping * 0.2).max(1e-12);
                if gained < 1e-6 {
                    return;
                }
            } else {
                damping *= 8.0;
                if damping > 1e9 {
                    return;
                }
            }
        }
    }

    /// Roots at the very end of the axis would stand on the circle, where a tail never ends: middle and end of each quadratic have a least size.
    fn keep_inside(&self, numbers: &mut [f64]) {
        for (index, pair) in numbers.chunks_exact_mut(2).enumerate() {
            if index > 0 || self.zeros == 0 {
                pair[0] = pair[0].max(LEAST_MIDDLE);
                pair[1] = pair[1].max(pair[0] + LEAST_END);
            }
        }
    }

    /// The weighted sum of squares, the lower half of its matrix of second derivatives (Gauss), and its slope.
    fn normal(
        &self,
        numbers: &Numbers,
        sections: usize,
        weights: &[f64],
    ) -> (f64, [[f64; MOST]; MOST], [f64; MOST]) {
        let (mut cost, mut normal, mut slope) = (0.0, [[0.0; MOST]; MOST], [0.0; MOST]);
        let plain = numbers.map(math::exp);
        for (point, w) in self.points.iter().zip(weights) {
            let mut by = [0.0; MOST];
            let off = self.gain_of(&plain, sections, point.y, &mut by) - point.db;
            let w = w * w;
            cost += w * off * off;
            for i in 0..sections * EACH {
                slope[i] += w * by[i] * off;
                for j in 0..=i {
                    normal[i][j] += w * by[i] * by[j];
                }
            }
        }
        (cost, normal, slope)
    }

    fn gain_db(&self, numbers: &Numbers, sections: usize, y: f64, by: &mut [f64; MOST]) -> f64 {
        self.gain_of(&numbers.map(math::exp), sections, y, by)
    }

    /// Gain in decibels at y = tan^2, and its derivative by the logarithm of each number.
    fn gain_of(&self, plain: &Numbers, sections: usize, y: f64, by: &mut [f64; MOST]) -> f64 {
        const DB: f64 = 10.0 / std::f64::consts::LN_10;
        let [a, r, c, d, ..] = *plain;
        let mut ratio = match self.zeros {
            // c^2 y (1 + a^2 y): the second number stands for the gain.
            1 => {
                let end = a * a * y;
                (by[0], by[1]) = (DB * 2.0 * end / (1.0 + end), 2.0 * DB);
                r * r * y * (1.0 + end)
            }
            2 => {
                (by[0], by[1]) = (0.0, 2.0 * DB);
                r * r * y * y
            }
            _ => quadratic(a, r, y, DB, &mut by[..2]),
        };
        ratio /= quadratic(c, d, y, -DB, &mut by[2..4]);
        if sections == 2 {
            let [_, _, _, _, a, r, c, d] = *plain;
            ratio *= quadratic(a, r, y, DB, &mut by[4..6]) / quadratic(c, d, y, -DB, &mut by[6..8]);
        }
        // Never nought, never infinite: the numbers are positive and bounded.
        DB * math::log(ratio.max(f64::MIN_POSITIVE)) + if self.zeros == 0 { self.base_db } else { 0.0 }
    }

    fn coefficients(&self, numbers: &[f64]) -> Coefficients {
        let plain: Vec<f64> = numbers.iter().map(|n| math::exp(*n)).collect();
        let num = match self.zeros {
            1 => [0.0, plain[1], plain[1] * plain[0]],
            2 => [0.0, 0.0, plain[1]],
            _ => [self.base, self.base * plain[0], self.base * plain[1]],
        };
        Coefficients::bilinear(num, [1.0, plain[2], plain[3]])
    }
}

/// |1 + a s + r s^2|^2 at s^2 = -y, and `scale` times the derivative of its logarithm by those of a and r.
#[inline(always)]
fn quadratic(a: f64, r: f64, y: f64, scale: f64, by: &mut [f64]) -> f64 {
    let (re, im) = (1.0 - r * y, a * a * y);
    let size = re * re + im;
    by[0] = scale * 2.0 * im / size;
    by[1] = scale * -2.0 * re * r * y / size;
    size
}

/// The bilinear transform's own numbers with the corner in its place; orders below two get a spare root.
fn start(section: &Analogue, zeros: usize, corner: f64) -> [f64; EACH] {
    let quad = |[c0, c1, c2]: [f64; 3]| (c1 / c0 / corner, c2 / c0 / (corner * corner));
    let lower = |(middle, _)| (middle + SPARE, middle * SPARE);
    let (mut den, low) = (quad(section.den), section.den[2] == 0.0);
    if low {
        den = lower(den);
    }
    let num = match zeros {
        1 => (SPARE, section.num[1] / section.den[0] / corner),
        2 => (1.0, section.num[2] / section.den[0] / (corner * corner)),
        _ if section.num[2] > 0.0 => quad(section.num),
        _ => {
            let (middle, end) = lower(quad(section.num));
            (middle, end.max(0.1 * SPARE))
        }
    };
    [num.0, num.1, den.0, den.1].map(math::log)
}

/// Where the curve is compared: over the whole band, near the end of it, and closely around a narrow corner.
fn frequencies(section: &Analogue, rate: f64) -> Vec<f64> {
    let top = MATCHED_TO * rate;
    let mut all = Vec::with_capacity(160);
    let low = (section.hz / 40.0).min(top / 1000.0);
    let wide = math::log(top / low);
    all.extend((0..64).map(|i| low * math::exp(wide * f64::from(i) / 63.0)));
    all.extend((0..24).map(|i| top * (1.0 - 0.6 * (f64::from(i) / 24.0) * (f64::from(i) / 24.0))));
    for [c0, c1, c2] in [section.num, section.den] {
        if c0 > 0.0 && c1 > 0.0 && c2 > 0.0 {
            let (centre, narrow) = (section.hz * (c0 / c2).sqrt(), c1 / (c0 * c2).sqrt());
            all.push(centre);
            for step in [0.08, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2, 3.0, 4.2, 6.0, 9.0] {
                all.extend([-step, step].map(|s| centre * math::exp(0.5 * s * narrow.min(1.0))));
            }
        }
    }
    all.retain(|hz| *hz <= top);
    all.sort_by(f64::total_cmp);
    all
}

/// Cholesky's way through the first `n` rows, of which the lower half counts; `None` where the matrix is not positive.
pub(super) fn solve(mut m: [[f64; MOST]; MOST], mut right: [f64; MOST], n: usize) -> Option<[f64; MOST]> {
    for i in 0..n {
        for j in 0..=i {
            let sum = m[i][j] - (0..j).map(|k| m[i][k] * m[j][k]).sum::<f64>();
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                m[i][i] = sum.sqrt();
            } else {
                m[i][j] = sum / m[j][j];
            }
        }
        right[i] = (right[i] - (0..i).map(|k| m[i][k] * right[k]).sum::<f64>()) / m[i][i];
    }
    for i in (0..n).rev() {
        right[i] = (right[i] - (i + 1..n).map(|k| m[k][i] * right[k]).sum::<f64>()) / m[i][i];
    }
    Some(right)
}
