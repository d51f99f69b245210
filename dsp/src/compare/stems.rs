//! A change solved for as gain on stems that are at hand: what is left after A was taken from B is laid on the stems by least squares, moment by moment
//! and then over each range. Never here: bands.

use super::{
    align::middle,
    changes::{Change, ChangeKind, Place},
    sheet::{Move, Sheet, StemStat},
};
use crate::math;

/// A stem this far under its loudest moment, or under the mix (-40 dB), says nothing.
const QUIET: f64 = 1e-5;
const UNDER_MIX: f64 = 1e-4;
/// Gains closer together than this are one.
const SAME: f64 = 0.02;
/// A gain smaller than this (0.03 dB) is none, and so is one less sure than this many times its noise.
const LEAST: f64 = 0.0035;
const SURE: f64 = 6.0;
/// Of what the other stems leave, this stem must explain so much.
const PROOF: f64 = 0.5;
/// A stem that was turned by more than this must explain nearly all.
const MOST_DB: f64 = 12.0;
const NEARLY_ALL: f64 = 0.9;
/// Silence of a stem does not end a range unless it lasts longer; a change lasts at least so long.
const PAUSE_S: f64 = 4.0;
const LEAST_S: f64 = 0.3;
/// Independent values in a window, roughly: what counts for the noise of a gain.
const VALUES: f64 = 400.0;
/// Cells to each side that are fitted together with one.
const AROUND: usize = 2;

/// What is solved: the lines, and what is to be taken away before bands are looked at.
#[derive(Default)]
pub(super) struct Solved {
    pub changes: Vec<Change>,
    pub moves: Vec<Move>,
}

/// One stem in one stretch, fitted together with all others.
#[derive(Clone, Copy, Debug)]
struct Fit {
    /// Its gain less one; the same, were all that the others leave a part of this stem alone.
    more: f64,
    part: f64,
    noise: f64,
    /// Of what the others leave, what this one explains; and what they leave, against A.
    share: f64,
    left: f64,
    under_mix: bool,
}

#[derive(Clone, Copy)]
struct Moment {
    cell: usize,
    fit: Fit,
    more: f64,
}

impl Moment {
    fn sure(&self) -> bool {
        self.fit.share >= PROOF && self.more.abs() > LEAST.max(SURE * self.fit.noise)
    }
}

/// The changes of the stems, each as ranges with one gain. `gain` is what A was matched with.
pub(super) fn solved(sheet: &Sheet, gain: f64, names: &[String], end_s: f64) -> Solved {
    let mut solved = Solved::default();
    let stems = names.len();
    for (index, name) in names.iter().enumerate() {
        let own = |t: usize| sheet.stems[t].own[index * stems + index];
        let loudest = (0..sheet.stems.len()).map(own).fold(0.0, f64::max);
        let heard: Vec<usize> =
            (0..sheet.stems.len()).filter(|t| own(*t) > QUIET * loudest && loudest > 0.0).collect();
        let moments: Vec<Moment> = heard
            .iter()
            .filter_map(|t| {
                let around = t.saturating_sub(AROUND)..(t + AROUND + 1).min(sheet.stems.len());
                let fit = fit(sheet, gain, around, index, stems).filter(|f| !f.under_mix)?;
                Some(Moment { cell: *t, fit, more: fit.more })
            })
            .collect();
        // A lead in an a cappella with background voices: what is left is a part of the stem, and steadier told so.
        let as_part: Vec<Moment> = moments.iter().map(|m| Moment { more: m.fit.part, ..*m }).collect();
        let part = unsteady(&as_part) < 0.5 * unsteady(&moments);
        let asked = Asked { index, stems, part, heard: moments.len() as f64, end_s };
        for run in runs(sheet, if part { &as_part } else { &moments }) {
            if let Some((change, one)) = asked.told(sheet, gain, &run, name) {
                solved.changes.push(change);
                solved.moves.push(one);
            }
        }
    }
    solved
}

/// Sums of cells after the match.
struct Sums {
    own: Vec<f64>,
    with: Vec<f64>,
    rest: f64,
    a: f64,
    cross: f64,
}

