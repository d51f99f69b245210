//! The words of share links on the command line: making one, what became of them, taking one back. What is typed, with its help; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{InProject, Where};

#[derive(Debug, Subcommand)]
pub enum LinkVerb {
    /// Make a link: to a song, with --version to one version of it, to the album, or to one record. It is shown once
    Make(MakeLink),
    /// Who has which link, who opened it when, and what was heard and fetched
    List {
        #[command(flatten)]
        at: InProject,
    },
    /// Take a link back: its open pages end within a second
    Revoke {
        /// The id, its last digits, or for whom it is
        link: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: InProject,
    },
}

#[derive(Debug, Args)]
pub struct MakeLink {
    /// For whom: their name stands under what they say and in the book of who received what
    #[arg(long = "for", value_name = "NAME")]
    pub recipient: String,
    /// One version: "mix 2", "master 1", or an id (default: every version of the song that a listener hears)
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["album", "record"])]
    pub version: Option<String>,
    /// The whole running order: of each song what counts now
    #[arg(long, conflicts_with_all = ["song", "record"])]
    pub album: bool,
    /// The files of a record, by its number
    #[arg(long, value_name = "N", conflicts_with = "song")]
    pub record: Option<u32>,
    /// How long it lives: 2026-12-03 (the end of that day here), 2026-12-03T18:00Z (UTC); at most 90 days (default: 14 days)
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// How many times it can be opened, 1 to 100 (default: 3)
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub times: u32,
    /// They may fetch originals; else they hear only
    #[arg(long)]
    pub download: bool,
    /// They may write notes, and read the answers
    #[arg(long)]
    pub notes: bool,
    /// Ask here for a password that the link shall have
    #[arg(long)]
    pub password: bool,
    /// The password is the first line of this file; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub place: Where,
}
