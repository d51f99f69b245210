//! Cuts a stream into stretches at fixed frames, each with what stands before and after it, whatever blocks it comes in. So every figure of an
//! inspection is the same for every size of block, to the bit, and a detector can look around a sample without keeping a history of its own.

use crate::Block;

/// Frames of a stretch; the last of a stream may be shorter.
pub(super) const STRETCH_FRAMES: usize = 4096;
/// A detector works in cells; so many of them stand before and after each stretch.
pub(super) const CONTEXT_CELLS: usize = 16;
/// No sample is taken as larger than this, so that sums of squares stay finite.
const SAMPLE_MAX: f64 = 1e12;

/// Frames of a cell: about 0.7 ms, a power of two, so that a stretch is whole cells.
pub(super) fn cell_frames(sample_rate: u32) -> usize {
    match sample_rate {
        0..=16_000 => 8,
        16_001..=32_000 => 16,
        32_001..=64_000 => 32,
        64_001..=128_000 => 64,
        128_001..=256_000 => 128,
        _ => 256,
    }
}

/// One channel of a stretch. Before the first and after the last frame of the stream stand zeros.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    /// The stretch, with `context` frames before it and as many after it.
    pub window: &'a [f64],
    pub context: usize,
    /// The stretch's first frame in the stream.
    pub first: u64,
}

impl<'a> Stretch<'a> {
    /// Without its surroundings.
    pub(super) fn samples(&self) -> &'a [f64] {
        &self.window[self.context..self.window.len() - self.context]
    }

    /// The frame of the stream at an index into `window`. Only asked for frames that exist.
    pub(super) fn frame(&self, index: usize) -> u64 {
        (self.first + index as u64).saturating_sub(self.context as u64)
    }
}

/// What waits until a stretch and its surroundings are whole.
#[derive(Clone)]
pub(super) struct Stage {
    planes: Vec<Vec<f64>>,
    context: usize,
    /// The frame at which the next stretch begins.
    first: u64,
}

impl Stage {
    pub(super) fn new(channels: usize, context: usize) -> Self {
        Stage { planes: vec![vec![0.0; context]; channels], context, first: 0 }
    }

    /// Takes frames from `from` on, as many as fit until a stretch is whole; returns how many. Channels that a block lacks are silent in it.
    pub(super) fn take(&mut self, block: &Block, from: usize) -> usize {
        let full = 2 * self.context + STRETCH_FRAMES;
        let held = self.planes.first().map_or(full, Vec::len);
        let count = (full - held).min(block.frames() - from);
        for (index, plane) in self.planes.iter_mut().enumerate() {
            match block.channels.get(index).and_then(|samples| samples.get(from..from + count)) {
                Some(samples) => plane.extend(samples.iter().map(|s| sane(*s))),
                None => plane.resize(held + count, 0.0),
            }
        }
        count
    }

    pub(super) fn is_full(&self) -> bool {
        self.planes.first().is_some_and(|plane| plane.len() == 2 * self.context + STRETCH_FRAMES)
    }

    /// Hands out the stretch that is whole.
    pub(super) fn stretch(&self) -> Vec<Stretch<'_>> {
        let view = |window| Stretch { window, context: self.context, first: self.first };
        self.planes.iter().map(|plane| view(plane.as_slice())).collect()
    }

    /// Done with it.
    pub(super) fn advance(&mut self) {
        for plane in &mut self.planes {
            let frames = plane.len() - 2 * self.context;
            plane.drain(..frames);
        }
        self.first += STRETCH_FRAMES as u64;
    }

    /// At the end of the stream: what is left as stretches with zeros after them, through `work`, which is told of the last one.
    pub(super) fn drain(mut self, mut work: impl FnMut(&[Stretch<'_>], bool)) {
        let Some(held) = self.planes.first().map(Vec::len) else { return };
        let (mut left, context) = (held - self.context, self.context);
        for plane in &mut self.planes {
            plane.resize(held + context, 0.0);
        }
        let mut at = 0;
        while left > 0 {
            let frames = left.min(STRETCH_FRAMES);
            let (first, span) = (self.first, at..at + frames + 2 * context);
            let views: Vec<_> = self
                .planes
                .iter()
                .map(|plane| Stretch { window: &plane[span.clone()], context, first })
                .collect();
            at += frames;
            left -= frames;
            work(&views, left == 0);
            self.first += frames as u64;
        }
    }
}

/// What is no number is silence, what is beyond all levels is held.
#[inline(always)]
fn sane(sample: f64) -> f64 {
    let held = if sample > SAMPLE_MAX { SAMPLE_MAX } else { sample };
    let held = if held < -SAMPLE_MAX { -SAMPLE_MAX } else { held };
    if held.is_nan() { 0.0 } else { held }
}
