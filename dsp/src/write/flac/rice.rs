//! How many bits a residual takes: it is cut into 2^order partitions, each coded with its own Rice parameter (RFC 9639, 9.2.7). A trial is estimated
//! from sums; what is written is counted to the bit, over all parameters and all orders. Never here: prediction.

use super::bits::Bits;
use crate::lanes;

/// The streamable subset allows 8.
const MAX_ORDER: u32 = 8;
/// A trial is estimated no finer than this.
const TRIAL_ORDER: u32 = 6;
const MAX_PARTITIONS: usize = 1 << MAX_ORDER;
/// Five bits; the 31st value escapes to plain numbers, which is not used.
const MAX_PARAMETER: u32 = 30;
/// Four bits, and the same.
const MAX_SHORT_PARAMETER: u32 = 14;

/// The sizes of a frame's residual: `frames` less the `warm_up` samples that stand before it.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) frames: usize,
    pub(super) warm_up: usize,
}

impl Shape {
    /// The finest division: partitions are of one length, and the first must hold more than the warm-up.
    fn max_order(self, most: u32) -> u32 {
        let even = self.frames.trailing_zeros().min(most);
        (0..=even).rev().find(|order| self.frames >> order > self.warm_up).unwrap_or(0)
    }

    fn partition(self, order: u32, at: usize) -> usize {
        (self.frames >> order) - if at == 0 { self.warm_up } else { 0 }
    }
}

/// A chosen division.
#[derive(Clone)]
pub(super) struct Partitions {
    order: u32,
    parameters: [u8; MAX_PARTITIONS],
    /// All of the residual's bits: method, order, parameters, numbers.
    pub(super) bits: u64,
}

impl Default for Partitions {
    fn default() -> Self {
        Partitions { order: 0, parameters: [0; MAX_PARTITIONS], bits: 0 }
    }
}

/// Sums over the finest partitions, used again for every trial.
pub(super) struct Rice {
    sums: [u64; MAX_PARTITIONS],
}

impl Default for Rice {
    fn default() -> Self {
        Rice { sums: [0; MAX_PARTITIONS] }
    }
}

/// Zero, -1, 1, -2, 2: small numbers of either sign become small numbers.
#[inline(always)]
fn folded(residual: i32) -> u32 {
    ((residual << 1) ^ (residual >> 31)) as u32
}

impl Rice {
    /// About how many bits the residual takes at its best division.
    pub(super) fn estimate(&mut self, residual: &[i32], shape: Shape) -> u64 {
        let finest = self.sum_up(residual, shape, TRIAL_ORDER);
        let mut best = u64::MAX;
        for order in (0..=finest).rev() {
            let sums = &self.sums[..1 << order];
            let bits: u64 =
                sums.iter().enumerate().map(|(at, sum)| guess(*sum, shape.partition(order, at)).1).sum();
            best = best.min(bits);
            self.halve(order);
        }
        best
    }

    /// The best division, counted to the bit.
    pub(super) fn choose(&mut self, residual: &[i32], shape: Shape, out: &mut Partitions) {
        let finest = self.sum_up(residual, shape, MAX_ORDER);
        let (mut lowest, mut highest) = (MAX_PARAMETER, 0);
        for (at, sum) in self.sums[..1 << finest].iter().enumerate() {
            let (parameter, _) = guess(*sum, shape.partition(finest, at));
            lowest = lowest.min(parameter);
            highest = highest.max(parameter);
        }
        self.count(residual, shape, finest, lowest.saturating_sub(1), (highest + 1).min(MAX_PARAMETER), out);
    }

    fn sum_up(&mut self, residual: &[i32], shape: Shape, most: u32) -> u32 {
        let finest = shape.max_order(most);
        lanes::wide_with(
            sums_of,
            (residual, shape.partition(finest, 0), shape.frames >> finest, &mut self.sums),
        );
        finest
    }

    fn halve(&mut self, order: u32) {
        for at in 0..(1usize << order) / 2 {
            self.sums[at] = self.sums[2 * at] + self.sums[2 * at + 1];
        }
    }

    /// Exact counts for the parameters from `low` to `high`, for every partition of every order.
    fn count(&self, residual: &[i32], shape: Shape, finest: u32, low: u32, high: u32, out: &mut Partitions) {
        let width = (high - low + 1) as usize;
        let mut counts = vec![0u64; width << finest];
        let lengths = (shape.partition(finest, 0), shape.frames >> finest);
        lanes::wide_with(counts_of, (residual, lengths, low, width, &mut counts));
        out.bits = u64::MAX;
        for order in (0..=finest).rev() {
            if order < finest {
                for at in 0..1usize << order {
                    for k in 0..width {
                        counts[at * width + k] =
                            counts[2 * at * width + k] + counts[(2 * at + 1) * width + k];
                    }
                }
            }
            let (bits, parameters) = cheapest(&counts[..width << order], width, low);
            if bits < out.bits {
                out.bits = bits;
                out.order = order;
                out.parameters = parameters;
            }
        }
    }
}

