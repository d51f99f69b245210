//! The words of listening on the command line: what is played, how, and where to. What is typed, with its help; nothing is done here.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Where;

#[derive(Debug, Args)]
pub struct Play {
    /// Files of this machine, side by side at one position: the first is heard, --switch-at goes to the next
    pub files: Vec<PathBuf>,
    /// A version of the studio's instead: "mix 2", "master 1", or an id; several lie side by side
    #[arg(long, value_name = "VERSION", conflicts_with = "files")]
    pub version: Vec<String>,
    /// Which file of the versions: main, instrumental, a-cappella, ... (default: main)
    #[arg(long, value_name = "TOKEN", conflicts_with = "files")]
    pub alternate: Option<String>,
    /// One after the other, as a record: the files as they are named, or the songs of a project with their gaps, fades and crossfades
    #[arg(long, conflicts_with_all = ["version", "alternate", "switch_at"])]
    pub album: bool,
    /// Write what would be heard into this WAV file instead
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// How --to writes
    #[arg(long, value_enum, default_value_t = WavArg::Wav32f, requires = "to")]
    pub format: WavArg,
    /// Begin here: 1:23.4, or 83.4 in seconds
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// End here
    #[arg(long, value_name = "TIME")]
    pub to_time: Option<String>,
    /// So many times in all, without a gap
    #[arg(long = "loop", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub times: u32,
    /// matched (all as loud as the quietest), as-is, or a service: spotify, apple, youtube, tidal, amazon, deezer
    #[arg(long, value_name = "LEVEL", default_value = "matched")]
    pub level: String,
    /// Both channels as one
    #[arg(long, conflicts_with = "side")]
    pub mono: bool,
    /// The difference of the channels
    #[arg(long)]
    pub side: bool,
    /// Left and right exchanged
    #[arg(long)]
    pub swap: bool,
    /// 20 dB quieter
    #[arg(long)]
    pub dim: bool,
    /// Switch to the next file at this time, without a gap; may be given several times
    #[arg(long, value_name = "TIME")]
    pub switch_at: Vec<String>,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WavArg {
    /// 32-bit float: to the bit what leaves
    Wav32f,
    Wav24,
}
