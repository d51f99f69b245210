//! The sheet of a render inside the screen: loudness before and after, gain reduction, spectrum, and every step in words. Drawn from the sheet's data
//! alone; no figure of it is trusted to be sane. Never here: fetching, the page of words.

use deadwax_dsp::sheet::{Band, Curve, SILENCE_DBFS, SILENCE_LUFS, Sheet, Track};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::Line,
};

use super::{
    curve::{self, Picture, Shares},
    heading, put,
    text::{clip, wrap},
    theme::Theme,
};
use crate::tui::words;

/// What the scale of loudness shows below its top.
const LOUDNESS_LU: f64 = 24.0;
/// The like for a spectrum.
const SPECTRUM_DB: f64 = 66.0;
const FROM_HZ: f64 = 20.0;
const TO_HZ: f64 = 20_000.0;

/// All three, one below the other.
pub(super) fn curves(theme: &Theme, frame: &mut Frame<'_>, area: Rect, sheet: &Sheet) {
    let reduction = if sheet.reduction.is_empty() { 1 } else { (area.height / 4).clamp(3, 9) };
    let [one, two, three] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(reduction), Constraint::Fill(1)])
            .areas(area);
    loudness(theme, frame, one, sheet);
    gains(theme, frame, two, sheet);
    spectrum(theme, frame, three, sheet);
}

