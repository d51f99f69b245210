//! Label copy: what stands on the label and goes to the stores, of the release and of each song. Never here: how it is written into files.

use crate::{
    Actor, Command, Project, Refusal,
    decide::{Ruling, misrouted},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelCopy {
    /// Twelve or thirteen digits; the last checks the others (GS1).
    pub upc: String,
    /// The label's own number.
    pub catalogue: String,
    pub label: String,
    /// Who owns the sound recording.
    pub p_line: String,
    /// Who owns the rest.
    pub c_line: String,
    /// YYYY-MM-DD.
    pub release_date: String,
    pub genre: String,
    /// ISO 639.
    pub language: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SongCopy {
    /// "Radio Edit".
    pub version_title: String,
    pub explicit: Option<Explicit>,
    pub credits: Vec<Credit>,
    pub splits: Vec<Split>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explicit {
    No,
    Yes,
    /// A clean version of an explicit song.
    Cleaned,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    pub role: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    pub name: String,
    /// Else of the composition.
    pub recording: bool,
    /// Hundredths of a percent.
    pub share: u32,
}

pub(crate) fn rule(_project: &Project, _actor: &Actor, _command: &Command) -> Result<Ruling, Refusal> {
    misrouted()
}
