//! A sheet from JSON: what is left out stays, and everything that cannot be is told with its place. Never here: what the studio makes of it.

use deadwax_dsp::recipe::nearest;
use deadwax_proto::v1::{self, SplitOf};
use serde_json::{Map, Value};

use super::{EXPLICIT, Sheet, Song, explicit_word, percent, release_mut};
use crate::name;

pub const RELEASE_KEYS: [&str; 8] =
    ["upc", "catalogue", "label", "p_line", "c_line", "release_date", "genre", "language"];
const SONG_KEYS: [&str; 6] = ["song", "isrc", "version_title", "explicit", "credits", "splits"];
const CREDIT_KEYS: [&str; 2] = ["role", "name"];
const SPLIT_KEYS: [&str; 3] = ["name", "of", "percent"];

/// Where, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// "song 3, splits 2"; empty: the whole.
    pub place: String,
    pub text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.text)
        } else {
            write!(f, "{}: {}", self.place, self.text)
        }
    }
}

/// `now` with what the text says.
pub fn read(text: &str, now: &Sheet) -> Result<Sheet, Vec<Fault>> {
    let mut reader = Reader::default();
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(e) => {
            let place = format!("line {}, column {}", e.line(), e.column());
            let text = e.to_string();
            let text = text.split(" at line ").next().unwrap_or_default().to_owned();
            return Err(vec![Fault { place, text: format!("this is no JSON: {text}") }]);
        }
    };
    let mut then = now.clone();
    reader.whole(&value, &mut then);
    if reader.faults.is_empty() { Ok(then) } else { Err(reader.faults) }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, place: &str, text: impl Into<String>) {
        self.faults.push(Fault { place: place.to_owned(), text: text.into() });
    }

    fn object<'a>(
        &mut self,
        place: &str,
        value: &'a Value,
        known: &[&str],
    ) -> Option<&'a Map<String, Value>> {
        let Value::Object(object) = value else {
            self.fault(place, format!("{} stands where {{ ... }} belongs", kind(value)));
            return None;
        };
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let meant = match nearest(key, known) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("known are {}", known.join(", ")),
            };
            self.fault(place, format!("there is no key {key:?}; {meant}"));
        }
        Some(object)
    }

    /// `None` where it is absent, or told as a fault.
    fn text(&mut self, place: &str, object: &Map<String, Value>, key: &str) -> Option<String> {
        match object.get(key)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Null => {
                self.fault(
                    place,
                    format!("{key}: null says nothing; write \"\" to take it away, or leave the key out"),
                );
                None
            }
            // A UPC that begins with 0 would lose it.
            Value::Number(_) => {
                self.fault(
                    place,
                    format!("{key}: this is a number; write it in quotes, so that no 0 is lost"),
                );
                None
            }
            other => {
                self.fault(place, format!("{key}: {} stands where a text in quotes belongs", kind(other)));
                None
            }
        }
    }

    fn list<'a>(&mut self, place: &str, object: &'a Map<String, Value>, key: &str) -> Option<&'a [Value]> {
        match object.get(key)? {
            Value::Array(all) => Some(all),
            other => {
                self.fault(place, format!("{key}: {} stands where a list belongs", kind(other)));
                None
            }
        }
    }

    fn whole(&mut self, value: &Value, then: &mut Sheet) {
        let known = [&RELEASE_KEYS[..], &["songs"]].concat();
        let Some(object) = self.object("", value, &known) else { return };
        for key in RELEASE_KEYS {
            if let Some(text) = self.text("", object, key)
                && let Some(field) = release_mut(&mut then.release, key)
            {
                *field = text;
            }
        }
        let mut seen: Vec<usize> = Vec::new();
        for (number, value) in (1..).zip(self.list("", object, "songs").unwrap_or_default()) {
            let place = format!("song {number}");
            let Some(object) = self.object(&place, value, &SONG_KEYS) else { continue };
            let Some(at) = self.which(&place, object, then) else { continue };
            let place = format!("song {number} ({:?})", then.songs[at].title);
            if seen.contains(&at) {
                self.fault(&place, "it stands there twice; say everything of a song at one place");
            }
            seen.push(at);
            self.song(&place, object, &mut then.songs[at]);
        }
    }

    fn which(&mut self, place: &str, object: &Map<String, Value>, sheet: &Sheet) -> Option<usize> {
        let Some(wanted) = self.text(place, object, "song") else {
            if !object.contains_key("song") {
                self.fault(place, "it does not say which; write \"song\": with its title or id");
            }
            return None;
        };
        if let Some(at) = sheet.songs.iter().position(|song| song.id == wanted) {
            return Some(at);
        }
        let key = name::key(&wanted);
        let places = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let fits = |at: &usize| !key.is_empty() && test(&name::key(&sheet.songs[*at].title));
            (0..sheet.songs.len()).filter(fits).collect()
        };
        let whole = places(&|title| title == key);
        let found = if whole.is_empty() { places(&|title| title.starts_with(&key)) } else { whole };
        match found[..] {
            [at] => return Some(at),
            [] => {
                let titles: Vec<&str> = sheet.songs.iter().map(|song| song.title.as_str()).collect();
                let meant = nearest(&wanted, &titles).map_or_else(
                    || "see `deadwax song list`".to_owned(),
                    |near| format!("did you mean {near:?}?"),
                );
                self.fault(place, format!("there is no song {wanted:?}; {meant}"));
            }
            _ => {
                let ids: Vec<&str> = found.iter().map(|at| sheet.songs[*at].id.as_str()).collect();
                self.fault(place, format!("{wanted:?} fits several; say one by its id: {}", ids.join(", ")));
            }
        }
        None
    }

    fn song(&mut self, place: &str, object: &Map<String, Value>, song: &mut Song) {
        if let Some(isrc) = self.text(place, object, "isrc") {
            song.isrc = isrc;
        }
        if let Some(title) = self.text(place, object, "version_title") {
            song.copy.version_title = title;
        }
        if let Some(word) = self.text(place, object, "explicit") {
            let said = EXPLICIT.into_iter().find(|it| explicit_word(*it) == word.to_ascii_lowercase());
            match said {
                Some(said) => song.copy.explicit = said.into(),
                None => {
                    self.fault(
                        place,
                        format!(
                            "explicit: {word:?} is none of \"no\", \"yes\", \"cleaned\" and \"\" for unsaid"
                        ),
                    );
                }
            }
        }
        if let Some(all) = self.list(place, object, "credits") {
            song.copy.credits = (1..).zip(all).filter_map(|(n, it)| self.credit(place, n, it)).collect();
        }
        if let Some(all) = self.list(place, object, "splits") {
            song.copy.splits = (1..).zip(all).filter_map(|(n, it)| self.split(place, n, it)).collect();
        }
    }

    /// A text that must be there.
    fn needed(&mut self, place: &str, object: &Map<String, Value>, key: &str) -> Option<String> {
        let text = self.text(place, object, key);
        if text.as_deref() == Some("") || !object.contains_key(key) {
            self.fault(place, format!("{key} is missing"));
            return None;
        }
        text
    }

    fn credit(&mut self, place: &str, number: usize, value: &Value) -> Option<v1::Credit> {
        let place = format!("{place}, credits {number}");
        let object = self.object(&place, value, &CREDIT_KEYS)?;
        let (role, name) = (self.needed(&place, object, "role"), self.needed(&place, object, "name"));
        Some(v1::Credit { role: role?, name: name? })
    }

    fn split(&mut self, place: &str, number: usize, value: &Value) -> Option<v1::Split> {
        let place = format!("{place}, splits {number}");
        let object = self.object(&place, value, &SPLIT_KEYS)?;
        let (name, of) = (self.needed(&place, object, "name"), self.needed(&place, object, "of"));
        let of = of.and_then(|word| match word.to_ascii_lowercase().as_str() {
            "composition" => Some(SplitOf::Composition),
            "recording" => Some(SplitOf::Recording),
            _ => {
                self.fault(&place, format!("of: {word:?} is neither \"composition\" nor \"recording\""));
                None
            }
        });
        let share = match object.get("percent") {
            Some(Value::String(text)) => share(text),
            // Its own text, not the number that it is nearest to.
            Some(Value::Number(number)) => share(&number.to_string()),
            Some(other) => Err(format!("{} stands where a number belongs", kind(other))),
            None => Err("it is missing".to_owned()),
        };
        let share = share.map_err(|why| self.fault(&place, format!("percent: {why}"))).ok();
        Some(v1::Split { name: name?, of: of?.into(), share: share? })
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "{ ... }",
    }
}

