//! Conversion by overlap-save: a block's spectrum, times the filter's, cropped or extended to the other rate, back into time. Two channels share one
//! complex transform (the filter is real in time, so they stay apart); a single channel shares it with its own next block. Never here: the filter.

use super::{Phase, design, take};
use crate::{block::Block, fft::Fft, lanes};

/// Longest transform: 1 MiB of samples.
const MAX_LEN: usize = 1 << 16;

/// The grid of the blocks. A unit is the shortest stretch that is whole frames at both rates: `from` frames in, `to` frames out.
#[derive(Debug)]
struct Plan {
    /// Frames of a block.
    len_in: usize,
    len_out: usize,
    /// Frames from one block to the next.
    hop_in: usize,
    hop_out: usize,
    /// Frames at the front of a block's output that wrapped around, and so belong to the block before.
    front_out: usize,
    /// Frames of silence before the stream, and what of the first block's output is before frame 0.
    lead_in: usize,
    early_out: usize,
}

pub(super) struct FftEngine {
    plan: Plan,
    forward: Fft,
    backward: Fft,
    /// The filter, over the bins of the shorter transform, in the order of the longer: those up from zero, then those below it.
    up: Filter,
    down: Filter,
    spectrum: [Vec<f64>; 2],
    cropped: [Vec<f64>; 2],
    made: [Vec<f64>; 2],
    waiting: Vec<Vec<f64>>,
    early: usize,
    given: u64,
}

struct Filter {
    re: Vec<f64>,
    /// Empty where the filter is real.
    im: Vec<f64>,
}

impl FftEngine {
    /// `None` where the ratio `from` : `to`, in lowest terms, has no transforms of sane length.
    pub fn new(channels: usize, from: u64, to: u64, phase: Phase) -> Option<FftEngine> {
        let plan = Plan::new(usize::try_from(from).ok()?, usize::try_from(to).ok()?, design::reach(phase))?;
        let (re, im) = design::response(phase, plan.len_in.min(plan.len_out))?;
        let scale = 1.0 / plan.len_in as f64;
        let re: Vec<f64> = re.iter().map(|v| v * scale).collect();
        let im: Vec<f64> =
            if phase == Phase::Linear { Vec::new() } else { im.iter().map(|v| v * scale).collect() };
        let down = Filter {
            re: re[1..].iter().rev().copied().collect(),
            im: im.iter().skip(1).rev().map(|v| -v).collect(),
        };
        Some(FftEngine {
            forward: Fft::new(plan.len_in)?,
            backward: Fft::new(plan.len_out)?,
            up: Filter { re, im },
            down,
            spectrum: [vec![0.0; plan.len_in], vec![0.0; plan.len_in]],
            cropped: [vec![0.0; plan.len_out], vec![0.0; plan.len_out]],
            made: [vec![0.0; plan.len_out], vec![0.0; plan.len_out]],
            waiting: vec![vec![0.0; plan.lead_in]; channels],
            early: plan.early_out,
            given: 0,
            plan,
        })
    }

    pub fn push(&mut self, block: &Block, out: &mut Block) {
        for (waiting, c) in self.waiting.iter_mut().zip(&block.channels) {
            take(waiting, c);
        }
        self.run(out, u64::MAX);
    }

    pub fn finish(&mut self, total: u64, out: &mut Block) {
        let need = self.need();
        while self.given < total {
            self.waiting.iter_mut().for_each(|c| c.resize(need.max(c.len()), 0.0));
            self.run(out, total);
        }
    }

    /// Frames that must wait before anything can be done.
    fn need(&self) -> usize {
        let blocks = if self.waiting.len() == 1 { 2 } else { 1 };
        self.plan.len_in + (blocks - 1) * self.plan.hop_in
    }

    /// Works through all that waits, giving out no more than `total` frames in all.
    fn run(&mut self, out: &mut Block, total: u64) {
        let (len, hop) = (self.plan.len_in, self.plan.hop_in);
        let waiting = std::mem::take(&mut self.waiting);
        let need = if waiting.len() == 1 { len + hop } else { len };
        let mut start = 0;
        while waiting[0].len() - start >= need && self.given < total {
            if let [only] = &waiting[..] {
                self.convert(&only[start..][..len], &only[start + hop..][..len]);
                let [first, second] = &self.made;
                let channel = &mut out.channels[0];
                for made in [first, second] {
                    let kept = kept(&self.plan, &mut self.early, &mut self.given, total);
                    channel.extend_from_slice(&made[kept]);
                }
                start += 2 * hop;
                continue;
            }
            let (mut early, mut given) = (self.early, self.given);
            let kept = kept(&self.plan, &mut early, &mut given, total);
            for (pair, to) in waiting.chunks(2).zip(out.channels.chunks_mut(2)) {
                let first = &pair[0][start..][..len];
                let second = pair.get(1).map_or(first, |c| &c[start..][..len]);
                self.pair(first, second);
                for (to, made) in to.iter_mut().zip(&self.made) {
                    to.extend_from_slice(&made[kept.clone()]);
                }
            }
            (self.early, self.given) = (early, given);
            start += hop;
        }
        self.waiting = waiting;
        self.waiting.iter_mut().for_each(|c| {
            c.drain(..start.min(c.len()));
        });
    }

