//! Where songs, tracks and sides lie, in frames of any rate: the arithmetic of [`crate::album`], asked before anything is rendered. Never here: samples.

use std::ops::Range;

use serde::Serialize;

use super::sheet::{AudioFile, RecordSheet};
use crate::album::{Song, Timeline};

/// Frames at a rate: to the nearest, halves up.
pub(super) fn frames_of_ms(ms: u64, rate: u32) -> u64 {
    narrow((u128::from(ms) * u128::from(rate) + 500) / 1000)
}

pub(super) fn ms_of_frames(frames: u64, rate: u32) -> u64 {
    let rate = u128::from(rate.max(1));
    narrow((u128::from(frames) * 1000 + rate / 2) / rate)
}

/// How long a source is at another rate, as the resampler counts.
pub(super) fn converted(source: &AudioFile, rate: u32) -> u64 {
    let from = u128::from(source.sample_rate.max(1));
    narrow((u128::from(source.frames) * u128::from(rate) + from / 2) / from)
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// The record as one sound at `rate`.
pub(super) fn timeline(sheet: &RecordSheet, rate: u32) -> Timeline {
    sheet
        .songs
        .iter()
        .enumerate()
        .map(|(at, song)| {
            let (it, ms) = (&song.placing, |ms: u32| frames_of_ms(u64::from(ms), rate));
            let whole = converted(&song.source, rate);
            Song {
                frames: whole,
                trim_in: ms(it.trim_in_ms),
                trim_out: ms(it.trim_out_ms),
                gap: ms(it.gap_ms),
                crossfade: ms(it.crossfade_ms),
                fade_in: ms(it.fade_in_ms),
                fade_out: ms(it.fade_out_ms),
                shape: it.shape,
                gain_db: sheet.gain_db(at),
            }
        })
        .collect()
}

/// The frames of every track: from its INDEX 1 to that of the next. The first one begins with the record; where a song is hidden before it, at its own
/// INDEX 1.
pub(super) fn tracks(sheet: &RecordSheet, line: &Timeline) -> Vec<(usize, Range<u64>)> {
    let songs: Vec<usize> = sheet.tracks().collect();
    let hidden = sheet.songs.first().is_some_and(|it| it.placing.hidden);
    let start = |nth: usize| match songs.get(nth) {
        Some(_) if nth == 0 && !hidden => 0,
        Some(song) => line.songs()[*song].start,
        None => line.frames(),
    };
    (0..songs.len()).map(|nth| (songs[nth], start(nth)..start(nth + 1))).collect()
}

/// The frames of every side: from the INDEX 1 of its first song to that of the next side's.
pub(super) fn sides(sheet: &RecordSheet, line: &Timeline) -> Vec<Range<u64>> {
    let start = |song: usize| match song {
        0 => 0,
        _ => line.songs().get(song).map_or(line.frames(), |it| it.start),
    };
    sheet.sides().iter().map(|songs| start(songs.start)..start(songs.end)).collect()
}

/// Where a song stands on the record, as its label copy says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// "1"; on sides "A1"; "0" for a hidden song.
    pub position: String,
    pub length_ms: u64,
}

/// Of every song. Lengths are those of the music as it was signed, trims and all, without the gap behind it.
pub fn places(sheet: &RecordSheet) -> Vec<Place> {
    let sides = sheet.sides();
    let mut number = 0;
    let mut at_side = 0;
    sheet
        .songs
        .iter()
        .enumerate()
        .map(|(at, song)| {
            while sides.get(at_side + 1).is_some_and(|it| it.start <= at) {
                at_side += 1;
                number = 0;
            }
            number += usize::from(!song.placing.hidden);
            let position = match (song.placing.hidden, sides.len() > 1) {
                (true, _) => "0".to_owned(),
                (false, true) => format!("{}{number}", super::sides::letter(at_side)),
                (false, false) => number.to_string(),
            };
            let (source, trims) = (&song.source, [song.placing.trim_in_ms, song.placing.trim_out_ms]);
            let whole_ms = ms_of_frames(source.frames, source.sample_rate);
            let length_ms = trims.iter().fold(whole_ms, |left, it| left.saturating_sub(u64::from(*it)));
            Place { position, length_ms }
        })
        .collect()
}
