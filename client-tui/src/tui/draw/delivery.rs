//! Deliveries: what is ready, what the profiles say of it, the files, who signed.

use ratatui::{Frame, layout::Rect};

use super::{empty, theme::Theme};
use crate::tui::model::Model;

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
    at: usize,
) {
    let _ = (model, project, at);
    empty(theme, frame, area, &["Nothing is here yet."]);
}
