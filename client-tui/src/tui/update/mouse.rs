//! The mouse: a click chooses, a wheel scrolls, a click or drag on the picture of a file moves the time cursor.

use crossterm::event::MouseEvent;

use crate::tui::{model::Model, msg::Effect};

pub(super) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let _ = (model, event);
    Vec::new()
}
