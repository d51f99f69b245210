//! Names of files and folders: templates with words in braces, folded to letters that every system keeps. A name is ASCII letters, digits, `-` and `_`
//! with one point before its extension; it never begins with `.` or `_`, is no path, and stands once in its folder. Never here: what a file holds.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::recipe::nearest;

/// What may stand in braces.
pub(super) const WORDS: [&str; 14] = [
    "artist",
    "album",
    "title",
    "role",
    "version",
    "rate",
    "hz",
    "depth",
    "bits",
    "catalogue",
    "side",
    "track",
    "record",
    "upc",
];
/// Of a name without its extension.
const LETTERS_MAX: usize = 120;
/// Devices of Windows: a file called so cannot be opened there.
const RESERVED: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];

/// What the words of a template stand for; each is folded already.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub artist: String,
    pub album: String,
    pub title: String,
    pub role: String,
    pub version: String,
    /// "96k", "441k".
    pub rate: String,
    /// "44100".
    pub hz: String,
    /// "24b", "32f".
    pub depth: String,
    /// "24".
    pub bits: String,
    pub catalogue: String,
    pub side: String,
    pub track: String,
    pub record: String,
    pub upc: String,
}

impl Words {
    fn word(&self, name: &str) -> &str {
        match name {
            "artist" => &self.artist,
            "album" => &self.album,
            "title" => &self.title,
            "role" => &self.role,
            "version" => &self.version,
            "rate" => &self.rate,
            "hz" => &self.hz,
            "depth" => &self.depth,
            "bits" => &self.bits,
            "catalogue" => &self.catalogue,
            "side" => &self.side,
            "track" => &self.track,
            "record" => &self.record,
            _ => &self.upc,
        }
    }
}

/// Is it a template? The error says what is not.
pub(super) fn template(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        letters(&rest[..open])?;
        let Some(close) = rest[open..].find('}') else { return Err("a brace is open and not closed".into()) };
        let word = &rest[open + 1..open + close];
        if !WORDS.contains(&word) {
            return Err(match nearest(word, &WORDS) {
                Some(near) => format!("there is no {{{word}}}; did you mean {{{near}}}?"),
                None => format!("there is no {{{word}}}; there are {}", WORDS.join(", ")),
            });
        }
        rest = &rest[open + close + 1..];
    }
    letters(rest)?;
    match text.starts_with('_') {
        true => Err("a name that begins with _ is hidden on some systems".into()),
        false => Ok(()),
    }
}

fn letters(text: &str) -> Result<(), String> {
    match text.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')) {
        Some(wrong) => Err(format!("{wrong:?} cannot stand in a name; letters, digits, - and _ can")),
        None => Ok(()),
    }
}

/// The name that a template makes. Words that are empty leave no double separator behind.
pub(super) fn expand(template: &str, words: &Words) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, (word, after))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        out.push_str(before);
        out.push_str(words.word(word));
        rest = after;
    }
    out.push_str(rest);
    let mut name = String::new();
    for c in out.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        let doubled = !c.is_ascii_alphanumeric() && name.ends_with(['-', '_']);
        if !doubled && (c.is_ascii_alphanumeric() || !name.is_empty()) {
            name.push(c);
        }
    }
    name.truncate(LETTERS_MAX);
    name.truncate(name.trim_end_matches(['-', '_']).len());
    let upper = name.to_ascii_uppercase();
    let port = |it: &str| upper.strip_prefix(it).is_some_and(|nth| nth.len() == 1);
    if RESERVED.contains(&upper.as_str()) || port("COM") || port("LPT") {
        name.push_str("-1");
    }
    if name.is_empty() { "Untitled".to_owned() } else { name }
}

/// Names that were given, so that none is given twice: in one folder, capitals or not, as macOS and Windows see it.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeSet<String>);

impl Given {
    /// `name`, or the like with a number.
    pub fn unique(&mut self, folder: &str, name: &str, extension: &str) -> String {
        for nth in 1u32.. {
            let stem = if nth == 1 { name.to_owned() } else { format!("{name}-{nth}") };
            let whole = if extension.is_empty() { stem } else { format!("{stem}.{extension}") };
            if self.0.insert(format!("{folder}/{whole}").to_ascii_lowercase()) {
                return whole;
            }
        }
        name.to_owned()
    }
}

/// "night drive (live)" -> "NightDriveLive", at most `longest` letters. Accents are taken off, letters of other alphabets fall away; where nothing is left,
/// `otherwise` stands.
pub fn fold(text: &str, otherwise: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in text.nfkd() {
        let plain: &str = match c {
            'ß' => "ss",
            'æ' => "ae",
            'Æ' => "Ae",
            'œ' => "oe",
            'Œ' => "Oe",
            'ø' => "o",
            'Ø' => "O",
            'ł' => "l",
            'Ł' => "L",
            'đ' | 'ð' => "d",
            'Đ' | 'Ð' => "D",
            'þ' => "th",
            'Þ' => "Th",
            'ı' => "i",
            '&' => "And",
            // Marks that were taken off a letter do not end the word, nor does an apostrophe.
            '\'' | '\u{2019}' | '\u{300}'..='\u{36f}' => continue,
            c if c.is_ascii_alphanumeric() => {
                out.push(if start { c.to_ascii_uppercase() } else { c });
                start = false;
                continue;
            }
            _ => {
                start = true;
                continue;
            }
        };
        let mut letters = plain.chars();
        if let Some(first) = letters.next() {
            out.push(if start { first.to_ascii_uppercase() } else { first });
            out.extend(letters);
        }
        start = c == '&';
    }
    out.truncate(longest);
    if out.is_empty() { otherwise.to_owned() } else { out }
}

