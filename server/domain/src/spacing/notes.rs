//! Remarks on a running order or on one joint of it. A new spacing leaves them where they were said; they are closed by hand.

use super::{SETTERS, newest};
use crate::{
    Actor, Command, Fact, Project, Reason, Refusal,
    asker::{Asker, free_id},
    audience,
    decide::{Ruling, misrouted},
    limits, note,
    refusal::no,
    text,
};

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::AddSpacingNote { note: id, number, song, text } => {
            asker.must_hold(&note::WRITERS, "write notes")?;
            let newest = newest(project, *number)?;
            if let Some(song) = song
                && newest.items.iter().all(|item| item.song != *song)
            {
                let text = format!("Spacing {number} has no such song.");
                return no(Reason::NoSuchSong, text, "Name a song of the running order, or none.");
            }
            free_id(
                project.notes.contains(*id) || project.spacing_notes.iter().any(|known| known.id == *id),
            )?;
            limits::room(project.spacing_notes.len(), limits::SPACING_NOTES_MAX, "notes on the spacing")?;
            let text = text::required("The note", text)?;
            Ok(Ruling::fact(Fact::SpacingNoted { note: *id, number: *number, song: *song, text }))
        }
        Command::CloseSpacingNote { note: id, answer } => {
            // Whoever only listens knows of none.
            let mut known = project.spacing_notes.iter().filter(|_| audience::sees_work(asker.roles));
            let Some(note) = known.find(|known| known.id == *id) else {
                let text = "There is no such note on the spacing.";
                return no(Reason::NoSuchNote, text, "Look at the spacing again.");
            };
            if note.by != asker.id {
                asker.must_hold(&SETTERS, "close a note of somebody else on the spacing")?;
            }
            if note.closed.is_some() {
                let text = "The note is closed already.";
                return no(Reason::NoteNotOpen, text, "Write another where there is more to say.");
            }
            let answer = text::optional("The answer", answer)?;
            Ok(Ruling::fact(Fact::SpacingNoteClosed { note: *id, answer }))
        }
        _ => misrouted(),
    }
}
