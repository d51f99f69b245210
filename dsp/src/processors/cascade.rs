//! Second-order sections in series, in one walk over the sound: direct form I, two channels side by side. What leaves one section is what the next
//! one remembers, so that a cascade of S sections keeps 2 (S + 1) numbers a channel, and no section waits for another. Never here: designs.
//!
//! A tail that has died away is set to zero, since denormal numbers are slow on many machines. This happens at every 64th frame of the stream, not
//! at the ends of blocks, so that the size of blocks changes nothing. A sample that is not a number would stay in the memory until `reset`:
//! `Source` lets none through.

use super::biquad::Coefficients;
use crate::lanes;

/// Sections in one walk: their memory fits the registers.
const STAGES: usize = 6;
const SETTLE_FRAMES: usize = 64;
/// -600 dBFS.
const SETTLED: f64 = 1e-30;

/// The two newest samples at each point of a walk, before the first section and behind each one: the newer, then the older.
type Held<const L: usize> = [[[f64; L]; 2]; STAGES + 1];

/// Any number of sections over any number of channels.
#[derive(Clone, Debug, Default)]
pub struct Cascade {
    walks: Vec<Walk>,
    /// Frames since the last multiple of [`SETTLE_FRAMES`].
    position: usize,
}

/// At most [`STAGES`] sections, and what they remember of each pair of channels.
#[derive(Clone, Debug)]
struct Walk {
    stages: Vec<Coefficients>,
    pairs: Vec<Held<2>>,
}

impl Cascade {
    /// The sections in order, for `channels` channels.
    pub fn new(stages: &[Coefficients], channels: usize) -> Self {
        let pairs = vec![Held::default(); channels.div_ceil(2)];
        let walk = |stages: &[Coefficients]| Walk { stages: stages.to_vec(), pairs: pairs.clone() };
        Cascade { walks: stages.chunks(STAGES).map(walk).collect(), position: 0 }
    }

    /// Forgets all sound heard.
    pub fn reset(&mut self) {
        self.walks.iter_mut().for_each(|w| w.pairs.fill(Held::default()));
        self.position = 0;
    }

    /// Filters the planes in place: as many as `new` was told, all of the same length.
    pub fn run<P: AsMut<[f64]>>(&mut self, planes: &mut [P]) {
        let frames = planes.first_mut().map_or(0, |p| p.as_mut().len());
        for walk in &mut self.walks {
            for (pair, held) in planes.chunks_mut(2).zip(&mut walk.pairs) {
                match pair {
                    [one] => walk_lanes(&walk.stages, held, [one.as_mut()], self.position),
                    [one, two] => walk_lanes(&walk.stages, held, [one.as_mut(), two.as_mut()], self.position),
                    _ => {}
                }
            }
        }
        self.position = (self.position + frames) % SETTLE_FRAMES;
    }
}

fn walk_lanes<const L: usize>(
    stages: &[Coefficients],
    held: &mut Held<2>,
    planes: [&mut [f64]; L],
    at: usize,
) {
    let mut lanes_held: Held<L> = held.map(|both| both.map(|x| std::array::from_fn(|lane| x[lane])));
    lanes::wide(
        #[inline(always)]
        || match *stages {
            [a] => pieces([a], &mut lanes_held, planes, at),
            [a, b] => pieces([a, b], &mut lanes_held, planes, at),
            [a, b, c] => pieces([a, b, c], &mut lanes_held, planes, at),
            [a, b, c, d] => pieces([a, b, c, d], &mut lanes_held, planes, at),
            [a, b, c, d, e] => pieces([a, b, c, d, e], &mut lanes_held, planes, at),
            [a, b, c, d, e, f] => pieces([a, b, c, d, e, f], &mut lanes_held, planes, at),
            _ => {}
        },
    );
    for (both, new) in held.iter_mut().flatten().zip(lanes_held.iter().flatten()) {
        both[..L].copy_from_slice(new);
    }
}

/// From one settling to the next.
#[inline(always)]
fn pieces<const S: usize, const L: usize>(
    stages: [Coefficients; S],
    held: &mut Held<L>,
    mut planes: [&mut [f64]; L],
    mut at: usize,
) {
    let mut left = planes.iter().map(|p| p.len()).min().unwrap_or(0);
    while left > 0 {
        let n = left.min(SETTLE_FRAMES - at);
        let piece = planes.each_mut().map(|p| {
            let (head, tail) = std::mem::take(p).split_at_mut(n);
            *p = tail;
            head
        });
        walk_piece(&stages, held, piece);
        at = (at + n) % SETTLE_FRAMES;
        left -= n;
        if at == 0 {
            held.iter_mut().flatten().flatten().filter(|x| x.abs() < SETTLED).for_each(|x| *x = 0.0);
        }
    }
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "planes, points and lanes walk side by side")]
fn walk_piece<const S: usize, const L: usize>(
    stages: &[Coefficients; S],
    held: &mut Held<L>,
    planes: [&mut [f64]; L],
) {
    let n = planes.iter().map(|p| p.len()).min().unwrap_or(0);
    let planes = planes.map(|p| &mut p[..n]);
    let mut past = *held;
    for i in 0..n {
        let mut x: [f64; L] = std::array::from_fn(|lane| planes[lane][i]);
        for s in 0..S {
            let Coefficients { b, a } = stages[s];
            let ([x1, x2], [y1, y2]) = (past[s], past[s + 1]);
            let y = std::array::from_fn(|l| {
                ((b[0] * x[l] + b[1] * x1[l]) + (b[2] * x2[l] - a[1] * y2[l])) - a[0] * y1[l]
            });
            past[s] = [x, x1];
            x = y;
        }
        past[S] = [x, past[S][0]];
        for l in 0..L {
            planes[l][i] = x[l];
        }
    }
    *held = past;
}
