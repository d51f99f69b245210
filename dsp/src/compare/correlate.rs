//! How well one stretch of sound lies on another, at every shift: cross-correlation with its spectrum flattened (the phase transform of Knapp and Carter,
//! "The generalized correlation method for estimation of time delay", 1976), so that level, equalisation and a limiter matter little and one moment
//! stands out. Never here: files, decisions.

use std::f64::consts::{PI, TAU};

use crate::{fft::Fft, math};

/// What two short sounds must be alike to be one recording.
const ALIKE: f64 = 0.9;

/// A stretch of A against stretches of B that are twice as long.
pub(super) struct Correlator {
    fft: Fft,
    window: Vec<f64>,
    /// Half the transform: what is looked for has this many frames.
    len: usize,
    /// The stretch that is looked for, as a spectrum.
    wanted: (Vec<f64>, Vec<f64>),
    re: Vec<f64>,
    im: Vec<f64>,
}

/// A place where the stretch lies well.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    /// Frames from the start of the searched stretch.
    pub shift: f64,
    /// Height over the root mean square of all shifts: noise alone reaches 5 or 6.
    pub z: f64,
}

impl Correlator {
    /// `len` frames are looked for, in `2 * len`, both made good for the transform.
    pub(super) fn new(len: usize) -> Self {
        let size = Fft::good_len(2 * len.max(8));
        let size = if size.is_multiple_of(2) { size } else { Fft::good_len(size.next_power_of_two()) };
        let len = size / 2;
        Correlator {
            fft: Fft::new(size).expect("a good length is always taken"),
            window: (0..len).map(|n| 0.5 - 0.5 * math::cos(TAU * (n as f64 + 0.5) / len as f64)).collect(),
            len,
            wanted: (vec![0.0; size], vec![0.0; size]),
            re: vec![0.0; size],
            im: vec![0.0; size],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What is looked for from now on: `at..at + len` of `sound`, silence where it has none.
    pub(super) fn want(&mut self, sound: &[f32], at: i64) {
        let (re, im) = &mut self.wanted;
        re.fill(0.0);
        im.fill(0.0);
        copy(sound, at, &mut re[..self.len]);
        re.iter_mut().zip(&self.window).for_each(|(s, w)| *s *= w);
        self.fft.forward(re, im);
        flatten(re, im);
    }

    /// The best places of it in the stretches of `2 * len` that begin at the two given frames of `sound`; shifts from 0 to `len`.
    pub(super) fn search(&mut self, sound: &[f32], at: [i64; 2], most: usize) -> [Vec<Peak>; 2] {
        let size = self.re.len();
        copy(sound, at[0], &mut self.re);
        copy(sound, at[1], &mut self.im);
        self.fft.forward(&mut self.re, &mut self.im);
        // Two real stretches in one transform: their spectra are the even and the odd part of it, and their correlations come back the same way.
        for k in 0..=size / 2 {
            let mirror = (size - k) % size;
            let (a, b, c, d) = (self.re[k], self.im[k], self.re[mirror], self.im[mirror]);
            let first = flat(0.5 * (a + c), 0.5 * (b - d));
            let second = flat(0.5 * (b + d), 0.5 * (c - a));
            let wanted = (self.wanted.0[k], self.wanted.1[k]);
            let (x, y) = (turned(wanted, first), turned(wanted, second));
            // X + iY at k, and its mirror image, where both are conjugate.
            (self.re[k], self.im[k]) = (x.0 - y.1, x.1 + y.0);
            (self.re[mirror], self.im[mirror]) = (x.0 + y.1, y.0 - x.1);
        }
        self.fft.inverse(&mut self.re, &mut self.im);
        [peaks(&self.re[..=self.len], most), peaks(&self.im[..=self.len], most)]
    }
}

fn copy(sound: &[f32], at: i64, to: &mut [f64]) {
    for (index, to) in to.iter_mut().enumerate() {
        let from = at + index as i64;
        *to = if from < 0 { 0.0 } else { sound.get(from as usize).map_or(0.0, |s| f64::from(*s)) };
    }
}

/// A value whose size is the fourth root of what it was: flat enough for one moment to stand out, not so flat that bins without sound count fully.
#[inline(always)]
fn flat(re: f64, im: f64) -> (f64, f64) {
    let power = re * re + im * im;
    if power < 1e-30 {
        return (0.0, 0.0);
    }
    let size = power.sqrt();
    let scale = size.sqrt().sqrt() / size;
    (re * scale, im * scale)
}

fn flatten(re: &mut [f64], im: &mut [f64]) {
    re.iter_mut().zip(im).for_each(|(re, im)| (*re, *im) = flat(*re, *im));
}

/// conj(a) * b
#[inline(always)]
fn turned(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 * b.0 + a.1 * b.1, a.0 * b.1 - a.1 * b.0)
}

fn peaks(correlation: &[f64], most: usize) -> Vec<Peak> {
    let mean_square = correlation.iter().map(|c| c * c).sum::<f64>() / correlation.len() as f64;
    let rms = mean_square.sqrt();
    if !(rms > 0.0) {
        return Vec::new();
    }
    let mut found: Vec<Peak> = Vec::new();
    let mut order: Vec<usize> =
        (0..correlation.len()).filter(|i| correlation[*i].abs() > 4.0 * rms).collect();
    order.sort_by(|x, y| correlation[*y].abs().total_cmp(&correlation[*x].abs()));
    for at in order {
        if found.len() == most {
            break;
        }
        if found.iter().any(|p| (p.shift - at as f64).abs() < 8.0) {
            continue;
        }
        let height = correlation[at].abs();
        found.push(Peak { shift: at as f64 + summit(correlation, at), z: height / rms });
    }
    found
}

/// Where between its neighbours a peak has its summit: a parabola through three points.
fn summit(curve: &[f64], at: usize) -> f64 {
    if at == 0 || at + 1 >= curve.len() {
        return 0.0;
    }
    let (before, here, after) = (curve[at - 1], curve[at], curve[at + 1]);
    let bend = before - 2.0 * here + after;
    if bend == 0.0 { 0.0 } else { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) }
}

