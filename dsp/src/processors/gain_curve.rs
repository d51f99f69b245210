//! The limiter's gain from how high the wave stands, at control rate: one value for each group of frames, joined by straight lines. Between two
//! values the gain never exceeds what the wave there needs, by construction: the highest peak is held over the look-ahead, a release only ever
//! keeps the gain lower, averages are no longer than the look-ahead, and each value serves the groups on both its sides.
//! Never here: samples, the search for a level.

use super::detector::{group_frames, sliding};
use crate::{lanes, math};

/// Gains are averaged as whole numbers of this part, so that sums are exact in f64 at any length and "no reduction" is exactly 1.
const ONE: f64 = (1u64 << 38) as f64;
const BOXES: usize = 3;

/// Times of the curve, and how far the channels share it.
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
    /// 1: all channels get the gain of the one that needs most. 0: each its own. Between, decibels are mixed.
    pub link: f64,
}

impl CurveSettings {
    pub fn linked(&self) -> bool {
        self.link >= 1.0
    }

    /// Groups over which only the highest peak counts.
    pub fn reach_groups(&self, sample_rate: u32) -> usize {
        Times::new(self, sample_rate).window - 1
    }
}

/// The times in groups.
#[derive(Clone, Copy)]
struct Times {
    halves: [usize; BOXES],
    ahead: usize,
    window: usize,
}

impl Times {
    fn new(settings: &CurveSettings, sample_rate: u32) -> Self {
        let per_ms = f64::from(sample_rate) / 1000.0 / group_frames(sample_rate) as f64;
        let groups = |ms: f64| (ms * per_ms).round() as usize;
        let ahead = groups(settings.lookahead_ms).max(BOXES);
        let third = ahead / BOXES;
        // A peak is held from `ahead` groups before to as far behind, at least, as the averages reach; one more for the group on the other side.
        let window = ((settings.hold_ms * per_ms).ceil() as usize).max(2 * ahead) + 2;
        Times { halves: [third, third, ahead - 2 * third], ahead, window }
    }
}

#[derive(Clone)]
pub struct GainCurve {
    times: Times,
    link: f64,
    pace: Pace,
    lanes: Vec<Lane>,
}

#[derive(Clone, Copy)]
struct Pace {
    fast: f64,
    slow: f64,
    average_fall: f64,
    average_rise: f64,
}

#[derive(Clone)]
struct Lane {
    /// Peaks still within the hold, then what came new.
    peaks: Vec<f64>,
    required: Vec<f64>,
    average: f64,
    held: f64,
    boxes: [MovingSum; BOXES],
}

impl GainCurve {
    /// `lanes`: 1 where all channels share one gain.
    pub fn new(settings: &CurveSettings, sample_rate: u32, lanes: usize) -> Self {
        let times = Times::new(settings, sample_rate);
        let group_ms = 1000.0 * group_frames(sample_rate) as f64 / f64::from(sample_rate.max(1));
        let pace = |ms: f64| if ms > 0.0 { 1.0 - math::exp(-group_ms / ms) } else { 1.0 };
        let lane = || Lane {
            peaks: vec![0.0; times.window - 1],
            required: Vec::new(),
            average: 1.0,
            held: 1.0,
            boxes: MovingSum::cascade(times.halves),
        };
        GainCurve {
            times,
            link: settings.link.clamp(0.0, 1.0),
            pace: Pace {
                fast: pace(settings.fast_release_ms),
                slow: pace(settings.slow_release_ms),
                average_fall: pace(0.3 * settings.slow_release_ms),
                average_rise: pace(3.0 * settings.slow_release_ms),
            },
            lanes: (0..lanes.max(1)).map(|_| lane()).collect(),
        }
    }

    /// The value that comes out belongs to the first frame of the group so many groups ago.
    pub fn latency_groups(&self) -> usize {
        2 * self.times.ahead
    }

