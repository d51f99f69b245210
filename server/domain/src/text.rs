//! What words may be made of: names, texts, ISRCs. Here is where a hostile or absurd name ends, before it can become a fact.

use crate::{Reason, Refusal, refusal::no};

/// A name is at most this many characters and bytes; 255 bytes is also what file systems allow.
pub const NAME_CHARS_MAX: usize = 128;
pub const NAME_BYTES_MAX: usize = 255;
/// Notes, changelogs, reasons, messages.
pub const TEXT_CHARS_MAX: usize = 4000;

/// A title, an artist or a file name, trimmed. One line, no path parts, nothing that turns text around on a screen.
/// `what` begins the sentence: "The title".
pub fn name(what: &str, name: &str) -> Result<String, Refusal> {
    let trimmed = name.trim();
    // Letters that nobody sees are no name: beside another one it would be taken for nothing at all.
    if trimmed.chars().all(|c| unseen(c) || c.is_whitespace()) {
        return no(Reason::TextEmpty, format!("{what} is empty."), "Give it at least one character.");
    }
    let chars = trimmed.chars().count();
    if chars > NAME_CHARS_MAX || trimmed.len() > NAME_BYTES_MAX {
        let text = format!(
            "{what} has {chars} characters ({} bytes); {NAME_CHARS_MAX} characters and {NAME_BYTES_MAX} bytes are allowed.",
            trimmed.len()
        );
        return no(Reason::NameInvalid, text, "Shorten it.");
    }
    let wrong = |why: &str| no(Reason::NameInvalid, format!("{what} {why}."), "Take that out and try again.");
    if trimmed == "." || trimmed == ".." {
        return wrong("is a path, not a name");
    }
    match trimmed.chars().find(|c| matches!(c, '/' | '\\') || misleading(*c) || separates_unseen(*c)) {
        None => Ok(trimmed.to_owned()),
        Some('/' | '\\') => wrong("holds a slash"),
        Some(c) if turns_text(c) => {
            wrong(&format!("holds a mark that turns text around (U+{:04X})", u32::from(c)))
        }
        Some(c) if breaks_a_line(c) => wrong(&format!("holds a control character (U+{:04X})", u32::from(c))),
        Some(c) => wrong(&format!("holds a character that is not shown (U+{:04X})", u32::from(c))),
    }
}

/// A longer text that may be empty and may have lines. Marks for right-to-left writing are allowed: whoever shows it scrubs it.
pub fn optional(what: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars > TEXT_CHARS_MAX {
        let sentence = format!("{what} has {chars} characters; {TEXT_CHARS_MAX} are allowed.");
        return no(Reason::TextTooLong, sentence, "Shorten it, or split it.");
    }
    let text = text.replace("\r\n", "\n");
    if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let sentence = format!("{what} holds a control character (U+{:04X}).", u32::from(c));
        return no(Reason::NameInvalid, sentence, "Take that out and try again.");
    }
    Ok(text)
}

/// One line that may be empty, trimmed: what stands on a label, where slashes do no harm.
pub fn line(what: &str, line: &str, chars_max: usize) -> Result<String, Refusal> {
    let trimmed = line.trim();
    let chars = trimmed.chars().count();
    if chars > chars_max {
        let text = format!("{what} has {chars} characters; {chars_max} are allowed.");
        return no(Reason::TextTooLong, text, "Shorten it.");
    }
    if let Some(c) = trimmed.chars().find(|c| misleading(*c)) {
        let text = format!("{what} holds a character that is not shown (U+{:04X}).", u32::from(c));
        return no(Reason::NameInvalid, text, "Take that out and try again.");
    }
    Ok(trimmed.to_owned())
}

/// The same, and it must say something.
pub fn some_line(what: &str, text: &str, chars_max: usize) -> Result<String, Refusal> {
    let line = line(what, text, chars_max)?;
    if line.is_empty() {
        return no(Reason::TextEmpty, format!("{what} is empty."), "Give it at least one character.");
    }
    Ok(line)
}

/// Characters that steer a terminal or turn the reading direction: C0, C1, DEL, line separators, bidirectional marks, the byte order mark and tags.
pub fn misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// A title as rows and statements show it: what misleads becomes U+FFFD.
pub fn shown(title: &str) -> String {
    title.chars().map(|c| if misleading(c) { '\u{fffd}' } else { c }).collect()
}

/// A longer text that must say something.
pub fn required(what: &str, text: &str) -> Result<String, Refusal> {
    let text = optional(what, text)?;
    if text.is_empty() {
        return no(Reason::TextEmpty, format!("{what} is empty."), "Write what you mean.");
    }
    Ok(text)
}

/// `CC-XXX-YY-NNNNN` or the same without hyphens; stored without. Empty stays empty. Source: ISO 3901, the IFPI handbook.
pub fn isrc(isrc: &str) -> Result<String, Refusal> {
    let given = isrc.trim().to_ascii_uppercase();
    if given.is_empty() {
        return Ok(given);
    }
    let hyphens: Vec<_> = given.match_indices('-').map(|(at, _)| at).collect();
    let plain = given.replace('-', "");
    let bytes = plain.as_bytes();
    let sound = (hyphens.is_empty() || hyphens == [2, 6, 9])
        && bytes.len() == 12
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..5].iter().all(u8::is_ascii_alphanumeric)
        && bytes[5..].iter().all(u8::is_ascii_digit);
    if sound {
        return Ok(plain);
    }
    let hint = "Write it as CC-XXX-YY-NNNNN, for example GB-A1B-26-00001, or leave it empty.";
    no(Reason::IsrcInvalid, isrc_fault(&plain), hint)
}

