//! The only place that appends facts (L-2): fold a project's stream, decide, append at the expected seq, publish after it is durable (L-1).
//! Never here: rules (the domain has them), the shape of bytes (`wire/ledger`), rows and names.

mod follow;
mod news;
mod sent;
mod stream;

#[cfg(all(test, feature = "postgres"))]
mod postgres_trial;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadwax_domain::{Actor, Command, Event, PersonId, Project, ProjectId, Reason, Refusal, Time, decide};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use self::{
    news::Readers,
    sent::SentBook,
    stream::{Folded, Stream},
};
use crate::{
    desk,
    planted::planted,
    store::{Append, AppendError, Appended, CommandKey, STUDIO, Store, StreamId},
    wire,
};

pub use self::{
    news::{DeskNews, News},
    sent::Sent,
    stream::{Kept, Recorded},
};

/// How often a command is decided again because somebody else appended in between. One process holds the embedded store, so that one
/// retry is rare there; over a shared store one writer of each server meets those of the others, and who lost [`PATIENT`] times asks for a turn.
const ATTEMPTS: u32 = 40;
const PATIENT: u32 = 4;
/// Entries read from the store at once.
const PAGE: usize = 1024;

/// Wall time for people; tests set it.
pub trait Clock: Send + Sync + 'static {
    fn now_ms(&self) -> i64;
}

pub struct Ledger {
    inner: Arc<Inner>,
    /// Folds what other servers append, where there can be others.
    _follower: Option<AbortOnDropHandle<()>>,
}

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    streams: Mutex<HashMap<ProjectId, Arc<Stream>>>,
    memberships: Mutex<HashMap<PersonId, BTreeSet<ProjectId>>>,
    readers: Readers,
    sent: SentBook,
    /// Others append to the same store.
    shared: bool,
}

/// A project folded up to `seq`.
#[derive(Debug)]
pub struct Snapshot {
    pub id: ProjectId,
    pub seq: u64,
    pub project: Project,
}

#[derive(Clone, Debug)]
pub struct Perform {
    pub command_id: u128,
    pub request_sha256: [u8; 32],
    pub project: ProjectId,
    pub actor: Actor,
    pub expected: Option<u64>,
    pub command: Command,
}

impl Perform {
    /// By the server itself: nobody asked, so nothing is repeated.
    pub fn by_worker(project: ProjectId, command: Command) -> Perform {
        Perform {
            command_id: Uuid::now_v7().as_u128(),
            request_sha256: [0; 32],
            project,
            actor: Actor::Worker,
            expected: None,
            command,
        }
    }
}

#[derive(Debug)]
pub struct Performed {
    pub first_seq: u64,
    /// Where nothing followed from the command, the seq before `first_seq`.
    pub last_seq: u64,
    pub repeated: bool,
    pub events: Vec<Event>,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the project stands at {head}, not at {expected}")]
    Conflict { expected: u64, head: u64 },
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] crate::store::ReadError),
    #[error("entry {seq} of project {project:?} cannot be read: {what}")]
    Unreadable { project: ProjectId, seq: u64, what: String },
    /// Shown and not changed: this server cannot know what the newer rule forbids.
    #[error("entry {seq} of project {project:?} was written by a newer server")]
    Newer { project: ProjectId, seq: u64 },
}

impl Ledger {
    /// Folds every project once: membership and the work for the render worker are answered from memory.
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, LedgerError> {
        // Before the first look, so that nothing falls in between.
        let changes = store.changes();
        let inner = Arc::new(Inner {
            shared: changes.is_some(),
            store,
            clock,
            streams: Mutex::default(),
            memberships: Mutex::default(),
            readers: Readers::default(),
            sent: SentBook::default(),
        });
        for (stream, _) in inner.store.heads().await? {
            if stream != STUDIO {
                let stream = inner.stream(ProjectId(stream.0));
                let _folding = stream.writing.lock().await;
                inner.catch_up(&stream).await?;
            }
        }
        let follower = changes.map(|changes| follow::follow(Arc::clone(&inner), changes));
        Ok(Arc::new(Self { inner, _follower: follower }))
    }

