//! Bytes to text and text to one line. What a terminal or a spreadsheet could obey does not pass.

use super::MarkerError;
use crate::scrub;

/// A break of line inside one line. It comes back as a break.
const BREAK: char = '⏎';

/// UTF-8, with or without its mark, or UTF-16, which Pro Tools and Windows write.
pub(super) fn decoded(bytes: &[u8]) -> Result<String, MarkerError> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        match String::from_utf16(&units) {
            Ok(text) if bytes.len().is_multiple_of(2) => Ok(text),
            _ => Err(MarkerError::NoText("it begins as UTF-16 and is not".to_owned())),
        }
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // Without a mark: these files begin with letters that need one byte.
        [first, 0, _, 0, ..] if *first != 0 => wide(bytes, u16::from_le_bytes),
        [0, second, 0, _, ..] if *second != 0 => wide(bytes, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|e| {
                let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
                MarkerError::NoText(format!("line {line} is neither UTF-8 nor UTF-16"))
            })?;
            Ok(text.to_owned())
        }
    }
}

/// The first words of a file, for a person who wonders why it was not known.
pub(super) fn seen(text: &str) -> String {
    match text.lines().find(|line| !line.trim().is_empty()) {
        None => "it is empty".to_owned(),
        Some(line) => format!("it begins with {:?}", scrub::cut(&scrub::line(line.trim()), 60)),
    }
}

/// Lines with their numbers, however they end.
pub(super) fn lines(text: &str) -> Box<dyn Iterator<Item = (usize, &str)> + '_> {
    if text.contains('\n') {
        let unix = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        Box::new(unix.enumerate().map(|(index, line)| (index + 1, line)))
    } else {
        // Files of an old Mac.
        Box::new(text.split('\r').enumerate().map(|(index, line)| (index + 1, line)))
    }
}

/// As it stands in one line; `back` is the way back.
pub fn one_line(text: &str) -> String {
    scrub::line(&scrub::block(text).trim().replace('\n', &BREAK.to_string()))
}

pub(super) fn back(text: &str) -> String {
    scrub::block(&text.replace(BREAK, "\n")).trim().to_owned()
}

/// What is said at a marker: its name and its comment.
pub fn spoken(name: &str, comment: &str) -> String {
    match (name.is_empty(), comment.is_empty()) {
        (_, true) => name.to_owned(),
        (true, false) => comment.to_owned(),
        (false, false) => format!("{name}\n{comment}"),
    }
}

/// A cell that a spreadsheet would take for a formula.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    // Also where they leave out what stands before it, and in the wide letters of East Asian keyboards.
    let starts =
        |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n' | '\0');
    text.starts_with(starts) || text.trim_start().starts_with(starts)
}

/// A formula gets an apostrophe before it, which says "text" to every spreadsheet.
pub(super) fn guarded(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

pub(super) fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_ways_in_which_it_is_written() {
        let text = "#,Name\né,夜\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let files = [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", le.as_slice()].concat(),
            [b"\xfe\xff", be.as_slice()].concat(),
            le,
            be,
        ];
        for file in files {
            assert_eq!(decoded(&file).as_deref(), Ok(text), "{file:?}");
        }
        let error = decoded(b"one\ntwo \xe9\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(decoded(b"\xff\xfea").is_err() && decoded(b"\xff\xfe\x00\xd8").is_err());
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        for text in ["a\nb\n", "a\r\nb\r\n", "a\rb\r"] {
            let all: Vec<_> = lines(text).collect();
            assert_eq!(&all[..2], [(1, "a"), (2, "b")], "{text:?}");
        }
    }

    #[test]
    fn one_line_comes_back_and_formulas_are_words() {
        assert_eq!(one_line(" voice\nloud\x1b[2J\r\n"), "voice⏎loud[2J");
        assert_eq!(back(&one_line("voice\n loud")), "voice\n loud");
        for text in ["=1+1", "'=1", "''@x", "plain", "'plain", "'", "", "-3 dB"] {
            assert_eq!(unguarded(&guarded(text)), text);
            assert!(!guarded(text).starts_with(['=', '+', '-', '@']), "{text}");
        }
    }
}
