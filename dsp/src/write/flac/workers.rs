//! Threads that encode frames side by side, with a bounded number under way. Frames come out in the order in which blocks went in; which thread made
//! one leaves no trace in it. Never here: the format.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::JoinHandle,
};

use super::frame::{Encoder, Format};

/// Blocks under way for each thread: one in work and enough waiting that none ever starves.
const UNDER_WAY: usize = 4;

struct Job {
    number: u64,
    planes: Vec<Vec<i32>>,
}

struct Done {
    number: u64,
    bytes: Vec<u8>,
    /// Comes back to be filled again.
    planes: Vec<Vec<i32>>,
}

pub(super) struct Workers {
    /// `None` once everything was sent.
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Done>,
    threads: Vec<JoinHandle<()>>,
    /// Finished frames from `next` on; `None` where one is still under way.
    finished: VecDeque<Option<Vec<u8>>>,
    spare: Vec<Vec<Vec<i32>>>,
    sent: u64,
    next: u64,
    under_way: usize,
    limit: usize,
}

impl Workers {
    pub(super) fn new(format: Format, threads: usize) -> io::Result<Self> {
        let count = threads.max(1);
        let limit = count * UNDER_WAY;
        let (jobs, waiting) = sync_channel::<Job>(limit);
        let (report, done) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = (0..count)
            .map(|_| {
                let (waiting, report) = (waiting.clone(), report.clone());
                std::thread::Builder::new().name("flac".into()).spawn(move || work(format, &waiting, &report))
            })
            .collect::<io::Result<_>>()?;
        Ok(Workers {
            jobs: Some(jobs),
            done,
            threads,
            finished: VecDeque::new(),
            spare: Vec::new(),
            sent: 0,
            next: 0,
            under_way: 0,
            limit,
        })
    }

    /// Memory of a block that is done with.
    pub(super) fn spare(&mut self) -> Option<Vec<Vec<i32>>> {
        self.spare.pop()
    }

    /// Waits while too many blocks are under way.
    pub(super) fn send(&mut self, planes: Vec<Vec<i32>>) -> io::Result<()> {
        while self.under_way >= self.limit {
            self.receive()?;
        }
        let jobs = self.jobs.as_ref().ok_or_else(lost)?;
        jobs.send(Job { number: self.sent, planes }).map_err(|_| lost())?;
        self.sent += 1;
        self.under_way += 1;
        self.finished.push_back(None);
        while let Ok(done) = self.done.try_recv() {
            self.place(done);
        }
        Ok(())
    }

    /// The next frame in order, if it is finished.
    pub(super) fn ready(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.finished.front() {
            Some(Some(_)) => {
                self.next += 1;
                Ok(self.finished.pop_front().flatten())
            }
            _ => Ok(None),
        }
    }

    /// The next frame in order; waits for it. `None` is the end.
    pub(super) fn last(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.jobs = None;
        loop {
            match self.finished.front() {
                None => return Ok(None),
                Some(Some(_)) => return self.ready(),
                Some(None) => self.receive()?,
            }
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        let done = self.done.recv().map_err(|_| lost())?;
        self.place(done);
        Ok(())
    }

    fn place(&mut self, done: Done) {
        self.under_way -= 1;
        self.spare.push(done.planes);
        if let Some(place) = self.finished.get_mut((done.number - self.next) as usize) {
            *place = Some(done.bytes);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // No more jobs: the threads end when they have done those under way.
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("an encoder thread has ended")
}

fn work(format: Format, waiting: &Mutex<Receiver<Job>>, report: &Sender<Done>) {
    let mut encoder = Encoder::new(format);
    loop {
        // The lock is held while waiting: whoever has it gets the next job, the others queue at the lock.
        let job = match waiting.lock() {
            Ok(waiting) => waiting.recv(),
            Err(_) => return,
        };
        let Ok(Job { number, planes }) = job else { return };
        let bytes = encoder.encode(&planes, number).to_vec();
        if report.send(Done { number, bytes, planes }).is_err() {
            return;
        }
    }
}
