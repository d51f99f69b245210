//! A server of the contract that knows one large project and streams it: the snapshot in pieces as the real one cuts them, then single
//! changed rows at an even pace. It keeps no rules and answers nothing else; the real server is measured where its own speed matters.

use std::{
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use deadwax_client::profile::{Home, Profile};
use deadwax_proto::v1::{self, projects_server, sessions_server};
use futures::{Stream, StreamExt as _, stream};
use prost::Message as _;
use tonic::{Request, Response, Status, transport::Server};

use super::big::Big;

/// As the real server cuts.
const PIECE_BYTES: usize = 64 << 10;
/// Changes are sent in rounds over the first songs and their notes: some are on the screen, most are not.
const CHANGING: u32 = 400;
const SNAPSHOT_SEQ: u64 = 500_000;

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Clone)]
pub struct Fake {
    big: Big,
    updates: u32,
    changes: Arc<AtomicBool>,
    /// The whole snapshot was taken from here.
    whole: Arc<AtomicBool>,
}

/// A profile of somebody who is signed in there.
pub fn sign_in(home: &Path, address: SocketAddr) -> Result<()> {
    let profile = Profile {
        name: "lena".into(),
        url: format!("deadwax+http://{address}"),
        token: Some("token".into()),
        studio: "Catalogue".into(),
        person_id: "p4".into(),
        person: "Lena Ruiz".into(),
        ..Profile::default()
    };
    Home::at(home).save(&profile).context("keeping the profile")
}

impl Fake {
    pub fn new(songs: u32, notes: u32, updates: u32) -> Fake {
        Fake { big: Big { songs, notes }, updates, changes: Arc::default(), whole: Arc::default() }
    }

    /// What stands on the board as soon as the first rows are there.
    pub fn first_song(&self) -> String {
        Big::title(0)
    }

    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    pub fn begin_updates(&self) {
        self.changes.store(true, Ordering::Relaxed);
    }

    pub async fn serve(&self) -> Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("opening a port")?;
        let address = listener.local_addr()?;
        let router = Server::builder()
            .add_service(sessions_server::SessionsServer::new(self.clone()))
            .add_service(projects_server::ProjectsServer::new(self.clone()));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(router.serve_with_incoming(incoming));
        Ok(address)
    }

    fn summary(&self) -> v1::ProjectSummary {
        v1::ProjectSummary {
            project_id: "catalogue".into(),
            title: "The whole catalogue".into(),
            artist: "Many".into(),
            seq: SNAPSHOT_SEQ,
            songs: self.big.songs,
            ..v1::ProjectSummary::default()
        }
    }

    /// In pieces; only the last carries the seq.
    fn snapshot(&self) -> impl Iterator<Item = v1::Update> + use<> {
        let mut rows = self.big.rows().peekable();
        let mut first = true;
        std::iter::from_fn(move || {
            rows.peek()?;
            let mut update = v1::Update { snapshot: first, ..v1::Update::default() };
            first = false;
            let mut bytes = 0;
            while bytes < PIECE_BYTES {
                let Some(row) = rows.next() else { break };
                bytes += row.encoded_len();
                update.upserts.push(row);
            }
            update.seq = if rows.peek().is_none() { SNAPSHOT_SEQ } else { 0 };
            Some(update)
        })
    }

    fn changes(&self, from: u64) -> impl Stream<Item = v1::Update> + Send + use<> {
        let mut every = tokio::time::interval(Duration::from_secs(1) / self.updates.max(1));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let it = self.clone();
        let state = (every, u32::default(), from.max(SNAPSHOT_SEQ));
        stream::unfold(state, move |(mut every, mut nth, mut seq)| {
            let it = it.clone();
            async move {
                it.whole.store(true, Ordering::Relaxed);
                every.tick().await;
                while !it.changes.load(Ordering::Relaxed) || it.updates == 0 {
                    every.tick().await;
                }
                nth += 1;
                seq += 1;
                let songs = it.big.songs.max(1);
                let at = nth.wrapping_mul(37) % CHANGING.min(songs);
                let row = match nth % 3 {
                    0 => it.big.song(at, nth),
                    // Of the first song, which is the one that is looked at, and of others.
                    1 => it.big.note((nth % 10) * songs % it.big.notes.max(1), nth),
                    _ => it.big.note(at % it.big.notes.max(1), nth),
                };
                let update = v1::Update { seq, upserts: vec![row], ..v1::Update::default() };
                Some((update, (every, nth, seq)))
            }
        })
    }
}

