//! Measuring by other means than the studio's: sums and residuals of files, a second loudness meter, a true-peak meter of its own making.
//! Never here: anything that the server or the render measured.

use std::{f64::consts::PI, path::Path};

use anyhow::{Context as _, Result, ensure};
use deadwax_dsp::{Block, Source, block::Spec};

const READ_FRAMES: usize = 1 << 14;

/// Decodes a file to its end.
pub fn each_block(path: &Path, frames: usize, mut take: impl FnMut(&Block) -> Result<()>) -> Result<Spec> {
    let mut source = Source::open(path)?;
    let mut block = Block::default();
    while source.read(&mut block, frames)? > 0 {
        take(&block)?;
    }
    Ok(source.spec().clone())
}

/// All of a file, planar.
pub fn whole(path: &Path) -> Result<(Spec, Vec<Vec<f64>>)> {
    let mut planes: Vec<Vec<f64>> = Vec::new();
    let spec = each_block(path, READ_FRAMES, |block| {
        planes.resize_with(block.channels.len(), Vec::new);
        planes.iter_mut().zip(&block.channels).for_each(|(all, some)| all.extend_from_slice(some));
        Ok(())
    })?;
    Ok((spec, planes))
}

/// Largest magnitude of a - b - c, in dBFS; minus infinity where b + c is a to the bit.
pub fn residual_dbfs(a: &Path, b: &Path, c: &Path) -> Result<f64> {
    let [a, b, c] = [whole(a)?.1, whole(b)?.1, whole(c)?.1];
    let shape = |planes: &[Vec<f64>]| planes.iter().map(Vec::len).collect::<Vec<_>>();
    ensure!(shape(&a) == shape(&b) && shape(&a) == shape(&c), "the files differ in length or channels");
    let mut worst = 0.0f64;
    for ((a, b), c) in a.iter().zip(&b).zip(&c) {
        for ((a, b), c) in a.iter().zip(b).zip(c) {
            worst = worst.max((a - b - c).abs());
        }
    }
    Ok(20.0 * worst.log10())
}

/// Mean level of a stretch, dBFS, all channels.
pub fn rms_dbfs(path: &Path, frames: std::ops::Range<usize>) -> Result<f64> {
    let (_, planes) = whole(path)?;
    let mut sum = 0.0;
    for plane in &planes {
        let part = plane.get(frames.clone()).context("the stretch lies beyond the end")?;
        sum += part.iter().map(|sample| sample * sample).sum::<f64>();
    }
    Ok(10.0 * (sum / (planes.len() * frames.len()) as f64).log10())
}

pub struct Figures {
    pub spec: Spec,
    pub frames: u64,
    pub lufs: f64,
    pub dbtp: f64,
}

/// A file by the crate `ebur128` (loudness) and by [`true_peak`].
pub fn measure(path: &Path) -> Result<Figures> {
    let (spec, planes) = whole(path)?;
    let mut meter = ebur128::EbuR128::new(u32::try_from(spec.channels)?, spec.sample_rate, ebur128::Mode::I)?;
    let views: Vec<&[f64]> = planes.iter().map(Vec::as_slice).collect();
    meter.add_frames_planar_f64(&views)?;
    let peak = planes.iter().map(|plane| true_peak(plane)).fold(0.0, f64::max);
    let frames = planes.first().map_or(0, Vec::len) as u64;
    Ok(Figures { spec, frames, lufs: meter.loudness_global()?, dbtp: 20.0 * peak.log10() })
}

const PHASES: usize = 8;
const HALF: usize = 48;

/// The largest magnitude of the band-limited wave between the samples: a sinc of 96 samples under a Blackman-Harris window (Harris 1978), eight
/// points between two samples. Only where the samples themselves come within 6 dB of the largest is it worth looking.
fn true_peak(plane: &[f64]) -> f64 {
    let mut peak = plane.iter().fold(0.0f64, |most, sample| most.max(sample.abs()));
    let floor = peak / 2.0;
    let bank: Vec<[f64; 2 * HALF]> = (1..PHASES).map(|phase| kernel(phase as f64 / PHASES as f64)).collect();
    let mut window = [0.0; 2 * HALF];
    for at in 0..plane.len().saturating_sub(1) {
        if plane[at].abs().max(plane[at + 1].abs()) < floor {
            continue;
        }
        for (tap, slot) in window.iter_mut().enumerate() {
            *slot =
                (at + tap + 1).checked_sub(HALF).and_then(|index| plane.get(index)).copied().unwrap_or(0.0);
        }
        for taps in &bank {
            let value: f64 = taps.iter().zip(&window).map(|(tap, sample)| tap * sample).sum();
            peak = peak.max(value.abs());
        }
    }
    peak
}

/// Taps for the point `fraction` after the sample in the middle.
fn kernel(fraction: f64) -> [f64; 2 * HALF] {
    let mut taps = [0.0; 2 * HALF];
    for (tap, value) in taps.iter_mut().enumerate() {
        let x = tap as f64 - (HALF as f64 - 1.0) - fraction;
        let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        let turn = PI * x / HALF as f64;
        let window =
            0.35875 + 0.48829 * turn.cos() + 0.14128 * (2.0 * turn).cos() + 0.01168 * (3.0 * turn).cos();
        *value = sinc * window;
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter of the rate, an eighth of a turn off: every sample stands at 0.707, the wave between them reaches 1.
    #[test]
    fn the_meter_finds_the_peak_between_the_samples() {
        let wave: Vec<f64> = (0..4000).map(|i| (PI / 2.0 * f64::from(i) + PI / 4.0).sin()).collect();
        let middle = &wave[..];
        let samples = middle.iter().fold(0.0f64, |most, sample| most.max(sample.abs()));
        assert!((samples - 0.5f64.sqrt()).abs() < 1e-9);
        // The hard edges ring, as they should: only the lower bound is exact there.
        let peak = true_peak(middle);
        assert!((0.999..1.3).contains(&peak), "{peak}");
    }
}
