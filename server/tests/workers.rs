//! Several workers over one ledger and one table of leases: each render is done by one of them, and what a worker leaves, loses or comes too late with is done once.
//! The clocks are real and the leases short. Never here: workers in processes of their own (they need a database).
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod render_kit;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{
    FakeInspect, House,
    child::{dies, pid_in, script, server},
    within,
};
use deadwax_domain::{Command, Fact, RenderState, VersionKind};
use deadwax_dsp::{processors::insert::Allowed, recipe::Recipe};
use deadwax_server::{
    leases::{Lease, LeaseError, Leases, Leasing, SPAN, memory::Table},
    ledger::{Kept, LedgerError, Perform},
    metrics::work::WorkFigures,
    render::{
        Limits, Program,
        shift::{Running, Shift},
        worker::Worker,
    },
};
use futures::{FutureExt as _, future::BoxFuture};
use render_kit::{HANGS, Job, PATIENCE, SONG};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SHORT: Duration = Duration::from_millis(1500);

/// How a holder gets on with the table.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Sound,
    /// After its first taking nothing that it asks arrives, as of a process that is cut off.
    CutOff,
    /// It believes to hold what has lapsed long ago, as a process that was stopped does until its next heartbeat.
    Deluded,
}

struct Line {
    table: Arc<Table>,
    mood: Mood,
    taken: AtomicBool,
}

impl Leases for Line {
    fn take<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        match self.mood {
            Mood::CutOff if self.taken.swap(true, Ordering::SeqCst) => std::future::pending().boxed(),
            _ => self.table.take(lease, span),
        }
    }

    fn renew<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        match self.mood {
            Mood::Sound => self.table.renew(lease, span),
            Mood::CutOff => std::future::pending().boxed(),
            Mood::Deluded => async { Ok(true) }.boxed(),
        }
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LeaseError>> {
        self.table.release(lease)
    }
}

