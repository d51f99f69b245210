//! The parametric equaliser: any number of bands in the order they are written, of minimum or of linear phase. Two designs, one way to run them: the
//! bands of the desk have the curve of their analogue original up to 20 kHz (`matched`); those of a recipe's short `[[eq]]` key are the cookbook's, whose
//! sound is kept. Never here: how sections are found or run.

use std::f64::consts::FRAC_1_SQRT_2;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Control, Placement, Processor, analogue::Analogue, biquad::Coefficients, cascade::Cascade,
    linear_eq::LinearPhase, matched,
};
use crate::{block::Block, error::DspError, math};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BandKind {
    Bell,
    LowShelf,
    HighShelf,
    /// Takes away what is below `hz`; `gain_db` has no meaning.
    LowCut,
    /// Takes away what is above `hz`; `gain_db` has no meaning.
    HighCut,
    /// Turns the whole spectrum around `hz`: `gain_db` far above it, as much less far below. It has no quality.
    Tilt,
}

impl BandKind {
    fn words(self) -> &'static str {
        match self {
            BandKind::Bell => "bell",
            BandKind::LowShelf => "low shelf",
            BandKind::HighShelf => "high shelf",
            BandKind::LowCut => "low cut",
            BandKind::HighCut => "high cut",
            BandKind::Tilt => "tilt",
        }
    }

    fn is_cut(self) -> bool {
        matches!(self, BandKind::LowCut | BandKind::HighCut)
    }
}

/// A band of the short key: the cookbook's design, cuts of 12 dB an octave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    pub kind: BandKind,
    pub hz: f64,
    pub gain_db: f64,
    pub q: f64,
}

impl Band {
    pub fn coefficients(&self, sample_rate: u32) -> Coefficients {
        let Band { kind, hz, gain_db, q } = *self;
        match kind {
            BandKind::Bell => Coefficients::bell(sample_rate, hz, gain_db, q),
            BandKind::LowShelf => Coefficients::low_shelf(sample_rate, hz, gain_db, q),
            BandKind::HighShelf => Coefficients::high_shelf(sample_rate, hz, gain_db, q),
            BandKind::LowCut => Coefficients::low_cut(sample_rate, hz, q),
            BandKind::HighCut => Coefficients::high_cut(sample_rate, hz, q),
            BandKind::Tilt => Coefficients::tilt(sample_rate, hz, gain_db),
        }
    }
}

crate::amounts! {
    /// Centre or corner of a band. Over half the sample rate a bell, a shelf, a tilt or a high cut leaves of its curve what is below: an "air" band.
    BandHz: 5.0..=48_000.0, "Hz";
    /// Gain of a band.
    BandGain: -24.0..=24.0, "dB";
    /// Quality of a band: centre over width at half the gain for a bell, steepness for a shelf, the corner's height for a cut.
    BandQ: 0.1..=30.0, "";
}

/// A shelf of a higher quality is two peaks.
pub const SHELF_Q_MAX: f64 = 10.0;

/// Steepness of a cut: 6 to 48 dB an octave in steps of 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slope(u8);

impl Slope {
    pub fn new(db_per_octave: u32) -> Result<Self, String> {
        match db_per_octave {
            6..=48 if db_per_octave.is_multiple_of(6) => Ok(Slope((db_per_octave / 6) as u8)),
            _ => Err(format!(
                "{db_per_octave} is no slope; there are 6, 12, 18, 24, 30, 36, 42 and 48 dB an octave"
            )),
        }
    }

    pub fn db_per_octave(self) -> u32 {
        6 * u32::from(self.0)
    }

