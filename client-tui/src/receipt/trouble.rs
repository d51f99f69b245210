//! How signing or checking can end other than well. Texts are for people, `reason` for programs. Never in them: anything of a private key.

use crate::{net::NetError, profile::ProfileError};

#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("{text}")]
    No { reason: &'static str, text: String, hint: String },
    /// A file that cannot be used, or could not be written.
    #[error("{0}")]
    Input(String),
}

impl Trouble {
    pub fn no(reason: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Trouble {
        Trouble::No { reason, text: text.into(), hint: hint.into() }
    }

    pub fn reason(&self) -> &str {
        match self {
            Trouble::Net(error) => error.reason(),
            Trouble::No { reason, .. } => reason,
            Trouble::Input(_) => "INPUT",
        }
    }

    pub fn hint(&self) -> &str {
        match self {
            Trouble::Net(error) => error.hint(),
            Trouble::No { hint, .. } => hint,
            Trouble::Input(_) => "",
        }
    }

    pub(super) fn file(path: &std::path::Path, what: &str, error: &std::io::Error) -> Trouble {
        let path = crate::scrub::line(&path.to_string_lossy());
        Trouble::Input(format!("{path} could not be {what}: {error}"))
    }
}

impl From<ProfileError> for Trouble {
    fn from(error: ProfileError) -> Trouble {
        Trouble::Input(error.to_string())
    }
}
