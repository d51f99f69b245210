//! From a job to a folder of files: what was planned is made, whatever stops it in between. Never here: what plans say.

#![allow(clippy::unwrap_used)] // a test may panic

mod forms;
mod kit;
#[path = "../label_kit/mod.rs"]
mod label_kit;
mod loud;
mod shipped;
mod stopped;
mod travel;
mod wrong;
