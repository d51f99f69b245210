//! What every line of the table must be.

use crossterm::event::KeyModifiers;

use super::*;

#[test]
fn no_key_means_two_things_on_one_screen() {
    for kind in Kind::ALL {
        let keys: Vec<Key> = bindings(kind).flat_map(|it| it.keys.iter().copied()).collect();
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{key:?} twice on {kind:?}");
        }
    }
}

#[test]
fn every_line_of_the_help_is_whole_at_80_columns() {
    for binding in Kind::ALL.into_iter().flat_map(bindings) {
        assert!(binding.does.chars().count() <= 66, "too long: {}", binding.does);
        assert!(binding.names().chars().count() <= 10, "too many keys: {}", binding.names());
    }
}

#[test]
fn every_listed_key_is_found_by_the_handler() {
    for kind in Kind::ALL {
        for binding in bindings(kind) {
            for key in binding.keys {
                let event = match *key {
                    Key::Char(c) => KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
                    Key::Ctrl(c) => KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL),
                    Key::Code(code) => KeyEvent::new(code, KeyModifiers::NONE),
                };
                assert_eq!(find(kind, &event), Some(binding.verb));
            }
        }
    }
}
