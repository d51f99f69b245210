//! The cover on its way in and out: bytes are taken in up to a bound, the picture's head is read, the blob is stored, then the fact is made. Reading a head is
//! arithmetic over at most 16 MB without a decoder, so it needs no child. Never here: who may set it (the domain), pixels.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use deadwax_domain::{
    Actor, Command, Cover, Digest, PersonId, ProjectId, Reason, check, limits::COVER_BYTES_MAX,
};
use deadwax_dsp::write;
use deadwax_proto::v1;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::{sync::Semaphore, time::Instant};
use tonic::{Code, Status, Streaming};

use super::{Service, project_id, sees_work};
use crate::{
    auth::Caller,
    egress::Way,
    ledger::Perform,
    rpc::{
        id_text,
        media::CHUNK_BYTES,
        outgoing::{self, Stored},
        pace::Pace,
        parse_id, quota,
        until::{Answers, until_ended},
    },
    status,
    wire::{self, view::record::cover as row},
};

/// What is taken in fits into the tags of the files that are made.
const _: () = assert!(COVER_BYTES_MAX == write::COVER_BYTES_MAX as u64);
/// Each holds a picture in memory.
const AT_ONCE: usize = 8;

/// Covers that are on their way in.
pub(super) struct Covers {
    at_once: Semaphore,
    people: Arc<Mutex<HashSet<PersonId>>>,
}

/// One of them; it takes itself out.
struct Slot {
    people: Arc<Mutex<HashSet<PersonId>>>,
    person: PersonId,
}

impl Covers {
    pub(super) fn new() -> Self {
        Self { at_once: Semaphore::new(AT_ONCE), people: Arc::default() }
    }

    /// One of each person, so that nobody keeps the others out.
    fn begin(&self, person: PersonId) -> Result<Slot, Status> {
        let people = Arc::clone(&self.people);
        if people.lock().unwrap_or_else(PoisonError::into_inner).insert(person) {
            return Ok(Slot { people, person });
        }
        let text = "Another cover of yours is on its way already.";
        Err(status::refuse(Code::ResourceExhausted, "TOO_MANY_UPLOADS", text, "Wait until it is done."))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.person);
    }
}

/// A picture that was looked at.
struct Looked {
    bytes: Bytes,
    cover: Cover,
}

impl Service {
    pub(super) async fn cover_put(
        &self,
        caller: &Caller,
        mut sent: Streaming<v1::PutCoverRequest>,
    ) -> Result<v1::PutCoverResponse, Status> {
        let mut pace = Pace::new(Duration::from_secs(self.studio.config().limits.upload_stall_s.into()));
        let first = self.next(caller, &mut sent, &mut pace).await?;
        let first = first
            .ok_or_else(|| status::malformed("The stream is empty: its first message names the project."))?;
        let (id, command_id) = (project_id(&first.project_id)?, parse_id("command_id", &first.command_id)?);
        let actor = Actor::Person { id: caller.person.id, studio_owner: caller.person.studio_owner };
        // Whoever may not set it is told so before they send it.
        self.may_set(caller, id, &actor, some_cover()).await?;
        let _slot = self.covers.begin(caller.person.id)?;
        let _permit = self.covers.at_once.acquire().await.map_err(|_| status::closing())?;
        let bytes = self.picture(caller, first, &mut sent, &mut pace).await?;
        let looked = tokio::task::spawn_blocking(move || look(bytes)).await;
        let Looked { bytes, cover } = looked.map_err(|error| status::internal(&error))??;
        self.may_set(caller, id, &actor, cover.clone()).await?;
        // What is the cover already was counted when it came: the ledger answers a retry.
        if self.project(caller, id).await?.project.cover.as_ref().map(|it| it.digest) != Some(cover.digest) {
            quota::one_more(&self.studio, caller.person.id, cover.bytes)?;
        }
        // Blob first, fact second: no fact is ever without its bytes.
        self.studio.blobs.put(bytes).await.map_err(status::blob)?;
        let performed = self.studio.ledger.perform(Perform {
            command_id,
            request_sha256: request_sha256(caller.person.id, id, cover.digest),
            project: id,
            actor,
            expected: None,
            command: Command::SetCover { cover: Some(cover.clone()) },
        });
        let performed = performed.await.map_err(status::ledger)?;
        let now = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        let names = self.studio.people.directory();
        let told = |project: &_| wire::history::effects(project, caller.person.id, &names, &performed.events);
        let effects = now.map(|now| told(&now.project)).unwrap_or_default();
        Ok(v1::PutCoverResponse { cover: Some(row(&cover)), seq: performed.last_seq, effects })
    }

    /// What the rules would say now. That it is the cover already is for the ledger to say: a retry gets its first answer there.
    async fn may_set(
        &self,
        caller: &Caller,
        id: ProjectId,
        actor: &Actor,
        cover: Cover,
    ) -> Result<(), Status> {
        let snapshot = self.project(caller, id).await?;
        match check(&snapshot.project, actor, &Command::SetCover { cover: Some(cover) }) {
            Err(no) if no.reason != Reason::NothingToChange => Err(status::refusal(no)),
            _ => Ok(()),
        }
    }

