//! Leases in the database: one row a name, changed by single statements, on the database's own clock. Never here: which work has which name, and when it is renewed.

use std::time::Duration;

use futures::{FutureExt as _, future::BoxFuture};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{fault::Fault, link::Link, patiently};
use crate::leases::{Lease, LeaseError, Leases};

/// Free, lapsed, or this very taking: then an answer was lost. The primary key is where those who come at the same moment meet.
const TAKE: &str = "INSERT INTO deadwax_leases (key, token, until) VALUES ($1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond')
    ON CONFLICT (key) DO UPDATE SET token = excluded.token, until = excluded.until
    WHERE deadwax_leases.until <= clock_timestamp() OR deadwax_leases.token = excluded.token";
const RENEW: &str = "UPDATE deadwax_leases SET until = clock_timestamp() + $3::bigint * interval '1 millisecond' WHERE key = $1 AND token = $2";
/// With it go those of processes that never came back.
const RELEASE: &str = "DELETE FROM deadwax_leases WHERE (key = $1 AND token = $2) OR until < clock_timestamp() - interval '1 day'";

pub(super) struct PostgresLeases {
    link: Link,
    patience: Duration,
}

impl PostgresLeases {
    pub(super) fn new(link: Link, patience: Duration) -> Self {
        Self { link, patience }
    }

    async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, LeaseError> {
        let once = || async {
            let client = self.link.client().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok::<u64, Fault>(client.execute(&statement, values).await?)
        };
        patiently(&self.link, self.patience, once).await.map_err(|fault| LeaseError(fault.sentence()))
    }

    async fn put(&self, sql: &str, lease: &Lease, span: Duration) -> Result<bool, LeaseError> {
        let span_ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Ok(self.execute(sql, &[&lease.key, &Uuid::from_u128(lease.token), &span_ms]).await? == 1)
    }
}

impl Leases for PostgresLeases {
    fn take<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        self.put(TAKE, lease, span).boxed()
    }

    fn renew<'a>(&'a self, lease: &'a Lease, span: Duration) -> BoxFuture<'a, Result<bool, LeaseError>> {
        self.put(RENEW, lease, span).boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LeaseError>> {
        async move {
            self.execute(RELEASE, &[&lease.key, &Uuid::from_u128(lease.token)]).await?;
            Ok(())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        leases::tests::kept,
        store::{
            Store as _,
            postgres::tests::{opened, place},
        },
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_table_in_the_database_keeps_leases() {
        let Some(options) = place() else { return };
        let store = opened(&options).await;
        kept(&*store.leases().unwrap(), Duration::from_millis(1500)).await;
    }

    /// Sixteen ask through two stores at the same moment, again and again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_that_ask_at_once_one_gets_it() {
        let Some(options) = place() else { return };
        let stores = [opened(&options).await, opened(&options).await];
        for round in 0..20 {
            let asking = (0..16).map(|at: usize| {
                let leases = stores[at % 2].leases().unwrap();
                async move {
                    leases
                        .take(&Lease::new(format!("render/{round}")), Duration::from_secs(30))
                        .await
                        .unwrap()
                }
            });
            let taken = futures::future::join_all(asking).await;
            assert_eq!(taken.iter().filter(|given| **given).count(), 1, "round {round}");
        }
    }
}
