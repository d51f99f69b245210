//! What follows from what was heard: the figures of the child and the comparisons become an [`Examined`], with what became of every note and where it stands
//! now. Never here: sound, processes, the ledger.

use std::collections::BTreeMap;

use deadwax_domain::{
    Alternate, Examined, Found, Note, NoteOutcome, PlaceKind, Placed, Project, Sameness, Span, Stretch,
    Verdict, Version,
};
use deadwax_dsp::compare::{self, Comparison, Piece, TimeMap, words};

use super::{
    hear::{Heard, Likeness},
    plan::Plan,
};

/// Moves by less are the grain of the measurement, not an edit.
const SAME_PLACE_MS: u64 = 20;
/// A point this near to something that is still there is not gone, and a range of which less is left is.
const BESIDE_S: f64 = 0.02;
/// From here on the level of the whole is told.
const LEAST_LEVEL_DB: f64 = 0.1;

const FOUND_MAX: usize = 48;
const CHANGES_MAX: usize = 32;
const STRETCHES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 400;
/// What the notes of one examination may take of a stored fact, which has to hold the rest as well.
const NOTES_BYTES_MAX: usize = 176 << 10;
/// An outcome without its text: ids, places and their lengths.
const OUTCOME_BYTES: usize = 56;

/// All that was measured of a version.
#[derive(Debug, Default)]
pub struct Measured {
    /// `None`: neither forensics nor files side by side were to be heard, or it failed.
    pub heard: Heard,
    /// The pairs that [`Heard::likeness`] speaks of, by their place in the plan.
    pub pairs_heard: Vec<usize>,
    /// Comparisons with the version before, by alternate.
    pub compared: BTreeMap<Alternate, Comparison>,
    /// What could not be found out, a sentence each.
    pub failed: Vec<String>,
}

pub fn examined(project: &Project, plan: &Plan<'_>, measured: &Measured) -> Examined {
    let (same, residual_db) = sameness(plan, measured);
    let heard = &measured.heard;
    let failed: Vec<&str> = measured.failed.iter().chain(&heard.unheard).map(String::as_str).collect();
    let found = heard.findings.iter().take(FOUND_MAX).map(|said| Found {
        block: said.block,
        code: short(&said.code, 64),
        text: short(&said.text, TEXT_BYTES_MAX),
        alternate: Alternate::parse(&said.token).unwrap_or(Alternate::Main),
    });
    let notes = plan.against.map_or(Vec::new(), |against| {
        let due = project.notes_to_examine(plan.version);
        due.into_iter().map(|note| outcome(note, against, measured)).collect()
    });
    Examined {
        against: plan.against.map(|against| against.id),
        failed: (!failed.is_empty()).then(|| short(&failed.join(" "), 3 * TEXT_BYTES_MAX)),
        found: found.collect(),
        notes: fitting(notes, NOTES_BYTES_MAX),
        changes: changes(plan, measured),
        same,
        residual_db,
        stretches: plan.against.map_or(Vec::new(), |_| stretches(measured)),
    }
}

/// For what has places of its own and is no note. None where the whole runs side by side.
fn stretches(measured: &Measured) -> Vec<Stretch> {
    let Some(main) = measured.compared.get(&Alternate::Main) else { return Vec::new() };
    let stretch = |piece: &Piece| Stretch {
        was_ms: millis(piece.a_s),
        was_end_ms: millis(piece.a_end_s),
        is_ms: millis(piece.b_s),
        is_end_ms: millis(piece.b_end_s()),
    };
    let stretches: Vec<Stretch> = main.time_map.pieces.iter().take(STRETCHES_MAX).map(stretch).collect();
    let near = |a: u64, b: u64| a.abs_diff(b) <= SAME_PLACE_MS;
    let same = |it: &Stretch| near(it.was_ms, it.is_ms) && near(it.was_end_ms, it.is_end_ms);
    if stretches.len() <= 1 && stretches.iter().all(same) { Vec::new() } else { stretches }
}

