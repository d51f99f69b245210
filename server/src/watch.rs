//! Live rows: what a watcher may see now, minus what was sent before. Rows are built once for each (seq, viewer) and shared by that person's
//! devices. Pulled, never pushed: a slow reader is asked when it can take more, and then gets one larger update; nothing queues for it.
//! Never here: which rows somebody sees (`wire/view`), and gRPC beyond the messages themselves.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use deadwax_domain::{PersonId, ProjectId};
use deadwax_proto::v1;
use futures::{Stream, stream};
use prost::Message as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::Directory,
    ledger::{DeskNews, Ledger, LedgerError, Snapshot},
    planted::planted,
    wire::{
        self,
        view::{self, Rows, Viewer},
    },
};

/// Proxies drop what is silent for a minute; a dead peer is noticed well before.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// An update is cut where it grows beyond this; one row may be larger.
const PIECE_BYTES: usize = 64 << 10;

/// Where names come from; asked anew whenever rows are built.
pub type Names = Arc<dyn Fn() -> Arc<Directory> + Send + Sync>;

/// Why a stream of rows or of a desk ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    #[error("the session ended, or the server stops")]
    Session,
    #[error("the viewer is no member of the project")]
    NotAMember,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

pub struct Hub {
    ledger: Arc<Ledger>,
    names: Names,
    built: Mutex<Shelf>,
}

/// Rows that somebody holds, by project and viewer.
#[derive(Default)]
struct Shelf {
    rows: HashMap<(ProjectId, PersonId), Weak<Built>>,
    /// With so many on it the shelf is cleared of those that nobody holds. Twice of what stayed: a fact costs the same however many watch.
    clear_at: usize,
}

impl Shelf {
    fn find(&self, key: (ProjectId, PersonId)) -> Option<Arc<Built>> {
        self.rows.get(&key).and_then(Weak::upgrade)
    }

    fn put(&mut self, key: (ProjectId, PersonId), rows: &Arc<Built>) {
        if self.rows.len() >= self.clear_at {
            self.rows.retain(|_, rows| rows.strong_count() > 0);
            self.clear_at = 2 * self.rows.len() + 64;
        }
        self.rows.insert(key, Arc::downgrade(rows));
    }
}

/// All rows that one person sees at one seq.
pub struct Built {
    pub seq: u64,
    pub rows: Rows,
    names: Arc<Directory>,
}

impl Hub {
    pub fn new(ledger: Arc<Ledger>, names: Names) -> Arc<Self> {
        Arc::new(Self { ledger, names, built: Mutex::default() })
    }

    pub fn names(&self) -> Arc<Directory> {
        (self.names)()
    }

    /// The rows as far as this server has heard; `NotAMember` for strangers and absent projects alike.
    pub async fn rows(&self, project: ProjectId, person: PersonId) -> Result<Arc<Built>, Ended> {
        let snapshot = self.ledger.known(project).ok_or(Ended::NotAMember)?;
        let names = self.names();
        let key = (project, person);
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = built.find(key);
        if let Some(shared) = shared.filter(|it| it.seq == snapshot.seq && Arc::ptr_eq(&it.names, &names)) {
            return Ok(shared);
        }
        drop(built);
        let fresh = Arc::new(build(&snapshot, person, names).ok_or(Ended::NotAMember)?);
        built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.put(key, &fresh);
        Ok(fresh)
    }

    /// Everything of now, as one update.
    pub async fn snapshot(&self, project: ProjectId, person: PersonId) -> Result<v1::Update, Ended> {
        self.ledger.project(project).await?;
        Ok(whole(&*self.rows(project, person).await?))
    }

    /// `from` 0, unknown, or of a time before the viewer came: begins with a snapshot; else with what changed since. Ends with the reason.
    pub async fn watch(
        self: &Arc<Self>,
        project: ProjectId,
        person: PersonId,
        from: u64,
        ended: CancellationToken,
    ) -> Result<impl Stream<Item = Result<v1::Update, Ended>> + Send + use<>, Ended> {
        // Another server may have made it a moment ago: found first, then subscribed before the first look, so that nothing falls in between.
        self.ledger.project(project).await?;
        let head = self.ledger.watch(project);
        let now = self.rows(project, person).await?;
        let first = self.since(project, person, from, &now).await;
        let rest = pieces(from, first);
        let watcher = Watcher { hub: Arc::clone(self), project, person, head, ended, sent: now, rest };
        let updates = stream::unfold(Some(watcher), |watcher| async move {
            let mut watcher = watcher?;
            match watcher.next().await {
                Ok(update) => Some((Ok(update), Some(watcher))),
                Err(ended) => Some((Err(ended), None)),
            }
        });
        Ok(planted!("watcher-unbounded" => crate::planted::queued, updates))
    }

