//! What is typed for notes as markers of a workstation. Nothing is done here.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Who;
use crate::markers::{Counts, Dialect, Fps};

#[derive(Args, Debug, Clone)]
#[command(
    about = "Write notes as markers for a workstation: Reaper, Pro Tools text, MIDI, EDL, CSV",
    long_about = "Write notes as markers for a workstation, at their time in a version.\n\nAn answer or a note on the whole song is no marker: only csv holds \
them. Pro Tools writes its session text and cannot read it; --format protools is for tools that turn it into something else. A MIDI file \
must be imported with its tempo, or its markers stand at wrong times. An EDL is as exact as a frame."
)]
pub struct NotesExport {
    /// Song: id, number, or beginning of its title (default: the only one)
    #[arg(value_name = "SONG")]
    pub of: Option<String>,
    /// The same, behind its name
    #[arg(long, value_name = "SONG", conflicts_with = "of")]
    pub song: Option<String>,
    /// Version: "mix 2", "master 1", or an id (default: the one that the gate looks at)
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Default: by the ending of FILE (.mid, .edl, .txt), else csv
    #[arg(long, value_enum)]
    pub format: Option<Dialect>,
    /// Write here instead of standard output; a file that is there is left alone
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Open notes only
    #[arg(long)]
    pub open_only: bool,
    /// Frames a second of the session or time line: 23.976, 24, 25, 29.97, 29.97df, 30, ...
    #[arg(long, value_name = "RATE")]
    pub fps: Option<Fps>,
    /// Samples a second of the session (default: the version's)
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=768_000))]
    pub rate: Option<u32>,
    /// Project: id or beginning of its title (default: the only one)
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Args, Debug, Clone)]
#[command(
    about = "Read the markers of a workstation as notes",
    long_about = "Read the markers of a workstation as notes on a version.\n\nKnown by their content: the CSV of Reaper's Region/Marker Manager, the session \
text of Pro Tools, MIDI files, EDLs with markers, and our own csv. Notes that are there already are left alone: known by the tag [dw:...] \
in their words, or by time and words. Exit code 1 where a marker was not taken, 3 where a line could not be read."
)]
pub struct NotesImport {
    /// The song, unless --song names it, and the file with the markers
    #[arg(value_name = "SONG|FILE", required = true, num_args = 1..=2)]
    pub words: Vec<PathBuf>,
    /// Song: id, number, or beginning of its title (default: the only one)
    #[arg(long, value_name = "SONG")]
    pub song: Option<String>,
    /// Version: "mix 2", "master 1", or an id (default: the one that the gate looks at)
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Default: known by its content
    #[arg(long, value_enum)]
    pub format: Option<Dialect>,
    /// Where the song begins in the file's own time: 1:23.4, or a timecode such as 01:00:00:00
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub offset: Option<String>,
    /// Show what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Nothing at all where one marker cannot be taken
    #[arg(long)]
    pub strict: bool,
    /// Engineers and producer only
    #[arg(long)]
    pub internal: bool,
    /// To whom: a name or an id
    #[arg(long = "to", value_name = "PERSON")]
    pub addressee: Option<String>,
    /// Frames a second, where the file counts frames: 23.976, 24, 25, 29.97, 29.97df, 30, ...
    #[arg(long, value_name = "RATE")]
    pub fps: Option<Fps>,
    /// Samples a second, where the file counts samples and does not say (default: the version's)
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=768_000))]
    pub rate: Option<u32>,
    /// What whole numbers in Reaper's CSV count
    #[arg(long, value_enum, default_value = "auto")]
    pub times: Counts,
    /// Project: id or beginning of its title (default: the only one)
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    #[command(flatten)]
    pub who: Who,
}

impl NotesImport {
    /// The song where one is named, and the file. None: two of one kind were said.
    pub fn song_and_file(&self) -> Option<(Option<String>, &Path)> {
        match (self.words.as_slice(), &self.song) {
            ([file], song) => Some((song.clone(), file)),
            ([song, file], None) => Some((Some(song.to_string_lossy().into_owned()), file)),
            _ => None,
        }
    }
}
