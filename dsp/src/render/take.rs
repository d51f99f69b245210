//! One source at one rate, up to the limiter: heard once, then known by two tracks, the height of its wave and its weighted energy for every third
//! of a millisecond. From these the loudness at any level is told without the sound; [`Take::rehearse`] plays the sound itself at one level and
//! tells what the tracks cannot know. Never here: the choice of a level, output files.

use std::path::Path;

use super::{
    energy::{GroupEnergy, StepGate},
    feed::{Feed, Origin},
    level::{Control, Gains, Level, Lift, Rise},
    overs::{AllOvers, FindOvers, Overs},
    scratch::{Planes, PlanesReader, PlanesWriter},
    steps::Steps,
};
use crate::{
    block::Block,
    error::DspError,
    measure::{Loudness, Measurement},
    processors::{CurveSettings, PeakDetector, decibels, group_frames, linear},
};

pub struct Take<'a> {
    origin: Origin<'a>,
    /// `None`: the source is read again, which costs less.
    sound: Option<Planes>,
    pub peaks: Planes,
    energies: Planes,
    pub sample_rate: u32,
    pub channels: usize,
    pub group: usize,
    linked: bool,
    /// Before any gain; `None` for silence and for less than 400 ms.
    pub lufs: Option<f64>,
    pub peak_dbtp: f64,
    pub frames: u64,
    /// Of the source, if it was asked for.
    pub input: Option<Measurement>,
}

/// What the sound itself told at one level.
pub struct Heard {
    /// Minus infinity where there is no loudness.
    pub lufs: f64,
    pub rises: Vec<Rise>,
    /// What takes them off.
    pub lifts: Vec<Lift>,
}

impl Heard {
    pub fn worst_db(&self) -> f64 {
        decibels(self.rises.iter().fold(1.0, |m, o| m.max(o.factor)))
    }
}

/// The sound of a take, from its beginning.
pub enum Sound {
    Again(Box<Feed>),
    Kept(PlanesReader),
}

impl Sound {
    pub fn next(&mut self, block: &mut Block) -> Result<bool, DspError> {
        match self {
            Sound::Again(feed) => feed.next(block),
            Sound::Kept(reader) => reader.next(block),
        }
    }
}

impl<'a> Take<'a> {
    /// Hears the source once. `curve`: of the limiter, for how the channels are linked and how long a peak is held.
    pub fn prepare(
        origin: Origin<'a>,
        metered: bool,
        dir: &Path,
        curve: &CurveSettings,
        steps: &mut Steps<'_>,
    ) -> Result<Self, DspError> {
        let mut feed = Feed::open(origin)?;
        if metered {
            feed = feed.metered();
        }
        let (channels, rate, linked) = (feed.channels(), origin.rate, curve.linked());
        let mut detector = PeakDetector::new(channels, rate, curve.reach_groups(rate), linked);
        let mut peaks = PlanesWriter::create(dir, detector.lanes(), true)?;
        let mut energies = PlanesWriter::create(dir, detector.lanes(), false)?;
        let mut sound = (!feed.cheap()).then(|| PlanesWriter::create(dir, channels, false)).transpose()?;
        let mut energy = GroupEnergy::new(channels, rate, linked);
        let (mut block, mut highest, mut frames) = (Block::new(channels, 0), 0.0f64, 0u64);
        while feed.next(&mut block)? {
            frames += block.frames() as u64;
            energy.push(&block, energies.planes());
            detector.push(&block, peaks.planes());
            highest = highest.max(top(peaks.planes()));
            energies.flow()?;
            peaks.flow()?;
            if let Some(sound) = &mut sound {
                sound.write(&block.channels)?;
            }
            steps.at(feed.fraction())?;
        }
        energy.finish(energies.planes());
        detector.finish(peaks.planes());
        highest = highest.max(top(peaks.planes()));
        let mut take = Take {
            origin,
            sound: sound.map(PlanesWriter::finish).transpose()?,
            peaks: peaks.finish()?,
            energies: energies.finish()?,
            sample_rate: rate,
            channels,
            group: group_frames(rate),
            linked,
            lufs: None,
            peak_dbtp: decibels(highest),
            frames,
            input: feed.measurement(),
        };
        take.lufs = take.own_lufs()?;
        Ok(take)
    }

