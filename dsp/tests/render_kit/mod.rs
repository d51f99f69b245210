//! What the render's tests share: signals, files, and a true-peak meter that shares no code with the crate.

// Each test uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)] // a test kit may panic
use std::{
    f64::consts::PI,
    path::{Path, PathBuf},
};

use deadwax_dsp::{
    Block, DspError, Flow,
    decode::Source,
    recipe::{Output, Recipe},
    render::{self, Alternate, Job, Report, Role},
    write::{AudioWriter, Encoding},
};

pub const RATE: u32 = 44_100;

/// Uniform noise between -1 and 1, the same every time.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Kicks twice a second, a bass, two voices that differ between the sides, hi-hats of noise, louder and softer parts.
pub fn song(rate: u32, seconds: f64, level: f64) -> Block {
    let mut noise = Noise(0x1234_5678_9ABC_DEF1);
    let n = (seconds * f64::from(rate)) as usize;
    let mut block = Block::new(2, n);
    for i in 0..n {
        let t = i as f64 / f64::from(rate);
        let beat = t % 0.5;
        let kick =
            (-beat / 0.06).exp() * (2.0 * PI * (50.0 * beat + 4.0 * (1.0 - (-beat / 0.02).exp()))).sin();
        let bass = 0.25 * (2.0 * PI * 55.0 * t).sin();
        let voice = |hz: f64| 0.12 * (2.0 * PI * hz * t).sin() * (1.0 + 0.4 * (2.0 * PI * 0.7 * t).sin());
        let hat = 0.3 * (-(t % 0.25) / 0.02).exp();
        let part = if ((t / 4.0) as u32).is_multiple_of(2) { 1.0 } else { 0.55 };
        let middle = 0.5 * kick + bass;
        block.channels[0][i] = level * part * (middle + voice(440.0) + voice(659.3) + hat * noise.next());
        block.channels[1][i] = level * part * (middle + voice(443.0) + voice(554.4) + hat * noise.next());
    }
    block
}

pub fn save(path: &Path, block: &Block, rate: u32, encoding: Encoding) -> PathBuf {
    let mut writer = AudioWriter::create(path, encoding, rate, block.channels.len(), None).unwrap();
    writer.write(block).unwrap();
    writer.finish().unwrap();
    path.to_owned()
}

pub fn load(path: &Path) -> Block {
    let mut source = Source::open(path).unwrap();
    let mut all = Block::new(source.spec().channels, 0);
    let mut block = Block::default();
    while source.read(&mut block, 4096).unwrap() > 0 {
        for (to, from) in all.channels.iter_mut().zip(&block.channels) {
            to.extend_from_slice(from);
        }
    }
    all
}

pub fn recipe(target_lufs: Option<f64>, encodings: &[(Encoding, Option<u32>)]) -> Recipe {
    Recipe {
        target_lufs,
        outputs: encodings.iter().map(|(encoding, rate)| Output::new(*encoding, *rate)).collect(),
        ..Recipe::default()
    }
}

pub fn job(dir: &Path, main: PathBuf, recipe: Recipe) -> Job {
    Job::new(main, recipe, dir.join("out"), "song".into())
}

pub fn alternate(token: &str, path: PathBuf, role: Role) -> Alternate {
    Alternate { token: token.into(), path, role }
}

pub fn run(job: &Job) -> Result<Report, DspError> {
    render::run(job, &mut |_| Flow::Go)
}

/// Height of the wave of the loudest channel in dBTP at sixteen points a sample, under a Hann-weighted sinc of 128 taps, from before the
/// first sample to after the last. Only places near which a sample is high are looked at.
pub fn true_peak_16x(block: &Block) -> f64 {
    const HALF: usize = 64;
    let kernels: Vec<Vec<f64>> = (0..16)
        .map(|p| {
            (0..2 * HALF)
                .map(|j| {
                    let t = j as f64 - (HALF as f64 - 1.0) - f64::from(p) / 16.0;
                    let sinc = if t == 0.0 { 1.0 } else { (PI * t).sin() / (PI * t) };
                    sinc * (0.5 + 0.5 * (PI * t / HALF as f64).cos())
                })
                .collect()
        })
        .collect();
    let mut best = 0.0f64;
    for channel in &block.channels {
        let mut padded = vec![0.0; 2 * HALF];
        padded.extend_from_slice(channel);
        padded.extend(vec![0.0; 2 * HALF]);
        let loudest = channel.iter().fold(0.0f64, |m, s| m.max(s.abs()));
        for window in padded.windows(2 * HALF) {
            let near = window[HALF - 4..HALF + 4].iter().fold(0.0f64, |m, s| m.max(s.abs()));
            if near < 0.35 * loudest {
                continue;
            }
            for kernel in &kernels {
                let mut lanes = [0.0f64; 4];
                for (w, k) in window.chunks_exact(4).zip(kernel.chunks_exact(4)) {
                    for i in 0..4 {
                        lanes[i] += w[i] * k[i];
                    }
                }
                best = best.max(lanes.iter().sum::<f64>().abs());
            }
        }
    }
    20.0 * best.log10()
}
