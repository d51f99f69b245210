//! The embedded store: a journal that is the truth and a sled index that can be thrown away. One thread writes; an append is answered
//! after its record is synced (L-1); sled follows behind a front in memory. After a failed write or sync nothing is acknowledged any more and reads go on.
//! `root/journal` and `root/index`; `root/lock` keeps a second process out. It must never look inside an entry.

mod backup;
pub mod carry;
mod committer;
mod cut;
mod front;
mod index;
mod journal;
mod moved;
mod record;
mod rows;
mod verify;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{mpsc, oneshot};

pub use backup::{BackupReport, backup, put_blob, restore};
pub use moved::{Importing, MovedEntry, MovedRecord, moved_records};
pub use verify::{IndexState, Met, Roots, VerifyReport, rebuild_index, survey, survey_copy, verify};

use self::{
    committer::{Committer, Job},
    index::{Applied, Index, Place},
    journal::{Cursor, Found, Journal, Position, segment_name},
    record::What,
    rows::{Distrust, SledRows},
};
use super::{Append, AppendError, Appended, Entry, Mark, ReadError, Store, StreamId};
use crate::{
    disk::{Drive, is_full, work},
    planted::planted,
};

/// Appends that may wait for the committer; more wait at their senders.
const QUEUE: usize = 1024;
/// Records taken into the index at once while it catches up.
const CATCH_UP: usize = 256;

#[derive(Clone, Debug)]
pub struct Options {
    /// The studio folder.
    pub root: PathBuf,
    /// Appends are refused while less than this is free on the disk.
    pub reserve_bytes: u64,
    /// A segment that has reached this size is followed by a new one.
    pub segment_bytes: u64,
}

impl Options {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), reserve_bytes: 64 << 20, segment_bytes: 64 << 20 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another deadwax-server holds {0}; stop it first, or choose another folder")]
    Locked(PathBuf),
    #[error("the journal is damaged in {segment} at byte {offset}{record}: {what}")]
    Damaged { segment: String, offset: u64, record: String, what: String },
    #[error("{segment} has format {format}; this server reads up to {known}. Start a newer deadwax-server")]
    Newer { segment: String, format: u32, known: u32 },
    #[error(
        "the journal ends in {journal} at byte {journal_bytes}, but the index has seen more. If the journal was restored from an older backup on purpose, remove the index folder"
    )]
    Short { journal: String, journal_bytes: u64 },
    #[error("the index failed: {0}. It can be removed while the server is stopped and is made again")]
    Index(#[source] io::Error),
    #[error("the disk is full: the index cannot be opened. Make room, then start again; nothing is lost")]
    Full,
    #[error("{attempted} failed: {source}")]
    Io { attempted: String, source: io::Error },
}

impl OpenError {
    fn io(attempted: &str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { attempted: attempted.to_owned(), source }
    }

    fn read(error: ReadError) -> Self {
        let source = match error {
            ReadError::Io(source) => source,
            other => io::Error::other(other),
        };
        Self::Io { attempted: "reading an entry".into(), source }
    }
}

/// The default engine. Dropping it answers what was queued, then closes.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<Job>>,
    committer: Option<thread::JoinHandle<()>>,
}

struct Shared {
    journal: Journal,
    index: Index,
    drive: Drive,
    // Last: released when the index is closed.
    _lock: Option<File>,
}

/// Where the index keeps its rows.
enum Keep {
    Sled(PathBuf),
    #[cfg(any(test, feature = "faults"))]
    Memory,
}

impl EmbeddedStore {
    /// Opens or makes the store of a studio folder. The index is brought up to the journal, or made again where it is missing, broken
    /// or not to be trusted after a power cut; that takes some seconds for each million entries.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let lock = lock(&options.root)?;
        let keep = Keep::Sled(options.root.join("index"));
        Self::open_on(&options, Drive::real(), &keep, Some(lock))
    }

    /// On a disk of the caller's, with an index in memory that is made from the journal at every start.
    #[cfg(any(test, feature = "faults"))]
    pub fn open_on_disk(options: &Options, drive: Drive) -> Result<Self, OpenError> {
        Self::open_on(options, drive, &Keep::Memory, None)
    }

    fn open_on(options: &Options, drive: Drive, keep: &Keep, lock: Option<File>) -> Result<Self, OpenError> {
        let journal = Journal::open(drive.clone(), &options.root.join("journal"))?;
        let (index, cursor) = open_index(&journal, keep)?;
        let heads = index.heads().map_err(OpenError::Index)?.into_iter().collect();
        let index = match keep {
            Keep::Sled(_) => {
                index.behind_front(drive.latch()).map_err(OpenError::io("starting the index"))?
            }
            #[cfg(any(test, feature = "faults"))]
            Keep::Memory => index,
        };
        let shared = Arc::new(Shared { journal, index, drive, _lock: lock });
        let (queue, jobs) = mpsc::channel(QUEUE);
        let committer =
            Committer::new(shared.clone(), cursor, heads, options.reserve_bytes, options.segment_bytes);
        #[cfg(any(test, feature = "faults"))]
        if work::is_simulated() {
            tokio::spawn(committer.run_simulated(jobs));
            return Ok(Self { shared, queue: Some(queue), committer: None });
        }
        let committer = thread::Builder::new().name("journal".into()).spawn(move || committer.run(jobs));
        let committer = Some(committer.map_err(OpenError::io("starting the committer"))?);
        Ok(Self { shared, queue: Some(queue), committer })
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, AppendError>>) -> Job,
    ) -> Result<T, AppendError> {
        let (answer, answered) = oneshot::channel();
        let _waits = self.shared.drive.figures().wait();
        if let Some(queue) = &self.queue
            && queue.send(job(answer)).await.is_ok()
            && let Ok(answer) = answered.await
        {
            return answer;
        }
        // The thread is gone without an answer: whether the append is durable is not known, so it is not acknowledged.
        Err(AppendError::ReadOnly(self.shared.fail("the committer has stopped; see the log")))
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Shared) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let shared = self.shared.clone();
        match work::run(move || look(&shared)).await {
            Ok(found) => found,
            Err(error) => Err(io::Error::other(format!("reading stopped: {error}")).into()),
        }
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(committer) = self.committer.take() {
            // A panic of the thread was told to every caller already.
            let _ = committer.join();
        }
    }
}

