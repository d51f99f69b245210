//! Listening blind, in a box: buttons for what can be heard, the score or the order, and nothing that tells which is which.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::open;
use crate::tui::{
    draw::{
        put,
        text::{clip, pad},
        theme::Theme,
    },
    model::{BlindAsk, BlindKind, Model},
    update, words,
};

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &BlindAsk) {
    let columns = area.width.min(66);
    let room = usize::from(columns.saturating_sub(4));
    let time = model.player.at_us().map_or_else(|| "…".into(), |us| words::clock(us / 1000, true));
    let plays = if model.player.playing { "▶" } else { "‖" };
    let (title, lines) = match &ask.how {
        BlindKind::Abx { .. } => ("Blind: is X the one or the other?", 10),
        BlindKind::Rank { order, .. } => {
            ("Blind: which is the best?", u16::try_from(order.len()).unwrap_or(9) + 8)
        }
    };
    let inner = open(theme, frame, area, title, (columns, lines));
    let mut row = 0;
    let mut say = |line: Line<'_>| {
        put(frame, inner, row, line);
        row += 1;
    };
    let button = |at: usize, key: &str, name: &str| {
        let style = if ask.heard == at { theme.chosen() } else { theme.plain() };
        let sign = if ask.heard == at { plays } else { " " };
        Span::styled(format!("[{sign} {key} {name}]"), style)
    };
    match &ask.how {
        BlindKind::Abx { names, right, rounds, told, .. } => {
            let name = |at: usize| clip(&names[at], room.saturating_sub(16));
            say(Line::from(vec![button(0, "a", &name(0))]));
            say(Line::from(vec![button(1, "b", &name(1))]));
            say(Line::from(vec![button(2, "x", "one of them")]));
            say(Line::raw(format!("{time}, both equally loud")));
            say(Line::raw(""));
            let last = match told {
                Some(true) => "Right. ",
                Some(false) => "Wrong. ",
                None => "",
            };
            let score = if *rounds == 0 {
                "1: X is a, 2: X is b. Ten rounds tell something.".to_owned()
            } else {
                format!("{last}{}", update::blind_verdict(*right, *rounds))
            };
            say(Line::styled(clip(&score, room), theme.head()));
        }
        BlindKind::Rank { order, at, heard, hidden } => {
            say(Line::raw(clip(
                &format!("{time}, all at {:.1} LUFS. The best first:", hidden.matched_lufs),
                room,
            )));
            for (place, track) in order.iter().enumerate() {
                let sounds = if ask.heard == *track { plays } else { " " };
                let new = if heard.get(*track) == Some(&false) { "  not heard yet" } else { "" };
                let text = pad(&format!("{}. {sounds} X{}{new}", place + 1, track + 1), room);
                say(Line::styled(text, theme.row(place == *at, false, true)));
            }
        }
    }
    let keys = match (&ask.problem, &ask.how) {
        (Some(problem), _) => Line::styled(clip(problem, room), theme.bad()),
        (_, BlindKind::Abx { .. }) => {
            Line::styled(clip("a b x hear, 1 2 answer, < > move, Space pause, Esc ends", room), theme.dim())
        }
        (_, BlindKind::Rank { .. }) => {
            Line::styled(clip("1-9 hear, ↑ ↓ choose, + - rank, Enter votes, Esc ends", room), theme.dim())
        }
    };
    put(frame, inner, inner.height.saturating_sub(1), keys);
}
