//! How high the wave can be where the meter has not looked. Every bound here holds for every signal whatever; it is only tight for music. Never
//! here: the interpolator itself, peaks.
//!
//! The interpolator h is split into a cubic through four neighbours (Catmull and Rom) and a rest: h = c + r. The cubic lies in the hull of its
//! Bezier points, a value plus or minus a sixth of the difference of its neighbours. The rest is nothing where the wave is smooth: r = q * d + e with
//! d the fourth difference / 16 (gain one at the Nyquist frequency, sin^4 below) and an e that is all but nothing. So
//!
//! |h x| <= hull of the cubic + sum over runs of |q| in the run * largest |d x| in the run + |e| * largest |x|.
//!
//! The sum of |h| alone is 3.7: by it half of all music would have to be computed. By this bound it is a run in a thousand.

/// Samples that are bounded together.
pub(super) const RUN: usize = 32;
/// Runs before and after one that its interpolator reaches.
pub(super) const REACH: usize = 4;

/// The largest sum of |q| for any position of the run and any of 16 phases, in each run from four before to four after, rounded up; and of |e|.
/// The test below makes q and e anew and holds them against these.
const REST: [f64; 2 * REACH + 1] = [0.0030, 0.0218, 0.1200, 1.0250, 2.1250, 1.2550, 0.1265, 0.0232, 0.0032];
const REST_EVERYWHERE: f64 = 5.5e-4;
/// The same where the cubic goes through the wave at half samples too.
const REST_AT_HALVES: [f64; 2 * REACH + 1] =
    [0.00036, 0.00216, 0.0118, 0.1155, 0.1860, 0.1405, 0.0124, 0.0023, 0.00038];
const REST_AT_HALVES_EVERYWHERE: f64 = 7e-5;
/// Room for the rounding of the sums themselves.
const ROUNDING: f64 = 1.0 + 1e-9;

/// For the run of samples 2.. of `around`: the largest Bezier point at its samples, and the largest |d x|.
#[inline(always)]
pub(super) fn run(around: &[f64; RUN + 4]) -> (f64, f64) {
    // Filled in loops of one line and then halved: with the maxima taken along, the compiler shuffles more than it computes.
    let (mut hulls, mut highs) = ([0.0f64; RUN], [0.0f64; RUN]);
    let [a, b, c] = [&around[..RUN], &around[1..RUN + 1], &around[2..RUN + 2]];
    let [d, e] = [&around[3..RUN + 3], &around[4..]];
    for n in 0..RUN {
        hulls[n] = c[n].abs() + (d[n] - b[n]).abs() * (1.0 / 6.0);
    }
    for n in 0..RUN {
        highs[n] = (6.0 * c[n] - 4.0 * (b[n] + d[n]) + (a[n] + e[n])).abs();
    }
    (largest(&hulls) * ROUNDING, largest(&highs) * (ROUNDING / 16.0))
}

#[inline(always)]
fn largest(values: &[f64; RUN]) -> f64 {
    let larger = |a: f64, b: f64| if a > b { a } else { b };
    let (mut eight, mut four) = ([0.0f64; 8], [0.0f64; 4]);
    let [a, b, c, d] = [&values[..8], &values[8..16], &values[16..24], &values[24..]];
    for k in 0..8 {
        eight[k] = larger(larger(a[k], b[k]), larger(c[k], d[k]));
    }
    for k in 0..4 {
        four[k] = larger(eight[k], eight[k + 4]);
    }
    larger(larger(four[0], four[2]), larger(four[1], four[3]))
}

/// The Bezier points at one sample.
pub(super) fn hull(samples: &[f64], at: usize) -> f64 {
    (samples[at].abs() + (samples[at + 1] - samples[at - 1]).abs() * (1.0 / 6.0)) * ROUNDING
}

/// The Bezier points of the cubic from `b` to `c`.
pub(super) fn span(a: f64, b: f64, c: f64, d: f64) -> f64 {
    (b.abs() + (c - a).abs() / 6.0).max(c.abs() + (d - b).abs() / 6.0) * ROUNDING
}

/// What the wave can add to the cubic through the samples. `highs`: |d x| of the run and the four before and after it.
#[inline(always)]
pub(super) fn beyond_samples(highs: &[f64], largest_sample: f64) -> f64 {
    weighed(&REST, highs, REST_EVERYWHERE * largest_sample)
}

/// What it can add to the cubic through the samples and the wave half way between them.
#[inline(always)]
pub(super) fn beyond_halves(highs: &[f64], largest_sample: f64) -> f64 {
    weighed(&REST_AT_HALVES, highs, REST_AT_HALVES_EVERYWHERE * largest_sample)
}

