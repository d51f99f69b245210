//! Collectors that run beside a render and keep only what a sheet shows. What they keep is bounded, tied to the frames of the stream and the
//! same for every size of block. Never here: files, drawing.

use super::{Band, Curve, POINTS_MAX, SILENCE_DBFS, SILENCE_LUFS, Side, Track, known};
use crate::{
    Block, Spec,
    inspect::spectrum::{Analyser, SIXTHS},
    math::{decibels, decibels_of_power},
    measure::{Measurement, Meter},
};

/// Between two values of [`crate::measure::Loudness::short_term_lufs`], and half of its window.
const SHORT_TERM_STEP_S: f64 = 0.1;
const SHORT_TERM_HALF_S: f64 = 1.5;
/// Spans of gain are this long to begin with, and twice as long whenever there are too many.
const SPANS_PER_SECOND: u32 = 100;
/// A step that changes less than this does nothing.
const ACTIVE_DB: f64 = 0.1;

/// One side of the sheet, gathered beside the meter that hears the same blocks.
pub struct SideMeter {
    spec: Spec,
    analyser: Analyser,
}

impl SideMeter {
    pub fn new(spec: &Spec) -> Self {
        SideMeter { spec: spec.clone(), analyser: Analyser::new(spec.channels, spec.sample_rate.max(1)) }
    }

    /// The same block that the meter gets. A sample that is no number counts as silence.
    pub fn push(&mut self, block: &Block) {
        if block.channels.len() < self.spec.channels {
            return;
        }
        let sane = |plane: &Vec<f64>| plane.iter().all(|sample| sample.is_finite());
        if block.channels.iter().all(sane) {
            self.analyser.push(|index| &block.channels[index], block.frames());
        } else {
            let clean = |sample: &f64| if sample.is_finite() { *sample } else { 0.0 };
            let planes: Vec<Vec<f64>> =
                block.channels.iter().map(|plane| plane.iter().map(clean).collect()).collect();
            self.analyser.push(|index| &planes[index], block.frames());
        }
    }

    /// `meter`: which heard the same blocks. Its figures come back beside the side.
    pub fn finish(self, meter: Meter) -> (Measurement, Side) {
        let short_term = loudness_curve(&meter.loudness().short_term_lufs());
        let measured = meter.finish();
        let m = &measured;
        let loud = known(m.max_short_term_lufs).is_some();
        let band = |band: &crate::inspect::Band| Band {
            hz: hundredths(band.hz),
            dbfs: hundredths(band.dbfs.max(f64::from(SILENCE_DBFS))),
        };
        let side = Side {
            file: String::new(),
            seconds: m.frames as f64 / f64::from(self.spec.sample_rate.max(1)),
            sample_rate: self.spec.sample_rate,
            channels: self.spec.channels,
            lufs: known(m.integrated_lufs),
            range_lu: loud.then_some(m.loudness_range_lu),
            max_momentary_lufs: known(m.max_momentary_lufs),
            max_short_term_lufs: known(m.max_short_term_lufs),
            true_peak_dbtp: known(m.true_peak_dbtp),
            sample_peak_dbfs: known(m.sample_peak_dbfs),
            plr_db: known(m.true_peak_dbtp - m.integrated_lufs),
            correlation: (self.spec.channels >= 2 && known(m.sample_peak_dbfs).is_some())
                .then_some(m.correlation),
            short_term,
            spectrum: self.analyser.finish_bands(SIXTHS).iter().map(band).collect(),
        };
        (measured, side)
    }
}

/// Ten values a second made few enough to draw: the mean energy of so many together.
fn loudness_curve(lufs: &[f64]) -> Curve {
    let together = lufs.len().div_ceil(POINTS_MAX).max(1);
    let mean = |part: &[f64]| {
        // The offset between energy and LUFS falls out of a mean.
        let power: f64 = part.iter().map(|lufs| crate::math::pow(10.0, lufs / 10.0)).sum();
        hundredths(decibels_of_power(power / part.len() as f64).max(f64::from(SILENCE_LUFS)))
    };
    Curve {
        first_s: (SHORT_TERM_HALF_S + (together - 1) as f64 * SHORT_TERM_STEP_S / 2.0) as f32,
        step_s: (together as f64 * SHORT_TERM_STEP_S) as f32,
        values: lufs.chunks(together).map(mean).collect(),
    }
}

/// Two places are more than a page shows, and keep the data small.
fn hundredths(value: f64) -> f32 {
    ((value * 100.0).round() / 100.0) as f32
}

/// The gain of one step over time, from the gains that it used.
#[derive(Clone, Debug)]
pub struct TrackMeter {
    name: String,
    sample_rate: u32,
    /// Spans of 10 ms: those that ended, and the open one.
    done: u64,
    frames: u64,
    open: (f64, f64),
    /// Lowest and highest gain (linear) of so many spans each.
    points: Vec<(f64, f64)>,
    together: u64,
    sum_db: f64,
    active: u64,
    lowest: (f64, u64),
    highest: f64,
}

