//! The handoff as one file: a zip of the approved mix with its alternates and papers, made once for each handoff and never changed. The maker asks the
//! ledger which handoffs have no package, packs one at a time, stores it under its digest and only then tells the ledger: what a crash interrupts is
//! packed again, to the same bytes. Never here: who may fetch it, and when a song is handed over.

mod brief;
mod contents;
pub mod names;
mod page;
mod story;
pub(crate) mod zip;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadwax_domain::{Actor, Command, Digest, ProjectId, SongId};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use self::{contents::Contents, story::Found, story::Story, zip::Zip};
use crate::{
    blob::{BlobError, Blobs},
    leases::Leasing,
    ledger::{Kept, Ledger, LedgerError, Perform, Snapshot},
    render::shift,
    watch::Names,
};

/// The ledger wakes the maker; this is only for what it could not read or pack.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// A good [`Maker::pause`]: it doubles with each failure up to five minutes, since each try reads every byte again.
pub const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Entries of a stream read at once.
const PAGE: usize = 1024;
/// How often the fact is offered again because the project moved on meanwhile.
const ATTEMPTS: usize = 16;
/// Headers and the list of entries.
const ZIP_BYTES: u64 = 1 << 20;

/// Why packages could not be made so far, for those who ask for them. Kept in memory: the next try finds out anew.
#[derive(Debug, Default)]
pub struct Troubles {
    by_song: Mutex<HashMap<(ProjectId, SongId), Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    text: String,
    pause: Duration,
    not_before: Instant,
}

impl Troubles {
    /// A sentence for a person, where the last try failed.
    pub fn of(&self, project: ProjectId, song: SongId) -> Option<String> {
        self.lock().get(&(project, song)).map(|trouble| trouble.text.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(ProjectId, SongId), Trouble>> {
        self.by_song.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waits(&self, key: (ProjectId, SongId)) -> bool {
        self.lock().get(&key).is_some_and(|trouble| Instant::now() < trouble.not_before)
    }

    fn failed(&self, key: (ProjectId, SongId), text: String, first_pause: Duration) {
        let mut troubles = self.lock();
        let pause = troubles.get(&key).map_or(first_pause, |before| (before.pause * 2).min(PAUSE_MAX));
        troubles.insert(key, Trouble { text, pause, not_before: Instant::now() + pause });
    }

    /// Of songs that still wait for their package.
    fn keep(&self, open: &HashSet<(ProjectId, SongId)>) {
        self.lock().retain(|key, _| open.contains(key));
    }

    fn over(&self, key: (ProjectId, SongId)) {
        self.lock().remove(&key);
    }
}

pub struct Maker {
    pub ledger: Arc<Ledger>,
    pub leasing: Leasing,
    pub blobs: Arc<Blobs>,
    pub names: Names,
    pub troubles: Arc<Troubles>,
    /// Emptied at start: whatever lies there belongs to a process that is gone.
    pub work_dir: PathBuf,
    /// Between a failure and the next try.
    pub pause: Duration,
    pub shutdown: CancellationToken,
}

/// The projects that lack a package, after some have moved.
fn lacking_after(lacking: &mut BTreeMap<ProjectId, Arc<Snapshot>>, moved: Vec<Arc<Snapshot>>) {
    for snapshot in moved {
        if snapshot.project.unpackaged().is_empty() {
            lacking.remove(&snapshot.id);
        } else {
            lacking.insert(snapshot.id, snapshot);
        }
    }
}

impl Maker {
    /// Runs until shutdown.
    pub async fn run(self) {
        if let Err(error) = shift::empty(&self.work_dir).await {
            tracing::error!(%error, "the folder for packages could not be emptied; no handoff will be packed");
            return;
        }
        let (news, mut lacking) = (self.ledger.news(), BTreeMap::new());
        while !self.shutdown.is_cancelled() {
            lacking_after(&mut lacking, news.take());
            for key in self.due(lacking.values()) {
                self.alone(key).await;
                if self.shutdown.is_cancelled() {
                    return;
                }
            }
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = news.changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN.min(self.pause)) => {}
            }
        }
    }

    /// Songs whose newest handoff is in mastering's hands and has no package; the oldest first.
    fn due<'a>(&self, lacking: impl Iterator<Item = &'a Arc<Snapshot>>) -> Vec<(ProjectId, SongId)> {
        let mut due = Vec::new();
        let mut open = HashSet::new();
        for snapshot in lacking {
            for (song, _) in snapshot.project.unpackaged() {
                let key = (snapshot.id, song);
                open.insert(key);
                if !self.troubles.waits(key) && self.is_wanted(snapshot, song) {
                    let handoff = snapshot.project.songs.get(song).and_then(|song| song.handoff.as_ref());
                    due.push((handoff.map(|handoff| handoff.made_at), key));
                }
            }
        }
        self.troubles.keep(&open);
        due.sort_unstable();
        due.into_iter().map(|(_, key)| key).collect()
    }

