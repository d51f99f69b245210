//! The last gain and the limiter as the render uses them: peaks looked at once, kept in a file, and turned into gains for any level.

use super::{scratch::PlanesReader, take::Take};
use crate::{
    block::Block,
    error::DspError,
    processors::{CurveSettings, GainCurve, apply_ramp, linear},
};

/// Everything that decides the level of one take at one rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub gain_db: f64,
    /// What the limiter aims at. `None`: no limiting.
    pub limit_dbtp: Option<f64>,
    pub curve: CurveSettings,
    /// After the limiter, 0 or less: the last resort that holds the ceiling.
    pub trim_db: f64,
    /// Where the wave was seen to rise over the aim: groups whose peaks count for more than the detector saw. In order, each group once.
    pub lifts: Vec<Lift>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    pub group: u64,
    pub factor: f64,
}

impl Level {
    /// No gain, no limiting.
    pub fn unity() -> Self {
        let curve = CurveSettings {
            lookahead_ms: 1.0,
            hold_ms: 1.0,
            fast_release_ms: 1.0,
            slow_release_ms: 1.0,
            link: 1.0,
        };
        Level { gain_db: 0.0, limit_dbtp: None, curve, trim_db: 0.0, lifts: Vec::new() }
    }

    /// Counts the peaks of these groups for more from now on, beside what was counted before.
    pub fn lift(&mut self, more: &[Lift]) {
        for one in more {
            match self.lifts.binary_search_by_key(&one.group, |l| l.group) {
                Ok(at) => self.lifts[at].factor *= one.factor,
                Err(at) => self.lifts.insert(at, *one),
            }
        }
    }
}

/// The limiter's gains of one take, group by group.
pub struct Control<'a> {
    reader: PlanesReader,
    curve: GainCurve,
    lifts: &'a [Lift],
    before: f64,
    limit: f64,
    /// Groups read.
    read: u64,
    peaks: Vec<Vec<f64>>,
    /// Values still to come before one belongs to a group.
    early: usize,
    /// Groups of silence that must still follow.
    late: usize,
    lowest: f64,
}

impl<'a> Control<'a> {
    /// `None` where the level has no limiter.
    pub fn new(level: &'a Level, take: &Take<'_>) -> Result<Option<Self>, DspError> {
        let Some(limit_dbtp) = level.limit_dbtp else { return Ok(None) };
        let lanes = take.lanes();
        let curve = GainCurve::new(&level.curve, take.sample_rate, lanes);
        Ok(Some(Control {
            reader: take.peaks.reader()?,
            lifts: &level.lifts,
            before: linear(level.gain_db),
            limit: linear(limit_dbtp),
            read: 0,
            peaks: vec![Vec::new(); lanes],
            early: curve.latency_groups(),
            late: curve.latency_groups() + 1,
            lowest: 1.0,
            curve,
        }))
    }

    /// Appends further values to each lane of `gains`; after the last group one more, then nothing. `false` when there are none left.
    pub fn more(&mut self, gains: &mut [Vec<f64>]) -> Result<bool, DspError> {
        let start = gains.first().map_or(0, Vec::len);
        while gains.first().is_some_and(|g| g.len() == start) {
            self.peaks.iter_mut().for_each(Vec::clear);
            let n = self.reader.more(&mut self.peaks)?;
            if n == 0 && self.late == 0 {
                return Ok(false);
            }
            if n == 0 {
                let late = std::mem::take(&mut self.late);
                self.peaks.iter_mut().for_each(|p| p.resize(late, 0.0));
            }
            self.lift(n as u64);
            self.curve.push(&self.peaks, self.before, self.limit, gains);
            let skip = self.early.min(gains.first().map_or(0, |g| g.len() - start));
            self.early -= skip;
            for lane in gains.iter_mut() {
                lane.drain(start..start + skip);
                self.lowest = lane[start..].iter().fold(self.lowest, |m, g| m.min(*g));
            }
        }
        Ok(true)
    }

    fn lift(&mut self, n: u64) {
        let end = self.read + n;
        let here = self.lifts.partition_point(|l| l.group < end);
        for lift in &self.lifts[..here] {
            let at = (lift.group - self.read) as usize;
            self.peaks.iter_mut().for_each(|p| p[at] *= lift.factor);
        }
        self.lifts = &self.lifts[here..];
        self.read = end;
    }

    /// How far the limiter went down at most so far, in decibels, 0 or more.
    pub fn max_reduction_db(&self) -> f64 {
        crate::math::decibels(1.0 / self.lowest)
    }
}

/// Applies a level to the frames of one take, in order.
pub struct Gains<'a> {
    before: f64,
    after: f64,
    group: usize,
    control: Option<Control<'a>>,
    /// Lane by lane, from the group of the next frame.
    pub ramp: Vec<Vec<f64>>,
    place: usize,
}

impl<'a> Gains<'a> {
    pub fn new(level: &'a Level, take: &Take<'_>) -> Result<Self, DspError> {
        Ok(Gains {
            before: linear(level.gain_db),
            after: linear(level.trim_db),
            group: take.group,
            control: Control::new(level, take)?,
            ramp: vec![Vec::new(); take.lanes()],
            place: 0,
        })
    }

    /// Applies gain, limiter and trim to the next frames.
    pub fn apply(&mut self, block: &mut Block) -> Result<(), DspError> {
        let factor = self.before * self.after;
        let Some(control) = &mut self.control else {
            for samples in &mut block.channels {
                samples.iter_mut().for_each(|s| *s *= factor);
            }
            return Ok(());
        };
        let passed = (self.place / self.group).min(self.ramp[0].len());
        self.ramp.iter_mut().for_each(|r| {
            r.drain(..passed);
        });
        self.place -= passed * self.group;
        let end = self.place + block.frames();
        while self.ramp[0].len() < end.div_ceil(self.group) + 1 && control.more(&mut self.ramp)? {}
        for (c, samples) in block.channels.iter_mut().enumerate() {
            let ramp = &self.ramp[c.min(self.ramp.len() - 1)];
            apply_ramp(samples, self.place, self.group, ramp, factor);
        }
        self.place = end;
        Ok(())
    }

    pub fn max_reduction_db(&self) -> f64 {
        self.control.as_ref().map_or(0.0, Control::max_reduction_db)
    }
}
