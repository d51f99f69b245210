//! How much of everything: bounds that no honest project meets, so that nobody fills the studio by accident or malice.

use crate::{Reason, Refusal, refusal::no};

pub const MEMBERS_MAX: usize = 200;
pub const SONGS_MAX: usize = 200;
pub const VERSIONS_PER_SONG_MAX: usize = 1000;
pub const FILES_PER_VERSION_MAX: usize = 64;
pub const NOTES_PER_SONG_MAX: usize = 10_000;
pub const CHECKLIST_MAX: usize = 100;
pub const REQUESTS_PER_SONG_MAX: usize = 500;
pub const NOTES_PER_REQUEST_MAX: usize = 500;
pub const SIGNATURES_PER_SONG_MAX: usize = 5000;
pub const RENDERS_PER_SONG_MAX: usize = 2000;
pub const RECEIVED_FILES_MAX: usize = 50_000;
pub const RECIPES_MAX: usize = 500;
pub const RECIPE_BYTES_MAX: usize = 64 * 1024;
pub const MANIFEST_BYTES_MAX: usize = 192 * 1024;
/// Of links that are neither revoked nor expired.
pub const LINKS_LIVE_MAX: usize = 200;
pub const LINKS_MAX: usize = 10_000;
pub const LINK_DAYS_MAX: i64 = 90;
pub const LINK_SESSIONS_MAX: u32 = 100;
pub const WEBHOOKS_MAX: usize = 20;
pub const WEBHOOK_CODES_MAX: usize = 100;
pub const SHOOTOUT_ENTRANTS_MAX: usize = 26;
pub const SHOOTOUTS_PER_SONG_MAX: usize = 8;
pub const SPACINGS_MAX: usize = 1000;
/// Of a version.
pub const SECTIONS_MAX: usize = 64;
pub const RETURN_ITEMS_MAX: usize = 64;
pub const ROUNDS_INCLUDED_MAX: u32 = 99;
/// Failures after which a render is parked.
pub const RENDER_FAILURES_MAX: u32 = 3;
/// Attempts begun and not given back: those that failed, and those that died with their worker and never reported.
pub const RENDER_ATTEMPTS_MAX: u32 = 3;

pub const RECORDS_MAX: usize = 500;
pub const PROFILES_PER_RECORD_MAX: usize = 24;
pub const PROFILE_BYTES_MAX: usize = 64 * 1024;
/// Of all profiles of a record together: they stand in one fact, and the store keeps entries of up to 256 KiB.
pub const PROFILES_BYTES_MAX: usize = 192 * 1024;
pub const RECORD_FILES_MAX: usize = 600;
/// Of the names and the report of a record together, for the same reason.
pub const RECORD_BYTES_MAX: usize = 160 * 1024;
/// Of one file's name; what file systems allow.
pub const FILE_NAME_BYTES_MAX: usize = 255;
pub const SPACING_NOTES_MAX: usize = 5000;
pub const CREDITS_PER_SONG_MAX: usize = 200;
pub const SPLITS_PER_SONG_MAX: usize = 100;
/// Of the names in the credits and shares of a song together: they stand in one fact.
pub const SONG_COPY_BYTES_MAX: usize = 128 * 1024;
/// What a block of FLAC metadata has room for; the other tags hold more.
pub const COVER_BYTES_MAX: u64 = 16_000_000;
/// Revoked ones included.
pub const KEYS_PER_PERSON_MAX: usize = 50;
pub const KEY_TEXT_BYTES_MAX: usize = 4096;
pub const RECEIPTS_MAX: usize = 100_000;
pub const STATEMENT_BYTES_MAX: usize = 192 * 1024;
/// How far a signer's clock may be from ours.
pub const STATEMENT_TIME_MS: i64 = 15 * 60 * 1000;

/// Room for one more? `what` is a plural: "songs".
pub(crate) fn room(have: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if have < most {
        return Ok(());
    }
    no(
        Reason::LimitReached,
        format!("There are {have} {what} already; {most} are the limit."),
        "Use one of those that are there, or begin another project.",
    )
}

/// Are so many allowed at once?
pub(crate) fn at_most(given: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if given <= most {
        return Ok(());
    }
    no(Reason::LimitReached, format!("{given} {what} were given; {most} are the limit."), "Give fewer.")
}
