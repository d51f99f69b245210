//! Linear prediction: windows, autocorrelation, Levinson and Durbin's recursion, whole-number coefficients, the residual. All sums are of a fixed
//! order, and the residual is exact: the same bits on every machine. J. Makhoul, "Linear Prediction: A Tutorial Review", Proc. IEEE 63(4), 1975.

use std::f64::consts::PI;

use crate::{lanes, math};

/// The streamable subset allows 12 up to 48 kHz.
pub(super) const MAX_ORDER: usize = 12;
/// Lags that are computed together: four registers of four; three more than needed.
const LAGS: usize = 16;
/// RFC 9639, 9.2.6: five bits, signed, and no right shift below zero.
const MAX_SHIFT: i32 = 15;
/// 1.5 * 2^52: see `pack`.
const ROUND: f64 = 6_755_399_441_055_744.0;

pub(super) type Correlation = [f64; LAGS];

/// One minus the raised cosine at both ends, flat between: J. W. Tukey's window. `taper` is the part of the length that both ends have together.
pub(super) fn tukey(length: usize, taper: f64) -> Vec<f64> {
    let end = (taper / 2.0 * length as f64).max(1.0);
    let value = |n: usize| {
        let n = n.min(length - 1 - n) as f64 + 0.5;
        if n >= end { 1.0 } else { 0.5 - 0.5 * math::cos(PI * n / end) }
    };
    (0..length).map(value).collect()
}

/// The autocorrelation of `samples` under `window` (as long as they are). `scratch` is used again.
pub(super) fn correlate(samples: &[f64], window: &[f64], scratch: &mut Vec<f64>) -> Correlation {
    scratch.resize(samples.len() + LAGS, 0.0);
    scratch[samples.len()..].fill(0.0);
    lanes::wide_with(lagged, (samples, window, scratch))
}

#[inline(always)]
fn lagged((samples, window, scratch): (&[f64], &[f64], &mut [f64])) -> Correlation {
    for ((out, sample), weight) in scratch.iter_mut().zip(samples).zip(window) {
        *out = sample * weight;
    }
    let mut sums = [0.0; LAGS];
    for row in scratch.array_windows::<LAGS>() {
        for (sum, later) in sums.iter_mut().zip(row) {
            *sum += row[0] * later;
        }
    }
    sums
}

/// The predictors of every order, and the energy that each leaves.
pub(super) struct Predictors {
    pub(super) coefficients: [[f64; MAX_ORDER]; MAX_ORDER],
    pub(super) errors: [f64; MAX_ORDER],
    /// Orders that could be computed.
    pub(super) orders: usize,
}

/// Levinson and Durbin's recursion. `coefficients[p - 1][j]` weighs the sample `j + 1` before.
pub(super) fn predictors(r: &Correlation, max_order: usize) -> Predictors {
    let mut all =
        Predictors { coefficients: [[0.0; MAX_ORDER]; MAX_ORDER], errors: [0.0; MAX_ORDER], orders: 0 };
    let mut a = [0.0; MAX_ORDER];
    let mut error = r[0];
    for p in 0..max_order.min(MAX_ORDER) {
        if error <= 0.0 || !error.is_finite() {
            break;
        }
        let reach: f64 = (0..p).map(|j| a[j] * r[p - j]).sum();
        let reflection = (r[p + 1] - reach) / error;
        let before = a;
        for j in 0..p {
            a[j] = before[j] - reflection * before[p - 1 - j];
        }
        a[p] = reflection;
        error *= 1.0 - reflection * reflection;
        all.coefficients[p] = a;
        all.errors[p] = error;
        all.orders = p + 1;
    }
    all
}

/// Coefficients as the stream holds them: `values[j] / 2^shift`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Quantised {
    pub(super) values: [i32; MAX_ORDER],
    pub(super) order: usize,
    pub(super) precision: u32,
    pub(super) shift: u32,
}

/// Rounds coefficients to `precision` bits, each error carried into the next. `None` where they are all zero or too large.
pub(super) fn quantise(coefficients: &[f64], precision: u32) -> Option<Quantised> {
    let largest = coefficients.iter().fold(0.0, |most: f64, c| most.max(c.abs()));
    if !(largest > 1e-9 && largest < 16_384.0) {
        return None;
    }
    // The exponent e with largest < 2^e: then largest * 2^(precision - 1 - e) fits.
    let exponent = ((largest.to_bits() >> 52) as i32) - 1022;
    let shift = (precision as i32 - 1 - exponent).min(MAX_SHIFT);
    if shift < 0 {
        return None;
    }
    let scale = f64::from(1u32 << shift);
    let most = f64::from(1 << (precision - 1));
    let mut quantised =
        Quantised { values: [0; MAX_ORDER], order: coefficients.len(), precision, shift: shift as u32 };
    let mut carried = 0.0;
    for (value, coefficient) in quantised.values.iter_mut().zip(coefficients) {
        carried += coefficient * scale;
        let rounded = carried.round_ties_even().clamp(-most, most - 1.0);
        *value = rounded as i32;
        carried -= rounded;
    }
    Some(quantised)
}

