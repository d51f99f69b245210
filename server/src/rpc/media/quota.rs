//! Audio that one person may send within a day, counted as it arrives. In memory: a restart forgives, and never locks anybody out. Never here: the size of one
//! file and the room on the disk.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use deadwax_domain::PersonId;
use tonic::{Code, Status};

use crate::status;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Default)]
pub(super) struct Daily {
    used: Mutex<HashMap<PersonId, Used>>,
}

/// Of a day that began with its first byte.
struct Used {
    since: Instant,
    bytes: u64,
}

impl Daily {
    /// Whether so many bytes more would fit; counts nothing.
    pub(super) fn check(&self, person: PersonId, bytes: u64, limit: u64) -> Result<(), Status> {
        let now = Instant::now();
        match self.today(now).get(&person) {
            Some(used) => fits(used, bytes, limit, now),
            None => fits(&Used { since: now, bytes: 0 }, bytes, limit, now),
        }
    }

    /// Counts what has arrived.
    pub(super) fn take(&self, person: PersonId, bytes: u64, limit: u64) -> Result<(), Status> {
        let now = Instant::now();
        let mut today = self.today(now);
        let used = today.entry(person).or_insert(Used { since: now, bytes: 0 });
        fits(used, bytes, limit, now)?;
        used.bytes += bytes;
        Ok(())
    }

    fn today(&self, now: Instant) -> MutexGuard<'_, HashMap<PersonId, Used>> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, it| now.duration_since(it.since) < DAY);
        used
    }
}

/// `limit`: of a day, as the settings have it now.
fn fits(used: &Used, bytes: u64, limit: u64, now: Instant) -> Result<(), Status> {
    if used.bytes.saturating_add(bytes) <= limit {
        return Ok(());
    }
    let wait = DAY.saturating_sub(now.duration_since(used.since)).as_secs();
    let text =
        format!("You have sent {} bytes of audio within a day; this studio takes {limit} a day.", used.bytes);
    let hint = format!("What arrived is kept. Go on in {} h.", wait.div_ceil(3600));
    let more = [("retry_after_s", wait.to_string())];
    Err(status::refuse_with(Code::ResourceExhausted, "UPLOAD_QUOTA", text, hint, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_full_for_one_person_and_not_for_another() {
        let daily = Daily::default();
        let (ana, bob) = (PersonId(1), PersonId(2));
        assert!(daily.check(ana, 100, 100).is_ok() && daily.check(ana, 101, 100).is_err());
        assert!(daily.take(ana, 60, 100).is_ok() && daily.take(ana, 40, 100).is_ok());
        let no = daily.take(ana, 1, 100).unwrap_err();
        assert_eq!(status::reason_of(&no).as_deref(), Some("UPLOAD_QUOTA"));
        assert!(daily.check(bob, 100, 100).is_ok());
        let yesterday = Instant::now().checked_sub(DAY + Duration::from_secs(1));
        // A machine that was started today has no yesterday.
        if let Some(yesterday) = yesterday {
            daily.used.lock().unwrap().get_mut(&ana).unwrap().since = yesterday;
            assert!(daily.take(ana, 100, 100).is_ok());
        }
    }
}
