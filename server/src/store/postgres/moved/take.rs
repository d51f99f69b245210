//! A database that facts are taken from: streams in the order of their commands, and what stands beside them. Servers may write meanwhile: what a look misses the
//! next one finds, and the last is over a closed database. Never here: writing facts.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::{sync::mpsc, time::sleep};
use tokio_postgres::{Client, Row, error::SqlState};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{Fault, MoveError, Place, number, seq_of, serving};
use crate::store::{
    CommandKey, StreamId,
    embedded::{MovedEntry, MovedRecord},
    moving::{Carried, Moving, Tally},
    postgres::{damaged, write::SALT_BYTES},
};

/// Rows of a page: entries have up to 256 KiB, all others little.
const ENTRIES: i64 = 64;
const ROWS: i64 = 4096;

/// For the order of commands, which no server asks for. A build that was broken off leaves one that is of no use. Two that are built at the same time wait for each
/// other, so movers take turns: by asking again, since whoever waits in the database is waited for as well.
const INDEX: [&str; 2] = [
    "DROP INDEX IF EXISTS deadwax_commands_to_move",
    "CREATE INDEX CONCURRENTLY deadwax_commands_to_move ON deadwax_commands (stream, first_seq, last_seq, id)",
];
const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('deadwax_commands_to_move') AND indisvalid)";
const TURNS: u32 = 7200;
const COMMANDS_OF: &str = "SELECT id, request_sha256, first_seq, last_seq FROM deadwax_commands
    WHERE stream = $1 AND first_seq > $2 AND (first_seq, last_seq, id) > ($3, $4, $5) ORDER BY first_seq, last_seq, id LIMIT 1024";
const ENTRIES_OF: &str =
    "SELECT seq, sha256, salted FROM deadwax_entries WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const MARKS_OF: &str =
    "SELECT seq, sha256 FROM deadwax_entries WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const REDACTED: &str = "SELECT stream, seq FROM deadwax_entries WHERE salted IS NULL";
const COMMANDS: &str = "SELECT id, request_sha256, stream, first_seq, last_seq FROM deadwax_commands WHERE id > $1 ORDER BY id LIMIT $2";
const CLAIMS: &str = "SELECT claim FROM deadwax_claims WHERE claim > $1 ORDER BY claim LIMIT $2";
const DESK: &str =
    "SELECT owner, key, bytes FROM deadwax_desk WHERE (owner, key) > ($1, $2) ORDER BY owner, key LIMIT 512";
const TOLD: &str = "SELECT name, kept FROM deadwax_told";
const SEAL: &str = "SELECT seal FROM deadwax_seal WHERE id = 1";

/// A database that facts are taken from.
pub struct Source {
    pub place: Place,
    /// How far each stream was taken.
    taken: BTreeMap<StreamId, u64>,
    /// The row of each stream when it was last looked at: one that has not changed has nothing new.
    seen: BTreeMap<StreamId, (u64, i64)>,
    tally: Tally,
}

impl Source {
    /// `taken`: what the target has of each stream.
    ///
    /// # Errors
    /// Where the database cannot be asked, as everywhere here.
    pub async fn open(place: Place, taken: BTreeMap<StreamId, u64>) -> Result<Self, MoveError> {
        place.make_index().await?;
        Ok(Self { place, taken, seen: BTreeMap::new(), tally: Tally::default() })
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Sends what is new, stream by stream, and counts it. Ends early where nobody takes it.
    ///
    /// # Errors
    /// Damage, by stream and seq.
    pub async fn read(&mut self, to: &mpsc::Sender<Moving>) -> Result<(), MoveError> {
        for (stream, row) in self.place.streams().await? {
            if self.seen.get(&stream) == Some(&row) {
                continue;
            }
            let taken = self.taken.get(&stream).copied().unwrap_or(0);
            let Some(taken) = self.commands_of(stream, taken, to).await? else { return Ok(()) };
            self.taken.insert(stream, taken);
            self.place.marks(stream, &mut self.tally).await?;
            self.seen.insert(stream, row);
        }
        Ok(())
    }

    /// What stands beside the entries, counted anew.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn sums(&mut self) -> Result<(), MoveError> {
        self.place.sums(&mut self.tally).await
    }

