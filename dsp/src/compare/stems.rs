//! A change solved for as gain on stems that are at hand: what is left after A was taken from B is laid on the stems by least squares, moment by moment
//! and then over each range. Never here: bands.

use super::{
    align::middle,
    changes::{Change, ChangeKind, Place},
    sheet::{Sheet, StemStat},
};
use crate::math;

/// A stem this far under its loudest moment is silent.
const QUIET: f64 = 1e-5;
/// Gains closer together than this are one.
const SAME: f64 = 0.02;
/// A gain smaller than this (0.03 dB) is none, and so is one less sure than this many times its noise.
const LEAST: f64 = 0.0035;
const SURE: f64 = 6.0;
/// Silence of a stem does not end a range unless it lasts longer.
const PAUSE_S: f64 = 4.0;
/// Independent values in a window, roughly: what counts for the noise of a gain.
const VALUES: f64 = 400.0;

/// One moment of one stem: its gain less one, what it explains.
#[derive(Clone, Copy)]
struct Moment {
    cell: usize,
    more: f64,
    noise: f64,
    /// The same, were all that is left a part of this stem alone: <rest, rest> / <stem, rest>.
    part: f64,
}

/// The changes of the stems, each as ranges with one gain. `gain` is what A was matched with.
pub(super) fn solved(sheet: &Sheet, gain: f64, names: &[String], end_s: f64) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let loudest = sheet.stems.iter().map(|s| s.own[index * names.len() + index]).fold(0.0, f64::max);
        let heard: Vec<usize> = (0..sheet.stems.len())
            .filter(|t| sheet.stems[*t].own[index * names.len() + index] > QUIET * loudest && loudest > 0.0)
            .collect();
        let moments: Vec<Moment> =
            heard.iter().filter_map(|t| moment(sheet, gain, *t, index, names.len())).collect();
        let whole = heard.len();
        // A lead in an a cappella with background voices: what is left is a part of the stem, and steadier told so.
        let as_part: Vec<Moment> = moments.iter().map(|m| Moment { more: m.part, ..*m }).collect();
        let part = unsteady(&as_part) < 0.5 * unsteady(&moments);
        for run in runs(sheet, if part { &as_part } else { &moments }) {
            let fit = Fit { index, stems: names.len(), part };
            changes.extend(one(sheet, gain, run, &fit, name, [whole as f64, end_s]));
        }
    }
    changes
}

/// What is left in a cell after the match, against each stem.
fn left(stat: &StemStat, sheet: &Sheet, gain: f64) -> (Vec<f64>, f64) {
    let more = gain - sheet.gain;
    let with = stat.with_rest.iter().zip(&stat.with_a).map(|(rest, a)| rest - more * a).collect();
    (with, (stat.rest - 2.0 * more * stat.cross + more * more * stat.a).max(0.0))
}

fn moment(sheet: &Sheet, gain: f64, cell: usize, index: usize, stems: usize) -> Option<Moment> {
    let stat = &sheet.stems[cell];
    let (with, rest) = left(stat, sheet, gain);
    let gains = least_squares(&stat.own, &with, stems)?;
    let own = stat.own[index * stems + index];
    let explained: f64 = gains.iter().zip(&with).map(|(g, w)| g * w).sum();
    let unexplained = (rest - explained).max(1e-9 * own);
    Some(Moment {
        cell,
        more: gains[index] / gain,
        noise: (unexplained / (own * VALUES)).sqrt() / gain.abs(),
        part: if with[index] == 0.0 { 0.0 } else { rest / with[index] / gain },
    })
}

/// How much a gain moves from moment to moment, against its size, where it is not one.
fn unsteady(moments: &[Moment]) -> f64 {
    let sure: Vec<&Moment> = moments.iter().filter(|m| m.more.abs() > LEAST.max(SURE * m.noise)).collect();
    if sure.len() < 4 {
        return f64::INFINITY;
    }
    let size = middle(sure.iter().map(|m| m.more.abs()).collect());
    middle(sure.windows(2).map(|w| (w[1].more - w[0].more).abs()).collect()) / size.max(LEAST)
}

