//! An engine played to its end by a program that has nothing else to do, such as a verb. Never here: orders, what a person sees of it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Choice, Lost, Pull, Trouble, open};
use crate::play::{Engine, Frame, Status};

const EVERY: Duration = Duration::from_millis(66);
/// Behind the last frame, for fades and for what a device rounds up.
const DRAIN: Duration = Duration::from_millis(80);

/// Plays what lies on the engine until it ends or `going` answers false; `going` is told what leaves the loudspeaker, fifteen times a second.
///
/// # Errors
/// Where nobody could hear it, or the device went away.
pub async fn aloud(
    engine: Engine,
    choice: &Choice,
    mut going: impl FnMut(&Status) -> bool,
) -> Result<(), Trouble> {
    let rate = engine.rate();
    let engine = Arc::new(Mutex::new(engine));
    let own = engine.clone();
    let pull: Pull = Arc::new(move |frames: &mut [Frame]| {
        own.lock().unwrap_or_else(PoisonError::into_inner).pull(frames);
    });
    let (output, trouble) = open(choice, rate, &pull).await;
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    let lost = |_: Lost| Trouble {
        text: "The sound device went away.".to_owned(),
        hint: "Connect it and play again, or write a file with --to FILE.".to_owned(),
    };
    output.play().await.map_err(lost)?;
    loop {
        let behind = output.waiting().await.map_err(lost)?;
        let status = {
            let engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
            let mut status = engine.status();
            status.at = engine.at_before(behind);
            status
        };
        if !going(&status) {
            return Ok(());
        }
        if !status.playing {
            let held = Duration::from_secs_f64(behind as f64 / f64::from(rate.max(1)));
            tokio::time::sleep(held + DRAIN).await;
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
    }
}
