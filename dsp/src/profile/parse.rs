//! A profile from its text: unknown keys are answered with the nearest known one, and what is read is held against itself, each error with its line.
//! Never here: what the limits do.

use std::ops::Range;

use serde::{Deserialize as _, Deserializer};
use sha2::{Digest as _, Sha256};
use toml::de::{DeTable, DeValue};

use super::{Ask, FileAsk, Profile, names};
use crate::{
    decode::{MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ},
    recipe::{
        nearest,
        read::{self, Fault},
    },
    write::Encoding,
};

const WHOLE: &str = "a profile";
const NAME_LETTERS_MAX: usize = 64;

/// What `because` may speak of: the keys of `[limits]` and `[record]`.
const REASONED: &[&str] = &[
    "lossy_blocks",
    "containers_preferred",
    "sample_rates_hz",
    "sample_rate_min_hz",
    "bits_min",
    "channels",
    "true_peak_max_dbtp",
    "true_peak_advised_dbtp",
    "sample_peak_advised_dbfs",
    "loudness_max_lufs",
    "loudness_advised_lufs",
    "clipping_blocks",
    "dc_offset_max",
    "correlation_min",
    "head_silence_advised_s",
    "tail_silence_advised_s",
    "same_length_frames",
    "isrc",
    "upc",
    "catalogue",
    "label_lines",
    "explicit",
    "title_words",
    "credits",
    "splits",
    "cd_text",
    "gap_zero",
    "fades",
    "hidden",
    "step_max_lu",
    "last_song_louder_lu",
    "last_song_quieter_lu",
    "penalty_db",
    "cut_tolerance_ms",
    "sample_rate_hz",
    "alternate",
    "cover",
    "cover_min_px",
    "cover_square",
];

pub(super) fn parse(text: &str) -> Result<Profile, (usize, String)> {
    let profile = read::parsed(text).and_then(|root| read::read_as::<Profile>(root, WHOLE));
    let mut profile = profile.map_err(|fault| fault.in_line(text))?;
    let places = read::parsed(text).map_err(|fault| fault.in_line(text))?.into_inner();
    check(&profile, &Places(places)).map_err(|fault| fault.in_line(text))?;
    profile.sha256 = hex::encode(Sha256::digest(text.as_bytes()));
    Ok(profile)
}

/// `encoding = "wav24"`.
pub(super) fn encoding<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Encoding>, D::Error> {
    let token = String::deserialize(d)?;
    token.parse().map(Some).map_err(|_| {
        let known = Encoding::ALL.map(Encoding::token);
        let meant = match nearest(&token, &known) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", known.join(", ")),
        };
        serde::de::Error::custom(format!("there is no {token:?}; {meant}"))
    })
}

/// Where the values of a text stand.
struct Places<'i>(DeTable<'i>);

impl Places<'_> {
    /// Of the innermost of `path` that there is; numbers are places in an array.
    fn at(&self, path: &[&str]) -> Range<usize> {
        let Some((first, rest)) = path.split_first() else { return 0..0 };
        let Some(mut value) = self.0.get(*first) else { return 0..0 };
        for step in rest {
            let inner = match value.get_ref() {
                DeValue::Table(table) => table.get(*step),
                DeValue::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
                _ => None,
            };
            match inner {
                Some(inner) => value = inner,
                None => break,
            }
        }
        value.span()
    }
}

