//! What the screen "Label copy" knows: the sheet of the project and what was found in it, made anew when rows change and never while it is drawn; what an editor
//! outside was given; covers on their way. Never here: keys, drawing, a rule of the studio.

use std::path::PathBuf;

use deadwax_dsp::profile::Finding;
use deadwax_proto::v1;

use super::msg::Failure;
use crate::label_copy::{RELEASE_KEYS, Sheet, findings};

#[derive(Clone, Debug, Default)]
pub struct Room {
    pub made: Option<Made>,
    /// What the person's editor has now.
    pub outside: Option<Outside>,
    /// A text from there that could not be read: the next time it goes on with it.
    pub unread: Option<Outside>,
    /// A cover is on its way.
    pub busy: bool,
}

/// Of the project as it stood at `seq`.
#[derive(Clone, Debug)]
pub struct Made {
    pub project: String,
    pub seq: u64,
    pub sheet: Sheet,
    /// Blocks first.
    pub findings: Vec<Finding>,
}

impl Made {
    pub fn of(project: String, seq: u64, sheet: Sheet) -> Made {
        let findings = findings(&sheet);
        Made { project, seq, sheet, findings }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    pub project: String,
    pub text: String,
    /// What stood there when the text was made: what differs from it is the person's.
    pub base: Sheet,
}

/// One line of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Release(&'static str),
    Cover,
    /// Its place in the sheet.
    Song(usize),
}

/// The lines of the release: key, how a form calls it, what belongs there.
pub const RELEASE: [(&str, &str, &str); 8] = [
    ("upc", "UPC", "12 digits, or 13 of an EAN; the last one checks the others"),
    ("catalogue", "Catalogue", "The label's own number"),
    ("label", "Label", "As it stands on the record"),
    ("p_line", "P-line", "Who owns the recording: 2026 Night Records"),
    ("c_line", "C-line", "Who owns the artwork and the text: 2026 Night Records"),
    ("release_date", "Date", "Of the release: 2026-11-27"),
    ("genre", "Genre", "As stores sort it: Electronic"),
    ("language", "Language", "Of the words: en, de, zxx where there are none"),
];

/// How many lines there are before the songs.
pub const BEFORE_SONGS: usize = RELEASE_KEYS.len() + 1;

pub fn count(sheet: &Sheet) -> usize {
    BEFORE_SONGS + sheet.songs.len()
}

pub fn line(sheet: &Sheet, at: usize) -> Line {
    let at = at.min(count(sheet).saturating_sub(1));
    match RELEASE_KEYS.get(at) {
        Some(key) => Line::Release(key),
        None => at.checked_sub(BEFORE_SONGS).map_or(Line::Cover, Line::Song),
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    PutCover { project_id: String, path: PathBuf },
    FetchCover { project_id: String, path: PathBuf },
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Put(Result<v1::PutCoverResponse, Failure>),
    /// Where it lies now.
    Fetched(Result<String, Failure>),
}
