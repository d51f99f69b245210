//! Programs of others, as they are installed on this machine. What is absent is told once, and again where its part is left out: never in silence. Never
//! here: what their answers mean.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use crate::demo::Log;

/// Program, package of Debian, what it reads here.
const TOOLS: [(&str, &str, &str); 13] = [
    ("sha256sum", "coreutils", "SHA256SUMS"),
    ("md5sum", "coreutils", "CHECKSUMS.md5, CHECKSUM.MD5"),
    ("flac", "flac", "FLAC, every sample against its MD5"),
    ("ffmpeg", "ffmpeg", "all sound, to its end"),
    ("ffprobe", "ffmpeg", "rate, depth, length, tags"),
    ("soxi", "sox", "rate, depth, length of WAV, FLAC and MP3"),
    ("mediainfo", "mediainfo", "rate, depth, tags of all sound"),
    ("sndfile-info", "sndfile-programs", "WAV and FLAC, bext"),
    ("exiftool", "libimage-exiftool-perl", "tags and covers of all sound"),
    ("cdrdao", "cdrdao", "the TOC file"),
    ("cueprint", "cuetools", "the cue sheet"),
    ("cuebreakpoints", "cuetools", "the cue sheet's track limits"),
    ("ssh-keygen", "openssh-client", "receipts"),
];

pub struct Bench {
    there: BTreeSet<&'static str>,
}

/// What a program answered.
pub struct Answer {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Bench {
    /// Which of them are here; a line for each that is not.
    pub fn look(log: &Log) -> Bench {
        let is_there = |tool: &str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
        };
        let there: BTreeSet<&'static str> =
            TOOLS.iter().map(|tool| tool.0).filter(|tool| is_there(tool)).collect();
        for (tool, package, reads) in TOOLS {
            if !there.contains(tool) {
                log.say(&format!("{tool} is not installed ({package}): {reads} goes unread by it"));
            }
        }
        Bench { there }
    }

    /// False is told: the part of a program that is absent is left out where everybody reads it.
    pub fn has(&self, log: &Log, tool: &str) -> bool {
        let there = self.there.contains(tool);
        if !there {
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
    let output = Command::new(tool)
        .args(args)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC0")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {tool}"))?;
    Ok(Answer {
        ok: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
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