/// A worker beside the house, as on another machine.
struct Beside {
    stop: CancellationToken,
    ran: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Beside {
    fn begin(job: &Job, table: &Arc<Table>, mood: Mood, span: Duration, program: Program) -> Self {
        let (folder, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let line = Line { table: Arc::clone(table), mood, taken: AtomicBool::default() };
        let worker = Worker {
            shift: Shift {
                ledger: Arc::clone(&job.house.studio.ledger),
                leasing: Leasing { leases: Arc::new(line), span },
                figures: WorkFigures::default(),
                shutdown: stop.clone(),
            },
            blobs: Arc::clone(&job.house.studio.blobs),
            program,
            running: Arc::new(Running::default()),
            inserts: Allowed::default(),
            default_recipe: Recipe::default(),
            work_dir: folder.path().join("renders"),
            slots: 1,
            limits: Limits::new(512 << 20, 600),
            pause: Duration::from_millis(10),
        };
        Self { stop, ran: tokio::spawn(Arc::new(worker).run()), folder }
    }

    fn is_empty(&self) -> bool {
        std::fs::read_dir(self.folder.path().join("renders")).unwrap().next().is_none()
    }

    async fn end(self) {
        self.stop.cancel();
        within(PATIENCE, "the end of a worker", self.ran).await.unwrap();
    }
}

/// A queued render in a house that renders nothing itself.
async fn queued() -> (Job, Arc<Table>) {
    let house = House::open_on(Arc::new(FakeInspect), |config| config.render.workers = 0).await;
    (Job::open_in(house, 2).await, Arc::default())
}

/// Attempts begun and outputs accepted, by the facts; and the masters that are there.
async fn told(job: &Job) -> (usize, usize, usize) {
    let (mut leased, mut completed) = (0, 0);
    for one in job.house.studio.ledger.events(job.project, 0, 10_000).await.unwrap() {
        match one.kept {
            Kept::Event(event) if matches!(event.fact, Fact::RenderLeased { .. }) => leased += 1,
            Kept::Event(event) if matches!(event.fact, Fact::RenderCompleted { .. }) => completed += 1,
            _ => {}
        }
    }
    let project = job.project().await;
    (leased, completed, project.versions_of(SONG).filter(|it| it.kind == VersionKind::Master).count())
}

#[tokio::test]
async fn of_several_workers_one_does_a_render() {
    let (job, table) = queued().await;
    let workers = [(); 3].map(|()| Beside::begin(&job, &table, Mood::Sound, SPAN, server()));
    let done = job.until("the render", |it| !it.is_alive()).await;
    assert_eq!((done.state, done.attempt), (RenderState::Done, 1));
    for worker in workers {
        worker.end().await;
    }
    assert_eq!(told(&job).await, (1, 1, 1));
}

#[tokio::test]
async fn what_a_worker_that_falls_silent_had_is_done_by_another() {
    let (job, table) = queued().await;
    let home = tempfile::tempdir().unwrap();
    let silent = Beside::begin(&job, &table, Mood::CutOff, SHORT, script(&home, HANGS));
    let child = pid_in(&home).await;
    let other = Beside::begin(&job, &table, Mood::Sound, SHORT, server());
    let done = job.until("the render", |it| !it.is_alive()).await;
    assert_eq!((done.state, done.attempt, done.failures), (RenderState::Done, 2, 0));
    dies(child).await;
    within(PATIENCE, "an empty work folder", async {
        while !silent.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    for worker in [silent, other] {
        worker.end().await;
    }
    assert_eq!(told(&job).await, (2, 1, 1));
}

/// It never hears that its lease is gone; its attempt ends by the facts, and what it would still send is refused.
#[tokio::test]
async fn a_worker_that_believes_to_hold_its_lease_finishes_nothing() {
    let (job, table) = queued().await;
    let home = tempfile::tempdir().unwrap();
    let late = Beside::begin(&job, &table, Mood::Deluded, SHORT, script(&home, HANGS));
    let child = pid_in(&home).await;
    let other = Beside::begin(&job, &table, Mood::Sound, SHORT, server());
    let second = job.until("the second attempt", |it| it.attempt == 2).await;
    let render = second.id;
    let failed = Command::FailRender { render, attempt: 1, reason: "Late.".into(), retry: false };
    let refused = job.house.studio.ledger.perform(Perform::by_worker(job.project, failed)).await;
    let Err(LedgerError::Refused(refusal)) = refused else { panic!("a stale attempt counted: {refused:?}") };
    assert!(["STALE_ATTEMPT", "RENDER_ENDED"].contains(&refusal.reason.code()), "{refusal}");
    let done = job.until("the render", |it| !it.is_alive()).await;
    assert_eq!((done.state, done.attempt, done.failures), (RenderState::Done, 2, 0));
    dies(child).await;
    for worker in [late, other] {
        worker.end().await;
    }
    assert_eq!(told(&job).await, (2, 1, 1));
}

#[tokio::test]
async fn a_render_that_no_worker_survives_is_parked_after_three_attempts_of_whomever() {
    let (job, table) = queued().await;
    let home = tempfile::tempdir().unwrap();
    let dying = "echo x >> $home/tries; exit 9";
    let workers = [(); 2].map(|()| Beside::begin(&job, &table, Mood::Sound, SHORT, script(&home, dying)));
    let parked = job.until("parking", |it| !it.is_alive()).await;
    assert_eq!((parked.state, parked.attempt, parked.failures), (RenderState::Failed, 3, 3));
    assert_eq!(std::fs::read_to_string(home.path().join("tries")).unwrap().lines().count(), 3);
    for worker in workers {
        worker.end().await;
    }
    assert_eq!(told(&job).await, (3, 0, 0));
}

/// Its lease is given back and not left to lapse.
#[tokio::test]
async fn what_a_worker_that_stops_had_goes_on_at_once() {
    let (job, table) = queued().await;
    let home = tempfile::tempdir().unwrap();
    let stopping = Beside::begin(&job, &table, Mood::Sound, Duration::from_secs(600), script(&home, HANGS));
    let child = pid_in(&home).await;
    let other = Beside::begin(&job, &table, Mood::Sound, SHORT, server());
    stopping.end().await;
    dies(child).await;
    let done = job.until("the render", |it| !it.is_alive()).await;
    assert_eq!((done.state, done.attempt, done.failures), (RenderState::Done, 2, 0));
    other.end().await;
    assert_eq!(told(&job).await, (2, 1, 1));
}
