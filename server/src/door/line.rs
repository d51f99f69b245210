//! One connection, as its calls see it: where it comes from, whose calls it carried, how many of them were turned away. Travels in the extensions of every
//! request. Never here: bytes (`listen`), and what a call asks for.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use deadwax_domain::PersonId;
use tokio_util::sync::CancellationToken;

/// Calls of one connection that are turned away at the door before it is hung up on. Whoever waits as told meets a handful.
const REFUSED_MAX: u32 = 1_000;

/// How many connections each person has open.
pub struct Book {
    per_person: AtomicU32,
    open: Mutex<HashMap<PersonId, u32>>,
}

impl Book {
    pub fn new(per_person: u32) -> Arc<Self> {
        Arc::new(Self { per_person: AtomicU32::new(per_person), open: Mutex::default() })
    }

    /// From now on; who has more keeps them.
    pub fn set(&self, per_person: u32) {
        self.per_person.store(per_person, Ordering::Relaxed);
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<PersonId, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
pub struct Line(Arc<State>);

struct State {
    peer: SocketAddr,
    book: Arc<Book>,
    /// Whose calls it carries; `None` once it is closed.
    people: Mutex<Option<Vec<PersonId>>>,
    admitted: AtomicBool,
    refused: AtomicU32,
    cut: CancellationToken,
}

impl Line {
    /// `cut` hangs up on this connection alone.
    pub fn new(peer: SocketAddr, book: Arc<Book>, cut: CancellationToken) -> Self {
        Self(Arc::new(State {
            peer,
            book,
            people: Mutex::new(Some(Vec::new())),
            admitted: AtomicBool::new(false),
            refused: AtomicU32::new(0),
            cut,
        }))
    }

    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// A call of this person comes over this connection: `false` where they have too many connections open already.
    pub fn seat(&self, person: PersonId) -> bool {
        let mut people = self.0.people.lock().unwrap_or_else(PoisonError::into_inner);
        // A connection that is gone carries no more calls, and none of its last ones counts.
        let Some(people) = people.as_mut().filter(|people| !people.contains(&person)) else { return true };
        let mut open = self.0.book.open();
        let count = open.entry(person).or_default();
        if *count >= self.0.book.per_person.load(Ordering::Relaxed) {
            return false;
        }
        *count += 1;
        people.push(person);
        true
    }

    pub fn admit(&self) {
        self.0.admitted.store(true, Ordering::Relaxed);
    }

    /// Whether any call was let in yet.
    pub fn has_admitted(&self) -> bool {
        self.0.admitted.load(Ordering::Relaxed)
    }

    /// A call was turned away.
    pub fn refuse(&self) {
        if self.0.refused.fetch_add(1, Ordering::Relaxed) + 1 == REFUSED_MAX {
            tracing::warn!(address = %self.0.peer.ip(), "hung up: too many calls had to be turned away");
            self.0.cut.cancel();
        }
    }

    /// The connection is gone.
    pub fn leave(&self) {
        let people = self.0.people.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut open = self.0.book.open();
        for person in people.into_iter().flatten() {
            if let Some(count) = open.get_mut(&person) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    open.remove(&person);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(book: &Arc<Book>) -> Line {
        Line::new("192.0.2.1:1".parse().unwrap(), Arc::clone(book), CancellationToken::new())
    }

    #[test]
    fn a_person_has_so_many_connections_and_gets_them_back() {
        let book = Book::new(2);
        let (ana, bob) = (PersonId(1), PersonId(2));
        let lines = [line(&book), line(&book), line(&book)];
        assert!(
            lines[0].seat(ana) && lines[0].seat(ana) && lines[1].seat(ana),
            "calls on one line are one line"
        );
        assert!(!lines[2].seat(ana));
        assert!(lines[2].seat(bob), "others are free");
        lines[0].leave();
        assert!(lines[2].seat(ana));
        assert!(lines[0].seat(ana), "a late call of a closed line counts nowhere");
        lines[1].leave();
        lines[2].leave();
        assert!(book.open().is_empty());
    }

    #[test]
    fn whoever_is_turned_away_for_ever_is_hung_up_on() {
        let line = line(&Book::new(1));
        (0..REFUSED_MAX - 1).for_each(|_| line.refuse());
        assert!(!line.0.cut.is_cancelled());
        line.refuse();
        assert!(line.0.cut.is_cancelled());
    }
}
