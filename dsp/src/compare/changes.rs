//! What changed: ranges of time and frequency with their figures. Three figures are kept apart: how much the level of B differs there (`change_db`), how much
//! the part that changed was itself turned (`part_db`, from how the rest hangs together with A, or from a stem), and how much is left (`residual_db`).
//! Never here: how it is said.

use serde::{Deserialize, Serialize};

use super::{
    ground::{Cell, Ground},
    mask::{Mask, Range},
};
use crate::math;

/// Throughout the song a band must differ by this much to be told.
const LEAST_TILT_DB: f64 = 0.1;
/// Bands whose levels differ by less are told as one.
const SAME_TILT_DB: f64 = 0.35;
/// Above this share of the rest being A itself, the level of the whole was changed; under it, of a part.
const WHOLE: f64 = 0.75;
/// A product this many times its own noise is no chance.
const SURE: f64 = 5.0;
/// A change must leave this much, against A in its place, to be told: it cannot be heard otherwise.
const LEAST_REST_DB: f64 = -66.0;
const MOST_DB: f64 = 120.0;
/// Where much is left everywhere, a change must leave this much against A in its place.
const ROUGH_REST_DB: f64 = -14.0;
/// A coder makes other sound of noise by itself, and more of it where little sounds: new sound must stand above this, in bands not far under the mix.
const ROUGH_NEW_DB: f64 = -10.0;
const ROUGH_UNDER_MIX: f64 = 1e-3;
/// A part's figure is told where this much of the rest hangs together with A (squared coherence).
const COHERENT: f64 = 0.04;
/// New sound this far under what stands beside it is not heard: a window's leak, a coder's noise.
const LEAST_NEW_DB: f64 = -45.0;
/// What is shorter than this and further under the music is no change of its own.
const FLICKER_S: f64 = 0.25;
const FLICKER_DB: f64 = -26.0;
/// A level that moved by less is none.
const LEAST_LEVEL_DB: f64 = 0.05;
/// A singer's pause, and a band's.
const SAME_PART_S: f64 = 8.0;
/// Of more finds than this the smallest are not looked at.
const MOST_FINDS: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Everything in the band was turned: a fader or an equaliser.
    Level,
    /// A part of the mix was turned up or down.
    Part,
    /// A part of the mix is gone.
    Removed,
    /// There is sound that was not there, and nothing went for it.
    New,
    /// Something went and something else came.
    Replaced,
    /// Peaks are held down: a limiter or a compressor.
    Limited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Centre,
    Sides,
    /// In both, or not to be told apart.
    Everywhere,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Seconds of A.
    pub start_s: f64,
    pub end_s: f64,
    pub low_hz: f64,
    pub high_hz: f64,
    /// Level of B against A, after the match, in these bands and this time.
    pub change_db: f64,
    /// By how much the part that changed was turned; of a stem, by least squares, else estimated from the two mixes alone. `None` where it is no part
    /// that was turned.
    pub part_db: Option<f64>,
    /// What is left when A is taken from B, against A, there.
    pub residual_db: f64,
    pub kind: ChangeKind,
    pub place: Place,
    pub whole_song: bool,
    /// The stem that `part_db` is of.
    pub stem: Option<String>,
    /// Part of what is left there that this change explains, 0 to 1 (1 unless a stem was fitted).
    pub explained: f64,
    pub words: String,
}

/// Sums over a range.
#[derive(Clone, Debug, Default)]
struct Sums {
    planes: [Cell; 2],
    /// What a filter of its own for every band would explain of the rest.
    filtered: f64,
    bins: f64,
}

impl Sums {
    fn all(&self) -> Cell {
        let mut all = self.planes[0];
        all.add(self.planes[1]);
        all
    }
}

fn sums(
    ground: &Ground<'_>,
    cells: impl Iterator<Item = usize> + Clone,
    bands: std::ops::RangeInclusive<usize>,
) -> Sums {
    let mut sums = Sums::default();
    for plane in 0..ground.sheet.planes {
        for band in bands.clone() {
            let mut cell = Cell::default();
            let mut count = 0.0;
            for t in cells.clone() {
                cell.add(ground.cell(t, plane, band));
                count += 1.0;
            }
            sums.filtered += cell.explained() * cell.q;
            sums.bins += ground.sheet.bins[band] * count * ground.sheet.windows as f64;
            sums.planes[plane].add(cell);
        }
    }
    sums
}

