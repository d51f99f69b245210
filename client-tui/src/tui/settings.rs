//! How this person wants the client: keys, colours, the cache, the way sound goes out. Read once from `config.toml` in the client's folder; an error names the
//! line. Never here: what the studio decides.

mod colour;
mod print;
mod read;

use std::{collections::BTreeMap, path::Path};

use ratatui::style::Color;

pub use colour::{contrast, nearest, of_reply, rgb};
pub use print::default_text;
pub use read::{Fault, read};

use super::keys::Keymap;

/// The name of the file in the client's folder.
pub const FILE: &str = "config.toml";

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Colours {
    None,
    #[default]
    Sixteen,
    True,
}

/// What the terminal's background is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ground {
    #[default]
    Dark,
    Light,
}

/// What a picture of sound is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dots {
    /// Two by four dots in a cell.
    #[default]
    Braille,
    /// Half blocks, for terminals and fonts without braille.
    Blocks,
}

/// How a terminal takes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With characters that stand for parts of the picture: others can be written over them.
    Kitty,
    Iterm2,
    Sixel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub way: Way,
    /// Of one cell: width and height.
    pub cell: (u16, u16),
}

/// What a colour is for. What it says is said by a word or a sign as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tint {
    /// Headings that have the keys, borders of questions.
    Accent,
    /// Names of keys.
    Key,
    Good,
    Warn,
    Bad,
    /// What may be read later.
    Dim,
    /// A row that changed a moment ago.
    Fresh,
    /// The picture of a file.
    Wave,
    /// A marked range, a loop.
    Range,
    /// Clipped samples and true peaks over full scale.
    Clip,
    Loudness,
    Playhead,
    /// Other people who are here.
    Other,
    /// Words of the filter where they stand; a ground, text on it is black or white.
    Found,
    /// The chosen line: a ground; without it the line is shown in reverse.
    Chosen,
    /// The banner: a ground.
    Alarm,
}

impl Tint {
    pub const ALL: [Tint; 16] = [
        Tint::Accent,
        Tint::Key,
        Tint::Good,
        Tint::Warn,
        Tint::Bad,
        Tint::Dim,
        Tint::Fresh,
        Tint::Wave,
        Tint::Range,
        Tint::Clip,
        Tint::Loudness,
        Tint::Playhead,
        Tint::Other,
        Tint::Found,
        Tint::Chosen,
        Tint::Alarm,
    ];

    /// Text stands on it; the others are the text.
    pub fn is_ground(self) -> bool {
        matches!(self, Tint::Found | Tint::Chosen | Tint::Alarm)
    }
}

/// How the picture of a file is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WaveStyle {
    /// The finest that the terminal is known to show.
    #[default]
    Auto,
    Pixels,
    Braille,
    Blocks,
}

/// Where sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SoundOutput {
    /// The first that answers.
    #[default]
    Auto,
    Pulse,
    /// A player of this machine: `pw-play`, `aplay`.
    Program,
    /// The clock runs, nothing is heard.
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub dots: Dots,
    /// `None`: the terminal shows characters alone.
    pub pixels: Option<Pixels>,
    pub colours: Colours,
    pub ground: Ground,
    /// Of the audio cache; 0: the default.
    pub cache_bytes_max: u64,
    pub keys: Keymap,
    pub tints: BTreeMap<Tint, Color>,
    pub wave: WaveStyle,
    pub sound: SoundOutput,
    /// Whether clicks and the wheel come to the client. With Shift the terminal itself selects.
    pub mouse: bool,
    /// The file says it: the terminal is not asked.
    pub says_colours: bool,
    pub says_ground: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dots: Dots::default(),
            pixels: None,
            colours: Colours::default(),
            ground: Ground::default(),
            cache_bytes_max: 0,
            keys: Keymap::default(),
            tints: BTreeMap::new(),
            wave: WaveStyle::default(),
            sound: SoundOutput::default(),
            mouse: true,
            says_colours: false,
            says_ground: false,
        }
    }
}

impl Settings {
    /// With what the environment tells of the terminal, where the file says nothing.
    #[must_use]
    pub fn in_environment(mut self, of: impl Fn(&str) -> Option<String>) -> Settings {
        let holds = |name: &str| of(name).filter(|it| !it.is_empty());
        if !self.says_colours {
            self.colours = match (holds("NO_COLOR"), holds("COLORTERM"), holds("TERM")) {
                (Some(_), ..) => Colours::None,
                (_, Some(it), _) if it == "truecolor" || it == "24bit" => Colours::True,
                (.., Some(it)) if it.ends_with("-direct") => Colours::True,
                (.., Some(it)) if it == "dumb" => Colours::None,
                _ => Colours::Sixteen,
            };
        }
        if !self.says_ground {
            // "15;0" or "0;default;15": the last is the ground; 7 and 9 to 15 are light ones.
            let last = holds("COLORFGBG").and_then(|it| it.rsplit(';').next()?.parse::<u8>().ok());
            if matches!(last, Some(7 | 9..=15)) {
                self.ground = Ground::Light;
            }
        }
        self
    }

    /// What stands in the folder; the defaults where there is no such file, or where it has faults.
    pub fn load(folder: &Path) -> (Settings, Vec<Fault>) {
        let text = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return (Settings::default(), Vec::new());
            }
            Err(error) => {
                let fault = Fault {
                    line: 0,
                    text: format!("It could not be read: {error}."),
                    hint: "Make it readable, or remove it.".into(),
                };
                return (Settings::default(), vec![fault]);
            }
        };
        match read(&text) {
            Ok(settings) => (settings, Vec::new()),
            Err(faults) => (Settings::default(), faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pairs: &[(&str, &str)]) -> Settings {
        let of = |name: &str| pairs.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        Settings::default().in_environment(of)
    }

    #[test]
    fn the_environment_tells_colours_and_ground() {
        assert_eq!(seen(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]).colours, Colours::None);
        assert_eq!(seen(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]).colours, Colours::True);
        assert_eq!(seen(&[("TERM", "xterm-256color")]).colours, Colours::Sixteen);
        assert_eq!(seen(&[("COLORFGBG", "0;default;15")]).ground, Ground::Light);
        assert_eq!(seen(&[("COLORFGBG", "15;0")]).ground, Ground::Dark);
        assert_eq!(seen(&[("COLORFGBG", "oops")]).ground, Ground::Dark);
    }

    #[test]
    fn the_file_is_stronger_than_the_environment() {
        let own = read("[theme]\ncolours = 'true'\nground = 'light'").unwrap();
        let own = own.in_environment(|name| (name == "NO_COLOR").then(|| "1".into()));
        assert_eq!((own.colours, own.ground), (Colours::True, Ground::Light));
    }

    #[test]
    fn a_folder_without_the_file_means_the_defaults_and_a_broken_one_tells_its_line() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(dir.path()), (Settings::default(), Vec::new()));
        std::fs::write(dir.path().join(FILE), "[mouse]\ncapture = 3\n").unwrap();
        let (settings, faults) = Settings::load(dir.path());
        assert_eq!((settings, faults[0].line), (Settings::default(), 2));
    }
}
