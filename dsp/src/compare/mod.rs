//! Two files side by side: where one stands in the other, what was cut in or out, how much louder it is, what is left when one is taken from the other,
//! and what changed, by band and time, in words. Streaming: files are read from front to back, several times. Never here: the studio, notes, verdicts
//! on quality.

mod absorbed;
pub mod align;
mod changes;
mod coarse;
mod correlate;
pub mod derive;
mod edits;
mod follow;
mod gain;
mod ground;
mod lines;
mod mask;
mod residual;
mod retime;
mod score;
mod sheet;
mod stems;
pub mod time_map;
mod track;
pub mod words;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use align::{Alignment, FileFacts, Pair, Relation, align};
pub use changes::{Change, ChangeKind, Place};
pub use edits::Edit;
pub use residual::Residual;
pub use score::{Hint, NoteScore, score};
pub use time_map::{Piece, TimeMap};

use crate::{DspError, Flow, math};
use ground::Ground;
use mask::Mask;
use sheet::{Sheet, Side, sheet};
use stems::Solved;
use track::still;

/// At most so many changes are told; the largest.
const MOST_CHANGES: usize = 8;
/// What is left under this level, dBFS, and does not follow the music is noise of a word length.
const NOISE_DBFS: f64 = -78.0;
/// Where a limiter works, bands differ by about this without any equaliser.
const LIMITED_DB: f64 = 0.6;
const CONVERTED_DB: f64 = -45.0;
/// Under this, against the music, nothing is left that a converter would keep.
const MATCHED_DB: f64 = -90.0;

/// What two files are to each other, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sameness {
    /// Every sample is the same and stands in the same place.
    Identical,
    /// The same but for level, polarity, place in time or sample rate.
    Matched,
    /// The same but for noise, such as dither.
    Noise,
    /// The same through a lossy coder.
    Lossy,
    Changed,
    /// Neither has any sound.
    Silent,
    Unrelated,
}

/// B against A. What has no meaning where the files have nothing in common is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub a: FileFacts,
    pub b: FileFacts,
    pub same: Sameness,
    /// Why nothing is compared.
    pub why: Option<String>,
    /// Hz at which they were laid side by side: the lower of both.
    pub rate: Option<u32>,
    /// Level of B against A, dB.
    pub gain_db: Option<f64>,
    /// Where A's frame 0 stands in B, in frames at `rate`; positive: B has something in front.
    pub offset_frames: Option<f64>,
    pub offset_s: Option<f64>,
    /// 1, or -1 where B is turned over.
    pub polarity: Option<i8>,
    pub drift_ppm: Option<f64>,
    pub confidence: f64,
    /// What is left of B after the matched A is taken away, against A, over all that runs side by side; `None` is minus infinity: nothing.
    pub residual_db: Option<f64>,
    /// The same against full scale.
    pub residual_dbfs: Option<f64>,
    /// The same by time and band, for drawing. `None` where nothing is compared, and in what was told before there was this.
    #[serde(default)]
    pub residual: Option<Residual>,
    pub edits: Vec<Edit>,
    /// Whole-song changes first, the others in order of time.
    pub changes: Vec<Change>,
    /// Changes found that are smaller than those told.
    pub untold: usize,
    pub time_map: TimeMap,
    pub words: Vec<String>,
}

