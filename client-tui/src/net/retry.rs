//! Waiting before the next try: doubling, bounded, with jitter, so that a restarted server is not met by all its clients at once.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

use super::NetError;

const FIRST_MS: u64 = 200;
const LONGEST_MS: u64 = 15_000;

#[derive(Clone, Debug, Default)]
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// How long to wait now: between half and the whole of 0.2 s, 0.4 s, ... 15 s.
    pub fn next_wait(&mut self) -> Duration {
        let whole = FIRST_MS.saturating_mul(1 << self.tries.min(10)).min(LONGEST_MS);
        self.tries = self.tries.saturating_add(1);
        // std seeds every RandomState from the system: good enough to spread clients, and no further dependency.
        let random = RandomState::new().build_hasher().finish();
        Duration::from_millis(whole / 2 + random % (whole / 2 + 1))
    }

    /// As [`Backoff::next_wait`], and at least as long as the server asked for.
    pub fn wait_after(&mut self, error: &NetError) -> Duration {
        let own = self.next_wait();
        if let NetError::Busy { wait, .. } = error { own.max(*wait) } else { own }
    }

    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// After a success the next wait is short again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_differ() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..40).map(|_| backoff.next_wait().as_millis() as u64).collect();
        assert!((100..=200).contains(&waits[0]));
        assert!(waits.iter().all(|w| *w <= LONGEST_MS));
        assert!(waits[20..].iter().all(|w| *w >= LONGEST_MS / 2));
        assert!(waits[20..].windows(2).any(|w| w[0] != w[1]), "no jitter");
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(FIRST_MS));
    }
}