/// Which stem of how many is asked for, and whether a part of it alone was turned.
struct Fit {
    index: usize,
    stems: usize,
    part: bool,
}

/// Stretches of moments that share a gain which is not one.
fn runs(sheet: &Sheet, moments: &[Moment]) -> Vec<Vec<usize>> {
    let pause = (PAUSE_S / sheet.step_s) as usize;
    let mut runs: Vec<(Vec<usize>, f64, f64)> = Vec::new();
    for m in moments {
        let sure = m.more.abs() > LEAST.max(SURE * m.noise);
        let fits = |mean: f64| (m.more - mean).abs() < SAME.max(SURE * m.noise).max(0.2 * mean.abs());
        match runs.last_mut() {
            Some((cells, sum, weight))
                if m.cell - cells[cells.len() - 1] <= pause.max(1)
                    && fits(*sum / *weight)
                    && (sure || m.noise > LEAST) =>
            {
                cells.push(m.cell);
                let w = 1.0 / (m.noise * m.noise + 1e-12);
                (*sum, *weight) = (*sum + w * m.more, *weight + w);
            }
            _ if sure => {
                let w = 1.0 / (m.noise * m.noise + 1e-12);
                runs.push((vec![m.cell], w * m.more, w));
            }
            _ => {}
        }
    }
    runs.into_iter().map(|r| r.0).filter(|cells| cells.len() > 1).collect()
}

fn one(
    sheet: &Sheet,
    gain: f64,
    cells: Vec<usize>,
    fit: &Fit,
    name: &str,
    [heard, end_s]: [f64; 2],
) -> Option<Change> {
    let Fit { index, stems, part } = *fit;
    let (mut own, mut with, mut rest, mut a, mut cross) =
        (vec![0.0; stems * stems], vec![0.0; stems], 0.0, 0.0, 0.0);
    for cell in &cells {
        let stat = &sheet.stems[*cell];
        let (w, r) = left(stat, sheet, gain);
        own.iter_mut().zip(&stat.own).for_each(|(s, v)| *s += v);
        with.iter_mut().zip(&w).for_each(|(s, v)| *s += v);
        rest += r;
        a += gain * gain * stat.a;
        cross += gain * (stat.cross - (gain - sheet.gain) * stat.a);
    }
    let gains = least_squares(&own, &with, stems)?;
    let explained: f64 = gains.iter().zip(&with).map(|(g, w)| g * w).sum();
    let more = if part { rest / with[index] } else { gains[index] };
    let factor = 1.0 + more / gain;
    let whole_song = cells.len() as f64 >= 0.95 * heard;
    let half = 0.5 * sheet.step_s;
    let (first, last) = (cells[0], cells[cells.len() - 1]);
    Some(Change {
        start_s: if whole_song { 0.0 } else { (sheet.times[first] - half).max(0.0) },
        end_s: if whole_song { end_s } else { sheet.times[last] + half },
        low_hz: sheet.bands.first().map_or(0.0, |b| b.0),
        high_hz: sheet.bands.last().map_or(0.0, |b| b.1),
        change_db: 10.0 * math::log10(((a + 2.0 * cross + rest) / a.max(1e-30)).max(1e-12)),
        part_db: (factor > 1e-3).then(|| math::decibels(factor)),
        residual_db: 10.0 * math::log10(rest.max(1e-30) / a.max(1e-30)),
        kind: if factor > 0.05 { ChangeKind::Part } else { ChangeKind::Removed },
        place: Place::Everywhere,
        whole_song,
        stem: Some(if part { format!("a part of {name}") } else { name.to_owned() }),
        explained: if part {
            1.0
        } else if rest > 0.0 {
            (explained / rest).clamp(0.0, 1.0)
        } else {
            1.0
        },
        words: String::new(),
    })
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