    async fn since(&self, project: ProjectId, person: PersonId, from: u64, now: &Built) -> v1::Update {
        if from == 0 {
            return whole(now);
        }
        let from = from + u64::from(planted!("resume-off-by-one"));
        // A place that cannot be folded to is no error of the watcher's: the snapshot says everything.
        let Ok(Some(then)) = self.ledger.fold_to(project, from).await else { return whole(now) };
        let Some(then) = build(&then, person, Arc::clone(&now.names)) else { return whole(now) };
        let update = step(&then, now);
        if update.upserts.len() < now.rows.len() { update } else { whole(now) }
    }

    /// The desk of one person, whole, now and at every change of it.
    pub fn watch_desk(
        self: &Arc<Self>,
        person: PersonId,
        ended: CancellationToken,
    ) -> impl Stream<Item = Result<v1::DeskResponse, Ended>> + Send + use<> {
        let changed = self.ledger.desk_news(person);
        let desk = DeskWatcher { ledger: Arc::clone(&self.ledger), person, changed, ended, sent: None };
        stream::unfold(Some(desk), |desk| async move {
            let mut desk = desk?;
            match desk.next().await {
                Ok(response) => Some((Ok(response), Some(desk))),
                Err(ended) => Some((Err(ended), None)),
            }
        })
    }
}

fn build(snapshot: &Snapshot, person: PersonId, names: Arc<Directory>) -> Option<Built> {
    let rows = view::rows(&Viewer::new(snapshot.id, &snapshot.project, person, &names)?);
    Some(Built { seq: snapshot.seq, rows, names })
}

fn whole(now: &Built) -> v1::Update {
    let upserts = now.rows.values().cloned().collect();
    v1::Update { seq: now.seq, snapshot: true, upserts, removals: Vec::new() }
}

fn step(before: &Built, now: &Built) -> v1::Update {
    let (upserts, removals) = view::difference(&before.rows, &now.rows);
    v1::Update { seq: now.seq, snapshot: false, upserts, removals }
}

/// In messages that any gRPC client takes by default. Only the last one carries the new seq: whoever is cut in between resumes from `before` and
/// misses nothing (after a snapshot's first piece that is 0, the whole again).
fn pieces(before: u64, update: v1::Update) -> VecDeque<v1::Update> {
    let v1::Update { seq, snapshot, upserts, removals } = update;
    let held = if snapshot { 0 } else { before };
    let empty = |first: bool| v1::Update { seq: held, snapshot: snapshot && first, ..Default::default() };
    let mut pieces = VecDeque::from([v1::Update { removals, ..empty(true) }]);
    let mut bytes = 0;
    for row in upserts {
        let more = row.encoded_len();
        if bytes > 0 && bytes + more > PIECE_BYTES {
            pieces.push_back(empty(false));
            bytes = 0;
        }
        bytes += more;
        if let Some(last) = pieces.back_mut() {
            last.upserts.push(row);
        }
    }
    if let Some(last) = pieces.back_mut() {
        last.seq = seq;
    }
    pieces
}

struct Watcher {
    hub: Arc<Hub>,
    project: ProjectId,
    person: PersonId,
    head: watch::Receiver<u64>,
    ended: CancellationToken,
    sent: Arc<Built>,
    /// What is still to be sent of the newest update, before anything newer.
    rest: VecDeque<v1::Update>,
}

impl Watcher {
    async fn next(&mut self) -> Result<v1::Update, Ended> {
        if self.ended.is_cancelled() {
            return Err(Ended::Session);
        }
        if let Some(piece) = self.rest.pop_front() {
            return Ok(piece);
        }
        tokio::select! {
            biased;
            () = self.ended.cancelled() => return Err(Ended::Session),
            changed = self.head.changed() => changed.map_err(|_| Ended::NotAMember)?,
            // Names can change without a fact of the project: the heartbeat brings them.
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let now = self.hub.rows(self.project, self.person).await?;
        let update = step(&self.sent, &now);
        let mut rest = pieces(self.sent.seq, update);
        let first = rest.pop_front().unwrap_or_default();
        (self.sent, self.rest) = (now, rest);
        Ok(first)
    }
}

struct DeskWatcher {
    ledger: Arc<Ledger>,
    person: PersonId,
    changed: DeskNews,
    ended: CancellationToken,
    sent: Option<v1::DeskResponse>,
}

impl DeskWatcher {
    async fn next(&mut self) -> Result<v1::DeskResponse, Ended> {
        loop {
            if self.ended.is_cancelled() {
                return Err(Ended::Session);
            }
            self.changed.mark_seen();
            let now = wire::desk::response(self.ledger.desk(self.person).await?);
            if self.sent.as_ref() != Some(&now) {
                self.sent = Some(now.clone());
                return Ok(now);
            }
            tokio::select! {
                biased;
                () = self.ended.cancelled() => return Err(Ended::Session),
                () = self.changed.changed() => {}
                // The same list once more: whoever waits learns that the line is alive.
                () = tokio::time::sleep(HEARTBEAT) => self.sent = None,
            }
        }
    }
}
