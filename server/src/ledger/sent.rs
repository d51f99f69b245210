//! What people sent within the last day, derived from the facts as they are folded: every project counts, also one that its sender left, and what other servers appended. A
//! restart folds the same facts and comes to the same sums. Never here: limits, uploads that are under way.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadwax_domain::{Event, Fact, PersonId, Time};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The files that one person sent within a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub files: u64,
    pub bytes: u64,
}

#[derive(Default)]
pub(super) struct SentBook {
    by_person: Mutex<HashMap<PersonId, Lately>>,
}

/// When each file came and how large it was, oldest first, and their sum.
#[derive(Default)]
struct Lately {
    files: VecDeque<(Time, u64)>,
    bytes: u64,
}

impl Lately {
    fn forget(&mut self, now: Time) {
        while let Some((at, bytes)) = self.files.front().copied()
            && now.0.saturating_sub(at.0) >= DAY_MS
        {
            self.files.pop_front();
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    fn put(&mut self, at: Time, bytes: u64) {
        // Projects are folded one after the other: a fact may be older than those before it.
        let place = self.files.partition_point(|(earlier, _)| *earlier <= at);
        self.files.insert(place, (at, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

impl SentBook {
    fn lock(&self) -> MutexGuard<'_, HashMap<PersonId, Lately>> {
        self.by_person.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Facts that are folded now, each once.
    pub fn fold<'a>(&self, events: impl Iterator<Item = &'a Event>, now: Time) {
        for event in events {
            let bytes = match &event.fact {
                Fact::FileReceived { file } => file.facts.bytes,
                Fact::CoverSet { cover: Some(cover) } => cover.bytes,
                _ => continue,
            };
            let Some(person) = event.by.filter(|_| now.0.saturating_sub(event.at.0) < DAY_MS) else {
                continue;
            };
            let mut by_person = self.lock();
            let lately = by_person.entry(person).or_default();
            lately.put(event.at, bytes);
            lately.forget(now);
        }
    }

    pub fn of(&self, person: PersonId, now: Time) -> Sent {
        let mut by_person = self.lock();
        let Some(lately) = by_person.get_mut(&person) else { return Sent::default() };
        lately.forget(now);
        let sent = Sent { files: lately.files.len() as u64, bytes: lately.bytes };
        if sent.files == 0 {
            by_person.remove(&person);
        }
        sent
    }

    /// How long each of the files counts still, and its bytes; the first to go first.
    pub fn leaving(&self, person: PersonId, now: Time) -> Vec<(Duration, u64)> {
        let by_person = self.lock();
        let files = by_person.get(&person).into_iter().flat_map(|lately| &lately.files);
        let left = |at: Time| u64::try_from(at.0.saturating_add(DAY_MS).saturating_sub(now.0)).unwrap_or(0);
        files.map(|(at, bytes)| (Duration::from_millis(left(*at)), *bytes)).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use deadwax_domain::{AudioFacts, Digest, ReceivedFile};

    use super::*;

    const NOW: i64 = 1_795_000_000_000;

    pub fn file(number: u8, bytes: u64) -> ReceivedFile {
        let (container, codec) = ("wav".to_owned(), "pcm".to_owned());
        let facts = AudioFacts {
            container,
            codec,
            sample_rate_hz: 48_000,
            channels: 2,
            bits: 24,
            float: false,
            frames: 1,
            bytes,
            integrated_lufs: -14.0,
            loudness_range_lu: 3.0,
            max_momentary_lufs: -12.0,
            max_short_term_lufs: -13.0,
            true_peak_dbtp: -1.0,
            sample_peak_dbfs: -1.2,
            dc_offset: 0.0,
            correlation: 0.9,
            head_silence_s: 0.0,
            tail_silence_s: 0.0,
            clipped_samples: 0,
            remarks: Vec::new(),
        };
        ReceivedFile { digest: Digest([number; 32]), name: "a.wav".into(), facts }
    }

    fn received(by: Option<u128>, at: i64, bytes: u64) -> Event {
        Event { at: Time(at), by: by.map(PersonId), fact: Fact::FileReceived { file: file(1, bytes) } }
    }

    #[test]
    fn a_day_counts_what_one_person_sent_and_lets_go_of_it_in_order() {
        let book = SentBook::default();
        // Two projects, one folded after the other; what the house made and what is old counts for nobody.
        let first =
            [received(Some(1), NOW - 5, 30), received(Some(2), NOW - 5, 7), received(None, NOW, 1_000)];
        let second = [received(Some(1), NOW - DAY_MS, 500), received(Some(1), NOW - 90, 20)];
        book.fold(first.iter(), Time(NOW));
        book.fold(second.iter(), Time(NOW));
        let of = |person, now| book.of(PersonId(person), Time(now));
        assert_eq!(of(1, NOW), Sent { files: 2, bytes: 50 });
        assert_eq!(of(2, NOW), Sent { files: 1, bytes: 7 });
        let leaving = book.leaving(PersonId(1), Time(NOW));
        let ms = |ms: i64| Duration::from_millis(ms as u64);
        assert_eq!(leaving, [(ms(DAY_MS - 90), 20), (ms(DAY_MS - 5), 30)]);
        assert_eq!(of(1, NOW - 91 + DAY_MS), Sent { files: 2, bytes: 50 });
        assert_eq!(of(1, NOW - 90 + DAY_MS), Sent { files: 1, bytes: 30 });
        assert_eq!(of(1, NOW + DAY_MS), Sent::default());
        assert!(book.lock().keys().all(|person| *person != PersonId(1)), "nobody is kept without a reason");
    }
}
