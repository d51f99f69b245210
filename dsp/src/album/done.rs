//! The sidecar of a finished file: `NAME.done`, with what the file was made from and what was found in it. Where it stands beside the file, and the file
//! is still what it says, the file is not made again. Never here: sound.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Job, Made, TrackMark,
    layout::{Known, OutputPlan},
};
use crate::{DspError, digest::digest_of, measure::Measurement};

pub(super) const ENDING: &str = ".done";
/// Raised where the same job makes other bytes than before, or where the sidecar says other things.
const ENGINE: u32 = 3;
/// A sidecar has some hundred bytes and a hundred for each track.
const BYTES_MAX: u64 = 1 << 20;

/// What stands in a sidecar. Figures are words, because JSON has no minus infinity.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    /// Digest over all that the bytes of the file follow from.
    job: String,
    sha256: String,
    bytes: u64,
    frames: u64,
    exact: bool,
    over_full_scale: u64,
    overs: Vec<(usize, u64)>,
    /// In the order of [`Measurement`].
    figures: [String; 10],
    clipped_samples: u64,
    dual_mono: bool,
    tracks: Vec<TrackMark>,
}

pub(super) fn path_of(out_dir: &Path, name: &str) -> PathBuf {
    out_dir.join(format!("{name}{ENDING}"))
}

/// The sidecar's key of a file: its number in the output, the output, and the whole record. Names are no part of it: they change no byte.
pub(super) fn key(job: &Job, known: &[Known], output: usize, plan: &OutputPlan, file: usize) -> String {
    let mut sum = Sha256::new();
    let mut say = |words: String| {
        sum.update((words.len() as u64).to_le_bytes());
        sum.update(words);
    };
    say(format!("album {ENGINE} {}", env!("CARGO_PKG_VERSION")));
    for (song, known) in job.songs.iter().zip(known) {
        say(known.sha256.clone());
        let joints = (song.gap_ms, song.crossfade_ms, song.fade_in_ms, song.fade_out_ms);
        let shape = song.shape.token();
        say(format!(
            "{:?} {joints:?} {shape} {} {}",
            (song.trim_in_ms, song.trim_out_ms),
            song.gain_cb,
            song.hidden
        ));
    }
    say(format!("{:016x}", job.album_gain_db.to_bits()));
    let cut = &job.outputs[output].cut;
    say(format!("{cut:?} {} {} {} {}", plan.encoding, plan.sample_rate, plan.dither, plan.files.len()));
    say(format!("{file} {:?}", plan.files[file].bext));
    hex::encode(sum.finalize())
}

/// What is known of a file that stands finished already.
pub(super) fn standing(
    out_dir: &Path,
    plan: &OutputPlan,
    file: usize,
    key: &str,
    still: &mut dyn FnMut() -> Result<(), DspError>,
) -> Result<Option<Made>, DspError> {
    let name = &plan.files[file].name;
    let Some(said) = read(&path_of(out_dir, name)).filter(|said| said.job == key) else { return Ok(None) };
    let Some(measurement) = said.measurement() else { return Ok(None) };
    let there = match digest_of(&out_dir.join(name), &mut |_| still()) {
        Ok(there) => there,
        Err(DspError::Stopped) => return Err(DspError::Stopped),
        // Gone or unreadable: it is made anew.
        Err(_) => return Ok(None),
    };
    let same = (there.bytes, &there.sha256) == (said.bytes, &said.sha256);
    Ok(same.then(|| Made {
        name: name.clone(),
        encoding: plan.encoding,
        sample_rate: plan.sample_rate,
        frames: said.frames,
        bytes: said.bytes,
        sha256: said.sha256,
        exact: said.exact,
        over_full_scale: said.over_full_scale,
        overs: said.overs,
        measurement,
        tracks: said.tracks,
        resumed: true,
    }))
}

fn read(path: &Path) -> Option<Sidecar> {
    let about = fs::metadata(path).ok()?;
    let text = (about.is_file() && about.len() <= BYTES_MAX).then(|| fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}

/// Says that a file is finished. Errors: `Write`.
pub(super) fn write(out_dir: &Path, key: &str, made: &Made) -> Result<(), DspError> {
    let path = path_of(out_dir, &made.name);
    let at_write = |source| DspError::write(&path, source);
    let text = serde_json::to_vec_pretty(&Sidecar::of(key, made))
        .map_err(|error| DspError::Invalid(format!("a sidecar cannot be written: {error}")))?;
    let folder = path.parent().unwrap_or(out_dir);
    let mut part = tempfile::Builder::new();
    let mut part = part.prefix(".deadwax-").suffix(".part").tempfile_in(folder).map_err(at_write)?;
    part.write_all(&text).map_err(at_write)?;
    part.as_file().sync_data().map_err(at_write)?;
    part.persist(&path).map_err(|error| at_write(error.error))?;
    Ok(())
}

/// Takes the sidecars of a record away, once its files are where they belong. Errors: `Write`.
pub fn clear_marks(job: &Job) -> Result<(), DspError> {
    for name in job.names() {
        let path = path_of(&job.out_dir, name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DspError::write(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Sidecar {
    fn of(key: &str, made: &Made) -> Sidecar {
        let it = &made.measurement;
        let figures = [
            it.integrated_lufs,
            it.loudness_range_lu,
            it.max_momentary_lufs,
            it.max_short_term_lufs,
            it.true_peak_dbtp,
            it.sample_peak_dbfs,
            it.dc_offset,
            it.correlation,
            it.head_silence_s,
            it.tail_silence_s,
        ];
        Sidecar {
            job: key.to_owned(),
            sha256: made.sha256.clone(),
            bytes: made.bytes,
            frames: made.frames,
            exact: made.exact,
            over_full_scale: made.over_full_scale,
            overs: made.overs.clone(),
            figures: figures.map(|figure| format!("{figure:?}")),
            clipped_samples: it.clipped_samples,
            dual_mono: it.dual_mono,
            tracks: made.tracks.clone(),
        }
    }

    /// `None` where a figure is none.
    fn measurement(&self) -> Option<Measurement> {
        let mut figures = [0.0; 10];
        for (figure, word) in figures.iter_mut().zip(&self.figures) {
            *figure = word.parse().ok()?;
        }
        let [integrated, range, momentary, short_term, true_peak, peak, dc, correlation, head, tail] =
            figures;
        Some(Measurement {
            frames: self.frames,
            integrated_lufs: integrated,
            loudness_range_lu: range,
            max_momentary_lufs: momentary,
            max_short_term_lufs: short_term,
            true_peak_dbtp: true_peak,
            sample_peak_dbfs: peak,
            dc_offset: dc,
            correlation,
            head_silence_s: head,
            tail_silence_s: tail,
            clipped_samples: self.clipped_samples,
            dual_mono: self.dual_mono,
        })
    }
}
