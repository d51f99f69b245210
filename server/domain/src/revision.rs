//! Revision requests: a signed bundle of notes that asks for a new version, counted in rounds.

use crate::{NoteId, PersonId, RequestId, Role, SongId, Time, VersionId};

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
    /// From 1, per song.
    pub round: u32,
    pub answered_by: Option<VersionId>,
}
