//! What History has loaded, what is sought in it, and the lines that come of both: a heading a day, then what happened. The search is read here. Never
//! here: what the server keeps back.

use std::collections::BTreeMap;

use deadwax_proto::v1::HistoryEntry;
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPage {
    pub project: String,
    pub song: String,
    pub ticket: u64,
    pub loading: bool,
    /// Newest first.
    pub entries: Vec<HistoryEntry>,
    pub next_before_seq: u64,
    pub problem: Option<String>,
    /// What was typed into the search; empty: everything is shown.
    pub sought: String,
    /// What in it could not be understood.
    pub misread: Option<String>,
    pub lines: Vec<Line>,
    /// The line of each entry that is shown.
    pub places: Vec<usize>,
    /// How far the project was when the newest entries were asked for, and when that was.
    pub seen_seq: u64,
    pub asked_ms: i64,
    /// The question for entries that came since.
    pub newer: Option<u64>,
    /// Of the songs that the entries speak of, where the page is the whole project's.
    pub titles: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A day begins: the time of its newest entry.
    Day(i64),
    Entry(usize),
}

impl HistoryPage {
    /// After new entries or another search: what is shown. Drawing then costs what is on the screen.
    pub fn lay_out(&mut self, now_ms: i64, zone: &TimeZone) {
        self.lines.clear();
        self.places.clear();
        let query = match Query::read(&self.sought, now_ms, zone) {
            Ok(query) => {
                self.misread = None;
                query
            }
            Err(why) => {
                self.misread = Some(why);
                Query::default()
            }
        };
        let mut day = None;
        for (at, entry) in self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, it)| query.fits(it, self.titles.get(&it.song_id).map_or("", String::as_str)))
        {
            let date = date_of(entry.at_ms, zone);
            if day != Some(date) {
                day = Some(date);
                self.lines.push(Line::Day(entry.at_ms));
            }
            self.places.push(self.lines.len());
            self.lines.push(Line::Entry(at));
        }
    }

    /// The title of its song, where the sentence does not name it.
    pub fn title_of(&self, entry: &HistoryEntry) -> Option<&str> {
        let title = self.titles.get(&entry.song_id)?.as_str();
        (!title.is_empty() && !entry.text.contains(title)).then_some(title)
    }

    /// The entry of that place in the shown ones.
    pub fn shown(&self, at: usize) -> Option<&HistoryEntry> {
        match self.lines.get(*self.places.get(at)?)? {
            Line::Entry(at) => self.entries.get(*at),
            Line::Day(_) => None,
        }
    }
}

fn date_of(at_ms: i64, zone: &TimeZone) -> Option<Date> {
    Some(jiff::Timestamp::from_millisecond(at_ms).ok()?.to_zoned(zone.clone()).date())
}

fn begin_ms(date: Date, zone: &TimeZone) -> Option<i64> {
    Some(date.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// All of it must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    who: Vec<String>,
    what: Vec<String>,
    words: Vec<String>,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
}

impl Query {
    /// `who:lena what:approved after:2026-11-01 "half a dB"`. A day is 2026-11-01, 2026-11, today, yesterday or 7d.
    pub fn read(text: &str, now_ms: i64, zone: &TimeZone) -> Result<Query, String> {
        let mut query = Query::default();
        for (key, value) in terms(text) {
            let lower = value.to_lowercase();
            // Still being typed.
            if lower.is_empty() {
                continue;
            }
            match key {
                "who" => query.who.push(lower),
                "what" => query.what.push(lower),
                "after" | "since" | "before" | "on" => {
                    let (from_ms, until_ms) = days(&lower, now_ms, zone)
                        .ok_or_else(|| format!("{key}: wants a day like 2026-11-01, 2026-11, today or 7d"))?;
                    match key {
                        "before" => query.until_ms = Some(from_ms),
                        "on" => (query.from_ms, query.until_ms) = (Some(from_ms), Some(until_ms)),
                        _ => query.from_ms = Some(from_ms),
                    }
                }
                _ => query.words.push(lower),
            }
        }
        Ok(query)
    }

    /// `song` is the title of the song that the entry speaks of; empty where it is none, or no question.
    pub fn fits(&self, entry: &HistoryEntry, song: &str) -> bool {
        if self.from_ms.is_some_and(|ms| entry.at_ms < ms)
            || self.until_ms.is_some_and(|ms| entry.at_ms >= ms)
        {
            return false;
        }
        if self.who.is_empty() && self.what.is_empty() && self.words.is_empty() {
            return true;
        }
        let (who, text) = (entry.who.to_lowercase(), entry.text.to_lowercase());
        let code = entry.code.to_lowercase().replace('_', " ");
        let seq = format!("#{}", entry.seq);
        let song = song.to_lowercase();
        self.who.iter().all(|it| who.contains(it))
            && self.what.iter().all(|it| code.contains(it) || text.contains(it))
            && self
                .words
                .iter()
                .all(|it| [&who, &text, &code, &song].iter().any(|hay| hay.contains(it)) || *it == seq)
    }
}

/// Words with the name before their colon, where it is one that is known. Quotes keep spaces.
fn terms(text: &str) -> Vec<(&'static str, String)> {
    const KEYS: [&str; 6] = ["who", "what", "after", "since", "before", "on"];
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is always one").push(c),
        }
    }
    let term = |word: String| {
        let known = word.split_once(':').and_then(|(key, value)| {
            let key = KEYS.into_iter().find(|it| key.eq_ignore_ascii_case(it))?;
            Some((key, value.to_owned()))
        });
        known.unwrap_or(("", word))
    };
    words.into_iter().filter(|it| !it.is_empty()).map(term).collect()
}

