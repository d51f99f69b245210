//! Files on their way.

use ratatui::{Frame, layout::Rect};

use super::{empty, theme::Theme};
use crate::tui::model::Model;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let _ = (model, at);
    empty(theme, frame, area, &["Nothing is here yet."]);
}
