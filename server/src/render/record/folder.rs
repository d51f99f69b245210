//! The folder of a record while it is made. It belongs to the record and not to an attempt: a later one goes on with the same job and with the files that are
//! finished. Never here: what a job is made of, where finished files go.

use std::path::{Component, Path, PathBuf};

use deadwax_domain::{ProjectId, RecordId};
use deadwax_dsp::record::{Job, Made, MadeFile};
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::AsyncWriteExt as _;

use super::RecordKey;
use crate::render::shift::empty;

/// Only this worker writes into it, and one attempt at a time.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn of(work_dir: &Path, key: RecordKey) -> Folder {
        Folder { path: work_dir.join(name(key)) }
    }

    pub fn job_path(&self) -> PathBuf {
        self.path.join("job.json")
    }

    pub fn out_dir(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Empty, for a first attempt.
    pub async fn clear(&self) -> std::io::Result<()> {
        empty(&self.path).await
    }

    fn made_path(&self) -> PathBuf {
        self.path.join("made.json")
    }

    /// Of an earlier attempt. One that cannot be read was written by another server: then nothing of it counts.
    pub async fn job(&self) -> Option<Job> {
        read(&self.job_path()).await
    }

    pub async fn keep_job(&self, job: &Job) -> std::io::Result<()> {
        write(&self.job_path(), job).await
    }

    /// Of an attempt that had read all of its files, and ended before they had their names.
    pub async fn made(&self) -> Option<Made> {
        read(&self.made_path()).await
    }

    pub async fn keep_made(&self, made: &Made) -> std::io::Result<()> {
        write(&self.made_path(), made).await
    }

    pub async fn forget_made(&self) {
        let _ = tokio::fs::remove_file(self.made_path()).await;
    }

    /// Of everything that lies there.
    pub async fn bytes(&self) -> u64 {
        let root = self.path.clone();
        tokio::task::spawn_blocking(move || bytes_below(root)).await.unwrap_or(0)
    }

    /// Where a file of the child lies: a file in our own folder, whatever the child said.
    pub async fn file(&self, made: &MadeFile) -> std::io::Result<PathBuf> {
        let wrong = |what: &str| std::io::Error::other(format!("{what}: {}/{}", made.folder, made.name));
        let place = Path::new(&made.folder).join(&made.name);
        let plain = place.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || made.name.contains('/') {
            return Err(wrong("a file has no sound name"));
        }
        let (root, path) = (self.out_dir(), self.out_dir().join(place));
        let is_file = tokio::fs::symlink_metadata(&path).await?.is_file();
        let folder = tokio::fs::canonicalize(path.parent().unwrap_or(&root)).await?;
        if !is_file || !folder.starts_with(tokio::fs::canonicalize(&root).await?) {
            return Err(wrong("a file does not lie where it was told"));
        }
        Ok(path)
    }

    /// Whether it is gone. A child that dies may write into it while it goes.
    pub async fn remove(&self) -> bool {
        match tokio::fs::remove_dir_all(&self.path).await {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => {
                tracing::warn!(%error, "the folder of a record could not be removed; it is tried again");
                false
            }
        }
    }
}

fn name((project, record): RecordKey) -> String {
    format!("{:032x}-{:032x}", project.0, record.0)
}

/// Whose folder it is.
pub(super) fn key_of(name: &str) -> Option<RecordKey> {
    let (project, record) = name.split_once('-')?;
    let id = |text: &str| (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    Some((ProjectId(id(project)?), RecordId(id(record)?)))
}

async fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&tokio::fs::read(path).await.ok()?).ok()
}

/// Whole or not at all.
async fn write(path: &Path, what: &impl Serialize) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let bytes = serde_json::to_vec(what).map_err(std::io::Error::other)?;
    let mut file = tokio::fs::File::create(&part).await?;
    file.write_all(&bytes).await?;
    file.sync_all().await?;
    tokio::fs::rename(&part, path).await
}

fn bytes_below(root: PathBuf) -> u64 {
    let (mut bytes, mut folders) = (0, vec![root]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_whose_it_is() {
        let key = (ProjectId(7), RecordId(u128::MAX));
        assert_eq!(key_of(&name(key)), Some(key));
        for not in ["", "7-8", "x", "renders"] {
            assert_eq!(key_of(not), None, "{not}");
        }
    }

    #[tokio::test]
    async fn a_folder_tells_whether_it_is_gone() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::of(root.path(), (ProjectId(1), RecordId(2)));
        assert!(folder.remove().await, "what is not there is gone");
        // Nothing that a folder could be taken away by.
        std::fs::write(&folder.path, "in the way").expect("written");
        assert!(!folder.remove().await && folder.path.exists());
        std::fs::remove_file(&folder.path).expect("removed");
        std::fs::create_dir_all(folder.out_dir()).expect("made");
        assert!(folder.remove().await && !folder.path.exists());
    }

    #[tokio::test]
    async fn a_child_cannot_have_files_of_others_taken() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = Folder::of(root.path(), (ProjectId(1), RecordId(2)));
        let out = folder.out_dir();
        std::fs::create_dir_all(out.join("cd")).expect("made");
        std::fs::write(root.path().join("journal"), "facts").expect("written");
        std::fs::write(out.join("cd/a.wav"), "sound").expect("written");
        std::os::unix::fs::symlink(root.path().join("journal"), out.join("cd/b.wav")).expect("linked");
        std::os::unix::fs::symlink(root.path(), out.join("up")).expect("linked");
        let file = |folder: &str, name: &str| MadeFile {
            folder: folder.into(),
            name: name.into(),
            ..MadeFile::default()
        };
        assert!(folder.file(&file("cd", "a.wav")).await.is_ok());
        for (at, name) in [
            ("cd", "b.wav"),
            ("up", "journal"),
            ("cd/../../..", "journal"),
            ("/etc", "hosts"),
            ("cd", "../../journal"),
        ] {
            assert!(folder.file(&file(at, name)).await.is_err(), "{at} {name}");
        }
    }
}
