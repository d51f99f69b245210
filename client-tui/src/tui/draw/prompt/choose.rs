//! Short lists to choose from.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::open;
use crate::tui::{
    draw::{
        first_shown, put,
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
        put(frame, inner, u16::try_from(at).unwrap_or(0), Line::styled(text, theme.row(chosen, false, true)));
    }
    put(
        frame,
        inner,
        inner.height.saturating_sub(1),
        Line::styled("Enter takes it, Esc leaves", theme.dim()),
    );
}

pub(super) fn palette(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &PaletteAsk) {
    let found = update::palette(ask.of, &ask.typed);
    let inner = open(theme, frame, area, "Find a key", (area.width.min(76), area.height.min(18)));
    let room = usize::from(inner.width);
    put(frame, inner, 0, Line::styled(clip(&format!("> {}▏", ask.typed), room), theme.head()));
    let height = usize::from(inner.height.saturating_sub(2));
    if found.is_empty() {
        put(frame, inner, 1, Line::styled("No key of this screen is told in these words.", theme.dim()));
    }
    let first = first_shown(ask.at, found.len(), height);
    for (at, binding) in found.iter().enumerate().skip(first).take(height) {
        let row = u16::try_from(at - first + 1).unwrap_or(u16::MAX);
        let (names, does) = (pad(&binding.names(), 10), clip(binding.does, room.saturating_sub(11)));
        let line = if at == ask.at {
            Line::styled(pad(&format!("{names} {does}"), room), theme.chosen())
        } else {
            Line::from(vec![Span::styled(names, theme.key()), Span::raw(format!(" {does}"))])
        };
        put(frame, inner, row, line);
    }
    let keys = "Type words, ↑ ↓ move, Enter presses the key, Esc leaves";
    let keys = clip(keys, width(keys).min(room));
    put(frame, inner, inner.height.saturating_sub(1), Line::styled(keys, theme.dim()));
}
