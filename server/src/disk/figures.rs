//! What journal and audio measure of their disk: how long syncs and groups take, how much waits. Counted here and read by `metrics`. Never here: names of
//! files, and who looks at the figures.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge, histogram::Histogram},
};

use super::Site;

/// Seconds. A sync takes a fifth of a millisecond on a good disk and seconds on one that dies.
const SECONDS: [f64; 14] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
const JOBS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// What a sync was for, in the words of its site: a closed list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Synced {
    of: &'static str,
}

/// Clones count together.
#[derive(Clone)]
pub struct Figures {
    pub syncs: Family<Synced, Histogram>,
    /// From the decision on a group to its answers.
    pub groups: Histogram,
    /// Appends in one group.
    pub group_jobs: Histogram,
    /// Appends that wait for the journal.
    pub waiting: Gauge,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            syncs: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            groups: Histogram::new(SECONDS),
            group_jobs: Histogram::new(JOBS),
            waiting: Gauge::default(),
        }
    }
}

impl Figures {
    pub(super) fn synced(&self, site: Site, took: Duration) {
        self.syncs.get_or_create(&Synced { of: site.words() }).observe(took.as_secs_f64());
    }

    /// One that waits until this is dropped, however its caller ends.
    pub fn wait(&self) -> Waits<'_> {
        self.waiting.inc();
        Waits(&self.waiting)
    }
}

pub struct Waits<'a>(&'a Gauge);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
