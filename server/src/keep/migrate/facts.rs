//! Facts from engine to engine, in rounds: what is new at the source goes to the target in batches and is read back from there, so that at the end only the last round
//! is left to be compared. Never here: audio, marks, and who waits for whom.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use deadwax_domain::Digest;
use tokio::sync::mpsc;
use uuid::Uuid;

#[cfg(feature = "postgres")]
use crate::store::{
    DeskChange, STUDIO,
    moving::rest,
    postgres::moved::{Place, Source as Database},
};
use crate::{
    keep::verify::Names,
    store::{
        StreamId,
        embedded::{
            Met, OpenError,
            carry::{Filling, Taking},
        },
        moving::{Moving, Tally},
    },
};

/// Steps on their way from a reader to a writer: each has up to 4 MiB.
const ON_THE_WAY: usize = 8;
/// What goes at once.
const BATCH_BYTES: usize = 1 << 20;
const BATCH: usize = 256;

/// Where facts come from. Readers work on threads of their own; one that was lost with its thread ends the move.
pub enum Source {
    Journal(Option<Box<Taking>>),
    #[cfg(feature = "postgres")]
    Database(Box<Database>),
}

/// Where they go.
pub enum Target {
    Journal(Option<Box<Filling>>),
    #[cfg(feature = "postgres")]
    Database(Place),
}

pub struct Facts {
    pub source: Source,
    target: Target,
    /// Of this move, in a database that is filled.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "asked for by databases alone"))]
    id: Uuid,
    /// How many batches' worth of records were taken, in this move.
    taken: u64,
    /// What was read back from the target.
    tally: Tally,
    /// What the facts of the target name.
    names: Names,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    pub sent: u64,
    /// Records that the source has and that are not known to be on its disk yet.
    pub behind: u64,
}

fn lost() -> anyhow::Error {
    anyhow::anyhow!("a thread of the move ended without an answer; run the same again")
}

impl Facts {
    /// Reads the target back and finds the place where the source goes on.
    ///
    /// # Errors
    /// Where the target holds anything but a beginning of the source.
    pub async fn open(source: Source, target: Target, id: Uuid, taken: u64) -> anyhow::Result<Self> {
        let (tally, names) = (Tally::default(), Names::default());
        let mut facts = Self { source, target, id, taken, tally, names };
        facts.read_back().await?;
        facts.skip().await?;
        Ok(facts)
    }

    /// A journal is read from its beginning each time; what the target has is not sent again, and must be the same.
    async fn skip(&mut self) -> anyhow::Result<()> {
        let slot = match &mut self.source {
            Source::Journal(slot) => slot,
            #[cfg(feature = "postgres")]
            Source::Database(_) => return Ok(()),
        };
        let mut taking = slot.take().ok_or_else(lost)?;
        let taken = match &self.target {
            Target::Journal(Some(filling)) => filling.appends(),
            _ => self.taken,
        };
        let read = tokio::task::spawn_blocking(move || {
            let read = taking.read(Some(taken), &mut |_| Ok(()));
            (taking, read)
        });
        let (taking, read) = read.await?;
        read.context("the journal of the source cannot be read")?;
        let same = taking.appends() == taken && taking.tally().roots.root() == self.tally.roots.root();
        ensure!(
            same,
            "the target holds {taken} records that are not how the journal of the source begins: it was restored from a backup, or is another one. Empty what of the target is not the source's too (its folder, its database, its prefix) and begin again"
        );
        (*slot, self.taken) = (Some(taking), taken);
        Ok(())
    }

    /// Everything that is new at the source, and its way back.
    ///
    /// # Errors
    /// Damage at either end by its place; an end that cannot be used.
    pub async fn round(&mut self) -> anyhow::Result<Round> {
        let before = self.taken;
        let (to, arriving) = mpsc::channel(ON_THE_WAY);
        let mut sink = Sink { target: &mut self.target, id: self.id, taken: &mut self.taken };
        let behind = match &mut self.source {
            Source::Journal(slot) => {
                let mut taking = slot.take().ok_or_else(lost)?;
                let reading = tokio::task::spawn_blocking(move || {
                    let read =
                        taking.read(None, &mut |moving| to.blocking_send(moving).map_err(|_| nobody()));
                    (taking, read)
                });
                let (read, written) = tokio::join!(reading, sink.drain(arriving));
                let (taking, read) = read?;
                *slot = Some(taking);
                written?;
                read.context("the source is damaged or cannot be read")?
            }
            #[cfg(feature = "postgres")]
            Source::Database(database) => {
                let reading = async {
                    let read = database.read(&to).await;
                    drop(to);
                    read
                };
                let (read, written) = tokio::join!(reading, sink.drain(arriving));
                written?;
                read.context("the source is damaged or cannot be read")?;
                0
            }
        };
        self.read_back().await?;
        Ok(Round { sent: self.taken - before, behind })
    }

