//! What is asked of each band: the difference to the references, smoothed, bounded, in the amount that was asked for. Never here: filters, sound.

use super::{
    MatchSettings,
    profile::{BAND_OCTAVES, BANDS, NOTHING_DB, Profile, band_hz, k_weight_db},
};
use crate::math;

/// A level that falls by this much within half an octave, above [`CUT_FROM_HZ`], is the edge of a lossy or converted file, not music.
const CUT_DB: f64 = 20.0;
const CUT_BANDS: usize = 3;
const CUT_FROM_HZ: f64 = 4_000.0;
/// Such a fall began where a band is lower than the one before by more than this: 9 dB an octave.
const STEEP_DB: f64 = 1.5;
/// A side this far under the mid is taken for none.
const NO_SIDE_DB: f64 = -40.0;
/// Width is compared in wide bands: the ear places an octave, not a partial.
const WIDTH_SMOOTH_OCTAVES: f64 = 1.0;
const STEPS_TO_NEUTRAL: usize = 50;

/// Gains in decibels for mid and side, band by band.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub mid_db: Vec<f64>,
    pub side_db: Vec<f64>,
    /// What of them is tone, and what of the side's is width.
    pub tone_db: Vec<f64>,
    pub width_db: Vec<f64>,
    /// The same for all bands, within `mid_db` and `side_db`.
    pub loudness_db: f64,
}

/// The curve that brings `main` nearer to `references` (each with its weight).
pub fn curve(settings: &MatchSettings, main: &Profile, references: &[(f64, &Profile)]) -> Curve {
    let tone_db = tone(settings, main, references);
    let width_db = width(settings, main, references);
    let asked = mean(references.iter().map(|(w, r)| (*w, r.loudness_lufs - main.loudness_lufs)));
    let most = settings.max_loudness_db.get();
    let loudness_db = settings.loudness.get() * asked.clamp(-most, most);
    let mut curve = Curve { mid_db: Vec::new(), side_db: Vec::new(), tone_db, width_db, loudness_db };
    for band in 0..BANDS {
        // The side gets louder by the width, and both together stay as loud as they were: width is not tone.
        let (mid, side) = (power(main.mid_db[band]), power(main.side_db[band]));
        let wider = power(curve.width_db[band]);
        let both = (mid + side) / (mid + wider * side);
        let kept = if both.is_finite() { math::decibels_of_power(both) } else { 0.0 };
        let common = curve.tone_db[band] + loudness_db + kept;
        curve.mid_db.push(common);
        curve.side_db.push(common + curve.width_db[band]);
    }
    curve
}

fn tone(settings: &MatchSettings, main: &Profile, references: &[(f64, &Profile)]) -> Vec<f64> {
    let own = Tone::of(main);
    let others: Vec<(f64, Tone)> = references.iter().map(|(w, r)| (*w, Tone::of(r))).collect();
    let top = others.iter().map(|(_, t)| t.top).fold(own.top, usize::min);
    let here = |band: usize| {
        band <= top && own.levels[band].is_some() && others.iter().all(|(_, t)| t.levels[band].is_some())
    };
    let asked: Vec<Option<f64>> = (0..BANDS)
        .map(|band| {
            let apart = |t: &Tone| Some(t.levels[band]? - own.levels[band]?);
            here(band).then(|| mean(others.iter().filter_map(|(w, t)| Some((*w, apart(t)?)))))
        })
        .collect();
    let asked = smoothed(&held(&asked), settings.smooth_octaves.get());
    let bounded = |offset: f64| -> Vec<f64> {
        let bound = |(band, db): (usize, &f64)| {
            (db + offset).clamp(-settings.max_cut_db.get(), boost_limit_db(settings, band_hz(band)))
        };
        asked.iter().enumerate().map(bound).collect()
    };
    // The offset at which the loudness stays: what is left over between bounds and smoothing is a matter of level, and that is another aspect.
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..STEPS_TO_NEUTRAL {
        let middle = 0.5 * (low + high);
        if louder_db(main, &bounded(middle)) > 0.0 { high = middle } else { low = middle }
    }
    bounded(0.5 * (low + high)).into_iter().map(|db| settings.tone.get() * db).collect()
}

/// The most that a frequency may be raised: nothing outside the corners, all an octave inside of them.
fn boost_limit_db(settings: &MatchSettings, hz: f64) -> f64 {
    let octaves = |from: f64, to: f64| math::log2(to / from);
    let inside = octaves(settings.boost_from_hz.get(), hz).min(octaves(hz, settings.boost_to_hz.get()));
    settings.max_boost_db.get() * inside.clamp(0.0, 1.0)
}

