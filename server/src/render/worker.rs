//! The render worker: asks the ledger which renders are due, leases one, runs it in a child, stores what it made and reports. Work to do is a
//! query on state, so nothing is lost by a crash: a render that was running when the process died is leased again, with the next attempt
//! number, and the old number is refused at the end (the fence). Never here: when a render is due or who may cancel it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use deadwax_domain::{
    Alternate, Command, Digest, Fact, File, Piece, Project, ProjectId, Render, RenderId, RenderState,
    Version, VersionId, VersionKind, urgency,
};
use deadwax_dsp::{processors::insert::Allowed, recipe::Recipe, render};
use uuid::Uuid;

use super::{
    child::{FailureKind, JobFile, RenderLine, RenderedFile},
    inspect,
    process::{self, Limits, Program},
    shift::{self, Begun, JobError, Shift, Told, Turn, Work, empty},
    sound::{Unsound, sound_path},
};
use crate::{
    blob::Blobs,
    ledger::{LedgerError, Performed, Snapshot},
    metrics::work::Kind,
};

/// How far a running render is; for screens only, never stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub step: String,
    /// 0 to 1.
    pub fraction: f64,
}

/// A render by its project and its id.
pub type RenderKey = (ProjectId, RenderId);
/// The renders that run in this process.
pub type Running = shift::Running<RenderKey, Progress>;

pub struct Worker {
    pub shift: Shift,
    pub blobs: Arc<Blobs>,
    pub program: Program,
    pub running: Arc<Running>,
    /// Commands that recipes may send the sound through.
    pub inserts: Allowed,
    /// Used where neither the render nor its song has a recipe.
    pub default_recipe: Recipe,
    /// Emptied at start: whatever lies there belongs to a process that is gone.
    pub work_dir: PathBuf,
    pub slots: usize,
    pub limits: Limits,
    /// Between a failure and the next attempt.
    pub pause: Duration,
}

impl Work for Worker {
    type Key = RenderKey;

    const KIND: Kind = Kind::render;

    fn name((project, render): RenderKey) -> (u128, u128) {
        (project.0, render.0)
    }

    /// Queued renders, and those that run: here, elsewhere, or at a process that is gone.
    fn due(&self, snapshot: &Snapshot) -> Vec<(Turn, RenderKey)> {
        let project = &snapshot.project;
        let alive = project.renders.values().filter(|render| render.is_alive());
        let turn = |render| (urgency(project, Piece::Render(render)), render.queued_at);
        alive.map(|render| (turn(render), (snapshot.id, render.id))).collect()
    }

    async fn job(&self, key: RenderKey, begun: &Begun) {
        let _running = Told::begin(&self.running, key);
        shift::settle("render", self.attempt(key, begun).await, self.pause).await;
    }

    async fn give_back(&self, (project, render): RenderKey, attempt: u32) {
        let command = Command::GiveBackRender { render, attempt };
        shift::give_back("render", &self.shift.ledger, project, command).await;
    }

    async fn dropped(&self, key: RenderKey) {
        self.clear(key).await;
    }
}

impl Worker {
    /// Runs until shutdown; jobs that run then are killed, and leased again by whoever comes next.
    pub async fn run(self: Arc<Self>) {
        if let Err(error) = empty(&self.work_dir).await {
            tracing::error!(%error, "the render folder could not be emptied; no renders will run");
            return;
        }
        let (shift, slots) = (self.shift.clone(), self.slots);
        shift::run(self, shift, slots).await;
    }

    /// Folders of attempts that were dropped. What cannot go now goes at the next start.
    async fn clear(&self, (project, render): RenderKey) {
        let Ok(mut entries) = tokio::fs::read_dir(&self.work_dir).await else { return };
        while let Ok(Some(entry)) = entries.next_entry().await {
            if entry.file_name().to_string_lossy().starts_with(&folder_of(project, render)) {
                let _ = tokio::fs::remove_dir_all(entry.path()).await;
            }
        }
    }

    async fn attempt(&self, key: RenderKey, begun: &Begun) -> Result<(), JobError> {
        let (project, id) = key;
        let engine = deadwax_dsp::render::ENGINE.to_owned();
        let recipe = domain_recipe(&self.default_recipe);
        let leased = self.perform(project, Command::LeaseRender { render: id, engine, recipe }).await?;
        let attempt = leased.events.iter().find_map(|event| match &event.fact {
            Fact::RenderLeased { attempt, .. } => Some(*attempt),
            _ => None,
        });
        // No lease any more: too many attempts died with their workers, and the ledger says so.
        let Some(attempt) = attempt else { return Ok(()) };
        begun.tell(attempt);
        let snapshot = self.shift.ledger.project(project).await?.ok_or(JobError::Vanished)?;
        let dir = self.work_dir.join(format!("{}{attempt}", folder_of(project, id)));
        let wanted = |project: &Project| {
            let render = project.renders.get(id);
            render.is_some_and(|it| it.state == RenderState::Running && it.attempt == attempt)
        };
        let outcome = tokio::select! {
            outcome = self.render(&snapshot, id, &dir) => outcome,
            () = shift::unwanted(&self.shift.ledger, project, wanted) => Err(JobError::GivenUp),
        };
        let outcome = match outcome {
            Ok(made) => self.complete(key, attempt, made).await,
            Err(error) => Err(error),
        };
        let _ = tokio::fs::remove_dir_all(&dir).await;
        match outcome {
            Ok(()) | Err(JobError::GivenUp) => Ok(()),
            Err(JobError::Ledger(error)) => Err(JobError::Ledger(error)),
            Err(error) => {
                let (reason, retry) = (error.told("render"), error.retry());
                // The reason may name files, and files are named after titles: it goes to the members, not to the operators' log.
                tracing::warn!(render = ?id, attempt, retry, "an attempt of a render failed");
                let failed = Command::FailRender { render: id, attempt, reason, retry };
                shift::report(&self.shift.ledger, project, failed, retry, self.pause).await
            }
        }
    }

