//! Text from other people before it meets a terminal (S-1). What a terminal could obey or what turns the reading direction is taken out:
//! C0, C1, DEL, bidirectional controls, tags, invisible separators. The rest is composed (NFC), so that equal names look equal.
//! `net` scrubs every answer as it is decoded, and the verbs scrub again where they print; nothing else may print foreign text.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// True for characters that must never be drawn: a terminal obeys them, or they reorder or hide what stands around them.
pub fn is_hostile(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'       // C0, DEL, C1
        | '\u{61c}' | '\u{200e}' | '\u{200f}'           // marks of direction
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // embeddings, overrides, isolates
        | '\u{2028}' | '\u{2029}'                       // line and paragraph separators
        | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{180e}' | '\u{ad}' // invisible
        | '\u{fff9}'..='\u{fffb}'                       // interlinear annotation
        | '\u{e0000}'..='\u{e007f}') // tags: invisible ASCII
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// One line: breaks and tabs become a space, everything hostile goes.
pub fn line(text: &str) -> String {
    clean(text, |c| is_break(c).then_some(' '))
}

/// Several lines: `\n` stays (`\r\n` becomes one), a tab becomes a space, everything hostile goes.
pub fn block(text: &str) -> String {
    clean(&text.replace("\r\n", "\n"), |c| match c {
        '\t' => Some(' '),
        c if is_break(c) => Some('\n'),
        _ => None,
    })
}

fn clean(text: &str, stand_in: impl Fn(char) -> Option<char>) -> String {
    // Most text is plain ASCII and goes through untouched.
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return text.to_owned();
    }
    text.chars().filter_map(|c| stand_in(c).or_else(|| (!is_hostile(c)).then_some(c))).nfc().collect()
}

/// Cuts to at most `columns` terminal columns, between graphemes, with an ellipsis where something was cut. Scrub first.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let width = grapheme.width();
        if used + width > columns - 1 {
            break;
        }
        used += width;
        kept.push_str(grapheme);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_gone() {
        for (given, wanted) in [
            ("Night Drive", "Night Drive"),
            ("a\x1b]52;c;eA==\x07b", "a]52;c;eA==b"),
            ("a\u{9b}31mb", "a31mb"),
            ("evil\u{202e}3pm.wav", "evil3pm.wav"),
            ("two\nlines\tand tab", "two lines and tab"),
            ("e\u{301}", "é"),
            ("tag\u{e0041}ged", "tagged"),
        ] {
            assert_eq!(line(given), wanted, "{given:?}");
        }
        assert_eq!(block("a\r\nb\x1b[2J\nc\td"), "a\nb[2J\nc d");
    }

    #[test]
    fn a_cut_never_splits_a_grapheme_and_fits() {
        assert_eq!(cut("Night Drive", 20), "Night Drive");
        assert_eq!(cut("Night Drive", 6), "Night…");
        assert_eq!(cut("夜のドライブ", 5), "夜の…");
        assert_eq!(cut("anything", 0), "");
        assert_eq!(cut("👩‍👩‍👧‍👦 family", 3).chars().last(), Some('…'));
    }
}
