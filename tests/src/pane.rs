//! A person at a terminal: the real client in a terminal of its own, keys in, and the screen as a terminal shows it. What is waited for is on the screen or it is
//! not; nothing looks into the client. Never here: steps.

use std::{
    io::{Read as _, Write as _},
    num::NonZeroU16,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Pane {
    pub name: String,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn std::io::Write + Send>,
    seen: Arc<Mutex<Seen>>,
}

/// What came out of the client.
struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Pane {
    /// The client of whoever keeps their profile in `home`.
    pub fn open(exe: &Path, home: &Path, name: &str, (columns, rows): (u16, u16)) -> Result<Pane> {
        let mut command = CommandBuilder::new(exe);
        command.arg("client");
        command.env("DEADWAX_HOME", home);
        command.env("TERM", "xterm-256color");
        for gone in ["NO_COLOR", "COLORTERM", "COLORFGBG", "TMUX", "DEADWAX_PROFILE"] {
            command.env_remove(gone);
        }
        Pane::run(command, name, (columns, rows))
    }

    pub fn run(command: CommandBuilder, name: &str, (columns, rows): (u16, u16)) -> Result<Pane> {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let parser = vt100::Parser::new(nonzero(rows)?, nonzero(columns)?, 0);
        let seen = Arc::new(Mutex::new(Seen { screen: parser, raw: Vec::new() }));
        let mut reader = pair.master.try_clone_reader()?;
        let into = Arc::clone(&seen);
        thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let Ok(mut seen) = into.lock() else { return };
                seen.screen.process(&bytes[..count]);
                seen.raw.extend_from_slice(&bytes[..count]);
            }
        });
        let writer = pair.master.take_writer()?;
        Ok(Pane { name: name.to_owned(), child, master: pair.master, writer, seen })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("the reader of a terminal does not panic")
    }

    pub fn screen(&self) -> String {
        self.seen().screen.screen().contents()
    }

    /// Whether these bytes ever came out, drawn or obeyed.
    pub fn ever_wrote(&self, bytes: &[u8]) -> bool {
        self.seen().raw.windows(bytes.len()).any(|it| it == bytes)
    }

    /// Text as it is typed, with names in angle brackets: `nthe s is sharp<enter>`.
    pub fn keys(&mut self, keys: &str) -> Result<()> {
        let mut bytes = Vec::new();
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            match rest.find('>').filter(|_| c == '<' && rest.len() > 2) {
                Some(end) => {
                    bytes.extend_from_slice(named(&rest[1..end])?);
                    rest = &rest[end + 1..];
                }
                None => {
                    bytes.extend_from_slice(c.to_string().as_bytes());
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        self.writer.write_all(&bytes)?;
        self.writer.flush()?;
        Ok(())
    }

    /// Waits until this stands on the screen, in one line.
    pub fn sees(&self, text: &str) -> Result<()> {
        self.waits(&format!("{text:?}"), |screen| screen.contains(text))
    }

    pub fn sees_no(&self, text: &str) -> Result<()> {
        self.waits(&format!("no {text:?}"), |screen| !screen.contains(text))
    }

    fn waits(&self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} does not see {what}:\n{screen}", self.name);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types, and waits for what must follow.
    pub fn does(&mut self, keys: &str, then: &str) -> Result<()> {
        self.keys(keys)?;
        self.sees(then).with_context(|| format!("{} pressed {keys}", self.name))
    }

    /// Pulls the window to another size.
    pub fn resize(&mut self, columns: u16, rows: u16) -> Result<()> {
        self.seen().screen.set_size(nonzero(rows)?, nonzero(columns)?);
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })?;
        Ok(())
    }

    /// Leaves with Ctrl-C and answers how it ended.
    pub fn leave(mut self) -> Result<u32> {
        self.keys("<c-c>")?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.exit_code());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} cannot leave:\n{}", self.name, self.screen());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn nonzero(value: u16) -> Result<NonZeroU16> {
    NonZeroU16::new(value).context("a window has a size")
}

fn named(name: &str) -> Result<&'static [u8]> {
    Ok(match name {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "space" => b" ",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "c-c" => b"\x03",
        "c-p" => b"\x10",
        "c-r" => b"\x12",
        "c-z" => b"\x1a",
        other => return Err(anyhow!("no key is called {other}")),
    })
}
