//! Copies for listening: made once by a child, kept beside the blob, sent whole or in ranges to whoever may hear the version. Never here: originals.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use bytes::Bytes;
use deadwax_domain::{Digest, File, PersonId, Project, VersionId, audience};
use deadwax_proto::v1;
use futures::stream::BoxStream;
use tonic::{Code, Status};

use super::{Asked, Chunks, Service, digest, stored};
use crate::{
    auth::Caller,
    blob::{BlobError, Blobs},
    egress::Way,
    render::{
        LISTENING,
        inspect::InspectError,
        sound::{Unsound, sound_path},
    },
    rpc::{outgoing, parse_id},
    status,
    studio::Studio,
};

/// Bytes of a second at 320 kbit/s.
const BYTES_PER_S: u64 = 40_000;

/// Copies that are being made: each once, however many wait for it.
#[derive(Default)]
pub(super) struct Copying {
    by_digest: Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>,
}

impl Copying {
    fn turn(&self, digest: Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut by_digest = self.by_digest.lock().unwrap_or_else(PoisonError::into_inner);
        by_digest.retain(|_, turn| turn.strong_count() > 0);
        by_digest.get(&digest).and_then(Weak::upgrade).unwrap_or_else(|| {
            let turn = Arc::default();
            by_digest.insert(digest, Arc::downgrade(&turn));
            turn
        })
    }
}

type Kept = (u64, BoxStream<'static, Result<Bytes, BlobError>>);

impl Service {
    pub(super) async fn listening(
        &self,
        caller: &Caller,
        asked: v1::ListenRequest,
    ) -> Result<Chunks, Status> {
        let of = Asked { project: &asked.project_id, version: &asked.version_id, sha256: &asked.sha256 };
        let (snapshot, file) = self.file(caller, of).await?;
        let limit = (asked.limit > 0).then_some(asked.limit);
        let read = |blobs: Arc<Blobs>| async move {
            let read = blobs.read_derived(file.digest, LISTENING, asked.offset, limit).await;
            read.map_err(status::blob)
        };
        let kept = read(Arc::clone(&self.studio.blobs)).await?;
        let (total_bytes, chunks): Kept = match kept {
            Some(kept) => kept,
            None => {
                self.make_copy(&file).await?;
                let made = read(Arc::clone(&self.studio.blobs)).await?;
                made.ok_or_else(|| status::internal(&format!("no copy could be made of {}", file.digest)))?
            }
        };
        if asked.offset > total_bytes {
            let text = format!("`offset` is past the end: the copy has {total_bytes} bytes.");
            return Err(status::malformed(text));
        }
        let version = VersionId(parse_id("version_id", &asked.version_id)?);
        let may = may_hear(caller.person.id, version, digest(&asked.sha256)?);
        let chunks = self.until_ended(caller, snapshot.id, may, outgoing::download(total_bytes, chunks));
        let of = stored(Way::Listen, &snapshot, &asked.version_id, file.digest)?;
        outgoing::given(&self.studio, caller, of.gift(asked.offset, total_bytes), chunks).await
    }

    /// Goes on where the caller hangs up: the next one finds it made.
    async fn make_copy(&self, file: &File) -> Result<(), Status> {
        let (studio, copying, file) = (Arc::clone(&self.studio), Arc::clone(&self.copying), file.clone());
        let made = tokio::spawn(async move {
            let turn = copying.turn(file.digest);
            let _one_at_a_time = turn.lock().await;
            // Somebody else may have made it meanwhile.
            if tokio::fs::try_exists(studio.blobs.path_of_derived(file.digest, LISTENING))
                .await
                .unwrap_or(false)
            {
                return Ok(());
            }
            make(&studio, &file).await
        });
        made.await.unwrap_or_else(|error| Err(status::internal(&error)))
    }
}

async fn make(studio: &Studio, file: &File) -> Result<(), Status> {
    let seconds = file.facts.frames / u64::from(file.facts.sample_rate_hz.max(1)) + 1;
    studio.blobs.must_have_room(seconds.saturating_mul(BYTES_PER_S)).await.map_err(status::blob)?;
    let audio = sound_path(&studio.blobs, file).await.map_err(|error| match error {
        Unsound::Damaged { digest, .. } => status::blob(BlobError::Corrupt(digest)),
        Unsound::Blob(error) => status::blob(error),
    })?;
    let out = studio.blobs.path_of_derived(file.digest, LISTENING);
    match studio.inspect.copy(&audio, &out, seconds).await {
        Ok(()) => Ok(()),
        // A service's whole group of processes is told to stop with it.
        Err(_) if studio.closing.is_cancelled() => Err(status::closing()),
        Err(InspectError::Failed(what)) => Err(status::internal(&what)),
        Err(error) => {
            let text =
                format!("No copy for listening could be made: {}.", error.to_string().trim_end_matches('.'));
            let hint = "Ask somebody who may fetch the original, or ask the engineer for another file.";
            Err(status::refuse(Code::FailedPrecondition, "PREVIEW_FAILED", text, hint))
        }
    }
}

/// A member who may see the version, listeners too.
pub(super) fn may_hear(
    person: PersonId,
    version: VersionId,
    digest: Digest,
) -> impl Fn(&Project) -> bool + Send + 'static {
    move |project| {
        let Some(roles) = project.roles_of(person) else { return false };
        let seen = project.versions.get(version).is_some_and(|version| {
            audience::sees_version(project, person, version)
                && version.files.iter().any(|file| file.digest == digest)
        });
        let of = |delivery: &deadwax_domain::Delivery| {
            delivery.version == version && delivery.files.iter().any(|file| file.digest == digest)
        };
        seen || (audience::sees_work(roles) && project.deliveries.values().any(of))
    }
}
