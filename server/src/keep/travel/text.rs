//! The pages of an export that people read: history, notes, versions. Nothing of them is read back. Never here: files, hashes of entries.

use std::{collections::BTreeMap, fmt::Write as _};

use deadwax_domain::{Digest, Event, Note, PersonId, Project, Time, sentence};

use crate::wire::text::scrub;

type Names<'a> = &'a dyn Fn(PersonId) -> String;

fn moment(time: Time) -> String {
    jiff::Timestamp::from_millisecond(time.0)
        .map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// "1:32.5"
fn clock(ms: u64) -> String {
    format!("{}:{:02}.{}", ms / 60_000, ms / 1000 % 60, ms % 1000 / 100)
}

/// One sentence a fact, with its number.
pub fn history(project: &Project, events: &[(u64, Event)], names: Names<'_>) -> String {
    let mut page = format!("{} by {}\n\n", scrub(&project.title), scrub(&project.artist));
    for (seq, event) in events {
        let text = sentence::sentence(project, event, names).text;
        let _ = writeln!(page, "{seq:>6}  {}  {}", moment(event.at), scrub(&text).replace('\n', " "));
    }
    page
}

/// Every note under its version, answers below what they answer.
pub fn notes(project: &Project, names: Names<'_>) -> String {
    let mut page = String::new();
    for version in project.versions.values() {
        let of_it: Vec<&Note> = project.notes.values().filter(|note| note.version == version.id).collect();
        if of_it.is_empty() {
            continue;
        }
        let _ = writeln!(page, "{}, {}\n", scrub(&project.song_name(version.song)), version.name());
        for note in of_it.iter().filter(|note| note.parent.is_none()) {
            one(&mut page, note, names, 2);
            for answer in of_it.iter().filter(|answer| answer.parent == Some(note.id)) {
                one(&mut page, answer, names, 6);
            }
        }
        page.push('\n');
    }
    page
}

fn one(page: &mut String, note: &Note, names: Names<'_>, indent: usize) {
    let at = note.span.map_or_else(String::new, |span| {
        let end = span.end_ms.map(|end| format!(" to {}", clock(end))).unwrap_or_default();
        format!("at {}{end}, ", clock(span.start_ms))
    });
    let internal = if note.internal { ", among engineers" } else { "" };
    let who = scrub(&names(note.author));
    let state = format!("{:?}", note.state).to_lowercase();
    let _ =
        writeln!(page, "{:indent$}{at}{who} as {}, {}{internal} ({state})", "", note.role, moment(note.at));
    for line in scrub(&note.text).lines() {
        let _ = writeln!(page, "{:indent$}  {line}", "");
    }
    for item in &note.checklist {
        let _ =
            writeln!(page, "{:indent$}  [{}] {}", "", if item.done { "x" } else { " " }, scrub(&item.text));
    }
}

/// Where the files of each version lie.
pub fn versions(project: &Project, places: &BTreeMap<Digest, String>, names: Names<'_>) -> String {
    let mut page = String::new();
    for version in project.versions.values() {
        let maker =
            project.maker(version).map(|id| format!(", by {}", scrub(&names(id)))).unwrap_or_default();
        let _ = writeln!(page, "{}, {}{maker}", scrub(&project.song_name(version.song)), version.name());
        for file in &version.files {
            let place = places.get(&file.digest).map_or("-", String::as_str);
            let _ = writeln!(page, "    {}: {place}  {}", file.alternate.words(), file.digest);
        }
    }
    page
}
