//! Clicks: impulses of at most a third of a millisecond that stick out of a smooth surrounding on both sides, after which the wave goes on as before.
//! A drum does not end at once, a square wave does not come back; rows of pulses are a sound. Method after the curvature detectors of restoration
//! (S. Godsill and P. Rayner, "Digital Audio Restoration", 1998, ch. 5, with a second difference for the predictor).
//! Known limit: a jump, as at a bad cut, is not told from the edge of a square wave and is not reported.

use super::events::{Event, Events, Lonely};
use super::stretch::{CONTEXT_CELLS, STRETCH_FRAMES, Stretch};
use crate::{lanes, math};

/// The curvature of a click is so many times the greatest around it.
const RATIO: f64 = 8.0;
/// Cells that are looked at on either side; the nearest one is left for the click's own ends.
const AROUND_CELLS: usize = 7;
/// Under -50 dBFS nobody hears it.
const HEIGHT_MIN: f64 = 0.003;
/// Half of the widest click, as a share of a cell (0.7 ms): 0.17 ms.
const HALF_CELL_SHARE: usize = 4;
/// The wave must return: what it has moved is at most this share of the click.
const MOVED_SHARE: f64 = 0.5;
const ROW_GAP_S: f64 = 0.05;

/// Of one channel.
#[derive(Clone, Debug)]
pub(super) struct Clicks {
    channel: usize,
    sample_rate: f64,
    cell: usize,
    curves: Vec<f64>,
    lonely: Lonely,
}

impl Clicks {
    pub(super) fn new(channel: usize, sample_rate: u32, cell: usize) -> Self {
        Clicks {
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
        let low = |range: std::ops::Range<usize>| self.curves[range].iter().all(|c| c * RATIO < curve);
        // The larger of two neighbours that share a click is it; of two equal ones the earlier.
        self.curves[index - 1] < curve
            && self.curves.get(index + 1).is_none_or(|next| *next <= curve)
            && low(index - AROUND_CELLS..index - 1)
            && low((index + 2).min(cells)..(index + 1 + AROUND_CELLS).min(cells))
    }

    /// Looks at the samples: all the curvature within the width of a click, and a wave that goes on.
    fn examine(&mut self, stretch: &Stretch<'_>, index: usize) {
        let window = stretch.window;
        let from = index * self.cell;
        let to = (from + self.cell).min(window.len() - 1);
        let size = |i: usize| curvature(window[i - 1], window[i], window[i + 1]);
        let Some(peak) = (from..to).max_by(|a, b| size(*a).total_cmp(&size(*b))) else { return };
        let (curve, half) = (self.curves[index], (self.cell / HALF_CELL_SHARE).max(2));
        let last = window.len() - 2;
        let near = peak - 2 * self.cell..=(peak + 2 * self.cell).min(last);
        if near.filter(|i| i.abs_diff(peak) > half).any(|i| size(i) * RATIO >= curve) || peak + 2 * half > last {
            return;
        }
        // Lines through the wave before and after, met at the click.
        let (before, after) = (peak - half - 1, peak + half + 1);
        let slope = |a: usize, b: usize| (window[b] - window[a]) / (b - a) as f64;
        let coming = window[before] + slope(before - half + 1, before) * (half + 1) as f64;
        let going = window[after] - slope(after, after + half - 1) * (half + 1) as f64;
        let middle = 0.5 * (coming + going);
        let height = (peak - half..=peak + half).map(|i| (window[i] - middle).abs()).fold(0.0, f64::max);
        if height >= HEIGHT_MIN && (coming - going).abs() <= MOVED_SHARE * height {
            let width = (peak - half..=peak + half).filter(|i| size(*i) * RATIO >= curve).count() as u64;
            self.lonely.add(Event {
                channel: self.channel,
                at_s: stretch.frame(peak) as f64 / self.sample_rate,
                // The curvature of a single sample shows at both of its neighbours.
                frames: width.saturating_sub(2).max(1),
                level_db: math::decibels(height),
            });
        }
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
