//! What is known of a file: its digest, its kind, its figures; as a value and as JSON. One pass over the sound, one over the bytes.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::decode::Metadata;
use crate::digest::{Digest, digest_of};
use crate::inspect::{Inspection, Inspector, OVERS_LIMIT};
use crate::measure::{Measurement, Meter};
use crate::waveform::{Pyramid, PyramidBuilder};
use crate::{Block, DspError, Flow, Source, Spec};

/// Small enough that a block stays in the cache while meter, inspector and overview look at it.
const READ_FRAMES: usize = 1 << 13;
/// How much of the progress the digest is.
const DIGEST_SHARE: f64 = 0.1;

#[derive(Clone, Debug, PartialEq)]
pub struct FileReport {
    pub file: PathBuf,
    pub bytes: u64,
    /// Of the file's bytes, in hex.
    pub sha256: String,
    pub spec: Spec,
    pub metadata: Metadata,
    pub measurement: Measurement,
    pub inspection: Inspection,
}

/// The keys of `measure --json`. Scripts depend on them: they are added to and never renamed.
#[derive(Serialize)]
struct Line<'a> {
    file: String,
    container: &'a str,
    codec: &'a str,
    sample_rate: u32,
    channels: usize,
    bits: Option<u32>,
    float: bool,
    #[serde(flatten)]
    measurement: &'a Measurement,
    bytes: u64,
    sha256: &'a str,
    inspection: &'a Inspection,
}

impl FileReport {
    /// One object. A level of silence, minus infinity, is `null`; so is `bits` where the coding has none.
    pub fn to_json(&self) -> serde_json::Value {
        let line = Line {
            file: self.file.display().to_string(),
            container: self.spec.container,
            codec: self.spec.codec,
            sample_rate: self.spec.sample_rate,
            channels: self.spec.channels,
            bits: self.spec.bits,
            float: self.spec.float,
            measurement: &self.measurement,
            bytes: self.bytes,
            sha256: &self.sha256,
            inspection: &self.inspection,
        };
        serde_json::to_value(line).expect("plain numbers and strings always become JSON")
    }
}

/// Measures and inspects a file in one pass; with `waveform` the overview is built beside. `progress` is asked at every block, from 0 to 1; where the sound's
/// length is not known before its end, it stays at a tenth.
///
/// Errors: those of `Source`, `NotAudio` for a file without a single frame, `Stopped`.
pub fn measure_file(
    path: &Path,
    waveform: bool,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<(FileReport, Option<Pyramid>), DspError> {
    // The header first: what is no sound is refused before gigabytes are hashed.
    let mut source = Source::open(path)?;
    let Digest { bytes, sha256 } = digest_of(path, &mut |share| still(progress, DIGEST_SHARE * share))?;
    let spec = source.spec().clone();
    let mut meter = Meter::new(&spec).with_overs(OVERS_LIMIT);
    let mut inspector = Inspector::new(&spec);
    let mut pyramid = waveform.then(|| PyramidBuilder::new(&spec));
    let mut block = Block::default();
    while source.read(&mut block, READ_FRAMES)? > 0 {
        meter.push(&block);
        inspector.push(&block);
        let overs = meter.take_overs();
        inspector.add_overs(&overs);
        if let Some(pyramid) = &mut pyramid {
            pyramid.push(&block);
            pyramid.add_overs(&overs);
        }
        let share = spec.frames.map_or(0.0, |frames| source.position() as f64 / frames.max(1) as f64);
        still(progress, DIGEST_SHARE + (1.0 - DIGEST_SHARE) * share.min(1.0))?;
    }
    let overs = meter.last_overs();
    inspector.add_overs(&overs);
    if let Some(pyramid) = &mut pyramid {
        pyramid.add_overs(&overs);
        pyramid.set_loudness(&meter.loudness().short_term_lufs());
    }
    let measurement = meter.finish();
    if measurement.frames == 0 {
        return Err(DspError::not_audio(path, "it holds no sound"));
    }
    let inspection = inspector.finish(&measurement);
    let metadata = source.metadata().clone();
    let report = FileReport { file: path.to_owned(), bytes, sha256, spec, metadata, measurement, inspection };
    Ok((report, pyramid.map(PyramidBuilder::finish)))
}

fn still(progress: &mut dyn FnMut(f64) -> Flow, fraction: f64) -> Result<(), DspError> {
    match progress(fraction) {
        Flow::Go => Ok(()),
        Flow::Stop => Err(DspError::Stopped),
    }
}
