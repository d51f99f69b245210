//! Reference match: brings a main nearer to one or more references in tone, width and loudness, each in its own amount, smoothed and bounded. It hears
//! the whole main first, then is a fixed filter for mid and side: alternates get the very same. Never here: reading a recipe.
//! Silence and fades count on neither side: what is compared are the loud parts (see [`Profile`]).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

mod curve;
mod filter;
mod profile;

pub use curve::Curve;
pub use profile::{BANDS, Listener, NOTHING_DB, Profile, band_hz};

use super::{Control, Processor};
use crate::{amounts, block::Block, error::DspError, resample::Phase};
use filter::MidSide;

amounts! {
    /// How much of the way to the references an aspect goes: 0 leaves it, 1 goes all the way that the bounds allow.
    Amount: 0.0..=1.0, "";
    /// What one of several references counts.
    Weight: 0.01..=100.0, "";
    /// Details narrower than this are not matched.
    Smoothing: 0.17..=3.0, "octaves";
    /// The most that a band is raised or lowered.
    MaxGain: 0.0..=18.0, "dB";
    MaxLoudness: 0.0..=30.0, "dB";
    MaxWidth: 0.0..=12.0, "dB";
    LowCorner: 20.0..=1_000.0, "Hz";
    HighCorner: 1_000.0..=20_000.0, "Hz";
}

/// Bounds and amounts of a match. A reference is a file's name until the caller has put its profile there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchSettings {
    #[serde(default = "half")]
    pub tone: Amount,
    #[serde(default = "half")]
    pub width: Amount,
    /// A recipe with a target sets the level itself.
    #[serde(default = "none")]
    pub loudness: Amount,
    #[serde(default = "third_octave")]
    pub smooth_octaves: Smoothing,
    #[serde(default = "max_gain")]
    pub max_boost_db: MaxGain,
    #[serde(default = "max_gain")]
    pub max_cut_db: MaxGain,
    #[serde(default = "max_width")]
    pub max_width_db: MaxWidth,
    #[serde(default = "max_loudness")]
    pub max_loudness_db: MaxLoudness,
    /// Below this nothing is raised, up to an octave above it less than all.
    #[serde(default = "boost_from")]
    pub boost_from_hz: LowCorner,
    /// Above this nothing is raised, down to an octave below it less than all.
    #[serde(default = "boost_to")]
    pub boost_to_hz: HighCorner,
    /// Below this the side is not raised.
    #[serde(default = "widen_from")]
    pub widen_from_hz: LowCorner,
    #[serde(default, deserialize_with = "phase", serialize_with = "phase_token")]
    pub phase: Phase,
    /// A file's name, a table, or a list of either.
    #[serde(deserialize_with = "one_or_more")]
    pub reference: Vec<Reference>,
}

/// One sound to come near to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its file, seen from the recipe's; a name only, once the profile is there.
    pub file: String,
    #[serde(default = "one")]
    pub weight: Weight,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

const REFERENCES_MAX: usize = 16;
const FILE_MAX_CHARS: usize = 400;

fn half() -> Amount {
    Amount::at(0.5)
}

fn none() -> Amount {
    Amount::at(0.0)
}

fn one() -> Weight {
    Weight::at(1.0)
}

fn third_octave() -> Smoothing {
    Smoothing::at(0.33)
}

fn max_gain() -> MaxGain {
    MaxGain::at(6.0)
}

fn max_width() -> MaxWidth {
    MaxWidth::at(3.0)
}

fn max_loudness() -> MaxLoudness {
    MaxLoudness::at(12.0)
}

fn boost_from() -> LowCorner {
    LowCorner::at(40.0)
}

fn boost_to() -> HighCorner {
    HighCorner::at(16_000.0)
}

fn widen_from() -> LowCorner {
    LowCorner::at(150.0)
}

fn phase<'de, D: Deserializer<'de>>(d: D) -> Result<Phase, D::Error> {
    let word = String::deserialize(d)?;
    Phase::from_token(&word).ok_or_else(|| de::Error::unknown_variant(&word, &["linear", "minimum"]))
}

