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
    pub fn lifts_for(&self, rises: &[Rise], take: &Take) -> Result<Vec<Lift>, DspError> {
        self.lifts_from(rises, Control::new(self, take)?, take.lanes())
    }

    fn lifts_from(
        &self,
        rises: &[Rise],
        control: Option<Control<'_>>,
        lanes: usize,
    ) -> Result<Vec<Lift>, DspError> {
        let Some(mut control) = control.filter(|_| !rises.is_empty()) else { return Ok(Vec::new()) };
        let unlimited = linear(self.limit_dbtp.unwrap_or_default()) / linear(self.gain_db);
        let (mut ramp, mut first) = (vec![Vec::new(); lanes], 0u64);
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
    /// Gains that the sound has got before it comes here: its peaks are that much lower.
    under: Option<Box<Ramp<'a>>>,
}

impl<'a> Control<'a> {
    /// `None` where the level has no limiter.
    pub fn new(level: &'a Level, take: &Take) -> Result<Option<Self>, DspError> {
        Control::of(level, take, take.peaks().reader()?)
    }

    /// The limiter that an alternate has of its own, behind the gains of its main.
    fn guard(level: &'a Level, take: &Take, main: Option<Control<'a>>) -> Result<Option<Self>, DspError> {
        let mut guard = Control::of(level, take, take.own_peaks().reader()?)?;
        if let (Some(guard), Some(main)) = (&mut guard, main) {
            guard.under = Some(Box::new(Ramp::new(main, take.lanes())));
        }
        Ok(guard)
    }

    fn of(level: &'a Level, take: &Take, reader: PlanesReader) -> Result<Option<Self>, DspError> {
        let Some(limit_dbtp) = level.limit_dbtp else { return Ok(None) };
        let lanes = take.lanes();
        let curve = GainCurve::new(&level.curve, take.sample_rate, lanes);
        Ok(Some(Control {
            reader,
            lifts: &level.lifts,
            before: linear(level.gain_db),
            limit: linear(limit_dbtp),
            read: 0,
            peaks: vec![Vec::new(); lanes],
            early: curve.latency_groups(),
            late: curve.latency_groups() + 1,
            lowest: 1.0,
            curve,
            under: None,
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
            } else if let Some(under) = &mut self.under {
                under.lower(&mut self.peaks)?;
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

/// The course of a limiter's gain, as straight lines from group to group.
pub struct Ramp<'a> {
    control: Control<'a>,
    /// Lane by lane, from the group of the next frame.
    values: Vec<Vec<f64>>,
    /// Of the next frame, from the first of those values.
    place: usize,
    /// The group that the first of those values belongs to.
    first: u64,
}

impl<'a> Ramp<'a> {
    pub fn new(control: Control<'a>, lanes: usize) -> Self {
        Ramp { control, values: vec![Vec::new(); lanes], place: 0, first: 0 }
    }

    /// Lets go of the groups that have passed and holds all values that the next so many frames need.
    fn hold(&mut self, frames: usize, group: usize) -> Result<(), DspError> {
        let passed = (self.place / group).min(self.values[0].len());
        self.values.iter_mut().for_each(|r| drop(r.drain(..passed)));
        self.first += passed as u64;
        self.place -= passed * group;
        let end = self.place + frames;
        while self.values[0].len() < end.div_ceil(group) + 1 && self.control.more(&mut self.values)? {}
        Ok(())
    }

    fn apply(&mut self, block: &mut Block, group: usize, factor: f64) -> Result<(), DspError> {
        self.hold(block.frames(), group)?;
        for (c, samples) in block.channels.iter_mut().enumerate() {
            let values = &self.values[c.min(self.values.len() - 1)];
            apply_ramp(samples, self.place, group, values, factor);
        }
        self.place += block.frames();
        Ok(())
    }

    /// Multiplies the peaks of the next groups by the higher of the gains at their ends.
    pub fn lower(&mut self, peaks: &mut [Vec<f64>]) -> Result<(), DspError> {
        let n = peaks.first().map_or(0, Vec::len);
        while self.values[0].len() < n + 1 && self.control.more(&mut self.values)? {}
        for (peaks, values) in peaks.iter_mut().zip(&mut self.values) {
            for (peak, ends) in peaks.iter_mut().zip(values.windows(2)) {
                *peak *= ends[0].max(ends[1]);
            }
            values.drain(..n.min(values.len()));
        }
        Ok(())
    }
}

/// What an alternate gets beyond what its main got.
pub struct Guarded<'a> {
    pub level: &'a Level,
    pub take: &'a Take,
}

impl Guarded<'_> {
    /// The heights at which the guard takes off what the wave still rose behind it.
    pub fn lifts_for(&self, rises: &[Rise], main: (&Level, &Take)) -> Result<Vec<Lift>, DspError> {
        let control = Control::guard(self.level, self.take, Control::new(main.0, main.1)?)?;
        self.level.lifts_from(rises, control, self.take.lanes())
    }
}

/// Applies a level to the frames of one take, in order.
pub struct Gains<'a> {
    factor: f64,
    group: usize,
    ramp: Option<Ramp<'a>>,
    guard: Option<Ramp<'a>>,
    watch: Watch,
}

impl<'a> Gains<'a> {
    pub fn new(level: &'a Level, take: &Take) -> Result<Self, DspError> {
        Ok(Gains {
            factor: linear(level.gain_db) * linear(level.trim_db),
            group: take.group,
            ramp: Control::new(level, take)?.map(|control| Ramp::new(control, take.lanes())),
            guard: None,
            watch: Watch::default(),
        })
    }

