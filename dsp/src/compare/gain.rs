//! How much louder B is than A, as one number that a change in a part of the song does not move: most cells agree on it, and those that do not are left
//! out. Never here: what changed.

use super::{align::middle, sheet::Sheet};
use crate::math;

/// Cells this much under the mean of their band say nothing.
const QUIET: f64 = 1e-3;
/// Share of a cell that no gain explains at which its ratio is half as sure.
const UNSURE: f64 = 1e-3;
/// Steps of the histogram, dB, and how far it reaches.
const STEP_DB: f64 = 0.01;
const REACH_DB: f64 = 24.0;
/// Cells within this of the fullest place count as agreeing; this share of all must.
const NEAR_DB: f64 = 0.03;
const AGREEING: f64 = 0.15;
/// A difference smaller than this is none.
const NONE_DB: f64 = 0.002;

/// What A is to be multiplied by, with B's sign.
pub(super) fn matched_gain(sheet: &Sheet) -> f64 {
    let cells = ratios(sheet);
    if cells.is_empty() {
        return sheet.gain;
    }
    let factor = fullest(&cells).unwrap_or_else(|| middle_of(&cells));
    let gain = sheet.gain * factor;
    if math::decibels(gain.abs()).abs() < NONE_DB { gain.signum() } else { gain }
}

struct Ratio {
    /// B over what A was multiplied by so far, linear.
    factor: f64,
    db: f64,
    weight: f64,
}

fn ratios(sheet: &Sheet) -> Vec<Ratio> {
    let mut out = Vec::new();
    let cells = sheet.times.len();
    for plane in 0..sheet.planes {
        for band in 0..sheet.bands.len() {
            let level = |cell: usize| f64::from(sheet.stat(cell, plane, band).a);
            let mean = (0..cells).map(level).sum::<f64>() / cells.max(1) as f64;
            if mean < 1e-13 {
                continue;
            }
            for cell in 0..cells {
                let stat = sheet.stat(cell, plane, band);
                let a = f64::from(stat.a);
                let factor = 1.0 + f64::from(stat.cross_re) / (a * sheet.gain);
                if a < QUIET * mean || factor <= 0.06 {
                    continue;
                }
                // What no gain explains, a coder's noise say, makes the ratio of a cell unsure, and too small besides.
                let product = f64::from(stat.cross_re) * f64::from(stat.cross_re)
                    + f64::from(stat.cross_im) * f64::from(stat.cross_im);
                let alien = (f64::from(stat.rest) / a - product / (a * a)).max(0.0);
                // Every band weighs as much, the sides half: a bass alone must not decide.
                let weight = (a / mean).min(1.0) / (1 + plane) as f64 / (alien + UNSURE);
                out.push(Ratio { factor, db: math::decibels(factor), weight });
            }
        }
    }
    out
}

/// The place that most cells agree on, if enough do.
fn fullest(cells: &[Ratio]) -> Option<f64> {
    let bins = (2.0 * REACH_DB / STEP_DB) as usize;
    let mut histogram = vec![0.0; bins];
    for cell in cells.iter().filter(|c| c.db.abs() < REACH_DB) {
        histogram[(((cell.db + REACH_DB) / STEP_DB) as usize).min(bins - 1)] += cell.weight;
    }
    let all: f64 = cells.iter().map(|c| c.weight).sum();
    let near = |at: usize| histogram[at.saturating_sub(3)..(at + 4).min(bins)].iter().sum::<f64>();
    let best = (0..bins).max_by(|x, y| near(*x).total_cmp(&near(*y)))?;
    if near(best) < AGREEING * all {
        return None;
    }
    let mut db = (best as f64 + 0.5) * STEP_DB - REACH_DB;
    let mut factor = math::linear(db);
    // Ever closer around the mean of those that agree.
    for reach in [NEAR_DB, 0.5 * NEAR_DB, 0.2 * NEAR_DB] {
        let agreeing = cells.iter().filter(|c| (c.db - db).abs() <= reach);
        let (sum, weight) = agreeing.fold((0.0, 0.0), |(s, w), c| (s + c.weight * c.factor, w + c.weight));
        if weight > 0.0 {
            factor = sum / weight;
            db = math::decibels(factor);
        }
    }
    Some(factor)
}

fn middle_of(cells: &[Ratio]) -> f64 {
    let heavy: f64 = middle(cells.iter().map(|c| c.weight).collect());
    middle(cells.iter().filter(|c| c.weight >= heavy).map(|c| c.factor).collect())
}
