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
    /// Where the wave was seen to rise over the aim. In order, each group once.
    pub lifts: Vec<Lift>,
}

/// A group whose wave counts as at least so high before any gain. A height and no factor: what the detector noted for a group that could not be the
/// highest around it says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    pub group: u64,
    pub height: f64,
}

/// A group in which the wave was over the aim, and by what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
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

    /// Lifts these groups from now on, beside what was lifted before.
    pub fn lift(&mut self, more: &[Lift]) {
        for one in more {
            match self.lifts.binary_search_by_key(&one.group, |l| l.group) {
                Ok(at) => self.lifts[at].height = self.lifts[at].height.max(one.height),
                Err(at) => self.lifts.insert(at, *one),
            }
        }
    }

    /// The heights at which the limiter takes off at each place what the wave rose there with the gains of this level.
    pub fn lifts_for(&self, rises: &[Rise], take: &Take<'_>) -> Result<Vec<Lift>, DspError> {
        let Some(mut control) = Control::new(self, take)?.filter(|_| !rises.is_empty()) else {
            return Ok(Vec::new());
        };
        let unlimited = linear(self.limit_dbtp.unwrap_or_default()) / linear(self.gain_db);
        let (mut ramp, mut first) = (vec![Vec::new(); take.lanes()], 0u64);
        let mut lifts = Vec::with_capacity(rises.len());
        for rise in rises {
            let mut more = true;
            while more && (ramp[0].len() as u64) < rise.group + 2 - first {
                let passed = (rise.group - first).min(ramp[0].len() as u64);
                ramp.iter_mut().for_each(|lane| drop(lane.drain(..passed as usize)));
                first += passed;
                more = control.more(&mut ramp)?;
            }
            // What rings after the end belongs to the last gains there are.
            let at = ((rise.group - first) as usize).min(ramp[0].len().saturating_sub(1));
            let gain =
                ramp.iter().flat_map(|lane| lane.iter().skip(at).take(2)).fold(0.0f64, |m, g| m.max(*g));
            if gain > 0.0 {
                lifts.push(Lift { group: rise.group, height: unlimited * rise.factor / gain });
            }
        }
        Ok(lifts)
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
            self.lift();
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

    /// What rings after the last group may be lifted too.
    fn lift(&mut self) {
        let end = self.read + self.peaks.first().map_or(0, Vec::len) as u64;
        let here = self.lifts.partition_point(|l| l.group < end);
        for lift in &self.lifts[..here] {
            let at = (lift.group - self.read) as usize;
            self.peaks.iter_mut().for_each(|p| p[at] = p[at].max(lift.height));
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
