//! One append as one transaction, and what it was that stood in its way. The update of the stream's row is where writers meet; keys hold the rest. Never here:
//! how often it is tried (`mod`).

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use deadpool_postgres::Object;
use sha2::{Digest as _, Sha256};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    PostgresStore,
    fault::Fault,
    feed::{Feed, HEAD, went_back},
    seq_of,
};
use crate::{
    disk::Latch,
    store::{Append, AppendError, Appended, Done, StreamId},
};

pub(super) const SALT_BYTES: usize = 16;

const FIRST: &str = "INSERT INTO deadwax_streams (stream, head, changed_at) VALUES ($1, $3, clock_timestamp())
    ON CONFLICT (stream) DO UPDATE SET head = excluded.head, changed_at = excluded.changed_at WHERE deadwax_streams.head = $2";
const NEXT: &str =
    "UPDATE deadwax_streams SET head = $3, changed_at = clock_timestamp() WHERE stream = $1 AND head = $2";
const COMMAND: &str = "INSERT INTO deadwax_commands (id, request_sha256, stream, first_seq, last_seq) VALUES ($1, $2, $3, $4, $5)";
const CLAIMS: &str =
    "INSERT INTO deadwax_claims (claim, command) SELECT c, $2 FROM unnest($1::bytea[]) AS u (c)";
const ENTRIES: &str = "INSERT INTO deadwax_entries (stream, seq, sha256, salted)
    SELECT $1, s, h, b FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS u (s, h, b)";
const OFF_DESK: &str = "DELETE FROM deadwax_desk WHERE (owner, key) IN (SELECT o, k FROM unnest($1::uuid[], $2::bytea[]) AS u (o, k))";
const ON_DESK: &str = "INSERT INTO deadwax_desk (owner, key, bytes)
    SELECT o, k, b FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS u (o, k, b)
    ON CONFLICT (owner, key) DO UPDATE SET bytes = excluded.bytes";
const DONE: &str = "SELECT request_sha256, stream, first_seq, last_seq FROM deadwax_commands WHERE id = $1";
const TAKEN: &str = "SELECT claim FROM deadwax_claims WHERE claim = ANY($1::bytea[])";

/// An append as the columns that it becomes. Made once: a second try stores the same salts and hashes.
pub(super) struct Columns {
    pub append: Append,
    head: i64,
    seqs: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    salted: Vec<Vec<u8>>,
    claims: Vec<Vec<u8>>,
    /// The same without the seed: claimed before the studio had one.
    bare: Vec<Vec<u8>>,
    off: (Vec<Uuid>, Vec<Vec<u8>>),
    on: (Vec<Uuid>, Vec<Vec<u8>>, Vec<Vec<u8>>),
}

pub(super) enum Answer {
    Appended(Appended),
    No(AppendError),
}

impl Columns {
    /// `seed`: what claims are hashed with, where the studio came from a journal.
    pub(super) fn of(append: Append, seed: Option<&[u8; 32]>) -> Result<Self, getrandom::Error> {
        let head = number(append.expected).saturating_add(append.entries.len() as i64);
        let seqs = (number(append.expected)..head).map(|before| before + 1).collect();
        let salted = append.entries.iter().map(salted).collect::<Result<Vec<_>, _>>()?;
        let hashes = salted.iter().map(|bytes| Sha256::digest(bytes).to_vec()).collect();
        let bare: Vec<Vec<u8>> = append.claims.iter().map(|claim| Sha256::digest(claim).to_vec()).collect();
        let (claims, bare) = match seed {
            None => (bare, Vec::new()),
            Some(seed) => {
                let seeded = |claim| Sha256::new().chain_update(seed).chain_update(claim).finalize().to_vec();
                (append.claims.iter().map(seeded).collect(), bare)
            }
        };
        // The last word on a row counts; in order of keys, so that two appends never wait for each other's rows in a ring.
        let rows: BTreeMap<(u128, &Bytes), Option<&Bytes>> =
            append.desk.iter().map(|change| ((change.owner, &change.key), change.row.as_ref())).collect();
        let (mut off, mut on) = <(_, (_, _, Vec<Vec<u8>>))>::default();
        let (off_owners, off_keys): &mut (Vec<Uuid>, Vec<Vec<u8>>) = &mut off;
        let (on_owners, on_keys, on_rows): &mut (Vec<Uuid>, Vec<Vec<u8>>, _) = &mut on;
        for ((owner, key), row) in rows {
            match row {
                None => {
                    off_owners.push(Uuid::from_u128(owner));
                    off_keys.push(key.to_vec());
                }
                Some(row) => {
                    on_owners.push(Uuid::from_u128(owner));
                    on_keys.push(key.to_vec());
                    on_rows.push(row.to_vec());
                }
            }
        }
        Ok(Self { head, seqs, hashes, salted, claims, bare, off, on, append })
    }

