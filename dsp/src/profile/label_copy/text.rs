//! Label copy as CSV and as JSON. Names come from many people and are opened in spreadsheets: what such a program would take for a formula is made text.
//! Never here: rules.

use serde_json::{Value, json};

use super::{Explicit, LabelCopy, SplitKind, TrackCopy, percent};
use crate::profile::Place;

const HEAD: [&str; 21] = [
    "record_artist",
    "record_title",
    "upc",
    "catalogue_number",
    "label",
    "p_line",
    "c_line",
    "release_date",
    "genre",
    "language",
    "position",
    "artist",
    "title",
    "version",
    "isrc",
    "explicit",
    "length",
    "length_ms",
    "credits",
    "splits_composition",
    "splits_recording",
];

/// A row for every song under one of names (RFC 4180: every field in quotes, lines end in CR LF). `places`: as [`crate::profile::places`] gives them.
pub fn csv(copy: &LabelCopy, places: &[Place]) -> String {
    let mut out = row(&HEAD.map(ToOwned::to_owned));
    for (at, track) in copy.tracks.iter().enumerate() {
        let place = places.get(at).cloned().unwrap_or_default();
        let explicit = track.explicit.map_or("", Explicit::token);
        out += &row(&[
            copy.artist.clone(),
            copy.title.clone(),
            copy.upc.clone(),
            copy.catalogue.clone(),
            copy.label.clone(),
            copy.p_line.clone(),
            copy.c_line.clone(),
            copy.release_date.clone(),
            copy.genre.clone(),
            copy.language.clone(),
            place.position,
            artist(copy, track).to_owned(),
            track.title.clone(),
            track.version_title.clone(),
            track.isrc.clone(),
            explicit.to_owned(),
            length(place.length_ms),
            place.length_ms.to_string(),
            credits(track),
            splits(track, SplitKind::Composition),
            splits(track, SplitKind::Recording),
        ]);
    }
    out
}

fn artist<'a>(copy: &'a LabelCopy, track: &'a TrackCopy) -> &'a str {
    if track.artist.trim().is_empty() { &copy.artist } else { &track.artist }
}

/// "4:07", to the nearest second.
fn length(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn credits(track: &TrackCopy) -> String {
    let all: Vec<String> = track.credits.iter().map(|it| format!("{}: {}", it.role, it.name)).collect();
    all.join("; ")
}

fn splits(track: &TrackCopy, kind: SplitKind) -> String {
    let of_kind = track.splits.iter().filter(|it| it.kind == kind);
    let all: Vec<String> =
        of_kind.map(|it| format!("{} {} %", it.name, percent(u64::from(it.share)))).collect();
    all.join("; ")
}

fn row(fields: &[String; HEAD.len()]) -> String {
    let fields: Vec<String> = fields.iter().map(|it| field(it)).collect();
    fields.join(",") + "\r\n"
}

/// In quotes; a first letter that spreadsheets take for a formula is led by an apostrophe (OWASP ASVS 5.0, 1.2.10), also where they leave out what
/// stands before it, and in the wide letters of East Asian keyboards.
fn field(text: &str) -> String {
    let starts =
        |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n' | '\0');
    let guarded = text.starts_with(starts) || text.trim_start().starts_with(starts);
    let kept: String = text.chars().filter(|c| *c != '\0').collect();
    format!("\"{}{}\"", if guarded { "'" } else { "" }, kept.replace('"', "\"\""))
}

/// One object, as programs read it; keys are added to and never renamed.
pub fn json(copy: &LabelCopy, places: &[Place]) -> Value {
    let tracks: Vec<Value> = copy
        .tracks
        .iter()
        .enumerate()
        .map(|(at, track)| {
            let place = places.get(at).cloned().unwrap_or_default();
            let split = |it: &super::Split| {
                json!({ "name": it.name, "kind": it.kind.token(), "share_percent": f64::from(it.share) / 100.0 })
            };
            json!({
                "position": place.position,
                "length_ms": place.length_ms,
                "title": track.title,
                "version": track.version_title,
                "artist": artist(copy, track),
                "isrc": track.isrc,
                // "yes", "no", "cleaned"; null where nobody said.
                "explicit": track.explicit.map(Explicit::token),
                "credits": track.credits,
                "splits": track.splits.iter().map(split).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "artist": copy.artist,
        "title": copy.title,
        "upc": copy.upc,
        "catalogue_number": copy.catalogue,
        "label": copy.label,
        "p_line": copy.p_line,
        "c_line": copy.c_line,
        "release_date": copy.release_date,
        "genre": copy.genre,
        "language": copy.language,
        "tracks": tracks,
    })
}
