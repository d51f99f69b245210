//! A sheet without a render: two files that are there, a mix and its master made elsewhere. One streaming pass over each. Never here: drawing.

use std::path::Path;

use super::{OutputTold, Sheet, Side, SideMeter};
use crate::{
    Block, DspError, Flow, Source,
    digest::{Digest, digest_of},
    measure::{Measurement, Meter},
};

const READ_FRAMES: usize = 1 << 13;
/// How much of the work on the master is its digest.
const DIGEST_SHARE: f64 = 0.1;

/// Hears one file. `progress` is asked at every block, from 0 to 1; where the length is not known before the end it stays at 0.
///
/// Errors: those of `Source`, `NotAudio` for a file without a single frame, `Stopped`.
pub fn side_of_file(
    path: &Path,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<(Measurement, Side), DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let (mut meter, mut side) = (Meter::new(&spec), SideMeter::new(&spec));
    let mut block = Block::default();
    while source.read(&mut block, READ_FRAMES)? > 0 {
        meter.push(&block);
        side.push(&block);
        let share = spec.frames.map_or(0.0, |frames| source.position() as f64 / frames.max(1) as f64);
        if progress(share.min(1.0)) == Flow::Stop {
            return Err(DspError::Stopped);
        }
    }
    let (measured, mut side) = side.finish(meter);
    if measured.frames == 0 {
        return Err(DspError::not_audio(path, "it holds no sound"));
    }
    side.file = file_name(path);
    Ok((measured, side))
}

/// The sheet of a master that was made elsewhere: `before` is the mix, `after` the master. What was done between is not known, so there are no
/// steps and no gain reduction; the gain is the change of loudness.
pub fn of_files(
    before: &Path,
    after: &Path,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<Sheet, DspError> {
    let (_, mix) = side_of_file(before, &mut |share| progress(share / 2.0))?;
    let (measured, master) = side_of_file(after, &mut |share| progress(0.5 + share * (0.5 - DIGEST_SHARE)))?;
    let spec = Source::open(after)?.spec().clone();
    let mut go = true;
    let Digest { sha256, .. } = digest_of(after, &mut |share| {
        go = progress(1.0 - DIGEST_SHARE * (1.0 - share)) == Flow::Go;
        if go { Ok(()) } else { Err(DspError::Stopped) }
    })?;
    let encoding = match spec.bits {
        Some(bits) => format!("{}{bits}{}", spec.container, if spec.float { "f" } else { "" }),
        None => spec.codec.to_owned(),
    };
    let output = OutputTold {
        alternate: "main".into(),
        file: master.file.clone(),
        encoding,
        sample_rate: spec.sample_rate,
        channels: spec.channels,
        frames: measured.frames,
        lufs: master.lufs,
        true_peak_dbtp: master.true_peak_dbtp,
        sha256,
    };
    Ok(Sheet {
        title: after.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        gain_db: mix.lufs.zip(master.lufs).map(|(mix, master)| master - mix),
        before: mix,
        after: master,
        outputs: vec![output],
        ..Sheet::default()
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
