//! Sums over a whole stream: eight partial sums, frame n in sum n mod 8, so that they vectorise and yet never depend on where a block ends. Never
//! here: what the sums mean.

use crate::lanes;

const LANES: usize = 8;
/// A sample beyond this (+600 dBFS) is an accident; like one that is no number, it counts as silence.
pub(super) const MAX_SAMPLE: f64 = 1e30;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes([f64; LANES]);

impl Lanes {
    pub(super) fn total(&self) -> f64 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    }

    /// Adds l * r of each frame, of which the first is `first_frame` of the stream.
    pub(super) fn add_products(&mut self, first_frame: u64, left: &[f64], right: &[f64]) {
        let n = left.len().min(right.len());
        let (left, right) = (&left[..n], &right[..n]);
        let head = until_aligned(first_frame).min(n);
        for (k, (l, r)) in left[..head].iter().zip(right).enumerate() {
            self.0[lane(first_frame, k)] += l * r;
        }
        let (left, right) = (left[head..].chunks_exact(LANES), right[head..].chunks_exact(LANES));
        let tail = (left.remainder(), right.remainder());
        let sums = &mut self.0;
        lanes::wide(
            #[inline(always)]
            || {
                let mut s = *sums;
                for (l, r) in left.zip(right) {
                    for k in 0..LANES {
                        s[k] += l[k] * r[k];
                    }
                }
                *sums = s;
            },
        );
        for (k, (l, r)) in tail.0.iter().zip(tail.1).enumerate() {
            self.0[k] += l * r;
        }
    }
}

/// Adds the samples to `sum` and their squares to `energy`, and gives the largest magnitude.
pub(super) fn add(sum: &mut Lanes, energy: &mut Lanes, first_frame: u64, samples: &[f64]) -> f64 {
    let larger = |m: f64, s: f64| if s > m { s } else { m };
    let (head, rest) = samples.split_at(until_aligned(first_frame).min(samples.len()));
    let mut peak = 0.0;
    for (k, s) in head.iter().enumerate() {
        sum.0[lane(first_frame, k)] += s;
        energy.0[lane(first_frame, k)] += s * s;
        peak = larger(peak, s.abs());
    }
    let chunks = rest.chunks_exact(LANES);
    let tail = chunks.remainder();
    let (sums, energies) = (&mut sum.0, &mut energy.0);
    let peaks = lanes::wide(
        #[inline(always)]
        || {
            let (mut s, mut e, mut peaks) = (*sums, *energies, [0.0; LANES]);
            for x in chunks {
                for k in 0..LANES {
                    s[k] += x[k];
                    e[k] += x[k] * x[k];
                    peaks[k] = larger(peaks[k], x[k].abs());
                }
            }
            (*sums, *energies) = (s, e);
            peaks
        },
    );
    for (k, s) in tail.iter().enumerate() {
        sum.0[k] += s;
        energy.0[k] += s * s;
        peak = larger(peak, s.abs());
    }
    peaks.into_iter().fold(peak, larger)
}

/// With silence for what does not count.
pub(super) fn sane(samples: &[f64]) -> Vec<f64> {
    samples.iter().map(|s| if s.abs() <= MAX_SAMPLE { *s } else { 0.0 }).collect()
}

/// Frames before the next one that stands in the first lane.
fn until_aligned(first_frame: u64) -> usize {
    ((LANES as u64 - first_frame % LANES as u64) % LANES as u64) as usize
}

fn lane(first_frame: u64, k: usize) -> usize {
    ((first_frame + k as u64) % LANES as u64) as usize
}
