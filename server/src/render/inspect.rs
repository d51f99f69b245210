//! What is in a file: decoded and measured in a child process.

use std::path::Path;

use deadwax_domain::AudioFacts;

/// How the server starts itself again as a child: the program and the words before the child's own verb.
#[derive(Clone, Debug)]
pub struct Program {
    pub exe: std::path::PathBuf,
    pub prefix: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Not audio, damaged, or a kind that is not read here. The text is for the uploader.
    #[error("{0}")]
    NotAudio(String),
    /// The child hit a limit or died: hostile or hopeless input.
    #[error("{0}")]
    Hostile(String),
    #[error("{0}")]
    Unsupported(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

pub struct Inspected {
    pub facts: AudioFacts,
}

/// Measures `audio` and writes its waveform pyramid to `waveform`.
pub async fn inspect(_program: &Program, _audio: &Path, _waveform: &Path) -> Result<Inspected, InspectError> {
    unimplemented!()
}