/// What the prediction misses, for every sample behind the first `order`, from the samples as whole numbers and as floats. False where a number
/// does not fit in 32 bits.
///
/// Both ways are exact. Samples of up to 17 bits with short coefficients keep every sum under 2^31. Longer ones are computed in floats: a sample
/// has up to 25 bits, a coefficient 15, and twelve of them four more; all are multiples of 2^-16, so every sum fits in 53 bits.
pub(super) fn residual(
    samples: &[i32],
    real: &[f64],
    bits: u32,
    predictor: &Quantised,
    out: &mut Vec<i32>,
) -> bool {
    out.resize(real.len() - predictor.order, 0);
    let short = bits + predictor.precision <= SHORT_BITS;
    macro_rules! by_order {
        ($($order:literal => $n:literal),*) => {
            match predictor.order {
                $($order if short => lanes::wide_with(short_residual::<$n>, (samples, predictor, out)),)*
                $($order => lanes::wide_with(long_residual::<$n>, (real, predictor, out)),)*
                _ => false,
            }
        };
    }
    by_order!(1 => 2, 2 => 3, 3 => 4, 4 => 5, 5 => 6, 6 => 7, 7 => 8, 8 => 9, 9 => 10, 10 => 11, 11 => 12, 12 => 13)
}

/// 2^28 / 4 is the largest product, and twelve of them are under 2^31.
const SHORT_BITS: u32 = 29;

#[inline(always)]
fn short_residual<const N: usize>((samples, predictor, out): (&[i32], &Quantised, &mut [i32])) -> bool {
    let mut weights = [0; N];
    weights[..N - 1].iter_mut().rev().zip(&predictor.values).for_each(|(weight, value)| *weight = *value);
    for (row, out) in samples.array_windows::<N>().zip(out) {
        let mut sum = 0i32;
        for k in 0..N - 1 {
            sum = sum.wrapping_add(weights[k].wrapping_mul(row[k]));
        }
        *out = row[N - 1].wrapping_sub(sum >> predictor.shift);
    }
    true
}

/// `N` is the order and one: the samples that a number of the residual is made of.
#[inline(always)]
fn long_residual<const N: usize>((samples, predictor, out): (&[f64], &Quantised, &mut [i32])) -> bool {
    let scale = 1.0 / f64::from(1u32 << predictor.shift);
    let mut weights = [0.0; N];
    for (weight, value) in weights[..N - 1].iter_mut().rev().zip(&predictor.values) {
        *weight = f64::from(*value) * scale;
    }
    // Half a step of the sum's grid less than one half: then rounding to the nearest is rounding down, and there are no ties.
    let bias = scale / 2.0 - 0.5;
    let mut wrong = 0u64;
    for (row, out) in samples.array_windows::<N>().zip(out) {
        let mut sum = bias;
        for k in 0..N - 1 {
            sum += weights[k] * row[k];
        }
        let missed = row[N - 1] - ((sum + ROUND) - ROUND);
        *out = (missed + ROUND).to_bits() as i32;
        wrong |= u64::from(missed.abs() > 2_147_483_647.0);
    }
    wrong == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_residual_is_exact_with_numbers_of_16_17_and_25_bits() {
        let mut state = 1u64;
        let mut random = |bits: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state as i64 >> (64 - bits)) as i32
        };
        for (order, bits, precision) in
            (1..=MAX_ORDER).flat_map(|order| [(order, 25, 15), (order, 17, 12), (order, 16, 13)])
        {
            let most = (1 << (bits - 1)) - 1;
            let samples: Vec<i32> = (0..999).map(|n| if n < 40 { most } else { random(bits) }).collect();
            let mut values = [0; MAX_ORDER];
            values[..order].iter_mut().for_each(|value| *value = random(precision));
            if order == MAX_ORDER {
                values = [-(1 << (precision - 1)); MAX_ORDER];
            }
            let shift = precision - 2;
            let predictor = Quantised { values, order, precision, shift };
            let real: Vec<f64> = samples.iter().map(|s| f64::from(*s)).collect();
            for path in lanes::paths() {
                lanes::force(Some(path));
                let mut out = Vec::new();
                let fits = residual(&samples, &real, bits, &predictor, &mut out);
                let exact = |n: usize| {
                    let sum: i64 =
                        (0..order).map(|j| i64::from(values[j]) * i64::from(samples[n - 1 - j])).sum();
                    i64::from(samples[n]) - (sum >> shift)
                };
                let expected: Vec<i64> = (order..999).map(exact).collect();
                assert_eq!(fits, expected.iter().all(|r| i32::try_from(*r).is_ok() && *r != -2_147_483_648));
                assert!(
                    !fits || out.iter().map(|r| i64::from(*r)).eq(expected),
                    "order {order}, {bits} bits"
                );
            }
            lanes::force(None);
        }
    }

    #[test]
    fn a_process_of_order_two_is_found_again() {
        let mut samples = vec![0.0, 0.0];
        let mut state = 1u32;
        for n in 2..4096 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            samples.push(1.6 * samples[n - 1] - 0.8 * samples[n - 2] + f64::from(state as i32) / 2e9);
        }
        let r = correlate(&samples, &tukey(4096, 0.1), &mut Vec::new());
        let found = predictors(&r, 2).coefficients[1];
        assert!((found[0] - 1.6).abs() < 0.03 && (found[1] + 0.8).abs() < 0.03, "{found:?}");
    }
}
