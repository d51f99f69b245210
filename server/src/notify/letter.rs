//! What letters say: subject and body in plain text, from what stands on a desk and what was told of projects. Pure. No text of notes, reasons or
//! messages stands in them (rows and sentences hold none). Never here: who gets one, and when.

use deadwax_proto::v1::{DeskRow, HistoryEntry};
use std::fmt::Write as _;

use super::mail::one_line;

/// Rows and sentences of one letter; the rest is counted.
const ROWS_MAX: usize = 60;
const NEWS_MAX: usize = 200;
const TITLE_CHARS_MAX: usize = 80;

/// What happened in one project that somebody follows.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub title: String,
    pub entries: Vec<HistoryEntry>,
    /// What happened besides and is not listed.
    pub more: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub subject: String,
    pub body: String,
}

pub fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}

fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "-".to_owned(), |time| time.strftime("%-d %b %Y").to_string())
}

fn minute(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "-".to_owned(), |time| time.strftime("%-d %b %H:%M").to_string())
}

fn title(text: &str) -> String {
    one_line(text).chars().take(TITLE_CHARS_MAX).collect()
}

fn things(count: usize) -> String {
    if count == 1 { "1 thing waits on you".to_owned() } else { format!("{count} things wait on you") }
}

/// "Something new waits on you."
pub fn each(studio: &str, name: &str, mut rows: Vec<DeskRow>) -> Text {
    rows.sort_by(|a, b| (a.since_ms, &a.key).cmp(&(b.since_ms, &b.key)));
    let subject = match &rows[..] {
        [row] => format!("{}: {} - {}", title(studio), title(place(row)), title(&row.text)),
        _ => format!("{}: {}", title(studio), things(rows.len())),
    };
    let mut body = format!("{},\n\nthis waits on you now:\n\n", title(name));
    list(&mut body, &rows, &|_| false);
    body.push_str("\nLook at it:  deadwax desk\n\n-- \n");
    let _ = writeln!(
        body,
        "{} sends you a mail as soon as something waits on you. Once a day instead, or never: deadwax mail digest, deadwax mail none.",
        title(studio)
    );
    Text { subject, body }
}

/// The mail of the day; without rows, of the news alone. `fresh` tells which rows were not on the desk a day ago.
pub fn digest(
    studio: &str,
    name: &str,
    mut rows: Vec<DeskRow>,
    fresh: &dyn Fn(&DeskRow) -> bool,
    news: &[News],
) -> Text {
    rows.sort_by(|a, b| (a.since_ms, &a.key).cmp(&(b.since_ms, &b.key)));
    let subject = if rows.is_empty() {
        let titles: Vec<String> = news.iter().map(|one| title(&one.title)).collect();
        format!("{}: news of {}", title(studio), titles.join(", "))
    } else {
        format!("{}: {}", title(studio), things(rows.len()))
    };
    let mut body = format!("{},\n\n", title(name));
    if !rows.is_empty() {
        let _ = writeln!(body, "{}, oldest first:\n", things(rows.len()));
        list(&mut body, &rows, fresh);
        body.push_str("\nLook at it:  deadwax desk\n");
    }
    if !news.is_empty() {
        let gap = if rows.is_empty() { "" } else { "\n" };
        let _ = writeln!(body, "{gap}what happened in what you follow (times in UTC):");
    }
    let mut room = NEWS_MAX;
    for one in news {
        let _ = writeln!(body, "\n  {}", title(&one.title));
        for entry in one.entries.iter().take(room) {
            let _ = writeln!(body, "    {}  {}", minute(entry.at_ms), one_line(&entry.text));
        }
        let more = one.more + one.entries.len().saturating_sub(room);
        room = room.saturating_sub(one.entries.len());
        if more > 0 {
            let _ = writeln!(body, "    and {more} more; see the history");
        }
    }
    let _ = writeln!(
        body,
        "\n-- \n{} sends you this once a day, if there is anything new. At once instead, or never: deadwax mail each, deadwax mail none.",
        title(studio)
    );
    Text { subject, body }
}

/// Somebody who took unusually much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taker {
    pub name: String,
    pub person: String,
    pub at_ms: i64,
    /// Different ones within 24 hours.
    pub works: usize,
    /// 0: too few days are known.
    pub median: usize,
}

/// To an owner of the studio. No song is named: running a server is no seat at the table.
pub fn unusual(studio: &str, name: &str, takers: &[Taker]) -> Text {
    let subject = match takers {
        [one] => format!("{}: {} took {} songs within a day", title(studio), title(&one.name), one.works),
        _ => format!("{}: {} people took unusually many songs", title(studio), takers.len()),
    };
    let mut body = format!("{},\n\nthis left the studio (times in UTC):\n\n", title(name));
    for taker in takers.iter().take(ROWS_MAX) {
        let often = match taker.median {
            0 => String::new(),
            median => format!("; {median} is usual for them"),
        };
        let _ = writeln!(
            body,
            "  {}  {} took {} songs as they were made within 24 hours{often}\n    deadwax received --studio --person {}",
            minute(taker.at_ms),
            title(&taker.name),
            taker.works,
            taker.person
        );
    }
    if takers.len() > ROWS_MAX {
        let _ = writeln!(body, "  and {} more", takers.len() - ROWS_MAX);
    }
    let _ = writeln!(
        body,
        "\nIf it was not them: deadwax people, and end their access; the sessions end within a second.\n\n-- \n{} sends this to the owners of the studio, once a day for each person.",
        title(studio)
    );
    Text { subject, body }
}