pub(super) fn local(ground: &Ground<'_>, mask: &Mask) -> Vec<Change> {
    let sheet = ground.sheet;
    let strength = |band: usize, from: usize, until: usize| -> (f64, i8) {
        let mut sum = Cell::default();
        for (t, p) in (from..until).flat_map(|t| (0..sheet.planes).map(move |p| (t, p))) {
            sum.add(ground.cell(t, p, band));
        }
        // Louder, softer, or neither: what the rest is of A.
        let way = if sum.re > 0.5 * sum.q { 1 } else { -i8::from(sum.re < -0.5 * sum.q) };
        (sum.q, way)
    };
    let ranges = mask.ranges(sheet.step_s, strength);
    let found = ranges.into_iter().filter_map(|range| Some((range, change(ground, mask, range)?)));
    let moved = |c: &Change| c.kind != ChangeKind::Level || c.change_db.abs() > LEAST_LEVEL_DB;
    let told = |c: &Change| moved(c) && (!ground.rough || certain(ground, c));
    let found: Vec<(Range, Change)> = found.filter(|(_, c)| told(c)).collect();
    merged(ground, mask, found)
}

/// Where much is left everywhere, only what is wide, lasts and is strong is no chance.
fn certain(ground: &Ground<'_>, change: &Change) -> bool {
    let wide = change.high_hz / change.low_hz.max(1.0);
    let lasts = change.end_s - change.start_s - ground.sheet.step_s;
    match change.kind {
        ChangeKind::Level => change.change_db.abs() > 0.25 && wide > 1.9 && lasts > 0.4,
        _ => {
            let alien = matches!(change.kind, ChangeKind::New | ChangeKind::Replaced);
            let least = if alien { ROUGH_NEW_DB } else { ROUGH_REST_DB };
            change.residual_db > least && wide > 2.4 && lasts > 0.2 && stands(ground, change)
        }
    }
}

/// Whether the bands of a change are not far under the mix, at its time.
fn stands(ground: &Ground<'_>, change: &Change) -> bool {
    let sheet = ground.sheet;
    let (mut own, mut mix) = (0.0, 0.0);
    for (t, time) in sheet.times.iter().enumerate() {
        if *time < change.start_s || *time > change.end_s {
            continue;
        }
        for (band, (low, high)) in sheet.bands.iter().enumerate() {
            let energy: f64 = (0..sheet.planes).map(|p| ground.raw(t, p, band).e).sum();
            mix += energy;
            own += if *low >= change.low_hz && *high <= change.high_hz { energy } else { 0.0 };
        }
    }
    own > ROUGH_UNDER_MIX * mix
}

/// Finds that are one change in several phrases or bands are told as one.
fn merged(ground: &Ground<'_>, mask: &Mask, mut found: Vec<(Range, Change)>) -> Vec<Change> {
    found.truncate(MOST_FINDS);
    let mut at = 0;
    while at < found.len() {
        let mut joined = false;
        let mut other = at + 1;
        while other < found.len() {
            let (x, y) = (&found[at], &found[other]);
            if small_beside(&x.1, &y.1) {
                found.remove(other);
                continue;
            }
            if alike(&x.1, &y.1) {
                let range = Range {
                    from: x.0.from.min(y.0.from),
                    until: x.0.until.max(y.0.until),
                    low: x.0.low.min(y.0.low),
                    high: x.0.high.max(y.0.high),
                };
                let whole = change(ground, mask, range).filter(|c| c.kind == x.1.kind || of_a_part(c.kind));
                if let Some(whole) = whole {
                    found[at] = (range, whole);
                    found.remove(other);
                    joined = true;
                    continue;
                }
            }
            other += 1;
        }
        if !joined {
            at += 1;
        }
    }
    let song_s = ground.sheet.times.last().copied().unwrap_or(0.0);
    let changes = found.into_iter().map(|(_, change)| change);
    changes
        .map(|c| Change { whole_song: c.end_s - c.start_s > 0.85 * song_s && song_s > 10.0, ..c })
        .collect()
}

fn of_a_part(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Part | ChangeKind::Removed | ChangeKind::Replaced)
}

