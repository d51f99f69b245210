//! Where the verbs print: results to standard output (JSON: one object a line), all else to standard error. Everything is scrubbed here once
//! more (S-1), and a reader that went away ends the verb quietly. Nothing else in the verbs prints.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::error::VerbError;
use crate::scrub;

#[derive(Clone, Copy, Debug)]
pub struct Out {
    pub json: bool,
}

impl Out {
    /// Text for people; nothing in JSON mode.
    pub fn text(&self, text: &str) -> Result<(), VerbError> {
        if self.json { Ok(()) } else { put(&scrub::block(text)) }
    }

    /// An object for programs; nothing in text mode.
    pub fn object(&self, value: &Value) -> Result<(), VerbError> {
        if self.json { put(&plain_json(value)) } else { Ok(()) }
    }

    /// One or the other.
    pub fn both(&self, text: &str, value: &Value) -> Result<(), VerbError> {
        self.text(text)?;
        self.object(value)
    }

    /// Beside the result: guesses, warnings, what goes on.
    pub fn aside(&self, text: &str) {
        // Nobody to tell it to is no reason to stop.
        drop(writeln!(io::stderr(), "{}", scrub::block(text)));
    }

    /// Whether there is somebody to ask.
    pub fn can_ask(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on the terminal. Without one, or with JSON asked, it cannot be asked: say `--yes`.
    /// Waits without holding up the rest, so that Ctrl-C ends the program here too; the reader is left behind then.
    pub async fn confirm(&self, question: &str, yes: bool) -> Result<(), VerbError> {
        if yes {
            return Ok(());
        }
        if !self.can_ask() {
            return Err(VerbError::Usage("there is nobody to ask here; say --yes if you are sure".into()));
        }
        let mut err = io::stderr();
        drop(write!(err, "{} Type yes: ", scrub::block(question)).and_then(|()| err.flush()));
        let read = || {
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer).map(|_| answer)
        };
        let answer =
            tokio::task::spawn_blocking(read).await.map_err(|e| VerbError::Out(io::Error::other(e)))?;
        let answer = answer.map_err(VerbError::Out)?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "yes" | "y") {
            return Ok(());
        }
        Err(VerbError::no("NOT_CONFIRMED", "Nothing was done.", ""))
    }
}

/// One line of JSON whose strings are exactly the value's: what a terminal could obey is written as an escape, never taken out, so that a
/// program gets the name of a file as it is on the disk. Outside of strings JSON has no such character.
fn plain_json(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if scrub::is_hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text += &format!("\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn put(text: &str) -> Result<(), VerbError> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(VerbError::Pipe),
        Err(e) => Err(VerbError::Out(e)),
        Ok(()) => Ok(()),
    }
}

/// Short work needs no bar, and a file or a pipe never does.
const BAR_AFTER: Duration = Duration::from_secs(1);

/// A progress bar on the terminal's standard error that appears once the work takes longer than a second.
pub struct Bar {
    what: String,
    total: u64,
    in_bytes: bool,
    started: Instant,
    bar: std::sync::OnceLock<ProgressBar>,
    wanted: bool,
}

impl Bar {
    pub fn bytes(what: &str, total: u64) -> Bar {
        Bar::new(what, total, true)
    }

    /// Of a fraction, in thousandths.
    pub fn share(what: &str) -> Bar {
        Bar::new(what, 1000, false)
    }

    fn new(what: &str, total: u64, in_bytes: bool) -> Bar {
        Bar {
            what: scrub::cut(&scrub::line(what), 30),
            total,
            in_bytes,
            started: Instant::now(),
            bar: std::sync::OnceLock::new(),
            wanted: io::stderr().is_terminal(),
        }
    }

    pub fn set(&self, done: u64) {
        if !self.wanted || self.started.elapsed() < BAR_AFTER {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let shape = if self.in_bytes {
                "{msg:30} [{bar:24}] {bytes}/{total_bytes} {eta}"
            } else {
                "{msg:30} [{bar:24}] {percent}% {eta}"
            };
            let style = ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(Some(self.total), ProgressDrawTarget::stderr());
            bar.set_style(style.progress_chars("=> "));
            bar.set_message(self.what.clone());
            bar
        });
        bar.set_position(done);
    }

    pub fn step(&self, step: &str, fraction: f64) {
        self.set((fraction.clamp(0.0, 1.0) * 1000.0) as u64);
        if let Some(bar) = self.bar.get() {
            bar.set_message(scrub::cut(&scrub::line(&format!("{}: {step}", self.what)), 30));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_the_value_and_obeys_nothing() {
        let value = serde_json::json!({ "file": "cafe\u{301}.wav", "by": "a\u{1b}[2J\u{9b}b\u{202e}c\u{e0041}\u{7f}" });
        let text = plain_json(&value);
        assert!(text.contains("cafe\u{301}.wav"), "{text}");
        assert!(text.contains(r"a\u001b[2J\u009bb\u202ec\udb40\udc41\u007f"), "{text}");
        assert!(!text.chars().any(scrub::is_hostile));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
