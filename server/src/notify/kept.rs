//! A small thing kept in a file of the `notify` folder, or in the store that several servers share: read once, written whole or not at all. Never here: what it
//! means, and who may write it.

use std::{
    io::{ErrorKind, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use serde::{Serialize, de::DeserializeOwned};

use crate::{leases::Lease, store::neighbours::Neighbours};

/// Below the studio folder, 0700; its files are 0600.
pub const FOLDER: &str = "notify";

/// Where it is kept.
#[derive(Clone)]
pub enum Place {
    /// Below this studio folder: there is one server.
    Folder(PathBuf),
    /// Beside the facts that several servers share, for whichever of them tells next.
    Shared {
        neighbours: Arc<dyn Neighbours>,
        /// As long as it is held what is written counts.
        lease: Lease,
        /// A server that told alone kept it below its folder; there it is looked for once.
        before: PathBuf,
    },
}

impl Place {
    /// `None` where it was never written. What cannot be read is an error: to begin anew in silence could tell everything twice.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub async fn read<T: DeserializeOwned>(&self, name: &'static str) -> anyhow::Result<Option<T>> {
        match self {
            Place::Folder(folder) => read(folder, name),
            Place::Shared { neighbours, before, .. } => {
                let told = neighbours.told(name).await.context("asking the store what was told failed")?;
                let Some(bytes) = told else { return read(before, name) };
                let kept = serde_json::from_slice(&bytes).with_context(|| {
                    format!("the row {name} of deadwax_told is damaged; delete it, and news begin again from now on")
                })?;
                Ok(Some(kept))
            }
        }
    }

    /// Durable on return.
    ///
    /// # Errors
    /// Where it cannot be written, or another server tells by now.
    pub async fn write<T: Serialize>(&self, name: &'static str, kept: &T) -> anyhow::Result<()> {
        match self {
            Place::Folder(folder) => write(folder, name, kept).await,
            Place::Shared { neighbours, lease, .. } => {
                let bytes = serde_json::to_vec(kept).context("what was told could not be written down")?;
                let told = neighbours.tell(name, bytes.into(), lease).await;
                ensure!(
                    told.context("telling the store what was told failed")?,
                    "another server tells by now; it goes on from what was kept last"
                );
                Ok(())
            }
        }
    }

    /// Whether another process may go on with what this one does.
    pub fn is_shared(&self) -> bool {
        matches!(self, Place::Shared { .. })
    }
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> anyhow::Result<Option<T>> {
    let path = path(folder, name);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {} failed", path.display())),
    };
    let kept = serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is damaged; move it away, and news begin again from now on", path.display())
    })?;
    Ok(Some(kept))
}

/// Durable before it takes the place of the old one.
async fn write<T: Serialize>(folder: &Path, name: &str, kept: &T) -> anyhow::Result<()> {
    let path = path(folder, name);
    let bytes = serde_json::to_vec(kept).with_context(|| format!("writing {} failed", path.display()))?;
    tokio::task::spawn_blocking(move || put(&path, &bytes)).await.context("writing was broken off")?
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(path);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("writing {} failed", path.display()))
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(FOLDER).join(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_and_belongs_to_this_user() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read::<Vec<u8>>(folder.path(), "x.json").unwrap(), None);
        write(folder.path(), "x.json", &vec![1_u8]).await.unwrap();
        write(folder.path(), "x.json", &vec![1_u8, 2]).await.unwrap();
        assert_eq!(read::<Vec<u8>>(folder.path(), "x.json").unwrap(), Some(vec![1, 2]));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("notify/x.json")), 0o600);
        assert_eq!(mode(&folder.path().join("notify")), 0o700);
        assert_eq!(
            std::fs::read_dir(folder.path().join("notify")).unwrap().count(),
            1,
            "nothing half is left"
        );
        std::fs::write(folder.path().join("notify/x.json"), "[1,").unwrap();
        let error = format!("{:#}", read::<Vec<u8>>(folder.path(), "x.json").unwrap_err());
        assert!(error.contains("x.json") && error.contains("move it away"), "{error}");
    }
}