fn check(profile: &Profile, places: &Places<'_>) -> Result<(), Fault> {
    let refuse = |path: &[&str], what: String| Err(Fault::at(places.at(path), what));
    let name = &profile.name;
    if name.trim().is_empty() || name.chars().count() > NAME_LETTERS_MAX || name.chars().any(char::is_control)
    {
        return refuse(&["name"], format!("name: 1 to {NAME_LETTERS_MAX} letters are wanted"));
    }
    if !is_date(&profile.dated) {
        return refuse(&["dated"], format!("dated: {:?} is no date; write it as 2026-11-21", profile.dated));
    }
    if profile.sources.iter().all(|it| it.trim().is_empty()) {
        return refuse(&["sources"], "sources: name at least one, so that people can look it up".into());
    }
    for (key, words) in &profile.because {
        if !REASONED.contains(&key.as_str()) {
            let meant = match nearest(key, REASONED) {
                Some(near) => format!("did you mean {near}?"),
                None => "it is a key of [limits] or [record]".into(),
            };
            return refuse(&["because", key], format!("because: there is no limit {key}; {meant}"));
        }
        let stands = |it: &String| !words.is_empty() && it.contains(words.as_str());
        if !profile.sources.iter().any(stands) {
            return refuse(&["because", key], format!("because: no source has the words {words:?}"));
        }
    }
    check_media(profile, places)?;
    for (at, platform) in profile.platforms.iter().enumerate() {
        if profile.platforms[..at].iter().any(|it| it.name == platform.name) {
            let place = at.to_string();
            return refuse(
                &["platform", &place, "name"],
                format!("there are two platforms {:?}", platform.name),
            );
        }
    }
    profile.files.iter().enumerate().try_for_each(|(at, ask)| check_file(ask, at, places))
}

fn check_media(profile: &Profile, places: &Places<'_>) -> Result<(), Fault> {
    for (at, medium) in profile.media.iter().enumerate() {
        let at = at.to_string();
        if medium.limits.is_empty() {
            return Err(Fault::at(places.at(&["medium", &at]), "a medium needs a [[medium.limit]]"));
        }
        for (nth, limit) in medium.limits.iter().enumerate() {
            let path = ["medium", &at, "limit", &nth.to_string(), "of"];
            if !profile.sources.iter().any(|it| !limit.of.is_empty() && it.contains(&limit.of)) {
                return Err(Fault::at(
                    places.at(&path),
                    format!("of: no source has the words {:?}", limit.of),
                ));
            }
            let both = limit.best_s.zip(limit.max_s);
            if limit.best_s.or(limit.max_s).is_none() || both.is_some_and(|(best, max)| best > max) {
                return Err(Fault::at(
                    places.at(&path[..4]),
                    "a limit needs best_s or max_s, and the best is not over the most",
                ));
            }
        }
    }
    Ok(())
}

fn check_file(ask: &FileAsk, at: usize, places: &Places<'_>) -> Result<(), Fault> {
    let at = at.to_string();
    let refuse = |key: &str, what: String| Err(Fault::at(places.at(&["file", &at, key]), what));
    let sound = matches!(ask.kind, Ask::Track | Ask::Song | Ask::Side | Ask::Whole);
    if sound != ask.encoding.is_some() {
        let what = if sound { "this kind needs one" } else { "this kind has none of its own" };
        return refuse("encoding", format!("encoding: {what}"));
    }
    if !sound && (ask.sample_rate_hz.is_some() || ask.tags || ask.bext) {
        return refuse("kind", "kind: rate, tags and bext are for track, song, side and whole".into());
    }
    if ask.alternate.is_some() && ask.kind != Ask::Song {
        return refuse("alternate", "alternate: only kind = \"song\" has one".into());
    }
    if let Some(hz) = ask.sample_rate_hz
        && !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&hz)
    {
        let what = format!("sample_rate_hz: {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} are wanted");
        return refuse("sample_rate_hz", what);
    }
    // A set brings the names that its standard gives.
    if ask.name.is_empty() && !matches!(ask.kind, Ask::Ddp) {
        return refuse("kind", "[[file]] needs name".into());
    }
    for (key, template) in [("folder", &ask.folder), ("name", &ask.name)] {
        if let Err(what) = names::template(template) {
            return refuse(key, format!("{key}: {what}"));
        }
    }
    Ok(())
}

/// Four digits, two, two, and a day that there is.
pub(super) fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |text: &str, digits: usize| -> Option<u32> {
        let right = text.len() == digits && text.bytes().all(|it| it.is_ascii_digit());
        right.then(|| text.parse().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}
