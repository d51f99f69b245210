//! The words of the review on the command line: notes, gates, rounds, mixes that compete, handoff. What is typed, with its help; nothing is
//! done here.

use clap::Subcommand;

use super::{Where, WhichVersion};

#[derive(Debug, Subcommand)]
pub enum NotesVerb {
    /// Notes of a song
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
        reason: String,
        #[command(flatten)]
        place: Where,
    },
}