/// From the beginning of the first day to the end of the last.
fn days(text: &str, now_ms: i64, zone: &TimeZone) -> Option<(i64, i64)> {
    let today = date_of(now_ms, zone)?;
    let (first, next) = match text {
        "today" => (today, today.tomorrow().ok()?),
        "yesterday" => (today.yesterday().ok()?, today),
        _ => {
            let ago = text
                .strip_suffix('d')
                .and_then(|it| it.parse::<i64>().ok())
                .filter(|it| (0..36_500).contains(it));
            if let Some(ago) = ago {
                (today.checked_sub(ago.days()).ok()?, today.tomorrow().ok()?)
            } else if let Ok(day) = text.parse::<Date>() {
                (day, day.tomorrow().ok()?)
            } else {
                let month: Date = format!("{text}-01").parse().ok()?;
                (month, month.checked_add(1.month()).ok()?)
            }
        }
    };
    Some((begin_ms(first, zone)?, begin_ms(next, zone)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    // 2026-11-18 10:13 UTC
    const NOW_MS: i64 = 1_795_000_000_000;

    fn entry(seq: u64, days_ago: i64, who: &str, code: &str, text: &str) -> HistoryEntry {
        let at_ms = NOW_MS - days_ago * DAY_MS;
        HistoryEntry {
            seq,
            at_ms,
            who: who.into(),
            code: code.into(),
            text: text.into(),
            song_id: "s".into(),
        }
    }

    fn page(sought: &str) -> (Vec<u64>, usize, Option<String>) {
        let mut page = HistoryPage {
            entries: vec![
                entry(9, 0, "Lena Ruiz", "APPROVED", "approved Mix 2 of Glass Hour as label."),
                entry(8, 0, "Ben Okafor", "VERSION_ADDED", "uploaded Mix 2 of Glass Hour."),
                entry(7, 1, "Mara Voss", "NOTE_ADDED", "The vocal is too low: half a dB up."),
                entry(3, 40, "Lena Ruiz", "HELD", "put Glass Hour on hold."),
            ],
            sought: sought.into(),
            ..HistoryPage::default()
        };
        page.lay_out(NOW_MS, &TimeZone::UTC);
        let shown = (0..page.places.len()).filter_map(|at| page.shown(at)).map(|it| it.seq).collect();
        (shown, page.lines.len() - page.places.len(), page.misread)
    }

    #[test]
    fn what_is_sought_is_found_and_stands_below_its_day() {
        for (sought, wanted, days) in [
            ("", vec![9, 8, 7, 3], 3),
            ("who:lena", vec![9, 3], 2),
            ("who:LENA what:approved", vec![9], 1),
            ("what:uploaded", vec![8], 1),
            ("what:version", vec![8], 1),
            ("\"half a dB\"", vec![7], 1),
            ("#8", vec![8], 1),
            ("mix glass", vec![9, 8], 1),
            ("on:today", vec![9, 8], 1),
            ("on:yesterday", vec![7], 1),
            ("after:7d", vec![9, 8, 7], 2),
            ("before:2026-11-01", vec![3], 1),
            ("on:2026-10", vec![3], 1),
            ("who:", vec![9, 8, 7, 3], 3),
            ("who:nobody", vec![], 0),
        ] {
            let (shown, headings, misread) = page(sought);
            assert_eq!((shown, headings), (wanted, days), "{sought}");
            assert_eq!(misread, None, "{sought}");
        }
    }

    #[test]
    fn a_day_that_is_none_is_told_and_hides_nothing() {
        for sought in ["after:soon", "on:2026-13", "before:99999d"] {
            let (shown, _, misread) = page(sought);
            assert_eq!(shown.len(), 4, "{sought}");
            assert!(misread.is_some_and(|it| it.contains("2026-11-01")), "{sought}");
        }
    }

    #[test]
    fn a_day_is_the_reader_s_own() {
        // 23:30 on the 17th in UTC is the 18th in Berlin.
        let late = HistoryEntry { at_ms: NOW_MS - NOW_MS % DAY_MS - 1_800_000, ..entry(1, 0, "x", "Y", "z") };
        let berlin = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::fixed(jiff::tz::offset(1)));
        assert!(!Query::read("on:today", NOW_MS, &TimeZone::UTC).unwrap().fits(&late, ""));
        assert!(Query::read("on:today", NOW_MS, &berlin).unwrap().fits(&late, ""));
    }
}
