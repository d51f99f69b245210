//! The egress book: who was given which bytes, when, by which door and from which address, and how many really went, those of broken-off answers too. A page is
//! durable before the first byte leaves; where it cannot be written, none leaves, and that holds once the one latch of the disk has fallen. Beside the ledger: what
//! somebody fetched is no fact of the project, and the label's history is not its place. Never here: who may have bytes, and who may read the book (`rpc`).

mod alarm;
mod counted;
mod file;
mod index;
mod page;
mod pages;
mod scan;
mod transit;
mod writer;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc},
    thread,
};

use deadwax_domain::{Digest, ProjectId};
use tokio::sync::oneshot;

use self::{
    alarm::Alarm,
    file::BookFile,
    index::{Index, Pair, Place},
    page::Page,
    scan::{page_at, scan},
    writer::{Job, Writer},
};
pub use self::{
    alarm::Unusual,
    counted::{Carried, counted},
    file::{FOLDER, NAME},
    index::Of,
    page::{Begun, Ended, Way},
    pages::{Whole, book_in, every, link_at, whole},
    transit::{Transit, TransitLayer},
    writer::NotWritten,
};
use crate::{auth::Caller, disk::Drive, ledger::Clock};

#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// `line`: the number of the reception that it speaks of, as far as it can still be read; 0: unknown.
    #[error("page {page} of the egress book (byte {offset}{}) is damaged: {what}", in_line(*line))]
    Damaged { page: u32, offset: u64, line: u64, what: &'static str },
    #[error("the egress book is full")]
    Full,
    #[error("the egress book cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

impl BookError {
    fn damaged(page: u32, line: u64, what: &'static str) -> Self {
        // Every reception has a page of its own: a greater number was not written here.
        let line = if line <= u64::from(page) { line } else { 0 };
        Self::Damaged { page, offset: u64::from(page) * page::PAGE_BYTES as u64, line, what }
    }
}

fn in_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!(", line {line}") }
}

/// What somebody is given.
#[derive(Clone, Copy, Debug)]
pub struct Gift {
    pub way: Way,
    pub project: ProjectId,
    pub object: u128,
    pub work: u128,
    pub digest: Digest,
    pub offset: u64,
    pub file_bytes: u64,
}

/// One time that somebody was given bytes, as the book tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reception {
    pub begun: Begun,
    /// `None`: it goes on, or the server ended before it did.
    pub ended: Option<Ended>,
}

pub struct EgressBook {
    jobs: mpsc::Sender<Job>,
    index: Arc<RwLock<Index>>,
    file: BookFile,
    alarm: Mutex<Alarm>,
    clock: Arc<dyn Clock>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
}

/// Bytes that are on their way to somebody; tells the book how many went, however it ends.
pub struct Giving {
    number: u64,
    sent: u64,
    transit: Transit,
    jobs: mpsc::Sender<Job>,
    clock: Arc<dyn Clock>,
}

impl EgressBook {
    /// Reads the book, or begins one. Damage ends the start: a book with a hole proves nothing, and whoever made the hole must not be served.
    pub async fn open(drive: &Drive, folder: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, BookError> {
        let (drive, folder) = (drive.clone(), folder.to_owned());
        let opened = tokio::task::spawn_blocking(move || Self::on(BookFile::open(&drive, &folder)?, clock));
        opened.await.map_err(io::Error::other)?
    }

    fn on(file: BookFile, clock: Arc<dyn Clock>) -> Result<Arc<Self>, BookError> {
        let (mut index, mut alarm) = (Index::default(), Alarm::default());
        let mut end = scan(&file, |place, page| match page {
            Page::Head(_) => true,
            Page::Begun(begun) => {
                // What was unusual was told when it happened; it is known again.
                let _told_then = alarm.see(begun);
                index.begun(begun, Place(place))
            }
            Page::Ended(ended) => index.ended(*ended, Place(place)),
        })?;
        file.settle(end)?;
        if end.pages == 0 {
            let mut id = [0; 32];
            getrandom::fill(&mut id)
                .map_err(|error| io::Error::other(format!("no randomness for the egress book: {error}")))?;
            end = file.begin(id)?;
        }
        index.pages = end.pages;
        let index = Arc::new(RwLock::new(index));
        let (jobs, queue) = mpsc::channel();
        let writer = Writer::new(file.clone(), Arc::clone(&index), end);
        let writer = thread::Builder::new().name("egress".to_owned()).spawn(move || writer.run(&queue))?;
        let (alarm, writer) = (Mutex::new(alarm), Mutex::new(Some(writer)));
        Ok(Arc::new(Self { jobs, index, file, alarm, clock, writer }))
    }

    /// It stands in the book when this returns. No byte may leave before.
    pub async fn begin(&self, caller: &Caller, gift: Gift) -> Result<Giving, NotWritten> {
        let Gift { way, project, object, work, digest, offset, file_bytes } = gift;
        let mut begun = Begun {
            number: 0,
            at_ms: self.clock.now_ms(),
            person: caller.person.id,
            session: caller.session_id,
            address: caller.address,
            way,
            project,
            object,
            work,
            digest,
            offset,
            file_bytes,
        };
        let (answer, answered) = oneshot::channel();
        let stopped = || NotWritten("the server is stopping".into());
        let job = Job::Begin(Box::new(begun.clone()), answer);
        self.jobs.send(job).map_err(|_| stopped())?;
        let number = answered.await.map_err(|_| stopped())??;
        begun.number = number;
        self.watch(&begun);
        caller.transit.count();
        let (transit, jobs) = (caller.transit.clone(), self.jobs.clone());
        Ok(Giving { number, sent: 0, transit, jobs, clock: Arc::clone(&self.clock) })
    }

    fn watch(&self, begun: &Begun) {
        let unusual = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).see(begun);
        if let Some(unusual) = unusual {
            let person = uuid::Uuid::from_u128(unusual.person.0);
            tracing::warn!(
                %person, works = unusual.works, median = unusual.median,
                "EGRESS_UNUSUAL: one person took unusually many songs within 24 hours"
            );
        }
    }

