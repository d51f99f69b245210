//! Where one file stands in another: offset to a fraction of a frame, polarity, drift, and the pieces that run side by side where something was cut in or
//! out. Level, equalisation, limiting and other voices do not matter as long as a part of the sound is the same recording. Two passes over each file, a
//! thumbnail of each in memory (at most 64 MB). Never here: what changed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    coarse::{Anchor, Coarse, coarse},
    correlate::{Pointer, likeness},
    lines::{Course, Point, courses, inverted},
    time_map::{Piece, TimeMap, in_order},
    track::{Progress, Thumbnail, still, stretches},
};
use crate::{DspError, Flow, Source, math};

/// Thumbnails are taken at this rate, and lower where a file is so long that it would not fit in [`THUMBNAIL_FRAMES`].
const LOW_RATES_HZ: [u32; 4] = [4_000, 2_000, 1_000, 500];
const THUMBNAIL_FRAMES: f64 = 16e6;
/// Files shorter than this are compared at their full rate from the start.
const SHORT_S: f64 = 4.0;
/// Places at which the offset is measured at full rate, and the frames of each.
const PLACES: usize = 48;
const PLACE_FRAMES: usize = 16_384;
/// Share of the spectrum that must agree for a place to count; noise reaches 0.05.
const AGREES: f64 = 0.08;
/// What the two passes are of the whole work.
const THUMBNAIL_SHARE: f64 = 0.4;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileFacts {
    pub sample_rate: u32,
    pub channels: usize,
    /// Counted, at its own rate.
    pub frames: u64,
    /// Every sample is zero.
    pub silent: bool,
    /// "pcm", "flac", "mp3", ...; and whether that coding loses something.
    pub codec: String,
    pub lossy: bool,
}

impl FileFacts {
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.sample_rate.max(1))
    }
}

/// How B lies on A.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// The rate at which the files were laid side by side, Hz: the lower of theirs.
    pub rate: u32,
    /// Where A's frame 0 stands in B, in frames at `rate`; positive: B has something in front. Of the first piece where there are several. A whole
    /// number where the files are a whole number of frames apart.
    pub offset_frames: f64,
    pub inverted: bool,
    /// How much longer a second of A lasts in B, in millionths.
    pub drift_ppm: f64,
    /// 0 to 1: how surely the places found belong together. Under 0.2 it is a weak likeness.
    pub confidence: f64,
    /// Share of A's windows that have a place in B and were found there, 0 to 1.
    pub matched: f64,
    /// Level of B against A where it was measured, dB; rough.
    pub gain_db: f64,
    pub map: TimeMap,
}

impl Alignment {
    pub fn offset_s(&self) -> f64 {
        self.offset_frames / f64::from(self.rate)
    }

    /// The offset as a whole number of frames, where it is one.
    pub fn whole_frames(&self) -> Option<i64> {
        (self.offset_frames.fract() == 0.0).then_some(self.offset_frames as i64)
    }
}

/// What two files are to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    Aligned(Alignment),
    /// Neither has any sound.
    Silent,
    /// Nothing of one was found in the other, and why that is sure, in a sentence.
    Unrelated {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub a: FileFacts,
    pub b: FileFacts,
    pub relation: Relation,
}

impl Pair {
    pub fn alignment(&self) -> Option<&Alignment> {
        match &self.relation {
            Relation::Aligned(alignment) => Some(alignment),
            _ => None,
        }
    }
}

/// Lays file `b` on file `a`. Rates may differ (the higher is converted), channels may differ (one channel of each is made for it), lengths may differ.
///
/// Errors: those of [`Source`], `NotAudio` for a file without a frame, `Stopped`.
pub fn align(a: &Path, b: &Path, progress: &mut dyn FnMut(f64) -> Flow) -> Result<Pair, DspError> {
    let low = low_rate(a, b)?;
    let half = THUMBNAIL_SHARE / 2.0;
    let small_a = Thumbnail::take(a, low, &mut |f| progress(half * f))?;
    let small_b = Thumbnail::take(b, low, &mut |f| progress(half + half * f))?;
    let (facts_a, facts_b) = (facts(&small_a), facts(&small_b));
    let relation = match (facts_a.silent, facts_b.silent) {
        (true, true) => Relation::Silent,
        (true, false) => Relation::Unrelated { why: "the first file is silent".into() },
        (false, true) => Relation::Unrelated { why: "the second file is silent".into() },
        (false, false) => lay(&small_a, &small_b, low, progress)?,
    };
    Ok(Pair { a: facts_a, b: facts_b, relation })
}

fn facts(thumbnail: &Thumbnail) -> FileFacts {
    FileFacts {
        sample_rate: thumbnail.rate,
        channels: thumbnail.channels,
        frames: thumbnail.frames,
        silent: thumbnail.peak == 0.0,
        lossy: !matches!(thumbnail.codec, "pcm" | "flac" | "alac"),
        codec: thumbnail.codec.to_owned(),
    }
}

