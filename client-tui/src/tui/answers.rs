//! What a terminal answers among the keys: asked for its ground, it types the answer as if a person did, sooner or later. The answer is taken out before it can
//! press anything; nobody waits for it. Pure.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::settings::{Ground, of_reply};

/// Asks for the ground (OSC 11). A terminal that does not know the question says nothing.
pub const ASK_GROUND: &str = "\x1b]11;?\x1b\\";

/// No answer is longer.
const KEYS_MAX: usize = 40;
const OPENS: &str = "11;";

/// Between the terminal and the keys.
#[derive(Debug, Default)]
pub struct Answers {
    /// Keys that may be the beginning of an answer.
    held: Vec<KeyEvent>,
    text: String,
}

#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    pub keys: Vec<KeyEvent>,
    pub ground: Option<Ground>,
}

impl Answers {
    /// Takes a key in; gives back what a person pressed, and what the terminal answered.
    pub fn take(&mut self, event: KeyEvent) -> Heard {
        let escaped = |c: char| event.code == KeyCode::Char(c) && event.modifiers.contains(KeyModifiers::ALT);
        if self.held.is_empty() {
            if escaped(']') {
                self.held.push(event);
                return Heard::default();
            }
            return Heard { keys: vec![event], ground: None };
        }
        let bell = event.code == KeyCode::Char('g') && event.modifiers.contains(KeyModifiers::CONTROL);
        if (escaped('\\') || bell) && self.text.starts_with(OPENS) {
            self.held.clear();
            let text = std::mem::take(&mut self.text);
            return Heard { keys: Vec::new(), ground: of_reply(&text[OPENS.len()..]) };
        }
        self.held.push(event);
        let plain = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        if let KeyCode::Char(c) = event.code
            && plain
        {
            self.text.push(c);
            let opens = self.text.starts_with(OPENS) || OPENS.starts_with(&self.text);
            let fits =
                self.text.chars().skip(OPENS.len()).all(|c| c.is_ascii_hexdigit() || "rgba:/".contains(c));
            if opens && fits && self.held.len() < KEYS_MAX {
                return Heard::default();
            }
        }
        // Somebody typed it: nothing of it is lost.
        self.text.clear();
        Heard { keys: std::mem::take(&mut self.held), ground: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn char(c: char, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), modifiers)
    }

    /// As the reader of the terminal tells an answer: escape and a letter are that letter with Alt.
    fn answer(text: &str) -> Vec<KeyEvent> {
        let mut keys = vec![char(']', KeyModifiers::ALT)];
        keys.extend(text.chars().map(|c| char(c, KeyModifiers::NONE)));
        keys.push(char('\\', KeyModifiers::ALT));
        keys
    }

    fn all(keys: Vec<KeyEvent>) -> (Vec<KeyEvent>, Vec<Ground>) {
        let mut answers = Answers::default();
        let mut told = (Vec::new(), Vec::new());
        for key in keys {
            let heard = answers.take(key);
            told.0.extend(heard.keys);
            told.1.extend(heard.ground);
        }
        told.0.extend(answers.held);
        told
    }

    #[test]
    fn an_answer_presses_nothing_and_is_understood() {
        for (text, ground) in
            [("11;rgb:ffff/ffff/ffff", Ground::Light), ("11;rgb:1e1e/1e1e/2e2e", Ground::Dark)]
        {
            assert_eq!(all(answer(text)), (Vec::new(), vec![ground]));
        }
        let mut with_bell = answer("11;rgb:00/00/00");
        with_bell.pop();
        with_bell.push(char('g', KeyModifiers::CONTROL));
        assert_eq!(all(with_bell), (Vec::new(), vec![Ground::Dark]));
    }

    proptest! {
        #[test]
        fn what_a_person_types_arrives_whole(text in "[\\]1;rgb:/a-f0-9qyx]{0,60}", alt in prop::collection::vec(any::<bool>(), 60)) {
            let keys: Vec<KeyEvent> = text
                .chars()
                .zip(alt)
                .map(|(c, alt)| char(c, if alt { KeyModifiers::ALT } else { KeyModifiers::NONE }))
                .collect();
            prop_assert_eq!(all(keys.clone()).0, keys);
        }
    }
}
