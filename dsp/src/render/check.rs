//! The judgement of a written file, from the file itself: its figures, its loudness by a second meter, its digest. Several files, and the two
//! meters of one file, may be worked on by two threads; the figures are the same. Never here: what follows from a judgement.

use std::{
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

use super::{BLOCK_FRAMES, METERS_AGREE_LU, steps::Steps};
use crate::{
    block::{Block, Spec},
    decode::Source,
    digest::{Digest, digest},
    error::DspError,
    measure::{Measurement, Meter},
};

/// Blocks that one thread may be ahead of the other.
const AHEAD: usize = 4;

pub struct Checked {
    pub measurement: Measurement,
    /// By the crate `ebur128`; minus infinity for silence.
    pub second_meter_lufs: f64,
    pub sample_rate: u32,
    pub channels: usize,
    pub bits: Option<u32>,
    pub bytes: u64,
    pub sha256: String,
}

impl Checked {
    pub fn meters_agree(&self) -> bool {
        let (a, b) = (self.measurement.integrated_lufs, self.second_meter_lufs);
        // The second meter rounds its steps of 100 ms to whole frames: at rates that ten does not divide, a sound that just holds one gating block
        // has none there.
        let second_block_frames = 4 * u64::from((self.sample_rate + 5) / 10);
        if b == f64::NEG_INFINITY && self.measurement.frames < second_block_frames {
            return true;
        }
        // At the absolute gate a block counts for one and not for the other by the last bit, and silence goes by two names.
        (a - b).abs() <= METERS_AGREE_LU || (a <= -69.9 && b <= -69.9)
    }
}

/// Reads every file back once.
pub fn check(paths: &[PathBuf], threads: usize, steps: &mut Steps<'_>) -> Result<Vec<Checked>, DspError> {
    let share = |done: usize| done as f64 / paths.len().max(1) as f64;
    if threads < 2 {
        let mut done = Vec::new();
        for path in paths {
            let figures = measure_twice(path, &mut || steps.still())?;
            done.push(figures.with(digest(path)?));
            steps.at(share(done.len()))?;
        }
        return Ok(done);
    }
    let stop = AtomicBool::new(false);
    let still = || if stop.load(Ordering::Relaxed) { Err(DspError::Stopped) } else { Ok(()) };
    thread::scope(|scope| {
        let mut done = Vec::new();
        for pair in paths.chunks(2) {
            let judge = |path: &PathBuf, apart: bool| {
                let figures =
                    if apart { measure_apart(path, &still)? } else { measure_twice(path, &mut || still())? };
                Ok(figures.with(digest(path)?))
            };
            let handles: Vec<_> =
                pair.iter().map(|path| scope.spawn(move || judge(path, pair.len() == 1))).collect();
            while handles.iter().any(|h| !h.is_finished()) {
                if let Err(stopped) = steps.still() {
                    stop.store(true, Ordering::Relaxed);
                    return Err(stopped);
                }
                thread::sleep(std::time::Duration::from_millis(2));
            }
            for handle in handles {
                done.push(
                    handle
                        .join()
                        .map_err(|_| DspError::Invalid("the check of a file broke off".into()))??,
                );
            }
            if let Err(stopped) = steps.at(share(done.len())) {
                stop.store(true, Ordering::Relaxed);
                return Err(stopped);
            }
        }
        Ok(done)
    })
}

struct Figures {
    spec: Spec,
    measurement: Measurement,
    second_meter_lufs: f64,
}

impl Figures {
    fn with(self, Digest { bytes, sha256 }: Digest) -> Checked {
        Checked {
            measurement: self.measurement,
            second_meter_lufs: self.second_meter_lufs,
            sample_rate: self.spec.sample_rate,
            channels: self.spec.channels,
            bits: self.spec.bits,
            bytes,
            sha256,
        }
    }
}

struct Second<'a> {
    meter: ebur128::EbuR128,
    path: &'a Path,
}

impl<'a> Second<'a> {
    fn new(spec: &Spec, path: &'a Path) -> Result<Self, DspError> {
        ebur128::EbuR128::new(spec.channels as u32, spec.sample_rate, ebur128::Mode::I)
            .map(|meter| Second { meter, path })
            .map_err(|e| Self::failed(path, &e))
    }

    fn failed(path: &Path, e: &ebur128::Error) -> DspError {
        DspError::Invalid(format!("the second meter cannot read {}: {e}", path.display()))
    }

    fn push(&mut self, block: &Block) -> Result<(), DspError> {
        let planes: Vec<&[f64]> = block.channels.iter().map(Vec::as_slice).collect();
        self.meter.add_frames_planar_f64(&planes).map_err(|e| Self::failed(self.path, &e))
    }

    fn lufs(&self) -> Result<f64, DspError> {
        self.meter.loudness_global().map_err(|e| Self::failed(self.path, &e))
    }
}

fn measure_twice(path: &Path, still: &mut dyn FnMut() -> Result<(), DspError>) -> Result<Figures, DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let (mut meter, mut second) = (Meter::new(&spec), Second::new(&spec, path)?);
    let mut block = Block::new(spec.channels, 0);
    while source.read(&mut block, BLOCK_FRAMES)? > 0 {
        meter.push(&block);
        second.push(&block)?;
        still()?;
    }
    Ok(Figures { spec, measurement: meter.finish(), second_meter_lufs: second.lufs()? })
}

/// The second meter on a thread of its own.
fn measure_apart(path: &Path, still: &dyn Fn() -> Result<(), DspError>) -> Result<Figures, DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let (mut meter, mut second) = (Meter::new(&spec), Second::new(&spec, path)?);
    thread::scope(|scope| {
        let (to, from) = sync_channel::<Block>(AHEAD);
        let other = scope.spawn(move || {
            for block in from {
                second.push(&block)?;
            }
            second.lufs()
        });
        let mut block = Block::new(spec.channels, 0);
        while source.read(&mut block, BLOCK_FRAMES)? > 0 {
            meter.push(&block);
            // A receiver that is gone has an error to tell, below.
            if to.send(std::mem::take(&mut block)).is_err() {
                break;
            }
            still()?;
        }
        drop(to);
        let second_meter_lufs =
            other.join().map_err(|_| DspError::Invalid("the second meter broke off".into()))??;
        Ok(Figures { spec, measurement: meter.finish(), second_meter_lufs })
    })
}
