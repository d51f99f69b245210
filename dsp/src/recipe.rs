//! A recipe: the saved intent of a master, as TOML for people. Unknown keys and values outside their limits are errors with the line.
//! Never here: files, sound.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{
    dither::Dither,
    error::DspError,
    processors::{
        Band, BandKind, Chain, Compressor, CompressorSettings, CurveSettings, DcFilter, Equaliser, Gain,
        Processor, Sensing, Width,
    },
    resample::Phase,
    write::Encoding,
};

/// Order of the chain: DC filter, input gain, equaliser, compressor, width; then the gain that meets the target, sample-rate conversion, limiter,
/// dither. What is left out of the text is left out of the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    #[serde(default = "unnamed", deserialize_with = "name")]
    pub name: String,
    /// Integrated loudness of the main master in LUFS. Without it the level stays as the chain leaves it.
    #[serde(default, deserialize_with = "target", skip_serializing_if = "Option::is_none")]
    pub target_lufs: Option<f64>,
    /// No output's true peak is above this, in dBTP.
    #[serde(default = "ceiling_default", deserialize_with = "ceiling")]
    pub ceiling_dbtp: f64,
    #[serde(default, deserialize_with = "input_gain", skip_serializing_if = "Option::is_none")]
    pub input_gain_db: Option<f64>,
    /// Corner of a filter that takes away a constant offset.
    #[serde(default, deserialize_with = "dc_corner", skip_serializing_if = "Option::is_none")]
    pub dc_filter_hz: Option<f64>,
    /// Of the filter where an output has another rate than the source: "linear" or "minimum".
    #[serde(
        default,
        deserialize_with = "phase",
        serialize_with = "phase_token",
        skip_serializing_if = "is_default"
    )]
    pub resample_phase: Phase,
    /// Instead of a number: a range, a table of penalties, or as loud as it stays clean.
    #[serde(default, deserialize_with = "target_table", skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetTable>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eq: Vec<EqBand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compressor: Option<CompressorRecipe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<WidthRecipe>,
    /// Without it, gain goes only as far as the ceiling allows without limiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiter: Option<LimiterRecipe>,
    #[serde(default = "outputs_default", deserialize_with = "outputs", rename = "output")]
    pub outputs: Vec<Output>,
}

/// A target that is not one number. With neither a range nor penalties it is: as loud as it stays clean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTable {
    /// Lowest and highest LUFS: within it, as loud as it stays clean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_lufs: Option<[f64; 2]>,
    /// Pairs of LUFS, rising, and a cost; between them straight lines. The loudness with the least cost is chosen, limiting included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Vec<[f64; 2]>>,
    /// What each decibel by which the loudest peak is pushed down adds to the penalty.
    #[serde(default = "cost_default", deserialize_with = "cost")]
    pub limiting_cost_per_db: f64,
    /// The loudest peak is pushed down by no more than this: what "clean" means here.
    #[serde(default = "clean_default", deserialize_with = "clean")]
    pub clean_reduction_db: f64,
}

/// What the level of the main aims at.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Lufs(f64),
    /// As loud as it is with the loudest peak pushed down by this.
    Clean {
        reduction_db: f64,
    },
    /// As `Clean`, but never outside these.
    Range {
        low_lufs: f64,
        high_lufs: f64,
        reduction_db: f64,
    },
    /// At least one point, LUFS rising.
    Penalty {
        points: Vec<[f64; 2]>,
        cost_per_db: f64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    #[serde(deserialize_with = "encoding", serialize_with = "token")]
    pub encoding: Encoding,
    /// Hz; without it, the rate of the main.
    #[serde(default, deserialize_with = "rate", skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// How samples become whole numbers; floats and lossy encodings are fed as they are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dither: Dither,
}

impl Output {
    /// With triangular dither, at the rate of the main where `rate` is `None`.
    pub fn new(encoding: Encoding, rate: Option<u32>) -> Self {
        Output { encoding, rate, dither: Dither::default() }
    }
}

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

macro_rules! limits {
    ($($name:ident, $default:ident = $value:expr, $low:expr, $high:expr, $unit:expr;)*) => {$(
        fn $default() -> f64 {
            $value
        }
        limits!($name, $low, $high, $unit;);
    )*};
    ($($name:ident, $low:expr, $high:expr, $unit:expr;)*) => {$(
        fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
            within(f64::deserialize(d)?, $low, $high, $unit)
        }
    )*};
}

macro_rules! optional_limits {
    ($($name:ident, $low:expr, $high:expr, $unit:expr;)*) => {$(
        fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
            within(f64::deserialize(d)?, $low, $high, $unit).map(Some)
        }
    )*};
}

