//! From levels to gains: mean, static curve, hold, attack and release, make-up. A value may stand for a frame or for a group of frames; times are
//! counted in values. Every value's own work (logarithm, curve, power) is done in lanes; only the smoother walks from value to value.
//! Never here: samples.

use super::{
    settings::{CompressorStep, LookaheadMs, SlowReleaseMs},
    told::Reduction,
};
use crate::{
    lanes,
    math::{self, DB_PER_OCTAVE},
    processors::{Sensing, one_pole},
};

/// Values worked on at once, counted from the first of the stream.
pub(crate) const PERIOD: usize = 256;
/// The mean of squares is found from the one this many values before, so that as many run side by side.
const AHEAD: usize = 4;
/// Levels below -120 dB count as this: it keeps the logarithm finite.
const FLOOR_POWER: f64 = 1e-12;
const FLOOR_AMPLITUDE: f64 = 1e-6;
/// What is smaller at the end of a period is zero: denormal numbers are slow on many machines.
const SETTLED_POWER: f64 = 1e-30;
const SETTLED_DB: f64 = 1e-12;
/// An average this near to nothing tells nothing of the program any more.
const SETTLED_AVERAGE_DB: f64 = 1e-3;
/// How fast the average learns reduction and forgets it, in times of the slow release.
const LEARNING: f64 = 0.3;
const FORGETTING: f64 = 3.0;

/// The gains of one compressor: as many lanes as have a gain of their own.
#[derive(Clone)]
pub(crate) struct Course {
    plan: Plan,
    /// One for each stream of levels.
    means: Vec<Mean>,
    lanes: Vec<Lane>,
    /// Share of the common curve in each lane's.
    link: f64,
    /// Values since the last multiple of [`PERIOD`].
    position: usize,
    reduction: Reduction,
}

/// What the settings come to at a pace of values.
#[derive(Clone, Copy)]
struct Plan {
    sensing: Sensing,
    curve: Curve,
    attack: f64,
    release: f64,
    program: Option<Program>,
    /// Share of a new square in the mean.
    rms: f64,
    makeup_db: f64,
}

/// The two speeds of a release that follows the program.
#[derive(Clone, Copy)]
struct Program {
    slow: f64,
    learn: f64,
    forget: f64,
}

/// The static curve in the units of the detector's logarithm.
#[derive(Clone, Copy)]
struct Curve {
    /// Decibels in one step of the binary logarithm.
    scale_db: f64,
    floor: f64,
    /// Below this there is no gain reduction.
    quiet: f64,
    knee_start_db: f64,
    knee_db: f64,
    per_knee: f64,
    slope: f64,
    lowest_db: f64,
}

/// Squares and their means that stand before the current period.
#[derive(Clone, Copy, Default)]
struct Mean {
    squares: [f64; AHEAD - 1],
    means: [f64; AHEAD],
}

#[derive(Clone)]
struct Lane {
    hold: Option<Lowest>,
    gain_db: f64,
    average_db: f64,
}

impl Course {
    /// For `channels` keys at `sample_rate`, where each value stands for `group` frames.
    pub fn new(
        step: &CompressorStep,
        lookahead: LookaheadMs,
        sample_rate: u32,
        group: usize,
        channels: usize,
    ) -> Self {
        let per_value = group as f64;
        let values = |ms: f64| (ms * f64::from(sample_rate) / (1000.0 * per_value)).round() as usize;
        let pace = |ms: f64| one_pole(ms / per_value, sample_rate);
        let link = step.link.get();
        let lanes = if link >= 1.0 { 1 } else { channels };
        let streams = if link > 0.0 && link < 1.0 { lanes + 1 } else { lanes };
        let early = values(lookahead.get());
        let width = early + values(step.hold_ms.get()) + 1;
        let lane = Lane { hold: (width > 1).then(|| Lowest::new(width)), gain_db: 0.0, average_db: 0.0 };
        let program = |slow: SlowReleaseMs| Program {
            slow: pace(slow.get()),
            learn: pace(LEARNING * slow.get()),
            forget: pace(FORGETTING * slow.get()),
        };
        Course {
            plan: Plan {
                sensing: step.sensing,
                curve: Curve::new(step),
                attack: pace(step.attack_ms.get()),
                release: pace(step.release_ms.get()),
                program: step.slow_release_ms.map(program),
                rms: pace(step.rms_ms.get()),
                makeup_db: step.makeup_db(),
            },
            means: vec![Mean::default(); streams],
            lanes: vec![lane; lanes],
            link,
            position: 0,
            reduction: Reduction::new(f64::from(sample_rate) / per_value, early as u64),
        }
    }

