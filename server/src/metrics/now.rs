//! What is looked up when somebody asks: the state of disk, store, work and people at this moment. Never here: anything that is counted as it happens.

use std::sync::{Arc, atomic::AtomicU64};

use deadwax_domain::{RecordState, RenderState, Time};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{family::Family, gauge::Gauge},
};

use super::{
    Shelf, process,
    work::{Kind, Of},
};
use crate::{disk::Site, ledger::Snapshot, studio::Studio};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
    engine: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // As the label says it.
enum State {
    queued,
    running,
    failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Work {
    work: Kind,
    state: State,
}

pub(super) struct Now {
    ready: Gauge,
    latch_fallen: Gauge,
    audio_away: Gauge,
    damaged: Gauge,
    free_bytes: Gauge<u64, AtomicU64>,
    free_files: Gauge<u64, AtomicU64>,
    reserve_bytes: Gauge<u64, AtomicU64>,
    hashes: Gauge,
    projects: Gauge,
    work: Family<Work, Gauge>,
    oldest: Family<Of, Gauge>,
    oldest_queued: Family<Of, Gauge>,
}

impl Now {
    pub(super) fn shelved(shelf: &mut Shelf) -> Self {
        process::begin();
        let build = Family::<Build, Gauge>::default();
        let (version, engine) = (env!("CARGO_PKG_VERSION"), deadwax_dsp::render::ENGINE);
        build.get_or_create(&Build { version, engine }).set(1);
        shelf.gauge("build_info", "Version of the server and of its engine of sound; always 1", build);
        let now = Self {
            ready: Gauge::default(),
            latch_fallen: Gauge::default(),
            audio_away: Gauge::default(),
            damaged: Gauge::default(),
            free_bytes: Gauge::default(),
            free_files: Gauge::default(),
            reserve_bytes: Gauge::default(),
            hashes: Gauge::default(),
            projects: Gauge::default(),
            work: Family::default(),
            oldest: Family::default(),
            oldest_queued: Family::default(),
        };
        shelf.gauge(
            "ready",
            "1: this server serves, as the health service and /readyz say",
            now.ready.clone(),
        );
        shelf.gauge(
            "latch_fallen",
            "1: the disk failed and nothing is written until a restart",
            now.latch_fallen.clone(),
        );
        shelf.gauge(
            "audio_store_away",
            "1: the object store did not do what was asked of it last",
            now.audio_away.clone(),
        );
        shelf.gauge(
            "stored_damaged",
            "Stored files and streams that are known to be damaged",
            now.damaged.clone(),
        );
        shelf.gauge("disk_free_bytes", "Free room on the disk of the studio", now.free_bytes.clone());
        shelf.gauge(
            "disk_free_files",
            "Files that the disk of the studio has room for",
            now.free_files.clone(),
        );
        shelf.gauge(
            "disk_reserve_bytes",
            "Free room below which no audio is taken (limits.reserve_bytes)",
            now.reserve_bytes.clone(),
        );
        shelf.gauge(
            "passphrases_waiting",
            "Passphrases that are hashed or wait for it; beyond 64 people are sent away",
            now.hashes.clone(),
        );
        shelf.gauge("projects", "Projects of this studio", now.projects.clone());
        shelf.gauge(
            "work",
            "Renders, records and examinations by state; failed ones are parked",
            now.work.clone(),
        );
        shelf.gauge(
            "work_oldest_seconds",
            "Age of the oldest work that is queued or running; 0: none. More workers are needed where it grows",
            now.oldest.clone(),
        );
        shelf.gauge(
            "work_oldest_queued_seconds",
            "Age of the oldest work that nobody has begun; 0: none. What workers are scaled by",
            now.oldest_queued.clone(),
        );
        now
    }

    pub(super) async fn look(&self, studio: &Studio) {
        self.ready.set(i64::from(studio.ready().is_ok()));
        let drive = studio.store.drive().clone();
        self.latch_fallen.set(i64::from(drive.latch().reason().is_some()));
        self.audio_away.set(i64::from(studio.blobs.far().is_some_and(|far| far.away())));
        self.damaged.set(count(*studio.blobs.damage().watch().borrow()));
        self.reserve_bytes.set(studio.config().limits.reserve_bytes);
        self.hashes.set(count(studio.people.hashes_waiting()));
        let folder = studio.folder.clone();
        // A disk that hangs may hold this for ever; it holds no thread that answers calls.
        let room = tokio::task::spawn_blocking(move || drive.room(Site::JournalRoom, &folder)).await;
        if let Ok(Ok(room)) = room {
            self.free_bytes.set(room.bytes);
            self.free_files.set(room.files);
        }
        // Where the projects cannot be read, the last figures stay and the log says why.
        if let Ok(projects) = studio.ledger.projects().await {
            self.look_at_work(&projects, studio.clock.now_ms());
        }
    }

    fn look_at_work(&self, projects: &[Arc<Snapshot>], now_ms: i64) {
        self.projects.set(count(projects.len()));
        let all = || projects.iter().map(|it| &it.project);
        let renders = all().flat_map(|it| it.renders.values()).filter_map(|it| {
            let state = match it.state {
                RenderState::Queued => State::queued,
                RenderState::Running => State::running,
                RenderState::Failed => State::failed,
                RenderState::Done | RenderState::Cancelled => return None,
            };
            Some((state, it.queued_at))
        });
        self.tell(Kind::render, renders, now_ms);
        let records = all().flat_map(|it| it.records.iter()).filter_map(|it| {
            let state = match it.state {
                RecordState::Queued => State::queued,
                RecordState::Running => State::running,
                RecordState::Failed => State::failed,
                RecordState::Made | RecordState::Cancelled | RecordState::Delivered => return None,
            };
            Some((state, it.at))
        });
        self.tell(Kind::record, records, now_ms);
        let examinations = all().flat_map(|it| it.unexamined()).map(|it| (State::queued, it.at));
        self.tell(Kind::examination, examinations, now_ms);
    }

    fn tell(&self, work: Kind, found: impl Iterator<Item = (State, Time)>, now_ms: i64) {
        let (mut counts, mut oldest) = ([0_i64; 3], [None::<Time>; 3]);
        for (state, since) in found {
            counts[state as usize] += 1;
            let oldest = &mut oldest[state as usize];
            *oldest = Some(oldest.map_or(since, |it| it.min(since)));
        }
        for state in [State::queued, State::running, State::failed] {
            self.work.get_or_create(&Work { work, state }).set(counts[state as usize]);
        }
        let age_s =
            |since: Option<Time>| since.map_or(0, |since| now_ms.saturating_sub(since.0).max(0)) / 1000;
        let (queued, running) =
            (age_s(oldest[State::queued as usize]), age_s(oldest[State::running as usize]));
        self.oldest.get_or_create(&Of { work }).set(queued.max(running));
        self.oldest_queued.get_or_create(&Of { work }).set(queued);
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
