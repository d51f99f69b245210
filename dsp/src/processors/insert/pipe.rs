//! A child process between two pipes: one thread writes what is given, one reads what comes, one keeps the last line of its complaints, and none of
//! them ever waits for another. The child has an environment, a working folder and a process group of its own; all of it goes when this is dropped.
//! Never here: frames.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const READ_BYTES: usize = 1 << 16;
/// Pieces of output that wait for the caller.
const WAITING_MAX: usize = 4;
/// So much of its complaints is kept, and so much of the last line told.
const COMPLAINTS_BYTES: usize = 4096;
const LINE_CHARS: usize = 200;
const LAST_WORDS_WAIT: Duration = Duration::from_millis(500);

pub(super) enum Event {
    /// A piece that was given has gone into the pipe, or nobody reads it any more.
    Took,
    Gave(Vec<u8>),
    /// It writes no more.
    Ended,
}

pub(super) struct Pipe {
    child: Child,
    ended: bool,
    give: Option<Sender<Vec<u8>>>,
    pub(super) events: Receiver<Event>,
    complaints: Receiver<String>,
    _folder: TempDir,
}

impl Pipe {
    pub(super) fn open(program: &Path, args: &[String], env: &BTreeMap<String, String>) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .envs(env)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // What the command itself starts ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (tell, events) = sync_channel(WAITING_MAX);
        let (give, given) = channel();
        let (say, complaints) = channel();
        if let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        {
            let tell_too = tell.clone();
            thread::spawn(move || write(input, &given, &tell_too));
            thread::spawn(move || read(output, &tell));
            thread::spawn(move || say.send(listen(errors)));
        }
        Ok(Pipe { child, ended: false, give: Some(give), events, complaints, _folder: folder })
    }

    /// Never waits: who gives counts the [`Event::Took`]s.
    pub(super) fn give(&self, bytes: Vec<u8>) {
        if let Some(give) = &self.give {
            let _ = give.send(bytes);
        }
    }

    /// The command reads to the end of what was given.
    pub(super) fn close(&mut self) {
        self.give = None;
    }

    /// How it ended; `None` if it has not within this time.
    pub(super) fn wait(&mut self, most: Duration) -> Option<ExitStatus> {
        let since = Instant::now();
        let mut pause = Duration::from_micros(100);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.kill();
                return Some(status);
            }
            if since.elapsed() >= most {
                return None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Ends it and all that it started. After the command has ended this reaches what it left behind: the group's number stays taken while there is
    /// any of it.
    pub(super) fn kill(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        #[cfg(unix)]
        if let Err(e) = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::KILL,
        ) && e != rustix::io::Errno::SRCH
        {
            let _ = self.child.kill();
        }
        #[cfg(not(unix))]
        let _ = self.child.kill();
        // It was killed: this does not wait long, and leaves no zombie.
        let _ = self.child.wait();
    }

    /// The last line that it wrote to its standard error.
    pub(super) fn last_words(&self) -> Option<String> {
        self.complaints.recv_timeout(LAST_WORDS_WAIT).ok().filter(|line| !line.is_empty())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.kill();
    }
}

fn write(mut input: impl Write, given: &Receiver<Vec<u8>>, tell: &SyncSender<Event>) {
    for bytes in given {
        if input.write_all(&bytes).is_err() {
            // Nobody listens any more either, if this fails.
            drop(input);
            let mut told = tell.send(Event::Took);
            // What is still given counts as taken, so that who gives does not wait for the deaf.
            given.iter().for_each(|_| told = tell.send(Event::Took));
            return;
        }
        if tell.send(Event::Took).is_err() {
            return;
        }
    }
}

fn read(mut output: impl Read, tell: &SyncSender<Event>) {
    let mut bytes = vec![0; READ_BYTES];
    loop {
        match output.read(&mut bytes) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if tell.send(Event::Gave(bytes[..n].to_vec())).is_err() {
                    return;
                }
            }
        }
    }
    // A caller that has gone needs to know nothing.
    let _ = tell.send(Event::Ended);
}

/// Reads to the end; gives the last line that is not empty, without what could steer a terminal.
fn listen(mut errors: impl Read) -> String {
    let (mut kept, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        match errors.read(&mut bytes) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(n) => {
                kept.extend_from_slice(&bytes[..n]);
                let over = kept.len().saturating_sub(COMPLAINTS_BYTES);
                kept.drain(..over);
            }
        }
    }
    let text = String::from_utf8_lossy(&kept);
    let line = text.split(['\n', '\r']).map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_CHARS).collect()
}
