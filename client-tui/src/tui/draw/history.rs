//! Who did what, newest first, in the server's own sentences.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    empty, first_shown, heading, put,
    text::{clip, pad},
    theme::Theme,
};
use crate::tui::model::Model;

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
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if page.entries.is_empty() && !page.loading && page.problem.is_none() {
        return empty(theme, frame, body, &["Nothing has happened here yet."]);
    }
    let at = at.min(page.entries.len().saturating_sub(1));
    let height = usize::from(body.height);
    let first = first_shown(at, page.entries.len(), height);
    let columns = usize::from(area.width);
    for (line, entry) in page.entries.iter().enumerate().skip(first).take(height) {
        let when = date(model, entry.at_ms);
        let mark = if line == at { "▸" } else { " " };
        // The name has a column of its own; a sentence that begins with it says it twice.
        let told = entry.text.strip_prefix(entry.who.as_str()).filter(|it| it.starts_with(' '));
        let told = told.map_or(entry.text.as_str(), str::trim_start);
        let text =
            format!("{mark}{when}  {}  {}", pad(&entry.who, 16), clip(told, columns.saturating_sub(38)));
        let style = theme.row(line == at, false, model.online());
        put(frame, body, u16::try_from(line - first).unwrap_or(u16::MAX), Line::styled(text, style));
    }
}

/// "2026-11-21 04:20", in the person's own zone.
fn date(model: &Model, at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.to_zoned(model.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".into(),
    }
}
