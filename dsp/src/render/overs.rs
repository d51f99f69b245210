//! Finds where the wave of limited sound still rises over the limiter's aim. The gain moves, and the detector's kernel is short: together they let
//! some hundredths of a decibel through. [`Overs`] looks only at groups that the tracks place just under the aim, with the meter's own long kernel;
//! [`AllOvers`] is the meter itself and looks everywhere. Never here: what is done about it.

use super::{
    level::{Control, Level, Rise},
    scratch::PlanesReader,
    take::Take,
};
use crate::{
    block::Block,
    error::DspError,
    processors::{detector::Fine, linear},
    true_peak::{Over, TruePeak},
};

const HALF: usize = 128;
const BETA: f64 = 9.0;
/// A group is looked at if its peak was brought to within 0.18 dB of the aim, or over it.
const NEAR: f64 = 0.98;
/// What is over is brought down by a hundredth of a decibel more than that.
const MORE: f64 = 1.001_2;

/// Hears limited sound and tells where it is over the aim.
pub trait FindOvers {
    fn push(&mut self, block: &Block) -> Result<(), DspError>;

    /// In order, each group once.
    fn finish(self: Box<Self>) -> Result<Vec<Rise>, DspError>;
}

/// The meter that judges files.
pub struct AllOvers {
    aim: f64,
    group: u64,
    meter: TruePeak,
    found: Vec<Rise>,
}

impl AllOvers {
    pub fn new(take: &Take, aim: f64) -> Self {
        let meter = TruePeak::new(take.channels, take.sample_rate).with_overs(aim);
        AllOvers { aim, group: take.group as u64, meter, found: Vec::new() }
    }

    fn keep(&mut self, overs: &[Over]) {
        for over in overs {
            let factor = over.peak_linear / self.aim * MORE;
            let last = over.end_frame.saturating_sub(1) / self.group;
            self.found.extend((over.start_frame / self.group..=last).map(|group| Rise { group, factor }));
        }
    }
}

impl FindOvers for AllOvers {
    fn push(&mut self, block: &Block) -> Result<(), DspError> {
        self.meter.push(block);
        let overs = self.meter.take_overs();
        self.keep(&overs);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Rise>, DspError> {
        let overs = self.meter.last_overs();
        self.keep(&overs);
        Ok(in_order(self.found))
    }
}

/// Each group once, with its largest factor.
fn in_order(mut found: Vec<Rise>) -> Vec<Rise> {
    found.sort_by_key(|l| l.group);
    found.dedup_by(|later, kept| {
        let same = later.group == kept.group;
        if same {
            kept.factor = kept.factor.max(later.factor);
        }
        same
    });
    found
}

pub struct Overs<'a> {
    aim: f64,
    near: f64,
    group: usize,
    fine: Fine,
    peaks: PlanesReader,
    control: Option<Control<'a>>,
    heights: Vec<Vec<f64>>,
    ramp: Vec<Vec<f64>>,
    /// Per channel, from [`HALF`] frames before the first group not yet looked at.
    samples: Vec<Vec<f64>>,
    looked: u64,
    found: Vec<Rise>,
}

impl<'a> Overs<'a> {
    pub fn new(level: &'a Level, take: &Take, aim: f64) -> Result<Self, DspError> {
        let lanes = take.lanes();
        Ok(Overs {
            aim,
            near: aim * NEAR / linear(level.gain_db + level.trim_db),
            group: take.group,
            fine: Fine::new(HALF, BETA, take.group),
            peaks: take.peaks().reader()?,
            control: Control::new(level, take)?,
            heights: vec![Vec::new(); lanes],
            ramp: vec![Vec::new(); lanes],
            samples: vec![vec![0.0; HALF]; take.channels],
            looked: 0,
            found: Vec::new(),
        })
    }

    fn look(&mut self) -> Result<(), DspError> {
        let have = self.samples.first().map_or(0, Vec::len);
        let ready = have.saturating_sub(2 * HALF + 2) / self.group;
        if ready == 0 {
            return Ok(());
        }
        while self.heights[0].len() < ready && self.peaks.more(&mut self.heights)? > 0 {}
        let groups = ready.min(self.heights[0].len());
        if let Some(control) = &mut self.control {
            while self.ramp[0].len() < groups + 1 && control.more(&mut self.ramp)? {}
        }
        for (c, samples) in self.samples.iter().enumerate() {
            let lane = c.min(self.heights.len() - 1);
            let (heights, ramp) = (&self.heights[lane], &self.ramp[lane]);
            for g in 0..groups {
                let gain = ramp.get(g..g + 2).map_or(1.0, |r| r[0].max(r[1]));
                if heights[g] * gain < self.near {
                    continue;
                }
                let mut height = [0.0];
                self.fine.heights(&samples[g * self.group..], 1, &mut height);
                if height[0] > self.aim {
                    let factor = height[0] / self.aim * MORE;
                    self.found.push(Rise { group: self.looked + g as u64, factor });
                }
            }
        }
        for samples in &mut self.samples {
            samples.drain(..ready * self.group);
        }
        for lane in self.heights.iter_mut().chain(&mut self.ramp) {
            lane.drain(..groups.min(lane.len()));
        }
        self.looked += ready as u64;
        Ok(())
    }
}

impl FindOvers for Overs<'_> {
    fn push(&mut self, block: &Block) -> Result<(), DspError> {
        for (line, samples) in self.samples.iter_mut().zip(&block.channels) {
            line.extend_from_slice(samples);
        }
        self.look()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<Rise>, DspError> {
        for line in &mut self.samples {
            line.resize(line.len() + 2 * HALF + 2 + self.group, 0.0);
        }
        self.look()?;
        Ok(in_order(self.found))
    }
}
