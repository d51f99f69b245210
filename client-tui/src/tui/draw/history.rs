//! Who did what, newest first, by day, in the server's own sentences. Each line has its number in the ledger: the one that a receipt and `deadwax history` name.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Modifier,
    text::Line,
};

use super::{
    Hit, empty, first_shown, heading, put, row_of,
    text::{clip, pad, pad_left, wrap},
    theme::Theme,
};
use crate::tui::{
    history::{HistoryPage, Line as Of},
    model::{Ask, Model},
    words,
};

/// Lines below the list, the first of them empty.
const FOOT: u16 = 4;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let Some(page) = &model.history else {
        return empty(theme, frame, area, &["Press i on a project or a song to see its history."]);
    };
    put(frame, area, 0, heading(theme, "History", &standing(page), area.width, false));
    // The chosen entry stands whole below: a reason that is cut off is no reason.
    let [body, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(FOOT)]).areas(Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    });
    if page.entries.is_empty() && !page.loading && page.problem.is_none() {
        return empty(theme, frame, body, &["Nothing has happened here yet."]);
    }
    if page.places.is_empty() && !page.entries.is_empty() {
        let more = if page.next_before_seq > 0 {
            "m loads older entries and looks in them too."
        } else {
            "/ changes the search."
        };
        return empty(theme, frame, body, &["Nothing that is loaded fits the search.", more]);
    }
    let at = at.min(page.places.len().saturating_sub(1));
    let marked = page.places.get(at).copied().unwrap_or(0);
    let height = usize::from(body.height);
    let first = first_shown(marked, page.lines.len(), height);
    for (at_line, of) in page.lines.iter().enumerate().skip(first).take(height) {
        let row = u16::try_from(at_line - first).unwrap_or(u16::MAX);
        match of {
            Of::Day(at_ms) => {
                put(frame, body, row, Line::styled(format!(" {}", day(model, *at_ms)), theme.head()));
            }
            Of::Entry(index) => {
                if let Some(line) =
                    entry(model, theme, page, *index, at_line == marked, usize::from(area.width))
                {
                    let place = page.places.iter().position(|it| *it == at_line);
                    theme.hit(row_of(body, row), || Hit::Row(place.unwrap_or(0)));
                    put(frame, body, row, line);
                }
            }
        }
    }
    // The search is typed where the foot stands.
    if matches!(&model.prompt, Some(open) if matches!(open.ask, Ask::Search(_))) {
        return;
    }
    let Some(chosen) = page.shown(at) else { return };
    let room = usize::from(area.width.saturating_sub(4));
    let song = page.title_of(chosen).map_or_else(String::new, |it| format!(", {it}"));
    let date = words::date(&model.zone, chosen.at_ms);
    let text = format!("#{}, {date}{song}: {}", chosen.seq, chosen.text);
    for (row, text) in wrap(&text, room).into_iter().take(usize::from(FOOT) - 1).enumerate() {
        let row = u16::try_from(row + 1).unwrap_or(u16::MAX);
        put(frame, foot, row, Line::styled(format!("  {text}"), theme.plain()));
    }
}

fn standing(page: &HistoryPage) -> String {
    let more = match (&page.problem, page.loading, page.next_before_seq) {
        (Some(problem), ..) => format!("not loaded: {problem}"),
        (_, true, _) => "loading ...".into(),
        (_, _, 0) => String::new(),
        _ => "m loads older entries".into(),
    };
    if page.sought.trim().is_empty() {
        return more;
    }
    let found =
        format!("/{} finds {} of {} loaded", page.sought.trim(), page.places.len(), page.entries.len());
    if more.is_empty() { found } else { format!("{found}, {more}") }
}

/// "Wednesday 2026-11-18"
fn day(model: &Model, at_ms: i64) -> String {
    let date = jiff::Timestamp::from_millisecond(at_ms).map(|at| at.to_zoned(model.zone.clone()));
    date.map_or_else(|_| "?".into(), |it| it.strftime("%A %Y-%m-%d").to_string())
}

fn entry(
    model: &Model,
    theme: &Theme,
    page: &HistoryPage,
    index: usize,
    chosen: bool,
    columns: usize,
) -> Option<Line<'static>> {
    let entry = page.entries.get(index)?;
    let date = words::date(&model.zone, entry.at_ms);
    let time = date.split(' ').nth(1).unwrap_or("?");
    // What went past the rules stands out by a sign and by weight, so that it does without colour too.
    let shouts = matches!(entry.code.as_str(), "GATE_OVERRIDDEN" | "MIX_SWAPPED");
    let mark = if chosen { "▸" } else { " " };
    let mark = format!("{mark}{}", if shouts { "!" } else { " " });
    // The name has a column of its own; a sentence that begins with it says it twice.
    let told = entry.text.strip_prefix(entry.who.as_str()).filter(|it| it.starts_with(' '));
    let told = told.map_or(entry.text.as_str(), str::trim_start);
    let who = if columns >= 100 { 24 } else { 16 };
    let seq = pad_left(&format!("#{}", entry.seq), 6);
    let rest = columns.saturating_sub(2 + 5 + 1 + 6 + 2 + who + 2 + 1);
    let told = match page.title_of(entry) {
        Some(title) => format!("{}: {told}", clip(title, rest / 3)),
        None => told.to_owned(),
    };
    let told = told.as_str();
    let text = format!("{mark}{time} {seq}  {}  {}", pad(&entry.who, who), clip(told, rest));
    let style = theme.row(chosen, false, model.online());
    Some(Line::styled(text, if shouts { style.add_modifier(Modifier::BOLD) } else { style }))
}