    fn own_lufs(&self) -> Result<Option<f64>, DspError> {
        let (mut reader, mut gate) = (self.energies.reader()?, self.gate());
        let mut energies = vec![Vec::new(); self.lanes()];
        while reader.more(&mut energies)? > 0 {
            let (first, others) = energies.split_at_mut(1);
            for lane in others.iter() {
                first[0].iter_mut().zip(lane).for_each(|(sum, e)| *sum += e);
            }
            gate.push(&first[0]);
            energies.iter_mut().for_each(Vec::clear);
        }
        Ok(gate.lufs())
    }

    fn gate(&self) -> StepGate {
        StepGate::new(self.sample_rate, self.group, self.frames)
    }

    /// Gains kept for each group: one, or one for each channel.
    pub fn lanes(&self) -> usize {
        if self.linked { 1 } else { self.channels }
    }

    pub fn sound(&self) -> Result<Sound, DspError> {
        match &self.sound {
            Some(planes) => Ok(Sound::Kept(planes.reader()?)),
            None => Ok(Sound::Again(Box::new(Feed::open(self.origin)?))),
        }
    }

    /// Loudness at this level as the tracks tell it: the gain's movement within the memory of the weighting filter is left out, which is some
    /// hundredths of a LU at most.
    pub fn guess_lufs(&self, level: &Level) -> Result<f64, DspError> {
        let Some(mut control) = Control::new(level, self)? else {
            return Ok(self.lufs.unwrap_or(f64::NEG_INFINITY) + level.gain_db + level.trim_db);
        };
        let lanes = self.lanes();
        let (mut reader, mut gate) = (self.energies.reader()?, self.gate());
        let mut energies = vec![Vec::new(); lanes];
        let mut ramp = vec![Vec::new(); lanes];
        let mut weighted = Vec::new();
        loop {
            energies.iter_mut().for_each(Vec::clear);
            let n = reader.more(&mut energies)?;
            if n == 0 {
                break;
            }
            while ramp[0].len() < n + 1 && control.more(&mut ramp)? {}
            weighted.clear();
            weighted.resize(n, 0.0);
            for (ramp, energies) in ramp.iter_mut().zip(&energies) {
                // The mean of the squares of a straight line from a to b.
                for ((w, e), g) in weighted.iter_mut().zip(energies).zip(ramp.windows(2)) {
                    *w += e * ((g[0] * g[0] + g[1] * g[1]) + g[0] * g[1]) / 3.0;
                }
                ramp.drain(..n.min(ramp.len()));
            }
            gate.push(&weighted);
        }
        Ok(gate.lufs().map_or(f64::NEG_INFINITY, |l| l + level.gain_db + level.trim_db))
    }

    /// Plays the sound at this level: its loudness, and where its wave is over `aim_dbtp`; `everywhere` asks the meter itself for that.
    pub fn rehearse(
        &self,
        level: &Level,
        aim_dbtp: f64,
        everywhere: bool,
        steps: &mut Steps<'_>,
    ) -> Result<Heard, DspError> {
        let mut gains = Gains::new(level, self)?;
        let mut overs: Box<dyn FindOvers + '_> = if everywhere {
            Box::new(AllOvers::new(self, linear(aim_dbtp)))
        } else {
            Box::new(Overs::new(level, self, linear(aim_dbtp))?)
        };
        let mut loudness = Loudness::new(self.sample_rate, self.channels);
        let (mut sound, mut block) = (self.sound()?, Block::new(self.channels, 0));
        while sound.next(&mut block)? {
            gains.apply(&mut block)?;
            loudness.push(&block);
            overs.push(&block)?;
            steps.still()?;
        }
        let rises = overs.finish()?;
        let lifts = level.lifts_for(&rises, self)?;
        Ok(Heard { lufs: loudness.integrated_lufs().unwrap_or(f64::NEG_INFINITY), rises, lifts })
    }
}

fn top(planes: &[Vec<f64>]) -> f64 {
    planes.iter().flatten().fold(0.0, |m: f64, p| m.max(*p))
}
