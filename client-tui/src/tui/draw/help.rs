//! The keys of the screen below, from the table that the key handler itself reads.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{first_shown, heading, put, text::pad, theme::Theme};
use crate::tui::keys::{Kind, bindings};

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, of: Kind, at: usize) {
    let name = format!("Keys of {}", of.title());
    put(frame, area, 0, heading(theme, &name, "", area.width, false));
    let all: Vec<_> = bindings(of).collect();
    let height = usize::from(area.height.saturating_sub(1));
    let first = first_shown(at, all.len(), height);
    for (line, binding) in all.iter().enumerate().skip(first).take(height) {
        let spans = vec![
            Span::styled(format!("  {} ", pad(&binding.names(), 10)), theme.key()),
            Span::raw(binding.does),
        ];
        put(frame, area, u16::try_from(line - first + 1).unwrap_or(u16::MAX), Line::from(spans));
    }
}
