//! The short form of a chain: one equaliser, one compressor, one width, one limiter, each with its own table. It came first, and its sound and its
//! canonical text stay as they are. Never here: `[[step]]`.

use serde::{Deserialize, Serialize};

use super::limits::*;
use crate::processors::{Band, BandKind, CompressorSettings, CurveSettings, Sensing};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EqBand {
    pub kind: BandKind,
    #[serde(deserialize_with = "corner")]
    pub hz: f64,
    #[serde(default, deserialize_with = "band_gain")]
    pub gain_db: f64,
    #[serde(default = "butterworth", deserialize_with = "quality")]
    pub q: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompressorRecipe {
    #[serde(deserialize_with = "threshold")]
    pub threshold_db: f64,
    #[serde(deserialize_with = "ratio")]
    pub ratio: f64,
    #[serde(default = "knee_default", deserialize_with = "knee")]
    pub knee_db: f64,
    #[serde(default = "attack_default", deserialize_with = "attack")]
    pub attack_ms: f64,
    #[serde(default = "release_default", deserialize_with = "release")]
    pub release_ms: f64,
    #[serde(default, deserialize_with = "makeup")]
    pub makeup_db: f64,
    #[serde(default = "sensing_default")]
    pub sensing: Sensing,
    #[serde(default, deserialize_with = "key_corner", skip_serializing_if = "Option::is_none")]
    pub key_low_cut_hz: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WidthRecipe {
    /// 1 leaves the image, 0 is mono, 2 doubles the side.
    #[serde(default = "width_default", deserialize_with = "width")]
    pub width: f64,
    #[serde(default, deserialize_with = "mono_corner", skip_serializing_if = "Option::is_none")]
    pub mono_below_hz: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimiterRecipe {
    #[serde(default = "lookahead_default", deserialize_with = "lookahead")]
    pub lookahead_ms: f64,
    #[serde(default = "hold_default", deserialize_with = "hold")]
    pub hold_ms: f64,
    #[serde(default = "fast_default", deserialize_with = "fast_release")]
    pub fast_release_ms: f64,
    #[serde(default = "slow_default", deserialize_with = "slow_release")]
    pub slow_release_ms: f64,
    /// The loudest peak is never pushed down by more; where the target needs more, the render stops there and says so.
    #[serde(default = "max_reduction_default", deserialize_with = "max_reduction")]
    pub max_reduction_db: f64,
    /// 1: all channels get the gain of the one that needs most. 0: each its own. Between, decibels are mixed.
    #[serde(default = "link_default", deserialize_with = "link", skip_serializing_if = "is_one")]
    pub link: f64,
}

fn sensing_default() -> Sensing {
    Sensing::Rms
}

impl EqBand {
    pub(super) fn band(&self) -> Band {
        Band { kind: self.kind, hz: self.hz, gain_db: self.gain_db, q: self.q }
    }
}

impl CompressorRecipe {
    pub(super) fn settings(&self) -> CompressorSettings {
        CompressorSettings {
            threshold_db: self.threshold_db,
            ratio: self.ratio,
            knee_db: self.knee_db,
            attack_ms: self.attack_ms,
            release_ms: self.release_ms,
            makeup_db: self.makeup_db,
            sensing: self.sensing,
            key_low_cut_hz: self.key_low_cut_hz,
        }
    }
}

impl Default for LimiterRecipe {
    fn default() -> Self {
        LimiterRecipe {
            lookahead_ms: lookahead_default(),
            hold_ms: hold_default(),
            fast_release_ms: fast_default(),
            slow_release_ms: slow_default(),
            max_reduction_db: max_reduction_default(),
            link: link_default(),
        }
    }
}

impl LimiterRecipe {
    pub fn curve(&self) -> CurveSettings {
        CurveSettings {
            lookahead_ms: self.lookahead_ms,
            hold_ms: self.hold_ms,
            fast_release_ms: self.fast_release_ms,
            slow_release_ms: self.slow_release_ms,
            link: self.link,
        }
    }
}
