//! Where facts are kept: the trait that the ledger writes through. Bytes in, bytes out: a store knows nothing of projects, songs or
//! protobuf (`wire/` does). L-1: `append` returns after the entries are durable, never before. L-3: a command id that was seen
//! returns what it made the first time.
//! Engines: `embedded` (journal + sled index, the default), `postgres` (several servers over one database, behind a feature) and `memory` (tests). One
//! conformance suite serves them all.

pub mod embedded;
pub mod memory;
pub mod moving;
pub mod neighbours;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod settings;

#[cfg(test)]
pub(crate) mod conformance;

use std::{any::Any, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};
use tokio::sync::watch;

pub use embedded::EmbeddedStore;
pub use memory::MemoryStore;
pub use neighbours::Neighbours;

use crate::{disk::Drive, leases::Leases};

/// The largest entry that any engine takes. Recipes and manifests fit; waveforms and audio are blobs.
pub const MAX_ENTRY_BYTES: usize = 256 * 1024;

/// The largest desk row, and the largest key of one. The index keeps these, and it must stay small.
pub const MAX_ROW_BYTES: usize = 12 * 1024;
pub const MAX_KEY_BYTES: usize = 1024;

/// One append: all its entries together, and how many entries, claims or desk changes it may carry.
pub const MAX_APPEND_BYTES: usize = 4 * 1024 * 1024;
pub const MAX_ITEMS: usize = 4096;

/// A stream: one project, or the studio's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u128);

/// The people, invites and sessions of the studio; project streams carry their ProjectId.
pub const STUDIO: StreamId = StreamId(0);

/// One fact as stored. `seq` counts from 1 within its stream, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    /// `None` after redaction: the place and the hash stay, the bytes are gone.
    pub payload: Option<Bytes>,
}

/// What stays of an entry for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub seq: u64,
    /// Of the entry as it is stored: an engine may put a random salt before the bytes, so that a short text cannot be guessed from it. Redaction does not
    /// change it.
    pub sha256: [u8; 32],
}

/// Everything that one command makes, appended whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    pub stream: StreamId,
    /// The seq of the stream's last entry as the writer knows it; 0 for a new stream.
    pub expected: u64,
    pub command: CommandKey,
    pub entries: Vec<Bytes>,
    /// Keys that must be free in the whole store (an e-mail, the hash of an invite). Claimed for ever.
    pub claims: Vec<Bytes>,
    pub desk: Vec<DeskChange>,
}

/// Identity of a command and the hash of what it asked, so that a reuse with another body is told apart from a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandKey {
    pub id: u128,
    pub request_sha256: [u8; 32],
}

/// A row of somebody's desk: put, or removed where `row` is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskChange {
    pub owner: u128,
    pub key: Bytes,
    pub row: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub stream: StreamId,
    pub first_seq: u64,
    pub last_seq: u64,
    /// The command had been done before; nothing was written now.
    pub repeated: bool,
}

/// What a command made, and the hash of what it had asked.
pub type Done = (Appended, [u8; 32]);

/// A turn at a stream; given back when dropped.
pub type Turn = Box<dyn Any + Send>;

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the stream stands at {head}, not at {expected}")]
    Conflict { expected: u64, head: u64 },
    #[error("command {0:032x} was used before with another body")]
    CommandReused(u128),
    #[error("claim {0} is taken")]
    ClaimTaken(usize),
    #[error("an entry of {bytes} bytes is over the limit of {limit}")]
    TooLarge { bytes: usize, limit: usize },
    /// The disk refused a write or a sync earlier. Nothing is acknowledged any more; reads go on; a restart recovers.
    #[error("the journal is read-only since the disk failed: {0}")]
    ReadOnly(String),
    #[error("the disk is nearly full: {free} bytes are free, {needed} are kept in reserve")]
    DiskNearlyFull { free: u64, needed: u64 },
    /// The database is away. Whether the append counts may not be known: the same command asks, and does nothing twice.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the journal is damaged at {at}: {what}")]
    Corrupt { at: String, what: String },
    #[error("reading the journal failed")]
    Io(#[from] std::io::Error),
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
}

