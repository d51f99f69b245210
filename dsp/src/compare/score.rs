//! Was this note done? What changed between two moments, as a number between 0 and 1 and a sentence. A change is no proof that the note was met, only
//! that its place was worked on. Never here: notes, people.

use serde::{Deserialize, Serialize};

use super::{Comparison, Sameness, words};

/// What a note is about, beyond its moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    Band { low_hz: f64, high_hz: f64 },
    Stem(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoteScore {
    pub changed: bool,
    /// 0: surely untouched, 1: surely changed there.
    pub certainty: f64,
    pub words: String,
}

/// A note may point a little beside what it means, seconds.
const BESIDE_S: f64 = 0.5;

/// What happened between two moments of A. `hint` narrows it to a band or a stem.
pub fn score(c: &Comparison, start_s: f64, end_s: f64, hint: Option<&Hint>) -> NoteScore {
    let none = |certainty: f64, words: String| NoteScore { changed: false, certainty, words };
    match c.same {
        Sameness::Unrelated => return none(0.0, "the two files have nothing in common".into()),
        Sameness::Identical | Sameness::Silent | Sameness::Noise | Sameness::Matched => {
            return none(0.0, "no change found".into());
        }
        Sameness::Lossy | Sameness::Changed => {}
    }
    let (from, until) = (start_s.min(end_s) - BESIDE_S, start_s.max(end_s) + BESIDE_S);
    if let Some(edit) = c.edits.iter().find(|e| e.a_s < until && e.a_s + e.removed_s > from) {
        let words = format!("change found: {}", words::edit(edit, c.a.seconds()));
        return NoteScore { changed: true, certainty: 1.0, words };
    }
    let meant = |change: &&super::Change| match hint {
        None => true,
        Some(Hint::Band { low_hz, high_hz }) => change.low_hz < *high_hz && change.high_hz > *low_hz,
        Some(Hint::Stem(name)) => change.stem.as_ref().is_none_or(|s| s == name),
    };
    // A change that holds for the whole song says less of one moment than one that was made there.
    let certainty = |change: &super::Change| {
        let overlap = (change.end_s.min(until) - change.start_s.max(from)).max(0.0);
        let shorter = (until - from).min(change.end_s - change.start_s).max(1e-3);
        let here = (overlap / shorter).min(1.0);
        let heard = ((change.residual_db + 60.0) / 25.0).clamp(0.3, 1.0);
        let local = if change.whole_song { 0.5 } else { 1.0 };
        here * heard * local * (0.5 + 0.5 * change.explained)
    };
    let (first, last) = (start_s.min(end_s), start_s.max(end_s));
    // Of several the words go to the one that fills most of what was marked: a click of the edit at its end is not what was asked for.
    let fills = |change: &super::Change| {
        let inside = (change.end_s.min(last) - change.start_s.max(first)).max(0.0);
        let point = change.start_s <= last && change.end_s >= first;
        0.5 + 0.5 * if last - first < 1e-3 { f64::from(u8::from(point)) } else { inside / (last - first) }
    };
    let found: Vec<_> =
        c.changes.iter().filter(meant).map(|x| (certainty(x), x)).filter(|x| x.0 > 0.0).collect();
    let sure = found.iter().map(|x| x.0).fold(0.0, f64::max);
    match found.into_iter().max_by(|x, y| (x.0 * fills(x.1)).total_cmp(&(y.0 * fills(y.1)))) {
        Some((_, change)) => NoteScore {
            changed: sure >= 0.25,
            certainty: sure,
            words: format!("change found: {}", change.words),
        },
        None => none(0.0, "no change found".into()),
    }
}
