//! Into the device: opens the way out, plays to the end, lets what waits in it be heard. Never here: samples, what is played.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::script::Script;
use crate::{
    play::{
        Engine, EngineOrder, Frame,
        output::{self, Choice, Pull},
    },
    verbs::{VerbError, out::Bar},
};

const LOOK_EVERY: Duration = Duration::from_millis(66);
/// Behind the last frame, before the device is closed: for the fade, and for what it does not tell of.
const REST: Duration = Duration::from_millis(100);

/// How it came out.
pub(super) struct Played {
    pub(super) engine: Engine,
    pub(super) output: &'static str,
    pub(super) audible: bool,
}

/// Plays to the end of the script, or until it is stopped.
///
/// # Errors
/// No device, one that went away, sound that will not come.
pub(super) async fn play(
    engine: Engine,
    script: Script,
    stop: &AtomicBool,
    bar: &Bar,
) -> Result<Played, VerbError> {
    let rate = engine.rate();
    let room = Arc::new(Mutex::new((engine, script)));
    let pull: Pull = {
        let room = room.clone();
        Arc::new(move |out: &mut [Frame]| {
            let (engine, script) = &mut *lock(&room);
            script.pull(engine, out);
        })
    };
    let (way, trouble) = output::open(&Choice::from_env(Choice::Any), rate, &pull).await;
    drop(pull);
    if let Some(trouble) = trouble {
        let hint =
            "Start PulseAudio or PipeWire, or install aplay; or write what would be heard with --to FILE.";
        return Err(VerbError::no("NO_SOUND_DEVICE", trouble.text, hint));
    }
    let lost = |_| VerbError::no("SOUND_DEVICE_LOST", "The sound device went away.", "Play it again.");
    way.play().await.map_err(lost)?;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let held = way.waiting().await.map_err(lost)?;
        let over = {
            let (engine, script) = &mut *lock(&room);
            if stop.load(Ordering::Relaxed) {
                drop(engine.order(EngineOrder::Pause));
            }
            let now = engine.now();
            if now.waiting
                && let Some(problem) = engine.status().tracks.iter().find_map(|track| track.problem.clone())
            {
                return Err(VerbError::no("CANNOT_PLAY", problem, "Choose another version."));
            }
            bar.step(if now.waiting { "waiting" } else { "" }, script.share());
            !now.playing || script.is_over()
        };
        if over {
            tokio::time::sleep(Duration::from_secs_f64(held as f64 / f64::from(rate)) + REST).await;
            way.rest().await.map_err(lost)?;
            break;
        }
    }
    let (output, audible) = (way.name(), way.is_audible());
    // Its thread may hold the way to the engine for a moment longer.
    drop(way);
    let engine = std::mem::take(&mut lock(&room).0);
    Ok(Played { engine, output, audible })
}

fn lock(room: &Mutex<(Engine, Script)>) -> MutexGuard<'_, (Engine, Script)> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}