fn below(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn seconds(sheet: &Sheet) -> f64 {
    let longer = sheet.after.seconds.max(sheet.before.seconds);
    if longer.is_finite() { longer.clamp(0.0, 1e7) } else { 0.0 }
}

fn clock(seconds: f64) -> String {
    words::clock((seconds.max(0.0) * 1000.0) as u64, false)
}

/// The loudest value of each column.
fn over_time(curve: &Curve, seconds: f64, columns: usize, pick: fn(f64, f64) -> f64) -> Vec<Option<f64>> {
    let step = f64::from(curve.step_s);
    if curve.values.is_empty() || seconds <= 0.0 || !step.is_finite() || step <= 0.0 {
        return vec![None; columns];
    }
    let place = |s: f64| (s - f64::from(curve.first_s)) / step;
    let last = curve.values.len() as f64 - 1.0;
    let value = |column: usize| {
        let from = place(seconds * column as f64 / columns as f64);
        let to = place(seconds * (column + 1) as f64 / columns as f64);
        if to < -0.5 || from > last + 0.5 || !from.is_finite() || !to.is_finite() {
            return None;
        }
        let from = from.clamp(0.0, last).floor() as usize;
        let to = (to.clamp(0.0, last).ceil() as usize).max(from + 1).min(curve.values.len());
        let found = curve.values[from.min(curve.values.len() - 1)..to].iter().copied().map(f64::from);
        found.filter(|it| it.is_finite()).reduce(pick)
    };
    (0..columns).map(value).collect()
}

fn shares(values: &[Option<f64>], top: f64, span: f64) -> Shares {
    values.iter().map(|it| it.map(|it| 1.0 - (top - it) / span)).collect()
}

fn loudness(theme: &Theme, frame: &mut Frame<'_>, area: Rect, sheet: &Sheet) {
    let target = sheet.target_lufs.map_or_else(String::new, |it| format!(" ┈ target {it:.1}"));
    let rest = format!("█ after ─ before{target}");
    put(frame, area, 0, heading(theme, "Loudness, 3 s", &rest, area.width, false));
    let area = below(area);
    let (columns, long_s) = (curve::columns(area), seconds(sheet));
    let after = over_time(&sheet.after.short_term, long_s, columns, f64::max);
    let before = over_time(&sheet.before.short_term, long_s, columns, f64::max);
    let heard = |it: &f64| *it > f64::from(SILENCE_LUFS) && *it < 20.0;
    let top = after.iter().chain(&before).flatten().copied().filter(heard).reduce(f64::max);
    let Some(top) = top else {
        return put(frame, area, 0, Line::styled("  Too short, or silent.", theme.dim()));
    };
    let top = top.max(sheet.target_lufs.unwrap_or(top)).ceil() + 1.0;
    let (middle, end) = (clock(long_s / 2.0), clock(long_s));
    let picture = Picture {
        bars: shares(&after, top, LOUDNESS_LU),
        line: shares(&before, top, LOUDNESS_LU),
        mark: sheet.target_lufs.map(|it| 1.0 - (top - it) / LOUDNESS_LU),
        hangs: false,
        scale: [format!("{top:.0}"), format!("{:.0}", top - LOUDNESS_LU)],
        axis: vec!["0:00", &middle, &end],
    };
    curve::draw(theme, frame, area, &picture);
}

/// The deepest of all steps in each column; the heading names the step that went furthest.
fn gains(theme: &Theme, frame: &mut Frame<'_>, area: Rect, sheet: &Sheet) {
    let lowest = |it: &Track| if it.lowest_db.is_finite() { f64::from(it.lowest_db) } else { 0.0 };
    let deepest = sheet.reduction.iter().min_by(|a, b| lowest(a).total_cmp(&lowest(b)));
    let Some(deepest) = deepest else {
        return put(
            frame,
            area,
            0,
            heading(theme, "Gain reduction", "no step turned it down", area.width, false),
        );
    };
    let active = if deepest.active.is_finite() { deepest.active.clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    let at = clock(if deepest.lowest_at_s.is_finite() { deepest.lowest_at_s } else { 0.0 });
    let rest =
        format!("{} {:.1} dB at {at}, {active:.0} % of the time", clip(&deepest.name, 20), lowest(deepest));
    put(frame, area, 0, heading(theme, "Gain reduction", &rest, area.width, false));
    let area = below(area);
    let (columns, long_s) = (curve::columns(area), seconds(sheet));
    let mut down: Vec<Option<f64>> = vec![None; columns];
    for track in &sheet.reduction {
        let one = over_time(&track.gain_db, long_s, columns, f64::min);
        for (sum, one) in down.iter_mut().zip(one) {
            *sum = match (*sum, one) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    let deep = down.iter().flatten().copied().fold(-3.0, f64::min).max(-60.0).floor();
    let picture = Picture {
        bars: down.iter().map(|it| it.map(|it| (it / deep).clamp(0.0, 1.0))).collect(),
        hangs: true,
        scale: ["0".into(), format!("{deep:.0}")],
        ..Picture::default()
    };
    curve::draw(theme, frame, area, &picture);
}

/// The loudest band of each column, of columns that are even in pitch.
fn over_pitch(bands: &[Band], columns: usize) -> Vec<Option<f64>> {
    let mut bands: Vec<(f64, f64)> = bands
        .iter()
        .map(|it| (f64::from(it.hz), f64::from(it.dbfs)))
        .filter(|(hz, db)| hz.is_finite() && *hz > 0.0 && db.is_finite() && *db > f64::from(SILENCE_DBFS))
        .collect();
    bands.sort_by(|a, b| a.0.total_cmp(&b.0));
    let hz = |column: f64| FROM_HZ * (TO_HZ / FROM_HZ).powf(column / columns as f64);
    let value = |column: usize| {
        let (from, to) = (hz(column as f64), hz(column as f64 + 1.0));
        let inside = bands.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, db)| *db);
        // Between two bands the way is straight.
        inside.reduce(f64::max).or_else(|| {
            let next = bands.iter().position(|(at, _)| *at >= to)?;
            let (before, after) = (bands.get(next.checked_sub(1)?)?, bands.get(next)?);
            let share = (from / before.0).ln() / (after.0 / before.0).ln();
            Some(before.1 + (after.1 - before.1) * share.clamp(0.0, 1.0))
        })
    };
    (0..columns).map(value).collect()
}

fn spectrum(theme: &Theme, frame: &mut Frame<'_>, area: Rect, sheet: &Sheet) {
    put(frame, area, 0, heading(theme, "Spectrum", "█ after ─ before, dBFS", area.width, false));
    let area = below(area);
    let columns = curve::columns(area);
    let after = over_pitch(&sheet.after.spectrum, columns);
    let before = over_pitch(&sheet.before.spectrum, columns);
    let Some(top) = after.iter().chain(&before).flatten().copied().reduce(f64::max) else {
        return put(frame, area, 0, Line::styled("  Nothing was measured.", theme.dim()));
    };
    let top = top.clamp(-120.0, 20.0).ceil() + 2.0;
    let picture = Picture {
        bars: shares(&after, top, SPECTRUM_DB),
        line: shares(&before, top, SPECTRUM_DB),
        scale: [format!("{top:.0}"), format!("{:.0}", top - SPECTRUM_DB)],
        axis: vec!["20 Hz", "200", "2k", "20k"],
        ..Picture::default()
    };
    curve::draw(theme, frame, area, &picture);
}

/// What each step did, what was written, what may be wrong.
pub(super) fn steps(theme: &Theme, sheet: &Sheet, room: usize) -> Vec<(String, Style)> {
    let mut all: Vec<(String, Style)> = Vec::new();
    let mut say = |indent: usize, text: &str, style: Style| {
        let pad = " ".repeat(indent);
        let lines = wrap(text, room.saturating_sub(indent));
        all.extend(lines.into_iter().map(|line| (format!("{pad}{line}"), style)));
    };
    for text in &sheet.warnings {
        say(1, &format!("! {text}"), theme.warn());
    }
    for step in &sheet.steps {
        let off = if step.bypassed { ", bypassed" } else { "" };
        say(1, &format!("{}{off}", step.name), theme.head());
        for line in &step.lines {
            say(3, line, theme.plain());
        }
    }
    for sum in &sheet.sums {
        let (sign, style) = if sum.holds { ("✓", theme.good()) } else { ("×", theme.bad()) };
        let left =
            sum.residual_db.map_or_else(|| "nothing is left".into(), |it| format!("{it:.1} dB is left"));
        say(1, &format!("{sign} {}: {left}", sum.what), style);
        if let Some(words) = &sum.words {
            say(3, words, theme.plain());
        }
    }
    if !sheet.outputs.is_empty() {
        say(1, "Files", theme.head());
    }
    for out in &sheet.outputs {
        let number = |it: Option<f64>| it.map_or_else(|| "–".into(), |it| format!("{it:.1}"));
        let text = format!(
            "{} {} {}: {} LUFS, {} dBTP",
            out.alternate,
            out.encoding,
            words::rate(out.sample_rate),
            number(out.lufs),
            number(out.true_peak_dbtp)
        );
        say(3, &text, theme.plain());
    }
    all
}
