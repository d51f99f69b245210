//! What one person may send within a day, in bytes and in files. What became a fact is counted by the ledger, at every server and over a restart; here stands what arrived and is no
//! fact yet, or never becomes one: a restart forgives that, and never locks anybody out. Never here: the size of one file and the room on the disk.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use deadwax_domain::PersonId;
use tonic::{Code, Status};

use crate::{ledger::Sent, status, studio::Studio};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Default)]
pub(in crate::rpc) struct Daily {
    arrived: Mutex<HashMap<PersonId, HashMap<u128, Part>>>,
}

/// Bytes of one upload that arrived at this server and are no fact.
struct Part {
    last: Instant,
    bytes: u64,
}

/// What a day takes, and what the facts say of it.
pub(in crate::rpc) struct Day<'a> {
    pub limit: Limit,
    pub sent: Sent,
    /// How long each file of the facts counts still; asked only where there is no room.
    pub leaving: &'a (dyn Fn() -> Vec<(Duration, u64)> + Sync),
}

impl Day<'_> {
    /// As the settings and the facts have it now.
    pub(in crate::rpc) fn of<T>(studio: &Studio, person: PersonId, then: impl FnOnce(&Day<'_>) -> T) -> T {
        let config = studio.config();
        let door = &config.door;
        let limit = Limit { files: door.upload_files_per_day, bytes: door.upload_bytes_per_day };
        let leaving = || studio.ledger.sent_leaving(person);
        then(&Day { limit, sent: studio.ledger.sent(person), leaving: &leaving })
    }
}

#[derive(Clone, Copy)]
pub(in crate::rpc) struct Limit {
    pub files: u64,
    pub bytes: u64,
}

impl Daily {
    /// Whether another file of so many bytes would fit; counts nothing.
    pub(in crate::rpc) fn check(&self, person: PersonId, bytes: u64, day: &Day<'_>) -> Result<(), Status> {
        let now = Instant::now();
        fits(self.lately(now).get(&person), (1, bytes), now, day)
    }

    /// Counts what has arrived for an upload.
    pub(in crate::rpc) fn take(
        &self,
        (person, upload): (PersonId, u128),
        bytes: u64,
        day: &Day<'_>,
    ) -> Result<(), Status> {
        let now = Instant::now();
        let mut arrived = self.lately(now);
        let theirs = arrived.entry(person).or_default();
        let more = u64::from(!theirs.contains_key(&upload));
        fits(Some(theirs), (more, bytes), now, day)?;
        let part = theirs.entry(upload).or_insert(Part { last: now, bytes: 0 });
        part.last = now;
        part.bytes = part.bytes.saturating_add(bytes);
        Ok(())
    }

    /// The upload is a fact from now on, and counted as one.
    pub(in crate::rpc) fn is_a_fact(&self, person: PersonId, upload: u128) {
        if let Some(theirs) = self.lately(Instant::now()).get_mut(&person) {
            theirs.remove(&upload);
        }
    }

    fn lately(&self, now: Instant) -> MutexGuard<'_, HashMap<PersonId, HashMap<u128, Part>>> {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        for parts in arrived.values_mut() {
            parts.retain(|_, part| now.duration_since(part.last) < DAY);
        }
        arrived.retain(|_, parts| !parts.is_empty());
        arrived
    }
}

/// Of what comes in one piece and is a fact at once: nothing of it is under way.
pub(in crate::rpc) fn one_more(studio: &Studio, person: PersonId, bytes: u64) -> Result<(), Status> {
    Day::of(studio, person, |day| fits(None, (1, bytes), Instant::now(), day))
}

