//! So many at once, then so many a second, for each key. Time is `Instant`: a clock that is set does not open or close the door. Never here: whose key it is.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Keys remembered at most. One that has used up nothing is not remembered at all, so only a crowd within a few seconds comes near.
const KEYS_MAX: usize = 16_384;

/// A token bucket for each key, kept as one moment: when the bucket will be full again (the generic cell rate algorithm).
pub struct Rate<Key> {
    pace: Mutex<Pace>,
    full_at: Mutex<HashMap<Key, Instant>>,
}

#[derive(Clone, Copy)]
struct Pace {
    /// What one costs.
    step: Duration,
    /// What fits into a bucket.
    room: Duration,
}

impl Pace {
    fn of(per_s: u32, burst: u32) -> Self {
        let step = Duration::from_secs(1) / per_s.max(1);
        Self { step, room: step * burst.max(1) }
    }
}

impl<Key: Eq + Hash> Rate<Key> {
    pub fn new(per_s: u32, burst: u32) -> Self {
        Self { pace: Mutex::new(Pace::of(per_s, burst)), full_at: Mutex::default() }
    }

    /// From now on. What was used stays used.
    pub fn set(&self, per_s: u32, burst: u32) {
        *self.pace.lock().unwrap_or_else(PoisonError::into_inner) = Pace::of(per_s, burst);
    }

    /// Takes one, or tells how long to wait for it.
    pub fn take(&self, key: Key, now: Instant) -> Result<(), Duration> {
        let Pace { step, room } = *self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= KEYS_MAX && !full_at.contains_key(&key) {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= KEYS_MAX {
                return Err(room);
            }
        }
        let at = full_at.get(&key).map_or(now, |at| (*at).max(now));
        let used = at.duration_since(now) + step;
        if used > room {
            return Err(used - room);
        }
        full_at.insert(key, at + step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_pace_and_neighbours_are_free() {
        let rate = Rate::new(50, 200);
        let start = Instant::now();
        assert_eq!((0..200).filter(|_| rate.take('a', start).is_ok()).count(), 200);
        assert_eq!(rate.take('a', start), Err(Duration::from_millis(20)));
        assert_eq!(rate.take('b', start), Ok(()), "a neighbour has a bucket of its own");
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| rate.take('a', later).is_ok()).count(), 50);
        let rested = later + Duration::from_secs(60);
        assert_eq!((0..300).filter(|_| rate.take('a', rested).is_ok()).count(), 200, "no more than a burst");
    }

    #[test]
    fn another_pace_counts_at_once_and_forgives_nothing() {
        let rate = Rate::new(1, 10);
        let start = Instant::now();
        assert_eq!((0..20).filter(|_| rate.take('a', start).is_ok()).count(), 10);
        rate.set(1, 12);
        assert_eq!((0..20).filter(|_| rate.take('a', start).is_ok()).count(), 2);
        rate.set(1, 3);
        assert!(rate.take('a', start).is_err() && rate.take('b', start).is_ok());
    }

    #[test]
    fn whoever_waits_as_told_is_let_in() {
        let rate = Rate::new(7, 3);
        let mut now = Instant::now();
        for _ in 0..100 {
            if let Err(wait) = rate.take(1, now) {
                now += wait;
                assert_eq!(rate.take(1, now), Ok(()));
            }
        }
    }

    #[test]
    fn a_crowd_is_bounded_and_forgotten() {
        let rate = Rate::new(1, 1);
        let start = Instant::now();
        for key in 0..KEYS_MAX {
            assert_eq!(rate.take(key, start), Ok(()));
        }
        assert!(rate.take(KEYS_MAX, start).is_err());
        assert_eq!(rate.take(KEYS_MAX, start + Duration::from_secs(2)), Ok(()));
        assert_eq!(rate.full_at.lock().unwrap().len(), 1);
    }
}
