//! The judgement of a written file, from the file itself: its figures, its loudness by a second meter.

use std::{fs::File, io::Read as _, path::Path};

use sha2::{Digest, Sha256};

use super::{BLOCK_FRAMES, steps::Steps};
use crate::{
    block::Block,
    decode::Source,
    error::DspError,
    measure::{Measurement, Meter},
};

pub struct Checked {
    pub measurement: Measurement,
    /// By the crate `ebur128`; minus infinity for silence.
    pub second_meter_lufs: f64,
    pub channels: usize,
    pub bits: Option<u32>,
}

/// Reads `path` back once.
pub fn check(path: &Path, steps: &mut Steps<'_>) -> Result<Checked, DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let mut meter = Meter::new(&spec);
    let no_second = |e: ebur128::Error| {
        DspError::Invalid(format!("the second meter cannot read {}: {e}", path.display()))
    };
    let mut second =
        ebur128::EbuR128::new(spec.channels as u32, spec.sample_rate, ebur128::Mode::I).map_err(no_second)?;
    let mut block = Block::new(spec.channels, 0);
    while source.read(&mut block, BLOCK_FRAMES)? > 0 {
        meter.push(&block);
        let planes: Vec<&[f64]> = block.channels.iter().map(Vec::as_slice).collect();
        second.add_frames_planar_f64(&planes).map_err(no_second)?;
        steps.still()?;
    }
    Ok(Checked {
        measurement: meter.finish(),
        second_meter_lufs: second.loudness_global().map_err(no_second)?,
        channels: spec.channels,
        bits: spec.bits,
    })
}

/// The figures of a source before anything is done to it.
pub fn measure(path: &Path, steps: &mut Steps<'_>) -> Result<Measurement, DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let mut meter = Meter::new(&spec);
    let mut block = Block::new(spec.channels, 0);
    let mut frames = 0u64;
    while source.read(&mut block, BLOCK_FRAMES)? > 0 {
        meter.push(&block);
        frames += block.frames() as u64;
        steps.at(spec.frames.map_or(0.0, |n| frames as f64 / n.max(1) as f64))?;
    }
    Ok(meter.finish())
}

/// Length in bytes and SHA-256 in hexadecimal.
pub fn digest(path: &Path) -> Result<(u64, String), DspError> {
    let failed = |source| DspError::Open { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0u8; 1 << 16], 0u64);
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok((bytes, hex::encode(hasher.finalize())));
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
}
