//! Figures out of the books: how much of one blend stands in another, how well a sum nulls, how loud a ride really is. All of it is least squares over
//! cells of time and band, each weighted by how quiet the rest is there: where the band rests, the voice is seen clearly.
//! Never here: verdicts, words, names of alternates.

use super::ledger::{Blend, Cell, Grid, Ledger};
use crate::math;

/// Of the noise that 16 bits with dither leave, so that emptiness counts as little as it should: mean square in each channel.
const FLOOR_MEAN_SQUARE: f64 = 1e-11;
/// A rest that is this far under what is looked for (power) counts as no less: nothing is asked of figures beyond 60 dB.
const REST_FLOOR: f64 = 1e-6;
/// Two blends whose coherence (squared) is over this are one sound in a cell.
const ONE_SOUND: f64 = 0.9;
/// Rounds of weighting by the rest that the round before left.
const ROUNDS: usize = 3;
/// Parts of the song that must agree with one another.
pub const PARTS: usize = 8;

/// How much of X stands in Y: Y = share x X + what has nothing to do with X.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trace {
    pub share: f64,
    /// Standard error of it, were the rest noise.
    pub error: f64,
    /// Share of the song's parts (those with X in them) where it is at least half as great, with the same sign.
    pub steady: f64,
}

impl Trace {
    /// Beyond doubt more than nothing.
    pub fn sure(&self) -> bool {
        self.share.abs() > 6.0 * self.error && self.steady >= 0.7
    }
}

pub struct Books<'a> {
    pub ledger: &'a Ledger,
}

impl Books<'_> {
    /// `None` where X is silent wherever both can be heard.
    pub fn trace(&self, y: &Blend, x: &Blend) -> Option<Trace> {
        self.trace_in(self.ledger.coarse.view([y, x]))
    }

    /// How much of what was taken away (`gone`) is still in what was kept: as [`Books::trace`], without the cells in which the two are one sound. There
    /// nothing was taken away, only the level differs by a hair, and whatever stands there would seem to be left in.
    pub fn left_in(&self, kept: &Blend, gone: &Blend) -> Option<Trace> {
        let mut cells = self.ledger.coarse.view([kept, gone]);
        cells.retain(|c| c.inner[0][1] * c.inner[0][1] < ONE_SOUND * c.inner[0][0] * c.inner[1][1]);
        self.trace_in(cells)
    }

    fn trace_in(&self, cells: Vec<Cell<2>>) -> Option<Trace> {
        let grid = &self.ledger.coarse;
        let floors = self.floors(grid);
        let loud: f64 = cells.iter().map(|c| c.inner[1][1]).sum();
        let heard: Vec<&Cell<2>> = cells.iter().filter(|c| c.inner[1][1] > 4.0 * floors[c.band]).collect();
        if loud <= 0.0 || heard.is_empty() {
            return None;
        }
        let mut share = 0.0;
        for _ in 0..ROUNDS {
            let (over, under) = heard.iter().fold((0.0, 0.0), |(over, under), c| {
                let w = 1.0 / rest_of(c, share, floors[c.band]);
                (over + w * c.inner[0][1], under + w * c.inner[1][1])
            });
            share = over / under;
        }
        let weight = |c: &Cell<2>| 1.0 / rest_of(c, share, floors[c.band]);
        let mut under = 0.0;
        let mut spread = 0.0;
        let times = grid.times().max(1);
        let mut parts = [(0.0, 0.0); PARTS];
        for c in &heard {
            let w = weight(c);
            under += w * c.inner[1][1];
            let off = w * (c.inner[0][1] - share * c.inner[1][1]);
            spread += off * off;
            let part = &mut parts[c.time * PARTS / times];
            part.0 += w * c.inner[0][1];
            part.1 += w * c.inner[1][1];
        }
        let told: Vec<f64> = parts.iter().filter(|p| p.1 > 0.01 * under).map(|p| p.0 / p.1).collect();
        let agreeing = told.iter().filter(|s| **s * share.signum() >= 0.5 * share.abs()).count();
        Some(Trace {
            share,
            error: spread.sqrt() / under,
            steady: agreeing as f64 / told.len().max(1) as f64,
        })
    }

    /// Energy of `rest` against that of `whole`, dB, in all and by band of the coarse grid. Both silent is minus infinity.
    pub fn null(&self, rest: &Blend, whole: &Blend) -> Null {
        let cells = self.ledger.coarse.view([rest, whole]);
        let mut bands = vec![(0.0, 0.0); self.ledger.coarse.bands];
        for c in &cells {
            bands[c.band].0 += c.inner[0][0].max(0.0);
            bands[c.band].1 += c.inner[1][1];
        }
        let sum = |pick: fn(&(f64, f64)) -> f64| bands.iter().map(pick).sum::<f64>();
        let (rest, whole) = (sum(|b| b.0), sum(|b| b.1));
        Null { db: ratio_db(rest, whole), heard: whole > 0.0, bands, rest }
    }

    /// The energies that count as silence, for each band of a cell.
    pub fn floors(&self, grid: &Grid) -> Vec<f64> {
        (0..grid.bands).map(|band| self.ledger.noise_energy(grid, band, FLOOR_MEAN_SQUARE)).collect()
    }
}

fn rest_of(c: &Cell<2>, share: f64, floor: f64) -> f64 {
    let rest = c.inner[0][0] - 2.0 * share * c.inner[0][1] + share * share * c.inner[1][1];
    rest.max(0.0) + REST_FLOOR * c.inner[1][1] + floor
}

/// What a sum leaves.
#[derive(Clone, Debug)]
pub struct Null {
    pub db: f64,
    pub heard: bool,
    /// For each band: energy of the rest, of the whole.
    pub bands: Vec<(f64, f64)>,
    pub rest: f64,
}

pub fn ratio_db(rest: f64, whole: f64) -> f64 {
    if whole > 0.0 { math::decibels_of_power((rest / whole).max(1e-30)) } else { f64::NEG_INFINITY }
}

/// X = own x M + ride x V in one cell, by least squares. `None` where M and V are nearly one there, or one of them is silent.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub own: f64,
    pub ride: f64,
    /// Energy of X that neither explains.
    pub rest: f64,
    /// How much V says here: its energy that M does not explain.
    pub weight: f64,
}

/// Cells of three blends: X, M, V.
pub fn fit(c: &Cell<3>) -> Option<Fit> {
    let [[xx, xm, xv], [_, mm, mv], [_, _, vv]] = c.inner;
    let apart = mm * vv - mv * mv;
    if !(apart > 1e-3 * mm * vv) {
        return None;
    }
    let own = (xm * vv - xv * mv) / apart;
    let ride = (xv * mm - xm * mv) / apart;
    Some(Fit { own, ride, rest: (xx - own * xm - ride * xv).max(0.0), weight: apart / mm })
}

/// The value under which half of the weight lies.
pub fn weighted_median(pairs: &mut [(f64, f64)]) -> Option<f64> {
    weighted_quantile(pairs, 0.5)
}

pub fn weighted_quantile(pairs: &mut [(f64, f64)], at: f64) -> Option<f64> {
    let whole: f64 = pairs.iter().map(|p| p.1).sum();
    if !(whole > 0.0) {
        return None;
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut under = 0.0;
    for (value, weight) in pairs.iter() {
        under += weight;
        if under >= at * whole {
            return Some(*value);
        }
    }
    pairs.last().map(|p| p.0)
}
