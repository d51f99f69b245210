//! What the system says a process takes. Never here: whose process it is.

use std::{fs, time::Duration};

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

/// Time on the processor so far, in the program and in the system on its behalf.
///
/// # Errors
/// Where the process has ended.
pub fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // After the name in brackets, which may hold anything: user and system time are the 12th and 13th field, in hundredths (proc(5)).
    let after = stat.rsplit_once(')').map_or("", |it| it.1);
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok());
    Ok(Duration::from_millis(ticks.sum::<u64>() * 10))
}
