//! A bell or a shelf whose gain moves by the level in its own band: what the dynamic equaliser and the de-esser are made of. It hears the main, draws
//! the course of the gain, and hands both main and alternates to the filter with it. Never here: the filter, settings of a step, units of a recipe.

use std::{
    f64::consts::{FRAC_1_SQRT_2, PI},
    ops::Range,
};

use super::{
    Placement,
    biquad::Coefficients,
    cascade::Cascade,
    minutes,
    moving_filter::{Moving, MovingFilter, Shape},
    one_pole,
};
use crate::{block::Block, error::DspError, math};

/// Frames from one value of the gain to the next, counted from the first of the stream; between them straight lines.
pub(super) const GROUP_FRAMES: usize = 16;
/// How far along the line each frame of a group is.
const WAY: [f64; GROUP_FRAMES] =
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0];
/// Frames that are heard at once: they stay in the first cache.
const STRETCH_FRAMES: usize = 512;
/// -600 dBFS.
const SETTLED: f64 = 1e-30;
/// A gain that has come so close to nought decibels is nought.
const SETTLED_DB: f64 = 1e-5;
/// -120 dB: what is softer counts as this.
const FLOOR_POWER: f64 = 1e-12;
/// The mean of squares is over this many periods of the band, within limits in milliseconds.
const MEAN_PERIODS: f64 = 2.0;
const MEAN_MS: [f64; 2] = [1.0, 50.0];
/// A relative level is held against the last 400 ms, or the same short mean where it is louder, of what is over 200 Hz: a kick does not count, and an
/// onset out of silence is no sibilant.
const PROGRAMME_MS: f64 = 400.0;
const PROGRAMME_HZ: f64 = 200.0;
/// Under -80 dB there is no programme to hold a band against.
const QUIET_POWER: f64 = 1e-8;
/// Of the rate: a corner above it leaves no room for the band.
const HIGHEST: f64 = 0.45;

/// What gain a steady level gets: nothing on one side of the threshold, on the other as much as the ratio asks for, up to the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Law {
    pub threshold_db: f64,
    pub ratio: f64,
    pub knee_db: f64,
    /// Signed: the gain that is never passed.
    pub range_db: f64,
    /// Works under the threshold instead of over it.
    pub below: bool,
}

impl Law {
    pub fn gain_db(&self, level_db: f64) -> f64 {
        let over = if self.below { self.threshold_db - level_db } else { level_db - self.threshold_db };
        let past = if 2.0 * over <= -self.knee_db {
            0.0
        } else if 2.0 * over < self.knee_db {
            (over + 0.5 * self.knee_db) * (over + 0.5 * self.knee_db) / (2.0 * self.knee_db)
        } else {
            over
        };
        let amount = past * (1.0 - 1.0 / self.ratio);
        amount.min(self.range_db.abs()).copysign(self.range_db)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    pub shape: Shape,
    pub hz: f64,
    pub q: f64,
    /// Where it works and where it listens.
    pub on: Placement,
    pub hears: Placement,
    pub law: Law,
    /// The level is that of the band against the programme's instead of against full scale.
    pub relative: bool,
    pub attack_ms: f64,
    pub release_ms: f64,
}

#[derive(Clone)]
pub(super) struct DynamicBand {
    plan: Plan,
    ear: Ear,
    filter: MovingFilter,
    /// Decibels now, and the linear gains at the ends of the line that is being drawn.
    gain_db: f64,
    line: [f64; 2],
    attack: f64,
    release: f64,
    /// Frames since the last multiple of [`GROUP_FRAMES`].
    position: usize,
    pub did: Did,
}

impl DynamicBand {
    /// `what` is named in errors.
    pub fn new(plan: Plan, sample_rate: u32, channels: usize, what: &str) -> Result<Self, DspError> {
        plan.on.check(channels, what)?;
        plan.hears.check(channels, what)?;
        let highest = HIGHEST * f64::from(sample_rate);
        if plan.hz > highest {
            return Err(DspError::Invalid(format!(
                "{what} is at {} Hz, but at a sample rate of {sample_rate} Hz it can be at {highest:.0} Hz at most",
                plan.hz
            )));
        }
        let pace = |ms: f64| one_pole(ms / GROUP_FRAMES as f64, sample_rate);
        let moving = Moving { shape: plan.shape, hz: plan.hz, q: plan.q, range_db: plan.law.range_db };
        Ok(DynamicBand {
            plan,
            ear: Ear::new(&plan, sample_rate, channels),
            filter: MovingFilter::new(moving, sample_rate, plan.on.planes(channels)),
            gain_db: 0.0,
            line: [1.0, 1.0],
            attack: pace(plan.attack_ms),
            release: pace(plan.release_ms),
            position: 0,
            did: Did::new(sample_rate),
        })
    }

