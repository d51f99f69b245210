//! The record: its songs laid out in time, and the files that are made of it in one reading of their masters: tracks, sides, the whole in one piece and
//! the image of a disc, at as many rates and word lengths as are asked for. Never here: the words of the studio, layouts of a disc, tags.
//!
//! - Every song is decoded once from front to back and goes through one resampler for each rate. Two songs are open at a time at most but where a song is
//!   shorter than a block.
//! - A song that nothing touches (no trim, fade, crossfade or gain, no album gain, the rate asked, a word length that the file holds) is handed on as it
//!   is, without dither. All others are dithered from their INDEX 1 to the next, each with the noise from its start: a track has the same bytes wherever it
//!   stands, and tracks or sides joined are the whole, sample for sample. Silence counts to the song before it.
//! - A record is stereo: a master of one channel is laid on both, one of more than two is refused.
//! - The same job makes the same bytes (D-1), whatever the size of the blocks and the number of threads.

mod done;
mod ear;
mod job;
mod joint;
mod layout;
mod mix;
mod press;
mod run;
mod timeline;
mod voice;

pub use done::clear_marks;
pub use job::{Cut, Job, Made, Output, Progress, Source, TRACKS_MAX, TrackMark};
pub use joint::{Joint, Together, loudest_track_gain, together};
pub use layout::{OnDisc, on_disc};
pub use run::{run, run_in};
pub use timeline::{Placed, Places, Song, Timeline, places};

/// Of a record, always.
const CHANNELS: usize = 2;
