//! Finds that are traces of a larger one beside them: told once. Never here: what a find is.

use super::changes::{Change, ChangeKind, gap_s};
use crate::math;

/// What a part that was turned does to single bands and moments is no change of its own: it lies within an octave, at that time, has the same sense or
/// none that can be told, and is no larger. The strongest stays, as wide as all.
pub(super) fn absorbed(whole: &mut Vec<Change>, local: &mut Vec<Change>) {
    let locals = whole.len();
    let mut all: Vec<(bool, Change)> =
        whole.drain(..).chain(local.drain(..)).enumerate().map(|(i, c)| (i < locals, c)).collect();
    let strength = |c: &Change| c.residual_db + 10.0 * math::log10((c.end_s - c.start_s).max(0.05));
    let turned = |c: &Change| c.kind == ChangeKind::Part && c.part_db.is_some();
    let rank = |c: &Change| if turned(c) { 2 } else { u8::from(c.kind == ChangeKind::Level && c.whole_song) };
    all.sort_by(|(_, x), (_, y)| rank(y).cmp(&rank(x)).then(strength(y).total_cmp(&strength(x))));
    // Each with how it was found: what it takes in must not draw in more.
    let mut kept: Vec<(bool, Change, Change)> = Vec::new();
    for (throughout, c) in all {
        // What has no figure of its own belongs to whatever it touches.
        let vague = c.kind == ChangeKind::Part && c.part_db.is_none();
        let goes = |(_, part, found): &&mut (bool, Change, Change)| {
            belongs(&c, found) || (vague && belongs(&c, part))
        };
        match kept.iter_mut().find(goes) {
            Some((_, part, _)) => {
                part.low_hz = part.low_hz.min(c.low_hz);
                part.high_hz = part.high_hz.max(c.high_hz);
                if c.whole_song && !part.whole_song {
                    (part.start_s, part.end_s, part.whole_song) = (c.start_s, c.end_s, true);
                }
            }
            None => kept.push((throughout, c.clone(), c)),
        }
    }
    for (throughout, c, _) in kept {
        if throughout { whole.push(c) } else { local.push(c) }
    }
}

/// Whether a change is of a part that was turned, or of a band that was turned throughout.
fn belongs(c: &Change, other: &Change) -> bool {
    const OCTAVE: f64 = 2.05;
    let touching = c.low_hz < OCTAVE * other.high_hz && other.low_hz < OCTAVE * c.high_hz;
    let long = other.end_s - other.start_s > 0.5 * (c.end_s - c.start_s) && gap_s(c, other) < 1.0;
    if !touching || !long {
        return false;
    }
    let moved = c.part_db.unwrap_or(c.change_db);
    let same_sense = |db: f64| moved * db > 0.0 && moved.abs() < 1.25 * db.abs();
    match (other.kind, other.part_db, c.kind, c.part_db) {
        (ChangeKind::Part, Some(db), ChangeKind::Level, _) => same_sense(db),
        (ChangeKind::Part, Some(db), ChangeKind::Part, Some(_)) => {
            (moved - db).abs() < 0.25 * db.abs().max(0.4)
        }
        // Its level moved by next to nothing.
        (ChangeKind::Part, Some(db), ChangeKind::Part, None) => moved.abs() < 0.5 * db.abs(),
        // Within the band itself what holds throughout was taken out before: what is found there is another change.
        (ChangeKind::Level, _, ChangeKind::Level | ChangeKind::Part, _) => {
            let beside = c.low_hz > 0.99 * other.high_hz || c.high_hz < 1.01 * other.low_hz;
            other.whole_song && beside && same_sense(other.change_db)
        }
        _ => false,
    }
}
