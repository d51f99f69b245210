//! The one thread that writes: takes what waits, decides, writes all records at once, syncs, feeds the index, then answers. Nobody
//! hears of a batch before it is durable, not even of a conflict that it made.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
    time::Instant,
};

use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};

use super::{
    Shared, erase,
    journal::{Cursor, Found, HEADER_BYTES, Position},
    record::{Hash, Head, PayloadMark, SALT_BYTES, What},
};
use crate::{
    disk::is_full,
    planted::planted,
    store::{Append, AppendError, Appended, StreamId},
};

/// A batch is closed at either limit, so that the first in it does not wait for long.
const BATCH_JOBS: usize = 512;
const BATCH_BYTES: usize = 8 << 20;

pub(super) enum Job {
    Append(Box<Append>, oneshot::Sender<Result<Appended, AppendError>>),
    Redact(StreamId, u64, oneshot::Sender<Result<(), AppendError>>),
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    cursor: Cursor,
    heads: HashMap<StreamId, u64>,
    reserve_bytes: u64,
    segment_bytes: u64,
}

/// Records that are decided and not yet durable, and what they make true for the next decision.
struct Batch {
    begin: Position,
    cursor: Cursor,
    frames: Vec<u8>,
    records: Vec<Found>,
    heads: HashMap<StreamId, u64>,
    commands: HashMap<u128, (Appended, Hash)>,
    claims: HashSet<Hash>,
    redactions: Vec<(StreamId, u64)>,
    answers: Vec<Answer>,
}

enum Answer {
    Append(oneshot::Sender<Result<Appended, AppendError>>, Result<Appended, AppendError>),
    Redact(oneshot::Sender<Result<(), AppendError>>, Result<(), AppendError>),
}

impl Answer {
    // A caller that went away does not hear it; the fact stays.
    fn send(self) {
        match self {
            Self::Append(to, answer) => drop(to.send(answer)),
            Self::Redact(to, answer) => drop(to.send(answer)),
        }
    }

    fn refuse(self, reason: &str) {
        self.refuse_for(&Refusal::ReadOnly(reason.to_owned()));
    }

    fn refuse_for(self, refusal: &Refusal) {
        let error = match refusal {
            Refusal::ReadOnly(reason) => AppendError::ReadOnly(reason.clone()),
            Refusal::Full { free, needed } => AppendError::DiskNearlyFull { free: *free, needed: *needed },
        };
        match self {
            Self::Append(to, _) => drop(to.send(Err(error))),
            Self::Redact(to, _) => drop(to.send(Err(error))),
        }
    }
}

/// Why a whole batch is not acknowledged.
enum Refusal {
    ReadOnly(String),
    Full { free: u64, needed: u64 },
}