/// Seconds between two changes; under zero where they overlap.
pub(super) fn gap_s(x: &Change, y: &Change) -> f64 {
    x.start_s.max(y.start_s) - x.end_s.min(y.end_s)
}

/// Next to nothing beside a change that stands at the same time: its edges.
fn small_beside(x: &Change, y: &Change) -> bool {
    let weight = |c: &Change| c.residual_db + 10.0 * math::log10(c.end_s - c.start_s);
    let same_part = x.kind == ChangeKind::Part && y.kind == ChangeKind::Part && x.place == y.place;
    let gap = if same_part { 3.0 } else { 0.5 };
    gap_s(x, y) < gap
        && weight(y) < weight(x) - 13.0
        && y.low_hz < 2.0 * x.high_hz
        && 2.0 * y.high_hz > x.low_hz
}

/// Whether two finds are one change: the same kind, about the same figure, close in time.
fn alike(x: &Change, y: &Change) -> bool {
    use ChangeKind::{Level, New, Part, Removed, Replaced};
    let close = |a: f64, b: f64, least: f64| (a - b).abs() <= least.max(0.25 * a.abs().max(b.abs()));
    let touching = x.low_hz < 1.7 * y.high_hz && y.low_hz < 1.7 * x.high_hz;
    let gap = gap_s(x, y);
    match (x.kind, y.kind, x.part_db, y.part_db) {
        (Part, Part, Some(a), Some(b)) => gap < SAME_PART_S && close(a, b, 0.15),
        (Part, Level, Some(part), _) => {
            gap < SAME_PART_S && x.place == y.place && (0.5..1.15).contains(&(y.change_db / part))
        }
        (Level, Part, _, Some(part)) => {
            gap < SAME_PART_S && x.place == y.place && (0.5..1.15).contains(&(x.change_db / part))
        }
        (Level, Level, ..) => gap < 1.0 && touching && close(x.change_db, y.change_db, 0.3),
        (Removed | Replaced, Removed | Replaced, ..) => gap < SAME_PART_S && x.place == y.place,
        (Removed | Replaced, Part, _, Some(part)) => gap < SAME_PART_S && x.place == y.place && part < -6.0,
        (Removed, Level, ..) => gap < 0.5 && x.place == y.place && y.change_db < -2.0,
        (New | Replaced, New | Replaced, ..) => gap < 1.0 && touching,
        _ => false,
    }
}

fn change(ground: &Ground<'_>, mask: &Mask, range: Range) -> Option<Change> {
    let sheet = ground.sheet;
    let active = |t: &usize| (range.low..=range.high).any(|b| mask.get(*t, b));
    let cells: Vec<usize> = (range.from..range.until).filter(active).collect();
    let range = narrowed(ground, &cells, range);
    let sums = sums(ground, cells.iter().copied(), range.low..=range.high);
    let all = sums.all();
    let residual_db = 10.0 * math::log10(all.q / all.e.max(1e-30));
    if all.q <= 0.0 || residual_db < LEAST_REST_DB {
        return None;
    }
    // Where B is A after the match alone, it is what holds elsewhere that pauses here: no change of its own.
    let mut plain = Cell::default();
    for (t, plane) in cells.iter().flat_map(|t| (0..sheet.planes).map(move |p| (*t, p))) {
        (range.low..=range.high).for_each(|b| plain.add(ground.raw(t, plane, b)));
    }
    if plain.q < 0.3 * all.q {
        return None;
    }
    let (kind, part_db) = kind(&sums);
    let part_db = part_db.and_then(|p| figure(ground, &cells, range.low..=range.high, p));
    let vague = kind == ChangeKind::New || (kind == ChangeKind::Part && part_db.is_none());
    if vague && residual_db < LEAST_NEW_DB {
        return None;
    }
    // A flicker far under the music is what a larger change leaves in its neighbours: nobody put it there.
    let lasts_s = cells.len() as f64 * sheet.step_s;
    if matches!(kind, ChangeKind::New | ChangeKind::Part) && lasts_s < FLICKER_S && residual_db < FLICKER_DB {
        return None;
    }
    let change_db = match kind {
        ChangeKind::Level => typical_db(ground, &cells, range),
        _ => 10.0 * math::log10(all.power_ratio()),
    };
    // A cell stands for the time around its middle; its outer halves overlap with those beside it.
    let half = 0.5 * sheet.step_s;
    Some(Change {
        start_s: (sheet.times[cells[0]] - half).max(0.0),
        end_s: sheet.times[cells[cells.len() - 1]] + half,
        low_hz: sheet.bands[range.low].0,
        high_hz: sheet.bands[range.high].1,
        change_db: change_db.clamp(-MOST_DB, MOST_DB),
        part_db,
        residual_db: residual_db.min(MOST_DB),
        kind,
        place: place(&sums, sheet.planes),
        whole_song: false,
        stem: None,
        explained: 1.0,
        words: String::new(),
    })
}

