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

use super::settings::{Dots, Pixels, Way};

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
        crate::fault::install();
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
    if MOUSE.load(Ordering::Relaxed) {
        say(MOUSE_ON)?;
    }
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// What a picture of sound is made of here: braille where the terminal writes Unicode. The console of Linux has no braille in its font.
pub fn dots() -> Dots {
    dots_of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn dots_of(env: impl Fn(&str) -> Option<String>) -> Dots {
    // The first of these that is set decides, as everywhere.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(&env);
    let unicode = locale.is_none_or(|it| {
        let it = it.to_lowercase();
        it.contains("utf-8") || it.contains("utf8") || it == "c" || it == "posix"
    });
    let bare = env("TERM").is_some_and(|it| it == "linux" || it.starts_with("vt"));
    if unicode && !bare { Dots::Braille } else { Dots::Blocks }
}

/// How pictures are shown here, if at all. By what the terminal says of itself in the environment: nobody is asked, so that nothing waits for an answer. Off
/// inside of tmux and screen, which let pictures through only where they were set up for it.
pub fn pixels() -> Option<Pixels> {
    let way = way_of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    let size = crossterm::terminal::window_size().ok()?;
    let cell = (size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?);
    // A terminal that does not tell its pixels tells zero.
    (cell.0 >= 4 && cell.1 >= 8).then_some(Pixels { way, cell })
}

fn way_of(env: impl Fn(&str) -> Option<String>) -> Option<Way> {
    let term = env("TERM").unwrap_or_default();
    let inside = env("TMUX").is_some() || env("STY").is_some();
    if inside || term.starts_with("tmux") || term.starts_with("screen") || env("NO_COLOR").is_some() {
        return None;
    }
    match (term.as_str(), env("TERM_PROGRAM").unwrap_or_default().as_str()) {
        ("xterm-kitty" | "xterm-ghostty", _) | (_, "ghostty") => Some(Way::Kitty),
        (_, "iTerm.app" | "WezTerm") => Some(Way::Iterm2),
        ("foot" | "foot-extra" | "mlterm" | "contour", _) => Some(Way::Sixel),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braille_is_drawn_where_it_can_be_read() {
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            dots_of(move |name| pairs.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
        };
        assert_eq!(with(&[("TERM", "xterm-256color"), ("LANG", "de_DE.UTF-8")]), Dots::Braille);
        assert_eq!(with(&[("TERM", "screen")]), Dots::Braille, "a bare environment says nothing against it");
        assert_eq!(with(&[("TERM", "linux"), ("LANG", "C.UTF-8")]), Dots::Blocks);
        assert_eq!(with(&[("TERM", "xterm"), ("LANG", "de_DE.ISO-8859-1")]), Dots::Blocks);
        assert_eq!(with(&[("LC_ALL", "en_US.utf8"), ("LANG", "de_DE.ISO-8859-1")]), Dots::Braille);
    }

    #[test]
    fn pictures_are_shown_by_terminals_that_say_so_and_never_inside_of_another() {
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            way_of(move |name| pairs.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
        };
        assert_eq!(with(&[("TERM", "xterm-kitty")]), Some(Way::Kitty));
        assert_eq!(with(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")]), Some(Way::Iterm2));
        assert_eq!(with(&[("TERM", "foot")]), Some(Way::Sixel));
        assert_eq!(with(&[("TERM", "xterm-256color")]), None);
        assert_eq!(with(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")]), None);
        assert_eq!(with(&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "iTerm.app")]), None);
        assert_eq!(with(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")]), None);
    }
}
