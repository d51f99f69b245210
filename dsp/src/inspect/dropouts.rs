//! Drop-outs: a sound that breaks off, stays at zero or at one value for 0.2 to 200 ms, and comes back as abruptly. A gate closes over some time,
//! and the flat parts of square and staircase waves come in rows or stand at the top of the wave: neither is reported.

use super::events::{Event, Events, Lonely};
use super::stretch::Stretch;
use crate::math;

const SHORTEST_S: f64 = 0.0002;
const LONGEST_S: f64 = 0.2;
/// At low rates 0.2 ms are no length: so many equal samples at least.
const RUN_MIN: usize = 8;
/// The sound just before and just after is at least -40 dBFS RMS over so long.
const EDGE_S: f64 = 0.003;
const EDGE_MIN: f64 = 0.01;
/// At one end at least the wave jumps by this share of the quieter RMS.
const JUMP_SHARE: f64 = 0.25;
/// A value that is held at the top of the wave is a clip or a square wave.
const TOP_SHARE: f64 = 0.7;
const ROW_GAP_S: f64 = 0.05;

/// Of one channel.
#[derive(Clone, Debug)]
pub(super) struct Dropouts {
    channel: usize,
    sample_rate: f64,
    stride: usize,
    run_min: u64,
    edge: usize,
    open: Option<Run>,
    lonely: Lonely,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    start: u64,
    value: f64,
    /// RMS and peak before it, and how far the wave fell onto the value.
    rms: f64,
    peak: f64,
    jump: f64,
}

impl Dropouts {
    /// `context`: frames that stand around a stretch.
    pub(super) fn new(channel: usize, sample_rate: u32, context: usize) -> Self {
        let rate = f64::from(sample_rate);
        let run_min = ((SHORTEST_S * rate).ceil() as usize).max(RUN_MIN);
        Dropouts {
            channel,
            sample_rate: rate,
            stride: run_min / 2,
            run_min: run_min as u64,
            edge: ((EDGE_S * rate) as usize).clamp(4, context / 2),
            open: None,
            lonely: Lonely::new(ROW_GAP_S),
        }
    }

    pub(super) fn push(&mut self, stretch: &Stretch<'_>) {
        let window = stretch.window;
        let end = window.len() - stretch.context;
        let mut at = stretch.context;
        while at < end {
            if let Some(run) = self.open {
                let Some(length) = window[at..end].iter().position(|s| *s != run.value) else { return };
                at += length;
                self.close(stretch, at, run);
                self.open = None;
            } else if window[at] != window[at + self.stride] {
                // A run that is long enough covers two places of this stride; others need no closer look.
                at += self.stride;
            } else {
                if window[at..at + self.stride].iter().all(|s| *s == window[at]) {
                    self.open(stretch, at);
                }
                at += self.stride;
            }
        }
    }

    fn open(&mut self, stretch: &Stretch<'_>, at: usize) {
        let window = stretch.window;
        let value = window[at];
        let before = window[..at].iter().rev().take(self.stride).take_while(|s| **s == value).count();
        let start = at - before;
        let edge = &window[start - self.edge..start];
        let (rms, peak) = size(edge);
        let jump = (window[start - 1] - value).abs();
        self.open = Some(Run { start: stretch.frame(start), value, rms, peak, jump });
    }

    /// `at`: index of the first sample after the run.
    fn close(&mut self, stretch: &Stretch<'_>, at: usize, run: Run) {
        let frames = stretch.frame(at) - run.start;
        if frames < self.run_min || frames as f64 > LONGEST_S * self.sample_rate {
            return;
        }
        let window = stretch.window;
        let (rms, peak) = size(&window[at..at + self.edge]);
        let quieter = rms.min(run.rms);
        let jumps = (run.jump, (window[at] - run.value).abs());
        let jumped = jumps.0.max(jumps.1) >= JUMP_SHARE * quieter;
        if quieter >= EDGE_MIN && jumped && run.value.abs() <= TOP_SHARE * peak.max(run.peak) {
            self.lonely.add(Event {
                channel: self.channel,
                at_s: run.start as f64 / self.sample_rate,
                frames,
                level_db: math::decibels(run.rms),
            });
        }
    }

    pub(super) fn finish(self) -> Events {
        self.lonely.finish()
    }
}

/// RMS and peak.
fn size(samples: &[f64]) -> (f64, f64) {
    let (squares, peak) =
        samples.iter().fold((0.0, 0.0f64), |(squares, peak), s| (squares + s * s, peak.max(s.abs())));
    ((squares / samples.len().max(1) as f64).sqrt(), peak)
}
