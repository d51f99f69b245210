//! Axes: where they begin and end and where their ticks stand, for drawings and for the terminal alike. Never here: places on a page.

use super::{Band, Curve, SILENCE_LUFS, Sheet, Side, Track, words};

/// From the lowest to the highest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
}

impl Axis {
    /// 0 at the low end, 1 at the high one, never beyond.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low).max(1e-9);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Multiples of `step` within.
    pub(super) fn ticks(self, step: f64) -> Vec<f64> {
        let first = (self.low / step).ceil();
        (0..64).map(|n| (first + f64::from(n)) * step).take_while(|tick| *tick <= self.high + 1e-6).collect()
    }
}

/// A chart of loudness shows at most so much: fades and pauses fall out at the bottom.
const LOUDNESS_SPAN_LU: f64 = 30.0;
const LOUDNESS_LEAST_LU: f64 = 12.0;
/// The quietest part of the time does not stretch the axis: beginnings and ends would take half the chart.
const FADES_PERCENT: usize = 4;

/// Of both curves and the target; `None` where there is no sound to draw.
pub(super) fn loudness(sheet: &Sheet) -> Option<Axis> {
    let curves = [&sheet.before, &sheet.after].map(|side| &side.short_term.values);
    let mut heard: Vec<f64> = curves
        .into_iter()
        .flatten()
        .filter(|v| v.is_finite() && **v > SILENCE_LUFS)
        .map(|v| f64::from(*v))
        .collect();
    heard.sort_by(f64::total_cmp);
    let highest = *heard.last()?;
    let lowest = heard[heard.len() * FADES_PERCENT / 100];
    let target = sheet.target_lufs.filter(|t| t.is_finite()).unwrap_or(highest).clamp(-40.0, 0.0);
    let high = ((highest.min(40.0).max(target) + 1.0) / 3.0).ceil() * 3.0;
    let low = (lowest - 1.0).min(target).max(high - LOUDNESS_SPAN_LU).min(high - LOUDNESS_LEAST_LU);
    Some(Axis { low: (low / 3.0).floor() * 3.0, high })
}

/// The length of the longer side.
pub(super) fn seconds(sheet: &Sheet) -> f64 {
    let longest = sheet.before.seconds.max(sheet.after.seconds);
    if longest.is_finite() { longest.clamp(0.1, 1e7) } else { 0.1 }
}

/// Times to be written under a chart: their distance leaves at most `most` of them.
pub(super) fn times(seconds: f64, most: usize) -> Vec<f64> {
    const STEPS: [f64; 15] =
        [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
    let fits = |step: &&f64| seconds / **step <= most as f64;
    let step =
        STEPS.iter().find(fits).copied().unwrap_or_else(|| (seconds / most as f64 / 3600.0).ceil() * 3600.0);
    Axis { low: 0.0, high: seconds }.ticks(step)
}

/// "1:30"; of less than a tick of a second "0.5 s".
pub(super) fn time(seconds: f64, whole: bool) -> String {
    if whole { words::clock(seconds) } else { format!("{seconds:.1} s") }
}

/// Down to the lowest and up to the highest gain of all tracks.
pub(super) fn gains(tracks: &[Track]) -> Axis {
    let lowest = tracks.iter().fold(0.0f64, |m, t| m.min(sane(t.lowest_db)));
    let highest = tracks.iter().fold(0.0f64, |m, t| m.max(sane(t.highest_db)));
    let high = if highest > 0.05 { nice(highest) } else { 0.0 };
    Axis { low: if lowest < -0.05 || high == 0.0 { -nice(-lowest) } else { 0.0 }, high }
}

fn sane(db: f32) -> f64 {
    if db.is_finite() { f64::from(db).clamp(-60.0, 60.0) } else { 0.0 }
}

fn nice(db: f64) -> f64 {
    [1.0, 2.0, 3.0, 6.0, 9.0, 12.0, 18.0, 24.0, 36.0, 48.0].into_iter().find(|n| db <= *n).unwrap_or(60.0)
}

/// One band of both sides: the one before raised to the loudness of the one after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub hz: f64,
    pub before: f64,
    pub after: f64,
}

