//! A passphrase: wiped when it is dropped, shown by nothing, and read from the terminal without an echo.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
};

use crossterm::{
    event::{Event, KeyCode, KeyEventKind, KeyModifiers, read},
    terminal,
};
use zeroize::{Zeroize as _, Zeroizing};

/// Longer is a mistake of the clipboard.
const CHARS_MAX: usize = 1000;

/// Holds room for the longest from the start, so that growing leaves no copies behind.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Default for Secret {
    fn default() -> Secret {
        Secret(Zeroizing::new(String::with_capacity(4 * CHARS_MAX)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

impl Secret {
    pub fn new(text: &str) -> Secret {
        let mut secret = Secret::default();
        text.chars().for_each(|c| secret.push(c));
        secret
    }

    pub fn push(&mut self, c: char) {
        if !c.is_control() && self.0.len() + c.len_utf8() <= 4 * CHARS_MAX {
            self.0.push(c);
        }
    }

    pub fn pop(&mut self) {
        self.0.pop();
    }

    pub fn clear(&mut self) {
        self.0.zeroize();
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a request that carries it.
    pub fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Whether there is a terminal to type into.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal; what is typed is not shown. `None`: stopped with Esc, Ctrl-C or Ctrl-D.
///
/// # Errors
/// Where the terminal cannot be switched.
pub fn ask(question: &str) -> io::Result<Option<Secret>> {
    let mut err = io::stderr();
    write!(err, "{} ", crate::scrub::line(question))?;
    err.flush()?;
    let raw = Raw::begin()?;
    let mut secret = Secret::default();
    let given = loop {
        let Event::Key(key) = read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => break true,
            KeyCode::Esc => break false,
            KeyCode::Char('c' | 'd') if control => break false,
            KeyCode::Char('u') if control => secret.clear(),
            KeyCode::Backspace => secret.pop(),
            KeyCode::Char(c) if !control => secret.push(c),
            _ => {}
        }
    };
    drop(raw);
    writeln!(err)?;
    Ok(given.then_some(secret))
}

/// The terminal is given back however this ends.
struct Raw;

impl Raw {
    fn begin() -> io::Result<Raw> {
        terminal::enable_raw_mode().map(|()| Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        drop(terminal::disable_raw_mode());
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn it_is_shown_by_nothing_and_takes_no_control_characters() {
        let mut secret = Secret::new("open\u{1b}[2J sesame\n");
        assert_eq!(secret.bytes(), b"open[2J sesame");
        assert!(!format!("{secret:?}").contains("sesame"));
        secret.pop();
        assert_eq!(secret, Secret::new("open[2J sesam"));
        secret.clear();
        assert!(secret.is_empty());
        assert_eq!(Secret::new(&"x".repeat(10_000)).bytes().len(), 4000);
    }
}
