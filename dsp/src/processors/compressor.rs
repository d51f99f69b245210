//! A feed-forward compressor with one gain for all channels, so that the image stays. Gain computer and smoothing after D. Giannoulis,
//! M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design", JAES 60(6), 2012: soft knee, smoothing in decibels.
//! Every frame's own work (squares, logarithm, curve, power) is done in lanes; only the smoother walks from frame to frame.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{Control, Processor, biquad::Coefficients, cascade::Cascade, one_pole};
use crate::{
    block::Block,
    error::DspError,
    lanes,
    math::{self, DB_PER_OCTAVE},
};

/// Frames worked on at once, counted from the first of the stream.
const PERIOD: usize = 256;
/// The mean of squares is found from the one this many frames before, so that as many run side by side.
const AHEAD: usize = 4;
/// Time constant of the mean of squares.
const RMS_TIME_MS: f64 = 10.0;
/// Levels below -120 dB count as this: it keeps the logarithm finite.
const FLOOR_POWER: f64 = 1e-12;
const FLOOR_AMPLITUDE: f64 = 1e-6;
/// What is smaller at the end of a period is zero: denormal numbers are slow on many machines.
const SETTLED_POWER: f64 = 1e-30;
const SETTLED_DB: f64 = 1e-12;

/// What the level is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensing {
    /// Mean of squares over about 10 ms, all channels together.
    Rms,
    /// The largest sample of any channel.
    Peak,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompressorSettings {
    pub threshold_db: f64,
    pub ratio: f64,
    pub knee_db: f64,
    pub attack_ms: f64,
    pub release_ms: f64,
    pub makeup_db: f64,
    pub sensing: Sensing,
    /// Bass below this does not move the gain.
    pub key_low_cut_hz: Option<f64>,
}

impl CompressorSettings {
    /// Gain in decibels, 0 or less, that a steady level of `level_db` gets, before make-up.
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        let over = level_db - self.threshold_db;
        let slope = 1.0 / self.ratio - 1.0;
        if 2.0 * over <= -self.knee_db {
            0.0
        } else if 2.0 * over < self.knee_db {
            slope * (over + self.knee_db / 2.0).powi(2) / (2.0 * self.knee_db)
        } else {
            slope * over
        }
    }
}

#[derive(Clone)]
pub struct Compressor {
    settings: CompressorSettings,
    plan: Plan,
    cut: Option<Cascade>,
    /// The key behind the cut, for one period.
    heard: Vec<Vec<f64>>,
    level: Level,
    gain_db: f64,
    /// Frames since the last multiple of [`PERIOD`].
    position: usize,
}

/// What the settings come to at a sample rate.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    curve: Curve,
    attack: f64,
    release: f64,
    /// Share of a new square in the mean.
    rms: f64,
    makeup_db: f64,
}

/// The static curve in the units of the detector's logarithm.
#[derive(Clone, Copy, Debug, Default)]
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
}

/// Squares and their means that stand before the current period.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    squares: [f64; AHEAD - 1],
    means: [f64; AHEAD],
}

impl Compressor {
    pub fn new(settings: CompressorSettings) -> Self {
        Compressor {
            settings,
            plan: Plan::default(),
            cut: None,
            heard: Vec::new(),
            level: Level::default(),
            gain_db: 0.0,
            position: 0,
        }
    }

    /// The key's samples in a stretch, behind the cut if there is one; then the level of each frame.
    fn listen(&mut self, key: &Block, start: usize, levels: &mut [f64]) {
        let end = start + levels.len();
        let sensing = self.settings.sensing;
        let Some(cut) = &mut self.cut else {
            lanes::wide(
                #[inline(always)]
                || detect(key.channels.iter().map(|c| &c[start..end]), sensing, levels),
            );
            return;
        };
        self.heard.resize_with(key.channels.len(), Vec::new);
        for (plane, c) in self.heard.iter_mut().zip(&key.channels) {
            plane.clear();
            plane.extend_from_slice(&c[start..end]);
        }
        cut.run(&mut self.heard);
        lanes::wide(
            #[inline(always)]
            || detect(self.heard.iter().map(Vec::as_slice), sensing, levels),
        );
    }

