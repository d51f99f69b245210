//! The worker that makes records: leases one that is due, runs it in a child, takes its files into the blob store and reports. Its folder belongs to the record:
//! a later attempt goes on where the one before stopped, with the label copy of the start, and makes the same bytes. Never here: when a record is due, who
//! may cancel it, how its files are made.

pub mod child;
mod folder;
pub mod offered;
pub mod plans;
pub mod tones;

use std::{
    collections::HashSet,
    ffi::OsString,
    io::ErrorKind,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deadwax_domain::{
    Actor, Alternate, Command, Digest, Fact, Piece, Project, ProjectId, Record, RecordFile, RecordId,
    RecordState, urgency,
};
use deadwax_dsp::record::{AlternateFile, Job, Made, MadeFile, Progress, SongFiles, SourceFile};

use super::{
    process::{self, Limits, Program},
    shift::{self, Begun, JobError, Shift, Told, Turn, Work, make_private},
    sound::{Unsound, sound},
};
use crate::{
    blob::{Blobs, digest_of},
    ledger::{LedgerError, Snapshot},
    metrics::work::Kind,
    wire::sheet::{self, Laid},
};
use child::RecordLine;
use folder::Folder;
use plans::{Dry, Profiles};

/// A record by its project and its id.
pub type RecordKey = (ProjectId, RecordId);
/// The records that are made in this process.
pub type Making = shift::Running<RecordKey, Progress>;

pub struct RecordWorker {
    pub shift: Shift,
    pub blobs: Arc<Blobs>,
    pub program: Program,
    pub making: Arc<Making>,
    /// Of folders that belong to records, and outlive this process.
    pub work_dir: PathBuf,
    /// Whom a plant may ask.
    pub contact: String,
    /// Address space of a child, before what every open file adds.
    pub memory_bytes: u64,
    /// Between a failure and the next attempt.
    pub pause: Duration,
    /// Folders that wait for a next attempt.
    pub left: Mutex<HashSet<RecordKey>>,
}

/// A record takes what it takes; two of them would only take longer.
const AT_ONCE: usize = 1;
/// Shares of the progress: the masters are read, the child works, the files are read once more.
const READ: f64 = 0.04;
const SEAL: f64 = 0.06;
/// CPU time of a child: for its start, and for a second of sound that it reads or writes. Ten times what the slowest encoder takes.
const CPU_BASE_S: u64 = 300;
const CPU_PER_SECOND: u64 = 6;
/// Writers, encoders and meters of one output.
const MEMORY_PER_FILE: u64 = 1 << 20;
/// Sound is rendered before it is tagged, and lies there twice until then; sizes of coded files are estimates.
const ROOM_TIMES: u64 = 2;
const ROOM_MORE: u64 = 64 << 20;

impl Work for RecordWorker {
    type Key = RecordKey;

    const KIND: Kind = Kind::record;

    fn name((project, record): RecordKey) -> (u128, u128) {
        (project.0, record.0)
    }

    fn due(&self, snapshot: &Snapshot) -> Vec<(Turn, RecordKey)> {
        let project = &snapshot.project;
        let alive = project.records.iter().filter(|record| record.is_alive());
        let turn = |record: &Record| (urgency(project, Piece::Record(record)), record.at);
        alive.map(|record| (turn(record), (snapshot.id, record.id))).collect()
    }

    async fn job(&self, key: RecordKey, begun: &Begun) {
        self.waiting().remove(&key);
        let _making = Told::begin(&self.making, key);
        shift::settle("record", self.attempt(key, begun).await, self.pause).await;
        self.waiting().insert(key);
    }

    async fn give_back(&self, (project, record): RecordKey, attempt: u32) {
        let command = Command::GiveBackRecord { record, attempt };
        shift::give_back("record", &self.shift.ledger, project, command).await;
    }

    /// Its folder stays for a later attempt here, or goes when the record ends.
    async fn dropped(&self, key: RecordKey) {
        self.waiting().insert(key);
    }

    /// Folders of records that ended go. What is worked on is not among them.
    async fn tidy(&self) {
        let alive = |(project, record): &RecordKey| {
            let snapshot = self.shift.ledger.known(*project);
            snapshot.is_some_and(|it| it.project.record(*record).is_some_and(Record::is_alive))
        };
        let gone: Vec<RecordKey> = self.waiting().iter().filter(|key| !alive(key)).copied().collect();
        for key in gone {
            // One that cannot go yet is looked at again with the next look.
            if Folder::of(&self.work_dir, key).remove().await {
                self.waiting().remove(&key);
            }
        }
    }
}

/// Who says which files a record has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The child of this attempt.
    Child,
    /// The note of an attempt that had read all of them; some may have their names already.
    SealedBefore,
}

