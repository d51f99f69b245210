//! A database that is filled from another engine. One batch is one transaction, and says in the row of the move how far it came: a commit whose answer was lost is
//! known by it. Never here: what is sent, and reading facts for anything but to hold them against what was sent.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{Fault, MoveError, Place, number};
use crate::store::{
    StreamId,
    moving::{Carried, Moving, REST, Tally},
    postgres::damaged,
};

const TURN: &str =
    "SELECT appends FROM deadwax_move WHERE id = 1 AND move = $1 AND state = 'filling' FOR UPDATE";
const CAME: &str = "UPDATE deadwax_move SET appends = $1 WHERE id = 1";
const STREAMS: &str = "INSERT INTO deadwax_streams (stream, head, changed_at) SELECT s, h, clock_timestamp() FROM unnest($1::uuid[], $2::bigint[]) AS u (s, h)
    ON CONFLICT (stream) DO UPDATE SET head = greatest(deadwax_streams.head, excluded.head), changed_at = excluded.changed_at";
const COMMANDS: &str = "INSERT INTO deadwax_commands (id, request_sha256, stream, first_seq, last_seq)
    SELECT i, r, s, f, l FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::bigint[], $5::bigint[]) AS u (i, r, s, f, l) ON CONFLICT (id) DO NOTHING";
const ENTRIES: &str = "INSERT INTO deadwax_entries (stream, seq, sha256, salted)
    SELECT s, q, h, b FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) AS u (s, q, h, b)";
const CLAIMS: &str = "INSERT INTO deadwax_claims (claim, command) SELECT c, m FROM unnest($1::bytea[], $2::uuid[]) AS u (c, m) ON CONFLICT (claim) DO NOTHING";
const REDACT: &str = "UPDATE deadwax_entries SET salted = NULL FROM unnest($1::uuid[], $2::bigint[]) AS u (s, q) WHERE stream = u.s AND seq = u.q";
const OFF_DESK: &str = "DELETE FROM deadwax_desk WHERE (owner, key) IN (SELECT o, k FROM unnest($1::uuid[], $2::bytea[]) AS u (o, k))";
const ON_DESK: &str = "INSERT INTO deadwax_desk (owner, key, bytes) SELECT o, k, b FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS u (o, k, b)
    ON CONFLICT (owner, key) DO UPDATE SET bytes = excluded.bytes";
const SEED: &str = "INSERT INTO deadwax_claim_seed (id, seed) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET seed = excluded.seed";
const TELL: &str = "INSERT INTO deadwax_told (name, kept) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET kept = excluded.kept";
const SEAL: &str =
    "INSERT INTO deadwax_seal (id, seal) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET seal = excluded.seal";

/// A batch as the columns that it becomes.
#[derive(Default)]
struct Columns {
    heads: BTreeMap<StreamId, u64>,
    ids: Vec<Uuid>,
    requests: Vec<Vec<u8>>,
    of: Vec<Uuid>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    streams: Vec<Uuid>,
    seqs: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    salted: Vec<Option<Vec<u8>>>,
    claims: Vec<Vec<u8>>,
    claimed_by: Vec<Uuid>,
    redacted: Vec<(Uuid, i64)>,
    /// The last word on a row counts.
    desk: BTreeMap<(u128, Bytes), Option<Bytes>>,
}

impl Columns {
    fn of(batch: &[Moving]) -> Self {
        let mut columns = Self::default();
        for moving in batch {
            match moving {
                Moving::Redact { stream, seq } => {
                    columns.redacted.push((Uuid::from_u128(stream.0), number(*seq)));
                }
                Moving::Append(carried) => columns.take(carried),
            }
        }
        columns
    }

    fn take(&mut self, Carried { record, claims, desk }: &Carried) {
        let (id, stream) = (Uuid::from_u128(record.command.id), Uuid::from_u128(record.stream.0));
        let last = record.first_seq + record.entries.len() as u64 - 1;
        if record.command.request_sha256 != REST {
            self.heads.insert(record.stream, last);
            self.ids.push(id);
            self.requests.push(record.command.request_sha256.to_vec());
            self.of.push(stream);
            self.firsts.push(number(record.first_seq));
            self.lasts.push(number(last));
        }
        for (seq, entry) in (record.first_seq..).zip(&record.entries) {
            self.streams.push(stream);
            self.seqs.push(number(seq));
            self.hashes.push(entry.sha256.to_vec());
            self.salted.push(entry.salted.as_ref().map(|salted| salted.to_vec()));
        }
        self.claims.extend(claims.iter().map(|claim| claim.to_vec()));
        self.claimed_by.extend(claims.iter().map(|_| id));
        let rows = desk.iter().map(|change| ((change.owner, change.key.clone()), change.row.clone()));
        self.desk.extend(rows);
    }