impl Pair {
    pub(super) fn change(self) -> f64 {
        self.after - self.before
    }
}

/// Under the loudest band by so much nothing is drawn: it is noise, and its changes are nobody's doing.
const SPECTRUM_SPAN_DB: f64 = 66.0;
pub(super) const LOWEST_HZ: f64 = 20.0;
pub(super) const HIGHEST_HZ: f64 = 20_000.0;

/// The bands that both sides have, up to 20 kHz; empty where one is silent.
pub(super) fn pairs(sheet: &Sheet) -> Vec<Pair> {
    let raise = words::match_db(sheet);
    let silent = |side: &Side| side.true_peak_dbtp.is_none();
    if silent(&sheet.before) || silent(&sheet.after) {
        return Vec::new();
    }
    let (before, after) = (smooth(&sheet.before.spectrum), smooth(&sheet.after.spectrum));
    let bands = sheet.before.spectrum.iter().zip(&sheet.after.spectrum);
    bands
        .zip(before.into_iter().zip(after))
        .filter(|((b, a), _)| b.hz == a.hz && b.hz > 0.0 && f64::from(b.hz) < HIGHEST_HZ * 1.1)
        .map(|((b, _), (before, after))| Pair { hz: f64::from(b.hz), before: before + raise, after })
        .filter(|pair| pair.before.is_finite() && pair.after.is_finite())
        .collect()
}

/// Every sixth of an octave with half of each neighbour: the power of about a third. A curve of single bands shows notes, not the balance.
fn smooth(bands: &[Band]) -> Vec<f64> {
    let power = |band: &Band| crate::math::pow(10.0, f64::from(band.dbfs) / 10.0);
    let powers: Vec<f64> = bands.iter().map(power).collect();
    let at = |i: usize| {
        let left = powers[i.saturating_sub(1)];
        let right = powers[(i + 1).min(powers.len() - 1)];
        crate::math::decibels_of_power(left / 4.0 + powers[i] / 2.0 + right / 4.0)
    };
    (0..powers.len()).map(at).collect()
}

pub(super) struct Spectra {
    pub pairs: Vec<Pair>,
    pub level: Axis,
    /// Evenly up and down.
    pub change: Axis,
}

impl Spectra {
    /// Whether a band is loud enough to speak of its change.
    pub(super) fn tells(&self, pair: Pair) -> bool {
        pair.before.max(pair.after) > self.level.low
    }
}

pub(super) fn spectra(sheet: &Sheet) -> Option<Spectra> {
    let pairs = pairs(sheet);
    let highest = pairs.iter().fold(f64::NEG_INFINITY, |m, p| m.max(p.before).max(p.after));
    if !highest.is_finite() {
        return None;
    }
    let high = ((highest + 2.0) / 6.0).ceil() * 6.0;
    let floor = high - SPECTRUM_SPAN_DB;
    let heard = pairs.iter().filter(|p| p.before.max(p.after) > floor);
    let lowest = heard.clone().fold(high, |m, p| m.min(p.before).min(p.after)).max(floor).min(high - 36.0);
    let change = heard.fold(0.0f64, |m, p| m.max(p.change().abs()));
    let most = [3.0, 6.0, 12.0].into_iter().find(|n| change <= *n).unwrap_or(24.0);
    let level = Axis { low: (lowest / 6.0).floor() * 6.0, high };
    Some(Spectra { pairs, level, change: Axis { low: -most, high: most } })
}

/// 0 at 20 Hz, 1 at 20 kHz.
pub(super) fn pitch(hz: f64) -> f64 {
    let log = |hz: f64| crate::math::log10(hz.max(1.0));
    Axis { low: log(LOWEST_HZ), high: log(HIGHEST_HZ) }.at(log(hz))
}

/// Value and time of every point of a curve that can be drawn.
pub(super) fn points(curve: &Curve) -> impl Iterator<Item = (f64, f64)> {
    let (first, step) = (f64::from(curve.first_s), f64::from(curve.step_s));
    curve
        .values
        .iter()
        .enumerate()
        .map(move |(i, value)| (first + step * i as f64, f64::from(*value)))
        .filter(|(time, value)| time.is_finite() && value.is_finite())
}
