//! Whose note a marker is: `[dw:a1b2c3d4]` after its words, the end of the note's id, so that what comes back is known again. In formats
//! of points `[/dw:a1b2c3d4]` ends a range. An internal note says so in its tag and stays internal wherever it goes.

use super::{Marker, text};

const OPEN: &str = "[dw:";
const END: &str = "[/dw:";
const INTERNAL: &str = " internal";
/// The fewest digits that make an id.
const DIGITS_MIN: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: String,
    pub(super) internal: bool,
    /// It ends a range.
    pub(super) end: bool,
}

/// The last digits of an id: the first ones of ids ordered by time are alike.
fn short(id: &str) -> String {
    let digits: Vec<char> = id.chars().filter(char::is_ascii_hexdigit).collect();
    digits[digits.len().saturating_sub(DIGITS_MIN)..].iter().collect::<String>().to_ascii_lowercase()
}

/// Whether an id that came with a marker names this note.
pub fn names(marker_id: &str, note_id: &str) -> bool {
    let mut digits = note_id.chars().rev().filter(char::is_ascii_hexdigit);
    let mut ends_so =
        || marker_id.chars().rev().all(|c| digits.next().is_some_and(|it| it.eq_ignore_ascii_case(&c)));
    marker_id.eq_ignore_ascii_case(note_id) || (marker_id.len() == DIGITS_MIN && ends_so())
}

fn tagged(words: &str, id: &str, internal: bool) -> String {
    let internal = if internal { INTERNAL } else { "" };
    let space = if words.is_empty() { "" } else { " " };
    format!("{words}{space}{OPEN}{id}{internal}]")
}

/// The name of a marker with its tag, in one line.
pub(super) fn named(marker: &Marker) -> String {
    let words = text::one_line(&marker.name);
    marker.id.as_ref().map_or(words.clone(), |id| tagged(&words, &short(id), marker.internal))
}

/// Its comment, with the whole id.
pub(super) fn commented(marker: &Marker) -> String {
    let words = text::one_line(&marker.comment);
    marker.id.as_ref().map_or(words.clone(), |id| tagged(&words, id, marker.internal))
}

pub(super) fn end(id: &str) -> String {
    format!("end {END}{}]", short(id))
}

/// Words and tag apart. The last tag counts: the words of a note may speak of another.
pub(super) fn split(text: &str) -> (String, Option<Tag>) {
    let none = || (text.trim().to_owned(), None);
    let (from, open, end) = match (text.rfind(OPEN), text.rfind(END)) {
        (Some(open), Some(end)) if end > open => (end, END, true),
        (Some(open), _) => (open, OPEN, false),
        (None, Some(end)) => (end, END, true),
        (None, None) => return none(),
    };
    let Some((inner, after)) = text[from + open.len()..].split_once(']') else { return none() };
    let (id, internal) = inner.strip_suffix(INTERNAL).map_or((inner, false), |id| (id, true));
    let digits = id.bytes().filter(u8::is_ascii_hexdigit).count();
    if !(DIGITS_MIN..=32).contains(&digits) || !id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return none();
    }
    let words = format!("{} {}", text[..from].trim(), after.trim());
    let tag = Tag { id: id.to_ascii_lowercase(), internal, end };
    (words.trim().to_owned(), Some(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190f3c2-7b1e-7a31-9d55-1c2fa1b2c3d4";

    #[test]
    fn a_tag_comes_back_and_words_stay_words() {
        let mut marker = Marker {
            name: "voice too loud".into(),
            id: Some(ID.into()),
            internal: true,
            ..Marker::default()
        };
        assert_eq!(named(&marker), "voice too loud [dw:a1b2c3d4 internal]");
        let (words, tag) = split(&named(&marker));
        assert_eq!(words, "voice too loud");
        assert_eq!(tag, Some(Tag { id: "a1b2c3d4".into(), internal: true, end: false }));
        assert!(names("a1b2c3d4", ID) && names(ID, ID) && !names("a1b2c3d5", ID));
        marker.name = "see [dw:deadbeef]".into();
        marker.internal = false;
        assert_eq!(split(&named(&marker)).0, "see [dw:deadbeef]");
        let (words, tag) = split(&commented(&marker));
        assert_eq!((words.as_str(), tag.map(|t| t.id).as_deref()), ("", Some(ID)));
        assert!(split(&end(ID)).1.is_some_and(|tag| tag.end));
        for text in ["[dw:", "[dw:]", "[dw:xyz]", "[dw:123]", "no tag", "[dw:a1b2c3d4", "[dw:a1b2c3d4/../]"] {
            assert_eq!(split(text), (text.to_owned(), None));
        }
        // Words that a person added behind it stay.
        assert_eq!(split("loud [dw:a1b2c3d4] done").0, "loud done");
    }
}
