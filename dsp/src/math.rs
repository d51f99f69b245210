//! Logarithms, powers and angles with the same bits on every machine (D-1): the system's library picks other code by processor and version.
//! Two kinds: the functions of the crate libm for what is computed once, and [`log2`] and [`exp2`], short enough to be inlined into loops over
//! samples and turned into lanes. Never here: signals.

use std::f64::consts::{LN_2, LOG2_E};

pub use libm::{atan2, cos, cosh, exp, hypot, log, log10, pow, sin, sinh, tan};

/// Decibels in one step of [`log2`] of an amplitude: 20 log10(2).
pub const DB_PER_OCTAVE: f64 = 6.020_599_913_279_624;

/// Decibels to a linear factor of amplitude.
pub fn linear(db: f64) -> f64 {
    pow(10.0, db / 20.0)
}

/// A linear factor of amplitude in decibels; zero is minus infinity.
pub fn decibels(linear: f64) -> f64 {
    20.0 * log10(linear)
}

/// Decibels of a mean square; zero is minus infinity.
pub fn decibels_of_power(power: f64) -> f64 {
    10.0 * log10(power)
}

const MANTISSA_BITS: u32 = 52;
const ONE: u64 = 0x3FF0_0000_0000_0000;
const HALF_ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
/// 2^52: adding a small whole number to its bits gives a float that holds it.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// Binary logarithm of a positive normal number, within 2e-15. Anything else gives a finite number without meaning: bring it into range before.
#[inline(always)]
pub fn log2(x: f64) -> f64 {
    // x = 2^e * m with m between the roots of 1/2 and 2; then log m = 2 artanh((m - 1) / (m + 1)), an odd series in at most 0.172.
    let bits = x.to_bits();
    let raised = bits.wrapping_add(ONE - HALF_ROOT);
    let biased = raised >> MANTISSA_BITS;
    let m = f64::from_bits(bits.wrapping_sub((biased << MANTISSA_BITS).wrapping_sub(ONE)));
    let e = f64::from_bits(biased | TWO_52.to_bits()) - (TWO_52 + 1023.0);
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let mut sum = 1.0 / 19.0;
    for k in [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * q + 1.0 / k;
    }
    e + 2.0 * LOG2_E * (s * sum)
}

/// Two to the power of `x`, within 4e-16 of its size; `x` is held between -1000 and 1000.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    // x = n + f with |f| <= 1/2. Adding 1.5 * 2^52 rounds to whole numbers, which then stand in the low bits.
    const ROUND: f64 = 1.5 * TWO_52;
    let x = x.clamp(-1000.0, 1000.0);
    let shifted = x + ROUND;
    let f = (x - (shifted - ROUND)) * LN_2;
    let mut sum = 1.0 / 6_227_020_800.0;
    for factorial in [
        479_001_600.0,
        39_916_800.0,
        3_628_800.0,
        362_880.0,
        40_320.0,
        5_040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ] {
        sum = sum * f + 1.0 / factorial;
    }
    f64::from_bits((shifted.to_bits() << MANTISSA_BITS).wrapping_add(sum.to_bits()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_agree_with_the_exact_functions(x in -300.0f64..300.0, m in 1e-300f64..1e300) {
            prop_assert!((exp2(x) / pow(2.0, x) - 1.0).abs() < 1e-15);
            let exact = libm::log2(m);
            prop_assert!((log2(m) - exact).abs() <= 2e-15 * exact.abs().max(1.0), "{} {exact}", log2(m));
        }
    }

    #[test]
    fn whole_powers_are_exact() {
        for n in -1000..1000 {
            let power = libm::ldexp(1.0, n);
            assert_eq!(exp2(f64::from(n)), power);
            assert_eq!(log2(power), f64::from(n));
        }
        assert_eq!(log2(1.0), 0.0);
        assert_eq!(exp2(f64::NEG_INFINITY), exp2(-1000.0));
    }
}
