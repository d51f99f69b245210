//! Keys and actions by the names that stand in a person's own file. Both are read from what the table already holds, so that no name can be
//! forgotten. Never here: which key does what.

use crossterm::event::KeyCode;

use super::{Key, Kind, Verb};

const NAMED: [(&str, KeyCode); 14] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
];

/// What a key may be called.
pub const POSSIBLE: &str = "one character, space, enter, esc, tab, backtab, backspace, delete, insert, up, down, left, right, home, end, pageup, pagedown, f1 to f12, ctrl-a to ctrl-z";

/// `None`: no key is called that. `Ctrl-I` and the like are other keys to a terminal and can never come.
pub fn parse(text: &str) -> Option<Key> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control() && !c.is_whitespace()).then_some(Key::Char(c));
    }
    let name = text.to_lowercase();
    if name == "space" {
        return Some(Key::Char(' '));
    }
    if name == "pagedown" {
        return Some(Key::Code(KeyCode::PageDown));
    }
    if let Some(letter) = name.strip_prefix("ctrl-") {
        let mut letters = letter.chars();
        let c = letters.next().filter(|c| c.is_ascii_lowercase() && !"ijmh".contains(*c))?;
        return letters.next().is_none().then_some(Key::Ctrl(c));
    }
    if let Some(number) = name.strip_prefix('f') {
        let number: u8 = number.parse().ok().filter(|it| (1..=12).contains(it))?;
        return Some(Key::Code(KeyCode::F(number)));
    }
    NAMED.iter().find(|(named, _)| *named == name).map(|(_, code)| Key::Code(*code))
}

/// As `parse` reads it.
pub fn written(key: Key) -> String {
    match key {
        Key::Char(' ') => "space".into(),
        Key::Char(c) => c.to_string(),
        Key::Ctrl(c) => format!("ctrl-{c}"),
        Key::Code(KeyCode::PageDown) => "pagedown".into(),
        Key::Code(KeyCode::F(number)) => format!("f{number}"),
        Key::Code(code) => {
            let named = NAMED.iter().find(|(_, it)| *it == code);
            named.map_or_else(|| code.to_string().to_lowercase(), |(name, _)| (*name).to_owned())
        }
    }
}

/// `AddSongNote` is "add-song-note". What leads to a screen is "go-desk": "desk" is the screen itself.
pub fn verb_name(verb: Verb) -> String {
    let name = format!("{verb:?}");
    let screen = Kind::ALL.iter().any(|kind| format!("{kind:?}") == name);
    format!("{}{}", if screen { "go-" } else { "" }, kebab(&name))
}

pub(crate) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keys::bindings;

    #[test]
    fn every_key_of_the_table_is_read_back_from_its_name() {
        for key in Kind::ALL.into_iter().flat_map(bindings).flat_map(|it| it.keys) {
            assert_eq!(parse(&written(*key)), Some(*key));
        }
    }

    #[test]
    fn what_no_terminal_sends_is_no_key() {
        for name in ["", "ctrl-", "ctrl-i", "ctrl-ab", "f0", "f13", "hyper-x", "\n", "ab", "pgup"] {
            assert_eq!(parse(name), None, "{name:?}");
        }
        assert_eq!(parse("夜"), Some(Key::Char('夜')));
        assert_eq!(verb_name(Verb::AddSongNote), "add-song-note");
        assert_eq!(verb_name(Verb::Desk), "go-desk");
    }
}
