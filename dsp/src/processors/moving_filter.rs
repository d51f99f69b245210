//! A bell or a shelf that may be moved at every frame: A. Simper's state variable filter ("Solving the continuous SVF equations using trapezoidal
//! integration and equivalent currents", Cytomic 2013). Held still it has the curve of the analogue section up to 20 kHz, and at a gain of one it
//! leaves every bit alone. For a given course of gains it is linear in the sound, so that an alternate is worked on as its main was.
//! Never here: levels, and what moves the gain.

use std::f64::consts::PI;

use super::{
    Placement,
    analogue::Analogue,
    matched::{self, MOST},
};
use crate::{block::Block, lanes, math};

/// Frames whose filters are computed at once, counted from the first of the stream. A tail that has died away is set to zero at their ends.
const PIECE_FRAMES: usize = 64;
/// -600 dBFS.
const SETTLED: f64 = 1e-30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bell,
    LowShelf,
    HighShelf,
}

impl Shape {
    pub fn words(self) -> &'static str {
        match self {
            Shape::Bell => "bell",
            Shape::LowShelf => "low shelf",
            Shape::HighShelf => "high shelf",
        }
    }
}

/// What a filter is made for: its gain lies within the range, to either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moving {
    pub shape: Shape,
    pub hz: f64,
    pub q: f64,
    /// Not nought.
    pub range_db: f64,
}

/// Numbers of the filter at each frame of a piece.
#[derive(Clone)]
struct Moves {
    a1: [f64; PIECE_FRAMES],
    a2: [f64; PIECE_FRAMES],
    a3: [f64; PIECE_FRAMES],
    m0: [f64; PIECE_FRAMES],
    m1: [f64; PIECE_FRAMES],
    m2: [f64; PIECE_FRAMES],
}

#[derive(Clone)]
pub(super) struct MovingFilter {
    shape: Shape,
    bend: Bend,
    /// Of each plane it works on.
    states: Vec<[f64; 2]>,
    moves: Moves,
    /// Frames since the last multiple of [`PIECE_FRAMES`].
    position: usize,
}

impl MovingFilter {
    /// For so many planes.
    pub fn new(moving: Moving, sample_rate: u32, planes: usize) -> Self {
        let none = [0.0; PIECE_FRAMES];
        MovingFilter {
            shape: moving.shape,
            bend: Bend::new(&moving, sample_rate),
            states: vec![[0.0; 2]; planes],
            moves: Moves { a1: none, a2: none, a3: none, m0: none, m1: none, m2: none },
            position: 0,
        }
    }

    pub fn reset(&mut self) {
        self.states.fill([0.0; 2]);
        self.position = 0;
    }

    /// Filters what stands at a place of the block, with one linear gain for each frame.
    pub fn run(&mut self, block: &mut Block, gains: &[f64], on: Placement) {
        let frames = block.frames();
        on.through(block, |start, planes| {
            let end = start + planes.first().map_or(0, |p| p.len());
            let mut at = start;
            while at < end {
                let place = (self.position + at) % PIECE_FRAMES;
                let n = (PIECE_FRAMES - place).min(end - at);
                self.piece(planes, at - start, &gains[at..at + n]);
                at += n;
                if place + n == PIECE_FRAMES {
                    self.states.iter_mut().flatten().filter(|s| s.abs() < SETTLED).for_each(|s| *s = 0.0);
                }
            }
        });
        self.position = (self.position + frames) % PIECE_FRAMES;
    }

    fn piece(&mut self, planes: &mut [&mut [f64]], at: usize, gains: &[f64]) {
        let n = gains.len();
        let MovingFilter { shape, bend, states, moves, .. } = self;
        let shape = *shape;
        lanes::wide(
            #[inline(always)]
            || match shape {
                Shape::Bell => moves.fill::<BELL>(gains, bend),
                Shape::LowShelf => moves.fill::<LOW>(gains, bend),
                Shape::HighShelf => moves.fill::<HIGH>(gains, bend),
            },
        );
        for (pair, states) in planes.chunks_mut(2).zip(states.chunks_mut(2)) {
            match (pair, states) {
                ([one, two], [s, t]) => {
                    let lanes = [&mut one[at..at + n], &mut two[at..at + n]];
                    walk(moves, lanes, [s, t]);
                }
                ([one], [s]) => walk(moves, [&mut one[at..at + n]], [s]),
                _ => {}
            }
        }
    }
}

