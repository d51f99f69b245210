//! How high the wave stands, between the samples too, as one number for each short group of frames: what the limiter listens to.
//! Samples are looked at everywhere; the wave between them only where a group can be the highest among its neighbours, because the limiter holds
//! the highest and never asks for the others. Never here: gain, a ceiling.

use crate::{block::Block, lanes, true_peak::Bank};

/// Points a sample that are computed; a parabola through three of them finds the top between. Its error at a fifth of the rate is under
/// 0.001 dB, at 0.45 of the rate 0.02 dB; a grid alone would have to be thirty times finer.
const PHASES: usize = 4;
const HALF: usize = 16;
const BETA: f64 = 6.5;
/// A group is looked at between its samples if it would be the highest with its samples raised by this while its rivals' are not. Near 11 kHz a
/// wave can stand 1.41 times over its samples, but then does so in the rivals too; what is missed is found by the meter that judges the result.
const SWING: f64 = 1.4;
/// A group lasts about a third of a millisecond: 16 frames at 44.1 and 48 kHz.
const GROUPS_PER_SECOND: u32 = 2750;
/// Groups worked on together.
const RUN: usize = 16;

/// Frames that share one peak, a power of two.
pub fn group_frames(sample_rate: u32) -> usize {
    let most = (sample_rate / GROUPS_PER_SECOND).max(1);
    1 << most.ilog2()
}

/// Gives for group k the largest magnitude of the wave from its first frame to the first frame of the next group. What rings before the first
/// frame counts for the first group, what rings after the last for the last.
#[derive(Clone)]
pub struct PeakDetector {
    fine: Fine,
    group: usize,
    reach: usize,
    linked: bool,
    /// Per channel: the samples from `HALF` frames before the first group not yet given out.
    samples: Vec<Vec<f64>>,
    /// Per channel: largest sample of each group, from `reach` groups before the first one not yet given out.
    coarse: Vec<Vec<f64>>,
    /// Groups that stand before the stream and are folded into the first.
    early: usize,
    folded: Vec<f64>,
    pushed: u64,
    given: u64,
}

impl PeakDetector {
    /// `reach`: so many groups on, and so many back, a group may be held; among those only the highest is asked for exactly.
    /// `linked`: one number for all channels, else one for each.
    pub fn new(channels: usize, sample_rate: u32, reach: usize, linked: bool) -> Self {
        let group = group_frames(sample_rate);
        let early = HALF.div_ceil(group);
        PeakDetector {
            fine: Fine::new(HALF, BETA, group),
            group,
            reach,
            linked,
            samples: vec![vec![0.0; HALF + early * group]; channels],
            coarse: vec![vec![0.0; reach]; channels],
            early,
            folded: vec![0.0; if linked { 1 } else { channels }],
            pushed: 0,
            given: 0,
        }
    }

    /// Numbers given out for each group.
    pub fn lanes(&self) -> usize {
        self.folded.len()
    }

    /// A group is given out once so many frames after its first are known.
    pub fn latency_frames(&self) -> usize {
        (self.wait() + 1) * self.group + 1
    }

    /// Groups that must follow before one is known.
    fn wait(&self) -> usize {
        self.reach.max(HALF.div_ceil(self.group))
    }

    /// Takes a stretch and appends what is now known to `peaks`, lane by lane.
    pub fn push(&mut self, block: &Block, peaks: &mut [Vec<f64>]) {
        self.pushed += block.frames() as u64;
        for (line, samples) in self.samples.iter_mut().zip(&block.channels) {
            line.extend(samples.iter().map(|s| if s.is_finite() { *s } else { 0.0 }));
        }
        self.work(peaks);
    }

    /// Appends the peaks of the last groups: the stream is over and silence follows.
    pub fn finish(&mut self, peaks: &mut [Vec<f64>]) {
        let groups = self.pushed.div_ceil(self.group as u64);
        let start = self.given;
        let rest = (groups * self.group as u64 - self.pushed) as usize;
        let silence = rest + self.latency_frames() + HALF + 2 * self.group;
        for line in &mut self.samples {
            line.resize(line.len() + silence, 0.0);
        }
        let before = peaks.first().map_or(0, Vec::len);
        self.work(peaks);
        for lane in peaks.iter_mut() {
            // What rings after the end belongs to the last group.
            let keep = before + (groups - start.min(groups)) as usize;
            let ringing = loudest(&lane[keep.saturating_sub(1).max(before).min(lane.len())..]);
            lane.truncate(keep);
            if keep > before
                && let Some(last) = lane.last_mut()
            {
                *last = ringing;
            }
        }
    }

