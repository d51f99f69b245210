//! A copy of a sound for listening: MP3 at 320 kbit/s, as long as the original to the frame. Never here: what anybody signs or delivers.

use std::path::Path;

use crate::{
    Block, DspError, Flow, Source,
    resample::Resampler,
    write::{AudioWriter, Encoding},
};

const READ_FRAMES: usize = 1 << 14;
/// What MP3 holds of the rates that studios use; others come down to one of the two.
const RATES_HZ: [u32; 6] = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000];

/// The rate that a copy of sound at this rate has.
pub fn rate_of(sample_rate: u32) -> u32 {
    if RATES_HZ.contains(&sample_rate) {
        sample_rate
    } else if sample_rate.is_multiple_of(11_025) {
        44_100
    } else {
        48_000
    }
}

/// Writes the copy, whole or not at all, and gives its frames at its own rate. At the original's rate they are as many.
///
/// Errors: those of `Source`, `Write`, `Invalid` for more than two channels and where this program was built without MP3, `Stopped`.
pub fn copy(from: &Path, to: &Path, progress: &mut dyn FnMut() -> Flow) -> Result<u64, DspError> {
    let mut source = Source::open(from)?;
    let spec = source.spec().clone();
    let rate = rate_of(spec.sample_rate);
    let mut resampler = Resampler::new(spec.channels, spec.sample_rate, rate)?;
    let mut writer = AudioWriter::create(to, Encoding::Mp3_320, rate, spec.channels, None)?;
    let (mut block, mut out) = (Block::default(), Block::default());
    let mut frames = 0;
    loop {
        let is_end = source.read(&mut block, READ_FRAMES)? == 0;
        out.channels.iter_mut().for_each(Vec::clear);
        if is_end {
            resampler.finish(&mut out)?;
        } else {
            resampler.push(&block, &mut out)?;
        }
        if out.frames() > 0 {
            writer.write(&out)?;
            frames += out.frames() as u64;
        }
        if is_end {
            break;
        }
        if progress() == Flow::Stop {
            return Err(DspError::Stopped);
        }
    }
    if frames == 0 {
        return Err(DspError::not_audio(from, "it holds no sound"));
    }
    writer.finish()?;
    Ok(frames)
}
