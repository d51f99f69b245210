//! Which projects moved, for whoever keeps something by project; and whose desk may have moved. A fact costs those who follow a look at its own project, not
//! at all of them: a studio with a thousand projects must not work a thousand times as much for each note. Never here: what they keep.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use deadwax_domain::{PersonId, Project, ProjectId};
use tokio::sync::{Notify, watch};

use super::{Inner, Ledger, Snapshot, lock};

/// Everybody who follows.
#[derive(Default)]
pub(super) struct Readers {
    of_projects: Mutex<Vec<Weak<Moved>>>,
    /// Only of those who look.
    of_desks: Mutex<HashMap<PersonId, watch::Sender<u64>>>,
}

/// What one reader has not taken yet. As large as there are projects, whatever happens to them.
#[derive(Default)]
struct Moved {
    projects: Mutex<BTreeSet<ProjectId>>,
    wake: Notify,
}

impl Readers {
    /// The project moved, and is published by now.
    pub fn tell(&self, id: ProjectId, before: &Project, after: &Project) {
        lock(&self.of_projects).retain(|reader| {
            let Some(reader) = reader.upgrade() else { return false };
            reader.add([id]);
            true
        });
        let desks = lock(&self.of_desks);
        if !desks.is_empty() {
            // A desk has rows of its person's own projects only; who left loses theirs.
            let left = before.members.keys().filter(|person| !after.members.contains(*person));
            for desk in after.members.keys().chain(left).filter_map(|person| desks.get(&person)) {
                desk.send_modify(|times| *times += 1);
            }
        }
    }
}

impl Moved {
    fn add(&self, ids: impl IntoIterator<Item = ProjectId>) {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        self.wake.notify_one();
    }

    fn take(&self) -> BTreeSet<ProjectId> {
        mem::take(&mut *self.projects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The projects that moved since this was asked last; all of them at the first time.
pub struct News {
    ledger: Arc<Inner>,
    moved: Arc<Moved>,
}

impl News {
    pub fn take(&self) -> Vec<Arc<Snapshot>> {
        self.ledger.snapshots(self.moved.take())
    }

    /// Until there is something to take. It may be that there is nothing after all.
    pub async fn changed(&self) {
        self.moved.wake.notified().await;
    }
}

/// Changes when somebody's desk may have.
pub struct DeskNews {
    ledger: Arc<Inner>,
    person: PersonId,
    changed: watch::Receiver<u64>,
}

impl DeskNews {
    /// What comes from now on counts.
    pub fn mark_seen(&mut self) {
        self.changed.mark_unchanged();
    }

    pub async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            // The sender goes with the last of these, and this is one.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for DeskNews {
    fn drop(&mut self) {
        let mut desks = lock(&self.ledger.readers.of_desks);
        if desks.get(&self.person).is_some_and(|desk| desk.receiver_count() == 1) {
            desks.remove(&self.person);
        }
    }
}

impl Ledger {
    /// For those who keep something by project.
    pub fn news(&self) -> News {
        let ledger = Arc::clone(&self.inner);
        let moved = Arc::new(Moved::default());
        // Told of what comes before the first look at what is there, so that nothing falls in between.
        lock(&ledger.readers.of_projects).push(Arc::downgrade(&moved));
        let all: Vec<ProjectId> = lock(&ledger.streams).keys().copied().collect();
        moved.add(all);
        News { ledger, moved }
    }

    /// For whoever looks at the desk of a person.
    pub fn desk_news(&self, person: PersonId) -> DeskNews {
        let ledger = Arc::clone(&self.inner);
        let changed = {
            let mut desks = lock(&ledger.readers.of_desks);
            desks.entry(person).or_insert_with(|| watch::Sender::new(0)).subscribe()
        };
        DeskNews { ledger, person, changed }
    }
}
