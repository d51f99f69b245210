//! A bell or a shelf whose gain moves by the level in its own band: what the dynamic equaliser and the de-esser are made of. The filter is A. Simper's
//! state variable filter ("Solving the continuous SVF equations using trapezoidal integration and equivalent currents", Cytomic 2013), which may be
//! moved at every frame; held still it has the curve of the analogue section up to 20 kHz, and at a gain of one it leaves every bit alone. For a given
//! course of gains it is linear in the sound, so that an alternate is worked on as its main was. Never here: settings of a step, units of a recipe.

use std::{
    f64::consts::{FRAC_1_SQRT_2, PI},
    ops::Range,
};

use super::{
    Placement,
    analogue::Analogue,
    biquad::Coefficients,
    cascade::Cascade,
    matched::{self, MOST},
    one_pole,
};
use crate::{block::Block, error::DspError, lanes, math};

/// Frames from one value of the gain to the next, counted from the first of the stream; between them straight lines.
pub(super) const GROUP_FRAMES: usize = 16;
/// How far along the line each frame of a group is.
const WAY: [f64; GROUP_FRAMES] =
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0];
/// Frames whose filters are computed at once, counted from the first of the stream. A tail that has died away is set to zero at their ends.
const PIECE_FRAMES: usize = 64;
/// Frames that are heard at once: they stay in the first cache.
const STRETCH_FRAMES: usize = 512;
/// -600 dBFS.
const SETTLED: f64 = 1e-30;
/// A gain that has come so close to nought decibels is nought.
const SETTLED_DB: f64 = 1e-5;
/// -120 dB: what is softer counts as this.
const FLOOR_POWER: f64 = 1e-12;
/// The mean of squares is over this many periods of the band, within limits in milliseconds.
const MEAN_PERIODS: f64 = 2.0;
const MEAN_MS: [f64; 2] = [1.0, 50.0];
/// A relative level is held against the last 400 ms, or the last 20 where they are louder, of what is over 200 Hz: a kick does not count.
const PROGRAMME_MS: f64 = 400.0;
const SOON_MS: f64 = 20.0;
const PROGRAMME_HZ: f64 = 200.0;
/// Under -80 dB there is no programme to hold a band against.
const QUIET_POWER: f64 = 1e-8;
/// Of the rate: a corner above it leaves no room for the band.
const HIGHEST: f64 = 0.45;

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

/// What gain a steady level gets: nothing on one side of the threshold, on the other as much as the ratio asks for, up to the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Law {
    pub threshold_db: f64,
    pub ratio: f64,
    pub knee_db: f64,
    /// Signed: the gain that is never passed.
    pub range_db: f64,
    /// Works under the threshold instead of over it.
    pub below: bool,
}

impl Law {
    pub fn gain_db(&self, level_db: f64) -> f64 {
        let over = if self.below { self.threshold_db - level_db } else { level_db - self.threshold_db };
        let past = if 2.0 * over <= -self.knee_db {
            0.0
        } else if 2.0 * over < self.knee_db {
            (over + 0.5 * self.knee_db) * (over + 0.5 * self.knee_db) / (2.0 * self.knee_db)
        } else {
            over
        };
        let amount = past * (1.0 - 1.0 / self.ratio);
        amount.min(self.range_db.abs()).copysign(self.range_db)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    pub shape: Shape,
    pub hz: f64,
    pub q: f64,
    /// Where it works and where it listens.
    pub on: Placement,
    pub hears: Placement,
    pub law: Law,
    /// The level is that of the band against the programme's instead of against full scale.
    pub relative: bool,
    pub attack_ms: f64,
    pub release_ms: f64,
}

#[derive(Clone)]
pub(super) struct DynamicBand {
    plan: Plan,
    ear: Ear,
    filter: Filter,
    /// Decibels now, and the linear gains at the ends of the line that is being drawn.
    gain_db: f64,
    line: [f64; 2],
    attack: f64,
    release: f64,
    /// Frames since the last multiple of [`GROUP_FRAMES`].
    position: usize,
    pub did: Did,
}

impl DynamicBand {
    /// `what` is named in errors.
    pub fn new(plan: Plan, sample_rate: u32, channels: usize, what: &str) -> Result<Self, DspError> {
        plan.on.check(channels, what)?;
        plan.hears.check(channels, what)?;
        let highest = HIGHEST * f64::from(sample_rate);
        if plan.hz > highest {
            return Err(DspError::Invalid(format!(
                "{what} is at {} Hz, but at a sample rate of {sample_rate} Hz it can be at {highest:.0} Hz at most",
                plan.hz
            )));
        }
        let pace = |ms: f64| one_pole(ms / GROUP_FRAMES as f64, sample_rate);
        Ok(DynamicBand {
            plan,
            ear: Ear::new(&plan, sample_rate, channels),
            filter: Filter::new(&plan, sample_rate, channels),
            gain_db: 0.0,
            line: [1.0, 1.0],
            attack: pace(plan.attack_ms),
            release: pace(plan.release_ms),
            position: 0,
            did: Did::new(sample_rate),
        })
    }

