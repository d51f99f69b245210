//! What this machine keeps of the studio for one profile, so that it need not come twice and is there when the line is not. All of it can be deleted at any
//! time. Never here: what the studio does not show this person.

pub mod audio;
pub mod queue;
pub mod rows;

use std::path::PathBuf;

use crate::profile::Home;

/// The folder of one profile: beside the profiles where DEADWAX_HOME names a place, else where the system keeps caches.
pub fn folder(profile: &str) -> Option<PathBuf> {
    // The same letters as a profile's name: never a part of a path.
    let fine = (1..=40).contains(&profile.len())
        && profile.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let own = std::env::var_os("DEADWAX_HOME").is_some_and(|home| !home.is_empty());
    let base = if own {
        Home::find().ok()?.folder().join("cache")
    } else {
        directories::ProjectDirs::from("", "", "deadwax")?.cache_dir().to_owned()
    };
    fine.then(|| base.join(profile))
}

/// Removes all that is kept for a profile; fine where nothing is. Answers whether something was.
///
/// # Errors
/// Those of the disk.
pub fn remove(profile: &str) -> std::io::Result<bool> {
    let Some(folder) = folder(profile) else { return Ok(false) };
    match std::fs::remove_dir_all(folder) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}
