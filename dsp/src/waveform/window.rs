//! A stretch drawn from its samples themselves, where a column is narrower than a bucket of the overview. Never here: whole songs.

use std::path::Path;

use super::{BUCKET_FRAMES, Columns, builder::level};
use crate::{Block, DspError, Source, measure};

/// So much is decoded at once at most: beyond it the overview is exact enough.
pub const WINDOW_FRAMES_MAX: u64 = 1 << 18;
/// Runs of so many samples at full scale are clipped.
const CLIP_RUN: u64 = 3;
const READ_FRAMES: usize = 1 << 14;

/// Columns of exact samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// For each channel its columns: least and greatest, 32767 for full scale. A column narrower than a sample shows the one that it lies in.
    pub peaks: Vec<Vec<(i16, i16)>>,
    pub clipped: Vec<u32>,
}

impl Window {
    /// Whether these columns are worth looking at the samples: narrower than a bucket, and not too many frames.
    pub fn is_worth_it(start: u64, end: u64, count: usize) -> bool {
        let frames = end.saturating_sub(start);
        frames <= WINDOW_FRAMES_MAX && frames < BUCKET_FRAMES * count as u64
    }
}

/// `count` columns over the frames from `start` up to `end` of a sound file.
///
/// Errors: those of `Source`; `Invalid` where the window is wider than [`WINDOW_FRAMES_MAX`].
pub fn window(path: &Path, start: u64, end: u64, count: usize) -> Result<Window, DspError> {
    if end.saturating_sub(start) > WINDOW_FRAMES_MAX {
        let what = format!("at most {WINDOW_FRAMES_MAX} frames are drawn from their samples");
        return Err(DspError::Invalid(what));
    }
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    // A run that began a moment before is one all the same.
    let first = start.saturating_sub(CLIP_RUN - 1);
    let last = end.saturating_add(CLIP_RUN - 1);
    source.seek(first)?;
    let first = source.position();
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); spec.channels];
    let mut block = Block::default();
    while source.position() < last {
        let left = usize::try_from(last - source.position()).unwrap_or(READ_FRAMES).min(READ_FRAMES);
        // What is damaged behind the window does not matter to it.
        if spec.frames.is_some_and(|frames| source.position() >= frames)
            || source.read(&mut block, left)? == 0
        {
            break;
        }
        samples.iter_mut().zip(&block.channels).for_each(|(all, plane)| all.extend_from_slice(plane));
    }
    let held = samples.first().map_or(0, Vec::len) as u64;
    let columns = Columns { start, end, count };
    let within = |column| {
        let frames = columns.frames(column, (first + held).min(end))?;
        Some((frames.start.saturating_sub(first)) as usize..(frames.end.saturating_sub(first)) as usize)
    };
    let peak = |plane: &Vec<f64>, column| {
        let part = within(column).and_then(|range| plane.get(range)).unwrap_or_default();
        let extreme = part.iter().map(|sample| (level(*sample), level(*sample)));
        extreme.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or_default()
    };
    let peaks = samples.iter().map(|plane| (0..count).map(|column| peak(plane, column)).collect());
    let open_ended = spec.float || spec.bits.is_none();
    let full_scale = measure::full_scale(&spec);
    let clips: Vec<Vec<bool>> = samples.iter().map(|plane| clips(plane, full_scale, open_ended)).collect();
    let is_clipped = |column: &usize| {
        let Some(range) = within(*column) else { return false };
        clips.iter().any(|of| of.get(range.clone()).is_some_and(|part| part.contains(&true)))
    };
    let clipped = (0..count).filter(is_clipped).map(|column| column as u32).collect();
    Ok(Window { peaks: peaks.collect(), clipped })
}

/// Which samples are part of a run at full scale, as the meter counts them.
fn clips(plane: &[f64], full_scale: f64, open_ended: bool) -> Vec<bool> {
    let mut clips = vec![false; plane.len()];
    let (mut run, mut value) = (0, 0.0);
    for (at, sample) in plane.iter().enumerate() {
        if sample.abs() < full_scale {
            run = 0;
            continue;
        }
        if open_ended && *sample != value {
            run = 0;
        }
        value = *sample;
        run += 1;
        if run >= CLIP_RUN as usize {
            clips[at + 1 - CLIP_RUN as usize..=at].fill(true);
        }
    }
    clips
}
