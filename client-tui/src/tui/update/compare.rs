//! Keys of the screen "Compare". `None`: the key means the same here as elsewhere.

use crate::tui::{keys::Verb, model::Model, msg::Effect};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let _ = (model, verb);
    None
}