    pub fn reset(&mut self) {
        self.ear.reset();
        self.filter.reset();
        self.gain_db = 0.0;
        self.line = [1.0, 1.0];
        self.position = 0;
        self.did.clear();
    }

    /// Hears the frames of a block and gives the gain of each.
    pub fn listen(&mut self, block: &Block, gains: &mut Vec<f64>) {
        gains.clear();
        gains.resize(block.frames(), 1.0);
        let mut start = 0;
        for stretch in gains.chunks_mut(STRETCH_FRAMES) {
            self.ear.take(block, start..start + stretch.len());
            self.draw(stretch);
            start += stretch.len();
        }
    }

    /// The gains of frames that the ear has taken.
    fn draw(&mut self, gains: &mut [f64]) {
        let mut at = 0;
        while at < gains.len() {
            let n = (GROUP_FRAMES - self.position).min(gains.len() - at);
            let [from, to] = self.line;
            if from != 1.0 || to != 1.0 {
                let step = (to - from) / GROUP_FRAMES as f64;
                for (gain, way) in gains[at..at + n].iter_mut().zip(&WAY[self.position..]) {
                    *gain = from + step * way;
                }
            }
            self.ear.gather(at, n);
            at += n;
            self.position += n;
            if self.position == GROUP_FRAMES {
                self.position = 0;
                self.turn();
            }
        }
    }

    /// A group has been heard: where the gain goes in the next one.
    fn turn(&mut self) {
        let wanted = self.ear.level_db(self.plan.relative).map_or(0.0, |level| self.plan.law.gain_db(level));
        let pace = if wanted.abs() > self.gain_db.abs() { self.attack } else { self.release };
        self.gain_db += (wanted - self.gain_db) * pace;
        if wanted == 0.0 && self.gain_db.abs() < SETTLED_DB {
            self.gain_db = 0.0;
        }
        let gain = math::exp2(self.gain_db * (1.0 / math::DB_PER_OCTAVE));
        self.line = [self.line[1], gain];
        self.did.note(self.gain_db);
    }

    /// Filters a block with one gain for each of its frames.
    pub fn apply(&mut self, block: &mut Block, gains: &[f64]) {
        self.filter.run(block, gains, self.plan.on);
    }
}

/// What a band hears: the mean of squares behind a filter, and of the programme where it is asked for.
#[derive(Clone)]
struct Ear {
    hears: Placement,
    band: Cascade,
    programme: Option<Cascade>,
    heard: Vec<Vec<f64>>,
    whole: Vec<Vec<f64>>,
    /// Sums of squares over the current group, then the means: of the band, of the programme soon and slowly.
    sums: [f64; 2],
    means: [f64; 3],
    paces: [f64; 3],
}

impl Ear {
    fn new(plan: &Plan, sample_rate: u32, channels: usize) -> Ear {
        let planes = plan.hears.planes(channels);
        let (hz, q) = (plan.hz, FRAC_1_SQRT_2);
        let section = match plan.shape {
            Shape::Bell => Coefficients::band_pass(sample_rate, hz, bent_q(plan, sample_rate)),
            Shape::LowShelf => Coefficients::high_cut(sample_rate, hz, q),
            Shape::HighShelf => Coefficients::low_cut(sample_rate, hz, q),
        };
        let mean_ms = (MEAN_PERIODS * 1000.0 / hz).clamp(MEAN_MS[0], MEAN_MS[1]);
        let pace = |ms: f64| one_pole(ms / GROUP_FRAMES as f64, sample_rate);
        let low = Coefficients::low_cut(sample_rate, PROGRAMME_HZ, q);
        Ear {
            hears: plan.hears,
            band: Cascade::new(&[section], planes),
            programme: plan.relative.then(|| Cascade::new(&[low], planes)),
            heard: Vec::new(),
            whole: Vec::new(),
            sums: [0.0; 2],
            means: [0.0; 3],
            paces: [mean_ms, SOON_MS, PROGRAMME_MS].map(pace),
        }
    }

    fn reset(&mut self) {
        self.band.reset();
        if let Some(programme) = &mut self.programme {
            programme.reset();
        }
        self.sums = [0.0; 2];
        self.means = [0.0; 3];
    }

    fn take(&mut self, block: &Block, frames: Range<usize>) {
        self.hears.read(block, frames.clone(), &mut self.heard);
        if let Some(programme) = &mut self.programme {
            self.hears.read(block, frames, &mut self.whole);
            programme.run(&mut self.whole);
        }
        self.band.run(&mut self.heard);
    }

    /// One frame after the other, so that it does not matter where a block ends.
    fn gather(&mut self, at: usize, n: usize) {
        for (sum, planes) in self.sums.iter_mut().zip([&self.heard, &self.whole]) {
            match planes.as_slice() {
                [one] => one[at..at + n].iter().for_each(|s| *sum += s * s),
                [one, two] => {
                    one[at..at + n].iter().zip(&two[at..at + n]).for_each(|(a, b)| *sum += a * a + b * b);
                }
                more => {
                    for i in at..at + n {
                        *sum += more.iter().map(|plane| plane[i] * plane[i]).sum::<f64>();
                    }
                }
            }
        }
    }

