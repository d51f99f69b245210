//! The whole server, the very program that is installed, under what happens to processes, machines and lines: kill -9 (`killed`), the loss of power (`power`),
//! uploads that are cut (`resume`). `house` starts and ends it, `world` is the work of many people and what they were told of it. The long forms are run by
//! `cargo trust --full`. Never here: a look into the server's memory; what is asked is asked over the wire, or of the folder while the server is down.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../crash/forgetful.rs"]
mod forgetful;
mod house;
mod killed;
mod pieces;
mod power;
mod resume;
#[path = "../attacks/house.rs"]
#[allow(dead_code, reason = "the people of that file are wanted here, its server is not")]
mod seats;
mod world;

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

/// The same numbers for the same seed (splitmix64).
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn seeded() -> Self {
        Self(std::env::var("DEADWAX_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }
}
