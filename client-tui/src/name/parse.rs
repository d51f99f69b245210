//! Reading a file name. Every convention puts who and what first and the technical words last, so each field is read from its end: words
//! that are known are taken off, the first unknown one stops. What is left is artist and title.

use super::{Guess, Kind, alternate};
use crate::scrub;

/// A longer name than this is not read further; no convention comes near.
const CHARS_MAX: usize = 300;
const EXTENSIONS: &[&str] = &[
    "wav", "wave", "bwf", "aif", "aiff", "flac", "m4a", "alac", "mp4", "mp3", "aac", "ogg", "oga", "opus",
    "zip", "rf64", "w64",
];

/// Reads a name; a path in front is dropped. Never fails: a name that says nothing is a title with a low confidence.
pub fn parse(file_name: &str) -> Guess {
    let last = file_name.rsplit(['/', '\\']).next().unwrap_or("");
    let clean: String = scrub::line(last).chars().take(CHARS_MAX).collect();
    let stem = match clean.rsplit_once('.') {
        Some((stem, ext)) if EXTENSIONS.contains(&ext.to_ascii_lowercase().as_str()) => stem,
        _ => clean.as_str(),
    };
    let mut found = Found::default();
    let fields = split_fields(stem);
    let canonical = is_canonical(&fields);
    let fields = if canonical { fields.into_iter().map(str::to_owned).collect() } else { merged(&fields) };
    let mut left = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let protected = if canonical && index < 2 { usize::MAX } else { usize::from(index == 0) };
        let rest = found.strip(field, protected, index);
        if !rest.is_empty() {
            left.push(rest);
        }
    }
    found.finish(left)
}

/// Ours has a known word third and `vNN` or `MasterNN` fourth; then artist and title are left alone whatever they are called.
fn is_canonical(fields: &[&str]) -> bool {
    let version = |f: &str| {
        let digits = f.strip_prefix('v').or_else(|| f.strip_prefix("Master"));
        digits.is_some_and(|d| d.len() >= 2 && d.bytes().all(|b| b.is_ascii_digit()))
    };
    fields.len() >= 4 && version(fields[3]) && alternate::read(&fields[2].to_ascii_lowercase()).is_some()
}

/// "vox_dn_1.5" and "mix_2" are one word each, though `_` stands inside.
fn merged(fields: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while at < fields.len() {
        let most = (fields.len() - at).min(4);
        let size = (2..=most).rev().find(|size| {
            let joined = fields[at..at + size].concat().to_ascii_lowercase();
            at > 0 && (alternate::read(&joined).is_some() || Found::default().take_version(&joined))
        });
        let size = size.unwrap_or(1);
        out.push(fields[at..at + size].join(" "));
        at += size;
    }
    out
}

fn split_fields(stem: &str) -> Vec<&str> {
    let parts: Vec<&str> = if stem.contains('_') {
        stem.split('_').collect()
    } else if stem.contains(" - ") {
        stem.split(" - ").collect()
    } else if stem.contains('-') && !stem.split('-').next().unwrap_or("").trim().contains(' ') {
        stem.split('-').collect()
    } else {
        vec![stem]
    };
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect()
}

#[derive(Default)]
struct Found {
    alternate: Option<(String, Option<&'static str>)>,
    kind: Option<Kind>,
    number: Option<u32>,
    rate_hz: Option<u32>,
    bits: Option<u32>,
    engineer: Option<String>,
    side: Option<char>,
    doubts: Vec<String>,
    known: usize,
}

/// A piece of a field: where it begins and ends in bytes.
#[derive(Clone, Copy)]
struct Atom {
    start: usize,
    end: usize,
}

impl Found {
    /// Takes known words off the end of a field; the first `protected` atoms stay. Answers what is left.
    fn strip(&mut self, field: &str, protected: usize, index: usize) -> String {
        let atoms = atoms_of(field);
        let mut end = atoms.len();
        // A whole field may be known even where its first atom is protected in longer ones ("instrumental.wav").
        let floor = if protected > 0 && protected < usize::MAX && atoms.len() > 1 { protected } else { 0 };
        if protected == usize::MAX || (protected > 0 && atoms.len() == 1) {
            return words_of(field);
        }
        while end > floor {
            let longest = (floor..end).find(|start| {
                end - start <= 8 && self.take(&joined(field, &atoms[*start..end]), index, *start == 0)
            });
            match longest {
                Some(start) => end = start,
                None => break,
            }
        }
        match (atoms.first(), atoms[..end].last()) {
            (Some(first), Some(last)) if end > 0 => words_of(&field[first.start..last.end]),
            _ => String::new(),
        }
    }

