//! Both ends of a move: a database read stream by stream beside the servers over it, closed to them at the end, and one that is filled from another engine, in
//! transactions that count how far they came. Closed is a table by another name: whatever a server had in mind, it meets no `deadwax_streams`. Never here: another
//! engine, audio, and when a move is done.

mod give;
mod take;

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, error::SqlState};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

pub use self::take::Source;
use super::{
    OpenError, Options,
    fault::Fault,
    link::{self, Link},
    patiently, schema, seq_of,
    write::number,
};
use crate::store::{AppendError, ReadError};

/// A database that is restarted meanwhile is waited for.
const PATIENCE: Duration = Duration::from_secs(40);
const MARK: &str = "SELECT state, move, studio, other, appends FROM deadwax_move WHERE id = 1";
const PUT_MARK: &str = "INSERT INTO deadwax_move (id, state, move, studio, other, appends) VALUES (1, $1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, move = excluded.move, studio = excluded.studio, other = excluded.other, appends = excluded.appends";
const CLOSE: &str = "ALTER TABLE deadwax_streams RENAME TO deadwax_streams_closed";
const OPEN: &str = "ALTER TABLE deadwax_streams_closed RENAME TO deadwax_streams";
const IS_CLOSED: &str = "SELECT to_regclass('deadwax_streams_closed') IS NOT NULL";
/// A lock by one number stands there as two halves.
const WAITS: &str =
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (($1::bigint >> 32) & 4294967295) AND objid::bigint = ($1::bigint & 4294967295))";
const HAS_TABLES: &str = "SELECT to_regclass('deadwax_commands') IS NOT NULL";
const HAS_COMMANDS: &str = "SELECT EXISTS (SELECT 1 FROM deadwax_commands)";
const FULL: &str = "SELECT EXISTS (SELECT 1 FROM deadwax_commands) OR EXISTS (SELECT 1 FROM deadwax_entries) OR EXISTS (SELECT 1 FROM deadwax_claims)";

/// What stands in the database about a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// `filling`, `complete`, `closed` or `moved`.
    pub state: String,
    pub id: Uuid,
    /// The public key of the studio.
    pub studio: String,
    /// The folder at the other end.
    pub other: String,
    pub appends: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("reading the database failed: {0}")]
    Read(#[from] ReadError),
    #[error("writing the database failed: {0}; run the same again, what is there is not sent again")]
    Write(String),
    #[error("{0}")]
    Refused(String),
}

impl From<Fault> for MoveError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Corrupt { .. } => Self::Read(fault.for_reader()),
            other => match other.for_writer() {
                AppendError::Unavailable(why) => Self::Write(why),
                error => Self::Write(error.to_string()),
            },
        }
    }
}

/// A database as one end of a move.
#[derive(Clone)]
pub struct Place {
    link: Link,
}

/// No server holds this database while it lives: neither those that run nor those that start.
pub struct Alone {
    _line: AbortOnDropHandle<()>,
    _client: Client,
}

impl Place {
    /// Brings the tables up where they are to be filled; those of a studio must have them already, from its servers.
    ///
    /// # Errors
    /// As of opening the store; tables of another version.
    pub async fn open(options: &Options, is_target: bool) -> Result<Self, MoveError> {
        let link = Link::new(options)?;
        let looked = patiently(&link, options.patience, || link::first_look(&link)).await;
        looked.map_err(|fault| match fault {
            Fault::Unsafe(why) => OpenError::Unsafe(why),
            Fault::Refused(why) => OpenError::Settings(why),
            other => OpenError::Away(other.sentence()),
        })?;
        let tables = patiently(&link, PATIENCE, || async {
            let mut client = link.client().await?;
            let version = schema::version_of(&client).await?;
            if !is_target || version.is_some_and(|version| version >= schema::KNOWN) {
                return Ok(Ok(version));
            }
            // A wrong address must not change the tables of another studio, whose servers may be older.
            if version.is_some() && has_commands(&client).await? {
                return Ok(Ok(version));
            }
            match schema::bring_up(&mut client).await {
                Ok(()) => Ok(Ok(Some(schema::KNOWN))),
                Err(schema::Trouble::Open(error)) => Ok(Err(error)),
                Err(schema::Trouble::Fault(fault)) => Err(fault),
            }
        });
        match tables.await?? {
            Some(version) if version == schema::KNOWN => Ok(Self { link }),
            Some(version) if version > schema::KNOWN => {
                Err(OpenError::Newer { schema: version, known: schema::KNOWN }.into())
            }
            Some(_) if is_target => Err(MoveError::Refused(
                "the database holds a studio of an older deadwax-server already, or part of one, and is left as it is: choose an empty one".into(),
            )),
            Some(version) => Err(MoveError::Refused(format!(
                "the database has tables of version {version}, and this deadwax-server moves version {}: start the studio's servers once with this version, then move",
                schema::KNOWN
            ))),
            None => Err(MoveError::Refused("the database holds no studio".into())),
        }
    }

    /// What is asked once is asked until it is answered.
    async fn ask<T, F: Future<Output = Result<T, Fault>> + Send>(
        &self,
        ask: impl FnMut() -> F + Send,
    ) -> Result<T, MoveError> {
        Ok(patiently(&self.link, PATIENCE, ask).await?)
    }

    /// # Errors
    /// Where the database cannot be asked, as everywhere here.
    pub async fn mark(&self) -> Result<Option<Mark>, MoveError> {
        self.ask(|| async { mark_of(&*self.link.client().await?).await }).await
    }

