//! What a compressor can be told, in engineers' units, and its static curve. Never here: sound.

use serde::{Deserialize, Serialize};

use crate::{amounts, error::DspError, math, processors::biquad::Coefficients};

amounts! {
    /// The level over which it works.
    ThresholdDb: -80.0..=0.0, "dBFS";
    /// 1 does nothing; 100 is a limit: what is over the threshold is brought down to it.
    Ratio: 1.0..=100.0, "to 1";
    /// Width of the bend around the threshold.
    KneeDb: 0.0..=24.0, "dB";
    /// Time constant of the fall: after it 63 % of the way is done, in decibels.
    AttackMs: 0.0..=500.0, "ms";
    /// Time constant of the rise.
    ReleaseMs: 0.0..=5000.0, "ms";
    /// Time constant of the rise after long reduction.
    SlowReleaseMs: 10.0..=20_000.0, "ms";
    /// For how long the lowest wanted gain counts.
    HoldMs: 0.0..=500.0, "ms";
    /// How much earlier than the sound the gain moves.
    LookaheadMs: 0.0..=50.0, "ms";
    /// The most that is ever taken away.
    RangeDb: 0.0..=60.0, "dB";
    /// Added behind the curve.
    MakeupDb: -24.0..=24.0, "dB";
    /// Time constant of the mean of squares.
    RmsMs: 0.1..=1000.0, "ms";
    /// 1: all channels get one gain. 0: each its own.
    Link: 0.0..=1.0, "";
    /// A frequency of the key's filter.
    KeyHz: 20.0..=20_000.0, "Hz";
    /// Gain of the key's bell.
    KeyGainDb: -24.0..=24.0, "dB";
    /// How much more the highs count than the lows.
    KeyTiltDb: -12.0..=12.0, "dB";
    /// Quality of the key's bell.
    KeyQ: 0.1..=30.0, "";
}

/// At this ratio the curve is flat over the threshold.
const LIMITING_RATIO: f64 = Ratio::HIGH;
/// The frequency that a tilt leaves as it is.
const TILT_PIVOT_HZ: f64 = 650.0;
/// So flat that the tilt has the slope of a straight line over the middle of the spectrum.
const TILT_Q: f64 = 0.4;

/// What the level is taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sensing {
    /// Mean of squares over `rms_ms`.
    #[default]
    Rms,
    /// The largest sample.
    Peak,
}

/// What is compressed, by a key of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acts {
    /// The channels as they are.
    #[default]
    Channels,
    /// Half the sum of left and right. The side stays as it is. Two steps, one on each, have settings of their own.
    Mid,
    /// Half the difference of left and right. The middle stays as it is.
    Side,
    /// Both, linked by `link` as two channels would be.
    MidSide,
}

impl Acts {
    /// Whether there are two channels to make middle and side of.
    pub(super) fn check(self, channels: usize) -> Result<(), DspError> {
        if self == Acts::Channels || channels == 2 {
            return Ok(());
        }
        Err(DspError::Invalid(format!(
            "a compressor of middle or side needs two channels, here are {channels}; let it act on the channels"
        )))
    }
}

/// A resonance that makes the compressor more, or less, sensitive there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyBell {
    pub hz: KeyHz,
    pub gain_db: KeyGainDb,
    #[serde(default = "bell_q")]
    pub q: KeyQ,
}

