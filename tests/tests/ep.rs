//! The record of four songs through the whole review protocol, over a real server, by the verbs that people type. The steps and their checks stand in
//! `deadwax_tests::ep`; goal: not one of them fails.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::path::Path;

use deadwax_tests::{demo::Log, ep};

#[test]
fn a_record_of_four_songs_goes_through_the_review_protocol() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let (steps, checks, _) = ep::whole_record(exe, root.path(), Log::new(true), &[]).unwrap();
    assert!(steps >= 14 && checks >= 50, "{steps} steps, {checks} checks");
}