impl Shared {
    /// From now on nothing is acknowledged.
    fn fail(&self, reason: impl Into<String>) -> String {
        self.drive.latch().fall(reason).0.to_string()
    }

    fn read(&self, stream: StreamId, after: u64, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let entry =
            |(seq, place): (u64, Place)| Ok(Entry { seq, payload: self.payload(stream, seq, &place)? });
        self.places(stream, after, limit)?.into_iter().map(entry).collect()
    }

    fn marks(&self, stream: StreamId, after: u64, limit: usize) -> Result<Vec<Mark>, ReadError> {
        let mark = |(seq, place): (u64, Place)| Mark { seq, sha256: place.mark.sha256 };
        Ok(self.places(stream, after, limit)?.into_iter().map(mark).collect())
    }

    /// Where the entries lie, without gaps.
    fn places(&self, stream: StreamId, after: u64, limit: usize) -> Result<Vec<(u64, Place)>, ReadError> {
        let places = self.index.places(stream, after, limit)?;
        // `after` may be the last number there is: nothing comes behind it.
        let expected = places.iter().zip(after.saturating_add(1)..);
        match expected.filter(|((seq, _), expected)| seq != expected).map(|(_, expected)| expected).next() {
            None => Ok(places),
            Some(expected) => {
                let what = format!("entry {expected} of the stream is not in the index; run rebuild-index");
                Err(ReadError::Corrupt { at: format!("stream {:032x}", stream.0), what })
            }
        }
    }

    fn payload(&self, stream: StreamId, seq: u64, place: &Place) -> Result<Option<Bytes>, ReadError> {
        if place.redacted {
            return Ok(None);
        }
        if let Some(payload) = self.journal.payload(place.at, &place.mark)? {
            return Ok(Some(payload));
        }
        // It may have been redacted since the place was looked up.
        if self.index.place(stream, seq)?.is_some_and(|place| place.redacted) {
            return Ok(None);
        }
        let Position { segment, offset } = place.at;
        let what = format!("entry {seq} of stream {:032x} does not match its hash", stream.0);
        Err(ReadError::Corrupt { at: format!("{} byte {offset}", segment_name(segment)), what })
    }
}

impl Store for EmbeddedStore {
    fn read(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, ReadError>> {
        self.look(move |shared| shared.read(stream, after, limit)).boxed()
    }

    fn marks(
        &self,
        stream: StreamId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Mark>, ReadError>> {
        self.look(move |shared| shared.marks(stream, after, limit)).boxed()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move {
            append.check_sizes()?;
            self.ask(|answer| Job::Append(Box::new(append), answer)).await
        }
        .boxed()
    }

    fn command(&self, id: u128) -> BoxFuture<'_, Result<Option<(Appended, [u8; 32])>, ReadError>> {
        self.look(move |shared| Ok(shared.index.command(id)?)).boxed()
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>> {
        self.look(|shared| Ok(shared.index.heads()?)).boxed()
    }

    fn desk(&self, owner: u128) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, ReadError>> {
        self.look(move |shared| Ok(shared.index.desk(owner)?)).boxed()
    }

    fn redact(&self, stream: StreamId, seq: u64) -> BoxFuture<'_, Result<(), AppendError>> {
        self.ask(move |answer| Job::Redact(stream, seq, answer)).boxed()
    }

    fn drive(&self) -> &Drive {
        &self.shared.drive
    }
}

/// A child that is being begun holds what its parent held until it runs its own program, also where the parent is gone or has let go.
const LOCK_TRIES: u32 = 10;
const LOCK_REST: Duration = Duration::from_millis(20);

/// Makes the studio folder and takes its lock, which ends with the process however it ends.
pub(crate) fn lock(root: &Path) -> Result<File, OpenError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(root);
    made.map_err(OpenError::io(&format!("making {}", root.display())))?;
    let path = root.join("lock");
    let file = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(OpenError::io(&format!("opening {}", path.display())))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => thread::sleep(LOCK_REST),
            Err(fs::TryLockError::Error(error)) => {
                return Err(OpenError::io("locking the studio folder")(error));
            }
        }
    }
    Err(OpenError::Locked(root.to_owned()))
}