/// "33.33 %" in hundredths of a percent, to the digit: a share that is rounded pays somebody wrongly.
pub(super) fn share(text: &str) -> Result<u32, String> {
    let plain = text.trim().trim_end_matches('%').trim_end();
    let (whole, rest) = plain.split_once(['.', ',']).unwrap_or((plain, ""));
    let digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    if plain.is_empty() || whole.is_empty() || !digits(whole) || !digits(rest) {
        return Err(format!("{text:?} is no percentage; write it as 33.33"));
    }
    if rest.trim_end_matches('0').len() > 2 {
        return Err(format!("{text:?} is finer than shares are kept; two digits stand behind the point"));
    }
    let hundredths: u64 =
        format!("{:0<2}", rest.get(..rest.len().min(2)).unwrap_or_default()).parse().unwrap_or(0);
    let share = whole.parse::<u64>().ok().and_then(|it| it.checked_mul(100)?.checked_add(hundredths));
    match share {
        Some(share @ 1..=super::WHOLE) => Ok(u32::try_from(share).unwrap_or(0)),
        Some(0) => Err("0 % is no share; leave the name out".to_owned()),
        Some(share) => Err(format!("{} % is more than all of it", percent(share))),
        None => Err(format!("{text:?} is more than all of it")),
    }
}
