//! The search for the gain that meets a loudness target under a ceiling, with the limiter in place. Works on a take: the sound before the limiter,
//! kept in temporary files, so that each try costs one cheap pass. Never here: output files.

use std::path::Path;

use super::{
    BLOCK_FRAMES,
    feed::Feed,
    level::{Gains, Level},
    loudness::Integrated,
    scratch::Floats,
    steps::Steps,
};
use crate::{
    block::Block,
    error::DspError,
    processors::{CurveSettings, PeakDetector, decibels, linear},
    true_peak::TruePeak,
};

/// Good enough to stop the search, well inside what a report promises.
const SEARCH_TOLERANCE_LU: f64 = 0.01;
const TRIES: usize = 12;
/// If a decibel of gain gives less than a fifth of a decibel of loudness, the release is too slow for so much limiting.
const SATURATED_DB_PER_LU: f64 = 5.0;
/// Releases are tried at these parts of their length, slowest first.
const PACES: [f64; 4] = [1.0, 0.5, 0.25, 0.125];
/// Times that the limiter's aim is lowered by what was seen over the ceiling, before the whole is turned down instead.
const CEILING_ROUNDS: usize = 6;
/// Peaks are looked at finely from this far under what the likely gain would bring to the ceiling.
const GAIN_ROOM_DB: f64 = 9.0;

/// What the search aims at.
#[derive(Clone, Debug)]
pub struct Aim {
    pub target_lufs: Option<f64>,
    /// In dBTP, already lowered by what quantising may add.
    pub ceiling_dbtp: f64,
    /// `None`: no limiter; gain goes as far as the ceiling allows.
    pub limiter: Option<Limiter>,
}

#[derive(Clone, Debug)]
pub struct Limiter {
    pub curve: CurveSettings,
    pub max_reduction_db: f64,
}

/// One source at one rate, up to the limiter.
pub struct Take {
    samples: Floats,
    peaks: Floats,
    pub sample_rate: u32,
    pub channels: usize,
    /// Before any gain; `None` for silence and for less than 400 ms.
    pub lufs: Option<f64>,
    pub peak_dbtp: f64,
}

pub struct Found {
    pub level: Level,
    /// Why the target is missed, for people. `None`: nothing stands against it.
    pub reason: Option<String>,
}

enum Outcome {
    Met,
    /// The allowed reduction is used up; this loudness was reached.
    Spent(f64),
    /// More gain hardly gives more loudness; this was reached.
    Saturated(f64),
}

impl Take {
    /// Runs the feed once. `fixed_gain_db`: the gain of an alternate, which is known before.
    pub fn prepare(
        mut feed: Feed,
        rate: u32,
        dir: &Path,
        steps: &mut Steps<'_>,
        aim: &Aim,
        fixed_gain_db: Option<f64>,
    ) -> Result<Self, DspError> {
        let channels = feed.channels();
        let (mut loudness, mut peak) = (Integrated::new(channels, rate), TruePeak::new(channels, rate));
        let mut frames = 0u64;
        let samples = Floats::create(dir, |file| {
            let mut block = Block::new(channels, 0);
            while feed.next(&mut block)? {
                loudness.push(&block);
                peak.push(&block);
                file.write_block(&block)?;
                frames += block.frames() as u64;
                steps.at(feed.fraction(frames, rate))?;
            }
            Ok(())
        })?;
        let (lufs, peak_dbtp) = (loudness.lufs(), decibels(peak.peak_linear()));
        let likely = fixed_gain_db.unwrap_or(match (aim.target_lufs, lufs) {
            (Some(target), Some(lufs)) => target - lufs + GAIN_ROOM_DB,
            _ => 0.0,
        });
        // A decibel of room for an aim that is lowered later.
        let floor = linear(aim.ceiling_dbtp - 1.0 - likely);
        let peaks = Floats::create(dir, |file| {
            let mut detector = PeakDetector::new(channels, rate, floor);
            let mut found = Vec::new();
            let (mut reader, mut flat, mut block) = (samples.reader()?, Vec::new(), Block::new(channels, 0));
            while reader.read_block(BLOCK_FRAMES, &mut flat, &mut block)? {
                found.clear();
                detector.push(&block, &mut found);
                file.write_upper(&found)?;
            }
            found.clear();
            detector.finish(&mut found);
            file.write_upper(&found)
        })?;
        Ok(Take { samples, peaks, sample_rate: rate, channels, lufs, peak_dbtp })
    }

