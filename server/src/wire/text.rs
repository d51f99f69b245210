//! Text on its way to a screen (S-1): nothing in it steers a terminal or turns the reading direction.

use crate::name::misleading;

/// Lines and tabs stay; everything else that misleads becomes U+FFFD, so that a reader sees that something was there.
pub fn scrub(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let clean = |c: char| if misleading(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(clean).collect()
}

/// The same for a text that nobody else needs.
pub fn scrubbed(text: String) -> String {
    if is_plain(&text) { text } else { scrub(&text) }
}

/// Nearly every text is as it should be, and rows are built from thousands of them.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn escapes_and_direction_marks_are_shown_as_replaced() {
        assert_eq!(scrub("a\u{1b}[2Jb\u{202e}c\r\n\td"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}\n\td");
        assert_eq!(scrub("Zoë \u{1f3a4} 歌"), "Zoë \u{1f3a4} 歌");
    }
}
