//! What other servers write to the studio's stream: sessions that begin and end, people who come and go. Folded soon after, so that an ended session is ended
//! everywhere within a second. Never here: how a store hears of others.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;

use super::{
    AuthError, Caller, People,
    secret::{self, Kind},
};
use crate::store::{ReadError, STUDIO};

/// Before a stream that could not be read is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// Uses of sessions that are told to the others: longer ago than this they were told before.
const USES_MS: i64 = 600_000;

/// One look at the store for all who ask while it is on its way: whoever sends tokens that nobody gave costs one read at a time.
#[derive(Default)]
pub(super) struct Looking {
    asked: AtomicU64,
    looked: tokio::sync::Mutex<Looked>,
}

/// Up to which question the last looks answered, and up to which they could not, and why: nobody waits for a second try after others waited for the first.
#[derive(Default)]
struct Looked {
    answered: u64,
    failed: u64,
    why: String,
}

impl People {
    /// Folds what others wrote up to now, where there can be others.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    pub async fn look(&self) -> Result<(), AuthError> {
        if !self.shared {
            return Ok(());
        }
        let away = |why: String| Err(AuthError::Read(ReadError::Unavailable(why)));
        if self.store.away().is_some_and(|away| *away.borrow()) {
            return away("the database does not answer".into());
        }
        let mine = self.looking.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut looked = self.looking.looked.lock().await;
        if looked.answered >= mine {
            return Ok(());
        }
        if looked.failed >= mine {
            return away(looked.why.clone());
        }
        let all = self.looking.asked.load(Ordering::Relaxed);
        match self.catch_up().await {
            Ok(()) => looked.answered = all,
            Err(error) => {
                (looked.failed, looked.why) = (all, error.to_string());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Tells the other servers when sessions were last used here, and hears of them: a session that is used anywhere does not end for want of use. The server
    /// calls it every minute.
    pub async fn share_uses(&self) {
        let Some(neighbours) = self.store.neighbours() else { return };
        let mine = self.state().uses(self.clock.now_ms().saturating_sub(USES_MS));
        match neighbours.used(mine).await {
            Ok(uses) => self.state().note_uses(&uses),
            Err(error) => tracing::debug!(%error, "when sessions were last used could not be shared"),
        }
    }

    /// Whether everything that other servers ended is known here, as of `trust` ago.
    pub fn is_sure(&self, trust: Duration) -> bool {
        let heard = self.store.heard(STUDIO);
        heard.is_none_or(|heard| heard.ago <= trust && self.state().seq >= heard.head)
    }

    /// Whether another server may have given this token a moment ago.
    pub fn may_be_new(&self, token: &str) -> bool {
        self.shared && secret::read(Kind::Session, token).is_some()
    }

    /// As [`People::caller`], after a look at what others wrote.
    ///
    /// # Errors
    /// Where the store cannot be asked: nobody is told that their session ended because a database is away.
    pub async fn caller_anew(&self, token: &str) -> Result<Option<Caller>, AuthError> {
        self.look().await?;
        Ok(self.caller(token))
    }

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
