//! The client in a terminal of its own, read as a person's terminal would show it; and what the system says of its process.

use std::{
    fs,
    io::{Read as _, Write as _},
    num::NonZeroU16,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::usage;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn std::io::Write + Send>,
    shown: Arc<Shown>,
    _master: Box<dyn MasterPty + Send>,
}

/// The screen, and a bell that rings whenever something was drawn on it.
struct Shown {
    screen: Mutex<vt100::Parser>,
    drawn: Condvar,
}

/// In megabytes of 1,000,000 bytes.
pub struct Memory {
    pub now_mb: f64,
    pub most_mb: f64,
}

impl Terminal {
    pub fn start(program: &Path, word: Option<&str>, home: &Path, size: (u16, u16)) -> Result<Terminal> {
        let mut command = CommandBuilder::new(program);
        command.args(word);
        command.env("DEADWAX_HOME", home);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        command.env_remove("DEADWAX_PROFILE");
        let pair = native_pty_system()
            .openpty(PtySize { rows: size.1, cols: size.0, pixel_width: 0, pixel_height: 0 })
            .context("opening a terminal")?;
        let child = pair.slave.spawn_command(command).context("starting the client")?;
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().context("reading the terminal")?;
        let writer = pair.master.take_writer().context("writing to the terminal")?;
        let (lines, columns) = (NonZeroU16::try_from(size.1)?, NonZeroU16::try_from(size.0)?);
        let screen = Mutex::new(vt100::Parser::new(lines, columns, 0));
        let shown = Arc::new(Shown { screen, drawn: Condvar::new() });
        let seen = Arc::clone(&shown);
        thread::spawn(move || {
            let mut bytes = vec![0; 64 << 10];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                seen.screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
                seen.drawn.notify_all();
            }
        });
        Ok(Terminal { child, writer, shown, _master: pair.master })
    }

    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.writer.write_all(keys.as_bytes()).context("pressing keys")?;
        self.writer.flush().context("pressing keys")
    }

    /// Until the screen is so.
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<()> {
        self.until(what, |screen| is_so(&screen.contents()).then_some(()))
    }

    /// Until there is an answer; asked anew after everything that is drawn.
    pub fn until<T>(&mut self, what: &str, answer: impl Fn(&vt100::Screen) -> Option<T>) -> Result<T> {
        let since = Instant::now();
        let mut screen = self.shown.screen.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(it) = answer(screen.screen()) {
                return Ok(it);
            }
            if since.elapsed() > PATIENCE {
                bail!("not so after {} s: {what}\n{}", PATIENCE.as_secs(), screen.screen().contents());
            }
            let (again, _) = self
                .shown
                .drawn
                .wait_timeout(screen, Duration::from_millis(200))
                .unwrap_or_else(PoisonError::into_inner);
            screen = again;
        }
    }

    fn pid(&self) -> Result<u32> {
        self.child.process_id().context("the client has ended")
    }

    /// Time that all its threads spent on the processor, to the nanosecond.
    pub fn cpu(&self) -> Result<Duration> {
        let tasks = format!("/proc/{}/task", self.pid()?);
        let mut spent = Duration::ZERO;
        for task in fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
            let path = task?.path().join("schedstat");
            // A thread that ended meanwhile took its share with it.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let nanos = text.split_whitespace().next().context("an empty schedstat")?;
            spent += Duration::from_nanos(nanos.parse()?);
        }
        Ok(spent)
    }

    pub fn memory(&self) -> Result<Memory> {
        let pid = self.pid()?;
        let of = |line: &str| -> Result<f64> { Ok(usage::memory(pid, line)? as f64 / 1e6) };
        Ok(Memory { now_mb: of("VmRSS:")?, most_mb: of("VmHWM:")? })
    }

    pub fn contents(&self) -> String {
        self.shown.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }

    /// As a power switch would: nothing is written any more.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("ending the client")?;
        self.child.wait().context("waiting for the client")?;
        Ok(())
    }

    /// As a person leaves it.
    pub fn leave(mut self) -> Result<()> {
        self.press("\u{3}")?;
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for the client")? {
                ensure!(status.success(), "the client ended with {status}");
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                self.child.kill().context("ending the client")?;
                bail!("the client did not leave");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
