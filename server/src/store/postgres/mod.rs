//! Facts in Postgres, or in an engine that speaks its language: several servers over one database. What a stream's row lets through is committed in one
//! transaction with command, claims and desk rows (L-1); keys hold where everything else fails. Only SQL that CockroachDB and YugabyteDB know as well; what
//! they lack (LISTEN, some limits, tables within a transaction) is done without. Never here: what is in an entry.

mod fault;
mod feed;
mod lease;
mod link;
pub mod moved;
mod neighbours;
mod schema;
mod turn;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

pub use link::Options;

use self::{
    fault::Fault,
    feed::Feed,
    link::{ATTEMPT, Link},
    schema::Trouble,
    turn::Turns,
    write::{Answer, Columns, SALT_BYTES, number},
};
use super::{
    Append, AppendError, Appended, Done, Entry, Heard, Mark, Neighbours, ReadError, Store, StreamId, Turn,
};
use crate::{disk::Drive, leases::Leases};

/// Between two tries: the first after this, then twice as long each time, a half more or less, so that those who met do not meet again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(640);

const READ: &str =
    "SELECT seq, sha256, salted FROM deadwax_entries WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const MARKS: &str =
    "SELECT seq, sha256 FROM deadwax_entries WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const HEADS: &str = "SELECT stream, head FROM deadwax_streams WHERE head > 0";
const DESK: &str = "SELECT key, bytes FROM deadwax_desk WHERE owner = $1 ORDER BY key";
const REDACT: &str = "UPDATE deadwax_entries SET salted = NULL WHERE stream = $1 AND seq = $2";

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database of this studio cannot be used: {0}")]
    Settings(String),
    #[error("the database of this studio is not safe: {0}")]
    Unsafe(String),
    #[error("the database of this studio cannot be reached: {0}; see `store.url`")]
    Away(String),
    #[error(
        "the database has tables of version {schema}; this server knows up to {known}. Start a newer deadwax-server"
    )]
    Newer { schema: i64, known: i64 },
    #[error("the database of this studio is not open to servers: {0}")]
    Moving(String),
}

pub struct PostgresStore {
    link: Link,
    feed: Arc<Feed>,
    turns: Turns,
    drive: Drive,
    /// What claims are hashed with, where the studio came from a journal.
    seed: Option<[u8; 32]>,
    patience: Duration,
    /// They ask, listen and tell; and end with the store.
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl PostgresStore {
    /// Connects, looks whether the engine keeps what it acknowledges, brings the tables up to this server, and begins to hear of others.
    ///
    /// # Errors
    /// What is wrong with the settings or the engine, and what to set.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let link = Link::new(&options)?;
        patiently(&link, options.patience, || link::first_look(&link)).await.map_err(
            |fault| match fault {
                Fault::Unsafe(why) => OpenError::Unsafe(why),
                Fault::Refused(why) => OpenError::Settings(why),
                other => OpenError::Away(other.sentence()),
            },
        )?;
        let brought_up = patiently(&link, options.patience, || async {
            let mut client = link.client().await?;
            match schema::bring_up(&mut client).await {
                Ok(()) => Ok(Ok(())),
                Err(Trouble::Open(error)) => Ok(Err(error)),
                Err(Trouble::Fault(fault)) => Err(fault),
            }
        });
        brought_up.await.map_err(|fault| OpenError::Settings(fault.sentence()))??;
        let looked = patiently(&link, options.patience, || async {
            let client = link.client().await?;
            let served = schema::may_be_served(&client).await?;
            Ok((served, schema::seed(&client).await?))
        });
        let (served, seed) = looked.await.map_err(|fault| OpenError::Settings(fault.sentence()))?;
        served?;
        let turns = patiently(&link, options.patience, || Turns::new(link.clone(), options.pool));
        let turns = turns.await.map_err(|fault| OpenError::Settings(fault.sentence()))?;
        let (feed, drive) = (Feed::new(), Drive::real());
        let task = |future| AbortOnDropHandle::new(tokio::spawn(future));
        let mut tasks = vec![task(feed::ask(link.clone(), Arc::clone(&feed), drive.latch().clone()).boxed())];
        if options.listen {
            tasks.push(task(feed::listen(link.clone(), Arc::clone(&feed)).boxed()));
            tasks.push(task(feed::tell(link.clone(), Arc::clone(&feed)).boxed()));
        }
        Ok(Self { link, feed, turns, drive, seed, patience: options.patience, _tasks: tasks })
    }