/// Token, and the short word of a file name.
const ROLES: [(&str, &str); 18] = [
    ("main", "Main"),
    ("instrumental", "Inst"),
    ("tv", "TV"),
    ("tv-lowered", "TVLow"),
    ("a-cappella", "Acap"),
    ("lead-vocal-only", "LVOnly"),
    ("bgv-only", "BGVOnly"),
    ("clean", "Clean"),
    ("radio-edit", "RadioEdit"),
    ("extended", "Extended"),
    ("sting", "Sting"),
    ("underscore", "Underscore"),
    ("bumper", "Bumper"),
    ("no-drums", "NoDrums"),
    ("limited", "Limited"),
    ("unlimited", "Unlim"),
    ("flat-master", "FlatMaster"),
    ("production-master", "ProdMaster"),
];

/// "a-cappella" -> "Acap", "cut-30" -> "Cut30", "vocal-up+0.5" -> "VocUp05".
pub fn role_word(token: &str) -> String {
    if let Some((_, word)) = ROLES.iter().find(|(known, _)| *known == token) {
        return (*word).to_owned();
    }
    if let Some(number) = token.strip_prefix("stem-").and_then(|it| it.parse::<u8>().ok()) {
        return format!("Stem{number:02}");
    }
    let steps = [("vocal", "Voc"), ("bgv", "BGV"), ("bass", "Bass"), ("solo", "Solo")];
    let step = steps.iter().find_map(|(element, word)| {
        let rest = token.strip_prefix(element)?.strip_prefix('-')?;
        let (way, size) = match rest.strip_prefix("up+") {
            Some(size) => ("Up", size),
            None => ("Dn", rest.strip_prefix("down-")?),
        };
        let (whole, tenth) = size.split_once('.')?;
        let tenths = whole.parse::<u32>().ok()?.checked_mul(10)?.checked_add(tenth.parse().ok()?)?;
        (tenth.len() == 1).then(|| format!("{word}{way}{tenths:02}"))
    });
    step.unwrap_or_else(|| fold(token, "Main", 20))
}

/// "441k", "96k"; what is no whole kilohertz and no family of the disc stands in hertz.
pub(super) fn rate_word(hz: u32) -> String {
    match hz {
        44_100 => "441k".to_owned(),
        88_200 => "882k".to_owned(),
        176_400 => "1764k".to_owned(),
        352_800 => "3528k".to_owned(),
        hz if hz.is_multiple_of(1000) => format!("{}k", hz / 1000),
        hz => format!("{hz}Hz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_every_script_become_names_that_every_system_keeps() {
        for (text, name) in [
            ("Night Drive (live)", "NightDriveLive"),
            ("Ça va, Åsa?", "CaVaAsa"),
            ("Straße & Søn", "StrasseAndSon"),
            ("don't", "Dont"),
            ("../../etc/passwd", "EtcPasswd"),
            ("_hidden", "Hidden"),
            (".hidden", "Hidden"),
            ("夜明け", "Track07"),
            ("🎸🔥", "Track07"),
            ("", "Track07"),
            ("愛 Love", "Love"),
            ("a\u{202e}b\u{1b}[2J", "AB2J"),
        ] {
            assert_eq!(fold(text, "Track07", 40), name, "{text:?}");
        }
        assert_eq!(fold(&"long ".repeat(50), "x", 40).len(), 40);
    }

    #[test]
    fn templates_are_held_to_their_words() {
        assert_eq!(template("{artist}_{title}-x"), Ok(()));
        for (wrong, said) in [
            ("{artst}", "did you mean {artist}?"),
            ("{artist", "not closed"),
            ("a/b", "'/'"),
            ("a b", "' '"),
            ("..", "'.'"),
            ("_x", "hidden"),
        ] {
            assert!(template(wrong).unwrap_err().contains(said), "{wrong}");
        }
    }

    #[test]
    fn names_are_neat_and_stand_once() {
        let words = Words { artist: "Ana".into(), title: "Con".into(), ..Words::default() };
        assert_eq!(expand("{artist}_{catalogue}_{title}_{upc}", &words), "Ana_Con");
        assert_eq!(expand("{title}", &words), "Con-1", "no device of Windows");
        assert_eq!(expand("{upc}", &words), "Untitled");
        let mut given = Given::default();
        assert_eq!(given.unique("f", "A", "wav"), "A.wav");
        assert_eq!(given.unique("f", "a", "wav"), "a-2.wav");
        assert_eq!(given.unique("g", "A", "wav"), "A.wav");
    }

    #[test]
    fn roles_have_the_short_words_of_the_field() {
        for (token, word) in [
            ("main", "Main"),
            ("a-cappella", "Acap"),
            ("cut-30", "Cut30"),
            ("stem-1", "Stem01"),
            ("vocal-up+0.5", "VocUp05"),
            ("bass-down-1.0", "BassDn10"),
            ("something else", "SomethingElse"),
        ] {
            assert_eq!(role_word(token), word);
        }
    }
}
