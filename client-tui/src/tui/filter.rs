//! Words typed ahead on a list: a line stays while it holds all of them. Pure matching; the screens ask [`keeps`] of every line they would show.
//! Never here: drawing, keys.

use std::cell::RefCell;

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{Atom, AtomKind, CaseMatching, Normalization},
};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{keys::Kind, model::Model};

/// Longer is a paste, not a filter.
const TYPED_MAX: usize = 200;

thread_local! {
    // It holds a hundred kilobytes of room to work in: made once.
    static MATCHER: RefCell<Matcher> = RefCell::new(Matcher::new(Config::DEFAULT));
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of which screen, counted from the first.
    pub depth: usize,
    pub kind: Kind,
    pub typed: String,
    /// It has the keys.
    pub typing: bool,
    words: Vec<Word>,
}

/// As it is looked for. Small letters find great ones too, and plain ones those with accents.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    exact: bool,
}

impl Word {
    fn of(typed: &str) -> Word {
        let exact = typed.chars().any(char::is_uppercase);
        Word { text: folded(typed, exact), exact }
    }
}

/// Without accents, and unless the case counts in small letters.
fn folded(text: &str, exact: bool) -> String {
    if text.is_ascii() {
        return if exact { text.to_owned() } else { text.to_ascii_lowercase() };
    }
    let accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let plain = text.nfd().filter(|c| !accent(c)).nfc().collect::<String>();
    if exact { plain } else { plain.to_lowercase() }
}

impl Filter {
    pub fn new(depth: usize, kind: Kind) -> Filter {
        Filter { depth, kind, typed: String::new(), typing: true, words: Vec::new() }
    }

    pub fn set(&mut self, typed: &str) {
        self.typed = crate::scrub::line(typed).chars().take(TYPED_MAX).collect();
        self.words = self.typed.split_whitespace().map(Word::of).collect();
    }

    pub fn keeps(&self, text: &str) -> bool {
        let of = |exact: bool| self.words.iter().any(|it| it.exact == exact).then(|| folded(text, exact));
        let (as_is, small) = (of(true), of(false));
        let hay = |word: &Word| if word.exact { as_is.as_deref() } else { small.as_deref() };
        self.words.iter().all(|word| hay(word).is_some_and(|it| it.contains(&word.text)))
    }

    /// Nothing is typed yet.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Which letters of a text, as people count them, are words of the filter. Not those of words that are missing.
    pub fn found(&self, text: &str) -> Vec<usize> {
        let mut places = Vec::new();
        for word in self.words.iter().filter(|it| !it.text.is_empty()) {
            // Of which letter each byte of the folded text is.
            let (mut hay, mut of) = (String::new(), Vec::new());
            for (at, letter) in text.graphemes(true).enumerate() {
                hay.push_str(&folded(letter, word.exact));
                of.resize(hay.len(), at);
            }
            for (from, part) in hay.match_indices(&word.text) {
                places.extend(&of[from..from + part.len()]);
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// `None`: a word is missing.
fn score(words: &[Atom], text: &str) -> Option<u32> {
    if words.is_empty() {
        return Some(0);
    }
    MATCHER.with_borrow_mut(|matcher| {
        let mut room = Vec::new();
        let hay = Utf32Str::new(text, &mut room);
        words.iter().map(|word| word.score(hay, matcher).map(u32::from)).sum()
    })
}

/// Whether the list on top shows a line with this text. True where no filter stands.
pub fn keeps(model: &Model, text: &str) -> bool {
    model.hands.filter(model).is_none_or(|it| it.keeps(text))
}

/// The places of the lines that stay, in their order: for lists whose mark is a place.
pub fn kept<T>(model: &Model, rows: &[T], text: impl Fn(&T) -> String) -> Vec<usize> {
    match model.hands.filter(model).filter(|it| !it.is_empty()) {
        None => (0..rows.len()).collect(),
        Some(filter) => (0..rows.len()).filter(|at| filter.keeps(&text(&rows[*at]))).collect(),
    }
}

/// The nearest place that stays: where it stood, else the next one, else the last.
pub fn nearest(kept: &[usize], at: usize) -> usize {
    kept.iter().find(|it| **it >= at).or(kept.last()).copied().unwrap_or(0)
}

/// Fuzzy: the letters in their order, the best first, equal ones as they stood. A text that begins with what was typed is what was meant: "invite" is the
/// action before the room that has the word in its description. For names of actions, where a person knows three letters.
pub fn ranked<T>(typed: &str, rows: Vec<T>, text: impl Fn(&T) -> String) -> Vec<T> {
    let atom = |word| Atom::new(word, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false);
    let words: Vec<Atom> = typed.split_whitespace().map(atom).collect();
    let begin = typed.trim().to_lowercase();
    let place = |row: T| {
        let text = text(&row);
        let score = score(&words, &text)?;
        Some((text.trim_start().to_lowercase().starts_with(&begin), score, row))
    };
    let mut scored: Vec<(bool, u32, T)> = rows.into_iter().filter_map(place).collect();
    scored.sort_by_key(|(begins, score, _)| std::cmp::Reverse((*begins, *score)));
    scored.into_iter().map(|(_, _, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(typed: &str) -> Filter {
        let mut filter = Filter::new(1, Kind::Desk);
        filter.set(typed);
        filter
    }

    #[test]
    fn every_word_must_stand_in_the_line_in_any_order() {
        for (typed, text, stays) in [
            ("", "anything", true),
            ("glass", "Glass Hour", true),
            ("hour gla", "Glass Hour", true),
            ("gls", "Glass Hour", false),
            ("glass boat", "Glass Hour", false),
            ("Hour", "glass hour", false),
            ("senor", "Señor Cóndor", true),
            ("ライブ", "夜のドライブ", true),
            ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦 Família", true),
        ] {
            assert_eq!(filter(typed).keeps(text), stays, "{typed} in {text}");
        }
        assert_eq!(filter("ho gl").found("Glass Hour"), [0, 1, 6, 7]);
        assert_eq!(nearest(&[2, 5, 9], 3), 5);
        assert_eq!(nearest(&[2, 5], 8), 5);
        assert_eq!(nearest(&[], 8), 0);
    }

    #[test]
    fn three_letters_find_an_action_and_the_best_stands_first() {
        let found = ranked("apr", vec!["a page of papers", "approve", "history"], |it| (*it).to_owned());
        assert_eq!(found.first(), Some(&"approve"));
        assert!(!found.contains(&"history"));
        assert_eq!(ranked("", vec![2, 1], |it: &i32| it.to_string()), [2, 1]);
    }

    proptest! {
        #[test]
        fn a_line_always_holds_its_own_words(text in ".{0,40}", typed in ".{0,20}") {
            let _ = filter(&typed).keeps(&text);
            // As a terminal would show it: nothing else is ever looked in or typed.
            let text = crate::scrub::line(&text);
            let word: String = text.split_whitespace().take(1).collect();
            prop_assert!(filter(&word).keeps(&text), "{word:?} in {text:?}");
            prop_assert!(word.is_empty() || !filter(&word).found(&text).is_empty());
        }
    }
}
