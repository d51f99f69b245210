//! `config.toml` as settings. Every fault is told with its line, what is possible there and how to mend it; one fault and the whole file is left aside, so that
//! nobody signs with keys that are half theirs.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Colours, Dots, Ground, Settings, SoundOutput, Tint, WaveStyle, colour};
use crate::{
    scrub,
    tui::keys::{self, Key, Kind, Verb, parse_key, verb_name},
};

/// What is wrong in a line, and how to mend it. Line 0: the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub text: String,
    pub hint: String,
}

const SECTIONS: [&str; 6] = ["keys", "theme", "wave", "sound", "cache", "mouse"];

/// These lead out of everything: each keeps a key.
const KEPT: [Verb; 4] = [Verb::Back, Verb::Help, Verb::Palette, Verb::Quit];

/// # Errors
/// Every fault of the file, in the order of its lines.
pub fn read(text: &str) -> Result<Settings, Vec<Fault>> {
    let mut reader =
        Reader { text, faults: Vec::new(), settings: Settings::default(), lines: BTreeMap::new() };
    match DeTable::parse(text) {
        Ok(table) => reader.whole(table.get_ref()),
        Err(error) => {
            let line = error.span().map_or(0, |span| reader.line(span.start));
            let text = format!("This is not TOML: {}.", scrub::line(error.message()));
            let hint = "`deadwax config default` prints a file to begin with.".to_owned();
            reader.faults.push(Fault { line, text, hint });
        }
    }
    reader.clashes();
    reader.faults.sort_by_key(|it| it.line);
    if reader.faults.is_empty() { Ok(reader.settings) } else { Err(reader.faults) }
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
    settings: Settings,
    /// Where a binding was changed.
    lines: BTreeMap<(Kind, Verb), usize>,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn line(&self, byte: usize) -> usize {
        let line = self.text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count() + 1;
        // What is missing at the end is missing in the last line.
        line.min(self.text.lines().count().max(1))
    }

    fn fault(&mut self, byte: usize, text: String, hint: String) {
        let line = self.line(byte);
        self.faults.push(Fault { line, text: scrub::line(&text), hint });
    }

    fn whole(&mut self, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            let at = name.span().start;
            let section = name.get_ref().as_ref();
            if !SECTIONS.contains(&section) {
                let hint = format!("There are {}.", listed(SECTIONS.iter().map(|it| format!("[{it}]"))));
                self.fault(at, format!("There is no part [{section}]."), hint);
                continue;
            }
            let Some(inner) = value.get_ref().as_table() else {
                self.fault(
                    at,
                    format!("{section} is no part."),
                    format!("Write [{section}] in a line of its own."),
                );
                continue;
            };
            match section {
                "keys" => self.keys(inner),
                "theme" => self.theme(inner),
                _ => self.small(section, inner),
            }
        }
    }

    /// One word of a few.
    fn word<T: Copy>(&mut self, value: &Value<'_>, possible: &[(&str, T)]) -> Option<T> {
        let found = value.get_ref().as_str().and_then(|it| possible.iter().find(|(name, _)| *name == it));
        if found.is_none() {
            let hint =
                format!("Possible are {}.", listed(possible.iter().map(|(name, _)| format!("\"{name}\""))));
            self.fault(value.span().start, format!("{} is not possible here.", shown(value)), hint);
        }
        found.map(|(_, it)| *it)
    }

    fn unknown(&mut self, section: &str, name: &Spanned<std::borrow::Cow<'_, str>>, possible: &[String]) {
        let asked = name.get_ref().as_ref();
        let hint = match closest(asked, possible) {
            Some(near) => format!("Do you mean {near}? Possible are {}.", possible.join(", ")),
            None => format!("Possible are {}.", possible.join(", ")),
        };
        self.fault(name.span().start, format!("[{section}] has no {asked}."), hint);
    }

    fn theme(&mut self, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            match name.get_ref().as_ref() {
                "ground" => {
                    let words =
                        [("auto", None), ("dark", Some(Ground::Dark)), ("light", Some(Ground::Light))];
                    if let Some(Some(ground)) = self.word(value, &words) {
                        self.settings.ground = ground;
                        self.settings.says_ground = true;
                    }
                }
                "colours" => {
                    let words = [
                        ("auto", None),
                        ("none", Some(Colours::None)),
                        ("16", Some(Colours::Sixteen)),
                        ("true", Some(Colours::True)),
                    ];
                    if let Some(Some(colours)) = self.word(value, &words) {
                        self.settings.colours = colours;
                        self.settings.says_colours = true;
                    }
                }
                role => match Tint::ALL.into_iter().find(|it| tint_name(*it) == role) {
                    None => {
                        let mut possible = vec!["ground".to_owned(), "colours".to_owned()];
                        possible.extend(Tint::ALL.into_iter().map(tint_name));
                        self.unknown("theme", name, &possible);
                    }
                    Some(tint) => match value.get_ref().as_str().and_then(colour::parse) {
                        Some(colour) => drop(self.settings.tints.insert(tint, colour)),
                        None => {
                            let text = format!("{} is no colour.", shown(value));
                            self.fault(
                                value.span().start,
                                text,
                                format!("Possible are {}.", colour::POSSIBLE),
                            );
                        }
                    },
                },
            }
        }
    }

    fn small(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            match (section, name.get_ref().as_ref()) {
                ("wave", "style") => {
                    let words = [
                        ("auto", WaveStyle::Auto),
                        ("pixels", WaveStyle::Pixels),
                        ("braille", WaveStyle::Braille),
                        ("blocks", WaveStyle::Blocks),
                    ];
                    self.settings.wave = self.word(value, &words).unwrap_or_default();
                    if self.settings.wave == WaveStyle::Blocks {
                        self.settings.dots = Dots::Blocks;
                    }
                }
                ("sound", "output") => {
                    let words = [
                        ("auto", SoundOutput::Auto),
                        ("pulse", SoundOutput::Pulse),
                        ("program", SoundOutput::Program),
                        ("none", SoundOutput::None),
                    ];
                    self.settings.sound = self.word(value, &words).unwrap_or_default();
                }
                ("cache", "size") => match value.get_ref().as_str().and_then(bytes) {
                    Some(bytes) => self.settings.cache_bytes_max = bytes,
                    None => {
                        let hint = "Write a number and a unit, at least \"64 MiB\": \"2 GiB\".".to_owned();
                        self.fault(value.span().start, format!("{} is no size.", shown(value)), hint);
                    }
                },
                ("mouse", "capture") => match value.get_ref().as_bool() {
                    Some(on) => self.settings.mouse = on,
                    None => {
                        let text = format!("{} is not possible here.", shown(value));
                        self.fault(value.span().start, text, "Possible are true and false.".into());
                    }
                },
                _ => {
                    let only = match section {
                        "wave" => "style",
                        "sound" => "output",
                        "cache" => "size",
                        _ => "capture",
                    };
                    self.unknown(section, name, &[only.to_owned()]);
                }
            }
        }
    }

    /// What is said for every screen first, so that a screen's own word wins wherever it stands.
    fn keys(&mut self, table: &DeTable<'_>) {
        let of_screen = |value: &Value<'_>| value.get_ref().is_table();
        for (name, value) in table.iter().filter(|(_, value)| !of_screen(value)) {
            let asked = name.get_ref().as_ref();
            let verb = all_verbs().into_iter().find(|it| verb_name(*it) == asked);
            let Some(verb) = verb else {
                let possible: Vec<String> = all_verbs().into_iter().map(verb_name).collect();
                self.unknown("keys", name, &possible);
                continue;
            };
            let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| has(*kind, verb)).collect();
            self.binding(&kinds, verb, name.span().start, value);
        }
        for (name, value) in table.iter() {
            let Some(inner) = value.get_ref().as_table() else { continue };
            let asked = name.get_ref().as_ref();
            let Some(kind) = Kind::ALL.into_iter().find(|it| kind_name(*it) == asked) else {
                let possible: Vec<String> = Kind::ALL.into_iter().map(kind_name).collect();
                self.unknown("keys", name, &possible);
                continue;
            };
            for (name, value) in inner.iter() {
                let asked = name.get_ref().as_ref();
                let mut here = keys::bindings(kind).map(|it| it.verb);
                match here.find(|it| verb_name(*it) == asked) {
                    Some(verb) => self.binding(&[kind], verb, name.span().start, value),
                    None => {
                        let possible: Vec<String> =
                            keys::bindings(kind).map(|it| verb_name(it.verb)).collect();
                        self.unknown(&format!("keys.{}", kind_name(kind)), name, &possible);
                    }
                }
            }
        }
    }

    fn binding(&mut self, kinds: &[Kind], verb: Verb, at: usize, value: &Value<'_>) {
        let single = std::slice::from_ref(value);
        let listed: Vec<&Value<'_>> = match value.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => single.iter().collect(),
        };
        let mut keys: Vec<Key> = Vec::new();
        for value in listed {
            match value.get_ref().as_str().and_then(parse_key) {
                Some(key) => keys.push(key),
                None => {
                    let hint = format!("Possible are {}.", keys::POSSIBLE);
                    return self.fault(value.span().start, format!("{} is no key.", shown(value)), hint);
                }
            }
        }
        if keys.is_empty() && KEPT.contains(&verb) {
            let hint = "Give it any key: without one there would be no way out.".to_owned();
            return self.fault(value.span().start, format!("{} must keep a key.", verb_name(verb)), hint);
        }
        let line = self.line(at);
        for kind in kinds {
            self.settings.keys.set(*kind, verb, keys.clone());
            self.lines.insert((*kind, verb), line);
        }
    }

    fn clashes(&mut self) {
        for clash in self.settings.keys.clashes() {
            let lines = &self.lines;
            let of = |verb: Verb| clash.kinds.iter().filter_map(|kind| lines.get(&(*kind, verb))).max();
            let line = of(clash.one).into_iter().chain(of(clash.other)).max().copied().unwrap_or(0);
            let screens = listed(clash.kinds.iter().map(|it| kind_name(*it)));
            let (one, other) = (verb_name(clash.one), verb_name(clash.other));
            self.faults.push(Fault {
                line,
                text: format!(
                    "\"{}\" means two things on {screens}: {one} and {other}.",
                    keys::written(clash.key)
                ),
                hint: format!("Give one of them another key, or none: {other} = []."),
            });
        }
    }
}

