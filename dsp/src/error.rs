//! What can go wrong with sound, by what was attempted.

use std::path::{Path, PathBuf};

/// A long operation asks its caller at every block whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Go,
    Stop,
}

#[derive(Debug, thiserror::Error)]
pub enum DspError {
    #[error("{path} could not be opened: {source}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error("{path} is empty")]
    Empty { path: PathBuf },
    #[error("{path} is not audio that can be read here: {what}")]
    NotAudio { path: PathBuf, what: String },
    #[error("{path} claims something that cannot be true: {what}")]
    Hostile { path: PathBuf, what: String },
    #[error("{path} is of a kind that is not supported: {what}")]
    Unsupported { path: PathBuf, what: String },
    #[error("{path} is damaged at {at_s:.2} s: {what}")]
    Damaged { path: PathBuf, at_s: f64, what: String },
    #[error("{path} could not be written: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the recipe is wrong in line {line}: {what}")]
    Recipe { line: usize, what: String },
    #[error("the render was stopped")]
    Stopped,
    #[error("{0}")]
    Invalid(String),
}

/// The same errors, said in one line where a file turns out to be wrong.
impl DspError {
    pub(crate) fn open(path: &Path, source: std::io::Error) -> Self {
        DspError::Open { path: path.to_owned(), source }
    }

    pub(crate) fn not_audio(path: &Path, what: impl Into<String>) -> Self {
        DspError::NotAudio { path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn hostile(path: &Path, what: impl Into<String>) -> Self {
        DspError::Hostile { path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn unsupported(path: &Path, what: impl Into<String>) -> Self {
        DspError::Unsupported { path: path.to_owned(), what: what.into() }
    }

    pub(crate) fn damaged(path: &Path, at_s: f64, what: impl Into<String>) -> Self {
        DspError::Damaged { path: path.to_owned(), at_s, what: what.into() }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        DspError::Write { path: path.to_owned(), source }
    }
}