/// The delay of one stretch against another of the same length, to a small fraction of a frame.
pub(super) struct Pointer {
    fft: Fft,
    window: Vec<f64>,
    re: Vec<f64>,
    im: Vec<f64>,
    cross: Vec<(f64, f64)>,
}

/// What [`Pointer::delay`] found.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    /// B lies this many frames later than A.
    pub frames: f64,
    /// Share of the flattened spectrum that agrees with this delay, 0 to 1; and with the nearest whole number of frames.
    pub agrees: f64,
    pub agrees_whole: f64,
    pub inverted: bool,
    /// Level of B against A, linear, by least squares at this delay; 0 where A is silent.
    pub gain: f64,
    /// Where in the stretch its sound is, on average: the moment that the delay holds for.
    pub centre: f64,
    /// Agreement at every whole delay from minus to plus the reach, signed.
    pub curve: Vec<f32>,
}

impl Pointer {
    pub(super) fn new(len: usize) -> Self {
        let len = Fft::good_len(len.max(16));
        Pointer {
            fft: Fft::new(len).expect("a good length is always taken"),
            window: (0..len).map(|n| 0.5 - 0.5 * math::cos(TAU * (n as f64 + 0.5) / len as f64)).collect(),
            re: vec![0.0; len],
            im: vec![0.0; len],
            cross: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.window.len()
    }

    /// `None` where one of them is silent. Delays up to `reach` frames either way are looked for.
    pub(super) fn delay(&mut self, a: &[f64], b: &[f64], reach: usize) -> Option<Delay> {
        let len = self.len();
        let centre = self.centre(a);
        for i in 0..len {
            self.re[i] = a.get(i).copied().unwrap_or(0.0) * self.window[i];
            self.im[i] = b.get(i).copied().unwrap_or(0.0) * self.window[i];
        }
        self.fft.forward(&mut self.re, &mut self.im);
        self.cross.clear();
        let (mut plain, mut own) = (Vec::with_capacity(len / 2 + 1), 0.0);
        for k in 0..=len / 2 {
            let m = (len - k) % len;
            let (p, q, r, s) = (self.re[k], self.im[k], self.re[m], self.im[m]);
            let first = (0.5 * (p + r), 0.5 * (q - s));
            let second = (0.5 * (q + s), 0.5 * (r - p));
            self.cross.push(turned(flat(first.0, first.1), flat(second.0, second.1)));
            plain.push(turned(first, second));
            own += first.0 * first.0 + first.1 * first.1;
        }
        let highest: f64 = self.cross.iter().map(|c| (c.0 * c.0 + c.1 * c.1).sqrt()).sum();
        if !(highest > 0.0 && own > 0.0) {
            return None;
        }
        for k in 0..len {
            let (re, im) = if k <= len / 2 {
                self.cross[k]
            } else {
                let mirror = self.cross[len - k];
                (mirror.0, -mirror.1)
            };
            (self.re[k], self.im[k]) = (re, im);
        }
        self.fft.inverse(&mut self.re, &mut self.im);
        let reach = reach.min(len / 2 - 1) as i64;
        let height = |lag: &i64| self.re[lag.rem_euclid(len as i64) as usize].abs();
        let best = (-reach..=reach).max_by(|x, y| height(x).total_cmp(&height(y)))?;
        let lag = |lag: i64| self.re[lag.rem_euclid(len as i64) as usize];
        // The transform sums both halves of the spectrum, the height only one.
        let curve = (-reach..=reach).map(|l| (0.5 * lag(l) / highest) as f32).collect();
        let inverted = self.re[best.rem_euclid(len as i64) as usize] < 0.0;
        let sign = if inverted { -1.0 } else { 1.0 };
        let frames = self.climb(best as f64, sign);
        let agreement = |frames: f64| sign * at_delay(&self.cross, frames, len) / highest;
        Some(Delay {
            frames,
            agrees: agreement(frames),
            agrees_whole: agreement(frames.round()),
            inverted,
            gain: sign * at_delay(&plain, frames, len) / own,
            centre,
            curve,
        })
    }

    /// The middle of the stretch's sound, highs first: they decide a delay.
    fn centre(&self, a: &[f64]) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for i in 1..a.len().min(self.window.len()) {
            let step = (a[i] - a[i - 1]) * self.window[i];
            // The flattened spectrum counts soft moments nearly as much as loud ones.
            let energy = step.abs();
            sum += energy * i as f64;
            weight += energy;
        }
        if weight > 0.0 { sum / weight } else { 0.5 * self.window.len() as f64 }
    }

