//! The field's words as types: roles, stages, kinds of version, alternates. Sources for the names: the Recording Academy's
//! Producers & Engineers Wing delivery recommendations (2018) and the archive vendors' definitions. Never a rule: rules live beside their noun.

use std::{collections::BTreeSet, fmt};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Artist,
    Producer,
    MixEngineer,
    MasteringEngineer,
    Label,
    Manager,
    Listener,
}

pub type Roles = BTreeSet<Role>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    Recording,
    Mixing,
    Mastering,
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionKind {
    Take,
    Mix,
    Master,
}

/// A level step in tenths of a decibel, so that 0.5 dB is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenthsDb(pub i16);

/// What `TV` means: shops disagree, so it is stored and never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TvDefinition {
    /// The archive vendors' meaning: no lead vocal, background vocals stay. Token `tv`.
    NoLead,
    /// Some shops' meaning: vocals lowered. Token `tv-lowered`.
    VocalsLowered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    Vocal,
    BackgroundVocals,
    Bass,
    Solo,
}

/// One of the sibling mixes of a version. Tokens (`Display`, [`Alternate::parse`]) are stable: they stand in stored facts and file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alternate {
    Main,
    /// One element up or down by a step, nothing else. Token `vocal-up+0.5`, `vocal-down-1.0`, `bgv-up+1.0`, `bass-down-0.5`, ...
    Step(Element, TenthsDb),
    Instrumental,
    Tv(TvDefinition),
    ACappella,
    LeadVocalOnly,
    BackgroundVocalsOnly,
    Clean,
    RadioEdit,
    Extended,
    /// A cutdown, exact to the second: 60, 30 or 15. Token `cut-30`.
    Cut(u8),
    Sting,
    Underscore,
    Bumper,
    NoDrums,
    /// A group print; the number tells stems apart. Token `stem-1`.
    Stem(u8),
    /// The mixer's loud reference. Token `limited`.
    Limited,
    /// The same mix with no limiter. Token `unlimited`.
    Unlimited,
    FlatMaster,
    ProductionMaster,
}

/// The words of a person in a sentence: "mix engineer".
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Artist => "artist",
            Role::Producer => "producer",
            Role::MixEngineer => "mix engineer",
            Role::MasteringEngineer => "mastering engineer",
            Role::Label => "label",
            Role::Manager => "manager",
            Role::Listener => "listener",
        })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Recording => "recording",
            Stage::Mixing => "mixing",
            Stage::Mastering => "mastering",
            Stage::Delivered => "delivered",
        })
    }
}

impl fmt::Display for VersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VersionKind::Take => "Take",
            VersionKind::Mix => "Mix",
            VersionKind::Master => "Master",
        })
    }
}

impl Stage {
    /// The kind of version that is made in this stage, and that its gate looks at.
    pub fn kind(self) -> Option<VersionKind> {
        match self {
            Stage::Recording => Some(VersionKind::Take),
            Stage::Mixing => Some(VersionKind::Mix),
            Stage::Mastering => Some(VersionKind::Master),
            Stage::Delivered => None,
        }
    }

    pub fn next(self) -> Option<Stage> {
        match self {
            Stage::Recording => Some(Stage::Mixing),
            Stage::Mixing => Some(Stage::Mastering),
            Stage::Mastering => Some(Stage::Delivered),
            Stage::Delivered => None,
        }
    }
}

impl VersionKind {
    /// The stage in which this kind is made.
    pub fn stage(self) -> Stage {
        match self {
            VersionKind::Take => Stage::Recording,
            VersionKind::Mix => Stage::Mixing,
            VersionKind::Master => Stage::Mastering,
        }
    }
}