    /// Would the rules take the fact? Asked before gigabytes are read for nothing.
    fn is_wanted(&self, snapshot: &Snapshot, song: SongId) -> bool {
        let version = snapshot.project.songs.get(song).and_then(|song| song.handoff.as_ref());
        let Some(version) = version.map(|handoff| handoff.version) else { return false };
        let (digest, name, bytes) = (Digest([0; 32]), "package.zip".to_owned(), 1);
        let record = Command::RecordPackage { song, version, digest, name, bytes };
        self.ledger.dry(snapshot, &Actor::Worker, &record).is_ok()
    }

    /// Unless another server is at it: packing reads every byte.
    async fn alone(&self, key: (ProjectId, SongId)) {
        match self.leasing.take(format!("package/{:032x}/{:032x}", key.0.0, key.1.0)).await {
            Ok(Some(held)) => {
                // However it ended: what is left to pack is found at the next look.
                let _ended = held.during(self.job(key), &self.shutdown).await;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "no handoff was packed; it is tried again"),
        }
    }

    async fn job(&self, key: (ProjectId, SongId)) {
        match self.make(key).await {
            Ok(()) => self.troubles.over(key),
            // The song went back, or another process was faster: there is nothing to tell.
            Err(PackError::Moved | PackError::Ledger(LedgerError::Refused(_))) => self.troubles.over(key),
            Err(error) => {
                tracing::error!(
                    project = %crate::wire::id(key.0.0), song = %crate::wire::id(key.1.0), %error,
                    "a handoff could not be packed"
                );
                self.troubles.failed(key, told(&error), self.pause);
            }
        }
    }

    async fn make(&self, (project, song): (ProjectId, SongId)) -> Result<(), PackError> {
        // Another server may have been faster.
        let newest = self.ledger.project(project).await?.ok_or(PackError::Moved)?;
        if !newest.project.unpackaged().iter().any(|(open, _)| *open == song) {
            return Err(PackError::Moved);
        }
        let found = self.find(project, song).await?;
        let folded = self.ledger.fold_to(project, found.seq).await?.ok_or(PackError::Moved)?;
        let contents = {
            let directory = (self.names)();
            let names = |person| directory.name(person).to_owned();
            let story = Story::new(project, &folded.project, song, &found, &names).ok_or(PackError::Moved)?;
            Contents::of(&story)
        };
        self.blobs.must_have_room(contents.bytes().saturating_add(ZIP_BYTES)).await?;
        let path = self.work_dir.join(format!("{:032x}.zip", song.0));
        let packed = self.pack(&contents, &found, &path).await;
        let stored = match packed {
            Ok(()) => self.blobs.adopt(path.clone()).await.map_err(PackError::from),
            Err(error) => Err(error),
        };
        // Gone already where it was adopted.
        let _ = tokio::fs::remove_file(&path).await;
        let (digest, bytes) = stored?;
        let name = format!("{}.zip", contents.name);
        self.record((project, song), &found, (digest, name, bytes)).await
    }

