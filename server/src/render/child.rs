//! What runs inside the child: `child inspect`, `child window`, `child copy`, `child compare`, `child examine` (its work stands in `examine::hear`), `child render`,
//! `child record` (in `record::child`) and `child confined`. It limits itself before it opens anything, reaches the files of its job alone, speaks JSON lines on
//! standard output and dies with its parent. Never here: the network, the store, the ledger.

use std::{
    ffi::{OsStr, OsString},
    io::Write as _,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use deadwax_dsp::{
    DspError, Flow, compare, decode,
    inspect::Finding,
    listening,
    processors::insert::Allowed,
    recipe::Recipe,
    render::{self, Job},
    report::{self, FileReport},
    waveform,
};
use rustix::process::{Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    confine::{Reach, confine},
    examine::hear::{self, ExamineJob, ExamineLine},
    record,
};

#[derive(Debug, Subcommand)]
pub enum ChildVerb {
    /// Measure a file and write its waveform.
    Inspect {
        #[command(flatten)]
        limits: LimitArgs,
        input: PathBuf,
        /// Where the waveform goes; made whole or not at all.
        waveform: PathBuf,
    },
    /// Draw a stretch of a file from its samples.
    Window {
        #[command(flatten)]
        limits: LimitArgs,
        input: PathBuf,
        start: u64,
        end: u64,
        columns: u32,
    },
    /// Make a copy for listening.
    Copy {
        #[command(flatten)]
        limits: LimitArgs,
        input: PathBuf,
        /// Where the copy goes; made whole or not at all.
        out: PathBuf,
    },
    /// Tell what changed from one file to another.
    Compare {
        #[command(flatten)]
        limits: LimitArgs,
        /// Nobody waits for it: everything else comes first.
        #[arg(long)]
        background: bool,
        /// TOKEN=FILE: a stem of the first file's sound.
        #[arg(long)]
        stem: Vec<OsString>,
        /// TOKEN=FILE: what is to be taken from the stem of that token first.
        #[arg(long)]
        minus: Vec<OsString>,
        /// Where stems that have to be made may lie.
        #[arg(long)]
        room: PathBuf,
        a: PathBuf,
        b: PathBuf,
        /// Where the answer goes as JSON; made whole or not at all.
        out: PathBuf,
    },
    /// Hear alternates together, and files beside those of the version before; behind everything else.
    Examine {
        #[command(flatten)]
        limits: LimitArgs,
        /// A JSON file with the job.
        job: PathBuf,
    },
    /// Run a mastering render.
    Render {
        #[command(flatten)]
        limits: LimitArgs,
        /// A JSON file with the job.
        job: PathBuf,
    },
    /// Make the files of a record.
    Record {
        #[command(flatten)]
        limits: LimitArgs,
        /// A JSON file with the job.
        job: PathBuf,
    },
    /// Tell what this machine can hold a child to.
    Confined {
        #[command(flatten)]
        limits: LimitArgs,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub struct LimitArgs {
    #[arg(long)]
    memory_bytes: u64,
    #[arg(long)]
    cpu_seconds: u64,
}

/// One line of `child inspect`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InspectLine {
    /// What it is by its first bytes, before anything is decoded.
    Begun {
        format: String,
    },
    Measured(Box<Measured>),
    Failed {
        kind: FailureKind,
        text: String,
    },
}

/// One line of `child window`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowLine {
    Drawn {
        /// For each channel its columns.
        peaks: Vec<Vec<(i16, i16)>>,
        clipped: Vec<u32>,
    },
    Failed {
        kind: FailureKind,
        text: String,
    },
}

/// One line of `child copy`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyLine {
    Copied,
    Failed { kind: FailureKind, text: String },
}

/// One line of `child compare`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareLine {
    Compared,
    Failed { kind: FailureKind, text: String },
}

