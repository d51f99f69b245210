//! The one filter of every conversion, in frames of the lower rate: flat to 0.914 of half that rate, -180 dB from half the rate on. Linear phase is
//! a Kaiser window over the ideal low-pass; minimum phase has the same magnitude, by the cepstrum. Never here: samples.

use std::{
    f64::consts::{PI, TAU},
    sync::OnceLock,
};

use super::Phase;
use crate::{fft::Fft, math};

/// Half the length of the linear filter: 147 frames of 44.1 kHz are 3.3 ms and one whole step of 96 -> 44.1 kHz.
const HALF_FRAMES: usize = 147;
/// Sidelobes of the window. With this length they meet -180 dB at the edge with a transition of 0.043 cycles per frame.
const ATTENUATION_DB: f64 = 184.0;
/// Middle of the transition, -6 dB, in cycles per frame.
const CUTOFF: f64 = 0.478_4;
/// The minimum-phase filter is found and kept at this many values per frame: its stop-band counts, so that must be there.
const STEPS: usize = 2;
/// Length of the transforms that find it: its cepstrum has then died away, by 1e-11.
const CEPSTRUM: usize = 1 << 18;
/// Added in power before the logarithm is taken: -200 dB. The stop-band has zeros.
const FLOOR: f64 = 1e-20;
/// Frames kept of the minimum-phase filter: past 270 of them it is under -180 dB.
const MINIMUM_POST: usize = 286;
/// Between its own values the causal filter swings at the level of the stop-band before its onset too.
const MINIMUM_PRE: usize = 8;
/// Frames of the cyclic picture in which the minimum-phase filter is refined.
const PICTURE: usize = 320;

/// How far the filter reaches, in frames of the lower rate: an output frame depends on the input from `post` before to `pre` after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub pre: usize,
    pub post: usize,
}

pub(super) fn reach(phase: Phase) -> Reach {
    match phase {
        Phase::Linear => Reach { pre: HALF_FRAMES, post: HALF_FRAMES },
        Phase::Minimum => Reach { pre: MINIMUM_PRE, post: MINIMUM_POST },
    }
}

/// The filter's response at k / `frames` cycles per frame of the lower rate, k in 0..`frames` / 2: real and imaginary parts, 1 at k = 0. `None`
/// where there is no transform of twice that length.
pub(super) fn response(phase: Phase, frames: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let len = frames * STEPS;
    let mut fft = Fft::new(len)?;
    let (mut re, mut im) = (vec![0.0; len], vec![0.0; len]);
    for (n, value) in filter(phase)? {
        // Folded around the circle: the linear filter reaches to both sides of zero.
        re[n.rem_euclid(len as i64) as usize] += value;
    }
    fft.forward(&mut re, &mut im);
    if phase == Phase::Linear {
        // Even around zero, so real: what stands here is rounding.
        im.fill(0.0);
    }
    let gain = re[0];
    re.truncate(frames / 2);
    im.truncate(frames / 2);
    re.iter_mut().chain(&mut im).for_each(|v| *v /= gain);
    Some((re, im))
}

/// The filter as a function of time: values at `density` per frame of the lower rate, from -`pre` to +`post` frames of [`reach`], both ends
/// included, of unit area.
pub(super) fn kernel(phase: Phase, density: usize) -> Option<Vec<f64>> {
    let Reach { pre, post } = reach(phase);
    let mut values = match phase {
        Phase::Linear => {
            let middle = HALF_FRAMES * density;
            let later: Vec<f64> = (0..=middle).map(|i| windowed(i as f64 / density as f64)).collect();
            (0..=2 * middle).map(|i| later[i.abs_diff(middle)]).collect::<Vec<f64>>()
        }
        Phase::Minimum => {
            let fine = refine(filter(phase)?, density)?;
            let turn = fine.len() - pre * density;
            (0..=(pre + post) * density).map(|i| fine[(i + turn) % fine.len()]).collect()
        }
    };
    let area = values.iter().sum::<f64>() / density as f64;
    values.iter_mut().for_each(|v| *v /= area);
    Some(values)
}

/// The filter at [`STEPS`] values per frame, each with its place.
fn filter(phase: Phase) -> Option<Vec<(i64, f64)>> {
    let reach = (HALF_FRAMES * STEPS) as i64;
    let linear: Vec<(i64, f64)> = (-reach..=reach).map(|n| (n, windowed(n as f64 / STEPS as f64))).collect();
    if phase == Phase::Linear {
        return Some(linear);
    }
    // It is the same for all ratios, and the only costly thing here: found once.
    static MINIMUM: OnceLock<Option<Vec<(i64, f64)>>> = OnceLock::new();
    MINIMUM.get_or_init(|| minimum(&linear)).clone()
}

