//! Two files side by side: where one stands in the other, what was cut in or out, how much louder it is, what is left when one is taken from the other,
//! and what changed, by band and time, in words. Streaming: files are read from front to back, several times. Never here: the studio, notes, verdicts
//! on quality.

pub mod align;
mod coarse;
mod correlate;
mod lines;
pub mod time_map;
mod track;

pub use align::{Alignment, FileFacts, Pair, Relation, align};
pub use time_map::{Piece, TimeMap};
