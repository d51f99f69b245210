//! The only place that appends facts (L-2): fold a project's stream, decide, append at the expected seq, publish.

use std::sync::Arc;

use deadwax_domain::{Actor, Command, Event, PersonId, Project, ProjectId};
use tokio::sync::watch;

use crate::store::Store;

/// Wall time for people; tests set it.
pub trait Clock: Send + Sync + 'static {
    fn now_ms(&self) -> i64;
}

pub struct Ledger {
    _store: Arc<dyn Store>,
}

/// A project folded up to `seq`.
pub struct Snapshot {
    pub id: ProjectId,
    pub seq: u64,
    pub project: Project,
}

pub struct Perform {
    pub command_id: u128,
    pub request_sha256: [u8; 32],
    pub project: ProjectId,
    pub actor: Actor,
    pub expected: Option<u64>,
    pub command: Command,
}

pub struct Performed {
    pub first_seq: u64,
    pub last_seq: u64,
    pub repeated: bool,
    pub events: Vec<Event>,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Refused(#[from] deadwax_domain::Refusal),
    #[error("the project stands at {head}, not at {expected}")]
    Conflict { expected: u64, head: u64 },
    #[error(transparent)]
    Append(#[from] crate::store::AppendError),
    #[error(transparent)]
    Read(#[from] crate::store::ReadError),
    #[error("entry {seq} of project {project:?} cannot be read: {what}")]
    Unreadable { project: ProjectId, seq: u64, what: String },
}

impl Ledger {
    pub async fn open(_store: Arc<dyn Store>, _clock: Arc<dyn Clock>) -> Result<Arc<Self>, LedgerError> {
        unimplemented!()
    }
    /// `None` where the stream is empty.
    pub async fn project(&self, _id: ProjectId) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        unimplemented!()
    }
    pub async fn perform(&self, _perform: Perform) -> Result<Performed, LedgerError> {
        unimplemented!()
    }
    /// The newest seq of a project; changes after each durable append.
    pub fn watch(&self, _id: ProjectId) -> watch::Receiver<u64> {
        unimplemented!()
    }
    pub async fn projects_of(&self, _person: PersonId) -> Result<Vec<Arc<Snapshot>>, LedgerError> {
        unimplemented!()
    }
    /// Every project, for the render worker.
    pub async fn projects(&self) -> Result<Vec<Arc<Snapshot>>, LedgerError> {
        unimplemented!()
    }
    /// Changes after each durable append to any project.
    pub fn watch_all(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }
}
