//! Notes: a remark at a time in a song, and its way from open to done.

use crate::{Alternate, NoteId, PersonId, Role, SongId, Span, Time, VersionId};

#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub id: NoteId,
    pub song: SongId,
    pub version: VersionId,
    pub alternate: Option<Alternate>,
    pub parent: Option<NoteId>,
    pub author: PersonId,
    /// The role in which the author wrote it.
    pub role: Role,
    pub at: Time,
    pub span: Option<Span>,
    pub text: String,
    pub internal: bool,
    pub addressee: Option<PersonId>,
    pub state: NoteState,
    /// Since when it is in this state, and who brought it there.
    pub state_since: Time,
    pub state_by: PersonId,
    /// Of a decline, or of the last reopening.
    pub reason: String,
    pub checklist: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteState {
    Open,
    /// Done in that version, as the engineer says; its author has not looked yet.
    Addressed(VersionId),
    Accepted,
    Declined,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    pub done: bool,
}
