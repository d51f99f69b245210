//! Journal, audio and the egress book on a disk that fails on purpose: what was acknowledged is there afterwards, what was not is there whole or not at all. Told as gates of
//! trust; `DEADWAX_TEST_TRUST=full` asks for the long forms. Never here: the disk itself (`faulty`).

mod check;
mod crash;
mod full;
mod held;
mod script;
mod single;
mod sites;
mod tail;

pub(super) fn is_long() -> bool {
    std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|form| form == "full")
}

/// Whatever is drawn by lot comes from here.
pub(super) fn seed() -> u64 {
    std::env::var("DEADWAX_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}
