//! The Media service: audio in, audio out, the overview for drawing. See `media.proto`. A digest is a name, never a permission: every call goes by
//! a project of the caller's, and foreign and absent answer alike. Never here: rules (the domain's `audience`), files on disk (`blob`), decoding.

mod compare;
mod handoff;
mod heard;
mod listen;
mod overview;
mod receive;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use deadwax_domain::{Digest, File, PersonId, Project, ProjectId, Version, VersionId, audience};
use deadwax_proto::v1;
use futures::Stream;
use serde::{Deserialize, Serialize};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    id_text,
    outgoing::{self, Range, Stored},
    parse_id,
    quota::{Daily, Day},
    until::until_ended,
};
use crate::{
    auth::Caller, blob::Staged, egress::Way, ledger::Snapshot, name, status, studio::Studio, wire::words,
};

/// Chunks of an upload and of a download.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Begun and not finished, running or not.
const BEGUN_PER_PERSON_MAX: usize = 500;
/// Columns of an overview.
const COLUMNS_MAX: u32 = 8192;

pub struct Service {
    studio: Arc<Studio>,
    running: Arc<Running>,
    finishing: Arc<receive::Finishing>,
    quota: Arc<Daily>,
    /// One overview is made again at a time: it costs a whole decoding.
    remaking: tokio::sync::Mutex<()>,
    copying: Arc<listen::Copying>,
}

/// Uploads that run now, by person.
#[derive(Default)]
struct Running {
    by_person: Mutex<HashMap<PersonId, u32>>,
}

/// One running upload; counts itself out.
struct Slot {
    running: Arc<Running>,
    person: PersonId,
}

impl Running {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PersonId, u32>> {
        self.by_person.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, person: PersonId, limit: u32) -> Result<(), Status> {
        if self.lock().get(&person).copied().unwrap_or(0) < limit {
            return Ok(());
        }
        let text = format!("You have {limit} uploads running already.");
        Err(status::refuse(
            Code::ResourceExhausted,
            "TOO_MANY_UPLOADS",
            text,
            "Wait until one of them is done.",
        ))
    }

    fn begin(self: &Arc<Self>, person: PersonId, limit: u32) -> Result<Slot, Status> {
        self.check(person, limit)?;
        *self.lock().entry(person).or_default() += 1;
        Ok(Slot { running: Arc::clone(self), person })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_person = self.running.lock();
        if let Some(count) = by_person.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                by_person.remove(&self.person);
            }
        }
    }
}

/// Kept beside the staged bytes: whose they are, and what for.
#[derive(Serialize, Deserialize)]
struct Owner {
    person: String,
    project: String,
    name: String,
}

impl Owner {
    fn of(staged: &Staged) -> Option<Self> {
        serde_json::from_str(&staged.owner).ok()
    }
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        Self {
            studio,
            running: Arc::default(),
            finishing: Arc::default(),
            quota: Arc::default(),
            remaking: tokio::sync::Mutex::default(),
            copying: Arc::default(),
        }
    }

    /// Uploads that were begun and never brought to an end cost three files each.
    async fn check_begun(&self, caller: &Caller) -> Result<(), Status> {
        let person = id_text(caller.person.id.0);
        let theirs =
            |owner: &str| serde_json::from_str(owner).is_ok_and(|owner: Owner| owner.person == person);
        let begun = self.studio.blobs.count_staged(theirs).await;
        if begun < BEGUN_PER_PERSON_MAX {
            return Ok(());
        }
        let text = format!("You have {begun} uploads that were begun and not finished.");
        let hint = "Finish them, or wait: they are forgotten two days after their last byte.";
        Err(status::refuse(Code::ResourceExhausted, "TOO_MANY_UPLOADS", text, hint))
    }

    /// The project, where the caller is a member of it.
    async fn project(&self, caller: &Caller, id: &str) -> Result<Arc<Snapshot>, Status> {
        let id = ProjectId(parse_id("project_id", id)?);
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        snapshot
            .filter(|snapshot| snapshot.project.roles_of(caller.person.id).is_some())
            .ok_or_else(|| status::not_found("NO_SUCH_PROJECT", "project"))
    }

    /// The caller's own upload, with its project, where they are still a member of it.
    async fn own_upload(&self, caller: &Caller, id: &str) -> Result<(Staged, Owner), Status> {
        let unknown = || status::not_found("UPLOAD_UNKNOWN", "upload");
        let id = parse_id("upload_id", id)?;
        let staged = self.studio.blobs.staged(id).await.map_err(status::blob)?;
        let owner = Owner::of(&staged).filter(|owner| owner.person == id_text(caller.person.id.0));
        let owner = owner.ok_or_else(unknown)?;
        self.project(caller, &owner.project).await.map_err(|_| unknown())?;
        Ok((staged, owner))
    }

    /// The file that a download or an overview asks for: one of the version's, or one that was delivered from it.
    async fn file(&self, caller: &Caller, asked: Asked<'_>) -> Result<(Arc<Snapshot>, File), Status> {
        let snapshot = self.project(caller, asked.project).await?;
        let version = VersionId(parse_id("version_id", asked.version)?);
        let digest = digest(asked.sha256)?;
        let project = &snapshot.project;
        let seen = |version: &&Version| audience::sees_version(project, caller.person.id, version);
        let of_version = project.versions.get(version).filter(seen).map(|it| it.files.as_slice());
        let roles = project.roles_of(caller.person.id).cloned().unwrap_or_default();
        let delivered = project.deliveries.values().filter(|delivery| delivery.version == version);
        let delivered =
            delivered.filter(|_| audience::sees_work(&roles)).flat_map(|delivery| &delivery.files);
        let file = of_version.unwrap_or_default().iter().chain(delivered).find(|file| file.digest == digest);
        let file = file.cloned().ok_or_else(|| status::not_found("NO_SUCH_FILE", "file"))?;
        Ok((snapshot, file))
    }
}

