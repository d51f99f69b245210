//! Is the top of the spectrum cut off as by a wall? Lossy coders and converters of the sample rate leave an edge of a few hundredths of an octave, at
//! the same place all the time; instruments, rooms and equalisers leave slopes that move with the music. An edge is at least 20 dB within an eighth of
//! an octave, with broadband sound below and nothing above. It is looked for in the loudest that each frequency ever gets, and each window of the
//! spectrum is asked whether it agrees. Never here: what to do about it.

use serde::Serialize;

/// The spectrum up to half the sample rate in so many cells; so many windows are kept, later every second, and so on.
const CELLS: usize = 256;
const ROWS_MAX: usize = 1024;
/// Levels are kept in whole decibels above this, in a byte: what is lower is nothing. A cell's share of the noise of 24 bits is a little less;
/// the skirts of a tone under a Hann window reach it within four cells.
const LEAST_DBFS: f64 = -150.0;
/// Where a window steps down by so much, it votes.
const DROP_MIN_DB: i32 = 20;
/// Cells below this are too wide for the question.
const FIRST_CELL: usize = 24;
/// The last cells before half the rate hold every converter's own filter; an edge that ends here is the file's own.
const LAST_CELL: usize = 252;
const OWN_EDGE_SHARE: f64 = 0.965;
/// Edges so many cells apart are the same.
const SAME_CELLS: usize = 3;
/// The loudest of each cell, but for so many windows: a click fills the whole spectrum.
const LOUD_SHARE: f64 = 0.95;
/// A window whose edge is lower says little: its highs may be quiet, and coders leave out quiet bands. It counts as a quarter against.
const LOWER_WEIGHT: f64 = 0.25;
/// What is so much over the level above the edge is sound that an edge would have taken away.
const ABOVE_DB: f64 = 12.0;
/// An opinion takes so many votes, and so large a share of all windows.
const VOTES_MIN: usize = 4;
const VOTES_SHARE_MIN: f64 = 0.1;
const AGREED_MIN: f64 = 0.5;
/// Lossy coders cut in this range.
const LOSSY_HZ: std::ops::Range<f64> = 10_000.0..20_900.0;
/// Sample rates that sound is converted up from.
const RATES_HZ: [u32; 12] =
    [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

/// What makes such an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A lossy coder (MP3, AAC, Vorbis, Opus) at the rate that cuts there.
    Lossy,
    /// A lower sample rate, converted up.
    Upsampled,
    /// A wall all the same.
    Unknown,
}

/// A wall in the spectrum that stands at one place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cutoff {
    /// Where the fall begins (6 dB down), and how wide it is down to 6 dB over what is left. Exact to a 256th of half the sample rate.
    pub hz: f64,
    pub width_hz: f64,
    /// From the level just below to the level above, mean of the windows that agree.
    pub drop_db: f64,
    /// Of the windows that have something to say, the share that agrees.
    pub agreed_share: f64,
    /// 0 to 1: agreement, times how far the drop is beyond 20 dB (all of it from 40 dB), times the number of windows (all of it from 8).
    pub confidence: f64,
    pub origin: Origin,
    /// The sample rate that it seems to come from.
    pub from_rate_hz: Option<u32>,
}

/// The windows' spectra in coarse cells.
pub(super) struct Rows {
    rows: Vec<[u8; CELLS]>,
    /// Every so many windows one is kept.
    every: u64,
    seen: u64,
}

impl Rows {
    pub(super) fn new() -> Self {
        Rows { rows: Vec::new(), every: 1, seen: 0 }
    }

    /// `power`: by bin from 0 to half the sample rate, a multiple of 256 and one more.
    pub(super) fn add(&mut self, power: &[f64]) {
        let kept = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        if !kept {
            return;
        }
        if self.rows.len() == ROWS_MAX {
            let mut index = 0;
            self.rows.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.every *= 2;
            if !(self.seen - 1).is_multiple_of(self.every) {
                return;
            }
        }
        let mut row = [0; CELLS];
        let bins = (power.len() - 1) / CELLS;
        for (cell, bins) in row.iter_mut().zip(power.chunks_exact(bins)) {
            let db = crate::math::decibels_of_power(bins.iter().sum::<f64>()) - LEAST_DBFS;
            *cell = if db > 0.0 { db.min(255.0) as u8 } else { 0 };
        }
        self.rows.push(row);
    }

