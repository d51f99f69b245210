//! What is wrong with a sound that should be a tone, a click or noise: fits of tones, spectra, envelopes. Plain f64, independent of the library that is
//! judged. Never here: files, peers.

use std::f64::consts::PI;

/// A tone fitted by least squares under a Kaiser window, and what it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub amplitude: f64,
    /// Root mean square of what is not the tone.
    pub rest: f64,
    /// Root mean square of all.
    pub total: f64,
}

impl Fit {
    /// Of the rest to the tone, in decibels.
    pub fn thd_n_db(&self) -> f64 {
        decibels(self.rest * 2f64.sqrt() / self.amplitude)
    }
}

/// Never below -300: zero is a number too in a table.
pub fn decibels(linear: f64) -> f64 {
    20.0 * linear.max(1e-15).log10()
}

/// `samples` at `rate` Hz; the window's side lobes are under -200 dB with a `beta` of 24.
pub fn fit_tone(samples: &[f64], rate: f64, hz: f64, beta: f64) -> Fit {
    let n = samples.len();
    let turn = 2.0 * PI * hz / rate;
    let (mut ss, mut cc, mut sc, mut ys, mut yc, mut all, mut weight) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    let window = kaiser(n, beta);
    for (i, (y, w)) in samples.iter().zip(&window).enumerate() {
        let (s, c) = (turn * i as f64).sin_cos();
        let w2 = w * w;
        ss += w2 * s * s;
        cc += w2 * c * c;
        sc += w2 * s * c;
        ys += w2 * y * s;
        yc += w2 * y * c;
        all += w2 * y * y;
        weight += w2;
    }
    let det = ss * cc - sc * sc;
    let (a, b) =
        if det.abs() > 1e-12 { ((ys * cc - yc * sc) / det, (yc * ss - ys * sc) / det) } else { (0.0, 0.0) };
    let rest: f64 = (samples.iter().zip(&window).enumerate())
        .map(|(i, (y, w))| {
            let (s, c) = (turn * i as f64).sin_cos();
            (w * (y - a * s - b * c)).powi(2)
        })
        .sum();
    Fit { amplitude: a.hypot(b), rest: (rest / weight).sqrt(), total: (all / weight).sqrt() }
}

/// A Kaiser window of `n` points.
fn kaiser(n: usize, beta: f64) -> Vec<f64> {
    let bottom = bessel(beta);
    let half = (n.max(2) - 1) as f64 / 2.0;
    (0..n)
        .map(|i| {
            let x = (i as f64 - half) / half;
            bessel(beta * (1.0 - x * x).max(0.0).sqrt()) / bottom
        })
        .collect()
}

fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= (x / (2.0 * k)) * (x / (2.0 * k));
        sum += term;
        k += 1.0;
    }
    sum
}

/// The size of one tone, averaged over all of `samples` under a Hann window; noise falls as they grow.
pub fn line(samples: &[f64], rate: f64, hz: f64) -> f64 {
    let n = samples.len() as f64;
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (i, y) in samples.iter().enumerate() {
        let w = 0.5 - 0.5 * (2.0 * PI * i as f64 / n).cos();
        let (s, c) = (2.0 * PI * hz / rate * i as f64).sin_cos();
        re += w * y * c;
        im += w * y * s;
        sum += w;
    }
    2.0 * re.hypot(im) / sum
}

const SPECTRUM: usize = 1 << 15;

/// Power between two frequencies (mean square), by averaged spectra under a Hann window.
pub fn band_power(samples: &[f64], rate: f64, from_hz: f64, to_hz: f64) -> f64 {
    let window: Vec<f64> =
        (0..SPECTRUM).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / SPECTRUM as f64).cos()).collect();
    let scale: f64 = window.iter().map(|w| w * w).sum::<f64>() * SPECTRUM as f64;
    let bin = |hz: f64| (hz / rate * SPECTRUM as f64).round() as usize;
    let mut count = 0u32;
    let mut sum = 0.0;
    for part in samples.windows(SPECTRUM).step_by(SPECTRUM / 2) {
        let mut re: Vec<f64> = part.iter().zip(&window).map(|(y, w)| y * w).collect();
        let mut im = vec![0.0; SPECTRUM];
        fourier(&mut re, &mut im);
        sum += (bin(from_hz)..bin(to_hz)).map(|k| 2.0 * (re[k] * re[k] + im[k] * im[k])).sum::<f64>();
        count += 1;
    }
    sum / scale / f64::from(count.max(1))
}