    /// Streams of levels to be handed to [`Course::run`]: each channel's own, then the common one; or only one of the two kinds.
    pub fn streams(&self) -> usize {
        self.means.len()
    }

    /// Gains that come out: one for each channel, or one for all.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Whether the last stream is the common level of all channels.
    pub fn has_common(&self) -> bool {
        self.link > 0.0
    }

    /// The gain while nothing is turned down.
    pub fn rest(&self) -> f64 {
        factor(self.plan.makeup_db)
    }

    /// Values until the end of the period: as many at most are taken at once.
    pub fn room(&self) -> usize {
        PERIOD - self.position
    }

    pub fn reset(&mut self) {
        self.means.fill(Mean::default());
        for lane in &mut self.lanes {
            lane.hold.iter_mut().for_each(Lowest::reset);
            (lane.gain_db, lane.average_db) = (0.0, 0.0);
        }
        self.position = 0;
        self.reduction.forget();
    }

    /// What was turned down since the start, in a line.
    pub fn words(&self) -> String {
        self.reduction.words()
    }

    /// Turns levels (means of squares, or peaks) into linear gains: those of the lanes stand in the first streams afterwards.
    pub fn run(&mut self, streams: &mut [Vec<f64>]) {
        let n = streams.first().map_or(0, Vec::len);
        let Self { plan, means, lanes, link, .. } = self;
        lanes::wide(
            #[inline(always)]
            || {
                for (levels, mean) in streams.iter_mut().zip(means) {
                    plan.wanted(levels, mean);
                }
                if let Some((common, own)) =
                    streams.split_last_mut().filter(|(_, own)| own.len() == lanes.len())
                {
                    let alone = 1.0 - *link;
                    for wanted in own {
                        wanted
                            .iter_mut()
                            .zip(&*common)
                            .for_each(|(own, all)| *own = *own * alone + all * *link);
                    }
                }
                for (lane, wanted) in lanes.iter_mut().zip(&mut *streams) {
                    lane.follow(plan, wanted);
                }
            },
        );
        let lanes = self.lanes.len();
        self.reduction.count(streams.iter().take(lanes).map(Vec::as_slice));
        let makeup_db = self.plan.makeup_db;
        lanes::wide(
            #[inline(always)]
            || {
                for lane in streams.iter_mut().take(lanes) {
                    lane.iter_mut().for_each(|gain| *gain = factor(*gain + makeup_db));
                }
            },
        );
        self.position = (self.position + n) % PERIOD;
        if self.position == 0 {
            self.settle();
        }
    }

    fn settle(&mut self) {
        for mean in self.means.iter_mut().flat_map(|m| &mut m.means) {
            *mean = if *mean < SETTLED_POWER { 0.0 } else { *mean };
        }
        for lane in &mut self.lanes {
            if lane.gain_db.abs() < SETTLED_DB {
                lane.gain_db = 0.0;
                if lane.average_db.abs() < SETTLED_AVERAGE_DB {
                    lane.average_db = 0.0;
                }
            }
        }
    }
}

/// Decibels into a linear gain.
#[inline(always)]
fn factor(gain_db: f64) -> f64 {
    math::exp2(gain_db * (1.0 / DB_PER_OCTAVE))
}

