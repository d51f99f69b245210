//! Where a file stands in the main, to a fraction of a frame, though it may be a small part of what sounds there: the cross-spectrum of the whole song,
//! each moment and frequency weighted by how quiet the main is (the maximum likelihood weighting of Knapp and Carter, 1976, for a noise that is the rest of
//! the main). Parts of the song are asked one by one, so that the answer knows how sure it is. Never here: search over more than some milliseconds.

use super::strand::{Lie, Strand};
use crate::{DspError, fft::Fft, math};

/// Every so many windows one is listened to.
const EVERY: u64 = 3;
const PARTS: usize = 8;
/// Power of a bin that is dither's at most.
const SILENCE: f64 = 1e-9;
/// Shifts up to this share of a window are looked for.
const REACH: usize = 8;
/// What the peak must stand out over the root mean square of all shifts: noise reaches 4.
const STANDS_OUT: f64 = 7.0;
/// The same for one part of the song, and how near to the whole song's answer it must come to agree, frames.
const PART_STANDS_OUT: f64 = 6.0;
const AGREES_WITHIN: f64 = 1.5;
/// Parts that are quieter than the loudest by this (power) are not asked.
const QUIET: f64 = 0.03;
/// An answer this near to a whole number of frames is that number; and an unsure one, within so many standard errors.
const WHOLE_WITHIN: f64 = 0.06;
const ERRORS: f64 = 4.0;

/// Cross-spectra of one guest, one for each part of the song.
struct Cross {
    re: Vec<Vec<f64>>,
    im: Vec<Vec<f64>>,
    /// Of the guest alone.
    energy: [f64; PARTS],
}

/// What the cross-spectra say of one guest.
#[derive(Clone, Copy, Debug)]
pub struct Sharp {
    pub lie: Lie,
    /// Height of the peak over the root mean square of all shifts; under [`STANDS_OUT`] the lie is as it was.
    pub stands_out: f64,
    /// Parts of the song that say the same, parts that say something else, and parts that say nothing though the guest sounds there.
    pub agreeing: usize,
    pub contrary: usize,
    pub mute: usize,
}

impl Sharp {
    pub fn found(&self) -> bool {
        self.stands_out > STANDS_OUT
    }

    /// At one place from beginning to end.
    pub fn all_through(&self) -> bool {
        self.found() && self.contrary == 0 && self.agreeing >= 2 && 3 * self.mute <= self.agreeing
    }
}

/// Puts right what the lies of the strands (the main's first) lack. `total` frames of the main.
pub fn sharpen(strands: &mut [Strand], total: u64, window: usize) -> Result<Vec<Sharp>, DspError> {
    let hop = window as u64 * EVERY / 2;
    let mut fft = Fft::new(window)
        .ok_or_else(|| DspError::Invalid(format!("{window} frames have no transform here")))?;
    let bins = window / 2;
    let taper: Vec<f64> = (0..window)
        .map(|n| 0.5 - 0.5 * math::cos(std::f64::consts::TAU * (n as f64 + 0.5) / window as f64))
        .collect();
    let mut crosses: Vec<Cross> = (1..strands.len())
        .map(|_| Cross {
            re: vec![vec![0.0; bins]; PARTS],
            im: vec![vec![0.0; bins]; PARTS],
            energy: [0.0; PARTS],
        })
        .collect();
    let mut main = (vec![0.0; window], vec![0.0; window]);
    let mut guest = (vec![0.0; window], vec![0.0; window]);
    let mut start = 0;
    for strand in strands.iter_mut() {
        strand.advance(window)?;
    }
    while start + window as u64 <= total {
        let part = (start * PARTS as u64 / total.max(1)) as usize;
        let (host, guests) = strands.split_first_mut().expect("the main is always there");
        spectrum(host, &taper, &mut fft, &mut main);
        for (strand, cross) in guests.iter().zip(&mut crosses) {
            spectrum(strand, &taper, &mut fft, &mut guest);
            cross.energy[part] += guest.0.iter().chain(&guest.1).map(|x| x * x).sum::<f64>();
            add(&main, &guest, (&mut cross.re[part], &mut cross.im[part]));
        }
        start += hop;
        for strand in strands.iter_mut() {
            let mut left = hop as usize;
            while left > 0 {
                let step = left.min(window / 2);
                strand.advance(step)?;
                left -= step;
            }
        }
    }
    Ok(strands[1..].iter().zip(&crosses).map(|(s, cross)| better(s.lie, cross, &mut fft)).collect())
}

fn spectrum(strand: &Strand, taper: &[f64], fft: &mut Fft, to: &mut (Vec<f64>, Vec<f64>)) {
    let side = |plane: &[f64], to: &mut [f64]| {
        to.iter_mut().zip(plane).zip(taper).for_each(|((to, s), w)| *to = s * w);
    };
    side(&strand.window[0], &mut to.0);
    match strand.window.get(1) {
        Some(right) => side(right, &mut to.1),
        None => to.1.fill(0.0),
    }
    fft.forward(&mut to.0, &mut to.1);
}

