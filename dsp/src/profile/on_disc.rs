//! The disc that a record makes: what stands in its table of contents, before a sample is rendered, and what no disc can be. Never here: files of the set.

use super::{
    Finding, label_copy, lengths,
    record_rules::{self, DISC_RATE},
    sheet::RecordSheet,
};
use crate::{
    album::{OnDisc, TrackMark},
    disc::{self, Disc, DiscTrack, Severity},
};

/// The same rule under the profile's own code, where its limits tell it already.
const TOLD: [(&str, &str); 6] = [
    ("cd-tracks", "DISC_TRACKS"),
    ("cd-length", "DISC_LONG"),
    ("cd-track-length", "DISC_TRACK_SHORT"),
    ("cd-upc", "UPC"),
    ("cd-isrc", "ISRC"),
    ("cd-isrc-twice", "ISRC_TWICE"),
];

/// The disc of a record as it will be. `None` where a place is on no sector, which the reckoning of discs does not make.
pub fn planned_disc(sheet: &RecordSheet) -> Option<Disc> {
    let line = lengths::timeline(sheet, DISC_RATE);
    let OnDisc { frames, marks, .. } = record_rules::on_disc(sheet, &line);
    disc_of(sheet, &marks, frames)
}

/// The disc of a record by its places in frames of the image.
pub fn disc_of(sheet: &RecordSheet, marks: &[TrackMark], frames: u64) -> Option<Disc> {
    let copy = &sheet.copy;
    let track = |mark: &TrackMark| {
        let placed = DiscTrack::placed(mark.index0, mark.index1, mark.end)?;
        let track = copy.tracks.get(mark.song)?;
        Some(DiscTrack {
            title: track.full_title(),
            performer: track.artist.trim().to_owned(),
            isrc: label_copy::isrc(&track.isrc).unwrap_or_default(),
            ..placed
        })
    };
    let whole = frames.is_multiple_of(disc::SECTOR_FRAMES);
    let sectors = u32::try_from(frames / disc::SECTOR_FRAMES).ok().filter(|_| whole)?;
    Some(Disc {
        title: copy.title.trim().to_owned(),
        performer: copy.artist.trim().to_owned(),
        upc: label_copy::upc(&copy.upc).unwrap_or_default(),
        catalogue: copy.catalogue.trim().to_owned(),
        tracks: marks.iter().map(track).collect::<Option<_>>()?,
        sectors,
    })
}

/// Of the map of a set alone: a cue sheet says any length.
const OF_SETS: &str = "cd-hidden-long";

/// What keeps the disc from being written at all, unless it was found already. `set`: it goes out as a DDP-compatible set too.
pub(super) fn blocks(sheet: &RecordSheet, disc: &Disc, set: bool, found: &mut Vec<Finding>) {
    let tracks: Vec<usize> = sheet.tracks().collect();
    for rule in disc::check(disc).into_iter().filter(|it| it.severity == Severity::Block) {
        let told = |it: &Finding| it.block && TOLD.contains(&(rule.code, it.code));
        if found.iter().any(told) || (rule.code == OF_SETS && !set) {
            continue;
        }
        let song = rule.track.and_then(|number| tracks.get(number - 1).copied());
        let mut letters = rule.text.chars();
        let text: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        found.push(Finding::block(rule.code, format!("{text}."), rule.source).mend(rule.mend).songs(song));
    }
}
