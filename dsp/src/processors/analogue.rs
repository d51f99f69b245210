//! Analogue sections of second order and less: the curves that bands of the desk have by definition, whatever the sample rate. The shapes of bell and
//! shelves are those of R. Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter coefficients", before its bilinear transform; cuts are
//! Butterworth's. Never here: sample rates.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::math;

/// H(s) = (num0 + num1 s + num2 s^2) / (den0 + den1 s + den2 s^2), with s in units of `hz`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Analogue {
    pub hz: f64,
    pub num: [f64; 3],
    pub den: [f64; 3],
}

impl Analogue {
    /// `gain_db` at `hz`, nothing far away; boost and cut mirror each other.
    pub fn bell(hz: f64, gain_db: f64, q: f64) -> Self {
        let a = math::linear(gain_db / 2.0);
        Analogue { hz, num: [1.0, a / q, 1.0], den: [1.0, 1.0 / (a * q), 1.0] }
    }

    /// `gain_db` far below `hz`, half of it there.
    pub fn low_shelf(hz: f64, gain_db: f64, q: f64) -> Self {
        let a = math::linear(gain_db / 2.0);
        let middle = a.sqrt() / q;
        Analogue { hz, num: [a * a, a * middle, a], den: [1.0, middle, a] }
    }

    /// `gain_db` far above `hz`, half of it there.
    pub fn high_shelf(hz: f64, gain_db: f64, q: f64) -> Self {
        let a = math::linear(gain_db / 2.0);
        let middle = a.sqrt() / q;
        Analogue { hz, num: [a, a * middle, a * a], den: [a, middle, 1.0] }
    }

    /// First order: 0 dB at `hz`, `gain_db` far above it, as much less far below.
    pub fn tilt(hz: f64, gain_db: f64) -> Self {
        let g = math::linear(gain_db);
        Analogue { hz, num: [1.0, g, 0.0], den: [g, 1.0, 0.0] }
    }

    /// Passes what is above `hz`, with 6 dB an octave for each order. At the corner it is 3 dB down where `q` is 1 / sqrt 2 (Butterworth);
    /// another `q` moves the corner by its ratio to that. An order of one has no quality.
    pub fn low_cut(hz: f64, order: usize, q: f64) -> Vec<Self> {
        let first = (order % 2 == 1).then_some(Analogue { hz, num: [0.0, 1.0, 0.0], den: [1.0, 1.0, 0.0] });
        let second = |q: f64| Analogue { hz, num: [0.0, 0.0, 1.0], den: [1.0, 1.0 / q, 1.0] };
        first.into_iter().chain(butterworth(order, q).map(second)).collect()
    }

    /// Passes what is below `hz`; as [`Analogue::low_cut`].
    pub fn high_cut(hz: f64, order: usize, q: f64) -> Vec<Self> {
        let first = (order % 2 == 1).then_some(Analogue { hz, num: [1.0, 0.0, 0.0], den: [1.0, 1.0, 0.0] });
        let second = |q: f64| Analogue { hz, num: [1.0, 0.0, 0.0], den: [1.0, 1.0 / q, 1.0] };
        first.into_iter().chain(butterworth(order, q).map(second)).collect()
    }

    /// |H|^2 at a frequency.
    pub fn power(&self, hz: f64) -> f64 {
        let w = hz / self.hz;
        let size = |[c0, c1, c2]: [f64; 3]| {
            let (re, im) = (c0 - c2 * w * w, c1 * w);
            re * re + im * im
        };
        size(self.num) / size(self.den)
    }

    /// What undoes it.
    pub(super) fn inverse(&self) -> Self {
        Analogue { hz: self.hz, num: self.den, den: self.num }
    }
}

/// Qualities of the second-order sections of a Butterworth filter, rising; the last one is scaled so that `q` is that of the whole.
fn butterworth(order: usize, q: f64) -> impl Iterator<Item = f64> {
    let pairs = order / 2;
    (0..pairs).map(move |k| {
        // Angles of the poles from the real axis: odd orders have one on it.
        let steps = if order % 2 == 1 { (k + 1) as f64 } else { k as f64 + 0.5 };
        let flat = 0.5 / math::cos(PI * steps / order as f64);
        if k + 1 == pairs { flat * (q / FRAC_1_SQRT_2) } else { flat }
    })
}
