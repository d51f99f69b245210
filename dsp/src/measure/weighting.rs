//! The K-weighting of ITU-R BS.1770-5 Annex 1 at any sample rate, as the energies of stretches of the stream. Never here: gates, windows, levels.
//!
//! A recursive filter is slow because each sample waits for the one before. Eight stretches that follow each other are filtered side by side:
//! the filter is linear, so its state at the end of a stretch is the state at the start, carried over by a fixed matrix, plus four fixed
//! weighted sums of the samples between. The sums vectorise; from the states found so, eight exact filters run in step, one in each lane.
//! All stretches stand at absolute frames of the stream, so neither the size of the blocks nor that of the registers changes a bit.

use std::f64::consts::PI;

use super::{layout::channel_weights, totals::sane};
use crate::{Block, lanes, math, true_peak::dot};

/// The standard gives coefficients for 48 kHz alone. They are the bilinear transform of a high shelf and a high pass whose analogue
/// corner, gain and quality follow from that table (B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement",
/// AES 145, 2018); transformed anew, they hold at every rate.
const SHELF_HZ: f64 = 1_681.974_450_955_533;
const SHELF_DB: f64 = 3.999_843_853_973_347;
const SHELF_Q: f64 = 0.707_175_236_955_419_6;
/// The shelf's gain at its corner is not the geometric middle; this power of the gain matches the table.
const SHELF_MIDDLE: f64 = 0.499_666_774_154_541_6;
const PASS_HZ: f64 = 38.135_470_876_024_44;
const PASS_Q: f64 = 0.500_327_037_323_877_3;

/// Stretches that are filtered side by side.
const LANES: usize = 8;
/// A stretch shorter than this spends more on finding its state than on its samples.
const LEAST_STRETCH: usize = 256;
/// Below this the state of a filter is noise of the arithmetic on its way to denormal numbers, which are slow.
const SETTLED: f64 = 1e-30;
/// Rates below it are taken as this, so that every stretch holds samples. No file has them.
pub(super) const LEAST_RATE_HZ: u32 = 1_000;

type State = [f64; 4];

/// Both sections in the form with the shortest chain from state to state: y = b x + s0, s0' = c x - a1 s0 + s1, s1' = d x - a2 s0.
/// It is the transposed direct form with y put into the states.
#[derive(Clone, Copy, Debug)]
struct Section {
    b: f64,
    c: f64,
    d: f64,
    a1: f64,
    a2: f64,
}

#[derive(Clone, Copy, Debug)]
struct Filter {
    shelf: Section,
    pass: Section,
}

impl Filter {
    fn new(sample_rate: f64) -> Self {
        // Above half the rate (rates under 3.4 kHz, which no file has) the transform would fold over.
        let warp = |hz: f64| math::tan(PI * (hz / sample_rate).min(0.49));
        let k = warp(SHELF_HZ);
        let high = math::linear(SHELF_DB);
        let middle = math::pow(high, SHELF_MIDDLE);
        let a0 = 1.0 + k / SHELF_Q + k * k;
        let (a1, a2) = (2.0 * (k * k - 1.0) / a0, (1.0 - k / SHELF_Q + k * k) / a0);
        let b = (high + middle * k / SHELF_Q + k * k) / a0;
        let shelf = Section {
            b,
            c: 2.0 * (k * k - high) / a0 - a1 * b,
            d: (high - middle * k / SHELF_Q + k * k) / a0 - a2 * b,
            a1,
            a2,
        };
        // The standard's high pass keeps a numerator of 1, -2, 1: it is not divided by a0.
        let k = warp(PASS_HZ);
        let a0 = 1.0 + k / PASS_Q + k * k;
        let pass = Section {
            b: 1.0,
            c: -(2.0 * k / PASS_Q + 4.0 * k * k) / a0,
            d: 2.0 * k / PASS_Q / a0,
            a1: 2.0 * (k * k - 1.0) / a0,
            a2: (1.0 - k / PASS_Q + k * k) / a0,
        };
        Filter { shelf, pass }
    }

