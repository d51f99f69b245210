//! What comes from outside: files that no session exported, messages that no client sent, words that must not be repeated. Each module is a gate of trust and
//! runs in a short form with every test run; they read `DEADWAX_TEST_TRUST` and `DEADWAX_TEST_SEED`. Never here: the parts that are tried.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod canary;
#[path = "../common/mod.rs"]
mod common;
mod contract;
mod files;
mod formats;
#[path = "../../../tests/src/harm.rs"]
mod harm;
mod log;
mod lot;
#[cfg(target_os = "linux")]
mod reach;
mod text;
mod wire;

/// How often: with every test run, in the short form of a gate, in its long one.
fn times<T>(always: T, quick: T, full: T) -> T {
    match std::env::var("DEADWAX_TEST_TRUST").as_deref() {
        Ok("full") => full,
        Ok("quick") => quick,
        _ => always,
    }
}

fn seed() -> u64 {
    std::env::var("DEADWAX_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Tells a gate and fails where it was missed.
fn tell(gate: &str, held: bool, figures: &str) {
    println!("\n#gate {gate} {} {figures}", if held { "held" } else { "missed" });
    assert!(held, "{gate}: {figures}");
}
