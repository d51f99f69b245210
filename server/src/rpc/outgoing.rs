//! A stored file on its way to somebody, whole or a range. Never here: who may have it.

use std::sync::Arc;

use bytes::Bytes;
use deadwax_domain::{Digest, Project, ProjectId};
use deadwax_proto::v1;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tonic::Status;

use super::{
    media::CHUNK_BYTES,
    until::{Answers, until_ended},
};
use crate::{
    auth::Caller,
    blob::BlobError,
    egress::{Carried, Gift, Way, counted},
    status,
    studio::Studio,
};

/// From `offset`, at most `limit` bytes; 0: to the end.
pub struct Range {
    pub offset: u64,
    pub limit: u64,
}

/// A stored file, where it was asked for, and how that counts.
pub struct Stored {
    pub way: Way,
    pub project: ProjectId,
    pub object: u128,
    pub work: u128,
    pub digest: Digest,
}

/// The total size first, then the bytes; it ends when `may` says no.
pub async fn file(
    studio: &Arc<Studio>,
    caller: &Caller,
    (of, range): (Stored, Range),
    may: impl Fn(&Project) -> bool + Send + 'static,
) -> Result<Answers<v1::DownloadChunk>, Status> {
    let limit = (range.limit > 0).then_some(range.limit);
    let read = studio.blobs.read(of.digest, range.offset, limit).await;
    let (total_bytes, chunks) = read.map_err(status::blob)?;
    if range.offset > total_bytes {
        let text = format!("`offset` is past the end: the file has {total_bytes} bytes.");
        return Err(status::malformed(text));
    }
    let chunks = until_ended(studio, caller, of.project, may, download(total_bytes, chunks));
    given(studio, caller, of.gift(range.offset, total_bytes), chunks).await
}

impl Stored {
    pub fn gift(self, offset: u64, file_bytes: u64) -> Gift {
        let Stored { way, project, object, work, digest } = self;
        Gift { way, project, object, work, digest, offset, file_bytes }
    }
}

/// Stands in the egress book before its first byte leaves, and with what went at its end. The last that is done to an answer: what ends it early must lie within.
pub async fn given<T: Carried + 'static>(
    studio: &Studio,
    caller: &Caller,
    gift: Gift,
    answers: Answers<T>,
) -> Result<Answers<T>, Status> {
    let giving = studio.egress.begin(caller, gift).await.map_err(status::not_written)?;
    let figure = studio.metrics.egress_bytes.clone();
    let figured = answers.inspect_ok(move |answer| {
        figure.inc_by(answer.carried() as u64);
    });
    Ok(counted(giving, Box::pin(figured)))
}

/// The total size, then the bytes.
pub fn download(
    total_bytes: u64,
    read: impl Stream<Item = Result<Bytes, BlobError>>,
) -> impl Stream<Item = Result<v1::DownloadChunk, Status>> {
    let head = stream::once(async move { Ok(v1::DownloadChunk { total_bytes, data: Bytes::new() }) });
    head.chain(body(read, |data| v1::DownloadChunk { total_bytes: 0, data }))
}

/// What the store reads, in chunks of the wire, each put into its message.
pub fn body<M>(
    read: impl Stream<Item = Result<Bytes, BlobError>>,
    message: impl Fn(Bytes) -> M + Copy,
) -> impl Stream<Item = Result<M, Status>> {
    read.flat_map(move |chunk| stream::iter(pieces(chunk.map_err(status::blob), message)))
}

/// Slices of the same memory: nothing is copied.
fn pieces<M>(chunk: Result<Bytes, Status>, message: impl Fn(Bytes) -> M) -> Vec<Result<M, Status>> {
    let mut chunk = match chunk {
        Ok(chunk) => chunk,
        Err(status) => return vec![Err(status)],
    };
    let mut pieces = Vec::with_capacity(chunk.len().div_ceil(CHUNK_BYTES));
    while !chunk.is_empty() {
        pieces.push(Ok(message(chunk.split_to(chunk.len().min(CHUNK_BYTES)))));
    }
    pieces
}
