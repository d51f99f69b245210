//! What is written: encodings, rates, levels of their own; and what becomes of alternates over the ceiling. Never here: files.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::limits::{is_default, own_ceiling, share_max, share_max_default, target};
use crate::{dither::Dither, write::Encoding};

/// One file of each master.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Loudness of the main in this output, in LUFS, instead of the recipe's.
    #[serde(default, deserialize_with = "target", skip_serializing_if = "Option::is_none")]
    pub target_lufs: Option<f64>,
    /// Ceiling of this output, in dBTP, instead of the recipe's.
    #[serde(default, deserialize_with = "own_ceiling", skip_serializing_if = "Option::is_none")]
    pub ceiling_dbtp: Option<f64>,
}

impl Output {
    /// With triangular dither, at the rate of the main where `rate` is `None`, at the recipe's own level.
    pub fn new(encoding: Encoding, rate: Option<u32>) -> Self {
        Output { encoding, rate, dither: Dither::default(), target_lufs: None, ceiling_dbtp: None }
    }

    /// The part of a file's name that tells a level of its own: "-9LUFS", "-9.5LUFS_-2dBTP", "-2dBTP"; `None` where the output has the recipe's.
    pub fn label(&self) -> Option<String> {
        let target = self.target_lufs.map(|lufs| format!("{lufs}LUFS"));
        let ceiling = self.ceiling_dbtp.map(|dbtp| format!("{dbtp}dBTP"));
        match (target, ceiling) {
            (Some(target), Some(ceiling)) => Some(format!("{target}_{ceiling}")),
            (target, ceiling) => target.or(ceiling),
        }
    }
}

/// What becomes of an alternate that the main's own limiting leaves over the ceiling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overs {
    /// The main and all parts of its sum get the deeper curve, so that they still sum.
    #[default]
    Share,
    /// The alternate gets a safety limiter of its own, and what that costs the sum is told.
    Own,
}

/// How alternates are held under the ceiling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlternatesRecipe {
    #[serde(default)]
    pub overs: Overs,
    /// With `share`: by how much the common curve may be deepened at most, in dB; what needs more gets a limiter of its own.
    #[serde(default = "share_max_default", deserialize_with = "share_max")]
    pub share_max_db: f64,
}

impl Default for AlternatesRecipe {
    fn default() -> Self {
        AlternatesRecipe { overs: Overs::default(), share_max_db: share_max_default() }
    }
}

const OUTPUTS_MAX: usize = 16;

pub(super) fn outputs_default() -> Vec<Output> {
    vec![Output::new(Encoding::Wav24, None)]
}

pub(super) fn outputs<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Output>, D::Error> {
    let outputs = Vec::<Output>::deserialize(d)?;
    check(&outputs).map_err(serde::de::Error::custom)?;
    Ok(outputs)
}

fn check(outputs: &[Output]) -> Result<(), String> {
    if outputs.is_empty() || outputs.len() > OUTPUTS_MAX {
        return Err(format!("a recipe has 1 to {OUTPUTS_MAX} outputs"));
    }
    for (i, o) in outputs.iter().enumerate() {
        let same =
            |other: &Output| (other.encoding, other.rate, other.label()) == (o.encoding, o.rate, o.label());
        if outputs[..i].iter().any(same) {
            let level = o.label().map_or(String::new(), |label| format!(" at {label}"));
            return Err(format!("the output {}{level} stands here twice", o.encoding));
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