impl Append {
    /// Refuses what is too large for any engine, before anything is queued.
    pub(crate) fn check_sizes(&self) -> Result<(), AppendError> {
        let fits = |bytes: usize, limit: usize| {
            if bytes > limit { Err(AppendError::TooLarge { bytes, limit }) } else { Ok(()) }
        };
        self.entries.iter().try_for_each(|entry| fits(entry.len(), MAX_ENTRY_BYTES))?;
        let whole: usize = self.entries.iter().map(Bytes::len).sum();
        fits(whole, MAX_APPEND_BYTES)?;
        fits(self.claims.len(), MAX_ITEMS)?;
        fits(self.desk.len(), MAX_ITEMS)?;
        fits(self.entries.len(), MAX_ITEMS)?;
        self.desk.iter().try_for_each(|change| {
            fits(change.key.len(), MAX_KEY_BYTES)?;
            fits(change.row.as_ref().map_or(0, Bytes::len), MAX_ROW_BYTES)
        })
    }
}

/// What is known of what others append to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Everything that was durable so long ago has been heard of.
    pub ago: Duration,
    /// The last seq that was heard of.
    pub head: u64,
}

pub trait Store: Send + Sync + 'static {
    /// Entries of a stream with `seq > after`, in order, at most `limit`.
    fn read(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, ReadError>>;
    /// The hashes of the same entries, erased ones included.
    fn marks(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Mark>, ReadError>>;
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>>;
    /// What a command made, where it was done before. Lets the ledger answer a retry without deciding again.
    fn command(&self, id: u128) -> BoxFuture<'_, Result<Option<Done>, ReadError>>;
    /// Every stream with its last seq.
    fn heads(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>>;
    /// The desk rows of one owner, by key.
    fn desk(&self, owner: u128) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, ReadError>>;
    /// Erases the bytes of one entry; its place and hash stay, so that the chain still verifies. Durable on return.
    fn redact(&self, stream: StreamId, seq: u64) -> BoxFuture<'_, Result<(), AppendError>>;
    /// The disk under it, for what else is kept in the studio folder: one latch for all.
    fn drive(&self) -> &Drive;
    /// Heads of streams, for a store that others append to as well: all of now, then each newer one, soon after it is durable; some twice, one's own too.
    /// `None`: nobody else writes here.
    fn changes(&self) -> Option<BoxStream<'static, (StreamId, u64)>> {
        None
    }
    /// The other servers over the same store; `None` where there cannot be any.
    fn neighbours(&self) -> Option<Arc<dyn Neighbours>> {
        None
    }
    /// As long as it is held, appends of other servers to this stream wait: for one that was slower than they several times. `None`: there are no turns.
    fn turn(&self, _stream: StreamId) -> BoxFuture<'_, Option<Turn>> {
        Box::pin(std::future::ready(None))
    }
    /// The last seq of a stream, 0 where there is none.
    fn head(&self, stream: StreamId) -> BoxFuture<'_, Result<u64, ReadError>> {
        Box::pin(async move {
            let heads = self.heads().await?;
            Ok(heads.into_iter().find(|it| it.0 == stream).map_or(0, |it| it.1))
        })
    }
    /// The last seqs of streams, those at least that others appended to since this process heard of them.
    fn lately(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>> {
        self.heads()
    }
    /// How surely this process knows what others appended to a stream. `None`: nobody else writes here.
    fn heard(&self, _stream: StreamId) -> Option<Heard> {
        None
    }
    /// Whether it has not answered for longer than a moment, where it is somewhere else.
    fn away(&self) -> Option<watch::Receiver<bool>> {
        None
    }
    /// Where processes over the same store tell each other who does which work. `None`: no other process is there.
    fn leases(&self) -> Option<Arc<dyn Leases>> {
        None
    }
    /// The reason, once writes are no longer acknowledged.
    fn read_only(&self) -> Option<String> {
        self.drive().latch().reason().map(|reason| reason.to_string())
    }
}
