//! What the system says a process takes. Never here: whose process it is.

use std::fs;

use anyhow::{Context as _, Result};

/// A line of `/proc/PID/status` that tells kibibytes, as bytes: `VmRSS:` is the memory now, `VmHWM:` the most there ever was (proc(5)).
///
/// # Errors
/// Where the process has ended, or the line is not there.
pub fn memory(pid: u32, line: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let told = text.lines().find_map(|it| it.strip_prefix(line)).with_context(|| format!("no {line}"))?;
    let kib: u64 = told.split_whitespace().next().context("no figure")?.parse()?;
    Ok(kib * 1024)
}
