//! Foreign text on the screen: scrubbed, measured in columns, cut with an ellipsis, padded, wrapped. Nothing else in `draw` may take a
//! string of a row and put it on the frame.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::scrub;

pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// At most so many columns.
pub(super) fn clip(text: &str, columns: usize) -> String {
    scrub::cut(&scrub::line(text), columns)
}

/// Exactly so many columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let mut text = clip(text, columns);
    text.push_str(&" ".repeat(columns.saturating_sub(width(&text))));
    text
}

/// Exactly so many columns of a path or a file's name. Where it is too long its beginning goes: files of one folder differ at their ends.
pub(super) fn pad_path(text: &str, columns: usize) -> String {
    let text = scrub::line(text);
    if width(&text) <= columns || columns == 0 {
        return pad(&text, columns);
    }
    let mut left = columns - 1;
    let mut from = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        let Some(rest) = left.checked_sub(width(grapheme)) else { break };
        (left, from) = (rest, at);
    }
    pad(&format!("…{}", &text[from..]), columns)
}

/// Exactly so many columns, to the right: for numbers.
pub(super) fn pad_left(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(&text))))
}

/// Lines of at most so many columns, broken at spaces. A word is broken only where it is longer than a line, or in a script that writes
/// without spaces.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    for paragraph in scrub::block(text).lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let gap = usize::from(!line.is_empty());
            let (used, wide) = (width(&line), width(word));
            if used + gap + wide <= columns {
                line.push_str(&" "[..gap]);
                line.push_str(word);
                continue;
            }
            let breaks = wide > columns || word.graphemes(true).any(|it| width(it) > 1);
            if !breaks || used + gap >= columns {
                lines.push(std::mem::take(&mut line));
            } else {
                line.push_str(&" "[..gap]);
            }
            for piece in word.graphemes(true) {
                if width(&line) + width(piece) > columns {
                    lines.push(std::mem::take(&mut line).trim_end().to_owned());
                }
                line.push_str(piece);
            }
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_fits_and_is_clean(given in ".{0,80}", columns in 2usize..40) {
            for line in wrap(&given, columns).into_iter().chain([clip(&given, columns), pad(&given, columns)]) {
                prop_assert!(width(&line) <= columns, "{line:?} is wider than {columns}");
                prop_assert!(!line.chars().any(scrub::is_hostile));
            }
            prop_assert_eq!(width(&pad(&given, columns)), columns);
            let path = pad_path(&given, columns);
            prop_assert_eq!(width(&path), columns);
            prop_assert!(!path.chars().any(scrub::is_hostile));
        }
    }

    #[test]
    fn of_a_long_path_the_end_is_kept() {
        assert_eq!(pad_path("cd/Night/01_Salt.mp3", 12), "…01_Salt.mp3");
        assert_eq!(pad_path("01_Salt.mp3", 12), "01_Salt.mp3 ");
        assert_eq!(pad_path("夜のドライブ.wav", 9), "…イブ.wav");
        assert_eq!(pad_path("夜のドライブ.wav", 10), "…イブ.wav ");
        assert_eq!(pad_path("a", 0), "");
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(wrap("the vocal is too low here", 12), ["the vocal is", "too low here"]);
        assert_eq!(wrap("夜のドライブ", 6), ["夜のド", "ライブ"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("push --song 'Paper'", 13), ["push --song", "'Paper'"]);
        assert_eq!(wrap("one abcdefghij", 6), ["one ab", "cdefgh", "ij"]);
    }
}
