//! The words of the review on the command line: notes, rounds, mixes that compete, handoff. What is typed, with its help; nothing is done
//! here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{NotesExport, NotesImport, Of, Where, WhichVersion};

#[derive(Debug, Subcommand)]
pub enum NotesVerb {
    /// Notes of a song: where they stand now, and whether something changed there
    List {
        /// Open ones only
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Say that a note was done in a version (default: the newest)
    Address {
        note: String,
        #[command(flatten)]
        which: WhichVersion,
    },
    /// Accept what was done
    Accept {
        note: String,
        #[command(flatten)]
        place: Where,
    },
    /// It is not done: open it again
    Reopen {
        note: String,
        reason: String,
        #[command(flatten)]
        place: Where,
    },
    /// Decline, with a reason
    Decline {
        note: String,
        reason: String,
        #[command(flatten)]
        place: Where,
    },
    /// Say where a note stands in a version (default: the one that the gate looks at)
    Move {
        note: String,
        /// Where: 1:23.4, or 83.4 in seconds
        #[arg(long, value_name = "TIME")]
        at: String,
        /// The end of a range
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        #[command(flatten)]
        which: WhichVersion,
    },
    Export(NotesExport),
    Import(NotesImport),
}

#[derive(Debug, Subcommand)]
pub enum HandoffVerb {
    /// Take the package
    Accept {
        #[command(flatten)]
        place: Where,
    },
    /// Send the song back to mixing
    Return {
        /// Why
        #[arg(value_name = "REASON", required_unless_present = "why")]
        reason: Option<String>,
        /// The same, behind its name
        #[arg(long = "reason", value_name = "REASON", conflicts_with = "reason")]
        why: Option<String>,
        /// What is wrong with one file: instrumental="ends early"; may be given several times
        #[arg(long = "item", value_name = "ALTERNATE=REASON")]
        items: Vec<String>,
        #[command(flatten)]
        place: Where,
    },
}

/// Sends a version back.
#[derive(Args, Debug)]
pub struct Revision {
    /// Which notes: ids or their beginnings
    #[arg(long = "note", value_name = "NOTE", conflicts_with = "all_open")]
    pub notes: Vec<String>,
    /// All open notes
    #[arg(long)]
    pub all_open: bool,
    #[arg(long, default_value = "")]
    pub message: String,
    #[arg(long)]
    pub role: Option<String>,
    /// A correction: what should have been right in the first place. Free as often as the terms say
    #[arg(long)]
    pub correction: bool,
    /// You know that this round lies beyond the terms, and is billed
    #[arg(long)]
    pub beyond_terms: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub which: WhichVersion,
}

#[derive(Debug, Subcommand)]
pub enum ShootoutVerb {
    /// Let mixes compete: each engineer has a line of versions, A, B, ...
    Open {
        /// A mix engineer: a name or an id; at least two
        #[arg(long = "entrant", value_name = "PERSON", required = true)]
        entrants: Vec<String>,
        /// Everybody sees whose line is whose (default: hidden until the pick)
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        of: Of,
    },
    /// The lines, the votes, the pick
    Show {
        #[command(flatten)]
        of: Of,
    },
    /// Fetch the newest mix of each line as X1.wav, X2.wav, ...: equally loud, equally long, in an order that nobody is told
    Fetch {
        /// Into this folder (default: one named after the song)
        #[arg(short, long, value_name = "DIR")]
        out: Option<PathBuf>,
        #[command(flatten)]
        of: Of,
    },
    /// Vote: the best first, as X2 X1 (blind, as fetched) or by lines, A B
    Vote {
        /// The song, then the ranking; with --song the ranking alone
        #[arg(required = true, value_name = "SONG|MIX")]
        words: Vec<String>,
        #[arg(long, default_value = "")]
        reason: String,
        #[arg(long)]
        role: Option<String>,
        /// Do not ask where it replaces a blind vote
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Which was which of the mixes that were fetched; once you have voted
    Reveal {
        #[command(flatten)]
        of: Of,
    },
    /// Pick the mix that goes on, as X2 or by its line; the others are closed with thanks
    Pick {
        /// The song, then the mix; with --song the mix alone
        #[arg(required = true, num_args = 1..=2, value_name = "SONG|MIX")]
        words: Vec<String>,
        #[arg(long, default_value = "")]
        reason: String,
        #[arg(long)]
        role: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: Where,
    },
}
