//! The tool's own WAV files: a reader and two writers that share no code with the library that is judged. Whole sounds in memory: the judge may be
//! plain and slow. Never here: measuring.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};

/// Sound in memory: channels x frames, 1.0 is full scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    pub rate: u32,
    pub channels: Vec<Vec<f64>>,
}

impl Sound {
    pub fn stereo(rate: u32, wave: Vec<f64>) -> Self {
        Sound { rate, channels: vec![wave.clone(), wave] }
    }

    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    pub fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.rate.max(1))
    }

    /// From `start`, at most `frames` long.
    pub fn part(&self, start: usize, frames: usize) -> Sound {
        let end = (start + frames).min(self.frames());
        let start = start.min(end);
        Sound { rate: self.rate, channels: self.channels.iter().map(|c| c[start..end].to_vec()).collect() }
    }
}

/// How the samples of a file are stored.
#[derive(Clone, Copy)]
struct Format {
    float: bool,
    bytes: usize,
    channels: usize,
    rate: u32,
}

/// Reads PCM of 16, 24 and 32 bits and floats of 32 and 64.
pub fn read(path: &Path) -> Result<Sound> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(
        bytes.len() >= 12 && bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WAVE",
        "{} is not a WAV file",
        path.display()
    );
    let mut format = None;
    let mut at = 12;
    while at + 8 <= bytes.len() {
        let stated =
            u32::from_le_bytes([bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]]) as usize;
        let id = &bytes[at..at + 4];
        let body = &bytes[at + 8..(at + 8 + stated).min(bytes.len())];
        match (id, format) {
            (b"fmt ", _) => format = Some(parse_format(body, path)?),
            (b"data", Some(format)) => return Ok(samples(body, format)),
            _ => {}
        }
        at += 8 + stated + stated % 2;
    }
    bail!("{} holds no sound", path.display())
}

fn parse_format(body: &[u8], path: &Path) -> Result<Format> {
    ensure!(body.len() >= 16, "{}: its format is too short", path.display());
    let word = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
    let tag = if word(0) == 0xFFFE && body.len() >= 26 { word(24) } else { word(0) };
    let format = Format {
        float: tag == 3,
        bytes: usize::from(word(14)) / 8,
        channels: usize::from(word(2)),
        rate: u32::from_le_bytes([body[4], body[5], body[6], body[7]]),
    };
    let known = matches!((tag, format.bytes), (1, 2..=4) | (3, 4 | 8));
    ensure!(known && format.channels > 0, "{}: samples of another kind", path.display());
    Ok(format)
}

fn samples(body: &[u8], format: Format) -> Sound {
    let Format { float, bytes, channels, rate } = format;
    let one = |b: &[u8]| match (float, bytes) {
        (false, 2) => f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0,
        (false, 3) => f64::from(i32::from_le_bytes([0, b[0], b[1], b[2]])) / 2_147_483_648.0,
        (false, _) => f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])) / 2_147_483_648.0,
        (true, 4) => f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        (true, _) => f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]),
    };
    let plane = |c: usize| body.chunks_exact(bytes * channels).map(|f| one(&f[c * bytes..])).collect();
    Sound { rate, channels: (0..channels).map(plane).collect() }
}

/// 24-bit PCM, rounded without noise; what is beyond full scale is held there.
pub fn write_24(path: &Path, sound: &Sound) -> Result<()> {
    write(path, sound, 3, |sample, out| {
        let whole = (sample * 8_388_608.0).round().clamp(-8_388_608.0, 8_388_607.0) as i32;
        out.extend_from_slice(&whole.to_le_bytes()[..3]);
    })
}

/// 64-bit floats: the samples as they are.
pub fn write_f64(path: &Path, sound: &Sound) -> Result<()> {
    write(path, sound, 8, |sample, out| out.extend_from_slice(&sample.to_le_bytes()))
}

fn write(path: &Path, sound: &Sound, bytes: usize, put: impl Fn(f64, &mut Vec<u8>)) -> Result<()> {
    let frame = bytes * sound.channels.len();
    let data = frame * sound.frames();
    let mut out = Vec::with_capacity(data + 44);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + data as u32).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt \x10\0\0\0");
    out.extend_from_slice(&(if bytes == 8 { 3u16 } else { 1 }).to_le_bytes());
    out.extend_from_slice(&(sound.channels.len() as u16).to_le_bytes());
    out.extend_from_slice(&sound.rate.to_le_bytes());
    out.extend_from_slice(&(sound.rate * frame as u32).to_le_bytes());
    out.extend_from_slice(&(frame as u16).to_le_bytes());
    out.extend_from_slice(&(8 * bytes as u16).to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&(data as u32).to_le_bytes());
    for frame in 0..sound.frames() {
        sound.channels.iter().for_each(|plane| put(plane[frame], &mut out));
    }
    fs::write(path, out).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let wave: Vec<f64> = (-50..50).map(|i| f64::from(i) / 64.0).collect();
        let sound = Sound::stereo(44_100, wave);
        write_24(&path, &sound).unwrap();
        assert_eq!(read(&path).unwrap(), sound);
        write_f64(&path, &sound).unwrap();
        assert_eq!(read(&path).unwrap(), sound);
        fs::write(&path, b"RIFF").unwrap();
        assert!(read(&path).is_err());
    }
}