/// A compressor. Times are time constants in decibels.
///
/// Gain for a level, in decibels: nothing under the knee, a parabola through it, `(1 / ratio - 1) (level - threshold)` over it (Giannoulis, Massberg,
/// Reiss, "Digital Dynamic Range Compressor Design", JAES 60(6), 2012, eq. 4), and never under `-range_db`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompressorStep {
    pub threshold_db: ThresholdDb,
    pub ratio: Ratio,
    #[serde(default = "knee")]
    pub knee_db: KneeDb,
    #[serde(default = "attack")]
    pub attack_ms: AttackMs,
    #[serde(default = "release")]
    pub release_ms: ReleaseMs,
    /// With it the release follows the program: the gain rises with `release_ms` while it is lower than it was on average, and with this pace from
    /// there on. The average learns reduction with 0.3 times this time and forgets it with 3 times: a single peak hardly moves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_release_ms: Option<SlowReleaseMs>,
    #[serde(default = "hold")]
    pub hold_ms: HoldMs,
    /// The sound comes late by this, rounded to a frame; the lowest wanted gain of the look-ahead and the hold counts.
    #[serde(default = "lookahead")]
    pub lookahead_ms: LookaheadMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_db: Option<RangeDb>,
    #[serde(default = "makeup")]
    pub makeup_db: MakeupDb,
    /// Adds half of what the curve takes from a steady level of 0 dBFS to `makeup_db`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_makeup: bool,
    #[serde(default)]
    pub sensing: Sensing,
    #[serde(default = "rms")]
    pub rms_ms: RmsMs,
    #[serde(default)]
    pub acts: Acts,
    /// Decibels of each channel's own curve and of the common one are mixed. The common level is the mean of all squares, or the largest peak.
    #[serde(default = "link")]
    pub link: Link,
    /// Bass below this does not move the gain: 12 dB an octave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_low_cut_hz: Option<KeyHz>,
    /// Nor do highs above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_high_cut_hz: Option<KeyHz>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_bell: Option<KeyBell>,
    /// The key's highs are raised by half of this, its lows lowered by as much; 650 Hz stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_tilt_db: Option<KeyTiltDb>,
}

fn bell_q() -> KeyQ {
    KeyQ::at(1.0)
}

pub(crate) fn knee() -> KneeDb {
    KneeDb::at(6.0)
}

pub(crate) fn attack() -> AttackMs {
    AttackMs::at(20.0)
}

pub(crate) fn release() -> ReleaseMs {
    ReleaseMs::at(200.0)
}

pub(crate) fn hold() -> HoldMs {
    HoldMs::at(0.0)
}

pub(crate) fn lookahead() -> LookaheadMs {
    LookaheadMs::at(0.0)
}

pub(crate) fn makeup() -> MakeupDb {
    MakeupDb::at(0.0)
}

pub(crate) fn rms() -> RmsMs {
    RmsMs::at(10.0)
}

pub(crate) fn link() -> Link {
    Link::at(1.0)
}

impl CompressorStep {
    /// With every other setting at its default.
    pub fn new(threshold_db: ThresholdDb, ratio: Ratio) -> Self {
        CompressorStep {
            threshold_db,
            ratio,
            knee_db: knee(),
            attack_ms: attack(),
            release_ms: release(),
            slow_release_ms: None,
            hold_ms: hold(),
            lookahead_ms: lookahead(),
            range_db: None,
            makeup_db: makeup(),
            auto_makeup: false,
            sensing: Sensing::Rms,
            rms_ms: rms(),
            acts: Acts::Channels,
            link: link(),
            key_low_cut_hz: None,
            key_high_cut_hz: None,
            key_bell: None,
            key_tilt_db: None,
        }
    }

    /// Whether the settings go together, at any rate.
    pub fn check(&self) -> Result<(), DspError> {
        let (release_ms, slow_ms) = (self.release_ms.get(), self.slow_release_ms.map(SlowReleaseMs::get));
        if let Some(slow_ms) = slow_ms
            && slow_ms < release_ms
        {
            return Err(DspError::Invalid(format!(
                "the slow release of a compressor, {slow_ms} ms, is shorter than its release, {release_ms} ms; exchange them"
            )));
        }
        if let (Some(low), Some(high)) = (self.key_low_cut_hz, self.key_high_cut_hz)
            && low >= high
        {
            return Err(DspError::Invalid(format!(
                "the key of a compressor is cut below {} Hz and above {} Hz: nothing is left of it",
                low.get(),
                high.get()
            )));
        }
        Ok(())
    }

