//! The record: the running order with gaps and fades, moved by keys, heard over its joints.

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
