//! What other servers append to the same store: folded soon after, so that watchers here see it, and looked for before a no is given. Never here: rules, and
//! how a store hears of others.

use std::{sync::Arc, time::Duration};

use deadwax_domain::ProjectId;
use futures::{StreamExt as _, stream::BoxStream};
use tokio_util::task::AbortOnDropHandle;

use super::{Inner, LedgerError, lock, stream::Stream};
use crate::store::{STUDIO, StreamId};

/// Streams that are folded at the same time.
const AT_ONCE: usize = 8;
/// Before a stream that could not be read is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long somebody who looks waits for the newest of other servers.
const LOOK: Duration = Duration::from_secs(1);

/// Between two tries of who was slower than other servers: longer with each, and never the same, so that those who met do not meet again.
pub(super) fn rest(attempt: u32) -> Duration {
    let dice = getrandom::u32().map_or(0.5, |dice| f64::from(dice) / f64::from(u32::MAX));
    Duration::from_millis(u64::from(attempt.min(20))).mul_f64(dice)
}

/// Folds what it is told of until the handle is dropped.
pub(super) fn follow(
    inner: Arc<Inner>,
    changes: BoxStream<'static, (StreamId, u64)>,
) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let projects = changes.filter(|(stream, _)| std::future::ready(*stream != STUDIO));
        projects.for_each_concurrent(AT_ONCE, |(stream, head)| inner.reach(ProjectId(stream.0), head)).await;
    }))
}

impl Inner {
    /// Folds a project up to `head` at least, however long the store is away.
    async fn reach(&self, id: ProjectId, head: u64) {
        let mut told = false;
        loop {
            if self.existing(id).is_some_and(|stream| stream.folded().snapshot.seq >= head) {
                return;
            }
            match self.fold_in(id).await {
                // Below what was told: the store says itself what that means.
                Ok(_) => return,
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, project = ?id, "what another server appended could not be read; tried again");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn fold_in(&self, id: ProjectId) -> Result<Arc<Stream>, LedgerError> {
        let stream = self.stream(id);
        {
            let _folding = stream.writing.lock().await;
            self.catch_up(&stream).await?;
        }
        Ok(stream)
    }

    /// The stream of a project; where others write, one that this server has not heard of yet is looked for.
    pub(super) async fn found(&self, id: ProjectId) -> Result<Option<Arc<Stream>>, LedgerError> {
        let known = self.existing(id);
        if known.is_some() || !self.shared || self.events(id, 0, 1).await?.is_empty() {
            return Ok(known);
        }
        self.fold_in(id).await.map(Some)
    }

    /// Folds what others were told is done, so that whoever asks one server after another sees no step back.
    pub(super) async fn refresh(&self, stream: &Arc<Stream>) {
        let away = self.store.away().is_some_and(|away| *away.borrow());
        if !self.shared || away {
            return;
        }
        let fresh = async {
            let Ok(head) = self.store.head(StreamId(stream.id.0)).await else { return };
            if stream.folded().snapshot.seq >= head {
                return;
            }
            // By whoever is quicker: a writer here who has just appended, the follower, or this.
            let mut folded = stream.head.subscribe();
            tokio::select! {
                _seen = folded.wait_for(|seq| *seq >= head) => {}
                _folded = self.fold_in(stream.id) => {}
            }
        };
        // A store that does not answer holds up nobody who looks.
        let _known_counts = tokio::time::timeout(LOOK, fresh).await;
    }

    /// As [`refresh`](Self::refresh), for whoever asks over all projects: one that another server made a moment ago is among them.
    pub(super) async fn refresh_all(&self) {
        let away = self.store.away().is_some_and(|away| *away.borrow());
        if !self.shared || away {
            return;
        }
        let fresh = async {
            let Ok(heads) = self.store.lately().await else { return };
            let behind = heads.into_iter().filter(|(stream, head)| {
                let known = self.existing(ProjectId(stream.0));
                *stream != STUDIO && known.is_none_or(|known| known.folded().snapshot.seq < *head)
            });
            let fold = |(stream, _): (StreamId, u64)| async move {
                let _as_known = self.fold_in(ProjectId(stream.0)).await;
            };
            futures::stream::iter(behind).for_each_concurrent(AT_ONCE, fold).await;
        };
        let _known_counts = tokio::time::timeout(LOOK, fresh).await;
    }

    /// Whether others have appended since the newest fold, which is then newer. Called with `stream.writing` held.
    pub(super) async fn moved_on(&self, stream: &Stream) -> Result<bool, LedgerError> {
        if !self.shared {
            return Ok(false);
        }
        let before = stream.folded().snapshot.seq;
        self.catch_up(stream).await?;
        Ok(stream.folded().snapshot.seq != before)
    }

    /// A stream that nobody writes to any more and that has no facts goes.
    pub(super) fn forget_empty(&self, id: ProjectId, stream: &Arc<Stream>) {
        // Streams are cloned under this lock only: two holders are the map and the caller.
        let mut streams = lock(&self.streams);
        let ours = streams.get(&id).is_some_and(|kept| Arc::ptr_eq(kept, stream));
        if ours && Arc::strong_count(stream) == 2 && stream.folded().snapshot.seq == 0 {
            streams.remove(&id);
        }
    }
}
