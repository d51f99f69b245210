//! The table with what a person changed: the one thing that handler, status bar, help and palette read. Never here: files.

use std::collections::BTreeMap;

use crossterm::event::KeyEvent;

use super::{Key, Kind, Verb, bindings};

/// A line of the table with the keys that hold here.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    pub keys: &'a [Key],
    pub verb: Verb,
    pub short: &'static str,
    pub does: &'static str,
}

impl Bound<'_> {
    pub fn names(&self) -> String {
        self.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(" ")
    }

    /// Of the first key; empty where it has none.
    pub fn name(&self) -> String {
        self.keys.first().map_or_else(String::new, |key| key.name())
    }
}

/// Two actions on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    pub key: Key,
    pub one: Verb,
    pub other: Verb,
    pub kinds: Vec<Kind>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    changed: BTreeMap<(Kind, Verb), Vec<Key>>,
}

impl Keymap {
    /// All bindings of a screen, its own first.
    pub fn bindings(&self, kind: Kind) -> impl Iterator<Item = Bound<'_>> {
        bindings(kind).map(move |it| Bound {
            keys: self.changed.get(&(kind, it.verb)).map_or(it.keys, Vec::as_slice),
            verb: it.verb,
            short: it.short,
            does: it.does,
        })
    }

    pub fn find(&self, kind: Kind, event: &KeyEvent) -> Option<Verb> {
        self.bindings(kind).find(|it| it.keys.iter().any(|key| key.matches(event))).map(|it| it.verb)
    }

    /// How the key of an action is called on a screen; empty where it has none there.
    pub fn name(&self, kind: Kind, verb: Verb) -> String {
        self.bindings(kind).find(|it| it.verb == verb).map_or_else(String::new, |it| it.name())
    }

    pub fn set(&mut self, kind: Kind, verb: Verb, keys: Vec<Key>) {
        self.changed.insert((kind, verb), keys);
    }

    /// The same two actions on the same key are told once, with every screen where they meet.
    pub fn clashes(&self) -> Vec<Clash> {
        let mut found: Vec<Clash> = Vec::new();
        for kind in Kind::ALL {
            let mut seen: Vec<(Key, Verb)> = Vec::new();
            for bound in self.bindings(kind) {
                for key in bound.keys {
                    let before = seen.iter().find(|(it, verb)| it == key && *verb != bound.verb);
                    if let Some((_, one)) = before {
                        let same = |it: &&mut Clash| (it.key, it.one, it.other) == (*key, *one, bound.verb);
                        match found.iter_mut().find(same) {
                            Some(clash) => clash.kinds.push(kind),
                            None => found.push(Clash {
                                key: *key,
                                one: *one,
                                other: bound.verb,
                                kinds: vec![kind],
                            }),
                        }
                    }
                    seen.push((*key, bound.verb));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn press(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[test]
    fn a_changed_key_replaces_the_one_of_the_table_on_that_screen_only() {
        let mut keys = Keymap::default();
        keys.set(Kind::Song, Verb::Approve, vec![Key::Char('&')]);
        assert_eq!(keys.find(Kind::Song, &press('&')), Some(Verb::Approve));
        assert_eq!(keys.find(Kind::Song, &press('a')), None);
        assert_eq!(keys.name(Kind::Song, Verb::Approve), "&");
        assert!(keys.clashes().is_empty());
        assert_eq!(keys.find(Kind::Desk, &press('&')), None);
    }

    #[test]
    fn two_meanings_of_one_key_are_found_with_their_screens() {
        let mut keys = Keymap::default();
        keys.set(Kind::Song, Verb::Approve, vec![Key::Char('n')]);
        let clashes = keys.clashes();
        assert_eq!(clashes.len(), 1);
        assert_eq!(clashes[0].kinds, [Kind::Song]);
        assert!([clashes[0].one, clashes[0].other].contains(&Verb::AddNote));
    }
}
