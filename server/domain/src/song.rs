//! Songs: titles, ISRC, the stage they stand in.

use crate::{
    ApprovalId, DeliveryId, Handoff, NoteId, Recipe, RenderId, RequestId, SongId, Stage, Time, VersionId,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Song {
    pub id: SongId,
    pub title: String,
    /// Twelve characters without hyphens, or empty.
    pub isrc: String,
    pub added_at: Time,
    pub stage: Stage,
    pub stage_since: Time,
    pub recipe: Option<Recipe>,
    /// The newest.
    pub handoff: Option<Handoff>,
    /// How many versions there were when a handoff last came back: masters among them are history.
    pub versions_before_return: usize,
    // Everything that belongs to the song, oldest first.
    pub versions: Vec<VersionId>,
    pub notes: Vec<NoteId>,
    pub requests: Vec<RequestId>,
    pub approvals: Vec<ApprovalId>,
    pub renders: Vec<RenderId>,
    pub deliveries: Vec<DeliveryId>,
}
