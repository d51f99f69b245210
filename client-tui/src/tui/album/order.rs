//! A running order with what follows from it: where each song begins, how long it is, its figures, the deck that plays it. It holds numbers of rows instead
//! of ids, so that thousands of songs cost little, and is laid anew when a row changes that it follows from. Never here: keys, drawing, what is sent.

use std::sync::{Arc, OnceLock};

use deadwax_dsp::album::{Song, places};
use deadwax_proto::v1::{SongRow, VersionFile, VersionRow};

use super::{
    beside::Beside,
    placing::{Piece, Placing},
};
use crate::{
    checks::{media, order},
    play::{AlbumItem, Deck},
    scrub,
    tui::{
        player,
        rows::{self, Project},
    },
};

/// What one song costs in an order.
#[cfg(test)]
pub(super) const BYTES_A_SONG: usize = size_of::<Piece>() + size_of::<Stretch>();

/// A running order with what is measured of its songs.
#[derive(Debug)]
pub struct Order {
    pieces: Vec<Piece>,
    placed: Vec<Stretch>,
    /// Something is cut or hidden: each line is worth being said in full.
    pub has_more: bool,
    median_lufs: Option<f64>,
    /// For each of the shipped media, where even sides begin.
    even: OnceLock<Vec<Vec<usize>>>,
    pub(super) beside: OnceLock<Box<Beside>>,
}

/// An order, the revision of the draft that it was laid from (without one it is the studio's), and whether it differs from what the studio has.
#[derive(Clone, Debug)]
pub struct Laid {
    pub(super) draft: Option<u64>,
    pub(super) order: Arc<Order>,
    pub(super) unsaved: bool,
}

/// Where a song lies on the record, in milliseconds, and the version that would go on it, by its number. An order is laid anew whenever a version comes: the
/// figures of its Main are read from the rows when somebody looks.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start_ms: u64,
    length_ms: u64,
    version: Option<u32>,
}

/// What is measured of the Main of a version.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub integrated_lufs: f64,
    pub true_peak_dbtp: f64,
    pub loudness_range_lu: f64,
    pub max_short_term_lufs: f64,
}

impl Figures {
    fn of(main: Option<VersionFile>) -> Option<Figures> {
        let facts = main?.facts?;
        Some(Figures {
            integrated_lufs: facts.integrated_lufs,
            true_peak_dbtp: facts.true_peak_dbtp,
            loudness_range_lu: facts.loudness_range_lu,
            max_short_term_lufs: facts.max_short_term_lufs,
        })
    }

    /// As it will be heard on the record.
    pub fn lufs(&self, placing: &Placing) -> Option<f64> {
        Some(self.integrated_lufs).filter(|it| it.is_finite()).map(|it| it + placing.gain_db())
    }

    pub fn true_peak_dbtp(&self, placing: &Placing) -> Option<f64> {
        Some(self.true_peak_dbtp).filter(|it| it.is_finite()).map(|it| it + placing.gain_db())
    }

    /// Peak to loudness: a gain does not change it.
    pub fn plr_db(&self) -> Option<f64> {
        Some(self.true_peak_dbtp - self.integrated_lufs).filter(|it| it.is_finite())
    }
}

impl Order {
    /// Each Main is read once and not kept: of thousands of songs only the lengths are, for as long as it takes to lay them out.
    pub(super) fn of(rows: &Project, pieces: Vec<Piece>) -> Order {
        let mut placed = Vec::with_capacity(pieces.len());
        let mut lengths_ms = Vec::with_capacity(pieces.len());
        let mut levels = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            let (version, main) = rows.on_record(piece.song).map_or((None, None), |(id, it)| (Some(id), it));
            let facts = main.as_ref().and_then(|it| it.facts.as_ref());
            lengths_ms.push(facts.map_or(0, rows::duration_ms));
            levels.extend(Figures::of(main).and_then(|it| it.lufs(&piece.placing)));
            placed.push(Stretch { start_ms: 0, length_ms: 0, version });
        }
        let songs = pieces.iter().map(|it| it.placing).zip(lengths_ms).map(song);
        for (stretch, place) in placed.iter_mut().zip(places(songs)) {
            (stretch.start_ms, stretch.length_ms) = (place.start, place.frames);
        }
        let has_more = pieces.iter().any(|it| it.placing.hidden || it.placing.is_trimmed());
        let median_lufs = super::median(levels);
        Order { pieces, placed, has_more, median_lufs, even: OnceLock::new(), beside: OnceLock::new() }
    }

    /// The middle of what is measured, each song with its gain.
    pub fn median_lufs(&self) -> Option<f64> {
        self.median_lufs
    }

    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The song at a place, by its number in the rows.
    pub fn song(&self, at: usize) -> Option<u32> {
        Some(self.pieces.get(at)?.song)
    }

    /// The songs that begin a side after the first, as they are set.
    pub fn set_sides(&self) -> Vec<usize> {
        let begins = |(at, it): (usize, &Piece)| (at > 0 && it.placing.begins_side).then_some(at);
        self.pieces.iter().enumerate().filter_map(begins).collect()
    }

    /// The same, as even as the order allows on one of the shipped media.
    pub fn even_sides(&self, medium: usize) -> &[usize] {
        let even = self.even.get_or_init(|| {
            let lengths: Vec<u64> = self.placed.iter().map(|it| it.length_ms).collect();
            media::shipped().all.iter().map(|it| media::parted(it, &lengths)).collect()
        });
        even.get(medium % even.len().max(1)).map_or(&[], Vec::as_slice)
    }
}