limits! {
    ceiling, ceiling_default = -1.0, -20.0, 0.0, "dBTP";
    quality, butterworth = std::f64::consts::FRAC_1_SQRT_2, 0.1, 30.0, "";
    knee, knee_default = 6.0, 0.0, 24.0, "dB";
    attack, attack_default = 20.0, 0.1, 500.0, "ms";
    release, release_default = 200.0, 5.0, 5000.0, "ms";
    width, width_default = 1.0, 0.0, 2.0, "";
    lookahead, lookahead_default = 2.5, 0.5, 10.0, "ms";
    hold, hold_default = 10.0, 1.0, 50.0, "ms";
    fast_release, fast_default = 30.0, 1.0, 1000.0, "ms";
    slow_release, slow_default = 250.0, 5.0, 5000.0, "ms";
    max_reduction, max_reduction_default = 30.0, 0.5, 40.0, "dB";
    link, link_default = 1.0, 0.0, 1.0, "";
    cost, cost_default = 0.5, 0.0, 100.0, "a dB";
    clean, clean_default = 6.0, 0.0, 24.0, "dB";
}

limits! {
    corner, 5.0, 40_000.0, "Hz";
    band_gain, -24.0, 24.0, "dB";
    threshold, -60.0, 0.0, "dB";
    ratio, 1.0, 20.0, "to 1";
    makeup, -24.0, 24.0, "dB";
}

optional_limits! {
    target, -40.0, -4.0, "LUFS";
    input_gain, -40.0, 40.0, "dB";
    dc_corner, 0.5, 20.0, "Hz";
    key_corner, 20.0, 500.0, "Hz";
    mono_corner, 20.0, 500.0, "Hz";
}

fn within<E: serde::de::Error>(value: f64, low: f64, high: f64, unit: &str) -> Result<f64, E> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(E::custom(format!("{value} is outside {low} to {high} {unit}").trim_end()))
    }
}