/// What the rest is: A itself, a part of it, or something else.
fn kind(sums: &Sums) -> (ChangeKind, Option<f64>) {
    let all = sums.all();
    if sums.filtered > WHOLE * all.q && all.e > 0.0 {
        let gone = all.power_ratio() < 1e-3;
        return (if gone { ChangeKind::Removed } else { ChangeKind::Level }, None);
    }
    // Were the rest chance, its product with A would be about the root of both energies over the number of independent values.
    let noise = (all.e * all.q / (2.0 * sums.bins).max(1.0)).sqrt();
    if all.re.abs() < SURE * noise {
        return (ChangeKind::New, None);
    }
    // The rest is (g - 1) V with V a part of A that the others know nothing of: <rest, rest> / <A, rest> = g - 1.
    let turned = 1.0 + all.q / all.re;
    match turned {
        g if g > 4.0 => (ChangeKind::New, None),
        g if g > 0.1 => (ChangeKind::Part, Some(math::decibels(g))),
        g if g > -0.6 => (ChangeKind::Removed, None),
        _ => (ChangeKind::Replaced, None),
    }
}

/// By how much a part was turned, from the bands in which it stands out most: there the others blur it least. `None` where the rest hangs too little
/// together with A. `all_db`: from all bands.
fn figure(
    ground: &Ground<'_>,
    cells: &[usize],
    bands: std::ops::RangeInclusive<usize>,
    all_db: f64,
) -> Option<f64> {
    let each: Vec<Cell> = bands.map(|b| sums(ground, cells.iter().copied(), b..=b).all()).collect();
    let most = each.iter().map(Cell::explained).fold(0.0, f64::max);
    let left: f64 = each.iter().map(|c| c.q).sum();
    let mut clear = Cell::default();
    each.iter().filter(|c| c.explained() >= 0.5 * most).for_each(|c| clear.add(*c));
    if clear.explained() < COHERENT {
        return None;
    }
    if clear.q < 0.2 * left {
        return Some(all_db);
    }
    let turned = 1.0 + clear.q / clear.re;
    // Both ways to look at it must agree on the sense.
    let db = (turned > 0.0).then(|| math::decibels(turned))?;
    (db * all_db > 0.0).then_some(db)
}

fn place(sums: &Sums, planes: usize) -> Place {
    let (middle, sides) = (sums.planes[0].q, sums.planes[1].q);
    match planes {
        2 if sides < 0.05 * middle => Place::Centre,
        2 if middle < 0.25 * sides => Place::Sides,
        _ => Place::Everywhere,
    }
}

/// The bands that matter of a range: those that hold nearly all of what is left; where the whole level was changed, those that moved by at least half of
/// what the band moved that moved most.
fn narrowed(ground: &Ground<'_>, cells: &[usize], range: Range) -> Range {
    let bands: Vec<Sums> =
        (range.low..=range.high).map(|b| sums(ground, cells.iter().copied(), b..=b)).collect();
    let left: f64 = bands.iter().map(|s| s.all().q).sum();
    let filtered: f64 = bands.iter().map(|s| s.filtered).sum();
    let db = |s: &Sums| (10.0 * math::log10(s.all().power_ratio().max(1e-12))).abs();
    let worth = |s: &Sums| if filtered > WHOLE * left { db(s) } else { relative(&s.all()) };
    let loudest = bands.iter().map(|s| s.all().e).fold(0.0, f64::max);
    let heard = |s: &Sums| s.all().e > 1e-6 * loudest || s.all().q > 1e-3 * left;
    let most = bands.iter().filter(|s| heard(s)).map(&worth).fold(0.0, f64::max);
    let share = if filtered > WHOLE * left { 0.5 } else { 0.04 };
    let counts = |s: &&Sums| heard(s) && worth(s) >= share * most;
    let first = bands.iter().position(|s| counts(&s)).unwrap_or(0);
    let last = bands.iter().rposition(|s| counts(&s)).unwrap_or(bands.len() - 1);
    Range { low: range.low + first, high: range.low + last, ..range }
}

