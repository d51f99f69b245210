//! The curves of saturation, as gains: a sample u becomes `g(u) u`. All have a slope of 1 at zero, so that what is soft passes as it is. Plain
//! arithmetic and roots, made for lanes; never a system's function. Never here: drive, filters.

use std::f64::consts::LOG2_E;

use serde::{Deserialize, Serialize};

use crate::math;

/// What the wave is bent by; u is the sample times the drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Curve {
    /// `u / sqrt(1 + u^2)`: odd harmonics that fall slowly; it begins early and never ends.
    Soft,
    /// `tanh u`: odd harmonics, the third first, as of tape.
    #[default]
    Tape,
    /// `(s(u + b) - s(b)) / s'(b)` with `s(x) = x / sqrt(1 + x^2)` and b the asymmetry: even harmonics too, as of a valve.
    Tube,
    /// `u - 4/27 u^3` up to 1.5, where it is 1 and stays: the third harmonic alone, until it clips.
    Cubic,
}

/// A curve ready for loops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bend {
    Soft,
    Tape,
    Cubic,
    /// The bias b, more than 0; `s(b)`, `sqrt(1 + b^2)` and `1 / s'(b)`.
    Biased {
        bias: f64,
        at: f64,
        root: f64,
        per_slope: f64,
    },
}

impl Curve {
    pub const ALL: [Curve; 4] = [Curve::Soft, Curve::Tape, Curve::Tube, Curve::Cubic];

    pub fn token(self) -> &'static str {
        match self {
            Curve::Soft => "soft",
            Curve::Tape => "tape",
            Curve::Tube => "tube",
            Curve::Cubic => "cubic",
        }
    }

    pub(super) fn bend(self, asymmetry: f64) -> Bend {
        let bias = match self {
            Curve::Tape => return Bend::Tape,
            Curve::Cubic => return Bend::Cubic,
            Curve::Soft => return Bend::Soft,
            Curve::Tube if asymmetry <= 0.0 => return Bend::Soft,
            Curve::Tube => asymmetry,
        };
        let square = 1.0 + bias * bias;
        let root = square.sqrt();
        Bend::Biased { bias, at: bias / root, root, per_slope: square * root }
    }
}

impl Bend {
    /// `g(u)` of one value.
    pub(super) fn gain(self, u: f64) -> f64 {
        let mut one = [0.0];
        self.gains(&[u], 1.0, 1.0, &mut one);
        one[0]
    }

    /// `level * g(drive * x)` of each sample.
    #[inline(always)]
    pub(super) fn gains(self, samples: &[f64], drive: f64, level: f64, out: &mut [f64]) {
        let pairs = out.iter_mut().zip(samples);
        match self {
            Bend::Soft => pairs.for_each(|(out, x)| *out = level * soft(drive * x)),
            Bend::Tape => pairs.for_each(|(out, x)| *out = level * tape(drive * x)),
            Bend::Cubic => pairs.for_each(|(out, x)| *out = level * cubic(drive * x)),
            Bend::Biased { bias, at, root, per_slope } => {
                let level = level * per_slope;
                pairs.for_each(|(out, x)| *out = level * biased(drive * x, bias, at, root));
            }
        }
    }
}

#[inline(always)]
fn soft(u: f64) -> f64 {
    1.0 / (1.0 + u * u).sqrt()
}

#[inline(always)]
fn tape(u: f64) -> f64 {
    let size = u.abs();
    let v = u * u;
    // Near zero the continued fraction of tanh (Lambert), to its seventh term; beyond, the exponential. They meet within rounding.
    let over = 135_135.0 + v * (17_325.0 + v * (378.0 + v));
    let under = 135_135.0 + v * (62_370.0 + v * (3_150.0 + v * 28.0));
    let fall = math::exp2(-2.0 * LOG2_E * size);
    let far = (1.0 - fall) / ((1.0 + fall) * size.max(0.5));
    if size < 0.5 { over / under } else { far }
}

#[inline(always)]
fn cubic(u: f64) -> f64 {
    let size = u.abs();
    if size < 1.5 { 1.0 - (4.0 / 27.0) * (u * u) } else { 1.0 / size.max(1.5) }
}

/// `(s(u + b) - s(b)) / u`.
#[inline(always)]
fn biased(u: f64, bias: f64, at: f64, root: f64) -> f64 {
    let x = u + bias;
    let r = (1.0 + x * x).sqrt();
    // The difference of two roots loses its digits at small u; this form of it does not, but has a hole at u = -2b. They meet at x = 0, u = -b.
    let near = (x + bias) / ((x.max(0.0) * root + bias * r) * (r * root));
    let far = (x / r - at) / u.min(-bias);
    if x > 0.0 { near } else { far }
}
