//! What servers over one store tell each other beside the facts: the seal of their challenges, when sessions were last used, who is here, what was told by mail
//! and webhook. Never here: a fact; nothing of this is needed to say what was done, and who is here is forgotten within seconds.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::ReadError;
use crate::leases::Lease;

/// Who is here at another server, as bytes of its own making.
#[derive(Clone, Debug)]
pub struct There {
    pub server: u128,
    /// Grows whenever the bytes change.
    pub version: u64,
    /// `None`: as they were when this version was seen.
    pub seats: Option<Bytes>,
    /// How long ago it put these seats there, by the store's clock.
    pub age: Duration,
}

/// Who is here at this server.
#[derive(Clone, Debug)]
pub struct Here {
    pub server: u128,
    pub version: u64,
    pub seats: Bytes,
}

pub trait Neighbours: Send + Sync + 'static {
    /// The same for all, drawn by the first.
    fn seal(&self) -> BoxFuture<'_, Result<[u8; 32], ReadError>>;
    /// Puts who is here, and answers who is at the servers that did the same within the last seconds. `known`: versions that were seen, whose bytes need not
    /// be sent again.
    fn meet(&self, here: Here, known: Vec<(u128, u64)>) -> BoxFuture<'_, Result<Vec<There>, ReadError>>;
    /// Nobody is here at this server any more.
    fn leave(&self, server: u128) -> BoxFuture<'_, Result<(), ReadError>>;
    /// Puts when sessions were last used here, in milliseconds; answers when they were last used anywhere.
    fn used(&self, sessions: Vec<(u128, i64)>) -> BoxFuture<'_, Result<Vec<(u128, i64)>, ReadError>>;
    /// A book of what was told, as it was written last; `None`: never.
    fn told(&self, name: &'static str) -> BoxFuture<'_, Result<Option<Bytes>, ReadError>>;
    /// Writes it, as long as this lease is held. False: it is somebody else's by now, and nothing was written.
    fn tell<'a>(
        &'a self,
        name: &'static str,
        book: Bytes,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<bool, ReadError>>;
}
