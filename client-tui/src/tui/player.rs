//! The player as the screens see it: what lies on it and what it told last. `update::listen` changes it, `play` does it. Never here: sound.

use crate::play::{Deck, Status};

#[derive(Clone, Debug, Default)]
pub struct Player {
    /// What the player was asked to load; `None`: nothing lies on it.
    pub deck: Option<Deck>,
    /// What it told last.
    pub status: Option<Status>,
}
