//! The whole server, the very program that is installed, under what happens to processes, machines and lines: kill -9 (`killed`), the loss of power (`power`),
//! uploads that are cut (`resume`). `house` starts and ends it, `world` is the work of many people and what they were told of it. The long forms are run by
//! `cargo trust --full`. Never here: a look into the server's memory; what is asked is asked over the wire, or of the folder while the server is down.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../common/dice.rs"]
mod dice;
#[path = "../crash/forgetful.rs"]
mod forgetful;
mod house;
mod killed;
mod pieces;
mod power;
#[path = "../common/process.rs"]
mod process;
mod resume;
#[path = "../attacks/house.rs"]
#[allow(dead_code, reason = "the people of that file are wanted here, its server is not")]
mod seats;
mod world;

use dice::Dice;

/// How often: in the long form, in the short one, and among all the other tests.
fn times(full: u64, quick: u64, plain: u64) -> u64 {
    match std::env::var("DEADWAX_TEST_TRUST").as_deref() {
        Ok("full") => full,
        Ok("quick") => quick,
        _ => plain,
    }
}

/// The servers of this file take turns: each is meant to have the machine.
async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}