fn relative(cell: &Cell) -> f64 {
    // Between the share of the band and the energy itself: what is heard is a bit of both.
    if cell.e > 0.0 { (cell.q / cell.e).min(1.0) } else { 1.0 }
}

/// The level change that most of the bands' energy shares.
fn typical_db(ground: &Ground<'_>, cells: &[usize], range: Range) -> f64 {
    let bands: Vec<(f64, f64)> = (range.low..=range.high)
        .map(|b| {
            let cell = sums(ground, cells.iter().copied(), b..=b).all();
            (10.0 * math::log10(cell.power_ratio().max(1e-12)), 1.0)
        })
        .collect();
    let up = bands.iter().map(|b| b.0).sum::<f64>() >= 0.0;
    // Towards the summit: a bell is named by its height.
    super::ground::quantile(bands, if up { 0.9 } else { 0.1 })
}

/// What holds for the whole song: tilts and shelves, and parts that were turned throughout.
pub(super) fn throughout(ground: &Ground<'_>, mask: &Mask) -> Vec<Change> {
    let sheet = ground.sheet;
    let quiet = |bands: std::ops::RangeInclusive<usize>| {
        (0..sheet.times.len()).filter(move |t| !bands.clone().any(|b| mask.get(*t, b)))
    };
    let mut found: Vec<(Change, f64)> = Vec::new();
    for band in 0..sheet.bands.len() {
        let mut cell = Cell::default();
        let mut filter = false;
        for plane in 0..sheet.planes {
            filter |= ground.band(plane, band).h != (0.0, 0.0);
            (0..sheet.times.len()).for_each(|t| cell.add(ground.raw(t, plane, band)));
        }
        let db = 10.0 * math::log10(cell.power_ratio().max(1e-12));
        let coders = ground.rough && sheet.bands[band].0 > 12_000.0;
        if !filter || coders || db.abs() < LEAST_TILT_DB || cell.e <= 0.0 {
            continue;
        }
        match found.last_mut() {
            Some((last, at)) if last.high_hz == sheet.bands[band].0 && (db - *at).abs() < SAME_TILT_DB => {
                last.high_hz = sheet.bands[band].1;
                *at = db;
                if db.abs() > last.change_db.abs() {
                    last.change_db = db;
                }
            }
            _ => found.push((tilt(ground, band, db, &cell), db)),
        }
    }
    let mut changes: Vec<Change> = found.into_iter().map(|(change, _)| change).collect();
    changes.extend(turned_throughout(ground, quiet));
    changes
}

fn tilt(ground: &Ground<'_>, band: usize, db: f64, cell: &Cell) -> Change {
    let sheet = ground.sheet;
    Change {
        start_s: 0.0,
        end_s: sheet.times.last().copied().unwrap_or(0.0) + 0.5 * sheet.step_s,
        low_hz: sheet.bands[band].0,
        high_hz: sheet.bands[band].1,
        change_db: db.clamp(-MOST_DB, MOST_DB),
        part_db: None,
        residual_db: 10.0 * math::log10(cell.q / cell.e),
        kind: ChangeKind::Level,
        place: Place::Everywhere,
        whole_song: true,
        stem: None,
        explained: 1.0,
        words: String::new(),
    }
}

