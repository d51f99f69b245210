//! What the workers have in common: looking for work whenever the ledger moves, a lease before it is begun and for as long as it goes on, progress for screens,
//! the ways an attempt ends. Work to do is a query on state, so nothing is lost by a crash. Never here: what the work is, when it is due, who may cancel it.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    hash::Hash,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use deadwax_domain::{Command, Project, ProjectId, Reason, Refusal, Time, Urgency};
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::process::ChildError;
use crate::{
    blob::BlobError,
    leases::{Ended, Held, Leasing},
    ledger::{Ledger, LedgerError, News, Perform, Performed, Snapshot},
    metrics::work::{Kind, WorkFigures},
};

/// The ledger wakes the workers; this is only for leases that lapse and for work that is tried again, which no fact tells.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Work that somebody else has is asked for again after this and not at every fact: a busy studio makes hundreds a second.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// The children of a server that is told to stop may hear it before the server does.
const STOPPING: Duration = Duration::from_millis(500);
/// Whoever lost a lease may have lost the store too.
const GIVE_BACK: Duration = Duration::from_secs(3);
/// A good pause between a failure and the next attempt: three attempts should not fall into the same short trouble.
pub const PAUSE: Duration = Duration::from_secs(2);

/// Progress of what runs in this process, by its key; for screens only, never stored. Ids come from clients: a key names the project too.
#[derive(Debug)]
pub struct Running<Key, Now> {
    progress: Mutex<HashMap<Key, watch::Sender<Now>>>,
}

impl<Key, Now> Default for Running<Key, Now> {
    fn default() -> Self {
        Self { progress: Mutex::default() }
    }
}

impl<Key: Eq + Hash, Now: Default> Running<Key, Now> {
    /// `None` where it does not run here. The channel closes when it ends.
    pub fn watch(&self, key: &Key) -> Option<watch::Receiver<Now>> {
        self.locked().get(key).map(watch::Sender::subscribe)
    }

    pub(super) fn tell(&self, key: &Key, now: Now) {
        if let Some(sender) = self.locked().get(key) {
            sender.send_replace(now);
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Key, watch::Sender<Now>>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Progress can be told while this is there: as long as a job runs, however it ends.
pub(super) struct Told<'a, Key: Eq + Hash + Copy, Now: Default> {
    running: &'a Running<Key, Now>,
    key: Key,
}

impl<'a, Key: Eq + Hash + Copy, Now: Default> Told<'a, Key, Now> {
    pub fn begin(running: &'a Running<Key, Now>, key: Key) -> Self {
        running.locked().insert(key, watch::Sender::new(Now::default()));
        Told { running, key }
    }
}

impl<Key: Eq + Hash + Copy, Now: Default> Drop for Told<'_, Key, Now> {
    fn drop(&mut self) {
        self.running.locked().remove(&self.key);
    }
}

/// What a label waits for goes first, then the oldest.
pub type Turn = (Urgency, Time);

/// One kind of work.
pub trait Work: Send + Sync + 'static {
    type Key: Copy + Ord + Hash + Send + Sync + 'static;

    const KIND: Kind;

    /// The same at every process: project and id.
    fn name(key: Self::Key) -> (u128, u128);

    /// All that is due in one project, what runs already too, each with its turn.
    fn due(&self, snapshot: &Snapshot) -> Vec<(Turn, Self::Key)>;

    /// One attempt, to its end. Dropped where the server stops or the lease is lost. What it began is told to `begun`.
    fn job(&self, key: Self::Key, begun: &Begun) -> impl Future<Output = ()> + Send;