/// What is needed before a child begins.
struct Ready {
    job: Job,
    dry: Dry,
}

impl RecordWorker {
    /// Runs until shutdown; a record that is made then is begun again at the next start, where it stood.
    pub async fn run(self: Arc<Self>) {
        if let Err(error) = self.find_folders().await {
            tracing::error!(%error, "the folder of records could not be read; no records will be made");
            return;
        }
        let shift = self.shift.clone();
        shift::run(self, shift, AT_ONCE).await;
    }

    /// Those that a process before this one left.
    async fn find_folders(&self) -> std::io::Result<()> {
        make_private(&self.work_dir).await?;
        let mut entries = tokio::fs::read_dir(&self.work_dir).await?;
        while let Some(entry) = entries.next_entry().await? {
            if let Some(key) = folder::key_of(&entry.file_name().to_string_lossy()) {
                self.waiting().insert(key);
            }
        }
        Ok(())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashSet<RecordKey>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, key: RecordKey, begun: &Begun) -> Result<(), JobError> {
        let (project, id) = key;
        let engine = deadwax_dsp::render::ENGINE.to_owned();
        let lease = Command::LeaseRecord { record: id, engine };
        let leased = shift::perform(&self.shift.ledger, project, lease).await?;
        let attempt = leased.events.iter().find_map(|event| match &event.fact {
            Fact::RecordLeased { attempt, .. } => Some(*attempt),
            _ => None,
        });
        // No lease any more: too many attempts died with their workers, and the ledger says so.
        let Some(attempt) = attempt else { return Ok(()) };
        begun.tell(attempt);
        let snapshot = self.shift.ledger.project(project).await?.ok_or(JobError::Vanished)?;
        let folder = Folder::of(&self.work_dir, key);
        let wanted = |project: &Project| {
            let record = project.record(id);
            record.is_some_and(|it| it.state == RecordState::Running && it.attempt == attempt)
        };
        let outcome = tokio::select! {
            outcome = self.make(&snapshot, key, &folder) => outcome,
            () = shift::unwanted(&self.shift.ledger, project, wanted) => Err(JobError::GivenUp),
        };
        let outcome = match outcome {
            Ok(made) => self.complete(key, attempt, &folder, made).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) | Err(JobError::GivenUp) => Ok(()),
            Err(JobError::Ledger(error)) => Err(JobError::Ledger(error)),
            Err(error) => {
                let (reason, retry) = (error.told("record"), error.retry());
                // The reason may name files, and files are named after titles: it goes to the members, not to the operators' log.
                tracing::warn!(record = ?id, attempt, retry, "an attempt of a record failed");
                let failed = Command::FailRecord { record: id, attempt, reason, retry };
                shift::report(&self.shift.ledger, project, failed, retry, self.pause).await
            }
        }
    }

    /// From the facts to files that are read and durable, still without names.
    async fn make(&self, snapshot: &Snapshot, key: RecordKey, folder: &Folder) -> Result<Made, JobError> {
        let record = snapshot.project.record(key.1).ok_or(JobError::Vanished)?;
        let ready = self.ready(&snapshot.project, record, key, folder).await?;
        let needed = ready.dry.bytes();
        let needed =
            needed.saturating_mul(ROOM_TIMES).saturating_add(ROOM_MORE).saturating_sub(folder.bytes().await);
        // The child writes past the blob store's own look at the disk, and a full disk would stop the journal.
        self.blobs.must_have_room(needed).await?;
        if let Some(made) = folder.made().await {
            // The server stopped between the seal and the ledger: only the names are missing.
            if self.seal(key, folder, &made, Whose::SealedBefore).await.is_ok() {
                return Ok(made);
            }
            folder.forget_made().await;
        }
        let told = self.run_child(key, folder, &ready).await;
        // A note that lies there now is the child's own, and nobody's word.
        folder.forget_made().await;
        let made = told?;
        // Kept when it is read and not before: the next attempt trusts what it finds there.
        self.seal(key, folder, &made, Whose::Child).await?;
        folder.keep_made(&made).await?;
        Ok(made)
    }

    async fn run_child(&self, key: RecordKey, folder: &Folder, ready: &Ready) -> Result<Made, JobError> {
        let args: [OsString; 1] = [folder.job_path().into_os_string()];
        let answer = process::run(&self.program, "record", self.limits(ready), &args, |line| match line {
            RecordLine::Progress(now) => {
                let fraction = READ + (1.0 - READ - SEAL) * now.fraction;
                self.making.tell(&key, Progress { fraction, ..now });
                None
            }
            answer => Some(answer),
        })
        .await?;
        match answer {
            RecordLine::Done(made) => Ok(*made),
            RecordLine::Failed { text, retry } => Err(JobError::Failed { reason: text, retry }),
            RecordLine::Progress(_) => Err(JobError::Vanished),
        }
    }

    /// By the length of the record.
    fn limits(&self, ready: &Ready) -> Limits {
        let songs = ready.job.sheet.songs.iter().map(|it| &it.source);
        let read_s: u64 = songs.map(|it| it.frames / u64::from(it.sample_rate).max(1)).sum();
        let sound_s = read_s.saturating_add(ready.dry.seconds());
        let files = ready.dry.files().count() as u64;
        let memory_bytes = self.memory_bytes.saturating_add(files.saturating_mul(MEMORY_PER_FILE));
        Limits::new(memory_bytes, CPU_BASE_S.saturating_add(sound_s.saturating_mul(CPU_PER_SECOND)))
    }

    /// The job of the first attempt, or the first one; its sources are read and are those that were signed.
    async fn ready(
        &self,
        project: &Project,
        record: &Record,
        key: RecordKey,
        folder: &Folder,
    ) -> Result<Ready, JobError> {
        let no_more = |reason: String| JobError::Failed { reason, retry: false };
        let mut laid = sheet::of_record(project, record).ok_or_else(|| {
            no_more("Its masters or its spacing are not there as the record names them.".to_owned())
        })?;
        let mut job = match folder.job().await.filter(|job| is_of(job, &laid)) {
            Some(mut job) => {
                let engine = deadwax_dsp::record::engine();
                if job.engine != engine {
                    // Begun by another version, which makes other bytes: with the texts of the job, and nothing else of it.
                    tracing::info!(record = ?key.1, begun_by = %job.engine, "a record is begun anew by this version");
                    folder.clear().await?;
                    job.engine = engine;
                    folder.keep_job(&job).await?;
                }
                job
            }
            None => {
                folder.clear().await?;
                tones::add(&self.blobs, project, &mut laid).await;
                let mut job = new_job(record, &laid, &self.contact);
                if let Some(cover) = laid.cover {
                    job.cover = Some(self.blobs.local_path(cover).await?);
                }
                job
            }
        };
        self.find_cover(&mut job).await?;
        let dry = {
            let (job, texts) = (job.clone(), record.profiles.clone());
            tokio::task::spawn_blocking(move || planned(&job, texts)).await.map_err(std::io::Error::other)?
        };
        let dry = dry.map_err(|refusal| no_more(refusal.text))?;
        if let Some((first, _)) = dry.blocked() {
            let it = &first.finding;
            return Err(no_more(format!("{} (Source: {}.) {}", it.text, it.source, it.mend)));
        }
        self.find_sources(key, (&laid, &dry), &mut job).await?;
        job.out_dir = folder.out_dir();
        folder.keep_job(&job).await?;
        Ok(Ready { job, dry })
    }

    /// Of the first attempt, as all of the label copy.
    async fn find_cover(&self, job: &mut Job) -> Result<(), JobError> {
        let Some(cover) = &mut job.cover else { return Ok(()) };
        let digest = digest_of(cover).ok_or(JobError::Vanished)?;
        self.blobs.verify(digest).await?;
        *cover = self.blobs.local_path(digest).await?;
        Ok(())
    }

    /// Where the files of the job lie today, each read to its end first: what is made of damaged bytes would be taken for good. An alternate that no plan names
    /// is not looked at: it stands in the job by its digest alone.
    async fn find_sources(
        &self,
        key: RecordKey,
        (laid, dry): (&Laid, &Dry),
        job: &mut Job,
    ) -> Result<(), JobError> {
        let count = job.songs.len().max(1) as f64;
        for (at, (song, known)) in job.songs.iter_mut().zip(&laid.songs).enumerate() {
            let step = format!("read {}", known.name);
            let fraction = READ * at as f64 / count;
            self.making.tell(&key, Progress { step, fraction, ..Progress::default() });
            for (file, (alternate, digest)) in song.all_mut().zip(files_of(known)) {
                file.path = match alternate == Alternate::Main || dry.takes(at, &alternate.to_string()) {
                    true => self.sound_of(&known.name, alternate, digest).await?,
                    false => PathBuf::new(),
                };
            }
        }
        Ok(())
    }

    async fn sound_of(&self, title: &str, alternate: Alternate, digest: Digest) -> Result<PathBuf, JobError> {
        sound(&self.blobs, alternate, digest).await.map_err(|unsound| match unsound {
            Unsound::Damaged { .. } => {
                let help = "Ask the owner of the studio to restore the file from the backup, then start the record again.";
                let reason = format!("Of {title}: {unsound} No record was made. {help}");
                JobError::Failed { reason, retry: false }
            }
            Unsound::Blob(error) => error.into(),
        })
    }

    /// Reads every file once more: its digest is what the label signs, and comes from the bytes, not from the renderer. A file that an attempt before gave its
    /// name is read there; a child alone names no bytes that it did not write.
    async fn seal(&self, key: RecordKey, folder: &Folder, made: &Made, whose: Whose) -> Result<(), JobError> {
        let count = u32::try_from(made.files.len()).unwrap_or(u32::MAX);
        for (at, file) in (0..).zip(&made.files) {
            let fraction = 1.0 - SEAL + SEAL * f64::from(at) / f64::from(count.max(1));
            let step = format!("check {}/{}", file.folder, file.name);
            self.making.tell(&key, Progress { step, fraction, files_done: at, files: count });
            let told = digest(&file.sha256).ok_or(JobError::Vanished)?;
            let found = match folder.file(file).await {
                Ok(path) => self.blobs.seal(path).await?,
                Err(error) if whose == Whose::SealedBefore && error.kind() == ErrorKind::NotFound => {
                    (told, self.blobs.verify(told).await?)
                }
                Err(error) => {
                    let reason = format!("{}/{} was not made: {error}.", file.folder, file.name);
                    return Err(JobError::Failed { reason, retry: true });
                }
            };
            if found != (told, file.bytes) {
                let reason =
                    format!("{}/{} does not hold the bytes that were written.", file.folder, file.name);
                return Err(JobError::Failed { reason, retry: true });
            }
        }
        Ok(())
    }

    /// The ledger is asked first, and then the files get their names all at once: a record that was cancelled meanwhile leaves no blob behind that nobody
    /// refers to.
    async fn complete(
        &self,
        (project, id): RecordKey,
        attempt: u32,
        folder: &Folder,
        made: Made,
    ) -> Result<(), JobError> {
        let files =
            made.files.iter().map(record_file).collect::<Option<Vec<_>>>().ok_or(JobError::Vanished)?;
        let report_json = made.report_json;
        let command = Command::CompleteRecord { record: id, attempt, files, report_json };
        let refused = |refusal: deadwax_domain::Refusal| {
            if shift::is_fenced(&refusal) {
                return JobError::Ledger(LedgerError::Refused(refusal));
            }
            // Trying again would make the same bytes.
            let reason = format!("{} {}", refusal.text, refusal.hint);
            JobError::Failed { reason, retry: false }
        };
        let now = self.shift.ledger.project(project).await?.ok_or(JobError::Vanished)?;
        self.shift.ledger.dry(&now, &Actor::Worker, &command).map_err(refused)?;
        let mut named = HashSet::new();
        for file in &made.files {
            let digest = digest(&file.sha256).ok_or(JobError::Vanished)?;
            // Profiles share files.
            if !named.insert(digest) {
                continue;
            }
            match folder.file(file).await {
                Ok(path) => self.blobs.adopt_sealed(path, digest).await?,
                // Named by an attempt before, and read already.
                Err(_) if self.blobs.has(digest).await? => {}
                Err(error) => return Err(error.into()),
            }
        }
        match shift::perform(&self.shift.ledger, project, command).await {
            Err(JobError::Ledger(LedgerError::Refused(refusal))) => Err(refused(refusal)),
            done => done.map(|_| ()),
        }
    }
}

