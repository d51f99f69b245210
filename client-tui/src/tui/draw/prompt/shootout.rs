//! Mixes that compete: who takes part, and the ballot.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{open, say, too_small, whole, written};
use crate::tui::{
    draw::{
        first_shown, put,
        text::{clip, pad},
        theme::Theme,
    },
    model::{EntrantsAsk, Model, VoteAsk},
    words,
};

fn columns(area: Rect) -> u16 {
    area.width.min(70)
}

fn told(area: Rect, consequence: &str, theme: &Theme) -> super::Said {
    if consequence.is_empty() {
        return Vec::new();
    }
    whole(consequence, usize::from(columns(area).saturating_sub(4)), theme.warn())
}

/// The people scroll; what follows does not.
pub(super) fn entrants_lines(area: Rect, ask: &EntrantsAsk) -> usize {
    told(area, &ask.consequence, &Theme::bare()).len() + 8
}

pub(super) fn entrants(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &EntrantsAsk) {
    let title = "Which mix engineers compete?";
    if entrants_lines(area, ask) > usize::from(area.height) {
        return too_small(theme, frame, area, title, "read what follows from this");
    }
    let told = told(area, &ask.consequence, theme);
    let above = u16::try_from(told.len()).unwrap_or(0);
    let lines = u16::try_from(ask.people.len()).unwrap_or(u16::MAX).clamp(2, 8) + 6 + above;
    let inner = open(theme, frame, area, title, (columns(area), lines));
    say(frame, inner, 0, told);
    let list = Rect { y: inner.y + above, height: inner.height.saturating_sub(above + 3), ..inner };
    let height = usize::from(list.height);
    let first = first_shown(ask.at, ask.people.len(), height);
    for (at, (id, name)) in ask.people.iter().enumerate().skip(first).take(height) {
        let line = ask.chosen.iter().position(|it| it == id);
        let letter = line.map_or(' ', |at| (b'A' + u8::try_from(at.min(25)).unwrap_or(25)) as char);
        let text = pad(&format!("[{letter}] {name}"), usize::from(list.width));
        let row = u16::try_from(at - first).unwrap_or(u16::MAX);
        put(frame, list, row, Line::styled(text, theme.row(at == ask.at, false, true)));
    }
    let room = usize::from(inner.width);
    let blind = if ask.blind {
        "Blind: whose line is whose is told after the pick. Tab changes."
    } else {
        "Named: everybody sees whose line is whose. Tab changes."
    };
    let bottom = inner.height;
    put(frame, inner, bottom.saturating_sub(2), Line::styled(clip(blind, room), theme.plain()));
    let keys = match ask.problem {
        Some(problem) => Line::styled(clip(problem, room), theme.bad()),
        None => Line::styled(clip("Space chooses, Enter opens the shootout, Esc leaves", room), theme.dim()),
    };
    put(frame, inner, bottom.saturating_sub(1), keys);
}

pub(super) fn vote(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &VoteAsk) {
    let Some(rows) = model.projects.get(&ask.project) else { return };
    let mut told = told(area, &ask.consequence, theme);
    told.truncate(3);
    let above = u16::try_from(told.len()).unwrap_or(3);
    let lines = u16::try_from(ask.order.len()).unwrap_or(u16::MAX).clamp(2, 9) + 8 + above;
    let inner = open(theme, frame, area, "Your vote: the best first", (columns(area), lines));
    let [first, top, list, label, text, keys] = Layout::vertical([
        Constraint::Length(above),
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
        Constraint::Length(3),
        Constraint::Length(1),
    ])
    .areas(inner);
    say(frame, first, 0, told);
    let role = ask.roles.get(ask.role).map_or("nobody", |role| words::role(*role));
    let choose = if ask.roles.len() > 1 { " (← →)" } else { "" };
    let how = match &ask.blind {
        Some(it) => format!("As {role}{choose}, blind, all played at {:.1} LUFS", it.matched_lufs),
        None => format!("As {role}{choose}, by line. To vote blind: Esc, then b"),
    };
    put(frame, top, 0, Line::raw(clip(&how, usize::from(top.width))));
    let height = usize::from(list.height);
    let from = first_shown(ask.at, ask.order.len(), height);
    for (at, id) in ask.order.iter().enumerate().skip(from).take(height) {
        let hidden = ask.blind.as_ref().and_then(|it| it.name(id));
        let name = hidden.unwrap_or_else(|| {
            rows.version(id).map_or_else(|| "a mix that is not here".into(), words::version)
        });
        let text = pad(&format!("{}. {name}", at + 1), usize::from(list.width));
        let style = theme.row(at == ask.at && !ask.writing, false, true);
        put(frame, list, u16::try_from(at - from).unwrap_or(u16::MAX), Line::styled(text, style));
    }
    written(theme, frame, (label, text), "Reason", &ask.area, ask.writing);
    let room = usize::from(inner.width);
    let line = match (ask.problem, ask.writing) {
        (Some(problem), _) => Line::styled(clip(problem, room), theme.bad()),
        (_, true) => Line::styled(clip("Enter votes, Tab to the mixes, Esc leaves", room), theme.dim()),
        _ => Line::styled(clip("+ up, - down, Enter goes on to the reason, Esc leaves", room), theme.dim()),
    };
    put(frame, keys, 0, line);
}