/// In place; the length is a power of two.
fn fourier(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    let mut j = 0;
    for i in 1..n {
        let mut bit = n >> 1;
        while j & bit != 0 {
            j ^= bit;
            bit >>= 1;
        }
        j |= bit;
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut size = 2;
    while size <= n {
        let turns: Vec<(f64, f64)> =
            (0..size / 2).map(|k| (-2.0 * PI * k as f64 / size as f64).sin_cos()).collect();
        for start in (0..n).step_by(size) {
            for (k, (s, c)) in turns.iter().enumerate() {
                let (a, b) = (start + k, start + k + size / 2);
                let (tr, ti) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c);
                (re[b], im[b]) = (re[a] - tr, im[a] - ti);
                re[a] += tr;
                im[a] += ti;
            }
        }
        size *= 2;
    }
}

/// How far the level of the tone at `hz` falls, in decibels (0 or less): its envelope over 20 ms, least to greatest.
pub fn dip_db(samples: &[f64], rate: f64, hz: f64) -> f64 {
    let width = (0.02 * rate) as usize;
    let window: Vec<f64> =
        (0..width).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / width as f64).cos()).collect();
    let turned: Vec<(f64, f64)> = samples
        .iter()
        .enumerate()
        .map(|(i, y)| {
            let (s, c) = (2.0 * PI * hz / rate * i as f64).sin_cos();
            (y * c, y * s)
        })
        .collect();
    let (mut least, mut greatest) = (f64::INFINITY, 0.0f64);
    for part in turned.windows(width).step_by(22) {
        let (re, im) =
            part.iter().zip(&window).fold((0.0, 0.0), |(re, im), ((a, b), w)| (re + w * a, im + w * b));
        let size = f64::hypot(re, im);
        (least, greatest) = (least.min(size), greatest.max(size));
    }
    decibels(least / greatest)
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// Correlation of two errors, -1 to 1.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let sum = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let size = (sum(a, a) * sum(b, b)).sqrt();
    if size > 0.0 { sum(a, b) / size } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(n: usize, hz: f64, size: f64) -> Vec<f64> {
        (0..n).map(|i| size * (2.0 * PI * hz * i as f64 / 44_100.0 + 0.3).sin()).collect()
    }

    #[test]
    fn a_known_harmonic_is_read_at_its_level() {
        let bent: Vec<f64> =
            tone(88_200, 997.0, 0.5).iter().zip(tone(88_200, 1994.0, 0.5e-5)).map(|(a, b)| a + b).collect();
        let fit = fit_tone(&bent, 44_100.0, 997.0, 24.0);
        assert!((fit.amplitude - 0.5).abs() < 1e-6);
        assert!((fit.thd_n_db() + 100.0).abs() < 0.01, "{}", fit.thd_n_db());
        assert!(fit_tone(&tone(88_200, 997.0, 0.5), 44_100.0, 997.0, 24.0).thd_n_db() < -220.0);
        assert!((line(&bent, 44_100.0, 1994.0) / 0.5e-5 - 1.0).abs() < 0.01);
    }

    #[test]
    fn power_stands_in_its_band() {
        let wave = tone(200_000, 5000.0, 1.0);
        assert!((band_power(&wave, 44_100.0, 4000.0, 6000.0) - 0.5).abs() < 1e-3);
        assert!(band_power(&wave, 44_100.0, 8000.0, 16_000.0) < 1e-12);
    }

    #[test]
    fn a_dip_is_seen() {
        let wave: Vec<f64> = tone(88_200, 3000.0, 1.0)
            .iter()
            .enumerate()
            .map(|(i, y)| if (30_000..40_000).contains(&i) { y * 0.5 } else { *y })
            .collect();
        assert!((dip_db(&wave, 44_100.0, 3000.0) + 6.02).abs() < 0.1);
    }
}
