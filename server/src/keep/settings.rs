//! The settings of what keeps the store whole. Never here: IO.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// Whether audio that no fact names goes: to the trash after a day, for good after another week.
    pub collect: bool,
    /// How fast stored audio is read again in the background; 0: not at all.
    pub scrub_bytes_per_s: u64,
    /// A backup folder from which damaged audio is put right; empty: none.
    pub repair_from: PathBuf,
}

impl Default for Keep {
    fn default() -> Self {
        Self { collect: true, scrub_bytes_per_s: 20_000_000, repair_from: PathBuf::new() }
    }
}
