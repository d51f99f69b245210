//! The terminal, taken over and given back: raw mode, the other screen, bracketed paste, the cursor. What is taken is given back at the
//! end, where taking fails half way, and before the message of a panic is printed, in whichever task it happens. Nothing is drawn here.

use std::{
    io::{Write as _, stdout},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{DefaultTerminal, Terminal, backend::CrosstermBackend};

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Presses, drags and the wheel, with places beyond column 223. Not bare movement: it would wake the client for nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Whether the mouse is taken too, after the next `enter`.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// With it clicks and the wheel come to the client; with Shift the terminal selects as before.
pub fn want_mouse(wanted: bool) {
    MOUSE.store(wanted, Ordering::Relaxed);
}

/// Writes what is no drawing: a question to the terminal, a text for its clipboard.
///
/// # Errors
/// Where the terminal takes nothing more.
pub fn say(text: &str) -> std::io::Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether a question to it is taken as one: some would print it.
pub fn answers() -> bool {
    let of = std::env::var("TERM").unwrap_or_default();
    !matches!(of.as_str(), "" | "dumb" | "linux")
}

/// Takes the terminal over.
///
/// # Errors
/// Where it does not answer; then nothing of it is kept.
pub fn enter() -> std::io::Result<DefaultTerminal> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            PANICKED.store(true, Ordering::Relaxed);
            before(info);
        }));
    });
    take().inspect_err(|_| leave())
}

fn take() -> std::io::Result<DefaultTerminal> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    if MOUSE.load(Ordering::Relaxed) {
        say(MOUSE_ON)?;
    }
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Gives it back; twice does no harm. Errors are of no use here: the terminal may be gone, which may be why we leave.
pub fn leave() {
    if MOUSE.load(Ordering::Relaxed) {
        drop(say(MOUSE_OFF));
    }
    drop(execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show));
    drop(disable_raw_mode());
}

/// True after a panic: the terminal was given back, and nothing may be drawn on it any more. The runtime catches the panic of a task, so
/// the loop has to ask.
pub fn is_lost() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

/// Gives the terminal back when it is dropped.
pub(super) struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        leave();
    }
}
