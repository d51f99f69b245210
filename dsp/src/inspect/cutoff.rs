//! Is the top of the spectrum cut off as by a wall? Lossy coders and converters of the sample rate leave an edge of a hundredth of an octave, at the
//! same place all the time; instruments, rooms and equalisers leave slopes that move with the music. Each window of the spectrum votes for an edge
//! where it has one: at least 20 dB within an eighth of an octave, with broadband sound below and nothing above. What most windows agree on is the
//! cut. Never here: what to do about it.

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
const SAME_CELLS: usize = 2;
/// What is so much over the level above the edge is sound that an edge would have taken away.
const ABOVE_DB: i32 = 12;
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
    /// 0 to 1: agreement, times how far the drop is beyond 15 dB (all of it from 35 dB), times the number of windows (all of it from 8).
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

/// The edge of one window: the first cell above it.
#[derive(Clone, Copy)]
struct Edge {
    cell: usize,
    drop_db: i32,
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
        let edges: Vec<Option<Edge>> = self.rows.iter().map(|row| edge(row, cell_hz)).collect();
        let place = most_voted(&edges)?;
        let agrees =
            |edge: &Option<Edge>| edge.is_some_and(|edge| edge.cell.abs_diff(place) <= SAME_CELLS);
        let agreeing: Vec<&[u8; CELLS]> =
            self.rows.iter().zip(&edges).filter(|(_, e)| agrees(e)).map(|(row, _)| row).collect();
        let profile = mean(&agreeing);
        let reach = Reach::at(place, cell_hz);
        let above = level(&profile[reach.above(place)]);
        let below = level(&profile[reach.below(place)]);
        // A window that says nothing, because its highs are too quiet, is not counted.
        let speaks_against = |(row, edge): &(&[u8; CELLS], &Option<Edge>)| match edge {
            Some(edge) => edge.cell.abs_diff(place) > SAME_CELLS,
            None => f64::from(quantile(&mut row[reach.above(place)].to_vec(), 0.5)) > above + f64::from(ABOVE_DB),
        };
        let against = self.rows.iter().zip(&edges).filter(speaks_against).count();
        let votes = agreeing.len();
        let agreed_share = votes as f64 / (votes + against) as f64;
        let few = votes < VOTES_MIN || (votes as f64) < VOTES_SHARE_MIN * self.rows.len() as f64;
        if few || agreed_share < AGREED_MIN {
            return None;
        }
        let (from, to) = ends(&profile, place, &reach, below, above);
        let (hz, stop_hz) = (from as f64 * cell_hz, to as f64 * cell_hz);
        if stop_hz > OWN_EDGE_SHARE * f64::from(sample_rate) / 2.0 {
            return None;
        }
        let (origin, from_rate_hz) = origin(hz, stop_hz, sample_rate);
        let drop_db = below - above;
        let clear = ((drop_db - 15.0) / 20.0).clamp(0.0, 1.0);
        let many = (votes as f64 / 8.0).min(1.0);
        let confidence = agreed_share * clear * many;
        Some(Cutoff { hz, width_hz: stop_hz - hz, drop_db, agreed_share, confidence, origin, from_rate_hz })
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
        Reach { half_gap: cells((0.015 * hz).min(250.0), 1.0, 8.0), span: cells((0.09 * hz).min(1500.0), 4.0, 24.0) }
    }

    fn below(&self, cell: usize) -> std::ops::Range<usize> {
        cell.saturating_sub(self.half_gap + self.span)..cell.saturating_sub(self.half_gap)
    }

    /// Near the edge.
    fn above(&self, cell: usize) -> std::ops::Range<usize> {
        let from = (cell + self.half_gap).min(LAST_CELL - 1);
        from..(from + self.span).min(LAST_CELL)
    }
}

/// The sharpest edge of a window that counts as one.
fn edge(row: &[u8; CELLS], cell_hz: f64) -> Option<Edge> {
    let mut best: Option<Edge> = None;
    // Levels of all that is above, so that nine tenths of it can be told as the edge moves down.
    let mut counts = [0u32; 256];
    let mut counted = LAST_CELL;
    let mut total = 0;
    for cell in (FIRST_CELL..LAST_CELL - 2).rev() {
        let reach = Reach::at(cell, cell_hz);
        let (below, above) = (reach.below(cell), reach.above(cell));
        while counted > above.start {
            counted -= 1;
            counts[row[counted] as usize] += 1;
            total += 1;
        }
        let step = i32::from(row[below.end - 1]) - i32::from(row[above.start]);
        if total < 3 || step < DROP_MIN_DB * 2 / 3 {
            continue;
        }
        // Broadband: four fifths of the cells below are that loud. Nothing above, but for a lone tone.
        let floor = i32::from(quantile(&mut row[below].to_vec(), 0.2));
        let near = i32::from(quantile(&mut row[above].to_vec(), 0.8));
        let drop_db = floor - near.max(upper(&counts, total));
        if drop_db >= DROP_MIN_DB && best.is_none_or(|best| drop_db > best.drop_db) {
            best = Some(Edge { cell, drop_db });
        }
    }
    best
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

/// The cell with the most votes in it and its neighbours; of equals the highest.
fn most_voted(edges: &[Option<Edge>]) -> Option<usize> {
    let mut votes = [0usize; CELLS];
    edges.iter().flatten().for_each(|edge| votes[edge.cell] += 1);
    let around = |cell: usize| votes[cell - SAME_CELLS..=cell + SAME_CELLS].iter().sum::<usize>();
    let best = (FIRST_CELL..LAST_CELL).max_by_key(|cell| (around(*cell), votes[*cell], *cell))?;
    (around(best) > 0).then_some(best)
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
    let highest = (place + reach.half_gap + reach.span / 2).min(LAST_CELL);
    let from = (lowest..highest).find(|cell| profile[*cell] < below - 6.0).unwrap_or(place);
    let to = (from..highest).find(|cell| profile[*cell] <= above + 6.0).unwrap_or(highest);
    (from, to)
}

fn origin(hz: f64, stop_hz: f64, sample_rate: u32) -> (Origin, Option<u32>) {
    // A converter falls from nine tenths of half its rate, or later, to half its rate; a cell of tolerance.
    let converted = |rate: &&u32| {
        let half = f64::from(**rate) / 2.0;
        **rate < sample_rate && stop_hz <= 1.015 * half && stop_hz >= 0.965 * half && hz >= 0.85 * half
    };
    match RATES_HZ.iter().find(converted) {
        // 16 kHz is both half of 32 kHz and where coders of 128 kbit/s cut; the second is the usual one.
        Some(32_000) => (Origin::Lossy, None),
        Some(rate) => (Origin::Upsampled, Some(*rate)),
        None if LOSSY_HZ.contains(&hz) => (Origin::Lossy, None),
        None => (Origin::Unknown, None),
    }
}
