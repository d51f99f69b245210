//! A file and all that is measured of it, in one pass over its sound and one over its bytes.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    Block, DspError, Flow, Spec,
    decode::Source,
    measure::{Measurement, Meter},
    waveform::{Pyramid, PyramidBuilder},
};

const BLOCK_FRAMES: usize = 8_192;

#[derive(Clone, Debug, PartialEq)]
pub struct FileReport {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: [u8; 32],
    pub spec: Spec,
    pub measurement: Measurement,
}

/// Reads the file once for its digest and once for its sound. `progress` hears a fraction from 0 to 1, as far as the length is known.
pub fn measure_file(
    path: &Path,
    waveform: bool,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<(FileReport, Option<Pyramid>), DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let mut meter = Meter::new(&spec);
    let mut pyramid = waveform.then(|| PyramidBuilder::new(&spec));
    let mut block = Block::new(spec.channels, BLOCK_FRAMES);
    while source.read(&mut block, BLOCK_FRAMES)? > 0 {
        meter.push(&block);
        if let Some(pyramid) = &mut pyramid {
            pyramid.push(&block);
        }
        let fraction =
            spec.frames.map_or(0.0, |frames| (source.position() as f64 / frames.max(1) as f64).min(1.0));
        if progress(fraction) == Flow::Stop {
            return Err(DspError::Stopped);
        }
    }
    if source.position() == 0 {
        return Err(DspError::NotAudio { path: path.to_owned(), what: "it holds no sound".into() });
    }
    let (bytes, sha256) = digest(path)?;
    let report = FileReport { path: path.to_owned(), bytes, sha256, spec, measurement: meter.finish() };
    Ok((report, pyramid.map(PyramidBuilder::finish)))
}

/// Size and SHA-256 of a file's bytes.
pub fn digest(path: &Path) -> Result<(u64, [u8; 32]), DspError> {
    let at_open = |source| DspError::Open { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(at_open)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hash.finalize().into())),
            Ok(got) => {
                hash.update(&buffer[..got]);
                bytes += got as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(at_open(error)),
        }
    }
}

impl FileReport {
    /// One object; the keys are stable. JSON has no infinity: the level of silence is null.
    pub fn to_json(&self) -> Value {
        let (spec, m) = (&self.spec, &self.measurement);
        json!({
            "file": self.path.to_string_lossy(),
            "container": spec.container,
            "codec": spec.codec,
            "sample_rate": spec.sample_rate,
            "channels": spec.channels,
            "bits": spec.bits,
            "float": spec.float,
            "frames": m.frames,
            "bytes": self.bytes,
            "integrated_lufs": level(m.integrated_lufs),
            "loudness_range_lu": level(m.loudness_range_lu),
            "max_momentary_lufs": level(m.max_momentary_lufs),
            "max_short_term_lufs": level(m.max_short_term_lufs),
            "true_peak_dbtp": level(m.true_peak_dbtp),
            "sample_peak_dbfs": level(m.sample_peak_dbfs),
            "dc_offset": m.dc_offset,
            "correlation": m.correlation,
            "head_silence_s": m.head_silence_s,
            "tail_silence_s": m.tail_silence_s,
            "clipped_samples": m.clipped_samples,
            "sha256": hex::encode(self.sha256),
        })
    }
}

fn level(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