/// The filter of least delay with the magnitude of `linear`: the cepstrum of the magnitude, its negative times folded onto the positive ones
/// (Oppenheim and Schafer, Discrete-Time Signal Processing, section 13.5).
fn minimum(linear: &[(i64, f64)]) -> Option<Vec<(i64, f64)>> {
    let mut fft = Fft::new(CEPSTRUM)?;
    let (mut re, mut im) = (vec![0.0; CEPSTRUM], vec![0.0; CEPSTRUM]);
    let gain: f64 = linear.iter().map(|(_, v)| v).sum();
    for (n, value) in linear {
        re[n.rem_euclid(CEPSTRUM as i64) as usize] = value / gain;
    }
    fft.forward(&mut re, &mut im);
    let scale = 1.0 / CEPSTRUM as f64;
    for (re, im) in re.iter_mut().zip(&mut im) {
        *re = 0.5 * math::log(*re * *re + *im * *im + FLOOR) * scale;
        *im = 0.0;
    }
    fft.inverse(&mut re, &mut im);
    im.fill(0.0);
    re[1..CEPSTRUM / 2].iter_mut().for_each(|c| *c *= 2.0);
    re[CEPSTRUM / 2 + 1..].fill(0.0);
    fft.forward(&mut re, &mut im);
    for (re, im) in re.iter_mut().zip(&mut im) {
        let size = math::exp(*re) * scale;
        (*re, *im) = (size * math::cos(*im), size * math::sin(*im));
    }
    fft.inverse(&mut re, &mut im);
    Some((0i64..).zip(re.into_iter().take(MINIMUM_POST * STEPS)).collect())
}

/// A filter at [`STEPS`] values per frame at `density` per frame, over a circle of [`PICTURE`] frames: its spectrum with silence put above it.
fn refine(filter: Vec<(i64, f64)>, density: usize) -> Option<Vec<f64>> {
    let coarse = PICTURE * STEPS;
    let (mut re, mut im) = (vec![0.0; coarse], vec![0.0; coarse]);
    filter.into_iter().for_each(|(n, value)| re[n.rem_euclid(coarse as i64) as usize] = value);
    Fft::new(coarse)?.forward(&mut re, &mut im);
    let fine = PICTURE * density;
    let (mut wide_re, mut wide_im) = (vec![0.0; fine], vec![0.0; fine]);
    for k in 0..coarse / 2 {
        (wide_re[k], wide_im[k]) = (re[k], im[k]);
        if k > 0 {
            (wide_re[fine - k], wide_im[fine - k]) = (re[coarse - k], im[coarse - k]);
        }
    }
    Fft::new(fine)?.inverse(&mut wide_re, &mut wide_im);
    Some(wide_re)
}

/// The linear filter `t` frames from its middle, up to a factor: the ideal low-pass under a Kaiser window.
fn windowed(t: f64) -> f64 {
    let x = t / HALF_FRAMES as f64;
    if x.abs() > 1.0 {
        return 0.0;
    }
    let ideal = if t == 0.0 { 2.0 * CUTOFF } else { math::sin(TAU * CUTOFF * t) / (PI * t) };
    // Kaiser's estimate of the window's parameter from the attenuation (IEEE ICASSP 1974).
    let beta = 0.110_2 * (ATTENUATION_DB - 8.7);
    ideal * bessel_i0(beta * (1.0 - x * x).sqrt())
}

/// The modified Bessel function of order zero, by its power series: for the arguments of windows it converges in some forty terms.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-18 {
        term *= quarter / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn db(re: f64, im: f64) -> f64 {
        10.0 * (re * re + im * im).log10()
    }

    /// Magnitude of the kernel at `cycles` per frame, by the definition.
    fn at(kernel: &[f64], density: usize, cycles: f64) -> f64 {
        let turn = |i: usize| TAU * cycles * i as f64 / density as f64;
        let (re, im) = kernel.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, v)| {
            (re + v * turn(i).cos() / density as f64, im + v * turn(i).sin() / density as f64)
        });
        db(re, im)
    }

    #[test]
    fn it_is_flat_then_silent_in_both_phases() {
        for phase in [Phase::Linear, Phase::Minimum] {
            // At two values per frame the kernel is the filter itself.
            let kernel = kernel(phase, 8).unwrap();
            for i in 0..=200 {
                let flat = at(&kernel, 8, 0.457 * f64::from(i) / 200.0);
                assert!(flat.abs() < 1e-6, "{phase:?}: {flat} dB");
            }
            for i in 0..400 {
                let stop = at(&kernel, 8, 0.5 + 0.5 * f64::from(i) / 400.0);
                assert!(stop < -179.5, "{phase:?}: {stop} dB at {i}");
            }
        }
    }

    #[test]
    fn both_phases_have_the_same_magnitude_and_unit_gain() {
        let frames = 2352;
        let (linear, none) = response(Phase::Linear, frames).unwrap();
        let (re, im) = response(Phase::Minimum, frames).unwrap();
        assert!(none.iter().all(|v| *v == 0.0) && linear[0] == 1.0 && re[0] == 1.0);
        for k in 0..frames / 2 {
            assert!((re[k].hypot(im[k]) - linear[k].abs()).abs() < 1e-9, "{k}");
        }
    }

    #[test]
    fn the_minimum_phase_filter_starts_at_once() {
        let kernel = kernel(Phase::Minimum, 8).unwrap();
        let peak = kernel.iter().map(|v| v.abs()).fold(0.0, f64::max);
        let first = kernel.iter().position(|v| v.abs() > 1e-3 * peak).unwrap();
        let highest = kernel.iter().position(|v| v.abs() == peak).unwrap();
        let onset = first as f64 / 8.0 - MINIMUM_PRE as f64;
        assert!((-1.0..1.0).contains(&onset), "{onset}");
        // 0.11 ms at 44.1 kHz.
        assert!((highest - first) as f64 / 8.0 < 5.0);
    }
}
