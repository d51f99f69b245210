//! Spacing: the running order of the record with its gaps, as numbered data that can be approved. A new number makes the approvals of the one before
//! outdated. Never here: sound.

use crate::{
    Actor, ApprovalId, Command, PersonId, Project, Refusal, Role, SongId, Time,
    decide::{Ruling, misrouted},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Spacing {
    /// From 1.
    pub number: u32,
    pub items: Vec<SpacingItem>,
    pub by: Option<PersonId>,
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacingItem {
    pub song: SongId,
    /// Silence before the song begins; 0 for the first.
    pub gap_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacingApproval {
    pub id: ApprovalId,
    pub number: u32,
    pub person: PersonId,
    pub role: Role,
    pub at: Time,
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let _ = (project, actor, command);
    misrouted()
}
