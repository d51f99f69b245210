//! From a key to its frame: a key that moves the mark of a list is pressed, and the clock stops when the terminal shows the mark on another
//! line or beside other words. Rows change meanwhile and are drawn too; what they change is not what is waited for.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use deadwax_tests::terminal::Terminal;

pub struct OnScreen {
    pub name: &'static str,
    /// The way there from the screen before.
    way: &'static str,
    /// What stands on it.
    sign: &'static str,
    /// Pressed by turns; each moves the mark.
    keys: &'static [&'static str],
}

const DOWN: &str = "j";
const UP: &str = "k";
const END: &str = "\u{1b}[F";
const HOME: &str = "\u{1b}[H";

pub const SCREENS: &[OnScreen] = &[
    OnScreen {
        name: "board of all songs",
        way: "",
        sign: "Mixing",
        keys: &[DOWN, DOWN, DOWN, DOWN, DOWN, UP, UP],
    },
    OnScreen { name: "board, first to last", way: "", sign: "Mixing", keys: &[END, HOME] },
    OnScreen {
        name: "board, filtered",
        way: "/mixing\r",
        sign: "hidden",
        keys: &[DOWN, DOWN, DOWN, UP, DOWN, UP],
    },
    OnScreen {
        name: "song with its notes",
        way: "q\r",
        sign: "Notes",
        // A song has few notes: nobody may come to their end, where no key moves the mark.
        keys: &[DOWN, DOWN, UP, DOWN, UP, UP],
    },
    OnScreen {
        name: "record of all songs",
        way: "q4",
        sign: "Songs beside each other",
        keys: &[DOWN, DOWN, DOWN, UP, END, UP, HOME],
    },
    OnScreen {
        name: "deliveries of all songs",
        way: "5",
        sign: "Why, or by whom",
        keys: &[DOWN, DOWN, DOWN, UP, END, UP, HOME],
    },
];

/// In milliseconds, each key by itself. Pressed at changing distances from the updates.
pub fn press(terminal: &mut Terminal, on: &OnScreen, count: usize) -> Result<Vec<f64>> {
    terminal.press(on.way)?;
    terminal.wait(on.name, |screen| screen.contains(on.sign) && screen.contains('▸'))?;
    let mut times = Vec::with_capacity(count);
    for (at, key) in on.keys.iter().cycle().take(count).enumerate() {
        // 7 to 46 ms: at every place between two updates.
        thread::sleep(Duration::from_millis(7 + (at as u64 * 13) % 40));
        let before = terminal.until("the mark is there", mark)?;
        let since = Instant::now();
        terminal.press(key)?;
        terminal.until("the mark moved", |screen| mark(screen).filter(|now| *now != before))?;
        times.push(since.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times)
}

/// The line of the mark, where it stands in it, and the words after it. Headings have one too: the list's is the last.
fn mark(screen: &vt100::Screen) -> Option<(usize, usize, String)> {
    let (_, columns) = screen.size();
    let lines: Vec<String> = screen.rows(0, columns.get()).collect();
    let mut found = lines.iter().enumerate().flat_map(|(line, text)| {
        text.char_indices().filter(|(_, c)| *c == '▸').map(move |(at, _)| (line, at, &text[at..]))
    });
    let (line, at, rest) = found.rfind(|(_, _, rest)| rest.chars().nth(1) == Some(' ') || rest.len() > 40)?;
    Some((line, at, rest.chars().take(24).collect()))
}
