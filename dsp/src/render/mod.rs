//! A render: a recipe applied to a main and its alternates. Several streaming passes, bounded memory; the same source, recipe and engine give
//! the same bytes (D-1); the ceiling is held on the written files (D-2). Never here: the studio, delivery names, tags.

use std::path::{Path, PathBuf};

use crate::{
    block::Spec,
    decode::Source,
    dither::Quantiser,
    error::{DspError, Flow},
    measure::Measurement,
    recipe::Recipe,
    write::Encoding,
};

mod check;
mod energy;
mod feed;
mod level;
mod overs;
mod print;
mod report;
mod run;
mod scratch;
mod search;
mod steps;
mod take;

pub use report::{OutputReport, Report};

/// Part of the identity of a render: the number changes when the same source and recipe may give other bytes.
pub const ENGINE: &str = "deadwax-dsp/2";

/// Frames worked on at a time. Any other number gives the same bytes.
const BLOCK_FRAMES: usize = 16_384;
/// What a report calls reached, for files that hold the samples they were given, and for lossy ones, whose encoder moves the level.
const TARGET_TOLERANCE_LU: f64 = 0.02;
const LOSSY_TOLERANCE_LU: f64 = 0.1;
/// Kept free under the ceiling: two honest meters read sound that reaches up to half the rate this differently.
const METER_ROOM_DB: f64 = 0.1;
/// Two meters that differ by more than this cannot both be right.
const METERS_AGREE_LU: f64 = 0.05;
/// From here on limiting is heard; the report says so, and names the loudness with no more than this.
const REDUCTION_WORTH_A_WARNING_DB: f64 = 6.0;
const CLEAN_REDUCTION_DB: f64 = REDUCTION_WORTH_A_WARNING_DB;
/// Nothing that was recorded is louder; such a file holds something else than sound.
const SANE_PEAK_DBFS: f64 = 100.0;
const TOKEN_MAX_CHARS: usize = 120;

/// What to render. Files are named `stem_encoding_rate.ext` and `stem_alternate_encoding_rate.ext` in `out_dir`, which is made if it is not there.
#[derive(Clone, Debug)]
pub struct Job {
    pub main: PathBuf,
    /// Token and file. An alternate gets the main's gain before its own limiter, so that it stays as loud beside the main as it was.
    pub alternates: Vec<(String, PathBuf)>,
    pub recipe: Recipe,
    pub out_dir: PathBuf,
    pub stem: String,
}

/// Where a render stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// For people: "measure", "listen to main", ...
    pub step: String,
    /// Of the whole render, 0 to 1, never falling.
    pub fraction: f64,
}

/// How the work is done; whatever stands here, the bytes are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    pub block_frames: usize,
    /// One or two are used.
    pub threads: usize,
}

impl Default for Way {
    /// As many threads as the machine has for this process.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Way { block_frames: BLOCK_FRAMES, threads }
    }
}

/// Renders. `progress` is called at every block; [`Flow::Stop`] ends the render with [`DspError::Stopped`]. After an error or a stop there are no
/// output files: they get their names at the very end.
pub fn run(job: &Job, progress: &mut dyn FnMut(Progress) -> Flow) -> Result<Report, DspError> {
    run_in(job, Way::default(), progress)
}

/// [`run`] in a given way.
pub fn run_in(job: &Job, way: Way, progress: &mut dyn FnMut(Progress) -> Flow) -> Result<Report, DspError> {
    job.recipe.check()?;
    check_names(job)?;
    let specs = Specs::read(job)?;
    for output in &job.recipe.outputs {
        if !output.encoding.float() {
            // A kind of dither that this rate cannot have is refused before any work is done.
            let rate = output.rate.unwrap_or(specs.main.sample_rate);
            Quantiser::with(specs.main.channels, output.encoding.bits(), output.dither, rate)?;
        }
    }
    std::fs::create_dir_all(&job.out_dir)
        .map_err(|source| DspError::Write { path: job.out_dir.clone(), source })?;
    run::Run::new(job, specs, way, progress)?.finish()
}

/// Names become file names: no path, nothing odd, no two alike.
fn check_names(job: &Job) -> Result<(), DspError> {
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.chars().count() <= TOKEN_MAX_CHARS
            && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'))
    };
    if !plain(&job.stem) {
        return Err(DspError::Invalid(format!("{:?} cannot be the stem of a file name", job.stem)));
    }
    for (i, (token, _)) in job.alternates.iter().enumerate() {
        if !plain(token) || token == MAIN {
            return Err(DspError::Invalid(format!("{token:?} cannot be the token of an alternate")));
        }
        if job.alternates[..i].iter().any(|(other, _)| other == token) {
            return Err(DspError::Invalid(format!("the alternate {token} is there twice")));
        }
    }
    Ok(())
}

const MAIN: &str = "main";

/// What every source claims to be, looked at before any work is done.
struct Specs {
    main: Spec,
    alternates: Vec<Spec>,
}

impl Specs {
    fn read(job: &Job) -> Result<Self, DspError> {
        let main = Self::one(&job.main)?;
        let alternates =
            job.alternates.iter().map(|(_, path)| Self::one(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Specs { main, alternates })
    }

    fn one(path: &Path) -> Result<Spec, DspError> {
        let spec = Source::open(path)?.spec().clone();
        if spec.channels > 2 {
            return Err(DspError::Unsupported {
                path: path.to_owned(),
                what: format!("{} channels; mono and stereo are mastered here", spec.channels),
            });
        }
        Ok(spec)
    }
}

fn refuse_insane(path: &Path, input: &Measurement) -> Result<(), DspError> {
    if input.sample_peak_dbfs > SANE_PEAK_DBFS {
        return Err(DspError::Hostile {
            path: path.to_owned(),
            what: format!("its peak is {:.0} dB over full scale", input.sample_peak_dbfs),
        });
    }
    Ok(())
}

fn tolerance_lu(encoding: &str) -> f64 {
    let lossy = encoding.parse::<Encoding>().is_ok_and(|e| e.lossy());
    if lossy { LOSSY_TOLERANCE_LU } else { TARGET_TOLERANCE_LU }
}
