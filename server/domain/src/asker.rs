//! Who asks, seen from the project: a member with roles. Every rule begins with one of these questions. Beside them stand the look-ups that
//! end in a refusal; what the asker may not see does not exist for them.

use crate::{
    Actor, Note, NoteId, PersonId, Project, Reason, Refusal, Role, Roles, Song, SongId, Version, VersionId,
    audience, refusal::no,
};

/// For an id that is absent or hidden, which must sound the same.
const LOOK_AGAIN: &str = "Look at the song again: it may have changed.";

#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub project: &'a Project,
    pub id: PersonId,
    pub roles: &'a Roles,
}

impl<'a> Asker<'a> {
    pub fn of(project: &'a Project, actor: &Actor) -> Result<Asker<'a>, Refusal> {
        let Actor::Person { id, .. } = actor else {
            let hint = "A person has to ask for it.";
            return no(Reason::NotYourRole, "The render worker may not do that.", hint);
        };
        match project.roles_of(*id) {
            Some(roles) => Ok(Asker { project, id: *id, roles }),
            None => {
                no(Reason::NotAMember, "You are not a member of this project.", "Ask its manager to add you.")
            }
        }
    }

    /// The first of these roles that the asker holds. `doing`: "add a mix".
    pub fn must_hold(&self, any_of: &[Role], doing: &str) -> Result<Role, Refusal> {
        if let Some(role) = any_of.iter().find(|role| self.roles.contains(role)) {
            return Ok(*role);
        }
        let text = format!("You may not {doing} here: that is for the {}.", either(any_of));
        no(Reason::NotYourRole, text, "Ask one of them, or ask the manager for the role.")
    }

    /// The asker speaks in a role of their choice.
    pub fn must_speak_as(&self, role: Role) -> Result<(), Refusal> {
        // No gate may ask a listener, and what the gates ask is hidden from one.
        if role == Role::Listener {
            return no(
                Reason::NotYourRole,
                "A listener hears and does not sign.",
                "Ask the manager for another role.",
            );
        }
        if self.roles.contains(&role) {
            return Ok(());
        }
        no(
            Reason::NotYourRole,
            format!("You do not hold the role {role} here."),
            "Choose a role that you hold, or ask the manager for this one.",
        )
    }

    pub fn song(&self, id: SongId) -> Result<&'a Song, Refusal> {
        let known = song(self.project, id)?;
        if audience::sees_song(self.project, self.id, id) { Ok(known) } else { no_song() }
    }

    pub fn version(&self, id: VersionId) -> Result<&'a Version, Refusal> {
        let known = self.project.versions.get(id);
        match known.filter(|version| audience::sees_version(self.project, self.id, version)) {
            Some(version) => Ok(version),
            None => no(Reason::NoSuchVersion, "There is no such version in this project.", LOOK_AGAIN),
        }
    }

    pub fn note(&self, id: NoteId) -> Result<&'a Note, Refusal> {
        let known = self.project.notes.get(id);
        match known.filter(|note| audience::reads_note(self.project, self.id, note)) {
            Some(note) => Ok(note),
            None => no(Reason::NoSuchNote, "There is no such note in this project.", LOOK_AGAIN),
        }
    }
}

pub(crate) fn song(project: &Project, id: SongId) -> Result<&Song, Refusal> {
    match project.songs.get(id) {
        Some(song) => Ok(song),
        None => no_song(),
    }
}

fn no_song<T>() -> Result<T, Refusal> {
    let hint = "Look at the list of songs again.";
    no(Reason::NoSuchSong, "There is no such song in this project.", hint)
}

pub(crate) fn free_id(taken: bool) -> Result<(), Refusal> {
    if taken {
        return no(Reason::IdTaken, "That id is taken.", "Make a new one and try again.");
    }
    Ok(())
}

/// "artist, producer or label".
pub(crate) fn either<'r>(roles: impl IntoIterator<Item = &'r Role>) -> String {
    let words: Vec<_> = roles.into_iter().map(ToString::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nobody".to_owned(),
    }
}
