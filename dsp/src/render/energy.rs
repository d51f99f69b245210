//! The weighted energy of groups of frames, and the loudness that follows from it (ITU-R BS.1770-5 Annex 1), for the search of a level. The
//! figures of a report come from the meter of `measure` and from a second one that shares no code with it. Never here: gain.

use crate::{
    block::Block,
    measure::{WeightedEnergy, integrated_lufs},
    processors::group_frames,
};

/// A gating block is four steps of 100 ms.
const STEPS_PER_BLOCK: usize = 4;
const STEPS_PER_SECOND: f64 = 10.0;

/// Energy of each group of frames, of all channels together or of each.
pub struct GroupEnergy {
    linked: bool,
    meters: Vec<WeightedEnergy>,
    alone: Block,
    fresh: Vec<f64>,
}

impl GroupEnergy {
    pub fn new(channels: usize, sample_rate: u32, linked: bool) -> Self {
        let group = group_frames(sample_rate);
        let meters = if linked {
            vec![WeightedEnergy::new(sample_rate, channels, group)]
        } else {
            (0..channels).map(|_| WeightedEnergy::new(sample_rate, 1, group)).collect()
        };
        GroupEnergy { linked, meters, alone: Block::new(1, 0), fresh: Vec::new() }
    }

    /// Appends the groups that are known by now, lane by lane.
    pub fn push(&mut self, block: &Block, lanes: &mut [Vec<f64>]) {
        let Self { linked, meters, alone, fresh } = self;
        for (c, (meter, lane)) in meters.iter_mut().zip(lanes).enumerate() {
            if *linked {
                meter.push(block, fresh);
            } else {
                alone.channels[0].clone_from(&block.channels[c]);
                meter.push(alone, fresh);
            }
            lane.append(fresh);
        }
    }

    /// Appends the last groups: the stream is over.
    pub fn finish(&self, lanes: &mut [Vec<f64>]) {
        for (meter, lane) in self.meters.iter().zip(lanes) {
            meter.rest(lane);
        }
    }
}

/// Adds groups up to steps of 100 ms and gates them. A group that lies across the end of a step is shared by frames.
pub struct StepGate {
    step_frames: f64,
    group: f64,
    /// Frames still wanting in the open step.
    wanting: f64,
    frames: u64,
    /// Sum of squares of each step; the last one is open.
    steps: Vec<f64>,
}

impl StepGate {
    /// `frames`: length of the whole, for the last group is rarely full.
    pub fn new(sample_rate: u32, group: usize, frames: u64) -> Self {
        let step_frames = f64::from(sample_rate.max(1)) / STEPS_PER_SECOND;
        StepGate { step_frames, group: group as f64, wanting: step_frames, frames, steps: vec![0.0] }
    }

    pub fn push(&mut self, groups: &[f64]) {
        for energy in groups {
            let here = (self.wanting / self.group).min(1.0);
            if let Some(step) = self.steps.last_mut() {
                *step += energy * here;
            }
            self.wanting -= self.group;
            if self.wanting <= 0.0 {
                self.steps.push(energy * (1.0 - here));
                self.wanting += self.step_frames;
            }
        }
    }

    /// `None` for silence and for less than 400 ms.
    pub fn lufs(mut self) -> Option<f64> {
        self.steps.truncate((self.frames as f64 / self.step_frames) as usize);
        let frames = STEPS_PER_BLOCK as f64 * self.step_frames;
        let blocks: Vec<f64> =
            self.steps.windows(STEPS_PER_BLOCK).map(|w| w.iter().sum::<f64>() / frames).collect();
        integrated_lufs(&blocks)
    }
}
