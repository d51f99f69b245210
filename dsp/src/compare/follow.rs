//! A file read along another's clock: any start, whole or not, any pace near one. Where both are whole the samples are handed on untouched; else they are
//! read between the frames by a windowed sinc. Never here: two files at once.

use std::path::{Path, PathBuf};

use super::track::Stream;
use crate::{
    Block, DspError,
    true_peak::{kaiser, sinc},
};

const TAPS: usize = 64;
const HALF: i64 = TAPS as i64 / 2;
/// Steps between two frames in the table; what lies between them is a straight line (error under -120 dB).
const PHASES: usize = 1_024;
/// Kaiser's window: the sinc's sidelobes fall under -100 dB.
const BETA: f64 = 10.0;

pub(super) struct Follower {
    path: PathBuf,
    rate: u32,
    stream: Stream,
    incoming: Block,
    held: Block,
    /// Frame of the file that `held` begins with.
    held_at: i64,
    ended: bool,
    table: Vec<f64>,
}

impl Follower {
    /// `rate` in Hz at which the file is heard.
    pub(super) fn open(path: &Path, rate: u32) -> Result<Self, DspError> {
        let stream = Stream::open(path, rate)?;
        Ok(Follower {
            path: path.to_owned(),
            rate,
            held: Block::new(stream.channels(), 0),
            incoming: Block::default(),
            stream,
            held_at: 0,
            ended: false,
            table: Vec::new(),
        })
    }

    pub(super) fn channels(&self) -> usize {
        self.stream.channels()
    }

    /// Fills `out` with `frames` frames: the first at `start`, the others `pace` apart; silence where the file has none.
    pub(super) fn read(
        &mut self,
        start: f64,
        pace: f64,
        frames: usize,
        out: &mut Block,
    ) -> Result<(), DspError> {
        out.resize(self.channels(), frames);
        let whole = start.fract() == 0.0 && pace == 1.0;
        let reach = if whole { 0 } else { HALF };
        let from = start.floor() as i64 - reach;
        let until = (start + pace * frames as f64).ceil() as i64 + reach + 1;
        self.hold(from, until)?;
        if whole {
            let skip = start as i64 - self.held_at;
            for (to, held) in out.channels.iter_mut().zip(&self.held.channels) {
                for (index, to) in to.iter_mut().enumerate() {
                    *to = at(held, skip + index as i64);
                }
            }
            return Ok(());
        }
        if self.table.is_empty() {
            self.table = table();
        }
        for (to, held) in out.channels.iter_mut().zip(&self.held.channels) {
            for (index, to) in to.iter_mut().enumerate() {
                let place = start + pace * index as f64;
                *to = between(&self.table, held, place.floor() as i64 - self.held_at, place - place.floor());
            }
        }
        Ok(())
    }

    /// Makes sure that frames `from..until` are held, as far as the file has them, and lets go of what lies before.
    fn hold(&mut self, from: i64, until: i64) -> Result<(), DspError> {
        if from.max(0) < self.held_at {
            *self =
                Follower { table: std::mem::take(&mut self.table), ..Follower::open(&self.path, self.rate)? };
        }
        let mut end = self.held_at + self.held.frames() as i64;
        while end < until && !self.ended {
            if !self.stream.next(&mut self.incoming)? {
                self.ended = true;
                break;
            }
            let fresh = self.incoming.frames() as i64;
            // What nobody asks for is not kept: a far start would fill the memory.
            if end + fresh <= from {
                self.held.clear();
                self.held_at = end + fresh;
            } else {
                for (held, new) in self.held.channels.iter_mut().zip(&self.incoming.channels) {
                    held.extend_from_slice(new);
                }
            }
            end += fresh;
        }
        let old = (from - self.held_at).clamp(0, self.held.frames() as i64);
        self.held.channels.iter_mut().for_each(|plane| {
            plane.drain(..old as usize);
        });
        self.held_at += old;
        Ok(())
    }
}

fn at(plane: &[f64], index: i64) -> f64 {
    if index < 0 { 0.0 } else { plane.get(index as usize).copied().unwrap_or(0.0) }
}

/// The value a part of a frame behind frame `index`.
fn between(table: &[f64], plane: &[f64], index: i64, part: f64) -> f64 {
    let step = part * PHASES as f64;
    let (low, rest) = (step.floor() as usize, step - step.floor());
    let (these, next) = (&table[low * TAPS..][..TAPS], &table[(low + 1) * TAPS..][..TAPS]);
    let first = index - HALF + 1;
    let mut sum = 0.0;
    for tap in 0..TAPS {
        let weight = these[tap] + rest * (next[tap] - these[tap]);
        sum += weight * at(plane, first + tap as i64);
    }
    sum
}

/// Weights of the frames around, for every step between two frames: sinc under Kaiser's window.
fn table() -> Vec<f64> {
    let mut table = Vec::with_capacity((PHASES + 1) * TAPS);
    for phase in 0..=PHASES {
        let part = phase as f64 / PHASES as f64;
        let start = table.len();
        for tap in 0..TAPS as i64 {
            let x = (tap - HALF + 1) as f64 - part;
            table.push(sinc(x) * kaiser(x / HALF as f64, BETA));
        }
        let sum: f64 = table[start..].iter().sum();
        table[start..].iter_mut().for_each(|w| *w /= sum);
    }
    table
}
