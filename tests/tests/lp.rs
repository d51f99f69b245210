//! The record of ten songs over a real server, by the verbs that people type, into every shipped profile, read by programs of others where they are installed.
//! The steps and their checks stand in `deadwax_tests::lp`; goal: not one of them fails.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::path::Path;

use deadwax_tests::{
    demo::Log,
    lp::{self, Bench},
};

#[test]
#[ignore = "two minutes; .ci/run does the same strictly: cargo demo --lp --strict"]
fn a_record_of_ten_songs_goes_from_the_takes_to_every_profile() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let ran = lp::whole_record(exe, root.path(), Log::new(true), Bench::look(), (&[], 10.0)).unwrap();
    assert!(ran.steps >= 14 && ran.checks >= 150, "{} steps, {} checks", ran.steps, ran.checks);
    ran.absent.iter().for_each(|line| println!("{line}"));
}