/// One line of `child render`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenderLine {
    Progress {
        step: String,
        fraction: f64,
    },
    /// `report_json` as `deadwax master --json` prints it; the files stand in the job's folder.
    Done {
        report_json: String,
        outputs: Vec<RenderedFile>,
        /// The page that tells before and after.
        sheet: Option<PathBuf>,
    },
    Failed {
        kind: FailureKind,
        text: String,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenderedFile {
    pub alternate: String,
    pub file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    NotAudio,
    Hostile,
    Unsupported,
    Recipe,
    Other,
}

/// What was measured. JSON has no infinity: `None` is the level of silence.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    pub container: String,
    pub codec: String,
    pub sample_rate_hz: u32,
    pub channels: u32,
    pub bits: u32,
    pub float: bool,
    pub frames: u64,
    pub bytes: u64,
    pub integrated_lufs: Option<f64>,
    pub loudness_range_lu: f64,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub sample_peak_dbfs: Option<f64>,
    pub dc_offset: f64,
    pub correlation: f64,
    pub head_silence_s: f64,
    pub tail_silence_s: f64,
    pub clipped_samples: u64,
    #[serde(default)]
    pub remarks: Vec<Remark>,
}

/// One thing said of the sound as a whole or at a time.
#[derive(Debug, Serialize, Deserialize)]
pub struct Remark {
    pub code: String,
    pub text: String,
    pub at_s: Option<f64>,
}

/// What the parent writes for `child render`.
#[derive(Debug, Serialize, Deserialize)]
pub struct JobFile {
    pub main: PathBuf,
    pub alternates: Vec<render::Alternate>,
    /// Tokens of alternates that are meant to add up to the main.
    pub sums: Vec<Vec<String>>,
    /// Commands that the operator allows in recipes.
    pub inserts: Allowed,
    pub recipe_toml: String,
    pub out_dir: PathBuf,
    pub stem: String,
}

/// How far work that nobody waits for steps back.
const NICE: i32 = 10;

pub fn run(verb: ChildVerb) -> ExitCode {
    let limits = match &verb {
        ChildVerb::Inspect { limits, .. }
        | ChildVerb::Window { limits, .. }
        | ChildVerb::Copy { limits, .. }
        | ChildVerb::Compare { limits, .. }
        | ChildVerb::Examine { limits, .. }
        | ChildVerb::Render { limits, .. }
        | ChildVerb::Record { limits, .. }
        | ChildVerb::Confined { limits } => *limits,
    };
    if matches!(&verb, ChildVerb::Compare { background: true, .. } | ChildVerb::Examine { .. }) {
        // Where it may not step back it works all the same.
        let _ = rustix::process::nice(NICE);
    }
    if let Err(error) = limit(limits.memory_bytes, limits.cpu_seconds) {
        eprintln!("the limits could not be set: {error}");
        return ExitCode::from(2);
    }
    let (reach, work) = prepared(verb);
    let held = match confine(&reach) {
        Ok(held) => held,
        Err(error) => {
            eprintln!("the child could not be confined: {error}");
            return ExitCode::from(2);
        }
    };
    let said = match work {
        Some(work) => work(),
        None => say(&held),
    };
    ExitCode::from(if said.is_ok() { 0 } else { 2 })
}

/// What is left to do once nothing else can be reached; it says how it went.
type Work = Box<dyn FnOnce() -> std::io::Result<()>>;