/// A part that was turned through the whole song, so that no range stands out: the rest hangs together with A in some bands, moment by moment.
fn turned_throughout<I: Iterator<Item = usize> + Clone>(
    ground: &Ground<'_>,
    quiet: impl Fn(std::ops::RangeInclusive<usize>) -> I,
) -> Option<Change> {
    let sheet = ground.sheet;
    let tells = |band: usize| -> bool {
        let sums = sums(ground, quiet(band..=band), band..=band);
        let all = sums.all();
        let noise = (all.e * all.q / (2.0 * sums.bins).max(1.0)).sqrt();
        let filtered = (0..sheet.planes).any(|p| ground.band(p, band).h != (0.0, 0.0));
        !ground.rough
            && !filtered
            && all.q > all.e * math::pow(10.0, 0.1 * LEAST_REST_DB)
            && all.re.abs() > 2.0 * SURE * noise
            && matches!(kind(&sums), (ChangeKind::Part | ChangeKind::Removed, _))
    };
    let told: Vec<bool> = (0..sheet.bands.len()).map(tells).collect();
    // The longest row of such bands, one silent band between them allowed.
    let mut best: Option<(usize, usize)> = None;
    let mut open: Option<(usize, usize)> = None;
    for band in (0..told.len()).filter(|b| told[*b]) {
        open = match open {
            Some((low, high)) if band <= high + 2 => Some((low, band)),
            _ => Some((band, band)),
        };
        let length = |r: Option<(usize, usize)>| r.map_or(0, |(l, h)| h - l + 1);
        if length(open) > length(best) {
            best = open;
        }
    }
    let (low, high) = best.filter(|(low, high)| *high > low + 1)?;
    let cells: Vec<usize> = quiet(low..=high).collect();
    let sums = sums(ground, cells.iter().copied(), low..=high);
    let (kind, part_db) = kind(&sums);
    let all = sums.all();
    let db = 10.0 * math::log10(all.power_ratio());
    let part_db = part_db.and_then(|p| figure(ground, &cells, low..=high, p));
    let told = matches!(kind, ChangeKind::Part | ChangeKind::Removed);
    // What is left beside ranges that were found is their edges.
    let mut every = Cell::default();
    for (t, plane) in (0..sheet.times.len()).flat_map(|t| (0..sheet.planes).map(move |p| (t, p))) {
        (low..=high).for_each(|b| every.add(ground.cell(t, plane, b)));
    }
    let figured = kind != ChangeKind::Part || part_db.is_some_and(|p| p.abs() >= LEAST_TILT_DB);
    if !told || !figured || all.q < 0.1 * every.q {
        return None;
    }
    let base = tilt(ground, low, db, &all);
    Some(Change { high_hz: sheet.bands[high].1, part_db, kind, place: place(&sums, sheet.planes), ..base })
}

/// A limiter or a compressor: moments in which all of B is lower, and they are the loud ones. Their cells stand out no more afterwards.
pub(super) fn limiting(ground: &Ground<'_>, mask: &mut Mask) -> Option<Change> {
    let sheet = ground.sheet;
    let cells = sheet.times.len();
    let gain = ground.gain.abs();
    let mut held: Vec<(usize, f64)> = Vec::new();
    let mut others = (0.0, 0.0);
    let mut all_held = Cell::default();
    for t in 0..cells {
        let sums = sums(ground, std::iter::once(t), 0..=sheet.bands.len() - 1);
        let all = sums.all();
        let [a, b] = sheet.peaks[t].map(f64::from);
        if all.e < 1e-10 || a <= 0.0 {
            continue;
        }
        let peak_db = math::decibels(b / (gain * a));
        let level_db = 10.0 * math::log10(all.power_ratio().max(1e-12));
        if all.explained() > 0.85 && level_db < -0.05 {
            held.push((t, peak_db.min(level_db)));
            others.1 += math::decibels(a);
            all_held.add(all);
        } else {
            others.0 += math::decibels(a);
        }
    }
    let count = held.len();
    if count < 4 || (count as f64) < 0.01 * cells as f64 || count == cells {
        return None;
    }
    let louder_db = others.1 / count as f64 - others.0 / (cells - count) as f64;
    let runs = held.windows(2).filter(|w| w[1].0 > w[0].0 + 1).count() + 1;
    if louder_db < 1.5 || runs < 3 {
        return None;
    }
    let most_db = held.iter().map(|h| h.1).fold(0.0, f64::min);
    if most_db > -0.3 {
        return None;
    }
    // It takes hold before and lets go after.
    let around = (0.5 / sheet.step_s) as usize + 1;
    for (t, _) in &held {
        (t.saturating_sub(around)..(t + around).min(cells)).for_each(|t| mask.clear_cell(t));
    }
    let whole = tilt(ground, 0, most_db, &all_held);
    Some(Change {
        start_s: (sheet.times[held[0].0] - 0.5 * sheet.step_s).max(0.0),
        end_s: sheet.times[held[count - 1].0] + 0.5 * sheet.step_s,
        high_hz: sheet.bands[sheet.bands.len() - 1].1,
        kind: ChangeKind::Limited,
        ..whole
    })
}
