//! Splits sound into bands and puts it together again. Two ways with the same slopes of 24 dB an octave: Linkwitz-Riley, where the sum is an all-pass, and
//! linear phase, where the sum is the input, late. Sound stands in pairs of channels, frame by frame. Never here: gains' origin, blocks of odd sizes.

mod linear;
mod minimum;

use serde::{Deserialize, Serialize};

pub(super) use linear::LinearBank;
pub(super) use minimum::MinimumBank;

use crate::{amounts, error::DspError};

amounts! {
    /// Where two bands meet, each 6 dB down.
    EdgeHz: 20.0..=20_000.0, "Hz";
}

/// Two channels of one frame; the second is silent where there is none.
pub(super) type Pair = [f64; 2];

/// Most bands that a split has.
pub const BANDS_MOST: usize = 6;
/// Bands are at least a third of an octave wide.
const NARROWEST: f64 = 1.259_921_049_894_873_2;

/// How bands are split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crossover {
    /// Squared Butterworth filters of second order. The bands sum to an all-pass: level flat, phase turned around each edge.
    #[default]
    LinkwitzRiley,
    /// The same slopes without a turn of phase, by filters that are symmetric in time. The bands sum to the input. It comes late, and transients
    /// ring before as much as behind.
    LinearPhase,
}

/// Whether edges can be, at any rate: 1 to 5 of them, rising, a third of an octave apart.
pub(super) fn check(edges: &[EdgeHz]) -> Result<(), DspError> {
    if edges.is_empty() || edges.len() >= BANDS_MOST {
        return Err(DspError::Invalid(format!(
            "a multiband has 2 to {BANDS_MOST} bands, so 1 to {} edges; here are {}",
            BANDS_MOST - 1,
            edges.len()
        )));
    }
    for pair in edges.windows(2) {
        let (low, high) = (pair[0].get(), pair[1].get());
        if high <= low {
            return Err(DspError::Invalid(format!(
                "the band edges cross: {high} Hz stands after {low} Hz; write them from low to high"
            )));
        }
        if high / low < NARROWEST * (1.0 - 1e-9) {
            return Err(DspError::Invalid(format!(
                "the band edges {low} Hz and {high} Hz are nearer than a third of an octave; move one to {:.0} Hz or leave it out",
                (low * NARROWEST).ceil()
            )));
        }
    }
    Ok(())
}

/// Whether a rate has the edges.
pub(super) fn check_rate(edges: &[EdgeHz], sample_rate: u32) -> Result<(), DspError> {
    match edges.iter().find(|edge| edge.get() >= 0.5 * f64::from(sample_rate)) {
        Some(edge) => Err(DspError::Invalid(format!(
            "the band edge {} Hz is not below half the sample rate of {sample_rate} Hz; leave it and its band out",
            edge.get()
        ))),
        None => Ok(()),
    }
}

/// Gains of one band over a stretch: a straight line over each group, from one value to the next, for both channels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub from: Pair,
    pub step: Pair,
}

impl Line {
    /// Over `group` frames.
    pub fn new(from: Pair, to: Pair, group: usize) -> Self {
        let part = 1.0 / group as f64;
        Line { from, step: [(to[0] - from[0]) * part, (to[1] - from[1]) * part] }
    }
}

/// The longest group.
pub(super) const GROUP_MOST: usize = 32;
/// The frames of a group, as numbers.
pub(super) const PLACES: [f64; GROUP_MOST] = {
    let mut places = [0.0; GROUP_MOST];
    let mut i = 0;
    while i < GROUP_MOST {
        places[i] = i as f64;
        i += 1;
    }
    places
};
