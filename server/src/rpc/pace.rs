//! How fast a client sends what it announced. Only the time that the server waits for the client counts. Never here: what is told to whom was too slow.

use std::time::Duration;

/// Slower than this is a stalled client, or one that holds a slot on purpose.
const FLOOR_BYTES_PER_S: u64 = 16 << 10;

pub(super) struct Pace {
    /// How long a single message may take.
    pub(super) patience: Duration,
    waited: Duration,
    bytes: u64,
}

#[derive(Debug)]
pub(super) struct Stalled;

impl Pace {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, waited: Duration::ZERO, bytes: 0 }
    }

    /// After each full span of patience the bytes of that span must have been enough.
    pub(super) fn waited(&mut self, time: Duration, bytes: u64) -> Result<(), Stalled> {
        self.waited += time;
        self.bytes += bytes;
        if self.waited < self.patience {
            return Ok(());
        }
        let enough = self.bytes >= FLOOR_BYTES_PER_S * self.patience.as_secs();
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        if enough { Ok(()) } else { Err(Stalled) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_given_up_and_a_slow_line_is_not() {
        let second = Duration::from_secs(1);
        let mut trickle = Pace::new(30 * second);
        assert!((0..29).all(|_| trickle.waited(second, 1).is_ok()));
        assert!(trickle.waited(second, 1).is_err());
        let mut slow = Pace::new(30 * second);
        assert!((0..600).all(|_| slow.waited(second, FLOOR_BYTES_PER_S).is_ok()));
    }

    #[test]
    fn time_that_the_disk_takes_does_not_count() {
        let mut pace = Pace::new(Duration::from_secs(30));
        assert!((0..1000).all(|_| pace.waited(Duration::from_millis(1), 1).is_ok()));
    }
}
