//! A small song made of true stems, and folders of its alternates.

#![allow(clippy::unwrap_used)] // a test kit may panic
use std::{
    f64::consts::TAU,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use deadwax_dsp::{
    Block, Flow,
    forensics::{Examination, Part, examine},
    write::{AudioWriter, Encoding},
};

pub const RATE: u32 = 48_000;
const SECONDS: f64 = 18.0;

/// Stems of equal length, stereo.
#[derive(Clone)]
pub struct Song {
    /// All instruments, the bass among them.
    pub band: Block,
    pub bass: Block,
    pub lead: Block,
    pub backing: Block,
}

impl Song {
    pub fn main(&self) -> Block {
        sum(&[&self.band, &self.lead, &self.backing])
    }
}

pub fn song() -> &'static Song {
    static SONG: OnceLock<Song> = OnceLock::new();
    SONG.get_or_init(|| compose(1, 0.5))
}

/// As long as the song, other notes, another tempo.
pub fn other_song() -> Block {
    compose(99, 0.43).band
}

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn compose(seed: u64, beat_s: f64) -> Song {
    let frames = (SECONDS * f64::from(RATE)) as usize;
    let mut noise = Noise(0x1234_5678_9ABC_DEF1 ^ (seed << 20));
    let stem = || Block::new(2, frames);
    let mut song = Song { band: stem(), bass: stem(), lead: stem(), backing: stem() };
    let beats = (SECONDS / beat_s) as usize;
    for beat in 0..beats {
        let at = beat as f64 * beat_s;
        kick(&mut song.band, at);
        hat(&mut song.band, at + beat_s / 2.0, &mut noise);
        let root = [45, 41, 48, 43][beat / 4 % 4] + (seed % 7) as i32;
        tone(
            &mut song.bass,
            at,
            beat_s * 0.9,
            note(root - 12),
            0.16,
            0.0,
            &[1.0, 0.6, 0.3, 0.15],
            &mut noise,
        );
        if beat % 2 == 0 {
            for (pan, third) in [(-0.6, 0), (0.1, 4), (0.7, 7), (-0.2, 12)] {
                let partials: Vec<f64> = (1..12).map(|h| 1.0 / f64::from(h)).collect();
                tone(&mut song.band, at, beat_s * 1.9, note(root + third), 0.03, pan, &partials, &mut noise);
            }
        }
        // Phrases of three bars and one of rest; two backing voices in every other phrase.
        if (beat / 4) % 4 != 0 && (noise.next() > -0.7) {
            let melody = root + 19 + [0, 2, 4, 7, 5][(beat * 7 + seed as usize) % 5];
            sing(&mut song.lead, at, beat_s * 0.95, note(melody), 0.15, 0.0, &mut noise);
            if beat / 4 % 2 == 1 {
                sing(&mut song.backing, at + 0.02, beat_s * 0.9, note(melody - 5), 0.04, -0.7, &mut noise);
                sing(&mut song.backing, at + 0.01, beat_s * 0.9, note(melody + 3), 0.04, 0.7, &mut noise);
            }
        }
    }
    song.band = sum(&[&song.band, &song.bass]);
    song
}

fn note(midi: i32) -> f64 {
    440.0 * ((f64::from(midi) - 69.0) / 12.0).exp2()
}

fn put(stem: &mut Block, at: usize, value: f64, pan: f64) {
    if at < stem.frames() {
        stem.channels[0][at] += value * (1.0 - pan).min(1.0);
        stem.channels[1][at] += value * (1.0 + pan).min(1.0);
    }
}

fn kick(stem: &mut Block, at_s: f64) {
    for n in 0..(0.25 * f64::from(RATE)) as usize {
        let t = n as f64 / f64::from(RATE);
        let value = 0.4 * (-t / 0.07).exp() * (TAU * (48.0 * t + 3.0 * (1.0 - (-t / 0.02).exp()))).sin();
        put(stem, (at_s * f64::from(RATE)) as usize + n, value, 0.0);
    }
}

fn hat(stem: &mut Block, at_s: f64, noise: &mut Noise) {
    let mut last = 0.0;
    for n in 0..(0.08 * f64::from(RATE)) as usize {
        let t = n as f64 / f64::from(RATE);
        let fresh = noise.next();
        put(stem, (at_s * f64::from(RATE)) as usize + n, 0.1 * (-t / 0.02).exp() * (fresh - last), 0.3);
        last = fresh;
    }
}

#[allow(clippy::too_many_arguments)]
fn tone(
    stem: &mut Block,
    at_s: f64,
    length_s: f64,
    hz: f64,
    level: f64,
    pan: f64,
    partials: &[f64],
    noise: &mut Noise,
) {
    let phases: Vec<f64> = partials.iter().map(|_| noise.next()).collect();
    for n in 0..(length_s * f64::from(RATE)) as usize {
        let t = n as f64 / f64::from(RATE);
        let shape = (t / 0.005).min(1.0) * ((length_s - t) / 0.02).min(1.0) * (-t / 0.6).exp();
        let value: f64 = (1..)
            .zip(partials.iter().zip(&phases))
            .map(|(h, (a, p))| a * (TAU * (hz * f64::from(h) * t + p)).sin())
            .sum();
        put(stem, (at_s * f64::from(RATE)) as usize + n, level * shape * value, pan);
    }
}

