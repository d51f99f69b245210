//! Handoffs: the approved mix on its way to mastering, accepted there or sent back with a reason.

use crate::{PersonId, Time, VersionId};

#[derive(Clone, Debug, PartialEq)]
pub struct Handoff {
    pub version: VersionId,
    pub made_at: Time,
    pub state: HandoffState,
    /// Since when it is in this state.
    pub state_since: Time,
    /// Who accepted or returned it.
    pub by: Option<PersonId>,
    /// Where it was returned.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoffState {
    Offered,
    Accepted,
    Returned,
}
