//! Who does a piece of work now, where several processes could: a lease by name, for a while, renewed as long as the work goes on. It keeps work from being
//! done twice; that nothing counts twice is the fence of the ledger (attempts), which holds without any lease. Never here: what the work is.

pub mod memory;
#[cfg(test)]
pub(crate) mod tests;

use std::{pin::Pin, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A lease that is not renewed ends after this.
pub const SPAN: Duration = Duration::from_secs(30);
/// Heartbeats within a span: two may be missed.
const BEATS: u32 = 3;
/// Tries within the time of a heartbeat, once one has failed.
const TRIES: u32 = 4;
/// What a process that stops still has to say of its work, or to end of it, takes no longer.
const LAST: Duration = Duration::from_secs(6);
/// What somebody else does is asked for again so often within a span, and at least as often as this.
const ASKED_AGAIN: u32 = 6;
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// A lease that cannot be given back in this time ends by itself.
const RELEASE: Duration = Duration::from_secs(3);

/// One taking of a name. The token tells it from every other taking of the same name, by the same process too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub key: String,
    pub token: u128,
}

impl Lease {
    pub fn new(key: String) -> Self {
        Self { key, token: Uuid::now_v7().as_u128() }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the table of leases cannot be asked: {0}")]
pub struct LeaseError(pub String);

/// The table of leases. Time is its own, never that of whoever asks: clocks of machines differ. Each call may be sent again where its answer was lost.
pub trait Leases: Send + Sync + 'static {
    /// True: the name was free, or its lease had lapsed, or is this very one; it is held for `span` from now.
    fn take<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>>;
    /// False: somebody else has taken it, or it was given back. One that lapsed and that nobody took goes on.
    fn renew<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>>;
    /// Free at once. Of one that is somebody else's by now nothing changes.
    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LeaseError>>;
}

/// The table, and for how long this process asks.
#[derive(Clone)]
pub struct Leasing {
    pub leases: Arc<dyn Leases>,
    pub span: Duration,
}

/// How work under a lease ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    Done(T),
    /// It is somebody else's by now, or may be; the work was dropped where it stood.
    Lost,
    /// This process stops; the work was dropped, and its lease given back.
    Stopped,
}

/// A lease that is ours.
pub struct Held {
    leasing: Leasing,
    lease: Lease,
    /// When it was last asked for and given: it holds for the span from then at least.
    known: Instant,
}

impl Leasing {
    /// In this process alone: nobody else is there.
    pub fn alone(span: Duration) -> Self {
        Self { leases: Arc::new(memory::Table::default()), span }
    }

    /// Something that goes on for as long as the process lives, and that one of several processes does at a time: whoever has the lease of this name. `begin` is told
    /// which lease, and when to end; it gets a moment to do so.
    pub async fn one_at_a_time<F: Future<Output = ()> + Send>(
        &self,
        key: &str,
        stop: &CancellationToken,
        begin: impl Fn(Lease, CancellationToken) -> F,
    ) {
        let pause = (self.span / ASKED_AGAIN).min(ASK_AGAIN);
        while !stop.is_cancelled() {
            let taken = tokio::select! {
                () = stop.cancelled() => return,
                taken = self.take(key.to_owned()) => taken,
            };
            match taken {
                Ok(Some(held)) => {
                    tracing::info!(key, "this process does it from now on");
                    let mine = stop.child_token();
                    let work = Box::pin(begin(held.lease.clone(), mine.clone()));
                    if held.alone(work, stop, &mine).await == Ended::Lost {
                        tracing::info!(key, "it was given up: its lease lapsed or is somebody else's by now");
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(key, %error, "nobody could be asked who does it; asked again soon");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// `None`: somebody else has it.
    pub async fn take(&self, key: String) -> Result<Option<Held>, LeaseError> {
        let (lease, known) = (Lease::new(key), Instant::now());
        let taken = self.leases.take(&lease, self.span).await?;
        Ok(taken.then(|| Held { leasing: self.clone(), lease, known }))
    }
}

impl Held {
    /// The work is told of the end and waited for, while the lease is still held where it is.
    async fn alone(
        self,
        mut work: Pin<Box<impl Future<Output = ()>>>,
        stop: &CancellationToken,
        mine: &CancellationToken,
    ) -> Ended<()> {
        let ended = tokio::select! {
            () = stop.cancelled() => Ended::Stopped,
            () = self.lost() => Ended::Lost,
            () = &mut work => Ended::Done(()),
        };
        mine.cancel();
        if !matches!(ended, Ended::Done(())) {
            let _in_time = timeout(LAST, work).await;
        }
        if !matches!(ended, Ended::Lost) {
            self.release().await;
        }
        ended
    }

    /// Works as long as the lease holds and nobody stops the process; then the lease is free.
    pub async fn during<T>(self, work: impl Future<Output = T>, stop: &CancellationToken) -> Ended<T> {
        self.during_and_then(work, stop, std::future::ready(())).await
    }

    /// As [`Held::during`]; where the process stops, `last` is done while the lease is still held.
    pub async fn during_and_then<T>(
        self,
        work: impl Future<Output = T>,
        stop: &CancellationToken,
        last: impl Future<Output = ()>,
    ) -> Ended<T> {
        let ended = tokio::select! {
            () = stop.cancelled() => Ended::Stopped,
            () = self.lost() => Ended::Lost,
            done = work => Ended::Done(done),
        };
        if matches!(ended, Ended::Stopped) {
            let _in_time = timeout(LAST, last).await;
        }
        if !matches!(ended, Ended::Lost) {
            self.release().await;
        }
        ended
    }

    async fn release(&self) {
        let released = timeout(RELEASE, self.leasing.leases.release(&self.lease)).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::info!(lease = self.lease.key, "a lease could not be given back; it ends by itself");
        }
    }

    /// Renews it, and returns once it is not known to be ours any more. A process that was stopped for longer than the span may be told that nobody took it; one
    /// that cannot ask takes it for lost.
    async fn lost(&self) {
        let (span, beat) = (self.leasing.span, self.leasing.span / BEATS);
        let (mut known, mut wait) = (self.known, beat);
        loop {
            sleep(wait).await;
            let asked = Instant::now();
            match timeout_at(known + span, self.leasing.leases.renew(&self.lease, span)).await {
                Ok(Ok(true)) => (known, wait) = (asked, beat),
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) if asked >= known + span => {
                    tracing::warn!(lease = self.lease.key, %error, "a lease could not be renewed in time");
                    return;
                }
                Ok(Err(_)) => wait = beat / TRIES,
            }
        }
    }
}