    pub(super) fn finish(&self, sample_rate: u32) -> Option<Cutoff> {
        let cell_hz = f64::from(sample_rate) / 2.0 / CELLS as f64;
        let place = edge(&self.loudest(), cell_hz)?;
        let edges: Vec<Option<usize>> = self.rows.iter().map(|row| edge(row, cell_hz)).collect();
        let agrees = |edge: &Option<usize>| edge.is_some_and(|cell| cell.abs_diff(place) <= SAME_CELLS);
        let agreeing: Vec<&[u8; CELLS]> =
            self.rows.iter().zip(&edges).filter(|(_, e)| agrees(e)).map(|(row, _)| row).collect();
        let votes = agreeing.len();
        if votes < VOTES_MIN || (votes as f64) < VOTES_SHARE_MIN * self.rows.len() as f64 {
            return None;
        }
        let profile = mean(&agreeing);
        let reach = Reach::at(place, cell_hz);
        let (below, above) = (level(&profile[reach.below(place)]), level(&profile[reach.beyond(place)]));
        let against: f64 = self
            .rows
            .iter()
            .zip(&edges)
            .filter(|(_, edge)| !agrees(edge))
            .map(|(row, edge)| match edge {
                Some(cell) if *cell > place => 1.0,
                Some(_) => LOWER_WEIGHT,
                // Sound beyond the edge speaks against it; a window without sound there says nothing.
                None => f64::from(u8::from(f64::from(level_of(row, &reach, place)) > above + ABOVE_DB)),
            })
            .sum();
        let agreed_share = votes as f64 / (votes as f64 + against);
        let (from, to) = ends(&profile, place, &reach, below, above);
        let (hz, stop_hz) = (from as f64 * cell_hz, to as f64 * cell_hz);
        if agreed_share < AGREED_MIN || stop_hz > OWN_EDGE_SHARE * f64::from(sample_rate) / 2.0 {
            return None;
        }
        let (origin, from_rate_hz) = origin(hz, stop_hz, sample_rate);
        let drop_db = below - above;
        let clear = ((drop_db - 20.0) / 20.0).clamp(0.0, 1.0);
        let many = (votes as f64 / 8.0).min(1.0);
        let confidence = agreed_share * clear * many;
        Some(Cutoff { hz, width_hz: stop_hz - hz, drop_db, agreed_share, confidence, origin, from_rate_hz })
    }

    /// Of each cell the loudest of nearly all windows.
    fn loudest(&self) -> [u8; CELLS] {
        let mut loudest = [0; CELLS];
        let mut levels = vec![0; self.rows.len()];
        for (cell, loudest) in loudest.iter_mut().enumerate() {
            levels.iter_mut().zip(&self.rows).for_each(|(level, row)| *level = row[cell]);
            *loudest = quantile(&mut levels, LOUD_SHARE);
        }
        loudest
    }
}

/// How far around an edge is looked: all in cells, in proportion to the frequency but never under what the cells resolve.
struct Reach {
    /// Left out on either side, for the edge itself.
    half_gap: usize,
    span: usize,
}

impl Reach {
    fn at(cell: usize, cell_hz: f64) -> Reach {
        let hz = cell as f64 * cell_hz;
        let cells = |hz: f64, least: f64, most: f64| (hz / cell_hz).round().clamp(least, most) as usize;
        Reach {
            half_gap: cells((0.015 * hz).min(250.0), 1.0, 8.0),
            span: cells((0.09 * hz).min(1500.0), 4.0, 24.0),
        }
    }

    fn below(&self, cell: usize) -> std::ops::Range<usize> {
        cell.saturating_sub(self.half_gap + self.span)..cell.saturating_sub(self.half_gap)
    }

    /// All that is well above it.
    fn beyond(&self, cell: usize) -> std::ops::Range<usize> {
        (cell + self.half_gap + self.span / 2).min(LAST_CELL - 2)..LAST_CELL
    }

    /// Near the edge.
    fn above(&self, cell: usize) -> std::ops::Range<usize> {
        let from = (cell + self.half_gap).min(LAST_CELL - 1);
        from..(from + self.span).min(LAST_CELL)
    }
}