    async fn render(&self, snapshot: &Snapshot, id: RenderId, dir: &Path) -> Result<Made, JobError> {
        let project = &snapshot.project;
        let render = project.renders.get(id).ok_or(JobError::Vanished)?;
        let source = project.versions.get(render.version).ok_or(JobError::Vanished)?;
        let job_path = self.write_job(snapshot, render, source, dir).await?;
        let args: [OsString; 1] = [job_path.into_os_string()];
        let answer =
            process::run(&self.program, "render", self.limits, &args, |line: RenderLine| match line {
                RenderLine::Progress { step, fraction } => {
                    self.running
                        .tell(&(snapshot.id, id), Progress { step, fraction: fraction * RENDER_SHARE });
                    None
                }
                answer => Some(answer),
            })
            .await?;
        match answer {
            RenderLine::Done { report_json, outputs, sheet } => {
                let files = self.store((snapshot.id, id), outputs).await?;
                Ok(Made { report_json, files, sheet: self.store_sheet(sheet).await })
            }
            RenderLine::Failed { kind, text } => {
                Err(JobError::Failed { reason: text, retry: kind == FailureKind::Other })
            }
            RenderLine::Progress { .. } => Err(JobError::Vanished),
        }
    }

    async fn write_job(
        &self,
        snapshot: &Snapshot,
        render: &Render,
        source: &Version,
        dir: &Path,
    ) -> Result<PathBuf, JobError> {
        // The child writes past the blob store's own look at the disk, and a full disk would stop the journal.
        self.blobs.must_have_room(room_bytes(source)).await?;
        empty(dir).await?;
        let out_dir = dir.join("out");
        tokio::fs::create_dir(&out_dir).await?;
        let main = source.main().ok_or(JobError::Vanished)?;
        let mut alternates = Vec::new();
        for file in source.files.iter().filter(|file| is_mastered(file.alternate)) {
            alternates.push(render::Alternate {
                token: file.alternate.to_string(),
                path: self.sound_path(file).await?,
                role: role_of(file.alternate),
            });
        }
        let song = snapshot.project.songs.get(render.song).ok_or(JobError::Vanished)?;
        let number =
            snapshot.project.newest(render.song, VersionKind::Master).map_or(1, |master| master.number + 1);
        let job = JobFile {
            main: self.sound_path(main).await?,
            sums: sums_of(&alternates),
            alternates,
            inserts: self.inserts.clone(),
            // The one that the lease wrote down: what the ledger tells of this render is what was done.
            recipe_toml: render.recipe.as_ref().ok_or(JobError::Vanished)?.toml.clone(),
            out_dir,
            stem: stem(&snapshot.project.artist, &song.title, number),
        };
        let path = dir.join("job.json");
        tokio::fs::write(&path, serde_json::to_vec(&job).map_err(std::io::Error::other)?).await?;
        Ok(path)
    }

    async fn sound_path(&self, file: &File) -> Result<PathBuf, JobError> {
        sound_path(&self.blobs, file).await.map_err(|unsound| match unsound {
            Unsound::Damaged { .. } => {
                let help =
                    "Ask the owner of the studio to restore the file from the backup, then start the render.";
                JobError::Failed { reason: format!("{unsound} Nothing was rendered. {help}"), retry: false }
            }
            Unsound::Blob(error) => error.into(),
        })
    }

    /// Measures every file that the child wrote like any upload, then takes them all into the blob store: what the label signs was measured from
    /// the bytes, not told by the renderer, and a render that is cancelled meanwhile leaves no blob behind.
    async fn store(&self, key: RenderKey, outputs: Vec<RenderedFile>) -> Result<Vec<File>, JobError> {
        let count = outputs.len().max(1) as f64;
        let mut measured = Vec::new();
        for (index, RenderedFile { alternate, file }) in outputs.into_iter().enumerate() {
            let fraction = RENDER_SHARE + (1.0 - RENDER_SHARE) * index as f64 / count;
            self.running.tell(&key, Progress { step: format!("check {alternate}"), fraction });
            let alternate = Alternate::parse(&alternate).ok_or(JobError::Vanished)?;
            let waveform = file.with_extension("waveform");
            let facts = inspect::inspect(&self.program, &file, &waveform)
                .await
                .map_err(|error| JobError::Failed {
                    reason: format!("What was rendered could not be measured: {error}."),
                    retry: true,
                })?
                .facts;
            measured.push((alternate, file, waveform, facts));
        }
        let mut files = Vec::new();
        for (alternate, file, waveform, facts) in measured {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let (digest, _) = self.blobs.adopt(file).await?;
            // Where it is not there, it is made again when somebody looks.
            let _ = tokio::fs::rename(&waveform, self.blobs.path_of_derived(digest, super::WAVEFORM)).await;
            files.push(File { alternate, digest, name, facts });
        }
        Ok(files)
    }

