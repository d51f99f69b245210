//! Bytes that arrive: in order, at their offset, durable as they come; then measured, named and told to the ledger. Bytes that are no audio never
//! get a name. Blob first, fact second, and the upload is forgotten last: a crash in between never leaves a fact without its bytes, and nothing is sent
//! a second time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use deadwax_domain::{Actor, Command, ProjectId, ReceivedFile};
use deadwax_proto::v1;
use sha2::{Digest as _, Sha256};
use tokio::{sync::OwnedMutexGuard, time::Instant};
use tonic::{Code, Status, Streaming};

use super::{CHUNK_BYTES, Owner, Service, Slot, state_of};
use crate::{
    auth::Caller,
    blob::{BlobError, Staged},
    ledger::{LedgerError, Perform},
    planted::planted,
    render::{WAVEFORM, inspect::InspectError},
    rpc::{pace::Pace, parse_id, quota::Day},
    status,
    studio::Studio,
    wire::words,
};

/// Bytes between two syncs: each costs a wait for the disk.
const SYNC_BYTES: u64 = 8 << 20;

/// Uploads whose bytes are all here and that are being measured: one at a time of each, however many streams brought its last bytes.
#[derive(Default)]
pub(super) struct Finishing {
    by_upload: Mutex<HashMap<u128, Weak<tokio::sync::Mutex<()>>>>,
}