fn phase_token<S: serde::Serializer>(phase: &Phase, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(phase.token())
}

impl MatchSettings {
    /// With the usual amounts and bounds.
    pub fn after(reference: Vec<Reference>) -> Self {
        MatchSettings {
            tone: half(),
            width: half(),
            loudness: none(),
            smooth_octaves: third_octave(),
            max_boost_db: max_gain(),
            max_cut_db: max_gain(),
            max_width_db: max_width(),
            max_loudness_db: max_loudness(),
            boost_from_hz: boost_from(),
            boost_to_hz: boost_to(),
            widen_from_hz: widen_from(),
            phase: Phase::default(),
            reference,
        }
    }

    /// Settings that contradict each other, and profiles that cannot be.
    pub fn check(&self) -> Result<(), DspError> {
        if self.reference.is_empty() || self.reference.len() > REFERENCES_MAX {
            return Err(DspError::Invalid(format!("a match has 1 to {REFERENCES_MAX} references")));
        }
        for reference in &self.reference {
            let file = &reference.file;
            if file.is_empty() || file.chars().count() > FILE_MAX_CHARS || file.chars().any(char::is_control)
            {
                return Err(DspError::Invalid(format!(
                    "the file of a reference is a name of 1 to {FILE_MAX_CHARS} characters"
                )));
            }
            if let Some(profile) = &reference.profile {
                profile.check().map_err(|e| DspError::Invalid(format!("the reference {file}: {e}")))?;
            }
        }
        Ok(())
    }

    /// Nothing is asked for: the sound passes as it is.
    fn idle(&self) -> bool {
        [self.tone, self.width, self.loudness].iter().all(|amount| amount.get() == 0.0)
    }

    /// References with their weights; an error names one whose profile is missing.
    fn profiles(&self) -> Result<Vec<(f64, &Profile)>, DspError> {
        let heard = |r: &'_ Reference| {
            DspError::Invalid(format!(
                "the reference {} was not heard: a match needs its profile before the render",
                r.file
            ))
        };
        let all = self.reference.iter();
        all.map(|r| Ok((r.weight.get(), r.profile.as_ref().ok_or_else(|| heard(r))?))).collect()
    }
}

impl Reference {
    pub fn file(name: impl Into<String>) -> Self {
        Reference { file: name.into(), weight: one(), profile: None }
    }
}

/// "a.wav", a table, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Reference>, D::Error> {
    d.deserialize_any(References)
}

struct References;

impl<'de> de::Visitor<'de> for References {
    type Value = Vec<Reference>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a file, or a table with one")
    }

    fn visit_str<E: de::Error>(self, file: &str) -> Result<Self::Value, E> {
        Ok(vec![Reference::file(file)])
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Reference::deserialize(de::value::MapAccessDeserializer::new(map)).map(|one| vec![one])
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct Each(#[serde(deserialize_with = "one_or_more")] Vec<Reference>);
        let mut all = Vec::new();
        while let Some(Each(some)) = seq.next_element()? {
            all.extend(some);
            if all.len() > REFERENCES_MAX {
                break;
            }
        }
        Ok(all)
    }
}

/// The step.
#[derive(Clone)]
pub struct Match {
    settings: MatchSettings,
    sample_rate: u32,
    channels: usize,
    hearing: Option<Listener>,
    /// What the main's study gave; stays through `prepare`. `None` within: the main was silent.
    found: Option<Option<Curve>>,
    filter: Option<MidSide>,
    /// The side of a mono sound.
    side: Vec<f64>,
}

impl Match {
    pub fn new(settings: MatchSettings) -> Self {
        Match {
            settings,
            sample_rate: 0,
            channels: 0,
            hearing: None,
            found: None,
            filter: None,
            side: Vec::new(),
        }
    }

    /// What it found, once the main was heard; `None` before, and where the main is silent.
    pub fn curve(&self) -> Option<&Curve> {
        self.found.as_ref()?.as_ref()
    }

