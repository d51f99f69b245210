//! Saturation, and an exciter where it has a frequency: the wave is bent by a curve at four or eight times the rate, and only what the curve adds goes
//! through the filters there; the sound itself is only delayed, so that its top is whole and what is too soft to be bent passes as it is.
//!
//! An alternate gets the gain that the curve gave the main at the same moment, at the high rate: `g = f(u)/u`, which at zero is the slope of the curve.
//! So it is bent where the main is bent, and mastered alternates sum to the main (D-4). Never here: level after it.

mod curve;

use serde::{Deserialize, Serialize};

use curve::Bend;
pub use curve::Curve;

use super::{
    Control, DcFilter, Processor,
    biquad::Coefficients,
    cascade::Cascade,
    decibels,
    fade::clock,
    linear,
    oversample::{Down, Oversampling, Up},
};
use crate::{block::Block, error::DspError, lanes, math};

crate::amounts! {
    /// By so much the sound is raised into the curve: at 0 dB full scale meets it where u = 1.
    DriveDb: -24.0..=40.0, "dB";
    /// A sample of this height keeps it, whatever the drive.
    ReferenceDbfs: -60.0..=0.0, "dBFS";
    /// How far the curve is from being the same for both signs.
    Asymmetry: 0.0..=1.0, "";
    /// Only what is above it is bent.
    ExciteAboveHz: 200.0..=20000.0, "Hz";
}

/// An offset that an asymmetric curve leaves is taken away from here down.
const OFFSET_HZ: f64 = 5.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaturateSettings {
    #[serde(default)]
    pub curve: Curve,
    pub drive_db: DriveDb,
    #[serde(default = "reference_default")]
    pub reference_dbfs: ReferenceDbfs,
    /// Of the curve "tube"; without it 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asymmetry: Option<Asymmetry>,
    /// Makes it an exciter: only what is above is bent, and nothing is added below (12 dB an octave both times).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above_hz: Option<ExciteAboveHz>,
    #[serde(default)]
    pub oversampling: Oversampling,
}

fn reference_default() -> ReferenceDbfs {
    ReferenceDbfs::at(-12.0)
}

impl SaturateSettings {
    pub fn new(curve: Curve, drive_db: DriveDb) -> Self {
        SaturateSettings {
            curve,
            drive_db,
            reference_dbfs: reference_default(),
            asymmetry: None,
            above_hz: None,
            oversampling: Oversampling::default(),
        }
    }

    pub fn check(&self) -> Result<(), DspError> {
        if self.asymmetry.is_some() && self.curve != Curve::Tube {
            return Err(DspError::Invalid(format!(
                "the curve \"{}\" has no asymmetry; \"tube\" has",
                self.curve.token()
            )));
        }
        Ok(())
    }

    fn bend(&self) -> Bend {
        self.curve.bend(self.asymmetry.map_or(0.3, Asymmetry::get))
    }

    /// What brings a sample of the reference's height back to it: the mean of both signs.
    fn level(&self) -> f64 {
        let at = linear(self.drive_db.get() + self.reference_dbfs.get());
        let bend = self.bend();
        2.0 / (bend.gain(at) + bend.gain(-at))
    }
}

#[derive(Clone)]
pub struct Saturate {
    settings: SaturateSettings,
    running: Option<Running>,
    told: Tally,
}

#[derive(Clone)]
struct Running {
    sample_rate: u32,
    times: usize,
    channels: Vec<Channel>,
    bend: Bend,
    drive: f64,
    /// Of the bent wave before and of everything after.
    inner: f64,
    outer: f64,
    /// What is under the exciter's frequency: taken off what is bent, and off what is added.
    before: Option<Cascade>,
    after: Option<Cascade>,
    offset: Option<DcFilter>,
    /// What the curve adds.
    added: Block,
    high: Vec<f64>,
}

#[derive(Clone)]
struct Channel {
    up: Up,
    down: Down,
    delay: Vec<f64>,
}

/// What was done to the main.
#[derive(Clone, Copy, Default)]
struct Tally {
    sample_rate: u32,
    frames: u64,
    sound: f64,
    added: f64,
    lowest: f64,
    lowest_at: u64,
}

impl Saturate {
    pub fn new(settings: SaturateSettings) -> Self {
        Saturate { settings, running: None, told: Tally::default() }
    }
}

