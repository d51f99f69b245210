//! What is measured on: a folder of music, music out of Debian packages, and signals made here by formula. Never here: judging.

use std::{
    f64::consts::PI,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{
    wav::{self, Sound},
    work,
};

/// A piece of music as a 24-bit WAV file.
#[derive(Clone, Debug)]
pub struct Track {
    pub name: String,
    pub file: PathBuf,
    pub seconds: f64,
}

/// An excerpt begins at this share of the song.
const EXCERPT_FROM: f64 = 0.3;

/// All WAV and FLAC files of a folder, in the order of their names.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav") || e.eq_ignore_ascii_case("flac"))
        })
        .collect();
    found.sort();
    ensure!(!found.is_empty(), "{} holds no WAV or FLAC file", folder.display());
    Ok(found)
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// `seconds` out of every song, cut hard; a song that is hardly longer is taken whole.
pub fn excerpts(songs: &[PathBuf], seconds: f64, folder: &Path) -> Result<Vec<Track>> {
    let mut tracks = Vec::new();
    for song in songs {
        let sound = work::decode(song)?;
        let rate = f64::from(sound.rate);
        let whole = sound.seconds() <= seconds * 1.25;
        let start = if whole { 0.0 } else { EXCERPT_FROM * (sound.seconds() - seconds) };
        let frames = if whole { sound.frames() } else { (seconds * rate) as usize };
        let part = sound.part((start * rate) as usize, frames);
        let file = folder.join(format!("{}.excerpt.wav", name(song)));
        wav::write_24(&file, &part)?;
        tracks.push(Track { name: name(song), file, seconds: part.seconds() });
    }
    Ok(tracks)
}

/// The song that the speed tables run on: the longest that is not longer than ten minutes.
pub fn song(songs: &[PathBuf], folder: &Path) -> Result<Track> {
    let mut best: Option<(PathBuf, Sound)> = None;
    for song in songs {
        let sound = work::decode(song)?;
        let longest = best.as_ref().map_or(0, |(_, best)| best.frames());
        if best.is_none() || (sound.frames() > longest && sound.seconds() <= 600.0) {
            best = Some((song.clone(), sound));
        }
    }
    let (path, sound) = best.context("there is no song")?;
    let file = folder.join("song.wav");
    wav::write_24(&file, &sound)?;
    Ok(Track { name: name(&path), file, seconds: sound.seconds() })
}

/// The same samples called another rate, at most `seconds` long: for speed the music does not matter.
pub fn at_rate(track: &Track, rate: u32, seconds: f64, folder: &Path) -> Result<Track> {
    let mut sound = wav::read(&track.file)?.part(0, (seconds * f64::from(rate)) as usize);
    sound.rate = rate;
    let file = folder.join(format!("song-{rate}.wav"));
    wav::write_24(&file, &sound)?;
    Ok(Track { name: track.name.clone(), file, seconds: sound.seconds() })
}

/// Numbers that are the same every time: xorshift64*, uniform between -1 and 1.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let word = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        word as f64 / (1u64 << 52) as f64 - 1.0
    }
}

pub fn tone(rate: u32, hz: f64, size: f64, seconds: f64, phase: f64) -> Vec<f64> {
    let n = (seconds * f64::from(rate)) as usize;
    (0..n).map(|i| size * (2.0 * PI * hz * i as f64 / f64::from(rate) + phase).sin()).collect()
}

/// Kicks of 55 Hz, four a second.
pub fn kicks(rate: u32, size: f64, seconds: f64) -> Vec<f64> {
    let every = (rate / 4) as usize;
    let n = (seconds * f64::from(rate)) as usize;
    (0..n)
        .map(|i| {
            let t = (i % every) as f64 / f64::from(rate);
            let rings = if t < 0.15 { (-t / 0.03).exp() } else { 0.0 };
            size * rings * (2.0 * PI * 55.0 * t).sin()
        })
        .collect()
}

/// Music by formula, for runs without any: kicks, a bass line, chords that change and swell, noise like a hi-hat.
pub fn made_up_song(rate: u32, seconds: f64, seed: u64) -> Sound {
    let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (seed << 32) ^ seed);
    let kick = kicks(rate, 0.5, seconds);
    let root = 55.0 * 2f64.powf((seed % 7) as f64 / 12.0);
    let side = |width: f64, random: &mut Random| -> Vec<f64> {
        (0..kick.len())
            .map(|i| {
                let t = i as f64 / f64::from(rate);
                let chord = [0.0, 5.0, 7.0, 3.0][(t / 2.0) as usize % 4];
                let hz = root * 2f64.powf(chord / 12.0);
                let swell = 0.6 + 0.4 * (2.0 * PI * t / 7.0).sin();
                let voices =
                    [2.0, 3.0, 4.0, 5.0].iter().map(|k| (2.0 * PI * hz * k * (t + width * 1e-3)).sin());
                let hat = random.next() * (-((t * 8.0).fract()) * 12.0).exp();
                kick[i] + 0.12 * (2.0 * PI * hz * t).sin() + 0.05 * swell * voices.sum::<f64>() + 0.08 * hat
            })
            .collect()
    };
    let left = side(0.0, &mut random);
    let right = side(1.0, &mut random);
    Sound { rate, channels: vec![left, right] }
}

/// The worst that a limiter may be given, each a few seconds.
pub fn worst_cases(rate: u32) -> Vec<(&'static str, Sound)> {
    let seconds = 4.0;
    let mut random = Random(1);
    let noise: Vec<f64> = (0..4 * rate).map(|_| random.next()).collect();
    let quarter = f64::from(rate) / 4.0;
    let mut clicks = vec![0.0; 4 * rate as usize];
    clicks.iter_mut().step_by(rate as usize / 3).for_each(|s| *s = 0.9);
    // A soft bed, so that the sound has a loudness at all.
    clicks.iter_mut().zip(tone(rate, 440.0, 0.02, seconds, 0.0)).for_each(|(c, bed)| *c += bed);
    let square = tone(rate, 233.0, 1.0, seconds, 0.0).iter().map(|s| s.signum() * 0.99).collect();
    let mut clipped = made_up_song(rate, seconds, 3);
    clipped.channels.iter_mut().flatten().for_each(|s| *s = (*s * 8.0).clamp(-1.0, 1.0));
    let hats = (0..4 * rate).map(|i| if i % (rate / 8) < rate / 50 { random.next() } else { 0.0 }).collect();
    let one = |wave| Sound::stereo(rate, wave);
    let mut apart = made_up_song(rate, seconds, 5);
    apart.channels[0].iter_mut().for_each(|s| *s *= 0.05);
    vec![
        ("quarter-rate tone at 45 degrees", one(tone(rate, quarter, 0.7, seconds, PI / 4.0))),
        ("11 kHz tone that drifts through all phases", one(tone(rate, quarter * 0.9993, 0.7, seconds, 0.3))),
        ("square wave, 233 Hz", one(square)),
        ("clipped master", clipped),
        ("sparse clicks", one(clicks)),
        ("white noise at full scale", one(noise)),
        ("bursts of white noise", one(hats)),
        ("one channel 26 dB down", apart),
        ("20 kHz tone", one(tone(rate, 20_000.0, 0.5, seconds, 0.1))),
    ]
}
