//! The figures of one studio for whoever runs it: counted where things happen, gathered when somebody asks, in the text format of Prometheus. Every label comes
//! from a closed list, so that there are never more lines than kinds of things. Never here: names, titles, addresses, ids, in labels or anywhere else.

pub mod calls;
pub mod http;
pub mod lines;
mod now;
mod process;
pub mod settings;
mod text;
pub mod work;

use std::fmt::Debug;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};

use self::{calls::Calls, lines::Lines, now::Now, work::WorkFigures};
use crate::{disk::Figures, keep::scrub::Scrubbed};

/// What the log, the docs and the alert rules call them begins so.
const PREFIX: &str = "deadwax";

/// One family as an operator meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// With its prefix, and `_total` where it only grows.
    pub name: String,
    pub kind: &'static str,
    pub help: &'static str,
}

/// What the scrub has done since the start.
#[derive(Clone, Default)]
pub struct ScrubFigures {
    files: Counter,
    bytes: Counter,
    damaged: Counter,
    repaired: Counter,
    /// When a round ended, in seconds since 1970; 0: none yet.
    ended: Gauge,
}

impl ScrubFigures {
    pub fn round(&self, done: &Scrubbed, now_ms: u64) {
        self.files.inc_by(done.files);
        self.bytes.inc_by(done.bytes);
        self.damaged.inc_by(done.damaged);
        self.repaired.inc_by(done.repaired);
        self.ended.set(i64::try_from(now_ms / 1000).unwrap_or(i64::MAX));
    }
}

/// News that wait to leave.
#[derive(Clone, Default)]
pub struct NewsFigures {
    pub letters_waiting: Gauge,
    pub letters_given_up: Counter,
    pub hooks_behind: Gauge,
    pub hooks_failing: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    outcome: &'static str,
}

/// How often the settings were read again.
#[derive(Clone, Default)]
pub struct ReloadFigures {
    read: Family<Outcome, Counter>,
    refused: Gauge,
}

impl ReloadFigures {
    pub fn told(&self, taken: bool) {
        let outcome = if taken { "taken" } else { "refused" };
        self.read.get_or_create(&Outcome { outcome }).inc();
        self.refused.set(i64::from(!taken));
    }
}

pub struct Metrics {
    registry: Registry,
    known: Vec<Known>,
    pub calls: Calls,
    pub lines: Lines,
    pub scrub: ScrubFigures,
    pub news: NewsFigures,
    pub reloads: ReloadFigures,
    pub work: WorkFigures,
    /// Bytes of files that were handed to connections.
    pub egress_bytes: Counter,
    now: Now,
}

/// Puts families into the registry and keeps what they are called.
struct Shelf {
    registry: Registry,
    known: Vec<Known>,
}

impl Shelf {
    fn put(&mut self, kind: &'static str, name: &'static str, help: &'static str, metric: impl Metric) {
        let grows = if kind == "counter" { "_total" } else { "" };
        self.known.push(Known { name: format!("{PREFIX}_{name}{grows}"), kind, help });
        self.registry.register(name, help, metric);
    }

    fn counter(&mut self, name: &'static str, help: &'static str, metric: impl Metric) {
        self.put("counter", name, help, metric);
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, metric: impl Metric) {
        self.put("gauge", name, help, metric);
    }

    fn histogram(&mut self, name: &'static str, help: &'static str, metric: impl Metric) {
        self.put("histogram", name, help, metric);
    }
}

