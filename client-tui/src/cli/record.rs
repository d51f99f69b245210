//! The words of records on the command line: profiles, the dry run, making one, signing it, fetching its files. What is typed, with its help; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{InProject, Who};

#[derive(Debug, Subcommand)]
pub enum RecordVerb {
    /// What a record can be made for; with NAME the text of that profile
    Profiles {
        name: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// The dry run: every file with name, format, length and size, and what the checks say; exit 1 where something blocks
    Plan {
        #[command(flatten)]
        asked: RecordAsk,
        #[command(flatten)]
        at: InProject,
    },
    /// Make a record of the signed masters and the spacing, after its dry run
    Start {
        #[command(flatten)]
        asked: RecordAsk,
        /// Stay until it is made
        #[arg(long)]
        watch: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: InProject,
    },
    /// How far it is, until it ended; exit 1 where it failed or was cancelled
    Watch {
        #[command(flatten)]
        which: WhichRecord,
    },
    /// Stop a record that is queued or being made
    Cancel {
        #[command(flatten)]
        which: WhichRecord,
    },
    /// All records; with N its files, who approved it, what differs from the one before, whom it waits for
    Show {
        /// Instead, what was measured and found when its files were made: levels, warnings, services
        #[arg(long)]
        report: bool,
        #[command(flatten)]
        which: WhichRecord,
    },
    /// Sign exactly the files of a record
    Approve {
        /// In which role (default: the one of yours that may)
        #[arg(long = "as", alias = "role", value_name = "ROLE")]
        role: Option<String>,
        /// Only if the fingerprint begins so (8 hex digits or more)
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Without a signature, although this profile has a key
        #[arg(long)]
        no_key: bool,
        #[command(flatten)]
        which: WhichRecord,
    },
    /// Freeze an approved record as delivered, with its manifest
    Deliver {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        which: WhichRecord,
    },
    /// Fetch the files of a record; goes on where an earlier fetch stopped, and checks every digest
    Fetch(RecordFetch),
}

/// Which record.
#[derive(Args, Debug, Clone, Default)]
pub struct WhichRecord {
    /// Its number (default: the newest)
    #[arg(value_name = "N")]
    pub number: Option<String>,
    #[command(flatten)]
    pub at: InProject,
}

/// What it is made for.
#[derive(Args, Debug, Clone, Default)]
pub struct RecordAsk {
    /// Profiles by name, with commas; `deadwax record profiles` lists them
    #[arg(long = "for", value_name = "NAME", value_delimiter = ',')]
    pub profiles: Vec<String>,
    /// A profile of your own, as TOML; may be given several times
    #[arg(long = "file", value_name = "F.toml")]
    pub files: Vec<PathBuf>,
    /// Move all songs together, so that the loudest plays at this (default: as they were signed)
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    pub loudest: Option<f64>,
    /// What the sides are cut on, as the profile calls it: '12" 33 rpm'
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub medium: String,
}

#[derive(Args, Debug)]
pub struct RecordFetch {
    /// Into this folder; made where it is not there
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// The files of these profiles alone, by name, with commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Put them in the place of files of other bytes that lie there, and take away what the manifest of another record there lists
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub which: WhichRecord,
}
