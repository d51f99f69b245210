//! A folder for what one child makes: it may write there and nowhere else, and what it made gets its place from the server. Never here: what is made.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::inspect::InspectError;

/// Gone with all that lies in it when this is dropped.
pub(super) struct Room {
    folder: TempDir,
}

impl Room {
    /// On the same disk as `out`.
    pub async fn beside(out: &Path) -> Result<Room, InspectError> {
        let parent = out.parent().unwrap_or(Path::new(".")).to_owned();
        let made = tokio::task::spawn_blocking(move || TempDir::with_prefix_in("room-", parent));
        let folder = made.await.map_err(std::io::Error::other).flatten();
        let failed =
            |error| InspectError::Failed(format!("a folder for the work could not be made: {error}"));
        Ok(Room { folder: folder.map_err(failed)? })
    }

    /// What the child is to make.
    pub fn made(&self) -> PathBuf {
        self.folder.path().join("made")
    }

    /// Gives it its place, where it was made.
    pub async fn keep(self, out: &Path) -> Result<(), InspectError> {
        let failed = |error| InspectError::Failed(format!("what was made could not be kept: {error}"));
        tokio::fs::rename(self.made(), out).await.map_err(failed)
    }
}
