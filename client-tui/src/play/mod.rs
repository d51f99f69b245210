//! Listening: what a player is told and tells (`order`), and what gives it sound (`sound`). The engine computes every sample that leaves, from sounds that
//! are there; it never waits, for a disk, a line or a lock of somebody else. Never here: screens, rules of the studio.

mod blind;
mod course;
mod deck;
mod decode;
mod engine;
mod heard;
mod level;
mod local;
mod monitor;
mod order;
pub mod output;
mod pages;
mod player;
mod raw;
mod remote;
mod sound;
mod stand;
mod tail;
mod told;
mod wav;

pub use blind::{Abx, Button, Is, Letters, Outcome, p_value};
pub use deck::{DeckFault, Loaded, joints, tracks};
pub use decode::DECODER;
pub use engine::{AHEAD_MS, Engine, EngineOrder, FADE_MS, Now};
pub use heard::HeardRange;
pub use level::{PlatformFacts, gains_db, platform_facts, platform_gain_db};
pub use local::{FileSound, Opened};
pub use order::{
    AlbumItem, Channels, Deck, Level, Monitor, News, Order, Platform, Shape, Status, Track, TrackStatus,
};
pub use player::{Player, Setup};
pub use raw::{DISC_RATE, RawSound};
pub use sound::{Frame, Sound};
pub use stand::Stand;
pub use wav::WavSink;