    /// Gain in decibels, 0 or less, that a steady level of `level_db` gets, before make-up.
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        let over = level_db - self.threshold_db.get();
        let knee_db = self.knee_db.get();
        let gain_db = if 2.0 * over <= -knee_db {
            0.0
        } else if 2.0 * over < knee_db {
            self.slope() * (over + knee_db / 2.0).powi(2) / (2.0 * knee_db)
        } else {
            self.slope() * over
        };
        gain_db.max(self.floor_db())
    }

    /// What is added behind the curve.
    pub fn makeup_db(&self) -> f64 {
        let automatic = if self.auto_makeup { -0.5 * self.static_gain_db(0.0) } else { 0.0 };
        self.makeup_db.get() + automatic
    }

    /// Decibels of gain for a decibel over the threshold.
    pub(super) fn slope(&self) -> f64 {
        if self.ratio.get() >= LIMITING_RATIO { -1.0 } else { 1.0 / self.ratio.get() - 1.0 }
    }

    pub(super) fn floor_db(&self) -> f64 {
        self.range_db.map_or(f64::NEG_INFINITY, |range| -range.get())
    }

    /// The filter of the key, or an error that names the frequency that this rate does not have.
    pub(super) fn key_sections(&self, sample_rate: u32) -> Result<Vec<Coefficients>, DspError> {
        let named = [
            ("low cut", self.key_low_cut_hz),
            ("high cut", self.key_high_cut_hz),
            ("bell", self.key_bell.map(|bell| bell.hz)),
        ];
        for (name, hz) in named.iter().filter_map(|(name, hz)| Some((name, (*hz)?.get()))) {
            if hz >= 0.5 * f64::from(sample_rate) {
                return Err(DspError::Invalid(format!(
                    "the {name} of a compressor's key, {hz} Hz, is not below half the sample rate of {sample_rate} Hz"
                )));
            }
        }
        let q = std::f64::consts::FRAC_1_SQRT_2;
        let mut sections = Vec::new();
        sections.extend(self.key_low_cut_hz.map(|hz| Coefficients::low_cut(sample_rate, hz.get(), q)));
        sections.extend(self.key_high_cut_hz.map(|hz| Coefficients::high_cut(sample_rate, hz.get(), q)));
        sections.extend(
            self.key_bell.map(|b| Coefficients::bell(sample_rate, b.hz.get(), b.gain_db.get(), b.q.get())),
        );
        sections.extend(self.key_tilt_db.map(|tilt| {
            let mut shelf = Coefficients::high_shelf(sample_rate, TILT_PIVOT_HZ, tilt.get(), TILT_Q);
            let down = math::linear(-0.5 * tilt.get());
            shelf.b.iter_mut().for_each(|b| *b *= down);
            shelf
        }));
        Ok(sections)
    }
}

/// The short `[compressor]` of a recipe: the same compressor with its first settings, in plain numbers. The recipe keeps their limits.
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

impl From<CompressorSettings> for CompressorStep {
    fn from(short: CompressorSettings) -> Self {
        CompressorStep {
            knee_db: KneeDb::at(short.knee_db),
            attack_ms: AttackMs::at(short.attack_ms),
            release_ms: ReleaseMs::at(short.release_ms),
            makeup_db: MakeupDb::at(short.makeup_db),
            sensing: short.sensing,
            key_low_cut_hz: short.key_low_cut_hz.map(KeyHz::at),
            ..CompressorStep::new(ThresholdDb::at(short.threshold_db), Ratio::at(short.ratio))
        }
    }
}

impl CompressorSettings {
    /// As [`CompressorStep::static_gain_db`].
    pub fn static_gain_db(&self, level_db: f64) -> f64 {
        CompressorStep::from(*self).static_gain_db(level_db)
    }
}
