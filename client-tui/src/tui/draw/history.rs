//! Who did what, newest first, in the server's own sentences.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Modifier,
    text::Line,
};

use super::{
    Hit, NOTHING_FOUND, empty, first_shown, heading, put, row_of,
    text::{clip, pad, wrap},
    theme::Theme,
};
use crate::tui::{filter, lists, model::Model, words};

/// Lines below the list, the first of them empty.
const FOOT: u16 = 4;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let Some(page) = &model.history else {
        return empty(theme, frame, area, &["Press i on a project or a song to see its history."]);
    };
    let more = match (&page.problem, page.loading, page.next_before_seq) {
        (Some(problem), ..) => format!("not loaded: {problem}"),
        (_, true, _) => "loading ...".into(),
        (_, _, 0) => String::new(),
        _ => "m loads older entries".into(),
    };
    put(frame, area, 0, heading(theme, "History", &more, area.width, false));
    // The chosen entry stands whole below: a reason that is cut off is no reason.
    let [body, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(FOOT)]).areas(Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    });
    if page.entries.is_empty() && !page.loading && page.problem.is_none() {
        return empty(theme, frame, body, &["Nothing has happened here yet."]);
    }
    let kept = filter::kept(model, &page.entries, lists::entry);
    if kept.is_empty() && !page.entries.is_empty() {
        return empty(theme, frame, body, NOTHING_FOUND);
    }
    let at = at.min(page.entries.len().saturating_sub(1));
    let height = usize::from(body.height);
    let marked = kept.iter().position(|it| *it == at).unwrap_or(0);
    let first = first_shown(marked, kept.len(), height);
    let columns = usize::from(area.width);
    for (line, place) in kept.iter().copied().enumerate().skip(first).take(height) {
        let entry = &page.entries[place];
        let when = words::date(&model.zone, entry.at_ms);
        // What went past the rules stands out by a sign and by weight, so that it does without colour too.
        let shouts = matches!(entry.code.as_str(), "GATE_OVERRIDDEN" | "MIX_SWAPPED");
        let mark = if place == at { "▸" } else { " " };
        let mark = format!("{mark}{}", if shouts { "!" } else { " " });
        // The name has a column of its own; a sentence that begins with it says it twice.
        let told = entry.text.strip_prefix(entry.who.as_str()).filter(|it| it.starts_with(' '));
        let told = told.map_or(entry.text.as_str(), str::trim_start);
        let text =
            format!("{mark}{when}  {}  {}", pad(&entry.who, 16), clip(told, columns.saturating_sub(39)));
        let style = theme.row(place == at, false, model.online());
        let style = if shouts { style.add_modifier(Modifier::BOLD) } else { style };
        let row = u16::try_from(line - first).unwrap_or(u16::MAX);
        theme.hit(row_of(body, row), || Hit::Row(place));
        put(frame, body, row, Line::styled(text, style));
    }
    let Some(entry) = page.entries.get(at) else { return };
    let room = usize::from(area.width.saturating_sub(4));
    for (row, text) in wrap(&entry.text, room).into_iter().take(usize::from(FOOT) - 1).enumerate() {
        let row = u16::try_from(row + 1).unwrap_or(u16::MAX);
        put(frame, foot, row, Line::styled(format!("  {text}"), theme.plain()));
    }
}
