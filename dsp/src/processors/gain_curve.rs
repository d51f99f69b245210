//! The limiter's gain, frame by frame, from how much each frame must come down. The gain never exceeds what a frame needs, by construction:
//! a running minimum over the look-ahead, a release that only ever holds it lower, and averages no longer than the look-ahead.

use std::collections::VecDeque;

use super::one_pole;

/// Gains are averaged as whole numbers of this part, so that a sum over hours stays exact and "no reduction" is exactly 1.
const ONE: i64 = 1 << 44;
const BOXES: usize = 3;

/// Times of the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurveSettings {
    /// How long before a peak the gain begins to have fallen; the fall takes twice this.
    pub lookahead_ms: f64,
    /// How long one reduction is held at least. Half a period of the lowest tone, or that tone is bent: 10 ms is 50 Hz.
    pub hold_ms: f64,
    /// Release of an isolated peak.
    pub fast_release_ms: f64,
    /// Release under steady reduction.
    pub slow_release_ms: f64,
}

pub struct GainCurve {
    ahead: usize,
    window: u64,
    /// Values that can still become the minimum, oldest first, rising (a monotone deque: each frame enters and leaves once).
    minima: VecDeque<(u64, f64)>,
    frame: u64,
    fast: f64,
    slow: f64,
    average_fall: f64,
    average_rise: f64,
    average: f64,
    held: f64,
    boxes: [MovingAverage; BOXES],
}

impl GainCurve {
    pub fn new(settings: &CurveSettings, sample_rate: u32) -> Self {
        let frames = |ms: f64| (ms * f64::from(sample_rate) / 1000.0).round() as usize;
        let ahead = frames(settings.lookahead_ms).max(BOXES);
        // The hold behind must be as long as the averages reach, or they would lift the gain over a peak.
        let behind = frames(settings.hold_ms).saturating_sub(ahead).max(ahead);
        let third = ahead / BOXES;
        GainCurve {
            ahead,
            window: (ahead + behind + 1) as u64,
            minima: VecDeque::new(),
            frame: 0,
            fast: one_pole(settings.fast_release_ms, sample_rate),
            slow: one_pole(settings.slow_release_ms, sample_rate),
            average_fall: one_pole(0.3 * settings.slow_release_ms, sample_rate),
            average_rise: one_pole(3.0 * settings.slow_release_ms, sample_rate),
            average: 1.0,
            held: 1.0,
            boxes: [third, third, ahead - 2 * third].map(MovingAverage::new),
        }
    }

    /// The gain that comes out belongs to the frame this many calls ago.
    pub fn latency_frames(&self) -> usize {
        2 * self.ahead
    }

    /// `required`: the most gain this frame may have, 0 < required <= 1. Returns the gain of the frame [`Self::latency_frames`] ago.
    pub fn next(&mut self, required: f64) -> f64 {
        while self.minima.back().is_some_and(|(_, v)| *v >= required) {
            self.minima.pop_back();
        }
        self.minima.push_back((self.frame, required));
        if self.minima.front().is_some_and(|(at, _)| at + self.window <= self.frame) {
            self.minima.pop_front();
        }
        self.frame += 1;
        let lowest = self.minima.front().map_or(required, |(_, v)| *v);
        let gain = (self.release(lowest) * ONE as f64) as i64;
        self.boxes.iter_mut().fold(gain, |g, b| b.next(g)) as f64 / ONE as f64
    }

    /// Falls at once; rises fast while the reduction is deeper than it was on average, slowly otherwise. The average remembers reduction longer
    /// than it takes to learn it: a single peak hardly moves it, a run of kicks does, and is then not followed all the way up each time.
    fn release(&mut self, lowest: f64) -> f64 {
        let pace = if lowest < self.average { self.average_fall } else { self.average_rise };
        self.average += (lowest - self.average) * pace;
        if lowest <= self.held || lowest - self.held < 1e-9 {
            self.held = lowest;
        } else {
            let pace = if self.held < self.average { self.fast } else { self.slow };
            self.held += (lowest - self.held) * pace;
        }
        self.held
    }
}

/// The mean of the last 2 * half + 1 values, in whole numbers, rounded down.
struct MovingAverage {
    values: VecDeque<i64>,
    sum: i64,
}

impl MovingAverage {
    fn new(half: usize) -> Self {
        let n = 2 * half + 1;
        MovingAverage { values: vec![ONE; n].into(), sum: ONE * n as i64 }
    }

    fn next(&mut self, value: i64) -> i64 {
        self.sum += value - self.values.pop_front().unwrap_or(0);
        self.values.push_back(value);
        self.sum / self.values.len() as i64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: CurveSettings =
        CurveSettings { lookahead_ms: 2.5, hold_ms: 10.0, fast_release_ms: 30.0, slow_release_ms: 100.0 };

    fn curve(required: &[f64], rate: u32) -> Vec<f64> {
        let mut curve = GainCurve::new(&SETTINGS, rate);
        let late = curve.latency_frames();
        let mut out: Vec<f64> =
            required.iter().copied().chain(std::iter::repeat_n(1.0, late)).map(|r| curve.next(r)).collect();
        out.drain(..late);
        out
    }

    #[test]
    fn no_reduction_is_exactly_one_and_comes_back_to_exactly_one() {
        assert!(curve(&[1.0; 5000], 44_100).iter().all(|g| *g == 1.0));
        let mut required = vec![1.0; 200_000];
        required[1000] = 0.3;
        assert_eq!(curve(&required, 44_100).last(), Some(&1.0));
    }

    #[test]
    fn a_single_peak_is_met_and_prepared_for() {
        let mut required = vec![1.0; 5000];
        required[2000] = 0.5;
        let gain = curve(&required, 44_100);
        assert!(gain[2000] <= 0.5 && gain[2000] > 0.499_999);
        assert_eq!(gain[2000 - 221], 1.0);
        // A click would be a step; the largest one here is small.
        let step = gain.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(step < 0.01, "{step}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn the_gain_is_never_above_the_required_one(
            peaks in prop::collection::vec((0usize..3000, 0.01f64..1.0), 0..40),
            rate in prop::sample::select(vec![8_000u32, 44_100, 96_000]),
        ) {
            let mut required = vec![1.0; 3000];
            for (at, r) in peaks {
                required[at] = r;
            }
            for (g, r) in curve(&required, rate).iter().zip(&required) {
                prop_assert!(g <= r && *g > 0.0);
            }
        }
    }
}