/// What the job may reach, and the job. Only what our own server wrote is read here. Without work: what holds is all that was asked.
fn prepared(verb: ChildVerb) -> (Reach, Option<Work>) {
    let of = |reads: &[&PathBuf], out: Option<&Path>| Reach {
        reads: reads.iter().map(|path| (*path).clone()).collect(),
        writes: out.and_then(Path::parent).map(Path::to_owned).into_iter().collect(),
        programs: Vec::new(),
    };
    let (reach, work): (Reach, Work) = match verb {
        ChildVerb::Inspect { input, waveform, .. } => {
            (of(&[&input], Some(&waveform)), Box::new(move || say(&inspect(&input, &waveform))))
        }
        ChildVerb::Window { input, start, end, columns, .. } => {
            (of(&[&input], None), Box::new(move || say(&draw(&input, start..end, columns))))
        }
        ChildVerb::Copy { input, out, .. } => {
            (of(&[&input], Some(&out)), Box::new(move || say(&copy(&input, &out))))
        }
        ChildVerb::Compare { stem, minus, room, a, b, out, .. } => {
            let mut reach = of(&[&a, &b], Some(&out));
            reach.reads.extend(stem.iter().chain(&minus).filter_map(|word| Some(token_and_file(word)?.1)));
            reach.writes.push(room.clone());
            let work = move || say(&compare(&derived(&stem, &minus, &room), [&a, &b], &out));
            (reach, Box::new(work))
        }
        ChildVerb::Examine { job, .. } => match read_job::<ExamineJob>(&job) {
            Ok(job) => (of(&job.files().collect::<Vec<_>>(), None), Box::new(move || say(&hear::hear(&job)))),
            Err(text) => {
                let failed = ExamineLine::Failed { kind: FailureKind::Other, text };
                (Reach::default(), Box::new(move || say(&failed)))
            }
        },
        ChildVerb::Render { job: path, .. } => match read_job::<JobFile>(&path) {
            Ok(job) => (job.reach(&path), Box::new(move || say(&render_job(job)))),
            Err(text) => {
                let failed = RenderLine::Failed { kind: FailureKind::Other, text };
                (Reach::default(), Box::new(move || say(&failed)))
            }
        },
        ChildVerb::Record { job: path, .. } => match read_job::<deadwax_dsp::record::Job>(&path) {
            Ok(job) => {
                let songs = job.songs.iter().flat_map(|song| song.all()).map(|file| &file.path);
                let reads: Vec<&PathBuf> = songs.chain(&job.cover).collect();
                (of(&reads, Some(&path)), Box::new(move || say(&record::child::make(&job))))
            }
            Err(text) => {
                let failed = record::child::RecordLine::Failed { text, retry: true };
                (Reach::default(), Box::new(move || say(&failed)))
            }
        },
        ChildVerb::Confined { .. } => return (Reach::default(), None),
    };
    (reach, Some(work))
}

impl JobFile {
    /// The folder of the job is the child's. Programs, where the recipe sends the sound through one.
    fn reach(&self, path: &Path) -> Reach {
        let inserts = !self.inserts.commands.is_empty()
            && Recipe::parse(&self.recipe_toml).is_ok_and(|recipe| recipe.inserts());
        let programs = self.inserts.commands.values().filter(|_| inserts);
        Reach {
            reads: [&self.main]
                .into_iter()
                .chain(self.alternates.iter().map(|it| &it.path))
                .cloned()
                .collect(),
            writes: path.parent().map(Path::to_owned).into_iter().chain([self.out_dir.clone()]).collect(),
            programs: programs.map(|command| command.program.clone()).collect(),
        }
    }
}

