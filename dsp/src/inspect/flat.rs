//! Clipped runs at full scale, and flat tops below it: the same after a clipped sound was turned down. Runs are found with their times. Where samples
//! can go over full scale (float, lossy coders), a wave that is round there is whole: only a run of one value was clipped.
//! Never here: the wave between samples.

use super::events::{Event, Events};
use super::stretch::Stretch;
use super::sums::Sums;
use crate::{Spec, math, measure::full_scale};

/// So many samples in a row make a clip.
const RUN_MIN: u64 = 3;
/// Samples within two steps of the highest stand on its top: dither after clipping moves them by so much.
const TOP_STEPS: f64 = 2.0;
/// A round peak that its quantisation has flattened falls away by a few steps; with a cut one, the wave leaves by more than this. A parabola that stays
/// within two steps for three samples falls 3.6 steps with the next, and less the longer it stays.
const CORNER_STEPS: f64 = 10.0;

/// Of one channel.
#[derive(Clone, Debug)]
pub(super) struct Flat {
    channel: usize,
    sample_rate: f64,
    full_scale: f64,
    /// The samples may go over full scale.
    open_ended: bool,
    run: u64,
    run_start: u64,
    run_peak: f64,
    run_value: f64,
    clips: Events,
    tops: [Top; 2],
}

/// The highest samples of one polarity.
#[derive(Clone, Debug)]
struct Top {
    sign: f64,
    step: f64,
    level: f64,
    run: u64,
    start: u64,
    /// How far the wave was under the top just before the run.
    rise: f64,
    found: Events,
}

impl Flat {
    pub(super) fn new(channel: usize, spec: &Spec) -> Self {
        let bits = if spec.float { 24 } else { spec.bits.unwrap_or(24) };
        let step = 0.5f64.powi(bits.clamp(2, 32) as i32 - 1);
        let top =
            |sign| Top { sign, step, level: 0.0, run: 0, start: 0, rise: 0.0, found: Events::default() };
        Flat {
            channel,
            sample_rate: f64::from(spec.sample_rate.max(1)),
            full_scale: full_scale(spec),
            open_ended: spec.float || spec.bits.is_none(),
            run: 0,
            run_start: 0,
            run_peak: 0.0,
            run_value: 0.0,
            clips: Events::default(),
            tops: [top(1.0), top(-1.0)],
        }
    }

    /// `sums` are those of the stretch.
    pub(super) fn push(&mut self, stretch: &Stretch<'_>, sums: &Sums) {
        let samples = stretch.samples();
        if self.run > 0 || sums.highest.max(-sums.lowest) >= self.full_scale {
            for (index, sample) in samples.iter().enumerate() {
                self.clip(*sample, stretch.first + index as u64);
            }
        }
        for (top, height) in self.tops.iter_mut().zip([sums.highest, -sums.lowest]) {
            if top.run > 0 || (height > 0.0 && height >= top.level - TOP_STEPS * top.step) {
                top.push(stretch, self.channel, self.sample_rate);
            }
        }
    }

    fn clip(&mut self, sample: f64, frame: u64) {
        let size = sample.abs();
        if size >= self.full_scale {
            if self.open_ended && sample != self.run_value {
                self.end_clip();
                self.run_value = sample;
            }
            if self.run == 0 {
                (self.run_start, self.run_peak) = (frame, 0.0);
            }
            self.run += 1;
            self.run_peak = self.run_peak.max(size);
        } else {
            self.end_clip();
        }
    }

    fn end_clip(&mut self) {
        if self.run >= RUN_MIN {
            self.clips.add(Event {
                channel: self.channel,
                at_s: self.run_start as f64 / self.sample_rate,
                frames: self.run,
                level_db: math::decibels(self.run_peak),
            });
        }
        self.run = 0;
    }

    /// Clips, and flat tops under full scale.
    pub(super) fn finish(mut self) -> (Events, Events) {
        self.end_clip();
        let under = |top: &Top| top.level < self.full_scale;
        let tops = self.tops.into_iter().filter(under).map(|top| top.found);
        (self.clips, Events::together(tops))
    }
}

impl Top {
    fn push(&mut self, stretch: &Stretch<'_>, channel: usize, sample_rate: f64) {
        let from = stretch.context;
        let band = TOP_STEPS * self.step;
        for (offset, sample) in stretch.samples().iter().enumerate() {
            let height = sample * self.sign;
            if height < self.level - band {
                if self.run > 0 {
                    self.end_run(self.level - height, channel, sample_rate);
                }
                continue;
            }
            if height > self.level + band {
                self.found = Events::default();
                self.run = 0;
            }
            self.level = self.level.max(height);
            if self.run == 0 {
                let before = stretch.window.get((from + offset).wrapping_sub(1)).copied().unwrap_or(0.0);
                self.start = stretch.first + offset as u64;
                self.rise = height - before * self.sign;
            }
            self.run += 1;
        }
    }

    fn end_run(&mut self, fall: f64, channel: usize, sample_rate: f64) {
        let corner = CORNER_STEPS * self.step;
        if self.run >= RUN_MIN && self.rise > corner && fall > corner && self.level > 0.0 {
            self.found.add(Event {
                channel,
                at_s: self.start as f64 / sample_rate,
                frames: self.run,
                level_db: math::decibels(self.level),
            });
        }
        self.run = 0;
    }
}