/// It is of these very files and words.
fn is_of(job: &Job, laid: &Laid) -> bool {
    let words = |it: &deadwax_dsp::profile::RecordSheet| (it.copy.clone(), it.medium.clone());
    if words(&job.sheet) != words(&laid.sheet) || job.cover.as_deref().and_then(digest_of) != laid.cover {
        return false;
    }
    let files = |song: &SongFiles| -> Vec<String> { song.all().map(|it| it.sha256.clone()).collect() };
    let known = sources(laid);
    job.songs.len() == known.len() && job.songs.iter().zip(&known).all(|(a, b)| files(a) == files(b))
}

/// Without paths: where the files lie is looked up at every attempt.
fn sources(laid: &Laid) -> Vec<SongFiles> {
    let file = |digest: Digest| SourceFile { path: PathBuf::new(), sha256: digest.to_string() };
    let all = |digests: &Vec<Digest>| digests.iter().copied().map(file).collect();
    let song = |it: &sheet::LaidSong| SongFiles {
        main: it.main.map(file).unwrap_or_default(),
        others: all(&it.others),
        alternates: it
            .alternates
            .iter()
            .zip(&it.alternate_others)
            .map(|((token, digest), others)| AlternateFile {
                token: token.to_string(),
                file: file(*digest),
                others: all(others),
            })
            .collect(),
    };
    laid.songs.iter().map(song).collect()
}