    /// True where the window is something known; then it is noted.
    fn take(&mut self, window: &str, index: usize, opens_field: bool) -> bool {
        let lower = window.to_ascii_lowercase();
        let taken = self.take_shape(&lower)
            || self.take_version(&lower)
            || self.take_alternate(&lower)
            || self.take_noise(&lower, index, opens_field)
            || self.take_engineer(window, index, opens_field);
        self.known += usize::from(taken);
        taken
    }

    /// Rate and depth: "48k24b", "96k24", "wav16b441k", "24bit", "44100hz", "48k", "24b".
    fn take_shape(&mut self, lower: &str) -> bool {
        let bare = ["wav", "aiff", "flac", "bwf"].iter().find_map(|w| lower.strip_prefix(w)).unwrap_or(lower);
        if bare.is_empty() {
            return true;
        }
        let mut rest = bare;
        let (mut rate, mut bits) = (None, None);
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
            let (number, after) = rest.split_at(digits);
            if number.is_empty() {
                return false;
            }
            let unit_len = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let (unit, next) = after.split_at(unit_len);
            match unit {
                "k" | "khz" | "hz" if rate.is_none() => rate = Some(rate_of(number, unit == "hz")),
                "b" | "bit" | "bits" | "f" if bits.is_none() => bits = number.parse::<u32>().ok(),
                "" if rate.is_some() && bits.is_none() => bits = number.parse::<u32>().ok(),
                _ => return false,
            }
            rest = next;
        }
        let sound_bits = bits.is_none_or(|b| matches!(b, 8 | 16 | 20 | 24 | 32 | 64));
        let sound_rate = rate.is_none_or(|r| r.is_some_and(|hz| (8_000..=768_000).contains(&hz)));
        if !sound_bits || !sound_rate || (rate.is_none() && bits.is_none()) {
            return false;
        }
        self.rate_hz = self.rate_hz.or(rate.flatten());
        self.bits = self.bits.or(bits);
        true
    }

    /// "v03", "ver2", "rev 2", "mix2", "take 3", "master 1", and a bare "mix", "mastered".
    fn take_version(&mut self, lower: &str) -> bool {
        let letters = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let digits = &lower[letters.len()..];
        let (kind, needs_digits) = match letters {
            "v" | "ver" | "version" | "rev" | "revision" => (None, true),
            "take" | "tk" => (Some(Kind::Take), true),
            "mix" | "mx" => (Some(Kind::Mix), false),
            "mixv" => (Some(Kind::Mix), true),
            "master" | "mstr" | "mst" | "masterv" => (Some(Kind::Master), true),
            "mastered" => (Some(Kind::Master), false),
            _ => return false,
        };
        if digits.is_empty() {
            if !needs_digits {
                self.kind = self.kind.or(kind);
            }
            return !needs_digits;
        }
        let (whole, point) = digits.split_once('.').unwrap_or((digits, ""));
        let Some(number) = whole.parse::<u32>().ok().filter(|n| *n <= 9999) else { return false };
        if !point.is_empty() {
            self.doubts.push(format!("version {digits} is taken as {number}; numbers here are whole."));
        }
        self.kind = self.kind.or(kind);
        self.number = self.number.or(Some(number));
        true
    }

    fn take_alternate(&mut self, lower: &str) -> bool {
        let Some((token, doubt)) = alternate::read(lower) else { return false };
        match &self.alternate {
            // "Main Inst": the more special word wins. "Final_Approved": the same twice.
            Some((known, _)) if token == "main" || *known == token => {}
            Some((known, _)) if known != "main" => {
                self.doubts.push(format!("the name says both {token} and {known}."));
            }
            _ => self.alternate = Some((token, doubt)),
        }
        true
    }