    fn work(&mut self, peaks: &mut [Vec<f64>]) {
        let Self { group, reach, .. } = *self;
        let known = self.samples.first().map_or(0, Vec::len).saturating_sub(HALF + 1) / group;
        // Group g of the lines stands at HALF + g * group; its coarse peak at reach + g.
        for (coarse, samples) in self.coarse.iter_mut().zip(&self.samples) {
            let seen = coarse.len() - reach;
            lanes::wide(
                #[inline(always)]
                || {
                    for g in seen..known {
                        coarse.push(loudest(&samples[HALF + g * group..][..group + 1]));
                    }
                },
            );
        }
        let ready = known.saturating_sub(self.wait());
        if ready == 0 {
            return;
        }
        let mut found = vec![Vec::new(); self.folded.len()];
        if self.linked {
            let mut highest = self.coarse.first().cloned().unwrap_or_default();
            for coarse in self.coarse.iter().skip(1) {
                highest.iter_mut().zip(coarse).for_each(|(h, c)| *h = h.max(*c));
            }
            let bar = bars(highest, reach);
            found[0].resize(ready, 0.0);
            for (coarse, samples) in self.coarse.iter().zip(&self.samples) {
                self.fine.look(samples, &coarse[reach..], &bar, &mut found[0]);
            }
        } else {
            for ((coarse, samples), found) in self.coarse.iter().zip(&self.samples).zip(&mut found) {
                found.resize(ready, 0.0);
                self.fine.look(samples, &coarse[reach..], &bars(coarse.clone(), reach), found);
            }
        }
        self.give(ready, &found, peaks);
    }

    fn give(&mut self, ready: usize, found: &[Vec<f64>], peaks: &mut [Vec<f64>]) {
        let early = self.early.min(ready);
        self.early -= early;
        for ((lane, found), folded) in peaks.iter_mut().zip(found).zip(&mut self.folded) {
            *folded = found[..early].iter().fold(*folded, |m, p| m.max(*p));
            let start = lane.len();
            lane.extend_from_slice(&found[early..]);
            if let Some(first) = lane.get_mut(start) {
                *first = first.max(std::mem::take(folded));
            }
        }
        self.given += (ready - early) as u64;
        for samples in &mut self.samples {
            samples.drain(..ready * self.group);
        }
        for coarse in &mut self.coarse {
            coarse.drain(..ready);
        }
    }
}

/// What each group must be able to rise over to be the highest of any stretch of `reach` + 1 groups that holds it.
fn bars(mut coarse: Vec<f64>, reach: usize) -> Vec<f64> {
    sliding(&mut coarse, reach + 1, |a, b| if a > b { a } else { b });
    sliding(&mut coarse, reach + 1, |a, b| if a < b { a } else { b });
    coarse
}

/// Replaces each value by the largest (or whatever `pick` keeps) of itself and the `width` - 1 after it; the last `width` - 1 go.
pub(super) fn sliding(values: &mut Vec<f64>, width: usize, pick: impl Fn(f64, f64) -> f64) {
    let mut span = 1;
    lanes::wide(
        #[inline(always)]
        || {
            while 2 * span <= width {
                fold(values, span, &pick);
                span *= 2;
            }
            fold(values, width - span, &pick);
        },
    );
}

#[inline(always)]
fn fold(values: &mut Vec<f64>, ahead: usize, pick: &impl Fn(f64, f64) -> f64) {
    let n = values.len().saturating_sub(ahead);
    if ahead > 0 {
        for i in 0..n {
            values[i] = pick(values[i], values[i + ahead]);
        }
    }
    values.truncate(n);
}

