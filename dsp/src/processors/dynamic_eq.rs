//! The dynamic equaliser: bands whose gain moves between nothing and a range by the level in their own band of the main. Never here: filters, levels.

use serde::{Deserialize, Serialize};

use super::{
    Control, Placement, Processor,
    dynamic_band::{DynamicBand, Law, Plan},
    eq::{BandGain, BandQ, SHELF_Q_MAX},
    moving_filter::Shape,
};
use crate::{block::Block, error::DspError};

crate::amounts! {
    /// Centre or corner of a dynamic band.
    DynamicHz: 20.0..=20_000.0, "Hz";
    /// Level in the band, as a mean of squares: a full-scale sine is at -3 dB.
    BandThreshold: -90.0..=0.0, "dB";
    /// Decibels of level for one decibel that is left.
    BandRatio: 1.0..=20.0, "";
    BandKnee: 0.0..=24.0, "dB";
    BandAttack: 0.5..=500.0, "ms";
    BandRelease: 5.0..=5000.0, "ms";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DynamicKind {
    Bell,
    LowShelf,
    HighShelf,
}

/// Which levels move a band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Those over the threshold: with a range below nought the band is compressed, with one above it is expanded.
    #[default]
    Above,
    /// Those under it: with a range above nought soft sound is lifted, with one below it is pushed down.
    Below,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynamicBandSettings {
    #[serde(default = "bell")]
    pub kind: DynamicKind,
    pub hz: DynamicHz,
    #[serde(default = "quality")]
    pub q: BandQ,
    pub threshold_db: BandThreshold,
    #[serde(default = "ratio")]
    pub ratio: BandRatio,
    #[serde(default = "knee")]
    pub knee_db: BandKnee,
    /// The gain it may come to, and never passes: below nought it turns down.
    pub range_db: BandGain,
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: When,
    #[serde(default = "attack")]
    pub attack_ms: BandAttack,
    #[serde(default = "release")]
    pub release_ms: BandRelease,
    /// Where it listens and works.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on: Placement,
}

/// `[[step]] kind = "dynamic-eq"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynamicEqSettings {
    #[serde(default, rename = "band")]
    pub bands: Vec<DynamicBandSettings>,
}

fn bell() -> DynamicKind {
    DynamicKind::Bell
}

fn quality() -> BandQ {
    BandQ::at(1.0)
}

fn ratio() -> BandRatio {
    BandRatio::at(2.0)
}

fn knee() -> BandKnee {
    BandKnee::at(6.0)
}

fn attack() -> BandAttack {
    BandAttack::at(10.0)
}

fn release() -> BandRelease {
    BandRelease::at(120.0)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl DynamicBandSettings {
    /// A bell over the threshold, with a quality of 1, 2:1 and a knee of 6 dB, in 10 and 120 ms.
    pub fn new(hz: DynamicHz, threshold_db: BandThreshold, range_db: BandGain) -> Self {
        DynamicBandSettings {
            kind: bell(),
            hz,
            q: quality(),
            threshold_db,
            ratio: ratio(),
            knee_db: knee(),
            range_db,
            when: When::Above,
            attack_ms: attack(),
            release_ms: release(),
            on: Placement::Stereo,
        }
    }

    /// Whether it leaves every sound as it is.
    pub fn is_neutral(&self) -> bool {
        self.range_db.get() == 0.0 || self.ratio.get() == 1.0
    }

    /// The gain in decibels that a steady level in its band comes to.
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        self.law().gain_db(level_db)
    }

    fn law(&self) -> Law {
        Law {
            threshold_db: self.threshold_db.get(),
            ratio: self.ratio.get(),
            knee_db: self.knee_db.get(),
            range_db: self.range_db.get(),
            below: self.when == When::Below,
        }
    }

    fn plan(&self) -> Plan {
        Plan {
            shape: match self.kind {
                DynamicKind::Bell => Shape::Bell,
                DynamicKind::LowShelf => Shape::LowShelf,
                DynamicKind::HighShelf => Shape::HighShelf,
            },
            hz: self.hz.get(),
            q: self.q.get(),
            on: self.on,
            hears: self.on,
            law: self.law(),
            relative: false,
            attack_ms: self.attack_ms.get(),
            release_ms: self.release_ms.get(),
        }
    }
}

impl DynamicEqSettings {
    pub fn check(&self) -> Result<(), DspError> {
        let peaked = |b: &&DynamicBandSettings| b.kind != DynamicKind::Bell && b.q.get() > SHELF_Q_MAX;
        match self.bands.iter().find(peaked) {
            None => Ok(()),
            Some(band) => Err(DspError::Invalid(format!(
                "the dynamic shelf at {} Hz has a q over {SHELF_Q_MAX}, which makes it two peaks and no shelf: lower it",
                band.hz.get()
            ))),
        }
    }
}

#[derive(Clone)]
pub struct DynamicEq {
    settings: DynamicEqSettings,
    /// Those that do something, with their number in the settings.
    bands: Vec<(usize, DynamicBand)>,
}

impl DynamicEq {
    pub fn new(settings: DynamicEqSettings) -> Self {
        DynamicEq { settings, bands: Vec::new() }
    }
}

impl Processor for DynamicEq {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        self.bands.clear();
        for (index, band) in self.settings.bands.iter().enumerate().filter(|(_, b)| !b.is_neutral()) {
            let plan = band.plan();
            let what = format!("band {} of the dynamic equaliser, a {},", index + 1, plan.shape.words());
            self.bands.push((index, DynamicBand::new(plan, sample_rate, channels, &what)?));
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.bands.iter_mut().for_each(|(_, band)| band.reset());
    }

    /// All bands hear the sound as it comes in, so that none moves another. The control has one plane for each that is not neutral.
    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        let planes = control.open(self.bands.len());
        for ((_, band), gains) in self.bands.iter_mut().zip(planes) {
            band.listen(block, gains);
        }
        self.follow(block, control)
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        for ((_, band), gains) in self.bands.iter_mut().zip(&control.planes) {
            band.apply(block, gains);
        }
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        let line = |(index, band): &(usize, DynamicBand)| {
            let settings = &self.settings.bands[*index];
            let at = format!("{} at {} Hz", settings.plan().shape.words(), settings.hz.get());
            let on = match settings.on {
                Placement::Stereo => String::new(),
                place => format!(" on the {}", place.token()),
            };
            format!("{at}{on}: {}", band.did.words())
        };
        self.bands.iter().map(line).collect()
    }
}