    /// Takes the peaks of the next groups, lane by lane, as they are after a factor of `gain`, and appends as many values to `gains`: what keeps
    /// them at `limit`, at most 1.
    pub fn push(&mut self, peaks: &[Vec<f64>], gain: f64, limit: f64, gains: &mut [Vec<f64>]) {
        let window = self.times.window;
        for (lane, peaks) in self.lanes.iter_mut().zip(peaks) {
            lane.peaks.extend_from_slice(peaks);
            lane.required.clear();
            lane.required.extend_from_slice(&lane.peaks);
            let keep = lane.peaks.len().saturating_sub(window - 1);
            lane.peaks.drain(..keep);
            sliding(&mut lane.required, window, |a, b| if a > b { a } else { b });
            lanes::wide(
                #[inline(always)]
                || {
                    for v in &mut lane.required {
                        let height = *v * gain;
                        *v = if height > limit { limit / height } else { 1.0 };
                    }
                },
            );
        }
        if self.lanes.len() > 1 {
            self.share();
        }
        for (lane, gains) in self.lanes.iter_mut().zip(gains) {
            lane.release_and_smooth(self.pace, gains);
        }
    }

    /// Mixes each lane's need with that of the lane that needs most, in decibels. What comes out is never above the lane's own need.
    fn share(&mut self) {
        let n = self.lanes.first().map_or(0, |l| l.required.len());
        for i in 0..n {
            let least = self.lanes.iter().fold(1.0f64, |m, l| m.min(l.required[i]));
            if least >= 1.0 {
                continue;
            }
            for lane in &mut self.lanes {
                let own = lane.required[i];
                let mixed = (1.0 - self.link) * math::log2(own) + self.link * math::log2(least);
                lane.required[i] = math::exp2(mixed).min(own);
            }
        }
    }
}

impl Lane {
    /// Release and averages in one loop: each waits for its own last value only, so that the processor works on all of them at once.
    ///
    /// The gain falls at once; it rises fast while the reduction is deeper than it was on average, slowly otherwise. The average remembers reduction
    /// longer than it takes to learn it: a single peak hardly moves it, a run of kicks does, and is then not followed all the way up each time.
    fn release_and_smooth(&mut self, pace: Pace, gains: &mut Vec<f64>) {
        let n = self.required.len();
        let (mut average, mut held) = (self.average, self.held);
        // Taken out for the time of the loop, so that the sums stay in registers.
        let [mut a, mut b, mut c] = std::mem::take(&mut self.boxes);
        let whole = ONE * (a.ring.len() * b.ring.len() * c.ring.len()) as f64;
        let start = gains.len();
        gains.resize(start + n, 0.0);
        for (out, lowest) in gains[start..].iter_mut().zip(&self.required) {
            let lowest = *lowest;
            let learn = if lowest < average { pace.average_fall } else { pace.average_rise };
            let rise = if held < average { pace.fast } else { pace.slow };
            average += (lowest - average) * learn;
            let risen = held + (lowest - held) * rise;
            held = if lowest - held < 1e-9 { lowest } else { risen };
            // Not negative: a cast down is the floor.
            let part = (held * ONE) as i64 as f64;
            *out = c.add(b.add(a.add(part))) / whole;
        }
        (self.average, self.held, self.boxes) = (average, held, [a, b, c]);
    }
}

/// The sum of the last values. All are whole numbers below 2^53, so that no sum is ever rounded.
#[derive(Clone, Default)]
struct MovingSum {
    /// The values summed up, the oldest at `at`.
    ring: Vec<f64>,
    at: usize,
    sum: f64,
}

impl MovingSum {
    /// Sums in a row, filled with [`ONE`]; each is handed the sums of the one before.
    fn cascade(halves: [usize; BOXES]) -> [MovingSum; BOXES] {
        let mut one = ONE;
        halves.map(|half| {
            let width = 2 * half + 1;
            let sum = MovingSum { ring: vec![one; width], at: 0, sum: one * width as f64 };
            one = sum.sum;
            sum
        })
    }

    #[inline(always)]
    fn add(&mut self, new: f64) -> f64 {
        if let Some(old) = self.ring.get_mut(self.at) {
            self.sum += new - *old;
            *old = new;
        }
        self.at = if self.at + 1 < self.ring.len() { self.at + 1 } else { 0 };
        self.sum
    }
}

