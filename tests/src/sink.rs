//! Every byte that went to a terminal, held against a list of what our own drawing library makes: everything else is a fault, with the bytes around it. Tests of
//! several crates share this file by its path. Never here: what was drawn, and any word of `scrub`, which is what is tried.
#![allow(dead_code, reason = "each test uses its part")]

use crate::harm::{MARK, is_obeyed};

/// What may stand beside plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The output of a verb that goes into a file or a pipe: ends of lines alone.
    Lines,
    /// One frame of a screen: places and colours.
    Frame,
    /// A whole run on a terminal: taking it over and giving it back as well, the question for the ground, the clipboard; then lines.
    Run,
}

/// More are of no use to a reader.
const FAULTS_MAX: usize = 5;
/// Bytes shown around a fault.
const AROUND: usize = 24;
/// A terminal has fewer columns and rows.
const PLACE_MAX: u32 = 1_000;
/// What a client switches on and off: the cursor, the mouse, the other screen, pastes in brackets.
const MODES: [&str; 6] = ["25", "1000", "1002", "1006", "1049", "2004"];

/// What is wrong, in words; nothing where every byte is ours.
pub fn faults(bytes: &[u8], kind: Kind) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() && found.len() < FAULTS_MAX {
        let taken = match bytes[at] {
            b' '..=b'~' => Ok(1),
            0x1b if kind != Kind::Lines => sequence(&bytes[at + 1..], kind).map(|length| length + 1),
            b'\n' if kind != Kind::Frame => Ok(1),
            b'\r' if kind == Kind::Run => Ok(1),
            // Tables end their lines so (RFC 4180).
            b'\r' if kind == Kind::Lines && bytes.get(at + 1) == Some(&b'\n') => Ok(2),
            _ => character(&bytes[at..]),
        };
        match taken {
            Ok(length) => at += length,
            Err(what) => {
                let (from, to) = (at.saturating_sub(AROUND), bytes.len().min(at + AROUND));
                let around = bytes[from..to].escape_ascii();
                found.push(format!("{what} at byte {at}: {around}"));
                at += 1;
            }
        }
    }
    found
}

