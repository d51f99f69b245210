//! Who is here, listening together, and what this client tells of itself.

use deadwax_proto::v1::Attendee;

use crate::tui::{keys::Verb, model::Model, msg::Effect};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let _ = (model, verb);
    None
}

pub(super) fn told(model: &mut Model, attendees: Vec<Attendee>) -> Vec<Effect> {
    model.presence.attendees = attendees;
    Vec::new()
}

/// After every message: what the studio should know of this person's place and does not yet.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let _ = (model, effects);
}
