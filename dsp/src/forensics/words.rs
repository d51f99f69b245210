//! Figures as people say them: decibels, moments, bands. Never here: which figure is good or bad.

use super::{
    BandNull, Figure, Finding, Severity,
    estimate::{Null, ratio_db},
    ledger::Ledger,
};

/// Edges of the bands that are told, Hz.
const TOLD_HZ: [f64; 5] = [100.0, 400.0, 1000.0, 4200.0, 10_000.0];
/// No null is told better than this.
pub const DEEPEST_DB: f64 = -300.0;

pub fn finding(
    code: &'static str,
    severity: Severity,
    tokens: &[&str],
    (value, unit): (f64, &'static str),
    words: String,
) -> Finding {
    let tokens = tokens.iter().map(|t| (*t).to_owned()).collect();
    // JSON has no infinity.
    let value = if value.is_finite() { value } else { DEEPEST_DB * (-value).signum() };
    Finding { code, severity, tokens, words, figure: Figure { value, unit } }
}

/// "1:03.2"
pub fn moment(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// "4.2 kHz", "150 Hz"
pub fn hz(value: f64) -> String {
    if value >= 1000.0 {
        format!("{:.1} kHz", value / 1000.0).replace(".0 ", " ")
    } else {
        format!("{value:.0} Hz")
    }
}

pub fn bands(ledger: &Ledger, null: &Null) -> Vec<BandNull> {
    let mut told: Vec<(BandNull, f64, f64)> = Vec::new();
    for (band, (rest, whole)) in null.bands.iter().enumerate() {
        let (from_hz, to_hz) = ledger.band_hz(band);
        if to_hz <= from_hz {
            continue;
        }
        let new = told.is_empty() || TOLD_HZ.contains(&from_hz);
        if new {
            told.push((BandNull { from_hz, to_hz, null_db: 0.0 }, 0.0, 0.0));
        }
        let last = told.last_mut().expect("one was pushed before");
        last.0.to_hz = to_hz;
        last.1 += rest;
        last.2 += whole;
    }
    told.into_iter()
        .map(|(band, rest, whole)| BandNull { null_db: ratio_db(rest, whole).max(DEEPEST_DB), ..band })
        .collect()
}

/// The band in which the rest is worst against the whole, of those that hold a fair share of the rest: "worst at 1 kHz to 4.2 kHz, -12.3 dB".
pub fn worst_band(ledger: &Ledger, null: &Null) -> String {
    let share = |i: usize| null.bands[i].0 / null.rest.max(f64::MIN_POSITIVE);
    let worst = (0..null.bands.len()).filter(|i| share(*i) > 0.1).max_by(|a, b| {
        let db = |i: usize| ratio_db(null.bands[i].0, null.bands[i].1);
        db(*a).total_cmp(&db(*b))
    });
    worst.map_or_else(String::new, |i| {
        let (from, to) = ledger.band_hz(i);
        let db = ratio_db(null.bands[i].0, null.bands[i].1);
        format!("worst at {} to {}, {db:.1} dB", hz(from), hz(to))
    })
}
