//! What is typed for the sections of a song. Nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::WhichVersion;
use crate::markers::{Counts, Dialect, Fps};

#[derive(Debug, Subcommand)]
pub enum SectionsVerb {
    /// Where the parts of the song begin, in a version
    Show {
        #[command(flatten)]
        which: WhichVersion,
    },
    /// Set them all: "0:00 Intro" "0:32 Verse 1" ...; without any, they are taken away
    Set {
        #[arg(value_name = "TIME NAME")]
        sections: Vec<String>,
        #[command(flatten)]
        which: WhichVersion,
    },
    /// Set them from the markers of a workstation: Reaper's CSV, Pro Tools text, MIDI, EDL
    Import(SectionsImport),
}

#[derive(Args, Debug, Clone)]
pub struct SectionsImport {
    pub file: PathBuf,
    /// Default: known by its content
    #[arg(long, value_enum)]
    pub format: Option<Dialect>,
    /// Where the song begins in the file's own time: 1:23.4, or a timecode such as 01:00:00:00
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub offset: Option<String>,
    /// Frames a second, where the file counts frames: 23.976, 24, 25, 29.97, 29.97df, 30, ...
    #[arg(long, value_name = "RATE")]
    pub fps: Option<Fps>,
    /// Samples a second, where the file counts samples and does not say (default: the version's)
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=768_000))]
    pub rate: Option<u32>,
    /// What whole numbers in Reaper's CSV count
    #[arg(long, value_enum, default_value = "auto")]
    pub times: Counts,
    /// Show what would be set
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub which: WhichVersion,
}
