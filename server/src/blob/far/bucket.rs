//! What is asked of an object store: keys and bytes, nothing of audio. Whatever answers this can be the far side of the blobs. Never here: what the keys mean,
//! and when something is tried again.

use std::{io, time::SystemTime};

use bytes::Bytes;
use futures::{future::BoxFuture, stream::BoxStream};

/// Bytes on their way to the store, in pieces that are sent one by one.
pub type Parts<'a> = BoxStream<'a, io::Result<Bytes>>;
/// Bytes on their way from it.
pub type Arriving = BoxStream<'static, Result<Bytes, FarError>>;

/// The store did not do what was asked. Holds no credentials and no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object store could not {what} `{key}`: {why}")]
pub struct FarError {
    pub what: &'static str,
    pub key: String,
    pub why: String,
    /// It said no, and will say so again: trying again is no use.
    pub lasting: bool,
}

impl FarError {
    pub fn away(what: &'static str, key: &str, why: impl ToString) -> Self {
        Self { what, key: key.to_owned(), why: why.to_string(), lasting: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Made,
    /// Something lies there already, and was left as it is.
    Exists,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lying {
    pub key: String,
    pub bytes: u64,
    pub changed: SystemTime,
}

pub trait Bucket: Send + Sync + 'static {
    /// Where it is, for sentences: no secret.
    fn place(&self) -> &str;

    /// Whole or not at all, durable on return. `only_new`: unless something lies there. A store that does not know conditions overwrites: keys are chosen so
    /// that this does no harm.
    fn put<'a>(&'a self, key: &'a str, bytes: Bytes, only_new: bool) -> BoxFuture<'a, Result<Put, FarError>>;

    /// As `put`, over what lies there, for more than one request should carry. What was sent of one that failed is taken back.
    fn put_parts<'a>(&'a self, key: &'a str, parts: Parts<'a>) -> BoxFuture<'a, Result<(), FarError>>;

    /// `None`: nothing lies there.
    fn length<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, FarError>>;

    /// The length of the whole, and its bytes from `from` on, which is less than that length unless both are 0.
    fn get<'a>(&'a self, key: &'a str, from: u64)
    -> BoxFuture<'a, Result<Option<(u64, Arriving)>, FarError>>;

    /// Everything whose key begins with `folder` and a slash.
    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<Lying>, FarError>>;

    /// What is absent is removed.
    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), FarError>>;

    /// Within the store. `false`: nothing lies at `from`.
    fn copy<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<bool, FarError>>;
}