    fn stream(&self) -> Uuid {
        Uuid::from_u128(self.append.stream.0)
    }
}

fn salted(payload: &Bytes) -> Result<Vec<u8>, getrandom::Error> {
    let mut salted = vec![0; SALT_BYTES];
    getrandom::fill(&mut salted)?;
    salted.extend_from_slice(payload);
    Ok(salted)
}

/// Seqs beyond what the tables can count are beyond every stream.
pub(super) fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// One try. After `Fault::Lost` it may have counted all the same.
pub(super) async fn append(store: &PostgresStore, columns: &Columns) -> Result<Answer, Fault> {
    let PostgresStore { link, feed, turns, drive, .. } = store;
    let lease = link.lease().await?;
    let client = lease.client()?;
    client.batch_execute(&turns.begin(columns.append.stream)).await?;
    let expected = number(columns.append.expected);
    let take = if expected == 0 { FIRST } else { NEXT };
    let moved = execute(client, take, &[&columns.stream(), &expected, &columns.head]).await?;
    let written = if moved == 1 { write(client, columns).await } else { Err(Fault::Taken) };
    match written {
        Ok(()) => {
            client.batch_execute("COMMIT").await?;
            lease.end();
            let append = &columns.append;
            let (first_seq, last_seq) = (append.expected + 1, seq_of(columns.head));
            Ok(Answer::Appended(Appended { stream: append.stream, first_seq, last_seq, repeated: false }))
        }
        Err(Fault::Taken) => {
            client.batch_execute("ROLLBACK").await?;
            let why = why_not(client, feed, drive.latch(), columns).await?;
            lease.end();
            Ok(why)
        }
        // Closed with the lease, and taken back by the engine.
        Err(fault) => Err(fault),
    }
}

async fn write(client: &Object, columns: &Columns) -> Result<(), Fault> {
    let Columns { append, seqs, hashes, salted, claims, bare, off, on, head } = columns;
    let (id, stream) = (Uuid::from_u128(append.command.id), columns.stream());
    let request = append.command.request_sha256.as_slice();
    let first = number(append.expected).saturating_add(1);
    execute(client, COMMAND, &[&id, &request, &stream, &first, head]).await?;
    // Of these none is added any more: a look is enough.
    if !bare.is_empty() && !client.query(TAKEN, &[bare]).await?.is_empty() {
        return Err(Fault::Taken);
    }
    if !claims.is_empty() {
        let mut sorted = claims.clone();
        sorted.sort();
        execute(client, CLAIMS, &[&sorted, &id]).await?;
    }
    if !seqs.is_empty() {
        execute(client, ENTRIES, &[&stream, seqs, hashes, salted]).await?;
    }
    if !off.0.is_empty() {
        execute(client, OFF_DESK, &[&off.0, &off.1]).await?;
    }
    if !on.0.is_empty() {
        execute(client, ON_DESK, &[&on.0, &on.1, &on.2]).await?;
    }
    Ok(())
}

