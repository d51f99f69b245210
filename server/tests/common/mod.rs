//! A whole server in this process, over the memory store and a fresh folder, and people who call it through the wire.
#![allow(dead_code)] // Each test file uses its part of this.

pub mod child;
pub mod machine;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use deadwax_domain::{Actor, AudioFacts, Command, Examined, PersonId, Project, ProjectId};
use deadwax_dsp::{
    Block, Spec,
    waveform::{Pyramid, PyramidBuilder},
};
use deadwax_proto::v1::{self, media_client::MediaClient, sessions_client::SessionsClient};
use deadwax_server::{
    config::Config,
    ledger::{Clock, Perform},
    render::{
        compare::CompareFiles,
        hearing::{Window, WindowAsked},
        inspect::{InspectError, Inspected, Program},
    },
    serve, status,
    store::{MemoryStore, Store},
    studio::{InChild, Inspect, Parts, Studio},
    tls::Identity,
};
use futures::{FutureExt as _, future::BoxFuture};
use machine::Machine;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::Channel};

pub struct Hand(pub AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Bytes that begin with "tone" are a song of one second; others are refused as a decoder would.
pub struct FakeInspect;

impl Inspect for FakeInspect {
    fn inspect<'a>(
        &'a self,
        audio: &'a Path,
        waveform: &'a Path,
    ) -> BoxFuture<'a, Result<Inspected, InspectError>> {
        async move {
            let bytes = std::fs::read(audio).unwrap();
            if bytes.starts_with(b"bomb") {
                return Err(InspectError::Hostile("The file made the decoder give up.".into()));
            }
            if !bytes.starts_with(b"tone") {
                return Err(InspectError::NotAudio("This is not audio.".into()));
            }
            waveform_of_a_ramp().write_to(waveform).unwrap();
            Ok(Inspected { facts: facts(bytes.len() as u64) })
        }
        .boxed()
    }

    fn window<'a>(&'a self, _: &'a Path, asked: WindowAsked) -> BoxFuture<'a, Result<Window, InspectError>> {
        // The ramp, sample by sample.
        let view = waveform_of_a_ramp().view(asked.start, asked.end, asked.columns as usize);
        async move { Ok(Window { peaks: view.peaks, clipped: vec![0] }) }.boxed()
    }

    fn copy<'a>(
        &'a self,
        audio: &'a Path,
        out: &'a Path,
        seconds: u64,
    ) -> BoxFuture<'a, Result<(), InspectError>> {
        async move {
            if std::fs::read(audio).unwrap().ends_with(b"six channels") {
                return Err(InspectError::Unsupported("it has six channels".into()));
            }
            let length = std::fs::metadata(audio).unwrap().len();
            std::fs::write(out, format!("copy of {length} bytes, {seconds} s")).unwrap();
            Ok(())
        }
        .boxed()
    }

    fn compare<'a>(&'a self, files: &'a CompareFiles) -> BoxFuture<'a, Result<(), InspectError>> {
        async move {
            let length = |path: &Path| std::fs::metadata(path).unwrap().len();
            let stems: Vec<&str> = files.stems.iter().map(|stem| stem.name.as_str()).collect();
            let page = serde_json::json!({ "a": length(&files.a), "b": length(&files.b), "stems": stems });
            std::fs::write(&files.out, page.to_string()).unwrap();
            Ok(())
        }
        .boxed()
    }
}

/// One second at 48 kHz: the left rises from 0 to full scale, the right is its negative.
fn waveform_of_a_ramp() -> Pyramid {
    let (bits, frames) = (Some(24), Some(48_000));
    let spec =
        Spec { sample_rate: 48_000, channels: 2, bits, float: false, frames, container: "wav", codec: "pcm" };
    let mut builder = PyramidBuilder::new(&spec);
    let left: Vec<f64> = (0..48_000).map(|n| f64::from(n) / 48_000.0).collect();
    let right = left.iter().map(|sample| -sample).collect();
    builder.push(&Block { channels: vec![left, right] });
    builder.finish()
}

