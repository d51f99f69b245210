//! The parts of a song in a box: where each begins and how it is called.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{open, say, whole};
use crate::tui::{
    draw::{
        first_shown, put,
        text::{clip, pad},
        theme::Theme,
    },
    model::SectionsAsk,
    words,
};

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &SectionsAsk) {
    let columns = area.width.min(64);
    let room = usize::from(columns.saturating_sub(4));
    let mut told =
        if ask.consequence.is_empty() { Vec::new() } else { whole(&ask.consequence, room, theme.warn()) };
    told.truncate(3);
    let above = u16::try_from(told.len()).unwrap_or(3);
    let lines = u16::try_from(ask.list.len()).unwrap_or(u16::MAX).clamp(2, 12) + 5 + above;
    let inner = open(theme, frame, area, "The parts of the song", (columns, lines));
    say(frame, inner, 0, told);
    let list = Rect { y: inner.y + above, height: inner.height.saturating_sub(above + 3), ..inner };
    let height = usize::from(list.height);
    if ask.list.is_empty() {
        put(frame, list, 0, Line::styled("No part has a name yet.", theme.dim()));
    }
    let first = first_shown(ask.at, ask.list.len(), height);
    for (at, (start_ms, name)) in ask.list.iter().enumerate().skip(first).take(height) {
        let text = pad(&format!("{:>8}  {name}", words::clock(*start_ms, true)), room);
        let chosen = at == ask.at && ask.typing.is_none();
        put(
            frame,
            list,
            u16::try_from(at - first).unwrap_or(u16::MAX),
            Line::styled(text, theme.row(chosen, false, true)),
        );
    }
    let bottom = inner.height;
    if let Some((name, new)) = &ask.typing {
        let at = if *new { ask.cursor_ms } else { ask.list.get(ask.at).map_or(0, |it| it.0) };
        let head = format!("{:>8}  ", words::clock(at, true));
        // The end of a long name stays in sight: that is where it is written.
        let tail: String = {
            let mut tail: Vec<char> = name.chars().rev().take(room.saturating_sub(12)).collect();
            tail.reverse();
            tail.into_iter().collect()
        };
        let line = Line::styled(format!("{head}{}▏", clip(&tail, room.saturating_sub(11))), theme.accent());
        put(frame, inner, bottom.saturating_sub(2), line);
    }
    let keys = match (ask.problem, &ask.typing) {
        (Some(problem), _) => Line::styled(clip(problem, room), theme.bad()),
        (_, Some(_)) => {
            Line::styled(clip("A name: Verse 1, Chorus. Enter keeps it, Esc leaves it", room), theme.dim())
        }
        _ => Line::styled(
            clip(
                if ask.changed {
                    "Enter sends them · n new, e name, x remove · Esc"
                } else {
                    "n new at the cursor, e name, x remove · Esc leaves"
                },
                room,
            ),
            theme.dim(),
        ),
    };
    put(frame, inner, bottom.saturating_sub(1), keys);
}