/// Both channels stand in one transform; the sum of a bin and its mirror, conjugate, is the sum of both channels' cross-spectra.
fn add(main: &(Vec<f64>, Vec<f64>), guest: &(Vec<f64>, Vec<f64>), to: (&mut [f64], &mut [f64])) {
    let len = main.0.len();
    for k in 1..to.0.len() {
        let m = len - k;
        let (a, b, c, d) = (main.0[k], main.1[k], main.0[m], main.1[m]);
        let (p, q, r, s) = (guest.0[k], guest.1[k], guest.0[m], guest.1[m]);
        // The louder of the two is the noise: the guest is a part of the main, or the main of it.
        let power = (a * a + b * b + c * c + d * d).max(p * p + q * q + r * r + s * s);
        if power > SILENCE {
            to.0[k] += (a * p + b * q + c * r + d * s) / power;
            to.1[k] += (b * p - a * q + c * s - d * r) / power;
        }
    }
}

fn better(lie: Lie, cross: &Cross, fft: &mut Fft) -> Sharp {
    let bins = cross.re[0].len();
    let total =
        |parts: &[Vec<f64>]| -> Vec<f64> { (0..bins).map(|k| parts.iter().map(|p| p[k]).sum()).collect() };
    let whole = (total(&cross.re), total(&cross.im));
    let (peak, stands_out) = highest((&whole.0, &whole.1), fft);
    if !(stands_out.abs() > STANDS_OUT) {
        return Sharp { lie, stands_out: 0.0, agreeing: 0, contrary: 0, mute: 0 };
    }
    let sign = if stands_out < 0.0 { -1.0 } else { 1.0 };
    let late = summit((&whole.0, &whole.1), peak, sign);
    // Each part's own answer, weighted by how much it has to say.
    let told: Vec<(f64, f64)> = (0..PARTS)
        .map(|p| {
            let own = (&cross.re[p][..], &cross.im[p][..]);
            (summit(own, late, sign), height(own, late, sign).max(0.0))
        })
        .collect();
    let weight: f64 = told.iter().map(|t| t.1).sum();
    let spread = told.iter().map(|t| t.1 * (t.0 - late) * (t.0 - late)).sum::<f64>() / weight.max(1e-30);
    let error = (spread / (PARTS - 1) as f64).sqrt();
    let loudest = cross.energy.iter().copied().fold(0.0, f64::max);
    let (mut agreeing, mut contrary, mut mute) = (0, 0, 0);
    for p in (0..PARTS).filter(|p| cross.energy[*p] > QUIET * loudest) {
        let (d, height) = highest((&cross.re[p], &cross.im[p]), fft);
        match height.abs() > PART_STANDS_OUT {
            true if (d - late).abs() < AGREES_WITHIN => agreeing += 1,
            true => contrary += 1,
            false => mute += 1,
        }
    }
    let near = late.round();
    let rest = if (late - near).abs() <= WHOLE_WITHIN.max(ERRORS * error) { 0.0 } else { late - near };
    let lie = Lie {
        late_frames: lie.late_frames + near as i64,
        rest_frames: rest,
        inverted: lie.inverted != (sign < 0.0),
    };
    Sharp { lie, stands_out: stands_out.abs(), agreeing, contrary, mute }
}

/// The whole shift at which the sum of C e^(-i w d) is greatest in size, and that height (signed) over the root mean square of all.
fn highest((re, im): (&[f64], &[f64]), fft: &mut Fft) -> (f64, f64) {
    let len = 2 * re.len();
    let (mut heights, mut other) = (vec![0.0; len], vec![0.0; len]);
    heights[..re.len()].copy_from_slice(re);
    other[..im.len()].copy_from_slice(im);
    fft.forward(&mut heights, &mut other);
    let reach = (len / REACH) as i64;
    let at = |d: i64| heights[d.rem_euclid(len as i64) as usize];
    let peak = (-reach..=reach).max_by(|x, y| at(*x).abs().total_cmp(&at(*y).abs())).unwrap_or(0);
    let rms = (heights.iter().map(|h| h * h).sum::<f64>() / len as f64).sqrt();
    (peak as f64, if rms > 0.0 { at(peak) / rms } else { 0.0 })
}

/// The real part of sum C e^(-i w d), by stepping the turn from bin to bin.
fn height((re, im): (&[f64], &[f64]), d: f64, sign: f64) -> f64 {
    let angle = std::f64::consts::PI * d / re.len() as f64;
    let (cos, sin) = (math::cos(angle), math::sin(angle));
    let (mut x, mut y, mut sum) = (1.0, 0.0, 0.0);
    for (re, im) in re.iter().zip(im) {
        sum += re * x + im * y;
        (x, y) = (x * cos - y * sin, x * sin + y * cos);
    }
    sign * sum
}

/// The highest place within a frame of `start`, by halving the step.
fn summit(cross: (&[f64], &[f64]), start: f64, sign: f64) -> f64 {
    let (mut at, mut step) = (start, 0.5);
    let mut here = height(cross, at, sign);
    for _ in 0..10 {
        let (before, after) = (height(cross, at - step, sign), height(cross, at + step, sign));
        if before > here && before >= after {
            (at, here) = (at - step, before);
        } else if after > here {
            (at, here) = (at + step, after);
        } else {
            step *= 0.5;
        }
    }
    at
}
