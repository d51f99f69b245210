//! Starting a child and reading what it says: one JSON object a line on its standard output. Dropping the future kills the child, which is
//! how a render is cancelled; one that takes longer than it may by the clock is killed with whatever it started. The child's environment is empty: it needs
//! no secret and gets none.

use std::{
    ffi::OsString, future::Future, os::unix::process::ExitStatusExt as _, path::PathBuf, process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
};

/// How the server starts itself again as a child: the program and the words before the child's own verb.
#[derive(Clone, Debug)]
pub struct Program {
    pub exe: PathBuf,
    pub prefix: Vec<OsString>,
}

impl Program {
    /// The running binary itself, for `deadwax-server`.
    pub fn this() -> std::io::Result<Program> {
        Ok(Program { exe: std::env::current_exe()?, prefix: Vec::new() })
    }
}

/// What a child may use. Memory and CPU time it sets on itself before it opens a file; the clock is held against it from outside.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub memory_bytes: u64,
    pub cpu_s: u64,
    pub wall_s: u64,
}

/// By the clock a child may take this much longer than it may compute: it steps back behind others, and waits for the disk.
const WALL_TIMES: u64 = 5;

impl Limits {
    pub const fn new(memory_bytes: u64, cpu_s: u64) -> Limits {
        Limits { memory_bytes, cpu_s, wall_s: cpu_s.saturating_mul(WALL_TIMES) }
    }

    /// For a small file. Measuring takes milliseconds for a second of audio; a minute of CPU is an hour of music and more.
    pub const INSPECT: Limits = Limits::new(512 << 20, 120);
    /// Far slower than any decoder: a long file at a high rate is no attack.
    const INSPECT_BYTES_PER_CPU_S: u64 = 20_000_000;

    /// To measure a file of this size.
    pub fn to_inspect(file_bytes: u64) -> Limits {
        let cpu_s = Self::INSPECT.cpu_s + file_bytes / Self::INSPECT_BYTES_PER_CPU_S;
        Self::new(Self::INSPECT.memory_bytes, cpu_s)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("the child process could not be started: {0}")]
    Start(std::io::Error),
    #[error("reading from the child process failed: {0}")]
    Read(std::io::Error),
    /// It died without an answer: a limit, an abort, a signal.
    #[error("the child process ended without an answer ({status}): {stderr}")]
    Died { status: std::process::ExitStatus, stderr: String },
    #[error("the child process was stopped: it had run for {wall_s} s")]
    Overtime { wall_s: u64 },
    #[error("the child process answered in words that are not understood: {0}")]
    Garbled(String),
}

impl ChildError {
    /// Somebody told it to stop, as a service's whole group of processes is told when the service stops: that says nothing of its input.
    pub fn is_interruption(&self) -> bool {
        let asked_to_stop = [Signal::HUP, Signal::INT, Signal::TERM].map(Signal::as_raw);
        let Self::Died { status, .. } = self else { return false };
        status.signal().is_some_and(|signal| asked_to_stop.contains(&signal))
    }
}

const LINE_BYTES_MAX: usize = 4 << 20;
const STDERR_BYTES_MAX: u64 = 4096;

/// Runs `child VERB --memory-bytes N --cpu-seconds N ARGS...` and hands over each line it prints until one of them is the answer.
pub async fn run<Line: DeserializeOwned, Answer>(
    program: &Program,
    verb: &str,
    limits: Limits,
    args: &[OsString],
    on_line: impl FnMut(Line) -> Option<Answer>,
) -> Result<Answer, ChildError> {
    let mut command = Command::new(&program.exe);
    command
        .args(&program.prefix)
        .args(["child", verb, "--memory-bytes"])
        .arg(limits.memory_bytes.to_string())
        .arg("--cpu-seconds")
        .arg(limits.cpu_s.to_string())
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: Ctrl-C in the server's terminal is for the server, which ends its children in order.
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(ChildError::Start)?;
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let answer = in_time(limits.wall_s, answer_of(&mut child, on_line)).await;
    if let (Err(ChildError::Overtime { .. }), Some(group)) = (&answer, group) {
        // It was not reaped yet, so the number is still its own.
        let _gone_already = rustix::process::kill_process_group(group, Signal::KILL);
    }
    answer
}

async fn in_time<Answer>(
    wall_s: u64,
    work: impl Future<Output = Result<Answer, ChildError>>,
) -> Result<Answer, ChildError> {
    let in_time = tokio::time::timeout(Duration::from_secs(wall_s), work).await;
    in_time.unwrap_or(Err(ChildError::Overtime { wall_s }))
}

async fn answer_of<Line: DeserializeOwned, Answer>(
    child: &mut Child,
    mut on_line: impl FnMut(Line) -> Option<Answer>,
) -> Result<Answer, ChildError> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(ChildError::Garbled("its output is not connected".into()));
    };
    let said = tokio::spawn(read_bounded(stderr));
    let mut lines = BufReader::new(stdout.take(LINE_BYTES_MAX as u64 * 64));
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).await.map_err(ChildError::Read)? == 0 {
            let status = child.wait().await.map_err(ChildError::Read)?;
            return Err(ChildError::Died { status, stderr: said.await.unwrap_or_default() });
        }
        let parsed = serde_json::from_str(&line).map_err(|error| ChildError::Garbled(error.to_string()))?;
        if let Some(answer) = on_line(parsed) {
            // The answer is whole; what the exit status adds is nothing. Waiting reaps the process.
            let _ = child.wait().await;
            return Ok(answer);
        }
    }
}

async fn read_bounded(stream: impl AsyncRead + Unpin) -> String {
    let mut text = Vec::new();
    let _ = stream.take(STDERR_BYTES_MAX).read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).trim().chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_that_runs_on_is_stopped_with_what_it_started() {
        let home = tempfile::tempdir().unwrap();
        let pid = home.path().join("pid");
        // It has said nothing wrong and uses no CPU time; what it started would outlive it.
        let script = format!("sleep 1000 & echo $! > {}; echo 1; wait", pid.display());
        let program = Program { exe: "/bin/sh".into(), prefix: vec!["-c".into(), script.into()] };
        let limits = Limits { wall_s: 1, ..Limits::INSPECT };
        let ended = run(&program, "inspect", limits, &[], |_: u32| None::<()>).await;
        assert!(matches!(ended, Err(ChildError::Overtime { wall_s: 1 })), "{ended:?}");
        let started = std::fs::read_to_string(pid).unwrap();
        let stat = format!("/proc/{}/stat", started.trim());
        let is_dead = || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
        };
        while !is_dead() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn the_clock_leaves_room_for_a_busy_machine() {
        assert_eq!(Limits::to_inspect(1_000_000).wall_s, 600);
        assert_eq!(Limits::new(1, u64::MAX).wall_s, u64::MAX);
    }
}
