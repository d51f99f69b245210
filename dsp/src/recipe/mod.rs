//! A recipe: the saved intent of a master, as TOML for people. Unknown keys and values outside their limits are errors with the line and what was
//! meant. A recipe is the short keys, then `[[step]]`s in written order, then level, limiter and outputs. Never here: files, sound.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{
    error::DspError,
    processors::{
        Chain, Compressor, DcFilter, Equaliser, Gain, Processor, Width, insert::InsertSettings,
        matching::Profile,
    },
    resample::Phase,
    write::Encoding,
};

mod explain;
mod inherit;
mod limits;
mod nearest;
mod output;
pub(crate) mod read;
mod shipped;
mod short;
mod step;
mod target;

pub use explain::Explained;
pub use nearest::nearest;
pub use output::{AlternatesRecipe, Output, Overs};
pub use shipped::{described, shipped};
pub use short::{CompressorRecipe, EqBand, LimiterRecipe, WidthRecipe};
pub use step::{Mix, Step, Work};
pub use target::{Target, TargetTable};

use limits::{ceiling, ceiling_default, dc_corner, input_gain, is_default, name, target as target_limits};
use output::{outputs, outputs_default};
use step::Part;
use target::target_table;

/// Order of the chain: DC filter, input gain, equaliser, compressor, width; the steps; then the gain that meets the target, sample-rate conversion,
/// limiter, dither. What is left out of the text is left out of the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    #[serde(default = "unnamed", deserialize_with = "name")]
    pub name: String,
    /// Integrated loudness of the main master in LUFS. Without it the level stays as the chain leaves it.
    #[serde(default, deserialize_with = "target_limits", skip_serializing_if = "Option::is_none")]
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
    /// The chain after the short keys, in written order.
    #[serde(default, rename = "step", skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Without it, gain goes only as far as the ceiling allows without limiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiter: Option<LimiterRecipe>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub alternates: AlternatesRecipe,
    #[serde(default = "outputs_default", deserialize_with = "outputs", rename = "output")]
    pub outputs: Vec<Output>,
}

/// A part of the way of the sound up to the gain that meets the target.
#[derive(Clone)]
pub enum Stage {
    /// Processors one after another.
    Chain(Chain),
    /// A command of the operator's, for each of the main and its alternates on its own.
    Insert { title: String, settings: InsertSettings },
}

fn unnamed() -> String {
    "unnamed".into()
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
            steps: Vec::new(),
            limiter: Some(LimiterRecipe::default()),
            alternates: AlternatesRecipe::default(),
            outputs: vec![
                Output::new(Encoding::Wav24, None),
                Output::new(Encoding::Wav16, Some(44_100)),
                Output::new(Encoding::Flac24, None),
            ],
        }
    }
}

impl Recipe {
    /// Reads a recipe; the error names the line and what is wrong there. A `base` is gone afterwards: the recipe holds all that it gave.
    pub fn parse(text: &str) -> Result<Self, DspError> {
        let root = read::table(text)?;
        inherit::resolve(root).and_then(Self::of_table).map_err(|fault| fault.in_text(text))
    }

    fn of_table(root: toml::Spanned<toml::de::DeTable<'_>>) -> Result<Self, read::Fault> {
        if let (Some((key, _)), true) =
            (root.get_ref().get_key_value("target_lufs"), root.get_ref().contains_key("target"))
        {
            return Err(read::Fault::at(
                key.span(),
                "a recipe has target_lufs or a table [target], not both",
            ));
        }
        read::read(root, &[inherit::BASE])
    }

    /// What the level of the main aims at. Without it the level stays as the chain leaves it.
    pub fn target(&self) -> Option<Target> {
        match &self.target {
            Some(table) => Some(table.target()),
            None => self.target_lufs.map(Target::Lufs),
        }
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
        let levelled = self.outputs.iter().any(|o| o.target_lufs.is_some());
        self.target().is_none() && !levelled && self.limiter.is_none() && self.stages().is_empty()
    }

    /// The way of the sound up to the gain that meets the target; nothing where it passes untouched. Bypassed steps are not in it.
    pub fn stages(&self) -> Vec<Stage> {
        let mut stages = Vec::new();
        let mut chain = self.short_chain();
        for step in self.steps.iter().filter(|step| !step.bypass) {
            match step.part() {
                Part::Processor(processor) => chain.push((step.title(), processor)),
                Part::Insert(settings) => {
                    if !chain.is_empty() {
                        stages.push(Stage::Chain(Chain::named(std::mem::take(&mut chain))));
                    }
                    stages.push(Stage::Insert { title: step.title(), settings });
                }
            }
        }
        if !chain.is_empty() {
            stages.push(Stage::Chain(Chain::named(chain)));
        }
        stages
    }

    /// Whether the sound goes through a command of the operator's: then the same bytes are promised to nobody.
    pub fn inserts(&self) -> bool {
        self.steps.iter().any(|step| !step.bypass && matches!(step.work, Work::Insert(_)))
    }

    /// All processors one after another; an error where an insert breaks the chain, for then there are [`Self::stages`].
    pub fn chain(&self) -> Result<Chain, DspError> {
        match self.stages().as_mut_slice() {
            [] => Ok(Chain::default()),
            [Stage::Chain(chain)] => Ok(std::mem::take(chain)),
            _ => Err(DspError::Invalid(
                "this recipe sends the sound through an insert, which cannot be done here; bypass that step"
                    .into(),
            )),
        }
    }

    /// The recipe with the profile of every reference that has none yet: `hear` is given the file's name as it is written. After that the recipe
    /// needs no file and may be hashed, kept and rendered.
    pub fn with_references(
        mut self,
        hear: &mut dyn FnMut(&str) -> Result<Profile, DspError>,
    ) -> Result<Self, DspError> {
        for step in &mut self.steps {
            let Work::Match(settings) = &mut step.work else { continue };
            for reference in settings.reference.iter_mut().filter(|r| r.profile.is_none()) {
                reference.profile = Some(hear(&reference.file)?);
            }
        }
        Ok(self)
    }

    /// Files of references whose profile is not there yet.
    pub fn unheard_references(&self) -> Vec<&str> {
        let matches = self.steps.iter().filter_map(|step| match &step.work {
            Work::Match(settings) => Some(settings),
            _ => None,
        });
        matches.flat_map(|m| &m.reference).filter(|r| r.profile.is_none()).map(|r| r.file.as_str()).collect()
    }

    /// What the short keys ask for, with titles.
    fn short_chain(&self) -> Vec<(String, Box<dyn Processor>)> {
        let mut steps: Vec<(String, Box<dyn Processor>)> = Vec::new();
        if let Some(hz) = self.dc_filter_hz {
            steps.push(("dc filter".into(), Box::new(DcFilter::new(hz))));
        }
        if let Some(gain_db) = self.input_gain_db {
            steps.push(("input gain".into(), Box::new(Gain::new(gain_db))));
        }
        if !self.eq.is_empty() {
            steps.push(("eq".into(), Box::new(Equaliser::new(self.eq.iter().map(EqBand::band).collect()))));
        }
        if let Some(c) = &self.compressor {
            steps.push(("compressor".into(), Box::new(Compressor::new(c.settings()))));
        }
        if let Some(w) = &self.width {
            steps.push(("width".into(), Box::new(Width::new(w.width, w.mono_below_hz))));
        }
        steps
    }
}
