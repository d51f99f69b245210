//! Audio that leaves: a name that no fact uses is moved to `trash/`, may come back from there, and is erased later. It keeps one promise: what was touched
//! since the last look is not moved. Never here: which name is used, and when the time has come (`keep::gc`).

use std::{
    collections::{BTreeSet, HashSet},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use deadwax_domain::Digest;

use super::{BlobError, Blobs, Place, Source, blocking};
use crate::disk::Site;

/// Digests that were named, read or asked for since [`Blobs::take_touched`] was last called: a fact may be about to name them.
#[derive(Clone, Default)]
pub(super) struct Touched(Arc<Mutex<HashSet<Digest>>>);

impl Touched {
    pub(super) fn note(&self, digest: Digest) {
        self.lock().insert(digest);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashSet<Digest>> {
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
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.digest, self.at_ms)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (digest, at_ms) = name.split_once('-')?;
        let digest = Digest(hex::decode(digest).ok()?.try_into().ok()?);
        Some(Self { digest, at_ms: at_ms.parse().ok()? })
    }
}

impl Blobs {
    /// Every name that audio lies under, here or far.
    pub async fn names(&self) -> Result<Vec<Digest>, BlobError> {
        let here = self.local_names().await?;
        let Some(far) = self.far() else { return Ok(here) };
        let mut names: BTreeSet<Digest> = far.names().await?.into_keys().collect();
        names.extend(here);
        Ok(names.into_iter().collect())
    }

    pub(super) async fn local_names(&self) -> Result<Vec<Digest>, BlobError> {
        let place = self.place.clone();
        blocking(move || Ok(place.names()?)).await
    }

    /// What was touched since the last call.
    pub fn take_touched(&self) -> HashSet<Digest> {
        std::mem::take(&mut *self.place.touched.lock())
    }

    /// Moves a blob to the trash, unless it was touched since the last [`take_touched`](Self::take_touched). Whether it was moved. Durable on return.
    pub async fn discard(&self, digest: Digest, at_ms: u64) -> Result<bool, BlobError> {
        let Some(far) = self.far() else { return self.discard_here(digest, at_ms).await };
        if self.place.touched.lock().contains(&digest) {
            return Ok(false);
        }
        let discarded = Discarded { digest, at_ms };
        let moved = match far.discard(discarded).await? {
            // The copy goes with it; nothing is lost if it stays a while.
            true => self.let_copy_go(digest).await.map(|_| true)?,
            false => self.discard_here(digest, at_ms).await?,
        };
        // The move takes a while there: whoever touched it meanwhile found it, and may be about to name it.
        if moved && self.place.touched.lock().contains(&digest) {
            self.put_back(discarded).await?;
            return Ok(false);
        }
        Ok(moved)
    }

    async fn discard_here(&self, digest: Digest, at_ms: u64) -> Result<bool, BlobError> {
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
        let here = self.local_trash().await?;
        let Some(far) = self.far() else { return Ok(here) };
        let mut trash: BTreeSet<Discarded> = far.trash().await?.into_iter().collect();
        trash.extend(here);
        Ok(trash.into_iter().collect())
    }

    async fn local_trash(&self) -> Result<Vec<Discarded>, BlobError> {
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
        let Some(far) = self.far() else { return self.put_back_here(discarded).await };
        self.place.touched.note(discarded.digest);
        if far.length_of(discarded.digest).await?.is_some() {
            return Ok(false);
        }
        if far.put_back(discarded).await? {
            return Ok(true);
        }
        // It was thrown away before this studio had an object store.
        let back = self.put_back_here(discarded).await?;
        let path = self.path_of(discarded.digest);
        far.keep(discarded.digest, &Source::file(&self.place.drive, path).await?, false).await?;
        Ok(back)
    }

    async fn put_back_here(&self, discarded: Discarded) -> Result<bool, BlobError> {
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
        let mut lies_far = false;
        if let Some(far) = self.far() {
            far.erase(discarded).await?;
            lies_far = far.length_of(discarded.digest).await?.is_some();
        }
        let (place, far) = (self.place.clone(), self.far().is_some());
        blocking(move || {
            match place.drive.remove(Site::TrashRemove, &place.trash().join(discarded.name())) {
                Err(error) if far && error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
            if lies_far || place.drive.meta(Site::BlobMeta, &place.path_of(discarded.digest))?.is_some() {
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
    /// What lies in the folder, sorted.
    pub(super) fn names(&self) -> io::Result<Vec<Digest>> {
        let root = self.root.join("blobs");
        let mut names = Vec::new();
        for folder in self.drive.list(Site::BlobFoldersList, &root)? {
            if folder.len() == 2 {
                let files = self.drive.list(Site::BlobFoldersList, &root.join(&folder))?;
                names
                    .extend(files.iter().filter_map(|name| super::digest_of(&root.join(&folder).join(name))));
            }
        }
        Ok(names)
    }

    fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    fn sync_trash(&self, blob: &std::path::Path) -> io::Result<()> {
        self.drive.sync_dir(Site::TrashSync, &self.trash())?;
        self.drive.sync_dir(Site::BlobFolderSync, blob.parent().unwrap_or(&self.root))
    }
}
