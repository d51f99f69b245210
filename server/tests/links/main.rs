//! Share links over a real server: what a guest hears by each scope, that what lies outside sounds as what is not there, how a link is opened, and how it ends.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

#[path = "../common/mod.rs"]
mod common;
mod ends;
#[path = "../media_kit/mod.rs"]
#[allow(dead_code)]
mod media_kit;
mod opening;
mod room;
mod scope;
mod told;