pub fn facts(bytes: u64) -> AudioFacts {
    AudioFacts {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate_hz: 48_000,
        channels: 2,
        bits: 24,
        float: false,
        frames: 48_000,
        bytes,
        integrated_lufs: -14.0,
        loudness_range_lu: 3.0,
        max_momentary_lufs: -12.0,
        max_short_term_lufs: -13.0,
        true_peak_dbtp: -1.0,
        sample_peak_dbfs: -1.2,
        dc_offset: 0.0,
        correlation: 0.9,
        head_silence_s: 0.0,
        tail_silence_s: 0.0,
        clipped_samples: 0,
        remarks: Vec::new(),
    }
}

pub struct House {
    pub studio: Arc<Studio>,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<Hand>,
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub served: JoinHandle<anyhow::Result<()>>,
    pub folder: tempfile::TempDir,
}

impl House {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::open_on(Arc::new(FakeInspect), change).await
    }

    /// With the real decoder, in a child of the real program.
    pub async fn open_with_children() -> Self {
        Self::open_on(Self::decoder(), |_| {}).await
    }

    /// With the real decoder, and versions examined in children that `program` starts.
    pub async fn open_examining(program: Program) -> Self {
        let (folder, store) = (tempfile::tempdir().unwrap(), Arc::new(MemoryStore::new()));
        Self::start(folder, store, (Self::decoder(), program), |config| config.examine.workers = 1).await
    }

    fn decoder() -> Arc<dyn Inspect> {
        Arc::new(InChild::new(child::server()))
    }

    /// As [`House::restart`], with the real decoder and an examiner.
    pub async fn restart_examining(self, program: Program) -> Self {
        self.stop.cancel();
        within(Duration::from_secs(15), "stopping", self.served).await.unwrap().unwrap();
        let parts = (Self::decoder(), program);
        Self::start(self.folder, self.store, parts, |config| config.examine.workers = 1).await
    }

    /// With a render worker that starts `program`; uploads are measured by the fake.
    pub async fn open_rendering(program: Program) -> Self {
        let (folder, store) = (tempfile::tempdir().unwrap(), Arc::new(MemoryStore::new()));
        Self::start(folder, store, (Arc::new(FakeInspect), program), |_| {}).await
    }

    /// Stops in order and starts again on the same ledger and folder.
    pub async fn restart(self, program: Program) -> Self {
        self.stop.cancel();
        within(Duration::from_secs(15), "stopping", self.served).await.unwrap().unwrap();
        Self::start(self.folder, self.store, (Arc::new(FakeInspect), program), |_| {}).await
    }

    /// With something of the test's between the server and the memory store.
    pub async fn open_between(wrap: impl FnOnce(Arc<MemoryStore>) -> Arc<dyn Store>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let nowhere = Program { exe: "/nowhere".into(), prefix: Vec::new() };
        let parts: (Arc<dyn Inspect>, Program) = (Arc::new(FakeInspect), nowhere);
        let journal = wrap(Arc::clone(&store));
        Self::assemble(tempfile::tempdir().unwrap(), (store, journal), parts, |_| {}).await
    }

    pub async fn open_on(inspect: Arc<dyn Inspect>, change: impl FnOnce(&mut Config)) -> Self {
        let (folder, store) = (tempfile::tempdir().unwrap(), Arc::new(MemoryStore::new()));
        let nowhere = Program { exe: "/nowhere".into(), prefix: Vec::new() };
        Self::start(folder, store, (inspect, nowhere), change).await
    }

    async fn start(
        folder: tempfile::TempDir,
        store: Arc<MemoryStore>,
        (inspect, program): (Arc<dyn Inspect>, Program),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let journal = store.clone() as Arc<dyn Store>;
        Self::assemble(folder, (store, journal), (inspect, program), change).await
    }

    /// On a folder that the test made (a small disk, say), with the store that `serve` opens there.
    pub async fn open_embedded(folder: tempfile::TempDir, change: impl Fn(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        // Tasks of a server before this one may hold the folder until they hear that it stops; of a process that ends they could not.
        let journal = within(Duration::from_secs(15), "the folder of a server that stops", async {
            loop {
                match deadwax_server::admin::open_store(folder.path(), &config) {
                    Err(error) if error.to_string().contains("another deadwax-server holds") => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    opened => return opened.unwrap(),
                }
            }
        })
        .await;
        let nowhere = Program { exe: "/nowhere".into(), prefix: Vec::new() };
        let parts: (Arc<dyn Inspect>, Program) = (Arc::new(FakeInspect), nowhere);
        Self::assemble(folder, (Arc::new(MemoryStore::new()), journal), parts, change).await
    }

    /// `store` is what tests of the memory store look into; `journal` is the one in use.
    async fn assemble(
        folder: tempfile::TempDir,
        (store, journal): (Arc<MemoryStore>, Arc<dyn Store>),
        (inspect, program): (Arc<dyn Inspect>, Program),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config { tls: false, name: "Gold Room".into(), ..Config::default() };
        config.limits.reserve_bytes = 0;
        // A ledger moves by its test's own hand only, unless the test is about the examiner.
        config.examine.workers = 0;
        // Tests are quicker than people.
        (config.door.calls_per_s, config.door.calls_burst) = (1_000_000, 1_000_000);
        config.door.connections_per_person = 1_000;
        change(&mut config);
        let clock = Arc::new(Hand(AtomicI64::new(1_795_000_000_000)));
        let identity = config.tls.then(|| {
            deadwax_server::tls::make(folder.path(), "Gold Room", None).unwrap();
            Identity::of(folder.path(), &config.certificate).unwrap()
        });
        let parts = Parts {
            store: journal,
            clock: clock.clone() as Arc<dyn Clock>,
            inspect,
            program,
            fingerprint: identity.as_ref().map(Identity::fingerprint),
        };
        let studio = Studio::assemble(folder.path(), config, parts).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve::run(studio.clone(), listener, identity, stop.clone()));
        Self { studio, store, clock, address, stop, served, folder }
    }

    pub async fn channel(&self) -> Channel {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    pub async fn stranger(&self) -> Seat {
        let channel = self.channel().await;
        Seat {
            id: PersonId(0),
            token: String::new(),
            machine: None,
            sessions: SessionsClient::new(channel.clone()),
            media: MediaClient::new(channel.clone()),
            channel,
        }
    }

    /// A person with an open session, signed in through the wire on a machine that has a key.
    pub async fn person(&self, name: &str, studio_owner: bool) -> Seat {
        let email = format!("{}@example.org", name.to_lowercase().replace(' ', "."));
        let person = self.studio.people.add(name, &email, studio_owner).await.unwrap();
        let code = self.studio.people.issue_code(person.id).await.unwrap().code;
        let mut seat = self.stranger().await;
        seat.login_at(Machine::new(), code.reveal(), "").await.unwrap();
        seat
    }

    /// A project of this person's, straight through the ledger.
    pub async fn project(&self, owner: &Seat) -> ProjectId {
        let project = ProjectId(uuid::Uuid::now_v7().as_u128());
        let create = Command::CreateProject { title: "Nachtlied".into(), artist: "Ana".into() };
        self.perform(owner, project, create).await;
        project
    }

    /// Waits until something is found in the project.
    pub async fn until<T>(
        &self,
        project: ProjectId,
        (patience, what): (Duration, &str),
        found: impl Fn(&Project) -> Option<T>,
    ) -> T {
        let mut seq = self.studio.ledger.watch(project);
        within(patience, what, async {
            loop {
                seq.borrow_and_update();
                let now = self.studio.ledger.project(project).await.unwrap().unwrap();
                if let Some(found) = found(&now.project) {
                    return found;
                }
                seq.changed().await.unwrap();
            }
        })
        .await
    }

    /// As if the examiner had looked at every version and found nothing: gates wait for it.
    pub async fn nothing_found(&self, project: ProjectId) {
        let now = self.studio.ledger.project(project).await.unwrap().unwrap();
        let due: Vec<_> = now.project.unexamined().iter().map(|version| version.id).collect();
        for version in due {
            let command = Command::RecordExamination { version, examined: Examined::default() };
            self.perform_as(Actor::Worker, project, command).await;
        }
    }

    pub async fn perform(&self, by: &Seat, project: ProjectId, command: Command) {
        let person = self.studio.people.person(by.id).unwrap();
        let actor = Actor::Person { id: person.id, studio_owner: person.studio_owner };
        self.perform_as(actor, project, command).await;
    }

    async fn perform_as(&self, actor: Actor, project: ProjectId, command: Command) {
        let perform = Perform { actor, ..Perform::by_worker(project, command) };
        if let Err(error) = self.studio.ledger.perform(perform).await {
            panic!("the ledger refused: {error}");
        }
    }
}