    fn next(&self, s: &mut State, x: f64) -> f64 {
        let (f, g) = (&self.shelf, &self.pass);
        let y = f.b * x + s[0];
        (s[0], s[1]) = ((f.c * x + s[1]) - f.a1 * s[0], f.d * x - f.a2 * s[0]);
        let w = y + s[2];
        (s[2], s[3]) = ((g.c * y + s[3]) - g.a1 * s[2], g.d * y - g.a2 * s[2]);
        w
    }
}

/// What `frames` samples do to the state: `carry` to the state before them, `reach` to each of them.
#[derive(Clone, Debug)]
struct Advance {
    /// Column j: where a state of one in place j ends.
    carry: [State; 4],
    /// For each place of the state, the weight of each sample.
    reach: [Vec<f64>; 4],
}

impl Advance {
    fn new(filter: &Filter, frames: usize) -> Self {
        let mut carry = [[0.0; 4]; 4];
        for (place, end) in carry.iter_mut().enumerate() {
            end[place] = 1.0;
            (0..frames).for_each(|_| {
                filter.next(end, 0.0);
            });
        }
        let mut reach = [(); 4].map(|()| vec![0.0; frames]);
        let mut state = [0.0; 4];
        for n in (0..frames).rev() {
            filter.next(&mut state, if n + 1 == frames { 1.0 } else { 0.0 });
            for (weights, s) in reach.iter_mut().zip(&state) {
                weights[n] = *s;
            }
        }
        Advance { carry, reach }
    }

    #[inline(always)]
    fn run(&self, s: &State, samples: &[f64]) -> State {
        // Four sums after each other: in one loop the compiler mixes them up and spends its time on shuffles. Written out, because
        // `array::from_fn` is a call of its own, and what it calls is not compiled for wide registers.
        let [r0, r1, r2, r3] = &self.reach;
        let sums = [dot(r0, samples), dot(r1, samples), dot(r2, samples), dot(r3, samples)];
        let mut end = [0.0; 4];
        for (place, (end, sum)) in end.iter_mut().zip(sums).enumerate() {
            let [p, q, r, t] = &self.carry;
            let carried = (p[place] * s[0] + q[place] * s[1]) + (r[place] * s[2] + t[place] * s[3]);
            *end = carried + sum;
        }
        end
    }
}

/// Runs the filter over stretches of the same length side by side, each from its own state, and gives the energy of every group of
/// `group` samples of each: `energies[g][lane]`. The states become those after the last group.
#[inline(always)]
fn side_by_side(
    filter: &Filter,
    stretches: [&[f64]; LANES],
    states: &mut [[f64; LANES]; 4],
    group: usize,
    energies: &mut [[f64; LANES]],
) {
    let (f, g) = (filter.shelf, filter.pass);
    let [mut s0, mut s1, mut s2, mut s3] = *states;
    for (index, energy) in energies.iter_mut().enumerate() {
        let [a, b, c, d, e, h, i, j] = stretches.map(|stretch| &stretch[index * group..][..group]);
        let mut sum = [0.0; LANES];
        for n in 0..group {
            let x = [a[n], b[n], c[n], d[n], e[n], h[n], i[n], j[n]];
            for k in 0..LANES {
                let y = f.b * x[k] + s0[k];
                let (t0, t1) = ((f.c * x[k] + s1[k]) - f.a1 * s0[k], f.d * x[k] - f.a2 * s0[k]);
                (s0[k], s1[k]) = (t0, t1);
                let w = y + s2[k];
                let (t2, t3) = ((g.c * y + s3[k]) - g.a1 * s2[k], g.d * y - g.a2 * s2[k]);
                (s2[k], s3[k]) = (t2, t3);
                sum[k] += w * w;
            }
        }
        *energy = sum;
    }
    *states = [s0, s1, s2, s3];
}

/// How the stream is cut into stretches.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Stretch n is one group and ends at the whole frame nearest to (n + 1) * rate / per_second, so that rates that it does not divide do not
    /// drift.
    Clock { rate: u64, per_second: u64 },
    /// Every stretch is `groups` groups of `frames` frames.
    Even { frames: usize, groups: usize },
}

