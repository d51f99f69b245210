//! Which cells stand out of what holds for the whole song, and the ranges of time and frequency they make. Never here: what a range means.

use super::ground::{Cell, Ground, quantile};
use crate::math;

/// A cell stands out by so much over what is expected, and by so many of its standard deviations.
const LEAST_DB: f64 = 8.0;
const DEVIATIONS: f64 = 5.0;
/// A level that stays away for this long counts too, where the noise of a single cell would hide it.
const SMOOTH_S: f64 = 1.0;
const LEAST_SMOOTH: f64 = 0.012;
/// Above this only a clean copy is looked at.
const ROUGH_TOP_HZ: f64 = 10_000.0;
/// Pauses shorter than this do not end a range, and shorter ranges are none where a single cell is noise.
const PAUSE_S: f64 = 1.0;
/// Bands whose ranges share so much of their time are one change.
const TOGETHER: f64 = 0.35;

/// Cells of `from..until`, bands of `low..=high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub from: usize,
    pub until: usize,
    pub low: usize,
    pub high: usize,
}

pub(super) struct Mask {
    bands: usize,
    /// Cell by cell, band by band.
    set: Vec<bool>,
}

impl Mask {
    pub(super) fn get(&self, t: usize, band: usize) -> bool {
        self.set[t * self.bands + band]
    }

    pub(super) fn clear_cell(&mut self, t: usize) {
        self.set[t * self.bands..(t + 1) * self.bands].fill(false);
    }

    pub(super) fn of(ground: &Ground<'_>) -> Mask {
        let (cells, bands) = (ground.sheet.times.len(), ground.sheet.bands.len());
        let mut mask = Mask { bands, set: vec![false; cells * bands] };
        // What a coder does to the highs tells nothing of the music.
        let tells = |band: &usize| !ground.rough || ground.sheet.bands[*band].0 < ROUGH_TOP_HZ;
        for plane in 0..ground.sheet.planes {
            for band in (0..bands).filter(tells) {
                let column: Vec<Cell> = (0..cells).map(|t| ground.cell(t, plane, band)).collect();
                mask.single(ground, &column, plane, band);
                mask.lasting(ground, &column, ground.band(plane, band).h, band);
            }
        }
        for t in (0..cells).filter(|t| ground.sheet.beside[*t]) {
            mask.clear_cell(t);
        }
        mask.without_lone(cells);
        mask
    }

    /// Cells with more left than is expected.
    fn single(&mut self, ground: &Ground<'_>, column: &[Cell], plane: usize, band: usize) {
        let spread = ground.band(plane, band).spread_db;
        let bar = math::pow(10.0, 0.1 * LEAST_DB.max(DEVIATIONS * spread));
        for (t, cell) in column.iter().enumerate() {
            if cell.q > bar * ground.expected(cell, plane, band) {
                self.set[t * self.bands + band] = true;
            }
        }
    }

    /// Cells in a stretch whose level stays away from where it is otherwise.
    fn lasting(&mut self, ground: &Ground<'_>, column: &[Cell], h: (f64, f64), band: usize) {
        let half = ((0.5 * SMOOTH_S / ground.sheet.step_s) as usize).max(1);
        let mean = column.iter().map(|c| c.e).sum::<f64>() / column.len().max(1) as f64;
        let (mut e, mut re) = (vec![0.0], vec![0.0]);
        for cell in column {
            e.push(e[e.len() - 1] + cell.e);
            re.push(re[re.len() - 1] + cell.re);
        }
        let smooth: Vec<f64> = (0..column.len())
            .map(|t| {
                let (from, until) = (t.saturating_sub(half), (t + half + 1).min(column.len()));
                let energy = e[until] - e[from];
                let heard = energy > 0.01 * mean * (until - from) as f64 && energy > 1e-13;
                if heard { (re[until] - re[from]) / energy } else { 0.0 }
            })
            .collect();
        // 30 % of a normal distribution lie within 0.385 standard deviations.
        let noise = quantile(smooth.iter().map(|h| (h.abs(), 1.0)).collect(), 0.3) / 0.385;
        let bent = 0.35 * (h.0 * h.0 + h.1 * h.1).sqrt();
        let bar = LEAST_SMOOTH.max(6.0 * noise).max(bent);
        for (t, cell) in column.iter().enumerate() {
            if smooth[t].abs() > bar && cell.re * smooth[t] > 0.4 * smooth[t] * smooth[t] * cell.e {
                self.set[t * self.bands + band] = true;
            }
        }
    }

