//! The terminal client of Deadwax as a library: the way to a server, the verbs, the screens. Rules of the studio are never here: the
//! client shows what the server allows.

pub mod alike;
pub mod cache;
pub mod checks;
pub mod cli;
pub mod ddp;
pub mod fault;
pub mod label_copy;
pub mod markers;
pub mod name;
pub mod net;
mod planted;
pub mod play;
pub mod profile;
pub mod receipt;
pub mod scrub;
pub mod tui;
pub mod verbs;

pub use verbs::main_with;
