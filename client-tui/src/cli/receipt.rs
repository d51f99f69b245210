//! The words of keys, receipts and evidence on the command line. What is typed, with its help; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{InProject, Of, Who};

#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// Make a key for this profile (Ed25519, in the format of OpenSSH); asks for a passphrase where there is a terminal
    New {
        /// Without a passphrase: whoever reads the file can sign
        #[arg(long)]
        no_passphrase: bool,
        /// Another one, although there is one: the old key is kept to vouch for it
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        who: Who,
    },
    /// With which key this profile signs, and where it is enrolled
    Show {
        #[command(flatten)]
        who: Who,
    },
    /// Sign with a private key that is there already (without FILE: the one that `key new` made)
    Use {
        file: Option<PathBuf>,
        #[command(flatten)]
        who: Who,
    },
    /// Sign with a key that an ssh-agent holds (SSH_AUTH_SOCK)
    Agent {
        /// The beginning of its fingerprint in hex, or its comment (default: the only one)
        key: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Make the key known: in one project, or in all of yours
    Enrol {
        /// In every project that you are in
        #[arg(long, conflicts_with = "project")]
        all: bool,
        /// The file of an older key of yours, which vouches for this one
        #[arg(long, value_name = "FILE")]
        vouch: Option<PathBuf>,
        #[command(flatten)]
        at: InProject,
    },
    /// Let the key of this machine vouch for the key of a browser, so that you can approve there too
    Vouch {
        /// What the page shows in the browser, whole
        code: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: InProject,
    },
    /// Revoke a key: yours, or as a manager anybody's. What it signed before stays signed
    Revoke {
        /// The beginning of its fingerprint in hex (8 digits or more)
        key: String,
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: InProject,
    },
}

#[derive(Args, Debug)]
pub struct EvidenceArgs {
    /// A name that ends in .zip, or a folder to unpack into (default: a zip here)
    #[arg(short, long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub of: Of,
}

#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// An evidence, as zip or folder; or one statement, with its signature beside it as FILE.sig
    pub receipt: PathBuf,
    /// Sound that shall be what was signed: files, or folders
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// For one statement: the signer's public key, or allowed_signers of an evidence
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}
