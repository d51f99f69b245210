//! Two files beside each other, as the screen "Compare" holds them: which two, what the studio found out about them, and the lines that a person steps
//! through. Never here: how sound is compared, IO.

use std::sync::Arc;

use deadwax_dsp::compare::{Change, ChangeKind, Comparison, Edit};
use deadwax_proto::v1::{CompareRequest, Verdict};

use super::rows::{self, Project};

/// Two files beside each other: the older and the newer, or two alternates.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareView {
    pub project: String,
    pub song: String,
    pub a: Chosen,
    pub b: Chosen,
    pub at: usize,
    /// Of the first file.
    pub cursor_us: u64,
}

impl CompareView {
    pub fn new(project: String, song: String, a: Chosen, b: Chosen) -> CompareView {
        CompareView { project, song, a, b, at: 0, cursor_us: 0 }
    }

    pub fn request(&self) -> CompareRequest {
        CompareRequest {
            project_id: self.project.clone(),
            version_a: self.a.version.clone(),
            version_b: self.b.version.clone(),
            alternate_a: self.a.alternate.clone(),
            alternate_b: self.b.alternate.clone(),
        }
    }
}

/// A file of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub version: String,
    /// As in `VersionFile.alternate`; empty: the main.
    pub alternate: String,
}

/// What the studio answered about two files.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonPage {
    pub request: CompareRequest,
    pub ticket: u64,
    pub state: Compared,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Compared {
    Asked,
    Here(Arc<Comparison>),
    /// What was said, and what to do next.
    Failed(String, String),
}

/// The page of this view, if it is of these two files.
pub fn page<'a>(page: Option<&'a ComparisonPage>, view: &CompareView) -> Option<&'a ComparisonPage> {
    page.filter(|it| it.request == view.request())
}

/// The answer of the studio.
///
/// # Errors
/// A sentence, where it cannot be read.
pub fn read(json: &str) -> Result<Arc<Comparison>, String> {
    serde_json::from_str(json).map(Arc::new).map_err(|_| {
        "The studio's answer cannot be read by this client. Update it, or ask with --json.".to_owned()
    })
}

/// A line of the list: something that changed, or a note and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    pub sign: &'static str,
    pub what: What<'a>,
    /// Milliseconds of the first file; `None`: of the whole song.
    pub span_ms: Option<(u64, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What<'a> {
    Edit(&'a Edit),
    Change(&'a Change),
    Note { note: &'a deadwax_proto::v1::NoteRow, verdict: Verdict, text: &'a str },
}

/// Edits, then changes, then what became of each note that stands in the song, in the newer version.
pub fn items<'a>(view: &CompareView, found: Option<&'a Comparison>, rows: &'a Project) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    if let Some(found) = found {
        items.extend(found.edits.iter().map(|it| Item {
            sign: "±",
            what: What::Edit(it),
            // What was put in has no length of its own in the first file.
            span_ms: Some((ms(it.a_s), ms(it.a_s + it.removed_s.max(1.0)))),
        }));
        items.extend(found.changes.iter().map(|it| Item {
            sign: sign(it.kind),
            what: What::Change(it),
            span_ms: (!it.whole_song).then(|| (ms(it.start_s), ms(it.end_s))),
        }));
    }
    if view.a.version != view.b.version {
        let verdicts = rows.notes(&view.song, true).into_iter().filter_map(|note| {
            let told = rows::verdict(note, &view.b.version)?;
            let place = rows::place(note, &view.a.version);
            let (_, word) = super::words::verdict(told.verdict());
            Some(Item {
                sign: super::words::verdict(told.verdict()).0,
                span_ms: place.start_ms.map(|start| (start, place.end_ms.unwrap_or(start))),
                what: What::Note {
                    note,
                    verdict: told.verdict(),
                    text: if told.text.is_empty() { word } else { &told.text },
                },
            })
        });
        items.extend(verdicts);
    }
    items
}

/// A sign that needs no colour: up, down, gone, come, other, held down.
fn sign(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Level => "≈",
        ChangeKind::Part => "↕",
        ChangeKind::Removed => "−",
        ChangeKind::New => "+",
        ChangeKind::Replaced => "≠",
        ChangeKind::Limited => "⊤",
    }
}

/// Seconds of a comparison; what is no time is the beginning.
pub fn ms(seconds: f64) -> u64 {
    // A float that is too large or no number ends at the edge of the type.
    (seconds.max(0.0) * 1000.0).round() as u64
}
