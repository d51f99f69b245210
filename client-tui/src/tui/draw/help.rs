//! The keys of the screen below by what they are for, from the table that the key handler itself reads; `/` searches in it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{Hit, first_shown, heading, put, text::pad, theme::Theme};
use crate::tui::{
    filter,
    keys::{Bound, GROUPS, Kind, group},
    lists,
    model::Model,
    words,
};

/// In the order in which they stand in the help.
pub fn help_lines(model: &Model, of: Kind) -> Vec<Bound<'_>> {
    let mut all: Vec<Bound<'_>> = model.settings.keys.bindings(of).collect();
    all.sort_by_key(|it| GROUPS.iter().position(|name| *name == group(it.verb)));
    all
}

/// A line of the help: what follows belongs together, or an action by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Group(&'static str),
    Key(usize),
}

fn shown(all: &[Bound<'_>], kept: &[usize]) -> Vec<Shown> {
    let mut lines = Vec::new();
    let mut now = "";
    for at in kept {
        let name = group(all[*at].verb);
        if name != now {
            now = name;
            lines.push(Shown::Group(name));
        }
        lines.push(Shown::Key(*at));
    }
    lines
}

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, of: Kind, at: usize) {
    let name = format!("Keys of {}", of.title());
    put(frame, area, 0, heading(theme, &name, "/ searches", area.width, false));
    let all = help_lines(model, of);
    let lines = shown(&all, &filter::kept(model, &all, lists::binding));
    let whole = usize::from(area.height.saturating_sub(1));
    // The last line tells how many are left, where not all of them are in sight.
    let height = if lines.len() > whole { whole.saturating_sub(1) } else { whole };
    let marked = lines.iter().position(|it| *it == Shown::Key(at)).unwrap_or(0);
    let first = first_shown(marked, lines.len(), height);
    let left = lines.len().saturating_sub(first + height);
    if left > 0 {
        let more = format!("  {}, ↓ moves", words::count(left, "line more", "lines more"));
        put(frame, area, area.height.saturating_sub(1), Line::styled(more, theme.dim()));
    }
    for (row, line) in lines.iter().skip(first).take(height).enumerate() {
        let row = u16::try_from(row + 1).unwrap_or(u16::MAX);
        let text = match line {
            Shown::Group(name) => Line::styled(format!(" {name}"), theme.head()),
            Shown::Key(place) => {
                let binding = &all[*place];
                theme.hit(super::row_of(area, row), || Hit::Row(*place));
                let mark = if *place == at { "▸ " } else { "  " };
                // An action without a key is pressed from the palette.
                let names = if binding.keys.is_empty() { ":".to_owned() } else { binding.names() };
                let keys = Span::styled(format!("{mark}{} ", pad(&names, 10)), theme.key());
                Line::from(vec![keys, Span::raw(binding.does)])
            }
        };
        put(frame, area, row, text);
    }
}