    /// Turns levels into factors. At most one period, and none over its end.
    fn factors(&mut self, values: &mut [f64]) {
        let Self { plan, level, gain_db, .. } = self;
        let rms = self.settings.sensing == Sensing::Rms;
        lanes::wide(
            #[inline(always)]
            || {
                if rms {
                    level.average(plan.rms, values);
                }
                let quiet = values.iter().fold(true, |all, x| all & (*x < plan.curve.quiet));
                if quiet {
                    values.fill(plan.curve.none());
                } else {
                    values.iter_mut().for_each(|x| *x = plan.curve.gain_db(*x));
                }
                if !(quiet && *gain_db == 0.0) {
                    *gain_db = plan.smooth(*gain_db, values);
                }
                values
                    .iter_mut()
                    .for_each(|x| *x = math::exp2((*x + plan.makeup_db) * (1.0 / DB_PER_OCTAVE)));
            },
        );
        self.position = (self.position + values.len()) % PERIOD;
        if self.position == 0 {
            self.level.means.iter_mut().filter(|x| **x < SETTLED_POWER).for_each(|x| *x = 0.0);
            if self.gain_db.abs() < SETTLED_DB {
                self.gain_db = 0.0;
            }
        }
    }
}

/// The mean of the channels' squares, or their largest size, of each frame.
#[inline(always)]
fn detect<'a>(planes: impl ExactSizeIterator<Item = &'a [f64]>, sensing: Sensing, levels: &mut [f64]) {
    let share = 1.0 / planes.len().max(1) as f64;
    levels.fill(0.0);
    match sensing {
        Sensing::Peak => planes.for_each(|plane| {
            for (level, x) in levels.iter_mut().zip(plane) {
                let x = x.abs();
                *level = if x > *level { x } else { *level };
            }
        }),
        Sensing::Rms => {
            planes.for_each(|plane| {
                for (level, x) in levels.iter_mut().zip(plane) {
                    *level += x * x;
                }
            });
            levels.iter_mut().for_each(|x| *x *= share);
        }
    }
}

impl Level {
    /// Squares into their running mean: m += (x - m) rms for every frame, worked out from four frames back, so that four run in lanes.
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
    fn new(settings: &CompressorSettings) -> Self {
        let knee_db = settings.knee_db.max(0.0);
        let knee_start_db = settings.threshold_db - knee_db / 2.0;
        let (scale_db, floor) = match settings.sensing {
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
            slope: 1.0 / settings.ratio - 1.0,
        }
    }

    /// What [`Curve::gain_db`] gives below the knee, to the bit.
    #[inline(always)]
    fn none(&self) -> f64 {
        self.slope * 0.0
    }

    /// [`CompressorSettings::static_gain_db`] without a branch: the square of the way through the knee, and the way behind it.
    #[inline(always)]
    fn gain_db(&self, level: f64) -> f64 {
        let level = if level > self.floor { level } else { self.floor };
        let way = math::log2(level) * self.scale_db - self.knee_start_db;
        let way = if way > 0.0 { way } else { 0.0 };
        let inside = if way < self.knee_db { way } else { self.knee_db };
        self.slope * (inside * inside * self.per_knee + (way - inside))
    }
}

impl Plan {
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

impl Processor for Compressor {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        let cut = |hz| Cascade::new(&[Coefficients::low_cut(sample_rate, hz, FRAC_1_SQRT_2)], channels);
        self.cut = self.settings.key_low_cut_hz.map(cut);
        self.heard = vec![Vec::with_capacity(PERIOD); if self.cut.is_some() { channels } else { 0 }];
        self.plan = Plan {
            curve: Curve::new(&self.settings),
            attack: one_pole(self.settings.attack_ms, sample_rate),
            release: one_pole(self.settings.release_ms, sample_rate),
            rms: one_pole(RMS_TIME_MS, sample_rate),
            makeup_db: self.settings.makeup_db,
        };
        self.reset();
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(cut) = &mut self.cut {
            cut.reset();
        }
        self.level = Level::default();
        self.gain_db = 0.0;
        self.position = 0;
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        let factors = &mut control.open(1)[0];
        factors.resize(block.frames(), 0.0);
        let mut start = 0;
        while start < block.frames() {
            let n = (block.frames() - start).min(PERIOD - self.position);
            let values = &mut factors[start..start + n];
            self.listen(block, start, values);
            self.factors(values);
            start += n;
        }
        self.follow(block, control)
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        let Some(factors) = control.planes.first() else { return Ok(()) };
        lanes::wide(
            #[inline(always)]
            || {
                for samples in &mut block.channels {
                    samples.iter_mut().zip(factors).for_each(|(s, factor)| *s *= factor);
                }
            },
        );
        Ok(())
    }
}
