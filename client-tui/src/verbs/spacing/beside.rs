//! A running order with what follows from the studio's rows: where each song begins, how long its sides are, how the songs stand to each other. Figures come
//! from `deadwax_dsp` alone. Never here: printing, rules.

use deadwax_dsp::{
    album::{Song, Timeline},
    processors::fade::Shape,
    profile::{Consistency, Figures, TrackFigures, consistency},
};
use deadwax_proto::v1::{AudioFacts, SongRow, SpacingItem, VersionRow};

use crate::verbs::house::House;

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

/// No figure of a server is trusted to be small.
const LENGTH_MAX: u64 = 1 << 48;

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

/// A frame for a millisecond.
fn song(line: &Line<'_>) -> Song {
    let item = line.item;
    let facts = line.facts();
    let long =
        facts.map_or(0, |it| (u128::from(it.frames) * 1000).checked_div(it.sample_rate.into()).unwrap_or(0));
    Song {
        frames: u64::try_from(long).unwrap_or(LENGTH_MAX).min(LENGTH_MAX),
        trim_in: item.trim_in_ms.into(),
        trim_out: item.trim_out_ms.into(),
        gap: item.gap_ms.into(),
        crossfade: item.crossfade_ms.into(),
        fade_in: 0,
        fade_out: 0,
        shape: Shape::Linear,
        gain_db: 0.0,
    }
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

/// As the songs sound on the record: with their gains. Of their files as a whole: what is trimmed was measured too.
pub(super) fn beside(lines: &[Line<'_>]) -> Consistency {
    let figures = |line: &Line<'_>| {
        let gain_db = f64::from(line.item.gain_cb) / 100.0;
        let title = line.title().trim().to_owned();
        let figures = match line.facts() {
            Some(it) => Figures {
                integrated_lufs: it.integrated_lufs + gain_db,
                range_lu: it.loudness_range_lu,
                max_momentary_lufs: it.max_momentary_lufs + gain_db,
                max_short_term_lufs: it.max_short_term_lufs + gain_db,
                true_peak_dbtp: it.true_peak_dbtp + gain_db,
                ..Figures::default()
            },
            None => Figures::default(),
        };
        TrackFigures { title, figures }
    };
    consistency(&lines.iter().map(figures).collect::<Vec<_>>())
}