/// `more`: files and bytes.
fn fits(
    theirs: Option<&HashMap<u128, Part>>,
    more: (u64, u64),
    now: Instant,
    day: &Day<'_>,
) -> Result<(), Status> {
    let parts = || theirs.into_iter().flat_map(HashMap::values);
    let files = day.sent.files.saturating_add(parts().count() as u64);
    let bytes = parts().fold(day.sent.bytes, |sum, part| sum.saturating_add(part.bytes));
    let limit = day.limit;
    let is_room = |files: u64, bytes: u64| {
        files.saturating_add(more.0) <= limit.files && bytes.saturating_add(more.1) <= limit.bytes
    };
    if is_room(files, bytes) {
        return Ok(());
    }
    let mut leaving = (day.leaving)();
    leaving.extend(parts().map(|part| (DAY.saturating_sub(now.duration_since(part.last)), part.bytes)));
    leaving.sort_unstable();
    let mut left = (files, bytes);
    let enough = leaving.into_iter().find(|(_, bytes)| {
        left = (left.0.saturating_sub(1), left.1.saturating_sub(*bytes));
        is_room(left.0, left.1)
    });
    let text = format!(
        "You have sent {files} files with {bytes} bytes of audio within a day; this studio takes {} files and {} bytes a day of one person.",
        limit.files, limit.bytes
    );
    Err(match enough {
        Some((wait, _)) => {
            let wait = wait.as_secs().max(1);
            let hint = format!("What arrived is kept. There is room again in {}.", in_words(wait));
            let more = [("retry_after_s", wait.to_string())];
            status::refuse_with(Code::ResourceExhausted, "UPLOAD_QUOTA", text, hint, more)
        }
        None => {
            let hint = "This file is larger than a day takes: ask the studio's owner to raise door.upload_bytes_per_day.";
            status::refuse(Code::ResourceExhausted, "UPLOAD_QUOTA", text, hint)
        }
    })
}

fn in_words(wait_s: u64) -> String {
    if wait_s <= 90 * 60 {
        format!("{} min", wait_s.div_ceil(60))
    } else {
        format!("{} h", wait_s.div_ceil(3600))
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    const ANA: PersonId = PersonId(1);
    const HOUR: Duration = Duration::from_secs(3600);

    fn day(files: u64, bytes: u64, sent: Sent) -> Day<'static> {
        Day { limit: Limit { files, bytes }, sent, leaving: &|| vec![(HOUR, 10), (HOUR * 3, 30)] }
    }

    fn wait_s(no: &Status) -> Option<u64> {
        assert_eq!(status::reason_of(no).as_deref(), Some("UPLOAD_QUOTA"));
        no.get_error_details().error_info()?.metadata.get("retry_after_s")?.parse().ok()
    }

    #[test]
    fn a_day_is_full_for_one_person_and_not_for_another() {
        let (daily, bob) = (Daily::default(), PersonId(2));
        let empty = day(100, 100, Sent::default());
        assert!(daily.check(ANA, 100, &empty).is_ok() && daily.check(ANA, 101, &empty).is_err());
        assert!(daily.take((ANA, 7), 60, &empty).is_ok() && daily.take((ANA, 8), 40, &empty).is_ok());
        daily.take((ANA, 8), 1, &empty).unwrap_err();
        assert!(daily.check(bob, 100, &empty).is_ok());
        let yesterday = Instant::now().checked_sub(DAY + Duration::from_secs(1));
        // A machine that was started today has no yesterday.
        if let Some(yesterday) = yesterday {
            daily.arrived.lock().unwrap().get_mut(&ANA).unwrap().get_mut(&7).unwrap().last = yesterday;
            assert!(daily.take((ANA, 8), 60, &empty).is_ok());
        }
    }

    #[test]
    fn files_are_counted_as_bytes_are_and_an_upload_that_is_a_fact_is_counted_once() {
        let daily = Daily::default();
        let full = day(3, 1000, Sent { files: 2, bytes: 40 });
        daily.take((ANA, 7), 1, &full).unwrap();
        daily.take((ANA, 7), 1, &full).unwrap();
        let no = daily.take((ANA, 8), 1, &full).unwrap_err();
        assert!(no.message().contains("3 files with 42 bytes"), "{no:?}");
        daily.check(ANA, 1, &full).unwrap_err();
        // The ledger has it now.
        daily.is_a_fact(ANA, 7);
        let with_it = day(4, 1000, Sent { files: 3, bytes: 42 });
        daily.take((ANA, 8), 1, &with_it).unwrap();
        assert!(daily.take((ANA, 9), 1, &with_it).is_err());
    }

    #[test]
    fn whoever_is_refused_is_told_when_there_is_room() {
        let daily = Daily::default();
        let of =
            |files, bytes, more| daily.check(ANA, more, &day(files, bytes, Sent { files: 2, bytes: 40 }));
        assert_eq!(wait_s(&of(10, 45, 10).unwrap_err()), Some(3600), "the first file that goes is enough");
        assert_eq!(wait_s(&of(10, 45, 40).unwrap_err()), Some(3 * 3600), "both have to go");
        assert_eq!(wait_s(&of(2, 1000, 1).unwrap_err()), Some(3600), "a file for a file");
        assert_eq!(wait_s(&of(10, 45, 46).unwrap_err()), None, "never");
        assert_eq!((in_words(61).as_str(), in_words(7200).as_str()), ("2 min", "2 h"));
    }
}
