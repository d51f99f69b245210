//! Copies that can only be told apart by how they sound: equally loud, equally long, one rate, one word length, no tag, no name. Nothing is ever
//! made louder, and nothing comes out above -1 dBTP. Never here: which copy is whose.

use std::path::{Path, PathBuf};

use deadwax_dsp::{
    Block, DspError, Source, Spec, dither::Quantiser, measure::Meter, resample::Resampler,
    write::AudioWriter, write::Encoding,
};

use crate::verbs::VerbError;

const PEAK_MAX_DBTP: f64 = -1.0;
/// More than this apart they are not equally loud any more.
const APART_MAX_LU: f64 = 0.1;
const BITS: u32 = 24;
const READ_FRAMES: usize = 1 << 13;

/// What a mix measures, as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: PathBuf,
    spec: Spec,
    frames: u64,
    integrated_lufs: f64,
    true_peak_dbtp: f64,
}

impl Heard {
    /// How long it is at another rate.
    fn frames_at(&self, rate: u32) -> u64 {
        let from = u128::from(self.spec.sample_rate.max(1));
        u64::try_from((u128::from(self.frames) * u128::from(rate)).div_ceil(from)).unwrap_or(u64::MAX)
    }
}

/// What all copies have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Common {
    pub lufs: f64,
    pub rate: u32,
    pub frames: u64,
}

pub fn listen(path: &Path) -> Result<Heard, DspError> {
    listen_until(path, u64::MAX)
}

/// Hears no more than so many frames.
fn listen_until(path: &Path, frames_max: u64) -> Result<Heard, DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let mut meter = Meter::new(&spec);
    let mut block = Block::new(spec.channels, 0);
    while source.position() < frames_max && source.read(&mut block, READ_FRAMES)? > 0 {
        let over = source.position().saturating_sub(frames_max);
        let keep = block.frames().saturating_sub(usize::try_from(over).unwrap_or(usize::MAX));
        block.channels.iter_mut().for_each(|plane| plane.truncate(keep));
        meter.push(&block);
    }
    let measured = meter.finish();
    Ok(Heard {
        path: path.to_owned(),
        spec,
        frames: measured.frames,
        integrated_lufs: measured.integrated_lufs,
        true_peak_dbtp: measured.true_peak_dbtp,
    })
}

/// The level of the quietest, lower still where a peak would stand out; the highest rate; the longest.
///
/// Errors, none of which says which mix it is: a mix that is silent, or channels that differ.
pub fn common(mixes: &[Heard]) -> Result<Common, VerbError> {
    let no = |text: &str, hint: &str| Err(VerbError::no("CANNOT_BE_MATCHED", text, hint));
    if mixes.iter().any(|m| !m.integrated_lufs.is_finite()) {
        return no(
            "One of the mixes has no loudness: it is silent, or shorter than 0.4 s.",
            "Ask its engineer for a new version.",
        );
    }
    let mut channels = mixes.iter().map(|m| m.spec.channels);
    let first = channels.next();
    if channels.any(|c| Some(c) != first) {
        return no(
            "One of the mixes has another number of channels: everybody would hear which it is.",
            "Ask its engineer for a version of the same kind, or compare with `deadwax pull`.",
        );
    }
    let rate = mixes.iter().map(|m| m.spec.sample_rate).max().unwrap_or(0);
    // A gain that keeps the peak under the limit allows at most this level.
    let most = |m: &Heard| m.integrated_lufs + (PEAK_MAX_DBTP - m.true_peak_dbtp).min(0.0);
    Ok(Common {
        lufs: mixes.iter().map(most).fold(f64::INFINITY, f64::min),
        rate,
        frames: mixes.iter().map(|m| m.frames_at(rate)).max().unwrap_or(0),
    })
}

/// Writes the copy and hears it again: a file that is not as loud as it must be is an error, never an answer.
pub fn write(mix: &Heard, common: &Common, to: &Path) -> Result<(), DspError> {
    let gain = 10f64.powf((common.lufs - mix.integrated_lufs) / 20.0);
    let channels = mix.spec.channels;
    let mut source = Source::open(&mix.path)?;
    let mut resampler = Resampler::new(channels, mix.spec.sample_rate, common.rate)?;
    let writer = AudioWriter::create(to, Encoding::Wav24, common.rate, channels, None)?;
    let mut copy = Copy { writer, quantiser: Quantiser::new(channels, BITS), left: common.frames, gain };
    let mut read = Block::new(channels, 0);
    let mut ready = Block::new(channels, 0);
    while source.read(&mut read, READ_FRAMES)? > 0 {
        ready.clear();
        resampler.push(&read, &mut ready)?;
        copy.take(&mut ready)?;
    }
    ready.clear();
    resampler.finish(&mut ready)?;
    copy.take(&mut ready)?;
    // The shorter ones go on in silence, dithered like the rest: a length would tell which it is.
    while copy.left > 0 {
        let count = copy.left.min(READ_FRAMES as u64) as usize;
        let mut silence = Block::new(channels, count);
        copy.take(&mut silence)?;
    }
    copy.writer.finish()?;
    // The sound alone: where it runs into the silence behind it, the meter would count it as quieter than it is heard.
    let sound = mix.frames_at(common.rate);
    let apart = listen_until(to, sound)?.integrated_lufs - common.lufs;
    if apart.abs() <= APART_MAX_LU {
        return Ok(());
    }
    Err(DspError::Invalid(format!("a copy came out {apart:.2} LU apart from the others and was given up")))
}