/// A key that came later is left out of the canonical text where it changes nothing, so that older recipes keep their hash.
fn is_one(value: &f64) -> bool {
    *value == 1.0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn phase<'de, D: Deserializer<'de>>(d: D) -> Result<Phase, D::Error> {
    let word = String::deserialize(d)?;
    Phase::from_token(&word).ok_or_else(|| {
        serde::de::Error::custom(format!("{word:?} is no phase of a filter; there are linear and minimum"))
    })
}

fn phase_token<S: Serializer>(phase: &Phase, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(phase.token())
}

const LUFS_LIMITS: std::ops::RangeInclusive<f64> = -40.0..=-4.0;
const PENALTY_POINTS_MAX: usize = 64;

fn target_table<'de, D: Deserializer<'de>>(d: D) -> Result<Option<TargetTable>, D::Error> {
    let table = TargetTable::deserialize(d)?;
    table.check().map_err(serde::de::Error::custom)?;
    Ok(Some(table))
}

impl TargetTable {
    fn check(&self) -> Result<(), String> {
        let outside = |lufs: f64| !LUFS_LIMITS.contains(&lufs);
        match (&self.range_lufs, &self.penalty) {
            (Some(_), Some(_)) => Err("a target has a range or penalties, not both".into()),
            (Some([low, high]), None) if outside(*low) || outside(*high) || low > high => {
                Err(format!("{low} to {high} is not a range within -40 to -4 LUFS"))
            }
            (None, Some(points)) if points.is_empty() || points.len() > PENALTY_POINTS_MAX => {
                Err(format!("a table of penalties has 1 to {PENALTY_POINTS_MAX} points"))
            }
            (None, Some(points)) => {
                if let Some([lufs, cost]) =
                    points.iter().find(|[lufs, cost]| outside(*lufs) || !(0.0..=1000.0).contains(cost))
                {
                    return Err(format!(
                        "the point {lufs}, {cost} is outside -40 to -4 LUFS and costs of 0 to 1000"
                    ));
                }
                if points.windows(2).any(|p| p[0][0] >= p[1][0]) {
                    return Err("the points of a penalty table rise in LUFS".into());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn unnamed() -> String {
    "unnamed".into()
}

fn sensing_default() -> Sensing {
    Sensing::Rms
}

fn outputs_default() -> Vec<Output> {
    vec![Output::new(Encoding::Wav24, None)]
}

fn name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = String::deserialize(d)?;
    if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
        return Err(serde::de::Error::custom(
            "a name has 1 to 80 characters, none of them a control character",
        ));
    }
    Ok(name)
}

fn encoding<'de, D: Deserializer<'de>>(d: D) -> Result<Encoding, D::Error> {
    String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
}

fn token<S: Serializer>(encoding: &Encoding, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(encoding.token())
}

fn rate<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u32>, D::Error> {
    let rate = u32::deserialize(d)?;
    if (8_000..=384_000).contains(&rate) {
        Ok(Some(rate))
    } else {
        Err(serde::de::Error::custom(format!("{rate} is outside 8000 to 384000 Hz")))
    }
}

fn outputs<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Output>, D::Error> {
    let outputs = Vec::<Output>::deserialize(d)?;
    check_outputs(&outputs).map_err(serde::de::Error::custom)?;
    Ok(outputs)
}

fn check_outputs(outputs: &[Output]) -> Result<(), String> {
    if outputs.is_empty() || outputs.len() > 16 {
        return Err("a recipe has 1 to 16 outputs".into());
    }
    for (i, o) in outputs.iter().enumerate() {
        if outputs[..i].iter().any(|other| (other.encoding, other.rate) == (o.encoding, o.rate)) {
            return Err(format!("the output {} stands here twice", o.encoding));
        }
        if o.dither == Dither::Shaped && o.encoding.bits() != 16 {
            return Err(format!(
                "shaped dither is made for 16 bits, {} has others; write \"tpdf\"",
                o.encoding
            ));
        }
    }
    Ok(())
}

impl Default for Recipe {
    /// Gain, limiter and target only: -14 LUFS under -1 dBTP, as 24-bit WAV and FLAC at the rate of the main and as 16-bit WAV at 44.1 kHz.
    fn default() -> Self {
        Recipe {
            name: "default".into(),
            target_lufs: Some(-14.0),
            target: None,
            ceiling_dbtp: -1.0,
            input_gain_db: None,
            dc_filter_hz: None,
            resample_phase: Phase::default(),
            eq: Vec::new(),
            compressor: None,
            width: None,
            limiter: Some(LimiterRecipe::default()),
            outputs: vec![
                Output::new(Encoding::Wav24, None),
                Output::new(Encoding::Wav16, Some(44_100)),
                Output::new(Encoding::Flac24, None),
            ],
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

impl Recipe {
    /// Reads a recipe; the error names the line and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, DspError> {
        let recipe: Self = toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |s| s.start.min(text.len()));
            DspError::Recipe {
                line: 1 + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count(),
                what: e.message().into(),
            }
        })?;
        if recipe.target_lufs.is_some() && recipe.target.is_some() {
            let line = text.lines().position(|l| l.trim_start().starts_with("target_lufs")).unwrap_or(0);
            let what = "a recipe has target_lufs or a table [target], not both".into();
            return Err(DspError::Recipe { line: line + 1, what });
        }
        Ok(recipe)
    }

    /// What the level of the main aims at. Without it the level stays as the chain leaves it.
    pub fn target(&self) -> Option<Target> {
        let Some(table) = &self.target else { return self.target_lufs.map(Target::Lufs) };
        let reduction_db = table.clean_reduction_db;
        Some(match (&table.range_lufs, &table.penalty) {
            (Some([low_lufs, high_lufs]), _) => {
                Target::Range { low_lufs: *low_lufs, high_lufs: *high_lufs, reduction_db }
            }
            (None, Some(points)) => {
                Target::Penalty { points: points.clone(), cost_per_db: table.limiting_cost_per_db }
            }
            (None, None) => Target::Clean { reduction_db },
        })
    }

    /// The same recipe with every default written out and in fixed order: what [`Self::hash`] is taken from. Reading it gives this recipe again.
    pub fn canonical_toml(&self) -> String {
        toml::to_string(self)
            .expect("a recipe holds only tables, numbers and words, all of which TOML can write")
    }

    /// SHA-256 of the canonical text.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.canonical_toml()).into()
    }

    /// Whether a recipe that was changed after reading still keeps its limits.
    pub fn check(&self) -> Result<(), DspError> {
        Self::parse(&self.canonical_toml()).map(drop)
    }

    /// Whether every sample passes as it is, but for the rate and the encoding of an output.
    pub fn leaves_the_sound_alone(&self) -> bool {
        self.target().is_none() && self.limiter.is_none() && self.chain().is_empty()
    }

    /// The processors up to the gain that meets the target.
    pub fn chain(&self) -> Chain {
        let mut steps: Vec<Box<dyn Processor>> = Vec::new();
        if let Some(hz) = self.dc_filter_hz {
            steps.push(Box::new(DcFilter::new(hz)));
        }
        if let Some(gain_db) = self.input_gain_db {
            steps.push(Box::new(Gain::new(gain_db)));
        }
        if !self.eq.is_empty() {
            let band = |b: &EqBand| Band { kind: b.kind, hz: b.hz, gain_db: b.gain_db, q: b.q };
            steps.push(Box::new(Equaliser::new(self.eq.iter().map(band).collect())));
        }
        if let Some(c) = &self.compressor {
            steps.push(Box::new(Compressor::new(CompressorSettings {
                threshold_db: c.threshold_db,
                ratio: c.ratio,
                knee_db: c.knee_db,
                attack_ms: c.attack_ms,
                release_ms: c.release_ms,
                makeup_db: c.makeup_db,
                sensing: c.sensing,
                key_low_cut_hz: c.key_low_cut_hz,
            })));
        }
        if let Some(w) = &self.width {
            steps.push(Box::new(Width::new(w.width, w.mono_below_hz)));
        }
        Chain::new(steps)
    }
}

/// Recipes that come with the program: name and text.
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    &[
        ("default", include_str!("../recipes/default.toml")),
        ("gentle", include_str!("../recipes/gentle.toml")),
        ("loud", include_str!("../recipes/loud.toml")),
        ("vinyl-premaster", include_str!("../recipes/vinyl-premaster.toml")),
        ("convert-only", include_str!("../recipes/convert-only.toml")),
    ]
}
