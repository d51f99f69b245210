//! The judge: loudness (ITU-R BS.1770-5, EBU Tech 3341 and 3342 of 2023) and true peak, written a second time from the standards, plain and in f64.
//! It shares no line with the library that it judges. Never here: speed, anything of deadwax-dsp.

use std::f64::consts::PI;

use super::wav::Sound;

/// Levels in LUFS, LU, dBTP and dBFS; silence is minus infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    pub integrated_lufs: f64,
    pub range_lu: f64,
    pub max_momentary_lufs: f64,
    pub max_short_term_lufs: f64,
    /// On a grid of 16 points a sample.
    pub true_peak_dbtp: f64,
    /// The same peak followed to 1/256 of a sample.
    pub finest_peak_dbtp: f64,
    pub sample_peak_dbfs: f64,
}

pub fn measure(sound: &Sound) -> Figures {
    let levels = loudness(sound);
    let peak = true_peak(sound);
    Figures { true_peak_dbtp: decibels(peak.grid), finest_peak_dbtp: decibels(peak.finest), ..levels }
}

fn decibels(linear: f64) -> f64 {
    20.0 * linear.log10()
}

fn lufs(power: f64) -> f64 {
    -0.691 + 10.0 * power.log10()
}

fn power(lufs: f64) -> f64 {
    10f64.powf((lufs + 0.691) / 10.0)
}

/// A second-order section in its first direct form: b0 b1 b2, a1 a2.
#[derive(Clone, Copy)]
struct Section([f64; 5]);

impl Section {
    fn filter(&self, x: &[f64]) -> Vec<f64> {
        let [b0, b1, b2, a1, a2] = self.0;
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        x.iter()
            .map(|&x0| {
                let y0 = b0 * x0 + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
                (x2, x1, y2, y1) = (x1, x0, y1, y0);
                y0
            })
            .collect()
    }
}

/// The two filters of BS.1770 from their analogue prototypes; at 48 kHz these are the numbers of its tables 1 and 2.
fn weighting(rate: f64) -> [Section; 2] {
    let (hz, gain_db, q) = (1681.974450955533, 3.999843853973347, 0.7071752369554196);
    let k = (PI * hz / rate).tan();
    let high = 10f64.powf(gain_db / 20.0);
    let band = high.powf(0.4996667741545416);
    let a0 = 1.0 + k / q + k * k;
    let shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ];
    let (hz, q) = (38.13547087602444, 0.5003270373238773);
    let k = (PI * hz / rate).tan();
    let a0 = 1.0 + k / q + k * k;
    let cut = [1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0];
    [Section(shelf), Section(cut)]
}

fn channel_weight(channel: usize, channels: usize) -> f64 {
    match (channels, channel) {
        (4, 2 | 3) | (5, 3 | 4) | (6, 4 | 5) => 1.41,
        (6, 3) => 0.0,
        _ => 1.0,
    }
}

