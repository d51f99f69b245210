//! Loudness: brings the main to a level before the steps that go by levels, so that a threshold means the same for every song. It hears the whole main
//! first and is one gain then: alternates get the very same. Never here: the level of the master, which the target decides.

use serde::{Deserialize, Serialize};

use super::{Control, Gain, Processor};
use crate::{amounts, block::Block, error::DspError, measure};

amounts! {
    /// Integrated loudness by ITU-R BS.1770-5.
    WorkingLufs: -40.0..=-6.0, "LUFS";
    /// The gain is never more than this, up or down.
    LoudnessMaxDb: 0.0..=40.0, "dB";
}

/// `[[step]] kind = "loudness"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoudnessSettings {
    /// What the main measures after this step.
    #[serde(default = "working")]
    pub target_lufs: WorkingLufs,
    #[serde(default = "most")]
    pub max_gain_db: LoudnessMaxDb,
}

fn working() -> WorkingLufs {
    WorkingLufs::at(-18.0)
}

fn most() -> LoudnessMaxDb {
    LoudnessMaxDb::at(24.0)
}

impl Default for LoudnessSettings {
    fn default() -> Self {
        LoudnessSettings { target_lufs: working(), max_gain_db: most() }
    }
}

impl LoudnessSettings {
    pub fn check(&self) -> Result<(), DspError> {
        Ok(())
    }
}

/// What the main came to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Found {
    /// `None`: silence.
    lufs: Option<f64>,
    gain_db: f64,
}

#[derive(Clone)]
pub struct Loudness {
    settings: LoudnessSettings,
    meter: Option<measure::Loudness>,
    format: (u32, usize),
    found: Option<Found>,
    gain: Gain,
}

impl Loudness {
    pub fn new(settings: LoudnessSettings) -> Self {
        Loudness { settings, meter: None, format: (0, 0), found: None, gain: Gain::new(0.0) }
    }
}

impl Processor for Loudness {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.format = (sample_rate, channels);
        self.meter = None;
        Ok(())
    }

    fn reset(&mut self) {}

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        if self.found.is_none() {
            return Err(DspError::Invalid("a loudness step was to work before it had heard the main".into()));
        }
        self.gain.process(block, control)
    }

    fn studies(&self) -> bool {
        true
    }

    fn study(&mut self, block: &Block) {
        let (rate, channels) = self.format;
        self.meter.get_or_insert_with(|| measure::Loudness::new(rate, channels)).push(block);
    }

    fn studied(&mut self) -> Result<(), DspError> {
        let lufs = self.meter.take().and_then(|meter| meter.integrated_lufs());
        let most = self.settings.max_gain_db.get();
        let gain_db = lufs.map_or(0.0, |lufs| (self.settings.target_lufs.get() - lufs).clamp(-most, most));
        self.found = Some(Found { lufs, gain_db });
        self.gain = Gain::new(gain_db);
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        match self.found {
            None => Vec::new(),
            Some(Found { lufs: None, .. }) => vec!["silent: no gain".into()],
            Some(Found { lufs: Some(lufs), gain_db }) => {
                vec![format!("{lufs:.1} LUFS came in, gain {gain_db:+.1} dB")]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math;

    fn tone(level: f64) -> Block {
        let sine = |i: usize| level * math::sin(i as f64 * 0.1);
        Block { channels: vec![(0..96_000).map(sine).collect(); 2] }
    }

    fn run(settings: LoudnessSettings, sound: &Block) -> (Block, String) {
        let mut step = Loudness::new(settings);
        step.prepare(48_000, 2).unwrap();
        let mut out = sound.clone();
        assert!(step.process(&mut out, &mut Control::default()).is_err(), "it has not heard the main");
        step.study(sound);
        step.studied().unwrap();
        step.prepare(48_000, 2).unwrap();
        step.process(&mut out, &mut Control::default()).unwrap();
        (out, step.told()[0].clone())
    }

    #[test]
    fn the_main_measures_what_was_asked_and_not_more_than_the_bound_is_done() {
        let lufs = |sound: &Block| {
            let mut meter = measure::Loudness::new(48_000, 2);
            meter.push(sound);
            meter.integrated_lufs().unwrap()
        };
        for level in [0.01, 0.2, 0.9] {
            let (out, _) = run(LoudnessSettings::default(), &tone(level));
            assert!((lufs(&out) + 18.0).abs() < 0.01, "{level}: {}", lufs(&out));
        }
        let quiet = tone(0.001);
        let (out, told) = run(LoudnessSettings::default(), &quiet);
        assert!((lufs(&out) - lufs(&quiet) - 24.0).abs() < 0.01, "{told}");
        let (out, told) = run(LoudnessSettings::default(), &Block::new(2, 96_000));
        assert_eq!((out.channels[0][0], told.as_str()), (0.0, "silent: no gain"));
    }
}
