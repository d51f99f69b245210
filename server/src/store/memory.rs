//! A store that forgets at exit: for tests and trials. It keeps the contract of `Store` except that nothing is durable.
//! It must never hold a rule that the embedded store does not hold; the conformance suite runs on both.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use sha2::{Digest as _, Sha256};

use super::{Append, AppendError, Appended, Entry, Mark, ReadError, Store, StreamId};
use crate::disk::Drive;

#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    drive: Drive,
}

#[derive(Default)]
struct State {
    streams: BTreeMap<StreamId, Vec<Stored>>,
    claims: HashSet<Bytes>,
    commands: HashMap<u128, (Appended, [u8; 32])>,
    desk: BTreeMap<(u128, Bytes), Bytes>,
}

struct Stored {
    payload: Option<Bytes>,
    sha256: [u8; 32],
}

impl Stored {
    fn of(payload: Bytes) -> Self {
        Self { sha256: Sha256::digest(&payload).into(), payload: Some(payload) }
    }
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on nothing is acknowledged, as after a failed disk. Reads go on.
    pub fn fail(&self, reason: impl Into<String>) {
        self.drive.latch().fall(reason);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is applied whole after its checks, so a poisoned lock still guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn head(&self, stream: StreamId) -> u64 {
        self.streams.get(&stream).map_or(0, |entries| entries.len() as u64)
    }

    fn append(&mut self, append: Append, drive: &Drive) -> Result<Appended, AppendError> {
        append.check_sizes()?;
        if let Some((done, request)) = self.commands.get(&append.command.id) {
            if *request != append.command.request_sha256 {
                return Err(AppendError::CommandReused(append.command.id));
            }
            return Ok(Appended { repeated: true, ..*done });
        }
        writable(drive)?;
        let head = self.head(append.stream);
        if head != append.expected {
            return Err(AppendError::Conflict { expected: append.expected, head });
        }
        let mut fresh = HashSet::new();
        for (at, claim) in append.claims.iter().enumerate() {
            if self.claims.contains(claim) || !fresh.insert(claim.clone()) {
                return Err(AppendError::ClaimTaken(at));
            }
        }
        let last_seq = head + append.entries.len() as u64;
        let done = Appended { stream: append.stream, first_seq: head + 1, last_seq, repeated: false };
        if !append.entries.is_empty() {
            self.streams.entry(append.stream).or_default().extend(append.entries.into_iter().map(Stored::of));
        }
        self.claims.extend(fresh);
        self.commands.insert(append.command.id, (done, append.command.request_sha256));
        for change in append.desk {
            let key = (change.owner, change.key);
            match change.row {
                Some(row) => self.desk.insert(key, row),
                None => self.desk.remove(&key),
            };
        }
        Ok(done)
    }

    fn redact(&mut self, stream: StreamId, seq: u64, drive: &Drive) -> Result<(), AppendError> {
        writable(drive)?;
        let head = self.head(stream);
        if seq == 0 || seq > head {
            return Err(AppendError::Conflict { expected: seq, head });
        }
        if let Some(entries) = self.streams.get_mut(&stream) {
            entries[seq as usize - 1].payload = None;
        }
        Ok(())
    }

    fn marks(&self, stream: StreamId, after: u64, limit: usize) -> Vec<Mark> {
        let Some(entries) = self.streams.get(&stream) else { return Vec::new() };
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let numbered = (1u64..).zip(entries).skip(skip).take(limit);
        numbered.map(|(seq, stored)| Mark { seq, sha256: stored.sha256 }).collect()
    }

    fn read(&self, stream: StreamId, after: u64, limit: usize) -> Vec<Entry> {
        let Some(entries) = self.streams.get(&stream) else { return Vec::new() };
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let numbered = (1u64..).zip(entries).skip(skip).take(limit);
        numbered.map(|(seq, stored)| Entry { seq, payload: stored.payload.clone() }).collect()
    }
}

fn writable(drive: &Drive) -> Result<(), AppendError> {
    drive.latch().check().map_err(|stopped| AppendError::ReadOnly(stopped.0.to_string()))
}

impl Store for MemoryStore {
    fn read(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, ReadError>> {
        async move { Ok(self.lock().read(stream, after, limit)) }.boxed()
    }

    fn marks(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Mark>, ReadError>> {
        async move { Ok(self.lock().marks(stream, after, limit)) }.boxed()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move { self.lock().append(append, &self.drive) }.boxed()
    }

    fn command(&self, id: u128) -> BoxFuture<'_, Result<Option<(Appended, [u8; 32])>, ReadError>> {
        async move { Ok(self.lock().commands.get(&id).copied()) }.boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>> {
        async move {
            let state = self.lock();
            Ok(state.streams.iter().map(|(stream, entries)| (*stream, entries.len() as u64)).collect())
        }
        .boxed()
    }

    fn desk(&self, owner: u128) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, ReadError>> {
        async move {
            let state = self.lock();
            let from = (owner, Bytes::new());
            let mine = state.desk.range(from..).take_while(|((of, _), _)| *of == owner);
            Ok(mine.map(|((_, key), row)| (key.clone(), row.clone())).collect())
        }
        .boxed()
    }

    fn redact(&self, stream: StreamId, seq: u64) -> BoxFuture<'_, Result<(), AppendError>> {
        async move { self.lock().redact(stream, seq, &self.drive) }.boxed()
    }

    fn drive(&self) -> &Drive {
        &self.drive
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::conformance::{Engine, append};

    struct Memory(Arc<MemoryStore>);

    impl Engine for Memory {
        fn fresh() -> Self {
            Self(Arc::new(MemoryStore::new()))
        }
        fn store(&mut self) -> Arc<dyn Store> {
            self.0.clone()
        }
    }

    crate::store::conformance::suite!(Memory);

    #[tokio::test]
    async fn a_failed_memory_store_refuses_and_still_reads() {
        let store = MemoryStore::new();
        store.append(append(1, 0, 1, &["a"])).await.unwrap();
        store.fail("test");
        assert!(matches!(store.append(append(1, 1, 2, &["b"])).await, Err(AppendError::ReadOnly(_))));
        assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 1);
        assert_eq!(store.read_only().as_deref(), Some("test"));
    }
}