/// P-4: of all files the one that changed most. What the comparison says of the mains may only make it stricter.
fn sameness(plan: &Plan<'_>, measured: &Measured) -> (Sameness, Option<f64>) {
    let other = (Sameness::Other, None);
    if plan.against.is_none() || !plan.same_set || plan.pairs.is_empty() {
        return other;
    }
    let edited = |c: &Comparison| !c.edits.is_empty() || c.same == compare::Sameness::Unrelated;
    if measured.compared.get(&Alternate::Main).is_some_and(edited) {
        return other;
    }
    let mut worst = Sameness::Metadata;
    let mut residual_db: Option<f64> = None;
    for (index, pair) in plan.pairs.iter().enumerate() {
        match likeness(measured, index) {
            _ if pair.was.digest == pair.is.digest => {}
            Some(Likeness::Metadata) => {}
            Some(Likeness::Pcm) => worst = worst.min(Sameness::Pcm),
            Some(Likeness::Residual { db }) => {
                worst = worst.min(Sameness::Residual);
                residual_db = Some(residual_db.map_or(db, |most| most.max(db)));
            }
            Some(Likeness::Other) | None => return other,
        }
    }
    (worst, residual_db)
}

fn likeness(measured: &Measured, pair: usize) -> Option<Likeness> {
    let at = measured.pairs_heard.iter().position(|heard| *heard == pair)?;
    measured.heard.likeness.get(at).copied()
}

/// The main in the words of its comparison, then what is told of the other files, then which came and went.
fn changes(plan: &Plan<'_>, measured: &Measured) -> Vec<String> {
    let Some(against) = plan.against else { return Vec::new() };
    let mut told: Vec<String> =
        measured.compared.get(&Alternate::Main).map(|c| c.words.clone()).unwrap_or_default();
    for (index, pair) in
        plan.pairs.iter().enumerate().filter(|(_, pair)| pair.is.alternate != Alternate::Main)
    {
        let name = pair.is.alternate.words();
        match likeness(measured, index) {
            _ if pair.was.digest == pair.is.digest => {}
            Some(Likeness::Metadata | Likeness::Pcm) => {}
            Some(Likeness::Residual { db }) => {
                told.push(format!("{name}: up to {db:.1} dB is left against the one before"));
            }
            Some(Likeness::Other) | None => {
                let (was, is) = (pair.was.facts.frames, pair.is.facts.frames);
                let what = if was == is { "other sound" } else { "another length" };
                told.push(format!("{name}: {what} than before"));
            }
        }
    }
    let missing = |from: &deadwax_domain::Version, of: &deadwax_domain::Version| -> Vec<String> {
        let mut gone: Vec<Alternate> = from
            .files
            .iter()
            .map(|file| file.alternate)
            .filter(|alternate| of.files.iter().all(|file| file.alternate != *alternate))
            .collect();
        gone.dedup();
        gone.into_iter().map(Alternate::words).collect()
    };
    let (new, gone) = (missing(plan.version, against), missing(against, plan.version));
    if !new.is_empty() {
        told.push(format!("new: {}", new.join(", ")));
    }
    if !gone.is_empty() {
        told.push(format!("not there any more: {}", gone.join(", ")));
    }
    told.truncate(CHANGES_MAX);
    told.iter().map(|text| short(text, TEXT_BYTES_MAX)).collect()
}

