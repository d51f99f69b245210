//! A server as a process of its own with TLS, as `init` makes it, and people who call it. Never here: attacks.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use deadwax_proto::v1::{
    self, action::Action, projects_client::ProjectsClient, sessions_client::SessionsClient,
};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tonic::{
    Request, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::process::{self, Process};

pub struct House {
    root: tempfile::TempDir,
    settings: Vec<(String, String)>,
    server: Process,
    pub address: SocketAddr,
    pub certificate: CertificateDer<'static>,
    pub owner_code: String,
}

impl House {
    /// `settings` by their names in the environment, without `DEADWAX_`.
    pub fn open(settings: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let studio = root.path().join("studio");
        let owner_code = process::found(process::verb("init", &studio, []));
        let settings: Vec<_> = settings.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let (server, address) = start(root.path(), &settings);
        let certificate = CertificateDer::from_pem_file(studio.join("certificate.pem")).unwrap();
        Self { root, settings, server, address, certificate, owner_code }
    }

    pub fn studio(&self) -> PathBuf {
        self.root.path().join("studio")
    }

    pub fn signal(&self, signal: Signal) {
        self.server.signal(signal);
    }

    /// Waits for the end of a server that was told to stop, without holding up the clients of this thread.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        self.server.ended(within).await
    }

    /// The same folder, a new process and port.
    pub fn start_again(&mut self) {
        (self.server, self.address) = start(self.root.path(), &self.settings);
    }

    pub fn is_alive(&mut self) -> bool {
        self.server.has_ended().is_none()
    }

    /// Memory of the server that is really there.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn endpoint(&self) -> Endpoint {
        let pem = std::fs::read(self.studio().join("certificate.pem")).unwrap();
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        endpoint.tls_config(tls).unwrap()
    }

    pub async fn channel(&self, from: Option<IpAddr>) -> Channel {
        self.endpoint().local_address(from).connect().await.unwrap()
    }

    /// The owner's first session.
    pub async fn owner(&self) -> Seat {
        let channel = self.channel(None).await;
        Seat::login(channel, &self.owner_code).await.unwrap()
    }

    /// Somebody else, invited by the owner.
    pub async fn person(&self, owner: &Seat, name: &str) -> Seat {
        let email = format!("{name}@x.example");
        let asked = v1::CreateInviteRequest { name: name.into(), email, ..Default::default() };
        let link = owner.sessions().create_invite(owner.with(asked)).await.unwrap().into_inner().link;
        let code = link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned();
        Seat::login(self.channel(None).await, &code).await.unwrap()
    }
}

fn start(root: &Path, settings: &[(String, String)]) -> (Process, SocketAddr) {
    let settings = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let mut serve = process::verb("serve", &root.join("studio"), settings.chain([("LOG__LEVEL", "error")]));
    serve.args(["--listen", "127.0.0.1:0"]);
    let server = Process::start(serve, &root.join("ready"), &root.join("log"));
    let address = server.address();
    (server, address)
}

/// Somebody at their machine.
#[derive(Clone)]
pub struct Seat {
    pub channel: Channel,
    pub token: String,
}

impl Seat {
    pub async fn login(channel: Channel, code: &str) -> Result<Self, Status> {
        let asked = v1::LoginRequest {
            code: code.into(),
            device: "test".into(),
            api: deadwax_proto::API,
            ..Default::default()
        };
        let answer = SessionsClient::new(channel.clone()).login(asked).await?.into_inner();
        Ok(Self { channel, token: answer.token })
    }

    /// The same session over another connection.
    pub fn over(&self, channel: Channel) -> Self {
        Self { channel, ..self.clone() }
    }

    pub fn with<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        request
    }

    pub fn sessions(&self) -> SessionsClient<Channel> {
        SessionsClient::new(self.channel.clone())
    }

    pub fn projects(&self) -> ProjectsClient<Channel> {
        ProjectsClient::new(self.channel.clone())
    }

    pub async fn who_am_i(&self) -> Result<v1::Person, Status> {
        Ok(self.sessions().who_am_i(self.with(v1::WhoAmIRequest {})).await?.into_inner())
    }

    pub async fn perform(&self, project_id: &str, action: Action) -> Result<u64, Status> {
        self.perform_as(&new_id(), project_id, action).await
    }

    /// Answers the seq.
    pub async fn perform_as(&self, command: &str, project_id: &str, action: Action) -> Result<u64, Status> {
        let asked = v1::PerformRequest {
            command_id: command.into(),
            project_id: project_id.into(),
            expected: None,
            action: Some(v1::Action { action: Some(action) }),
        };
        Ok(self.projects().perform(self.with(asked)).await?.into_inner().seq)
    }

    pub async fn new_project(&self) -> String {
        let id = new_id();
        let create = v1::CreateProject { title: "Nachtlied".into(), artist: "Ana".into() };
        self.perform(&id, Action::CreateProject(create)).await.unwrap();
        id
    }

    pub async fn new_song(&self, project: &str) -> String {
        let song_id = new_id();
        let add = v1::AddSong { song_id: song_id.clone(), title: "0".into(), isrc: String::new() };
        self.perform(project, Action::AddSong(add)).await.unwrap();
        song_id
    }
}

/// A fact that costs little and can be told any number of times.
pub fn retitled(song: &str, title: u64) -> Action {
    let title = Some(title.to_string());
    Action::EditSong(v1::EditSong { song_id: song.into(), title, isrc: None })
}

pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[track_caller]
pub fn refused<T>(answer: Result<T, Status>, reason: &str) -> Status {
    let status = answer.err().unwrap_or_else(|| panic!("{reason} was expected, and it was done"));
    assert_eq!(deadwax_server::status::reason_of(&status).as_deref(), Some(reason), "{status:?}");
    status
}
