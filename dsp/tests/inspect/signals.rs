//! Signals for the inspection's tests, and the way to inspect them. Never here: what is expected of them.

use std::f64::consts::TAU;

use deadwax_dsp::fft::Fft;
use deadwax_dsp::inspect::{Inspection, Inspector, OVERS_LIMIT};
use deadwax_dsp::measure::Meter;
use deadwax_dsp::{Block, Spec};

pub const RATE: u32 = 44_100;

pub fn spec(rate: u32, channels: usize, bits: u32) -> Spec {
    Spec {
        sample_rate: rate,
        channels,
        bits: Some(bits),
        float: false,
        frames: None,
        container: "wav",
        codec: "pcm",
    }
}

pub fn inspect_in(spec: &Spec, planes: &[Vec<f64>], sizes: &[usize]) -> Inspection {
    let (mut meter, mut inspector) = (Meter::new(spec).with_overs(OVERS_LIMIT), Inspector::new(spec));
    let frames = planes.first().map_or(0, Vec::len);
    let (mut at, mut sizes) = (0, sizes.iter().cycle());
    while at < frames {
        let end = (at + sizes.next().unwrap()).min(frames);
        let block = Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() };
        meter.push(&block);
        inspector.push(&block);
        inspector.add_overs(&meter.take_overs());
        at = end;
    }
    inspector.add_overs(&meter.last_overs());
    inspector.finish(&meter.finish())
}

pub fn inspect(rate: u32, bits: u32, planes: &[Vec<f64>]) -> Inspection {
    inspect_in(&spec(rate, planes.len(), bits), planes, &[7919])
}

pub fn mono(samples: Vec<f64>) -> Inspection {
    inspect(RATE, 24, &[samples])
}

pub struct Noise(pub u64);

impl Noise {
    /// Even, from -1 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

pub fn white(seed: u64, frames: usize, peak: f64) -> Vec<f64> {
    let mut noise = Noise(seed);
    (0..frames).map(|_| peak * noise.next()).collect()
}

pub fn sine(rate: u32, hz: f64, peak: f64, seconds: f64) -> Vec<f64> {
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| peak * (TAU * hz * n as f64 / f64::from(rate)).sin())
        .collect()
}

pub fn quantised(samples: &[f64], bits: u32) -> Vec<f64> {
    let scale = 2f64.powi(bits as i32 - 1);
    samples.iter().map(|s| (s * scale).round().clamp(-scale, scale - 1.0) / scale).collect()
}

/// Noise with a spectrum of its own, about 6 seconds of it, swelling and fading as music does.
pub fn shaped(seed: u64, rate: u32, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    let len = if rate > 50_000 { 1 << 19 } else { 1 << 18 };
    let mut fft = Fft::new(len).unwrap();
    let (mut re, mut im) = (white(seed, len, 0.5), vec![0.0; len]);
    fft.forward(&mut re, &mut im);
    for (bin, (re, im)) in re.iter_mut().zip(&mut im).enumerate() {
        let hz = bin.min(len - bin) as f64 * f64::from(rate) / len as f64;
        let gain = gain(hz) / len as f64;
        *re *= gain;
        *im *= gain;
    }
    fft.inverse(&mut re, &mut im);
    let peak = re.iter().fold(0.0f64, |peak, s| peak.max(s.abs()));
    let swell = |n: usize| 0.55 + 0.45 * (TAU * n as f64 / f64::from(rate) / 1.7).sin();
    re.iter().enumerate().map(|(n, s)| 0.8 * swell(n) * s / peak).collect()
}

/// 3 dB an octave down, as the long-term spectrum of music roughly is.
pub fn tilt(hz: f64) -> f64 {
    1.0 / (1.0 + hz / 100.0).sqrt()
}

/// Drum hits: noise that starts at once and decays, over a bass.
pub fn drums(seed: u64, seconds: f64) -> Vec<f64> {
    let mut noise = Noise(seed);
    let beat = RATE as usize / 3;
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            let t = (n % beat) as f64 / f64::from(RATE);
            let hit = 0.6 * noise.next() * (-t / 0.04).exp();
            hit + 0.3 * (TAU * 55.0 * n as f64 / f64::from(RATE)).sin()
        })
        .collect()
}

pub fn square(hz: f64, peak: f64, seconds: f64) -> Vec<f64> {
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| if (hz * n as f64 / f64::from(RATE)).fract() < 0.5 { peak } else { -peak })
        .collect()
}

#[track_caller]
pub fn close(value: f64, wanted: f64, within: f64) {
    assert!((value - wanted).abs() <= within, "{value} is not {wanted} within {within}");
}

pub fn names(inspection: &Inspection) -> Vec<&'static str> {
    inspection.findings().iter().map(|finding| finding.what).collect()
}