    fn order(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Slope {
    fn default() -> Self {
        Slope(2)
    }
}

impl Serialize for Slope {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u32(self.db_per_octave())
    }
}

impl<'de> Deserialize<'de> for Slope {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Slope::new(u32::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// A band of the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EqBandSettings {
    pub kind: BandKind,
    pub hz: BandHz,
    #[serde(default = "no_gain", skip_serializing_if = "is_no_gain")]
    pub gain_db: BandGain,
    #[serde(default = "butterworth", skip_serializing_if = "is_butterworth")]
    pub q: BandQ,
    /// Of a cut; 12 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope_db_per_octave: Option<Slope>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub on: Placement,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EqPhase {
    /// No delay; phase turns as it does in an analogue equaliser.
    #[default]
    Minimum,
    /// All frequencies are late by the same time.
    Linear,
}

/// `[[step]] kind = "eq"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EqSettings {
    #[serde(default, skip_serializing_if = "is_default")]
    pub phase: EqPhase,
    #[serde(default, rename = "band")]
    pub bands: Vec<EqBandSettings>,
}

fn no_gain() -> BandGain {
    BandGain::at(0.0)
}

fn is_no_gain(gain: &BandGain) -> bool {
    gain.get() == 0.0
}

fn butterworth() -> BandQ {
    BandQ::at(FRAC_1_SQRT_2)
}

fn is_butterworth(q: &BandQ) -> bool {
    q.get() == FRAC_1_SQRT_2
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl EqBandSettings {
    /// A band on all channels, with a quality of 1 / sqrt 2 and cuts of 12 dB an octave.
    pub fn new(kind: BandKind, hz: BandHz, gain_db: BandGain) -> Self {
        EqBandSettings {
            kind,
            hz,
            gain_db,
            q: butterworth(),
            slope_db_per_octave: None,
            on: Placement::Stereo,
        }
    }

    /// Whether it leaves every sound as it is.
    pub fn is_neutral(&self) -> bool {
        !self.kind.is_cut() && self.gain_db.get() == 0.0
    }

    /// What no sound can make right: numbers that mean nothing for this kind of band.
    pub fn check(&self) -> Result<(), DspError> {
        let slope = self.slope_db_per_octave;
        let shelf = matches!(self.kind, BandKind::LowShelf | BandKind::HighShelf);
        let fault = if shelf && self.q.get() > SHELF_Q_MAX {
            "has a q over 10, which makes it two peaks and no shelf: lower it"
        } else if self.kind.is_cut() && self.gain_db.get() != 0.0 {
            "has no gain_db: leave it out"
        } else if !self.kind.is_cut() && slope.is_some() {
            "has no slope_db_per_octave, which belongs to cuts: leave it out"
        } else if !is_butterworth(&self.q)
            && (self.kind == BandKind::Tilt || slope.is_some_and(|s| s.order() == 1))
        {
            "is of first order and has no q: leave it out"
        } else {
            return Ok(());
        };
        Err(DspError::Invalid(format!("the {} at {} Hz {fault}", self.kind.words(), self.hz.get())))
    }

    /// The curve, whatever the rate: sections whose gains multiply.
    pub fn analogue(&self) -> Vec<Analogue> {
        let (hz, gain_db, q) = (self.hz.get(), self.gain_db.get(), self.q.get());
        let order = self.slope_db_per_octave.unwrap_or_default().order();
        match self.kind {
            BandKind::Bell => vec![Analogue::bell(hz, gain_db, q)],
            BandKind::LowShelf => vec![Analogue::low_shelf(hz, gain_db, q)],
            BandKind::HighShelf => vec![Analogue::high_shelf(hz, gain_db, q)],
            BandKind::LowCut => Analogue::low_cut(hz, order, q),
            BandKind::HighCut => Analogue::high_cut(hz, order, q),
            BandKind::Tilt => vec![Analogue::tilt(hz, gain_db)],
        }
    }

    /// Gain in decibels at a frequency.
    pub fn gain_db_at(&self, hz: f64) -> f64 {
        self.analogue().iter().map(|section| math::decibels_of_power(section.power(hz))).sum()
    }

    /// "bell at 3200 Hz, +1.2 dB, Q 0.8, on the side"
    fn told(&self) -> String {
        let mut words = format!("{} at {} Hz", self.kind.words(), self.hz.get());
        if self.kind.is_cut() {
            let slope = self.slope_db_per_octave.unwrap_or_default();
            words += &format!(", {} dB an octave", slope.db_per_octave());
        } else {
            words += &format!(", {:+.1} dB", self.gain_db.get());
        }
        if !is_butterworth(&self.q) {
            words += &format!(", Q {}", self.q.get());
        }
        if self.on != Placement::Stereo {
            words += &format!(", on the {}", self.on.token());
        }
        words
    }
}

impl EqSettings {
    pub fn check(&self) -> Result<(), DspError> {
        self.bands.iter().try_for_each(EqBandSettings::check)?;
        if self.phase == EqPhase::Linear {
            LinearPhase::check(&self.bands)?;
        }
        Ok(())
    }

    /// Gain in decibels at a frequency for what stands at one place: its own bands and those on all channels.
    pub fn gain_db_at(&self, on: Placement, hz: f64) -> f64 {
        let here = |b: &&EqBandSettings| b.on == Placement::Stereo || b.on == on;
        self.bands.iter().filter(here).map(|b| b.gain_db_at(hz)).sum()
    }
}

/// Neighbouring bands at the same place, run in one.
#[derive(Clone)]
struct Group {
    on: Placement,
    cascade: Cascade,
}

#[derive(Clone)]
enum Plan {
    Cookbook(Vec<Band>),
    Desk(EqSettings),
}

#[derive(Clone)]
enum Engine {
    Sections(Vec<Group>),
    Linear(Box<LinearPhase>),
}

#[derive(Clone)]
pub struct Equaliser {
    plan: Plan,
    engine: Engine,
}

impl Equaliser {
    /// The bands of the short key.
    pub fn new(bands: Vec<Band>) -> Self {
        Equaliser { plan: Plan::Cookbook(bands), engine: Engine::Sections(Vec::new()) }
    }

    /// The equaliser of the desk. Settings that contradict each other are found by `prepare`.
    pub fn of_desk(settings: EqSettings) -> Self {
        Equaliser { plan: Plan::Desk(settings), engine: Engine::Sections(Vec::new()) }
    }

    fn desk(settings: &EqSettings, sample_rate: u32, channels: usize) -> Result<Engine, DspError> {
        settings.check()?;
        let mut groups: Vec<(Placement, Vec<Coefficients>)> = Vec::new();
        for (number, band) in settings.bands.iter().enumerate() {
            let what = || format!("band {} of the equaliser, the {},", number + 1, band.kind.words());
            band.on.check(channels, &what())?;
            if band.kind == BandKind::LowCut && band.hz.get() > matched::MATCHED_TO * f64::from(sample_rate) {
                return Err(DspError::Invalid(format!(
                    "{} cuts below {} Hz, which leaves nothing of a sound at {sample_rate} Hz; set it lower",
                    what(),
                    band.hz.get()
                )));
            }
            if band.is_neutral() || settings.phase == EqPhase::Linear {
                continue;
            }
            let made = band.analogue().into_iter().flat_map(|a| matched::sections(&a, sample_rate));
            match groups.last_mut() {
                Some((on, sections)) if *on == band.on => sections.extend(made),
                _ => groups.push((band.on, made.collect())),
            }
        }
        if settings.phase == EqPhase::Linear {
            return Ok(Engine::Linear(Box::new(LinearPhase::new(&settings.bands, sample_rate, channels)?)));
        }
        let group = |(on, sections): (Placement, Vec<_>)| Group {
            on,
            cascade: Cascade::new(&sections, on.planes(channels)),
        };
        Ok(Engine::Sections(groups.into_iter().map(group).collect()))
    }
}

impl Processor for Equaliser {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.engine = match &self.plan {
            Plan::Cookbook(bands) => {
                let stages: Vec<Coefficients> = bands.iter().map(|b| b.coefficients(sample_rate)).collect();
                let cascade = Cascade::new(&stages, channels);
                Engine::Sections(vec![Group { on: Placement::Stereo, cascade }])
            }
            Plan::Desk(settings) => Self::desk(settings, sample_rate, channels)?,
        };
        Ok(())
    }

    fn reset(&mut self) {
        match &mut self.engine {
            Engine::Sections(groups) => groups.iter_mut().for_each(|g| g.cascade.reset()),
            Engine::Linear(linear) => linear.reset(),
        }
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        match &mut self.engine {
            Engine::Sections(groups) => {
                for group in groups {
                    group.on.through(block, |_, planes| group.cascade.run(planes));
                }
            }
            Engine::Linear(linear) => linear.run(block),
        }
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        match &self.engine {
            Engine::Sections(_) => 0,
            Engine::Linear(linear) => linear.latency_frames(),
        }
    }

    fn told(&self) -> Vec<String> {
        match (&self.plan, &self.engine) {
            (Plan::Desk(settings), Engine::Sections(_)) => {
                settings.bands.iter().map(EqBandSettings::told).collect()
            }
            (Plan::Desk(settings), Engine::Linear(linear)) => {
                let phase = format!("linear phase, {} frames late", linear.latency_frames());
                settings.bands.iter().map(EqBandSettings::told).chain([phase]).collect()
            }
            // The short key is its own description.
            (Plan::Cookbook(_), _) => Vec::new(),
        }
    }
}
