//! A small server of the contract for the client's tests: real tonic over real TCP and TLS, with the few answers that a test needs.
//! It keeps no rules; the real ones are tested with the real server.

#![allow(clippy::unwrap_used, dead_code)] // helpers of tests may panic, and not every test uses all of them

use std::{
    collections::HashMap,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
};

use deadwax_proto::v1::{self, media_server, projects_server, records_server, sessions_server};
use futures::{Stream, StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tonic::{
    Code, Request, Response, Status, Streaming,
    transport::{Identity, Server, ServerTlsConfig},
};
use tonic_types::{ErrorDetails, StatusExt as _};

#[path = "records.rs"]
pub mod records;

pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What a watcher of a record hears, and the rows that stand after it.
type Told = (Vec<Result<v1::RecordProgress, Status>>, Vec<v1::Row>);

#[derive(Default)]
pub struct Seen {
    pub authorizations: Vec<Option<String>>,
    /// Command ids, in the order in which they came.
    pub commands: Vec<String>,
    pub notes_added: Vec<v1::AddNote>,
    /// How many of the next Performs are answered UNAVAILABLE after they were done.
    pub lose_answers: usize,
    pub watches_from: Vec<u64>,
    /// Uploaded bytes by digest.
    pub uploads: HashMap<String, Vec<u8>>,
    /// Cut the upload once this many bytes stand.
    pub cut_at: Option<usize>,
    pub upload_offsets: Vec<u64>,
    pub rows: Vec<v1::Row>,
    pub files: HashMap<String, Vec<u8>>,
    /// Copies for listening, by the digest of the original.
    pub copies: HashMap<String, Vec<u8>>,
    /// Which stretches were asked for: a copy or not, digest, offset.
    pub stretches: Vec<(bool, String, u64)>,
    /// After so many bytes each of the next stretches is cut.
    pub cuts: std::collections::VecDeque<usize>,
    /// Neither audio nor reports: as if the line were down.
    pub down: bool,
    /// So many chunks of audio may still leave; `None`: as many as there are.
    pub chunks_left: Option<usize>,
    /// The package of the handoff: what the server calls it, and its bytes.
    pub package: Option<(String, Vec<u8>)>,
    pub handoff_offsets: Vec<u64>,
    /// What was asked for, in the order in which it came.
    pub actions: Vec<v1::action::Action>,
    /// The next Perform is refused: reason, text, hint.
    pub refuse: Option<[&'static str; 3]>,
    pub tried: Vec<v1::TryGateRequest>,
    pub trial: v1::TryGateResponse,
    pub turnaround: Vec<v1::SongTurnaround>,
    pub heard: Vec<v1::ReportHeardRequest>,
    pub desk: Vec<v1::DeskRow>,
    /// Records whole, and the ids that they were asked for by; reports by the id of their record.
    pub whole: Vec<v1::RecordRow>,
    pub records_asked: Vec<String>,
    pub reports: HashMap<String, String>,
    /// What `GetCover` answers.
    pub cover: Option<(v1::Cover, Vec<u8>)>,
    /// Command ids and bytes of the covers that came, whether the answer was lost or not.
    pub covers_put: Vec<(String, Vec<u8>)>,
    /// A studio that keeps receipts.
    pub book: Option<records::Book>,
    pub profiles: Vec<v1::ProfileInfo>,
    pub plan: Option<v1::PlanResponse>,
    pub plans: Vec<v1::PlanRequest>,
    /// What each next look at a record hears, and the rows that stand once it was heard. An empty list hears nothing for ever.
    pub progress: std::collections::VecDeque<Told>,
}

#[derive(Clone, Default)]
pub struct Fake(pub Arc<Mutex<Seen>>);

impl Fake {
    pub fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    pub async fn serve(&self, tls: Option<(String, String)>) -> SocketAddr {
        self.serve_at("127.0.0.1:0".parse().unwrap(), tls).await
    }

    pub async fn serve_at(&self, address: SocketAddr, tls: Option<(String, String)>) -> SocketAddr {
        let tls = tls
            .map(|(certificate, key)| ServerTlsConfig::new().identity(Identity::from_pem(certificate, key)));
        self.serve_with(address, tls).await
    }

    pub async fn serve_with(&self, address: SocketAddr, tls: Option<ServerTlsConfig>) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let router = server
            .add_service(sessions_server::SessionsServer::new(self.clone()))
            .add_service(projects_server::ProjectsServer::new(self.clone()))
            .add_service(records_server::RecordsServer::new(self.clone()))
            .add_service(media_server::MediaServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)));
        address
    }
}

