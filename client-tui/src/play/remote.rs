//! Brings the files of a deck from the studio, what is heard next first: where the heard track is, then where the others are, then ahead, then the rest. One
//! stretch is on its way at a time; a jump drops it and asks anew, so that it costs one round trip. Without a line what is here goes on being played.
//! Never here: decoding, sound.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::Thread,
    time::Duration,
};

use tokio::sync::Notify;

use super::Track;
use crate::{
    cache::audio::{AudioCache, Check, Entry, Kept},
    net::{Backoff, Client, Incoming, NetError, Stretch},
};

/// What must be here for sound to go on, and what should be.
const NEAR_S: f64 = 4.0;
const AHEAD_S: f64 = 30.0;
/// Somebody waits for sound: a line that is back is noticed soon.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// After so many files of other bytes the studio's copy is not asked for again.
const WRONG_MAX: u32 = 2;

/// One file of a deck on its way.
pub(super) struct Lane {
    pub(super) entry: Arc<Entry>,
    pub(super) track: Track,
    /// Where its decoder reads.
    place: AtomicU64,
    worker: OnceLock<Thread>,
    failed: Mutex<Option<String>>,
    wrong: AtomicU64,
}

impl Lane {
    pub(super) fn new(entry: Arc<Entry>, track: Track) -> Lane {
        if track.original {
            entry.set_total(track.bytes);
        }
        Lane {
            entry,
            track,
            place: AtomicU64::new(0),
            worker: OnceLock::new(),
            failed: Mutex::default(),
            wrong: AtomicU64::new(0),
        }
    }

    /// The thread that is woken when bytes come.
    pub(super) fn set_worker(&self, thread: Thread) {
        drop(self.worker.set(thread));
    }

    pub(super) fn wake(&self) {
        if let Some(worker) = self.worker.get() {
            worker.unpark();
        }
    }

    /// Why it will not come.
    pub(super) fn failure(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, why: String) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.wake();
    }

    fn bytes_per_s(&self) -> f64 {
        let seconds = self.track.frames as f64 / f64::from(self.track.sample_rate.max(1));
        let bytes = self.entry.total().unwrap_or(self.track.bytes) as f64;
        (bytes / seconds.max(0.1)).max(1.0)
    }

    /// The next bytes that are missing, from the decoder's place on and then from the start, and how pressing they are.
    fn need(&self, heard: bool) -> Option<(u32, u64, u64)> {
        let place = self.place.load(Ordering::Relaxed);
        let Some(total) = self.entry.total() else {
            // The first answer tells how long it is.
            return Some((if heard { 0 } else { 1 }, 0, 0));
        };
        let ahead = self.entry.gap(place.min(total));
        let (from, to) = ahead.or_else(|| self.entry.gap(0))?;
        Some((self.pressing(heard, place, from), from, to))
    }

    fn pressing(&self, heard: bool, place: u64, from: u64) -> u32 {
        let seconds = from.checked_sub(place).map(|bytes| bytes as f64 / self.bytes_per_s());
        match (heard, seconds) {
            (true, Some(s)) if s < NEAR_S => 0,
            (false, Some(s)) if s < NEAR_S => 1,
            (true, Some(s)) if s < AHEAD_S => 2,
            (true, Some(_)) => 3,
            (true, None) => 4,
            (false, Some(_)) => 5,
            (false, None) => 6,
        }
    }
}

/// The files of a deck, and which of them is heard.
pub(super) struct Remote {
    lanes: Vec<Arc<Lane>>,
    heard: AtomicUsize,
    /// Somebody needs something else first.
    changed: Notify,
    /// Something came.
    pub(super) came: Notify,
    offline: AtomicBool,
    full: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    lane: usize,
    pressing: u32,
    from: u64,
    to: u64,
}

/// Why a stretch ended.
enum End {
    /// Something else is more pressing, or it is all here.
    Turned,
    Cut(NetError),
}

impl Remote {
    pub(super) fn new(lanes: Vec<Arc<Lane>>, heard: usize) -> Remote {
        Remote {
            lanes,
            heard: AtomicUsize::new(heard),
            changed: Notify::new(),
            came: Notify::new(),
            offline: AtomicBool::new(false),
            full: AtomicBool::new(false),
        }
    }

    pub(super) fn set_heard(&self, heard: usize) {
        if self.heard.swap(heard, Ordering::Relaxed) != heard {
            self.changed.notify_one();
        }
    }

    /// A decoder reads here; `missing`: and waits for it.
    pub(super) fn reads(&self, lane: &Lane, place: u64, missing: bool) {
        lane.place.store(place, Ordering::Relaxed);
        if missing {
            self.changed.notify_one();
        }
    }

