//! The words of the studio's own settings on the command line: members, terms, preflight, what one hears of it. What is typed, with
//! its help; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{InProject, Of, Where, Who};

/// What a studio with an authority of its own gives to its people; the profile keeps where the files are.
#[derive(Args, Debug, Default)]
pub struct TlsFiles {
    /// Trust whatever this authority (PEM) vouches for under the server's name, instead of one certificate
    #[arg(long, value_name = "FILE", conflicts_with = "trust")]
    pub authority: Option<PathBuf>,
    /// The certificate of this machine (PEM), where the studio asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// The key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
}

/// The terms: what is not given stays; without any they are shown.
#[derive(Args, Debug)]
pub struct Terms {
    /// Rounds of changes that are included
    #[arg(long)]
    pub rounds: Option<u32>,
    #[arg(long)]
    pub self_approval: Option<bool>,
    /// Corrections that count as no round
    #[arg(long, value_name = "N")]
    pub corrections: Option<u32>,
    /// After it every revision lies beyond the terms: 2026-12-03 (the end of that day here), 2026-12-03T18:00Z (UTC); or none
    #[arg(long, value_name = "DATE")]
    pub cut_off: Option<String>,
    #[arg(long)]
    pub project: Option<String>,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Debug, Subcommand)]
pub enum MemberVerb {
    /// Who is in the project, in which roles
    List {
        #[command(flatten)]
        at: InProject,
    },
    /// Give a member other roles: all that they shall have
    Roles {
        person: String,
        /// artist, producer, mix-engineer, mastering-engineer, label, manager, listener
        #[arg(required = true, value_delimiter = ',', value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        at: InProject,
    },
    /// Take a member out of the project
    Remove {
        person: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: InProject,
    },
}

#[derive(Debug, Subcommand)]
pub enum PreflightVerb {
    /// Every check: how grave it is here, where its limit comes from, how to mend it
    Rules {
        /// take, mix or master (default: all)
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        #[command(flatten)]
        at: InProject,
    },
    /// Make checks graver or milder: LONG_HEAD=warn; off, warn, block, or house as it was shipped
    Set {
        #[arg(required = true, value_name = "CODE=SEVERITY")]
        settings: Vec<String>,
        /// take, mix or master (default: every kind that has this check)
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        #[command(flatten)]
        at: InProject,
    },
}

/// I listened to it in another player.
#[derive(Args, Debug)]
pub struct Heard {
    /// The song, then what you heard: 0:00-1:30; with --song the ranges alone
    #[arg(value_name = "SONG|RANGE")]
    pub words: Vec<String>,
    /// All of it
    #[arg(long)]
    pub all: bool,
    /// Of which file (default: main)
    #[arg(long, default_value = "", hide_default_value = true)]
    pub alternate: String,
    /// Version: "mix 2", "master 1", or an id (default: the one that the gate looks at)
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Args, Debug)]
pub struct FollowArgs {
    /// all: everything that happens; waiting: what waits on you; muted: nothing. With a song before it: of this song alone
    #[arg(required = true, num_args = 1..=2, value_name = "SONG|LEVEL")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Subcommand)]
pub enum WebhookVerb {
    /// Tell an address of what happens, signed; the secret is shown once
    Add {
        url: String,
        /// Only of this, by the codes of `history --json`: VERSION_ADDED, ...; may be given several times
        #[arg(long = "code", value_name = "CODE", value_delimiter = ',')]
        codes: Vec<String>,
        #[command(flatten)]
        at: InProject,
    },
    /// Which addresses are told
    List {
        #[command(flatten)]
        at: InProject,
    },
    /// Tell an address no more: its id, or the address
    Remove {
        webhook: String,
        #[command(flatten)]
        at: InProject,
    },
}

/// Swap and override alike: a song and a reason.
#[derive(Args, Debug)]
pub struct Reasoned {
    #[arg(long)]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub of: Of,
}
