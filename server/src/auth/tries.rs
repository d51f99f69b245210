//! Wrong tries, in the memory of this process: how many there may be before somebody waits. A try is counted before the work that it costs, and given back where nothing was
//! guessed: a thousand that come at once are no more than the few that may come at all. Never here: what is right; and never a lock, nor one key for an account: whoever holds a machine or a
//! session of their own is not slowed by what others try.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use deadwax_domain::PersonId;

/// Keys remembered at most; beyond it the oldest are forgotten.
const KEYS_MAX: usize = 16_384;

/// How somebody comes who has still to show a passphrase. Each way into an account is counted for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// With a code: all codes of a person together.
    Codes(PersonId),
    /// With a machine's key, which it has shown.
    Machine([u8; 32]),
    /// Signed in, and about to choose another passphrase.
    Session(u128),
    /// With the secret of a link that has a password.
    Link(u128),
}

/// One IPv6 customer has a /64 of addresses: they count as one.
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[derive(Default)]
struct Counted {
    /// When each wrong one was begun, oldest first.
    wrong: Vec<Instant>,
    /// Those whose answer is not known yet.
    open: usize,
}

pub struct Tries<Key> {
    most: usize,
    window: Duration,
    counted: Mutex<HashMap<Key, Counted>>,
}

/// One try that was counted. It stays counted unless it is given back, also where whoever made it went away.
#[must_use = "a try that is dropped was a wrong one"]
pub struct Try<'a, Key: Eq + Hash + Copy> {
    tries: &'a Tries<Key>,
    key: Key,
    begun: Instant,
    wrong: bool,
}

impl<Key: Eq + Hash + Copy> Tries<Key> {
    pub fn new(most: usize, window: Duration) -> Self {
        Self { most, window, counted: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more.
    ///
    /// # Errors
    /// Seconds to wait, where there were too many.
    pub fn take(&self, key: Key, now: Instant) -> Result<Try<'_, Key>, u64> {
        let mut counted = self.lock();
        if counted.len() >= KEYS_MAX && !counted.contains_key(&key) {
            self.forget(&mut counted, now);
        }
        let here = counted.entry(key).or_default();
        here.wrong.retain(|at| now.duration_since(*at) < self.window);
        if here.wrong.len() >= self.most {
            let first = here.wrong.first().map_or(Duration::ZERO, |first| now.duration_since(*first));
            return Err(self.window.saturating_sub(first).as_secs().max(1));
        }
        if here.wrong.len() + here.open >= self.most {
            // Others are being looked at; soon it is known what they were.
            return Err(1);
        }
        here.open += 1;
        Ok(Try { tries: self, key, begun: now, wrong: true })
    }

    /// Makes room: whatever is over, else what was quiet longest. Never one that is being looked at.
    fn forget(&self, counted: &mut HashMap<Key, Counted>, now: Instant) {
        let lately =
            |here: &Counted| here.wrong.last().is_some_and(|at| now.duration_since(*at) < self.window);
        counted.retain(|_, here| here.open > 0 || lately(here));
        if counted.len() >= KEYS_MAX {
            let quiet = counted.iter().filter(|(_, here)| here.open == 0);
            let oldest = quiet.min_by_key(|(_, here)| here.wrong.last().copied()).map(|(key, _)| *key);
            oldest.map(|key| counted.remove(&key));
        }
    }
}

impl<Key: Eq + Hash + Copy> Try<'_, Key> {
    /// It was no guess.
    pub fn give_back(mut self) {
        self.wrong = false;
    }
}

impl<Key: Eq + Hash + Copy> Drop for Try<'_, Key> {
    fn drop(&mut self) {
        let mut counted = self.tries.lock();
        let Some(here) = counted.get_mut(&self.key) else { return };
        here.open = here.open.saturating_sub(1);
        if self.wrong {
            here.wrong.push(self.begun);
            here.wrong.sort_unstable();
        } else if here.open == 0 && here.wrong.is_empty() {
            counted.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Duration = Duration::from_secs(900);

    #[test]
    fn ten_wrong_ones_close_one_way_for_a_while() {
        let tries = Tries::new(10, QUARTER);
        let start = Instant::now();
        for n in 0..10 {
            drop(tries.take(1, start).unwrap_or_else(|_| panic!("try {n}")));
        }
        assert_eq!(tries.take(1, start).err(), Some(900));
        assert_eq!(tries.take(1, start + QUARTER / 3).err(), Some(600));
        assert!(tries.take(2, start).is_ok(), "a neighbour is free");
        assert!(tries.take(1, start + QUARTER).is_ok());
    }

    #[test]
    fn those_that_come_at_once_are_counted_before_anything_is_known_of_them() {
        let tries = Tries::new(10, QUARTER);
        let now = Instant::now();
        let open: Vec<_> = (0..100).map_while(|_| tries.take(1, now).ok()).collect();
        assert_eq!(open.len(), 10);
        assert_eq!(tries.take(1, now).err(), Some(1), "soon it is known what they were");
        open.into_iter().for_each(Try::give_back);
        assert!(tries.lock().is_empty(), "what was right is not remembered");
        let open: Vec<_> = (0..100).map_while(|_| tries.take(1, now).ok()).collect();
        drop(open);
        assert_eq!(tries.take(1, now).err(), Some(900));
    }

    #[test]
    fn a_crowd_takes_a_bounded_memory_and_frees_nobody_who_is_being_looked_at() {
        let tries = Tries::new(2, QUARTER);
        let start = Instant::now();
        let open = tries.take(0, start).unwrap_or_else(|_| panic!("the first"));
        for key in 1..=KEYS_MAX + 100 {
            drop(tries.take(key, start + Duration::from_millis(key as u64)));
        }
        assert!(tries.lock().len() <= KEYS_MAX);
        assert_eq!(tries.lock().get(&0).map(|here| here.open), Some(1));
        drop(open);
        assert_eq!(tries.lock().get(&0).map(|here| here.wrong.len()), Some(1));
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let of = |text: &str| customer(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }
}