fn none<T>() -> Answer<T> {
    Err(Status::unimplemented("this server only streams a project"))
}

#[tonic::async_trait]
impl sessions_server::Sessions for Fake {
    async fn get_server_info(&self, _: Request<v1::GetServerInfoRequest>) -> Answer<v1::ServerInfo> {
        let info = v1::ServerInfo {
            studio: "Catalogue".into(),
            api_min: 1,
            api_max: 1,
            ..v1::ServerInfo::default()
        };
        Ok(Response::new(info))
    }
    async fn login(&self, _: Request<v1::LoginRequest>) -> Answer<v1::LoginResponse> {
        none()
    }
    async fn challenge(&self, _: Request<v1::ChallengeRequest>) -> Answer<v1::ChallengeResponse> {
        none()
    }
    async fn sign_in(&self, _: Request<v1::SignInRequest>) -> Answer<v1::LoginResponse> {
        none()
    }
    async fn set_passphrase(
        &self,
        _: Request<v1::SetPassphraseRequest>,
    ) -> Answer<v1::SetPassphraseResponse> {
        none()
    }
    async fn end_access(&self, _: Request<v1::EndAccessRequest>) -> Answer<v1::EndAccessResponse> {
        none()
    }
    async fn logout(&self, _: Request<v1::LogoutRequest>) -> Answer<v1::LogoutResponse> {
        none()
    }
    async fn who_am_i(&self, _: Request<v1::WhoAmIRequest>) -> Answer<v1::Person> {
        let person = v1::Person { person_id: "p4".into(), name: "Lena Ruiz".into(), ..v1::Person::default() };
        Ok(Response::new(person))
    }
    async fn set_mail(&self, _: Request<v1::SetMailRequest>) -> Answer<v1::Person> {
        none()
    }
    async fn create_invite(&self, _: Request<v1::CreateInviteRequest>) -> Answer<v1::CreateInviteResponse> {
        none()
    }
    async fn list_invites(&self, _: Request<v1::ListInvitesRequest>) -> Answer<v1::ListInvitesResponse> {
        none()
    }
    async fn revoke_invite(&self, _: Request<v1::RevokeInviteRequest>) -> Answer<v1::RevokeInviteResponse> {
        none()
    }
    async fn list_sessions(&self, _: Request<v1::ListSessionsRequest>) -> Answer<v1::ListSessionsResponse> {
        none()
    }
    async fn revoke_session(
        &self,
        _: Request<v1::RevokeSessionRequest>,
    ) -> Answer<v1::RevokeSessionResponse> {
        none()
    }
}

#[tonic::async_trait]
impl projects_server::Projects for Fake {
    async fn perform(&self, _: Request<v1::PerformRequest>) -> Answer<v1::PerformResponse> {
        none()
    }
    async fn list(&self, _: Request<v1::ListRequest>) -> Answer<v1::ListResponse> {
        Ok(Response::new(v1::ListResponse { projects: vec![self.summary()] }))
    }
    async fn get(&self, _: Request<v1::GetRequest>) -> Answer<v1::Update> {
        none()
    }
    type WatchStream = Answers<v1::Update>;
    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        let from = request.into_inner().from;
        let changes = self.changes(from).map(Ok);
        if from >= SNAPSHOT_SEQ {
            return Ok(Response::new(changes.boxed()));
        }
        Ok(Response::new(stream::iter(self.snapshot()).map(Ok).chain(changes).boxed()))
    }
    async fn history(&self, _: Request<v1::HistoryRequest>) -> Answer<v1::HistoryResponse> {
        none()
    }
    async fn desk(&self, _: Request<v1::DeskRequest>) -> Answer<v1::DeskResponse> {
        Ok(Response::new(v1::DeskResponse::default()))
    }
    type WatchDeskStream = Answers<v1::DeskResponse>;
    async fn watch_desk(&self, _: Request<v1::DeskRequest>) -> Answer<Self::WatchDeskStream> {
        let empty = stream::iter([Ok(v1::DeskResponse::default())]).chain(stream::pending());
        Ok(Response::new(empty.boxed()))
    }
    async fn try_gate(&self, _: Request<v1::TryGateRequest>) -> Answer<v1::TryGateResponse> {
        none()
    }
    async fn turnaround(&self, _: Request<v1::TurnaroundRequest>) -> Answer<v1::TurnaroundResponse> {
        none()
    }
    async fn webhook_secret(
        &self,
        _: Request<v1::WebhookSecretRequest>,
    ) -> Answer<v1::WebhookSecretResponse> {
        none()
    }
}