/// The wave between the samples of a stretch.
#[derive(Clone)]
pub(crate) struct Fine {
    half: usize,
    group: usize,
    /// The kernel of each point between two samples.
    rows: [Vec<f64>; PHASES - 1],
    points: [Vec<f64>; PHASES - 1],
    tops: Vec<f64>,
    ends: Vec<f64>,
}

impl Fine {
    /// `half`: of the kernel's length, a multiple of four.
    pub(crate) fn new(half: usize, beta: f64, group: usize) -> Self {
        let bank = Bank::new(PHASES, half, beta);
        let mut unit = vec![0.0; 2 * half];
        let mut row = |phase: usize| {
            let tap = |j: usize| {
                unit[j] = 1.0;
                let tap = bank.at(phase, &unit);
                unit[j] = 0.0;
                tap
            };
            (0..2 * half).map(tap).collect()
        };
        let rows = [row(1), row(2), row(3)];
        Fine { half, group, rows, points: Default::default(), tops: Vec::new(), ends: Vec::new() }
    }

    /// Raises `found` to the height of every group: the wave's where it may pass `bar`, else its samples'.
    /// `samples` begins `HALF` frames before the first group.
    fn look(&mut self, samples: &[f64], coarse: &[f64], bar: &[f64], found: &mut [f64]) {
        let n = found.len();
        let mut g = 0;
        while g < n {
            let fine = |g: usize| coarse[g] > 0.0 && coarse[g] * SWING >= bar[g];
            if !fine(g) {
                found[g] = found[g].max(coarse[g]);
                g += 1;
                continue;
            }
            let mut end = g + 1;
            while end < n && end - g < RUN && fine(end) {
                end += 1;
            }
            self.heights(&samples[g * self.group..], end - g, &mut found[g..end]);
            g = end;
        }
    }

    /// Raises `found` to the wave's height in `groups` groups; `window` begins `half` frames before the first of them.
    pub(crate) fn heights(&mut self, window: &[f64], groups: usize, found: &mut [f64]) {
        let Self { half, group, rows, points, tops, ends } = self;
        let (half, group) = (*half, *group);
        let n = groups * group;
        // From the segment before the first group to the one after the last.
        let segments = n + 2;
        for (row, points) in rows.iter().zip(&mut *points) {
            points.clear();
            points.resize(segments, 0.0);
            // One kernel at a time: a small piece of work is compiled whole for the wide registers.
            lanes::wide(
                #[inline(always)]
                || interpolate(row, window, points),
            );
        }
        tops.resize(n + 1, 0.0);
        ends.resize(n + 1, 0.0);
        let at = &window[half - 1..half + segments];
        lanes::wide(
            #[inline(always)]
            || highest(at, points, tops, ends),
        );
        for (g, found) in found.iter_mut().enumerate().take(groups) {
            let end = (g + 1) * group;
            // The first sample of the next group ends this one.
            *found = found.max(loudest(&tops[g * group..end])).max(ends[end]);
        }
    }
}

/// Largest magnitude; four at a time, which changes nothing in a maximum.
#[inline(always)]
fn loudest(values: &[f64]) -> f64 {
    let mut most = [0.0f64; 4];
    let fours = values.chunks_exact(4);
    let rest = fours.remainder();
    for four in fours {
        for (m, v) in most.iter_mut().zip(four) {
            *m = if v.abs() > *m { v.abs() } else { *m };
        }
    }
    rest.iter().chain(&most).fold(0.0, |m, v| if v.abs() > m { v.abs() } else { m })
}

/// `out[i]` is the sum of `row[j] * window[i + j]`: eight taps at a time over many outputs, so that each register holds neighbours.
#[inline(always)]
fn interpolate(row: &[f64], window: &[f64], out: &mut [f64]) {
    let n = out.len();
    for (block, taps) in row.chunks_exact(8).enumerate() {
        let v = |k: usize| &window[8 * block + k..][..n];
        let (v0, v1, v2, v3, v4, v5, v6, v7) = (v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7));
        let out = &mut out[..n];
        for i in 0..n {
            out[i] += ((taps[0] * v0[i] + taps[1] * v1[i]) + (taps[2] * v2[i] + taps[3] * v3[i]))
                + ((taps[4] * v4[i] + taps[5] * v5[i]) + (taps[6] * v6[i] + taps[7] * v7[i]));
        }
    }
}