impl Finishing {
    async fn turn(&self, upload: u128) -> OwnedMutexGuard<()> {
        let turn = {
            let mut by_upload = self.by_upload.lock().unwrap_or_else(PoisonError::into_inner);
            by_upload.retain(|_, turn| turn.strong_count() > 0);
            by_upload.get(&upload).and_then(Weak::upgrade).unwrap_or_else(|| {
                let turn = Arc::default();
                by_upload.insert(upload, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

impl Service {
    /// `slot` is held until the file is measured, even when the connection is cut before.
    pub(super) async fn receive(
        &self,
        caller: Caller,
        slot: Slot,
        mut chunks: Streaming<v1::UploadChunk>,
    ) -> Result<v1::UploadState, Status> {
        let mut pace = Pace::new(Duration::from_secs(self.studio.config().limits.upload_stall_s.into()));
        let first = self.next(&caller, &mut chunks, &mut pace).await?;
        let first = first
            .ok_or_else(|| status::malformed("The stream is empty: its first message names the upload."))?;
        let (staged, owner) = self.own_upload(&caller, &first.upload_id).await?;
        if first.offset != staged.offset {
            let sent = first.offset;
            return Err(status::blob(BlobError::OffsetDiffers { offset: staged.offset, sent }));
        }
        let arrived = self.write_all(&caller, &staged, first, &mut chunks, &mut pace).await;
        // However it ended: what came is durable now, and the client goes on from there.
        let offset = match self.studio.blobs.sync_staged(staged.id).await {
            Ok(offset) => offset,
            // Another stream brought the same bytes and was first.
            Err(BlobError::NoSuchUpload(_)) if arrived.is_ok() => {
                return already_received(&self.studio, &staged, &owner).await;
            }
            Err(error) => return Err(arrived.err().unwrap_or_else(|| status::blob(error))),
        };
        arrived?;
        let staged = Staged { offset, ..staged };
        if offset < staged.bytes {
            return Ok(state_of(&staged));
        }
        // From here on a cut connection changes nothing: the work goes on, and the next BeginUpload finds it done.
        let (studio, finishing) = (Arc::clone(&self.studio), Arc::clone(&self.finishing));
        let (actor, quota, person) = (actor(&caller), Arc::clone(&self.quota), caller.person.id);
        let finished = tokio::spawn(async move {
            let _slot = slot;
            let _turn = finishing.turn(staged.id).await;
            let upload = staged.id;
            let done = finish(&studio, actor, staged, owner).await;
            if done.is_ok() {
                quota.is_a_fact(person, upload);
            }
            done
        });
        finished.await.unwrap_or_else(|error| Err(status::internal(&error)))
    }

    /// The next message, unless the session ends, the server stops or the client stalls.
    async fn next(
        &self,
        caller: &Caller,
        chunks: &mut Streaming<v1::UploadChunk>,
        pace: &mut Pace,
    ) -> Result<Option<v1::UploadChunk>, Status> {
        let waiting = Instant::now();
        let message = tokio::select! {
            message = chunks.message() => message?,
            () = tokio::time::sleep(pace.patience) => return Err(stalled()),
            () = caller.ended.cancelled() => {
                let stopping = self.studio.closing.is_cancelled();
                return Err(if stopping { status::closing() } else { status::unauthenticated() });
            }
        };
        let bytes = message.as_ref().map_or(0, |chunk| chunk.data.len());
        pace.waited(waiting.elapsed(), bytes as u64).map_err(|_| stalled())?;
        Ok(message)
    }

    async fn write_all(
        &self,
        caller: &Caller,
        staged: &Staged,
        first: v1::UploadChunk,
        chunks: &mut Streaming<v1::UploadChunk>,
        pace: &mut Pace,
    ) -> Result<(), Status> {
        let (mut offset, mut synced) = (staged.offset, staged.offset);
        let mut chunk = Some(first);
        while let Some(v1::UploadChunk { data, .. }) = chunk {
            if data.len() > CHUNK_BYTES {
                return Err(status::malformed(format!("A chunk has at most {CHUNK_BYTES} bytes.")));
            }
            if !data.is_empty() {
                let of = (caller.person.id, staged.id);
                Day::of(&self.studio, of.0, |day| self.quota.take(of, data.len() as u64, day))?;
                offset =
                    self.studio.blobs.write_staged(staged.id, offset, data).await.map_err(status::blob)?;
            }
            if offset - synced >= SYNC_BYTES {
                synced = self.studio.blobs.sync_staged(staged.id).await.map_err(status::blob)?;
            }
            chunk = self.next(caller, chunks, pace).await?;
        }
        Ok(())
    }
}

fn stalled() -> Status {
    status::refuse(
        Code::DeadlineExceeded,
        "UPLOAD_STALLED",
        "The upload stalled; what arrived is kept.",
        "Begin the upload again: it goes on where it stopped.",
    )
}

fn actor(caller: &Caller) -> Actor {
    Actor::Person { id: caller.person.id, studio_owner: caller.person.studio_owner }
}

async fn finish(
    studio: &Studio,
    actor: Actor,
    staged: Staged,
    owner: Owner,
) -> Result<v1::UploadState, Status> {
    let blobs = &studio.blobs;
    let digest = match blobs.check_staged(staged.id).await {
        Ok(checked) => checked.digest,
        // Another stream brought the same bytes and was first.
        Err(BlobError::NoSuchUpload(_)) => return already_received(studio, &staged, &owner).await,
        Err(error) => return Err(status::blob(error)),
    };
    let waveform = blobs.path_of_derived(digest, WAVEFORM);
    let inspected = match studio.inspect.inspect(&staged.path, &waveform).await {
        Ok(inspected) => inspected,
        // Our own failure: the bytes stay, and the next try goes on from their end.
        Err(error @ InspectError::Failed(_)) => return Err(status::inspect(error)),
        // Whoever stops a server may kill its children first: then nothing is known of the file.
        Err(InspectError::Hostile(_)) if studio.closing.is_cancelled() => return Err(status::closing()),
        Err(refused) => {
            let forgotten = blobs.forget_staged(staged.id).await;
            forgotten.or_else(unless_gone).map_err(status::blob)?;
            return Err(status::inspect(refused));
        }
    };
    let file = ReceivedFile { digest, name: owner.name, facts: inspected.facts };
    let facts = words::audio_facts(&file.facts);
    // The upload's own id: a repeated finish is the same command.
    let request_sha256 = Sha256::digest(digest.0).into();
    let project = ProjectId(parse_id("project_id", &owner.project)?);
    let command = Command::ReceiveFile { file };
    let perform = Perform { command_id: staged.id, request_sha256, project, actor, expected: None, command };
    if planted!("event-before-blob") {
        studio.ledger.perform(perform.clone()).await.map_err(status::ledger)?;
    }
    blobs.name_staged(staged.id).await.map_err(status::blob)?;
    let performed = studio.ledger.perform(perform).await;
    // Known now, or refused for good. After any other trouble the next try goes on from here: nothing is sent a second time.
    if matches!(performed, Ok(_) | Err(LedgerError::Refused(_))) {
        blobs.forget_staged(staged.id).await.or_else(unless_gone).map_err(status::blob)?;
    }
    performed.map_err(status::ledger)?;
    let state = state_of(&staged);
    Ok(v1::UploadState { done: true, facts: Some(facts), ..state })
}

/// The answer for an upload that somebody else brought to its end: done where the project has the file, unknown where it was refused.
async fn already_received(
    studio: &Studio,
    staged: &Staged,
    owner: &Owner,
) -> Result<v1::UploadState, Status> {
    let project = ProjectId(parse_id("project_id", &owner.project)?);
    let snapshot = studio.ledger.project(project).await.map_err(status::ledger)?;
    let received = snapshot.as_ref().and_then(|snapshot| snapshot.project.received.get(staged.digest));
    let received = received.ok_or_else(|| status::blob(BlobError::NoSuchUpload(staged.id)))?;
    let state = v1::UploadState { offset: staged.bytes, ..state_of(staged) };
    Ok(v1::UploadState { done: true, facts: Some(words::audio_facts(&received.facts)), ..state })
}

/// The sweep of old uploads may have been first.
fn unless_gone(error: BlobError) -> Result<(), BlobError> {
    if matches!(error, BlobError::NoSuchUpload(_)) { Ok(()) } else { Err(error) }
}