/// The index, brought up to the journal, and where the next record goes.
fn open_index(journal: &Journal, keep: &Keep) -> Result<(Index, Cursor), OpenError> {
    match keep {
        Keep::Sled(folder) => open_sled_index(journal, folder),
        #[cfg(any(test, feature = "faults"))]
        Keep::Memory => {
            let index = Index::new(Box::new(rows::MapRows::default()));
            let cursor = catch_up(journal, &index, journal.start(), Position { segment: 0, offset: 0 })?;
            Ok((index, cursor))
        }
    }
}

fn open_sled_index(journal: &Journal, folder: &Path) -> Result<(Index, Cursor), OpenError> {
    let mut durable = Position { segment: 0, offset: 0 };
    let why = match SledRows::open(folder) {
        Ok(rows) => {
            let index = Index::new(Box::new(rows));
            // sled 0.34 may notice a broken file late, and by a panic.
            let tried = catch_unwind(AssertUnwindSafe(|| {
                let from = trusted_start(journal, &index, &mut durable)?;
                catch_up(journal, &index, from, durable)
            }));
            match tried {
                Ok(Ok(cursor)) => return Ok((index, cursor)),
                Ok(Err(OpenError::Index(error))) => Distrust::Broken(error.to_string()),
                Ok(Err(error)) => return Err(error),
                Err(_) => Distrust::Broken("sled panicked".into()),
            }
        }
        Err(Distrust::Full) => return Err(OpenError::Full),
        Err(why) => why,
    };
    tracing::warn!(%why, "the index is made again from the journal");
    let index = Index::new(Box::new(SledRows::fresh(folder, &why).map_err(of_index)?));
    let cursor = catch_up(journal, &index, journal.start(), durable)?;
    Ok((index, cursor))
}

fn of_index(error: io::Error) -> OpenError {
    if is_full(&error) { OpenError::Full } else { OpenError::Index(error) }
}

/// From which record on the index has to catch up. An index of another journal, or one that ends where no record ends, is broken.
fn trusted_start(journal: &Journal, index: &Index, durable: &mut Position) -> Result<Cursor, OpenError> {
    let Some(Applied { journal: id, last, cursor }) = index.applied().map_err(OpenError::Index)? else {
        return Ok(journal.start());
    };
    if id != journal.id {
        return Err(OpenError::Index(io::Error::other("it belongs to another journal")));
    }
    let count = journal.segment_count();
    if cursor.at.segment > count || journal.len(cursor.at.segment)? < cursor.at.offset {
        return Err(OpenError::Short { journal: segment_name(count), journal_bytes: journal.len(count)? });
    }
    // A record is taken in only after it was synced.
    *durable = cursor.at;
    if journal.ends_at(last, cursor)? {
        Ok(cursor)
    } else {
        Err(OpenError::Index(io::Error::other("it does not fit the journal")))
    }
}

fn catch_up(journal: &Journal, index: &Index, from: Cursor, durable: Position) -> Result<Cursor, OpenError> {
    let scan = journal.scan(from, durable, &mut |_| Ok(()))?;
    journal.settle(&scan).map_err(OpenError::io("settling the end of the journal"))?;
    let mut waiting: Vec<Found> = Vec::new();
    journal.scan(from, durable, &mut |mut found| {
        if let (true, What::Append { command, .. }) =
            (planted!("command-ids-in-memory"), &mut found.head.what)
        {
            command.id = !command.id;
        }
        waiting.push(found);
        if waiting.len() == CATCH_UP {
            index.apply(journal.id, waiting.iter()).map_err(of_index)?;
            waiting.clear();
        }
        Ok(())
    })?;
    index.apply(journal.id, waiting.iter()).map_err(of_index)?;
    for (stream, seq) in index.to_erase().map_err(of_index)? {
        erase(journal, index, stream, seq).map_err(OpenError::io("finishing a redaction"))?;
    }
    Ok(scan.end)
}

/// Overwrites the bytes of an entry that the journal calls redacted.
fn erase(journal: &Journal, index: &Index, stream: StreamId, seq: u64) -> io::Result<()> {
    if let Some(place) = index.place(stream, seq)? {
        if !journal.is_erased(place.at, &place.mark)? {
            journal.erase(place.at, &place.mark)?;
        }
        index.erased(stream, seq)?;
    }
    Ok(())
}
