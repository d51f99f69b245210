//! Sound: decode, measure, process, write. Planar blocks of f64, streamed; no song is ever held in memory. Never here: async, the network, the studio.

pub mod block;
pub mod decode;
pub mod error;

pub use block::{Block, Spec};
pub use decode::Source;
pub use error::{DspError, Flow};