    /// The gains of `main`, found on its take, for an alternate; and behind them what the alternate needs of its own.
    pub fn replay(level: &'a Level, main: &Take, own: Option<Guarded<'a>>) -> Result<Self, DspError> {
        let mut gains = Gains::new(level, main)?;
        if let Some(Guarded { level: guard, take }) = own {
            gains.factor *= linear(guard.trim_db);
            let control = Control::guard(guard, take, Control::new(level, main)?)?;
            gains.guard = control.map(|control| Ramp::new(control, take.lanes()));
        }
        Ok(gains)
    }

    /// Applies gain, limiter and trim to the next frames.
    pub fn apply(&mut self, block: &mut Block) -> Result<(), DspError> {
        match &mut self.ramp {
            Some(ramp) => ramp.apply(block, self.group, self.factor)?,
            None => block.channels.iter_mut().flatten().for_each(|s| *s *= self.factor),
        }
        let Some(guard) = &mut self.guard else { return Ok(()) };
        self.watch.before.clone_from(block);
        guard.apply(block, self.group, 1.0)?;
        self.watch.look(block, guard);
        Ok(())
    }

    pub fn max_reduction_db(&self) -> f64 {
        self.ramp.as_ref().map_or(0.0, |ramp| ramp.control.max_reduction_db())
    }

    /// What the guard did, if there is one.
    pub fn guarded(self) -> Option<GuardDid> {
        let guard = self.guard?;
        let mut spans: Vec<Span> = Vec::new();
        for (group, gain) in self.watch.low {
            match spans.last_mut() {
                Some(last) if group <= last.end_group + 1 => {
                    (last.end_group, last.gain) = (group, last.gain.min(gain));
                }
                _ => spans.push(Span { start_group: group, end_group: group, gain }),
            }
        }
        Some(GuardDid { reduction_db: guard.control.max_reduction_db(), spans, energy: self.watch.taken })
    }
}

/// Where a guard worked, in groups, and its lowest gain there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub start_group: u64,
    pub end_group: u64,
    pub gain: f64,
}

pub struct GuardDid {
    pub reduction_db: f64,
    pub spans: Vec<Span>,
    /// Squares of what it took away, over all frames and channels.
    pub energy: f64,
}

/// Looks on at a guard.
#[derive(Default)]
struct Watch {
    before: Block,
    /// Groups with a gain below 1, and that gain.
    low: Vec<(u64, f64)>,
    taken: f64,
}

impl Watch {
    fn look(&mut self, block: &Block, guard: &Ramp<'_>) {
        for (before, after) in self.before.channels.iter().zip(&block.channels) {
            for (b, a) in before.iter().zip(after) {
                self.taken += (b - a) * (b - a);
            }
        }
        let groups = guard.values.first().map_or(0, Vec::len);
        for at in 0..groups {
            let gain = guard.values.iter().fold(1.0f64, |m, lane| m.min(lane[at]));
            let group = guard.first + at as u64;
            let seen = self.low.last().is_some_and(|(last, _)| *last >= group);
            if gain < WORKS && !seen {
                self.low.push((group, gain));
            }
        }
    }
}

/// A guard that takes away less than a thousandth of a decibel counts as idle.
const WORKS: f64 = 0.999_9;