/// Compares file `b` with file `a`. `stems`: names and files of parts of A (the a cappella, say); changes are then solved for as gain on them.
/// `progress` is asked at every block, from 0 to 1.
///
/// Errors: those of `Source`, `NotAudio` for a file without a frame, `Invalid` for a stem that is not found in A, `Stopped`.
pub fn compare(
    a: &Path,
    b: &Path,
    stems: &[(String, PathBuf)],
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<Comparison, DspError> {
    let pair = align(a, b, &mut |f| progress(0.5 * f))?;
    let Some(alignment) = pair.alignment().cloned() else { return Ok(apart(pair)) };
    let files = edits::Files { a, b, a_s: pair.a.seconds(), b_s: pair.b.seconds() };
    let (mut time_map, edits) = edits::joints(&files, &alignment)?;
    let mut placed = Vec::new();
    for (name, path) in stems {
        placed.push((path.as_path(), stem_offset(a, name, path, alignment.rate, progress)?));
    }
    let near_one = alignment.gain_db.abs() < 0.02;
    let first = if near_one { 1.0 } else { math::linear(alignment.gain_db) };
    let gain = if alignment.inverted { -first } else { first };
    let converted = pair.a.sample_rate != pair.b.sample_rate;
    let rate = alignment.rate;
    let first = gain;
    let side = Side { a, b, rate, map: &time_map, gain, converted, stems: &placed, moves: &[] };
    let mut read = sheet(&side, &mut |f| progress(0.5 + 0.2 * f))?;
    let between = read.limited && edits.is_empty();
    if let Some(better) = between.then(|| retime::retimed(&read, &time_map)).flatten() {
        let side = Side { map: &better, ..side };
        let again = sheet(&side, &mut |f| progress(0.7 + 0.1 * f))?;
        if again.banded().rest < read.banded().rest {
            (read, time_map) = (again, better);
        }
    }
    let gain = gain::matched_gain(&read);
    let names: Vec<String> = stems.iter().map(|(name, _)| name.clone()).collect();
    let solved = stems::solved(&read, gain, &names, pair.a.seconds());
    // Read once more without what the stems explain: bands are looked at in that.
    let without = if solved.moves.is_empty() {
        None
    } else {
        let map = &time_map;
        let side = Side { a, b, rate, map, gain: first, converted, stems: &placed, moves: &solved.moves };
        Some(sheet(&side, &mut |f| progress(0.8 + 0.19 * f))?)
    };
    let (sheet, without) = (&read, without.as_ref().unwrap_or(&read));
    let found = Found { pair: &pair, alignment: &alignment, sheet, without, gain, solved };
    let comparison = found.told(time_map, edits);
    still(progress, 1.0)?;
    Ok(comparison)
}

fn stem_offset(
    a: &Path,
    name: &str,
    stem: &Path,
    rate: u32,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<f64, DspError> {
    let pair = align(a, stem, &mut |_| progress(0.5))?;
    let Some(found) = pair.alignment() else {
        return Err(DspError::Invalid(format!(
            "{name} ({}) is no part of the first file: nothing of it was found there; give stems of the version that is compared with",
            stem.display()
        )));
    };
    let frames = found.offset_frames * f64::from(rate) / f64::from(found.rate);
    Ok(if (frames - frames.round()).abs() < 1e-3 { frames.round() } else { frames })
}

/// Two files of which nothing runs side by side.
fn apart(pair: Pair) -> Comparison {
    let (same, why) = match pair.relation {
        Relation::Silent => (Sameness::Silent, None),
        Relation::Unrelated { why } => (Sameness::Unrelated, Some(why)),
        Relation::Aligned(_) => (Sameness::Unrelated, None),
    };
    let time_map = match same {
        Sameness::Silent => TimeMap::shifted(0.0, pair.a.seconds(), pair.b.seconds()),
        _ => TimeMap::default(),
    };
    let mut comparison = Comparison {
        a: pair.a,
        b: pair.b,
        same,
        why,
        rate: None,
        gain_db: None,
        offset_frames: None,
        offset_s: None,
        polarity: None,
        drift_ppm: None,
        confidence: 0.0,
        residual_db: None,
        residual_dbfs: None,
        residual: None,
        edits: Vec::new(),
        changes: Vec::new(),
        untold: 0,
        time_map,
        words: Vec::new(),
    };
    comparison.words = words::all(&comparison);
    comparison
}

/// All that was measured.
struct Found<'a> {
    pair: &'a Pair,
    alignment: &'a Alignment,
    sheet: &'a Sheet,
    /// The same without what the stems explain.
    without: &'a Sheet,
    /// With B's sign.
    gain: f64,
    solved: Solved,
}

impl Found<'_> {
    fn told(&self, time_map: TimeMap, edits: Vec<Edit>) -> Comparison {
        let (residual_db, residual_dbfs) = self.residual();
        let (mut changes, untold) = self.changes(residual_db.is_none());
        let same = self.same(residual_db, residual_dbfs, &changes, &edits);
        if matches!(same, Sameness::Noise | Sameness::Identical | Sameness::Matched) {
            changes.clear();
        }
        let inverted = self.gain < 0.0;
        let mut comparison = Comparison {
            a: self.pair.a.clone(),
            b: self.pair.b.clone(),
            same,
            why: None,
            rate: Some(self.alignment.rate),
            gain_db: Some(math::decibels(self.gain.abs()) + 0.0),
            offset_frames: Some(self.alignment.offset_frames),
            offset_s: Some(self.alignment.offset_s()),
            polarity: Some(if inverted { -1 } else { 1 }),
            drift_ppm: Some(self.alignment.drift_ppm),
            confidence: self.alignment.confidence,
            residual_db,
            residual_dbfs,
            residual: Residual::of(self.sheet, self.gain, self.pair.a.seconds()),
            edits,
            changes,
            untold,
            time_map,
            words: Vec::new(),
        };
        comparison.words = words::all(&comparison);
        comparison
    }

    /// Against A, and against full scale; `None` where nothing at all is left.
    fn residual(&self) -> (Option<f64>, Option<f64>) {
        let totals = if self.sheet.limited { self.sheet.banded() } else { self.sheet.totals };
        let more = self.gain - self.sheet.gain;
        let left = (totals.rest - 2.0 * more * totals.cross + more * more * totals.a).max(0.0);
        if left == 0.0 {
            return (None, None);
        }
        let against = self.gain * self.gain * totals.a;
        let db = 10.0 * math::log10(left / against.max(f64::MIN_POSITIVE));
        (Some(db), Some(10.0 * math::log10(left / totals.samples.max(1.0))))
    }

    fn changes(&self, nothing: bool) -> (Vec<Change>, usize) {
        if nothing || self.sheet.times.is_empty() {
            return (Vec::new(), 0);
        }
        let lossy = self.pair.a.lossy || self.pair.b.lossy;
        let mut ground = Ground::of(self.without, self.gain, lossy);
        let mut mask = Mask::of(&ground);
        let limiting = changes::limiting(&ground, &mut mask);
        let mut whole: Vec<Change> = changes::throughout(&ground, &mask);
        whole.retain(|c| {
            limiting.is_none() || (c.kind == ChangeKind::Level && c.change_db.abs() > LIMITED_DB)
        });
        ground.rough |= limiting.is_some();
        let mut local = changes::local(&ground, &mask);
        // What is left by a change of the whole song is found in parts of it too.
        let under = |c: &Change| {
            whole
                .iter()
                .any(|w| c.low_hz < w.high_hz && c.high_hz > w.low_hz && c.residual_db < w.residual_db + 2.0)
        };
        local.retain(|c| c.kind == ChangeKind::Level || !under(c));
        whole.extend(limiting);
        let solved = self.solved.changes.clone();
        // What is left, over all of its time.
        let weight = |c: &Change| c.residual_db + 10.0 * math::log10((c.end_s - c.start_s).max(0.05));
        // A part of a stem cannot be taken away by a gain on the stem: what stays of it is no second change.
        let is_part = |s: &Change| s.stem.as_ref().is_some_and(|name| name.starts_with("a part of "));
        let explained = |change: &Change| {
            let covered: f64 = solved
                .iter()
                .filter(|s| is_part(s))
                .map(|s| (change.end_s.min(s.end_s + 0.2) - change.start_s.max(s.start_s - 0.2)).max(0.0))
                .sum();
            let small = solved.iter().any(|s| {
                let near = change.start_s < s.end_s + 2.0 && change.end_s > s.start_s - 2.0;
                near && is_part(s) && weight(change) < weight(s) - 15.0
            });
            small || covered > 0.7 * (change.end_s - change.start_s)
        };
        local.retain(|c| !explained(c));
        whole.retain(|c| !explained(c));
        absorbed::absorbed(&mut whole, &mut local);
        let (solved_whole, solved_local): (Vec<Change>, Vec<Change>) =
            solved.into_iter().partition(|c| c.whole_song);
        whole.extend(solved_whole);
        local.extend(solved_local);
        local.sort_by(|x, y| weight(y).total_cmp(&weight(x)));
        whole.sort_by(|x, y| weight(y).total_cmp(&weight(x)));
        let room = MOST_CHANGES.saturating_sub(whole.len()).max(local.len().min(4));
        let over = whole.len().saturating_sub(MOST_CHANGES - room.min(MOST_CHANGES));
        whole.truncate(whole.len() - over);
        let untold = over + local.len().saturating_sub(room);
        local.truncate(room);
        local.sort_by(|x, y| x.start_s.total_cmp(&y.start_s));
        whole.extend(local);
        whole.iter_mut().for_each(|c| c.words = words::change(c));
        (whole, untold)
    }

    fn same(
        &self,
        residual_db: Option<f64>,
        residual_dbfs: Option<f64>,
        changes: &[Change],
        edits: &[Edit],
    ) -> Sameness {
        let (a, b) = (&self.pair.a, &self.pair.b);
        let plain = self.gain == 1.0 && self.alignment.offset_frames == 0.0 && a.sample_rate == b.sample_rate;
        let (Some(db), Some(dbfs)) = (residual_db, residual_dbfs) else {
            let whole = plain && a.frames == b.frames && a.channels == b.channels;
            return match (whole, edits.is_empty()) {
                (true, true) => Sameness::Identical,
                (_, true) => Sameness::Matched,
                _ => Sameness::Changed,
            };
        };
        if !edits.is_empty() {
            return Sameness::Changed;
        }
        // Between the frames and from rate to rate no two converters agree to the last digit.
        let converted = self.sheet.limited && changes.is_empty() && db < CONVERTED_DB;
        if db < MATCHED_DB || converted {
            return if plain { Sameness::Noise } else { Sameness::Matched };
        }
        let local = changes.iter().any(|c| c.kind != ChangeKind::New || c.residual_db > -40.0);
        if dbfs < NOISE_DBFS && !local {
            return Sameness::Noise;
        }
        if changes.is_empty() && (a.lossy || b.lossy) { Sameness::Lossy } else { Sameness::Changed }
    }
}
