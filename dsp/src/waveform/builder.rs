//! An overview as it grows beside a meter: extremes and clipped runs from the samples, loudness and overs from what the meter tells. Never here: how it is
//! stored and read.

use super::{BUCKET_FRAMES, FACTOR, Pair, Pyramid, Shape, any, hull, levels, loudest};
use crate::{Block, Spec, lanes, measure, true_peak::Over};

/// Runs of so many samples at full scale are clipped.
const CLIP_RUN: u32 = 3;

/// Grows beside a meter.
pub struct PyramidBuilder {
    sample_rate: u32,
    frames: u64,
    full_scale: f64,
    /// The samples may go over full scale: only a flat top is a clip then.
    open_ended: bool,
    open: Vec<(f64, f64)>,
    runs: Vec<Run>,
    base: Vec<Vec<Pair>>,
    clipped: Marks,
    over: Marks,
    loudness: Vec<i16>,
}

/// Samples at full scale in a row.
#[derive(Clone, Copy, Default)]
struct Run {
    length: u32,
    value: f64,
}

/// One bit a bucket; those behind the last that is set are not there yet.
#[derive(Default)]
struct Marks(Vec<bool>);

impl Marks {
    fn set(&mut self, from_frame: u64, to_frame: u64) {
        let (first, end) = (from_frame / BUCKET_FRAMES, to_frame.div_ceil(BUCKET_FRAMES));
        let (Ok(first), Ok(end)) = (usize::try_from(first), usize::try_from(end)) else { return };
        if self.0.len() < end {
            self.0.resize(end, false);
        }
        self.0[first.min(end)..end].fill(true);
    }

    fn levels(mut self, buckets: usize) -> Vec<Vec<bool>> {
        self.0.resize(buckets, false);
        levels(self.0, any)
    }
}

const NOTHING: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

impl PyramidBuilder {
    pub fn new(spec: &Spec) -> Self {
        PyramidBuilder {
            sample_rate: spec.sample_rate,
            frames: 0,
            full_scale: measure::full_scale(spec),
            open_ended: spec.float || spec.bits.is_none(),
            open: vec![NOTHING; spec.channels],
            runs: vec![Run::default(); spec.channels],
            base: vec![Vec::new(); spec.channels],
            clipped: Marks::default(),
            over: Marks::default(),
            loudness: Vec::new(),
        }
    }

    pub fn push(&mut self, block: &Block) {
        let mut at = 0;
        while at < block.frames() {
            let room = BUCKET_FRAMES - self.frames % BUCKET_FRAMES;
            let take = room.min((block.frames() - at) as u64) as usize;
            for (channel, plane) in block.channels.iter().enumerate().take(self.open.len()) {
                let part = &plane[at..at + take];
                let (least, most) = lanes::wide(
                    #[inline(always)]
                    || extremes(part),
                );
                let open = &mut self.open[channel];
                *open = (open.0.min(least), open.1.max(most));
                if most >= self.full_scale || -least >= self.full_scale {
                    self.look_for_clips(channel, part);
                } else {
                    self.runs[channel].length = 0;
                }
            }
            self.frames += take as u64;
            at += take;
            if self.frames.is_multiple_of(BUCKET_FRAMES) {
                self.close();
            }
        }
    }

    /// As the meter counts them.
    fn look_for_clips(&mut self, channel: usize, part: &[f64]) {
        let run = &mut self.runs[channel];
        for (at, sample) in part.iter().enumerate() {
            if sample.abs() < self.full_scale {
                run.length = 0;
                continue;
            }
            if self.open_ended && *sample != run.value {
                run.length = 0;
            }
            run.value = *sample;
            run.length += 1;
            if run.length >= CLIP_RUN {
                let end = self.frames + at as u64 + 1;
                self.clipped.set(end - u64::from(CLIP_RUN), end);
            }
        }
    }

    /// What the meter of the same sound found above 0 dBTP.
    pub fn add_overs(&mut self, overs: &[Over]) {
        overs.iter().for_each(|over| self.over.set(over.start_frame, over.end_frame));
    }

    /// The course of the loudness of the whole, as [`Loudness::short_term_lufs`](crate::measure::Loudness::short_term_lufs) gives it.
    pub fn set_loudness(&mut self, short_term_lufs: &[f64]) {
        let hundredths = |lufs: &f64| (lufs * 100.0).round().clamp(-7000.0, 3000.0) as i16;
        self.loudness = short_term_lufs.iter().map(hundredths).collect();
    }

    fn close(&mut self) {
        for (open, base) in self.open.iter_mut().zip(&mut self.base) {
            base.push((level(open.0.min(open.1)), level(open.1.max(open.0))));
            *open = NOTHING;
        }
    }

    pub fn finish(mut self) -> Pyramid {
        if !self.frames.is_multiple_of(BUCKET_FRAMES) {
            self.close();
        }
        // A year of loudness is more than any file holds.
        self.loudness.truncate(u32::MAX as usize / FACTOR);
        let shape = Shape {
            sample_rate: self.sample_rate,
            frames: self.frames,
            channels: self.base.len(),
            points: self.loudness.len() as u32,
        };
        Pyramid {
            shape,
            channels: self.base.into_iter().map(|base| levels(base, hull)).collect(),
            loudness: levels(self.loudness, loudest),
            clipped: self.clipped.levels(shape.buckets()),
            over: self.over.levels(shape.buckets()),
        }
    }
}

/// Least and greatest. NaN counts as nothing.
#[inline(always)]
fn extremes(samples: &[f64]) -> (f64, f64) {
    // Two walks over what the nearest cache holds: in one, the compiler turns each comparison into a mask of bytes and back.
    let least = fold_lanes(samples, NOTHING.0, |m, s| if s < m { s } else { m });
    let most = fold_lanes(samples, NOTHING.1, |m, s| if s > m { s } else { m });
    (least, most)
}

/// Sixteen side by side.
#[inline(always)]
fn fold_lanes(samples: &[f64], start: f64, pick: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [start; 16];
    let chunks = samples.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for k in 0..16 {
            lanes[k] = pick(lanes[k], chunk[k]);
        }
    }
    let mut end = start;
    for s in lanes {
        end = pick(end, s);
    }
    for s in rest {
        end = pick(end, *s);
    }
    end
}

pub(super) fn level(sample: f64) -> i16 {
    (sample * f64::from(i16::MAX)).round() as i16
}