    /// Dates, tempo, channels and their map, sides: known, of no use here.
    fn take_noise(&mut self, lower: &str, index: usize, opens_field: bool) -> bool {
        let digits = lower.bytes().all(|b| b.is_ascii_digit());
        if index > 0 && digits && (lower.len() == 8 || lower.len() == 6) {
            return true;
        }
        if index > 1 && opens_field && digits && lower.parse().is_ok_and(|n: u32| (40..=250).contains(&n)) {
            return true;
        }
        let counted = |unit: &str| {
            lower.strip_suffix(unit).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        if counted("bpm") || counted("ch") {
            return true;
        }
        if index == 1 && opens_field && matches!(lower, "a" | "b" | "c" | "d") {
            self.side = lower.chars().next();
            return true;
        }
        index > 1
            && opens_field
            && matches!(lower, "lt" | "lr" | "st" | "stereo" | "mono" | "ddp" | "approved")
            || lower == "ddp"
    }

    /// "EngAB" (ours), or initials and a revision (P&E: "MI01"), which come third at the earliest.
    fn take_engineer(&mut self, window: &str, index: usize, opens_field: bool) -> bool {
        if index < 2 || !opens_field {
            return false;
        }
        if let Some(initials) = window.strip_prefix("Eng").filter(|i| (1..=4).contains(&i.len())) {
            self.engineer = Some(initials.to_owned());
            return true;
        }
        let letters = window.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &window[letters.len()..];
        let initials = (2..=3).contains(&letters.len()) && letters.bytes().all(|b| b.is_ascii_uppercase());
        if !initials || digits.len() != 2 {
            return false;
        }
        self.engineer = Some(letters.to_owned());
        self.number = self.number.or(digits.parse().ok());
        true
    }

    fn finish(mut self, mut left: Vec<String>) -> Guess {
        // A name of one known word only: "instrumental.wav", "mix 2.wav".
        if left.len() == 1 && self.known == 0 {
            let mut probe = Found::default();
            let squeezed: String = left[0].chars().filter(|c| !c.is_whitespace()).collect();
            if probe.take(&squeezed, 0, true) {
                self = probe;
                left.clear();
            }
        }
        if let (Some(side), [catalogue]) = (self.side, left.as_slice()) {
            let title = format!("{catalogue} side {}", side.to_ascii_uppercase());
            left = vec![title];
        }
        let (artist, title) = match left.len() {
            0 => (None, String::new()),
            1 => (None, left.remove(0)),
            _ => (Some(left.remove(0)), left.join(" ")),
        };
        let mut doubts = self.doubts;
        let named = self.alternate.is_some() || self.number.is_some() || self.kind.is_some();
        let (alternate, doubt) = self.alternate.unwrap_or(("main".to_owned(), None));
        doubts.extend(doubt.map(|d| format!("{alternate}: {d}")));
        let mut confidence = 0.95 - 0.2 * doubts.len() as f32;
        if !named {
            confidence -= 0.3;
        }
        if title.is_empty() {
            confidence -= 0.4;
        }
        Guess {
            artist,
            title,
            alternate,
            kind: self.kind,
            number: self.number,
            rate_hz: self.rate_hz,
            bits: self.bits,
            engineer: self.engineer,
            confidence: confidence.clamp(0.05, 1.0),
            doubts,
        }
    }
}

/// "44" and "441" are 44100, as engineers write; "hz": the number itself.
fn rate_of(number: &str, hz: bool) -> Option<u32> {
    if hz {
        return number.parse().ok();
    }
    match number {
        "44" | "44.1" | "441" => Some(44_100),
        "88" | "88.2" | "882" => Some(88_200),
        "176" | "176.4" | "1764" => Some(176_400),
        _ => number.parse::<u32>().ok()?.checked_mul(1000),
    }
}

/// Runs of letters, of digits (with a point inside or before), or a plus; also split where a capital follows a small letter.
fn atoms_of(field: &str) -> Vec<Atom> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Letter,
        Digit,
        Plus,
        Gap,
    }
    let chars: Vec<(usize, char)> = field.char_indices().collect();
    let class = |i: usize| -> Class {
        let (_, c) = chars[i];
        let digit_next = chars.get(i + 1).is_some_and(|(_, c)| c.is_ascii_digit());
        match c {
            c if c.is_ascii_digit() => Class::Digit,
            '.' if digit_next => Class::Digit,
            '+' => Class::Plus,
            c if c.is_alphabetic() || !c.is_ascii() => Class::Letter,
            '\'' => Class::Letter,
            _ => Class::Gap,
        }
    };
    let mut atoms: Vec<Atom> = Vec::new();
    let mut previous = Class::Gap;
    for i in 0..chars.len() {
        let (at, c) = chars[i];
        let now = class(i);
        let camel = now == Class::Letter
            && c.is_uppercase()
            && i > 0
            && (chars[i - 1].1.is_lowercase()
                || (chars[i - 1].1.is_uppercase()
                    && chars.get(i + 1).is_some_and(|(_, n)| n.is_lowercase())));
        let end = at + c.len_utf8();
        match atoms.last_mut() {
            Some(atom) if now != Class::Gap && now == previous && !camel => atom.end = end,
            _ if now != Class::Gap => atoms.push(Atom { start: at, end }),
            _ => {}
        }
        previous = now;
    }
    atoms
}

fn joined(field: &str, atoms: &[Atom]) -> String {
    atoms.iter().map(|a| &field[a.start..a.end]).collect()
}

/// A field as words: "BodyAndSoul" -> "Body And Soul"; one that has blanks stays as typed.
fn words_of(field: &str) -> String {
    let field = field.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '.' | '(' | '['));
    if field.contains(' ') || !field.chars().any(char::is_lowercase) {
        return field.to_owned();
    }
    let atoms = atoms_of(field);
    let camel = atoms.windows(2).all(|pair| pair[0].end == pair[1].start);
    if !camel {
        return field.replace(['-', '.'], " ");
    }
    let mut words = String::new();
    for atom in atoms {
        let text = &field[atom.start..atom.end];
        if !words.is_empty() && text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()) {
            words.push(' ');
        }
        words += text;
    }
    words
}
