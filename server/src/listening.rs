//! What each person has heard of each file, in tenths of a second, one small file of bits for each. Kept beside the ledger and not in it: who listened to what
//! when is nobody's record, and the ledger learns a share at the marks that a gate may ask for. Losing these files costs a second listening, nothing
//! else. Never here: who may report, and what follows from a share.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use deadwax_domain::{Digest, PersonId, ProjectId, VersionId};
use tokio::sync::Mutex;

/// One bit stands for so long.
const TICK_MS: u64 = 100;

/// Which file of which version, and who listened.
#[derive(Clone, Copy, Debug)]
pub struct Ear {
    pub project: ProjectId,
    pub version: VersionId,
    pub person: PersonId,
    pub file: Digest,
}

pub struct Listening {
    folder: PathBuf,
    /// Read, changed and written by one at a time: two reports of one person must not lose each other.
    writing: Arc<Mutex<()>>,
}

impl Listening {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, writing: Arc::default() }
    }

    /// Adds what was played and answers how much of the file is heard by now, 0 to 100. `ranges`: start and end in milliseconds, within `length_ms`.
    pub async fn add(&self, ear: Ear, length_ms: u64, ranges: Vec<(u64, u64)>) -> io::Result<u32> {
        let path = self.path(ear);
        let writing = Arc::clone(&self.writing).lock_owned().await;
        let added = tokio::task::spawn_blocking(move || {
            let _writing = writing;
            add(&path, length_ms, &ranges)
        });
        added.await.map_err(io::Error::other)?
    }

    /// How much of the file is heard by now, 0 to 100.
    pub async fn share(&self, ear: Ear, length_ms: u64) -> io::Result<u32> {
        self.add(ear, length_ms, Vec::new()).await
    }

    fn path(&self, ear: Ear) -> PathBuf {
        let name = format!("{:032x}-{:032x}-{}", ear.version.0, ear.person.0, ear.file);
        self.folder.join(format!("{:032x}", ear.project.0)).join(name)
    }
}

fn add(path: &Path, length_ms: u64, ranges: &[(u64, u64)]) -> io::Result<u32> {
    let ticks = length_ms.div_ceil(TICK_MS).max(1);
    let bytes = usize::try_from(ticks.div_ceil(8)).map_err(io::Error::other)?;
    let mut bits = match std::fs::read(path) {
        Ok(kept) => kept,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    bits.resize(bytes, 0);
    let before = bits.clone();
    for (start, end) in ranges {
        // A tick is heard when at least half of it was: reports are cut at any moment.
        let (first, last) = ((start + TICK_MS / 2) / TICK_MS, (end + TICK_MS / 2) / TICK_MS);
        // The last tick may be shorter than the others.
        let last = if *end >= length_ms { ticks } else { last.min(ticks) };
        for tick in first.min(ticks)..last {
            if let Some(byte) = usize::try_from(tick / 8).ok().and_then(|at| bits.get_mut(at)) {
                *byte |= 1 << (tick % 8);
            }
        }
    }
    if bits != before {
        write(path, &bits)?;
    }
    let heard: u64 = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
    Ok(u32::try_from(heard.min(ticks) * 100 / ticks).unwrap_or(100))
}

/// Whole or not at all; for the server's own eyes.
fn write(path: &Path, bits: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a path without a folder"))?;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bits)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ear() -> Ear {
        Ear { project: ProjectId(1), version: VersionId(2), person: PersonId(3), file: Digest([4; 32]) }
    }

    async fn told(listening: &Listening, ranges: &[(u64, u64)]) -> u32 {
        listening.add(ear(), 10_000, ranges.to_vec()).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_heard_twice_counts_once_and_nothing_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let listening = Listening::new(folder.path().join("heard"));
        assert_eq!(told(&listening, &[]).await, 0);
        assert_eq!(told(&listening, &[(0, 5_000)]).await, 50);
        assert_eq!(told(&listening, &[(0, 5_000), (2_000, 3_000)]).await, 50);
        let after_a_restart = Listening::new(folder.path().join("heard"));
        assert_eq!(told(&after_a_restart, &[(4_000, 9_000)]).await, 90);
        assert_eq!(told(&after_a_restart, &[(9_000, 10_000)]).await, 100);
    }

    #[tokio::test]
    async fn reports_that_are_cut_anywhere_add_up_to_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let listening = Listening::new(folder.path().into());
        let mut percent = 0;
        let mut at = 0;
        while at < 10_000 {
            let end = (at + 333).min(10_000);
            percent = told(&listening, &[(at, end)]).await;
            at = end;
        }
        assert_eq!(percent, 100);
    }

    #[tokio::test]
    async fn reports_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let listening = Listening::new(folder.path().into());
        let reports = (0..20).map(|n| listening.add(ear(), 10_000, vec![(n * 500, (n + 1) * 500)]));
        futures::future::join_all(reports).await;
        assert_eq!(told(&listening, &[]).await, 100);
    }
}
