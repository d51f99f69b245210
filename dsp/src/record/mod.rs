//! From a record on paper to its files: the plans of all profiles, one reading of the masters, and a folder for each profile that holds what was planned and
//! nothing else. Never here: the words of the studio, how sound is rendered, what a destination asks for.
//!
//! - Every sound is rendered once, whoever asks for it. The same bytes under several profiles are one file with several names where the file system can do
//!   that, else copies.
//! - A file gets its name when it is whole: sound, tags, levels, read back, and held against its plan. Until then it lies in a room beside the folders of
//!   the profiles (`.making`), which no delivery holds. Notes in it say which files are finished and what they were; [`clear_marks`] takes it away.
//! - A digest is that of the last bytes of a file, tags and all.
//! - The same job makes the same bytes, whatever stopped it in between.

mod check;
mod job;
mod orders;
mod report;
mod room;
mod teller;
mod texts;
mod work;

pub use job::{AlternateFile, Job, Made, MadeFile, ProfileText, Progress, SongFiles, SourceFile};
pub use orders::{plans, ready};
pub use work::{clear_marks, engine, make};