fn low_rate(a: &Path, b: &Path) -> Result<u32, DspError> {
    let (a, b) = (Source::open(a)?.spec().clone(), Source::open(b)?.spec().clone());
    let seconds = |spec: &crate::Spec| spec.frames.map(|f| f as f64 / f64::from(spec.sample_rate));
    let longest = match (seconds(&a), seconds(&b)) {
        (Some(a), Some(b)) => a.max(b),
        (one, other) => one.into_iter().chain(other).fold(SHORT_S, f64::max),
    };
    if longest < SHORT_S {
        return Ok(a.sample_rate.min(b.sample_rate));
    }
    // The resampler goes down by less than 256.
    let least = a.sample_rate.max(b.sample_rate) / 255 + 1;
    let fits = |rate: &&u32| f64::from(**rate) * longest <= THUMBNAIL_FRAMES;
    let slowest = LOW_RATES_HZ[LOW_RATES_HZ.len() - 1];
    Ok(LOW_RATES_HZ.iter().find(fits).copied().unwrap_or(slowest).max(least))
}

fn lay(a: &Thumbnail, b: &Thumbnail, low: u32, progress: Progress<'_>) -> Result<Relation, DspError> {
    let mut stopped = false;
    let found = coarse(&a.sound, &b.sound, f64::from(low), &mut |f| {
        stopped |= progress(THUMBNAIL_SHARE + 0.3 * f) == Flow::Stop;
    });
    if stopped {
        return Err(DspError::Stopped);
    }
    let short = a.seconds().max(b.seconds()) < SHORT_S;
    if found.anchors.is_empty() {
        return Ok(if short { lay_short(a, b, low) } else { unrelated() });
    }
    let rate = a.rate.min(b.rate);
    let points = measure(a, b, &found, low, rate, &mut |f| progress(THUMBNAIL_SHARE + 0.3 + 0.3 * f))?;
    still(progress, 1.0)?;
    let Some(lines) = courses(&points) else {
        return Ok(if short { lay_short(a, b, low) } else { unrelated() });
    };
    let inverted = inverted(&points);
    let courses = kept(&lines.courses, lines.drift);
    let offset = courses.first().map_or(0.0, |course| course.offset) + 0.0;
    let map = map(&courses, lines.drift, [a.seconds(), b.seconds()], f64::from(rate));
    let matched = found.anchors.len() as f64 / found.asked.max(1) as f64;
    Ok(Relation::Aligned(Alignment {
        rate,
        offset_frames: offset,
        inverted,
        drift_ppm: lines.drift * 1e6,
        confidence: confidence(&found, &points),
        matched: matched.min(1.0),
        gain_db: math::decibels(middle(points.iter().map(|p| p.gain.abs()).collect())),
        map,
    }))
}

/// Files too short for windows: the plain correlation of all they have must be nearly perfect.
fn lay_short(a: &Thumbnail, b: &Thumbnail, rate: u32) -> Relation {
    let Some((shift, likeness)) = likeness(&a.sound, &b.sound) else { return unrelated() };
    let energy = |sound: &[f32]| sound.iter().map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>();
    Relation::Aligned(Alignment {
        rate,
        offset_frames: shift as f64,
        inverted: likeness < 0.0,
        drift_ppm: 0.0,
        confidence: likeness.abs(),
        matched: 1.0,
        gain_db: 0.5 * math::decibels(energy(&b.sound) / energy(&a.sound).max(f64::MIN_POSITIVE)),
        map: TimeMap::shifted(shift as f64 / f64::from(rate), a.seconds(), b.seconds()),
    })
}

fn unrelated() -> Relation {
    Relation::Unrelated { why: "these two files have nothing in common".into() }
}

/// Half for how far the finds stand out of the noise, half for how much of the spectrum agrees where they were measured; less where few were found.
fn confidence(found: &Coarse, points: &[Point]) -> f64 {
    let z = middle(found.anchors.iter().map(|x| x.z).collect());
    let agrees = middle(points.iter().map(|p| p.agrees).collect());
    let stands_out = ((z - 6.0) / 24.0).clamp(0.0, 1.0);
    let several = (found.anchors.len() as f64 / found.asked.clamp(1, 3) as f64).min(1.0);
    (0.5 * stands_out + 0.5 * (2.0 * agrees).min(1.0)) * several
}

