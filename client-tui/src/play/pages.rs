//! Decoded frames of a track in pages: those around the place that is heard, and those that were asked for. Reading copies what is here and never waits; a thread
//! of its own decodes what is missing. Never here: how a page is decoded.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread::Thread,
};

use super::{
    Frame, Sound,
    remote::{Lane, Remote},
};

pub(super) const PAGE_FRAMES: usize = 1 << 13;
const PAGE_BYTES: usize = PAGE_FRAMES * size_of::<Frame>();
/// Of a deck together.
const BYTES_MAX: usize = 64 << 20;
/// Decoded ahead of what is heard: 16 s at 48 kHz.
const AHEAD_PAGES: usize = 96;
const PAGES_MIN: usize = 12;
/// Of a place that was asked for before the newest.
const SPOT_PAGES: usize = 4;
const SPOTS: usize = 4;
const NOWHERE: u64 = u64::MAX;
/// A page is changed in less time than so many looks take.
const LOOKS: usize = 200;

type Page = Mutex<Option<Box<[Frame]>>>;

/// A track of a deck that comes from the studio.
pub(super) struct Paged {
    pub(super) lane: Arc<Lane>,
    pub(super) remote: Arc<Remote>,
    frames: u64,
    pages: Vec<Page>,
    /// At most so many are kept.
    room: usize,
    /// Where it was read last.
    head: AtomicU64,
    spots: [AtomicU64; SPOTS],
    newest: AtomicUsize,
    worker: OnceLock<Thread>,
    stopped: AtomicBool,
    problem: Mutex<Option<String>>,
}

impl Paged {
    /// `frames` at the deck's rate; `share`: among so many tracks the memory is divided.
    pub(super) fn new(lane: Arc<Lane>, remote: Arc<Remote>, frames: u64, share: usize) -> Paged {
        let pages = usize::try_from(frames.div_ceil(PAGE_FRAMES as u64)).unwrap_or(0);
        Paged {
            lane,
            remote,
            frames,
            pages: (0..pages).map(|_| Mutex::new(None)).collect(),
            room: (BYTES_MAX / PAGE_BYTES / share.max(1)).max(PAGES_MIN),
            head: AtomicU64::new(NOWHERE),
            spots: [const { AtomicU64::new(NOWHERE) }; SPOTS],
            newest: AtomicUsize::new(0),
            worker: OnceLock::new(),
            stopped: AtomicBool::new(false),
            problem: Mutex::default(),
        }
    }

    pub(super) fn set_worker(&self, thread: Thread) {
        self.lane.set_worker(thread.clone());
        drop(self.worker.set(thread));
    }

    fn wake(&self) {
        if let Some(worker) = self.worker.get() {
            worker.unpark();
        }
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Which pages should be here, the most pressing first.
    fn wanted(&self) -> Vec<usize> {
        let newest = self.newest.load(Ordering::Acquire);
        let ahead = AHEAD_PAGES.min(self.room / 2);
        let mut wanted = Vec::with_capacity(2 * AHEAD_PAGES);
        let mut add = |at: u64, count: usize| {
            if at == NOWHERE {
                return;
            }
            let first = usize::try_from(at / PAGE_FRAMES as u64).unwrap_or(usize::MAX);
            wanted.extend((first..first.saturating_add(count)).take_while(|page| *page < self.pages.len()));
        };
        let spot = |n: usize| self.spots[(newest + SPOTS - n) % SPOTS].load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed);
        // First a little of each place, so that none waits for another's abundance.
        add(spot(0), SPOT_PAGES);
        add(head, SPOT_PAGES);
        (1..SPOTS).for_each(|n| add(spot(n), 2));
        add(head, ahead);
        add(spot(0), ahead / 2);
        (1..SPOTS).for_each(|n| add(spot(n), SPOT_PAGES));
        wanted
    }

    fn is_here(&self, page: usize) -> bool {
        self.pages[page].lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The page to decode next.
    pub(super) fn next_missing(&self) -> Option<usize> {
        self.wanted().into_iter().find(|page| !self.is_here(*page))
    }

    /// How many frames a page has.
    pub(super) fn page_frames(&self, page: usize) -> usize {
        let left = self.frames.saturating_sub((page * PAGE_FRAMES) as u64);
        usize::try_from(left).map_or(PAGE_FRAMES, |left| left.min(PAGE_FRAMES))
    }

    /// Puts a page in its place and, where there are too many, throws away one that nobody asked for.
    pub(super) fn put(&self, page: usize, frames: Box<[Frame]>, kept: &mut Vec<usize>) {
        // What stood there is dropped outside of the lock, here and below.
        let before = self.pages[page].lock().unwrap_or_else(PoisonError::into_inner).replace(frames);
        drop(before);
        kept.retain(|it| *it != page);
        kept.push(page);
        if kept.len() > self.room {
            let wanted = self.wanted();
            let oldest = kept.iter().position(|it| !wanted.contains(it)).unwrap_or(0);
            let gone = kept.remove(oldest);
            let before = self.pages[gone].lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(before);
        }
    }

    fn copy(&self, at: u64, out: &mut [Frame]) -> usize {
        let page = usize::try_from(at / PAGE_FRAMES as u64).unwrap_or(usize::MAX);
        let Some(slot) = self.pages.get(page) else { return 0 };
        for _ in 0..LOOKS {
            match slot.try_lock() {
                Ok(held) => {
                    let Some(frames) = held.as_deref() else { return 0 };
                    let from = (at % PAGE_FRAMES as u64) as usize;
                    let rest = frames.get(from..).unwrap_or_default();
                    let count = rest.len().min(out.len());
                    out[..count].copy_from_slice(&rest[..count]);
                    return count;
                }
                // The decoder changes it at this moment; it holds the lock for as long as a pointer takes.
                Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
                Err(TryLockError::Poisoned(_)) => return 0,
            }
        }
        0
    }
}

impl Sound for Paged {
    fn frames(&self) -> u64 {
        self.frames
    }

    fn read(&self, at: u64, out: &mut [Frame]) -> usize {
        let mut done = 0;
        while done < out.len() {
            let count = self.copy(at + done as u64, &mut out[done..]);
            if count == 0 {
                break;
            }
            done += count;
        }
        let page = |at: u64| at / PAGE_FRAMES as u64;
        let before = self.head.swap(at + done as u64, Ordering::Relaxed);
        // Once a page; and where it broke off the worker looks again.
        if before == NOWHERE || page(before) != page(at + done as u64) || done < out.len() {
            self.wake();
        }
        done
    }

    fn want(&self, at: u64) {
        let newest = self.newest.load(Ordering::Relaxed);
        if self.spots[newest % SPOTS].load(Ordering::Relaxed) != at {
            let next = (newest + 1) % SPOTS;
            self.spots[next].store(at, Ordering::Relaxed);
            self.newest.store(next, Ordering::Release);
        }
        self.wake();
    }

    fn here(&self) -> f64 {
        match self.lane.entry.total() {
            Some(total) if total > 0 => self.lane.entry.bytes() as f64 / total as f64,
            _ => 0.0,
        }
    }

    fn problem(&self) -> Option<String> {
        // Why it did not come, before what that did to the decoder.
        let own = || self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.lane.failure().or_else(own)
    }
}