/// A song that is so long and lies so. The player lays songs out by the same rule.
fn song((it, length_ms): (Placing, u64)) -> Song {
    order::song(order::Piece {
        length_ms,
        trim_in_ms: it.trim_in_ms,
        trim_out_ms: it.trim_out_ms,
        gap_ms: it.gap_ms,
        crossfade_ms: it.crossfade_ms,
    })
}

/// The songs of an order in their places. Each line is made when somebody asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    rows: &'a Project,
    order: &'a Order,
}

pub fn lines<'a>(rows: &'a Project, order: &'a Order) -> Lines<'a> {
    Lines { rows, order }
}

impl<'a> Lines<'a> {
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, at: usize) -> Option<Line<'a>> {
        let (piece, placed) = (self.order.pieces.get(at)?, self.order.placed.get(at)?);
        Some(Line {
            placing: piece.placing,
            song: piece.song,
            rows: self.rows,
            version: placed.version,
            start_ms: placed.start_ms,
            length_ms: placed.length_ms,
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let lines = *self;
        (0..lines.len()).filter_map(move |at| lines.get(at))
    }

    /// Which line this version is on.
    pub fn place_of_version(&self, version_id: &str) -> Option<usize> {
        let number = self.rows.version_number(version_id)?;
        self.order.placed.iter().position(|it| it.version == Some(number))
    }

    /// Of the songs from one place up to another, with what lies between them.
    pub fn run_ms(&self, from: usize, to: usize) -> u64 {
        let last = to.checked_sub(1).filter(|last| *last >= from);
        match (self.get(from), last.and_then(|last| self.get(last))) {
            (Some(first), Some(last)) => last.end_ms().saturating_sub(first.start_ms),
            _ => 0,
        }
    }

    /// Of the whole record.
    pub fn total_ms(&self) -> u64 {
        self.run_ms(0, self.len())
    }
}

/// A song of the record with what follows from its place. The rows behind it are looked up when somebody asks for them.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub placing: Placing,
    /// By its number in the rows.
    pub song: u32,
    rows: &'a Project,
    version: Option<u32>,
    pub start_ms: u64,
    /// What is left of it; 0 where nothing was measured.
    pub length_ms: u64,
}

impl<'a> Line<'a> {
    pub fn song(&self) -> Option<&'a SongRow> {
        self.rows.song_numbered(self.song)
    }

    pub fn version(&self) -> Option<&'a VersionRow> {
        self.rows.version_numbered(self.version?)
    }

    /// Read from the row each time: whoever needs several of them asks once.
    pub fn figures(&self) -> Option<Figures> {
        Figures::of(self.rows.main_file_numbered(self.version?))
    }

    pub fn end_ms(&self) -> u64 {
        self.start_ms.saturating_add(self.length_ms)
    }

    /// As it will be heard on the record.
    pub fn lufs(&self) -> Option<f64> {
        self.figures()?.lufs(&self.placing)
    }
}

/// The record to be heard, and which line each of its items is. Songs without a file are left out.
pub fn deck(project: &str, lines: Lines<'_>) -> Option<(Deck, Vec<usize>)> {
    let mut items = Vec::new();
    let mut at_line = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let title = line.song().map_or("", |it| it.title.as_str());
        let main = line.version().and_then(|it| Some((it, rows::main_file(it)?)));
        let Some(mut track) = main.and_then(|(version, file)| player::track(project, version, file)) else {
            continue;
        };
        track.label = scrub::line(&format!("{title}, {}", track.label));
        let (first, placing) = (items.is_empty(), line.placing);
        items.push(AlbumItem {
            track,
            gap_ms: if first { 0 } else { placing.gap_ms },
            crossfade_ms: if first { 0 } else { placing.crossfade_ms },
            fade_in_ms: placing.fade_in_ms,
            fade_out_ms: placing.fade_out_ms,
            trim_in_ms: placing.trim_in_ms,
            trim_out_ms: placing.trim_out_ms,
            shape: placing.shape,
            gain_db: placing.gain_db(),
        });
        at_line.push(at);
    }
    (!items.is_empty()).then_some((Deck::Album { items }, at_line))
}

/// Where each item of an album begins, in frames of the deck, and its rate.
pub fn joints(items: &[AlbumItem]) -> (u32, Vec<u64>) {
    let (rate, record) = crate::play::joints(items);
    (rate, record.songs().iter().map(|it| it.start).collect())
}