    pub fn reset(&mut self) {
        self.ear.reset();
        self.filter.reset();
        self.gain_db = 0.0;
        self.line = [1.0, 1.0];
        self.position = 0;
        self.did.clear();
    }

    /// Hears the frames of a block and gives the gain of each.
    pub fn listen(&mut self, block: &Block, gains: &mut Vec<f64>) {
        gains.clear();
        gains.resize(block.frames(), 1.0);
        let mut start = 0;
        for stretch in gains.chunks_mut(STRETCH_FRAMES) {
            self.ear.take(block, start..start + stretch.len());
            self.draw(stretch);
            start += stretch.len();
        }
    }

    /// The gains of frames that the ear has taken.
    fn draw(&mut self, gains: &mut [f64]) {
        let mut at = 0;
        while at < gains.len() {
            let n = (GROUP_FRAMES - self.position).min(gains.len() - at);
            let [from, to] = self.line;
            if from != 1.0 || to != 1.0 {
                let step = (to - from) / GROUP_FRAMES as f64;
                for (gain, way) in gains[at..at + n].iter_mut().zip(&WAY[self.position..]) {
                    *gain = from + step * way;
                }
            }
            self.ear.gather(at, n);
            at += n;
            self.position += n;
            if self.position == GROUP_FRAMES {
                self.position = 0;
                self.turn();
            }
        }
    }

    /// A group has been heard: where the gain goes in the next one.
    fn turn(&mut self) {
        let wanted = self.ear.level_db(self.plan.relative).map_or(0.0, |level| self.plan.law.gain_db(level));
        let pace = if wanted.abs() > self.gain_db.abs() { self.attack } else { self.release };
        self.gain_db += (wanted - self.gain_db) * pace;
        if wanted == 0.0 && self.gain_db.abs() < SETTLED_DB {
            self.gain_db = 0.0;
        }
        let gain = math::exp2(self.gain_db * (1.0 / math::DB_PER_OCTAVE));
        self.line = [self.line[1], gain];
        self.did.note(self.gain_db);
    }

    /// Filters a block with one gain for each of its frames.
    pub fn apply(&mut self, block: &mut Block, gains: &[f64]) {
        self.filter.run(block, gains, self.plan.on);
    }
}

/// What a band hears: the mean of squares behind a filter, and of the programme where it is asked for.
#[derive(Clone)]
struct Ear {
    hears: Placement,
    band: Cascade,
    programme: Option<Cascade>,
    heard: Vec<Vec<f64>>,
    whole: Vec<Vec<f64>>,
    /// Sums of squares over the current group, then the means: of the band, of the programme over as short a time and over a long one.
    sums: [f64; 2],
    means: [f64; 3],
    paces: [f64; 3],
}

impl Ear {
    fn new(plan: &Plan, sample_rate: u32, channels: usize) -> Ear {
        let planes = plan.hears.planes(channels);
        let (hz, q) = (plan.hz, FRAC_1_SQRT_2);
        let section = match plan.shape {
            Shape::Bell => Coefficients::band_pass(sample_rate, hz, bent_q(plan, sample_rate)),
            Shape::LowShelf => Coefficients::high_cut(sample_rate, hz, q),
            Shape::HighShelf => Coefficients::low_cut(sample_rate, hz, q),
        };
        let mean_ms = (MEAN_PERIODS * 1000.0 / hz).clamp(MEAN_MS[0], MEAN_MS[1]);
        let pace = |ms: f64| one_pole(ms / GROUP_FRAMES as f64, sample_rate);
        let low = Coefficients::low_cut(sample_rate, PROGRAMME_HZ, q);
        Ear {
            hears: plan.hears,
            band: Cascade::new(&[section], planes),
            programme: plan.relative.then(|| Cascade::new(&[low], planes)),
            heard: Vec::new(),
            whole: Vec::new(),
            sums: [0.0; 2],
            means: [0.0; 3],
            paces: [mean_ms, mean_ms, PROGRAMME_MS].map(pace),
        }
    }

