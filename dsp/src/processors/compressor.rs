//! A feed-forward compressor: a key, one gain for all channels or for each, an optional look-ahead. Gain computer and smoothing after D. Giannoulis,
//! M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design", JAES 60(6), 2012: soft knee, smoothing in decibels. One gain for every frame.
//! Alternates get the gains that were found on the main. Never here: the law of the gain (that is the course), settings.

mod course;
mod settings;
mod told;

pub(super) use course::{Course, PERIOD};
pub use settings::{
    Acts, AttackMs, CompressorSettings, CompressorStep, HoldMs, KeyBell, KeyGainDb, KeyHz, KeyQ, KeyTiltDb,
    KneeDb, Link, LookaheadMs, MakeupDb, RangeDb, Ratio, ReleaseMs, RmsMs, Sensing, SlowReleaseMs,
    ThresholdDb,
};
pub(super) use settings::{attack, hold, knee, link, lookahead, makeup, release, rms};

use super::{Control, Processor, cascade::Cascade};
use crate::{block::Block, error::DspError, lanes};

#[derive(Clone)]
pub struct Compressor {
    step: CompressorStep,
    running: Option<Running>,
}

#[derive(Clone)]
struct Running {
    filter: Option<Cascade>,
    /// What the level is taken from, for one period at most: the channels, or middle and side.
    keys: Vec<Vec<f64>>,
    levels: Vec<Vec<f64>>,
    course: Course,
    /// The sound of the look-ahead, channel by channel.
    late: Vec<Vec<f64>>,
}

impl Compressor {
    /// The settings are checked by `prepare`.
    pub fn new(step: impl Into<CompressorStep>) -> Self {
        Compressor { step: step.into(), running: None }
    }
}

impl Running {
    fn new(step: &CompressorStep, sample_rate: u32, channels: usize) -> Result<Self, DspError> {
        step.check()?;
        step.acts.check(channels)?;
        let keys = match step.acts {
            Acts::Channels => channels,
            Acts::Mid | Acts::Side => 1,
            Acts::MidSide => 2,
        };
        let sections = step.key_sections(sample_rate)?;
        let course = Course::new(step, step.lookahead_ms, sample_rate, 1, keys);
        Ok(Running {
            filter: (!sections.is_empty()).then(|| Cascade::new(&sections, keys)),
            keys: vec![Vec::with_capacity(PERIOD); keys],
            levels: vec![Vec::with_capacity(PERIOD); course.streams()],
            course,
            late: vec![vec![0.0; lookahead_frames(step, sample_rate)]; channels],
        })
    }

    /// The key of a stretch behind its filter, and the level of each frame.
    fn listen(&mut self, step: &CompressorStep, block: &Block, start: usize, frames: usize) {
        let heard = |c: usize| &block.channels[c][start..start + frames];
        lanes::wide(
            #[inline(always)]
            || match step.acts {
                Acts::Channels => self.keys.iter_mut().enumerate().for_each(|(c, key)| {
                    key.clear();
                    key.extend_from_slice(heard(c));
                }),
                Acts::Mid => half(heard(0), heard(1), 1.0, &mut self.keys[0]),
                Acts::Side => half(heard(0), heard(1), -1.0, &mut self.keys[0]),
                Acts::MidSide => {
                    half(heard(0), heard(1), 1.0, &mut self.keys[0]);
                    half(heard(0), heard(1), -1.0, &mut self.keys[1]);
                }
            },
        );
        if let Some(filter) = &mut self.filter {
            filter.run(&mut self.keys);
        }
        let own = self.levels.len() - usize::from(self.course.has_common());
        lanes::wide(
            #[inline(always)]
            || {
                for (i, levels) in self.levels.iter_mut().enumerate() {
                    let keys = if i < own { &self.keys[i..i + 1] } else { &self.keys[..] };
                    levels.resize(frames, 0.0);
                    detect(keys, step.sensing, levels);
                }
            },
        );
    }
}

fn lookahead_frames(step: &CompressorStep, sample_rate: u32) -> usize {
    (step.lookahead_ms.get() * f64::from(sample_rate) / 1000.0).round() as usize
}

