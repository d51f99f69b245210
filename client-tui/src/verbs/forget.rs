//! What this machine keeps of a studio that wants it gone with the session: rows of projects and audio go when the session was ended or ran out; the words of its person that were
//! not sent stay, they were never the studio's. Never here: signing out, which leaves nothing (`account`), and which studio wants it (the profile says so).

use super::{Context, VerbError};
use crate::{
    cache::{self, rows::Kept},
    profile::Profile,
};

/// As the server calls it.
pub(super) const ENDED: &str = "SESSION_ENDED";

/// What a verb ended with tells whether its session is over.
pub(super) fn after(c: &Context, done: &Result<(), VerbError>) {
    let is_over = done.as_ref().is_err_and(|error| error.reason() == ENDED);
    if let Some(profile) = c.used.get().filter(|profile| is_over && profile.forget) {
        now(c, profile);
    }
}

/// Without a line, and before anything is shown: a session that was not ended by anybody ends on its day.
pub(super) fn when_due(c: &Context, profile: &Profile) {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    if profile.forget && profile.expires_ms <= now_ms {
        now(c, profile);
    }
}

pub(super) fn now(c: &Context, profile: &Profile) {
    let rows = Kept::of(&c.home, profile).forget_rows();
    let sound = cache::remove(&profile.name);
    match rows.and_then(|were| sound.map(|was| were || was)) {
        Ok(false) => {}
        Ok(true) => c.out.aside(&format!(
            "The session has ended, and {} wants nothing kept after it: what this machine kept of it is removed.",
            profile.studio
        )),
        Err(error) => c.out.aside(&format!(
            "The session has ended; what this machine kept of {} could not be removed: {error}. Remove it with `deadwax logout --here-only`.",
            profile.studio
        )),
    }
}
