//! The page in Debian's Chromium, by clicks and keys, against a real server: the label's part of the main job, what is heard to the sample, hostile words, a line that is
//! cut. Skipped where there is no Chromium; `DEADWAX_TEST_BROWSER=required` makes that a failure.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod four;
mod keys;
mod label;
mod line;
mod link;
mod pictures;
mod safety;
mod sound;
mod world;
