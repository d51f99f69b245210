//! One latch for a process: it falls at the first sync that fails, and from then on nothing that was written is acknowledged. Linux calls pages of a failed
//! sync clean and a second sync succeeds without them, so only a restart, which reads what the disk has, can be believed. Never here: who is told, and how.

use std::{io, sync::Arc};

use tokio::sync::watch;

use super::Site;

/// Clones are the same latch. It never rises again.
#[derive(Clone)]
pub struct Latch {
    fallen: Arc<watch::Sender<Option<Arc<str>>>>,
}

/// Why a write was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this server stopped writing after its disk failed; restart it ({0})")]
pub struct Stopped(pub Arc<str>);

impl Default for Latch {
    fn default() -> Self {
        Self { fallen: Arc::new(watch::Sender::new(None)) }
    }
}

impl Latch {
    /// From now on nothing is acknowledged. The first reason stays and is told once.
    pub fn fall(&self, reason: impl Into<String>) -> Stopped {
        let reason: Arc<str> = reason.into().into();
        let first = self.fallen.send_if_modified(|fallen| {
            let first = fallen.is_none();
            fallen.get_or_insert_with(|| reason.clone());
            first
        });
        if first {
            tracing::error!(%reason, "the disk failed: nothing is written any more until the server is restarted");
        }
        Stopped(self.reason().unwrap_or(reason))
    }

    pub fn reason(&self) -> Option<Arc<str>> {
        self.fallen.borrow().clone()
    }

    pub fn check(&self) -> Result<(), Stopped> {
        self.reason().map_or(Ok(()), |reason| Err(Stopped(reason)))
    }

    /// Changes once, when it falls.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.fallen.subscribe()
    }

    /// Waits until it falls.
    pub async fn fallen(&self) -> Stopped {
        let mut watch = self.watch();
        loop {
            if let Some(reason) = watch.borrow_and_update().clone() {
                return Stopped(reason);
            }
            if watch.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn failed(&self, site: Site, error: &io::Error) -> io::Error {
        self.fall(format!("{site}: {error}")).into()
    }
}

impl From<Stopped> for io::Error {
    fn from(stopped: Stopped) -> Self {
        Self::new(io::ErrorKind::ReadOnlyFilesystem, stopped)
    }
}

impl Stopped {
    /// Whether an error of the drive means that the latch has fallen.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_falls_once_and_keeps_its_first_reason() {
        let latch = Latch::default();
        let waiting = tokio::spawn({
            let latch = latch.clone();
            async move { latch.fallen().await }
        });
        assert_eq!(latch.check(), Ok(()));
        latch.fall("one");
        assert_eq!(latch.fall("two"), Stopped("one".into()));
        assert_eq!(waiting.await.unwrap(), Stopped("one".into()));
        let error = io::Error::from(latch.check().unwrap_err());
        assert_eq!(Stopped::of(&error), Some(&Stopped("one".into())));
        assert_eq!(Stopped::of(&io::Error::other("else")), None);
    }
}