    /// After a job was dropped because this process stops, or cannot be sure of its lease: an attempt that it had begun is no fault of the work. Only what takes long and
    /// is counted has attempts.
    fn give_back(&self, _key: Self::Key, _attempt: u32) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// After a job was dropped because its lease was lost: what it left on the disk may go.
    fn dropped(&self, _key: Self::Key) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Called with every look, before work is begun.
    fn tidy(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// The attempt that a job has begun; none at first.
#[derive(Debug, Default)]
pub struct Begun(AtomicU32);

impl Begun {
    pub(super) fn tell(&self, attempt: u32) {
        self.0.store(attempt, Ordering::SeqCst);
    }

    fn attempt(&self) -> Option<u32> {
        Some(self.0.load(Ordering::SeqCst)).filter(|attempt| *attempt > 0)
    }
}

/// Where work comes from, who else does it, and how much of it is done side by side here.
#[derive(Clone)]
pub struct Shift {
    pub ledger: Arc<Ledger>,
    pub leasing: Leasing,
    pub figures: WorkFigures,
    pub shutdown: CancellationToken,
}

/// The work of this process, and what others were found to have, until when it is not asked for again.
struct Mine<Key> {
    running: HashSet<Key>,
    others: HashMap<Key, Instant>,
}

/// What is due in each project that has something; kept up with the ledger by looking at what moved.
struct Due<Key> {
    news: News,
    by_project: HashMap<ProjectId, Vec<(Turn, Key)>>,
}

impl<Key: Copy + Ord + Hash> Due<Key> {
    fn look<W: Work<Key = Key>>(&mut self, work: &W, mine: &Mutex<Mine<Key>>) -> Vec<Key> {
        for snapshot in self.news.take() {
            let due = work.due(&snapshot);
            if due.is_empty() {
                self.by_project.remove(&snapshot.id);
            } else {
                self.by_project.insert(snapshot.id, due);
            }
        }
        let mut mine = locked(mine);
        let now = Instant::now();
        mine.others.retain(|_, until| *until > now);
        let free = |key: &Key| !mine.running.contains(key) && !mine.others.contains_key(key);
        let mut due: Vec<(Turn, Key)> =
            self.by_project.values().flatten().filter(|(_, key)| free(key)).copied().collect();
        due.sort_unstable();
        due.into_iter().map(|(_, key)| key).collect()
    }
}

/// Runs until shutdown, `slots` jobs side by side; jobs that run then are dropped, their leases given back, and begun again by whoever comes next.
pub async fn run<W: Work>(work: Arc<W>, shift: Shift, slots: usize) {
    let slots = slots.max(1);
    let permits = Arc::new(Semaphore::new(slots));
    let mine = Arc::new(Mutex::new(Mine { running: HashSet::new(), others: HashMap::new() }));
    let jobs = TaskTracker::new();
    let ended = Arc::new(Notify::new());
    let mut due = Due { news: shift.ledger.news(), by_project: HashMap::new() };
    shift.figures.opens(W::KIND, slots);
    while !shift.shutdown.is_cancelled() {
        work.tidy().await;
        for key in due.look(&*work, &mine) {
            // A place first: whoever has none leaves the work to others.
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { break };
            let held = match take::<W>(&shift, key).await {
                Ok(Some(held)) => held,
                Ok(None) => {
                    locked(&mine).others.insert(key, Instant::now() + ASK_AGAIN);
                    continue;
                }
                // Told already. The next look asks again.
                Err(()) => break,
            };
            locked(&mine).running.insert(key);
            let (work, mine, ended) = (Arc::clone(&work), Arc::clone(&mine), Arc::clone(&ended));
            let shift = shift.clone();
            jobs.spawn(async move {
                hold(&*work, &shift, key, held).await;
                locked(&mine).running.remove(&key);
                drop(permit);
                ended.notify_one();
            });
        }
        tokio::select! {
            () = shift.shutdown.cancelled() => {}
            () = due.news.changed() => {}
            () = ended.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
    jobs.close();
    jobs.wait().await;
    shift.figures.opens(W::KIND, 0);
}

async fn take<W: Work>(shift: &Shift, key: W::Key) -> Result<Option<Held>, ()> {
    let (project, id) = W::name(key);
    let name = format!("{}/{project:032x}/{id:032x}", W::KIND.word());
    let taken = tokio::select! {
        () = shift.shutdown.cancelled() => return Err(()),
        taken = shift.leasing.take(name) => taken,
    };
    taken.map_err(|error| {
        tracing::warn!(what = W::KIND.word(), %error, "no work was begun; it is tried again");
    })
}

async fn hold<W: Work>(work: &W, shift: &Shift, key: W::Key, held: Held) {
    let _busy = shift.figures.begins(W::KIND);
    let begun = Begun::default();
    // While the lease is still ours: whoever comes next begins the next attempt.
    let give_back = async {
        if let Some(attempt) = begun.attempt() {
            work.give_back(key, attempt).await;
        }
    };
    if held.during_and_then(work.job(key, &begun), &shift.shutdown, give_back).await == Ended::Lost {
        shift.figures.loses(W::KIND);
        tracing::info!(
            what = W::KIND.word(),
            "work was dropped: its lease lapsed or is somebody else's by now"
        );
        work.dropped(key).await;
        // Refused where somebody else has begun the next one.
        if let Some(attempt) = begun.attempt() {
            let _in_time = tokio::time::timeout(GIVE_BACK, work.give_back(key, attempt)).await;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How an attempt ends that does not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("{reason}")]
    Failed { reason: String, retry: bool },
    #[error("it was given up")]
    GivenUp,
    #[error("what it needs is not there")]
    Vanished,
}

impl JobError {
    /// For the members: what happened and what may help. `what`: "render".
    pub fn told(&self, what: &str) -> String {
        match self {
            JobError::Child(ChildError::Died { status, stderr }) => {
                let said = if stderr.is_empty() { String::new() } else { format!(" It said: {stderr}") };
                format!(
                    "The {what} ended without an answer ({status}): it was killed, or went over the studio's render.memory_bytes or \
                     render.cpu_seconds.{said}"
                )
            }
            JobError::Child(ChildError::Overtime { wall_s }) => format!(
                "The {what} was stopped after {wall_s} s by the clock: that is the studio's limit (render.wall_seconds). Where the work needs \
                 longer, the owner of the studio can raise it."
            ),
            // What the store said is for the log: it names places that are none of theirs.
            JobError::Blob(BlobError::Far(_)) => {
                format!(
                    "The studio's store for audio could not be used; start the {what} again when it answers."
                )
            }
            JobError::Blob(error) => format!("The audio could not be read or stored: {error}."),
            JobError::Io(error) => format!("The server's disk refused the work: {error}."),
            JobError::Failed { reason, .. } => reason.clone(),
            other => format!("The {what} could not be run: {other}."),
        }
    }

    /// Another attempt may come to its end.
    pub fn retry(&self) -> bool {
        !matches!(self, JobError::Failed { retry: false, .. })
    }
}

/// The answer to an attempt that somebody else's took the place of, or that came after the end: what it made is thrown away, and nobody is told of a failure.
pub(super) fn is_fenced(refusal: &Refusal) -> bool {
    matches!(refusal.reason, Reason::StaleAttempt | Reason::RenderEnded | Reason::RecordEnded)
}

/// What is left of an attempt: a refusal is an answer, everything else is trouble of this server.
pub(super) async fn settle(what: &'static str, attempt: Result<(), JobError>, pause: Duration) {
    match attempt {
        Ok(()) => {}
        // Somebody cancelled, what it was to be made of is another by now, or another worker has it.
        Err(JobError::Ledger(LedgerError::Refused(refusal))) => {
            tracing::info!(what, reason = refusal.reason.code(), "work was not wanted any more");
        }
        Err(error) => {
            tracing::error!(what, %error, "work could not be done");
            tokio::time::sleep(pause).await;
        }
    }
}

/// Tells the ledger that an attempt of this process counts for nothing. One that ended meanwhile, or that another took the place of, stays what it is.
pub(super) async fn give_back(what: &'static str, ledger: &Ledger, project: ProjectId, command: Command) {
    match perform(ledger, project, command).await {
        Ok(_) => {}
        Err(JobError::Ledger(LedgerError::Refused(_))) => {}
        Err(error) => {
            tracing::info!(what, %error, "an attempt could not be given back; it counts as one that died");
        }
    }
}

/// Reports a failure and waits a little before anybody tries again. What ended because the server stops is no failure: whoever calls this ends here then,
/// and whoever comes next leases the work again.
pub(super) async fn report(
    ledger: &Ledger,
    project: ProjectId,
    failed: Command,
    retry: bool,
    pause: Duration,
) -> Result<(), JobError> {
    if retry {
        tokio::time::sleep(STOPPING).await;
    }
    perform(ledger, project, failed).await?;
    tokio::time::sleep(pause).await;
    Ok(())
}

/// Returns when the ledger says that it is not wanted any more.
pub(super) async fn unwanted(ledger: &Ledger, project: ProjectId, wanted: impl Fn(&Project) -> bool) {
    let mut seq = ledger.watch(project);
    loop {
        seq.borrow_and_update();
        if ledger.known(project).is_some_and(|snapshot| !wanted(&snapshot.project)) {
            return;
        }
        if seq.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// As the worker itself.
pub(super) async fn perform(
    ledger: &Ledger,
    project: ProjectId,
    command: Command,
) -> Result<Performed, JobError> {
    Ok(ledger.perform(Perform::by_worker(project, command)).await?)
}

/// A child of a server that was killed may write its last while the next server clears up behind it.
const CLEARED_AGAIN: u32 = 5;
const CLEARED_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A folder of one's own with nothing in it.
pub(crate) async fn empty(dir: &Path) -> std::io::Result<()> {
    let mut again = 0;
    loop {
        match tokio::fs::remove_dir_all(dir).await {
            Ok(()) => break,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty && again < CLEARED_AGAIN => {
                again += 1;
                tokio::time::sleep(CLEARED_AGAIN_AFTER).await;
            }
            Err(error) => return Err(error),
        }
    }
    make_private(dir).await
}

/// A folder of one's own; what lies in it stays.
pub(crate) async fn make_private(dir: &Path) -> std::io::Result<()> {
    tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).await
}
