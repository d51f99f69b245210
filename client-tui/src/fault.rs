//! What is told of a fault of this program itself: a panic, with its place. Its words may hold a piece of somebody else's text, so they go through the same
//! scrubbing as everything else (S-1). Never here: giving a terminal back, which `tui::terminal` does before.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::Write as _,
    panic::PanicHookInfo,
    sync::Once,
};

use crate::scrub;

/// From here on panics are told so. Twice does no harm.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(tell)));
}

fn tell(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let mut text = told(info.payload_as_str().unwrap_or("no words"), &place);
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        text += &format!("\n{trace}");
    }
    // Where nobody listens, nothing is to be done about it.
    drop(writeln!(std::io::stderr(), "{}", scrub::block(&text)));
}

fn told(words: &str, place: &str) -> String {
    format!(
        "deadwax panicked at {place}: {words}\nThis is a fault of the program, not of yours; with RUST_BACKTRACE=1 it tells more."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_panic_move_no_cursor() {
        let text = scrub::block(&told("index 3 of \u{1b}]0;x\u{7}\u{202e}Night", "src/x.rs:1:2"));
        assert!(text.starts_with("deadwax panicked at src/x.rs:1:2: index 3 of ]0;xNight\n"), "{text}");
    }
}
