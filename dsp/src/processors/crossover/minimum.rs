//! The Linkwitz-Riley bank (S. Linkwitz, "Active Crossover Networks for Noncoincident Drivers", JAES 24(1), 1976; fourth order). Low and high of an edge add
//! up to the all-pass of one of their Butterworth sections, so the high is had as the all-pass less the low, and both share one recursion. Bands
//! below an edge get that edge's all-pass when they are put together, where it costs one section for all of them (after the idea of D'Appolito's
//! compensated networks): whatever the number of bands, equal gains give an all-pass, flat to rounding. Never here: blocks, levels.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{BANDS_MOST, EdgeHz, Line, PLACES, Pair};
use crate::{lanes, processors::biquad::Coefficients};

const EDGES_MOST: usize = BANDS_MOST - 1;
/// A tail that has died away is set to zero at the end of each stretch. -600 dBFS.
const SETTLED: f64 = 1e-30;

#[derive(Clone)]
pub(crate) struct MinimumBank {
    edges: Vec<Edge>,
    /// One for each pair of channels.
    pairs: Vec<Held>,
    sum: Vec<Pair>,
}

/// The denominator of the Butterworth section, and the factor of its low pass.
#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    a: [f64; 2],
    low: f64,
}

/// What the recursions remember, newer first.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Of each edge: the common section, then the second one of the low.
    split: [[[Pair; 2]; 2]; EDGES_MOST],
    /// Of each edge's all-pass behind the split.
    join: [[Pair; 2]; EDGES_MOST],
}

impl MinimumBank {
    pub fn new(edges: &[EdgeHz], sample_rate: u32, pairs: usize) -> Self {
        let edge = |hz: &EdgeHz| {
            let low = Coefficients::high_cut(sample_rate, hz.get(), FRAC_1_SQRT_2);
            Edge { a: low.a, low: low.b[0] }
        };
        MinimumBank {
            edges: edges.iter().map(edge).collect(),
            pairs: vec![Held::default(); pairs],
            sum: Vec::new(),
        }
    }

    pub fn reset(&mut self) {
        self.pairs.fill(Held::default());
    }

    /// Splits a stretch of pair `pair`. `bands` has one plane more than there are edges; the bands are written to their last frames.
    pub fn split(&mut self, pair: usize, sound: [&[f64]; 2], bands: &mut [Vec<Pair>]) {
        let Some((rest, lows)) = bands.split_last_mut() else { return };
        let before = rest.len() - sound[0].len().min(rest.len());
        let rest = &mut rest[before..];
        lanes::wide(
            #[inline(always)]
            || {
                for (both, (l, r)) in rest.iter_mut().zip(sound[0].iter().zip(sound[1])) {
                    *both = [*l, *r];
                }
            },
        );
        // An edge at a time: its memory fits the registers, what goes from edge to edge the first cache.
        for ((edge, held), low) in self.edges.iter().zip(&mut self.pairs[pair].split).zip(lows) {
            let low = &mut low[before..];
            lanes::wide(
                #[inline(always)]
                || part(*edge, held, rest, low),
            );
            settle(held.as_flattened_mut());
        }
    }

    /// Puts the first frames of the bands together again, each band times its line: as many frames as `out` has, whole groups.
    pub fn join(
        &mut self,
        pair: usize,
        bands: &[Vec<Pair>],
        lines: &[Vec<Line>],
        group: usize,
        out: [&mut [f64]; 2],
    ) {
        let Self { edges, pairs, sum } = self;
        let frames = out[0].len();
        sum.clear();
        sum.resize(frames, [0.0; 2]);
        let last = bands.len().min(lines.len()).saturating_sub(1);
        for (b, (band, lines)) in bands.iter().zip(lines).enumerate() {
            // What lies below gets the all-pass of the edge over it; the lowest edge has nothing below it, the last band no edge over it.
            let turn = (0 < b && b < last).then(|| (edges[b], &mut pairs[pair].join[b]));
            lanes::wide(
                #[inline(always)]
                || match turn {
                    Some((Edge { a, .. }, held)) => {
                        // Copies, which stay in registers.
                        let [mut w1, mut w2] = *held;
                        add(band, lines, group, sum, |x| {
                            let w: Pair = std::array::from_fn(|l| (x[l] - a[1] * w2[l]) - a[0] * w1[l]);
                            let turned = std::array::from_fn(|l| (a[1] * w[l] + a[0] * w1[l]) + w2[l]);
                            (w1, w2) = (w, w1);
                            turned
                        });
                        *held = [w1, w2];
                        settle(held);
                    }
                    None => add(band, lines, group, sum, |x| x),
                },
            );
        }
        let [left, right] = out;
        lanes::wide(
            #[inline(always)]
            || {
                for (both, (l, r)) in sum.iter().zip(left.iter_mut().zip(right)) {
                    [*l, *r] = *both;
                }
            },
        );
    }
}

fn settle(held: &mut [Pair]) {
    held.as_flattened_mut().iter_mut().filter(|x| x.abs() < SETTLED).for_each(|x| *x = 0.0);
}

/// What is under the edge goes to `low`, what is over it stays in `rest`.
#[inline(always)]
fn part(edge: Edge, held: &mut [[Pair; 2]; 2], rest: &mut [Pair], low: &mut [Pair]) {
    let Edge { a, low: factor } = edge;
    let [[mut w1, mut w2], [mut u1, mut u2]] = *held;
    for (rest, low) in rest.iter_mut().zip(low) {
        let (mut w, mut u, mut under, mut over) = ([0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2]);
        for l in 0..2 {
            w[l] = (rest[l] - a[1] * w2[l]) - a[0] * w1[l];
            let once = ((w[l] + w2[l]) + 2.0 * w1[l]) * factor;
            u[l] = (once - a[1] * u2[l]) - a[0] * u1[l];
            under[l] = ((u[l] + u2[l]) + 2.0 * u1[l]) * factor;
            over[l] = ((a[1] * w[l] + a[0] * w1[l]) + w2[l]) - under[l];
        }
        (w2, w1, u2, u1) = (w1, w, u1, u);
        (*low, *rest) = (under, over);
    }
    *held = [[w1, w2], [u1, u2]];
}

/// The sum of the bands below, behind `turn`, and one more band.
#[inline(always)]
fn add(band: &[Pair], lines: &[Line], group: usize, sum: &mut [Pair], mut turn: impl FnMut(Pair) -> Pair) {
    let stretches = sum.chunks_exact_mut(group).zip(band.chunks_exact(group)).zip(lines);
    for ((sum, band), Line { from, step }) in stretches {
        for ((sum, x), place) in sum.iter_mut().zip(band).zip(&PLACES) {
            let below = turn(*sum);
            *sum = std::array::from_fn(|l| below[l] + x[l] * (from[l] + step[l] * place));
        }
    }
}
