//! Remarks on the running order and on its joints, as the newest spacing carries them: which are open, and where. Never here: who may write or close one.

use deadwax_proto::v1::SpacingNote;

use crate::tui::rows::Project;

/// All of them: the open ones first, of each the oldest first.
pub fn notes(rows: &Project) -> Vec<&SpacingNote> {
    let all = rows.head().and_then(|it| it.spacing.as_ref()).map_or(&[][..], |it| it.notes.as_slice());
    let mut all: Vec<&SpacingNote> = all.iter().collect();
    all.sort_by_key(|it| (it.closed, it.at_ms));
    all
}

/// Open ones on the joint before this song.
pub fn joint_open<'a>(notes: &[&'a SpacingNote], song_id: &str) -> Vec<&'a SpacingNote> {
    notes.iter().filter(|it| !it.closed && !song_id.is_empty() && it.song_id == song_id).copied().collect()
}

/// Open ones on the order as a whole.
pub fn order_open<'a>(notes: &[&'a SpacingNote]) -> Vec<&'a SpacingNote> {
    notes.iter().filter(|it| !it.closed && it.song_id.is_empty()).copied().collect()
}

/// The note that is meant by a key on this song: the oldest open one on its joint, else on the order as a whole.
pub fn open_here<'a>(notes: &[&'a SpacingNote], song_id: &str) -> Option<&'a SpacingNote> {
    joint_open(notes, song_id).first().or(order_open(notes).first()).copied()
}
