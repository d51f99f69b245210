//! Leases as every table keeps them, and work under them: two holders over one table, on time that the tests move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use tokio_util::sync::CancellationToken;

use super::*;

/// A table that can be away.
#[derive(Default)]
struct Shaky {
    table: memory::Table,
    away: AtomicBool,
}

impl Shaky {
    fn there(&self) -> Result<(), LeaseError> {
        if self.away.load(Ordering::SeqCst) { Err(LeaseError("it is away".into())) } else { Ok(()) }
    }
}

impl Leases for Shaky {
    fn take<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        async move {
            self.there()?;
            self.table.take(lease, span).await
        }
        .boxed()
    }

    fn renew<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        async move {
            self.there()?;
            self.table.renew(lease, span).await
        }
        .boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LeaseError>> {
        self.table.release(lease)
    }
}

fn shared() -> (Arc<Shaky>, [Leasing; 2]) {
    let table = Arc::new(Shaky::default());
    let leasing = || Leasing { leases: Arc::clone(&table) as Arc<dyn Leases>, span: SPAN };
    let both = [leasing(), leasing()];
    (table, both)
}

const KEY: &str = "render/1/2";

async fn take(from: &Leasing) -> Option<Held> {
    from.take(KEY.into()).await.unwrap()
}

/// What every table keeps; time passes by itself.
pub(crate) async fn kept(leases: &dyn Leases, span: Duration) {
    let (first, second) = (Lease::new("a".into()), Lease::new("a".into()));
    assert!(!leases.renew(&first, span).await.unwrap(), "what was never taken is not renewed");
    assert!(leases.take(&first, span).await.unwrap());
    assert!(leases.take(&first, span).await.unwrap(), "an answer that was lost is asked for again");
    assert!(!leases.take(&second, span).await.unwrap(), "one holder");
    assert!(leases.take(&Lease::new("b".into()), span).await.unwrap(), "of each name");
    leases.release(&second).await.unwrap();
    assert!(leases.renew(&first, span).await.unwrap(), "nobody gives back what is another's");
    // Renewed at half of the span, it holds beyond the first one.
    tokio::time::sleep(span / 2).await;
    assert!(leases.renew(&first, span).await.unwrap());
    tokio::time::sleep(span * 2 / 3).await;
    assert!(!leases.take(&second, span).await.unwrap());
    // Lapsed and taken by nobody it goes on; taken by somebody it does not.
    tokio::time::sleep(span).await;
    assert!(leases.renew(&first, span).await.unwrap());
    tokio::time::sleep(span * 11 / 10).await;
    assert!(leases.take(&second, span).await.unwrap());
    assert!(!leases.renew(&first, span).await.unwrap());
    leases.release(&first).await.unwrap();
    assert!(!leases.take(&first, span).await.unwrap());
    leases.release(&second).await.unwrap();
    assert!(leases.take(&first, span).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_table_in_memory_keeps_leases() {
    kept(&memory::Table::default(), SPAN).await;
}

#[tokio::test(start_paused = true)]
async fn work_that_goes_on_keeps_its_lease_and_gives_it_back() {
    let (_, [ours, theirs]) = shared();
    let (stop, held) = (CancellationToken::new(), take(&ours).await.unwrap());
    let work = async {
        for _ in 0..20 {
            tokio::time::sleep(SPAN / 2).await;
            assert!(take(&theirs).await.is_none());
        }
        7
    };
    assert_eq!(held.during(work, &stop).await, Ended::Done(7));
    assert!(take(&theirs).await.is_some(), "free at once");
}

#[tokio::test(start_paused = true)]
async fn a_stop_gives_the_lease_back() {
    let (_, [ours, theirs]) = shared();
    let (stop, held) = (CancellationToken::new(), take(&ours).await.unwrap());
    stop.cancel();
    assert_eq!(held.during(std::future::pending::<()>(), &stop).await, Ended::Stopped);
    assert!(take(&theirs).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_away_for_a_moment_costs_nothing_and_for_long_the_lease() {
    let (table, [ours, theirs]) = shared();
    let (stop, held) = (CancellationToken::new(), take(&ours).await.unwrap());
    let away = {
        let table = Arc::clone(&table);
        async move {
            tokio::time::sleep(SPAN / 4).await;
            table.away.store(true, Ordering::SeqCst);
            tokio::time::sleep(SPAN / 2).await;
            table.away.store(false, Ordering::SeqCst);
            tokio::time::sleep(SPAN * 3).await;
            table.away.store(true, Ordering::SeqCst);
        }
    };
    tokio::spawn(away);
    let began = tokio::time::Instant::now();
    assert_eq!(held.during(std::future::pending::<()>(), &stop).await, Ended::Lost);
    let lasted = began.elapsed();
    assert!(lasted > SPAN * 4 && lasted < SPAN * 5, "{lasted:?}");
    table.away.store(false, Ordering::SeqCst);
    tokio::time::sleep(SPAN).await;
    assert!(take(&theirs).await.is_some());
}

/// As a process that was stopped: its timers fire late, and somebody else has the lease by then.
#[tokio::test(start_paused = true)]
async fn whoever_was_stopped_past_the_lease_works_no_more() {
    let (_, [ours, theirs]) = shared();
    let (stop, held) = (CancellationToken::new(), take(&ours).await.unwrap());
    // Not polled: no heartbeat.
    tokio::time::sleep(SPAN + Duration::from_secs(1)).await;
    let taken = take(&theirs).await.unwrap();
    assert_eq!(held.during(std::future::pending::<()>(), &stop).await, Ended::Lost);
    assert!(take(&ours).await.is_none(), "what is lost is not given back for the other");
    drop(taken);
}

/// Works until it is told to end, and counts how many do.
async fn work(at_work: Arc<AtomicUsize>, begun: Arc<AtomicUsize>, stop: CancellationToken) {
    assert_eq!(at_work.fetch_add(1, Ordering::SeqCst), 0, "somebody else does it already");
    begun.fetch_add(1, Ordering::SeqCst);
    stop.cancelled().await;
    at_work.fetch_sub(1, Ordering::SeqCst);
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_one_does_it_and_the_other_takes_over() {
    let (table, leasings) = shared();
    let at_work = Arc::new(AtomicUsize::new(0));
    let begun = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let stops = [(); 2].map(|()| CancellationToken::new());
    let runs: Vec<_> = leasings
        .into_iter()
        .zip(begun.iter().cloned().zip(stops.iter().cloned()))
        .map(|(leasing, (begun, stop))| {
            let at_work = Arc::clone(&at_work);
            tokio::spawn(async move {
                let begin = |_, mine| work(Arc::clone(&at_work), Arc::clone(&begun), mine);
                leasing.one_at_a_time("news", &stop, begin).await;
            })
        })
        .collect();
    let counts = || begun.each_ref().map(|it| it.load(Ordering::SeqCst));
    tokio::time::sleep(SPAN * 3).await;
    let first = counts().iter().position(|count| *count == 1).unwrap();
    assert_eq!(counts()[1 - first], 0);
    stops[first].cancel();
    tokio::time::sleep(ASK_AGAIN * 2).await;
    assert_eq!(counts(), [1, 1], "given back, and taken at once");
    // The table is away for longer than the lease holds: it is given up, and taken again.
    table.away.store(true, Ordering::SeqCst);
    tokio::time::sleep(SPAN * 2).await;
    assert_eq!(at_work.load(Ordering::SeqCst), 0, "nobody is sure");
    table.away.store(false, Ordering::SeqCst);
    tokio::time::sleep(SPAN).await;
    assert_eq!(counts()[1 - first], 2);
    stops[1 - first].cancel();
    for run in runs {
        run.await.unwrap();
    }
    assert_eq!(at_work.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_still_to_be_said_at_a_stop_is_said_under_the_lease() {
    let (_, [ours, theirs]) = shared();
    let (stop, held) = (CancellationToken::new(), take(&ours).await.unwrap());
    stop.cancel();
    let last = async { assert!(take(&theirs).await.is_none(), "it was free too early") };
    assert_eq!(held.during_and_then(std::future::pending::<()>(), &stop, last).await, Ended::Stopped);
    assert!(take(&theirs).await.is_some());
}
