//! How many bits of the samples live: the lowest set bit of each stretch of time. 16 bits in a file of 24 show at once; a fade or a short mix of
//! both shows in the share. Never here: what a container says.

use serde::Serialize;

use crate::lanes;

/// Samples whose bits are looked at together.
const RUN_FRAMES: usize = 1024;
/// Samples are held against a grid of so many bits.
const GRID_BITS: u32 = 32;
const GRID: f64 = (1u64 << (GRID_BITS - 1)) as f64;
/// 1.5 x 2^52: added to a whole number, its bits stand in the low part of the sum as two's complement.
const WHOLE: f64 = 6_755_399_441_055_744.0;
/// Where the bits of that whole number stand.
const WHOLE_BITS: u64 = (1 << 51) - 1;
/// So much of the sounding time must do with a width for it to count as usual.
const USUAL_SHARE: f64 = 0.95;

/// The width of the samples of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BitDepth {
    /// Every sample of the file is exact in so many bits. 0 is digital silence; `null` where 32 bits do not do, as in float that was worked on.
    pub exact: Option<u32>,
    /// So many do for 95 % of the time that is not digital silence; `null` as above. Under `exact` where only fades need more.
    pub usual: Option<u32>,
    /// The share of that time that does with `usual`, 0 to 1.
    pub usual_share: f64,
}

/// Of one channel.
#[derive(Clone, Debug)]
pub(super) struct Bits {
    /// Runs by the bits that they need; the last for those off the grid.
    needed: [u64; GRID_BITS as usize + 2],
}

impl Bits {
    pub(super) fn new() -> Self {
        Bits { needed: [0; GRID_BITS as usize + 2] }
    }

    pub(super) fn push(&mut self, samples: &[f64]) {
        for run in samples.chunks(RUN_FRAMES) {
            self.needed[needed(run)] += 1;
        }
    }

    pub(super) fn finish(&self) -> BitDepth {
        let width = |index: usize| (index <= GRID_BITS as usize).then_some(index as u32);
        let exact = self.needed.iter().rposition(|count| *count > 0).unwrap_or(0);
        let sounding: u64 = self.needed[1..].iter().sum();
        let mut within = 0;
        for (index, count) in self.needed.iter().enumerate().skip(1) {
            within += count;
            if sounding > 0 && within as f64 >= USUAL_SHARE * sounding as f64 {
                let usual_share = within as f64 / sounding as f64;
                return BitDepth { exact: width(exact), usual: width(index), usual_share };
            }
        }
        BitDepth { exact: width(exact), usual: width(exact), usual_share: 1.0 }
    }
}

/// Bits that a run needs, sign included; one more than the grid has where it is off the grid.
fn needed(run: &[f64]) -> usize {
    let (set, off) = lanes::wide(
        #[inline(always)]
        || set_bits(run),
    );
    match (off, set & WHOLE_BITS) {
        (true, _) => GRID_BITS as usize + 1,
        (false, 0) => 0,
        // Float may go over full scale: a lowest bit worth 1.0 and more is one live bit too.
        (false, set) => GRID_BITS.saturating_sub(set.trailing_zeros()).max(1) as usize,
    }
}

/// All bits of the run's samples on the grid, or-ed; and whether any is off it.
#[inline(always)]
fn set_bits(run: &[f64]) -> (u64, bool) {
    const LANES: usize = 8;
    let (mut set, mut off) = ([0u64; LANES], [0u64; LANES]);
    let (rows, rest) = run.as_chunks::<LANES>();
    for row in rows {
        for k in 0..LANES {
            let (bits, rounded) = on_grid(row[k]);
            set[k] |= bits;
            off[k] |= rounded;
        }
    }
    for x in rest {
        let (bits, rounded) = on_grid(*x);
        set[0] |= bits;
        off[0] |= rounded;
    }
    let or = |lanes: [u64; LANES]| lanes.into_iter().fold(0, |all, bits| all | bits);
    (or(set), or(off) != 0)
}

/// The bits of a sample on the grid, and of what rounding to it takes away: zero where it is exact.
#[inline(always)]
fn on_grid(sample: f64) -> (u64, u64) {
    let scaled = sample * GRID;
    let shifted = scaled + WHOLE;
    // The sign of a zero is no rest.
    (shifted.to_bits(), (scaled - (shifted - WHOLE)).to_bits() << 1)
}
