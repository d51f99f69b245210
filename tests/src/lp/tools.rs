//! Programs of others, as they are installed on this machine. What is absent is told once, and again where its part is left out: never in silence. Never
//! here: what their answers mean.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::demo::Log;

/// Program, package of Debian, what it reads here.
const TOOLS: [(&str, &str, &str); 16] = [
    ("sha256sum", "coreutils", "SHA256SUMS"),
    ("md5sum", "coreutils", "CHECKSUMS.md5, CHECKSUM.MD5"),
    ("flac", "flac", "FLAC, every sample against its MD5"),
    ("metaflac", "flac", "tags and covers of FLAC"),
    ("ffmpeg", "ffmpeg", "all sound to its last sample, its loudness, its covers"),
    ("ffprobe", "ffmpeg", "rate, depth, length, tags"),
    ("sox", "sox", "true peaks, of WAV, FLAC and the image of a disc"),
    ("soxi", "sox", "rate, depth, length of WAV and FLAC"),
    ("mediainfo", "mediainfo", "rate, depth, tags of all sound"),
    ("sndfile-info", "sndfile-programs", "WAV and FLAC, bext"),
    ("exiftool", "libimage-exiftool-perl", "tags and covers of all sound"),
    ("cdrdao", "cdrdao", "the TOC file"),
    ("toc2cddb", "cdrdao", "the CD-Text of the TOC file"),
    ("cueprint", "cuetools", "the cue sheet"),
    ("cuebreakpoints", "cuetools", "the cue sheet's track limits"),
    ("ssh-keygen", "openssh-client", "receipts"),
];

pub struct Bench {
    there: BTreeSet<&'static str>,
    /// Those that read something.
    used: RefCell<BTreeSet<&'static str>>,
    left_out: RefCell<Vec<String>>,
}

/// What a program answered.
pub struct Answer {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Bench {
    /// Which of them are in the folders of `PATH`.
    pub fn look() -> Bench {
        Bench::look_in(&std::env::var_os("PATH").unwrap_or_default())
    }

    fn look_in(path: &OsStr) -> Bench {
        let is_there = |tool: &str| std::env::split_paths(path).any(|folder| folder.join(tool).is_file());
        let there = TOOLS.iter().map(|tool| tool.0).filter(|tool| is_there(tool)).collect();
        Bench { there, used: RefCell::default(), left_out: RefCell::default() }
    }

    /// A sentence for each that is not installed: what nobody read.
    pub fn absent(&self) -> Vec<String> {
        let absent = TOOLS.iter().filter(|tool| !self.there.contains(tool.0));
        let told = |(tool, package, reads): &(&str, &str, &str)| {
            format!("{tool} is not installed (package {package}): {reads} was not read by it")
        };
        absent.map(told).chain(self.left_out.borrow().iter().cloned()).collect()
    }

    /// A step that could not be done here, as a sentence.
    pub fn left_out(&self, what: &str) {
        self.left_out.borrow_mut().push(what.to_owned());
    }

    /// # Errors
    /// Names every program that is absent.
    pub fn all_there(&self) -> Result<()> {
        let absent = self.absent();
        ensure!(
            absent.is_empty(),
            "with --strict nothing may be left out: {}. Install what is missing, or leave out --strict",
            absent.join("; ")
        );
        Ok(())
    }

    /// # Errors
    /// Names every program that is there and was never asked: a step that is skipped by mistake looks like one that held.
    pub fn all_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let idle: Vec<&str> = self.there.iter().copied().filter(|tool| !used.contains(tool)).collect();
        ensure!(idle.is_empty(), "these readers are installed and read nothing: {}", idle.join(", "));
        Ok(())
    }

    /// False is told: the part of a program that is absent is left out where everybody reads it.
    pub fn has(&self, log: &Log, tool: &'static str) -> bool {
        let there = self.there.contains(tool);
        if there {
            self.used.borrow_mut().insert(tool);
        } else {
            log.say(&format!("--  {tool} is absent: left out"));
        }
        there
    }
}

/// Runs it in a folder; whatever it answers.
pub fn ask<Arg: AsRef<OsStr>>(
    tool: &str,
    args: impl IntoIterator<Item = Arg>,
    folder: &Path,
) -> Result<Answer> {
    let output = command(tool, args, folder).output().with_context(|| format!("starting {tool}"))?;
    Ok(Answer {
        ok: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Bytes that it wrote, and what it said beside them; whether it is content or not.
pub fn bytes_of<Arg: AsRef<OsStr>>(
    tool: &str,
    args: impl IntoIterator<Item = Arg>,
    folder: &Path,
) -> Result<(Vec<u8>, String)> {
    let output = command(tool, args, folder).output().with_context(|| format!("starting {tool}"))?;
    Ok((output.stdout, String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn command<Arg: AsRef<OsStr>>(tool: &str, args: impl IntoIterator<Item = Arg>, folder: &Path) -> Command {
    let mut command = Command::new(tool);
    command.args(args).current_dir(folder).env("LC_ALL", "C.UTF-8").env("TZ", "UTC0").stdin(Stdio::null());
    command
}

/// Runs it in a folder; it must be content.
pub fn must<Arg: AsRef<OsStr>>(
    tool: &str,
    args: impl IntoIterator<Item = Arg>,
    folder: &Path,
) -> Result<Answer> {
    let args: Vec<std::ffi::OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let answer = ask(tool, &args, folder)?;
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let short: String = words.join(" ").chars().take(300).collect();
    ensure!(
        answer.ok,
        "{tool} {short} in {} was not content: {}{}",
        folder.display(),
        answer.out,
        answer.err
    );
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_is_absent_is_named_and_one_that_nobody_asks_too() {
        let room = tempfile::tempdir().unwrap();
        for (tool, ..) in TOOLS.iter().filter(|tool| !["exiftool", "cdrdao"].contains(&tool.0)) {
            std::fs::write(room.path().join(tool), "").unwrap();
        }
        let bench = Bench::look_in(room.path().as_os_str());
        assert_eq!(bench.absent().len(), 2);
        let told = bench.all_there().unwrap_err().to_string();
        for name in ["exiftool", "libimage-exiftool-perl", "cdrdao", "the TOC file"] {
            assert!(told.contains(name), "{told}");
        }
        let log = Log::new(true);
        assert!(!bench.has(&log, "exiftool"));
        for (tool, ..) in TOOLS.iter().filter(|tool| tool.0 != "flac") {
            bench.has(&log, tool);
        }
        assert!(bench.all_used().unwrap_err().to_string().ends_with("nothing: flac"));
        assert!(bench.has(&log, "flac") && bench.all_used().is_ok());
    }

    #[test]
    fn with_all_of_them_nothing_is_missing() {
        let room = tempfile::tempdir().unwrap();
        for (tool, ..) in TOOLS {
            std::fs::write(room.path().join(tool), "").unwrap();
        }
        assert!(Bench::look_in(room.path().as_os_str()).all_there().is_ok());
    }
}