const BELL: u8 = 0;
const LOW: u8 = 1;
const HIGH: u8 = 2;

impl Moves {
    /// With A = root of the gain, s in units of the corner g, poles of damping k, and zeros of corner g' and damping k', the section is
    /// base (1 + k' p s + p^2 s^2) / (1 + k s + s^2), p = g / g'. A bell has its dampings moved by A, a shelf its corners by the root of A, each
    /// against the other, as in the cookbook; the rest is the bend.
    #[inline(always)]
    fn fill<const SHAPE: u8>(&mut self, gains: &[f64], bend: &Bend) {
        for (i, gain) in gains.iter().enumerate() {
            let a = gain.sqrt();
            let (pole_corner, zero_corner, pole_damping, zero_damping) = bend.at(*gain);
            let (corner, p, k, other, base) = match SHAPE {
                BELL => (pole_corner, pole_corner / zero_corner, pole_damping / a, zero_damping * a, 1.0),
                LOW => {
                    let corner = pole_corner / a.sqrt();
                    (corner, pole_corner / (zero_corner * a), pole_damping, zero_damping, *gain)
                }
                _ => {
                    let corner = pole_corner * a.sqrt();
                    (corner, pole_corner * a / zero_corner, pole_damping, zero_damping, 1.0)
                }
            };
            let a1 = 1.0 / (1.0 + corner * (corner + k));
            let a2 = corner * a1;
            (self.a1[i], self.a2[i], self.a3[i]) = (a1, a2, corner * a2);
            self.m0[i] = base * p * p;
            self.m1[i] = base * (other * p - k * p * p);
            self.m2[i] = base * (1.0 - p * p);
        }
    }
}

/// How corner and damping must lean with the gain for the curve to be that of the analogue section up to 20 kHz at 44.1 kHz. The sections that
/// [`matched::one_section`] finds for gains within the range lie on smooth curves over u = (gain - 1) / (gain + 1): polynomials of fifth degree, one
/// for the corner, one for the damping. A cut mirrors the boost, so the zeros have those of -u, and both are the same at a gain of one, to the bit.
#[derive(Clone, Copy, Debug)]
struct Bend {
    scale: f64,
    corner: [f64; DEGREE + 1],
    damping: [f64; DEGREE + 1],
}

const DEGREE: usize = 5;
/// Gains for which a section is sought.
const NODES: usize = 12;

impl Bend {
    fn new(moving: &Moving, sample_rate: u32) -> Bend {
        let Moving { shape, hz, q, .. } = *moving;
        let plain_corner = math::tan(PI * hz / f64::from(sample_rate));
        let range_db = moving.range_db.abs();
        let u = |gain: f64| (gain - 1.0) / (gain + 1.0);
        let scale = 1.0 / u(math::linear(range_db));
        let (mut at, mut corners, mut dampings) = (Vec::new(), Vec::new(), Vec::new());
        for node in 0..NODES {
            let db = range_db * math::cos(PI * (2 * node + 1) as f64 / (4 * NODES) as f64);
            let a = math::linear(db / 2.0);
            let (boost, corner_by, damping_by) = match shape {
                Shape::Bell => (Analogue::bell(hz, db, q), 1.0, 1.0 / (a * q)),
                Shape::LowShelf => (Analogue::low_shelf(hz, db, q), 1.0 / a.sqrt(), 1.0 / q),
                Shape::HighShelf => (Analogue::high_shelf(hz, db, q), a.sqrt(), 1.0 / q),
            };
            let [zero_middle, zero_end, pole_middle, pole_end] = matched::one_section(&boost, sample_rate);
            let other_by = if shape == Shape::Bell { a / q } else { 1.0 / q };
            let x = u(math::linear(db)) * scale;
            for (x, middle, end, corner_by, damping_by) in [
                (x, pole_middle, pole_end, corner_by, damping_by),
                (-x, zero_middle, zero_end, 1.0 / corner_by, other_by),
            ] {
                let corner = 1.0 / end.sqrt();
                at.push(x);
                corners.push(corner / (corner_by * plain_corner));
                dampings.push(middle * corner / damping_by);
            }
        }
        let plain = Bend { scale, corner: constant(plain_corner), damping: constant(1.0 / q) };
        let (Some(corner), Some(damping)) = (polynomial(&at, &corners), polynomial(&at, &dampings)) else {
            return plain;
        };
        let bend = Bend { scale, corner: corner.map(|c| c * plain_corner), damping: damping.map(|c| c / q) };
        // Neither may leave the sections that it was drawn through: they would not be stable at nought.
        let steady = (0..=200).all(|i| {
            let x = f64::from(i) / 100.0 - 1.0;
            let near = |value: f64, plain: f64| (0.1..10.0).contains(&(value / plain));
            near(both(&bend.corner, x).0, plain_corner) && near(both(&bend.damping, x).0, 1.0 / q)
        });
        if steady { bend } else { plain }
    }