impl Plan {
    /// Levels into the gains that the curve wants, in decibels.
    #[inline(always)]
    fn wanted(&self, levels: &mut [f64], mean: &mut Mean) {
        if self.sensing == Sensing::Rms {
            mean.average(self.rms, levels);
        }
        let quiet = levels.iter().fold(true, |all, x| all & (*x < self.curve.quiet));
        if quiet {
            levels.fill(self.curve.none());
        } else {
            levels.iter_mut().for_each(|x| *x = self.curve.gain_db(*x));
        }
    }

    /// Follows the wanted gains: towards a smaller one at the pace of the attack, towards a larger one at the pace of the release.
    #[inline(always)]
    fn smooth(&self, mut gain: f64, values: &mut [f64]) -> f64 {
        let (attack, release) = (self.attack, self.release);
        let (stay_attack, stay_release) = (1.0 - attack, 1.0 - release);
        // Of the two next gains the right one is always the smaller, or always the larger: a choice without waiting for a comparison.
        let attack_first = attack >= release;
        for value in values {
            let down = gain * stay_attack + *value * attack;
            let up = gain * stay_release + *value * release;
            gain = if attack_first {
                if down < up { down } else { up }
            } else {
                if down > up { down } else { up }
            };
            *value = gain;
        }
        gain
    }
}

impl Program {
    /// As [`Plan::smooth`], with the release that the average so far asks for.
    #[inline(always)]
    fn smooth(&self, plan: &Plan, lane: &mut Lane, values: &mut [f64]) {
        let (mut gain, mut average) = (lane.gain_db, lane.average_db);
        for value in values {
            let rise = if gain < average { plan.release } else { self.slow };
            let pace = if *value < gain { plan.attack } else { rise };
            gain += (*value - gain) * pace;
            average += (gain - average) * if gain < average { self.learn } else { self.forget };
            *value = gain;
        }
        (lane.gain_db, lane.average_db) = (gain, average);
    }
}

impl Lane {
    #[inline(always)]
    fn follow(&mut self, plan: &Plan, wanted: &mut [f64]) {
        if let Some(hold) = &mut self.hold {
            wanted.iter_mut().for_each(|gain_db| *gain_db = hold.push(*gain_db));
        }
        // Nothing wanted and nothing under way: smoothing would change nothing.
        let rests = self.gain_db == 0.0 && self.average_db == 0.0;
        if rests && wanted.iter().fold(true, |all, x| all & (*x == 0.0)) {
            return;
        }
        match &plan.program {
            None => self.gain_db = plan.smooth(self.gain_db, wanted),
            Some(program) => program.smooth(plan, self, wanted),
        }
    }
}

impl Mean {
    /// Squares into their running mean: m += (x - m) rms for every value, worked out from four values back, so that four run in lanes.
    #[inline(always)]
    fn average(&mut self, rms: f64, values: &mut [f64]) {
        const SQUARES: usize = AHEAD - 1;
        let n = values.len();
        let (mut squares, mut means) = ([0.0; PERIOD + SQUARES], [0.0; PERIOD + AHEAD]);
        squares[..SQUARES].copy_from_slice(&self.squares);
        squares[SQUARES..SQUARES + n].copy_from_slice(values);
        means[..AHEAD].copy_from_slice(&self.means);
        let c = 1.0 - rms;
        let (r1, r2, r3, c4) = (rms * c, rms * c * c, rms * c * c * c, (c * c) * (c * c));
        let (s3, s2, s1, s0) =
            (&squares[..n], &squares[1..n + 1], &squares[2..n + 2], &squares[SQUARES..n + SQUARES]);
        let new = &mut means[AHEAD..AHEAD + n];
        for i in 0..n {
            new[i] = (rms * s0[i] + r1 * s1[i]) + (r2 * s2[i] + r3 * s3[i]);
        }
        let mut before = self.means;
        let (fours, rest) = new.as_chunks_mut::<AHEAD>();
        for four in fours {
            for (mean, old) in four.iter_mut().zip(&mut before) {
                *mean += c4 * *old;
                *old = *mean;
            }
        }
        rest.iter_mut().zip(&before).for_each(|(mean, old)| *mean += c4 * old);
        values.copy_from_slice(new);
        self.squares.copy_from_slice(&squares[n..n + SQUARES]);
        self.means.copy_from_slice(&means[n..n + AHEAD]);
    }
}