/// Where the sharpest edge of a spectrum begins, if there is one: the lowest of the places around it that count as an edge. A filter may fall over some
/// cells, and where in it the fall is sharpest depends on the music; where it begins does not.
fn edge(row: &[u8; CELLS], cell_hz: f64) -> Option<usize> {
    let mut drops = [0i32; CELLS];
    // Levels of all that is above, so that nine tenths of it can be told as the edge moves down.
    let mut counts = [0u32; 256];
    let mut counted = LAST_CELL;
    for cell in (FIRST_CELL..LAST_CELL - 2).rev() {
        let reach = Reach::at(cell, cell_hz);
        let (below, above) = (reach.below(cell), reach.above(cell));
        while counted > above.start {
            counted -= 1;
            counts[row[counted] as usize] += 1;
        }
        let total = (LAST_CELL - counted) as u32;
        let step = i32::from(row[below.end - 1]) - i32::from(row[above.start]);
        if total < 3 || step < DROP_MIN_DB * 2 / 3 {
            continue;
        }
        // Broadband: four fifths of the cells below are that loud. Nothing above, but for a lone tone.
        let floor = i32::from(quantile(&mut row[below].to_vec(), 0.2));
        let near = i32::from(quantile(&mut row[above].to_vec(), 0.8));
        drops[cell] = floor - near.max(upper(&counts, total));
    }
    let best = (FIRST_CELL..LAST_CELL).max_by_key(|cell| (drops[*cell], *cell))?;
    if drops[best] < DROP_MIN_DB {
        return None;
    }
    let counts = |cell: &usize| drops[*cell] >= DROP_MIN_DB;
    (FIRST_CELL..=best).rev().take_while(|cell| counts(cell) || counts(&(cell - 1))).filter(counts).last()
}

/// The level that nine tenths of the counted are at or under.
fn upper(counts: &[u32; 256], total: u32) -> i32 {
    let mut left = total / 10;
    for (level, count) in counts.iter().enumerate().rev() {
        if *count > left {
            return level as i32;
        }
        left -= count;
    }
    0
}

fn quantile(levels: &mut [u8], share: f64) -> u8 {
    let index = ((levels.len().max(1) - 1) as f64 * share).round() as usize;
    if levels.is_empty() { 0 } else { *levels.select_nth_unstable(index).1 }
}

/// The middle level of a window well above an edge.
fn level_of(row: &[u8; CELLS], reach: &Reach, place: usize) -> u8 {
    quantile(&mut row[reach.beyond(place)].to_vec(), 0.5)
}

fn mean(rows: &[&[u8; CELLS]]) -> [f64; CELLS] {
    let mut profile = [0.0; CELLS];
    for row in rows {
        for (sum, level) in profile.iter_mut().zip(row.iter()) {
            *sum += f64::from(*level);
        }
    }
    profile.map(|sum| sum / rows.len().max(1) as f64)
}

fn level(cells: &[f64]) -> f64 {
    cells.iter().sum::<f64>() / cells.len().max(1) as f64
}

/// Where the fall begins and where it ends, as places on the grid of cells.
fn ends(profile: &[f64; CELLS], place: usize, reach: &Reach, below: f64, above: f64) -> (usize, usize) {
    let lowest = place.saturating_sub(reach.half_gap + reach.span / 2);
    let from = (lowest..LAST_CELL).find(|cell| profile[*cell] < below - 6.0).unwrap_or(place);
    let to = (from..LAST_CELL).find(|cell| profile[*cell] <= above + 6.0).unwrap_or(LAST_CELL);
    (from, to)
}

fn origin(hz: f64, stop_hz: f64, sample_rate: u32) -> (Origin, Option<u32>) {
    // A converter falls close to half its rate and is through there, within a cell or so; Opus at 48 kHz falls before.
    let converted = |rate: &&u32| {
        let half = f64::from(**rate) / 2.0;
        **rate < sample_rate && stop_hz <= 1.015 * half && stop_hz >= 0.965 * half && hz >= 0.925 * half
    };
    match RATES_HZ.iter().find(converted) {
        // 16 kHz is both half of 32 kHz and where coders of 128 kbit/s cut; the second is the usual one.
        Some(32_000) => (Origin::Lossy, None),
        Some(rate) => (Origin::Upsampled, Some(*rate)),
        None if LOSSY_HZ.contains(&hz) => (Origin::Lossy, None),
        None => (Origin::Unknown, None),
    }
}