/// Everything but the true peak.
fn loudness(sound: &Sound) -> Figures {
    let rate = f64::from(sound.rate);
    let [shelf, cut] = weighting(rate);
    // Edges of 10 ms steps, at the nearest whole frames.
    let edge = |step: usize| (step as f64 * rate / 100.0).round() as usize;
    let count = (0..).take_while(|step| edge(step + 1) <= sound.frames()).count();
    // Running sum of weighted energy at every edge.
    let mut sums = vec![0.0; count + 1];
    for (c, plane) in sound.channels.iter().enumerate() {
        let weighted = cut.filter(&shelf.filter(plane));
        let weight = channel_weight(c, sound.channels.len());
        let mut sum = 0.0;
        for step in 0..count {
            sum += weight * weighted[edge(step)..edge(step + 1)].iter().map(|y| y * y).sum::<f64>();
            sums[step + 1] += sum;
        }
    }
    let windows = |steps: usize| -> Vec<f64> {
        (steps..=count)
            .map(|end| (sums[end] - sums[end - steps]) / (edge(end) - edge(end - steps)) as f64)
            .collect()
    };
    let (momentary, short) = (windows(40), windows(300));
    let greatest = |powers: &[f64]| lufs(powers.iter().copied().fold(0.0, f64::max));
    let sample_peak = sound.channels.iter().flatten().fold(0.0, |m: f64, s| m.max(s.abs()));
    Figures {
        integrated_lufs: integrated(&momentary),
        range_lu: range(&short),
        max_momentary_lufs: greatest(&momentary),
        max_short_term_lufs: greatest(&short),
        true_peak_dbtp: f64::NEG_INFINITY,
        finest_peak_dbtp: f64::NEG_INFINITY,
        sample_peak_dbfs: decibels(sample_peak),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Two gates: -70 LUFS, then 10 LU under the mean of what is left. Blocks of 400 ms, ten a second.
fn integrated(momentary: &[f64]) -> f64 {
    let loud: Vec<f64> = momentary.iter().step_by(10).copied().filter(|p| *p >= power(-70.0)).collect();
    let gate = power(lufs(mean(&loud)) - 10.0);
    let left: Vec<f64> = loud.into_iter().filter(|p| *p > gate).collect();
    if left.is_empty() { f64::NEG_INFINITY } else { lufs(mean(&left)) }
}

/// From the 10th to the 95th percentile of the short-term values, ten a second, gated at -70 LUFS and 20 LU under their mean.
fn range(short: &[f64]) -> f64 {
    let loud: Vec<f64> = short.iter().step_by(10).copied().filter(|p| *p >= power(-70.0)).collect();
    let gate = power(lufs(mean(&loud)) - 20.0);
    let mut left: Vec<f64> = loud.into_iter().filter(|p| *p >= gate).map(lufs).collect();
    left.sort_by(f64::total_cmp);
    let at = |share: f64| left[((left.len() - 1) as f64 * share).round() as usize];
    if left.is_empty() { 0.0 } else { at(0.95) - at(0.10) }
}

/// Points a sample.
const GRID: usize = 16;
/// Half the kernel's length in samples. With this window it is flat within 0.001 dB up to 0.49 of the rate.
const HALF: usize = 256;
const BETA: f64 = 10.0;
/// A short kernel at four points a sample looks first; only what comes this near to its greatest value is looked at closely.
const SCREEN_GRID: usize = 4;
const SCREEN_HALF: usize = 24;
const SCREEN_NEAR: f64 = 0.84;
/// So many points between two samples for the last look.
const FINEST: usize = 256;

struct Peak {
    grid: f64,
    finest: f64,
}

/// Kaiser-windowed sinc that gives the wave `fraction` after sample i from samples i - half + 1 ..= i + half.
fn kernel(fraction: f64, half: usize) -> Vec<f64> {
    let tap = |j: usize| {
        let t = j as f64 - (half as f64 - 1.0) - fraction;
        let sinc = if t.abs() < 1e-12 { 1.0 } else { (PI * t).sin() / (PI * t) };
        let x = t / half as f64;
        sinc * bessel(BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel(BETA)
    };
    let taps: Vec<f64> = (0..2 * half).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

/// I0, the modified Bessel function, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..200 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

fn true_peak(sound: &Sound) -> Peak {
    let screen: Vec<Vec<f64>> =
        (1..SCREEN_GRID).map(|p| kernel(p as f64 / SCREEN_GRID as f64, SCREEN_HALF)).collect();
    let bank: Vec<Vec<f64>> = (0..GRID).map(|p| kernel(p as f64 / GRID as f64, HALF)).collect();
    let mut best = (0.0, 0, 0, 0);
    for (c, plane) in sound.channels.iter().enumerate() {
        let padded = pad(plane);
        let coarse: Vec<f64> = (HALF - 1..padded.len() - HALF)
            .map(|i| {
                let window = &padded[i + 1 - SCREEN_HALF..i + 1 + SCREEN_HALF];
                screen.iter().fold(padded[i].abs(), |m, taps| m.max(dot(taps, window).abs()))
            })
            .collect();
        let near = SCREEN_NEAR * coarse.iter().copied().fold(0.0, f64::max);
        for (i, _) in coarse.iter().enumerate().filter(|(_, value)| **value >= near && **value > 0.0) {
            let window = &padded[i..i + 2 * HALF];
            for (p, taps) in bank.iter().enumerate() {
                let value = dot(taps, window).abs();
                if value > best.0 {
                    best = (value, c, i, p);
                }
            }
        }
    }
    let (grid, c, i, p) = best;
    let Some(plane) = sound.channels.get(c) else { return Peak { grid: 0.0, finest: 0.0 } };
    let padded = pad(plane);
    let step = FINEST / GRID;
    let finest = (0..=2 * step).fold(grid, |finest, k| {
        let at = (i * FINEST + p * step + k) as f64 / FINEST as f64 - 1.0 / GRID as f64;
        let first = at.floor().max(0.0);
        let window = &padded[first as usize..];
        if window.len() < 2 * HALF {
            return finest;
        }
        finest.max(dot(&kernel((at - first).max(0.0), HALF), &window[..2 * HALF]).abs())
    });
    Peak { grid, finest }
}

/// Silence around, so that the ringing of a hard cut counts.
fn pad(plane: &[f64]) -> Vec<f64> {
    let silence = [0.0; 2 * HALF];
    [&silence[..], plane, &silence[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hz: f64, level_db: f64, seconds: f64, phase: f64) -> Vec<f64> {
        let size = 10f64.powf(level_db / 20.0);
        let n = (seconds * f64::from(rate)) as usize;
        (0..n).map(|i| size * (2.0 * PI * hz * i as f64 / f64::from(rate) + phase).sin()).collect()
    }

    /// Tech 3341 cases 1 to 4, 15 to 19 in short; 3342 case 1.
    #[test]
    fn the_judge_reads_what_the_standards_say() {
        let steady = Sound::stereo(48_000, tone(48_000, 1000.0, -23.0, 20.0, 0.0));
        let figures = measure(&steady);
        for level in [figures.integrated_lufs, figures.max_momentary_lufs, figures.max_short_term_lufs] {
            assert!((level + 23.0).abs() < 0.02, "{figures:?}");
        }
        let mut gated = Vec::new();
        for (level, seconds) in [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)] {
            gated.extend(tone(48_000, 1000.0, level, seconds, 0.0));
        }
        let figures = loudness(&Sound::stereo(48_000, gated));
        assert!((figures.integrated_lufs + 23.0).abs() < 0.05, "{figures:?}");
        let mut steps = tone(48_000, 1000.0, -20.0, 20.0, 0.0);
        steps.extend(tone(48_000, 1000.0, -30.0, 20.0, 0.0));
        assert!((loudness(&Sound::stereo(48_000, steps)).range_lu - 10.0).abs() < 0.1);
        for (part, phase) in [(4.0, 0.0), (4.0, 45.0), (6.0, 60.0), (8.0, 67.5)] {
            let wave = tone(48_000, 48_000.0 / part, -6.0, 0.5, phase * PI / 180.0);
            let fade = |i: usize| (i.min(wave.len() - i) as f64 / 480.0).min(1.0);
            let faded = wave.iter().enumerate().map(|(i, s)| s * fade(i)).collect();
            let peak = true_peak(&Sound::stereo(48_000, faded));
            assert!((decibels(peak.grid) + 6.0).abs() < 0.01, "fs/{part}: {}", decibels(peak.grid));
            assert!(peak.finest >= peak.grid);
        }
    }

    #[test]
    fn silence_and_nothing_are_minus_infinity() {
        for frames in [0, 1, 100_000] {
            let figures = measure(&Sound::stereo(44_100, vec![0.0; frames]));
            assert_eq!(figures.integrated_lufs, f64::NEG_INFINITY);
            assert_eq!(figures.true_peak_dbtp, f64::NEG_INFINITY);
            assert_eq!(figures.range_lu, 0.0);
        }
    }
}