/// Half of `left + sign right`.
#[inline(always)]
fn half(left: &[f64], right: &[f64], sign: f64, out: &mut Vec<f64>) {
    out.clear();
    out.extend(left.iter().zip(right).map(|(l, r)| 0.5 * (l + sign * r)));
}

/// The mean of the keys' squares, or their largest size, of each frame.
#[inline(always)]
fn detect(keys: &[Vec<f64>], sensing: Sensing, levels: &mut [f64]) {
    let share = 1.0 / keys.len().max(1) as f64;
    levels.fill(0.0);
    match sensing {
        Sensing::Peak => keys.iter().for_each(|key| {
            for (level, x) in levels.iter_mut().zip(key) {
                let x = x.abs();
                *level = if x > *level { x } else { *level };
            }
        }),
        Sensing::Rms => {
            keys.iter().for_each(|key| {
                for (level, x) in levels.iter_mut().zip(key) {
                    *level += x * x;
                }
            });
            levels.iter_mut().for_each(|x| *x *= share);
        }
    }
}

/// Gives the channels the gains of the planes. A gain of 1 leaves every bit.
fn apply(acts: Acts, block: &mut Block, gains: &[Vec<f64>]) {
    let Some((first, rest)) = gains.split_first() else { return };
    let second = rest.first().unwrap_or(first);
    lanes::wide(
        #[inline(always)]
        || match (acts, block.channels.as_mut_slice()) {
            (Acts::Channels, channels) => channels.iter_mut().enumerate().for_each(|(c, samples)| {
                let gains = gains.get(c).unwrap_or(first);
                samples.iter_mut().zip(gains).for_each(|(s, gain)| *s *= gain);
            }),
            (Acts::Mid, [left, right]) => {
                pair(left, right, first, |mid, _, gain, _| (mid * (gain - 1.0), 0.0), first);
            }
            (Acts::Side, [left, right]) => {
                pair(left, right, first, |_, side, gain, _| (0.0, side * (gain - 1.0)), first);
            }
            (Acts::MidSide, [left, right]) => {
                let both = |mid: f64, side: f64, m: f64, s: f64| (mid * (m - 1.0), side * (s - 1.0));
                pair(left, right, first, both, second);
            }
            // Refused by `prepare`.
            _ => {}
        },
    );
}

/// Adds to left and right what `change` makes of middle and side and their gains.
#[inline(always)]
fn pair(
    left: &mut [f64],
    right: &mut [f64],
    mid_gains: &[f64],
    change: impl Fn(f64, f64, f64, f64) -> (f64, f64),
    side_gains: &[f64],
) {
    for ((l, r), (m, s)) in left.iter_mut().zip(right).zip(mid_gains.iter().zip(side_gains)) {
        let (mid, side) = change(0.5 * (*l + *r), 0.5 * (*l - *r), *m, *s);
        *l += mid + side;
        *r += mid - side;
    }
}

impl Processor for Compressor {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.running = Some(Running::new(&self.step, sample_rate, channels)?);
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(r) = &mut self.running {
            r.filter.iter_mut().for_each(Cascade::reset);
            r.course.reset();
            r.late.iter_mut().for_each(|late| late.fill(0.0));
        }
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        let Some(r) = &mut self.running else { return Ok(()) };
        let gains = control.open(r.course.lanes());
        gains.iter_mut().for_each(Vec::clear);
        let mut start = 0;
        while start < block.frames() {
            let n = (block.frames() - start).min(r.course.room());
            r.listen(&self.step, block, start, n);
            r.course.run(&mut r.levels);
            gains.iter_mut().zip(&r.levels).for_each(|(all, new)| all.extend_from_slice(new));
            start += n;
        }
        self.follow(block, control)
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        let Some(r) = &mut self.running else { return Ok(()) };
        let frames = block.frames();
        for (samples, late) in block.channels.iter_mut().zip(&mut r.late).filter(|(_, late)| !late.is_empty())
        {
            late.extend_from_slice(samples);
            samples.copy_from_slice(&late[..frames]);
            late.drain(..frames);
        }
        apply(self.step.acts, block, &control.planes);
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        self.running.as_ref().and_then(|r| r.late.first()).map_or(0, Vec::len)
    }

    fn told(&self) -> Vec<String> {
        self.running.iter().map(|r| r.course.words()).collect()
    }
}
