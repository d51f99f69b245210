//! The examiner: asks the ledger which versions nobody has looked into yet, has their sound examined in children, and reports. Like the renders its work is a
//! query on state, so nothing is lost by a crash, and nothing waits for ever: what cannot be examined is reported as that. Never here: what is due and what
//! follows from it (the domain), how sound is measured (`hear` in the child, and the dsp room).

pub mod hear;
mod outcome;
mod plan;

use std::{
    collections::HashMap,
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadwax_domain::{Alternate, Command, Digest, Examined, File, Piece, ProjectId, VersionId, urgency};
use deadwax_dsp::compare::Comparison;

use self::{
    hear::{ExamineJob, ExamineLine, Heard, Pair, Together},
    outcome::Measured,
    plan::Plan,
};
use super::{
    compared::{CompareError, Comparisons, Haste, Side},
    inspect::{InspectError, of_death, of_failure},
    process::{self, Limits, Program},
    shift::{self, Begun, Shift, Turn, Work, empty},
    sound::{Unsound, sound_path},
};
use crate::{
    blob::Blobs,
    ledger::{LedgerError, Perform, Snapshot},
    metrics::work::Kind,
};

pub struct Examiner {
    pub shift: Shift,
    pub blobs: Arc<Blobs>,
    pub comparisons: Arc<Comparisons>,
    pub program: Program,
    /// Emptied at start: whatever lies there belongs to a process that is gone.
    pub work_dir: PathBuf,
    pub slots: usize,
    /// Between a failure and the next try.
    pub pause: Duration,
    /// How often each failed here; forgotten with the process.
    pub failures: Mutex<HashMap<ExaminationKey, u32>>,
}

/// Then the version is reported as one that cannot be examined, so that no gate waits for it for ever.
const TRIES: u32 = 3;
/// Every file is decoded several times.
const DECODINGS: u64 = 8;

/// An examination by its project and the version that is looked into.
pub type ExaminationKey = (ProjectId, VersionId);

impl Work for Examiner {
    type Key = ExaminationKey;

    const KIND: Kind = Kind::examination;

    fn name((project, version): ExaminationKey) -> (u128, u128) {
        (project.0, version.0)
    }

    /// Versions to examine. One whose predecessor is not examined yet waits for it: notes stand where that one put them.
    fn due(&self, snapshot: &Snapshot) -> Vec<(Turn, ExaminationKey)> {
        let project = &snapshot.project;
        let waits = |version| project.predecessor(version).is_some_and(|one| project.awaits_examination(one));
        let due = project.unexamined().into_iter().filter(|version| !waits(version));
        let turn = |version| (urgency(project, Piece::Version(version)), version.at);
        due.map(|version| (turn(version), (snapshot.id, version.id))).collect()
    }

    async fn job(&self, key: ExaminationKey, _: &Begun) {
        let (project, version) = key;
        let error = match self.attempt(project, version).await {
            Ok(()) => {
                self.failures().remove(&key);
                return;
            }
            Err(error) => error,
        };
        if let Trouble::Ledger(LedgerError::Refused(refusal)) = &error {
            tracing::info!(version = ?version, reason = refusal.reason.code(), "an examination was not wanted any more");
            return;
        }
        let failures = {
            let mut known = self.failures();
            let failures = known.entry(key).or_default();
            *failures += 1;
            *failures
        };
        // The reason may name files, and files are named after titles: it goes to the members, not to the operators' log.
        tracing::warn!(version = ?version, failures, "an examination failed");
        if failures >= TRIES {
            let reason = format!(
                "It was tried {TRIES} times. {error} Listen to it yourself; its files are untouched."
            );
            if let Err(error) = self.give_up(project, version, reason).await {
                tracing::error!(version = ?version, %error, "a failed examination could not be reported");
            }
        }
        tokio::time::sleep(self.pause).await;
    }
}

impl Examiner {
    /// Runs until shutdown; what runs then is killed, and begun again by whoever comes next.
    pub async fn run(self: Arc<Self>) {
        if let Err(error) = empty(&self.work_dir).await {
            tracing::error!(%error, "the folder of examinations could not be emptied; no version will be examined");
            return;
        }
        let (shift, slots) = (self.shift.clone(), self.slots);
        shift::run(self, shift, slots).await;
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<ExaminationKey, u32>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, project: ProjectId, id: VersionId) -> Result<(), Trouble> {
        // Another process may have been faster, and hours of decoding are worth a look at the store.
        let snapshot = self.shift.ledger.project(project).await?.ok_or(Trouble::Vanished)?;
        let version = snapshot.project.versions.get(id).ok_or(Trouble::Vanished)?;
        if !snapshot.project.awaits_examination(version) {
            return Ok(());
        }
        let plan = Plan::of(&snapshot.project, version);
        let measured = self.measured(&plan).await?;
        // Notes may have come or gone meanwhile.
        let now = self.shift.ledger.project(project).await?.ok_or(Trouble::Vanished)?;
        let examined = outcome::examined(&now.project, &plan, &measured);
        self.record(project, id, examined).await
    }

    async fn measured(&self, plan: &Plan<'_>) -> Result<Measured, Trouble> {
        let mut measured = Measured::default();
        let mut sound: HashMap<Digest, PathBuf> = HashMap::new();
        let together = plan.heard_together();
        let own = together.iter().copied().chain(plan.pairs.iter().map(|pair| pair.is));
        if let Some(damage) = self.verify(own, &mut sound).await? {
            measured.failed.push(format!("{damage} The version was not examined. {RESTORE}"));
            return Ok(measured);
        }
        let mut compares = plan.against.is_some();
        if let Some(damage) = self.verify(plan.pairs.iter().map(|pair| pair.was), &mut sound).await? {
            measured
                .failed
                .push(format!("Of the version before: {damage} The two were not compared. {RESTORE}"));
            compares = false;
        }
        let (job, pairs_heard) = job(plan, &together, &sound, compares);
        measured.pairs_heard = pairs_heard;
        if job.together.is_some() || !job.pairs.is_empty() {
            match self.hear(plan, &job).await {
                Ok(heard) => measured.heard = heard,
                Err(InspectError::Failed(why)) => return Err(Trouble::Failed(why)),
                Err(error) => measured.failed.push(format!("{error}.")),
            }
        }
        if compares {
            self.compare(plan, &mut measured).await?;
        }
        Ok(measured)
    }

    /// What was found of a damaged file; the others' paths are kept.
    async fn verify(
        &self,
        files: impl Iterator<Item = &File>,
        sound: &mut HashMap<Digest, PathBuf>,
    ) -> Result<Option<String>, Trouble> {
        for file in files {
            if sound.contains_key(&file.digest) {
                continue;
            }
            match sound_path(&self.blobs, file).await {
                Ok(path) => sound.insert(file.digest, path),
                Err(damage @ Unsound::Damaged { .. }) => return Ok(Some(damage.to_string())),
                Err(Unsound::Blob(error)) => return Err(Trouble::Failed(error.to_string())),
            };
        }
        Ok(None)
    }

    async fn hear(&self, plan: &Plan<'_>, job: &ExamineJob) -> Result<Heard, InspectError> {
        let failed = |error: std::io::Error| InspectError::Failed(error.to_string());
        let path = self.work_dir.join(format!("{:032x}.json", plan.version.id.0));
        let text = serde_json::to_vec(job).map_err(|error| failed(error.into()))?;
        tokio::fs::write(&path, text).await.map_err(failed)?;
        let files = plan.pairs.iter().flat_map(|pair| [pair.was, pair.is]).chain(plan.heard_together());
        let bytes = files.map(|file| file.facts.bytes).fold(0, u64::saturating_add);
        let limits = Limits::to_inspect(bytes.saturating_mul(DECODINGS));
        let args: [OsString; 1] = [path.clone().into_os_string()];
        let line = process::run(&self.program, "examine", limits, &args, Some::<ExamineLine>).await;
        let _ = tokio::fs::remove_file(&path).await;
        match line {
            Ok(ExamineLine::Examined(heard)) => Ok(heard),
            Ok(ExamineLine::Failed { kind, text }) => Err(of_failure(kind, text)),
            Err(error) => Err(of_death(&error, "examined a version")),
        }
    }

    /// The mains, and the alternates that notes speak of.
    async fn compare(&self, plan: &Plan<'_>, measured: &mut Measured) -> Result<(), Trouble> {
        let Some(against) = plan.against else { return Ok(()) };
        for alternate in [Alternate::Main].into_iter().chain(plan.noted.iter().copied()) {
            let (Some(was), Some(is)) =
                (plan::first(against, alternate), plan::first(plan.version, alternate))
            else {
                continue;
            };
            let (was, is) = (Side { version: against, file: was }, Side { version: plan.version, file: is });
            match self.comparisons.between(was, is, Haste::Background).await {
                Ok(page) => {
                    let comparison: Comparison = serde_json::from_str(&page).map_err(|error| {
                        Trouble::Failed(format!("the comparison cannot be read: {error}"))
                    })?;
                    measured.compared.insert(alternate, comparison);
                }
                Err(CompareError::Inspect(
                    error @ (InspectError::NotAudio(_)
                    | InspectError::Hostile(_)
                    | InspectError::Unsupported(_)),
                )) => measured.failed.push(format!("The {}: {error}.", alternate.words())),
                Err(error) => return Err(Trouble::Failed(error.to_string())),
            }
        }
        Ok(())
    }

    /// Says why, and leaves every note where it stood.
    async fn give_up(&self, project: ProjectId, id: VersionId, reason: String) -> Result<(), Trouble> {
        let snapshot = self.shift.ledger.project(project).await?.ok_or(Trouble::Vanished)?;
        let version = snapshot.project.versions.get(id).ok_or(Trouble::Vanished)?;
        let measured = Measured { failed: vec![reason], ..Measured::default() };
        let plan = Plan::of(&snapshot.project, version);
        self.record(project, id, outcome::examined(&snapshot.project, &plan, &measured)).await
    }

    async fn record(
        &self,
        project: ProjectId,
        version: VersionId,
        examined: Examined,
    ) -> Result<(), Trouble> {
        let command = Command::RecordExamination { version, examined };
        self.shift.ledger.perform(Perform::by_worker(project, command)).await?;
        Ok(())
    }
}

const RESTORE: &str =
    "Ask the owner of the studio to restore the file from the backup, then upload the version again.";

/// What the child is told, and which of the plan's pairs it is asked about.
fn job(
    plan: &Plan<'_>,
    together: &[&File],
    sound: &HashMap<Digest, PathBuf>,
    compares: bool,
) -> (ExamineJob, Vec<usize>) {
    let path = |file: &File| sound.get(&file.digest).cloned();
    let main = together.iter().find(|file| file.alternate == Alternate::Main).and_then(|file| path(file));
    let alternates = together
        .iter()
        .filter(|file| file.alternate != Alternate::Main)
        .filter_map(|file| Some((file.alternate.to_string(), path(file)?)));
    let together = main.map(|main| Together { main, alternates: alternates.collect() });
    let asked = plan.pairs.iter().enumerate().filter(|(_, pair)| compares && pair.is_worth_hearing());
    let asked = asked.filter_map(|(index, pair)| {
        let token = pair.is.alternate.to_string();
        Some((index, Pair { token, was: path(pair.was)?, is: path(pair.is)? }))
    });
    let (indices, pairs) = asked.unzip();
    (ExamineJob { together, pairs }, indices)
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("Something went wrong on the server: {0}.")]
    Failed(String),
    #[error("What is to be examined is not there any more.")]
    Vanished,
}