pub(super) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The offset at full rate, at some of the places that were found.
fn measure(
    a: &Thumbnail,
    b: &Thumbnail,
    found: &Coarse,
    low: u32,
    rate: u32,
    progress: Progress<'_>,
) -> Result<Vec<Point>, DspError> {
    let up = f64::from(rate) / f64::from(low);
    let len = Pointer::new(PLACE_FRAMES.min((found.window as f64 * up) as usize)).len();
    let mut pointer = Pointer::new(len);
    let mut places: Vec<(i64, i64)> = chosen(&found.anchors)
        .into_iter()
        .map(|anchor| {
            let small = (len as f64 / up) as usize;
            let from = (loudest(&a.sound, anchor.a, found.window, small) as f64 * up).round();
            (from as i64, (from + anchor.shift * up).round() as i64)
        })
        .collect();
    places.sort_unstable();
    let starts_a: Vec<i64> = places.iter().map(|p| p.0).collect();
    let starts_b: Vec<i64> = places.iter().map(|p| p.1).collect();
    let of_a = stretches(&a.path, rate, &starts_a, len, &mut |f| progress(0.5 * f))?;
    let of_b = stretches(&b.path, rate, &starts_b, len, &mut |f| progress(0.5 + 0.5 * f))?;
    let reach = (3.0 * up + 0.002 * f64::from(rate)) as usize;
    let sounds = of_a.iter().zip(&of_b);
    let measured = places.iter().zip(sounds).filter_map(|((at, to), (a, b))| {
        let delay = pointer.delay(a, b, reach)?;
        (delay.agrees >= AGREES).then(|| Point {
            a: *at as f64 + delay.centre,
            curve_from: to - at - (delay.curve.len() / 2) as i64,
            curve: delay.curve,
            shift: (to - at) as f64 + delay.frames,
            agrees: delay.agrees,
            agrees_whole: delay.agrees_whole,
            inverted: delay.inverted,
            gain: delay.gain,
        })
    });
    Ok(measured.collect())
}

/// Evenly spread, and the first and last on either side of every jump.
fn chosen(anchors: &[Anchor]) -> Vec<Anchor> {
    let jump = |x: &Anchor, y: &Anchor| (x.shift - y.shift).abs() > 2.0;
    let step = anchors.len().div_ceil(PLACES).max(1);
    let wanted = |index: usize| {
        let here = &anchors[index];
        let before = index.checked_sub(1).map(|i| &anchors[i]);
        let edge =
            [before, anchors.get(index + 1)].into_iter().any(|other| other.is_none_or(|o| jump(here, o)));
        index.is_multiple_of(step) || (edge && anchors.len() < 8 * PLACES)
    };
    (0..anchors.len()).filter(|i| wanted(*i)).map(|i| anchors[i]).collect()
}

/// Where in the middle half of a window its loudest stretch begins.
fn loudest(sound: &[f32], at: i64, window: usize, frames: usize) -> i64 {
    let frames = frames.clamp(1, window);
    let (first, last) = (window / 4, (3 * window / 4).max(frames) - frames);
    let step = (frames / 4).max(1);
    let energy = |from: i64| -> f64 {
        let from = from.max(0) as usize;
        let until = (from + frames).min(sound.len());
        sound.get(from..until).map_or(0.0, |s| s.iter().map(|s| f64::from(*s) * f64::from(*s)).sum())
    };
    let starts = (first.min(last)..=last).step_by(step).map(|s| at + s as i64);
    starts.max_by(|x, y| energy(*x).total_cmp(&energy(*y))).unwrap_or(at)
}

/// Those that run in order in both files: a passage that was played twice is found in the wrong place, a moved one in its new.
fn kept(courses: &[Course], drift: f64) -> Vec<Course> {
    let pace = 1.0 + drift;
    let stretch =
        |c: &Course| Piece { a_s: c.first, a_end_s: c.last + 1.0, b_s: c.first * pace + c.offset, pace };
    let stretches: Vec<Piece> = courses.iter().map(stretch).collect();
    in_order(&stretches).into_iter().map(|index| courses[index]).collect()
}

/// Pieces from the courses: each reaches halfway to the next and as far as both files go.
fn map(courses: &[Course], drift: f64, [a_s, b_s]: [f64; 2], rate: f64) -> TimeMap {
    let pace = 1.0 + drift;
    let mut pieces = Vec::new();
    for (index, course) in courses.iter().enumerate() {
        let from = match index.checked_sub(1).map(|i| &courses[i]) {
            None => 0.0,
            Some(before) => 0.5 * (before.last + course.first) / rate,
        };
        let until = courses.get(index + 1).map_or(a_s, |next| 0.5 * (course.last + next.first) / rate);
        let shift_s = course.offset / rate;
        let from = from.max(-shift_s / pace);
        let until = until.min((b_s - shift_s) / pace);
        if until > from {
            pieces.push(Piece { a_s: from, a_end_s: until, b_s: from * pace + shift_s, pace });
        }
    }
    TimeMap { pieces }
}
