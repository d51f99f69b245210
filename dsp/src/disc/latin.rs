//! Titles in the letters of ISO 8859-1, which is all that CD-Text in one byte has. What it lacks is written with letters that it has, or left out, by one
//! rule, and it is told which. Never here: guesses at how another script would be spoken.

use unicode_normalization::{UnicodeNormalization as _, char::decompose_compatible};

/// A text as CD-Text can say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latin {
    /// ISO 8859-1.
    pub bytes: Vec<u8>,
    /// Letters that were written otherwise, each once, with what stands for them.
    pub rewritten: Vec<(char, String)>,
    /// Letters that were left out, each once.
    pub left_out: Vec<char>,
}

impl Latin {
    /// The same as a text.
    pub fn text(&self) -> String {
        self.bytes.iter().map(|byte| char::from(*byte)).collect()
    }

    /// Whether it says what the text said.
    pub fn is_faithful(&self) -> bool {
        self.rewritten.is_empty() && self.left_out.is_empty()
    }
}

/// The rule, letter by letter, after letters and their accents were joined (NFC):
/// 1. printable letters of ISO 8859-1 stay; a no-break space becomes a space;
/// 2. typographer's marks and a few letters become what is typed for them (`’` `'`, `–` `-`, `€` `EUR`, `œ` `oe`, `ł` `l`);
/// 3. what Unicode takes apart into such letters and accents loses the accents (`č` `c`, `ﬁ` `fi`, `…` `...`);
/// 4. all else is left out: other scripts, emoji. Control characters become spaces.
///
/// Spaces at both ends go, several become one.
pub fn latin(text: &str) -> Latin {
    let mut out = Latin::default();
    for letter in text.nfc() {
        match letter {
            '\u{A0}' => out.bytes.push(b' '),
            // Hyphens that are seen only at a line's end, and marks that say how the letter before looks.
            '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' => {}
            '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => {
                out.bytes.push(b' ');
                note(&mut out.rewritten, letter, " ");
            }
            ' '..='\u{FF}' => out.bytes.push(letter as u8),
            _ => match instead(letter) {
                Some(with) => {
                    out.bytes.extend(with.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()));
                    note(&mut out.rewritten, letter, &with);
                }
                None if out.left_out.contains(&letter) => {}
                None => out.left_out.push(letter),
            },
        }
    }
    out.bytes = words(&out.bytes);
    out
}

fn note(list: &mut Vec<(char, String)>, letter: char, with: &str) {
    if !list.iter().any(|(seen, _)| *seen == letter) {
        list.push((letter, with.to_owned()));
    }
}

/// Words with one space between them.
fn words(bytes: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// What stands for a letter that ISO 8859-1 lacks.
fn instead(letter: char) -> Option<String> {
    let typed = match letter {
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2039}' | '\u{203A}' | '\u{2BC}' => "'",
        '\u{201C}'..='\u{201F}' | '\u{2033}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2022}' | '\u{2219}' => "\u{B7}",
        '\u{2044}' | '\u{2215}' => "/",
        '€' => "EUR",
        'œ' => "oe",
        'Œ' => "OE",
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'Đ' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ı' => "i",
        'ŋ' => "ng",
        'Ŋ' => "NG",
        'ẞ' => "ß",
        'ƒ' => "f",
        _ => return taken_apart(letter),
    };
    Some(typed.to_owned())
}

/// By Unicode's compatibility decomposition, without the accents. Nothing where a part is no letter of ISO 8859-1.
fn taken_apart(letter: char) -> Option<String> {
    let mut parts = Vec::new();
    decompose_compatible(letter, |part| parts.push(part));
    let kept: Vec<char> =
        parts.into_iter().filter(|part| !unicode_normalization::char::is_combining_mark(*part)).collect();
    let mut said = String::new();
    for part in kept {
        match part {
            ' '..='~' | '\u{A1}'..='\u{FF}' => said.push(part),
            '\u{2044}' => said.push('/'),
            _ => return None,
        }
    }
    (!said.trim().is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        latin(text).text()
    }

    #[test]
    fn letters_of_latin_1_stay_and_the_rest_goes_by_the_rule() {
        for (text, expected) in [
            ("Über Größe", "Über Größe"),
            ("U\u{308}ber", "Über"),
            ("It’s “fine” – so…", "It's \"fine\" - so..."),
            ("Čeština œuvre Łódź", "Cestina oeuvre Lódz"),
            ("ﬁn Ⅳ №5 ½", "fin IV No5 ½"),
            ("東京 Tokyo 🎸", "Tokyo"),
            ("東京", ""),
            ("a\tb\nc\0d", "a b c d"),
            ("  a \u{A0} b ", "a b"),
            ("e\u{301} e\u{301}\u{323}", "é e"),
            ("", ""),
        ] {
            assert_eq!(said(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_was_changed_is_told_once_each() {
        let said = latin("’’東東京 č");
        assert_eq!(said.rewritten, [('’', "'".to_owned()), ('č', "c".to_owned())]);
        assert_eq!(said.left_out, ['東', '京']);
        assert!(!said.is_faithful());
        assert!(latin("Ærø\u{A0}!").is_faithful());
    }
}
