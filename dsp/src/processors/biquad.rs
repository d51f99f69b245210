//! Second-order sections in f64: design after Robert Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter coefficients".
//! Never here: running them; that is the cascade.

use std::f64::consts::PI;

use crate::math;

/// Coefficients with a0 = 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    pub b: [f64; 3],
    pub a: [f64; 2],
}

/// What the cookbook's formulas share. A corner above 0.49 of the rate is set there: the formulas end at half the rate.
struct Prototype {
    cos: f64,
    alpha: f64,
}

impl Prototype {
    fn new(sample_rate: u32, hz: f64, q: f64) -> Self {
        let rate = f64::from(sample_rate);
        let w = 2.0 * PI * hz.min(0.49 * rate) / rate;
        Prototype { cos: math::cos(w), alpha: math::sin(w) / (2.0 * q) }
    }
}

fn normalised(b: [f64; 3], a: [f64; 3]) -> Coefficients {
    Coefficients { b: b.map(|x| x / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
}

impl Coefficients {
    pub fn bell(sample_rate: u32, hz: f64, gain_db: f64, q: f64) -> Self {
        let Prototype { cos, alpha } = Prototype::new(sample_rate, hz, q);
        let g = math::linear(gain_db / 2.0);
        normalised(
            [1.0 + alpha * g, -2.0 * cos, 1.0 - alpha * g],
            [1.0 + alpha / g, -2.0 * cos, 1.0 - alpha / g],
        )
    }

    pub fn low_shelf(sample_rate: u32, hz: f64, gain_db: f64, q: f64) -> Self {
        Self::shelf(sample_rate, hz, gain_db, q, 1.0)
    }

    pub fn high_shelf(sample_rate: u32, hz: f64, gain_db: f64, q: f64) -> Self {
        Self::shelf(sample_rate, hz, gain_db, q, -1.0)
    }

    /// The two shelves differ only in the sign of the cosine and of every second middle term.
    fn shelf(sample_rate: u32, hz: f64, gain_db: f64, q: f64, side: f64) -> Self {
        let Prototype { cos, alpha } = Prototype::new(sample_rate, hz, q);
        let g = math::linear(gain_db / 2.0);
        let c = side * cos;
        let root = 2.0 * g.sqrt() * alpha;
        let (up, down) = (g + 1.0, g - 1.0);
        normalised(
            [g * (up - down * c + root), side * 2.0 * g * (down - up * c), g * (up - down * c - root)],
            [up + down * c + root, -side * 2.0 * (down + up * c), up + down * c - root],
        )
    }

    /// Passes what is above `hz`.
    pub fn low_cut(sample_rate: u32, hz: f64, q: f64) -> Self {
        let Prototype { cos, alpha } = Prototype::new(sample_rate, hz, q);
        let k = (1.0 + cos) / 2.0;
        normalised([k, -2.0 * k, k], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Passes what is below `hz`.
    pub fn high_cut(sample_rate: u32, hz: f64, q: f64) -> Self {
        let Prototype { cos, alpha } = Prototype::new(sample_rate, hz, q);
        let k = (1.0 - cos) / 2.0;
        normalised([k, 2.0 * k, k], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Passes what is around `hz`, with 0 dB there.
    pub fn band_pass(sample_rate: u32, hz: f64, q: f64) -> Self {
        let Prototype { cos, alpha } = Prototype::new(sample_rate, hz, q);
        normalised([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// 0 dB at `hz`, `gain_db` far above it, as much less far below; first order.
    pub fn tilt(sample_rate: u32, hz: f64, gain_db: f64) -> Self {
        let rate = f64::from(sample_rate);
        let t = math::tan(PI * hz.min(0.49 * rate) / rate);
        let g = math::linear(gain_db);
        Self::bilinear([t, g, 0.0], [t * g, 1.0, 0.0])
    }

    /// From polynomials in s, lowest power first, with s = (1 - 1/z) / (1 + 1/z).
    pub(super) fn bilinear(num: [f64; 3], den: [f64; 3]) -> Self {
        let turn = |[c0, c1, c2]: [f64; 3]| [c0 + c1 + c2, 2.0 * (c0 - c2), c0 - c1 + c2];
        normalised(turn(num), turn(den))
    }

    /// What undoes it: stable where this one is of minimum phase.
    pub(super) fn inverse(&self) -> Self {
        let b0 = self.b[0];
        Coefficients { b: [1.0 / b0, self.a[0] / b0, self.a[1] / b0], a: [self.b[1] / b0, self.b[2] / b0] }
    }

    /// Gain at `hz` in decibels.
    pub fn response_db(&self, sample_rate: u32, hz: f64) -> f64 {
        let w = 2.0 * PI * hz / f64::from(sample_rate);
        let size = |c: [f64; 3]| {
            let re = c[0] + c[1] * math::cos(w) + c[2] * math::cos(2.0 * w);
            let im = c[1] * math::sin(w) + c[2] * math::sin(2.0 * w);
            math::hypot(re, im)
        };
        super::decibels(size(self.b) / size([1.0, self.a[0], self.a[1]]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::cascade::Cascade;
    use std::f64::consts::FRAC_1_SQRT_2;

    use super::*;

    #[test]
    fn bells_and_shelves_have_their_gain_where_they_should() {
        for rate in [44_100, 96_000] {
            let bell = Coefficients::bell(rate, 1000.0, 6.0, 1.0);
            assert!((bell.response_db(rate, 1000.0) - 6.0).abs() < 1e-9);
            assert!(bell.response_db(rate, 20.0).abs() < 0.01);
            let low = Coefficients::low_shelf(rate, 200.0, -4.0, FRAC_1_SQRT_2);
            assert!(
                (low.response_db(rate, 5.0) + 4.0).abs() < 0.01
                    && low.response_db(rate, 10_000.0).abs() < 0.01
            );
            assert!((low.response_db(rate, 200.0) + 2.0).abs() < 1e-6, "half the gain at the corner");
            let high = Coefficients::high_shelf(rate, 5000.0, 3.0, FRAC_1_SQRT_2);
            assert!(
                (high.response_db(rate, 20_000.0) - 3.0).abs() < 0.05
                    && high.response_db(rate, 50.0).abs() < 0.01
            );
        }
    }

    #[test]
    fn cuts_are_three_decibels_down_at_their_corner() {
        let q = std::f64::consts::FRAC_1_SQRT_2;
        let low = Coefficients::low_cut(48_000, 30.0, q);
        assert!((low.response_db(48_000, 30.0) + 3.0103).abs() < 1e-3);
        assert!(low.response_db(48_000, 3.0) < -39.0);
        let high = Coefficients::high_cut(48_000, 18_000.0, q);
        assert!((high.response_db(48_000, 18_000.0) + 3.0103).abs() < 1e-3);
    }

    #[test]
    fn a_corner_over_half_the_rate_stays_stable() {
        let c = Coefficients::bell(8_000, 20_000.0, 12.0, 0.3);
        let mut sound = [(0..100_000).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect::<Vec<f64>>()];
        Cascade::new(&[c], 1).run(&mut sound);
        assert_eq!(sound[0].last(), Some(&0.0));
    }
}
