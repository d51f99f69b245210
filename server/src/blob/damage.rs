//! What is known to be damaged of what is stored: told once in the log, kept in memory until it is whole again or the server restarts, and watched by the
//! health service. Reading goes on for everything else. Never here: what is done about it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use deadwax_domain::Digest;
use tokio::sync::watch;

/// What an operator does next.
const NEXT: &str =
    "nothing of it is sent; run deadwax-server verify on the stopped server, and restore it from a backup";

const NEXT_OF_BOOK: &str =
    "keep the file as it is and find out who could write to it; the copy in the last backup is whole";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Audio(Digest),
    /// Entries of the journal, of this stream.
    Stream(u128),
    /// The egress book.
    Book,
}

#[derive(Debug)]
pub struct Damage {
    known: Mutex<BTreeMap<Thing, String>>,
    count: watch::Sender<usize>,
}

impl Default for Damage {
    fn default() -> Self {
        Self { known: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Damage {
    pub fn tell(&self, thing: Thing, what: &str) {
        let mut known = self.lock();
        if known.insert(thing, what.to_owned()).is_none() {
            match thing {
                Thing::Audio(digest) => {
                    tracing::error!(%digest, what, next = NEXT, "stored bytes are damaged");
                }
                Thing::Stream(stream) => {
                    tracing::error!(stream = %format_args!("{stream:032x}"), what, next = NEXT, "the journal is damaged");
                }
                Thing::Book => tracing::error!(what, next = NEXT_OF_BOOK, "the egress book is damaged"),
            }
            self.count.send_replace(known.len());
        }
    }

    pub fn healed(&self, thing: Thing) {
        let mut known = self.lock();
        if known.remove(&thing).is_some() {
            if let Thing::Audio(digest) = thing {
                tracing::info!(%digest, "stored bytes that were damaged are whole again");
            }
            self.count.send_replace(known.len());
        }
    }

    pub fn list(&self) -> Vec<(Thing, String)> {
        self.lock().iter().map(|(thing, what)| (*thing, what.clone())).collect()
    }

    /// How many there are, now and after each change.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Thing, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_known_until_it_is_whole() {
        let (damage, one) = (Damage::default(), Thing::Audio(Digest([1; 32])));
        let watch = damage.watch();
        damage.tell(one, "piece 3");
        damage.tell(one, "piece 3");
        damage.tell(Thing::Stream(7), "entry 9");
        assert_eq!((damage.list().len(), *watch.borrow()), (2, 2));
        damage.healed(one);
        assert_eq!(damage.list(), [(Thing::Stream(7), "entry 9".to_owned())]);
        assert_eq!(*watch.borrow(), 1);
    }
}