    /// `None` where the stream is empty. With everything that was acknowledged before this was asked, by whichever server; where the store is away, what is known here.
    pub async fn project(&self, id: ProjectId) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let found = self.inner.found(id).await?;
        if let Some(stream) = &found {
            self.inner.refresh(stream).await;
        }
        Ok(found.map(|stream| stream.folded().snapshot.clone()).filter(|now| now.seq > 0))
    }

    /// As [`Ledger::project`], and as far as it was heard of: for those who are told of everything newer anyway.
    pub fn known(&self, id: ProjectId) -> Option<Arc<Snapshot>> {
        let stream = self.inner.existing(id)?;
        Some(stream.folded().snapshot.clone()).filter(|now| now.seq > 0)
    }

    /// Decides and appends. Runs to its end even where the caller goes away: a half-followed append would leave the fold behind the store.
    pub async fn perform(&self, perform: Perform) -> Result<Performed, LedgerError> {
        let inner = Arc::clone(&self.inner);
        match tokio::spawn(async move { inner.perform(perform).await }).await {
            Ok(answer) => answer,
            Err(gone) => match gone.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(AppendError::ReadOnly("the server is stopping".into()).into()),
            },
        }
    }

    /// Would this command be refused, asked of a snapshot? Nothing is written: for what has to be known before something else is made.
    pub fn dry(&self, snapshot: &Snapshot, actor: &Actor, command: &Command) -> Result<(), Refusal> {
        decide(&snapshot.project, actor, command, Time(self.inner.clock.now_ms())).map(drop)
    }

    /// The clock that facts are labelled with.
    pub fn now(&self) -> Time {
        Time(self.inner.clock.now_ms())
    }

    /// The newest seq of a project; changes after each durable append. Closed at once where the project does not exist.
    pub fn watch(&self, id: ProjectId) -> watch::Receiver<u64> {
        match self.inner.existing(id) {
            Some(stream) => stream.head.subscribe(),
            None => watch::channel(0).1,
        }
    }

    /// As [`Ledger::project`], of all that somebody is a member of.
    pub async fn projects_of(&self, person: PersonId) -> Result<Vec<Arc<Snapshot>>, LedgerError> {
        self.inner.refresh_all().await;
        let ids = lock(&self.inner.memberships).get(&person).cloned().unwrap_or_default();
        Ok(self.inner.snapshots(ids))
    }

    /// The files that somebody sent within a day, in all projects and over all servers.
    pub fn sent(&self, person: PersonId) -> Sent {
        self.inner.sent.of(person, self.now())
    }

    /// How long each of them counts still, and its bytes.
    pub fn sent_leaving(&self, person: PersonId) -> Vec<(Duration, u64)> {
        self.inner.sent.leaving(person, self.now())
    }

    /// Every project, for the render worker.
    pub async fn projects(&self) -> Result<Vec<Arc<Snapshot>>, LedgerError> {
        let ids: BTreeSet<ProjectId> = lock(&self.inner.streams).keys().copied().collect();
        Ok(self.inner.snapshots(ids))
    }

    /// The facts with `seq > after`, in order, at most `limit`; those that are newer than this server or redacted are told as such.
    pub async fn events(
        &self,
        project: ProjectId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LedgerError> {
        self.inner.events(project, after, limit).await
    }

    /// The project as it stood at `seq`; `None` where it never stood there.
    pub async fn fold_to(&self, id: ProjectId, seq: u64) -> Result<Option<Arc<Snapshot>>, LedgerError> {
        let Some(now) = self.project(id).await?.filter(|now| now.seq >= seq) else { return Ok(None) };
        if now.seq == seq {
            return Ok(Some(now));
        }
        let mut folded = Folded::empty(id);
        while folded.snapshot.seq < seq {
            let wanted = usize::try_from(seq - folded.snapshot.seq).unwrap_or(PAGE).min(PAGE);
            let page = self.inner.events(id, folded.snapshot.seq, wanted).await?;
            if page.is_empty() {
                return Ok(None);
            }
            folded = folded.after(&page);
        }
        Ok(Some(folded.snapshot))
    }

    /// The stored desk of one person, as bytes by key.
    pub async fn desk(&self, person: PersonId) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, LedgerError> {
        Ok(self.inner.store.desk(person.0).await?)
    }
}

impl Inner {
    fn existing(&self, id: ProjectId) -> Option<Arc<Stream>> {
        lock(&self.streams).get(&id).cloned()
    }

    fn stream(&self, id: ProjectId) -> Arc<Stream> {
        lock(&self.streams).entry(id).or_insert_with(|| Arc::new(Stream::new(id))).clone()
    }