    /// # Errors
    /// Where it cannot be written.
    pub async fn put_mark(&self, mark: &Mark) -> Result<(), MoveError> {
        self.ask(|| async { put_mark(&*self.link.client().await?, mark).await }).await
    }

    /// Whether anything of a studio is in it.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn is_full(&self) -> Result<bool, MoveError> {
        self.ask(|| async { Ok(self.link.client().await?.query_one(FULL, &[]).await?.try_get(0)?) }).await
    }

    /// # Errors
    /// Where the database cannot be asked.
    pub async fn seed(&self) -> Result<Option<[u8; 32]>, MoveError> {
        self.ask(|| async { schema::seed(&*self.link.client().await?).await }).await
    }

    /// Waits for nobody: `None` while a server holds the database. On an engine without such locks nobody is ever seen; what holds there is that it is closed.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn alone(&self) -> Result<Option<Alone>, MoveError> {
        self.ask(|| async {
            let (client, connection) = self.link.connect().await?;
            let line = AbortOnDropHandle::new(tokio::spawn(async move {
                let _ended = connection.await;
            }));
            let key = serving(&client).await?;
            let asked = client.query_one("SELECT pg_try_advisory_lock($1)", &[&key]).await;
            let alone = match asked.map_err(Fault::from) {
                Ok(row) => row.try_get(0)?,
                Err(Fault::Unknown(_)) => true,
                Err(fault) => return Err(fault),
            };
            Ok(alone.then_some(Alone { _line: line, _client: client }))
        })
        .await
    }

    /// Whether a server waits for its share of what [`alone`](Self::alone) holds: one that lives. An engine that does not tell shows nobody.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn somebody_waits(&self) -> Result<bool, MoveError> {
        self.ask(|| async {
            let client = self.link.client().await?;
            let key = serving(&client).await?;
            match client.query_one(WAITS, &[&key]).await.map_err(Fault::from) {
                Ok(row) => Ok(row.try_get(0)?),
                Err(Fault::Unknown(_)) => Ok(false),
                Err(fault) => Err(fault),
            }
        })
        .await
    }

    /// From its return on no server appends: what was under way is committed or taken back.
    ///
    /// # Errors
    /// Where the database cannot be asked, or something holds its table.
    pub async fn close(&self, mark: &Mark) -> Result<(), MoveError> {
        self.switch(CLOSE, true, Some(mark)).await
    }

    /// The way back.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub async fn open_again(&self) -> Result<(), MoveError> {
        self.switch(OPEN, false, None).await
    }

    /// The table's name and the mark in one transaction.
    async fn switch(&self, change: &str, closed: bool, mark: Option<&Mark>) -> Result<(), MoveError> {
        self.ask(|| async {
            let lease = self.link.lease().await?;
            let client = lease.client()?;
            client.batch_execute("BEGIN").await?;
            let is_closed: bool = client.query_one(IS_CLOSED, &[]).await?.try_get(0)?;
            if is_closed != closed {
                client.batch_execute(change).await?;
            }
            match mark {
                Some(mark) => put_mark(client, mark).await?,
                None => drop(client.execute("DELETE FROM deadwax_move WHERE id = 1", &[]).await?),
            }
            client.batch_execute("COMMIT").await?;
            lease.end();
            Ok(())
        })
        .await
    }
}

async fn put_mark(client: &Client, mark: &Mark) -> Result<(), Fault> {
    let Mark { state, id, studio, other, appends } = mark;
    client.execute(PUT_MARK, &[state, id, studio, other, &number(*appends)]).await?;
    Ok(())
}

async fn has_commands(client: &Client) -> Result<bool, Fault> {
    let there: bool = client.query_one(HAS_TABLES, &[]).await?.try_get(0)?;
    Ok(there && client.query_one(HAS_COMMANDS, &[]).await?.try_get::<_, bool>(0)?)
}

/// `None` also where there are no tables for it yet.
pub(super) async fn mark_of(client: &Client) -> Result<Option<Mark>, Fault> {
    let row = match client.query_opt(MARK, &[]).await {
        Ok(row) => row,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(row) = row else { return Ok(None) };
    let appends = seq_of(row.try_get(4)?);
    Ok(Some(Mark {
        state: row.try_get(0)?,
        id: row.try_get(1)?,
        studio: row.try_get(2)?,
        other: row.try_get(3)?,
        appends,
    }))
}

/// The lock that every server over this database shares: of its schema, since locks belong to a whole database.
pub(super) async fn serving(client: &Client) -> Result<i64, Fault> {
    let schema: String = client.query_one("SELECT coalesce(current_schema(), '')", &[]).await?.try_get(0)?;
    let hash = Sha256::new().chain_update("deadwax serving").chain_update(schema).finalize();
    Ok(hash.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte)))
}

/// Why no server may open this database.
pub(super) fn refusal(mark: &Mark) -> Option<String> {
    let other = &mark.other;
    match mark.state.as_str() {
        "filling" => Some(format!(
            "a studio is being moved into it from {other}, and that is not finished. Go on with: deadwax-server migrate {other} --to (this folder)"
        )),
        "closed" => Some(format!(
            "its studio is being moved to {other}, and that is not finished. Go on with: deadwax-server migrate (the folder that it was begun with) --to {other}; to give it up: deadwax-server migrate --take-back (that folder)"
        )),
        "moved" => Some(format!(
            "its studio was moved to {other}: serve that. What was done there since is not here; to take it back all the same: deadwax-server migrate --take-back (this folder)"
        )),
        _ => None,
    }
}