    async fn write(&self, client: &Client) -> Result<(), Fault> {
        let (streams, heads): (Vec<Uuid>, Vec<i64>) =
            self.heads.iter().map(|(stream, head)| (Uuid::from_u128(stream.0), number(*head))).unzip();
        client.execute(STREAMS, &[&streams, &heads]).await?;
        let Self { ids, requests, of, firsts, lasts, .. } = self;
        client.execute(COMMANDS, &[ids, requests, of, firsts, lasts]).await?;
        client.execute(ENTRIES, &[&self.streams, &self.seqs, &self.hashes, &self.salted]).await?;
        if !self.claims.is_empty() {
            client.execute(CLAIMS, &[&self.claims, &self.claimed_by]).await?;
        }
        if !self.redacted.is_empty() {
            let (streams, seqs): (Vec<Uuid>, Vec<i64>) = self.redacted.iter().copied().unzip();
            client.execute(REDACT, &[&streams, &seqs]).await?;
        }
        let (on, off): (Vec<_>, Vec<_>) = self.desk.iter().partition(|(_, row)| row.is_some());
        let owner_and_key =
            |((owner, key), _): &(&(u128, Bytes), &Option<Bytes>)| (Uuid::from_u128(*owner), key.to_vec());
        let (owners, keys): (Vec<Uuid>, Vec<Vec<u8>>) = off.iter().map(owner_and_key).unzip();
        client.execute(OFF_DESK, &[&owners, &keys]).await?;
        let (owners, keys): (Vec<Uuid>, Vec<Vec<u8>>) = on.iter().map(owner_and_key).unzip();
        let rows: Vec<Vec<u8>> =
            on.iter().filter_map(|(_, row)| row.as_ref().map(|row| row.to_vec())).collect();
        client.execute(ON_DESK, &[&owners, &keys, &rows]).await?;
        Ok(())
    }
}

impl Place {
    /// One batch, whole or not at all. `from` and `to`: how many records were taken before it and are after it.
    ///
    /// # Errors
    /// Where the database cannot be written, or another move fills it.
    pub async fn fill(&self, id: Uuid, batch: &[Moving], (from, to): (u64, u64)) -> Result<(), MoveError> {
        let columns = Columns::of(batch);
        let came = self.ask(|| async {
            let lease = self.link.lease().await?;
            let client = lease.client()?;
            client.batch_execute("BEGIN").await?;
            let row = client.query_opt(TURN, &[&id]).await?;
            let stands = row.map(|row| row.try_get::<_, i64>(0)).transpose()?;
            // The commit of the try before counted, and its answer was lost.
            let done = from < to && stands == Some(number(to));
            if stands == Some(number(from)) {
                columns.write(client).await?;
                client.execute(CAME, &[&number(to)]).await?;
            }
            client.batch_execute("COMMIT").await?;
            lease.end();
            Ok(done || stands == Some(number(from)))
        });
        match came.await? {
            true => Ok(()),
            false => Err(MoveError::Refused("another move fills this database; let one of them end".into())),
        }
    }

    /// What the claims of the studio are hashed with.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn put_seed(&self, seed: &[u8; 32]) -> Result<(), MoveError> {
        self.ask(|| async {
            self.link.client().await?.execute(SEED, &[&seed.as_slice()]).await?;
            Ok(())
        })
        .await
    }

    /// What was told by mail and webhook, and the seal of the servers that were here before.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn put_shared(
        &self,
        told: &BTreeMap<String, Vec<u8>>,
        seal: Option<&[u8; 32]>,
    ) -> Result<(), MoveError> {
        self.ask(|| async {
            let client = self.link.client().await?;
            for (name, kept) in told {
                client.execute(TELL, &[name, kept]).await?;
            }
            if let Some(seal) = seal {
                client.execute(SEAL, &[&seal.as_slice()]).await?;
            }
            Ok(())
        })
        .await
    }

    /// How far each stream came.
    ///
    /// # Errors
    /// Where the database cannot be asked.
    pub async fn heads(&self) -> Result<BTreeMap<StreamId, u64>, MoveError> {
        let streams = self.streams().await?;
        Ok(streams.into_iter().map(|(stream, (head, _))| (stream, head)).collect())
    }

    /// Reads every entry that `tally` has not counted yet, counts it, and tells of it.
    ///
    /// # Errors
    /// Damage, by stream and seq.
    pub async fn read_back(
        &self,
        tally: &mut Tally,
        mut each: impl FnMut(StreamId, u64, Option<Bytes>),
    ) -> Result<(), MoveError> {
        for (stream, head) in self.heads().await? {
            while tally.head(stream) < head {
                let page = self.entries(stream, tally.head(stream)).await?;
                if page.is_empty() {
                    return Err(damaged(stream, tally.head(stream) + 1, true).into());
                }
                for (seq, entry) in page {
                    tally.roots.take(stream, &entry.sha256);
                    each(stream, seq, entry.payload());
                }
            }
        }
        Ok(())
    }
}
