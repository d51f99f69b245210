//! The one thread that writes the book: what came meanwhile goes in one write and one sync, then everybody hears of it. What cannot be written is answered so,
//! and after the latch has fallen nothing is believed any more until a restart. Never here: who may have bytes.

use std::{
    io,
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    file::{BookFile, PAGES_AT_ONCE},
    index::{Index, Place},
    page::{Begun, Ended, PAGE_BYTES, Page},
    scan::End,
};
use crate::disk::Stopped;

/// Of what begins and of what is owed, each, in one write.
const BATCH: usize = 511;
/// How often what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Bytes may not leave: it could not be written down that they do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the egress book could not be written: {0}")]
pub struct NotWritten(pub Arc<str>);

pub enum Job {
    /// Its number is given here.
    Begin(Box<Begun>, oneshot::Sender<Result<u64, NotWritten>>),
    End(Ended),
    /// Answered when everything before it was written or given up.
    Flush(oneshot::Sender<()>),
    /// The book is closed: what came before is written, what comes later is not.
    Close,
}

pub struct Writer {
    file: BookFile,
    index: Arc<RwLock<Index>>,
    end: End,
    /// Told again and again until they are written: what was begun has an end.
    owed: Vec<Ended>,
}

type Waiting = Vec<(Begun, oneshot::Sender<Result<u64, NotWritten>>)>;

impl Writer {
    pub fn new(file: BookFile, index: Arc<RwLock<Index>>, end: End) -> Self {
        Self { file, index, end, owed: Vec::new() }
    }

    /// Until the book is closed.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.owed.is_empty() {
                true => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => jobs.recv_timeout(AGAIN),
            };
            let (mut begun, mut flushes, mut closed) = (Waiting::new(), Vec::new(), false);
            let mut take = |job| match job {
                Job::Begin(page, answer) => begun.push((*page, answer)),
                Job::End(ended) => self.owed.push(ended),
                Job::Flush(answer) => flushes.push(answer),
                Job::Close => closed = true,
            };
            match first {
                Ok(job) => {
                    take(job);
                    jobs.try_iter().take(BATCH).for_each(take);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => closed = true,
            }
            self.write(begun);
            for answer in flushes {
                // Whoever does not wait any more need not know.
                let _gone = answer.send(());
            }
            if closed {
                if !self.owed.is_empty() {
                    let ends = self.owed.len();
                    tracing::error!(ends, "the end of an answer was not written into the egress book");
                }
                return;
            }
        }
    }

    /// Numbers what begins, writes it behind what is owed, and answers.
    fn write(&mut self, mut begun: Waiting) {
        while self.owed.len() > BATCH {
            if self.append(&Waiting::new()).is_err() {
                break;
            }
        }
        let first = self.index.read().unwrap_or_else(PoisonError::into_inner).count() + 1;
        for (number, (page, _)) in (first..).zip(&mut begun) {
            page.number = number;
        }
        match self.append(&begun) {
            Ok(()) => {
                for (page, answer) in begun {
                    // Whoever asked has gone: nothing was given, and the book is to say so.
                    if answer.send(Ok(page.number)).is_err() {
                        self.owed.push(Ended { number: page.number, at_ms: page.at_ms, sent: 0 });
                    }
                }
            }
            Err(error) => {
                let why = NotWritten(error.to_string().into());
                for (_, answer) in begun {
                    let _gone = answer.send(Err(why.clone()));
                }
            }
        }
    }

    /// As much as is written at once of what is owed, and what begins where all of that went along.
    fn append(&mut self, begun: &Waiting) -> io::Result<()> {
        let owed = self.owed.len().min(BATCH);
        let pages: Vec<Page> = self.owed[..owed]
            .iter()
            .map(|ended| Page::Ended(*ended))
            .chain(begun.iter().map(|(page, _)| Page::Begun(page.clone())))
            .collect();
        if pages.is_empty() {
            return Ok(());
        }
        let (mut bytes, mut link) = (Vec::with_capacity(pages.len() * PAGE_BYTES), self.end.link);
        for page in &pages {
            let (page, next) = page.write(&link, self.end.pages);
            bytes.extend_from_slice(&page);
            link = next;
        }
        let first = self.end.pages;
        let count = u32::try_from(pages.len()).ok().filter(|count| *count <= PAGES_AT_ONCE);
        let count = count.and_then(|more| first.checked_add(more));
        let count = count.ok_or_else(|| io::Error::other("the book is full"))?;
        self.write_down(&bytes)?;
        self.end = End { pages: count, link, torn_bytes: 0 };
        self.owed.drain(..owed);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for (place, page) in (first..).zip(&pages) {
            let fits = match page {
                Page::Begun(begun) => index.begun(begun, Place(place)),
                Page::Ended(ended) => index.ended(*ended, Place(place)),
                Page::Head(_) => true,
            };
            if !fits {
                tracing::error!(page = place, "a page of the egress book follows none that it could follow");
            }
        }
        index.pages = count;
        Ok(())
    }

    /// Once the latch has fallen this fails at once: what a failed sync wrote may be lost, and a second one would not tell. Only a restart reads what the disk
    /// has.
    fn write_down(&self, bytes: &[u8]) -> io::Result<()> {
        // Told when it fell.
        self.file.check()?;
        let written = self.file.write(self.end.offset(), bytes);
        if let Err(error) = &written {
            match Stopped::of(error) {
                Some(_) => {
                    tracing::error!(%error, "EGRESS_UNWRITTEN: the egress book could not be written; no bytes leave until a restart");
                }
                None => {
                    tracing::error!(%error, "EGRESS_UNWRITTEN: the egress book could not be written; no bytes leave");
                }
            }
        }
        written
    }
}