    fn design(&mut self) -> Result<(), DspError> {
        let Some(found) = &self.found else { return Ok(()) };
        let flat = vec![0.0; BANDS];
        let (mid, side) = found.as_ref().map_or((&flat, &flat), |c| (&c.mid_db, &c.side_db));
        let filter = MidSide::new(self.sample_rate, self.settings.phase, mid, side);
        self.filter =
            Some(filter.ok_or_else(|| {
                DspError::Invalid(format!("a match has no filter at {} Hz", self.sample_rate))
            })?);
        Ok(())
    }
}

impl Processor for Match {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        self.settings.profiles()?;
        if !(1..=2).contains(&channels) {
            return Err(DspError::Invalid(format!(
                "a match works on mono and stereo, not on {channels} channels"
            )));
        }
        (self.sample_rate, self.channels) = (sample_rate, channels);
        self.hearing = None;
        self.filter = None;
        self.design()
    }

    fn reset(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.reset();
        }
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        if self.settings.idle() {
            return Ok(());
        }
        let Some(filter) = &mut self.filter else {
            return Err(DspError::Invalid("a match was to work before it had heard the main".into()));
        };
        match block.channels.as_mut_slice() {
            [left, right] => {
                for (l, r) in left.iter_mut().zip(right.iter_mut()) {
                    (*l, *r) = (0.5 * (*l + *r), 0.5 * (*l - *r));
                }
                filter.run(left, right);
                for (l, r) in left.iter_mut().zip(right.iter_mut()) {
                    (*l, *r) = (*l + *r, *l - *r);
                }
            }
            [one] => {
                self.side.clear();
                self.side.resize(one.len(), 0.0);
                filter.run(one, &mut self.side);
            }
            _ => {}
        }
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        if self.settings.idle() { 0 } else { filter::latency_frames(self.sample_rate, self.settings.phase) }
    }

    fn studies(&self) -> bool {
        !self.settings.idle()
    }

    fn study(&mut self, block: &Block) {
        if self.hearing.is_none() {
            self.hearing = Listener::new(self.sample_rate, self.channels).ok();
        }
        if let Some(listener) = &mut self.hearing {
            listener.push(block);
        }
    }

    fn studied(&mut self) -> Result<(), DspError> {
        let main = self.hearing.take().and_then(Listener::finish);
        let references = self.settings.profiles()?;
        self.found = Some(main.map(|main| curve::curve(&self.settings, &main, &references)));
        self.design()
    }

    fn told(&self) -> Vec<String> {
        let Some(found) = &self.found else { return Vec::new() };
        let Some(curve) = found else {
            return vec!["the main is silent: nothing was matched".into()];
        };
        let mut lines = Vec::new();
        if self.settings.tone.get() > 0.0 {
            lines.push(format!("tone {}", extremes(&curve.tone_db)));
        }
        if self.settings.width.get() > 0.0 {
            lines.push(format!("side against mid {}", extremes(&curve.width_db)));
        }
        if self.settings.loudness.get() > 0.0 {
            lines.push(format!("level {:+.1} dB", curve.loudness_db));
        }
        lines
    }
}

/// "+2.1 dB at most, at 3.2 kHz, and -1.4 dB at least, at 250 Hz".
fn extremes(gains_db: &[f64]) -> String {
    let at = |band: usize| {
        let hz = band_hz(band);
        if hz < 1000.0 { format!("{hz:.0} Hz") } else { format!("{:.1} kHz", hz / 1000.0) }
    };
    let by = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1);
    let most = gains_db.iter().enumerate().max_by(by);
    let least = gains_db.iter().enumerate().min_by(by);
    match (most, least) {
        (Some((high, most)), Some((low, least))) if most - least >= 0.05 => {
            format!("{most:+.1} dB at most, at {}, and {least:+.1} dB at least, at {}", at(high), at(low))
        }
        (Some((_, most)), _) => format!("{most:+.1} dB everywhere"),
        _ => "unchanged".into(),
    }
}
