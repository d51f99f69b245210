//! The sound engine, sample by sample: against its source, and against a player that computes frame by frame what should leave.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod exact;
mod files;
mod kit;
mod naive;
mod random;
mod record;
