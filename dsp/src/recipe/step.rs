//! `[[step]]`: one processor of the chain, with its settings, a name, a bypass and a share. What kinds there are stands in one table here, a line each.
//! Never here: the settings themselves, which belong to their processors.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeSeed, MapAccess, value::MapAccessDeserializer},
};

use super::{limits, read};
use crate::{
    amounts,
    error::DspError,
    processors::{
        Compressor, CompressorStep, DcFilter, DcSettings, DeEsser, DeEsserSettings, Declick, DeclickSettings,
        DynamicEq, DynamicEqSettings, EqSettings, Equaliser, Fade, FadeSettings, Gain, GainSettings,
        Loudness, LoudnessSettings, Match, MatchSettings, Mixed, Multiband, MultibandStep, Processor,
        Saturate, SaturateSettings, Stereo, StereoSettings, insert::InsertSettings,
    },
};

amounts! {
    /// Share of a step's own sound; the rest is what came in, as late as the step is.
    Mix: 0.0..=1.0, "";
}

/// One step of the chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What people call it; a recipe that has this one as its base changes the step by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Left out of the chain, kept in the text.
    #[serde(skip_serializing_if = "limits::is_default")]
    pub bypass: bool,
    /// 1, and not in the canonical text, is the step alone.
    #[serde(skip_serializing_if = "whole")]
    pub mix: Mix,
    #[serde(flatten)]
    pub work: Work,
}

fn whole(mix: &Mix) -> bool {
    mix.get() == 1.0
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident($settings:ty) = $word:literal, $make:expr;)*) => {
        /// What a step does, with its settings.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "kind")]
        pub enum Work {
            $($(#[$doc])* #[serde(rename = $word)] $variant($settings),)*
        }

        const KINDS: &[&str] = &[$($word),*];

        impl Work {
            fn read<'de, D: Deserializer<'de>>(kind: &str, d: D) -> Result<Self, D::Error> {
                match kind {
                    $($word => <$settings>::deserialize(d).map(Work::$variant),)*
                    other => Err(de::Error::unknown_variant(other, KINDS)),
                }
            }

            /// As it is written.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Work::$variant(_) => $word,)*
                }
            }

            fn check(&self) -> Result<(), DspError> {
                match self {
                    $(Work::$variant(settings) => settings.check(),)*
                }
            }

            fn part(&self) -> Part {
                match self {
                    $(Work::$variant(settings) => {
                        let make: fn(&$settings) -> Part = $make;
                        make(settings)
                    })*
                }
            }
        }
    };
}

kinds! {
    /// A trim, of both sides or of each.
    Gain(GainSettings) = "gain", |s| processor(Gain::trim(s));
    /// The main at a level, ahead of steps that go by levels.
    Loudness(LoudnessSettings) = "loudness", |s| processor(Loudness::new(s.clone()));
    Fade(FadeSettings) = "fade", |s| processor(Fade::new(s.clone()));
    /// A constant offset away.
    Dc(DcSettings) = "dc", |s| processor(DcFilter::new(s.hz.get()));
    Eq(EqSettings) = "eq", |s| processor(Equaliser::of_desk(s.clone()));
    DynamicEq(DynamicEqSettings) = "dynamic-eq", |s| processor(DynamicEq::new(s.clone()));
    DeEsser(DeEsserSettings) = "de-esser", |s| processor(DeEsser::new(s.clone()));
    Compressor(CompressorStep) = "compressor", |s| processor(Compressor::new(s.clone()));
    Multiband(MultibandStep) = "multiband", |s| processor(Multiband::new(s.clone()));
    /// Width by band, mono bass, balance, polarity, swap.
    Stereo(StereoSettings) = "stereo", |s| processor(Stereo::new(s.clone()));
    /// Harmonics; with `above_hz` an exciter.
    Saturate(SaturateSettings) = "saturate", |s| processor(Saturate::new(s.clone()));
    /// Clicks at given or found times.
    Declick(DeclickSettings) = "declick", |s| processor(Declick::new(s.clone()));
    /// Tone, width and loudness after a reference.
    Match(MatchSettings) = "match", |s| processor(Match::new(s.clone()));
    /// A command that the operator allows: a break in the chain.
    Insert(InsertSettings) = "insert", |s| Part::Insert(s.clone());
}