const NO_GAIN: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

impl TrackMeter {
    pub fn new(name: &str, sample_rate: u32) -> Self {
        TrackMeter {
            name: name.to_owned(),
            sample_rate: sample_rate.max(SPANS_PER_SECOND),
            done: 0,
            frames: 0,
            open: NO_GAIN,
            points: Vec::new(),
            together: 1,
            sum_db: 0.0,
            active: 0,
            lowest: (1.0, 0),
            highest: 1.0,
        }
    }

    /// Linear gains, one for each of the next frames; of several channels those that lie furthest from 1.
    pub fn push(&mut self, gains: &[f64]) {
        let mut rest = gains;
        while !rest.is_empty() {
            let take = ((self.span_end() - self.frames) as usize).min(rest.len());
            let (part, after) = rest.split_at(take);
            self.note(part, take as u64);
            rest = after;
        }
    }

    /// The like for a step that has one gain for `frames_each` frames.
    pub fn push_held(&mut self, gains: &[f64], frames_each: usize) {
        for gain in gains {
            let mut left = frames_each as u64;
            while left > 0 {
                let take = (self.span_end() - self.frames).min(left);
                self.note(std::slice::from_ref(gain), take);
                left -= take;
            }
        }
    }

    /// Planes of the same frames (channels, bands): every frame counts with the gain furthest from 1.
    pub fn push_planes(&mut self, planes: &[Vec<f64>]) {
        match planes {
            [] => {}
            [one] => self.push(one),
            [first, rest @ ..] => {
                let far = |a: f64, b: f64| if away(b) > away(a) { b } else { a };
                let of = |i: usize| {
                    rest.iter().fold(first[i], |g, plane| far(g, plane.get(i).map_or(1.0, |g| *g)))
                };
                let gains: Vec<f64> = (0..first.len()).map(of).collect();
                self.push(&gains);
            }
        }
    }

    fn span_end(&self) -> u64 {
        // Nearest whole frames, so that no rate drifts.
        let parts = u64::from(SPANS_PER_SECOND);
        ((self.done + 1) * u64::from(self.sample_rate) + parts / 2) / parts
    }

    fn note(&mut self, gains: &[f64], frames: u64) {
        for gain in gains.iter().filter(|gain| gain.is_finite()) {
            self.open = (self.open.0.min(*gain), self.open.1.max(*gain));
        }
        self.frames += frames;
        if self.frames == self.span_end() {
            self.end_span();
        }
    }

    fn end_span(&mut self) {
        let (low, high) = if self.open.0 > self.open.1 { (1.0, 1.0) } else { self.open };
        self.open = NO_GAIN;
        if low < self.lowest.0 {
            self.lowest = (low, self.done);
        }
        self.highest = self.highest.max(high);
        let db = to_db(furthest((low, high)));
        self.sum_db += db;
        self.active += u64::from(db.abs() >= ACTIVE_DB);
        if self.done.is_multiple_of(self.together) {
            self.points.push((low, high));
        } else if let Some(last) = self.points.last_mut() {
            *last = (last.0.min(low), last.1.max(high));
        }
        self.done += 1;
        if self.points.len() > POINTS_MAX {
            let pair = |p: &[(f64, f64)]| p.iter().fold(NO_GAIN, |a, b| (a.0.min(b.0), a.1.max(b.1)));
            self.points = self.points.chunks(2).map(pair).collect();
            self.together *= 2;
        }
    }

    /// The track so far; more can be pushed afterwards.
    pub fn track(&self) -> Track {
        let mut ended = self.clone();
        if ended.open != NO_GAIN {
            ended.end_span();
        }
        let spans = ended.done.max(1) as f64;
        let step_s = ended.together as f64 / f64::from(SPANS_PER_SECOND);
        Track {
            name: ended.name,
            gain_db: Curve {
                first_s: (step_s / 2.0) as f32,
                step_s: step_s as f32,
                values: ended.points.iter().map(|p| hundredths(to_db(furthest(*p)))).collect(),
            },
            lowest_db: hundredths(to_db(ended.lowest.0)),
            highest_db: hundredths(to_db(ended.highest)),
            lowest_at_s: ended.lowest.1 as f64 / f64::from(SPANS_PER_SECOND),
            mean_db: hundredths(ended.sum_db / spans),
            active: hundredths(ended.active as f64 / spans),
        }
    }
}

/// How far a gain is from 1, in the sense of decibels.
fn away(gain: f64) -> f64 {
    if gain < 1.0 { 1.0 / gain.max(1e-9) } else { gain }
}

fn furthest((low, high): (f64, f64)) -> f64 {
    if away(high) > away(low) { high } else { low }
}

/// A gate that is shut reads -120 dB.
fn to_db(gain: f64) -> f64 {
    decibels(gain.clamp(1e-6, 1e6))
}