/// Somebody at their machine.
#[derive(Clone)]
pub struct Seat {
    pub id: PersonId,
    pub token: String,
    /// What signs beside the calls that a token alone does not make.
    pub machine: Option<Machine>,
    pub sessions: SessionsClient<Channel>,
    pub media: MediaClient<Channel>,
    pub channel: Channel,
}

impl Seat {
    pub fn with<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        request
    }

    pub async fn login(&mut self, code: &str) -> Result<v1::LoginResponse, Status> {
        let asked = v1::LoginRequest {
            code: code.into(),
            device: "test".into(),
            api: deadwax_proto::API,
            ..Default::default()
        };
        self.machine = None;
        self.come_in(asked).await
    }

    /// On a machine that shows its key.
    pub async fn login_at(
        &mut self,
        machine: Machine,
        code: &str,
        passphrase: &str,
    ) -> Result<v1::LoginResponse, Status> {
        let asked = machine.with_code(code, passphrase);
        self.machine = Some(machine);
        self.come_in(asked).await
    }

    async fn come_in(&mut self, asked: v1::LoginRequest) -> Result<v1::LoginResponse, Status> {
        let answer = self.sessions.login(asked).await?.into_inner();
        self.token = answer.token.clone();
        self.id = PersonId(uuid_of(&answer.person.as_ref().unwrap().person_id));
        Ok(answer)
    }

    /// Of this seat's machine, where it has one.
    pub async fn proof(&self, call: &str) -> Option<v1::Proof> {
        Some(self.machine.as_ref()?.proof(call, self.challenge().await))
    }

    pub async fn challenge(&self) -> String {
        self.sessions.clone().challenge(v1::ChallengeRequest {}).await.unwrap().into_inner().challenge
    }

    /// A link for a further device of one's own; its code.
    pub async fn further(&self) -> Result<String, Status> {
        let asked = v1::CreateInviteRequest { proof: self.proof("CreateInvite").await, ..Default::default() };
        let made = self.sessions.clone().create_invite(self.with(asked)).await?;
        Ok(code_of(&made.into_inner().link))
    }

    pub async fn revoke(&self, session_id: &str) -> Result<(), Status> {
        let proof = self.proof("RevokeSession").await;
        let asked = v1::RevokeSessionRequest { session_id: session_id.to_owned(), proof };
        self.sessions.clone().revoke_session(self.with(asked)).await.map(drop)
    }

    pub async fn end_access(&self, asked: v1::EndAccessRequest) -> Result<v1::EndAccessResponse, Status> {
        let asked = v1::EndAccessRequest { proof: self.proof("EndAccess").await, ..asked };
        Ok(self.sessions.clone().end_access(self.with(asked)).await?.into_inner())
    }
}

pub fn uuid_of(text: &str) -> u128 {
    uuid::Uuid::parse_str(text).unwrap().as_u128()
}

pub fn id_text(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}

/// The code inside an invite link.
pub fn code_of(link: &str) -> String {
    link.split('/').nth(3).and_then(|rest| rest.split('#').next()).unwrap().to_owned()
}

/// The stable reason of a refusal; the assertion prints the whole status where it differs.
#[track_caller]
pub fn refused<T>(answer: Result<T, Status>, reason: &str) -> Status {
    let status = match answer {
        Ok(_) => panic!("{reason} was expected, and it was done"),
        Err(status) => status,
    };
    assert_eq!(status::reason_of(&status).as_deref(), Some(reason), "{status:?}");
    status
}

pub async fn within<F: Future>(limit: Duration, what: &str, future: F) -> F::Output {
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| panic!("{what} took longer than {limit:?}"))
}
