//! What is wrong with a label copy. Standards are named where a rule comes from one; what a profile asks is weighed as it says. Never here: texts.

use std::collections::BTreeMap;

use super::{LabelCopy, SplitKind, TrackCopy, WHOLE, codes, percent};
use crate::profile::{Finding, Profile, Weight, parse::is_date};

const ISRC_STANDARD: &str = "ISO 3901, the ISRC handbook";
const GS1: &str = "GS1 General Specifications, 7.9";
const DATES: &str = "ISO 8601";
const TAGS: &str = "what tags and tables can carry";
/// Longer than what tags hold.
const LETTERS_MAX: usize = 1024;
/// Words that a version is called by.
const VERSIONS: [&str; 12] = [
    "remix",
    "mix",
    "edit",
    "version",
    "live",
    "acoustic",
    "instrumental",
    "demo",
    "remaster",
    "remastered",
    "extended",
    "karaoke",
];

/// Everything that is wrong, the record first, then song by song.
pub fn check(copy: &LabelCopy, profile: &Profile) -> Vec<Finding> {
    let mut found = Vec::new();
    of_record(copy, profile, &mut found);
    for (at, track) in copy.tracks.iter().enumerate() {
        let mut own = Vec::new();
        of_track(copy, track, at, profile, &mut own);
        found.extend(own.into_iter().map(|it| it.song(at)));
    }
    doubled(copy, &mut found);
    found
}

/// The title of a song in a sentence.
fn called(track: &TrackCopy, at: usize) -> String {
    match track.title.trim() {
        "" => format!("Song {}", at + 1),
        title => format!("\"{title}\""),
    }
}

fn of_record(copy: &LabelCopy, profile: &Profile, found: &mut Vec<Finding>) {
    let rules = &profile.record;
    for (name, text) in [("title", &copy.title), ("artist", &copy.artist)] {
        if text.trim().is_empty() {
            let code = if name == "title" { "TITLE_MISSING" } else { "ARTIST_MISSING" };
            let text = format!("The record has no {name}.");
            found.push(
                Finding::block(code, text, TAGS).mend(format!("Write its {name} into the label copy.")),
            );
        }
    }
    let upc = copy.upc.trim();
    if upc.is_empty() {
        let text = "The record has no UPC or EAN.".to_owned();
        let it = Finding::weighed(rules.upc, "UPC_MISSING", text, profile.source("upc"));
        found.extend(it.map(|it| it.mend("Ask the label or its distributor for the bar code.")));
    } else if let Err(what) = codes::upc(upc) {
        let text = format!("The UPC {upc:?} is wrong: {what}.");
        found.push(Finding::block("UPC", text, GS1).mend("Compare it with the bar code of the artwork."));
    }
    if copy.catalogue.trim().is_empty() {
        let text = "The record has no catalogue number.".to_owned();
        let it = Finding::weighed(rules.catalogue, "CATALOGUE_MISSING", text, profile.source("catalogue"));
        found.extend(it.map(|it| it.mend("Write the label's number into the label copy.")));
    }
    let lines = [
        ("label", &copy.label),
        ("P-line", &copy.p_line),
        ("C-line", &copy.c_line),
        ("release date", &copy.release_date),
    ];
    let missing: Vec<&str> =
        lines.iter().filter(|(_, text)| text.trim().is_empty()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        let text = format!("The label copy has no {}.", missing.join(", no "));
        let it = Finding::weighed(rules.label_lines, "LABEL_LINES", text, profile.source("label_lines"));
        found.extend(it.map(|it| it.mend("The label knows them; write them into the label copy.")));
    }
    let date = copy.release_date.trim();
    if !date.is_empty() && !is_date(date) {
        let text = format!("The release date {date:?} is no day of the calendar.");
        found.push(Finding::block("RELEASE_DATE", text, DATES).mend("Write it as 2026-11-21."));
    }
    let texts = [
        ("title", &copy.title),
        ("artist", &copy.artist),
        ("label", &copy.label),
        ("catalogue number", &copy.catalogue),
        ("P-line", &copy.p_line),
        ("C-line", &copy.c_line),
        ("genre", &copy.genre),
        ("language", &copy.language),
    ];
    found.extend(texts.iter().filter_map(|(name, text)| unfit("The record", name, text)));
}

/// A text that no tag can carry.
fn unfit(whose: &str, name: &str, text: &str) -> Option<Finding> {
    let what = if text.chars().any(char::is_control) {
        "has a control character in it"
    } else if text.chars().count() > LETTERS_MAX {
        "is longer than 1024 letters"
    } else {
        return None;
    };
    let text = format!("{whose}: the {name} {what}.");
    Some(Finding::block("TEXT", text, TAGS).mend("Type it anew."))
}

