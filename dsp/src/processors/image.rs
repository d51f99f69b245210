//! The stereo image as middle and side: each with a gain, the side with one for every band, and no side below a frequency. What the width of a recipe
//! and the stereo step have in common. Never here: settings, more than two channels.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::{biquad::Coefficients, cascade::Cascade};
use crate::{lanes, math};

/// Frames whose side signal stands on the stack at once.
const PIECE_FRAMES: usize = 256;

/// Two channels in, two out, in place: `L' = m + s`, `R' = m - s` with `m = mid (L + R)/2` and s what the bands make of `side (L - R)/2`.
#[derive(Clone, Debug)]
pub(super) struct Image {
    mid: f64,
    side: f64,
    /// Of the highest band; the side itself where there are no edges.
    top: f64,
    lows: Vec<Low>,
    /// Two in a row: 24 dB an octave.
    cut: Option<Cascade>,
}

/// What lies below an edge, by a first-order low pass; what lies above it is the rest, so that equal gains leave the side as it is.
#[derive(Clone, Debug)]
struct Low {
    filter: Cascade,
    /// Gain of the band below the edge less that of the band above.
    gain: f64,
}

impl Image {
    /// `widths`: one more than `edges_hz`, which rise.
    pub(super) fn new(mid: f64, side: f64, edges_hz: &[f64], widths: &[f64], sample_rate: u32) -> Self {
        let low = |(hz, width): (&f64, &[f64])| {
            // The bilinear transform of w / (s + w).
            let k = math::tan(PI * hz / f64::from(sample_rate));
            let b = k / (1.0 + k);
            let section = Coefficients { b: [b, b, 0.0], a: [(k - 1.0) / (1.0 + k), 0.0] };
            Low { filter: Cascade::new(&[section], 1), gain: width[0] - width[1] }
        };
        let top = widths.last().copied().unwrap_or(1.0);
        let lows: Vec<Low> =
            edges_hz.iter().zip(widths.windows(2)).map(low).filter(|low| low.gain != 0.0).collect();
        // One band is one gain.
        let (side, top) = if lows.is_empty() { (side * top, 1.0) } else { (side, top) };
        Image { mid, side, top, lows, cut: None }
    }

    pub(super) fn mono_below(mut self, hz: f64, sample_rate: u32) -> Self {
        self.cut = Some(Cascade::new(&[Coefficients::low_cut(sample_rate, hz, FRAC_1_SQRT_2); 2], 1));
        self
    }

    /// Changes nothing but what rounding does.
    pub(super) fn is_neutral(&self) -> bool {
        self.mid == 1.0 && self.side == 1.0 && self.lows.is_empty() && self.cut.is_none()
    }

    pub(super) fn reset(&mut self) {
        self.lows.iter_mut().for_each(|low| low.filter.reset());
        if let Some(cut) = &mut self.cut {
            cut.reset();
        }
    }

    pub(super) fn run(&mut self, left: &mut [f64], right: &mut [f64]) {
        let mut side = [0.0; PIECE_FRAMES];
        for (left, right) in left.chunks_mut(PIECE_FRAMES).zip(right.chunks_mut(PIECE_FRAMES)) {
            let side = &mut side[..left.len().min(right.len())];
            let half = 0.5 * self.side;
            lanes::wide(
                #[inline(always)]
                || {
                    for ((side, l), r) in side.iter_mut().zip(&*left).zip(&*right) {
                        *side = half * (l - r);
                    }
                },
            );
            self.spread(side);
            if let Some(cut) = &mut self.cut {
                cut.run(&mut [&mut *side]);
            }
            let half = 0.5 * self.mid;
            lanes::wide(
                #[inline(always)]
                || {
                    for ((side, l), r) in side.iter().zip(left).zip(right) {
                        let mid = half * (*l + *r);
                        (*l, *r) = (mid + side, mid - side);
                    }
                },
            );
        }
    }

    /// The bands of the side, each with its gain.
    fn spread(&mut self, side: &mut [f64]) {
        if self.lows.is_empty() {
            return;
        }
        let (mut whole, mut low) = ([0.0; PIECE_FRAMES], [0.0; PIECE_FRAMES]);
        let (whole, low) = (&mut whole[..side.len()], &mut low[..side.len()]);
        whole.copy_from_slice(side);
        side.iter_mut().for_each(|s| *s *= self.top);
        for part in &mut self.lows {
            low.copy_from_slice(whole);
            part.filter.run(&mut [&mut *low]);
            let gain = part.gain;
            lanes::wide(
                #[inline(always)]
                || side.iter_mut().zip(&*low).for_each(|(side, low)| *side += gain * low),
            );
        }
    }
}
