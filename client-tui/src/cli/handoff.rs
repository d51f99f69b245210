//! What is typed after `deadwax handoff`: without a verb of its own it fetches the package.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{HandoffVerb, Where};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HandoffArgs {
    /// Song: id, number, or beginning of its title (default: the only one)
    #[arg(value_name = "SONG")]
    pub of: Option<String>,
    /// Into this folder, or under this name where it ends in .zip (default: here)
    #[arg(short, long, value_name = "DIR|FILE")]
    pub out: Option<PathBuf>,
    /// Unpack it beside itself, and hold every file against the manifest
    #[arg(long)]
    pub unpack: bool,
    #[command(flatten)]
    pub place: Where,
    #[command(subcommand)]
    pub work: Option<HandoffWork>,
}

#[derive(Debug, Subcommand)]
pub enum HandoffWork {
    /// Offline: does a package hold what its manifest says, and what was signed?
    Check {
        /// As it was fetched
        file: PathBuf,
    },
    #[command(flatten)]
    Verb(HandoffVerb),
}