#[inline(always)]
fn weighed(weights: &[f64; 2 * REACH + 1], highs: &[f64], everywhere: f64) -> f64 {
    weights.iter().zip(highs).fold(everywhere, |sum, (w, high)| sum + w * high) * ROUNDING
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::true_peak::{METER_HALF, METER_PHASES, meter_bank};

    /// Taps from 130 before a position to 129 after it: room for the kernel of either neighbour.
    const TAPS: usize = 260;
    const HERE: usize = 130;
    const FOURTH_DIFFERENCE: [f64; 5] = [1.0 / 16.0, -4.0 / 16.0, 6.0 / 16.0, -4.0 / 16.0, 1.0 / 16.0];

    /// The interpolator's taps at `phase` after the position `later` samples on.
    fn kernel(phase: usize, later: i64) -> Vec<f64> {
        let mut taps = vec![0.0; TAPS];
        let mut window = vec![0.0; 2 * METER_HALF];
        for j in 0..2 * METER_HALF {
            window[j] = 1.0;
            taps[(HERE + 1 + j - METER_HALF).wrapping_add_signed(later as isize)] =
                meter_bank().at(phase, &window);
            window[j] = 0.0;
        }
        taps
    }

    fn sample(later: usize) -> Vec<f64> {
        let mut taps = vec![0.0; TAPS];
        taps[HERE + later - 1] = 1.0;
        taps
    }

    /// h - c at a fraction `f` between the second and the third of four points.
    fn rest(phase: usize, points: &[Vec<f64>; 4], f: f64) -> Vec<f64> {
        let weights = [
            f * (f * (1.0 - 0.5 * f) - 0.5),
            1.0 + f * f * (1.5 * f - 2.5),
            f * (0.5 + f * (2.0 - 1.5 * f)),
            0.5 * f * f * (f - 1.0),
        ];
        let mut rest = kernel(phase, 0);
        for (point, weight) in points.iter().zip(weights) {
            rest.iter_mut().zip(point).for_each(|(r, p)| *r -= weight * p);
        }
        rest
    }

    fn differences(q: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; q.len() + 4];
        for (j, q) in q.iter().enumerate() {
            FOURTH_DIFFERENCE.iter().enumerate().for_each(|(k, d)| out[j + k] += d * q);
        }
        out
    }

    /// q with q * d near r and yet small: the least of |r - q * d|^2 + 1e-6 |q|^2, by conjugate gradients.
    fn divide(r: &[f64]) -> Vec<f64> {
        let back = |v: &[f64]| -> Vec<f64> {
            v.windows(5).map(|w| w.iter().zip(FOURTH_DIFFERENCE).map(|(v, d)| v * d).sum()).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut residual = back(r);
        let mut q = vec![0.0; residual.len()];
        let mut direction = residual.clone();
        let mut size = dot(&residual, &residual);
        for _ in 0..2000 {
            let mut image = back(&differences(&direction));
            image.iter_mut().zip(&direction).for_each(|(i, d)| *i += 1e-6 * d);
            let step = size / dot(&direction, &image).max(1e-300);
            q.iter_mut().zip(&direction).for_each(|(q, d)| *q += step * d);
            residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
            let now = dot(&residual, &residual);
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + now / size * *d);
            size = now;
            if size < 1e-26 {
                break;
            }
        }
        q
    }

    /// The sums of |q| over the runs around every position of a run, and of |e|.
    #[track_caller]
    fn stays_within(rest: &[f64], weights: &[f64; 2 * REACH + 1], everywhere: f64) {
        let q = divide(rest);
        let e: f64 = rest.iter().zip(differences(&q)).map(|(r, d)| (r - d).abs()).sum();
        for position in 0..RUN {
            let mut sums = [0.0; 2 * REACH + 1];
            let mut outside = e;
            for (j, q) in q.iter().enumerate() {
                // Difference j is centred on tap j + 2.
                let run = (position + j + 2 + 8 * RUN - HERE) / RUN;
                match sums.get_mut((run + REACH).wrapping_sub(8)) {
                    Some(sum) => *sum += q.abs(),
                    // No difference is larger than the largest sample.
                    None => outside += q.abs(),
                }
            }
            assert!(outside <= everywhere, "{outside} everywhere");
            for (sum, weight) in sums.iter().zip(weights) {
                assert!(sum <= weight, "{sums:?} at position {position}");
            }
        }
    }

    #[test]
    fn the_rest_of_every_phase_is_within_the_table() {
        let samples = [0, 1, 2, 3].map(sample);
        for phase in 1..METER_PHASES {
            let f = phase as f64 / METER_PHASES as f64;
            stays_within(&rest(phase, &samples, f), &REST, REST_EVERYWHERE);
        }
    }

    #[test]
    fn so_is_the_rest_beside_the_wave_at_half_samples() {
        let half = METER_PHASES / 2;
        let [_, here, next, _] = [0, 1, 2, 3].map(sample);
        let [before, middle, after] = [-1, 0, 1].map(|later| kernel(half, later));
        let first = [before, here.clone(), middle.clone(), next.clone()];
        let second = [here, middle, next, after];
        for phase in 1..half {
            let f = phase as f64 / half as f64;
            stays_within(&rest(phase, &first, f), &REST_AT_HALVES, REST_AT_HALVES_EVERYWHERE);
            stays_within(&rest(half + phase, &second, f), &REST_AT_HALVES, REST_AT_HALVES_EVERYWHERE);
        }
    }
}