/// The top of the parabola through three neighbours' magnitudes, or `b` itself where it is not the highest of them.
#[inline(always)]
fn top(a: f64, b: f64, c: f64) -> f64 {
    let (bend, tilt) = (2.0 * b - a - c, a - c);
    // No branches: the loop around this works on several at once.
    let bent = bend > 1e-300;
    let higher = b + tilt * tilt / (8.0 * if bent { bend } else { 1.0 });
    if (b >= a) & (b >= c) & bent { higher } else { b }
}

/// `ends[i]`: the highest point of the wave around sample i + 1 of `at`; `tops[i]`: the same, or higher in the segment after it.
#[inline(always)]
fn highest(at: &[f64], points: &[Vec<f64>; PHASES - 1], tops: &mut [f64], ends: &mut [f64]) {
    let n = tops.len();
    let [a, b, c] = points;
    let (now, next, before) = (&at[1..n + 1], &at[2..n + 2], &c[..n]);
    let (a, b, c) = (&a[1..n + 1], &b[1..n + 1], &c[1..n + 1]);
    let (tops, ends) = (&mut tops[..n], &mut ends[..n]);
    for i in 0..n {
        let (p, s, x, y, z, e) =
            (before[i].abs(), now[i].abs(), a[i].abs(), b[i].abs(), c[i].abs(), next[i].abs());
        let (t0, t1, t2, t3) = (top(p, s, x), top(s, x, y), top(x, y, z), top(y, z, e));
        let left = if t0 > t1 { t0 } else { t1 };
        let right = if t2 > t3 { t2 } else { t3 };
        ends[i] = t0;
        tops[i] = if left > right { left } else { right };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks(signal: &[f64], block: usize, reach: usize) -> Vec<f64> {
        let mut detector = PeakDetector::new(1, 44_100, reach, true);
        let mut out = vec![Vec::new()];
        for part in signal.chunks(block) {
            detector.push(&Block { channels: vec![part.to_vec()] }, &mut out);
        }
        detector.finish(&mut out);
        out.remove(0)
    }

    #[test]
    fn one_peak_a_group_at_any_length_and_block_size() {
        for n in [0usize, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000] {
            let signal: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            let whole = peaks(&signal, 4096, 28);
            assert_eq!(whole.len(), n.div_ceil(16));
            assert_eq!(whole, peaks(&signal, 1, 28));
            assert_eq!(whole, peaks(&signal, 7, 28));
            for (p, group) in whole.iter().zip(signal.chunks(16)) {
                assert!(*p >= loudest(group));
            }
        }
    }

    #[test]
    fn the_top_between_two_samples_is_found_to_a_hundredth_of_a_decibel() {
        // Tones that the samples miss; 10 kHz at 1.0 stands at 0.76 to 1 in its samples.
        for hz in [60.0, 997.0, 5_000.0, 10_000.0, 11_025.0, 15_000.0] {
            let turn = 2.0 * std::f64::consts::PI * hz / 44_100.0;
            let signal: Vec<f64> = (0..20_000).map(|i| (turn * f64::from(i) + 0.785).sin()).collect();
            let found = peaks(&signal, 64, 28);
            for held in found[40..1200].windows(28) {
                let top = held.iter().fold(0.0, |m: f64, p| m.max(*p));
                let exact = if hz < 100.0 { 1.0 } else { top };
                assert!((exact - 1.0).abs() < 1.2e-3, "{hz} Hz: {top}");
            }
        }
    }

    #[test]
    fn a_far_reach_changes_nothing_in_what_is_highest() {
        let mut x = 1u64;
        let signal: Vec<f64> = (0..30_000)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (x >> 40) as f64 / f64::from(1 << 23) - 1.0
            })
            .collect();
        let (all, some) = (peaks(&signal, 999, 0), peaks(&signal, 999, 28));
        for (a, b) in all.windows(28).zip(some.windows(28)) {
            let top = |v: &[f64]| v.iter().fold(0.0, |m: f64, p| m.max(*p));
            assert_eq!(top(a), top(b));
        }
    }
}
