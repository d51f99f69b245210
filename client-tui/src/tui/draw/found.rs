//! The line in which a filter is typed, and its words where they stand on the screen. Marked on what was drawn, so that no list has to know of it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use unicode_segmentation::UnicodeSegmentation as _;

use super::{text::clip, theme::Theme};
use crate::tui::{filter::Filter, model::Model, update};

/// Nothing where no filter stands.
pub(super) fn line(model: &Model, theme: &Theme, columns: u16) -> Option<Line<'static>> {
    let filter = model.hands.filter(model)?;
    let cursor = if filter.typing { "▏" } else { "" };
    let counted = update::counted(model).map(|(shown, of)| {
        let hidden = of - shown;
        match (filter.is_empty(), hidden) {
            (true, _) => format!("{of} lines"),
            (_, 0) => format!("all {of} shown"),
            _ => format!("{shown} shown, {hidden} hidden"),
        }
    });
    let keys = if filter.typing { "Enter keeps it, Esc clears" } else { "/ changes it, Esc clears" };
    let told = counted.map_or_else(|| keys.to_owned(), |it| format!("{it} · {keys}"));
    let room = usize::from(columns).saturating_sub(told.chars().count() + 6);
    Some(Line::from(vec![
        Span::styled(" / ", theme.accent()),
        Span::styled(format!("{}{cursor}", clip(&filter.typed, room.max(4))), theme.head()),
        Span::styled(format!("   {told}"), theme.dim()),
    ]))
}

pub(super) fn mark(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let Some(filter) = model.hands.filter(model).filter(|it| !it.is_empty()) else { return };
    for row in area.top()..area.bottom() {
        mark_row(filter, theme, frame, Rect { y: row, height: 1, ..area });
    }
}

fn mark_row(filter: &Filter, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let buffer = frame.buffer_mut();
    let mut text = String::new();
    // Of which cell each character is: one that takes two columns has an empty cell behind it.
    let mut cells = Vec::new();
    for column in area.left()..area.right() {
        for c in buffer[(column, area.y)].symbol().chars() {
            text.push(c);
            cells.push(column);
        }
    }
    let places = filter.found(&text);
    if places.is_empty() {
        return;
    }
    let mut firsts = Vec::new();
    let mut passed = 0;
    for letter in text.graphemes(true) {
        firsts.push(cells.get(passed).copied());
        passed += letter.chars().count();
    }
    for column in places.into_iter().filter_map(|at| firsts.get(at).copied().flatten()) {
        buffer[(column, area.y)].set_style(theme.found());
    }
}
