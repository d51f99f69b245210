//! The profiles that come along, and those of one's own in their place. Never here: where files of one's own lie.

use super::Profile;

macro_rules! profiles {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../profiles/", $name, ".toml")))),*]
    };
}

const SHIPPED: &[(&str, &str)] = profiles![
    "mix-handoff",
    "streaming",
    "spotify",
    "apple-music",
    "youtube",
    "tidal",
    "amazon",
    "deezer",
    "soundcloud-bandcamp",
    "hi-res",
    "cd",
    "vinyl-toss",
    "vinyl-pressing-business",
    "vinyl-wolfpack",
    "sync",
    "archive",
    "reference",
];

/// Name and text of each.
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    SHIPPED
}

/// The text of a shipped one.
pub fn text(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Shipped profiles and one's own; a name of one's own takes the place of the shipped one.
#[derive(Clone, Debug)]
pub struct Catalogue {
    all: Vec<(Profile, bool)>,
}

impl Catalogue {
    /// `own`: a word for where each comes from (its file name), and its text. Errors name it and the line.
    pub fn new<'a>(own: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Catalogue, String> {
        let mut all: Vec<(Profile, bool)> = Vec::new();
        for (name, text) in SHIPPED {
            let read = Profile::parse(text);
            let read =
                read.map_err(|(line, what)| format!("the shipped profile {name}, line {line}: {what}"))?;
            all.push((read, false));
        }
        for (origin, text) in own {
            let read = Profile::parse(text)
                .map_err(|(line, what)| format!("the profile {origin} is wrong in line {line}: {what}"))?;
            match all.iter().position(|(it, _)| it.name == read.name) {
                Some(at) if all[at].1 => {
                    return Err(format!(
                        "the profile {origin} has the name {:?} of another one; rename it",
                        read.name
                    ));
                }
                Some(at) => all[at] = (read, true),
                None => all.push((read, true)),
            }
        }
        Ok(Catalogue { all })
    }

    pub fn all(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter().map(|(profile, _)| profile)
    }

    /// The one of that name; the error names the nearest, or all.
    pub fn get(&self, name: &str) -> Result<&Profile, String> {
        if let Some(it) = self.all().find(|it| it.name == name) {
            return Ok(it);
        }
        let known: Vec<&str> = self.all().map(|it| it.name.as_str()).collect();
        Err(match crate::recipe::nearest(name, &known) {
            Some(near) => format!("there is no profile {name:?}; did you mean {near}?"),
            None => format!("there is no profile {name:?}; there are {}", known.join(", ")),
        })
    }

    /// Is it one's own, and not as it was shipped?
    pub fn is_own(&self, name: &str) -> bool {
        self.all.iter().any(|(it, own)| *own && it.name == name)
    }
}