fn outcome(note: &Note, against: &Version, measured: &Measured) -> NoteOutcome {
    let main = measured.compared.get(&Alternate::Main);
    let own = note.alternate.map_or(main, |alternate| measured.compared.get(&alternate));
    let span = note.span_in(against.id);
    // An alternate runs beside its main: what was cut there was cut here.
    let map = own.or(main).map(|comparison| &comparison.time_map);
    let place = span.map(|span| map.map_or(Placed { kind: PlaceKind::Same, span }, |map| placed(map, span)));
    let (verdict, text) = match own {
        None => (Verdict::Unknown, not_compared(note, main.is_some())),
        Some(comparison) if comparison.same == compare::Sameness::Unrelated => {
            (Verdict::Unknown, "not judged: the two have nothing in common".to_owned())
        }
        Some(comparison) => match span {
            Some(span) => there(comparison, span),
            None => anywhere(comparison),
        },
    };
    let mut text = short(&text, TEXT_BYTES_MAX);
    // Whoever looks for it in the new version must not look at the old one's times.
    if place.is_some_and(|place| place.kind != PlaceKind::Same) && verdict != Verdict::Unknown {
        text += &format!(" (times of {})", against.name());
    }
    NoteOutcome { note: note.id, verdict, text, place }
}

fn not_compared(note: &Note, others: bool) -> String {
    match note.alternate.filter(|_| others) {
        Some(alternate) => {
            format!("not judged: the {} could not be compared with the one before", alternate.words())
        }
        None => "not judged: the versions could not be compared".to_owned(),
    }
}

/// At the place that a note speaks of.
fn there(comparison: &Comparison, span: Span) -> (Verdict, String) {
    let (start_s, end_s) = (seconds(span.start_ms), seconds(span.end_ms.unwrap_or(span.start_ms)));
    let score = compare::score(comparison, start_s, end_s, None);
    let at = words::clock(start_s);
    // The times in it are of the version before, as the words of the comparison are.
    match (score.changed, score.words.strip_prefix("change found: ")) {
        (true, Some(what)) => (Verdict::Changed, format!("change found at {at}: {what}")),
        (true, None) => (Verdict::Changed, format!("change found at {at}: {}", score.words)),
        (false, Some(what)) => (Verdict::Unknown, format!("hardly a change at {at}: {what}")),
        (false, None) => (Verdict::Untouched, format!("no change found at {at}{}", but_louder(comparison))),
    }
}

