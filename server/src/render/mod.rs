//! Work on sound, always in a child process with limits of memory and time: bytes from outside may make a decoder abort, and an abort must
//! cost one job, not the server. `child` is what runs in the child, `confine` what it may reach, `process` starts and reads it, `inspect` measures an upload, `compare` tells two files apart and
//! `compared` keeps what was told, `examine` finds out about versions, `hearing` draws single samples and makes copies for listening, `worker` runs the mastering renders that the ledger says are due and `record` makes the
//! files of records; `shift` is what those two have in common. Never here: rules (the domain
//! decides what is due and who may cancel).

pub mod child;
pub mod compare;
pub mod compared;
pub mod confine;
pub mod examine;
pub mod hearing;
pub mod inspect;
pub mod process;
pub mod record;
mod room;
pub mod shift;
pub mod sound;
pub mod worker;

/// The word under which a waveform is kept beside its blob.
pub const WAVEFORM: &str = "waveform";
/// The word under which a copy for listening is kept.
pub const LISTENING: &str = "mp3";
/// The word under which an answer of `compare` is kept.
pub const COMPARISON: &str = "comparison";

pub use process::{Limits, Program};
pub use room::tidy;
