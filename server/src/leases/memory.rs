//! Leases in memory: of one server, which gets every name at once; in tests of several holders that share the table. Never here: anything that outlives the
//! process.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use tokio::time::Instant;

use super::{Lease, LeaseError, Leases};

#[derive(Debug, Default)]
pub struct Table {
    held: Mutex<HashMap<String, (u128, Instant)>>,
}

impl Table {
    fn locked(&self) -> MutexGuard<'_, HashMap<String, (u128, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the name for this lease if it is its own already, or if it is `free`, told until when somebody else has it.
    fn put(&self, lease: &Lease, span: Duration, free: impl FnOnce(Option<Instant>) -> bool) -> bool {
        let mut held = self.locked();
        let given = match held.get(&lease.key) {
            Some((token, until)) => *token == lease.token || free(Some(*until)),
            None => free(None),
        };
        if given {
            held.insert(lease.key.clone(), (lease.token, Instant::now() + span));
        }
        given
    }
}

impl Leases for Table {
    fn take<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        async move { Ok(self.put(lease, span, |until| until.is_none_or(|until| until <= Instant::now()))) }
            .boxed()
    }

    fn renew<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        async move { Ok(self.put(lease, span, |_| false)) }.boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LeaseError>> {
        async move {
            let mut held = self.locked();
            if held.get(&lease.key).is_some_and(|(token, _)| *token == lease.token) {
                held.remove(&lease.key);
            }
            Ok(())
        }
        .boxed()
    }
}
