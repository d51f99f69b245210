//! Two files beside each other: what changed, by time and band; note by note; switched while they play.

use ratatui::{Frame, layout::Rect};

use super::{empty, theme::Theme};
use crate::tui::model::{CompareView, Model};

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, view: &CompareView) {
    let _ = (model, view);
    empty(theme, frame, area, &["Nothing is here yet."]);
}
