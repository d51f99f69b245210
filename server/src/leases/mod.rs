//! Who does a piece of work now, where several processes could: a lease by name, for a while, renewed as long as the work goes on. It keeps work from being
//! done twice; that nothing counts twice is the fence of the ledger (attempts), which holds without any lease. Never here: what the work is.

pub mod memory;
#[cfg(test)]
pub(crate) mod tests;

use std::{sync::Arc, time::Duration};

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

    /// `None`: somebody else has it.
    pub async fn take(&self, key: String) -> Result<Option<Held>, LeaseError> {
        let (lease, known) = (Lease::new(key), Instant::now());
        let taken = self.leases.take(&lease, self.span).await?;
        Ok(taken.then(|| Held { leasing: self.clone(), lease, known }))
    }
}

impl Held {
    /// Works as long as the lease holds and nobody stops the process; then the lease is free.
    pub async fn during<T>(self, work: impl Future<Output = T>, stop: &CancellationToken) -> Ended<T> {
        let ended = tokio::select! {
            () = stop.cancelled() => Ended::Stopped,
            () = self.lost() => Ended::Lost,
            done = work => Ended::Done(done),
        };
        if !matches!(ended, Ended::Lost) {
            let released = timeout(RELEASE, self.leasing.leases.release(&self.lease)).await;
            if !matches!(released, Ok(Ok(()))) {
                tracing::info!(lease = self.lease.key, "a lease could not be given back; it ends by itself");
            }
        }
        ended
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
