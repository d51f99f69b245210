//! Uploads that any server of a studio may go on with, where the audio lies far: what one server acknowledged the next one finds in the object store. The
//! object store is right about how far an upload has come and whether it is still known; what lies in the folder saves the way there. Never here: keys.

use std::sync::Arc;

use deadwax_domain::Digest;
use tokio::sync::OwnedMutexGuard;

use super::{
    BlobError, Blobs, Place, Staged, blocking,
    far::{About, Far, Source, pieces},
    staging::{Identity, Upload},
};

/// An upload that is forgotten by others while it is begun here is begun once more.
const TRIES: usize = 3;

impl Upload {
    pub(super) fn about(&self) -> About {
        About::new(self.staged.digest, self.staged.bytes, &self.staged.owner)
    }
}

impl Blobs {
    pub(super) async fn stage_anywhere(
        &self,
        far: &Arc<Far>,
        identity: Identity,
    ) -> Result<Staged, BlobError> {
        let about = About::new(identity.0, identity.1, &identity.2);
        // Two hands with the same file find one upload.
        let _turn = far.begin(identity.0).await;
        for _ in 0..TRIES {
            let id = match self.known_here(&identity).await {
                Some(id) => Some(id),
                None => far.begun(&about).await?,
            };
            if let Some(id) = id {
                match self.staged_anywhere(far, id).await {
                    Err(BlobError::NoSuchUpload(_)) => self.forget_here(id).await?,
                    staged => return staged,
                }
            }
            if self.known_here(&identity).await.is_some() {
                continue;
            }
            let staged = self.stage_here(identity.clone()).await?;
            if let Err(error) = far.announce(staged.id, &about).await {
                // Nobody was told of it.
                self.forget_here(staged.id).await?;
                return Err(error.into());
            }
            return Ok(staged);
        }
        Err(BlobError::NoSuchUpload(0))
    }

    /// As far as any server has come with it; this one has the bytes then.
    pub(super) async fn staged_anywhere(&self, far: &Arc<Far>, id: u128) -> Result<Staged, BlobError> {
        if !self.uploads.lock().await.contains_key(&id) {
            self.take_over(far, id).await?;
        }
        let mut upload = self.upload(id).await?;
        match far.pieces(id).await? {
            None if upload.announced => {
                // Another server brought it to its end, or nobody came back for it.
                drop(upload);
                self.forget_here(id).await?;
                return Err(BlobError::NoSuchUpload(id));
            }
            None => far.announce(id, &upload.about()).await?,
            Some(_) if upload.named => {}
            Some(found) => upload = self.catch_up(far, upload, found).await?,
        }
        upload.announced = true;
        if upload.named {
            let digest = upload.staged.digest;
            far.lend(digest);
            self.bring(digest).await?;
            return Ok(upload.staged.clone());
        }
        let synced = blocking(move || {
            upload.sync()?;
            Ok(upload)
        });
        let upload = carry(far, synced.await?).await?;
        Ok(upload.staged.clone())
    }

    /// Begins the files of an upload that another server began.
    async fn take_over(&self, far: &Far, id: u128) -> Result<(), BlobError> {
        let unknown = || BlobError::NoSuchUpload(id);
        let about = far.about(id).await?.ok_or_else(unknown)?;
        let digest = about.digest().ok_or_else(unknown)?;
        let mut uploads = self.uploads.lock().await;
        if uploads.contains_key(&id) {
            return Ok(());
        }
        let (drive, folder) = (self.place.drive.clone(), self.place.uploads());
        let identity = (digest, about.bytes, about.owner);
        let upload = blocking(move || Upload::create(&drive, &folder, (id, true), identity)).await?;
        uploads.extend([upload.shared()]);
        tracing::debug!(%digest, "an upload that another server began is gone on with here");
        Ok(())
    }

    /// Takes in what other servers took.
    async fn catch_up(
        &self,
        far: &Far,
        mut upload: OwnedMutexGuard<Upload>,
        found: Vec<pieces::Piece>,
    ) -> Result<OwnedMutexGuard<Upload>, BlobError> {
        let (id, bytes) = (upload.staged.id, upload.staged.bytes);
        let chain = pieces::chain(found, 0);
        upload.far_to = 0;
        for piece in chain.into_iter().filter(|piece| piece.end() <= bytes) {
            if piece.end() > upload.staged.offset {
                let Some(whole) = far.piece(&piece).await? else {
                    tracing::warn!(upload = %format_args!("{id:032x}"), at = piece.at, "a piece of an upload is damaged in the object store; its sender sends it again");
                    break;
                };
                let offset = upload.staged.offset;
                let rest = whole.slice((offset - piece.at) as usize..);
                let reserve_bytes = self.reserve_bytes;
                upload = blocking(move || {
                    upload.write(offset, &rest, reserve_bytes)?;
                    Ok(upload)
                })
                .await?;
            }
            upload.far_to = piece.end();
        }
        Ok(upload)
    }

    async fn known_here(&self, identity: &Identity) -> Option<u128> {
        let uploads = self.uploads.lock().await;
        uploads.iter().find(|(_, (known, _))| known == identity).map(|(id, _)| *id)
    }

    async fn forget_here(&self, id: u128) -> Result<(), BlobError> {
        let mut upload = match self.upload(id).await {
            Err(BlobError::NoSuchUpload(_)) => {
                self.uploads.lock().await.remove(&id);
                return Ok(());
            }
            upload => upload?,
        };
        blocking(move || {
            upload.forget();
            Ok(())
        })
        .await?;
        self.uploads.lock().await.remove(&id);
        Ok(())
    }

    pub(super) async fn forget_anywhere(&self, id: u128, about: About) {
        if let Some(far) = self.far() {
            far.forget(id, &about).await;
        }
    }
}

/// Puts what is durable here where other servers find it.
pub(super) async fn carry(
    far: &Far,
    mut upload: OwnedMutexGuard<Upload>,
) -> Result<OwnedMutexGuard<Upload>, BlobError> {
    while !upload.named && upload.far_to < upload.durable {
        let at = upload.far_to;
        let length = (upload.durable - at).min(pieces::PIECE_BYTES);
        let bytes;
        (upload, bytes) = blocking(move || {
            let bytes = upload.read(at, length)?;
            Ok((upload, bytes))
        })
        .await?;
        far.put_piece(upload.staged.id, at, bytes).await?;
        upload.far_to = at + length;
    }
    Ok(upload)
}

/// The bytes are the right ones and lie under their digest in the object store. A wrong digest forgets the upload here.
pub(super) async fn keep_far(
    far: &Far,
    place: &Place,
    mut upload: OwnedMutexGuard<Upload>,
) -> Result<OwnedMutexGuard<Upload>, BlobError> {
    upload = blocking(move || match upload.complete() {
        Err(error @ BlobError::DigestDiffers { .. }) => {
            upload.forget();
            Err(error)
        }
        complete => complete.map(|_| upload),
    })
    .await?;
    let digest: Digest = upload.staged.digest;
    place.touched.note(digest);
    let source = Source::File {
        drive: place.drive.clone(),
        path: upload.staged.path.clone(),
        bytes: upload.staged.bytes,
    };
    if !upload.named || far.length_of(digest).await?.is_none() {
        far.keep(digest, &source, false).await?;
    }
    Ok(upload)
}
