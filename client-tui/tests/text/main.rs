//! S-1 at the last byte: a server that means harm answers every call of the contract, every verb and the screens are run as a person runs them, and every byte that
//! comes out is held against a list of what is ours. Part of the gate TEXT; reads `DEADWAX_TEST_TRUST` and `DEADWAX_TEST_SEED`. Never here: any word of `scrub`,
//! which is what is tried.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod contract;
mod files;
#[path = "../../../tests/src/harm.rs"]
mod harm;
#[path = "../kit/mod.rs"]
mod kit;
#[path = "../net_fake/mod.rs"]
mod net_fake;
#[path = "../screens/sample.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod sample;
mod screens;
mod server;
#[path = "../../../tests/src/sink.rs"]
mod sink;
mod verbs;

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

/// Tells the gate and fails where it was missed.
fn tell(held: bool, figures: &str) {
    println!("\n#gate TEXT {} {figures}", if held { "held" } else { "missed" });
    assert!(held, "TEXT: {figures}");
}

/// A home that knows the server at `address`, as Ana, who is "p1" there.
fn sign_in(home: &std::path::Path, address: std::net::SocketAddr) {
    let profile = deadwax_client::profile::Profile {
        name: "ana".into(),
        url: format!("deadwax+http://{address}"),
        token: Some("tok-1".into()),
        person_id: "p1".into(),
        person: "Ana".into(),
        ..deadwax_client::profile::Profile::default()
    };
    deadwax_client::profile::Home::at(home.to_owned()).save(&profile).unwrap();
}
