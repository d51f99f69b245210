//! The first two channels against each other: balance, correlation over time in the whole band and below 300 Hz, and how near the two are to one
//! signal. Never here: more than two channels.

use serde::Serialize;

use super::sums::{Pair, Sums};
use crate::math::decibels_of_power;

/// A series is never longer; where it would be, neighbours are joined and a point stands for twice the time.
pub const POINTS_MAX: usize = 720;
/// A second in which either channel is quieter than -60 dBFS RMS has no correlation: noise would speak.
const QUIET_POWER: f64 = 1e-6;
/// Two channels whose difference is 60 dB under their sum are one signal.
const NEAR_POWER: f64 = 1e-6;
/// One signal at two levels: what is left after the best gain is 60 dB down.
const SCALED_LEFT: f64 = 1e-6;

/// What two channels are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Not a pair: mono, more channels than two are judged by their first two.
    Mono,
    Stereo,
    /// The same to the bit.
    DualMono,
    /// The difference is at least 60 dB under the sum.
    NearDualMono,
    /// One is minus the other, to the bit or 60 dB down: nothing is left in mono.
    InvertedDualMono,
    /// One signal at two levels.
    PannedMono,
    /// One channel has no sound.
    OneSided,
    Silent,
}

/// Correlation from -1 to 1 of the first two channels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Correlation {
    /// Of the whole file; 0 where a channel is silent.
    pub whole: f64,
    /// The lowest of the seconds in which both channels are above -60 dBFS RMS; `null` where there is none.
    pub minimum: Option<f64>,
    pub minimum_at_s: Option<f64>,
    /// The share of those seconds in which it is under zero.
    pub negative_share: f64,
    /// Seconds that a point stands for: 1, or a power of two where the file is longer than 12 minutes.
    pub step_s: f64,
    /// At most 720; `null` where either channel is quiet.
    pub points: Vec<Option<f64>>,
}

/// Of two channels; `null` in its place where there is but one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stereo {
    pub relation: Relation,
    /// How much louder the first channel is than the second, RMS; `null` where either is silent.
    pub balance_db: Option<f64>,
    /// The difference of the channels against their sum; `null` where either is nothing.
    pub side_to_mid_db: Option<f64>,
    pub correlation: Correlation,
    /// Below 300 Hz: negative bass cannot be cut on vinyl and is lost in mono.
    pub low_correlation: Correlation,
}

/// Energies and product of two channels over some time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Product {
    pub left: f64,
    pub right: f64,
    pub both: f64,
    pub frames: u64,
}

impl Product {
    fn add(&mut self, other: &Product) {
        self.left += other.left;
        self.right += other.right;
        self.both += other.both;
        self.frames += other.frames;
    }

    fn value(&self) -> f64 {
        let size = (self.left * self.right).sqrt();
        if size > 0.0 { (self.both / size).clamp(-1.0, 1.0) } else { 0.0 }
    }

    fn is_loud(&self) -> bool {
        self.left.min(self.right) > QUIET_POWER * self.frames as f64
    }
}

/// Correlation of steps of 100 ms, gathered to seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    whole: Product,
    second: Product,
    steps: u64,
    minimum: Option<(f64, u64)>,
    loud: u64,
    negative: u64,
    points: Vec<Product>,
    /// Seconds of a point.
    step: u64,
    point: Product,
    seconds: u64,
}

impl Series {
    pub(super) fn step(&mut self, product: &Product) {
        self.whole.add(product);
        self.second.add(product);
        self.steps += 1;
        if self.steps.is_multiple_of(10) {
            self.end_second();
        }
    }

    fn end_second(&mut self) {
        let second = std::mem::take(&mut self.second);
        if second.is_loud() {
            let value = second.value();
            self.loud += 1;
            self.negative += u64::from(value < 0.0);
            if self.minimum.is_none_or(|(least, _)| value < least) {
                self.minimum = Some((value, (self.steps.max(1) - 1) / 10));
            }
        }
        self.step = self.step.max(1);
        self.point.add(&second);
        self.seconds += 1;
        if self.seconds.is_multiple_of(self.step) {
            self.points.push(std::mem::take(&mut self.point));
            if self.points.len() > POINTS_MAX {
                self.halve();
            }
        }
    }

    fn halve(&mut self) {
        self.step *= 2;
        let mut joined = Vec::with_capacity(POINTS_MAX);
        for points in self.points.chunks(2) {
            let mut point = points[0];
            match points.get(1) {
                Some(next) => {
                    point.add(next);
                    joined.push(point);
                }
                None => self.point = point,
            }
        }
        self.points = joined;
    }

    fn finish(mut self) -> Correlation {
        // The last second counts where half of it is there, or where there is no other.
        if self.steps % 10 >= 5 || (self.steps > 0 && self.seconds == 0) {
            self.end_second();
        }
        if self.point.frames > 0 {
            self.points.push(self.point);
        }
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        Correlation {
            whole: self.whole.value(),
            minimum: self.minimum.map(|(value, _)| value),
            minimum_at_s: self.minimum.map(|(_, second)| second as f64),
            negative_share: self.negative as f64 / self.loud.max(1) as f64,
            step_s: self.step.max(1) as f64,
            points: self.points.iter().map(|p| p.is_loud().then(|| rounded(p.value()))).collect(),
        }
    }
}

/// Both series and what tells one signal from two.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    full: Series,
    low: Series,
    left: f64,
    right: f64,
    side: f64,
    mid: f64,
    /// Some sample differs from the other channel's, or from its negative.
    differs: bool,
    differs_inverted: bool,
}

impl Image {
    pub(super) fn step(&mut self, left: &Sums, right: &Sums, pair: &Pair, frames: u64) {
        self.full.step(&Product { left: left.squares, right: right.squares, both: pair.products, frames });
        self.left += left.squares;
        self.right += right.squares;
        self.side += pair.side_squares;
        self.mid += pair.mid_squares;
        // A difference too small for its square to be a number would hide; samples of sound are never that small.
        self.differs |= pair.side_squares > 0.0;
        self.differs_inverted |= pair.mid_squares > 0.0;
    }

    pub(super) fn low_step(&mut self, product: &Product) {
        self.low.step(product);
    }

    pub(super) fn finish(self) -> Stereo {
        let both = self.left > 0.0 && self.right > 0.0;
        let of = |over: f64, under: f64| {
            (over > 0.0 && under > 0.0).then(|| decibels_of_power(over) - decibels_of_power(under))
        };
        Stereo {
            relation: self.relation(),
            balance_db: if both { of(self.left, self.right) } else { None },
            side_to_mid_db: of(self.side, self.mid),
            correlation: self.full.finish(),
            low_correlation: self.low.finish(),
        }
    }

    fn relation(&self) -> Relation {
        let value = self.full.whole.value();
        match (self.left > 0.0, self.right > 0.0) {
            (false, false) => Relation::Silent,
            (true, false) | (false, true) => Relation::OneSided,
            _ if !self.differs => Relation::DualMono,
            _ if !self.differs_inverted || self.mid < NEAR_POWER * self.side => Relation::InvertedDualMono,
            _ if self.side < NEAR_POWER * self.mid => Relation::NearDualMono,
            _ if 1.0 - value * value < SCALED_LEFT => Relation::PannedMono,
            _ => Relation::Stereo,
        }
    }
}
