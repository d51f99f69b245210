//! The door of a real server, over TLS, from outside: what one connection, one address and one person may ask for, what slow ones cost the others, floods and
//! silence on the raw line, and an orderly stop under load. Everything happens on the loopback network and is bounded in count and time. Attackers come from
//! other loopback addresses than the people whose work must go on.
//!
//! Lines `#gate` are what the gates of trust read. Times are told; asserted is only what a busy machine cannot change, or a ratio with much room.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod floods;
mod frames;
mod house;
mod limits;
#[path = "../common/process.rs"]
mod process;
mod rates;
mod raw;
mod silent;
mod slow;
mod stop;
mod victim;

use std::time::Duration;

/// How long something is kept up: in the long form, in the short one, and among all the other tests.
fn span(full: u64, quick: u64, plain: u64) -> Duration {
    Duration::from_secs(match std::env::var("DEADWAX_TEST_TRUST").as_deref() {
        Ok("full") => full,
        Ok("quick") => quick,
        _ => plain,
    })
}

fn is_long() -> bool {
    std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|form| form == "full")
}

fn gate(id: &str, held: bool, figures: &str) {
    println!("#gate {id} {} {figures}", if held { "held" } else { "missed" });
}

/// The servers of this file have the machine to themselves: figures of one would be noise in those of another.
async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}
