//! A folder for what one child makes: it may write there and nowhere else, and what it made gets its place from the server. Never here: what is made.

use std::{
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::inspect::InspectError;

const PREFIX: &str = "room-";
/// What a derived file is called until it is written to its end.
const UNFINISHED: &str = ".part";

/// Removes what a server that was killed left in a folder: rooms, and files that were not written to their end. Called at the start, when none of either is in
/// use.
pub async fn tidy(folder: &Path) -> io::Result<()> {
    let mut entries = tokio::fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_folder = entry.file_type().await?.is_dir();
        match is_folder {
            true if name.starts_with(PREFIX) => tokio::fs::remove_dir_all(entry.path()).await?,
            false if name.ends_with(UNFINISHED) => tokio::fs::remove_file(entry.path()).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Gone with all that lies in it when this is dropped.
pub(super) struct Room {
    folder: TempDir,
}

impl Room {
    /// On the same disk as `out`.
    pub async fn beside(out: &Path) -> Result<Room, InspectError> {
        let parent = out.parent().unwrap_or(Path::new(".")).to_owned();
        let made = tokio::task::spawn_blocking(move || TempDir::with_prefix_in(PREFIX, parent));
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn what_a_killed_server_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let room = Room::beside(&at("out")).await.unwrap();
        fs::write(room.made(), "half").unwrap();
        std::mem::forget(room);
        fs::write(at("0a.part"), "half").unwrap();
        fs::write(at("0b.waveform"), "whole").unwrap();
        fs::create_dir(at("0c")).unwrap();
        tidy(folder.path()).await.unwrap();
        let left = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort();
        assert_eq!(left, ["0b.waveform", "0c"]);
    }
}
