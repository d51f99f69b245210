//! The band below 300 Hz at a low rate: halvings by a short binomial filter, then a Butterworth low pass of fourth order and a high pass at 10 Hz
//! against DC. Never here: what the band is held against.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::{lanes, math};

const LOW_HZ: f64 = 300.0;
const DC_HZ: f64 = 10.0;
/// Halved while the rate stays at or above this. The binomial filter [1 3 3 1]/8 leaves what would fold onto 300 Hz at least 46 dB down from
/// 5.5 kHz to 2.8 kHz, the worst of the usual last halvings.
const RATE_MIN_HZ: f64 = 2000.0;
/// Damping of the two sections of a Butterworth filter of fourth order: 1 / (2 cos(pi/8)), 1 / (2 cos(3 pi/8)).
const BUTTERWORTH_Q: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_376_5];

/// One channel.
#[derive(Clone, Debug)]
pub(super) struct LowBand {
    halvings: Vec<Halving>,
    sections: [Section; 3],
    scratch: Vec<f64>,
}

/// Halves the rate; an odd frame waits for the next stretch.
#[derive(Clone, Copy, Debug, Default)]
struct Halving {
    /// The last samples that the next output needs: three before it, of which `held` are real beyond the oldest two.
    past: [f64; 2],
    odd: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
    z: [f64; 2],
}

/// How many halvings a rate takes.
pub(super) fn halvings(sample_rate: u32) -> u32 {
    let mut rate = f64::from(sample_rate);
    let mut count = 0;
    while rate / 2.0 >= RATE_MIN_HZ {
        rate /= 2.0;
        count += 1;
    }
    count
}

impl LowBand {
    pub(super) fn new(sample_rate: u32) -> Self {
        let count = halvings(sample_rate);
        let rate = f64::from(sample_rate) / f64::from(1u32 << count);
        let [first, second] = BUTTERWORTH_Q.map(|q| low_pass(LOW_HZ / rate, q));
        LowBand {
            halvings: vec![Halving::default(); count as usize],
            sections: [first, second, high_pass(DC_HZ / rate)],
            scratch: Vec::new(),
        }
    }

    /// The band of the next samples, at the low rate.
    pub(super) fn push(&mut self, samples: &[f64]) -> &[f64] {
        self.scratch.clear();
        self.scratch.extend_from_slice(samples);
        for halving in &mut self.halvings {
            halving.run(&mut self.scratch);
        }
        for section in &mut self.sections {
            section.run(&mut self.scratch);
        }
        &self.scratch
    }
}

impl Halving {
    fn run(&mut self, samples: &mut Vec<f64>) {
        // Lay the past before the samples, so that every output looks at four in a row.
        let mut line = Vec::with_capacity(samples.len() + 3);
        line.extend(self.past);
        line.extend(self.odd.take());
        line.extend_from_slice(samples);
        let outputs = (line.len() - 2) / 2;
        samples.resize(outputs, 0.0);
        lanes::wide(
            #[inline(always)]
            || halve(&line[..2 * outputs + 2], samples),
        );
        if (line.len() - 2) % 2 == 1 {
            self.odd = line.last().copied();
        }
        self.past = [line[2 * outputs], line[2 * outputs + 1]];
    }
}

/// `line` has two samples more than twice `out`.
#[inline(always)]
fn halve(line: &[f64], out: &mut [f64]) {
    let (pairs, _) = line.as_chunks::<2>();
    for ((out, first), next) in out.iter_mut().zip(pairs).zip(&pairs[1..]) {
        *out = 0.125 * (first[0] + next[1]) + 0.375 * (first[1] + next[0]);
    }
}

/// Bilinear transform, corner at `at` cycles per sample.
fn low_pass(at: f64, q: f64) -> Section {
    let k = math::tan(PI * at);
    let a0 = 1.0 + k / q + k * k;
    let b = k * k / a0;
    Section { b: [b, 2.0 * b, b], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0], z: [0.0; 2] }
}

fn high_pass(at: f64) -> Section {
    let k = math::tan(PI * at);
    let q = FRAC_1_SQRT_2;
    let a0 = 1.0 + k / q + k * k;
    let b = 1.0 / a0;
    Section { b: [b, -2.0 * b, b], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0], z: [0.0; 2] }
}

impl Section {
    /// Transposed direct form II. A state that fades away is cut off at each sample, wherever blocks end.
    fn run(&mut self, samples: &mut [f64]) {
        const FADED: f64 = 1e-30;
        for sample in samples {
            let x = *sample;
            let y = self.b[0] * x + self.z[0];
            self.z[0] = self.b[1] * x - self.a[0] * y + self.z[1];
            self.z[1] = self.b[2] * x - self.a[1] * y;
            if self.z[0].abs() < FADED && self.z[1].abs() < FADED {
                self.z = [0.0; 2];
            }
            *sample = y;
        }
    }
}
