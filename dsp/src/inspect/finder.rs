//! The click detector of the inspection alone, for who mends what it finds: every click of a stream, not the first ones only. Never here: mending.

use super::{
    Event,
    clicks::{Clicks, RATIO},
    stretch::{CONTEXT_CELLS, Stage, Stretch, cell_frames},
};
use crate::Block;

/// Hears a stream block by block.
#[derive(Clone)]
pub(crate) struct ClickFinder {
    stage: Stage,
    channels: Vec<Clicks>,
    found: Vec<Event>,
}

impl ClickFinder {
    /// `caution`: 1 finds what an inspection finds; a click must stick out by so many times that.
    pub(crate) fn new(channels: usize, sample_rate: u32, caution: f64) -> Self {
        let cell = cell_frames(sample_rate);
        ClickFinder {
            stage: Stage::new(channels, CONTEXT_CELLS * cell),
            channels: (0..channels).map(|c| Clicks::new(c, sample_rate, cell, RATIO * caution)).collect(),
            found: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, block: &Block) {
        let Self { stage, channels, found } = self;
        let mut at = 0;
        while at < block.frames() && !channels.is_empty() {
            at += stage.take(block, at);
            if stage.is_full() {
                look(channels, &stage.stretch(), found);
                stage.advance();
            }
        }
    }

    /// All of them, in the order of time.
    pub(crate) fn finish(self) -> Vec<Event> {
        let Self { stage, mut channels, mut found } = self;
        stage.drain(|stretches, _| look(&mut channels, stretches, &mut found));
        found.extend(channels.into_iter().flat_map(|clicks| clicks.finish().listed));
        found.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then(a.channel.cmp(&b.channel)));
        found
    }
}

fn look(channels: &mut [Clicks], stretches: &[Stretch<'_>], found: &mut Vec<Event>) {
    for (clicks, stretch) in channels.iter_mut().zip(stretches) {
        clicks.push(stretch);
        found.extend(clicks.take());
    }
}
