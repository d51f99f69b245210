//! Clicks: impulses of at most 0.25 ms that stick out of a smooth surrounding on both sides, after which the wave goes on as before.
//! A drum does not end at once, a square wave does not come back; rows of pulses are a sound. Method after the curvature detectors of restoration
//! (S. Godsill and P. Rayner, "Digital Audio Restoration", 1998, ch. 5, with a second difference for the predictor).
//! Known limit: a jump, as at a bad cut, is not told from the edge of a square wave and is not reported.

use super::events::{Event, Events, Lonely};
use super::stretch::{CONTEXT_CELLS, STRETCH_FRAMES, Stretch};
use crate::{lanes, math};

/// The curvature of a click is so many times the greatest around it, as an inspection takes it.
pub(super) const RATIO: f64 = 8.0;
/// Cells that are looked at on either side; the nearest one is left for the click's own ends.
const AROUND_CELLS: usize = 7;
/// Under -50 dBFS nobody hears it.
const HEIGHT_MIN: f64 = 0.003;
/// The widest click, as a share of a cell (0.7 ms): 0.25 ms.
const CLICK_SHARE: usize = 3;
/// The lines before and after run through samples so far apart: 0.09 ms.
const REACH_SHARE: usize = 8;
/// The wave must go on: where it is after the click is at most this share of the click away from where it was bound for.
const MOVED_SHARE: f64 = 0.75;
/// Deep voices and basses are rows of pulses too.
const ROW_GAP_S: f64 = 0.1;

/// Of one channel.
#[derive(Clone, Debug)]
pub(super) struct Clicks {
    channel: usize,
    sample_rate: f64,
    cell: usize,
    ratio: f64,
    curves: Vec<f64>,
    lonely: Lonely,
}

impl Clicks {
    pub(super) fn new(channel: usize, sample_rate: u32, cell: usize, ratio: f64) -> Self {
        Clicks {
            ratio,
            channel,
            sample_rate: f64::from(sample_rate),
            cell,
            curves: vec![0.0; 2 * CONTEXT_CELLS + STRETCH_FRAMES / cell],
            lonely: Lonely::new(ROW_GAP_S),
        }
    }

    pub(super) fn push(&mut self, stretch: &Stretch<'_>) {
        let window = stretch.window;
        let cells = window.len().div_ceil(self.cell);
        let (curves, cell) = (&mut self.curves[..cells], self.cell);
        lanes::wide(
            #[inline(always)]
            || curvatures(window, cell, curves),
        );
        let own = CONTEXT_CELLS..CONTEXT_CELLS + stretch.samples().len().div_ceil(self.cell);
        for index in own {
            let curve = self.curves[index];
            if curve > 2.0 * HEIGHT_MIN && self.sticks_out(index, cells) {
                self.examine(stretch, index);
            }
        }
    }

    fn sticks_out(&self, index: usize, cells: usize) -> bool {
        let curve = self.curves[index];
        let low = |range: std::ops::Range<usize>| self.curves[range].iter().all(|c| c * self.ratio < curve);
        // The larger of two neighbours that share a click is it; of two equal ones the earlier.
        self.curves[index - 1] < curve
            && self.curves.get(index + 1).is_none_or(|next| *next <= curve)
            && low(index - AROUND_CELLS..index - 1)
            && low((index + 2).min(cells)..(index + 1 + AROUND_CELLS).min(cells))
    }

    /// Looks at the samples: all the curvature within the width of a click, and a wave that goes on.
    fn examine(&mut self, stretch: &Stretch<'_>, index: usize) {
        let window = stretch.window;
        let (curve, wide) = (self.curves[index], self.cell / CLICK_SHARE + 2);
        let bent = |i: &usize| curvature(window[*i - 1], window[*i], window[*i + 1]) * self.ratio >= curve;
        let mut near = (index - 2) * self.cell..((index + 3) * self.cell).min(window.len() - 1);
        // At its ends the wave is its own again: a curvature belongs to the sample between its neighbours.
        let (Some(from), Some(to)) = (near.clone().find(bent), near.rfind(bent)) else { return };
        let reach = (self.cell / REACH_SHARE).max(1);
        if to - from > wide || from < reach || to + reach >= window.len() {
            return;
        }
        // Lines through the wave before and after. What lies on either is the wave: the bend where a sound begins, the edge of a square.
        let coming = (window[from] - window[from - reach]) / reach as f64;
        let going = (window[to + reach] - window[to]) / reach as f64;
        let off = |i: usize| {
            let before = window[from] + coming * (i - from) as f64;
            let after = window[to] - going * (to - i) as f64;
            (window[i] - before).abs().min((window[i] - after).abs())
        };
        let (peak, height) = (from..=to)
            .map(|i| (i, off(i)))
            .fold((from, 0.0), |most, one| if one.1 > most.1 { one } else { most });
        let moved = (window[from] + coming * (to - from) as f64 - window[to]).abs();
        if height >= HEIGHT_MIN && moved <= MOVED_SHARE * height {
            self.lonely.add(Event {
                channel: self.channel,
                at_s: stretch.frame(peak) as f64 / self.sample_rate,
                frames: (to - from).saturating_sub(1).max(1) as u64,
                level_db: math::decibels(height),
            });
        }
    }

    /// What has been let through so far, none of it left out.
    pub(super) fn take(&mut self) -> Vec<Event> {
        self.lonely.take()
    }

    pub(super) fn finish(self) -> Events {
        self.lonely.finish()
    }
}

#[inline(always)]
fn curvature(before: f64, here: f64, after: f64) -> f64 {
    (before - 2.0 * here + after).abs()
}

/// The greatest curvature in each cell of a window; the window's ends, which lack a neighbour, are left out.
#[inline(always)]
fn curvatures(window: &[f64], cell: usize, out: &mut [f64]) {
    const LANES: usize = 8;
    for (index, out) in out.iter_mut().enumerate() {
        let from = (index * cell).max(1);
        let to = ((index + 1) * cell).min(window.len() - 1);
        if from >= to {
            *out = 0.0;
            continue;
        }
        let span = to - from;
        let (before, here) = (&window[from - 1..from - 1 + span], &window[from..to]);
        let after = &window[from + 1..from + 1 + span];
        let ((b8, b), (h8, h), (a8, a)) =
            (before.as_chunks::<LANES>(), here.as_chunks::<LANES>(), after.as_chunks::<LANES>());
        let mut most = [0.0f64; LANES];
        for ((b, h), a) in b8.iter().zip(h8).zip(a8) {
            for k in 0..LANES {
                let size = curvature(b[k], h[k], a[k]);
                most[k] = if size > most[k] { size } else { most[k] };
            }
        }
        for ((b, h), a) in b.iter().zip(h).zip(a) {
            let size = curvature(*b, *h, *a);
            most[0] = if size > most[0] { size } else { most[0] };
        }
        *out = most.into_iter().fold(0.0, |m, s| if s > m { s } else { m });
    }
}
