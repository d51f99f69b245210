//! The terminal, taken over and given back: raw mode, the other screen, bracketed paste, the cursor. What is taken is given back at the
//! end, where taking fails half way, and before the message of a panic is printed, in whichever task it happens. Nothing is drawn here.

use std::{
    io::stdout,
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

/// Takes the terminal over.
///
/// # Errors
/// Where it does not answer; then nothing of it is kept.
pub fn enter() -> std::io::Result<DefaultTerminal> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Strangers' bytes broke a decoder, on a thread of its own: that is the trouble of one track, and told there.
            if std::thread::current().name() == Some(crate::play::DECODER) {
                return;
            }
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
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Gives it back; twice does no harm. Errors are of no use here: the terminal may be gone, which may be why we leave.
pub fn leave() {
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
