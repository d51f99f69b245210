//! Turns at a stream, for a server that was slower than others several times: whoever has just appended stands nearest to the next append, so that two busy servers
//! can keep a third away for as long as they like. While a turn is held others wait at the door of their transaction, in the order in which they came. Never here:
//! what keeps facts whole; without turns, and where one is lost with its line, that is as it was.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest as _, Sha256};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    fault::Fault,
    link::{ATTEMPT, Lease, Link},
};
use crate::store::StreamId;

pub(super) struct Turns {
    link: Link,
    /// Locks belong to a whole database: studios in two schemas of one must not meet. `None`: the engine has no such locks.
    schema: Option<String>,
    /// Each needs a connection beside that of its append.
    seats: Arc<Semaphore>,
    held: Arc<Mutex<HashSet<StreamId>>>,
}

/// Given back when dropped.
pub(super) struct Held {
    lease: Option<Lease>,
    link: Link,
    key: i64,
    stream: StreamId,
    held: Arc<Mutex<HashSet<StreamId>>>,
    _seat: OwnedSemaphorePermit,
}

fn lock(held: &Mutex<HashSet<StreamId>>) -> MutexGuard<'_, HashSet<StreamId>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    /// `pool`: the connections that there are.
    pub(super) async fn new(link: Link, pool: usize) -> Result<Self, Fault> {
        let tried = async {
            let client = link.client().await?;
            let row = client.query_one("SELECT coalesce(current_schema(), '')", &[]).await?;
            client.batch_execute("SELECT pg_advisory_lock_shared(0), pg_advisory_unlock_shared(0)").await?;
            Ok(row.try_get::<_, String>(0)?)
        };
        let schema = match tried.await {
            Ok(schema) => Some(schema),
            Err(Fault::Unknown(why)) => {
                tracing::info!(%why, "the database has no advisory locks: a server that is often slower rests and tries again");
                None
            }
            Err(fault) => return Err(fault),
        };
        Ok(Self { link, schema, seats: Arc::new(Semaphore::new((pool / 4).max(1))), held: Arc::default() })
    }

    fn key(&self, stream: StreamId) -> Option<i64> {
        let schema = self.schema.as_ref()?;
        let hash = Sha256::new().chain_update(stream.0.to_be_bytes()).chain_update(schema).finalize();
        Some(hash.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte)))
    }

    /// How an append to this stream begins: after those that hold a turn, unless that is this server.
    pub(super) fn begin(&self, stream: StreamId) -> String {
        match self.key(stream).filter(|_| !lock(&self.held).contains(&stream)) {
            Some(key) => format!("BEGIN; SELECT pg_advisory_xact_lock_shared({key})"),
            None => "BEGIN".into(),
        }
    }

    /// `None` where there are no turns, or the database is away.
    pub(super) async fn take(&self, stream: StreamId) -> Option<Held> {
        let key = self.key(stream)?;
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok()?;
        let locked = async {
            let lease = self.link.lease().await?;
            lease.client()?.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await?;
            Ok::<Lease, Fault>(lease)
        };
        let lease = self.link.in_time(ATTEMPT, locked).await.ok()?;
        lock(&self.held).insert(stream);
        let (link, held) = (self.link.clone(), Arc::clone(&self.held));
        Some(Held { lease: Some(lease), link, key, stream, held, _seat: seat })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.stream);
        // Where nobody is left to unlock it the connection is closed, and the engine does.
        if let (Some(lease), Ok(runtime)) = (self.lease.take(), Handle::try_current()) {
            let (key, link) = (self.key, self.link.clone());
            runtime.spawn(async move {
                let unlocked = async {
                    Ok(lease.client()?.batch_execute(&format!("SELECT pg_advisory_unlock({key})")).await?)
                };
                if link.in_time(ATTEMPT, unlocked).await.is_ok() {
                    lease.end();
                }
            });
        }
    }
}
