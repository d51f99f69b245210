//! The notes of a song: each with where it stands in the shown version, and the chosen one with its whole text, the verdict on it and its
//! thread.

use deadwax_proto::v1::{NoteRow, NoteState, PlaceKind, Verdict, VersionRow};
use ratatui::{Frame, layout::Rect, style::Style, text::Line};

use super::{
    Hit, NOTHING_FOUND, empty, heading, put, row_of,
    song::{first_listed, label, list},
    sought,
    text::{clip, pad, width, wrap},
    theme::Theme,
};
use crate::tui::{
    lists,
    model::{Focus, Model, SongView},
    rows::{self, Project},
    words,
};

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    view: &SongView,
) {
    let notes = rows.notes(&view.song, view.settled);
    let all = rows.notes(&view.song, true).len();
    let hidden = if view.settled { 0 } else { all - notes.len() };
    let many = model.hands.chosen(model).map_or(0, std::collections::BTreeSet::len);
    let rest = match (notes.len(), hidden) {
        _ if many > 0 => format!("{many} chosen, Esc lets go"),
        (0, 0) => String::new(),
        (shown, 0) => format!("{shown}"),
        (shown, hidden) => format!("{shown}, {hidden} settled hidden (f)"),
    };
    let focused = view.focus == Focus::Notes;
    put(frame, area, 0, heading(theme, "Notes", &rest, area.width, focused));
    if notes.is_empty() {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let next = "Move the cursor with ← and →, then n writes a note there.";
        return empty(theme, frame, below, &["No open notes.", next]);
    }
    theme.hit(area, || Hit::Pane(Focus::Notes));
    // A filter is about the list that has the keys; labels stay those of the picture.
    let kept = sought(model).filter(|_| focused).map(|filter| {
        let places = notes.iter().enumerate().filter(|(_, it)| filter.keeps(&lists::note(it)));
        places.map(|(at, _)| at).collect::<Vec<usize>>()
    });
    if kept.as_ref().is_some_and(Vec::is_empty) {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        return empty(theme, frame, below, NOTHING_FOUND);
    }
    let chosen = view.note.as_deref().and_then(|id| notes.place_of(id));
    let chosen_at = match &kept {
        Some(kept) => chosen.and_then(|at| kept.iter().position(|it| *it == at)).unwrap_or(0),
        None => chosen.unwrap_or(0),
    };
    let len = kept.as_ref().map_or(notes.len(), Vec::len);
    let shown = view.version(rows);
    // Lines further away than the height of the list cannot be in sight: a song with a thousand notes draws like one with ten.
    let height = usize::from(area.height);
    let near = chosen_at.saturating_sub(height)..(chosen_at + height).min(len);
    let mut lines = Vec::new();
    // Of which note each line is the first.
    let mut ids = Vec::new();
    for place in near {
        let at = kept.as_ref().and_then(|kept| kept.get(place).copied()).unwrap_or(place);
        let Some(note) = notes.get(at) else { continue };
        let is_chosen = place == chosen_at;
        let thread = &rows.replies(note);
        let entry = Entry { at, note, thread, shown, open: is_chosen, focused };
        lines.push((note_line(model, theme, rows, &entry, area.width), is_chosen));
        ids.push(Some(note.note_id.as_str()));
        if is_chosen {
            let details = note_details(theme, rows, &entry, usize::from(area.width.saturating_sub(4)));
            lines.extend(details.into_iter().map(|line| (line, false)));
            ids.resize(lines.len(), None);
        }
    }
    hits(theme, area, &lines, &ids);
    list(frame, area, lines);
}

/// Where each note can be pressed.
fn hits(theme: &Theme, area: Rect, lines: &[(Line<'_>, bool)], ids: &[Option<&str>]) {
    let first = first_listed(area, lines);
    for (row, id) in ids.iter().skip(first).take(usize::from(area.height.saturating_sub(1))).enumerate() {
        if let Some(id) = id {
            let row = u16::try_from(row + 1).unwrap_or(u16::MAX);
            theme.hit(row_of(area, row), || Hit::Note((*id).to_owned()));
        }
    }
}

/// A note of the list, with what stands around it.
struct Entry<'a> {
    at: usize,
    note: &'a NoteRow,
    thread: &'a [&'a NoteRow],
    /// The version that is looked at.
    shown: Option<&'a VersionRow>,
    open: bool,
    focused: bool,
}

