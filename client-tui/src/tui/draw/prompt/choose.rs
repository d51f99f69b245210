//! Short lists to choose from.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::open;
use crate::tui::{
    draw::{
        Hit, first_shown, put, row_of,
        text::{clip, pad, width},
        theme::Theme,
    },
    model::{FollowAsk, Model, PaletteAsk},
    update, words,
};

pub(super) fn follow(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &FollowAsk) {
    let rows = model.projects.get(&ask.project);
    let song = rows.and_then(|rows| rows.song(&ask.song)).map(|it| it.title.as_str());
    let title = format!("What do you want to hear of {}?", song.unwrap_or("this project"));
    let lines = u16::try_from(words::FOLLOW.len() + 4).unwrap_or(8);
    let inner = open(theme, frame, area, &title, (area.width.min(60), lines));
    for (at, level) in words::FOLLOW.into_iter().enumerate() {
        let chosen = at == ask.at;
        let mark = if chosen { "▸" } else { " " };
        let own = song.is_some() && at == 0;
        let word = if own { "as of the whole project" } else { words::follow(level) };
        let text = pad(&format!("{mark} {word}"), usize::from(inner.width));
        let row = u16::try_from(at).unwrap_or(0);
        theme.hit(row_of(inner, row), || Hit::Choice(at));
        put(frame, inner, row, Line::styled(text, theme.row(chosen, false, true)));
    }
    put(
        frame,
        inner,
        inner.height.saturating_sub(1),
        Line::styled("Enter takes it, Esc leaves", theme.dim()),
    );
}

pub(super) fn palette(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &PaletteAsk) {
    let found = update::palette(model, ask);
    let inner = open(theme, frame, area, "Find an action", (area.width.min(96), area.height.min(20)));
    let room = usize::from(inner.width);
    put(frame, inner, 0, Line::styled(clip(&format!("> {}▏", ask.typed), room), theme.head()));
    let height = usize::from(inner.height.saturating_sub(2));
    if found.is_empty() {
        put(
            frame,
            inner,
            1,
            Line::styled("No action has these letters. Backspace takes some away.", theme.dim()),
        );
    }
    let at = ask.at.min(found.len().saturating_sub(1));
    let first = first_shown(at, found.len(), height);
    for (place, it) in found.iter().enumerate().skip(first).take(height) {
        let row = u16::try_from(place - first + 1).unwrap_or(u16::MAX);
        theme.hit(row_of(inner, row), || Hit::Choice(place));
        let names = pad(&it.bound.names(), 10);
        let there = it.there.map_or_else(String::new, |(kind, _)| format!("{}: ", kind.title()));
        // Why not is said beside it: what cannot be done now can still be found.
        let refused = it.refused.as_ref().map_or_else(String::new, |why| format!("  × {why}"));
        let does = format!("{there}{}", it.bound.does);
        let line = if place == at {
            Line::styled(pad(&format!("{names} {does}{refused}"), room), theme.chosen())
        } else {
            let does = clip(&does, room.saturating_sub(11));
            let left = room.saturating_sub(11 + width(&does));
            let style = if it.refused.is_some() { theme.dim() } else { theme.plain() };
            Line::from(vec![
                Span::styled(names, theme.key()),
                Span::styled(format!(" {does}"), style),
                Span::styled(clip(&refused, left), theme.dim()),
            ])
        };
        put(frame, inner, row, line);
    }
    let keys = "Type letters, ↑ ↓ move, Enter presses the key, Esc leaves";
    let keys = clip(keys, width(keys).min(room));
    put(frame, inner, inner.height.saturating_sub(1), Line::styled(keys, theme.dim()));
}