impl Cut {
    fn groups(self) -> usize {
        match self {
            Cut::Clock { .. } => 1,
            Cut::Even { groups, .. } => groups,
        }
    }

    /// Where the stretches of a chunk begin, counted from the chunk's own start; the last entry is the chunk's length.
    fn starts(self, chunk: u64) -> [usize; LANES + 1] {
        let first = chunk * LANES as u64;
        let start = |lane: usize| match self {
            Cut::Clock { rate, per_second } => {
                let end = |n: u64| (n * rate + per_second / 2) / per_second;
                (end(first + lane as u64) - end(first)) as usize
            }
            Cut::Even { frames, groups } => lane * frames * groups,
        };
        std::array::from_fn(start)
    }
}

/// Energy of each group of frames of the K-weighted stream: the sum over channels of weight times the sum of the squares. Divided by the
/// group's frames it is the mean square of BS.1770-5. The size of the blocks changes nothing, to the bit.
#[derive(Clone, Debug)]
pub struct WeightedEnergy {
    filter: Filter,
    cut: Cut,
    /// For the shorter of the stretches that a clock gives; the longer ones have one sample more.
    advance: Advance,
    weights: Vec<f64>,
    states: Vec<State>,
    /// Chunks done, and where the stretches of the open one begin.
    chunks: u64,
    starts: [usize; LANES + 1],
    /// What is known of the open chunk: for each channel `filled` samples.
    open: Vec<Vec<f64>>,
    filled: usize,
    energies: Vec<[f64; LANES]>,
}

impl WeightedEnergy {
    /// Groups of `group_frames` frames (at least one) of `channels` channels at `sample_rate` Hz (taken as 1 kHz where it is less), weighed
    /// by [`channel_weights`](super::channel_weights).
    pub fn new(sample_rate: u32, channels: usize, group_frames: usize) -> Self {
        let frames = group_frames.max(1);
        let groups = LEAST_STRETCH.div_ceil(frames);
        Self::with_cut(sample_rate, channels, Cut::Even { frames, groups }, frames * groups)
    }

    /// Groups of 1 / `per_second` seconds, to the nearest frame.
    pub(super) fn clocked(sample_rate: u32, channels: usize, per_second: u64) -> Self {
        let rate = u64::from(sample_rate.max(LEAST_RATE_HZ));
        Self::with_cut(sample_rate, channels, Cut::Clock { rate, per_second }, (rate / per_second) as usize)
    }

    fn with_cut(sample_rate: u32, channels: usize, cut: Cut, stretch: usize) -> Self {
        let filter = Filter::new(f64::from(sample_rate.max(LEAST_RATE_HZ)));
        WeightedEnergy {
            filter,
            cut,
            advance: Advance::new(&filter, stretch),
            weights: channel_weights(channels),
            states: vec![[0.0; 4]; channels],
            chunks: 0,
            starts: cut.starts(0),
            open: vec![Vec::new(); channels],
            filled: 0,
            energies: vec![[0.0; LANES]; cut.groups()],
        }
    }

    /// Takes the next frames and appends the energies of the groups that are known by now; a group is known at most eight stretches of 256
    /// frames after its last frame. Channels beyond those promised are left out, missing ones are silent.
    pub fn push(&mut self, block: &Block, energies: &mut Vec<f64>) {
        let frames = block.frames();
        let complete = block.channels.len() >= self.states.len()
            && block.channels.iter().all(|plane| plane.len() == frames);
        let mut at = 0;
        while at < frames {
            let chunk = self.starts[LANES];
            let take = (chunk - self.filled).min(frames - at);
            if take == chunk && complete {
                let planes: Vec<&[f64]> = block.channels.iter().map(|plane| &plane[at..at + chunk]).collect();
                self.finish_chunk(&planes, energies);
            } else {
                for (index, open) in self.open.iter_mut().enumerate() {
                    let plane = block.channels.get(index).map_or(&[][..], Vec::as_slice);
                    open.extend(plane.iter().skip(at).take(take));
                    open.resize(self.filled + take, 0.0);
                }
                self.filled += take;
                if self.filled == chunk {
                    let mut open = std::mem::take(&mut self.open);
                    let planes: Vec<&[f64]> = open.iter().map(Vec::as_slice).collect();
                    self.finish_chunk(&planes, energies);
                    open.iter_mut().for_each(Vec::clear);
                    self.open = open;
                    self.filled = 0;
                }
            }
            at += take;
        }
    }

