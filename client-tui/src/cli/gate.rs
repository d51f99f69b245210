//! The words of gates and terms on the command line. What is typed, with its help; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Of, Where};

/// What a rule is to be. What is not given stays as it is now; `none` takes a list or a date away.
#[derive(Args, Debug, Clone, Default, PartialEq)]
pub struct GateFlags {
    /// recording, mixing or mastering (default: the stage of the song)
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Whose approval, and how many: label:1, or artist|producer:1 for either; may be given several times
    #[arg(long, value_name = "ROLE[|ROLE]:COUNT")]
    pub need: Vec<String>,
    /// Alternates that must be there: instrumental, ...; or none
    #[arg(long = "alternate", value_name = "TOKEN", num_args = 1..)]
    pub alternates: Vec<String>,
    /// May it go through with open notes? yes or no
    #[arg(long, value_name = "YES|NO")]
    pub open_notes: Option<String>,
    /// May the uploader cast the deciding vote? yes, no, or as the terms have it
    #[arg(long, value_name = "YES|NO|TERMS")]
    pub self_approval: Option<String>,
    /// Must preflight be without blocks? yes or no
    #[arg(long, value_name = "YES|NO")]
    pub preflight: Option<String>,
    /// How much of the main everyone whose approval counts must have heard, in per cent; 0: not asked
    #[arg(long, value_name = "PERCENT")]
    pub heard: Option<u32>,
    /// Who must have approved the spacing: label,artist; or none
    #[arg(long, value_name = "ROLES")]
    pub spacing: Option<String>,
    /// Until when: 2026-12-03 (the end of that day here), "2026-12-03 18:00" (here), 2026-12-03T18:00Z (UTC); or none
    #[arg(long, value_name = "DATE")]
    pub due: Option<String>,
    /// After the date nothing goes through; --closes=no: it may
    #[arg(long, value_name = "YES|NO", num_args = 0..=1, require_equals = true, default_missing_value = "yes")]
    pub closes: Option<String>,
    /// What lets an approval count for the next version too: never, metadata, same-pcm, or residual:-90 (dB)
    #[arg(long, value_name = "CARRY")]
    pub carry: Option<String>,
    /// Must an approval be signed with a key of its giver? yes or no
    #[arg(long, value_name = "YES|NO")]
    pub signed: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum GateVerb {
    /// What each stage asks, and what is missing
    Show {
        /// The rules as a file for `gate set --file`
        #[arg(long)]
        toml: bool,
        /// The rule of this stage only
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Change what a stage asks; what is not given stays
    Set {
        #[command(flatten)]
        flags: Box<GateFlags>,
        /// Whole rules from a file, as `gate show --toml` writes them
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        place: Where,
    },
    /// Hold a rule against songs without changing anything; exit 1 where it is not met
    Try {
        #[command(flatten)]
        flags: Box<GateFlags>,
        /// A whole rule from a file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// As the project stood at this number of its history (default: now)
        #[arg(long, value_name = "SEQ", default_value_t = 0, hide_default_value = true)]
        at: u64,
        #[command(flatten)]
        place: Where,
    },
    /// Open a gate that is not met: managers only, and History shouts it
    Override {
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        of: Of,
    },
}
