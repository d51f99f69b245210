//! Notes and replies that the viewer may see. A reply under a hidden note is hidden with it, whatever it says of itself.

use deadwax_domain::{Note, NoteId, NoteState, NoteVerdict, PersonId, Place, audience, dry};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::Viewer;
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    for note in viewer.project.notes.values().filter(|note| sees(viewer, note)) {
        put(format!("note/{}", id(note.id.0)), Kind::Note(row(viewer, note)));
    }
}

pub fn sees_id(viewer: &Viewer<'_>, note: NoteId) -> bool {
    viewer.project.notes.get(note).is_some_and(|note| sees(viewer, note))
}

fn sees(viewer: &Viewer<'_>, note: &Note) -> bool {
    audience::reads_note(viewer.project, viewer.person, note)
}

pub(super) fn row(viewer: &Viewer<'_>, note: &Note) -> v1::NoteRow {
    let addressed_in = match note.state {
        NoteState::Addressed(version) => id(version.0),
        NoteState::Open | NoteState::Accepted | NoteState::Declined => String::new(),
    };
    // On a mix that competes blind its engineer has no name.
    let named = |person: &PersonId| audience::may_name(viewer.project, viewer.person, note.version, *person);
    let (author, addressee) = (Some(note.author).filter(named), note.addressee.filter(named));
    let item = |item: &deadwax_domain::Item| v1::ChecklistItem { text: scrub(&item.text), done: item.done };
    v1::NoteRow {
        note_id: id(note.id.0),
        song_id: id(note.song.0),
        version_id: id(note.version.0),
        alternate: note.alternate.map(|one| one.to_string()).unwrap_or_default(),
        parent_note_id: note.parent.map(|parent| id(parent.0)).unwrap_or_default(),
        author: author.map(|person| viewer.name(person)).unwrap_or_default(),
        author_id: author.map(|person| id(person.0)).unwrap_or_default(),
        author_role: words::role(note.role).into(),
        at_ms: note.at.0,
        start_ms: note.span.map(|span| span.start_ms),
        end_ms: note.span.and_then(|span| span.end_ms),
        text: scrub(&note.text),
        internal: note.internal,
        addressee_id: addressee.map(|person| id(person.0)).unwrap_or_default(),
        addressee: viewer.name_or(addressee, ""),
        state: words::note_state(note.state).into(),
        addressed_in_version_id: addressed_in,
        reason: scrub(&note.reason),
        checklist: note.checklist.iter().map(item).collect(),
        places: note.places.iter().filter(|one| viewer.sees_version_id(one.version)).map(place).collect(),
        verdicts: note
            .verdicts
            .iter()
            .filter(|one| viewer.sees_version_id(one.version))
            .map(verdict)
            .collect(),
        allowed: viewer.allowed(dry::note_actions(viewer.project, &viewer.actor, note.id)),
    }
}

fn place(place: &Place) -> v1::NotePlace {
    v1::NotePlace {
        version_id: id(place.version.0),
        kind: words::place_kind(place.kind).into(),
        start_ms: Some(place.span.start_ms),
        end_ms: place.span.end_ms,
    }
}

fn verdict(verdict: &NoteVerdict) -> v1::NoteVerdict {
    v1::NoteVerdict {
        version_id: id(verdict.version.0),
        verdict: words::verdict(verdict.verdict).into(),
        text: scrub(&verdict.text),
    }
}