/// In the order of the tables, each once.
pub(super) fn all_verbs() -> Vec<Verb> {
    let mut verbs = Vec::new();
    for binding in Kind::ALL.into_iter().flat_map(keys::bindings) {
        if !verbs.contains(&binding.verb) {
            verbs.push(binding.verb);
        }
    }
    verbs
}

fn has(kind: Kind, verb: Verb) -> bool {
    keys::bindings(kind).any(|it| it.verb == verb)
}

pub(super) fn kind_name(kind: Kind) -> String {
    keys::kebab(&format!("{kind:?}"))
}

pub(super) fn tint_name(tint: Tint) -> String {
    keys::kebab(&format!("{tint:?}"))
}

fn listed(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join(", ")
}

/// What stands there, short.
fn shown(value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => format!("\"{}\"", scrub::cut(&scrub::line(text), 40)),
        DeValue::Boolean(it) => it.to_string(),
        DeValue::Integer(it) => it.as_str().to_owned(),
        other => format!("This {}", other.type_str()),
    }
}

/// "2 GiB", "500 MB"; at least 64 MiB, so that a song fits.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim() {
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit).filter(|it| *it >= 64 << 20)
}

/// The name that was probably meant.
fn closest<'a>(asked: &str, possible: &'a [String]) -> Option<&'a String> {
    let near = possible.iter().map(|it| (apart(asked, it), it)).min_by_key(|(apart, _)| *apart)?;
    (near.0 <= 1 + asked.chars().count() / 4).then_some(near.1)
}

