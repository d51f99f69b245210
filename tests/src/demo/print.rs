//! What the demo says, and the count of what held. A check that fails ends the run at once, under the step that it belongs to.
//! Never here: what is checked.

use std::{cell::Cell, io::Write as _, time::Instant};

use anyhow::{Result, bail};

/// The pen and the tally. `quiet` is for tests that run the same steps.
pub struct Log {
    quiet: bool,
    steps: Cell<u32>,
    checks: Cell<u32>,
    began: Instant,
}

impl Log {
    pub fn new(quiet: bool) -> Log {
        Log { quiet, steps: Cell::new(0), checks: Cell::new(0), began: Instant::now() }
    }

    /// The next step begins.
    pub fn step(&self, title: &str) {
        self.steps.set(self.steps.get() + 1);
        self.line(&format!("\n{:>2}  {title}", self.steps.get()));
    }

    /// A figure, or what somebody did.
    pub fn say(&self, text: &str) {
        for line in text.lines() {
            self.line(&format!("    {line}"));
        }
    }

    pub fn line(&self, text: &str) {
        if !self.quiet {
            // A reader that went away must not end the job half way.
            drop(writeln!(std::io::stdout(), "{text}"));
        }
    }

    /// A thing that must hold.
    ///
    /// # Errors
    /// When it does not: the step and the thing are named.
    pub fn check(&self, holds: bool, what: impl AsRef<str>) -> Result<()> {
        let what = what.as_ref();
        if !holds {
            self.line(&format!("    NO  {what}"));
            bail!("step {}: this does not hold: {what}", self.steps.get());
        }
        self.checks.set(self.checks.get() + 1);
        self.line(&format!("    ok  {what}"));
        Ok(())
    }

    /// What a check found, shown only where it was not as expected.
    pub fn same<T: PartialEq + std::fmt::Debug>(&self, found: &T, expected: &T, what: &str) -> Result<()> {
        if found == expected {
            return self.check(true, what);
        }
        self.check(false, format!("{what}: found {found:?}, expected {expected:?}"))
    }

    pub fn tally(&self) -> (u32, u32) {
        (self.steps.get(), self.checks.get())
    }

    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}

/// The first digits of a digest: enough to compare by eye.
pub fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
