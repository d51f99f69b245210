//! One source at one rate, up to the limiter: heard once, then known by two tracks, the height of its wave and its weighted energy for every third
//! of a millisecond. From these the loudness at any level is told without the sound; [`Take::rehearse`] plays the sound itself at one level and
//! tells what the tracks cannot know. Never here: the choice of a level, output files.

use std::path::Path;

use super::{
    energy::{GroupEnergy, StepGate},
    level::{Control, Gains, Level, Lift, Rise},
    overs::{AllOvers, FindOvers, Overs},
    reel::{Origin, Reel},
    scratch::{Planes, PlanesReader, PlanesWriter},
    steps::Steps,
};
use crate::{
    block::Block,
    error::DspError,
    measure::Loudness,
    processors::{CurveSettings, PeakDetector, decibels, group_frames, linear},
    resample::Resampler,
};

pub struct Take {
    origin: Origin,
    /// `None`: the source is read again, which costs less.
    sound: Option<Planes>,
    peaks: Planes,
    peak_dbtp: f64,
    /// The highest of its own peaks and of those of others that its limiter holds too, and the highest of them all.
    shared: Option<(Planes, f64)>,
    /// `None` of an alternate: its loudness decides nothing.
    energies: Option<Planes>,
    pub sample_rate: u32,
    pub channels: usize,
    pub group: usize,
    linked: bool,
    /// Before any gain; `None` for silence and for less than 400 ms.
    pub lufs: Option<f64>,
    pub frames: u64,
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
        worst_db(&self.rises)
    }
}

pub fn worst_db(rises: &[Rise]) -> f64 {
    decibels(rises.iter().fold(1.0, |m, o| m.max(o.factor)))
}

/// Sound on its way into files, from its beginning.
pub enum Sound {
    /// The source to its own end.
    Whole(Box<Reel>),
    /// The source, for so many frames.
    Again {
        reel: Box<Reel>,
        left: u64,
        block_frames: usize,
    },
    Kept(PlanesReader),
}

impl Sound {
    pub fn again(origin: &Origin, frames: u64) -> Result<Self, DspError> {
        let reel = Box::new(Reel::open(origin)?);
        Ok(Sound::Again { reel, left: frames, block_frames: origin.block_frames.max(1) })
    }

    pub fn next(&mut self, block: &mut Block) -> Result<bool, DspError> {
        match self {
            Sound::Whole(reel) => reel.next(block),
            Sound::Again { reel, left, block_frames } => {
                let n = (*left).min(*block_frames as u64);
                *left -= n;
                reel.take(n as usize, block)?;
                Ok(n > 0)
            }
            Sound::Kept(reader) => reader.next(block),
        }
    }
}

/// Makes a take out of what the chain gives.
pub struct Recorder {
    sample_rate: u32,
    channels: usize,
    linked: bool,
    resampler: Option<Resampler>,
    converted: Block,
    detector: PeakDetector,
    peaks: PlanesWriter,
    highest: f64,
    energy: Option<(GroupEnergy, PlanesWriter)>,
    sound: Option<PlanesWriter>,
    frames: u64,
}

impl Recorder {
    /// `curve`: of the limiter, for how the channels are linked and how long a peak is held. `weighed`: its loudness will be asked for. `keep`: the
    /// sound is kept, else the source is read again.
    pub fn create(
        origin: &Origin,
        sample_rate: u32,
        curve: &CurveSettings,
        dir: &Path,
        weighed: bool,
        keep: bool,
    ) -> Result<Self, DspError> {
        let (channels, linked) = (origin.channels, curve.linked());
        let detector = PeakDetector::new(channels, sample_rate, curve.reach_groups(sample_rate), linked);
        let lanes = detector.lanes();
        let energy = |lanes| -> Result<_, DspError> {
            Ok((GroupEnergy::new(channels, sample_rate, linked), PlanesWriter::create(dir, lanes, false)?))
        };
        let resampler = (sample_rate != origin.rate)
            .then(|| Resampler::with(channels, origin.rate, sample_rate, origin.phase))
            .transpose()?;
        Ok(Recorder {
            sample_rate,
            channels,
            linked,
            resampler,
            converted: Block::new(channels, 0),
            detector,
            peaks: PlanesWriter::create(dir, lanes, true)?,
            highest: 0.0,
            energy: weighed.then(|| energy(lanes)).transpose()?,
            sound: keep.then(|| PlanesWriter::create(dir, channels, false)).transpose()?,
            frames: 0,
        })
    }