    fn writable(&self) -> Result<(), AppendError> {
        self.drive.latch().check().map_err(|stopped| AppendError::ReadOnly(stopped.0.to_string()))
    }

    /// Tries until it is known whether the append counts, or patience ends. Where an answer was lost, the command is asked for before anything is tried again:
    /// what is being committed at this moment still holds the stream's row, and the next try waits for it there.
    async fn persist(&self, columns: Columns) -> Result<Appended, AppendError> {
        let mut tries = Tries::new(self.patience);
        let mut lost = false;
        loop {
            self.writable()?;
            let attempt = async {
                if lost {
                    let client = self.link.client().await?;
                    let done = write::command(&client, columns.append.command.id).await?;
                    if let Some(answer) = write::known(done, &columns.append) {
                        return Ok(answer);
                    }
                }
                write::append(self, &columns).await
            };
            match self.link.in_time(ATTEMPT, attempt).await {
                Ok(Answer::Appended(done)) => {
                    self.feed.appended(done.stream, done.last_seq);
                    return Ok(done);
                }
                Ok(Answer::No(error)) => {
                    self.writable()?;
                    return Err(error);
                }
                Err(fault) => {
                    lost |= matches!(fault, Fault::Lost(_));
                    tries.after(fault).await.map_err(Fault::for_writer)?;
                }
            }
        }
    }

    async fn page(&self, stream: StreamId, after: u64, limit: usize) -> Result<Vec<Entry>, Fault> {
        let client = self.link.client().await?;
        let statement = client.prepare_cached(READ).await?;
        let rows = client.query(&statement, &[&uuid(stream), &number(after), &number(limit as u64)]).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for (row, seq) in rows.iter().zip(after.saturating_add(1)..) {
            let salted: Option<Vec<u8>> = row.try_get(2)?;
            let (at, hash): (u64, Vec<u8>) = (seq_of(row.try_get(0)?), row.try_get(1)?);
            let sound = salted.as_ref().is_none_or(|salted| {
                salted.len() >= SALT_BYTES && Sha256::digest(salted).as_slice() == hash.as_slice()
            });
            if at != seq || !sound {
                return Err(damaged(stream, seq, at != seq));
            }
            entries
                .push(Entry { seq, payload: salted.map(|salted| Bytes::from(salted).slice(SALT_BYTES..)) });
        }
        Ok(entries)
    }

    async fn mark_page(&self, stream: StreamId, after: u64, limit: usize) -> Result<Vec<Mark>, Fault> {
        let client = self.link.client().await?;
        let statement = client.prepare_cached(MARKS).await?;
        let rows = client.query(&statement, &[&uuid(stream), &number(after), &number(limit as u64)]).await?;
        let mut marks = Vec::with_capacity(rows.len());
        for (row, seq) in rows.iter().zip(after.saturating_add(1)..) {
            let (at, hash): (u64, Vec<u8>) = (seq_of(row.try_get(0)?), row.try_get(1)?);
            match hash.try_into() {
                Ok(sha256) if at == seq => marks.push(Mark { seq, sha256 }),
                _ => return Err(damaged(stream, seq, at != seq)),
            }
        }
        Ok(marks)
    }

    async fn all_heads(&self) -> Result<Vec<(StreamId, u64)>, Fault> {
        let rows = self.link.client().await?.query(HEADS, &[]).await?;
        let head = |row: &tokio_postgres::Row| {
            let stream: Uuid = row.try_get(0)?;
            Ok((StreamId(stream.as_u128()), seq_of(row.try_get(1)?)))
        };
        rows.iter().map(head).collect()
    }

    async fn desk_of(&self, owner: u128) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        let client = self.link.client().await?;
        let statement = client.prepare_cached(DESK).await?;
        let rows = client.query(&statement, &[&Uuid::from_u128(owner)]).await?;
        let row = |row: &tokio_postgres::Row| {
            let (key, bytes): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            Ok((key.into(), bytes.into()))
        };
        rows.iter().map(row).collect()
    }

    async fn erase(&self, stream: StreamId, seq: u64) -> Result<Result<(), AppendError>, Fault> {
        let client = self.link.client().await?;
        let erased = client.execute(REDACT, &[&uuid(stream), &number(seq)]).await?;
        if erased == 1 {
            return Ok(Ok(()));
        }
        Ok(Err(AppendError::Conflict { expected: seq, head: write::head(&client, stream).await? }))
    }

    async fn look<T, F: Future<Output = Result<T, Fault>> + Send>(
        &self,
        look: impl FnMut() -> F + Send,
    ) -> Result<T, ReadError> {
        patiently(&self.link, self.patience, look).await.map_err(Fault::for_reader)
    }
}