async fn execute(client: &Object, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Fault> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

/// Asked after the transaction was taken back, in the order in which every engine of the house answers: the command, the head, the claims.
async fn why_not(client: &Object, feed: &Feed, latch: &Latch, columns: &Columns) -> Result<Answer, Fault> {
    let append = &columns.append;
    if let Some(answer) = known(command(client, append.command.id).await?, append) {
        return Ok(answer);
    }
    // Before the question: what was committed then must be there.
    let seen = feed.head(append.stream);
    let head = head(client, append.stream).await?;
    went_back(latch, append.stream, seen, head);
    if head != append.expected {
        return Ok(Answer::No(AppendError::Conflict { expected: append.expected, head }));
    }
    let rows = client.query(TAKEN, &[&columns.claims]).await?;
    let mut taken: HashSet<Vec<u8>> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    // Twice in one append is taken as well: the first of them takes it.
    let old = client.query(TAKEN, &[&columns.bare]).await?;
    let old: HashSet<Vec<u8>> = old.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let is_old = |at: usize| columns.bare.get(at).is_some_and(|bare| old.contains(bare));
    let twice = |(at, claim): (usize, &Vec<u8>)| is_old(at) || !taken.insert(claim.clone());
    match columns.claims.iter().enumerate().position(twice) {
        Some(at) => Ok(Answer::No(AppendError::ClaimTaken(at))),
        None => Err(Fault::Again("somebody else was at the same place and has left it".into())),
    }
}

/// The answer to a command that was done before.
pub(super) fn known(done: Option<Done>, append: &Append) -> Option<Answer> {
    let (done, request) = done?;
    Some(if request == append.command.request_sha256 {
        Answer::Appended(Appended { repeated: true, ..done })
    } else {
        Answer::No(AppendError::CommandReused(append.command.id))
    })
}

pub(super) async fn command(client: &Object, id: u128) -> Result<Option<Done>, Fault> {
    let statement = client.prepare_cached(DONE).await?;
    let Some(row) = client.query_opt(&statement, &[&Uuid::from_u128(id)]).await? else { return Ok(None) };
    let request: Vec<u8> = row.try_get(0)?;
    let Ok(request) = <[u8; 32]>::try_from(request) else {
        return Err(Fault::Corrupt { at: format!("command {id:032x}"), what: "its hash is no hash".into() });
    };
    let stream: Uuid = row.try_get(1)?;
    let (first_seq, last_seq) = (seq_of(row.try_get(2)?), seq_of(row.try_get(3)?));
    let stream = StreamId(stream.as_u128());
    Ok(Some((Appended { stream, first_seq, last_seq, repeated: false }, request)))
}

pub(super) async fn head(client: &Object, stream: StreamId) -> Result<u64, Fault> {
    let statement = client.prepare_cached(HEAD).await?;
    let row = client.query_opt(&statement, &[&Uuid::from_u128(stream.0)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map_or(0, seq_of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DeskChange, conformance};

    #[test]
    fn columns_carry_each_thing_once_and_in_order() {
        let mut append = conformance::append(7, 4, 9, &["a", "b"]);
        let change = |owner, key: &'static str, row: Option<&'static str>| DeskChange {
            owner,
            key: key.into(),
            row: row.map(Into::into),
        };
        append.desk = vec![
            change(2, "k", Some("old")),
            change(1, "z", Some("z")),
            change(2, "k", Some("new")),
            change(1, "a", Some("a")),
            change(1, "a", None),
        ];
        append.claims = vec!["x".into()];
        let columns = Columns::of(append, None).unwrap();
        assert_eq!((columns.head, columns.seqs), (6, vec![5, 6]));
        assert_eq!(columns.off.1, [b"a"]);
        assert_eq!(
            (columns.on.1, columns.on.2),
            (vec![b"z".to_vec(), b"k".to_vec()], vec![b"z".to_vec(), b"new".to_vec()])
        );
        assert_ne!(columns.salted[0][..SALT_BYTES], columns.salted[1][..SALT_BYTES]);
        assert_eq!(columns.hashes[0], Sha256::digest(&columns.salted[0]).to_vec());
        assert_eq!(columns.claims, [Sha256::digest(b"x").to_vec()]);
    }
}
