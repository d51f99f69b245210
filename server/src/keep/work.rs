//! What keeps the store whole while the server runs: the collector once a day, the scrub all the time, health told of damage. Never here: what they do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{
    backup::now_ms,
    gc::{Collector, Facts},
    scrub::Scrub,
    settings::Keep,
};
use crate::{
    blob::{Pace, Thing},
    egress::BookError,
    studio::Studio,
};

/// What the collector and the scrub remember.
pub const FOLDER: &str = "keep";
/// Work that was begun before a restart takes up its files within this time; nothing is collected before.
const FIRST_COLLECTION: Duration = Duration::from_secs(3600);
const COLLECT_EVERY: Duration = Duration::from_secs(6 * 3600);
/// After a round of the scrub that found nothing due.
const SCRUB_PAUSE: Duration = Duration::from_secs(3600);
/// After a failure.
const CARRY_AGAIN: Duration = Duration::from_secs(60);
const JOURNAL_EVERY: Duration = Duration::from_secs(24 * 3600);
/// The first round does not begin while people come back after a restart.
const FIRST_SCRUB: Duration = Duration::from_secs(60);

/// Until the studio closes; begun anew where `[keep]` changes.
pub async fn run(studio: Arc<Studio>) {
    let closing = studio.closing.clone();
    let mut settings = studio.current.watch();
    loop {
        let keep = settings.borrow_and_update().keep.clone();
        let both = async {
            tokio::join!(collect(&studio, &keep), scrub(&studio, &keep), carry_over(&studio));
            // Neither is wanted; another setting may be.
            std::future::pending::<()>().await;
        };
        // Whatever they do is done step by step, and each step is whole.
        tokio::select! {
            () = closing.cancelled() => return,
            () = both => {}
            changed = settings.wait_for(|config| config.keep != keep) => if changed.is_err() { return },
        }
    }
}

/// Of several servers one at a time.
const COLLECT: &str = "keep/collect";

async fn collect(studio: &Studio, settings: &Keep) {
    if settings.collect {
        let begin = |_, stop: CancellationToken| async move {
            // Dropped where it stands: each step is whole.
            tokio::select! {
                () = stop.cancelled() => {}
                () = collecting(studio) => {}
            }
        };
        studio.leasing.one_at_a_time(COLLECT, &studio.closing, begin).await;
    }
}

async fn collecting(studio: &Studio) {
    let facts = Arc::new(Facts(Arc::clone(&studio.store)));
    let file = studio.folder.join(FOLDER).join("marks.json");
    let mut collector = Collector::open(Arc::clone(&studio.blobs), facts, file);
    tokio::time::sleep(FIRST_COLLECTION).await;
    loop {
        match collector.pass(now_ms()).await {
            Ok(done) => tracing::info!(
                marked = done.marked,
                discarded = done.discarded,
                put_back = done.put_back,
                erased = done.erased,
                "audio that no fact names was looked for"
            ),
            Err(error) => tracing::warn!(%error, "collecting audio that no fact names failed"),
        }
        tokio::time::sleep(COLLECT_EVERY).await;
    }
}

async fn scrub(studio: &Studio, settings: &Keep) {
    if settings.scrub_bytes_per_s == 0 {
        return;
    }
    let mut scrub = Scrub::open(
        Arc::clone(&studio.blobs),
        Arc::clone(&studio.store),
        Pace::of(settings.scrub_bytes_per_s),
        settings.repair_from.clone(),
        studio.folder.join(FOLDER).join("scrubbed"),
    );
    let mut journal_at = None;
    tokio::time::sleep(FIRST_SCRUB).await;
    loop {
        let round = scrub.pass(now_ms()).await;
        if let Ok(done) = &round {
            studio.metrics.scrub.round(done, now_ms());
        }
        match round {
            Ok(done) if done.files + done.damaged > 0 => tracing::info!(
                files = done.files,
                bytes = done.bytes,
                damaged = done.damaged,
                repaired = done.repaired,
                "stored audio was read again"
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "reading stored audio again failed"),
        }
        if journal_at.is_none_or(|at: Instant| at.elapsed() >= JOURNAL_EVERY) {
            journal_at = Some(Instant::now());
            if let Err(error) = scrub.journal().await {
                tracing::warn!(%error, "reading the journal again failed");
            }
            book(studio).await;
        }
        tokio::time::sleep(SCRUB_PAUSE).await;
    }
}

/// What a studio had before its audio lay in an object store goes there, while people work.
async fn carry_over(studio: &Studio) {
    loop {
        match studio.blobs.carry_over().await {
            Ok(0) => return,
            Ok(files) => {
                tracing::info!(
                    files,
                    "audio that lay in the studio folder alone was put into the object store"
                );
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "audio of the studio folder could not be put into the object store; tried again");
            }
        }
        tokio::time::sleep(CARRY_AGAIN).await;
    }
}

/// The egress book, page by page.
async fn book(studio: &Studio) {
    let damage = studio.blobs.damage();
    match studio.egress.check().await {
        Ok(pages) => {
            damage.healed(Thing::Book);
            tracing::info!(pages, "the egress book was read again");
        }
        Err(error @ BookError::Damaged { .. }) => damage.tell(Thing::Book, &error.to_string()),
        Err(error) => tracing::warn!(%error, "reading the egress book again failed"),
    }
}
