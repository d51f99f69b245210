//! Where B reads a hair too early or too late, what is left is A's own slope: its phase tells how late, moment by moment. Never here: whole frames.

use std::f64::consts::TAU;

use super::{sheet::Sheet, time_map::TimeMap};

/// A map that is off by less than a ten-thousandth of a frame at 44.1 kHz is right, one by more than two frames is another matter.
const LEAST_S: f64 = 2e-9;
const MOST_S: f64 = 5e-5;
/// Above this the phase of a wrong place may have gone round.
const TOP_HZ: f64 = 6_000.0;

/// The map with B's lateness taken out, as a line over time: least squares of the rest over lateness at the start and its growth. `None` where the map is right.
pub(super) fn retimed(sheet: &Sheet, map: &TimeMap) -> Option<TimeMap> {
    // Sums of weight times time to the powers 0, 1 and 2, and of the product with the rest.
    let (mut w, mut with) = ([0.0f64; 3], [0.0f64; 2]);
    for (cell, time) in sheet.times.iter().enumerate() {
        for plane in 0..sheet.planes {
            for (band, (low, high)) in sheet.bands.iter().enumerate().filter(|(_, b)| b.1 < TOP_HZ) {
                let omega = TAU * (low * high).sqrt();
                let stat = sheet.stat(cell, plane, band);
                let (a, im) = (f64::from(stat.a), f64::from(stat.cross_im));
                let weight = omega * omega * sheet.gain * sheet.gain * a;
                let late = -omega * sheet.gain * im;
                w = [w[0] + weight, w[1] + weight * time, w[2] + weight * time * time];
                with = [with[0] + late, with[1] + late * time];
            }
        }
    }
    let det = w[0] * w[2] - w[1] * w[1];
    if w[0] <= 0.0 || det <= 1e-9 * w[0] * w[2] {
        return None;
    }
    let start = (with[0] * w[2] - with[1] * w[1]) / det;
    let growth = (with[1] * w[0] - with[0] * w[1]) / det;
    let late = |t: f64| start + growth * t;
    let off = |t: &f64| late(*t).abs();
    let most = sheet.times.iter().map(off).fold(0.0, f64::max);
    if !(LEAST_S..MOST_S).contains(&most) {
        return None;
    }
    let mut map = map.clone();
    for piece in &mut map.pieces {
        piece.b_s += late(piece.a_s);
        piece.pace += growth;
    }
    Some(map)
}