struct Copy {
    writer: AudioWriter,
    quantiser: Quantiser,
    left: u64,
    gain: f64,
}

impl Copy {
    fn take(&mut self, block: &mut Block) -> Result<(), DspError> {
        let count = (block.frames() as u64).min(self.left) as usize;
        for channel in &mut block.channels {
            channel.truncate(count);
            channel.iter_mut().for_each(|sample| *sample *= self.gain);
        }
        if count == 0 {
            return Ok(());
        }
        self.left -= count as u64;
        self.quantiser.process(block);
        self.writer.write(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A chord that swells and falls, at this peak, with this many seconds.
    fn mix(path: &Path, rate: u32, seconds: f64, peak_dbfs: f64, encoding: Encoding) {
        let frames = (seconds * f64::from(rate)) as usize;
        let peak = 10f64.powf(peak_dbfs / 20.0) / 2.0;
        let at = |n: usize, hz: f64| (TAU * hz * n as f64 / f64::from(rate)).sin();
        let plane =
            |hz: f64| (0..frames).map(|n| peak * (at(n, hz) + at(n, hz * 3.0) * at(n, 0.5))).collect();
        let mut writer = AudioWriter::create(path, encoding, rate, 2, None).unwrap();
        writer.write(&Block { channels: vec![plane(220.0), plane(331.0)] }).unwrap();
        writer.finish().unwrap();
    }

    fn copies(folder: &Path, mixes: &[Heard]) -> (Common, Vec<Heard>) {
        let common = common(mixes).unwrap();
        let copies = mixes.iter().enumerate().map(|(i, mix)| {
            let to = folder.join(format!("copy{i}.wav"));
            write(mix, &common, &to).unwrap();
            let whole = listen(&to).unwrap();
            assert_eq!(whole.frames, common.frames);
            listen_until(&to, mix.frames_at(common.rate)).unwrap()
        });
        (common, copies.collect())
    }

    #[test]
    fn copies_are_equally_loud_equally_long_and_never_louder_than_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mix(&at("a"), 48_000, 3.0, -3.0, Encoding::Wav16);
        mix(&at("b"), 44_100, 2.5, -15.0, Encoding::Flac24);
        mix(&at("c"), 48_000, 2.8, 4.0, Encoding::Wav32f);
        let mixes: Vec<Heard> = ["a", "b", "c"].map(|n| listen(&at(n)).unwrap()).into();
        let (common, copies) = copies(folder.path(), &mixes);
        assert_eq!((common.rate, common.frames), (48_000, 144_000));
        let sizes: Vec<u64> = copies.iter().map(|c| std::fs::metadata(&c.path).unwrap().len()).collect();
        for (copy, source) in copies.iter().zip(&mixes) {
            assert!((copy.integrated_lufs - common.lufs).abs() < 0.1, "{copy:?} {common:?}");
            assert!(copy.integrated_lufs < source.integrated_lufs + 0.01, "{source:?} was made louder");
            assert!(copy.true_peak_dbtp < PEAK_MAX_DBTP + 0.05, "{copy:?}");
            assert_eq!((&copy.spec.bits, copy.spec.float), (&Some(24), false));
        }
        assert!(sizes.iter().all(|s| *s == sizes[0]), "{sizes:?}");
        let quietest = mixes.iter().map(|m| m.integrated_lufs).fold(f64::INFINITY, f64::min);
        assert!((common.lufs - quietest).abs() < 1e-9, "b is the quietest and has room");
    }

    #[test]
    fn a_quietest_mix_with_peaks_brings_all_of_them_down() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mix(&at("a"), 48_000, 2.0, -0.1, Encoding::Wav24);
        mix(&at("b"), 48_000, 2.0, 0.0, Encoding::Wav32f);
        let mixes: Vec<Heard> = ["a", "b"].map(|n| listen(&at(n)).unwrap()).into();
        assert!(mixes[0].true_peak_dbtp > PEAK_MAX_DBTP, "{mixes:?}");
        let (common, copies) = copies(folder.path(), &mixes);
        assert!(common.lufs < mixes[0].integrated_lufs);
        assert!(copies.iter().all(|c| c.true_peak_dbtp < PEAK_MAX_DBTP + 0.05), "{copies:?}");
    }

    #[test]
    fn what_cannot_be_matched_is_refused_without_saying_which_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mix(&at("a"), 48_000, 2.0, -6.0, Encoding::Wav24);
        mix(&at("b"), 48_000, 0.2, -6.0, Encoding::Wav24);
        let mut writer = AudioWriter::create(&at("c"), Encoding::Wav24, 48_000, 1, None).unwrap();
        writer
            .write(&Block {
                channels: vec![(0..96_000).map(|n| (f64::from(n) / 20.0).sin() / 4.0).collect()],
            })
            .unwrap();
        writer.finish().unwrap();
        let heard = |name: &str| listen(&at(name)).unwrap();
        for other in ["b", "c"] {
            let error = common(&[heard("a"), heard(other)]).unwrap_err();
            assert_eq!((error.reason(), error.exit_code()), ("CANNOT_BE_MATCHED", 1));
            assert!(!error.hint().is_empty() && !error.to_string().contains('X'));
        }
    }
}