fn note_line<'a>(model: &Model, theme: &Theme, rows: &Project, entry: &Entry<'_>, columns: u16) -> Line<'a> {
    let note = entry.note;
    let chosen = entry.open && entry.focused;
    let (sign, state) = words::note_state(note.state());
    let thread = if entry.thread.is_empty() { String::new() } else { format!(" +{}", entry.thread.len()) };
    let shown = entry.shown.map_or("", |it| it.version_id.as_str());
    let place = rows::place(note, shown);
    let time = place.start_ms.map_or_else(|| "song".into(), |ms| words::clock(ms, true));
    // What the edit moved and what was cut is marked before its time.
    let (moved, time) = match place.kind {
        PlaceKind::Moved | PlaceKind::ByHand => ("→", time),
        PlaceKind::Gone if place.start_ms.is_none() => ("×", "cut".into()),
        PlaceKind::Gone => ("×", time),
        PlaceKind::Same | PlaceKind::Unspecified => (" ", time),
    };
    let untouched = rows::verdict(note, shown).is_some_and(|it| it.verdict() == Verdict::Untouched);
    // Chosen together with others: a sign of its own, which the line under the mark shows too.
    let together = model.hands.is_chosen(model, &note.note_id);
    let mark = match (chosen, together) {
        (_, true) => "*",
        (true, _) => "▸",
        _ => " ",
    };
    let label = label(entry.at);
    let head = format!("{mark}{label}{sign}{moved}{} {}{thread}: ", pad(&time, 6), clip(&note.author, 12));
    let lock = if note.internal { "internal: " } else { "" };
    let told = if untouched && !entry.open { "! untouched: " } else { "" };
    // The chosen note shows its whole text below, so its line tells the rest.
    let text = if entry.open {
        format!("{lock}{state}, as {}", words::role(note.author_role()))
    } else {
        format!("{told}{lock}{}", note.text)
    };
    let key = format!("note/{}", note.note_id);
    let pending = model.waits(&key);
    let text = if pending { format!("… {text}") } else { text };
    let room = usize::from(columns).saturating_sub(width(&head));
    let fresh =
        rows.is_fresh(&key) || entry.thread.iter().any(|it| rows.is_fresh(&format!("note/{}", it.note_id)));
    Line::styled(format!("{head}{}", pad(&text, room)), theme.row(chosen, fresh, model.online()))
}

/// The whole text of the chosen note, what became of it, its checklist and its thread.
fn note_details<'a>(theme: &Theme, rows: &Project, entry: &Entry<'_>, room: usize) -> Vec<Line<'a>> {
    let Entry { note, thread, shown, .. } = *entry;
    let shown = shown.map_or("", |it| it.version_id.as_str());
    let mut lines = Vec::new();
    let mut add = |text: &str, style: Style| {
        lines.extend(wrap(text, room).into_iter().map(|line| Line::styled(format!("    {line}"), style)));
    };
    add(&note.text, theme.plain());
    let origin = rows.version(&note.version_id).map_or_else(String::new, words::version);
    let place = rows::place(note, shown);
    let said = words::placed(&place, (note.start_ms, note.end_ms), &origin);
    let mut facts = match (place.kind, note.alternate.as_str()) {
        (PlaceKind::Same | PlaceKind::Unspecified, "") => format!("on {origin} · {said}"),
        (PlaceKind::Same | PlaceKind::Unspecified, alternate) => format!("on {origin}, {alternate} · {said}"),
        // The place itself tells where it was written.
        (_, "") => said,
        (_, alternate) => format!("on {alternate} · {said}"),
    };
    if !note.addressee.is_empty() {
        facts.push_str(&format!(" · for {}", note.addressee));
    }
    add(&facts, theme.dim());
    // Of the shown version where somebody looked there, else of the newest.
    if let Some(it) = rows::verdict(note, shown).or_else(|| note.verdicts.last()) {
        let (sign, word) = words::verdict(it.verdict());
        let of =
            rows.version(&it.version_id).map_or_else(String::new, |it| format!("{}: ", words::version(it)));
        let style = if it.verdict() == Verdict::Untouched { theme.warn() } else { theme.good() };
        add(&format!("{sign} {of}{}", if it.text.is_empty() { word } else { &it.text }), style);
    }
    if let Some(version) = rows.version(&note.addressed_in_version_id) {
        add(&format!("done in {}", words::version(version)), theme.good());
    }
    if note.state() == NoteState::Declined {
        add(&format!("declined: {}", note.reason), theme.warn());
    } else if !note.reason.is_empty() {
        add(&format!("reopened: {}", note.reason), theme.warn());
    }
    for item in &note.checklist {
        let sign = if item.done { "[x]" } else { "[ ]" };
        add(&format!("{sign} {}", item.text), theme.plain());
    }
    for reply in thread {
        let lock = if reply.internal { " (internal)" } else { "" };
        add(&format!("↳ {}{lock}: {}", reply.author, reply.text), theme.plain());
    }
    lines
}