/// How long something is tried again, and how long it rests in between.
struct Tries {
    until: Instant,
    pause: Duration,
}

impl Tries {
    fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, pause: FIRST_PAUSE }
    }

    /// Rests before the next try; gives the fault back where there is none.
    async fn after(&mut self, fault: Fault) -> Result<(), Fault> {
        if !fault.can_be_tried_again() || Instant::now() >= self.until {
            return Err(fault);
        }
        let dice = getrandom::u32().map_or(0.5, |dice| f64::from(dice) / f64::from(u32::MAX));
        sleep(self.pause.mul_f64(0.5 + dice)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

async fn patiently<T, F: Future<Output = Result<T, Fault>> + Send>(
    link: &Link,
    patience: Duration,
    mut attempt: impl FnMut() -> F + Send,
) -> Result<T, Fault> {
    let mut tries = Tries::new(patience);
    loop {
        match link.in_time(ATTEMPT, attempt()).await {
            Ok(done) => return Ok(done),
            Err(fault) => tries.after(fault).await?,
        }
    }
}

fn uuid(stream: StreamId) -> Uuid {
    Uuid::from_u128(stream.0)
}

/// Numbers of the tables are never negative.
fn seq_of(number: i64) -> u64 {
    number.try_into().unwrap_or(0)
}

fn damaged(stream: StreamId, seq: u64, missing: bool) -> Fault {
    let what = if missing { "is not there" } else { "does not match its hash" };
    Fault::Corrupt { at: format!("stream {:032x}", stream.0), what: format!("entry {seq} {what}") }
}

impl Store for PostgresStore {
    fn read(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, ReadError>> {
        self.look(move || self.page(stream, after, limit)).boxed()
    }

    fn marks(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Mark>, ReadError>> {
        self.look(move || self.mark_page(stream, after, limit)).boxed()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move {
            append.check_sizes()?;
            let columns = Columns::of(append, self.seed.as_ref()).map_err(|error| {
                AppendError::Unavailable(format!("the system gave no random bytes: {error}"))
            })?;
            self.persist(columns).await
        }
        .boxed()
    }

    fn command(&self, id: u128) -> BoxFuture<'_, Result<Option<Done>, ReadError>> {
        let command = move || async move {
            let client = self.link.client().await?;
            write::command(&client, id).await
        };
        self.look(command).boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>> {
        self.look(move || self.all_heads()).boxed()
    }

    fn desk(&self, owner: u128) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, ReadError>> {
        self.look(move || self.desk_of(owner)).boxed()
    }

    fn redact(&self, stream: StreamId, seq: u64) -> BoxFuture<'_, Result<(), AppendError>> {
        async move {
            self.writable()?;
            patiently(&self.link, self.patience, || self.erase(stream, seq))
                .await
                .map_err(Fault::for_writer)?
        }
        .boxed()
    }

    /// The disk of the studio folder, where this server's audio lies. Its latch falls for audio as everywhere, and where the database went back; a database that
    /// is merely away does not let it fall: whoever asks is told to try again.
    fn drive(&self) -> &Drive {
        &self.drive
    }

    fn changes(&self) -> Option<BoxStream<'static, (StreamId, u64)>> {
        Some(self.feed.changes())
    }

    fn turn(&self, stream: StreamId) -> BoxFuture<'_, Option<Turn>> {
        async move { self.turns.take(stream).await.map(|held| Box::new(held) as Turn) }.boxed()
    }

    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        let head = move || async move {
            let client = self.link.client().await?;
            write::head(&client, stream).await
        };
        self.look(head).boxed()
    }

    fn lately(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>> {
        self.look(move || feed::lately(&self.link, &self.feed)).boxed()
    }

    fn heard(&self, stream: StreamId) -> Option<Heard> {
        Some(Heard { ago: self.feed.asked().elapsed(), head: self.feed.head(stream) })
    }

    fn away(&self) -> Option<watch::Receiver<bool>> {
        Some(self.feed.away.subscribe())
    }

    fn neighbours(&self) -> Option<Arc<dyn Neighbours>> {
        Some(neighbours::beside(self.link.clone(), self.patience))
    }

    fn leases(&self) -> Option<Arc<dyn Leases>> {
        Some(Arc::new(lease::PostgresLeases::new(self.link.clone(), self.patience)))
    }
}
