//! Audio that leaves: a name that no fact uses is moved to `trash/`, may come back from there, and is erased later. It keeps one promise: what was touched
//! since the last look is not moved. Never here: which name is used, and when the time has come (`keep::gc`).

use std::{
    collections::HashSet,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use deadwax_domain::Digest;

use super::{BlobError, Blobs, Place, blocking};
use crate::disk::Site;

/// Digests that were named, read or asked for since [`Blobs::take_touched`] was last called: a fact may be about to name them.
#[derive(Clone, Default)]
pub(super) struct Touched(Arc<Mutex<HashSet<Digest>>>);

impl Touched {
    pub(super) fn note(&self, digest: Digest) {
        self.lock().insert(digest);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What lies in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discarded {
    pub digest: Digest,
    /// When it was moved there, in ms since 1970.
    pub at_ms: u64,
}

impl Discarded {
    fn name(&self) -> String {
        format!("{}-{}", self.digest, self.at_ms)
    }

    fn parse(name: &str) -> Option<Self> {
        let (digest, at_ms) = name.split_once('-')?;
        let digest = Digest(hex::decode(digest).ok()?.try_into().ok()?);
        Some(Self { digest, at_ms: at_ms.parse().ok()? })
    }
}

impl Blobs {
    /// Every name that audio lies under, sorted.
    pub async fn names(&self) -> Result<Vec<Digest>, BlobError> {
        let place = self.place.clone();
        blocking(move || {
            let root = place.root.join("blobs");
            let mut names = Vec::new();
            for folder in place.drive.list(Site::BlobFoldersList, &root)? {
                if folder.len() == 2 {
                    let files = place.drive.list(Site::BlobFoldersList, &root.join(&folder))?;
                    names.extend(
                        files.iter().filter_map(|name| super::digest_of(&root.join(&folder).join(name))),
                    );
                }
            }
            Ok(names)
        })
        .await
    }

    /// What was touched since the last call.
    pub fn take_touched(&self) -> HashSet<Digest> {
        std::mem::take(&mut *self.place.touched.lock())
    }

    /// Moves a blob to the trash, unless it was touched since the last [`take_touched`](Self::take_touched). Whether it was moved. Durable on return.
    pub async fn discard(&self, digest: Digest, at_ms: u64) -> Result<bool, BlobError> {
        let place = self.place.clone();
        blocking(move || {
            let (from, trash) = (place.path_of(digest), place.trash());
            place.drive.make_dir(Site::TrashFolder, &trash)?;
            place.drive.sync_dir(Site::BlobRootSync, &place.root)?;
            {
                // Held over the look and the move: whoever touches it now finds it gone, or stops us.
                let touched = place.touched.lock();
                if touched.contains(&digest) {
                    return Ok(false);
                }
                match place.drive.rename(
                    Site::TrashMove,
                    &from,
                    &trash.join(Discarded { digest, at_ms }.name()),
                ) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                    Err(error) => return Err(error.into()),
                }
            }
            place.sync_trash(&from)?;
            Ok(true)
        })
        .await
    }

    pub async fn trash(&self) -> Result<Vec<Discarded>, BlobError> {
        let place = self.place.clone();
        blocking(move || {
            let names = match place.drive.list(Site::TrashList, &place.trash()) {
                Ok(names) => names,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            Ok(names.iter().filter_map(|name| Discarded::parse(name)).collect())
        })
        .await
    }

    /// Gives discarded audio its name back, unless the same bytes came anew meanwhile. Whether it did. Durable on return.
    pub async fn put_back(&self, discarded: Discarded) -> Result<bool, BlobError> {
        let place = self.place.clone();
        blocking(move || {
            let to = place.path_of(discarded.digest);
            place.make_folder(to.parent().unwrap_or(&place.root))?;
            place.touched.note(discarded.digest);
            if place.drive.meta(Site::BlobMeta, &to)?.is_some() {
                return Ok(false);
            }
            place.drive.rename(Site::TrashBack, &place.trash().join(discarded.name()), &to)?;
            place.sync_trash(&to)?;
            Ok(true)
        })
        .await
    }

    /// For good, with what was derived from it unless it has its name again.
    pub async fn erase(&self, discarded: Discarded) -> Result<(), BlobError> {
        let place = self.place.clone();
        blocking(move || {
            place.drive.remove(Site::TrashRemove, &place.trash().join(discarded.name()))?;
            if place.drive.meta(Site::BlobMeta, &place.path_of(discarded.digest))?.is_some() {
                return Ok(());
            }
            let (derived, prefix) = (place.root.join("derived"), format!("{}.", discarded.digest));
            for name in place.drive.list(Site::DerivedList, &derived)? {
                if name.starts_with(&prefix) {
                    place.drive.remove(Site::DerivedRemove, &derived.join(name))?;
                }
            }
            Ok(())
        })
        .await
    }
}

impl Place {
    fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    fn sync_trash(&self, blob: &std::path::Path) -> io::Result<()> {
        self.drive.sync_dir(Site::TrashSync, &self.trash())?;
        self.drive.sync_dir(Site::BlobFolderSync, blob.parent().unwrap_or(&self.root))
    }
}