    /// What was told of people who took unusually much, the oldest first, of the last thirty days.
    pub fn unusual(&self) -> Vec<Unusual> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner).told.clone()
    }

    /// Reads every page again, up to the last that is written now, and holds each against the one before. How many there are.
    pub async fn check(&self) -> Result<u32, BookError> {
        let (file, pages) = (self.file.clone(), self.index().pages);
        let read = tokio::task::spawn_blocking(move || pages::chained(&file, pages));
        read.await.map_err(io::Error::other)?.map(|()| pages)
    }

    fn index(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest first, of those whose number is below `before`. At most `scanned` pages are read and `most` of those told that `wanted` says yes to. The
    /// second value is where to go on, 0 at the end.
    pub async fn received(
        &self,
        of: Of,
        before: u64,
        (scanned, most): (usize, usize),
        wanted: impl Fn(&Begun) -> bool + Send + 'static,
    ) -> Result<(Vec<Reception>, u64), BookError> {
        let (pairs, file) = (self.pairs(of, before, scanned), self.file.clone());
        let full = pairs.len() == scanned;
        let read = tokio::task::spawn_blocking(move || {
            let mut told = Vec::new();
            let mut last = 0;
            for (number, pair) in pairs {
                if told.len() == most {
                    return Ok((told, last));
                }
                let reception = read_pair(&file, pair)?;
                last = number;
                if wanted(&reception.begun) {
                    told.push(reception);
                }
            }
            Ok((told, if full { last } else { 0 }))
        });
        read.await.map_err(io::Error::other)?
    }

    fn pairs(&self, of: Of, before: u64, most: usize) -> Vec<(u64, Pair)> {
        let index = self.index();
        let numbers = index.numbers(of, before, most);
        numbers.into_iter().filter_map(|number| Some((number, index.pair(number)?))).collect()
    }

    /// How many times bytes were given.
    pub fn count(&self) -> u64 {
        self.index().count()
    }

    /// Returns when everything that ended before is written, or was tried.
    pub async fn flush(&self) {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Flush(answer)).is_ok() {
            let _gone = answered.await;
        }
    }
}

impl Drop for EgressBook {
    fn drop(&mut self) {
        let _ended_already = self.jobs.send(Job::Close);
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A panic of the thread was told to everybody who asked.
            let _told = writer.join();
        }
    }
}

fn read_pair(file: &BookFile, pair: Pair) -> Result<Reception, BookError> {
    let other = |place: Place| BookError::damaged(place.0, 0, "another page stands in its place");
    let Page::Begun(begun) = page_at(file, pair.begun.0)? else { return Err(other(pair.begun)) };
    let ended = match pair.ended {
        Place(0) => None,
        place => match page_at(file, place.0)? {
            Page::Ended(ended) => Some(ended),
            _ => return Err(other(place)),
        },
    };
    Ok(Reception { begun, ended })
}

impl Giving {
    pub fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// What was taken and has not been handed to the connection did not leave.
    fn left(&self) -> u64 {
        self.sent.saturating_sub(self.transit.held())
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        let ended = Ended { number: self.number, at_ms: self.clock.now_ms(), sent: self.left() };
        if self.jobs.send(Job::End(ended)).is_err() {
            tracing::error!(
                number = self.number,
                sent = self.left(),
                "the end of an answer was not written into the egress book"
            );
        }
    }
}

#[cfg(test)]
mod tests;
