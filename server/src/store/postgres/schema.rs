//! The tables: numbered migrations, embedded, each applied once under a lock row, and the refusal of a schema that a newer server made. Never here: facts.

use tokio_postgres::{Client, error::SqlState};

use super::{
    OpenError,
    fault::Fault,
    moved::{mark_of, refusal},
};

/// Append-only: a migration that has been released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_facts.sql"),
    include_str!("../../../migrations/0002_neighbours.sql"),
    include_str!("../../../migrations/0003_leases.sql"),
    include_str!("../../../migrations/0004_told.sql"),
    include_str!("../../../migrations/0005_moves.sql"),
];

/// The newest version that this server knows.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Outside of the transaction: the lock row must be there before it can be locked.
const GROUND: &str = "
    CREATE TABLE IF NOT EXISTS deadwax_lock (id bigint NOT NULL, PRIMARY KEY (id));
    CREATE TABLE IF NOT EXISTS deadwax_schema (version bigint NOT NULL, applied_at timestamptz NOT NULL, PRIMARY KEY (version));
    INSERT INTO deadwax_lock (id) VALUES (1) ON CONFLICT (id) DO NOTHING";

pub(super) enum Trouble {
    Open(OpenError),
    Fault(Fault),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Brings the tables up to this server. Two servers that start together take turns.
pub(super) async fn bring_up(client: &mut Client) -> Result<(), Trouble> {
    let known = KNOWN;
    match version(client).await? {
        Some(version) if version > known => {
            return Err(Trouble::Open(OpenError::Newer { schema: version, known }));
        }
        Some(version) if version == known => return Ok(()),
        _ => {}
    }
    if let Err(error) = client.batch_execute(GROUND).await {
        // Two that make the same table at the same moment meet in the catalogue, at its name or at that of its type; the other one's will do.
        let met = [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_OBJECT, SqlState::DUPLICATE_TABLE];
        return Err(Trouble::Fault(match error.code().is_some_and(|code| met.contains(code)) {
            true => Fault::Again("another server makes the tables".into()),
            false => error.into(),
        }));
    }
    let transaction = client.transaction().await?;
    transaction.query("SELECT id FROM deadwax_lock WHERE id = 1 FOR UPDATE", &[]).await?;
    let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM deadwax_schema", &[]).await?;
    let done: i64 = row.try_get(0)?;
    if done > known {
        return Err(Trouble::Open(OpenError::Newer { schema: done, known }));
    }
    for (version, migration) in (1i64..).zip(MIGRATIONS).filter(|(version, _)| *version > done) {
        transaction.batch_execute(migration).await?;
        let note = "INSERT INTO deadwax_schema (version, applied_at) VALUES ($1, now())";
        transaction.execute(note, &[&version]).await?;
    }
    Ok(transaction.commit().await?)
}

/// What a server may not open: a database that a move fills or has left.
pub(super) async fn may_be_served(client: &Client) -> Result<Result<(), OpenError>, Fault> {
    let mark = mark_of(client).await?;
    Ok(mark.as_ref().and_then(refusal).map_or(Ok(()), |why| Err(OpenError::Moving(why))))
}

/// What claims are hashed with, where the studio came from a journal.
pub(super) async fn seed(client: &Client) -> Result<Option<[u8; 32]>, Fault> {
    let row = client.query_opt("SELECT seed FROM deadwax_claim_seed WHERE id = 1", &[]).await?;
    let Some(row) = row else { return Ok(None) };
    let seed: Vec<u8> = row.try_get(0)?;
    let seed = seed.try_into().map_err(|_| Fault::Corrupt {
        at: "the seed of the claims".into(),
        what: "it has not 32 bytes".into(),
    });
    seed.map(Some)
}

pub(super) async fn version_of(client: &Client) -> Result<Option<i64>, Fault> {
    match version(client).await {
        Ok(version) => Ok(version),
        Err(Trouble::Fault(fault)) => Err(fault),
        Err(Trouble::Open(error)) => Err(Fault::Refused(error.to_string())),
    }
}

/// `None` where there are no tables yet.
async fn version(client: &Client) -> Result<Option<i64>, Trouble> {
    match client.query_one("SELECT coalesce(max(version), 0) FROM deadwax_schema", &[]).await {
        Ok(row) => Ok(Some(row.try_get(0)?)),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
