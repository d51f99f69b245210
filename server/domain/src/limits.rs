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
/// Attempts begun, those included that died with their server and never reported.
pub const RENDER_ATTEMPTS_MAX: u32 = 10;

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
