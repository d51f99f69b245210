//! How a file begins and ends: a cut head or tail clicks. Never here: how long its silences are, which the measurement has.

use serde::Serialize;

use super::stretch::Stretch;
use crate::math::{decibels, decibels_of_power};

/// Levels of the ends are taken over so long; shorter than the context of a stretch at every rate.
const EDGE_S: f64 = 0.005;

/// The loudest channel at the ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Edges {
    /// Of the first and of the last sample. A file that begins or ends in silence, or with a fade, has next to nothing there (`null` for zero).
    pub first_sample_dbfs: f64,
    pub last_sample_dbfs: f64,
    /// RMS of the first and of the last 5 ms.
    pub head_dbfs: f64,
    pub tail_dbfs: f64,
}

/// Linear: a sample's magnitude, a mean square.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    first: (f64, f64),
    last: (f64, f64),
}

impl Ends {
    pub(super) fn head(&mut self, channels: &[Stretch<'_>], sample_rate: u32) {
        let frames = edge_frames(sample_rate);
        for stretch in channels {
            let samples = stretch.samples();
            let edge = &samples[..frames.min(samples.len())];
            louder(&mut self.first, edge.first(), edge);
        }
    }

    pub(super) fn tail(&mut self, channels: &[Stretch<'_>], sample_rate: u32) {
        for stretch in channels {
            let sounding = &stretch.window[..stretch.window.len() - stretch.context];
            let frames = edge_frames(sample_rate).min((stretch.frame(sounding.len())) as usize);
            let edge = &sounding[sounding.len() - frames..];
            louder(&mut self.last, edge.last(), edge);
        }
    }

    pub(super) fn finish(&self) -> Edges {
        Edges {
            first_sample_dbfs: decibels(self.first.0),
            last_sample_dbfs: decibels(self.last.0),
            head_dbfs: decibels_of_power(self.first.1),
            tail_dbfs: decibels_of_power(self.last.1),
        }
    }
}

fn edge_frames(sample_rate: u32) -> usize {
    ((EDGE_S * f64::from(sample_rate)) as usize).max(1)
}

fn louder(end: &mut (f64, f64), sample: Option<&f64>, edge: &[f64]) {
    let power = edge.iter().map(|s| s * s).sum::<f64>() / edge.len().max(1) as f64;
    end.0 = end.0.max(sample.map_or(0.0, |s| s.abs()));
    end.1 = end.1.max(power);
}