fn of_track(copy: &LabelCopy, track: &TrackCopy, at: usize, profile: &Profile, found: &mut Vec<Finding>) {
    let (rules, who) = (&profile.record, called(track, at));
    if track.title.trim().is_empty() {
        let text = format!("{who} has no title.");
        found.push(Finding::block("TITLE_MISSING", text, TAGS).mend("Write its title into the label copy."));
    }
    if track.artist.trim().is_empty() && copy.artist.trim().is_empty() {
        let text = format!("{who} has no artist.");
        found
            .push(Finding::block("ARTIST_MISSING", text, TAGS).mend("Write its artist into the label copy."));
    }
    let isrc = track.isrc.trim();
    if isrc.is_empty() {
        let text = format!("{who} has no ISRC.");
        let it = Finding::weighed(rules.isrc, "ISRC_MISSING", text, profile.source("isrc"));
        found.extend(it.map(|it| it.mend("Its registrant, mostly the label, gives it; nobody else may.")));
    } else if let Err(what) = codes::isrc(isrc) {
        let text = format!("{who}: the ISRC {isrc:?} is wrong: {what}.");
        found
            .push(Finding::block("ISRC", text, ISRC_STANDARD).mend("Compare it with the registrant's list."));
    }
    if track.explicit.is_none() {
        let text = format!("{who} does not say whether its words are explicit.");
        let it = Finding::weighed(rules.explicit, "EXPLICIT_MISSING", text, profile.source("explicit"));
        found.extend(it.map(|it| it.mend("Set the explicit flag of the song to yes, no or cleaned.")));
    }
    titles(track, &who, profile, found);
    if track.credits.is_empty() {
        let text = format!("{who} has no credits.");
        let it = Finding::weighed(rules.credits, "CREDITS_MISSING", text, profile.source("credits"));
        found.extend(it.map(|it| it.mend("Write who played, wrote, produced, mixed and mastered.")));
    }
    splits(track, &who, profile, found);
    let texts = [("title", &track.title), ("version", &track.version_title), ("artist", &track.artist)];
    found.extend(texts.iter().filter_map(|(name, text)| unfit(&who, name, text)));
    let names = track.credits.iter().flat_map(|it| [&it.role, &it.name]);
    let names = names.chain(track.splits.iter().map(|it| &it.name));
    found.extend(names.filter_map(|text| unfit(&who, "credit or split", text)).take(1));
}

fn titles(track: &TrackCopy, who: &str, profile: &Profile, found: &mut Vec<Finding>) {
    let (weight, source) = (profile.record.title_words, profile.source("title_words"));
    let asides = asides(&track.title).chain([track.version_title.trim().to_lowercase()]);
    let words: Vec<String> = asides.collect();
    let has =
        |it: &str| words.iter().any(|aside| aside.split(|c: char| !c.is_alphanumeric()).any(|w| w == it));
    if has("clean") || has("explicit") {
        let text = format!("{who} says Clean or Explicit in its title.");
        let it = Finding::weighed(weight, "TITLE_CLEAN_EXPLICIT", text, source.clone());
        found.extend(it.map(|it| it.mend("Take the word out of the title; the explicit flag says it.")));
    }
    let dashed = track.title.rsplit_once(" - ").map(|(_, behind)| behind.trim().to_lowercase());
    let version = dashed.is_some_and(|behind| {
        behind.split_whitespace().last().is_some_and(|last| VERSIONS.contains(&last))
            || VERSIONS.contains(&behind.as_str())
    });
    if version {
        let text = format!("{who} has its version behind a dash.");
        let it = Finding::weighed(weight, "TITLE_VERSION", text, source);
        found.extend(it.map(|it| it.mend("Move it into the version title; it then stands in brackets.")));
    }
}

/// What stands in brackets or behind a dash, small.
fn asides(title: &str) -> impl Iterator<Item = String> + '_ {
    let inside = title.split(['(', '[']).skip(1).map(|it| it.split([')', ']']).next().unwrap_or(it));
    let behind = title.rsplit_once(" - ").map(|(_, behind)| behind);
    inside.chain(behind).map(str::to_lowercase)
}

fn splits(track: &TrackCopy, who: &str, profile: &Profile, found: &mut Vec<Finding>) {
    let (weight, source) = (profile.record.splits, profile.source("splits"));
    for kind in SplitKind::ALL {
        let shares: Vec<u64> =
            track.splits.iter().filter(|it| it.kind == kind).map(|it| u64::from(it.share)).collect();
        let sum: u64 = shares.iter().sum();
        let token = kind.token();
        if shares.is_empty() {
            let text = format!("{who} has no splits of the {token}.");
            let it = Finding::weighed(weight, "SPLITS_MISSING", text, source.clone());
            found.extend(it.map(|it| it.mend("Write who has which share; together 100 %.")));
        } else if sum != WHOLE {
            // Wrong shares pay somebody wrongly: told even where splits are not asked.
            let weight = if weight == Weight::No { Weight::Warn } else { weight };
            let text = format!("{who}: the splits of the {token} are {} %, not 100 %.", percent(sum));
            let it = Finding::weighed(weight, "SPLITS_SUM", text, source.clone());
            let (less, more) = (WHOLE.saturating_sub(sum), sum.saturating_sub(WHOLE));
            let mend = match more {
                0 => format!("{} % belong to nobody; ask the writers and owners.", percent(less)),
                _ => format!("{} % too many are given away; ask the writers and owners.", percent(more)),
            };
            found.extend(it.map(|it| it.mend(mend)));
        }
    }
}

/// One code for two recordings.
fn doubled(copy: &LabelCopy, found: &mut Vec<Finding>) {
    let mut by_code: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, track) in copy.tracks.iter().enumerate() {
        if let Ok(code) = codes::isrc(&track.isrc) {
            by_code.entry(code).or_default().push(at);
        }
    }
    for (code, songs) in by_code.into_iter().filter(|(_, songs)| songs.len() > 1) {
        let names: Vec<String> = songs.iter().map(|at| called(&copy.tracks[*at], *at)).collect();
        let text = format!("{} have the same ISRC {code}.", names.join(" and "));
        found.push(
            Finding::block("ISRC_TWICE", text, ISRC_STANDARD)
                .mend("Every recording has a code of its own; ask the registrant which is whose.")
                .songs(songs),
        );
    }
}
