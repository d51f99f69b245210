//! The store and the blobs under the death of their process (`kill`) and of their machine (`power`). Both start this test binary again
//! as a child that writes and says what was acknowledged; the parent kills it and looks.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test, in the child too")]

mod child;
#[cfg(target_os = "linux")]
mod forgetful;
mod kill;
#[cfg(target_os = "linux")]
mod power;

/// As the gates of trust ask for it; they read the lines `#gate`.
fn is_long() -> bool {
    std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|form| form == "full")
}

/// Not a test of its own: what the child runs. Returns at once when started by anybody else.
#[test]
fn child_entry() {
    child::run_if_child();
}