/// What keeps it from being one.
fn isrc_fault(plain: &str) -> String {
    let bytes = plain.as_bytes();
    if !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return "The ISRC holds more than letters A to Z, digits and hyphens.".to_owned();
    }
    if bytes.len() > 12 && bytes.starts_with(b"ISRC") {
        return "The word ISRC stands before the code and is no part of it.".to_owned();
    }
    match bytes {
        _ if bytes.len() != 12 => format!("The ISRC has {} letters and digits, not 12.", bytes.len()),
        _ if !bytes[..2].iter().all(u8::is_ascii_alphabetic) => {
            "The ISRC does not begin with two letters.".to_owned()
        }
        _ if !bytes[5..].iter().all(u8::is_ascii_digit) => {
            "The last seven places of the ISRC are not digits: two of the year, five of the recording."
                .to_owned()
        }
        _ => "The hyphens of the ISRC stand at other places than in CC-XXX-YY-NNNNN.".to_owned(),
    }
}

/// "1 note", "2 notes".
pub(crate) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// "a, b and c".
pub(crate) fn list(words: &[String]) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// The bidirectional controls of Unicode (UAX 9): a name with one can show as another name.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// Between letters they make another name of one that looks the same. What joins letters or chooses their shape (U+200C, U+200D, U+FE0F) is writing.
fn separates_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
}

/// Shows nothing by itself.
fn unseen(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{200c}' | '\u{200d}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

/// A text of several lines as one.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(result: Result<T, Refusal>) -> Option<Reason> {
        result.err().map(|refusal| refusal.reason)
    }

    #[test]
    fn names_that_could_hurt_are_refused() {
        for bad in [
            "a/b",
            "a\\b",
            ".",
            "..",
            "a\0b",
            "a\u{1b}[2J",
            "a\nb",
            "evil\u{202E}gnp.wav",
            "\u{061C}a",
            "a\u{2028}b",
            "a\u{200b}b",
            "so\u{ad}ft",
            "\u{feff}a",
            "a\u{e0041}\u{e007f}",
        ] {
            assert_eq!(reason(name("The title", bad)), Some(Reason::NameInvalid), "{bad:?}");
        }
        for empty in [" \t ", "\u{3164}", "\u{200d} \u{fe0f}", "\u{34f}\u{2800}"] {
            assert_eq!(reason(name("The title", empty)), Some(Reason::TextEmpty), "{empty:?}");
        }
        for written in ["👩‍👩‍👧‍👦", "می\u{200c}خواهم", "❤\u{fe0f}"] {
            assert!(name("The title", written).is_ok(), "{written:?}");
        }
        let refusal = name("The title", &"x".repeat(10_000)).unwrap_err();
        assert_eq!(refusal.reason, Reason::NameInvalid);
        assert!(refusal.text.contains("10000 characters"), "{}", refusal.text);
    }

    #[test]
    fn ordinary_names_of_the_world_pass() {
        for good in
            ["Dust", "Ágætis byrjun", "東京", "שלום", "👩‍🎤 Live", "...And Justice", "a.wav", &"é".repeat(127)]
        {
            assert_eq!(name("The title", good).as_deref(), Ok(good));
        }
        assert_eq!(name("The title", "  Dust ").as_deref(), Ok("Dust"));
    }

    #[test]
    fn texts_have_lines_and_an_end() {
        assert_eq!(optional("The note", "a\r\nb\tc").as_deref(), Ok("a\nb\tc"));
        assert_eq!(reason(optional("The note", &"x".repeat(4001))), Some(Reason::TextTooLong));
        assert!(optional("The note", &"é".repeat(4000)).is_ok());
        assert_eq!(reason(optional("The note", "a\u{1b}[2J")), Some(Reason::NameInvalid));
        assert_eq!(reason(required("The note", " \n ")), Some(Reason::TextEmpty));
    }

    #[test]
    fn an_isrc_of_another_form_says_what_is_other() {
        for (bad, said) in [
            ("ISRC GB-A1B-26-00001", "more than letters"),
            ("ISRCGBA1B2600001", "The word ISRC"),
            ("GBA1B260001", "11 letters and digits, not 12"),
            ("1BA1B2600001", "begin with two letters"),
            ("GBA1B26O0001", "last seven places"),
            ("GBA-1B-26-00001", "The hyphens"),
            ("ÄBA1B2600001", "more than letters"),
        ] {
            let no = isrc(bad).unwrap_err();
            assert!(no.text.contains(said) && no.text.ends_with('.'), "{bad}: {no}");
        }
    }

    #[test]
    fn an_isrc_is_stored_without_hyphens() {
        assert_eq!(isrc("gb-a1b-26-00001").as_deref(), Ok("GBA1B2600001"));
        assert_eq!(isrc("GBA1B2600001").as_deref(), Ok("GBA1B2600001"));
        assert_eq!(isrc("").as_deref(), Ok(""));
        for bad in ["GBA1B260000", "G1A1B2600001", "GB-A1B26-00001", "GB-A1B-26-0000X", "éBA1B260000"] {
            assert_eq!(reason(isrc(bad)), Some(Reason::IsrcInvalid), "{bad}");
        }
    }
}