    /// How far it came; `None`: nobody takes it any more.
    async fn commands_of(
        &self,
        stream: StreamId,
        taken: u64,
        to: &mpsc::Sender<Moving>,
    ) -> Result<Option<u64>, MoveError> {
        let mut feed = Entries { place: &self.place, stream, at: taken, waiting: VecDeque::new() };
        let mut after = (0_i64, -1_i64, Uuid::nil());
        loop {
            let values = (Uuid::from_u128(stream.0), number(taken), after);
            let page = self.place.ask(|| async move {
                let client = self.place.link.client().await?;
                let (stream, taken, (first, last, id)) = values;
                let statement = client.prepare_cached(COMMANDS_OF).await?;
                Ok(client.query(&statement, &[&stream, &taken, &first, &last, &id]).await?)
            });
            let page = page.await?;
            for row in &page {
                let (command, first, last) = command_of(row, 2)?;
                after = (number(first), number(last), Uuid::from_u128(command.id));
                let mut entries = Vec::new();
                for seq in first..=last {
                    entries.push(feed.next(seq).await?);
                }
                let record = MovedRecord { stream, first_seq: first, command, entries };
                let carried = Carried { record, claims: Vec::new(), desk: Vec::new() };
                if to.send(Moving::Append(carried)).await.is_err() {
                    return Ok(None);
                }
            }
            if page.is_empty() {
                return Ok(Some(feed.at));
            }
        }
    }
}

/// The entries of a stream, one after the other.
struct Entries<'p> {
    place: &'p Place,
    stream: StreamId,
    at: u64,
    waiting: VecDeque<(u64, MovedEntry)>,
}

impl Entries<'_> {
    async fn next(&mut self, seq: u64) -> Result<MovedEntry, MoveError> {
        if self.waiting.is_empty() {
            self.waiting = self.place.entries(self.stream, self.at).await?.into();
        }
        match self.waiting.pop_front() {
            Some((at, entry)) if at == seq => {
                self.at = seq;
                Ok(entry)
            }
            _ => Err(damaged(self.stream, seq, true).into()),
        }
    }
}