fn sums(sheet: &Sheet, gain: f64, cells: impl Iterator<Item = usize>, stems: usize) -> Sums {
    let mut sums =
        Sums { own: vec![0.0; stems * stems], with: vec![0.0; stems], rest: 0.0, a: 0.0, cross: 0.0 };
    for cell in cells {
        let stat = &sheet.stems[cell];
        let (with, rest) = left(stat, sheet, gain);
        sums.own.iter_mut().zip(&stat.own).for_each(|(s, v)| *s += v);
        sums.with.iter_mut().zip(&with).for_each(|(s, v)| *s += v);
        sums.rest += rest;
        sums.a += gain * gain * stat.a;
        sums.cross += gain * (stat.cross - (gain - sheet.gain) * stat.a);
    }
    sums
}

/// What is left in a cell after the match, against each stem.
fn left(stat: &StemStat, sheet: &Sheet, gain: f64) -> (Vec<f64>, f64) {
    let more = gain - sheet.gain;
    let with = stat.with_rest.iter().zip(&stat.with_a).map(|(rest, a)| rest - more * a).collect();
    (with, (stat.rest - 2.0 * more * stat.cross + more * more * stat.a).max(0.0))
}

fn fit(
    sheet: &Sheet,
    gain: f64,
    cells: impl Iterator<Item = usize>,
    index: usize,
    stems: usize,
) -> Option<Fit> {
    let sums = sums(sheet, gain, cells, stems);
    let gains = least_squares(&sums.own, &sums.with, stems)?;
    let explained: f64 = gains.iter().zip(&sums.with).map(|(g, w)| g * w).sum();
    let own = sums.own[index * stems + index];
    let unexplained = (sums.rest - explained).max(1e-9 * own);
    // What of the stem no other stem has: the inverse of the diagonal of the inverse.
    let mut unit = vec![0.0; stems];
    unit[index] = 1.0;
    let alone = 1.0 / least_squares(&sums.own, &unit, stems)?[index];
    let gone = gains[index] * gains[index] * alone;
    let others_leave = unexplained + gone;
    let with = gains[index] * alone;
    // Beside a stem that is nearly the same nothing is proved.
    let proved = alone > 0.02 * own;
    Some(Fit {
        more: gains[index] / gain,
        part: if with == 0.0 { 0.0 } else { others_leave / with / gain },
        noise: (unexplained / (alone.max(1e-30) * VALUES)).sqrt() / gain.abs(),
        share: if proved { gone / others_leave.max(1e-30) } else { 0.0 },
        left: others_leave / sums.a.max(1e-30),
        under_mix: gain * gain * own < UNDER_MIX * sums.a,
    })
}

/// How much a gain moves from moment to moment, against its size, where it is not one.
fn unsteady(moments: &[Moment]) -> f64 {
    let sure: Vec<&Moment> = moments.iter().filter(|m| m.sure()).collect();
    if sure.len() < 4 {
        return f64::INFINITY;
    }
    let size = middle(sure.iter().map(|m| m.more.abs()).collect());
    middle(sure.windows(2).map(|w| (w[1].more - w[0].more).abs()).collect()) / size.max(LEAST)
}

/// Stretches of moments that share a gain which is not one.
fn runs(sheet: &Sheet, moments: &[Moment]) -> Vec<Vec<usize>> {
    let pause = (PAUSE_S / sheet.step_s) as usize;
    let mut runs: Vec<(Vec<usize>, f64, f64)> = Vec::new();
    for m in moments.iter().filter(|m| m.sure()) {
        let noise = m.fit.noise;
        let fits = |mean: f64| (m.more - mean).abs() < SAME.max(SURE * noise).max(0.2 * mean.abs());
        let w = 1.0 / (noise * noise + 1e-6);
        match runs.last_mut() {
            Some((cells, sum, weight))
                if m.cell - cells[cells.len() - 1] <= pause.max(1) && fits(*sum / *weight) =>
            {
                cells.push(m.cell);
                (*sum, *weight) = (*sum + w * m.more, *weight + w);
            }
            _ => runs.push((vec![m.cell], w * m.more, w)),
        }
    }
    runs.into_iter().map(|r| r.0).collect()
}

/// Which stem of how many is asked for, and whether a part of it alone was turned.
struct Asked {
    index: usize,
    stems: usize,
    part: bool,
    heard: f64,
    end_s: f64,
}

