//! How a verb can end other than well, with its exit code: 1 the answer is no, 2 wrong usage, 3 bad input file. All of it is scrubbed
//! when it is printed.

use std::io;

use crate::{net::NetError, profile::ProfileError};

#[derive(Debug, thiserror::Error)]
pub enum VerbError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The answer is no, from this side.
    #[error("{text}")]
    No { reason: &'static str, text: String, hint: String },
    #[error("{0}")]
    Usage(String),
    /// A file that cannot be used, or could not be written.
    #[error("{0}")]
    Input(String),
    #[error("the output could not be written: {0}")]
    Out(io::Error),
    /// Whoever read our output has gone (`| head`): end quietly.
    #[error("the reader has gone")]
    Pipe,
    /// Everything was printed already.
    #[error("no")]
    Said(u8),
}

impl VerbError {
    pub fn no(reason: &'static str, text: impl Into<String>, hint: impl Into<String>) -> VerbError {
        VerbError::No { reason, text: text.into(), hint: hint.into() }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            VerbError::Net(e) => e.exit_code(),
            VerbError::No { .. } => 1,
            VerbError::Profile(ProfileError::Name(_)) | VerbError::Usage(_) => 2,
            VerbError::Profile(_) => 1,
            VerbError::Input(_) => 3,
            VerbError::Out(_) => 1,
            VerbError::Pipe => 0,
            VerbError::Said(code) => *code,
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            VerbError::Net(e) => e.reason(),
            VerbError::No { reason, .. } => reason,
            VerbError::Profile(_) => "PROFILE",
            VerbError::Usage(_) => "USAGE",
            VerbError::Input(_) => "INPUT",
            VerbError::Out(_) => "OUTPUT",
            VerbError::Pipe | VerbError::Said(_) => "",
        }
    }

    /// For a program: the next step, where it stands in the sentence itself too.
    pub fn next_step(&self) -> &str {
        match self {
            VerbError::Usage(text) | VerbError::Input(text) => {
                let parts =
                    text.split_once('\n').or_else(|| text.split_once("; ")).or_else(|| text.split_once("? "));
                parts.map_or("", |(_, next)| next)
            }
            VerbError::Profile(ProfileError::NoHome) => "Set DEADWAX_HOME to a folder.",
            VerbError::Profile(ProfileError::Absent(_) | ProfileError::Nobody) => {
                "Sign in with `deadwax login LINK`."
            }
            other => other.hint(),
        }
    }

    pub fn hint(&self) -> &str {
        match self {
            VerbError::Net(e) => e.hint(),
            VerbError::No { hint, .. } => hint,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_the_next_step_by_itself_where_there_is_one() {
        let usage = |text: &str| VerbError::Usage(text.into());
        assert_eq!(usage("\"x\" is not a time; write 1:23.4").next_step(), "write 1:23.4");
        assert_eq!(usage("in which role? Say --role").next_step(), "Say --role");
        assert_eq!(VerbError::Input("f: no marker\nSee --format.".into()).next_step(), "See --format.");
        assert_eq!(usage("no step is known").next_step(), "");
        assert_eq!(VerbError::no("R", "a; b", "The hint.").next_step(), "The hint.");
    }
}
