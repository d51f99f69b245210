//! Who else is here, as the screens see it, and what this client tells of itself. Never here: IO.

use deadwax_proto::v1::{Attendee, Attending};

#[derive(Clone, Debug, Default)]
pub struct Presence {
    pub attendees: Vec<Attendee>,
    /// This person's own choices.
    pub shares_playhead: bool,
    pub leads: bool,
    /// The attendee whose listening is followed.
    pub follows: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Where this person is now; the stream opens with the first and is kept open until `Leave`.
    Tell(Attending),
    Leave,
}
