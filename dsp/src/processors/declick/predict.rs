//! Samples that are lost, from those around them: an all-pole predictor is fitted to what is good on both sides, and the lost ones are those that leave
//! the least that cannot be foretold (A. Janssen, R. Veldhuis, L. Vries, "Adaptive interpolation of discrete-time signals that can be modeled as
//! autoregressive processes", IEEE Trans. ASSP 34(2), 1986; S. Godsill, P. Rayner, "Digital Audio Restoration", 1998, section 5.2). For a given
//! predictor the lost samples are linear in the good ones. The predictor is that of the windowed correlation: on gaps cut into music it was some 9 dB
//! nearer than Burg's, which draws the peaks of a spectrum too sharp. Never here: where samples are lost.

use std::f64::consts::FRAC_PI_2;

use crate::{lanes, math};

/// Sums run in so many lanes, whatever the registers are.
const LANES: usize = 8;
/// This share of what is listened to, next to the gap, is faded; the rest falls away with the distance.
const RISE_SHARE: usize = 8;
/// Added to the power that is fitted, -90 dB, and to the matrix that is solved: pure tones would make both singular.
const FLOOR_FITTED: f64 = 1e-9;
const FLOOR_SOLVED: f64 = 1e-11;

/// The predictor, without its leading 1, of what stands before and after a gap; of silence it is empty. A louder side counts more, but by its root
/// only: where a drum begins after the gap, the gap is still like what was before.
pub(super) fn fit(before: &[f64], after: &[f64], order: usize) -> Vec<f64> {
    let mut correlation = vec![0.0; order + 1];
    for (sound, rises) in [(before, true), (after, false)] {
        let n = sound.len();
        let edge = (n / RISE_SHARE).max(1);
        let weight = |away: usize| {
            let turn = |at: usize, of: usize| FRAC_PI_2 * (at as f64 + 0.5) / of as f64;
            if away < edge { math::sin(turn(away, edge)) } else { math::cos(turn(away - edge, n - edge)) }
        };
        let weighted: Vec<f64> = (0..n)
            .map(|i| {
                let w = weight(if rises { n - 1 - i } else { i });
                w * w * sound[i]
            })
            .collect();
        let root = dot(&weighted, &weighted).sqrt();
        if root > 0.0 {
            for (k, sum) in correlation.iter_mut().enumerate().take(n) {
                *sum += dot(&weighted[..n - k], &weighted[k..]) / root;
            }
        }
    }
    if correlation[0] <= 0.0 {
        return Vec::new();
    }
    correlation[0] *= 1.0 + FLOOR_FITTED;
    let right: Vec<f64> = correlation[1..].iter().map(|v| -v).collect();
    solve(&correlation[..order], &right)
}

/// Draws `samples[lost]` anew from the others. What lies further away than the predictor reaches, or outside, counts as silence.
pub(super) fn interpolate(samples: &mut [f64], lost: std::ops::Range<usize>, predictor: &[f64]) {
    let (m, p) = (lost.len(), predictor.len());
    // The equations' matrix: the predictor's own correlation, constant along its diagonals.
    let whole: Vec<f64> = std::iter::once(1.0).chain(predictor.iter().copied()).collect();
    let mut b: Vec<f64> = (0..=p).map(|k| dot(&whole[..=p - k], &whole[k..])).collect();
    b[0] *= 1.0 + FLOOR_SOLVED;
    let reach = |i: usize| i.saturating_sub(p)..(i + p + 1).min(samples.len());
    let right: Vec<f64> = lost
        .clone()
        .map(|i| {
            let good = reach(i).filter(|t| !lost.contains(t));
            -good.fold(0.0, |sum, t| sum + b[t.abs_diff(i)] * samples[t])
        })
        .collect();
    b.resize(m.max(p + 1), 0.0);
    samples[lost].copy_from_slice(&solve(&b[..m], &right));
}