    /// What a database keeps apart from its commands: redactions, claims, desks. Once it is closed.
    ///
    /// # Errors
    /// As [`round`](Self::round).
    #[cfg(feature = "postgres")]
    pub async fn rest(&mut self) -> anyhow::Result<()> {
        let Source::Database(database) = &mut self.source else { return Ok(()) };
        database.sums().await?;
        self.sums().await?;
        let Source::Database(database) = &self.source else { return Ok(()) };
        let gone = database.tally().redacted.difference(&self.tally.redacted);
        let mut moving: Vec<Moving> =
            gone.map(|(stream, seq)| Moving::Redact { stream: *stream, seq: *seq }).collect();
        let mut claims: Vec<[u8; 32]> = Vec::new();
        let target = &self.target;
        database
            .place
            .claims(|page| match target {
                Target::Journal(Some(filling)) => claims.extend(filling.lacks(page)),
                _ => claims.extend_from_slice(page),
            })
            .await?;
        let (mut desk, mut stand) = (Vec::new(), HashSet::new());
        let there = &self.tally.desk;
        let wanted = &database.tally().desk;
        database
            .place
            .desk(|owner, key, row| {
                let place = (owner, key.clone());
                if there.get(&place) != wanted.get(&place) {
                    desk.push(DeskChange { owner, key, row: Some(row) });
                }
                stand.insert(place);
            })
            .await?;
        let off = there.keys().filter(|place| !stand.contains(*place));
        desk.extend(off.map(|(owner, key)| DeskChange { owner: *owner, key: key.clone(), row: None }));
        moving.extend(rest(self.tally.head(STUDIO), &claims, &desk));
        let mut sink = Sink { target: &mut self.target, id: self.id, taken: &mut self.taken };
        for batch in moving.chunks(BATCH) {
            sink.write(batch.to_vec()).await?;
        }
        self.read_back().await
    }

    /// Both ends once more, whole; the root.
    ///
    /// # Errors
    /// In what they differ.
    pub async fn compare(&mut self) -> anyhow::Result<[u8; 32]> {
        self.sums().await?;
        let source = match &self.source {
            Source::Journal(taking) => taking.as_ref().ok_or_else(lost)?.tally(),
            #[cfg(feature = "postgres")]
            Source::Database(database) => database.tally(),
        };
        if let Some(what) = source.differs(&self.tally) {
            bail!(
                "source and target are not the same: {what}. Empty what of the target is not the source's too (its folder, its database, its prefix) and move again; should it come back, tell us with this line"
            );
        }
        Ok(self.tally.roots.root())
    }

    /// What the facts of the target name, all of which must be understood.
    ///
    /// # Errors
    /// The first fact that cannot be read.
    pub fn named(&self) -> anyhow::Result<&BTreeMap<Digest, Option<u64>>> {
        if let Some(what) = self.names.unreadable.first() {
            bail!("the source is damaged: {what}; restore it from a backup before you move");
        }
        Ok(&self.names.files)
    }

    pub fn entries(&self) -> u64 {
        self.tally.roots.heads().map(|(_, head)| head).sum()
    }

    /// Counts what stands in the target beside its entries.
    async fn sums(&mut self) -> anyhow::Result<()> {
        #[cfg(feature = "postgres")]
        if let Target::Database(place) = &self.target {
            place.sums(&mut self.tally).await?;
        }
        Ok(())
    }

    async fn read_back(&mut self) -> anyhow::Result<()> {
        let names = &mut self.names;
        let none = HashSet::new();
        let mut meet = |stream: StreamId, seq: u64, payload: Option<Bytes>| {
            names.meet(&Met { record: 0, stream, seq, payload }, &none);
        };
        match &mut self.target {
            Target::Journal(slot) => {
                let filling = slot.as_mut().ok_or_else(lost)?;
                // Bounded by what one round sent, and nothing else runs meanwhile.
                let read = tokio::task::block_in_place(|| filling.read_back(&mut meet).cloned());
                self.tally = read.context("what was written to the target is not what is read there")?;
            }
            #[cfg(feature = "postgres")]
            Target::Database(place) => {
                let read = place.read_back(&mut self.tally, meet).await;
                read.context("what was written to the target is not what is read there")?;
            }
        }
        Ok(())
    }
}

/// The writing half of a round.
struct Sink<'f> {
    target: &'f mut Target,
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "asked for by databases alone"))]
    id: Uuid,
    taken: &'f mut u64,
}

impl Sink<'_> {
    async fn drain(&mut self, mut arriving: mpsc::Receiver<Moving>) -> anyhow::Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(moving) = arriving.recv().await {
            bytes += moving.bytes();
            batch.push(moving);
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                self.write(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
        }
        self.write(batch).await
    }

    /// Durable on return.
    async fn write(&mut self, batch: Vec<Moving>) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let records = batch.iter().filter(|it| matches!(it, Moving::Append(_))).count() as u64;
        let to = *self.taken + records;
        match self.target {
            Target::Journal(slot) => {
                let mut filling = slot.take().ok_or_else(lost)?;
                let written = tokio::task::spawn_blocking(move || {
                    let written = batch.iter().try_for_each(|moving| filling.append(moving));
                    let written = written.and_then(|()| filling.sync());
                    (filling, written)
                });
                let (filling, written) = written.await?;
                *slot = Some(filling);
                written.context("the target cannot be written; what is there is not sent again")?;
            }
            #[cfg(feature = "postgres")]
            Target::Database(place) => place.fill(self.id, &batch, (*self.taken, to)).await?,
        }
        *self.taken = to;
        Ok(())
    }
}

/// The writer has ended; it says why.
fn nobody() -> OpenError {
    let source = io::Error::new(io::ErrorKind::BrokenPipe, "the writing end of the move stopped");
    OpenError::Io { attempted: "sending facts".into(), source }
}

/// The journal of a folder as a source.
///
/// # Errors
/// Where there is none, or it cannot be read.
pub async fn journal(root: &Path) -> anyhow::Result<Box<Taking>> {
    let root = root.to_owned();
    let opened = tokio::task::spawn_blocking(move || Taking::beside(&root)).await?;
    opened.map(Box::new).context("the journal of the source cannot be read")
}
