//! What other servers write to the studio's stream: sessions that begin and end, people who come and go. Folded soon after, so that an ended session is ended
//! everywhere within a second. Never here: how a store hears of others.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures::StreamExt as _;

use super::People;
use crate::store::STUDIO;

/// Before a stream that could not be read is tried again.
const PAUSE: Duration = Duration::from_millis(250);

impl People {
    /// Begins to fold what others write, where there can be others; ends with the last holder of `self`.
    pub(super) fn follow(self: &Arc<Self>) {
        let Some(mut changes) = self.store.changes() else { return };
        let people = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some((stream, head)) = changes.next().await {
                if stream == STUDIO && !reach(&people, head).await {
                    return;
                }
            }
        });
    }
}

/// Answers whether anybody is still there to follow.
async fn reach(people: &Weak<People>, head: u64) -> bool {
    let mut told = false;
    loop {
        {
            let Some(people) = people.upgrade() else { return false };
            if people.state().seq >= head {
                return true;
            }
            let _writing = people.writing.lock().await;
            match people.catch_up().await {
                Ok(()) => return true,
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::warn!(%error, "what another server wrote of people could not be read; tried again");
                }
                Err(_) => {}
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