/// A voice: many partials under two formants that move, vibrato, breath.
fn sing(stem: &mut Block, at_s: f64, length_s: f64, hz: f64, level: f64, pan: f64, noise: &mut Noise) {
    let (first, second) = (500.0 + 300.0 * noise.next(), 1700.0 + 600.0 * noise.next());
    let mut phase = noise.next();
    let peak = |f: f64, at: f64, wide: f64| (-((f - at) / wide).powi(2)).exp();
    let weights: Vec<f64> = (1..24)
        .map(|h| {
            let f = hz * f64::from(h);
            (peak(f, first, 250.0) + 0.5 * peak(f, second, 400.0) + 0.05) / f64::from(h).sqrt()
        })
        .collect();
    for n in 0..(length_s * f64::from(RATE)) as usize {
        let t = n as f64 / f64::from(RATE);
        phase += hz * (1.0 + 0.008 * (TAU * 5.5 * t).sin() * (t / 0.3).min(1.0)) / f64::from(RATE);
        let shape = (t / 0.03).min(1.0) * ((length_s - t) / 0.05).min(1.0);
        let value: f64 = (1..).zip(&weights).map(|(h, w)| w * (TAU * phase * f64::from(h)).sin()).sum();
        put(stem, (at_s * f64::from(RATE)) as usize + n, level * shape * (value + 0.03 * noise.next()), pan);
    }
}

pub fn db(value: f64) -> f64 {
    10f64.powf(value / 20.0)
}

pub fn sum(parts: &[&Block]) -> Block {
    let mut total = parts[0].clone();
    for part in &parts[1..] {
        for (to, from) in total.channels.iter_mut().zip(&part.channels) {
            to.iter_mut().zip(from).for_each(|(to, x)| *to += x);
        }
    }
    total
}

pub fn times(block: &Block, factor: f64) -> Block {
    Block { channels: block.channels.iter().map(|c| c.iter().map(|x| x * factor).collect()).collect() }
}

/// The same length, later by so many frames; what falls out at one end is lost.
pub fn shifted(block: &Block, late: i64) -> Block {
    let frames = block.frames() as i64;
    let at = |c: &[f64], n: i64| if (0..frames).contains(&n) { c[n as usize] } else { 0.0 };
    Block {
        channels: block.channels.iter().map(|c| (0..frames).map(|n| at(c, n - late)).collect()).collect(),
    }
}

/// The gain of a plain compressor that hears `key`: mean square over some milliseconds, attack 10 ms, release 150 ms.
pub fn keyed_gain(key: &Block, threshold_db: f64, ratio: f64) -> Vec<f64> {
    let pole = |seconds: f64| (-1.0 / (seconds * f64::from(RATE))).exp();
    let (attack, release) = (pole(0.01), pole(0.15));
    let mut level = 0.0;
    (0..key.frames())
        .map(|n| {
            let power = key.channels.iter().map(|c| c[n] * c[n]).sum::<f64>() / key.channels.len() as f64;
            let pole = if power > level { attack } else { release };
            level = pole * level + (1.0 - pole) * power;
            let over_db = (10.0 * (level + 1e-12).log10() - threshold_db).max(0.0);
            db(-over_db * (1.0 - 1.0 / ratio))
        })
        .collect()
}

pub fn shaped(block: &Block, gain: &[f64]) -> Block {
    Block {
        channels: block.channels.iter().map(|c| c.iter().zip(gain).map(|(x, g)| x * g).collect()).collect(),
    }
}

/// Files on disk: a main and its alternates.
pub struct Folder {
    folder: tempfile::TempDir,
    alternates: Vec<(String, Part, PathBuf)>,
}

impl Folder {
    pub fn new(main: &Block) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        save(&folder.path().join("main.wav"), main, RATE);
        Folder { folder, alternates: Vec::new() }
    }

    fn path(&self, token: &str) -> PathBuf {
        self.folder.path().join(format!("{token}.wav"))
    }

    pub fn add(&mut self, token: &str, part: Part, sound: &Block) {
        self.add_at(token, part, sound, RATE);
    }

    pub fn add_at(&mut self, token: &str, part: Part, sound: &Block, rate: u32) {
        let path = self.path(token);
        save(&path, sound, rate);
        self.alternates.push((token.to_owned(), part, path));
    }

    pub fn replace(&mut self, token: &str, part: Part, sound: &Block) {
        self.remove(token);
        self.add(token, part, sound);
    }

    pub fn remove(&mut self, token: &str) {
        self.alternates.retain(|a| a.0 != token);
    }

    /// The sound of one under the name of the other.
    pub fn exchange(&self, x: &str, y: &str) {
        let aside = self.folder.path().join("aside");
        std::fs::rename(self.path(x), &aside).unwrap();
        std::fs::rename(self.path(y), self.path(x)).unwrap();
        std::fs::rename(aside, self.path(y)).unwrap();
    }

    pub fn files(&self) -> (PathBuf, Vec<(String, Part, PathBuf)>) {
        (self.path("main"), self.alternates.clone())
    }

    pub fn examine(&self) -> Examination {
        examine(&self.path("main"), &self.alternates, &mut |_| Flow::Go).unwrap()
    }

    pub fn only(&self, tokens: &[&str]) -> Examination {
        let some: Vec<_> =
            self.alternates.iter().filter(|a| tokens.contains(&a.0.as_str())).cloned().collect();
        assert_eq!(some.len(), tokens.len());
        examine(&self.path("main"), &some, &mut |_| Flow::Go).unwrap()
    }
}

fn save(path: &Path, block: &Block, rate: u32) {
    let mut writer = AudioWriter::create(path, Encoding::Wav24, rate, block.channels.len(), None).unwrap();
    writer.write(block).unwrap();
    writer.finish().unwrap();
}
