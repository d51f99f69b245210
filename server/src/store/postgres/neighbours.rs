//! What servers over one database tell each other, in tables of its own. Never here: what is in the bytes, and how often they meet.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use uuid::Uuid;

use super::{fault::Fault, link::Link, patiently, seq_of, write::number};
use crate::{
    leases::Lease,
    store::{
        ReadError,
        neighbours::{Here, Neighbours, There},
    },
};

/// A server that has not told for this long is gone, and nobody is there; in seconds.
const GONE_S: f64 = 4.0;
/// Its row is taken away after this.
const STALE_S: f64 = 60.0;
/// What was last used longer ago than any session lives, in milliseconds.
const OLD_MS: i64 = 40 * 24 * 3600 * 1000;

const DRAW: &str = "INSERT INTO deadwax_seal (id, seal) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
const SEAL: &str = "SELECT seal FROM deadwax_seal WHERE id = 1";
const PUT: &str = "INSERT INTO deadwax_here (server, version, seats, told_at, seen_at) VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp())
    ON CONFLICT (server) DO UPDATE SET seen_at = excluded.seen_at, version = excluded.version,
        seats = CASE WHEN deadwax_here.version = excluded.version THEN deadwax_here.seats ELSE excluded.seats END,
        told_at = CASE WHEN deadwax_here.version = excluded.version THEN deadwax_here.told_at ELSE excluded.told_at END";
const OTHERS: &str = "SELECT h.server, h.version, CASE WHEN h.version = k.version THEN NULL ELSE h.seats END,
        CAST(extract(epoch FROM clock_timestamp() - h.told_at) AS float8)
    FROM deadwax_here h LEFT JOIN unnest($2::uuid[], $3::bigint[]) AS k (server, version) ON k.server = h.server
    WHERE h.server <> $1 AND h.seen_at > clock_timestamp() - $4::float8 * interval '1 second'";
const TIDY: &str =
    "DELETE FROM deadwax_here WHERE seen_at < clock_timestamp() - $1::float8 * interval '1 second'";
const LEAVE: &str = "DELETE FROM deadwax_here WHERE server = $1";
const USE: &str = "INSERT INTO deadwax_used (session, used_ms) SELECT s, u FROM unnest($1::uuid[], $2::bigint[]) AS n (s, u)
    ON CONFLICT (session) DO UPDATE SET used_ms = greatest(deadwax_used.used_ms, excluded.used_ms)";
const USED: &str = "SELECT session, used_ms FROM deadwax_used";
const TOLD: &str = "SELECT kept FROM deadwax_told WHERE name = $1";
/// The row of the lease is held until this is done: whoever takes the lease afterwards reads what was written.
const HOLD: &str = "SELECT token FROM deadwax_leases WHERE key = $1 AND token = $2 FOR UPDATE";
const TELL: &str = "INSERT INTO deadwax_told (name, kept) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET kept = excluded.kept";
const FORGET: &str = "DELETE FROM deadwax_used WHERE used_ms < $1";

pub(super) struct Beside {
    pub link: Link,
    pub patience: Duration,
}

impl Beside {
    async fn seal_now(&self) -> Result<[u8; 32], Fault> {
        let client = self.link.client().await?;
        let mut drawn = [0_u8; 32];
        getrandom::fill(&mut drawn).map_err(|error| Fault::Refused(error.to_string()))?;
        client.execute(DRAW, &[&drawn.as_slice()]).await?;
        let seal: Vec<u8> = client.query_one(SEAL, &[]).await?.try_get(0)?;
        seal.try_into()
            .map_err(|_| Fault::Corrupt { at: "the seal".into(), what: "it has not 32 bytes".into() })
    }

    async fn meet_now(&self, here: &Here, known: &[(u128, u64)]) -> Result<Vec<There>, Fault> {
        let client = self.link.client().await?;
        let (put, others) = (client.prepare_cached(PUT).await?, client.prepare_cached(OTHERS).await?);
        let server = Uuid::from_u128(here.server);
        client.execute(&put, &[&server, &number(here.version), &here.seats.as_ref()]).await?;
        let (servers, versions): (Vec<Uuid>, Vec<i64>) =
            known.iter().map(|(server, version)| (Uuid::from_u128(*server), number(*version))).unzip();
        let rows = client.query(&others, &[&server, &servers, &versions, &GONE_S]).await?;
        let there = rows.iter().map(|row| {
            let (server, seats): (Uuid, Option<Vec<u8>>) = (row.try_get(0)?, row.try_get(2)?);
            let age: f64 = row.try_get(3)?;
            Ok(There {
                server: server.as_u128(),
                version: seq_of(row.try_get(1)?),
                seats: seats.map(Bytes::from),
                age: Duration::try_from_secs_f64(age).unwrap_or_default(),
            })
        });
        let there = there.collect::<Result<Vec<There>, tokio_postgres::Error>>()?;
        client.execute(TIDY, &[&STALE_S]).await?;
        Ok(there)
    }

