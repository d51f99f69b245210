//! What is in a file: decoded and measured in a child process, as the domain's facts.

use std::path::Path;

use deadwax_domain::{AudioFacts, Remark};

pub use super::process::Program;
use super::{
    child::{self, FailureKind, InspectLine, Measured},
    process::{self, ChildError, Limits},
    room::Room,
};

/// More than this of one file helps nobody, and a journal keeps it for ever.
const REMARKS_MAX: usize = 32;

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
    #[error("it failed: {0}")]
    Failed(String),
}

#[derive(Debug)]
pub struct Inspected {
    pub facts: AudioFacts,
}

/// Measures `audio` and writes its waveform to `waveform`.
pub async fn inspect(program: &Program, audio: &Path, waveform: &Path) -> Result<Inspected, InspectError> {
    let room = Room::beside(waveform).await?;
    let args = [audio.as_os_str().to_owned(), room.made().into_os_string()];
    // A file that is not there is the child's to tell.
    let bytes = tokio::fs::metadata(audio).await.map_or(0, |metadata| metadata.len());
    let mut format = None;
    let limits = Limits::to_inspect(bytes);
    let answer = process::run(program, "inspect", limits, &args, |line| match line {
        InspectLine::Begun { format: begun } => {
            format = Some(begun);
            None
        }
        answer => Some(answer),
    });
    match answer.await {
        Ok(InspectLine::Measured(measured)) => {
            if tokio::fs::try_exists(room.made()).await.unwrap_or(false) {
                room.keep(waveform).await?;
            }
            Ok(Inspected { facts: facts(*measured) })
        }
        Ok(InspectLine::Failed { kind, text }) => Err(of_failure(kind, text)),
        Ok(InspectLine::Begun { .. }) => Err(InspectError::Failed("it was begun twice".into())),
        Err(error) => Err(match (of_death(&error, "measured a file"), format) {
            (InspectError::Hostile(text), Some(format)) => {
                InspectError::Hostile(format!("{text} (it begins as {format})"))
            }
            (error, _) => error,
        }),
    }
}

/// What a child said of its input.
pub(super) fn of_failure(kind: FailureKind, text: String) -> InspectError {
    match kind {
        FailureKind::NotAudio => InspectError::NotAudio(text),
        FailureKind::Hostile => InspectError::Hostile(text),
        FailureKind::Unsupported => InspectError::Unsupported(text),
        FailureKind::Recipe | FailureKind::Other => InspectError::Failed(text),
    }
}

/// What it means that a child said nothing. `did`: what it was at, "measured a file".
pub(super) fn of_death(error: &ChildError, did: &str) -> InspectError {
    match error {
        error if error.is_interruption() => InspectError::Failed("the work was interrupted".into()),
        ChildError::Died { .. } => {
            tracing::warn!(%error, "a child died while it {did}");
            InspectError::Hostile("the file made the decoder fail hard; nothing of it was kept".into())
        }
        ChildError::Overtime { wall_s } => {
            tracing::warn!(%error, "a child was stopped while it {did}");
            InspectError::Hostile(format!(
                "the decoder did not come to an end with the file in {wall_s} s; nothing of it was kept"
            ))
        }
        error => InspectError::Failed(error.to_string()),
    }
}

fn remark(said: child::Remark) -> Remark {
    let at_ms = said.at_s.filter(|s| s.is_finite()).map(|s| (s.max(0.0) * 1000.0).round() as u64);
    Remark { code: said.code, text: said.text, at_ms }
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
        remarks: measured.remarks.into_iter().take(REMARKS_MAX).map(remark).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn measured_by(script: &str) -> InspectError {
        let program = Program { exe: "/bin/sh".into(), prefix: vec!["-c".into(), script.into()] };
        let folder = tempfile::tempdir().unwrap();
        let error = inspect(&program, Path::new("/nowhere.wav"), &folder.path().join("it.waveform")).await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "its room is gone");
        error.unwrap_err()
    }

    #[tokio::test]
    async fn a_death_in_the_decoder_names_what_the_file_is() {
        let error = measured_by(r#"echo '{"begun":{"format":"flac"}}'; kill -ABRT $$"#).await;
        let InspectError::Hostile(text) = error else { panic!("{error:?}") };
        assert!(text.contains("begins as flac"), "{text}");
    }

    /// Whether this process, and so its children, were started deaf to a signal.
    fn is_ignored(number: u32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok()).unwrap_or(0);
        mask & (1 << (number - 1)) != 0
    }

    #[tokio::test]
    async fn a_child_that_is_told_to_stop_says_nothing_against_the_file() {
        for (signal, number) in [("HUP", 1), ("INT", 2), ("TERM", 15)] {
            // What is started behind `nohup` or `&` inherits that a signal is not heard, and no shell can undo it.
            if is_ignored(number) {
                continue;
            }
            let error = measured_by(&format!("kill -{signal} $$")).await;
            assert!(matches!(error, InspectError::Failed(_)), "{signal}: {error:?}");
        }
        for death in ["kill -KILL $$", "kill -ABRT $$", "kill -XCPU $$", "exit 101"] {
            let error = measured_by(death).await;
            assert!(matches!(error, InspectError::Hostile(_)), "{death}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_child_is_in_a_group_of_its_own() {
        // The fifth word of `stat` is the group.
        let script = "read -r _ _ _ _ group _ < /proc/$$/stat; [ $group = $$ ] && kill -TERM $$";
        assert!(matches!(measured_by(script).await, InspectError::Failed(_)));
    }

    #[test]
    fn a_large_file_may_take_its_time() {
        assert_eq!(Limits::to_inspect(1_000_000).cpu_s, 120);
        assert_eq!(Limits::to_inspect(8_000_000_000).cpu_s, 120 + 400);
        assert_eq!(Limits::to_inspect(u64::MAX).memory_bytes, Limits::INSPECT.memory_bytes);
    }
}