    /// Two channels. What is silent stays silent, and equal channels stay equal: the sum of both in one transform leaves rounding in each.
    fn pair(&mut self, first: &[f64], second: &[f64]) {
        let (mut any_first, mut any_second, mut differ) = (0u64, 0u64, 0u64);
        lanes::wide(|| {
            for (a, b) in first.iter().zip(second) {
                // Without the sign: minus zero is silent.
                any_first |= a.to_bits() << 1;
                any_second |= b.to_bits() << 1;
                differ |= a.to_bits() ^ b.to_bits();
            }
        });
        match (any_first != 0, any_second != 0) {
            (false, false) => self.made.iter_mut().for_each(|m| m.fill(0.0)),
            (true, true) if differ == 0 => {
                self.alone(first);
                let [first, second] = &mut self.made;
                second.copy_from_slice(first);
            }
            (true, true) => self.convert(first, second),
            (true, false) => {
                self.alone(first);
                self.made[1].fill(0.0);
            }
            (false, true) => {
                self.alone(second);
                self.made.swap(0, 1);
                self.made[0].fill(0.0);
            }
        }
    }

    /// One channel with silence beside it.
    fn alone(&mut self, channel: &[f64]) {
        let silence = vec![0.0; channel.len()];
        self.convert(channel, &silence);
    }

    /// One block of two signals through the transforms into `made`.
    fn convert(&mut self, first: &[f64], second: &[f64]) {
        let [re, im] = &mut self.spectrum;
        self.forward.forward_into(first, second, re, im);
        let [to_re, to_im] = &mut self.cropped;
        let (up, down) = (&self.up, &self.down);
        let (n, m) = (re.len() - down.re.len(), to_re.len() - down.re.len());
        lanes::wide(|| {
            up.apply((&re[..up.re.len()], &im[..up.re.len()]), (&mut to_re[..], &mut to_im[..]));
            down.apply((&re[n..], &im[n..]), (&mut to_re[m..], &mut to_im[m..]));
        });
        // The bins between were silent from the start and stay so. Exchanged parts turn the transform's direction.
        let [made_re, made_im] = &mut self.made;
        self.backward.forward_into(to_im, to_re, made_im, made_re);
    }
}

/// The frames of a block's output that go out, and the count of what is still to be dropped and has been given moved on.
fn kept(plan: &Plan, early: &mut usize, given: &mut u64, total: u64) -> std::ops::Range<usize> {
    let skip = (*early).min(plan.hop_out);
    *early -= skip;
    let frames = ((plan.hop_out - skip) as u64).min(total - *given);
    *given += frames;
    let start = plan.front_out + skip;
    start..start + frames as usize
}

impl Filter {
    /// Multiplies bin by bin.
    #[inline(always)]
    fn apply(&self, from: (&[f64], &[f64]), to: (&mut [f64], &mut [f64])) {
        let n = self.re.len();
        let (re, im) = (&from.0[..n], &from.1[..n]);
        let (to_re, to_im) = (&mut to.0[..n], &mut to.1[..n]);
        if self.im.is_empty() {
            for i in 0..n {
                to_re[i] = re[i] * self.re[i];
                to_im[i] = im[i] * self.re[i];
            }
            return;
        }
        let h_im = &self.im[..n];
        for i in 0..n {
            to_re[i] = re[i] * self.re[i] - im[i] * h_im[i];
            to_im[i] = re[i] * h_im[i] + im[i] * self.re[i];
        }
    }
}

impl Plan {
    /// The cheapest grid, by an estimate of what a transform of each length costs.
    fn new(from: usize, to: usize, reach: design::Reach) -> Option<Plan> {
        let low = from.min(to);
        let overlap_units = (reach.pre + reach.post).div_ceil(low);
        let mut best: Option<(f64, Plan)> = None;
        let most = MAX_LEN / from.max(to);
        for units in overlap_units + 1..=most {
            let (len_in, len_out) = (units * from, units * to);
            // Even, so that a block has as many bins above zero as below.
            if len_in % 2 != 0 || len_out % 2 != 0 || !Fft::takes(len_in) || !Fft::takes(len_out) {
                continue;
            }
            let Some(plan) = Plan::on(units, overlap_units, from, to, reach) else { continue };
            let cost = (cost(len_in) + cost(len_out)) / plan.hop_in as f64;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, plan));
            }
        }
        best.map(|(_, plan)| plan)
    }

    fn on(units: usize, overlap: usize, from: usize, to: usize, reach: design::Reach) -> Option<Plan> {
        let low = from.min(to);
        // Of the overlap, the front takes what the filter remembers; what is over is shared out.
        let spare = overlap * low - reach.pre - reach.post;
        let front_out = (reach.post + spare / 2) * to / low;
        let back_out = overlap * to - front_out;
        // Rounding must leave each side its reach.
        if front_out * low < reach.post * to || back_out * low < reach.pre * to {
            return None;
        }
        let lead = front_out.div_ceil(to);
        Some(Plan {
            len_in: units * from,
            len_out: units * to,
            hop_in: (units - overlap) * from,
            hop_out: (units - overlap) * to,
            front_out,
            lead_in: lead * from,
            early_out: lead * to - front_out,
        })
    }
}

/// Steps of a transform: its passes, and more for each value once the planes leave the second cache.
fn cost(len: usize) -> f64 {
    let memory = match len {
        0..=12_000 => 1.0,
        12_001..=24_000 => 1.4,
        _ => 2.0,
    };
    len as f64 * f64::from(len.ilog2() + 2) * memory
}
