//! How many changes are worked on at the same time, of all people together. What comes beyond that is turned away at the door while it costs next to nothing:
//! a studio that is asked for more than it can write stays as quick as it was for those who are in, and is well again as soon as the crowd is. Never here: how
//! often one person may call (`rates`).

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What is told to whoever is turned away: about as long as a full house takes.
pub const WAIT: Duration = Duration::from_millis(500);

/// The call that ends with a sync of the disk; what only reads is bounded by the streams of a connection.
const PERFORM: &str = "/deadwax.v1.Projects/Perform";

#[derive(Debug)]
pub struct Crowd {
    most: AtomicUsize,
    inside: AtomicUsize,
}

/// The place of one call; free again when this is dropped.
#[derive(Debug)]
pub struct Seat(Arc<Crowd>);

/// No place was free.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Crowd {
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most: AtomicUsize::new(most as usize), inside: AtomicUsize::new(0) })
    }

    /// From now on; who is in stays in.
    pub fn set(&self, most: u32) {
        self.most.store(most as usize, Ordering::Relaxed);
    }

    /// `None` for calls that need none.
    ///
    /// # Errors
    /// [`Full`] where as many are worked on already as may be.
    pub fn enter(self: &Arc<Self>, path: &str) -> Result<Option<Seat>, Full> {
        if path != PERFORM {
            return Ok(None);
        }
        if self.inside.fetch_add(1, Ordering::Relaxed) >= self.most.load(Ordering::Relaxed) {
            self.inside.fetch_sub(1, Ordering::Relaxed);
            return Err(Full);
        }
        Ok(Some(Seat(Arc::clone(self))))
    }
}

impl Seat {
    /// Held until `work` ends, or is given up.
    pub async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let _seat = self;
        work.await
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_in_and_a_place_is_free_when_one_goes() {
        let crowd = Crowd::new(2);
        let first = crowd.enter(PERFORM).unwrap();
        let _second = crowd.enter(PERFORM).unwrap();
        assert_eq!(crowd.enter(PERFORM).unwrap_err(), Full);
        assert_eq!(crowd.enter(PERFORM).unwrap_err(), Full, "who was turned away takes no place");
        assert!(crowd.enter("/deadwax.v1.Projects/Get").unwrap().is_none(), "reading needs none");
        drop(first);
        let _third = crowd.enter(PERFORM).unwrap();
        crowd.set(3);
        let _fourth = crowd.enter(PERFORM).unwrap();
        crowd.set(1);
        assert!(crowd.enter(PERFORM).is_err());
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_leaves_its_place() {
        let crowd = Crowd::new(1);
        let seat = crowd.enter(PERFORM).unwrap().unwrap();
        let given_up =
            tokio::time::timeout(Duration::from_millis(1), seat.during(std::future::pending::<()>()));
        assert!(given_up.await.is_err());
        assert!(crowd.enter(PERFORM).is_ok());
    }
}
