//! A request for a revision: first what it means for the terms, in the server's words, then the notes and the message.

use deadwax_proto::v1::RevisionKind;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{open, say, written};
use crate::tui::{
    draw::{
        first_shown, put,
        text::{clip, pad, wrap},
        theme::Theme,
    },
    model::{Model, RevisionAsk},
    rows, words,
};

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RevisionAsk) {
    let Some(rows) = model.projects.get(&ask.project) else { return };
    let version = rows.version(&ask.version);
    let name = version.map_or_else(|| "the version".into(), words::version);
    let title = format!("Ask for a revision of {name}");
    let columns = area.width.min(84);
    let mut told = wrap(&ask.consequence, usize::from(columns.saturating_sub(4)));
    told.truncate(3);
    let above = u16::try_from(told.len()).unwrap_or(3);
    let lines = u16::try_from(ask.chosen.len()).unwrap_or(u16::MAX).clamp(2, 11) + 9 + above;
    let inner = open(theme, frame, area, &title, (columns, lines));
    let [first, top, list, label, text, keys] = Layout::vertical([
        Constraint::Length(above),
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
        Constraint::Length(4),
        Constraint::Length(1),
    ])
    .areas(inner);
    say(frame, first, 0, told.into_iter().map(|line| (line, theme.warn())).collect());
    put(frame, top, 0, choices(theme, ask));
    let height = usize::from(list.height);
    let at = first_shown(ask.at, ask.chosen.len(), height);
    for (line, (id, chosen)) in ask.chosen.iter().enumerate().skip(at).take(height) {
        let Some(note) = rows.note(id) else { continue };
        let sign = if *chosen { "[x]" } else { "[ ]" };
        let start_ms = rows::place(note, &ask.version).start_ms;
        let time = start_ms.map_or_else(|| "song".into(), |ms| words::clock(ms, true));
        let text = format!("{sign} {} {}: {}", pad(&time, 6), clip(&note.author, 14), note.text);
        let style = theme.row(line == ask.at && !ask.writing, false, true);
        let row = u16::try_from(line - at).unwrap_or(u16::MAX);
        put(frame, list, row, Line::styled(pad(&text, usize::from(list.width)), style));
    }
    written(theme, frame, (label, text), "Message", &ask.area, ask.writing);
    let room = usize::from(inner.width);
    let line = match (ask.problem, ask.writing) {
        (Some(problem), _) => Line::styled(clip(problem, room), theme.bad()),
        (_, true) => Line::styled(
            clip("Enter sends, Alt-Enter breaks the line, Shift-Tab to the notes, Esc leaves", room),
            theme.dim(),
        ),
        _ => Line::styled("Space chooses, Enter goes on to the message, Esc leaves", theme.dim()),
    };
    put(frame, keys, 0, line);
}

/// "As label (← →)   (•) change  ( ) correction   Tab changes"
fn choices(theme: &Theme, ask: &RevisionAsk) -> Line<'static> {
    let role = ask.roles.get(ask.role).map_or("nobody", |role| words::role(*role));
    let choose = if ask.roles.len() > 1 { " (← →)" } else { "" };
    let correction = ask.kind == RevisionKind::Correction;
    let mark = |on: bool, word: &str| format!("({}) {word}  ", if on { '•' } else { ' ' });
    let style = |on: bool| if on { theme.head() } else { theme.dim() };
    Line::from(vec![
        Span::raw(format!("As {role}{choose}   ")),
        Span::styled(mark(!correction, words::revision_kind(RevisionKind::Change)), style(!correction)),
        Span::styled(mark(correction, words::revision_kind(RevisionKind::Correction)), style(correction)),
        Span::styled(" Tab changes", theme.dim()),
    ])
}