    /// From a whole delay to the summit nearby, by halving the step.
    fn climb(&self, start: f64, sign: f64) -> f64 {
        let len = self.len();
        let (mut at, mut step) = (start, 0.5);
        let mut here = sign * at_delay(&self.cross, at, len);
        // Three heights make a parabola, and its summit is the next place; a few rounds leave nothing to gain.
        for _ in 0..6 {
            let before = sign * at_delay(&self.cross, at - step, len);
            let after = sign * at_delay(&self.cross, at + step, len);
            let bend = before - 2.0 * here + after;
            let moved =
                if bend < 0.0 { (0.5 * step * (before - after) / bend).clamp(-step, step) } else { 0.0 };
            let there = sign * at_delay(&self.cross, at + moved, len);
            if there > here {
                (at, here) = (at + moved, there);
            }
            step *= 0.25;
        }
        at
    }
}

/// The correlation at a delay that need not be whole.
fn at_delay(cross: &[(f64, f64)], frames: f64, len: usize) -> f64 {
    // B later by d frames turns bin k by -2 pi k d / len. The turn is stepped on, and set right again every few bins.
    const RESET: usize = 64;
    let angle = TAU * frames / len as f64;
    let step = (math::cos(angle), math::sin(angle));
    let mut sum = 0.0;
    for (chunk, bins) in cross.chunks(RESET).enumerate() {
        let start = (angle * (chunk * RESET) as f64).rem_euclid(2.0 * PI);
        let mut turn = (math::cos(start), math::sin(start));
        for (re, im) in bins {
            sum += re * turn.0 - im * turn.1;
            turn = (turn.0 * step.0 - turn.1 * step.1, turn.0 * step.1 + turn.1 * step.0);
        }
    }
    sum
}

/// The shift at which two short sounds are most alike, and how much, -1 to 1, where at least half of the shorter overlaps. `None` under [`ALIKE`].
pub(super) fn likeness(a: &[f32], b: &[f32]) -> Option<(i64, f64)> {
    let len = Fft::good_len(a.len() + b.len());
    let mut fft = Fft::new(len).expect("a good length is always taken");
    let (mut re, mut im) = (vec![0.0; len], vec![0.0; len]);
    copy(a, 0, &mut re[..a.len()]);
    copy(b, 0, &mut im[..b.len()]);
    fft.forward(&mut re, &mut im);
    for k in 0..=len / 2 {
        let m = (len - k) % len;
        let (p, q, r, s) = (re[k], im[k], re[m], im[m]);
        let x = turned((0.5 * (p + r), 0.5 * (q - s)), (0.5 * (q + s), 0.5 * (r - p)));
        (re[k], im[k]) = x;
        (re[m], im[m]) = (x.0, -x.1);
    }
    fft.inverse(&mut re, &mut im);
    let sums = |sound: &[f32]| -> Vec<f64> {
        let mut sum = 0.0;
        std::iter::once(0.0)
            .chain(sound.iter().map(|s| {
                sum += f64::from(*s) * f64::from(*s);
                sum
            }))
            .collect()
    };
    let (of_a, of_b) = (sums(a), sums(b));
    let (n, m) = (a.len() as i64, b.len() as i64);
    let least = n.min(m) - n.min(m) / 2;
    let alike = |shift: i64| {
        let (from, until) = ((-shift).max(0), n.min(m - shift));
        if until - from < least {
            return 0.0;
        }
        let energy = |sums: &[f64], from: i64, until: i64| sums[until as usize] - sums[from as usize];
        let both = energy(&of_a, from, until) * energy(&of_b, from + shift, until + shift);
        let whole = of_a[a.len()] * of_b[b.len()];
        let at = shift.rem_euclid(len as i64) as usize;
        if both > 1e-6 * whole { re[at] / len as f64 / both.sqrt() } else { 0.0 }
    };
    // Of shifts that are as good, the one that moves least.
    let better = |x: &(i64, f64), y: &(i64, f64)| {
        let close = (x.1.abs() - y.1.abs()).abs() < 1e-9;
        if close { y.0.abs().cmp(&x.0.abs()) } else { x.1.abs().total_cmp(&y.1.abs()) }
    };
    let best = (1 - n..m).map(|shift| (shift, alike(shift))).max_by(better)?;
    (best.1.abs() >= ALIKE).then_some(best)
}