impl Metrics {
    /// `disk`: of the drive under journal and audio.
    pub fn new(disk: &Figures) -> Self {
        let mut shelf = Shelf { registry: Registry::with_prefix(PREFIX), known: Vec::new() };
        let (calls, lines) = (Calls::default(), Lines::default());
        calls.shelve(&mut shelf);
        lines.shelve(&mut shelf);
        shelve_disk(&mut shelf, disk);
        let (scrub, news, reloads) =
            (ScrubFigures::default(), NewsFigures::default(), ReloadFigures::default());
        shelf.counter("scrub_files", "Stored files that the scrub found sound", scrub.files.clone());
        shelf.counter("scrub_bytes", "Bytes that the scrub read and found sound", scrub.bytes.clone());
        shelf.counter(
            "scrub_damaged",
            "Damaged files that the scrub met, each round anew",
            scrub.damaged.clone(),
        );
        shelf.counter(
            "scrub_repaired",
            "Damaged files put right from keep.repair_from",
            scrub.repaired.clone(),
        );
        shelf.gauge(
            "scrub_ended_timestamp_seconds",
            "When the last round of the scrub ended; 0: none since the start",
            scrub.ended.clone(),
        );
        shelf.gauge("mail_waiting", "Letters that wait for the mail server", news.letters_waiting.clone());
        shelf.counter(
            "mail_given_up",
            "Letters that were given up, after a day or for want of room",
            news.letters_given_up.clone(),
        );
        shelf.gauge(
            "webhooks_behind",
            "Webhooks that have not been told all news yet",
            news.hooks_behind.clone(),
        );
        shelf.gauge("webhooks_failing", "Webhooks whose last delivery failed", news.hooks_failing.clone());
        let egress_bytes = Counter::default();
        shelf.counter(
            "egress_bytes",
            "Bytes of files that were handed to connections, as the egress book counts them",
            egress_bytes.clone(),
        );
        shelf.counter(
            "settings_reads",
            "Times that the settings were read again, by outcome",
            reloads.read.clone(),
        );
        shelf.gauge(
            "settings_refused",
            "1: the settings as they lie there could not be used when they were last read again",
            reloads.refused.clone(),
        );
        let work = WorkFigures::shelved(&mut shelf);
        let now = Now::shelved(&mut shelf);
        let Shelf { registry, known } = shelf;
        Self { registry, known, calls, lines, scrub, news, reloads, work, egress_bytes, now }
    }

    /// Every family that there may be.
    pub fn known(&self) -> Vec<Known> {
        self.known.iter().cloned().chain(process::known()).collect()
    }

    /// All figures as they are now, in the text format 0.0.4.
    pub async fn page(&self, studio: &crate::studio::Studio) -> String {
        self.now.look(studio).await;
        let mut open = String::new();
        // Writing into a string does not fail.
        let _always = prometheus_client::encoding::text::encode(&mut open, &self.registry);
        let mut page = text::plain(&open);
        process::write(&mut page);
        page
    }
}

impl Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Metrics of {} families", self.known.len())
    }
}

fn shelve_disk(shelf: &mut Shelf, disk: &Figures) {
    shelf.histogram(
        "sync_seconds",
        "Time of a sync of journal or audio, by what it was for",
        disk.syncs.clone(),
    );
    shelf.histogram(
        "journal_append_seconds",
        "Time from the decision on a group of appends to its answers",
        disk.groups.clone(),
    );
    shelf.histogram("journal_group_appends", "Appends in one group", disk.group_jobs.clone());
    shelf.gauge(
        "journal_waiting",
        "Appends that wait for the journal, those being written too",
        disk.waiting.clone(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_one_name_each_and_say_what_they_are() {
        let known = Metrics::new(&Figures::default()).known();
        let mut names: Vec<&str> = known.iter().map(|it| it.name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "two families have one name");
        for it in &known {
            assert!(it.help.len() > 10, "{}", it.name);
            assert!(it.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", it.name);
            assert_eq!(it.name.ends_with("_total"), it.kind == "counter", "{}", it.name);
        }
    }

    #[test]
    fn a_reload_that_was_refused_stands_until_one_is_taken() {
        let reloads = ReloadFigures::default();
        reloads.told(false);
        assert_eq!(reloads.refused.get(), 1);
        reloads.told(true);
        assert_eq!(reloads.refused.get(), 0);
    }
}