impl Fake {
    /// A file or its copy, whole or a range, as slowly and as brokenly as the test says.
    fn stretch(
        &self,
        copy: bool,
        sha256: String,
        offset: u64,
        limit: u64,
    ) -> Result<Response<Answers<v1::DownloadChunk>>, Status> {
        let mut seen = self.seen();
        if seen.down {
            return Err(Status::unavailable("down"));
        }
        let held = if copy { &seen.copies } else { &seen.files };
        let Some(bytes) = held.get(&sha256).cloned() else {
            return Err(refusal(Code::NotFound, "NO_SUCH_FILE", "No such file.", ""));
        };
        seen.stretches.push((copy, sha256, offset));
        let total = bytes.len() as u64;
        let end = if limit == 0 { total } else { (offset + limit).min(total) };
        let mut rest = bytes[offset as usize..end as usize].to_vec();
        let cut = seen.cuts.pop_front();
        rest.truncate(cut.unwrap_or(rest.len()));
        let size = if rest.len() > 100_000 { 16 << 10 } else { 1000 };
        let mut chunks: Vec<Result<v1::DownloadChunk, Status>> = rest
            .chunks(size)
            .map(|c| Ok(v1::DownloadChunk { total_bytes: 0, data: c.to_vec().into() }))
            .collect();
        match chunks.first_mut() {
            Some(Ok(first)) => first.total_bytes = total,
            _ => chunks.push(Ok(v1::DownloadChunk { total_bytes: total, data: Vec::new().into() })),
        }
        if cut.is_some() {
            chunks.push(Err(Status::unavailable("cut")));
        }
        let fake = self.clone();
        let leave = stream::iter(chunks).then(move |chunk| {
            let fake = fake.clone();
            async move {
                loop {
                    {
                        let mut seen = fake.seen();
                        match &mut seen.chunks_left {
                            None => return chunk,
                            Some(0) => {}
                            Some(left) => {
                                *left -= 1;
                                return chunk;
                            }
                        }
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        });
        Ok(Response::new(leave.boxed()))
    }
}

pub fn refusal(code: Code, reason: &str, text: &str, hint: &str) -> Status {
    let metadata = HashMap::from([("hint".to_owned(), hint.to_owned())]);
    Status::with_error_details(code, text, ErrorDetails::with_error_info(reason, "deadwax", metadata))
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not in this fake"))
}

#[tonic::async_trait]
impl sessions_server::Sessions for Fake {
    async fn get_server_info(
        &self,
        _: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::ServerInfo>, Status> {
        Ok(Response::new(v1::ServerInfo {
            studio: "House\x1b]0;x\x07".into(),
            api_min: 1,
            api_max: 1,
            max_upload_bytes: 1 << 30,
            ..Default::default()
        }))
    }
    async fn login(&self, request: Request<v1::LoginRequest>) -> Result<Response<v1::LoginResponse>, Status> {
        let request = request.into_inner();
        if request.code != "GOOD-code" {
            return Err(refusal(Code::NotFound, "INVITE_UNKNOWN", "No such invite.", "Ask for a new one."));
        }
        Ok(Response::new(v1::LoginResponse {
            token: "tok-1".into(),
            person: Some(v1::Person { person_id: "p1".into(), name: "Ana".into(), ..Default::default() }),
            expires_ms: 0,
        }))
    }
    async fn challenge(
        &self,
        _: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeResponse>, Status> {
        none()
    }
    async fn sign_in(&self, _: Request<v1::SignInRequest>) -> Result<Response<v1::LoginResponse>, Status> {
        none()
    }
    async fn set_passphrase(
        &self,
        _: Request<v1::SetPassphraseRequest>,
    ) -> Result<Response<v1::SetPassphraseResponse>, Status> {
        none()
    }
    async fn end_access(
        &self,
        _: Request<v1::EndAccessRequest>,
    ) -> Result<Response<v1::EndAccessResponse>, Status> {
        none()
    }
    async fn logout(&self, _: Request<v1::LogoutRequest>) -> Result<Response<v1::LogoutResponse>, Status> {
        Ok(Response::new(v1::LogoutResponse {}))
    }
    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::Person>, Status> {
        let token = request.metadata().get("authorization").map(|v| v.to_str().unwrap().to_owned());
        self.seen().authorizations.push(token);
        Ok(Response::new(v1::Person { name: "Ana\u{202e}".into(), ..Default::default() }))
    }
    async fn set_mail(&self, _: Request<v1::SetMailRequest>) -> Result<Response<v1::Person>, Status> {
        none()
    }
    async fn create_invite(
        &self,
        _: Request<v1::CreateInviteRequest>,
    ) -> Result<Response<v1::CreateInviteResponse>, Status> {
        // Somebody who signed in before, asked by no owner.
        Ok(Response::new(v1::CreateInviteResponse { person_id: "p2".into(), ..Default::default() }))
    }
    async fn list_invites(
        &self,
        _: Request<v1::ListInvitesRequest>,
    ) -> Result<Response<v1::ListInvitesResponse>, Status> {
        none()
    }
    async fn revoke_invite(
        &self,
        _: Request<v1::RevokeInviteRequest>,
    ) -> Result<Response<v1::RevokeInviteResponse>, Status> {
        none()
    }
    async fn list_sessions(
        &self,
        _: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        none()
    }
    async fn revoke_session(
        &self,
        _: Request<v1::RevokeSessionRequest>,
    ) -> Result<Response<v1::RevokeSessionResponse>, Status> {
        none()
    }
}

#[tonic::async_trait]
impl projects_server::Projects for Fake {
    async fn perform(
        &self,
        request: Request<v1::PerformRequest>,
    ) -> Result<Response<v1::PerformResponse>, Status> {
        let request = request.into_inner();
        let mut seen = self.seen();
        seen.commands.push(request.command_id);
        if seen.lose_answers > 0 {
            seen.lose_answers -= 1;
            return Err(Status::unavailable("the line broke"));
        }
        let action = request.action.and_then(|a| a.action);
        seen.actions.extend(action.clone());
        if let Some([reason, text, hint]) = seen.refuse.take() {
            return Err(refusal(Code::FailedPrecondition, reason, text, hint));
        }
        if let Some(answer) = seen.book.as_mut().and_then(|book| book.take(action.as_ref())) {
            return answer.map(Response::new);
        }
        match action {
            Some(v1::action::Action::Approve(_)) => Err(refusal(
                Code::FailedPrecondition,
                "VERSION_SUPERSEDED",
                "Mix 1 was\x1b[2J replaced by Mix 2.",
                "Look at Mix 2.",
            )),
            Some(v1::action::Action::AddNote(note)) if note.text.contains("refuse this") => Err(refusal(
                Code::FailedPrecondition,
                if note.text.contains("all") { "NOT_YOUR_ROLE" } else { "TEXT_TOO_LONG" },
                "The server\x1b[2J says no.",
                "Shorten it.",
            )),
            other => {
                if let Some(v1::action::Action::AddNote(note)) = other {
                    seen.notes_added.push(note);
                }
                Ok(Response::new(v1::PerformResponse {
                    first_seq: 1,
                    seq: 1,
                    effects: vec!["Done.\u{9b}31m".into()],
                }))
            }
        }
    }
    async fn list(&self, _: Request<v1::ListRequest>) -> Result<Response<v1::ListResponse>, Status> {
        Ok(Response::new(v1::ListResponse {
            projects: vec![v1::ProjectSummary {
                project_id: "proj-1".into(),
                title: "Night Drive EP".into(),
                artist: "Ana".into(),
                ..Default::default()
            }],
        }))
    }
    async fn get(&self, _: Request<v1::GetRequest>) -> Result<Response<v1::Update>, Status> {
        let seen = self.seen();
        let mut upserts = seen.rows.clone();
        if let Some(book) = &seen.book {
            book.write_into(&mut upserts);
        }
        Ok(Response::new(v1::Update { seq: 1, snapshot: true, upserts, removals: Vec::new() }))
    }
    type WatchStream = Answers<v1::Update>;
    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let from = request.into_inner().from;
        let nth = {
            let mut seen = self.seen();
            seen.watches_from.push(from);
            seen.watches_from.len()
        };
        let row = |seq| v1::Update {
            seq,
            snapshot: seq == 1,
            removals: vec![format!("note/{seq}")],
            ..Default::default()
        };
        let beat = v1::Update { seq: from, ..Default::default() };
        let items: Vec<Result<v1::Update, Status>> = match nth {
            1 => vec![Ok(row(1)), Ok(row(2)), Err(Status::unavailable("restart"))],
            2 => vec![Ok(beat), Ok(row(3))],
            _ => vec![Err(refusal(Code::Unauthenticated, "SESSION_ENDED", "You are signed out.", ""))],
        };
        Ok(Response::new(stream::iter(items).boxed()))
    }
    async fn history(&self, _: Request<v1::HistoryRequest>) -> Result<Response<v1::HistoryResponse>, Status> {
        none()
    }
    async fn desk(&self, _: Request<v1::DeskRequest>) -> Result<Response<v1::DeskResponse>, Status> {
        Ok(Response::new(v1::DeskResponse { rows: self.seen().desk.clone() }))
    }
    type WatchDeskStream = Answers<v1::DeskResponse>;
    async fn watch_desk(
        &self,
        _: Request<v1::DeskRequest>,
    ) -> Result<Response<Self::WatchDeskStream>, Status> {
        none()
    }
    async fn try_gate(
        &self,
        request: Request<v1::TryGateRequest>,
    ) -> Result<Response<v1::TryGateResponse>, Status> {
        let mut seen = self.seen();
        seen.tried.push(request.into_inner());
        Ok(Response::new(seen.trial.clone()))
    }
    async fn turnaround(
        &self,
        _: Request<v1::TurnaroundRequest>,
    ) -> Result<Response<v1::TurnaroundResponse>, Status> {
        Ok(Response::new(v1::TurnaroundResponse { songs: self.seen().turnaround.clone() }))
    }
    async fn webhook_secret(
        &self,
        _: Request<v1::WebhookSecretRequest>,
    ) -> Result<Response<v1::WebhookSecretResponse>, Status> {
        Ok(Response::new(v1::WebhookSecretResponse { secret: "s3cret".into() }))
    }
}

#[tonic::async_trait]
impl media_server::Media for Fake {
    async fn compare(&self, _: Request<v1::CompareRequest>) -> Result<Response<v1::CompareResponse>, Status> {
        Err(Status::unimplemented(""))
    }
    type ListenStream = Answers<v1::DownloadChunk>;
    async fn listen(
        &self,
        request: Request<v1::ListenRequest>,
    ) -> Result<Response<Self::ListenStream>, Status> {
        let request = request.into_inner();
        self.stretch(true, request.sha256, request.offset, request.limit)
    }
    type GetHandoffStream = Answers<v1::HandoffChunk>;
    async fn get_handoff(
        &self,
        request: Request<v1::GetHandoffRequest>,
    ) -> Result<Response<Self::GetHandoffStream>, Status> {
        let offset = request.into_inner().offset;
        let mut seen = self.seen();
        seen.handoff_offsets.push(offset);
        let Some((name, bytes)) = seen.package.clone() else {
            return Err(refusal(Code::NotFound, "NO_HANDOFF", "No handoff.", ""));
        };
        let package = v1::Package {
            name,
            sha256: hex::encode(Sha256::digest(&bytes)),
            bytes: bytes.len() as u64,
            ..v1::Package::default()
        };
        let told = v1::HandoffChunk { package: Some(package), ..v1::HandoffChunk::default() };
        let rest: Vec<Vec<u8>> = bytes[offset as usize..].chunks(1000).map(<[u8]>::to_vec).collect();
        let data =
            rest.into_iter().map(|it| v1::HandoffChunk { data: it.into(), ..v1::HandoffChunk::default() });
        let chunks: Vec<_> = std::iter::once(told).chain(data).map(Ok).collect();
        Ok(Response::new(stream::iter(chunks).boxed()))
    }
    async fn report_heard(
        &self,
        request: Request<v1::ReportHeardRequest>,
    ) -> Result<Response<v1::ReportHeardResponse>, Status> {
        if self.seen().down {
            return Err(Status::unavailable("down"));
        }
        self.seen().heard.push(request.into_inner());
        Ok(Response::new(v1::ReportHeardResponse { percent: 97 }))
    }
    async fn begin_upload(
        &self,
        request: Request<v1::BeginUploadRequest>,
    ) -> Result<Response<v1::UploadState>, Status> {
        let request = request.into_inner();
        let mut seen = self.seen();
        let bytes = seen.uploads.entry(request.sha256.clone()).or_default();
        // What is whole is not asked for again, whatever name it has this time.
        let done = hex::encode(Sha256::digest(&*bytes)) == request.sha256;
        let (offset, facts) = (bytes.len() as u64, done.then(|| facts_of(bytes)));
        Ok(Response::new(v1::UploadState { upload_id: request.sha256, offset, done, facts }))
    }
    async fn upload(
        &self,
        request: Request<Streaming<v1::UploadChunk>>,
    ) -> Result<Response<v1::UploadState>, Status> {
        let mut chunks = request.into_inner();
        let mut id = String::new();
        while let Some(chunk) = chunks.message().await? {
            let mut seen = self.seen();
            if id.is_empty() {
                id = chunk.upload_id;
                seen.upload_offsets.push(chunk.offset);
            }
            let cut_at = seen.cut_at;
            let bytes = seen.uploads.get_mut(&id).unwrap();
            bytes.extend_from_slice(&chunk.data);
            if cut_at.is_some_and(|at| bytes.len() >= at) {
                seen.cut_at = None;
                return Err(Status::unavailable("cut"));
            }
        }
        let seen = self.seen();
        let bytes = &seen.uploads[&id];
        if hex::encode(Sha256::digest(bytes)) != id {
            return Err(refusal(Code::InvalidArgument, "DIGEST_DIFFERS", "The digest differs.", ""));
        }
        let facts = facts_of(bytes);
        Ok(Response::new(v1::UploadState {
            upload_id: id,
            offset: facts.bytes,
            done: true,
            facts: Some(facts),
        }))
    }
    async fn get_upload(
        &self,
        _: Request<v1::GetUploadRequest>,
    ) -> Result<Response<v1::UploadState>, Status> {
        none()
    }
    type DownloadStream = Answers<v1::DownloadChunk>;
    async fn download(
        &self,
        request: Request<v1::DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let request = request.into_inner();
        self.stretch(false, request.sha256, request.offset, request.limit)
    }
    async fn waveform(
        &self,
        _: Request<v1::WaveformRequest>,
    ) -> Result<Response<v1::WaveformResponse>, Status> {
        none()
    }
}

fn facts_of(bytes: &[u8]) -> v1::AudioFacts {
    v1::AudioFacts {
        bytes: bytes.len() as u64,
        container: "wav".into(),
        sample_rate: 48_000,
        channels: 2,
        bits: 24,
        frames: 48_000,
        integrated_lufs: -14.0,
        ..Default::default()
    }
}
