//! Listening: what a player is told and tells (`order`), and what gives it sound (`sound`). The engine computes every sample that leaves, from sounds that
//! are there; it never waits, for a disk, a line or a lock of somebody else. Never here: screens, rules of the studio.

mod order;
mod sound;

pub use order::{
    AlbumItem, Channels, Deck, Level, Monitor, News, Order, Platform, Shape, Status, Track, TrackStatus,
};
pub use sound::{Frame, Sound};
