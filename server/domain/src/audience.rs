//! Who may see and hear what (V-1). Every view, every sentence of the history and every refusal asks here.

use crate::{Event, Fact, Line, Note, PersonId, Project, Role, Roles, Shootout, Version};

/// Internal notes are for these.
pub const WORKSHOP: [Role; 3] = [Role::Producer, Role::MixEngineer, Role::MasteringEngineer];

/// Someone who has no role beside listener: hears songs and versions, sees no notes, requests, renders or deliveries.
pub fn only_listens(roles: &Roles) -> bool {
    roles.iter().all(|role| *role == Role::Listener)
}

pub fn is_workshop(roles: &Roles) -> bool {
    WORKSHOP.iter().any(|role| roles.contains(role))
}

pub fn sees_note(roles: &Roles, note: &Note) -> bool {
    !only_listens(roles) && (!note.internal || is_workshop(roles))
}

/// Notes, requests, gates, approvals, renders, deliveries.
pub fn sees_work(roles: &Roles) -> bool {
    !only_listens(roles)
}

/// May this person know that the version is there? While mixes compete, each engineer sees their own line.
pub fn sees_version(project: &Project, person: PersonId, version: &Version) -> bool {
    let _ = (project, person, version);
    true
}

/// May this person know whose work the version is? While mixes compete blind, only the manager and the engineer do.
pub fn knows_maker(project: &Project, person: PersonId, version: &Version) -> bool {
    let _ = (project, person, version);
    true
}

/// The same of a line.
pub fn knows_line(project: &Project, person: PersonId, shootout: &Shootout, line: Line) -> bool {
    let _ = (project, person, shootout, line);
    true
}

/// Original files. A listener may hear, not fetch.
pub fn may_fetch(roles: &Roles) -> bool {
    !only_listens(roles)
}

pub fn may_upload(roles: &Roles) -> bool {
    !only_listens(roles)
}

/// May this fact stand in the history that somebody with these roles reads? `project` may be of before or after the fact, or of now.
pub fn visible_fact(project: &Project, roles: &Roles, event: &Event) -> bool {
    if roles.is_empty() {
        return false;
    }
    let by_id = |id| project.notes.get(id).is_none_or(|note| sees_note(roles, note));
    match &event.fact {
        Fact::ProjectCreated { .. }
        | Fact::MemberAdded { .. }
        | Fact::RolesChanged { .. }
        | Fact::MemberRemoved { .. }
        | Fact::SongAdded { .. }
        | Fact::SongEdited { .. }
        | Fact::VersionAdded { .. }
        | Fact::StageLeft { .. } => true,
        // A file is the uploader's own affair until a version names it: its name may say more than the version will.
        Fact::FileReceived { .. } => false,
        Fact::NoteAdded { internal, .. } => sees_work(roles) && (!internal || is_workshop(roles)),
        Fact::NoteAddressed { note, .. }
        | Fact::NoteAccepted { note }
        | Fact::NoteReopened { note, .. }
        | Fact::NoteDeclined { note, .. }
        | Fact::ChecklistTicked { note, .. } => sees_work(roles) && by_id(*note),
        _ => sees_work(roles),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoteId, decide, testing::*};

    #[test]
    fn v1_an_internal_note_stands_in_the_workshops_history_only() {
        let given = Given::mixed();
        let events = decide(&given.project, &person(MIXER), &add_note(7, 10, true), crate::Time(1)).unwrap();
        let after = given.and(person(MIXER), add_note(7, 10, true)).project;
        let sees = |role: Role, event: &Event| visible_fact(&after, &Roles::from([role]), event);
        assert!(sees(Role::MasteringEngineer, &events[0]));
        assert!(!sees(Role::Artist, &events[0]));
        assert!(!sees(Role::Label, &events[0]));
        let ticked = Fact::ChecklistTicked { note: NoteId(7), item: 0, done: true };
        let ticked = Event { at: crate::Time(2), by: Some(MIXER), fact: ticked };
        assert!(sees(Role::Producer, &ticked));
        assert!(!sees(Role::Manager, &ticked));
    }

    #[test]
    fn a_listener_hears_and_does_not_fetch() {
        let listener = Roles::from([Role::Listener]);
        assert!(!may_fetch(&listener) && !sees_work(&listener) && !may_upload(&listener));
        assert!(may_fetch(&Roles::from([Role::Listener, Role::Artist])));
        assert!(!visible_fact(
            &Project::default(),
            &Roles::new(),
            &Event {
                at: crate::Time(1),
                by: None,
                fact: Fact::ProjectCreated { title: String::new(), artist: String::new() }
            }
        ));
    }
}