/// Memory, CPU time, and an end with the parent: a server that is killed leaves no child behind that writes on.
pub fn limit(memory_bytes: u64, cpu_seconds: u64) -> std::io::Result<()> {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    rustix::process::setrlimit(Resource::As, limit(memory_bytes))?;
    rustix::process::setrlimit(Resource::Cpu, limit(cpu_seconds))?;
    rustix::process::setrlimit(Resource::Core, limit(0))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

pub(super) fn say(line: &impl Serialize) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Measures a file and writes its waveform. What the file is goes out before anything is decoded: a decoder that dies tells nothing any more.
fn inspect(input: &Path, waveform: &Path) -> InspectLine {
    if let Ok(format) = decode::format(input) {
        // Nobody listens: the answer will not be heard either.
        let _ = say(&InspectLine::Begun { format: format.to_owned() });
    }
    measured_file(input, waveform)
}

/// What `child inspect` does with a file.
pub fn measured_file(input: &Path, waveform: &Path) -> InspectLine {
    let measured = report::measure_file(input, true, &mut |_| Flow::Go).and_then(|(report, pyramid)| {
        if let Some(pyramid) = pyramid {
            pyramid.write_to(waveform)?;
        }
        Ok(report)
    });
    match measured {
        Ok(report) => InspectLine::Measured(Box::new(measured_of(&report))),
        Err(error) => InspectLine::Failed { kind: kind_of(&error), text: text_of(&error, input) },
    }
}

fn draw(input: &Path, frames: Range<u64>, columns: u32) -> WindowLine {
    match waveform::window(input, frames.start, frames.end, columns as usize) {
        Ok(window) => WindowLine::Drawn { peaks: window.peaks, clipped: window.clipped },
        Err(error) => WindowLine::Failed { kind: kind_of(&error), text: text_of(&error, input) },
    }
}

fn copy(input: &Path, out: &Path) -> CopyLine {
    match listening::copy(input, out, &mut || Flow::Go) {
        Ok(_) => CopyLine::Copied,
        Err(error) => {
            // What the format cannot hold is told to whoever wanted to listen.
            let kind = match error {
                DspError::Invalid(_) => FailureKind::Unsupported,
                _ => kind_of(&error),
            };
            CopyLine::Failed { kind, text: text_of(&error, input) }
        }
    }
}

fn measured_of(report: &FileReport) -> Measured {
    let level = |value: f64| value.is_finite().then_some(value);
    let (spec, measured) = (&report.spec, &report.measurement);
    Measured {
        container: spec.container.to_owned(),
        codec: spec.codec.to_owned(),
        sample_rate_hz: spec.sample_rate,
        channels: spec.channels as u32,
        bits: spec.bits.unwrap_or(0),
        float: spec.float,
        frames: measured.frames,
        bytes: report.bytes,
        integrated_lufs: level(measured.integrated_lufs),
        loudness_range_lu: measured.loudness_range_lu,
        max_momentary_lufs: level(measured.max_momentary_lufs),
        max_short_term_lufs: level(measured.max_short_term_lufs),
        true_peak_dbtp: level(measured.true_peak_dbtp),
        sample_peak_dbfs: level(measured.sample_peak_dbfs),
        dc_offset: measured.dc_offset,
        correlation: measured.correlation,
        head_silence_s: measured.head_silence_s,
        tail_silence_s: measured.tail_silence_s,
        clipped_samples: measured.clipped_samples,
        remarks: report.inspection.findings().into_iter().filter_map(remark).collect(),
    }
}

/// Preflight tells these itself, from the figures.
const TOLD_BY_FIGURES: [&str; 7] =
    ["CLIPPED", "OVERS", "DC_OFFSET", "SILENT", "DUAL_MONO", "CORRELATION", "TAIL_CUT"];

fn remark(finding: Finding) -> Option<Remark> {
    let told = TOLD_BY_FIGURES.contains(&finding.what);
    (!told).then(|| Remark { code: finding.what.to_owned(), text: finding.words, at_s: finding.at_s })
}

fn compare(stems: &[(String, PathBuf)], [a, b]: [&Path; 2], out: &Path) -> CompareLine {
    let mut compared = compare::compare(a, b, stems, &mut |_| Flow::Go);
    if matches!(compared, Err(DspError::Invalid(_))) && !stems.is_empty() {
        // A stem that is no part of the first file tells nothing; the files themselves still can.
        compared = compare::compare(a, b, &[], &mut |_| Flow::Go);
    }
    let comparison = match compared {
        Ok(comparison) => comparison,
        Err(error) => {
            return CompareLine::Failed { kind: kind_of(&error), text: said_of([a, b], &error) };
        }
    };
    match keep(&comparison, out) {
        Ok(()) => CompareLine::Compared,
        Err(error) => CompareLine::Failed { kind: FailureKind::Other, text: error.to_string() },
    }
}

/// Stems as files; one that cannot be derived is left out: it would have told more, and is not what was asked.
fn derived(stems: &[OsString], minus: &[OsString], room: &Path) -> Vec<(String, PathBuf)> {
    let minus: Vec<(String, PathBuf)> = minus.iter().filter_map(|word| token_and_file(word)).collect();
    let mut found = Vec::new();
    for (name, file) in stems.iter().filter_map(|word| token_and_file(word)) {
        let Some((_, part)) = minus.iter().find(|(of, _)| *of == name) else {
            found.push((name, file));
            continue;
        };
        let out = room.join(format!("{}.wav", found.len()));
        if compare::derive::difference(&file, part, &out, &mut |_| Flow::Go).is_ok() {
            found.push((name, out));
        }
    }
    found
}

/// Whole or not at all.
fn keep(page: &impl Serialize, out: &Path) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(out.parent().unwrap_or(Path::new(".")))?;
    serde_json::to_writer(&mut file, page)?;
    file.persist(out).map_err(|failed| failed.error)?;
    Ok(())
}