    pub fn gains(&self, level: &Level) -> Result<Gains<'_>, DspError> {
        Gains::new(level, self.sample_rate, &self.peaks)
    }

    /// Loudness at this level.
    fn loudness_at(&self, level: &Level, steps: &mut Steps<'_>) -> Result<f64, DspError> {
        let mut meter = Integrated::new(self.channels, self.sample_rate);
        self.play(level, steps, &mut |block| meter.push(block))?;
        Ok(meter.lufs().unwrap_or(f64::NEG_INFINITY))
    }

    /// True peak at this level in dBTP, by the meter that will judge the files.
    fn peak_at(&self, level: &Level, steps: &mut Steps<'_>) -> Result<f64, DspError> {
        let mut meter = TruePeak::new(self.channels, self.sample_rate);
        self.play(level, steps, &mut |block| meter.push(block))?;
        Ok(decibels(meter.peak_linear()))
    }

    fn play(&self, level: &Level, steps: &mut Steps<'_>, to: &mut dyn FnMut(&Block)) -> Result<(), DspError> {
        let mut gains = self.gains(level)?;
        let (mut reader, mut flat, mut block) =
            (self.samples.reader()?, Vec::new(), Block::new(self.channels, 0));
        while reader.read_block(BLOCK_FRAMES, &mut flat, &mut block)? {
            gains.apply(&mut block)?;
            to(&block);
            steps.still()?;
        }
        Ok(())
    }
}

/// Finds the level of a main. `start`: the level found at another rate, to begin from.
pub fn find(take: &Take, aim: &Aim, start: Option<&Level>, steps: &mut Steps<'_>) -> Result<Found, DspError> {
    let mut level = start.cloned().unwrap_or_else(|| first_level(aim));
    let (Some(target), Some(lufs)) = (aim.target_lufs, take.lufs) else {
        let reason = aim.target_lufs.map(|_| {
            if take.peak_dbtp == f64::NEG_INFINITY {
                "the sound is silent: it has no loudness".to_owned()
            } else {
                "the sound is too short or too soft to have a loudness (400 ms above -70 LUFS are needed)"
                    .to_owned()
            }
        });
        hold_ceiling(take, aim, &mut level, steps)?;
        return Ok(Found { level, reason });
    };
    let wanted_db = target - lufs;
    let Some(limiter) = &aim.limiter else {
        let most_db = aim.ceiling_dbtp - take.peak_dbtp;
        level.gain_db = wanted_db.min(most_db);
        let reason = (most_db < wanted_db - SEARCH_TOLERANCE_LU).then(|| {
            format!(
                "the recipe has no limiter, and the ceiling allows {:.1} LUFS without one",
                lufs + most_db
            )
        });
        return Ok(Found { level, reason });
    };
    let mut outcome = meet(take, target, wanted_db, limiter, aim, &mut level, steps)?;
    hold(take, aim, &mut level, steps, &mut |level, steps| {
        outcome = meet(take, target, wanted_db, limiter, aim, level, steps)?;
        Ok(())
    })?;
    Ok(Found { level, reason: outcome_in_words(&outcome, target, aim, limiter) })
}

/// Lowers the limiter's aim, at a fixed gain, until the wave stays under the ceiling: for alternates, which take the gain of their main. Without a
/// limiter the whole is turned down by what is over.
pub fn hold_ceiling(
    take: &Take,
    aim: &Aim,
    level: &mut Level,
    steps: &mut Steps<'_>,
) -> Result<(), DspError> {
    hold(take, aim, level, steps, &mut |_, _| Ok(()))
}