    /// Where the stream tells of the newest handoff of a song.
    async fn find(&self, project: ProjectId, song: SongId) -> Result<Found, PackError> {
        let (mut found, mut seq) = (Found::default(), 0);
        loop {
            let page = self.ledger.events(project, seq, PAGE).await?;
            for one in &page {
                seq = one.seq;
                if let Kept::Event(event) = &one.kept {
                    found.hear(one.seq, event, song);
                }
            }
            if page.len() < PAGE {
                return if found.seq > 0 { Ok(found) } else { Err(PackError::Moved) };
            }
        }
    }

    /// Every file passes through once, with its digest checked on the way (B-1).
    async fn pack(&self, contents: &Contents, found: &Found, path: &Path) -> Result<(), PackError> {
        let file = tokio::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path).await?;
        let mut zip = Zip::new(file, found.at);
        for audio in &contents.audio {
            let damaged = |error| match error {
                BlobError::Corrupt(_) | BlobError::Missing(_) => {
                    PackError::Damaged { name: audio.name.clone(), digest: audio.digest }
                }
                error => PackError::Blob(error),
            };
            let (bytes, mut chunks) = self.blobs.read(audio.digest, 0, None).await.map_err(damaged)?;
            if bytes != audio.bytes {
                return Err(damaged(BlobError::Corrupt(audio.digest)));
            }
            zip.begin(&format!("{}/{}", contents.name, audio.name), bytes).await?;
            while let Some(chunk) = chunks.next().await {
                zip.write(&chunk.map_err(damaged)?).await?;
            }
        }
        for paper in &contents.papers {
            zip.whole(&format!("{}/{}", contents.name, paper.name), &paper.bytes).await?;
        }
        let file = zip.finish().await?;
        file.sync_all().await?;
        Ok(())
    }

    /// Told to the ledger only while the handoff is still the one that was packed: the same mix may have been handed over anew meanwhile.
    async fn record(
        &self,
        (project, song): (ProjectId, SongId),
        found: &Found,
        (digest, name, bytes): (Digest, String, u64),
    ) -> Result<(), PackError> {
        for _ in 0..ATTEMPTS {
            let snapshot = self.ledger.project(project).await?.ok_or(PackError::Moved)?;
            if self.find(project, song).await?.seq != found.seq {
                return Err(PackError::Moved);
            }
            let version = snapshot.project.songs.get(song).and_then(|song| song.handoff.as_ref());
            let version = version.ok_or(PackError::Moved)?.version;
            let command = Command::RecordPackage { song, version, digest, name: name.clone(), bytes };
            let perform = Perform { expected: Some(snapshot.seq), ..Perform::by_worker(project, command) };
            match self.ledger.perform(perform).await {
                Ok(_) => {
                    tracing::info!(project = %crate::wire::id(project.0), %digest, bytes, "a handoff was packed");
                    return Ok(());
                }
                Err(LedgerError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PackError::Busy)
    }
}

/// For a member who asks for the package: what happened and what may help. No path, no digest of another project stands in it.
fn told(error: &PackError) -> String {
    match error {
        PackError::Damaged { name, digest } => format!(
            "The stored file of {name} is damaged or gone: its bytes do not match the digest {digest}. Nothing was packed."
        ),
        PackError::Blob(BlobError::DiskNearlyFull { .. } | BlobError::TooFewFiles { .. }) => {
            "The studio's disk has no room for the package.".to_owned()
        }
        PackError::Io(error) if crate::disk::is_full(error) => {
            "The studio's disk has no room for the package.".to_owned()
        }
        _ => "The studio could not make the package; its owner finds the cause in the log.".to_owned(),
    }
}

#[derive(Debug, thiserror::Error)]
enum PackError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("stored bytes do not match their digest {digest}")]
    Damaged { name: String, digest: Digest },
    #[error("the project never stood still")]
    Busy,
    #[error("the song is handed over otherwise by now")]
    Moved,
}