    pub(super) fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Relaxed)
    }

    /// The disk takes no more; told once.
    pub(super) fn take_full(&self) -> bool {
        self.full.swap(false, Ordering::Relaxed)
    }

    fn next(&self) -> Option<Job> {
        let heard = self.heard.load(Ordering::Relaxed);
        let count = self.lanes.len();
        // From the heard one on: on an album the next song is the next to be heard.
        let order = (0..count).map(|n| (heard + n) % count);
        let jobs = order.filter_map(|lane| {
            let it = &self.lanes[lane];
            if it.failure().is_some() {
                return None;
            }
            let (pressing, from, to) = it.need(lane == heard)?;
            Some(Job { lane, pressing, from, to })
        });
        jobs.min_by_key(|job| job.pressing)
    }

    /// Fetches for as long as the deck lies. `cache` is trimmed when a file is complete.
    pub(super) async fn run(self: Arc<Self>, client: Client, cache: AudioCache) {
        let mut backoff = Backoff::default();
        loop {
            let Some(job) = self.next() else {
                self.came.notify_one();
                // All is here, or will not come.
                self.changed.notified().await;
                continue;
            };
            let lane = self.lanes[job.lane].clone();
            let before = lane.entry.bytes();
            let ended = self.fetch(&client, &lane, job).await;
            self.keep(&lane, &cache).await;
            if lane.entry.bytes() > before {
                backoff.reset();
            }
            match ended {
                End::Turned => self.offline.store(false, Ordering::Relaxed),
                End::Cut(error) if error.is_passing() => {
                    self.offline.store(true, Ordering::Relaxed);
                    self.came.notify_one();
                    tokio::time::sleep(backoff.next_wait().min(WAIT_MAX)).await;
                }
                End::Cut(error) => lane.fail(error.to_string()),
            }
        }
    }

    async fn fetch(&self, client: &Client, lane: &Lane, job: Job) -> End {
        let asked = Stretch {
            project_id: lane.track.project_id.clone(),
            version_id: lane.track.version_id.clone(),
            sha256: lane.track.sha256.clone(),
            listening: !lane.track.original,
            offset: job.from,
            limit: job.to - job.from,
        };
        let mut incoming = match client.stretch(&asked).await {
            Ok(incoming) => incoming,
            Err(error) => return End::Cut(error),
        };
        match lane.entry.total() {
            None => lane.entry.set_total(incoming.total()),
            Some(total) if total == incoming.total() => {}
            Some(_) if lane.track.original => {
                return End::Cut(NetError::Odd("the file has another length than its version says".into()));
            }
            // The studio made its copy anew.
            Some(_) => {
                lane.entry.set_total(incoming.total());
                lane.wake();
                return End::Turned;
            }
        }
        self.offline.store(false, Ordering::Relaxed);
        self.take_in(lane, job, &mut incoming).await
    }

    async fn take_in(&self, lane: &Lane, job: Job, incoming: &mut Incoming) -> End {
        let mut at = job.from;
        loop {
            let chunk = tokio::select! {
                chunk = incoming.next() => chunk,
                () = self.changed.notified() => {
                    if self.turns_from(lane, job.lane, at) { return End::Turned; }
                    continue;
                }
            };
            let data = match chunk {
                Ok(Some(data)) => data,
                Ok(None) if job.to > 0 && at < job.to => {
                    let url = lane.track.label.clone();
                    return End::Cut(NetError::Unreachable { url, what: "the audio broke off".into() });
                }
                Ok(None) => return End::Turned,
                Err(error) => return End::Cut(error),
            };
            if at + data.len() as u64 > incoming.total() {
                return End::Cut(NetError::Odd("more bytes came than the file has".into()));
            }
            if lane.entry.put(at, &data) == Kept::Memory {
                self.full.store(true, Ordering::Relaxed);
            }
            at += data.len() as u64;
            // Two tracks of a deck may be the same file.
            self.lanes.iter().for_each(|lane| lane.wake());
            self.came.notify_one();
            if lane.entry.is_due() {
                let entry = lane.entry.clone();
                // Beside the line: the disk may take its time. What cannot be written comes again.
                drop(tokio::task::spawn_blocking(move || entry.flush()));
            }
            if self.turns_from(lane, job.lane, at) {
                return End::Turned;
            }
        }
    }

    /// Something else should come instead of what comes here next.
    fn turns_from(&self, lane: &Lane, index: usize, at: u64) -> bool {
        let Some(best) = self.next() else { return true };
        if (best.lane, best.from) == (index, at) {
            return false;
        }
        let heard = self.heard.load(Ordering::Relaxed) == index;
        let here = lane.entry.gap(at).is_none_or(|(from, _)| from != at);
        let pressing = lane.pressing(heard, lane.place.load(Ordering::Relaxed), at);
        here || best.pressing < pressing || (best.lane == index && best.from != at)
    }

    /// A file that is complete is compared with its digest once.
    async fn keep(&self, lane: &Arc<Lane>, cache: &AudioCache) {
        let (entry, cache) = (lane.entry.clone(), cache.clone());
        let done = entry.is_complete();
        let checked = tokio::task::spawn_blocking(move || {
            let flushed = entry.flush();
            if !done {
                return flushed.map(|()| Check::Open);
            }
            cache.trim();
            entry.check()
        });
        if let Ok(Ok(Check::Wrong)) = checked.await {
            let times = lane.wrong.fetch_add(1, Ordering::Relaxed) + 1;
            if times >= u64::from(WRONG_MAX) {
                lane.fail(
                    "other bytes came than the version was made of; ask the studio to check its disk".into(),
                );
            }
        }
    }
}
