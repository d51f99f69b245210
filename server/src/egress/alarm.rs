//! Whether somebody takes unusually much. Counted are pieces of music in the form in which they were made, each once, however many files of it were taken: the
//! label that fetches a record in ten profiles takes its songs, not its files. Never here: what follows from it.

use std::collections::{BTreeMap, HashMap, HashSet};

use deadwax_domain::PersonId;

use super::page::Begun;

const DAY_MS: i64 = 24 * 3_600_000;
/// More than so many within 24 hours are unusual for anybody.
pub const WORKS_A_DAY: usize = 20;
/// Likewise more than so many times the median of the days of the last thirty on which this person took anything.
const TIMES_MEDIAN: usize = 3;
const DAYS_KEPT: i64 = 30;
/// Before so many days are known there is no median, and up to so many pieces nothing is unusual: an EP is taken in one go.
const DAYS_KNOWN: usize = 5;
const WORKS_AT_LEAST: usize = 6;

#[derive(Default)]
pub struct Alarm {
    people: HashMap<PersonId, Habits>,
    /// Of the last thirty days, the oldest first.
    pub told: Vec<Unusual>,
}

#[derive(Default)]
struct Habits {
    /// When each was last taken, within 24 hours.
    newest: HashMap<u128, i64>,
    /// What was taken on each day, counted from 1970 in UTC.
    days: BTreeMap<i64, HashSet<u128>>,
    told_at_ms: Option<i64>,
}

/// Told at most once in 24 hours of each person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual {
    pub person: PersonId,
    pub at_ms: i64,
    /// Different ones within 24 hours.
    pub works: usize,
    /// 0: too few days are known.
    pub median: usize,
}

impl Alarm {
    pub fn see(&mut self, begun: &Begun) -> Option<Unusual> {
        if !begun.way.is_original() {
            return None;
        }
        let habits = self.people.entry(begun.person).or_default();
        let (now, day) = (begun.at_ms, begun.at_ms.div_euclid(DAY_MS));
        habits.newest.insert(begun.work, now);
        habits.newest.retain(|_, at| now.saturating_sub(*at) < DAY_MS);
        habits.days.entry(day).or_default().insert(begun.work);
        habits.days.retain(|kept, _| day - kept <= DAYS_KEPT);
        let (works, median) = (habits.newest.len(), habits.median_before(day));
        let much = works > WORKS_A_DAY;
        let more_than_ever = median > 0 && works > TIMES_MEDIAN * median && works > WORKS_AT_LEAST;
        let told = habits.told_at_ms.is_some_and(|at| now.saturating_sub(at) < DAY_MS);
        if told || !(much || more_than_ever) {
            return None;
        }
        habits.told_at_ms = Some(now);
        let unusual = Unusual { person: begun.person, at_ms: now, works, median };
        self.told.retain(|it| now.saturating_sub(it.at_ms) < DAYS_KEPT * DAY_MS);
        self.told.push(unusual);
        Some(unusual)
    }
}

impl Habits {
    fn median_before(&self, day: i64) -> usize {
        let mut counts: Vec<usize> = self.days.range(..day).map(|(_, works)| works.len()).collect();
        if counts.len() < DAYS_KNOWN {
            return 0;
        }
        counts.sort_unstable();
        counts[counts.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::page::{Way, tests::begun},
        *,
    };

    fn take(alarm: &mut Alarm, at_ms: i64, works: std::ops::Range<u128>, way: Way) -> Vec<Unusual> {
        let see = |work| alarm.see(&Begun { at_ms, work, way, ..begun(1) });
        works.filter_map(see).collect()
    }

    #[test]
    fn twenty_pieces_in_a_day_are_fine_and_one_more_is_told_once() {
        let mut alarm = Alarm::default();
        assert_eq!(take(&mut alarm, 0, 0..20, Way::Download), []);
        let told = take(&mut alarm, DAY_MS - 1, 20..60, Way::Handoff);
        assert_eq!(told, [Unusual { person: PersonId(7), at_ms: DAY_MS - 1, works: 21, median: 0 }]);
        assert_eq!(alarm.told, told);
        // The next day begins anew, and is told again where it is too much again.
        assert_eq!(take(&mut alarm, 3 * DAY_MS, 0..21, Way::Record).len(), 1);
    }

    #[test]
    fn many_files_of_few_songs_and_copies_for_listening_are_nothing_unusual() {
        let mut alarm = Alarm::default();
        for _ in 0..50 {
            assert_eq!(take(&mut alarm, 5, 0..12, Way::Record), []);
        }
        assert_eq!(take(&mut alarm, 5, 100..500, Way::Listen), []);
    }

    #[test]
    fn what_lies_more_than_a_day_apart_is_not_added_up() {
        let mut alarm = Alarm::default();
        for day in 0..3 {
            let first = u128::try_from(day).unwrap_or(0) * 100;
            assert_eq!(take(&mut alarm, day * DAY_MS, first..first + 15, Way::Download), []);
        }
    }

    #[test]
    fn three_times_the_median_is_told_and_a_few_songs_are_not() {
        let mut alarm = Alarm::default();
        for day in 0..6 {
            assert_eq!(take(&mut alarm, day * DAY_MS, 0..2, Way::Download), []);
        }
        assert_eq!(take(&mut alarm, 7 * DAY_MS, 0..6, Way::Download), []);
        let told = take(&mut alarm, 7 * DAY_MS + 1, 6..9, Way::Download);
        assert_eq!(told, [Unusual { person: PersonId(7), at_ms: 7 * DAY_MS + 1, works: 7, median: 2 }]);
        // A month later nothing is known of the habits of then.
        assert_eq!(take(&mut alarm, 60 * DAY_MS, 0..9, Way::Download), []);
    }
}
