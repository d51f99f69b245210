//! Revision requests: a signed bundle of notes that asks for a new version, counted in rounds.

use std::collections::BTreeSet;

use crate::{
    Actor, Command, Fact, NoteId, NoteState, PersonId, Project, Reason, Refusal, RequestId, Role, SongId,
    Time, Version, VersionId, approval,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct RevisionRequest {
    pub id: RequestId,
    pub song: SongId,
    pub version: VersionId,
    pub by: PersonId,
    pub role: Role,
    pub at: Time,
    pub message: String,
    pub notes: Vec<NoteId>,
    /// From 1, per song; of one that is free, the last that counted.
    pub round: u32,
    pub kind: RevisionKind,
    /// A correction that the terms include: it counts as no round.
    pub free: bool,
    pub beyond_terms: bool,
    pub answered_by: Option<VersionId>,
}

/// The field tells them apart, and so do the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevisionKind {
    #[default]
    Change,
    /// What should have been right: levels, EQ, gaps.
    Correction,
}

/// On the candidate only, in a role that the asker holds. In mastering it asks for a new master; going back to mixing is the
/// return of the handoff and nothing else. Internal notes stay out: the request is read by everyone.
pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &Command,
    _now: Time,
) -> Result<Ruling, Refusal> {
    let Command::RequestRevision { request, version, role, message, notes, kind, beyond_terms } = command
    else {
        return misrouted();
    };
    let asker = Asker::of(project, actor)?;
    let doing = "request a revision";
    let asks = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
    asker.must_hold(&asks, doing)?;
    asker.must_speak_as(*role)?;
    if !asks.contains(role) {
        let text = format!("The {role} does not request revisions.");
        return no(Reason::NotYourRole, text, "Ask as artist, producer, label or manager.");
    }
    let version = asker.version(*version)?;
    approval::must_be_candidate(project, version, doing)?;
    free_id(project.requests.contains(*request))?;
    limits::room(
        project.requests_of(version.song).count(),
        limits::REQUESTS_PER_SONG_MAX,
        "revision requests",
    )?;
    let message = text::optional("The message", message)?;
    if notes.is_empty() {
        let text = "A revision request needs at least one note.";
        return no(Reason::NoNotes, text, "Write down what should change, then request the revision.");
    }
    limits::at_most(notes.len(), limits::NOTES_PER_REQUEST_MAX, "notes")?;
    let notes: BTreeSet<NoteId> = notes.iter().copied().collect();
    for id in &notes {
        may_bundle(&asker, version, *id)?;
    }
    Ok(Ruling::fact(Fact::RevisionRequested {
        request: *request,
        song: version.song,
        version: version.id,
        role: *role,
        message,
        notes: notes.into_iter().collect(),
        round: project.rounds_used(version.song).saturating_add(1),
        kind: *kind,
        free: false,
        beyond_terms: *beyond_terms,
    }))
}

fn may_bundle(asker: &Asker<'_>, version: &Version, id: NoteId) -> Result<(), Refusal> {
    let note = asker.note(id)?;
    if note.song != version.song {
        return no(Reason::NoSuchNote, "One of the notes belongs to another song.", "Leave it out.");
    }
    if note.internal || note.parent.is_some() {
        let text = "An internal note or a reply cannot stand in a revision request.";
        return no(Reason::RuleInvalid, text, "Leave it out, or write it as a note for all.");
    }
    if note.state != NoteState::Open {
        return no(Reason::NoteNotOpen, "One of the notes is not open.", "Reopen it, or leave it out.");
    }
    Ok(())
}

/// A new version answers every request that still asked for one of its kind.
pub(crate) fn answered_by(project: &Project, song: SongId, new: &Fact) -> Vec<Fact> {
    let Fact::VersionAdded { version, kind, .. } = new else { return Vec::new() };
    project
        .requests_of(song)
        .filter(|request| request.answered_by.is_none())
        .filter(|request| project.versions.get(request.version).is_some_and(|asked| asked.kind == *kind))
        .map(|request| Fact::RevisionAnswered { request: request.id, version: *version })
        .collect()
}
