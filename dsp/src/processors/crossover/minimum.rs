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
        MinimumBank { edges: edges.iter().map(edge).collect(), pairs: vec![Held::default(); pairs] }
    }

    pub fn reset(&mut self) {
        self.pairs.fill(Held::default());
    }

    /// Splits a stretch of pair `pair`. `bands` has one plane more than there are edges; the bands are written to their last frames.
    pub fn split(&mut self, pair: usize, sound: [&[f64]; 2], bands: &mut [Vec<Pair>]) {
        let held = &mut self.pairs[pair].split;
        match (self.edges.as_slice(), bands) {
            ([a], [p, q]) => split([*a], held, sound, [p, q]),
            ([a, b], [p, q, r]) => split([*a, *b], held, sound, [p, q, r]),
            ([a, b, c], [p, q, r, s]) => split([*a, *b, *c], held, sound, [p, q, r, s]),
            ([a, b, c, d], [p, q, r, s, t]) => split([*a, *b, *c, *d], held, sound, [p, q, r, s, t]),
            ([a, b, c, d, e], [p, q, r, s, t, u]) => {
                split([*a, *b, *c, *d, *e], held, sound, [p, q, r, s, t, u])
            }
            // `check` lets no other number pass.
            _ => {}
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
        let held = &mut self.pairs[pair].join;
        match self.edges.as_slice() {
            [_] => join([], held, bands.first_chunk::<2>(), lines, group, out),
            [_, b] => join([*b], held, bands.first_chunk::<3>(), lines, group, out),
            [_, b, c] => join([*b, *c], held, bands.first_chunk::<4>(), lines, group, out),
            [_, b, c, d] => join([*b, *c, *d], held, bands.first_chunk::<5>(), lines, group, out),
            [_, b, c, d, e] => join([*b, *c, *d, *e], held, bands.first_chunk::<6>(), lines, group, out),
            _ => {}
        }
    }
}

fn settle<'a>(held: impl Iterator<Item = &'a mut [Pair; 2]>) {
    held.flatten().flatten().filter(|x| x.abs() < SETTLED).for_each(|x| *x = 0.0);
}

fn split<const E: usize, const B: usize>(
    edges: [Edge; E],
    held: &mut [[[Pair; 2]; 2]; EDGES_MOST],
    sound: [&[f64]; 2],
    bands: [&mut Vec<Pair>; B],
) {
    let mut past: [[[Pair; 2]; 2]; E] = std::array::from_fn(|e| held[e]);
    let n = sound[0].len().min(sound[1].len());
    let bands = bands.map(|band| {
        let before = band.len() - n;
        &mut band[before..]
    });
    lanes::wide_with(walk_split, (edges, &mut past, sound.map(|s| &s[..n]), bands));
    settle(past.iter_mut().flatten());
    held[..E].copy_from_slice(&past);
}

type SplitWork<'a, const E: usize, const B: usize> =
    ([Edge; E], &'a mut [[[Pair; 2]; 2]; E], [&'a [f64]; 2], [&'a mut [Pair]; B]);

#[inline(always)]
fn walk_split<const E: usize, const B: usize>((edges, held, sound, bands): SplitWork<'_, E, B>) {
    let n = sound[0].len();
    let sound = sound.map(|s| &s[..n]);
    let bands = bands.map(|b| &mut b[..n]);
    let mut past = *held;
    for i in 0..n {
        let mut rest: Pair = [sound[0][i], sound[1][i]];
        for e in 0..E {
            let Edge { a, low: factor } = edges[e];
            let [[w1, w2], [u1, u2]] = past[e];
            let mut next = [[0.0; 2]; 4];
            let [w, u, low, high] = &mut next;
            for l in 0..2 {
                w[l] = (rest[l] - a[1] * w2[l]) - a[0] * w1[l];
                let once = ((w[l] + w2[l]) + 2.0 * w1[l]) * factor;
                u[l] = (once - a[1] * u2[l]) - a[0] * u1[l];
                low[l] = ((u[l] + u2[l]) + 2.0 * u1[l]) * factor;
                high[l] = ((a[1] * w[l] + a[0] * w1[l]) + w2[l]) - low[l];
            }
            past[e] = [[*w, w1], [*u, u1]];
            bands[e][i] = *low;
            rest = *high;
        }
        bands[E][i] = rest;
    }
    *held = past;
}

fn join<const A: usize, const B: usize>(
    edges: [Edge; A],
    held: &mut [[Pair; 2]; EDGES_MOST],
    bands: Option<&[Vec<Pair>; B]>,
    lines: &[Vec<Line>],
    group: usize,
    out: [&mut [f64]; 2],
) {
    let (Some(bands), Some(lines)) = (bands, lines.first_chunk::<B>()) else { return };
    let bands = bands.each_ref().map(Vec::as_slice);
    let lines = lines.each_ref().map(Vec::as_slice);
    let mut past: [[Pair; 2]; A] = std::array::from_fn(|e| held[e]);
    lanes::wide_with(walk_join, (edges, &mut past, bands, lines, group, out));
    settle(past.iter_mut());
    held[..A].copy_from_slice(&past);
}

type JoinWork<'a, const A: usize, const B: usize> =
    ([Edge; A], &'a mut [[Pair; 2]; A], [&'a [Pair]; B], [&'a [Line]; B], usize, [&'a mut [f64]; 2]);

#[inline(always)]
fn walk_join<const A: usize, const B: usize>((edges, held, bands, lines, group, out): JoinWork<'_, A, B>) {
    let [left, right] = out;
    let mut past = *held;
    let places = &PLACES[..group];
    for (k, (left, right)) in left.chunks_exact_mut(group).zip(right.chunks_exact_mut(group)).enumerate() {
        let lines: [Line; B] = std::array::from_fn(|b| lines[b][k]);
        let bands: [&[Pair]; B] = std::array::from_fn(|b| &bands[b][k * group..][..group]);
        for i in 0..group {
            let part = |b: usize| -> Pair {
                let Line { from, step } = lines[b];
                std::array::from_fn(|l| bands[b][i][l] * (from[l] + step[l] * places[i]))
            };
            let mut sum = part(0);
            for e in 0..A {
                let a = edges[e].a;
                let [w1, w2] = past[e];
                let add = part(e + 1);
                let mut w = [0.0; 2];
                for l in 0..2 {
                    w[l] = (sum[l] - a[1] * w2[l]) - a[0] * w1[l];
                    sum[l] = ((a[1] * w[l] + a[0] * w1[l]) + w2[l]) + add[l];
                }
                past[e] = [w, w1];
            }
            let last = part(B - 1);
            left[i] = sum[0] + last[0];
            right[i] = sum[1] + last[1];
        }
    }
    *held = past;
}
