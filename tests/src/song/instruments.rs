//! The instruments: each adds its notes to a stem. Synthesis is textbook: swept sine and noise for drums, filtered saws, a plucked string after
//! Karplus and Strong (1983), a glottal pulse through formant resonators (Klatt, 1980) for voices, a feedback delay network for the room.

use std::f64::consts::TAU;

use super::{RATE_HZ, Stem};

const RATE: f64 = RATE_HZ as f64;

/// xorshift64*: noise that is the same everywhere.
pub struct Noise(pub u64);

impl Noise {
    /// -1 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

pub fn hertz(midi: f64) -> f64 {
    440.0 * 2f64.powf((midi - 69.0) / 12.0)
}

fn frames(seconds: f64) -> usize {
    (seconds * RATE) as usize
}

/// Adds `sample(t)` for `seconds` from `start_s`, panned from -1 (left) to 1 (right) with constant power.
fn add(stem: &mut Stem, start_s: f64, seconds: f64, pan: f64, mut sample: impl FnMut(f64) -> f64) {
    let angle = (pan + 1.0) * TAU / 8.0;
    let (left, right) = (angle.cos(), angle.sin());
    let start = frames(start_s);
    for index in 0..frames(seconds) {
        let Some(frame) = stem.get_mut(start + index) else { break };
        let value = sample(index as f64 / RATE);
        frame[0] += (value * left) as f32;
        frame[1] += (value * right) as f32;
    }
}

/// Rises over `attack_s`, holds, falls over `release_s` at the end: no step at either end.
fn envelope(t: f64, seconds: f64, attack_s: f64, release_s: f64) -> f64 {
    let rise = (t / attack_s).min(1.0);
    let fall = ((seconds - t) / release_s).clamp(0.0, 1.0);
    rise * fall
}

pub fn kick(stem: &mut Stem, at_s: f64, level: f64) {
    let mut phase = 0.0;
    add(stem, at_s, 0.45, 0.0, |t| {
        phase += TAU * (46.0 + 110.0 * (-t * 28.0).exp()) / RATE;
        phase.sin() * (-t * 8.0).exp() * envelope(t, 0.45, 0.001, 0.05) * level
    });
}

pub fn snare(stem: &mut Stem, at_s: f64, level: f64, noise: &mut Noise) {
    let (mut low, mut high) = (0.0, 0.0);
    add(stem, at_s, 0.3, 0.05, |t| {
        let white = noise.next();
        low += 0.55 * (white - low);
        high += 0.08 * (low - high);
        let body = (TAU * 188.0 * t).sin() * (-t * 26.0).exp();
        ((low - high) * 0.9 * (-t * 15.0).exp() + body * 0.55) * envelope(t, 0.3, 0.0008, 0.03) * level
    });
}

pub fn hat(stem: &mut Stem, at_s: f64, level: f64, decay: f64, noise: &mut Noise) {
    let mut low = 0.0;
    add(stem, at_s, 0.25, 0.3, |t| {
        let white = noise.next();
        low += 0.45 * (white - low);
        (white - low) * (-t * decay).exp() * envelope(t, 0.25, 0.0005, 0.02) * level
    });
}

/// A saw rounded off by its own sum of partials: no alias, because partials stop below the limit.
fn saw(phase: f64, hz: f64, partials_max: usize) -> f64 {
    let partials = ((18_000.0 / hz) as usize).clamp(1, partials_max);
    (1..=partials).map(|n| (phase * n as f64).sin() / n as f64).sum::<f64>() * 0.6
}

pub fn bass(stem: &mut Stem, at_s: f64, seconds: f64, midi: f64, level: f64) {
    let hz = hertz(midi);
    let mut phase = 0.0;
    let mut low = 0.0;
    add(stem, at_s, seconds, 0.0, |t| {
        phase += TAU * hz / RATE;
        let cutoff = 0.03 + 0.12 * (-t * 7.0).exp();
        low += cutoff * (saw(phase, hz, 24) - low);
        (low * 0.8 + phase.sin() * 0.5) * envelope(t, seconds, 0.004, 0.04) * level
    });
}

pub fn pad(stem: &mut Stem, at_s: f64, seconds: f64, midi: f64, pan: f64, level: f64) {
    for (detune, side) in [(-0.06, -0.4), (0.07, 0.4)] {
        let hz = hertz(midi + detune);
        let mut phase = midi * detune * 40.0;
        let mut low = 0.0;
        add(stem, at_s, seconds, (pan + side).clamp(-1.0, 1.0), |t| {
            phase += TAU * hz / RATE;
            low += 0.09 * (saw(phase, hz, 12) - low);
            low * envelope(t, seconds, 0.35, 0.5) * level
        });
    }
}

/// Karplus-Strong: a burst of noise in a loop as long as one period, a little duller at each turn.
pub fn pluck(stem: &mut Stem, at_s: f64, seconds: f64, midi: f64, pan: f64, level: f64, noise: &mut Noise) {
    let period = (RATE / hertz(midi)).round().max(2.0) as usize;
    let mut string: Vec<f64> = (0..period).map(|_| noise.next()).collect();
    let mut at = 0;
    add(stem, at_s, seconds, pan, |t| {
        let next = (at + 1) % period;
        let value = string[at];
        string[at] = (string[at] * 0.52 + string[next] * 0.48) * 0.9965;
        at = next;
        value * envelope(t, seconds, 0.001, 0.03) * level
    });
}

/// First four formants of the vowels a, e, i, o, u for a mezzo voice, Hz, with their levels.
const VOWELS: [[(f64, f64); 4]; 5] = [
    [(800.0, 1.0), (1150.0, 0.6), (2800.0, 0.16), (3500.0, 0.10)],
    [(400.0, 1.0), (1600.0, 0.25), (2700.0, 0.18), (3300.0, 0.12)],
    [(350.0, 1.0), (1700.0, 0.16), (2700.0, 0.16), (3700.0, 0.08)],
    [(450.0, 1.0), (800.0, 0.45), (2830.0, 0.12), (3500.0, 0.09)],
    [(325.0, 1.0), (700.0, 0.25), (2530.0, 0.06), (3500.0, 0.05)],
];

/// A two-pole resonator, unity gain near its centre.
#[derive(Default, Clone, Copy)]
struct Resonator {
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn process(&mut self, input: f64, hz: f64, width_hz: f64) -> f64 {
        let radius = (-std::f64::consts::PI * width_hz / RATE).exp();
        let cosine = (TAU * hz / RATE).cos();
        let y = input * (1.0 - radius) * 2.0 + 2.0 * radius * cosine * self.y1 - radius * radius * self.y2;
        self.y2 = self.y1;
        self.y1 = y;
        y
    }
}

pub struct Sung {
    pub at_s: f64,
    pub seconds: f64,
    pub midi: f64,
    pub vowel: usize,
}

/// One sung note: pulse with vibrato that begins late, breath, formants that glide from the vowel before.
pub fn voice(stem: &mut Stem, note: &Sung, from: (f64, usize), pan: f64, level: f64, noise: &mut Noise) {
    let mut phase: f64 = 0.0;
    let mut tilt = 0.0;
    let mut formants = [Resonator::default(); 4];
    let (was, now) = (VOWELS[from.1 % 5], VOWELS[note.vowel % 5]);
    add(stem, note.at_s, note.seconds, pan, |t| {
        let glide = (t / 0.07).min(1.0);
        let midi = from.0 + (note.midi - from.0) * glide;
        let depth = 0.28 * ((t - 0.25) / 0.4).clamp(0.0, 1.0);
        let hz = hertz(midi + depth * (TAU * 5.4 * t).sin());
        phase = (phase + hz / RATE).fract();
        // Rosenberg's glottal flow (1971), differentiated by the tilt filter below.
        let flow = if phase < 0.4 {
            0.5 * (1.0 - (phase / 0.4 * TAU / 2.0).cos())
        } else {
            (1.0 - (phase - 0.4) / 0.16).max(0.0)
        };
        let source = flow - tilt;
        tilt += 0.12 * (flow - tilt);
        let breath = noise.next() * 0.02 * (1.0 + 3.0 * (-t * 30.0).exp());
        let sum: f64 = formants
            .iter_mut()
            .enumerate()
            .map(|(n, formant)| {
                let hz = was[n].0 + (now[n].0 - was[n].0) * glide;
                formant.process(source + breath, hz, 70.0 + 25.0 * n as f64) * now[n].1
            })
            .sum();
        sum * envelope(t, note.seconds, 0.03, 0.08) * level
    });
}

/// A room: four delay lines that feed each other through a Hadamard matrix (Jot, 1991). `wet` is added to the dry stem.
pub fn room(stem: &mut Stem, wet: f64, decay: f64) {
    let mut lines: Vec<Vec<f64>> = [1557, 1901, 2339, 2687].iter().map(|length| vec![0.0; *length]).collect();
    let mut at = [0usize; 4];
    let mut low = [0.0; 4];
    for frame in stem.iter_mut() {
        let taps: [f64; 4] = std::array::from_fn(|n| lines[n][at[n]]);
        let [a, b, c, d] = taps;
        let mixed =
            [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d].map(|value| value * 0.5 * decay);
        let (left, right) = (f64::from(frame[0]), f64::from(frame[1]));
        let input = [left, right, left * 0.7, right * 0.7];
        for n in 0..4 {
            low[n] += 0.35 * (mixed[n] - low[n]);
            lines[n][at[n]] = low[n] + input[n];
            at[n] = (at[n] + 1) % lines[n].len();
        }
        frame[0] += ((taps[0] + taps[2]) * wet) as f32;
        frame[1] += ((taps[1] - taps[3]) * wet) as f32;
    }
}