/// A character of text; its length.
fn character(bytes: &[u8]) -> Result<usize, String> {
    let head = &bytes[..bytes.len().min(4)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    match text.chars().next() {
        None => Err("no UTF-8".to_owned()),
        Some(c) if is_obeyed(c) => Err(format!("U+{:04X}", u32::from(c))),
        Some(c) => Ok(c.len_utf8()),
    }
}

/// What stands behind ESC; its length.
fn sequence(rest: &[u8], kind: Kind) -> Result<usize, String> {
    match rest.first() {
        Some(b'[') => command(rest, kind),
        Some(b']') if kind == Kind::Run => question(rest),
        _ => Err("a sequence that is none of ours".to_owned()),
    }
}

/// `[`, numbers, a letter.
fn command(rest: &[u8], kind: Kind) -> Result<usize, String> {
    let end = rest.iter().skip(1).position(|byte| (0x40..=0x7e).contains(byte)).ok_or("a cut sequence")? + 1;
    let numbers = std::str::from_utf8(&rest[1..end]).map_err(|_| "a sequence that is no text".to_owned())?;
    let letter = char::from(rest[end]);
    let places =
        || numbers.split(';').all(|it| it.is_empty() || it.parse::<u32>().is_ok_and(|n| n <= PLACE_MAX));
    let ours = !numbers.contains(MARK)
        && match letter {
            'H' | 'A' | 'B' | 'C' | 'D' | 'G' => places(),
            'J' | 'K' => matches!(numbers, "" | "0" | "1" | "2" | "3"),
            'm' => colours(numbers),
            'h' | 'l' => {
                let known = if kind == Kind::Frame { &MODES[..1] } else { &MODES[..] };
                numbers.strip_prefix('?').is_some_and(|modes| modes.split(';').all(|it| known.contains(&it)))
            }
            'q' => numbers.ends_with(' ') && numbers.len() <= 2,
            _ => false,
        };
    if ours { Ok(end + 1) } else { Err(format!("the sequence {numbers}{letter}")) }
}

/// Attributes, and colours as `38;5;n` or `38;2;r;g;b` alone: the short ones are not what the library writes.
fn colours(numbers: &str) -> bool {
    // An empty number is a zero.
    let number = |it: &str| if it.is_empty() { Ok(0) } else { it.parse::<u32>() };
    let Ok(numbers) = numbers.split(';').map(number).collect::<Result<Vec<u32>, _>>() else { return false };
    let mut rest = &numbers[..];
    loop {
        rest = match rest {
            [] => return true,
            [0..=9 | 21..=29 | 39 | 49 | 59, rest @ ..]
            | [38 | 48 | 58, 5, 0..=255, rest @ ..]
            | [38 | 48 | 58, 2, 0..=255, 0..=255, 0..=255, rest @ ..] => rest,
            _ => return false,
        };
    }
}

/// What is asked of the terminal or given to it: its ground, and a text for its clipboard, whose encoding holds neither end nor command.
fn question(rest: &[u8]) -> Result<usize, String> {
    const GROUND: &[u8] = b"]11;?\x1b\\";
    if rest.starts_with(GROUND) {
        return Ok(GROUND.len());
    }
    let inner = rest.strip_prefix(b"]52;c;").ok_or("a question that is none of ours")?;
    let length = inner.iter().position(|it| *it == 0x07).ok_or("a clipboard without an end")?;
    let plain = inner[..length].iter().all(|it| it.is_ascii_alphanumeric() || b"+/=".contains(it));
    // "evil": it came in as a sequence.
    if !plain || &inner[..length] == b"ZXZpbA==" {
        return Err("somebody else's clipboard".to_owned());
    }
    Ok(b"]52;c;".len() + length + 1)
}

#[cfg(test)]
mod tests {
    use super::{Kind, faults};
    use crate::harm::{is_obeyed, names};

    #[test]
    fn what_the_library_writes_passes() {
        for ours in [
            "\x1b[12;1H\x1b[38;5;9mNacht 夜\x1b[39m\x1b[49m\x1b[0m",
            "\x1b[2J\x1b[?25l",
            "\x1b[38;2;1;2;3m",
            "👩‍👩‍👧‍👦",
        ] {
            assert!(faults(ours.as_bytes(), Kind::Frame).is_empty(), "{ours:?}");
        }
        let run = "\x1b[?1049h\x1b[?2004h\x1b]11;?\x1b\\\x1b]52;c;Zm9v\x07\x1b[?1049l\r\nover\r\n";
        assert!(faults(run.as_bytes(), Kind::Run).is_empty());
        assert!(faults("Night Drive\nBerlin\n".as_bytes(), Kind::Lines).is_empty());
    }

    #[test]
    fn every_sequence_of_somebody_else_is_a_fault() {
        let obeyed = |it: &&String| it.chars().any(is_obeyed);
        for theirs in names(1, 300).iter().filter(obeyed) {
            assert!(!faults(theirs.as_bytes(), Kind::Frame).is_empty(), "{theirs:?}");
            if theirs.chars().any(|c| is_obeyed(c) && !matches!(c, '\n' | '\r')) {
                assert!(!faults(theirs.as_bytes(), Kind::Lines).is_empty(), "{theirs:?}");
            }
        }
        for theirs in ["\x1b[31m", "\x1b[999999;1H", "\x1b]0;x\x07", "a\nb", "\u{202e}", "\u{9b}1m"] {
            assert!(!faults(theirs.as_bytes(), Kind::Frame).is_empty(), "{theirs:?}");
        }
        assert!(!faults(b"\xff\xfe", Kind::Lines).is_empty());
    }
}