    /// Appends the energies of the groups that are not given out yet, the last as if silence followed, and gives the frames of that last one
    /// if the stream ended within it, else 0. The stream itself stays where it was: this may be asked at any time.
    pub fn rest(&self, energies: &mut Vec<f64>) -> usize {
        let (mut ended, mut all) = (self.clone(), Vec::new());
        ended.push(&Block::new(self.open.len(), self.starts[LANES] - self.filled), &mut all);
        let end = |group: usize| match self.cut {
            Cut::Clock { .. } => self.starts[group + 1],
            Cut::Even { frames, .. } => (group + 1) * frames,
        };
        let whole = (0..all.len()).take_while(|group| end(*group) <= self.filled).count();
        let open = self.filled - whole.checked_sub(1).map_or(0, end);
        energies.extend(&all[..(whole + usize::from(open > 0)).min(all.len())]);
        open
    }

    /// Filters the open chunk, whose samples are `planes`, and begins the next.
    fn finish_chunk(&mut self, planes: &[&[f64]], energies: &mut Vec<f64>) {
        let groups = self.energies.len();
        let first = energies.len();
        energies.resize(first + groups * LANES, 0.0);
        for (channel, samples) in planes.iter().enumerate().take(self.weights.len()) {
            let weight = self.weights[channel];
            if weight == 0.0 {
                continue;
            }
            let mut end = lanes::wide(
                #[inline(always)]
                || self.filter_chunk(channel, samples),
            );
            if !end.iter().chain(self.energies.iter().flatten()).all(|v| v.is_finite()) {
                let samples = sane(samples);
                end = lanes::wide(
                    #[inline(always)]
                    || self.filter_chunk(channel, &samples),
                );
            }
            self.states[channel] = end;
            for (group, lanes) in self.energies.iter().enumerate() {
                for (lane, energy) in lanes.iter().enumerate() {
                    energies[first + lane * groups + group] += weight * energy;
                }
            }
        }
        self.chunks += 1;
        self.starts = self.cut.starts(self.chunks);
    }

    /// Puts the chunk's energies of one channel into `energies` and gives the state after it.
    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "a lane is a column of four rows, and more")]
    fn filter_chunk(&mut self, channel: usize, samples: &[f64]) -> State {
        let least = self.advance.reach[0].len();
        let stretch = |lane: usize| &samples[self.starts[lane]..self.starts[lane + 1]];
        let mut states = [[0.0; LANES]; 4];
        let mut state = self.states[channel];
        for lane in 0..LANES {
            state.iter_mut().for_each(|s| *s = if s.abs() < SETTLED { 0.0 } else { *s });
            (0..4).for_each(|place| states[place][lane] = state[place]);
            if lane + 1 < LANES {
                let (most, more) = stretch(lane).split_at(least);
                state = self.advance.run(&state, most);
                more.iter().for_each(|x| {
                    self.filter.next(&mut state, *x);
                });
            }
        }
        let stretches: [&[f64]; LANES] = std::array::from_fn(|lane| &stretch(lane)[..least]);
        let group = least / self.energies.len();
        side_by_side(&self.filter, stretches, &mut states, group, &mut self.energies);
        for lane in 0..LANES {
            state = std::array::from_fn(|place| states[place][lane]);
            for x in &stretch(lane)[least..] {
                let w = self.filter.next(&mut state, *x);
                self.energies[0][lane] += w * w;
            }
        }
        state
    }
}
