//! Whole processes and what they cost: CPU time (user and system), wall time, the most memory held. Each command runs below a fresh copy of this
//! program that does nothing but wait for it, so that the figures are of that command alone. Never here: which commands.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};

/// The word that makes this program the one that waits.
pub const WAIT: &str = "wait-for";

/// One command line.
#[derive(Clone, Debug)]
pub struct Line {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl Line {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Line { program: program.into(), arguments: Vec::new() }
    }

    /// Words parted by spaces.
    pub fn words(mut self, words: &str) -> Self {
        self.arguments.extend(words.split_whitespace().map(OsString::from));
        self
    }

    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub cpu_s: f64,
    pub wall_s: f64,
    pub memory_mb: f64,
}

impl Cost {
    /// One after the other.
    pub fn and(self, next: Cost) -> Cost {
        Cost {
            cpu_s: self.cpu_s + next.cpu_s,
            wall_s: self.wall_s + next.wall_s,
            memory_mb: self.memory_mb.max(next.memory_mb),
        }
    }
}

/// Runs a command; what it said on its error output comes with its cost. An error if it does not end well.
pub fn run(line: &Line) -> Result<(Cost, String)> {
    let own = std::env::current_exe().context("finding this program")?;
    let out = Command::new(own)
        .arg(WAIT)
        .arg(&line.program)
        .args(&line.arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", line.program.display()))?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    if !out.status.success() {
        let tail: String = said.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
        bail!("{} did not end well: {}", line.program.display(), tail.trim());
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    ensure!(figures.len() == 3, "{} left no figures", line.program.display());
    Ok((Cost { cpu_s: figures[0], wall_s: figures[1], memory_mb: figures[2] }, said))
}

/// The one that waits: `arguments` is the command. Prints its cost in three numbers.
pub fn wait_for(arguments: &[OsString]) -> Result<()> {
    let (program, arguments) = arguments.split_first().context("no command to wait for")?;
    let start = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall_s = start.elapsed().as_secs_f64();
    ensure!(status.success(), "{} ended with {status}", Path::new(program).display());
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    let cpu_s = seconds(usage.user_time()) + seconds(usage.system_time());
    println!("{cpu_s:.6} {wall_s:.6} {:.3}", usage.max_rss() as f64 / 1024.0);
    Ok(())
}
