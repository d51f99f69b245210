//! A stem that nobody printed: what one file has more than another of the same session. The main without its TV mix is the lead vocal; the TV mix without
//! the instrumental are the background vocals. Never here: which files stand so to each other.

use std::path::Path;

use crate::{
    block::Block,
    decode::Source,
    error::{DspError, Flow},
    write::{AudioWriter, Encoding},
};

const BLOCK_FRAMES: usize = 16_384;

/// Writes `whole` - `part` to `out`, as 32-bit float, as long as the longer of the two. `progress` is asked at every block.
///
/// Errors: those of `Source` and the writer; `Invalid` where the two differ in rate or channels; `Stopped`.
pub fn difference(
    whole: &Path,
    part: &Path,
    out: &Path,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<(), DspError> {
    let (mut from, mut taken) = (Source::open(whole)?, Source::open(part)?);
    let (spec, other) = (from.spec().clone(), taken.spec().clone());
    if (spec.sample_rate, spec.channels) != (other.sample_rate, other.channels) {
        return Err(DspError::Invalid(format!(
            "{} ({} Hz, {} channels) cannot be taken from {} ({} Hz, {} channels); give files of one session",
            part.display(),
            other.sample_rate,
            other.channels,
            whole.display(),
            spec.sample_rate,
            spec.channels
        )));
    }
    let mut writer = AudioWriter::create(out, Encoding::Wav32f, spec.sample_rate, spec.channels, None)?;
    let (mut a, mut b) = (Block::new(spec.channels, 0), Block::new(spec.channels, 0));
    let mut frames = 0u64;
    loop {
        let read = read_whole(&mut from, &mut a)?.max(read_whole(&mut taken, &mut b)?);
        if read == 0 {
            break;
        }
        for (a, b) in a.channels.iter_mut().zip(&mut b.channels) {
            a.resize(read, 0.0);
            b.resize(read, 0.0);
            a.iter_mut().zip(b).for_each(|(a, b)| *a -= *b);
        }
        writer.write(&a)?;
        frames += read as u64;
        let part = spec.frames.map_or(0.0, |all| (frames as f64 / all.max(1) as f64).min(1.0));
        if progress(part) == Flow::Stop {
            return Err(DspError::Stopped);
        }
    }
    writer.finish()?;
    Ok(())
}

/// A block of the full length, unless the file ends: a decoder may give less at a time, and the two must keep step.
fn read_whole(source: &mut Source, block: &mut Block) -> Result<usize, DspError> {
    block.clear();
    let mut some = Block::default();
    while block.frames() < BLOCK_FRAMES && source.read(&mut some, BLOCK_FRAMES - block.frames())? > 0 {
        for (all, some) in block.channels.iter_mut().zip(&some.channels) {
            all.extend_from_slice(some);
        }
    }
    Ok(block.frames())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(path: &Path, rate: u32, planes: Vec<Vec<f64>>) {
        let mut writer = AudioWriter::create(path, Encoding::Wav32f, rate, planes.len(), None).unwrap();
        writer.write(&Block { channels: planes }).unwrap();
        writer.finish().unwrap();
    }

    #[test]
    fn what_a_main_has_more_than_its_tv_mix_is_the_lead() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let band: Vec<f64> = (0..40_000).map(|i| f64::from(i % 100) / 256.0).collect();
        let lead: Vec<f64> =
            (0..40_000).map(|i| if i < 30_000 { f64::from(i % 7) / 64.0 } else { 0.0 }).collect();
        let main: Vec<f64> = band.iter().zip(&lead).map(|(a, b)| a + b).collect();
        save(&path("main.wav"), 48_000, vec![main; 2]);
        save(&path("tv.wav"), 48_000, vec![band[..35_000].to_vec(); 2]);
        difference(&path("main.wav"), &path("tv.wav"), &path("lead.wav"), &mut |_| Flow::Go).unwrap();
        let (mut source, mut block) = (Source::open(&path("lead.wav")).unwrap(), Block::default());
        let mut found = Vec::new();
        while source.read(&mut block, 999).unwrap() > 0 {
            found.extend_from_slice(&block.channels[1]);
        }
        assert_eq!(found[..35_000], lead[..35_000]);
        assert_eq!(found[35_000..], band[35_000..], "where the TV mix has ended, nothing is taken away");
        save(&path("other.wav"), 44_100, vec![vec![0.0; 10]; 2]);
        let wrong = difference(&path("main.wav"), &path("other.wav"), &path("x.wav"), &mut |_| Flow::Go);
        assert!(matches!(wrong, Err(DspError::Invalid(_))));
    }
}
