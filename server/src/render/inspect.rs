//! What is in a file: decoded and measured in a child process, as the domain's facts.

use std::path::Path;

use deadwax_domain::AudioFacts;

pub use super::process::Program;
use super::{
    child::{FailureKind, InspectLine, Measured},
    process::{self, ChildError, Limits},
};

#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// Not audio, or damaged. The text is for the uploader.
    #[error("{0}")]
    NotAudio(String),
    /// The child hit a limit or died: hostile or hopeless input.
    #[error("{0}")]
    Hostile(String),
    #[error("{0}")]
    Unsupported(String),
    #[error("measuring failed: {0}")]
    Failed(String),
}

#[derive(Debug)]
pub struct Inspected {
    pub facts: AudioFacts,
}

/// Measures `audio` and writes its waveform to `waveform`.
pub async fn inspect(program: &Program, audio: &Path, waveform: &Path) -> Result<Inspected, InspectError> {
    let args = [audio.as_os_str().to_owned(), waveform.as_os_str().to_owned()];
    let answer = process::run(program, "inspect", Limits::INSPECT, &args, Some::<InspectLine>).await;
    match answer {
        Ok(InspectLine::Measured(measured)) => Ok(Inspected { facts: facts(*measured) }),
        Ok(InspectLine::Failed { kind, text }) => Err(match kind {
            FailureKind::NotAudio => InspectError::NotAudio(text),
            FailureKind::Hostile => InspectError::Hostile(text),
            FailureKind::Unsupported => InspectError::Unsupported(text),
            FailureKind::Recipe | FailureKind::Other => InspectError::Failed(text),
        }),
        Err(error @ ChildError::Died { .. }) => {
            tracing::warn!(%error, "a child died while it measured a file");
            Err(InspectError::Hostile("the file made the decoder fail hard; nothing of it was kept".into()))
        }
        Err(error) => Err(InspectError::Failed(error.to_string())),
    }
}

fn facts(measured: Measured) -> AudioFacts {
    let level = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    AudioFacts {
        container: measured.container,
        codec: measured.codec,
        sample_rate_hz: measured.sample_rate_hz,
        channels: measured.channels,
        bits: measured.bits,
        float: measured.float,
        frames: measured.frames,
        bytes: measured.bytes,
        integrated_lufs: level(measured.integrated_lufs),
        loudness_range_lu: measured.loudness_range_lu,
        max_momentary_lufs: level(measured.max_momentary_lufs),
        max_short_term_lufs: level(measured.max_short_term_lufs),
        true_peak_dbtp: level(measured.true_peak_dbtp),
        sample_peak_dbfs: level(measured.sample_peak_dbfs),
        dc_offset: measured.dc_offset,
        correlation: measured.correlation,
        head_silence_s: measured.head_silence_s,
        tail_silence_s: measured.tail_silence_s,
        clipped_samples: measured.clipped_samples,
    }
}
