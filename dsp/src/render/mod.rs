//! A render: a recipe applied to a main and its alternates. Several streaming passes, bounded memory; the same source, recipe and engine give
//! the same bytes (D-1); the ceiling is held on the written files (D-2); what the dynamics and the limiter do to the main they do to its
//! alternates, so that these still add up (D-4). Never here: the studio, delivery names, tags.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    block::Spec,
    decode::Source,
    dither::Quantiser,
    error::{DspError, Flow},
    measure::Measurement,
    processors::insert::Allowed,
    recipe::Recipe,
    write::Encoding,
};

mod batch;
mod check;
mod copy;
pub mod desk;
mod energy;
mod explain;
mod fault;
mod hear;
mod level;
mod others;
mod overs;
mod print;
mod reel;
mod report;
mod run;
mod scratch;
mod search;
mod share;
mod steps;
mod summary;
mod sums;
mod take;
mod watch;

pub use report::{AlternateReport, Guarded, OutputReport, Place, Report, StepReport, SumReport, SummedFiles};

/// Part of the identity of a render: the number changes when the same source and recipe may give other bytes.
pub const ENGINE: &str = "deadwax-dsp/3";

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
    pub alternates: Vec<Alternate>,
    /// Sets of tokens whose sources are meant to add up to the main: instrumental and a cappella. The report tells how well they do.
    pub sums: Vec<Vec<String>>,
    pub recipe: Recipe,
    pub out_dir: PathBuf,
    pub stem: String,
    /// The report tells what each step did to the main, and carries a sheet. It costs some meters more.
    pub explain: bool,
    /// A folder for the main's sound behind every step of the chain, as 32-bit float WAV: `01_eq.wav`.
    pub write_steps: Option<PathBuf>,
    /// Commands that inserts of the recipe may run; none unless the operator says so.
    pub allowed: Allowed,
}

impl Job {
    /// A main alone.
    pub fn new(main: PathBuf, recipe: Recipe, out_dir: PathBuf, stem: String) -> Self {
        Job {
            main,
            alternates: Vec::new(),
            sums: Vec::new(),
            recipe,
            out_dir,
            stem,
            explain: false,
            write_steps: None,
            allowed: Allowed::default(),
        }
    }
}

/// A file beside the main.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternate {
    pub token: String,
    pub path: PathBuf,
    pub role: Role,
}

/// What an alternate is to its main.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Something that the main is made of: instrumental, TV, a cappella, a stem. It gets the main's gains, and the limiter holds it too.
    #[default]
    Part,
    /// The whole song with another balance or other words: vocal up, clean. It gets the main's gains and never changes the main.
    Whole,
    /// Cut to another length, so that its time is not the main's: radio edit, extended, sting. It gets the main's recipe and gain, goes through the
    /// chain by itself, and keeps its length.
    Edit,
}

impl Role {
    pub fn token(self) -> &'static str {
        match self {
            Role::Part => "part",
            Role::Whole => "whole",
            Role::Edit => "edit",
        }
    }
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
    batch::must_differ(&job.recipe, specs.main.sample_rate)?;
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
    for (i, Alternate { token, .. }) in job.alternates.iter().enumerate() {
        if !plain(token) || token == MAIN {
            return Err(DspError::Invalid(format!("{token:?} cannot be the token of an alternate")));
        }
        if job.alternates[..i].iter().any(|other| other.token == *token) {
            return Err(DspError::Invalid(format!("the alternate {token} is there twice")));
        }
    }
    for token in job.sums.iter().flatten() {
        if !job.alternates.iter().any(|a| a.token == *token && a.role != Role::Edit) {
            return Err(DspError::Invalid(format!("{token} is no alternate that can add up to the main")));
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
        let alternates = job.alternates.iter().map(|a| Self::one(&a.path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Specs { main, alternates })
    }

    /// Of the main, or of an alternate by its token.
    fn of(&self, token: &str, job: &Job) -> &Spec {
        let at = job.alternates.iter().position(|a| a.token == token);
        at.and_then(|i| self.alternates.get(i)).unwrap_or(&self.main)
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

fn tolerance_lu(encoding: Encoding) -> f64 {
    if encoding.lossy() { LOSSY_TOLERANCE_LU } else { TARGET_TOLERANCE_LU }
}
