//! One project's stream in memory: the newest fold, the lock of its writer, the seq that watchers wait for. Never here: the store.

use std::sync::{Arc, PoisonError, RwLock};

use deadwax_domain::{Event, PersonId, Project, ProjectId, Time};
use tokio::sync::watch;

use super::{LedgerError, Snapshot};
use crate::{store::Entry, wire};

/// One entry of the stream as it can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub seq: u64,
    pub kept: Kept,
}

#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every one is an event; a box for each would cost more than it saves"
)]
pub enum Kept {
    Event(Event),
    /// A fact of a newer server: in its place, not applied.
    Newer {
        at: Time,
        by: Option<PersonId>,
    },
    /// The bytes were erased on somebody's wish.
    Redacted,
}

impl Recorded {
    pub fn event(&self) -> Option<&Event> {
        match &self.kept {
            Kept::Event(event) => Some(event),
            Kept::Newer { .. } | Kept::Redacted => None,
        }
    }
}

pub fn recorded(project: ProjectId, entry: &Entry) -> Result<Recorded, LedgerError> {
    let seq = entry.seq;
    let Some(payload) = &entry.payload else { return Ok(Recorded { seq, kept: Kept::Redacted }) };
    match wire::ledger::decode(payload) {
        Ok(wire::ledger::Read::Event(event)) => Ok(Recorded { seq, kept: Kept::Event(event) }),
        Ok(wire::ledger::Read::Newer { at, by }) => Ok(Recorded { seq, kept: Kept::Newer { at, by } }),
        Err(broken) => Err(LedgerError::Unreadable { project, seq, what: broken.to_string() }),
    }
}

pub struct Stream {
    pub id: ProjectId,
    /// One writer at a time. Readers take the newest fold without it.
    pub writing: tokio::sync::Mutex<()>,
    pub head: watch::Sender<u64>,
    folded: RwLock<Arc<Folded>>,
}

pub struct Folded {
    pub snapshot: Arc<Snapshot>,
    /// Of the last fact: time never falls within a stream, whatever the clock does.
    pub last_at: Time,
    /// The first fact that a newer server wrote.
    pub newer: Option<u64>,
}

impl Stream {
    pub fn new(id: ProjectId) -> Self {
        Self {
            id,
            writing: tokio::sync::Mutex::new(()),
            head: watch::Sender::new(0),
            folded: RwLock::new(Arc::new(Folded::empty(id))),
        }
    }

    pub fn folded(&self) -> Arc<Folded> {
        self.folded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn keep(&self, folded: Folded) {
        *self.folded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(folded);
    }
}

impl Folded {
    pub fn empty(id: ProjectId) -> Self {
        let snapshot = Arc::new(Snapshot { id, seq: 0, project: Project::named(id) });
        Self { snapshot, last_at: Time(0), newer: None }
    }

    /// This fold with the entries that follow it.
    pub fn after(&self, page: &[Recorded]) -> Self {
        let mut project = self.snapshot.project.clone();
        let (mut last_at, mut newer, mut seq) = (self.last_at, self.newer, self.snapshot.seq);
        for one in page {
            seq = one.seq;
            match &one.kept {
                Kept::Event(event) => {
                    project.apply(event);
                    last_at = last_at.max(event.at);
                }
                Kept::Newer { at, .. } => {
                    newer = newer.or(Some(one.seq));
                    last_at = last_at.max(*at);
                }
                Kept::Redacted => {}
            }
        }
        let snapshot = Arc::new(Snapshot { id: self.snapshot.id, seq, project });
        Self { snapshot, last_at, newer }
    }

    /// This fold with events that are not stored yet.
    pub fn with(&self, events: &[Event]) -> Self {
        let numbered = (self.snapshot.seq + 1..).zip(events);
        let page: Vec<Recorded> =
            numbered.map(|(seq, event)| Recorded { seq, kept: Kept::Event(event.clone()) }).collect();
        self.after(&page)
    }
}