fn command_of(row: &Row, first: usize) -> Result<(CommandKey, u64, u64), Fault> {
    let (id, request): (Uuid, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    let what = || Fault::Corrupt { at: format!("command {id}"), what: "its hash is no hash".into() };
    let request_sha256 = request.try_into().map_err(|_| what())?;
    let seqs = (seq_of(row.try_get(first)?), seq_of(row.try_get(first + 1)?));
    Ok((CommandKey { id: id.as_u128(), request_sha256 }, seqs.0, seqs.1))
}

fn hash_of(bytes: Vec<u8>) -> Result<[u8; 32], Fault> {
    bytes
        .try_into()
        .map_err(|_| Fault::Corrupt { at: "the database".into(), what: "a hash is no hash".into() })
}

impl Place {
    /// Each with its head and when it last changed, under the name that the table has now.
    pub(super) async fn streams(&self) -> Result<Vec<(StreamId, (u64, i64))>, MoveError> {
        self.ask(|| async {
            let client = self.link.client().await?;
            let closed: bool = client.query_one(super::IS_CLOSED, &[]).await?.try_get(0)?;
            let table = if closed { "deadwax_streams_closed" } else { "deadwax_streams" };
            let asked = format!(
                "SELECT stream, head, CAST(extract(epoch FROM changed_at) * 1000000 AS bigint) FROM {table}"
            );
            let rows = match client.query(&asked, &[]).await {
                // Closed or opened by another mover since it was looked.
                Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                    return Err(Fault::Again("its table of streams changes its name".into()));
                }
                rows => rows?,
            };
            let stream = |row: &Row| {
                let stream: Uuid = row.try_get(0)?;
                Ok((StreamId(stream.as_u128()), (seq_of(row.try_get(1)?), row.try_get(2)?)))
            };
            rows.iter().map(stream).collect()
        })
        .await
    }

    /// A page of entries behind a place, each held against its hash.
    pub(super) async fn entries(
        &self,
        stream: StreamId,
        after: u64,
    ) -> Result<Vec<(u64, MovedEntry)>, MoveError> {
        let rows = self.page(ENTRIES_OF, (stream, after), ENTRIES).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for (row, seq) in rows.iter().zip(after + 1..) {
            let (at, sha256) =
                (seq_of(row.try_get(0).map_err(Fault::from)?), row.try_get(1).map_err(Fault::from)?);
            let (salted, sha256) =
                (row.try_get::<_, Option<Vec<u8>>>(2).map_err(Fault::from)?, hash_of(sha256)?);
            let sound = salted.as_ref().is_none_or(|salted| {
                salted.len() >= SALT_BYTES && Sha256::digest(salted).as_slice() == sha256
            });
            if at != seq || !sound {
                return Err(damaged(stream, seq, at != seq).into());
            }
            let bytes = salted.as_ref().map_or(0, |salted| salted.len() - SALT_BYTES);
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            entries.push((seq, MovedEntry { sha256, bytes, salted: salted.map(Bytes::from) }));
        }
        Ok(entries)
    }

    /// The hashes of a stream that `tally` has not counted yet.
    async fn marks(&self, stream: StreamId, tally: &mut Tally) -> Result<(), MoveError> {
        loop {
            let after = tally.head(stream);
            let rows = self.page(MARKS_OF, (stream, after), ROWS).await?;
            for (row, seq) in rows.iter().zip(after + 1..) {
                let at = seq_of(row.try_get(0).map_err(Fault::from)?);
                if at != seq {
                    return Err(damaged(stream, seq, true).into());
                }
                tally.roots.take(stream, &hash_of(row.try_get(1).map_err(Fault::from)?)?);
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }

    async fn page(
        &self,
        asked: &str,
        (stream, after): (StreamId, u64),
        most: i64,
    ) -> Result<Vec<Row>, MoveError> {
        let (stream, after) = (Uuid::from_u128(stream.0), number(after));
        self.ask(|| async move {
            let client = self.link.client().await?;
            let statement = client.prepare_cached(asked).await?;
            Ok(client.query(&statement, &[&stream, &after, &most]).await?)
        })
        .await
    }

    /// Redactions, commands, claims and desks of now into `tally`, in the place of what it had of them.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn sums(&self, tally: &mut Tally) -> Result<(), MoveError> {
        (tally.commands, tally.claims) = Default::default();
        tally.desk.clear();
        let rows = self.slow(REDACTED).await?;
        let redacted = rows.iter().map(|row| {
            let stream: Uuid = row.try_get(0)?;
            Ok((StreamId(stream.as_u128()), seq_of(row.try_get(1)?)))
        });
        tally.redacted = redacted.collect::<Result<_, tokio_postgres::Error>>().map_err(Fault::from)?;
        let mut after = Uuid::nil();
        loop {
            let page =
                self.ask(
                    || async move { Ok(self.link.client().await?.query(COMMANDS, &[&after, &ROWS]).await?) },
                );
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = last.try_get(0).map_err(Fault::from)?;
            for row in &page {
                let (key, first, last) = command_of(row, 3)?;
                let stream: Uuid = row.try_get(2).map_err(Fault::from)?;
                tally.command(&key, StreamId(stream.as_u128()), (first, last));
            }
        }
        self.claims(|claims| claims.iter().for_each(|claim| tally.claim(claim))).await?;
        self.desk(|owner, key, row| tally.desk(owner, &key, Some(&row))).await
    }

    /// Every claim, as it is stored, page by page.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn claims(&self, mut each: impl FnMut(&[[u8; 32]])) -> Result<(), MoveError> {
        let mut after = Vec::new();
        loop {
            let last = &after;
            let page = self
                .ask(|| async move { Ok(self.link.client().await?.query(CLAIMS, &[last, &ROWS]).await?) });
            let page = page.await?;
            let claims: Result<Vec<Vec<u8>>, _> = page.iter().map(|row| row.try_get(0)).collect();
            let claims = claims.map_err(Fault::from)?;
            let Some(last) = claims.last().cloned() else { return Ok(()) };
            let claims: Vec<[u8; 32]> = claims.into_iter().map(hash_of).collect::<Result<_, _>>()?;
            each(&claims);
            after = last;
        }
    }

    /// What was told by mail and webhook, by the names of its books.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn told(&self) -> Result<Vec<(String, Vec<u8>)>, MoveError> {
        self.ask(|| async {
            let rows = self.link.client().await?.query(TOLD, &[]).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        })
        .await
    }

    /// What the servers over this database seal with; `None` where none ever did.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn seal(&self) -> Result<Option<[u8; 32]>, MoveError> {
        self.ask(|| async {
            let row = self.link.client().await?.query_opt(SEAL, &[]).await?;
            row.map(|row| hash_of(row.try_get(0)?)).transpose()
        })
        .await
    }

    /// Every row of every desk.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn desk(&self, mut each: impl FnMut(u128, Bytes, Bytes)) -> Result<(), MoveError> {
        let mut after = (Uuid::nil(), Vec::new());
        loop {
            let (owner, key) = (&after.0, &after.1);
            let page =
                self.ask(|| async move { Ok(self.link.client().await?.query(DESK, &[owner, key]).await?) });
            let page = page.await?;
            if page.is_empty() {
                return Ok(());
            }
            for row in &page {
                let of = |at| row.try_get::<_, Vec<u8>>(at).map_err(Fault::from);
                let (owner, key, bytes) = (row.try_get::<_, Uuid>(0).map_err(Fault::from)?, of(1)?, of(2)?);
                each(owner.as_u128(), Bytes::from(key.clone()), bytes.into());
                after = (owner, key);
            }
        }
    }

    async fn make_index(&self) -> Result<(), MoveError> {
        let (client, connection): (Client, _) = self.link.connect().await?;
        let _line = AbortOnDropHandle::new(tokio::spawn(async move {
            let _ended = connection.await;
        }));
        let key = serving(&client).await?.wrapping_add(1);
        for _ in 0..TURNS {
            let turn = client.query_one("SELECT pg_try_advisory_lock($1)", &[&key]).await;
            match turn.map_err(Fault::from) {
                Ok(row) if row.try_get(0).map_err(Fault::from)? => break,
                Ok(_) => sleep(Duration::from_millis(500)).await,
                // An engine without such locks.
                Err(Fault::Unknown(_)) => break,
                Err(fault) => return Err(fault.into()),
            }
        }
        let there = client.query_one(IS_THERE, &[]).await.map_err(Fault::from)?;
        if !there.try_get::<_, bool>(0).map_err(Fault::from)? {
            for step in INDEX {
                client.batch_execute(step).await.map_err(Fault::from)?;
            }
        }
        Ok(())
    }

    /// On a line of its own, for as long as it takes.
    async fn slow(&self, asked: &str) -> Result<Vec<Row>, MoveError> {
        let (client, connection): (Client, _) = self.link.connect().await?;
        let line = tokio::spawn(async move {
            let _ended = connection.await;
        });
        let rows = client.query(asked, &[]).await.map_err(Fault::from);
        line.abort();
        Ok(rows?)
    }
}