    /// A cell whose neighbours in time and frequency all say nothing is chance.
    fn without_lone(&mut self, cells: usize) {
        let bands = self.bands;
        let old = self.set.clone();
        let get = |t: usize, b: usize| t < cells && b < bands && old[t * bands + b];
        for t in 0..cells {
            for b in 0..bands {
                let around =
                    get(t + 1, b) || get(t, b + 1) || (t > 0 && get(t - 1, b)) || (b > 0 && get(t, b - 1));
                self.set[t * bands + b] &= around;
            }
        }
    }

    /// Ranges: bands that stand out at the same time and the same way together, the strongest first. `strength` of a band in a stretch of cells, and
    /// whether it became louder (1) or softer (-1) there.
    pub(super) fn ranges(
        &self,
        step_s: f64,
        strength: impl Fn(usize, usize, usize) -> (f64, i8),
    ) -> Vec<Range> {
        let cells = self.set.len().checked_div(self.bands).unwrap_or(0);
        let pause = ((PAUSE_S / step_s) as usize).max(1);
        let mut runs: Vec<Run> = Vec::new();
        let run = |band: usize, from: usize, until: usize| {
            let (strength, way) = strength(band, from, until);
            Run { strength, way, band, from, until }
        };
        for band in 0..self.bands {
            let mut open: Option<(usize, usize)> = None;
            for t in (0..cells).filter(|t| self.get(*t, band)) {
                open = match open {
                    Some((from, until)) if t < until + pause => Some((from, t + 1)),
                    Some((from, until)) => {
                        runs.push(run(band, from, until));
                        Some((t, t + 1))
                    }
                    None => Some((t, t + 1)),
                };
            }
            runs.extend(open.map(|(from, until)| run(band, from, until)));
        }
        runs.sort_by(|x, y| {
            y.strength.total_cmp(&x.strength).then(x.band.cmp(&y.band)).then(x.from.cmp(&y.from))
        });
        let mut ranges = Vec::new();
        while !runs.is_empty() {
            ranges.push(gather(&mut runs));
        }
        ranges
    }
}

/// A stretch in which one band stands out.
struct Run {
    strength: f64,
    way: i8,
    band: usize,
    from: usize,
    until: usize,
}

/// The strongest run and, outwards from it, the runs of the bands beside it that go with it.
fn gather(runs: &mut Vec<Run>) -> Range {
    let Run { way, band, from, until, .. } = runs.remove(0);
    let mut range = Range { from, until, low: band, high: band };
    let goes_with = |run: &Run| {
        let shared = run.until.min(until).saturating_sub(run.from.max(from)) as f64;
        let (own, whole) = ((run.until - run.from) as f64, (until - from) as f64);
        // A run inside the strongest belongs to it; one that reaches far beyond is a change of its own.
        i32::from(run.way) * i32::from(way) >= 0
            && (shared >= TOGETHER * whole || (shared >= 0.8 * own.min(whole) && own <= whole))
    };
    loop {
        let beside = |run: &Run| run.band + 2 >= range.low && run.band <= range.high + 2;
        let Some(index) = runs.iter().position(|r| beside(r) && goes_with(r)) else { return range };
        let run = runs.remove(index);
        range.low = range.low.min(run.band);
        range.high = range.high.max(run.band);
    }
}
