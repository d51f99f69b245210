//! The whole file as it would look with every default written down: a person takes away the sign before a line and changes it. Made from the tables themselves.

use super::{
    Tint,
    read::{kind_name, tint_name},
};
use crate::tui::keys::{self, Kind, Verb, verb_name, written};

const HEAD: &str = "\
# Deadwax: how this client looks and what its keys do. Every line below stands for what holds without it.
# `deadwax config check` tells what is wrong in it, line by line.

[theme]
# ground = \"auto\"      # dark, light; auto asks the terminal
# colours = \"auto\"     # none, 16, true; auto looks at NO_COLOR and COLORTERM
# A colour is a name of the sixteen or \"#rrggbb\". These can have one:
";

const REST: &str = "
[wave]
# style = \"auto\"       # pixels, braille, blocks

[sound]
# output = \"auto\"      # pulse, program, none

[cache]
# size = \"2 GiB\"       # of the sound kept on this machine

[mouse]
# capture = true       # false leaves the mouse to the terminal

# An action has one key or several: approve = \"a\", or open = [\"enter\", \"o\"]. Under [keys] a line holds on every screen that has the action,
# under [keys.song] and the like on that one.
[keys]
";

/// Does one thing with the same keys on every screen that has it.
fn is_everywhere(verb: Verb) -> bool {
    let of = |kind: Kind| keys::bindings(kind).find(move |it| it.verb == verb).map(|it| it.keys);
    let mut all = Kind::ALL.into_iter().filter_map(of);
    let first = all.next();
    let more = all.clone().count() > 0;
    more && all.all(|it| Some(it) == first)
}

fn line(binding: &keys::Binding) -> String {
    let names: Vec<String> = binding.keys.iter().map(|key| quoted(&written(*key))).collect();
    let keys = match names.as_slice() {
        [one] => one.clone(),
        more => format!("[{}]", more.join(", ")),
    };
    format!("# {} = {keys}    # {}\n", verb_name(binding.verb), binding.does)
}

/// As TOML reads it: a string in double quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

pub fn default_text() -> String {
    let mut text = HEAD.to_owned();
    for tint in Tint::ALL {
        text.push_str(&format!("# {} = \"cyan\"\n", tint_name(tint)));
    }
    text.push_str(REST);
    let mut told = Vec::new();
    for binding in Kind::ALL.into_iter().flat_map(keys::bindings) {
        if is_everywhere(binding.verb) && !told.contains(&binding.verb) {
            told.push(binding.verb);
            text.push_str(&line(binding));
        }
    }
    for kind in Kind::ALL {
        let own: Vec<_> = keys::bindings(kind).filter(|it| !told.contains(&it.verb)).collect();
        if !own.is_empty() {
            text.push_str(&format!("\n[keys.{}]\n", kind_name(kind)));
            own.into_iter().for_each(|it| text.push_str(&line(it)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::settings::{Settings, read};

    #[test]
    fn the_printed_file_is_sound_as_it_stands_and_with_every_line_taken_in() {
        assert_eq!(read(&default_text()).unwrap(), Settings::default());
        let all: String = default_text()
            .lines()
            .map(|line| {
                line.strip_prefix("# ").filter(|it| it.contains(" = ") && !it.contains(": ")).unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = read(&all).unwrap_or_else(|faults| panic!("{faults:?}\n{all}"));
        for kind in Kind::ALL {
            for (own, table) in settings.keys.bindings(kind).zip(keys::bindings(kind)) {
                assert_eq!(own.keys, table.keys, "{:?} on {kind:?}", own.verb);
            }
        }
    }
}