    fn reset(&mut self) {
        self.band.reset();
        if let Some(programme) = &mut self.programme {
            programme.reset();
        }
        self.sums = [0.0; 2];
        self.means = [0.0; 3];
    }

    fn take(&mut self, block: &Block, frames: Range<usize>) {
        self.hears.read(block, frames.clone(), &mut self.heard);
        if let Some(programme) = &mut self.programme {
            self.hears.read(block, frames, &mut self.whole);
            programme.run(&mut self.whole);
        }
        self.band.run(&mut self.heard);
    }

    /// One frame after the other, so that it does not matter where a block ends.
    fn gather(&mut self, at: usize, n: usize) {
        for (sum, planes) in self.sums.iter_mut().zip([&self.heard, &self.whole]) {
            match planes.as_slice() {
                [one] => one[at..at + n].iter().for_each(|s| *sum += s * s),
                [one, two] => {
                    one[at..at + n].iter().zip(&two[at..at + n]).for_each(|(a, b)| *sum += a * a + b * b);
                }
                more => {
                    for i in at..at + n {
                        *sum += more.iter().map(|plane| plane[i] * plane[i]).sum::<f64>();
                    }
                }
            }
        }
    }

    /// The level after a group; `None` where there is no programme to hold it against.
    fn level_db(&mut self, relative: bool) -> Option<f64> {
        let count = (self.heard.len() * GROUP_FRAMES).max(1) as f64;
        let [band, whole] = std::mem::take(&mut self.sums).map(|sum| sum / count);
        for ((mean, pace), new) in self.means.iter_mut().zip(self.paces).zip([band, whole, whole]) {
            *mean += (new - *mean) * pace;
            if *mean < SETTLED {
                *mean = 0.0;
            }
        }
        let [band, short, long] = self.means;
        let db = |power: f64| math::log2(power.max(FLOOR_POWER)) * (0.5 * math::DB_PER_OCTAVE);
        if !relative {
            return Some(db(band));
        }
        let programme = short.max(long);
        (programme > QUIET_POWER).then(|| db(band) - db(programme))
    }
}

/// The quality that keeps the width of a band-pass in hertz, where the transform bends the axis: of the same slope at the centre.
fn bent_q(plan: &Plan, sample_rate: u32) -> f64 {
    let w = 2.0 * PI * plan.hz / f64::from(sample_rate);
    plan.q * math::sin(w) / w
}

/// What a band did to the main.
#[derive(Clone, Debug)]
pub(super) struct Did {
    sample_rate: u32,
    groups: u64,
    /// Groups with a gain of more than a tenth of a decibel, and the sum of theirs.
    at_work: u64,
    sum_db: f64,
    most_db: f64,
    most_at: u64,
}

impl Did {
    fn new(sample_rate: u32) -> Did {
        Did { sample_rate, groups: 0, at_work: 0, sum_db: 0.0, most_db: 0.0, most_at: 0 }
    }

    fn clear(&mut self) {
        *self = Did::new(self.sample_rate);
    }

    fn note(&mut self, gain_db: f64) {
        if gain_db.abs() > self.most_db.abs() {
            (self.most_db, self.most_at) = (gain_db, self.groups);
        }
        self.groups += 1;
        if gain_db.abs() > 0.1 {
            self.at_work += 1;
            self.sum_db += gain_db;
        }
    }

    /// "-1.2 dB on average while it works, 34 % of the time; -4.1 dB at most, at 1:32"
    pub fn words(&self) -> String {
        if self.at_work == 0 {
            return "never at work".into();
        }
        let average = self.sum_db / self.at_work as f64;
        let share = 100.0 * self.at_work as f64 / self.groups as f64;
        let at_s = (self.most_at * GROUP_FRAMES as u64) as f64 / f64::from(self.sample_rate.max(1));
        format!(
            "{average:+.1} dB on average while it works, {share:.0} % of the time; {:+.1} dB at most, at {}",
            self.most_db,
            minutes(at_s)
        )
    }
}