impl Running {
    fn new(settings: &SaturateSettings, sample_rate: u32, channels: usize) -> Result<Self, DspError> {
        let half = f64::from(sample_rate) / 2.0;
        let above = settings.above_hz.map(ExciteAboveHz::get);
        if let Some(hz) = above.filter(|hz| *hz >= half) {
            return Err(DspError::Invalid(format!(
                "an exciter above {hz} Hz has nothing to work on: half the rate is {half} Hz"
            )));
        }
        let cut = |hz| {
            Cascade::new(&[Coefficients::low_cut(sample_rate, hz, std::f64::consts::FRAC_1_SQRT_2)], channels)
        };
        let (factor, level) = (settings.oversampling, settings.level());
        let channel = Channel {
            up: Up::new(factor),
            down: Down::new(factor),
            delay: vec![0.0; factor.latency_frames()],
        };
        let mut offset = (settings.curve == Curve::Tube && above.is_none()).then(|| DcFilter::new(OFFSET_HZ));
        if let Some(filter) = &mut offset {
            filter.prepare(sample_rate, channels)?;
        }
        Ok(Running {
            sample_rate,
            times: factor.times(),
            channels: vec![channel; channels],
            bend: settings.bend(),
            drive: linear(settings.drive_db.get()),
            inner: if above.is_some() { level } else { 1.0 },
            outer: if above.is_some() { 1.0 } else { level },
            before: above.map(cut),
            after: above.map(cut),
            offset,
            added: Block::default(),
            high: Vec::new(),
        })
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.up.reset();
            channel.down.reset();
            channel.delay.fill(0.0);
        }
        [&mut self.before, &mut self.after].into_iter().flatten().for_each(Cascade::reset);
        if let Some(offset) = &mut self.offset {
            offset.reset();
        }
    }

    /// Gains of a main are found and told, those of an alternate are read; then both get what they come to.
    fn run(&mut self, block: &mut Block, gains: Gains<'_>) -> Result<(), DspError> {
        self.added.channels.clone_from(&block.channels);
        if let Some(cut) = &mut self.before {
            cut.run(&mut self.added.channels);
        }
        let (bend, drive, inner) = (self.bend, self.drive, self.inner);
        let mut high = std::mem::take(&mut self.high);
        let mut told = gains;
        for (c, (channel, added)) in self.channels.iter_mut().zip(&mut self.added.channels).enumerate() {
            high.clear();
            channel.up.run(added, &mut high);
            if let Gains::Tell(planes) = &mut told {
                planes[c].resize(high.len(), 0.0);
                let plane = &mut planes[c];
                lanes::wide(
                    #[inline(always)]
                    || bend.gains(&high, drive, inner, plane),
                );
            }
            let plane = told.plane(c);
            lanes::wide(
                #[inline(always)]
                || high.iter_mut().zip(plane).for_each(|(u, gain)| *u *= gain - 1.0),
            );
            channel.down.run(&high, added);
        }
        self.high = high;
        if let Some(cut) = &mut self.after {
            cut.run(&mut self.added.channels);
        }
        if let Some(offset) = &mut self.offset {
            offset.process(&mut self.added, &mut Control::default())?;
        }
        for ((channel, added), samples) in
            self.channels.iter_mut().zip(&self.added.channels).zip(&mut block.channels)
        {
            let frames = samples.len();
            channel.delay.extend_from_slice(samples);
            samples.copy_from_slice(&channel.delay[..frames]);
            channel.delay.drain(..frames);
            let outer = self.outer;
            lanes::wide(
                #[inline(always)]
                || samples.iter_mut().zip(added).for_each(|(s, added)| *s = outer * (*s + added)),
            );
        }
        Ok(())
    }
}

/// A plane for each channel, `times` values for each frame.
enum Gains<'a> {
    Tell(&'a mut [Vec<f64>]),
    Follow(&'a [Vec<f64>]),
}

impl Gains<'_> {
    /// An alternate with more channels than the main follows its last one.
    fn plane(&self, channel: usize) -> &[f64] {
        let planes: &[Vec<f64>] = match self {
            Gains::Tell(planes) => planes,
            Gains::Follow(planes) => planes,
        };
        planes.get(channel).or(planes.last()).map_or(&[], Vec::as_slice)
    }
}

impl Processor for Saturate {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        self.running = Some(Running::new(&self.settings, sample_rate, channels)?);
        self.told = Tally { sample_rate, lowest: 1.0, ..Tally::default() };
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(running) = &mut self.running {
            running.reset();
            self.told = Tally { sample_rate: running.sample_rate, lowest: 1.0, ..Tally::default() };
        }
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let planes = control.open(block.channels.len());
        running.run(block, Gains::Tell(planes))?;
        self.told.hear(running, block, &control.planes);
        Ok(())
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        let Some(running) = &mut self.running else { return Ok(()) };
        running.run(block, Gains::Follow(&control.planes))
    }

    fn latency_frames(&self) -> usize {
        self.settings.oversampling.latency_frames()
    }

    fn told(&self) -> Vec<String> {
        let t = &self.told;
        if t.sound == 0.0 {
            return Vec::new();
        }
        let db = |power: f64| math::decibels_of_power(power);
        let way = match self.settings.above_hz {
            Some(hz) => format!("above {} Hz", hz.get()),
            None => "the whole sound".into(),
        };
        let mut told = vec![format!(
            "curve \"{}\" on {way}, drive {:+.1} dB: what it adds is {:.1} dB under the sound",
            self.settings.curve.token(),
            self.settings.drive_db.get(),
            db(t.sound) - db(t.added).max(-400.0)
        )];
        if t.lowest < 1.0 {
            let at = clock(t.lowest_at as f64 / f64::from(t.sample_rate.max(1)));
            told.push(format!("peaks are bent by {:.1} dB at most, at {at}", -decibels(t.lowest)));
        }
        told
    }
}

impl Tally {
    /// Frame after frame, so that blocks make no difference.
    fn hear(&mut self, running: &Running, out: &Block, planes: &[Vec<f64>]) {
        for i in 0..out.frames() {
            for (samples, added) in out.channels.iter().zip(&running.added.channels) {
                // Without what was added it is the sound as it came.
                let added = running.outer * added[i];
                let sound = samples[i] - added;
                self.sound += sound * sound;
                self.added += added * added;
            }
        }
        for plane in planes {
            for (i, gain) in plane.iter().enumerate() {
                let gain = gain / running.inner;
                if gain < self.lowest {
                    self.lowest = gain;
                    self.lowest_at = self.frames + (i / running.times) as u64;
                }
            }
        }
        self.frames += out.frames() as u64;
    }
}
