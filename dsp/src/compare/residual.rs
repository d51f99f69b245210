//! What is left when A is taken from B, as a small picture: by time and by band, against A in the same place. Never here: what it means.

use serde::{Deserialize, Serialize};

use super::sheet::{Sheet, Stat};
use crate::math;

/// Wide bands, as ears and engineers part them, Hz.
const EDGES_HZ: [f64; 8] = [20.0, 60.0, 250.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 24_000.0];
/// A picture for a screen is not finer.
const MOST_STEPS: usize = 360;
/// Nothing is left, and much more than A is left.
const FLOOR_DB: f64 = -90.0;
const CEILING_DB: f64 = 30.0;
/// Under this mean square neither has anything there.
const SILENCE: f64 = 1e-12;

/// Steps of A's clock one after the other, from A's beginning. A step in which B has nothing of A holds no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    pub step_s: f64,
    /// One more than there are bands.
    pub edges_hz: Vec<f64>,
    /// For each step what is left over all bands, dB against A there; `None` where nothing runs side by side or both are silent.
    pub all_db: Vec<Option<f32>>,
    /// For each step the same by band.
    pub bands_db: Vec<Vec<Option<f32>>>,
}

impl Residual {
    /// `gain` carries B's sign; `seconds` are A's.
    pub(super) fn of(sheet: &Sheet, gain: f64, seconds: f64) -> Option<Residual> {
        if sheet.times.is_empty() || seconds.is_nan() || seconds <= 0.0 {
            return None;
        }
        let steps = ((seconds / sheet.step_s.max(1e-3)).ceil() as usize).clamp(1, MOST_STEPS);
        let step_s = seconds / steps as f64;
        let top_hz = sheet.bands.last().map_or(0.0, |it| it.1);
        let bands = EDGES_HZ.windows(2).filter(|edge| edge[0] < top_hz).count().max(1);
        let band_of: Vec<Option<usize>> = sheet
            .bands
            .iter()
            .map(|(low, high)| {
                let middle = (low * high).sqrt();
                EDGES_HZ[..=bands].windows(2).position(|edge| middle >= edge[0] && middle < edge[1])
            })
            .collect();
        // Of each step and band: A, the rest.
        let mut sums = vec![(0.0f64, 0.0f64); steps * bands];
        for (cell, time) in sheet.times.iter().enumerate() {
            let step = ((time / step_s) as usize).min(steps - 1);
            for plane in 0..sheet.planes {
                for (fine, band) in band_of.iter().enumerate() {
                    let Some(band) = band else { continue };
                    let (a, rest) = matched(sheet.stat(cell, plane, fine), sheet.gain, gain);
                    let sum = &mut sums[step * bands + band];
                    *sum = (sum.0 + a, sum.1 + rest);
                }
            }
        }
        let all_db = sums
            .chunks(bands)
            .map(|step| level(step.iter().fold((0.0, 0.0), |sum, band| (sum.0 + band.0, sum.1 + band.1))));
        Some(Residual {
            step_s,
            edges_hz: EDGES_HZ[..=bands].to_vec(),
            all_db: all_db.collect(),
            bands_db: sums.chunks(bands).map(|step| step.iter().copied().map(level).collect()).collect(),
        })
    }
}

/// A as loud as B, and what is left of B without it. The sheet was taken with another gain.
fn matched(stat: Stat, was: f64, gain: f64) -> (f64, f64) {
    let (a, rest, cross) = (f64::from(stat.a), f64::from(stat.rest), f64::from(stat.cross_re));
    let more = gain - was;
    (gain * gain * a, (rest - 2.0 * more * cross + more * more * a).max(0.0))
}

fn level((a, rest): (f64, f64)) -> Option<f32> {
    if a <= SILENCE && rest <= SILENCE {
        return None;
    }
    let db = 10.0 * math::log10(rest.max(f64::MIN_POSITIVE) / a.max(SILENCE));
    // A tenth of a decibel is more than a picture shows.
    Some(((db.clamp(FLOOR_DB, CEILING_DB) * 10.0).round() / 10.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_against_a_at_the_matched_level() {
        let stat = Stat { a: 1.0, rest: 0.01, cross_re: 0.0, cross_im: 0.0 };
        assert_eq!(level(matched(stat, 1.0, 1.0)), Some(-20.0));
        // B is A at twice the level: taken at once the rest is A itself, matched it is nothing.
        let louder = Stat { a: 1.0, rest: 1.0, cross_re: 1.0, cross_im: 0.0 };
        assert_eq!(level(matched(louder, 1.0, 1.0)), Some(0.0));
        assert_eq!(level(matched(louder, 1.0, 2.0)), Some(-90.0));
        assert_eq!(level((0.0, 0.0)), None, "silence on both sides");
        assert_eq!(level((0.0, 1.0)), Some(30.0), "sound where there was none");
    }
}
