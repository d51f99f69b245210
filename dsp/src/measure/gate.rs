//! The gates: from the levels of many windows to one loudness (ITU-R BS.1770-5 Annex 1) or to a range (EBU Tech 3342:2023). Never here: samples, time.

use crate::math;

const ABSOLUTE_GATE_LUFS: f64 = -70.0;
const INTEGRATED_GATE_LU: f64 = -10.0;
const RANGE_GATE_LU: f64 = -20.0;
const RANGE_FROM: f64 = 0.10;
const RANGE_TO: f64 = 0.95;

/// Loudness of a K-weighted mean square, channels summed with their weights: BS.1770-5 Annex 1 equation 2. Minus infinity for silence.
pub fn lufs(mean_square: f64) -> f64 {
    -0.691 + math::decibels_of_power(mean_square)
}

fn mean_square(lufs: f64) -> f64 {
    math::pow(10.0, (lufs + 0.691) / 10.0)
}

/// The mean of the values above `gate`; `None` where there are none.
fn mean_above(values: &[f64], gate: f64) -> Option<f64> {
    let (sum, count) =
        values.iter().filter(|v| **v > gate).fold((0.0, 0u64), |(sum, count), v| (sum + v, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Integrated loudness in LUFS from the mean squares of gating blocks (400 ms each, one every 100 ms); `None` where none is above -70 LUFS.
pub fn integrated_lufs(blocks: &[f64]) -> Option<f64> {
    let absolute = mean_square(ABSOLUTE_GATE_LUFS);
    let relative = mean_square(lufs(mean_above(blocks, absolute)?) + INTEGRATED_GATE_LU);
    mean_above(blocks, absolute.max(relative)).map(lufs)
}

/// Loudness range in LU from the mean squares of short-term windows (3 s each, at least ten a second): from the 10th to the 95th percentile of
/// what the two gates leave, 0 where they leave nothing.
pub fn range_lu(short_term: &[f64]) -> f64 {
    let absolute = mean_square(ABSOLUTE_GATE_LUFS);
    let Some(ungated) = mean_above(short_term, absolute) else { return 0.0 };
    let gate = absolute.max(mean_square(lufs(ungated) + RANGE_GATE_LU));
    let mut left: Vec<f64> = short_term.iter().copied().filter(|v| *v > gate).collect();
    left.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| left.get((left.len().saturating_sub(1) as f64 * share).round() as usize);
    match (at(RANGE_FROM), at(RANGE_TO)) {
        (Some(from), Some(to)) => lufs(*to) - lufs(*from),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_absolute_gate_cuts_has_no_loudness() {
        let at = |level: f64| mean_square(level);
        assert_eq!(integrated_lufs(&[]), None);
        assert_eq!(integrated_lufs(&[0.0, at(-70.5)]), None);
        assert!((integrated_lufs(&[at(-69.5)]).unwrap() + 69.5).abs() < 1e-9);
        assert_eq!(range_lu(&[0.0; 50]), 0.0);
    }

    #[test]
    fn what_is_10_lu_under_the_rest_does_not_count() {
        let mut blocks = vec![mean_square(-20.0); 100];
        blocks.extend(vec![mean_square(-45.0); 100]);
        assert!((integrated_lufs(&blocks).unwrap() + 20.0).abs() < 1e-9);
    }
}