impl Asked {
    /// One range, with its proof; `None` where it has none.
    fn told(&self, sheet: &Sheet, gain: f64, run: &[usize], name: &str) -> Option<(Change, Move)> {
        let Asked { index, stems, part, heard, end_s } = *self;
        let first_fit = fit(sheet, gain, run.iter().copied(), index, stems)?;
        let cells = self.edged(sheet, gain, run, first_fit.more);
        let (first, last) = (*cells.first()?, *cells.last()?);
        // The very edges hold both what was and what is.
        let inner: Vec<usize> = cells.iter().copied().filter(|c| *c > first && *c < last).collect();
        let fit = fit(sheet, gain, inner.iter().copied(), index, stems)?;
        let more = if part { fit.part } else { fit.more };
        let factor = 1.0 + more;
        let turned = factor > 0.0 && math::decibels(factor).abs() <= MOST_DB;
        let muted = factor.abs() < 0.1 && fit.share > NEARLY_ALL;
        let doubled = factor > 1.0 && fit.share > NEARLY_ALL;
        let lasts = cells.len() as f64 * sheet.step_s >= LEAST_S;
        // A range that is mostly moments without proof is none.
        let dense = run.len() * 2 > (last - first + 1).min(2 * cells.len());
        if !(turned || muted || doubled) || fit.share < PROOF || !lasts || !dense || more.abs() < LEAST {
            return None;
        }
        let all = sums(sheet, gain, cells.iter().copied(), stems);
        let whole_song = cells.len() as f64 >= 0.9 * heard;
        let half = 0.5 * sheet.step_s;
        let start_s = if whole_song { 0.0 } else { (sheet.times[first] - half).max(0.0) };
        let end_s = if whole_song { end_s } else { sheet.times[last] + half };
        let change = Change {
            start_s,
            end_s,
            low_hz: sheet.bands.first().map_or(0.0, |b| b.0),
            high_hz: sheet.bands.last().map_or(0.0, |b| b.1),
            change_db: 10.0
                * math::log10(((all.a + 2.0 * all.cross + all.rest) / all.a.max(1e-30)).max(1e-12)),
            part_db: (factor > 0.05).then(|| math::decibels(factor)),
            residual_db: 10.0 * math::log10(fit.left.max(1e-12)),
            kind: if factor > 0.05 { ChangeKind::Part } else { ChangeKind::Removed },
            place: Place::Everywhere,
            whole_song,
            stem: Some(if part { format!("a part of {name}") } else { name.to_owned() }),
            explained: if part { 1.0 } else { fit.share.clamp(0.0, 1.0) },
            words: String::new(),
        };
        Some((change, Move { stem: index, start_s, end_s, more: gain * fit.more }))
    }

    /// The cells of a run, its ends moved to where single cells say so.
    fn edged(&self, sheet: &Sheet, gain: f64, run: &[usize], more: f64) -> Vec<usize> {
        let helps = |cell: usize| {
            let sums = sums(sheet, gain, std::iter::once(cell), self.stems);
            let (own, with) = (sums.own[self.index * self.stems + self.index], sums.with[self.index]);
            let g = gain * more;
            // More than half of what this gain would be if it held through all of the cell.
            own > 0.0 && with / g > 0.5 * own
        };
        let mut cells = run.to_vec();
        while cells.len() > 2 && !helps(cells[0]) {
            cells.remove(0);
        }
        while cells.len() > 2 && !helps(cells[cells.len() - 1]) {
            cells.pop();
        }
        for _ in 0..=AROUND {
            let (first, last) = (cells[0], cells[cells.len() - 1]);
            if first > 0 && helps(first - 1) {
                cells.insert(0, first - 1);
            }
            if last + 1 < sheet.stems.len() && helps(last + 1) {
                cells.push(last + 1);
            }
        }
        cells
    }
}

/// Normal equations by elimination, the diagonal lifted a hair so that two equal stems share the gain.
fn least_squares(own: &[f64], with: &[f64], n: usize) -> Option<Vec<f64>> {
    let lift = 1e-9 * (0..n).map(|i| own[i * n + i]).fold(0.0, f64::max);
    if lift <= 0.0 {
        return None;
    }
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let mut row: Vec<f64> = own[i * n..(i + 1) * n].to_vec();
            row[i] += lift;
            row.push(with[i]);
            row
        })
        .collect();
    for pivot in 0..n {
        let top = rows[pivot].clone();
        for row in rows.iter_mut().skip(pivot + 1) {
            let share = row[pivot] / top[pivot];
            row.iter_mut().zip(&top).for_each(|(v, t)| *v -= share * t);
        }
    }
    let mut out = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| rows[i][j] * out[j]).sum();
        out[i] = (rows[i][n] - known) / rows[i][i];
    }
    Some(out)
}
