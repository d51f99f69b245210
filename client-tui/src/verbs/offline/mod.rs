//! Tools that need no server: measure, check, compare, master, sheet, waveform. Built on the sound crate alone; a file that cannot be used ends with
//! exit code 3 and its reason, and the others are still done.

mod alternates;
mod check;
mod compare;
mod desk;
mod master;
mod preflight;
mod sheet;
mod waveform;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use deadwax_dsp::{
    DspError, Flow,
    report::{FileReport, measure_file},
    waveform::Pyramid,
};

pub use self::{check::check, compare::compare, master::master, sheet::sheet, waveform::waveform};
use super::{Context, VerbError, out::Bar, words};

/// One line (or object) a file.
pub fn measure(c: &Context, files: &[PathBuf]) -> Result<(), VerbError> {
    let mut all_read = true;
    for path in files {
        match read(path, false) {
            Ok((report, _)) => c.out.both(&measured(&report), &report.to_json())?,
            Err(e) => all_read &= told(c, path, &e)?,
        }
    }
    if all_read { Ok(()) } else { Err(VerbError::Said(3)) }
}

fn read(path: &Path, waveform: bool) -> Result<(FileReport, Option<Pyramid>), DspError> {
    let bar = Bar::share(&path.file_name().unwrap_or_default().to_string_lossy());
    measure_file(path, waveform, &mut |fraction| {
        bar.step("", fraction);
        Flow::Go
    })
}

/// Tells of a file that cannot be used; with JSON on standard error too. False, for the count.
fn told(c: &Context, path: &Path, error: &DspError) -> Result<bool, VerbError> {
    if matches!(error, DspError::Stopped) {
        return Err(VerbError::no("STOPPED", "Stopped.", ""));
    }
    if c.out.json {
        let object = serde_json::json!({ "file": path.to_string_lossy(), "error": code(error), "text": error.to_string(), "hint": "", "exit_code": 3 });
        c.out.aside(&object.to_string());
    } else {
        c.out.aside(&format!("deadwax: {error}"));
    }
    Ok(false)
}

/// Stable codes, the same words as the server's where it refuses such a file.
fn code(error: &DspError) -> &'static str {
    match error {
        DspError::Open { .. } => "FILE_UNREADABLE",
        DspError::Empty { .. } => "FILE_EMPTY",
        DspError::NotAudio { .. } => "NOT_AUDIO",
        DspError::Hostile { .. } => "AUDIO_HOSTILE",
        DspError::Unsupported { .. } => "AUDIO_UNSUPPORTED",
        DspError::Damaged { .. } => "AUDIO_DAMAGED",
        DspError::Write { .. } => "FILE_UNWRITABLE",
        DspError::Recipe { .. } => "RECIPE_INVALID",
        DspError::Stopped => "STOPPED",
        DspError::Invalid(_) => "INVALID",
    }
}

fn measured(report: &FileReport) -> String {
    let (spec, m) = (&report.spec, &report.measurement);
    let bits = match (spec.bits, spec.float) {
        (Some(bits), true) => format!("{bits} bit float"),
        (Some(bits), false) => format!("{bits} bit"),
        (None, _) => spec.codec.to_owned(),
    };
    let mut text = format!(
        "{}\n  {} LUFS | range {} LU | max M {} | max S {} | true peak {} dBTP | peak {} dBFS\n  {} | {} {} Hz {bits} {} ch | DC {:.5} | correlation {:.2}",
        report.file.display(),
        words::level(m.integrated_lufs),
        words::level(m.loudness_range_lu),
        words::level(m.max_momentary_lufs),
        words::level(m.max_short_term_lufs),
        words::level(m.true_peak_dbtp),
        words::level(m.sample_peak_dbfs),
        words::clock(seconds(report)),
        spec.container,
        spec.sample_rate,
        spec.channels,
        m.dc_offset,
        m.correlation,
    );
    for finding in report.inspection.findings() {
        text += &format!("\n  ! {}", finding.words);
    }
    text
}

fn seconds(report: &FileReport) -> f64 {
    report.measurement.frames as f64 / f64::from(report.spec.sample_rate.max(1))
}

/// True from the moment when the person pressed Ctrl-C: long work asks at every block and cleans up after itself. Without it the process would
/// die with its unfinished files on the disk.
pub(super) fn stop_flag() -> Result<Arc<AtomicBool>, VerbError> {
    let flag = Arc::new(AtomicBool::new(false));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(VerbError::Out)?;
    let set = flag.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                set.store(true, Ordering::Relaxed);
            }
        });
    });
    Ok(flag)
}