/// What a step is in the way of the sound.
pub(super) enum Part {
    Processor(Box<dyn Processor>),
    Insert(InsertSettings),
}

fn processor(step: impl Processor + 'static) -> Part {
    Part::Processor(Box::new(step))
}

impl Step {
    pub fn new(work: Work) -> Self {
        Step { name: None, bypass: false, mix: Mix::at(1.0), work }
    }

    /// Its name, or its kind where it has none.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.work.kind().into())
    }

    pub(super) fn part(&self) -> Part {
        match self.work.part() {
            Part::Processor(step) if !whole(&self.mix) => {
                Part::Processor(Box::new(Mixed::new(step, self.mix.get())))
            }
            part => part,
        }
    }

    /// What is wrong in combination; the reader puts the line of the step before it.
    fn check(&self) -> Result<(), String> {
        if matches!(self.work, Work::Insert(_)) && !whole(&self.mix) {
            return Err(
                "an insert is done whole or not at all: leave mix out, or mix inside the command".into()
            );
        }
        self.work.check().map_err(|e| e.to_string())
    }
}

const COMMON: &[&str] = &["kind", "name", "bypass", "mix"];

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_struct(read::STEP, COMMON, StepVisitor)
    }
}

struct StepVisitor;

impl<'de> de::Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with a kind")
    }

    /// The reader gives the kind first.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        if map.next_key::<String>()?.as_deref() != Some("kind") {
            return Err(de::Error::missing_field("kind"));
        }
        let Kind(kind) = map.next_value()?;
        let mut common = Common::default();
        let rest = Rest { map, common: &mut common };
        let work = Work::read(kind, MapAccessDeserializer::new(rest))?;
        let Common { name, bypass, mix } = common;
        let step = Step { name, bypass, mix: mix.unwrap_or(Mix::at(1.0)), work };
        step.check().map_err(de::Error::custom)?;
        Ok(step)
    }
}

/// A kind that exists.
struct Kind(&'static str);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        let known = KINDS.iter().find(|kind| **kind == word);
        known.map(|kind| Kind(kind)).ok_or_else(|| de::Error::unknown_variant(&word, KINDS))
    }
}

/// Keys that every step has.
#[derive(Default)]
struct Common {
    name: Option<String>,
    bypass: bool,
    mix: Option<Mix>,
}

#[derive(Deserialize)]
struct Name(#[serde(deserialize_with = "limits::name")] String);

/// The entries of a step without those that every step has.
struct Rest<'a, A> {
    map: A,
    common: &'a mut Common,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let mut seed = Some(seed);
        loop {
            match self.map.next_key_seed(OwnOr(&mut seed))? {
                None => return Ok(None),
                Some(Key::Other(key)) => return Ok(Some(key)),
                Some(Key::Name) => self.common.name = Some(self.map.next_value::<Name>()?.0),
                Some(Key::Bypass) => self.common.bypass = self.map.next_value()?,
                Some(Key::Mix) => self.common.mix = Some(self.map.next_value()?),
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

enum Key<T> {
    Name,
    Bypass,
    Mix,
    Other(T),
}

/// Reads a key of every step, or lets the settings read theirs.
struct OwnOr<'a, K>(&'a mut Option<K>);

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for OwnOr<'_, K> {
    type Value = Key<K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> de::Visitor<'de> for OwnOr<'_, K> {
    type Value = Key<K::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
        match word {
            "name" => Ok(Key::Name),
            "bypass" => Ok(Key::Bypass),
            "mix" => Ok(Key::Mix),
            _ => match self.0.take() {
                Some(seed) => {
                    seed.deserialize(de::IntoDeserializer::<E>::into_deserializer(word)).map(Key::Other)
                }
                None => Err(E::custom("a key was read twice")),
            },
        }
    }
}
