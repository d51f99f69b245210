//! The keys of the screen below, from the table that the key handler itself reads.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{first_shown, heading, put, text::pad, theme::Theme};
use crate::tui::{
    keys::{Kind, bindings},
    words,
};

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, of: Kind, at: usize) {
    let name = format!("Keys of {}", of.title());
    put(frame, area, 0, heading(theme, &name, "", area.width, false));
    let all: Vec<_> = bindings(of).collect();
    let whole = usize::from(area.height.saturating_sub(1));
    // The last line tells how many are left, where not all of them are in sight.
    let height = if all.len() > whole { whole.saturating_sub(1) } else { whole };
    let first = first_shown(at, all.len(), height);
    let left = all.len().saturating_sub(first + height);
    if left > 0 {
        let more = format!("  {}, ↓ moves", words::count(left, "line more", "lines more"));
        put(frame, area, area.height.saturating_sub(1), Line::styled(more, theme.dim()));
    }
    for (line, binding) in all.iter().enumerate().skip(first).take(height) {
        let spans = vec![
            Span::styled(format!("  {} ", pad(&binding.names(), 10)), theme.key()),
            Span::raw(binding.does),
        ];
        put(frame, area, u16::try_from(line - first + 1).unwrap_or(u16::MAX), Line::from(spans));
    }
}
