//! The de-esser: one dynamic band that is turned down where sibilants stand out of the programme. Its threshold is relative, so that it works alike on
//! soft and on loud parts. Never here: filters, levels.

use serde::{Deserialize, Serialize};

use super::{
    Control, Placement, Processor,
    dynamic_band::{DynamicBand, Law, Plan},
    dynamic_eq::{BandAttack, BandRatio, BandRelease},
    eq::BandQ,
    moving_filter::Shape,
};
use crate::{block::Block, error::DspError};

crate::amounts! {
    /// Centre of the bell, or corner from which up the split works.
    SibilantHz: 2_000.0..=16_000.0, "Hz";
    /// Level of the band against that of the programme over 200 Hz. Sibilants are near 0 dB, other sound of a mix at -20 to -12.
    RelativeThreshold: -40.0..=6.0, "dB";
    /// The most that it turns down.
    SibilantRange: 0.0..=24.0, "dB";
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SibilantBand {
    /// All above the corner, as a shelf of second order: split and summed without turning the phase of what is not touched.
    #[default]
    Split,
    /// Around the centre.
    Bell,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listen {
    /// To all channels.
    #[default]
    Both,
    /// To the middle, where the voice is.
    Mid,
}

/// `[[step]] kind = "de-esser"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeEsserSettings {
    #[serde(default)]
    pub band: SibilantBand,
    #[serde(default = "hz")]
    pub hz: SibilantHz,
    /// Of the bell; a split has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<BandQ>,
    #[serde(default = "threshold")]
    pub threshold_db: RelativeThreshold,
    #[serde(default = "ratio")]
    pub ratio: BandRatio,
    #[serde(default = "range")]
    pub range_db: SibilantRange,
    #[serde(default = "attack")]
    pub attack_ms: BandAttack,
    #[serde(default = "release")]
    pub release_ms: BandRelease,
    #[serde(default)]
    pub listen: Listen,
    /// Where it works.
    #[serde(default)]
    pub on: Placement,
}

fn hz() -> SibilantHz {
    SibilantHz::at(6_000.0)
}

fn threshold() -> RelativeThreshold {
    RelativeThreshold::at(-10.0)
}

fn ratio() -> BandRatio {
    BandRatio::at(4.0)
}

fn range() -> SibilantRange {
    SibilantRange::at(6.0)
}

fn attack() -> BandAttack {
    BandAttack::at(1.0)
}

fn release() -> BandRelease {
    BandRelease::at(60.0)
}

const KNEE_DB: f64 = 4.0;
/// Of a bell where none is given; the corner of a split is Butterworth's.
const BELL_Q: f64 = 1.0;
const SPLIT_Q: f64 = std::f64::consts::FRAC_1_SQRT_2;

impl Default for DeEsserSettings {
    fn default() -> Self {
        DeEsserSettings {
            band: SibilantBand::Split,
            hz: hz(),
            q: None,
            threshold_db: threshold(),
            ratio: ratio(),
            range_db: range(),
            attack_ms: attack(),
            release_ms: release(),
            listen: Listen::Both,
            on: Placement::Stereo,
        }
    }
}

impl DeEsserSettings {
    pub fn check(&self) -> Result<(), DspError> {
        if self.band == SibilantBand::Split && self.q.is_some() {
            return Err(DspError::Invalid(
                "a de-esser that splits has no q: leave it out, or let band be \"bell\"".into(),
            ));
        }
        Ok(())
    }

    /// Whether it leaves every sound as it is.
    pub fn is_neutral(&self) -> bool {
        self.range_db.get() == 0.0 || self.ratio.get() == 1.0
    }

    /// The gain in decibels that a steady band comes to, which stands so far over the programme.
    pub fn static_gain_db(&self, relative_db: f64) -> f64 {
        self.plan().law.gain_db(relative_db)
    }

    fn plan(&self) -> Plan {
        let (shape, q) = match self.band {
            SibilantBand::Split => (Shape::HighShelf, SPLIT_Q),
            SibilantBand::Bell => (Shape::Bell, self.q.map_or(BELL_Q, BandQ::get)),
        };
        Plan {
            shape,
            hz: self.hz.get(),
            q,
            on: self.on,
            hears: match self.listen {
                Listen::Both => Placement::Stereo,
                Listen::Mid => Placement::Mid,
            },
            law: Law {
                threshold_db: self.threshold_db.get(),
                ratio: self.ratio.get(),
                knee_db: KNEE_DB,
                range_db: -self.range_db.get(),
                below: false,
            },
            relative: true,
            attack_ms: self.attack_ms.get(),
            release_ms: self.release_ms.get(),
        }
    }
}

#[derive(Clone)]
pub struct DeEsser {
    settings: DeEsserSettings,
    /// `None` where it is neutral.
    band: Option<DynamicBand>,
}

impl DeEsser {
    pub fn new(settings: DeEsserSettings) -> Self {
        DeEsser { settings, band: None }
    }
}

impl Processor for DeEsser {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        self.band = None;
        if !self.settings.is_neutral() {
            self.band = Some(DynamicBand::new(self.settings.plan(), sample_rate, channels, "the de-esser")?);
        }
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(band) = &mut self.band {
            band.reset();
        }
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        if let Some(band) = &mut self.band {
            band.listen(block, &mut control.open(1)[0]);
        }
        self.follow(block, control)
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        if let (Some(band), Some(gains)) = (&mut self.band, control.planes.first()) {
            band.apply(block, gains);
        }
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        let hz = self.settings.hz.get();
        let place = match self.settings.band {
            SibilantBand::Split => format!("above {hz} Hz"),
            SibilantBand::Bell => format!("around {hz} Hz"),
        };
        self.band.iter().map(|band| format!("sibilants {place}: {}", band.did.words())).collect()
    }
}
