//! The desk (what waits on me, across projects) and the list of projects.

use deadwax_proto::v1::{DeskKind, DeskRow};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    empty, first_shown, heading, put,
    text::{clip, pad, pad_left, width, wrap},
    theme::Theme,
};
use crate::tui::{model::Model, words};

fn kind(row: &DeskRow) -> (&'static str, &'static str) {
    match row.kind() {
        DeskKind::Unspecified => ("·", ""),
        DeskKind::Approve => ("✓", "approve"),
        DeskKind::Upload => ("↑", "upload"),
        DeskKind::Note => ("○", "note"),
        DeskKind::Handoff => ("→", "handoff"),
        DeskKind::RenderFailed => ("×", "render"),
        DeskKind::Deliver => ("■", "deliver"),
        DeskKind::Pick => ("?", "pick"),
        DeskKind::Listen => ("♪", "listen"),
        DeskKind::Spacing => ("≡", "spacing"),
    }
}

pub(super) fn desk(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let Some(rows) = model.desk.as_deref() else {
        return empty(theme, frame, area, &["The desk has not arrived yet."]);
    };
    let count = words::count(rows.len(), "thing waits on you", "things wait on you");
    put(frame, area, 0, heading(theme, "Desk", if rows.is_empty() { "" } else { &count }, area.width, false));
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(4), ..area };
    if rows.is_empty() {
        let next = "Press 2 to look at your projects; what needs you will appear here by itself.";
        return empty(theme, frame, list, &["Nothing waits on you.", next]);
    }
    let at = at.min(rows.len() - 1);
    let height = usize::from(list.height);
    let first = first_shown(at, rows.len(), height);
    let columns = usize::from(area.width);
    let song = (columns / 4).clamp(14, 30);
    let project = if columns >= 100 { (columns / 5).min(24) } else { 0 };
    let text = columns.saturating_sub(3 + 9 + song + project + 9 + 2);
    for (line, row) in rows.iter().enumerate().skip(first).take(height) {
        let (sign, word) = kind(row);
        let chosen = line == at;
        let mark = if chosen { "▸" } else { " " };
        let mut parts = format!("{mark}{sign} {} ", pad(word, 8));
        parts.push_str(&pad(
            if row.song_title.is_empty() { &row.project_title } else { &row.song_title },
            song,
        ));
        if project > 0 {
            parts.push(' ');
            parts.push_str(&pad(&row.project_title, project - 1));
        }
        parts.push_str(&format!("  {}", pad(&row.text, text)));
        parts.push_str(&pad_left(&words::age(model.now_ms, row.since_ms), 7));
        let style = theme.row(chosen, false, model.online());
        put(frame, list, u16::try_from(line - first).unwrap_or(u16::MAX), Line::styled(parts, style));
    }
    // What a narrow line cuts off stands whole below the list.
    let row = &rows[at];
    if width(&row.text) > text {
        let foot =
            Rect { y: list.y + list.height, height: area.height.saturating_sub(list.height + 1), ..area };
        let room = usize::from(area.width.saturating_sub(4));
        for (line, said) in wrap(&row.text, room).into_iter().take(2).enumerate() {
            let line = u16::try_from(line + 1).unwrap_or(u16::MAX);
            put(frame, foot, line, Line::styled(format!("  {said}"), theme.plain()));
        }
    }
}

pub(super) fn projects(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let Some(list) = model.list.as_deref() else {
        return empty(theme, frame, area, &["The projects have not arrived yet."]);
    };
    put(frame, area, 0, heading(theme, "Projects", "", area.width, false));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if list.is_empty() {
        let next = "A manager adds you with an invite. An owner of the studio makes a project in a shell: deadwax project create TITLE --artist NAME";
        return empty(theme, frame, body, &["You are in no project yet.", next]);
    }
    let at = at.min(list.len() - 1);
    let height = usize::from(body.height);
    let first = first_shown(at, list.len(), height);
    let columns = usize::from(area.width);
    let (title, artist) = (columns * 3 / 10, columns / 4);
    for (line, it) in list.iter().enumerate().skip(first).take(height) {
        let chosen = line == at;
        let mark = if chosen { "▸ " } else { "  " };
        let done = format!("{} of {} delivered", it.songs_delivered, it.songs);
        let roles = words::roles(it.your_roles());
        let rest = columns.saturating_sub(2 + title + 1 + artist + 1 + 20);
        let text = format!(
            "{mark}{} {} {} {}",
            pad(&it.title, title),
            pad(&it.artist, artist),
            pad(&done, 18),
            clip(&roles, rest)
        );
        let style = theme.row(chosen, false, model.online());
        let line = u16::try_from(line - first).unwrap_or(u16::MAX);
        put(frame, body, line, Line::from(vec![Span::styled(text, style)]));
    }
}