/// By how much gains make a sound louder, K-weighted.
fn louder_db(main: &Profile, gains_db: &[f64]) -> f64 {
    let (mut before, mut after) = (0.0, 0.0);
    for (band, gain) in gains_db.iter().enumerate() {
        let heard =
            (power(main.mid_db[band]) + power(main.side_db[band])) * power(k_weight_db(band_hz(band)));
        before += heard;
        after += heard * power(*gain);
    }
    math::decibels_of_power(after / before)
}

/// The spectrum of mid and side together, and its last band.
struct Tone {
    levels: Vec<Option<f64>>,
    top: usize,
}

impl Tone {
    /// Levels stand against the K-weighted whole, so that loudness is no part of tone.
    fn of(profile: &Profile) -> Tone {
        let both = |band: usize| power(profile.mid_db[band]) + power(profile.side_db[band]);
        let whole: f64 = (0..BANDS).map(|band| both(band) * power(k_weight_db(band_hz(band)))).sum();
        let nothing = 4.0 * power(NOTHING_DB);
        let level = |band: usize| (both(band) > nothing).then(|| math::decibels_of_power(both(band) / whole));
        let levels: Vec<Option<f64>> = (0..BANDS).map(level).collect();
        let falls = |band: &usize| {
            let below = band.saturating_sub(CUT_BANDS);
            match (levels[below], levels[*band]) {
                (Some(before), Some(now)) => before - now > CUT_DB,
                (Some(_), None) => true,
                _ => false,
            }
        };
        let edge = (0..BANDS).filter(|band| band_hz(*band) > CUT_FROM_HZ).find(falls);
        // Within the fall nothing is music any more: what counts ends before it.
        let steep = |band: &usize| match (levels[band - 1], levels[*band]) {
            (Some(before), Some(now)) => before - now > STEEP_DB,
            _ => true,
        };
        let before =
            |edge: usize| (1..=edge).rev().find(|b| !steep(b)).map_or(0, |b| b.min(edge.saturating_sub(1)));
        let top = edge.map_or(BANDS - 1, before);
        Tone { levels, top }
    }
}

fn width(settings: &MatchSettings, main: &Profile, references: &[(f64, &Profile)]) -> Vec<f64> {
    let apart = |p: &Profile, band: usize| (p.side_db[band] - p.mid_db[band]).clamp(NO_SIDE_DB, -NO_SIDE_DB);
    let there = |p: &Profile, band: usize| p.side_db[band] > NOTHING_DB || p.mid_db[band] > NOTHING_DB;
    let asked: Vec<Option<f64>> = (0..BANDS)
        .map(|band| {
            let own = apart(main, band);
            // A side that is not there cannot be made wider.
            if own <= NO_SIDE_DB || !there(main, band) {
                return None;
            }
            let others = references.iter().filter(|(_, r)| there(r, band));
            let others: Vec<(f64, f64)> = others.map(|(w, r)| (*w, apart(r, band) - own)).collect();
            (!others.is_empty()).then(|| mean(others.into_iter()))
        })
        .collect();
    if asked.iter().all(Option::is_none) {
        return vec![0.0; BANDS];
    }
    let most = settings.max_width_db.get();
    let bound = |(band, db): (usize, f64)| {
        let inside = math::log2(band_hz(band) / settings.widen_from_hz.get()).clamp(0.0, 1.0);
        settings.width.get() * db.clamp(-most, most * inside)
    };
    let octaves = settings.smooth_octaves.get().max(WIDTH_SMOOTH_OCTAVES);
    smoothed(&held(&asked), octaves).into_iter().enumerate().map(bound).collect()
}

/// Bands without an answer get that of the nearest below them, or above.
fn held(asked: &[Option<f64>]) -> Vec<f64> {
    let first = asked.iter().flatten().next().copied().unwrap_or(0.0);
    let hold = |last: &mut f64, now: &Option<f64>| {
        *last = now.unwrap_or(*last);
        Some(*last)
    };
    asked.iter().scan(first, hold).collect()
}

/// A bell over the neighbours, as wide as `octaves` at half its height; at the ends over those that are there.
fn smoothed(values: &[f64], octaves: f64) -> Vec<f64> {
    let weight = |apart: usize| {
        let x = apart as f64 * BAND_OCTAVES / octaves;
        math::exp2(-4.0 * x * x)
    };
    (0..values.len())
        .map(|at| mean(values.iter().enumerate().map(|(i, v)| (weight(i.abs_diff(at)), *v))))
        .collect()
}

fn mean(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = values.fold((0.0, 0.0), |(sum, all), (w, v)| (sum + w * v, all + w));
    if weight > 0.0 { sum / weight } else { 0.0 }
}

fn power(db: f64) -> f64 {
    math::pow(10.0, db / 10.0)
}
