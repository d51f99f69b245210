//! The egress book: who was given which bytes, when, by which door and from which address, and how many really went, those of broken-off answers too. A page is
//! durable before the first byte leaves; where it cannot be written, none leaves. Beside the ledger: what somebody fetched is no fact of the project, and the
//! label's history is not its place. Never here: who may have bytes, and who may read the book (`rpc`).

mod alarm;
mod counted;
mod index;
mod page;
mod paper;
mod scan;
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
    index::{Index, Pair, Place},
    page::{NOTHING, Page},
    paper::Paper,
    scan::{End, page_at, scan},
    writer::{Job, Writer},
};
pub use self::{
    counted::{Carried, counted},
    index::Of,
    page::{Begun, Ended, Way},
    writer::NotWritten,
};
use crate::{auth::Caller, ledger::Clock};

const FILE: &str = "book";

#[derive(Debug, thiserror::Error)]
pub enum BookError {
    #[error("page {page} of the egress book (byte {offset}) is damaged: {what}")]
    Damaged { page: u32, offset: u64, what: &'static str },
    #[error("the egress book is full")]
    Full,
    #[error("the egress book cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

impl BookError {
    fn damaged(page: u32, what: &'static str) -> Self {
        Self::Damaged { page, offset: u64::from(page) * page::PAGE_BYTES as u64, what }
    }
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
    paper: Arc<dyn Paper>,
    alarm: Mutex<Alarm>,
    clock: Arc<dyn Clock>,
}

/// Bytes that are on their way to somebody; tells the book how many went, however it ends.
pub struct Giving {
    number: u64,
    sent: u64,
    jobs: mpsc::Sender<Job>,
    clock: Arc<dyn Clock>,
}

impl EgressBook {
    /// Reads the book, or begins one. Damage ends the start: a book with a hole proves nothing, and whoever made the hole must not be served.
    pub async fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, BookError> {
        let folder = folder.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let paper: Arc<dyn Paper> = Arc::new(paper::open(&folder, FILE)?);
            Self::on(paper, clock)
        });
        opened.await.map_err(io::Error::other)?
    }

    fn on(paper: Arc<dyn Paper>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, BookError> {
        let (mut index, mut alarm) = (Index::default(), Alarm::default());
        let mut end = scan(&*paper, |place, page| match page {
            Page::Head(_) => true,
            Page::Begun(begun) => {
                // What was unusual was told when it happened.
                let _told_then = alarm.see(begun);
                index.begun(begun, Place(place))
            }
            Page::Ended(ended) => index.ended(*ended, Place(place)),
        })?;
        if end.torn_bytes > 0 {
            tracing::warn!(bytes = end.torn_bytes, page = end.pages, "cut a torn end off the egress book");
            paper.truncate(end.offset())?;
            paper.sync_data()?;
        }
        if end.pages == 0 {
            end = begin(&*paper)?;
        }
        let index = Arc::new(RwLock::new(index));
        let (jobs, queue) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&paper), Arc::clone(&index), end);
        thread::Builder::new().name("egress".to_owned()).spawn(move || writer.run(&queue))?;
        Ok(Arc::new(Self { jobs, index, paper, alarm: Mutex::new(alarm), clock }))
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
        Ok(Giving { number, sent: 0, jobs: self.jobs.clone(), clock: Arc::clone(&self.clock) })
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

    /// The newest first, of those whose number is below `before`. At most `scanned` pages are read and `most` of those told that `wanted` says yes to. The
    /// second value is where to go on, 0 at the end.
    pub async fn received(
        &self,
        of: Of,
        before: u64,
        (scanned, most): (usize, usize),
        wanted: impl Fn(&Begun) -> bool + Send + 'static,
    ) -> Result<(Vec<Reception>, u64), BookError> {
        let (pairs, paper) = (self.pairs(of, before, scanned), Arc::clone(&self.paper));
        let full = pairs.len() == scanned;
        let read = tokio::task::spawn_blocking(move || {
            let mut told = Vec::new();
            let mut last = 0;
            for (number, pair) in pairs {
                if told.len() == most {
                    return Ok((told, last));
                }
                let reception = read_pair(&*paper, pair)?;
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
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let numbers = index.numbers(of, before, most);
        numbers.into_iter().filter_map(|number| Some((number, index.pair(number)?))).collect()
    }

    /// How many times bytes were given.
    pub fn count(&self) -> u64 {
        self.index.read().unwrap_or_else(PoisonError::into_inner).count()
    }

    /// Returns when everything that ended before is written, or was tried.
    pub async fn flush(&self) {
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Flush(answer)).is_ok() {
            let _gone = answered.await;
        }
    }
}

/// The first page of a new book.
fn begin(paper: &dyn Paper) -> Result<End, BookError> {
    let mut id = [0; 32];
    getrandom::fill(&mut id)
        .map_err(|error| io::Error::other(format!("no randomness for the egress book: {error}")))?;
    let (bytes, link) = Page::Head(id).write(&NOTHING);
    paper.write_at(0, &bytes)?;
    paper.sync_data()?;
    Ok(End { pages: 1, link, torn_bytes: 0 })
}

fn read_pair(paper: &dyn Paper, pair: Pair) -> Result<Reception, BookError> {
    let other = |place: Place| BookError::damaged(place.0, "another page stands in its place");
    let Page::Begun(begun) = page_at(paper, pair.begun.0)? else { return Err(other(pair.begun)) };
    let ended = match pair.ended {
        Place(0) => None,
        place => match page_at(paper, place.0)? {
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
}

impl Drop for Giving {
    fn drop(&mut self) {
        let ended = Ended { number: self.number, at_ms: self.clock.now_ms(), sent: self.sent };
        if self.jobs.send(Job::End(ended)).is_err() {
            tracing::error!(
                number = self.number,
                sent = self.sent,
                "the end of an answer was not written into the egress book"
            );
        }
    }
}

#[cfg(test)]
mod tests;
