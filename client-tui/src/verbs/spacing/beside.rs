//! A running order with what follows from the studio's rows: where each song begins, how long its sides are, how the songs stand to each other. Figures come
//! from `deadwax_dsp` alone. Never here: printing, rules.

use deadwax_dsp::{
    album::{Song, Timeline},
    profile::{Consistency, Figures, consistency},
};
use deadwax_proto::v1::{AudioFacts, SongRow, SpacingItem, VersionRow};

use crate::{
    checks::order::{self, LENGTH_MAX, as_heard},
    verbs::house::House,
};

/// A song in its place.
pub(super) struct Line<'a> {
    pub item: &'a SpacingItem,
    pub song: Option<&'a SongRow>,
    pub version: Option<&'a VersionRow>,
    pub start_ms: u64,
    /// What is left of it; 0 where nothing was measured.
    pub length_ms: u64,
}

impl Line<'_> {
    fn facts(&self) -> Option<&AudioFacts> {
        self.version?.files.first()?.facts.as_ref()
    }

    /// In one line, whatever somebody called it.
    pub fn title(&self) -> String {
        crate::scrub::line(self.song.map_or("a song that you cannot see", |it| it.title.as_str()))
    }
}

pub(super) fn lines<'a>(house: &'a House, items: &'a [SpacingItem]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = items
        .iter()
        .map(|item| {
            let song = house.songs.iter().find(|it| it.song_id == item.song_id);
            let version = song.and_then(|it| on_record(house, it));
            Line { item, song, version, start_ms: 0, length_ms: 0 }
        })
        .collect();
    let songs: Vec<Song> = lines.iter().map(song).collect();
    for (line, placed) in lines.iter_mut().zip(Timeline::new(&songs).songs()) {
        (line.start_ms, line.length_ms) = (placed.start, placed.frames);
    }
    lines
}

/// What would go on the record today: what the gate of its stage looks at, else what was handed to mastering.
fn on_record<'a>(house: &'a House, song: &'a SongRow) -> Option<&'a VersionRow> {
    let handed = || house.version_by_id(&song.handoff.as_ref()?.version_id);
    house.version_by_id(&song.candidate_version_id).or_else(handed)
}

fn song(line: &Line<'_>) -> Song {
    let item = line.item;
    let facts = line.facts();
    let long =
        facts.map_or(0, |it| (u128::from(it.frames) * 1000).checked_div(it.sample_rate.into()).unwrap_or(0));
    order::song(order::Piece {
        length_ms: u64::try_from(long).unwrap_or(LENGTH_MAX),
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        gap_ms: item.gap_ms,
        crossfade_ms: item.crossfade_ms,
    })
}

/// From one place up to another, with what lies between.
pub(super) fn run_ms(lines: &[Line<'_>]) -> u64 {
    match (lines.first(), lines.last()) {
        (Some(first), Some(last)) => {
            last.start_ms.saturating_add(last.length_ms).saturating_sub(first.start_ms)
        }
        _ => 0,
    }
}

/// Where sides are set: the places of each, from the first up to, not including, the last.
pub(super) fn sides(items: &[SpacingItem]) -> Vec<(usize, usize)> {
    let begins = |(at, it): (usize, &SpacingItem)| (at > 0 && it.begins_side).then_some(at);
    let starts: Vec<usize> = items.iter().enumerate().filter_map(begins).collect();
    if starts.is_empty() {
        return Vec::new();
    }
    let mut bounds = vec![0];
    bounds.extend(starts);
    bounds.push(items.len());
    bounds.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// As the songs sound on the record.
pub(super) fn beside(lines: &[Line<'_>]) -> Consistency {
    let heard = |line: &Line<'_>| {
        let measured = line.facts().map(|it| Figures {
            integrated_lufs: it.integrated_lufs,
            range_lu: it.loudness_range_lu,
            max_momentary_lufs: it.max_momentary_lufs,
            max_short_term_lufs: it.max_short_term_lufs,
            true_peak_dbtp: it.true_peak_dbtp,
            ..Figures::default()
        });
        as_heard(&line.title(), measured, f64::from(line.item.gain_cb) / 100.0)
    };
    consistency(&lines.iter().map(heard).collect::<Vec<_>>())
}