    /// Corner of the poles, of the zeros, damping of the poles, of the zeros.
    #[inline(always)]
    fn at(&self, gain: f64) -> (f64, f64, f64, f64) {
        let x = (gain - 1.0) / (gain + 1.0) * self.scale;
        let (corner, zero_corner) = both(&self.corner, x);
        let (damping, zero_damping) = both(&self.damping, x);
        (corner, zero_corner, damping, zero_damping)
    }
}

fn constant(value: f64) -> [f64; DEGREE + 1] {
    let mut all = [0.0; DEGREE + 1];
    all[0] = value;
    all
}

/// A polynomial at x and at -x.
#[inline(always)]
fn both(c: &[f64; DEGREE + 1], x: f64) -> (f64, f64) {
    let square = x * x;
    let even = c[0] + square * (c[2] + square * c[4]);
    let odd = x * (c[1] + square * (c[3] + square * c[5]));
    (even + odd, even - odd)
}

/// The polynomial of least squares through these points.
fn polynomial(at: &[f64], values: &[f64]) -> Option<[f64; DEGREE + 1]> {
    let (mut normal, mut right) = ([[0.0; MOST]; MOST], [0.0; MOST]);
    for (x, value) in at.iter().zip(values) {
        let mut powers = [1.0; DEGREE + 1];
        (1..=DEGREE).for_each(|i| powers[i] = powers[i - 1] * x);
        for (i, p) in powers.iter().enumerate() {
            right[i] += p * value;
            powers.iter().enumerate().for_each(|(j, q)| normal[i][j] += p * q);
        }
    }
    let found = matched::solve(normal, right, DEGREE + 1)?;
    found[..=DEGREE].try_into().ok()
}

#[inline(always)]
fn walk<const L: usize>(moves: &Moves, planes: [&mut [f64]; L], states: [&mut [f64; 2]; L]) {
    let mut one: [f64; L] = std::array::from_fn(|lane| states[lane][0]);
    let mut two: [f64; L] = std::array::from_fn(|lane| states[lane][1]);
    let n = planes.iter().map(|p| p.len()).min().unwrap_or(0).min(PIECE_FRAMES);
    let planes = planes.map(|p| &mut p[..n]);
    let Moves { a1, a2, a3, m0, m1, m2 } = moves;
    for i in 0..n {
        for lane in 0..L {
            let x = planes[lane][i];
            let v3 = x - two[lane];
            let v1 = a1[i] * one[lane] + a2[i] * v3;
            let v2 = (two[lane] + a2[i] * one[lane]) + a3[i] * v3;
            one[lane] = 2.0 * v1 - one[lane];
            two[lane] = 2.0 * v2 - two[lane];
            planes[lane][i] = m0[i] * x + (m1[i] * v1 + m2[i] * v2);
        }
    }
    for (lane, state) in states.into_iter().enumerate() {
        *state = [one[lane], two[lane]];
    }
}
