//! What the tests of the record share: songs in files, jobs, samples read back. Never here: how a record is laid out.

// Each test uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used)] // a test kit may panic

use std::path::{Path, PathBuf};

use deadwax_dsp::{
    Block, DspError, Flow,
    album::{self, Cut, Job, Made, Output, Source},
    decode,
    write::{AudioWriter, Encoding},
};

/// Uniform noise, the same every time for a seed.
pub fn noise(seed: u64, channels: usize, frames: usize, level: f64) -> Block {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut block = Block::new(channels, frames);
    for sample in block.channels.iter_mut().flatten() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *sample = ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * level;
    }
    block
}

pub fn save(path: &Path, block: &Block, rate: u32, encoding: Encoding) -> PathBuf {
    let mut writer = AudioWriter::create(path, encoding, rate, block.channels.len(), None).unwrap();
    writer.write(block).unwrap();
    writer.finish().unwrap();
    path.to_owned()
}

/// A file of noise, which is another for every name.
pub fn song(dir: &Path, name: &str, rate: u32, frames: usize, encoding: Encoding) -> Source {
    let seed = name.bytes().fold(7, |sum: u64, byte| sum * 31 + u64::from(byte));
    Source::new(save(&dir.join(name), &noise(seed, 2, frames, 0.5), rate, encoding))
}

pub fn load(path: &Path) -> Vec<Vec<f64>> {
    let mut source = decode::Source::open(path).unwrap_or_else(|error| panic!("{error}"));
    let mut all = vec![Vec::new(); source.spec().channels];
    let mut block = Block::default();
    while source.read(&mut block, 4096).unwrap() > 0 {
        all.iter_mut().zip(&block.channels).for_each(|(all, plane)| all.extend_from_slice(plane));
    }
    all
}

pub fn joined(dir: &Path, names: &[String]) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::new(); 2];
    for name in names {
        let file = load(&dir.join(name));
        all.iter_mut().zip(&file).for_each(|(all, plane)| all.extend_from_slice(plane));
    }
    all
}

/// Of the image of a disc: left and right.
pub fn image(path: &Path) -> Vec<Vec<f64>> {
    let bytes = std::fs::read(path).unwrap();
    let value = |at: usize| f64::from(i16::from_le_bytes([bytes[at], bytes[at + 1]])) / 32_768.0;
    [0, 2].map(|at| (at..bytes.len()).step_by(4).map(value).collect()).to_vec()
}

pub fn names(stem: &str, encoding: Encoding, count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("{stem}-{n}.{}", encoding.extension())).collect()
}

pub fn whole(name: &str, encoding: Encoding, rate: u32) -> Output {
    Output::new(Cut::Whole, encoding, rate, vec![name.into()])
}

pub fn tracks(stem: &str, encoding: Encoding, rate: u32, count: usize) -> Output {
    Output::new(Cut::Tracks, encoding, rate, names(stem, encoding, count))
}

pub fn job(dir: &Path, songs: Vec<Source>, outputs: Vec<Output>) -> Job {
    Job { songs, outputs, album_gain_db: 0.0, out_dir: dir.join("out") }
}

pub fn run(job: &Job) -> Result<Vec<Made>, DspError> {
    album::run(job, &mut |_| Flow::Go)
}

pub fn made(job: &Job) -> Vec<Made> {
    run(job).unwrap_or_else(|error| panic!("{error}"))
}

pub fn digests(made: &[Made]) -> Vec<String> {
    made.iter().map(|file| file.sha256.clone()).collect()
}

/// Everything in a folder, sidecars and halves too.
pub fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