struct Asked<'a> {
    project: &'a str,
    version: &'a str,
    sha256: &'a str,
}

/// 64 hexadecimal digits in lower case.
pub fn digest(text: &str) -> Result<Digest, Status> {
    let sound = text.len() == 64 && !text.contains(|c: char| c.is_ascii_uppercase());
    let bytes = sound.then(|| hex::decode(text).ok()).flatten().and_then(|bytes| bytes.try_into().ok());
    let bytes =
        bytes.ok_or_else(|| status::malformed("`sha256` must be 64 lower-case hexadecimal digits."))?;
    Ok(Digest(bytes))
}

type Chunks<T = v1::DownloadChunk> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl v1::media_server::Media for Service {
    async fn report_heard(
        &self,
        request: Request<v1::ReportHeardRequest>,
    ) -> Result<Response<v1::ReportHeardResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.heard(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn begin_upload(
        &self,
        request: Request<v1::BeginUploadRequest>,
    ) -> Result<Response<v1::UploadState>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let snapshot = self.project(&caller, &asked.project_id).await?;
        let roles = snapshot.project.roles_of(caller.person.id).cloned().unwrap_or_default();
        if !audience::may_upload(&roles) {
            let text = "Listeners hear and do not upload.";
            return Err(status::refuse(
                Code::PermissionDenied,
                "NOT_YOUR_ROLE",
                text,
                "Ask a manager for another role.",
            ));
        }
        let digest = digest(&asked.sha256)?;
        let refuse_name =
            |what| status::refuse(Code::InvalidArgument, "NAME_INVALID", what, "Rename the file.");
        let name = name::file(&asked.name).map_err(refuse_name)?;
        let config = self.studio.config();
        let limits = &config.limits;
        if asked.bytes == 0 {
            return Err(status::refuse(Code::InvalidArgument, "UPLOAD_EMPTY", "The file is empty.", ""));
        }
        if asked.bytes > limits.max_upload_bytes {
            let text =
                format!("The file has {} bytes; this studio takes {}.", asked.bytes, limits.max_upload_bytes);
            let hint = "Ask the studio's owner to raise limits.max_upload_bytes.";
            return Err(status::refuse(Code::ResourceExhausted, "UPLOAD_TOO_LARGE", text, hint));
        }
        if let Some(received) = snapshot.project.received.get(digest)
            && self.studio.blobs.has(digest).await.map_err(status::blob)?
        {
            return Ok(Response::new(v1::UploadState {
                upload_id: String::new(),
                offset: asked.bytes,
                done: true,
                facts: Some(words::audio_facts(&received.facts)),
            }));
        }
        self.running.check(caller.person.id, limits.uploads_per_person)?;
        let person = caller.person.id;
        Day::of(&self.studio, person, |day| self.quota.check(person, asked.bytes, day))?;
        self.check_begun(&caller).await?;
        let owner = Owner { person: id_text(caller.person.id.0), project: id_text(snapshot.id.0), name };
        let owner = serde_json::to_string(&owner).map_err(|error| status::internal(&error))?;
        let staged = self.studio.blobs.stage(digest, asked.bytes, owner).await.map_err(status::blob)?;
        Ok(Response::new(state_of(&staged)))
    }

    async fn upload(
        &self,
        request: Request<Streaming<v1::UploadChunk>>,
    ) -> Result<Response<v1::UploadState>, Status> {
        let caller = Caller::of(&request)?;
        let limit = self.studio.config().limits.uploads_per_person;
        let slot = self.running.begin(caller.person.id, limit)?;
        self.receive(caller, slot, request.into_inner()).await.map(Response::new)
    }

    async fn get_upload(
        &self,
        request: Request<v1::GetUploadRequest>,
    ) -> Result<Response<v1::UploadState>, Status> {
        let caller = Caller::of(&request)?;
        let (staged, _) = self.own_upload(&caller, &request.into_inner().upload_id).await?;
        // What is told must be durable: a client may throw its own copy of those bytes away.
        let offset = self.studio.blobs.sync_staged(staged.id).await.map_err(status::blob)?;
        Ok(Response::new(state_of(&Staged { offset, ..staged })))
    }

    type DownloadStream = Chunks;

    async fn download(
        &self,
        request: Request<v1::DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let of = Asked { project: &asked.project_id, version: &asked.version_id, sha256: &asked.sha256 };
        let (snapshot, file) = self.file(&caller, of).await?;
        if !audience::fetches(&snapshot.project, caller.person.id) {
            let text = "Listeners hear this and may not fetch the original.";
            let hint = "Ask a manager of the project.";
            return Err(status::refuse(Code::PermissionDenied, "ORIGINALS_CLOSED", text, hint));
        }
        tracing::info!(
            person = %id_text(caller.person.id.0), project = %id_text(snapshot.id.0), digest = %file.digest,
            "download"
        );
        let range = Range { offset: asked.offset, limit: asked.limit };
        let may = may_fetch(caller.person.id);
        let of = stored(Way::Download, &snapshot, &asked.version_id, file.digest)?;
        let answer = outgoing::file(&self.studio, &caller, (of, range), may).await;
        answer.map(Response::new)
    }

    type GetHandoffStream = Chunks<v1::HandoffChunk>;

    async fn get_handoff(
        &self,
        request: Request<v1::GetHandoffRequest>,
    ) -> Result<Response<Self::GetHandoffStream>, Status> {
        let caller = Caller::of(&request)?;
        self.handoff(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn compare(
        &self,
        request: Request<v1::CompareRequest>,
    ) -> Result<Response<v1::CompareResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.compared(&caller, request.into_inner()).await.map(Response::new)
    }

    type ListenStream = Self::DownloadStream;

    async fn listen(
        &self,
        request: Request<v1::ListenRequest>,
    ) -> Result<Response<Self::ListenStream>, Status> {
        let caller = Caller::of(&request)?;
        self.listening(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn waveform(
        &self,
        request: Request<v1::WaveformRequest>,
    ) -> Result<Response<v1::WaveformResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let of = Asked { project: &asked.project_id, version: &asked.version_id, sha256: &asked.sha256 };
        let (_, file) = self.file(&caller, of).await?;
        if !(1..=COLUMNS_MAX).contains(&asked.columns) {
            return Err(status::malformed(format!("`columns` must be 1 to {COLUMNS_MAX}.")));
        }
        let end =
            if asked.end_frame == 0 { file.facts.frames } else { asked.end_frame.min(file.facts.frames) };
        if asked.start_frame >= end {
            return Err(status::malformed(
                "`start_frame` is not before `end_frame` and the end of the file.",
            ));
        }
        let overview = self.overview(file.digest, asked.start_frame..end, asked.columns).await?;
        Ok(Response::new(overview))
    }
}

impl Service {
    fn until_ended<T, S>(
        &self,
        caller: &Caller,
        project: ProjectId,
        may: impl Fn(&Project) -> bool + Send + 'static,
        chunks: S,
    ) -> Chunks<T>
    where
        T: 'static,
        S: Stream<Item = Result<T, Status>> + Send + 'static,
    {
        until_ended(&self.studio, caller, project, may, chunks)
    }
}

/// A file of a version, which counts as its song.
fn stored(way: Way, snapshot: &Snapshot, version: &str, digest: Digest) -> Result<Stored, Status> {
    let version = VersionId(parse_id("version_id", version)?);
    let song = snapshot.project.versions.get(version).map_or(version.0, |version| version.song.0);
    Ok(Stored { way, project: snapshot.id, object: version.0, work: song, digest })
}

/// Original files: of a member who may fetch.
fn may_fetch(person: PersonId) -> impl Fn(&Project) -> bool + Send + 'static {
    move |project| audience::fetches(project, person)
}

fn state_of(staged: &Staged) -> v1::UploadState {
    v1::UploadState { upload_id: id_text(staged.id), offset: staged.offset, done: false, facts: None }
}