/// `TOKEN=FILE`: a token holds no `=`.
fn token_and_file(stem: &OsStr) -> Option<(String, PathBuf)> {
    let bytes = stem.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=')?;
    let token = std::str::from_utf8(&bytes[..at]).ok()?;
    Some((token.to_owned(), PathBuf::from(OsStr::from_bytes(&bytes[at + 1..]))))
}

pub(super) fn read_job<Job: DeserializeOwned>(path: &Path) -> Result<Job, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn render_job(job: JobFile) -> RenderLine {
    let failed = |kind, text| RenderLine::Failed { kind, text };
    let recipe = match Recipe::parse(&job.recipe_toml) {
        Ok(recipe) => recipe,
        Err(error) => return failed(FailureKind::Recipe, error.to_string()),
    };
    let main = job.main.clone();
    let job = Job {
        alternates: job.alternates,
        sums: job.sums,
        explain: true,
        allowed: job.inserts,
        ..Job::new(job.main, recipe, job.out_dir, job.stem)
    };
    let mut told = Instant::now() - Duration::from_secs(1);
    // Ten lines a second are enough for any screen. A parent that is gone closes the pipe: stop.
    let mut progress = |now: render::Progress| {
        if told.elapsed() < Duration::from_millis(100) {
            return Flow::Go;
        }
        told = Instant::now();
        match say(&RenderLine::Progress { step: now.step, fraction: now.fraction }) {
            Ok(()) => Flow::Go,
            Err(_) => Flow::Stop,
        }
    };
    match render::run(&job, &mut progress) {
        Ok(mut report) => {
            let sheet = report.sheet.take().and_then(|page| {
                let path = job.out_dir.join("sheet.json");
                keep(&page, &path).ok().map(|()| path)
            });
            let outputs = report.outputs.iter();
            let outputs = outputs
                .map(|o| RenderedFile { alternate: o.alternate.clone(), file: job.out_dir.join(&o.file) });
            RenderLine::Done { report_json: report.to_json(), outputs: outputs.collect(), sheet }
        }
        Err(error) => {
            let text = text_of(&error, &main);
            failed(kind_of(&error), text.replace(&format!("{}/", job.out_dir.display()), ""))
        }
    }
}

fn kind_of(error: &DspError) -> FailureKind {
    match error {
        DspError::NotAudio { .. } | DspError::Empty { .. } | DspError::Damaged { .. } => {
            FailureKind::NotAudio
        }
        DspError::Hostile { .. } => FailureKind::Hostile,
        DspError::Unsupported { .. } => FailureKind::Unsupported,
        DspError::Recipe { .. } => FailureKind::Recipe,
        _ => FailureKind::Other,
    }
}

fn said_of(files: [&Path; 2], error: &DspError) -> String {
    let names = ["the first file", "the second file"];
    let paths = files.map(|path| path.display().to_string());
    paths.iter().zip(names).fold(error.to_string(), |text, (path, name)| text.replace(path, name))
}

/// The error without the path of our own file, which says nothing to the uploader.
fn text_of(error: &DspError, path: &Path) -> String {
    error.to_string().replace(&path.display().to_string(), "the file")
}
