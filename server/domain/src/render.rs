//! Renders: a recipe applied to an approved mix by the worker, which makes a master.

use crate::{PersonId, Recipe, RenderId, SongId, Time, VersionId};

#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    pub id: RenderId,
    pub song: SongId,
    /// The mix it starts from.
    pub version: VersionId,
    /// `None`: the studio's default, which the worker fills in when it leases.
    pub recipe: Option<Recipe>,
    /// `None`: the mix gate asked for it.
    pub by: Option<PersonId>,
    pub queued_at: Time,
    pub state: RenderState,
    pub state_since: Time,
    /// Attempts begun. The running one carries this number; a worker with an older one is stale.
    pub attempt: u32,
    pub engine: String,
    /// Of the last failure.
    pub reason: String,
    /// The master it made.
    pub made: Option<VersionId>,
    pub report_json: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderState {
    Queued,
    Running,
    Done,
    /// Parked: nobody tries again unless asked.
    Failed,
    Cancelled,
}

impl Render {
    pub(crate) fn queued(
        id: RenderId,
        song: SongId,
        version: VersionId,
        recipe: Option<Recipe>,
        by: Option<PersonId>,
        at: Time,
    ) -> Render {
        Render {
            id,
            song,
            version,
            recipe,
            by,
            queued_at: at,
            state: RenderState::Queued,
            state_since: at,
            attempt: 0,
            engine: String::new(),
            reason: String::new(),
            made: None,
            report_json: String::new(),
        }
    }

    pub(crate) fn stand(&mut self, state: RenderState, at: Time) {
        self.state = state;
        self.state_since = at;
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.state, RenderState::Queued | RenderState::Running)
    }
}
