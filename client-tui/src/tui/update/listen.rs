//! The player's keys on every screen that has something to hear, and what the player tells. `None`: the key means the same here as elsewhere.

use crate::{
    play::News,
    tui::{keys::Verb, model::Model, msg::Effect},
};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let _ = (model, verb);
    None
}

pub(super) fn told(model: &mut Model, news: News) -> Vec<Effect> {
    let _ = (model, news);
    Vec::new()
}