impl Curve {
    fn new(step: &CompressorStep) -> Self {
        let knee_db = step.knee_db.get();
        let knee_start_db = step.threshold_db.get() - knee_db / 2.0;
        let (scale_db, floor) = match step.sensing {
            Sensing::Rms => (0.5 * DB_PER_OCTAVE, FLOOR_POWER),
            Sensing::Peak => (DB_PER_OCTAVE, FLOOR_AMPLITUDE),
        };
        Curve {
            scale_db,
            floor,
            // A little under the start of the knee, so that rounding in the logarithm cannot tell.
            quiet: math::pow(2.0, knee_start_db / scale_db) * (1.0 - 1e-9),
            knee_start_db,
            knee_db,
            per_knee: if knee_db > 0.0 { 0.5 / knee_db } else { 0.0 },
            slope: step.slope(),
            lowest_db: step.floor_db(),
        }
    }

    /// What [`Curve::gain_db`] gives below the knee, to the bit.
    #[inline(always)]
    fn none(&self) -> f64 {
        self.slope * 0.0
    }

    /// [`CompressorStep::static_gain_db`] without a branch: the square of the way through the knee, and the way behind it.
    #[inline(always)]
    fn gain_db(&self, level: f64) -> f64 {
        let level = if level > self.floor { level } else { self.floor };
        let way = math::log2(level) * self.scale_db - self.knee_start_db;
        let way = if way > 0.0 { way } else { 0.0 };
        let inside = if way < self.knee_db { way } else { self.knee_db };
        let gain_db = self.slope * (inside * inside * self.per_knee + (way - inside));
        if gain_db > self.lowest_db { gain_db } else { self.lowest_db }
    }
}

/// The lowest of the last values (van Herk, 1992): what is lowest from each place of the last stretch to its end, and of the new stretch so far.
#[derive(Clone)]
struct Lowest {
    /// As many as the window is wide: up to `at` the new stretch, from there on the lowest to the end of the last.
    values: Vec<f64>,
    at: usize,
    new: f64,
}

impl Lowest {
    /// Before the first value there was no reduction.
    fn new(width: usize) -> Self {
        Lowest { values: vec![0.0; width], at: 0, new: 0.0 }
    }

    fn reset(&mut self) {
        self.values.fill(0.0);
        (self.at, self.new) = (0, 0.0);
    }

    #[inline(always)]
    fn push(&mut self, value: f64) -> f64 {
        self.new = if self.at == 0 || value < self.new { value } else { self.new };
        self.values[self.at] = value;
        self.at += 1;
        let Some(old) = self.values.get(self.at).copied() else {
            let mut lowest = 0.0;
            for value in self.values.iter_mut().rev() {
                lowest = if *value < lowest { *value } else { lowest };
                *value = lowest;
            }
            self.at = 0;
            return self.new;
        };
        if old < self.new { old } else { self.new }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_lowest_of_a_window_is_the_lowest_of_its_values(
            values in prop::collection::vec(-30.0f64..0.0, 1..200),
            width in 1usize..40,
        ) {
            let mut lowest = Lowest::new(width);
            for i in 0..values.len() {
                let plain = values[(i + 1).saturating_sub(width)..=i].iter().copied().fold(0.0, f64::min);
                prop_assert_eq!(lowest.push(values[i]), plain);
            }
        }
    }
}
