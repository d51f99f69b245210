//! File names: what a name tells about the bounce in it, and the name that this house writes. Reading is tolerant and says how sure it
//! is; writing is strict. No file is opened here, and what comes out of `Name::build` is never a path.
//!
//! Conventions read: P&E Wing 2018 (`AI_SongTitle_MI01_Master_96k24`), Netflix (`LH_BodyAndSoul_MASTER_48k_24b_2ch_LT_v04`), UMG
//! (`Artist_Title_MixType_Tempo_MMDDYYYY`), vinyl plants (`CAT_A_44100Hz_24bit`), mastering folders (`Band-Album-WAV24b96k`), library music
//! (`Trackname-Main Inst V1`), and what people type.

mod alternate;
mod parse;

use unicode_normalization::UnicodeNormalization as _;

pub use self::{
    alternate::{Kin, is_token, kin, sums},
    parse::parse,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Take,
    Mix,
    Master,
}

/// What a name seems to say. `doubts` are sentences for a person; `confidence` is 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess {
    pub artist: Option<String>,
    pub title: String,
    /// The wire's token: "main", "vocal-up+0.5", ...
    pub alternate: String,
    pub kind: Option<Kind>,
    /// Of the version.
    pub number: Option<u32>,
    pub rate_hz: Option<u32>,
    pub bits: Option<u32>,
    /// Initials of the engineer.
    pub engineer: Option<String>,
    pub confidence: f32,
    pub doubts: Vec<String>,
}

impl Guess {
    /// Reduced titles to compare with a song's: the title alone, and with what was taken for the artist in front.
    pub fn title_keys(&self) -> Vec<String> {
        let mut keys = vec![key(&self.title)];
        if let Some(artist) = &self.artist {
            keys.push(key(&format!("{artist}{}", self.title)));
        }
        keys.retain(|k| !k.is_empty());
        keys
    }
}

/// Letters and digits only, lower case, without accents: "Night Drive" and "NightDrive" are one.
pub fn key(text: &str) -> String {
    text.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `Artist_Title_Role[+dB]_vNN_RRkDDb[_EngINI].ext`, `MasterNN` for a master
#[derive(Clone, Debug, PartialEq)]
pub struct Name<'a> {
    pub artist: &'a str,
    pub title: &'a str,
    /// The wire's token; an unknown one is written as letters and digits.
    pub alternate: &'a str,
    pub number: u32,
    /// A master says so in its name: "Master02" where a mix has "v02". In one folder nobody takes one for the other.
    pub master: bool,
    /// 0 where unknown.
    pub rate_hz: u32,
    /// 0 where the codec has none.
    pub bits: u32,
    pub float: bool,
    /// Initials; empty for none.
    pub engineer: &'a str,
    /// Without the dot.
    pub extension: &'a str,
}

impl Name<'_> {
    /// ASCII letters, digits, `_` and one `.`; at most 120 bytes; never a path part, never hidden.
    pub fn build(&self) -> String {
        let mut parts = vec![
            camel(self.artist, "Artist", 30),
            camel(self.title, "Untitled", 30),
            alternate::word(self.alternate).unwrap_or_else(|| camel(self.alternate, "Main", 20)),
            format!("{}{:02}", if self.master { "Master" } else { "v" }, self.number),
        ];
        let mut shape = match self.rate_hz {
            0 => String::new(),
            44_100 => "441k".to_owned(),
            88_200 => "882k".to_owned(),
            176_400 => "1764k".to_owned(),
            hz if hz % 1000 == 0 => format!("{}k", hz / 1000),
            hz => format!("{hz}Hz"),
        };
        if self.bits > 0 {
            shape += &format!("{}{}", self.bits, if self.float { "f" } else { "b" });
        }
        if !shape.is_empty() {
            parts.push(shape);
        }
        let engineer: String = self
            .engineer
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(4)
            .collect::<String>()
            .to_uppercase();
        if !engineer.is_empty() {
            parts.push(format!("Eng{engineer}"));
        }
        let extension: String = self
            .extension
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(5)
            .collect::<String>()
            .to_ascii_lowercase();
        format!("{}.{}", parts.join("_"), if extension.is_empty() { "wav" } else { &extension })
    }
}

/// "night drive (live)" -> "NightDriveLive". Accents are taken off; other scripts cannot be kept in ASCII and fall away.
fn camel(text: &str, otherwise: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in text.nfkd() {
        match c {
            c if c.is_ascii_alphanumeric() => {
                out.push(if start { c.to_ascii_uppercase() } else { c });
                start = false;
            }
            // Marks that NFKD took off a letter do not end the word, nor does an apostrophe.
            '\'' | '\u{2019}' | '\u{300}'..='\u{36f}' => {}
            _ => start = true,
        }
    }
    out.truncate(longest);
    if out.is_empty() { otherwise.to_owned() } else { out }
}