/// A note without a place speaks of the song: a change anywhere may be its answer.
fn anywhere(comparison: &Comparison) -> (Verdict, String) {
    if let Some(edit) = comparison.edits.first() {
        return (Verdict::Changed, compare::score(comparison, edit.a_s, edit.a_s, None).words);
    }
    let gravest = comparison.changes.iter().max_by(|a, b| {
        (a.whole_song, a.residual_db)
            .partial_cmp(&(b.whole_song, b.residual_db))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    if let Some(change) = gravest {
        return (Verdict::Changed, format!("change found: {}", change.words));
    }
    if let Some(level) = level(comparison) {
        return (Verdict::Changed, format!("change found: {level}"));
    }
    if comparison.same == compare::Sameness::Changed {
        return (Verdict::Unknown, "hardly a change: no change stands out".to_owned());
    }
    (Verdict::Untouched, "no change found".to_owned())
}

fn but_louder(comparison: &Comparison) -> String {
    level(comparison).map(|level| format!("; {level}")).unwrap_or_default()
}

fn level(comparison: &Comparison) -> Option<String> {
    let db = comparison.gain_db.filter(|db| db.abs() >= LEAST_LEVEL_DB)?;
    Some(format!("the whole song is {:.1} dB {}", db.abs(), if db > 0.0 { "louder" } else { "softer" }))
}

/// Where a span of the version before stands now.
fn placed(map: &TimeMap, was: Span) -> Placed {
    let stays = Placed { kind: PlaceKind::Same, span: was };
    let start_s = seconds(was.start_ms);
    let gone = || {
        // Nothing runs side by side: nobody can say where it went, and so it stays.
        map.nearest_b_of_a(start_s).map_or(stays, |b_s| {
            let span = Span { start_ms: millis(b_s), end_ms: None };
            Placed { kind: PlaceKind::Gone, span }
        })
    };
    let span = match was.end_ms {
        None => match point(map, start_s) {
            Some(b_s) => Span { start_ms: millis(b_s), end_ms: None },
            None => return gone(),
        },
        Some(end_ms) => match range(map, start_s, seconds(end_ms)) {
            Some((from_s, until_s)) => Span { start_ms: millis(from_s), end_ms: Some(millis(until_s)) },
            None => return gone(),
        },
    };
    let near = |a: u64, b: u64| a.abs_diff(b) <= SAME_PLACE_MS;
    let ends_near = match (was.end_ms, span.end_ms) {
        (Some(a), Some(b)) => near(a, b),
        _ => true,
    };
    if near(was.start_ms, span.start_ms) && ends_near {
        return stays;
    }
    Placed { kind: PlaceKind::Moved, span }
}

fn point(map: &TimeMap, a_s: f64) -> Option<f64> {
    map.b_of_a(a_s).or_else(|| {
        let beside = |p: &&Piece| (p.a_s - a_s).max(a_s - p.a_end_s) <= BESIDE_S;
        map.pieces.iter().find(beside).map(|p| b_of(p, a_s.clamp(p.a_s, p.a_end_s.max(p.a_s))))
    })
}

/// From the first that is left of it to the last.
fn range(map: &TimeMap, from_s: f64, until_s: f64) -> Option<(f64, f64)> {
    let least = BESIDE_S.min(0.5 * (until_s - from_s));
    let shared = |p: &&Piece| p.a_end_s.min(until_s) - p.a_s.max(from_s) >= least;
    let left: Vec<&Piece> = map.pieces.iter().filter(shared).collect();
    let (first, last) = (left.first()?, left.last()?);
    let start = b_of(first, from_s.max(first.a_s));
    let end = b_of(last, until_s.min(last.a_end_s));
    // Where parts changed places, its beginning tells where it is.
    Some((start, if end > start { end } else { start + (until_s - from_s) }))
}

fn b_of(piece: &Piece, a_s: f64) -> f64 {
    piece.b_s + (a_s - piece.a_s) * piece.pace
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn millis(s: f64) -> u64 {
    (s.max(0.0) * 1000.0).round() as u64
}

/// As many outcomes as the stored fact can hold: texts become shorter first. Where thousands are open, those that moved or changed are kept.
fn fitting(mut notes: Vec<NoteOutcome>, bytes_max: usize) -> Vec<NoteOutcome> {
    let most = bytes_max / OUTCOME_BYTES;
    if notes.len() > most {
        notes.sort_by_key(|note| {
            let stays = note.place.is_none_or(|placed| placed.kind == PlaceKind::Same);
            (stays, note.verdict == Verdict::Unknown, note.verdict == Verdict::Untouched)
        });
        notes.truncate(most);
    }
    let each = (bytes_max / notes.len().max(1)).saturating_sub(OUTCOME_BYTES);
    notes.iter_mut().for_each(|note| note.text = short(&note.text, each));
    notes
}

/// At most so many bytes, whole letters.
fn short(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    const MORE: &str = "\u{2026}";
    let room = bytes_max.saturating_sub(MORE.len());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    if end == 0 { String::new() } else { format!("{}{MORE}", &text[..end]) }
}

#[cfg(test)]
mod tests {
    use deadwax_domain::{NoteId, VersionId};

    use super::*;

    fn map(pieces: &[(f64, f64, f64)]) -> TimeMap {
        let piece = |(a_s, a_end_s, b_s): &(f64, f64, f64)| Piece {
            a_s: *a_s,
            a_end_s: *a_end_s,
            b_s: *b_s,
            pace: 1.0,
        };
        TimeMap { pieces: pieces.iter().map(piece).collect() }
    }

    fn at(start_ms: u64, end_ms: Option<u64>) -> Span {
        Span { start_ms, end_ms }
    }

    fn told(map: &TimeMap, was: Span) -> (PlaceKind, u64, Option<u64>) {
        let placed = placed(map, was);
        (placed.kind, placed.span.start_ms, placed.span.end_ms)
    }

    #[test]
    fn a_note_moves_with_what_it_speaks_of() {
        use PlaceKind::{Gone, Moved, Same};
        // Three seconds of intro are gone, and a bar of two seconds came at 60 s.
        let map = map(&[(3.0, 60.0, 0.0), (60.0, 180.0, 59.0)]);
        assert_eq!(told(&map, at(10_000, None)), (Moved, 7_000, None));
        assert_eq!(told(&map, at(70_000, Some(75_000))), (Moved, 69_000, Some(74_000)));
        assert_eq!(
            told(&map, at(59_000, Some(61_000))),
            (Moved, 56_000, Some(60_000)),
            "the bar is in it now"
        );
        assert_eq!(told(&map, at(1_000, None)), (Gone, 0, None));
        assert_eq!(told(&map, at(1_000, Some(2_500))), (Gone, 0, None));
        assert_eq!(told(&map, at(2_000, Some(5_000))), (Moved, 0, Some(2_000)), "what is left of it");
        assert_eq!(told(&map, at(2_990, None)), (Moved, 0, None), "a hair beside the cut");
        assert_eq!(told(&map, at(500_000, None)), (Gone, 179_000, None));
        let still = self::map(&[(0.0, 180.0, 0.012)]);
        assert_eq!(told(&still, at(10_000, Some(12_000))), (Same, 10_000, Some(12_000)));
    }

    #[test]
    fn parts_that_changed_places_and_files_without_anything_in_common() {
        use PlaceKind::{Moved, Same};
        let swapped = map(&[(0.0, 30.0, 30.0), (30.0, 60.0, 0.0)]);
        assert_eq!(told(&swapped, at(29_000, Some(31_000))), (Moved, 59_000, Some(61_000)));
        assert_eq!(told(&swapped, at(40_000, None)), (Moved, 10_000, None));
        assert_eq!(told(&TimeMap::default(), at(40_000, Some(41_000))), (Same, 40_000, Some(41_000)));
    }

    #[test]
    fn thousands_of_outcomes_fit_into_one_fact() {
        let outcome = |id: u128, kind: PlaceKind| NoteOutcome {
            note: NoteId(id),
            verdict: Verdict::Untouched,
            text: "no change found, and \u{e4} long text to go with it, as long as it may be".repeat(6),
            place: Some(Placed { kind, span: at(u64::MAX >> 20, Some(u64::MAX >> 20)) }),
        };
        let mut all: Vec<NoteOutcome> = (0..10_000).map(|id| outcome(id, PlaceKind::Same)).collect();
        all.push(outcome(77_777, PlaceKind::Moved));
        let kept = fitting(all, NOTES_BYTES_MAX);
        assert!(kept.iter().any(|note| note.note == NoteId(77_777)), "what moved is kept");
        let bytes = |notes: Vec<NoteOutcome>| {
            let examined = Examined { notes, ..Examined::default() };
            let fact = deadwax_domain::Fact::VersionExamined { version: VersionId(1), examined };
            let event = deadwax_domain::Event { at: deadwax_domain::Time(0), by: None, fact };
            crate::wire::ledger::encode(&event, u128::MAX).len()
        };
        assert!(kept.len() > 3000, "{}", kept.len());
        assert!(bytes(kept) < NOTES_BYTES_MAX + 256);
        let kept = fitting((0..1000).map(|id| outcome(id, PlaceKind::Same)).collect(), NOTES_BYTES_MAX);
        assert!(kept.len() == 1000 && kept[0].text.ends_with('\u{2026}'));
        assert!(bytes(kept) < NOTES_BYTES_MAX + 256);
        assert_eq!(short("\u{e4}\u{e4}\u{e4}", 5), "\u{e4}\u{2026}");
    }
}
