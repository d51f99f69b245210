//! Which copies lie in the studio folder while the audio itself lies far, and which of them leaves next: the one that was not used for longest. What was lent
//! to a child stays for as long as the longest child may work. Never here: bytes.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use deadwax_domain::Digest;

/// A path that was given to a child is good for so long.
pub(super) const LENT: Duration = Duration::from_secs(6 * 3600);

pub(super) struct Shelf {
    most: u64,
    lying: Mutex<Copies>,
}

#[derive(Default)]
struct Copies {
    by_digest: HashMap<Digest, Copy>,
    lent: HashMap<Digest, Instant>,
    bytes: u64,
    uses: u64,
}

struct Copy {
    bytes: u64,
    used: u64,
}

impl Shelf {
    pub(super) fn new(most: u64) -> Self {
        Self { most, lying: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Copies> {
        self.lying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It lies here now.
    pub(super) fn put(&self, digest: Digest, bytes: u64) {
        let mut lying = self.lock();
        lying.uses += 1;
        let used = lying.uses;
        let before = lying.by_digest.insert(digest, Copy { bytes, used }).map_or(0, |copy| copy.bytes);
        lying.bytes = lying.bytes + bytes - before;
    }

    pub(super) fn used(&self, digest: Digest) {
        let mut lying = self.lock();
        lying.uses += 1;
        let used = lying.uses;
        if let Some(copy) = lying.by_digest.get_mut(&digest) {
            copy.used = used;
        }
    }

    /// Somebody will open it by its path.
    pub(super) fn lend(&self, digest: Digest) {
        self.used(digest);
        let mut lying = self.lock();
        lying.lent.retain(|_, until| *until > Instant::now());
        lying.lent.insert(digest, Instant::now() + LENT);
    }

    /// The one that leaves next, with its length, where copies take more than they may; `more`: bytes that shall come.
    pub(super) fn too_many(&self, more: u64) -> Option<(Digest, u64)> {
        let lying = self.lock();
        if lying.bytes.saturating_add(more) <= self.most {
            return None;
        }
        lying.oldest()
    }

    /// The one that leaves next, whatever they may take. Without a limit none does: they are no copies then, but brought to stay.
    pub(super) fn oldest(&self) -> Option<(Digest, u64)> {
        if self.most == u64::MAX {
            return None;
        }
        self.lock().oldest()
    }

    /// Takes it away by `remove`, unless it was lent meanwhile: whoever is told of its path finds it, or finds that it is gone before.
    pub(super) fn leave<E>(&self, digest: Digest, remove: impl FnOnce() -> Result<(), E>) -> Result<bool, E> {
        let mut lying = self.lock();
        if lying.is_lent(digest) {
            return Ok(false);
        }
        remove()?;
        let bytes = lying.by_digest.remove(&digest).map_or(0, |copy| copy.bytes);
        lying.bytes -= bytes;
        Ok(true)
    }

    /// It does not lie here any more.
    pub(super) fn gone(&self, digest: Digest) {
        let mut lying = self.lock();
        let bytes = lying.by_digest.remove(&digest).map_or(0, |copy| copy.bytes);
        lying.bytes -= bytes;
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.lock().bytes
    }
}

impl Copies {
    fn is_lent(&self, digest: Digest) -> bool {
        self.lent.get(&digest).is_some_and(|until| *until > Instant::now())
    }

    fn oldest(&self) -> Option<(Digest, u64)> {
        let free = self.by_digest.iter().filter(|(digest, _)| !self.is_lent(**digest));
        free.min_by_key(|(_, copy)| copy.used).map(|(digest, copy)| (*digest, copy.bytes))
    }
}
