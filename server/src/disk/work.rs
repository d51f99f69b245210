//! Where work is done that blocks: on threads of its own; in a simulation in its place, taking as long as the simulated disk takes, so that the same seed
//! does the same. Decided here alone. Never here: what the work is.

use std::io;

#[cfg(any(test, feature = "faults"))]
pub use simulated::{Pace, Simulated, is_simulated, pause, simulate};

/// Runs `work` off the async threads. A caller that goes away does not stop it half way.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    #[cfg(any(test, feature = "faults"))]
    if is_simulated() {
        return simulated::run(work).await;
    }
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

/// Of a simulation: everything runs on one thread, and that thread knows it.
#[cfg(any(test, feature = "faults"))]
mod simulated {
    use std::{cell::RefCell, io, sync::Arc, time::Duration};

    /// How long the simulated disk takes for what it is asked now.
    pub type Pace = Arc<dyn Fn() -> Duration + Send + Sync>;

    thread_local! {
        static PACE: RefCell<Option<Pace>> = const { RefCell::new(None) };
    }

    /// Until it is dropped, what would block is done in its place on this thread.
    pub struct Simulated(());

    pub fn simulate(pace: Pace) -> Simulated {
        PACE.set(Some(pace));
        Simulated(())
    }

    impl Drop for Simulated {
        fn drop(&mut self) {
            PACE.set(None);
        }
    }

    pub fn is_simulated() -> bool {
        PACE.with_borrow(Option::is_some)
    }

    /// As long as the disk takes; a moment in which the power may fail.
    pub async fn pause() {
        let takes = PACE.with_borrow(|pace| pace.as_ref().map(|pace| pace()));
        if let Some(takes) = takes.filter(|takes| !takes.is_zero()) {
            tokio::time::sleep(takes).await;
        }
    }

    pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let done = tokio::spawn(async move {
            pause().await;
            work()
        });
        done.await.map_err(io::Error::other)
    }
}
