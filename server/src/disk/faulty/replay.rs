//! A disk after each of the changes that were written down, one after the other: what a crash at that moment leaves behind. Never here: how it is lost.

use super::{FaultyDisk, state::State};

/// Stands before the first change that was recorded.
pub struct Replay {
    state: State,
    done: usize,
}

impl Replay {
    pub(super) fn from(state: State) -> Self {
        Self { state, done: 0 }
    }

    /// How many changes were made.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Makes the next change that `disk` has written down; `false` where there is none.
    pub fn step(&mut self, disk: &FaultyDisk) -> bool {
        let next = disk.lock().log.as_ref().and_then(|log| log.get(self.done).cloned());
        let Some(change) = next else { return false };
        self.state.apply(change);
        self.done += 1;
        true
    }

    /// The disk as it is now; what becomes of it does not come back here.
    pub fn disk(&self) -> FaultyDisk {
        FaultyDisk::of(self.state.clone())
    }
}