/// How many letters have to change (Levenshtein).
fn apart(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().take(64).enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (place, with) in other.iter().enumerate() {
            let change = corner + usize::from(c != *with);
            corner = row[place + 1];
            row[place + 1] = change.min(row[place] + 1).min(corner + 1);
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Color;

    use super::*;

    fn fault(text: &str) -> Fault {
        let faults = read(text).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.into_iter().next().unwrap()
    }

    #[test]
    fn a_sound_file_is_taken_as_it_stands() {
        let settings = read(
            "[keys]\nfilter = ['/', 'f4']\n[keys.song]\napprove = 'f2'\nhold = []\n[theme]\naccent = '#7dcfff'\ngood = 'light-green'\n\
             ground = 'light'\n[wave]\nstyle = 'blocks'\n[sound]\noutput = 'none'\n[cache]\nsize = '2 GiB'\n[mouse]\ncapture = false\n",
        )
        .unwrap();
        assert_eq!(settings.keys.name(Kind::Song, Verb::Approve), "F2");
        assert_eq!(settings.keys.name(Kind::Song, Verb::Hold), "");
        assert_eq!(settings.keys.name(Kind::Desk, Verb::Filter), "/");
        assert_eq!(settings.tints[&Tint::Accent], Color::Rgb(0x7d, 0xcf, 0xff));
        assert_eq!(settings.tints[&Tint::Good], Color::LightGreen);
        assert_eq!((settings.ground, settings.wave), (Ground::Light, WaveStyle::Blocks));
        assert_eq!(
            (settings.sound, settings.cache_bytes_max, settings.mouse),
            (SoundOutput::None, 2 << 30, false)
        );
        assert_eq!(read("").unwrap(), Settings::default());
    }

    #[test]
    fn a_fault_names_its_line_and_what_is_possible() {
        for (text, line, says, mends) in [
            ("[keys]\n\n[keys.song]\naprove = 'x'", 4, "[keys.song] has no aprove.", "Do you mean approve?"),
            ("[keys]\nfly = 'x'", 2, "[keys] has no fly.", "Possible are "),
            ("[keys]\nfilter = 'hyper-x'", 2, "\"hyper-x\" is no key.", "ctrl-a to ctrl-z"),
            ("[keys]\nfilter = 7", 2, "7 is no key.", "one character"),
            ("[keys]\nquit = []", 2, "quit must keep a key.", "no way out"),
            ("[keys.studio]\nopen = 'x'", 1, "[keys] has no studio.", "song"),
            ("[theme]\naccent = 'ultraviolet'", 2, "\"ultraviolet\" is no colour.", "light-cyan"),
            ("[theme]\nacent = 'red'", 2, "[theme] has no acent.", "Do you mean accent?"),
            ("[theme]\nground = 'grass'", 2, "\"grass\" is not possible here.", "\"dark\", \"light\""),
            ("[cache]\nsize = '12'", 2, "\"12\" is no size.", "2 GiB"),
            ("[mouse]\ncapture = 'yes'", 2, "\"yes\" is not possible here.", "true and false"),
            ("[paint]\n", 1, "There is no part [paint].", "[theme]"),
            ("wave = 3", 1, "wave is no part.", "[wave] in a line of its own"),
            ("[wave]\nstyle = \n", 2, "This is not TOML", "deadwax config default"),
        ] {
            let fault = fault(text);
            assert_eq!(fault.line, line, "{text:?}: {fault:?}");
            assert!(fault.text.contains(says) && fault.hint.contains(mends), "{text:?}: {fault:?}");
        }
    }

    #[test]
    fn two_actions_on_one_key_are_told_with_their_screens() {
        let fault = fault("[theme]\n[keys.song]\nhold = 'F9'\napprove = 'n'\n");
        assert_eq!(fault.line, 4);
        assert!(fault.text.contains("\"n\" means two things on song"), "{fault:?}");
        // Exchanged, they do not meet.
        assert!(read("[keys.song]\nadd-note = 'a'\napprove = 'n'\n").is_ok());
    }

    #[test]
    fn all_faults_are_told_in_the_order_of_their_lines() {
        let faults = read("[mouse]\ncapture = 1\n[theme]\nbad = 'x'\n[keys]\nzoom = 'z'").unwrap_err();
        assert_eq!(faults.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 4, 6]);
    }

    proptest! {
        #[test]
        fn no_file_breaks_the_reader(text in "[\\[\\]a-z='\" \n.0-9]{0,200}") {
            if let Err(faults) = read(&text) {
                prop_assert!(faults.iter().all(|it| it.line <= text.lines().count().max(1)));
            }
        }
    }
}