/// Levinson's recursion (G. Golub, C. Van Loan, "Matrix Computations", section 4.7.3): x of `T x = y` for the symmetric matrix with `t` as its first
/// row, positive definite.
fn solve(t: &[f64], y: &[f64]) -> Vec<f64> {
    let Some(unit) = t.first() else { return Vec::new() };
    let [t, y]: [Vec<f64>; 2] = [t, y].map(|row| row.iter().map(|v| v / unit).collect());
    let mut x = vec![y[0]];
    let mut z: Vec<f64> = Vec::new();
    let mut left = 1.0;
    for k in 1..y.len() {
        // z solves for the right side -(t1 .. tk), which the next step needs.
        let reach: f64 = z.iter().rev().zip(&t[1..]).map(|(z, t)| z * t).sum();
        let reflection = -(t[k] + reach) / left;
        let mirrored: Vec<f64> = z.iter().rev().map(|v| reflection * v).collect();
        z.iter_mut().zip(mirrored).for_each(|(z, m)| *z += m);
        z.push(reflection);
        left *= 1.0 - reflection * reflection;
        let reach: f64 = x.iter().rev().zip(&t[1..]).map(|(x, t)| x * t).sum();
        let last = (y[k] - reach) / left;
        x.iter_mut().zip(z.iter().rev()).for_each(|(x, z)| *x += last * z);
        x.push(last);
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    lanes::wide(
        #[inline(always)]
        || {
            let n = a.len().min(b.len());
            let ((wide_a, rest_a), (wide_b, rest_b)) =
                (a[..n].as_chunks::<LANES>(), b[..n].as_chunks::<LANES>());
            let mut sums = [0.0; LANES];
            for (a, b) in wide_a.iter().zip(wide_b) {
                for k in 0..LANES {
                    sums[k] += a[k] * b[k];
                }
            }
            for (k, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
                sums[k] += a * b;
            }
            ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform noise between -1 and 1.
    fn noise(count: usize, mut seed: u64) -> Vec<f64> {
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn the_predictor_of_a_known_process_is_found_from_two_stretches() {
        let due = [-1.6, 0.9, -0.1];
        let mut x = noise(40_000, 5);
        for n in 3..x.len() {
            x[n] -= (1..=3).map(|k| due[k - 1] * x[n - k]).sum::<f64>();
        }
        for [before, after] in [[&x[100..20_000], &x[20_500..]], [&[][..], &x[..]]] {
            let found = fit(before, after, 3);
            assert!(found.iter().zip(due).all(|(f, d)| (f - d).abs() < 0.02), "{found:?}");
        }
        assert!(fit(&[0.0; 50], &[0.0; 50], 8).is_empty());
    }

    #[test]
    fn what_is_drawn_leaves_the_least_that_cannot_be_foretold() {
        // The least squares by their definition: one row for each error that the lost samples touch, solved by elimination.
        let mut x = noise(120, 9);
        let a = [-1.2, 0.8, -0.3, 0.1];
        for n in 4..x.len() {
            x[n] -= (1..=4).map(|k| a[k - 1] * x[n - k]).sum::<f64>();
        }
        let lost = 50..62;
        let (m, mut drawn) = (lost.len(), x.clone());
        interpolate(&mut drawn, lost.clone(), &a);
        let weight = |k: usize| if k == 0 { 1.0 } else { a[k - 1] };
        let mut rows = vec![vec![0.0; m + 1]; m];
        for e in lost.start..lost.end + 4 {
            let column = |i: usize| {
                if (e - 4..=e).contains(&(lost.start + i)) { weight(e - lost.start - i) } else { 0.0 }
            };
            let known: f64 = (e - 4..=e).filter(|n| !lost.contains(n)).map(|n| weight(e - n) * x[n]).sum();
            for (i, row) in rows.iter_mut().enumerate() {
                (0..m).for_each(|j| row[j] += column(i) * column(j));
                row[m] -= column(i) * known;
            }
        }
        for i in 0..m {
            for j in i + 1..m {
                let by = rows[j][i] / rows[i][i];
                (i..=m).for_each(|k| rows[j][k] -= by * rows[i][k]);
            }
        }
        for i in (0..m).rev() {
            let known: f64 = (i + 1..m).map(|j| rows[i][j] * rows[j][m]).sum();
            rows[i][m] = (rows[i][m] - known) / rows[i][i];
        }
        for (i, n) in lost.clone().enumerate() {
            assert!((drawn[n] - rows[i][m]).abs() < 1e-9, "{} for {}", drawn[n], rows[i][m]);
        }
        assert!(drawn[..50] == x[..50] && drawn[62..] == x[62..]);
    }
}