    /// Takes the next frames at the rate of the source.
    pub fn push(&mut self, block: &Block) -> Result<(), DspError> {
        let Some(resampler) = &mut self.resampler else { return self.keep(block) };
        let mut converted = std::mem::take(&mut self.converted);
        converted.clear();
        resampler.push(block, &mut converted)?;
        self.keep(&converted)?;
        self.converted = converted;
        Ok(())
    }

    fn keep(&mut self, block: &Block) -> Result<(), DspError> {
        self.frames += block.frames() as u64;
        if let Some((energy, energies)) = &mut self.energy {
            energy.push(block, energies.planes());
            energies.flow()?;
        }
        self.detector.push(block, self.peaks.planes());
        self.highest = self.highest.max(top(self.peaks.planes()));
        self.peaks.flow()?;
        if let Some(sound) = &mut self.sound {
            sound.write(&block.channels)?;
        }
        Ok(())
    }

    /// The sound has ended.
    pub fn finish(mut self, origin: &Origin) -> Result<Take, DspError> {
        if let Some(mut resampler) = self.resampler.take() {
            let mut rest = Block::new(self.channels, 0);
            resampler.finish(&mut rest)?;
            self.keep(&rest)?;
        }
        self.detector.finish(self.peaks.planes());
        self.highest = self.highest.max(top(self.peaks.planes()));
        let energies = self.energy.map(|(energy, mut energies)| {
            energy.finish(energies.planes());
            energies.finish()
        });
        let mut take = Take {
            origin: origin.clone(),
            sound: self.sound.map(PlanesWriter::finish).transpose()?,
            peaks: self.peaks.finish()?,
            peak_dbtp: decibels(self.highest),
            shared: None,
            energies: energies.transpose()?,
            sample_rate: self.sample_rate,
            channels: self.channels,
            group: group_frames(self.sample_rate),
            linked: self.linked,
            lufs: None,
            frames: self.frames,
        };
        take.lufs = take.own_lufs()?;
        Ok(take)
    }
}

impl Take {
    fn own_lufs(&self) -> Result<Option<f64>, DspError> {
        let Some(energies) = &self.energies else { return Ok(None) };
        let (mut reader, mut gate) = (energies.reader()?, self.gate());
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

    /// Its own peaks and those that its limiter holds too.
    pub fn peaks(&self) -> &Planes {
        self.shared.as_ref().map_or(&self.peaks, |(peaks, _)| peaks)
    }

    pub fn own_peaks(&self) -> &Planes {
        &self.peaks
    }

    pub fn peak_dbtp(&self) -> f64 {
        self.shared.as_ref().map_or(self.peak_dbtp, |(_, peak_dbtp)| *peak_dbtp)
    }

    pub fn own_peak_dbtp(&self) -> f64 {
        self.peak_dbtp
    }

    /// From now on the limiter holds these peaks too, or only its own again.
    pub fn share(&mut self, peaks: Option<(Planes, f64)>) {
        self.shared = peaks;
    }

    pub fn sound(&self) -> Result<Sound, DspError> {
        match &self.sound {
            Some(planes) => Ok(Sound::Kept(planes.reader()?)),
            None => Sound::again(&self.origin, self.frames),
        }
    }

    /// Loudness at this level as the tracks tell it: the gain's movement within the memory of the weighting filter is left out, which is some
    /// hundredths of a LU at most.
    pub fn guess_lufs(&self, level: &Level) -> Result<f64, DspError> {
        let Some(energies) = &self.energies else { return Ok(f64::NEG_INFINITY) };
        let Some(mut control) = Control::new(level, self)? else {
            return Ok(self.lufs.unwrap_or(f64::NEG_INFINITY) + level.gain_db + level.trim_db);
        };
        let lanes = self.lanes();
        let (mut reader, mut gate) = (energies.reader()?, self.gate());
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

/// Where the sound of a take, with these gains, is over `aim_dbtp`; the meter that judges files looks everywhere.
pub fn rises(
    take: &Take,
    mut gains: Gains<'_>,
    aim_dbtp: f64,
    steps: &mut Steps<'_>,
) -> Result<Vec<Rise>, DspError> {
    let mut overs = Box::new(AllOvers::new(take, linear(aim_dbtp)));
    let (mut sound, mut block) = (take.sound()?, Block::new(take.channels, 0));
    while sound.next(&mut block)? {
        gains.apply(&mut block)?;
        overs.push(&block)?;
        steps.still()?;
    }
    overs.finish()
}

fn top(planes: &[Vec<f64>]) -> f64 {
    planes.iter().flatten().fold(0.0, |m: f64, p| m.max(*p))
}