fn place(row: &DeskRow) -> &str {
    if row.song_title.is_empty() { &row.project_title } else { &row.song_title }
}

fn list(body: &mut String, rows: &[DeskRow], fresh: &dyn Fn(&DeskRow) -> bool) {
    for row in rows.iter().take(ROWS_MAX) {
        let song =
            if row.song_title.is_empty() { String::new() } else { format!(" / {}", title(&row.song_title)) };
        let due = if row.due_ms == 0 { String::new() } else { format!(", due {}", day(row.due_ms)) };
        let new = if fresh(row) { " (new)" } else { "" };
        let _ = writeln!(
            body,
            "  {}{song}: {}\n    since {}{due}{new}",
            title(&row.project_title),
            one_line(&row.text),
            day(row.since_ms)
        );
    }
    if rows.len() > ROWS_MAX {
        let _ = writeln!(body, "  and {} more", rows.len() - ROWS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn row(key: &str, since_ms: i64, due_ms: i64) -> DeskRow {
        DeskRow {
            key: key.into(),
            project_title: "Night\r\nwork".into(),
            song_title: "Nachtlied".into(),
            text: "Approve Mix 1 as artist.".into(),
            since_ms,
            due_ms,
            ..DeskRow::default()
        }
    }

    #[test]
    fn a_digest_lists_the_oldest_first_with_dates_and_what_is_new() {
        let rows = vec![row("b", 2 * DAY_MS, 9 * DAY_MS), row("a", DAY_MS, 0)];
        let entry = HistoryEntry {
            at_ms: 3 * DAY_MS + 3_600_000,
            text: "Mia added\nMix 2.".into(),
            ..HistoryEntry::default()
        };
        let news = [News { title: "Other".into(), entries: vec![entry], more: 3 }];
        let text = digest("Gold Room", "Ana", rows, &|row| row.key == "b", &news);
        assert_eq!(text.subject, "Gold Room: 2 things wait on you");
        let expected = "Ana,\n\n2 things wait on you, oldest first:\n\n  \
            Night work / Nachtlied: Approve Mix 1 as artist.\n    since 2 Jan 1970\n  \
            Night work / Nachtlied: Approve Mix 1 as artist.\n    since 3 Jan 1970, due 10 Jan 1970 (new)\n\n\
            Look at it:  deadwax desk\n\nwhat happened in what you follow (times in UTC):\n\n  \
            Other\n    4 Jan 01:00  Mia added Mix 2.\n    and 3 more; see the history\n";
        assert!(text.body.starts_with(expected), "{}", text.body);
    }

    #[test]
    fn a_letter_of_one_thing_names_it_in_its_subject_and_of_many_counts_them() {
        let one = each("Gold Room", "Ana", vec![row("a", 0, 0)]);
        assert_eq!(one.subject, "Gold Room: Nachtlied - Approve Mix 1 as artist.");
        let many = each("Gold Room", "Ana", (0..100).map(|at| row(&format!("{at}"), at, 0)).collect());
        assert_eq!(many.subject, "Gold Room: 100 things wait on you");
        assert!(many.body.contains("and 40 more") && many.body.len() < 16 << 10);
    }

    #[test]
    fn owners_are_told_who_took_how_much_and_no_song() {
        let taker = |name: &str, median| Taker {
            name: name.into(),
            person: "01".into(),
            at_ms: 3_600_000,
            works: 21,
            median,
        };
        let one = unusual("Gold Room", "Olga", &[taker("Ana\r\nBcc: x", 2)]);
        assert_eq!(one.subject, "Gold Room: Ana Bcc: x took 21 songs within a day");
        let line = "  1 Jan 01:00  Ana Bcc: x took 21 songs as they were made within 24 hours; 2 is usual for them\n";
        assert!(one.body.contains(line), "{}", one.body);
        let many = unusual("Gold Room", "Olga", &vec![taker("Ana", 0); 100]);
        assert_eq!(many.subject, "Gold Room: 100 people took unusually many songs");
        assert!(many.body.contains("and 40 more") && many.body.len() < 16 << 10);
    }

    #[test]
    fn news_without_a_desk_name_the_projects() {
        let news =
            |title: &str| News { title: title.into(), entries: vec![HistoryEntry::default(); 150], more: 0 };
        let text = digest("Gold Room", "Ana", Vec::new(), &|_| false, &[news("A"), news("B\nC")]);
        assert_eq!(text.subject, "Gold Room: news of A, B C");
        assert!(!text.body.contains("waits on you") && text.body.contains("and 100 more"), "{}", text.body);
    }
}