/// Multiplies the frames of one channel by gains given at the first frame of each group; between them the gain goes in a straight line.
/// `first`: the place of the first frame in its group. `gains[0]` is that group's value, and one more value follows the last group begun.
pub fn apply_ramp(samples: &mut [f64], first: usize, group: usize, gains: &[f64], factor: f64) {
    let part = 1.0 / group as f64;
    lanes::wide(
        #[inline(always)]
        || {
            let (mut at, mut rest) = (first, samples);
            for pair in gains.windows(2) {
                let n = (group - at).min(rest.len());
                let (run, later) = rest.split_at_mut(n);
                if pair[0] == 1.0 && pair[1] == 1.0 {
                    run.iter_mut().for_each(|s| *s *= factor);
                } else {
                    let (from, step) = (pair[0] * factor, (pair[1] - pair[0]) * factor * part);
                    for (i, s) in run.iter_mut().enumerate() {
                        *s *= from + step * (at + i) as f64;
                    }
                }
                (at, rest) = (0, later);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: CurveSettings = CurveSettings {
        lookahead_ms: 2.5,
        hold_ms: 10.0,
        fast_release_ms: 30.0,
        slow_release_ms: 100.0,
        link: 1.0,
    };

    /// Values for the first frame of each group and one past the end.
    fn curve(peaks: &[f64], rate: u32, part: usize) -> Vec<f64> {
        let mut curve = GainCurve::new(&SETTINGS, rate, 1);
        let late = curve.latency_groups();
        let padded: Vec<f64> = peaks.iter().copied().chain(std::iter::repeat_n(0.0, late + 1)).collect();
        let mut out = vec![Vec::new()];
        for part in padded.chunks(part) {
            curve.push(&[part.to_vec()], 1.0, 1.0, &mut out);
        }
        let mut gains = out.remove(0);
        gains.drain(..late);
        gains
    }

    #[test]
    fn no_reduction_is_exactly_one_and_comes_back_to_exactly_one() {
        assert!(curve(&[1.0; 5000], 44_100, 64).iter().all(|g| *g == 1.0));
        let mut peaks = vec![0.1; 20_000];
        peaks[1000] = 3.0;
        assert_eq!(curve(&peaks, 44_100, 64).last(), Some(&1.0));
    }

    #[test]
    fn a_single_peak_is_met_and_prepared_for() {
        let mut peaks = vec![0.5; 500];
        peaks[200] = 2.0;
        let gain = curve(&peaks, 44_100, 500);
        for g in [gain[200], gain[201]] {
            assert!(g <= 0.5 && g > 0.499_999);
        }
        assert_eq!(gain[200 - 15], 1.0);
        let step = gain.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(step / 16.0 < 0.01, "a click would be a step: {step} in 16 frames");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn the_gain_is_never_above_the_required_one_on_either_side(
            peaks in prop::collection::vec((0usize..800, 1.0f64..100.0), 0..40),
            rate in prop::sample::select(vec![8_000u32, 44_100, 96_000]),
            part in 1usize..300,
        ) {
            let mut heights = vec![0.1; 800];
            for (at, p) in peaks {
                heights[at] = p;
            }
            let gain = curve(&heights, rate, 1024);
            prop_assert_eq!(&gain, &curve(&heights, rate, part));
            for (g, p) in gain.windows(2).zip(&heights) {
                let most = (1.0 / p).min(1.0);
                prop_assert!(g[0] <= most && g[1] <= most && g[0] > 0.0);
            }
        }

        #[test]
        fn partly_linked_lanes_keep_their_own_need_and_share_the_rest(
            peaks in prop::collection::vec((0usize..400, 1.0f64..20.0, 0usize..2), 1..20),
            link in 0.0f64..1.0,
        ) {
            let mut heights = vec![vec![0.1; 400]; 2];
            for (at, p, lane) in peaks {
                heights[lane][at] = p;
            }
            let run = |link: f64| {
                let mut curve = GainCurve::new(&CurveSettings { link, ..SETTINGS }, 44_100, 2);
                let late = curve.latency_groups();
                let mut out = vec![Vec::new(); 2];
                curve.push(&heights, 1.0, 1.0, &mut out);
                curve.push(&vec![vec![0.0; late + 1]; 2], 1.0, 1.0, &mut out);
                out.iter_mut().for_each(|o| { o.drain(..late); });
                out
            };
            let (partly, apart, together) = (run(link), run(0.0), run(1.0));
            for lane in 0..2 {
                for (i, p) in heights[lane].iter().enumerate() {
                    prop_assert!(partly[lane][i] <= (1.0 / p).min(1.0) + 1e-12);
                }
            }
            prop_assert_eq!(&together[0], &together[1]);
            let least = |v: &Vec<Vec<f64>>, lane: usize| v[lane].iter().copied().fold(1.0, f64::min);
            for lane in 0..2 {
                prop_assert!(least(&partly, lane) <= least(&apart, lane) + 1e-9);
                prop_assert!(least(&partly, lane) >= least(&together, lane) - 1e-9);
            }
        }
    }
}
