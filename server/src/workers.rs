//! The work on sound that goes on without anybody asking: renders, records, examinations; within a server, or as a process of its own on another machine, over
//! the same facts and the same audio. Never here: which work is due, how it is done, and a door for clients.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::Context as _;
use deadwax_dsp::recipe::Recipe;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    metrics,
    render::{
        Limits,
        examine::Examiner,
        record::RecordWorker,
        shift::{PAUSE, Shift},
        worker::Worker,
    },
    serve::GRACE,
    studio::Studio,
};

/// Begins to work until the studio closes. Without places for a kind of work this process leaves it to others.
pub async fn begin(studio: &Arc<Studio>, tasks: &TaskTracker) -> anyhow::Result<()> {
    let worker = worker(studio).await?;
    if worker.slots > 0 {
        tasks.spawn(Arc::new(worker).run());
    }
    if studio.config().render.workers > 0 {
        tasks.spawn(Arc::new(record_worker(studio)).run());
    }
    let examiner = examiner(studio);
    if examiner.slots > 0 {
        tasks.spawn(Arc::new(examiner).run());
    }
    Ok(())
}

/// A process that only works, until `stop` is cancelled: then it takes nothing more, drops what runs and gives its leases back, so that others go on at once.
///
/// # Errors
/// The recipe of the settings cannot be used, or the disk failed: whoever starts it again gives it a fresh look at the disk.
pub async fn run(studio: Arc<Studio>, stop: CancellationToken) -> anyhow::Result<()> {
    let probes = studio
        .take_probes()
        .map(|listener| tokio::spawn(metrics::http::serve(listener, Arc::clone(&studio))));
    let tasks = TaskTracker::new();
    begin(&studio, &tasks).await?;
    tasks.close();
    let failed = tokio::select! {
        () = stop.cancelled() => None,
        stopped = studio.store.drive().latch().fallen() => Some(stopped),
    };
    tracing::info!("stopping");
    studio.closing.cancel();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!("work was cut after {} s of grace", GRACE.as_secs());
    }
    studio.traces.close().await;
    if let Some(probes) = probes {
        probes.abort();
    }
    match failed {
        None => Ok(()),
        Some(reason) => {
            Err(anyhow::anyhow!("{reason}; look at the disk of this machine, then start the worker again"))
        }
    }
}

fn shift(studio: &Studio) -> Shift {
    Shift {
        ledger: Arc::clone(&studio.ledger),
        leasing: studio.leasing.clone(),
        figures: studio.metrics.work.clone(),
        shutdown: studio.closing.clone(),
    }
}

async fn worker(studio: &Studio) -> anyhow::Result<Worker> {
    let config = studio.config();
    let settings = &config.render;
    Ok(Worker {
        shift: shift(studio),
        blobs: Arc::clone(&studio.blobs),
        program: studio.program.clone(),
        running: Arc::clone(&studio.renders),
        inserts: settings.inserts.clone(),
        default_recipe: default_recipe(&studio.folder, &settings.recipe).await?,
        work_dir: studio.folder.join("renders"),
        slots: settings.workers as usize,
        limits: Limits {
            wall_s: settings.wall_seconds,
            ..Limits::new(settings.memory_bytes, settings.cpu_seconds)
        },
        pause: PAUSE,
    })
}

fn record_worker(studio: &Studio) -> RecordWorker {
    let config = studio.config();
    RecordWorker {
        shift: shift(studio),
        blobs: Arc::clone(&studio.blobs),
        program: studio.program.clone(),
        making: Arc::clone(&studio.making),
        work_dir: studio.folder.join("records"),
        contact: config.name.clone(),
        memory_bytes: config.render.memory_bytes,
        pause: PAUSE,
        left: Mutex::default(),
    }
}

fn examiner(studio: &Studio) -> Examiner {
    Examiner {
        shift: shift(studio),
        blobs: Arc::clone(&studio.blobs),
        comparisons: Arc::clone(&studio.comparisons),
        program: studio.program.clone(),
        work_dir: studio.folder.join("examining"),
        slots: studio.config().examine.workers as usize,
        pause: PAUSE,
        failures: Mutex::default(),
    }
}

/// The studio's own default, checked before the first song needs it.
async fn default_recipe(folder: &Path, path: &Path) -> anyhow::Result<Recipe> {
    if path.as_os_str().is_empty() {
        return Ok(Recipe::default());
    }
    let path = folder.join(path);
    let toml = tokio::fs::read_to_string(&path)
        .await
        .with_context(|| format!("reading the recipe {} failed; see `render.recipe`", path.display()))?;
    Recipe::parse(&toml).with_context(|| format!("`render.recipe` names {}", path.display()))
}
