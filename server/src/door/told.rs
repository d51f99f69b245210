//! Connections that were sent away, for the log: the first at once, then at most one line a minute for each reason, with how many there were. So whoever knocks a
//! thousand times is seen, and does not fill the disk. Never here: the decision.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::metrics::lines::Verdict;

const EVERY: Duration = Duration::from_secs(60);

/// Since the last line of one reason.
#[derive(Clone, Copy, Default)]
struct Since {
    line: Option<Instant>,
    times: u64,
}

#[derive(Default)]
pub struct Told {
    full: Mutex<Since>,
    address_full: Mutex<Since>,
    no_handshake: Mutex<Since>,
}

impl Told {
    pub fn sent_away(&self, verdict: Verdict, address: IpAddr) {
        let Some((reason, times)) = self.due(verdict, Instant::now()) else { return };
        tracing::warn!(reason, times, %address, "connections were sent away at the door");
    }

    /// The reason, and how many there were since the last line, where one is due.
    fn due(&self, verdict: Verdict, now: Instant) -> Option<(&'static str, u64)> {
        let (since, reason) = match verdict {
            Verdict::let_in => return None,
            Verdict::full => (&self.full, "limits.connections are open"),
            Verdict::address_full => {
                (&self.address_full, "limits.connections_per_address are open from there")
            }
            Verdict::no_handshake => (&self.no_handshake, "no TLS handshake"),
        };
        let mut since = since.lock().unwrap_or_else(PoisonError::into_inner);
        since.times += 1;
        if since.line.is_some_and(|line| now.saturating_duration_since(line) < EVERY) {
            return None;
        }
        let times = std::mem::replace(&mut *since, Since { line: Some(now), times: 0 }).times;
        Some((reason, times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_at_the_door_is_one_line_a_minute_for_each_reason() {
        let (told, start) = (Told::default(), Instant::now());
        let times = |verdict, after| told.due(verdict, start + Duration::from_secs(after)).map(|it| it.1);
        assert_eq!(times(Verdict::full, 0), Some(1));
        assert!((0..1_000).all(|_| times(Verdict::full, 59).is_none()));
        assert_eq!(times(Verdict::no_handshake, 59), Some(1), "another reason has its own");
        assert_eq!(times(Verdict::full, 60), Some(1_001));
        assert_eq!(times(Verdict::let_in, 60), None);
    }
}
