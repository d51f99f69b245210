//! What is to be read in a delivered file of sound, what a program of others read there, and where the two differ. Pure: no file, no program, no house.

use std::collections::BTreeMap;

pub const RATE: &str = "rate";
pub const CHANNELS: &str = "channels";
pub const BITS: &str = "bits";
pub const FRAMES: &str = "frames";
pub const TITLE: &str = "title";
pub const ARTIST: &str = "artist";
pub const ALBUM: &str = "album";
pub const TRACK: &str = "track number";
pub const YEAR: &str = "year";
pub const ISRC: &str = "ISRC";
pub const UPC: &str = "UPC";
/// Of the cover: "image/png".
pub const COVER: &str = "cover";
/// Of the cover: "1400x1400".
pub const PIXELS: &str = "size of the cover";
/// SHA-256 of the cover's bytes.
pub const PICTURE: &str = "bytes of the cover";
/// Whatever a reader has to say against a file. Nobody plans one.
pub const COMPLAINT: &str = "complaint";
pub const BEXT_VERSION: &str = "version of bext";
pub const DESCRIPTION: &str = "description";
pub const ORIGINATOR: &str = "originator";
pub const REFERENCE: &str = "originator's reference";
pub const TIME_REFERENCE: &str = "time reference";
pub const CODING: &str = "coding history";
pub const LOUDNESS: &str = "integrated loudness";
pub const RANGE: &str = "loudness range";
pub const TRUE_PEAK: &str = "true peak";
pub const MOMENTARY: &str = "momentary loudness";
pub const SHORT_TERM: &str = "short-term loudness";

/// Levels are kept in hundredths; what was rounded twice may be off by one of them.
const HUNDREDTH: f64 = 0.0101;
const LEVELS: [&str; 5] = [LOUDNESS, RANGE, TRUE_PEAK, MOMENTARY, SHORT_TERM];

/// By name; what is not there is not in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts(BTreeMap<&'static str, String>);

impl Facts {
    /// An empty text is none: a reader that shows an empty field shows nothing.
    pub fn put(&mut self, name: &'static str, value: impl ToString) -> &mut Facts {
        let value = value.to_string();
        if !value.trim().is_empty() {
            self.0.insert(name, value);
        }
        self
    }

    pub fn put_some(&mut self, name: &'static str, value: Option<impl ToString>) -> &mut Facts {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    #[cfg(test)]
    pub fn take(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// A sentence for each field that `tells` promises and that is not as it was planned: another, missing, or there without a plan.
pub fn differences(wanted: &Facts, found: &Facts, tells: &[&'static str]) -> Vec<String> {
    let differs = |name: &&'static str| match (wanted.get(name), found.get(name)) {
        (None, None) => None,
        (Some(wanted), Some(found)) if same(name, wanted, found) => None,
        (Some(wanted), Some(found)) => Some(format!("{name} is {found:?}, {wanted:?} was planned")),
        (Some(wanted), None) => Some(format!("{name} is not there, {wanted:?} was planned")),
        (None, Some(found)) => Some(format!("{name} {found:?} was planned by nobody")),
    };
    tells.iter().filter_map(differs).collect()
}

fn same(name: &str, wanted: &str, found: &str) -> bool {
    if !LEVELS.contains(&name) {
        return wanted == found;
    }
    match (wanted.parse::<f64>(), found.parse::<f64>()) {
        (Ok(wanted), Ok(found)) => (wanted - found).abs() <= HUNDREDTH,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 5] = [TITLE, FRAMES, ISRC, LOUDNESS, COMPLAINT];

    fn wanted() -> Facts {
        let mut facts = Facts::default();
        facts.put(TITLE, "Salt").put(FRAMES, 282_239).put(ISRC, "QZDWX2600002").put(LOUDNESS, "-14.06");
        facts
    }

    #[test]
    fn what_is_as_planned_differs_in_nothing() {
        assert_eq!(differences(&wanted(), &wanted(), &ALL), Vec::<String>::new());
        // Rounded from both sides.
        assert!(differences(&wanted(), wanted().put(LOUDNESS, "-14.05"), &ALL).is_empty());
        // What a reader does not promise is not asked of it.
        let mut found = wanted();
        found.take(ISRC);
        assert!(differences(&wanted(), &found, &[TITLE, FRAMES]).is_empty());
    }

    #[test]
    fn another_value_is_told_for_every_field() {
        for (name, other) in
            [(TITLE, "salt"), (FRAMES, "282240"), (ISRC, "QZDWX2600003"), (LOUDNESS, "-14.08")]
        {
            let told = differences(&wanted(), wanted().put(name, other), &ALL);
            assert!(told.len() == 1 && told[0].starts_with(name) && told[0].contains(other), "{told:?}");
        }
        let told = differences(&wanted(), wanted().put(LOUDNESS, "loud"), &ALL);
        assert_eq!(told.len(), 1, "what is no number is no level");
    }

    #[test]
    fn a_field_that_is_missing_is_told_and_so_is_one_too_many() {
        for name in [TITLE, FRAMES, ISRC, LOUDNESS] {
            let mut less = wanted();
            less.take(name);
            let told = differences(&wanted(), &less, &ALL);
            assert!(told.len() == 1 && told[0].contains("is not there"), "{told:?}");
            let told = differences(&less, &wanted(), &ALL);
            assert!(told.len() == 1 && told[0].contains("by nobody"), "{told:?}");
        }
        // An empty field is a missing one.
        let mut empty = Facts::default();
        empty.put(TITLE, " ");
        assert_eq!(empty, Facts::default());
        let told = differences(&wanted(), wanted().put(COMPLAINT, "it is cut off"), &ALL);
        assert!(told.len() == 1 && told[0].contains("it is cut off"), "{told:?}");
    }
}