impl Committer {
    pub(super) fn new(
        shared: Arc<Shared>,
        cursor: Cursor,
        heads: HashMap<StreamId, u64>,
        reserve_bytes: u64,
        segment_bytes: u64,
    ) -> Self {
        Self { shared, cursor, heads, reserve_bytes, segment_bytes }
    }

    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let began = Instant::now();
            let mut batch = self.gather(first, &mut jobs);
            let durable = self.write(&batch).and_then(|()| self.sync(&mut batch));
            self.settle(batch, durable);
            self.shared.drive.figures().groups.observe(began.elapsed().as_secs_f64());
        }
    }

    /// The same as a task of a simulation: the power may fail between any two of its steps.
    #[cfg(any(test, feature = "faults"))]
    pub(super) async fn run_simulated(mut self, mut jobs: mpsc::Receiver<Job>) {
        use crate::disk::work::pause;
        while let Some(first) = jobs.recv().await {
            let mut batch = self.gather(first, &mut jobs);
            pause().await;
            let mut durable = self.write(&batch);
            if durable.is_ok() {
                pause().await;
                durable = self.sync(&mut batch);
            }
            pause().await;
            self.settle(batch, durable);
        }
    }

    fn gather(&mut self, first: Job, jobs: &mut mpsc::Receiver<Job>) -> Batch {
        self.rotate();
        let mut batch = Batch::new(self.cursor);
        self.decide(first, &mut batch);
        while batch.answers.len() < BATCH_JOBS && batch.frames.len() < BATCH_BYTES {
            let Ok(next) = jobs.try_recv() else { break };
            self.decide(next, &mut batch);
        }
        self.shared.drive.figures().group_jobs.observe(batch.answers.len() as f64);
        batch
    }

    fn rotate(&mut self) {
        let is_empty = self.cursor.at.offset == HEADER_BYTES;
        let stopped = self.shared.drive.latch().reason().is_some();
        if is_empty || self.cursor.at.offset < self.segment_bytes || stopped {
            return;
        }
        match self.shared.journal.begin_segment(self.cursor.index, self.cursor.previous) {
            Ok(cursor) => self.cursor = cursor,
            // The last segment has no greatest size: it goes on until a new one can be made.
            Err(error) if is_full(&error) => {
                tracing::warn!(%error, "there is no room for a new journal segment; the last one goes on");
            }
            Err(error) => drop(self.shared.fail(format!("beginning a new journal segment failed: {error}"))),
        }
    }

    fn decide(&self, job: Job, batch: &mut Batch) {
        let answer = match job {
            Job::Append(append, to) => Answer::Append(to, self.append(*append, batch)),
            Job::Redact(stream, seq, to) => Answer::Redact(to, self.redact(stream, seq, batch)),
        };
        batch.answers.push(answer);
    }

    fn append(&self, append: Append, batch: &mut Batch) -> Result<Appended, AppendError> {
        let Append { stream, expected, command, entries, claims, desk } = append;
        if let Some((done, request)) = self.known(command.id, batch)? {
            if request != command.request_sha256 {
                return Err(AppendError::CommandReused(command.id));
            }
            return Ok(Appended { repeated: true, ..done });
        }
        self.writable()?;
        let head = self.head(stream, batch);
        if head != expected {
            return Err(AppendError::Conflict { expected, head });
        }
        let mut fresh = Vec::with_capacity(claims.len());
        for (at, claim) in claims.iter().enumerate() {
            // A studio that came from a database may have claims that were hashed without a seed.
            let bare = Sha256::digest(claim).into();
            // Only whether it is taken matters, so an e-mail need not lie in the journal for ever.
            let claim =
                Sha256::new().chain_update(self.shared.journal.id).chain_update(claim).finalize().into();
            let is_claimed =
                |claim| self.shared.index.is_claimed(claim).map_err(|error| self.lost_index(&error));
            let stored = is_claimed(&claim)? || is_claimed(&bare)?;
            if stored || batch.claims.contains(&claim) || fresh.contains(&claim) {
                return Err(AppendError::ClaimTaken(at));
            }
            fresh.push(claim);
        }
        let area_bytes = entries.iter().map(|entry| SALT_BYTES + entry.len()).sum::<usize>();
        self.check_reserve(batch.frames.len() + area_bytes)?;
        let mut salts = vec![0; entries.len() * SALT_BYTES];
        getrandom::fill(&mut salts)
            .map_err(|error| AppendError::ReadOnly(format!("the system gave no randomness: {error}")))?;
        let mut area = Vec::with_capacity(area_bytes);
        let mut payloads = Vec::with_capacity(entries.len());
        for (salt, entry) in salts.chunks_exact(SALT_BYTES).zip(&entries) {
            area.extend_from_slice(salt);
            area.extend_from_slice(entry);
            payloads.push(PayloadMark::of(salt, entry));
        }
        let first_seq = head + 1;
        let done = Appended { stream, first_seq, last_seq: head + entries.len() as u64, repeated: false };
        batch.claims.extend(fresh.iter().copied());
        batch.heads.insert(stream, done.last_seq);
        batch.commands.insert(command.id, (done, command.request_sha256));
        batch.push(
            &self.shared.journal.id,
            What::Append { stream, first_seq, command, payloads, claims: fresh, desk },
            &area,
        );
        Ok(done)
    }

    /// Allowed on a nearly full disk: its record is small, and what must be erased cannot wait.
    fn redact(&self, stream: StreamId, seq: u64, batch: &mut Batch) -> Result<(), AppendError> {
        self.writable()?;
        let head = self.head(stream, batch);
        if seq == 0 || seq > head {
            return Err(AppendError::Conflict { expected: seq, head });
        }
        let place = self.shared.index.place(stream, seq).map_err(|error| self.lost_index(&error))?;
        if !place.is_some_and(|place| place.redacted) {
            batch.push(&self.shared.journal.id, What::Redact { stream, seq }, &[]);
        }
        // Also one that was told before: its bytes may be still there where the disk was full then.
        batch.redactions.push((stream, seq));
        Ok(())
    }

    fn known(&self, id: u128, batch: &Batch) -> Result<Option<(Appended, Hash)>, AppendError> {
        match batch.commands.get(&id) {
            Some(known) => Ok(Some(*known)),
            None => self.shared.index.command(id).map_err(|error| self.lost_index(&error)),
        }
    }

    fn head(&self, stream: StreamId, batch: &Batch) -> u64 {
        batch.heads.get(&stream).or_else(|| self.heads.get(&stream)).copied().unwrap_or(0)
    }

    fn writable(&self) -> Result<(), AppendError> {
        self.shared.drive.latch().check().map_err(|stopped| AppendError::ReadOnly(stopped.0.to_string()))
    }

    fn lost_index(&self, error: &io::Error) -> AppendError {
        AppendError::ReadOnly(self.shared.fail(format!("the index cannot be read: {error}")))
    }

    fn check_reserve(&self, more_bytes: usize) -> Result<(), AppendError> {
        // A disk that cannot be asked will say so at the write.
        let free = self.shared.journal.room().map_or(u64::MAX, |room| room.bytes);
        let needed = self.reserve_bytes.saturating_add(more_bytes as u64);
        if free < needed { Err(AppendError::DiskNearlyFull { free, needed }) } else { Ok(()) }
    }

    fn write(&self, batch: &Batch) -> io::Result<()> {
        if batch.records.is_empty() { Ok(()) } else { self.shared.journal.write(batch.begin, &batch.frames) }
    }

    /// Once: a second sync may succeed without having written anything, so none is tried.
    fn sync(&self, batch: &mut Batch) -> io::Result<()> {
        if planted!("ack-before-fsync") {
            batch.answers.drain(..).for_each(Answer::send);
        }
        if batch.records.is_empty() { Ok(()) } else { self.shared.journal.sync(batch.begin.segment) }
    }

    /// `durable`: what became of write and sync. Nobody hears of the batch before.
    fn settle(&mut self, batch: Batch, durable: io::Result<()>) {
        let journal = &self.shared.journal;
        if let Err(error) = durable {
            self.refuse(batch, &error);
            return;
        }
        if !batch.records.is_empty() {
            self.cursor = batch.cursor;
            self.heads.extend(batch.heads);
            if let Err(error) = self.shared.index.apply(journal.id, batch.records.iter()) {
                // Durable, but no longer to be found: a restart brings the index up to it, and a retry is answered then.
                let reason = self.shared.fail(format!("writing the index failed: {error}"));
                batch.answers.into_iter().for_each(|answer| answer.refuse(&reason));
                return;
            }
        }
        let erased = batch
            .redactions
            .iter()
            .try_for_each(|(stream, seq)| erase(journal, &self.shared.index, *stream, *seq));
        for answer in batch.answers {
            match &erased {
                Err(error) if matches!(answer, Answer::Redact(..)) => answer.refuse_for(&self.refusal(error)),
                _ => answer.send(),
            }
        }
    }

    /// Nothing of the batch is there, or it is not known whether.
    fn refuse(&self, batch: Batch, error: &io::Error) {
        let refusal = self.refusal(error);
        batch.answers.into_iter().for_each(|answer| answer.refuse_for(&refusal));
    }

    /// A full disk is the only failure of a write that leaves everything as it was.
    fn refusal(&self, error: &io::Error) -> Refusal {
        if is_full(error) {
            let free = self.shared.journal.room().map_or(0, |room| room.bytes);
            return Refusal::Full { free, needed: self.reserve_bytes };
        }
        Refusal::ReadOnly(self.shared.fail(format!("writing the journal failed: {error}")))
    }
}

impl Batch {
    fn new(cursor: Cursor) -> Self {
        Self {
            begin: cursor.at,
            cursor,
            frames: Vec::new(),
            records: Vec::new(),
            heads: HashMap::new(),
            commands: HashMap::new(),
            claims: HashSet::new(),
            redactions: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn push(&mut self, journal: &Hash, what: What, area: &[u8]) {
        let Cursor { at, index, previous } = self.cursor;
        let head = Head { index, previous, durable_before: self.begin.offset, what };
        let (frame, hash) = head.frame(journal, area);
        let mut offset = at.offset + (frame.len() - area.len()) as u64;
        let payloads = head.payloads().iter().map(|mark| {
            let place = Position { segment: at.segment, offset };
            offset += mark.salted_bytes() as u64;
            place
        });
        let payloads = payloads.collect();
        let next = Position { segment: at.segment, offset: at.offset + frame.len() as u64 };
        let next = Cursor { at: next, index: index + 1, previous: hash };
        self.frames.extend_from_slice(&frame);
        self.records.push(Found { at, head, next, payloads, bad: Vec::new() });
        self.cursor = next;
    }
}