    async fn picture(
        &self,
        caller: &Caller,
        first: v1::PutCoverRequest,
        sent: &mut Streaming<v1::PutCoverRequest>,
        pace: &mut Pace,
    ) -> Result<Vec<u8>, Status> {
        let (mut bytes, mut next) = (Vec::new(), Some(first));
        while let Some(v1::PutCoverRequest { data, .. }) = next {
            if data.len() > CHUNK_BYTES {
                return Err(status::malformed(format!("A chunk has at most {CHUNK_BYTES} bytes.")));
            }
            if (bytes.len() + data.len()) as u64 > COVER_BYTES_MAX {
                let text = format!(
                    "The cover has more than {COVER_BYTES_MAX} bytes, which is what fits into the tag of a file."
                );
                return Err(invalid(text, "Save it smaller: 3000 by 3000 pixels as JPEG fit easily."));
            }
            bytes.extend_from_slice(&data);
            next = self.next(caller, sent, pace).await?;
        }
        Ok(bytes)
    }

    /// The next message, unless the session ends, the server stops or the client stalls.
    async fn next(
        &self,
        caller: &Caller,
        sent: &mut Streaming<v1::PutCoverRequest>,
        pace: &mut Pace,
    ) -> Result<Option<v1::PutCoverRequest>, Status> {
        let waiting = Instant::now();
        let message = tokio::select! {
            message = sent.message() => message?,
            () = tokio::time::sleep(pace.patience) => return Err(stalled()),
            () = caller.ended.cancelled() => {
                let stopping = self.studio.closing.is_cancelled();
                return Err(if stopping { status::closing() } else { status::unauthenticated() });
            }
        };
        let bytes = message.as_ref().map_or(0, |it| it.data.len());
        pace.waited(waiting.elapsed(), bytes as u64).map_err(|_| stalled())?;
        Ok(message)
    }

    pub(super) async fn cover_got(
        &self,
        caller: &Caller,
        asked: v1::GetCoverRequest,
    ) -> Result<Answers<v1::CoverChunk>, Status> {
        let id = project_id(&asked.project_id)?;
        let snapshot = self.project(caller, id).await?;
        let cover = snapshot.project.cover.clone().ok_or_else(|| {
            let hint = "The label, a producer or a manager sets one: deadwax label-copy cover FILE.";
            status::refuse(Code::FailedPrecondition, "NO_COVER", "The record has no cover yet.", hint)
        })?;
        let (_, chunks) = self.studio.blobs.read(cover.digest, 0, None).await.map_err(status::blob)?;
        tracing::info!(person = %id_text(caller.person.id.0), project = %id_text(id.0), digest = %cover.digest, "download of a cover");
        let head = v1::CoverChunk { cover: Some(row(&cover)), data: Bytes::new() };
        let body = outgoing::body(chunks, |data| v1::CoverChunk { cover: None, data });
        let all = stream::once(async move { Ok(head) }).chain(body);
        let chunks = until_ended(&self.studio, caller, id, sees_work(caller.person.id), all);
        let of = Stored { way: Way::Cover, project: id, object: 0, work: id.0, digest: cover.digest };
        outgoing::given(&self.studio, caller, of.gift(0, cover.bytes), chunks).await
    }
}

fn look(bytes: Vec<u8>) -> Result<Looked, Status> {
    let hint = "Export the picture again as JPEG or PNG, or copy it once more.";
    if bytes.is_empty() {
        return Err(invalid("The picture is empty.", hint));
    }
    let picture = write::Cover::new(bytes).map_err(|error| invalid(sentence(&error.to_string()), hint))?;
    if !picture.is_whole() {
        return Err(invalid("The picture ends before its own end mark: it was cut off.", hint));
    }
    let (mime, (width, height)) = (picture.mime().to_owned(), picture.size());
    let bytes = Bytes::from(picture.into_bytes());
    let cover = Cover {
        digest: Digest(Sha256::digest(&bytes).into()),
        bytes: bytes.len() as u64,
        mime,
        width,
        height,
    };
    Ok(Looked { bytes, cover })
}

fn invalid(text: impl Into<String>, hint: &str) -> Status {
    status::refuse(Code::InvalidArgument, Reason::CoverInvalid.code(), text, hint)
}

fn stalled() -> Status {
    let text = "The cover stalled on its way; nothing of it is kept.";
    status::refuse(Code::DeadlineExceeded, "UPLOAD_STALLED", text, "Send it again.")
}

fn sentence(what: &str) -> String {
    let mut rest = what.trim_end_matches('.').chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", rest.as_str())
}

/// Stands for any: only who asks matters.
fn some_cover() -> Cover {
    Cover { digest: Digest([0xff; 32]), bytes: 1, mime: "image/png".to_owned(), width: 1, height: 1 }
}

/// What was asked and by whom (L-3).
fn request_sha256(person: PersonId, project: ProjectId, digest: Digest) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"deadwax-cover-1\n");
    hash.update(person.0.to_be_bytes());
    hash.update(project.0.to_be_bytes());
    hash.update(digest.0);
    hash.finalize().into()
}