    /// A render without its sheet is a render all the same.
    async fn store_sheet(&self, sheet: Option<PathBuf>) -> Option<Digest> {
        match self.blobs.adopt(sheet?).await {
            Ok((digest, _)) => Some(digest),
            Err(error) => {
                tracing::warn!(%error, "the sheet of a render could not be stored");
                None
            }
        }
    }

    async fn complete(&self, (project, id): RenderKey, attempt: u32, made: Made) -> Result<(), JobError> {
        let version = VersionId(Uuid::now_v7().as_u128());
        let command = Command::CompleteRender {
            render: id,
            attempt,
            version,
            files: made.files,
            report_json: made.report_json,
            sheet: made.sheet,
        };
        match self.perform(project, command).await {
            // The domain finds fault with what was made (the same files as an earlier master, a limit): trying again would make the same bytes.
            Err(JobError::Ledger(LedgerError::Refused(refusal))) if !shift::is_fenced(&refusal) => {
                Err(JobError::Failed { reason: refusal.text, retry: false })
            }
            done => done.map(|_| ()),
        }
    }

    async fn perform(&self, project: ProjectId, command: Command) -> Result<Performed, JobError> {
        shift::perform(&self.shift.ledger, project, command).await
    }
}

/// The part of a render's progress that the child reports; the rest is storing and measuring.
const RENDER_SHARE: f64 = 0.85;

/// The name of an attempt's folder, before its number.
fn folder_of(project: ProjectId, render: RenderId) -> String {
    format!("{:032x}-{:032x}-", project.0, render.0)
}

struct Made {
    report_json: String,
    files: Vec<File>,
    sheet: Option<Digest>,
}

/// The recipe as the ledger keeps it: whole, with its defaults written out.
fn domain_recipe(recipe: &Recipe) -> deadwax_domain::Recipe {
    deadwax_domain::Recipe { toml: recipe.canonical_toml(), hash: Digest(recipe.hash()) }
}

/// The alternates that a mastering engineer delivers, stems too; the mixer's own loud reference is not among them.
fn is_mastered(alternate: Alternate) -> bool {
    !matches!(alternate, Alternate::Main | Alternate::Limited | Alternate::Unlimited)
}

/// What an alternate is to its main: something that the main is made of, the whole song again, or cut to another length.
fn role_of(alternate: Alternate) -> render::Role {
    match alternate {
        Alternate::RadioEdit
        | Alternate::Extended
        | Alternate::Cut(_)
        | Alternate::Sting
        | Alternate::Bumper => render::Role::Edit,
        Alternate::Step(..)
        | Alternate::Clean
        | Alternate::Limited
        | Alternate::Unlimited
        | Alternate::FlatMaster
        | Alternate::ProductionMaster => render::Role::Whole,
        _ => render::Role::Part,
    }
}

/// Which alternates add up to the main wherever all of them are there.
fn sums_of(alternates: &[render::Alternate]) -> Vec<Vec<String>> {
    const SUMS: [&[&str]; 2] = [&["instrumental", "a-cappella"], &["tv", "lead-vocal-only"]];
    let there = |token: &&str| alternates.iter().any(|a| a.token == **token);
    let whole = SUMS.into_iter().filter(|sum| sum.iter().all(there));
    let mut all: Vec<Vec<String>> = whole.map(|sum| sum.iter().map(ToString::to_string).collect()).collect();
    let is_stem = |token: &str| matches!(Alternate::parse(token), Some(Alternate::Stem(_)));
    let stems: Vec<String> =
        alternates.iter().map(|a| a.token.clone()).filter(|token| is_stem(token)).collect();
    if stems.len() > 1 {
        all.push(stems);
    }
    all
}

/// What a render may write: each file that it takes, as 32 bit samples at twice the rate in the usual three formats.
fn room_bytes(source: &Version) -> u64 {
    let samples = |file: &File| file.facts.frames.saturating_mul(file.facts.channels.into());
    let all =
        source.files.iter().filter(|file| file.alternate == Alternate::Main || is_mastered(file.alternate));
    all.map(samples).fold(0, u64::saturating_add).saturating_mul(4 * 2 * 3)
}

/// `Artist_Title_Master1`: letters and digits only, so that it is a file name everywhere.
fn stem(artist: &str, title: &str, number: u32) -> String {
    let word = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>();
    let parts = [word(artist), word(title), format!("Master{number}")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}