    /// The level after a group; `None` where there is no programme to hold it against.
    fn level_db(&mut self, relative: bool) -> Option<f64> {
        let count = (self.heard.len() * GROUP_FRAMES).max(1) as f64;
        let [band, whole] = std::mem::take(&mut self.sums).map(|sum| sum / count);
        for ((mean, pace), new) in self.means.iter_mut().zip(self.paces).zip([band, whole, whole]) {
            *mean += (new - *mean) * pace;
            if *mean < SETTLED {
                *mean = 0.0;
            }
        }
        let [band, soon, slow] = self.means;
        let db = |power: f64| math::log2(power.max(FLOOR_POWER)) * (0.5 * math::DB_PER_OCTAVE);
        if !relative {
            return Some(db(band));
        }
        let programme = soon.max(slow);
        (programme > QUIET_POWER).then(|| db(band) - db(programme))
    }
}

/// The quality that keeps the width of a band-pass in hertz, where the transform bends the axis: of the same slope at the centre.
fn bent_q(plan: &Plan, sample_rate: u32) -> f64 {
    let w = 2.0 * PI * plan.hz / f64::from(sample_rate);
    plan.q * math::sin(w) / w
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
struct Filter {
    shape: Shape,
    bend: Bend,
    /// Of each plane it works on.
    states: Vec<[f64; 2]>,
    moves: Moves,
    /// Frames since the last multiple of [`PIECE_FRAMES`].
    position: usize,
}

impl Filter {
    fn new(plan: &Plan, sample_rate: u32, channels: usize) -> Filter {
        let none = [0.0; PIECE_FRAMES];
        Filter {
            shape: plan.shape,
            bend: Bend::new(plan, sample_rate),
            states: vec![[0.0; 2]; plan.on.planes(channels)],
            moves: Moves { a1: none, a2: none, a3: none, m0: none, m1: none, m2: none },
            position: 0,
        }
    }

    fn reset(&mut self) {
        self.states.fill([0.0; 2]);
        self.position = 0;
    }

    fn run(&mut self, block: &mut Block, gains: &[f64], on: Placement) {
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
        let Filter { shape, bend, states, moves, .. } = self;
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
    fn new(plan: &Plan, sample_rate: u32) -> Bend {
        let (hz, q) = (plan.hz, plan.q);
        let plain_corner = math::tan(PI * hz / f64::from(sample_rate));
        let range_db = plan.law.range_db.abs();
        let u = |gain: f64| (gain - 1.0) / (gain + 1.0);
        let scale = 1.0 / u(math::linear(range_db));
        let (mut at, mut corners, mut dampings) = (Vec::new(), Vec::new(), Vec::new());
        for node in 0..NODES {
            let db = range_db * math::cos(PI * (2 * node + 1) as f64 / (4 * NODES) as f64);
            let a = math::linear(db / 2.0);
            let (boost, corner_by, damping_by) = match plan.shape {
                Shape::Bell => (Analogue::bell(hz, db, q), 1.0, 1.0 / (a * q)),
                Shape::LowShelf => (Analogue::low_shelf(hz, db, q), 1.0 / a.sqrt(), 1.0 / q),
                Shape::HighShelf => (Analogue::high_shelf(hz, db, q), a.sqrt(), 1.0 / q),
            };
            let [zero_middle, zero_end, pole_middle, pole_end] = matched::one_section(&boost, sample_rate);
            let other_by = if plan.shape == Shape::Bell { a / q } else { 1.0 / q };
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

/// What a band did to the main.
#[derive(Clone, Debug)]
pub(super) struct Did {
    sample_rate: u32,
    groups: u64,
    /// Groups with a gain of more than a tenth of a decibel, and the sum of theirs.
    at_work: u64,
    sum_db: f64,
    most_db: f64,
    most_at: u64,
}

impl Did {
    fn new(sample_rate: u32) -> Did {
        Did { sample_rate, groups: 0, at_work: 0, sum_db: 0.0, most_db: 0.0, most_at: 0 }
    }

    fn clear(&mut self) {
        *self = Did::new(self.sample_rate);
    }

    fn note(&mut self, gain_db: f64) {
        if gain_db.abs() > self.most_db.abs() {
            (self.most_db, self.most_at) = (gain_db, self.groups);
        }
        self.groups += 1;
        if gain_db.abs() > 0.1 {
            self.at_work += 1;
            self.sum_db += gain_db;
        }
    }

    /// "-1.2 dB on average while it works, 34 % of the time; -4.1 dB at most, at 1:32"
    pub fn words(&self) -> String {
        if self.at_work == 0 {
            return "never at work".into();
        }
        let average = self.sum_db / self.at_work as f64;
        let share = 100.0 * self.at_work as f64 / self.groups as f64;
        let at_s = self.most_at * GROUP_FRAMES as u64 / u64::from(self.sample_rate.max(1));
        format!(
            "{average:+.1} dB on average while it works, {share:.0} % of the time; {:+.1} dB at most, at {}:{:02}",
            self.most_db,
            at_s / 60,
            at_s % 60
        )
    }
}
