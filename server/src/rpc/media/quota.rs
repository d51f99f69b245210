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

pub(super) struct Daily {
    limit: u64,
    used: Mutex<HashMap<PersonId, Used>>,
}

/// Of a day that began with its first byte.
struct Used {
    since: Instant,
    bytes: u64,
}

impl Daily {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: Mutex::default() }
    }

    /// Whether so many bytes more would fit; counts nothing.
    pub(super) fn check(&self, person: PersonId, bytes: u64) -> Result<(), Status> {
        let now = Instant::now();
        match self.today(now).get(&person) {
            Some(used) => self.fits(used, bytes, now),
            None => self.fits(&Used { since: now, bytes: 0 }, bytes, now),
        }
    }

    /// Counts what has arrived.
    pub(super) fn take(&self, person: PersonId, bytes: u64) -> Result<(), Status> {
        let now = Instant::now();
        let mut today = self.today(now);
        let used = today.entry(person).or_insert(Used { since: now, bytes: 0 });
        self.fits(used, bytes, now)?;
        used.bytes += bytes;
        Ok(())
    }

    fn today(&self, now: Instant) -> MutexGuard<'_, HashMap<PersonId, Used>> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, it| now.duration_since(it.since) < DAY);
        used
    }

    fn fits(&self, used: &Used, bytes: u64, now: Instant) -> Result<(), Status> {
        if used.bytes.saturating_add(bytes) <= self.limit {
            return Ok(());
        }
        let wait = DAY.saturating_sub(now.duration_since(used.since)).as_secs();
        let text = format!(
            "You have sent {} bytes of audio within a day; this studio takes {} a day.",
            used.bytes, self.limit
        );
        let hint = format!("What arrived is kept. Go on in {} h.", wait.div_ceil(3600));
        let more = [("retry_after_s", wait.to_string())];
        Err(status::refuse_with(Code::ResourceExhausted, "UPLOAD_QUOTA", text, hint, more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_full_for_one_person_and_not_for_another() {
        let daily = Daily::new(100);
        let (ana, bob) = (PersonId(1), PersonId(2));
        assert!(daily.check(ana, 100).is_ok() && daily.check(ana, 101).is_err());
        assert!(daily.take(ana, 60).is_ok() && daily.take(ana, 40).is_ok());
        let no = daily.take(ana, 1).unwrap_err();
        assert_eq!(status::reason_of(&no).as_deref(), Some("UPLOAD_QUOTA"));
        assert!(daily.check(bob, 100).is_ok());
        let yesterday = Instant::now().checked_sub(DAY + Duration::from_secs(1));
        // A machine that was started today has no yesterday.
        if let Some(yesterday) = yesterday {
            daily.used.lock().unwrap().get_mut(&ana).unwrap().since = yesterday;
            assert!(daily.take(ana, 100).is_ok());
        }
    }
}
