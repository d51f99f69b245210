//! The words of the watched folder and of the man pages. What is typed, with its help; nothing is done here.

use std::path::PathBuf;

use clap::Args;

use super::{StageArg, Where};

#[derive(Debug, Args)]
pub struct WatchFolder {
    /// The folder that bounces are written into; folders inside of it are left alone
    pub folder: PathBuf,
    /// Push without asking; needed where nobody can be asked
    #[arg(long)]
    pub yes: bool,
    /// Push what is there, and end
    #[arg(long)]
    pub once: bool,
    /// A bounce is whole when neither it nor a file of the same song has changed for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub calm: f64,
    /// What it is (default: as the song's stage asks)
    #[arg(long, value_enum)]
    pub stage: Option<StageArg>,
    /// What changed, for every version that is pushed
    #[arg(long, default_value = "")]
    pub note: String,
    #[command(flatten)]
    pub place: Where,
}

fn seconds(text: &str) -> Result<f64, String> {
    let fine = text.parse::<f64>().ok().filter(|s| (0.1..=3600.0).contains(s));
    fine.ok_or_else(|| "write seconds from 0.1 to 3600".to_owned())
}

#[derive(Debug, Args)]
pub struct Man {
    /// Write the pages of all verbs into this folder
    #[arg(required_unless_present = "print")]
    pub folder: Option<PathBuf>,
    /// One page on standard output: that of the program, or of a verb such as `notes list`
    #[arg(long, value_name = "VERB", num_args = 0..=2, conflicts_with = "folder")]
    pub print: Option<Vec<String>>,
}