/// In the order of [`SongFiles::all`].
fn files_of(known: &sheet::LaidSong) -> impl Iterator<Item = (Alternate, Digest)> + '_ {
    let main = known.main.iter().chain(&known.others).map(|digest| (Alternate::Main, *digest));
    let alternates =
        known.alternates.iter().zip(&known.alternate_others).flat_map(|((token, best), others)| {
            std::iter::once(best).chain(others).map(|digest| (*token, *digest))
        });
    main.chain(alternates)
}

fn new_job(record: &Record, laid: &Laid, contact: &str) -> Job {
    let mut sheet = laid.sheet.clone();
    contact.clone_into(&mut sheet.contact);
    let text = |it: &deadwax_domain::RecordProfile| deadwax_dsp::record::ProfileText {
        name: it.name.clone(),
        toml: it.toml.clone(),
    };
    let profiles = record.profiles.iter().map(text).collect();
    let engine = deadwax_dsp::record::engine();
    Job { sheet, profiles, songs: sources(laid), cover: None, out_dir: PathBuf::new(), engine }
}

/// The plan of the very job, cover and all.
fn planned(job: &Job, texts: Vec<deadwax_domain::RecordProfile>) -> Result<Dry, deadwax_domain::Refusal> {
    let profiles = Profiles::whole(texts)?;
    let mut sheet = job.sheet.clone();
    sheet.cover = plans::cover(job.cover.as_deref());
    Ok(Dry::of(&profiles.read, &sheet, Vec::new()))
}

fn digest(hex_text: &str) -> Option<Digest> {
    Some(Digest(hex::decode(hex_text).ok()?.try_into().ok()?))
}

fn record_file(it: &MadeFile) -> Option<RecordFile> {
    Some(RecordFile {
        profile: it.profile.clone(),
        folder: it.folder.clone(),
        name: it.name.clone(),
        digest: digest(&it.sha256)?,
        bytes: it.bytes,
        kind: it.kind.clone(),
        sample_rate_hz: it.sample_rate,
        bits: it.bits,
        frames: it.frames,
        exact: it.exact,
        integrated_lufs: it.integrated_lufs,
        true_peak_dbtp: it.true_peak_dbtp,
        over_full_scale: (it.sample_rate > 0).then_some(it.over_full_scale),
    })
}
