//! The Records service: profiles, the plan, a record while it is made, its files, and the proof of who signed which bytes. See `record.proto`. One file a
//! method. Never here: rules (the domain), rendering (`render`), what stands in the evidence (`evidence`).

mod chain;
mod cover;
mod evidence;
mod fetch;
mod kept;
mod plan;
mod profiles;
mod watch;

use std::sync::Arc;

use deadwax_domain::{PersonId, Project, ProjectId, audience};
use deadwax_proto::v1;
use tokio::sync::Semaphore;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{parse_id, until::Answers};
use crate::{auth::Caller, ledger::Snapshot, status, studio::Studio};

/// Evidence that is put together at the same time.
const EVIDENCE_AT_ONCE: usize = 2;

pub struct Service {
    studio: Arc<Studio>,
    exporting: Semaphore,
    covers: cover::Covers,
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        Self { studio, exporting: Semaphore::new(EVIDENCE_AT_ONCE), covers: cover::Covers::new() }
    }

    /// The project, for a member who does more than listen.
    async fn project(&self, caller: &Caller, id: ProjectId) -> Result<Arc<Snapshot>, Status> {
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        allowed(snapshot, caller.person.id)
    }
}

/// Foreign and absent answer alike; whoever only listens is told so.
fn allowed(snapshot: Option<Arc<Snapshot>>, person: PersonId) -> Result<Arc<Snapshot>, Status> {
    let unknown = || status::not_found("NO_SUCH_PROJECT", "project");
    let snapshot = snapshot.ok_or_else(unknown)?;
    let roles = snapshot.project.roles_of(person).ok_or_else(unknown)?;
    if audience::sees_work(roles) {
        return Ok(snapshot);
    }
    let text = "Listeners hear the songs and do not see the work behind them.";
    Err(status::refuse(Code::PermissionDenied, "NOT_YOUR_ROLE", text, "Ask a manager of the project."))
}

/// The same, asked again with each fact while an answer runs.
fn sees_work(person: PersonId) -> impl Fn(&Project) -> bool + Send + 'static {
    move |project| project.roles_of(person).is_some_and(audience::sees_work)
}

fn no_record() -> Status {
    status::not_found("NO_SUCH_RECORD", "record")
}

fn project_id(text: &str) -> Result<ProjectId, Status> {
    parse_id("project_id", text).map(ProjectId)
}

#[tonic::async_trait]
impl v1::records_server::Records for Service {
    async fn list_profiles(
        &self,
        request: Request<v1::ListProfilesRequest>,
    ) -> Result<Response<v1::ListProfilesResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.profiles(&caller).await.map(Response::new)
    }

    async fn plan(&self, request: Request<v1::PlanRequest>) -> Result<Response<v1::PlanResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.planned(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn get_record(
        &self,
        request: Request<v1::GetRecordRequest>,
    ) -> Result<Response<v1::GetRecordResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.record_got(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn get_report(
        &self,
        request: Request<v1::GetReportRequest>,
    ) -> Result<Response<v1::GetReportResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.report_got(&caller, request.into_inner()).await.map(Response::new)
    }

    type WatchRecordStream = Answers<v1::RecordProgress>;

    async fn watch_record(
        &self,
        request: Request<v1::WatchRecordRequest>,
    ) -> Result<Response<Self::WatchRecordStream>, Status> {
        let caller = Caller::of(&request)?;
        self.watched(&caller, request.into_inner()).await.map(Response::new)
    }

    type FetchStream = Answers<v1::DownloadChunk>;

    async fn fetch(&self, request: Request<v1::FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        let caller = Caller::of(&request)?;
        self.fetched(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn put_cover(
        &self,
        request: Request<Streaming<v1::PutCoverRequest>>,
    ) -> Result<Response<v1::PutCoverResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.cover_put(&caller, request.into_inner()).await.map(Response::new)
    }

    type GetCoverStream = Answers<v1::CoverChunk>;

    async fn get_cover(
        &self,
        request: Request<v1::GetCoverRequest>,
    ) -> Result<Response<Self::GetCoverStream>, Status> {
        let caller = Caller::of(&request)?;
        self.cover_got(&caller, request.into_inner()).await.map(Response::new)
    }

    type GetChainStream = Answers<v1::ChainChunk>;

    async fn get_chain(
        &self,
        request: Request<v1::GetChainRequest>,
    ) -> Result<Response<Self::GetChainStream>, Status> {
        let caller = Caller::of(&request)?;
        self.chain(&caller, request.into_inner()).await.map(Response::new)
    }

    type GetEvidenceStream = Answers<v1::EvidenceChunk>;

    async fn get_evidence(
        &self,
        request: Request<v1::GetEvidenceRequest>,
    ) -> Result<Response<Self::GetEvidenceStream>, Status> {
        let caller = Caller::of(&request)?;
        self.evidence(&caller, request.into_inner()).await.map(Response::new)
    }
}
