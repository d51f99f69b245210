//! Where sound leaves: PulseAudio or PipeWire, a program that plays what it is fed, or a clock that only counts. An output pulls frames while it plays and tells how
//! many of them nobody has heard yet. Nothing here prints: a line on the terminal would stand in the middle of a screen. Never here: what is played.

mod aloud;
mod clock;
mod pipe;
mod pulse;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;

pub use aloud::aloud;

use super::Frame;

/// Fills frames with what comes next; called from the output's own thread, so it answers at once.
pub type Pull = Arc<dyn Fn(&mut [Frame]) + Send + Sync>;

/// The device went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// A way out, at one rate. Dropped, it falls silent.
pub trait Output: Send + Sync {
    fn name(&self) -> &'static str;

    /// False where nobody can hear it.
    fn is_audible(&self) -> bool;

    /// Pulls frames from now on.
    fn play(&self) -> BoxFuture<'_, Result<(), Lost>>;

    /// Pulls no more and costs nothing.
    fn rest(&self) -> BoxFuture<'_, Result<(), Lost>>;

    /// Frames that were pulled and have not left the loudspeaker.
    fn waiting(&self) -> BoxFuture<'_, Result<u64, Lost>>;
}

/// Makes an output of somebody else's.
pub type Make = Arc<dyn Fn(u32, Pull) -> Box<dyn Output> + Send + Sync>;

/// Which way out is taken.
#[derive(Clone, Default)]
pub enum Choice {
    /// The first that works.
    #[default]
    Any,
    Pulse,
    /// The first program that is there.
    AnyProgram,
    /// pw-cat, paplay or aplay.
    Program(&'static str),
    /// The clock, by a person's wish.
    Nothing,
    /// One that is brought along; tests hear through it.
    Given(Make),
}

/// Programs that take raw sound, the one closest to the device first.
const PROGRAMS: [&str; 3] = ["pw-cat", "paplay", "aplay"];

impl Choice {
    /// From DEADWAX_SOUND: auto, pulse, program, pw-cat, paplay, aplay, none. `Err` with the word that is none of these.
    pub fn from_word(word: &str) -> Result<Choice, String> {
        match word {
            "" | "auto" => Ok(Choice::Any),
            "pulse" => Ok(Choice::Pulse),
            "program" => Ok(Choice::AnyProgram),
            "none" => Ok(Choice::Nothing),
            other => match PROGRAMS.into_iter().find(|program| *program == other) {
                Some(program) => Ok(Choice::Program(program)),
                None => Err(crate::scrub::cut(&crate::scrub::line(other), 40)),
            },
        }
    }

    /// What the environment says, else `otherwise`; a word that means nothing is as no word.
    pub fn from_env(otherwise: Choice) -> Choice {
        let said = std::env::var("DEADWAX_SOUND").ok().filter(|word| !word.is_empty());
        said.and_then(|word| Choice::from_word(&word).ok()).unwrap_or(otherwise)
    }
}

/// Something that a person should read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub text: String,
    pub hint: String,
}

/// Opens the chosen way out; the clock where it does not work, and why.
pub async fn open(choice: &Choice, rate: u32, pull: &Pull) -> (Box<dyn Output>, Option<Trouble>) {
    if let Choice::Given(make) = choice {
        return (make(rate, pull.clone()), None);
    }
    let mut why = Vec::new();
    if matches!(choice, Choice::Any | Choice::Pulse) {
        match pulse::Pulse::open(rate, pull.clone()).await {
            Ok(output) => return (Box::new(output), None),
            Err(what) => why.push(format!("PulseAudio: {what}")),
        }
    }
    for program in PROGRAMS {
        let wanted = match choice {
            Choice::Any | Choice::AnyProgram => find(program).is_some(),
            Choice::Program(chosen) => program == *chosen,
            Choice::Pulse | Choice::Nothing | Choice::Given(_) => false,
        };
        if !wanted {
            continue;
        }
        match pipe::Pipe::open(program, rate, pull.clone()).await {
            Ok(output) => return (Box::new(output), None),
            Err(what) => why.push(format!("{program}: {what}")),
        }
    }
    let clock = Box::new(clock::Clock::new(rate, pull.clone()));
    if matches!(choice, Choice::Nothing) {
        return (clock, None);
    }
    let text = match why.is_empty() {
        true => "There is no sound device; playing goes on unheard.".to_owned(),
        false => format!("There is no sound device; playing goes on unheard ({}).", why.join("; ")),
    };
    let hint =
        "Start PulseAudio or PipeWire and press play again. DEADWAX_SOUND=none says that it is meant so.";
    (clock, Some(Trouble { text, hint: hint.to_owned() }))
}

/// A program of the search path.
fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Left and right as 32-bit floats.
const FRAME_BYTES: usize = 8;

fn write_frames(frames: &[Frame], out: &mut [u8]) {
    for (frame, bytes) in frames.iter().zip(out.chunks_exact_mut(FRAME_BYTES)) {
        bytes[..4].copy_from_slice(&frame[0].to_le_bytes());
        bytes[4..].copy_from_slice(&frame[1].to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_environment_mean_what_they_say() {
        assert!(matches!(Choice::from_word(""), Ok(Choice::Any)));
        assert!(matches!(Choice::from_word("auto"), Ok(Choice::Any)));
        assert!(matches!(Choice::from_word("pulse"), Ok(Choice::Pulse)));
        assert!(matches!(Choice::from_word("aplay"), Ok(Choice::Program("aplay"))));
        assert!(matches!(Choice::from_word("none"), Ok(Choice::Nothing)));
        assert_eq!(Choice::from_word("alsa\x1b[2J").err().as_deref(), Some("alsa[2J"));
    }
}