/// Lowers the limiter's aim by what the wave is seen to rise over the ceiling, and lets `again` find the gain anew each time; if that does not
/// end, turns the whole down.
fn hold(
    take: &Take,
    aim: &Aim,
    level: &mut Level,
    steps: &mut Steps<'_>,
    again: &mut dyn FnMut(&mut Level, &mut Steps<'_>) -> Result<(), DspError>,
) -> Result<(), DspError> {
    for round in 0..=CEILING_ROUNDS {
        let over_db = take.peak_at(level, steps)? - aim.ceiling_dbtp;
        if over_db <= 0.0 {
            break;
        }
        match &mut level.limit_dbtp {
            Some(limit) if round < CEILING_ROUNDS => {
                *limit -= over_db + 0.001;
                again(level, steps)?;
            }
            _ => level.trim_db -= over_db + 0.001,
        }
    }
    Ok(())
}

fn first_level(aim: &Aim) -> Level {
    match &aim.limiter {
        Some(limiter) => Level { limit_dbtp: Some(aim.ceiling_dbtp), curve: limiter.curve, ..Level::unity() },
        None => Level::unity(),
    }
}

fn outcome_in_words(outcome: &Outcome, target: f64, aim: &Aim, limiter: &Limiter) -> Option<String> {
    let ceiling = aim.ceiling_dbtp;
    match outcome {
        Outcome::Met => None,
        Outcome::Spent(lufs) => Some(format!(
            "{target:.1} LUFS under {ceiling:.1} dBTP would take more than the {:.1} dB of limiting that the recipe allows; this is {lufs:.2} LUFS",
            limiter.max_reduction_db
        )),
        Outcome::Saturated(lufs) => Some(format!(
            "more gain gives no more loudness under {ceiling:.1} dBTP; this is {lufs:.2} LUFS instead of {target:.1}"
        )),
    }
}

/// Finds the gain for the target with the limiter's aim as it is, with the slowest release that can do it.
fn meet(
    take: &Take,
    target: f64,
    wanted_db: f64,
    limiter: &Limiter,
    aim: &Aim,
    level: &mut Level,
    steps: &mut Steps<'_>,
) -> Result<Outcome, DspError> {
    if wanted_db + take.peak_dbtp <= level.limit_dbtp.unwrap_or(aim.ceiling_dbtp) {
        level.gain_db = wanted_db;
        return Ok(Outcome::Met);
    }
    let spent_db = aim.ceiling_dbtp + limiter.max_reduction_db - take.peak_dbtp;
    let most_db = spent_db.min(wanted_db + GAIN_ROOM_DB);
    let mut outcome = Outcome::Met;
    for pace in PACES {
        let curve = CurveSettings {
            fast_release_ms: limiter.curve.fast_release_ms * pace,
            slow_release_ms: limiter.curve.slow_release_ms * pace,
            ..limiter.curve
        };
        // A pace that was left behind once is not tried again.
        if curve.fast_release_ms > level.curve.fast_release_ms {
            continue;
        }
        level.curve = curve;
        outcome = secant(take, target, wanted_db, most_db, level, steps)?;
        if matches!(outcome, Outcome::Met) {
            break;
        }
    }
    Ok(match outcome {
        Outcome::Spent(lufs) if most_db < spent_db => Outcome::Saturated(lufs),
        other => other,
    })
}

/// Secant steps, kept between the gains known to be too low and too high.
fn secant(
    take: &Take,
    target: f64,
    wanted_db: f64,
    most_db: f64,
    level: &mut Level,
    steps: &mut Steps<'_>,
) -> Result<Outcome, DspError> {
    let (mut low, mut high) = (wanted_db.min(most_db), most_db);
    let mut gain = level.gain_db.max(low).min(most_db);
    let mut last: Option<(f64, f64)> = None;
    let mut lufs = f64::NEG_INFINITY;
    for _ in 0..TRIES {
        level.gain_db = gain;
        lufs = take.loudness_at(level, steps)?;
        let short = target - lufs;
        if short.abs() <= SEARCH_TOLERANCE_LU {
            return Ok(Outcome::Met);
        }
        if short > 0.0 && gain >= most_db {
            return Ok(Outcome::Spent(lufs));
        }
        let slope = match last {
            Some((g, l)) if (lufs - l).abs() > 1e-4 => (gain - g) / (lufs - l),
            Some(_) => 2.0 * SATURATED_DB_PER_LU,
            None => 1.3,
        };
        if short > 0.1 && slope > SATURATED_DB_PER_LU {
            return Ok(Outcome::Saturated(lufs));
        }
        if short > 0.0 {
            low = gain;
        } else {
            high = gain;
        }
        last = Some((gain, lufs));
        let next = gain + short * slope.clamp(0.8, SATURATED_DB_PER_LU);
        // The upper end may be tried itself: only there can the allowed reduction turn out to be spent.
        gain = if next > low && (next < high || high == most_db) {
            next.min(most_db)
        } else {
            0.5 * (low + high)
        };
    }
    Ok(if (target - lufs).abs() <= 0.05 { Outcome::Met } else { Outcome::Saturated(lufs) })
}
