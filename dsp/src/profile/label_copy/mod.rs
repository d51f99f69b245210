//! Label copy: what stands on the label of a record and in the tables of its distributor. The data, its rules as findings, and its two texts, CSV and
//! JSON. Never here: who may change it, a code given to anybody: an ISRC belongs to its registrant.

mod codes;
mod rules;
mod text;

use serde::{Deserialize, Serialize};

pub use codes::{isrc, upc};
pub use rules::check;
pub use text::{csv, json};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCopy {
    pub artist: String,
    pub title: String,
    /// UPC (12 digits) or EAN (13).
    pub upc: String,
    pub catalogue: String,
    pub label: String,
    /// "2026 Moth Records": who owns the recording.
    pub p_line: String,
    /// Who owns the artwork and the text.
    pub c_line: String,
    /// "2026-11-21".
    pub release_date: String,
    pub genre: String,
    /// Of the titles and words: "en", "pt-BR".
    pub language: String,
    /// In the running order, a row for every song, a hidden one too.
    pub tracks: Vec<TrackCopy>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackCopy {
    pub title: String,
    /// "Radio Edit": without brackets, which the texts put around it.
    pub version_title: String,
    /// Empty: that of the record.
    pub artist: String,
    pub isrc: String,
    /// `None`: nobody said.
    pub explicit: Option<Explicit>,
    pub credits: Vec<Credit>,
    pub splits: Vec<Split>,
}

impl TrackCopy {
    /// "Night Drive (Radio Edit)".
    pub fn full_title(&self) -> String {
        match (self.title.trim(), self.version_title.trim()) {
            (title, "") => title.to_owned(),
            (title, version) => format!("{title} ({version})"),
        }
    }
}

/// What stores ask of the words of a song. Cleaned is not the same as not explicit: there is an explicit recording beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Explicit {
    No,
    Yes,
    Cleaned,
}

impl Explicit {
    pub const ALL: [Explicit; 3] = [Explicit::No, Explicit::Yes, Explicit::Cleaned];

    pub fn token(self) -> &'static str {
        match self {
            Explicit::No => "no",
            Explicit::Yes => "yes",
            Explicit::Cleaned => "cleaned",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    pub role: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    pub name: String,
    /// Hundredths of a percent: 10000 is all of it.
    pub share: u32,
    pub kind: SplitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitKind {
    /// Of the song as it was written.
    Composition,
    /// Of the sound.
    Recording,
}

impl SplitKind {
    pub const ALL: [SplitKind; 2] = [SplitKind::Composition, SplitKind::Recording];

    pub fn token(self) -> &'static str {
        match self {
            SplitKind::Composition => "composition",
            SplitKind::Recording => "recording",
        }
    }
}

/// All of something, in hundredths of a percent.
pub(super) const WHOLE: u64 = 10_000;

/// "33.33".
fn percent(share: u64) -> String {
    format!("{}.{:02}", share / 100, share % 100)
}
