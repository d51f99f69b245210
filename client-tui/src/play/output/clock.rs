//! No sound: frames are pulled as fast as they would be heard and thrown away, so that everything else goes on as if somebody listened. Never here: a device.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;

use super::{Frame, Lost, Output, Pull};

const TICK: Duration = Duration::from_millis(20);
/// After the machine slept the clock goes on from where it was.
const LATE_MAX: Duration = Duration::from_millis(500);

pub(super) struct Clock {
    state: Arc<State>,
    /// `None` where the system gave no thread: then nothing moves.
    ticking: Option<Thread>,
}

struct State {
    runs: AtomicBool,
    ended: AtomicBool,
}

impl Clock {
    pub(super) fn new(rate: u32, pull: Pull) -> Clock {
        let state = Arc::new(State { runs: AtomicBool::new(false), ended: AtomicBool::new(false) });
        let own = state.clone();
        let made = thread::Builder::new().name("deadwax-clock".into()).spawn(move || tick(&own, rate, &pull));
        Clock { state, ticking: made.ok().map(|made| made.thread().clone()) }
    }

    fn wake(&self) {
        if let Some(ticking) = &self.ticking {
            ticking.unpark();
        }
    }
}

fn tick(state: &State, rate: u32, pull: &Pull) {
    let mut frames: Vec<Frame> = Vec::new();
    while !state.ended.load(Ordering::Relaxed) {
        if !state.runs.load(Ordering::Relaxed) {
            thread::park();
            continue;
        }
        let mut begun = Instant::now();
        let mut pulled = 0u64;
        while state.runs.load(Ordering::Relaxed) && !state.ended.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            let late = due - pulled.min(due);
            if late as f64 > LATE_MAX.as_secs_f64() * f64::from(rate) {
                (begun, pulled) = (Instant::now(), 0);
                continue;
            }
            frames.resize(usize::try_from(late).unwrap_or(0), [0.0; 2]);
            pull(&mut frames);
            pulled += late;
        }
    }
}

impl Output for Clock {
    fn name(&self) -> &'static str {
        "no sound device"
    }

    fn is_audible(&self) -> bool {
        false
    }

    fn play(&self) -> BoxFuture<'_, Result<(), Lost>> {
        self.state.runs.store(true, Ordering::Relaxed);
        self.wake();
        Box::pin(async { Ok(()) })
    }

    fn rest(&self) -> BoxFuture<'_, Result<(), Lost>> {
        self.state.runs.store(false, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }

    fn waiting(&self) -> BoxFuture<'_, Result<u64, Lost>> {
        Box::pin(async { Ok(0) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        self.wake();
    }
}