    fn snapshots(&self, ids: BTreeSet<ProjectId>) -> Vec<Arc<Snapshot>> {
        let streams = lock(&self.streams);
        let known = ids.into_iter().filter_map(|id| streams.get(&id));
        known.map(|stream| stream.folded().snapshot.clone()).filter(|now| now.seq > 0).collect()
    }

    async fn events(&self, id: ProjectId, after: u64, limit: usize) -> Result<Vec<Recorded>, LedgerError> {
        let entries = self.store.read(StreamId(id.0), after, limit).await?;
        entries.iter().map(|entry| stream::recorded(id, entry)).collect()
    }

    /// Folds what the store has beyond the cache. Called with `stream.writing` held.
    async fn catch_up(&self, stream: &Stream) -> Result<(), LedgerError> {
        loop {
            let before = stream.folded();
            let page = self.events(stream.id, before.snapshot.seq, PAGE).await?;
            let full = page.len() == PAGE;
            if !page.is_empty() {
                let told = page.iter().filter_map(Recorded::event);
                self.publish(stream, &before, before.after(&page), told);
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// The facts up to here are durable: everybody may know.
    fn publish<'a>(
        &self,
        stream: &Stream,
        before: &Folded,
        after: Folded,
        events: impl Iterator<Item = &'a Event>,
    ) {
        let seq = after.snapshot.seq;
        self.sent.fold(events, Time(self.clock.now_ms()));
        self.index_members(stream.id, &before.snapshot.project, &after.snapshot.project);
        let project = Arc::clone(&after.snapshot);
        stream.keep(after);
        stream.head.send_replace(seq);
        self.readers.tell(stream.id, &before.snapshot.project, &project.project);
    }

    fn index_members(&self, id: ProjectId, before: &Project, after: &Project) {
        let mut memberships = lock(&self.memberships);
        for person in before.insiders().filter(|person| after.roles_of(*person).is_none()) {
            memberships.entry(person).or_default().remove(&id);
        }
        for person in after.insiders().filter(|person| before.roles_of(*person).is_none()) {
            memberships.entry(person).or_default().insert(id);
        }
    }

    async fn perform(&self, perform: Perform) -> Result<Performed, LedgerError> {
        let known = self.found(perform.project).await?;
        let creates = matches!(perform.command, Command::CreateProject { .. });
        // Only a creation makes a place for a stream; asking for projects that do not exist must not fill the memory.
        let stream = match known {
            Some(stream) => stream,
            None if creates => self.stream(perform.project),
            None => Arc::new(Stream::new(perform.project)),
        };
        let answer = {
            // Decided, appended and looked up under one lock: a retry that arrives while the first is on its way waits for that one's answer.
            let _writing = stream.writing.lock().await;
            let ruled = self.decide_and_append(&stream, &perform).await;
            self.first_answer(&stream, &perform, ruled).await
        };
        if answer.is_err() {
            // A creation that was refused leaves no stream behind, unless it is another's by now or another is at work on it.
            self.forget_empty(perform.project, &stream);
        }
        answer
    }

    /// L-3: a retry hears what the first try made, whatever would be said to it now. Where something would be appended the store knows the command itself, so
    /// that a first try, which nearly every one is, costs no look.
    async fn first_answer(
        &self,
        stream: &Stream,
        perform: &Perform,
        ruled: Result<Performed, LedgerError>,
    ) -> Result<Performed, LedgerError> {
        match ruled {
            Ok(done) if done.repeated || !done.events.is_empty() => Ok(done),
            Err(reused @ LedgerError::Append(AppendError::CommandReused(_))) => Err(reused),
            // The store has refused: what it can still tell counts, and else its own reason.
            Err(LedgerError::Append(no)) => match self.done_before(stream, perform).await {
                Ok(Some(done)) => Ok(done),
                Ok(None) | Err(_) => Err(no.into()),
            },
            nothing => match self.done_before(stream, perform).await? {
                Some(done) => Ok(done),
                None => nothing,
            },
        }
    }

    async fn done_before(
        &self,
        stream: &Stream,
        perform: &Perform,
    ) -> Result<Option<Performed>, LedgerError> {
        let Some((done, request)) = self.store.command(perform.command_id).await? else { return Ok(None) };
        if request != perform.request_sha256 {
            return Err(AppendError::CommandReused(perform.command_id).into());
        }
        self.read_back(stream, perform, done).await.map(Some)
    }

    async fn read_back(
        &self,
        stream: &Stream,
        perform: &Perform,
        done: Appended,
    ) -> Result<Performed, LedgerError> {
        if done.stream != StreamId(perform.project.0) {
            return Err(AppendError::CommandReused(perform.command_id).into());
        }
        if done.last_seq > stream.folded().snapshot.seq {
            // By another server, or by this one before a line broke: whoever gets the answer sees what it made.
            self.catch_up(stream).await?;
        }
        let count = usize::try_from((done.last_seq + 1).saturating_sub(done.first_seq)).unwrap_or(0);
        let kept = self.events(stream.id, done.first_seq.saturating_sub(1), count).await?;
        let events = kept.into_iter().filter_map(|one| match one.kept {
            Kept::Event(event) => Some(event),
            Kept::Newer { .. } | Kept::Redacted => None,
        });
        let (first_seq, last_seq) = (done.first_seq, done.last_seq);
        Ok(Performed { first_seq, last_seq, repeated: true, events: events.collect() })
    }

    async fn decide_and_append(&self, stream: &Stream, perform: &Perform) -> Result<Performed, LedgerError> {
        let mut last = AppendError::Conflict { expected: 0, head: 0 };
        let mut turn = None;
        for attempt in 0..ATTEMPTS {
            if attempt >= PATIENT && turn.is_none() {
                turn = self.store.turn(StreamId(perform.project.0)).await;
                if turn.is_none() {
                    tokio::time::sleep(follow::rest(attempt)).await;
                }
                self.catch_up(stream).await?;
            }
            let before = stream.folded();
            let ruling = self.ruled(&before, perform);
            let seq = before.snapshot.seq;
            // Nothing would be appended, so nothing would tell that others were here meanwhile: a no is given on what stands there now.
            if !matches!(&ruling, Ok(events) if !events.is_empty()) && self.moved_on(stream).await? {
                continue;
            }
            let events = ruling?;
            if events.is_empty() {
                return Ok(Performed { first_seq: seq + 1, last_seq: seq, repeated: false, events });
            }
            let after = before.with(&events);
            let append = Append {
                stream: StreamId(perform.project.0),
                expected: seq,
                command: CommandKey { id: perform.command_id, request_sha256: perform.request_sha256 },
                entries: events.iter().map(|one| wire::ledger::encode(one, perform.command_id)).collect(),
                claims: Vec::new(),
                desk: desk::changes(&before.snapshot, &after.snapshot),
            };
            if planted!("publish-before-fsync") {
                self.publish(stream, &before, before.with(&events), std::iter::empty());
            }
            match self.store.append(append).await {
                Ok(done) if done.repeated => return self.read_back(stream, perform, done).await,
                Ok(done) => {
                    self.publish(stream, &before, after, events.iter());
                    let (first_seq, last_seq) = (done.first_seq, done.last_seq);
                    return Ok(Performed { first_seq, last_seq, repeated: false, events });
                }
                Err(conflict @ AppendError::Conflict { .. }) => {
                    self.catch_up(stream).await?;
                    last = conflict;
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(last.into())
    }

    /// What follows from the command now.
    fn ruled(&self, before: &Folded, perform: &Perform) -> Result<Vec<Event>, LedgerError> {
        let last_ms = if planted!("time-of-the-clock") { i64::MIN } else { before.last_at.0 };
        let now = Time(self.clock.now_ms().max(last_ms));
        let ruling = decide(&before.snapshot.project, &perform.actor, &perform.command, now);
        let head = before.snapshot.seq;
        match ruling {
            // Before everything else: a stranger must not learn from another answer that the project exists.
            Err(no) if matches!(no.reason, Reason::NotAMember | Reason::NoSuchProject) => Err(no.into()),
            _ if perform.expected.is_some_and(|expected| expected != head) => {
                Err(LedgerError::Conflict { expected: perform.expected.unwrap_or_default(), head })
            }
            Err(no) => Err(no.into()),
            Ok(_) if before.newer.is_some() => {
                Err(LedgerError::Newer { project: perform.project, seq: before.newer.unwrap_or_default() })
            }
            Ok(events) => Ok(events),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while a lock is held here, and every change is one insertion: a poisoned lock still guards a whole map.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