    async fn told_now(&self, name: &str) -> Result<Option<Bytes>, Fault> {
        let row = self.link.client().await?.query_opt(TOLD, &[&name]).await?;
        Ok(row.map(|row| row.try_get::<_, Vec<u8>>(0)).transpose()?.map(Bytes::from))
    }

    async fn tell_now(&self, name: &str, book: &Bytes, lease: &Lease) -> Result<bool, Fault> {
        let mut client = self.link.client().await?;
        let transaction = client.transaction().await?;
        let held = transaction.query_opt(HOLD, &[&lease.key, &Uuid::from_u128(lease.token)]).await?;
        if held.is_none() {
            return Ok(false);
        }
        transaction.execute(TELL, &[&name, &book.as_ref()]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn leave_now(&self, server: u128) -> Result<(), Fault> {
        self.link.client().await?.execute(LEAVE, &[&Uuid::from_u128(server)]).await?;
        Ok(())
    }

    async fn used_now(&self, sessions: &[(u128, i64)]) -> Result<Vec<(u128, i64)>, Fault> {
        let client = self.link.client().await?;
        // In order, so that two servers never wait for each other's rows in a ring.
        let mut sorted = sessions.to_vec();
        sorted.sort_unstable();
        let (ids, times): (Vec<Uuid>, Vec<i64>) =
            sorted.iter().map(|(session, used)| (Uuid::from_u128(*session), *used)).unzip();
        if !ids.is_empty() {
            client.execute(USE, &[&ids, &times]).await?;
        }
        let rows = client.query(USED, &[]).await?;
        let used = rows.iter().map(|row| {
            let session: Uuid = row.try_get(0)?;
            Ok((session.as_u128(), row.try_get(1)?))
        });
        let used = used.collect::<Result<Vec<(u128, i64)>, tokio_postgres::Error>>()?;
        if let Some(newest) = used.iter().map(|it| it.1).max() {
            client.execute(FORGET, &[&newest.saturating_sub(OLD_MS)]).await?;
        }
        Ok(used)
    }
}

impl Neighbours for Beside {
    fn seal(&self) -> BoxFuture<'_, Result<[u8; 32], ReadError>> {
        async { patiently(&self.link, self.patience, || self.seal_now()).await.map_err(Fault::for_reader) }
            .boxed()
    }

    /// Asked again soon anyway: one try.
    fn meet(&self, here: Here, known: Vec<(u128, u64)>) -> BoxFuture<'_, Result<Vec<There>, ReadError>> {
        async move {
            let (here, known) = (&here, &known);
            patiently(&self.link, Duration::ZERO, || self.meet_now(here, known))
                .await
                .map_err(Fault::for_reader)
        }
        .boxed()
    }

    fn leave(&self, server: u128) -> BoxFuture<'_, Result<(), ReadError>> {
        async move {
            patiently(&self.link, Duration::ZERO, || self.leave_now(server)).await.map_err(Fault::for_reader)
        }
        .boxed()
    }

    fn used(&self, sessions: Vec<(u128, i64)>) -> BoxFuture<'_, Result<Vec<(u128, i64)>, ReadError>> {
        async move {
            let sessions = &sessions;
            patiently(&self.link, Duration::ZERO, || self.used_now(sessions)).await.map_err(Fault::for_reader)
        }
        .boxed()
    }

    fn told(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Bytes>, ReadError>> {
        async move {
            patiently(&self.link, self.patience, || self.told_now(name)).await.map_err(Fault::for_reader)
        }
        .boxed()
    }

    fn tell<'a>(
        &'a self,
        name: &'static str,
        book: Bytes,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<bool, ReadError>> {
        async move {
            let book = &book;
            patiently(&self.link, self.patience, || self.tell_now(name, book, lease))
                .await
                .map_err(Fault::for_reader)
        }
        .boxed()
    }
}

pub(super) fn beside(link: Link, patience: Duration) -> Arc<dyn Neighbours> {
    Arc::new(Beside { link, patience })
}