/// The best parameter of each partition, and the bits of all with method and order. Short parameters are used where they suffice.
fn cheapest(counts: &[u64], width: usize, low: u32) -> (u64, [u8; MAX_PARTITIONS]) {
    let mut parameters = [0; MAX_PARTITIONS];
    let (mut bits, mut largest) = (0, 0);
    for (parameter, counts) in parameters.iter_mut().zip(counts.chunks_exact(width)) {
        let (k, count) = (low..).zip(counts).min_by_key(|(_, count)| **count).unwrap_or((0, &0));
        *parameter = k as u8;
        largest = largest.max(k);
        bits += count;
    }
    let partitions = (counts.len() / width) as u64;
    (bits + 6 + partitions * if largest > MAX_SHORT_PARAMETER { 5 } else { 4 }, parameters)
}

/// The folded sums of the first partition and of all others.
#[inline(always)]
fn sums_of((residual, first, length, sums): (&[i32], usize, usize, &mut [u64])) {
    let (first, rest) = residual.split_at(first.min(residual.len()));
    sums[0] = sum_of(first);
    for (sum, part) in sums[1..].iter_mut().zip(rest.chunks_exact(length.max(1))) {
        *sum = sum_of(part);
    }
}

#[inline(always)]
fn sum_of(residual: &[i32]) -> u64 {
    residual.iter().fold(0u64, |sum, r| sum.wrapping_add(u64::from(folded(*r))))
}

/// For each partition, the bits with each of `width` parameters from `low` on.
#[inline(always)]
fn counts_of(
    (residual, (first, length), low, width, counts): (&[i32], (usize, usize), u32, usize, &mut [u64]),
) {
    let (first, rest) = residual.split_at(first.min(residual.len()));
    let parts = std::iter::once(first).chain(rest.chunks_exact(length.max(1)));
    for (counts, part) in counts.chunks_exact_mut(width).zip(parts) {
        for (parameter, count) in (low..).zip(counts) {
            *count = count_of(part, parameter);
        }
    }
}

/// One quotient of 2^19 is more than any block takes when written plainly: held there, the sum of a block fits in 32 bits.
#[inline(always)]
fn count_of(residual: &[i32], parameter: u32) -> u64 {
    const LONGEST: u32 = 1 << 19;
    let quotients =
        residual.iter().fold(0u32, |sum, r| sum.wrapping_add((folded(*r) >> parameter).min(LONGEST)));
    u64::from(quotients) + residual.len() as u64 * u64::from(parameter + 1)
}

/// The parameter for `n` numbers of a sum, and about how many bits they take with it, its own four included. The bits cut off by the shift are
/// taken as half ones: a number loses (2^k - 1) / 2 on average.
#[inline(always)]
fn guess(sum: u64, n: usize) -> (u32, u64) {
    let n = n as u64;
    // The mean lies between 2^(top - 1) and 2^(top + 1).
    let top = n.max(1).leading_zeros().saturating_sub((sum | 1).leading_zeros()).min(MAX_PARAMETER);
    let bits = |k: u32| n * u64::from(k + 1) + (sum.saturating_sub((n << k).wrapping_sub(n) / 2) >> k) + 4;
    [top.saturating_sub(2), top.saturating_sub(1), top]
        .map(|k| (bits(k), k))
        .into_iter()
        .fold((0, u64::MAX), |best, (bits, k)| if bits < best.1 { (k, bits) } else { best })
}

impl Partitions {
    pub(super) fn write(&self, residual: &[i32], shape: Shape, out: &mut Bits) {
        let parameters = &self.parameters[..1 << self.order];
        let long = parameters.iter().any(|k| u32::from(*k) > MAX_SHORT_PARAMETER);
        out.put(u64::from(long), 2);
        out.put(u64::from(self.order), 4);
        let mut rest = residual;
        for (at, parameter) in parameters.iter().enumerate() {
            let (part, behind) = rest.split_at(shape.partition(self.order, at).min(rest.len()));
            rest = behind;
            let k = u32::from(*parameter);
            out.put(u64::from(k), if long { 5 } else { 4 });
            for residual in part {
                let value = folded(*residual);
                let quotient = value >> k;
                let low = u64::from(value) & ((1 << k) - 1) | 1 << k;
                if quotient + k < 56 {
                    out.put(low, quotient + k + 1);
                } else {
                    out.put_unary(quotient);
                    if k > 0 {
                        out.put(low ^ 1 << k, k);
                    }
                }
            }
        }
    }
}
