//! What a screen and a pair of ears want of a file: a stretch of it sample by sample, and a copy small enough to travel. Both in a child process. Never here:
//! who may have them, where a copy is kept.

use std::{ffi::OsString, path::Path};

use super::{
    child::{CopyLine, WindowLine},
    inspect::{InspectError, of_death, of_failure},
    process::{self, Limits, Program},
    room::Room,
};

/// A stretch of a file, in frames, and how many columns it is drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAsked {
    pub start: u64,
    pub end: u64,
    pub columns: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// For each channel its columns: least and greatest, 32767 for full scale.
    pub peaks: Vec<Vec<(i16, i16)>>,
    /// Columns with clipped samples.
    pub clipped: Vec<u32>,
}

pub async fn window(program: &Program, audio: &Path, asked: WindowAsked) -> Result<Window, InspectError> {
    let numbers = [asked.start, asked.end, asked.columns.into()];
    let args: Vec<OsString> =
        [audio.as_os_str().to_owned()].into_iter().chain(numbers.map(|it| it.to_string().into())).collect();
    // What comes before the window may have to be decoded.
    let bytes = tokio::fs::metadata(audio).await.map_or(0, |metadata| metadata.len());
    match process::run(program, "window", Limits::to_inspect(bytes), &args, Some::<WindowLine>).await {
        Ok(WindowLine::Drawn { peaks, clipped }) => Ok(Window { peaks, clipped }),
        Ok(WindowLine::Failed { kind, text }) => Err(of_failure(kind, text)),
        Err(error) => Err(of_death(&error, "drew a window")),
    }
}

/// `seconds`: how long the sound is, which is what coding it costs.
pub async fn copy(program: &Program, audio: &Path, out: &Path, seconds: u64) -> Result<(), InspectError> {
    let room = Room::beside(out).await?;
    let args = [audio.as_os_str().to_owned(), room.made().into_os_string()];
    // A coder is slower than any decoder, and still several times faster than the song.
    let limits = Limits::new(Limits::INSPECT.memory_bytes, Limits::INSPECT.cpu_s.saturating_add(seconds));
    match process::run(program, "copy", limits, &args, Some::<CopyLine>).await {
        Ok(CopyLine::Copied) => room.keep(out).await,
        Ok(CopyLine::Failed { kind, text }) => Err(of_failure(kind, text)),
        Err(error) => Err(of_death(&error, "made a copy for listening")),
    }
}
