//! A song whose mix was approved, its facts in a database and its audio in a folder that workers share, and those workers as processes. Never here: what is expected
//! of them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command as Program,
    sync::Arc,
    time::Duration,
};

use deadwax_domain::{
    Actor, Alternate, ApprovalId, Command, Digest, Examined, Fact, NewFile, PersonId, Project, ProjectId,
    ReceivedFile, Render, RenderId, Role, SongId, VersionId, VersionKind,
};
use deadwax_server::{
    blob::Blobs,
    ledger::{Kept, Ledger, Perform},
    store::postgres::PostgresStore,
    studio::SystemClock,
};
use rustix::process::Signal;
use sha2::{Digest as _, Sha256};

use crate::{
    PATIENCE,
    cluster::Cluster,
    common::{child::wav, facts, within},
    process::{self, Process},
};

const OWNER: PersonId = PersonId(1);
const MIXER: PersonId = PersonId(2);
const ARTIST: PersonId = PersonId(3);
const LABEL: PersonId = PersonId(4);
pub const MASTERER: PersonId = PersonId(5);
const PROJECT: ProjectId = ProjectId(0x77);
pub const SONG: SongId = SongId(100);
const SETTINGS: [(&str, &str); 5] = [
    ("STORE__ENGINE", "postgres"),
    ("EXAMINE__WORKERS", "0"),
    ("LIMITS__RESERVE_BYTES", "0"),
    ("LOG__LEVEL", "info"),
    ("LOG__FORMAT", "text"),
];

pub struct House {
    root: tempfile::TempDir,
    url: String,
    ledger: Arc<Ledger>,
    blobs: Arc<Blobs>,
}

pub struct Worker(Process);

impl House {
    /// The gate of mixing is met: a render is queued, and nobody works.
    pub async fn open(cluster: &Cluster) -> Self {
        let root = tempfile::tempdir().unwrap();
        let place = cluster.place();
        let url = place.url.reveal().to_owned();
        let store = Arc::new(PostgresStore::open(place).await.unwrap());
        let ledger = Ledger::open(store, Arc::new(SystemClock)).await.unwrap();
        let blobs = Blobs::open_with(root.path().join("audio"), 0).await.unwrap();
        let house = Self { root, url, ledger, blobs };
        house.tell().await;
        house
    }

    async fn tell(&self) {
        let create = Command::CreateProject { title: "Nachtlied".into(), artist: "Ana".into() };
        self.perform(OWNER, create).await;
        for (person, role) in [
            (MIXER, Role::MixEngineer),
            (ARTIST, Role::Artist),
            (LABEL, Role::Label),
            (MASTERER, Role::MasteringEngineer),
        ] {
            self.perform(OWNER, Command::AddMember { person, roles: [role].into() }).await;
        }
        self.perform(OWNER, Command::AddSong { song: SONG, title: "Nachtlied".into(), isrc: String::new() })
            .await;
        let bytes = wav(48_000, 16, 4, 440.0);
        let digest = Digest(Sha256::digest(&bytes).into());
        let file = ReceivedFile { digest, name: "mix.wav".into(), facts: facts(bytes.len() as u64) };
        self.blobs.put(bytes.into()).await.unwrap();
        self.perform(MIXER, Command::ReceiveFile { file }).await;
        let (take, mix) = (VersionId(10), VersionId(20));
        self.version(take, VersionKind::Take, digest).await;
        self.approve(1, ARTIST, take, Role::Artist).await;
        self.version(mix, VersionKind::Mix, digest).await;
        self.approve(2, ARTIST, mix, Role::Artist).await;
        self.approve(3, LABEL, mix, Role::Label).await;
    }

    async fn version(&self, version: VersionId, kind: VersionKind, digest: Digest) {
        let files = vec![NewFile { alternate: Alternate::Main, digest, name: "main.wav".into() }];
        let (title, changelog) = (String::new(), String::new());
        self.perform(MIXER, Command::AddVersion { version, song: SONG, kind, title, changelog, files }).await;
        // As if the house had found nothing.
        let due: Vec<VersionId> =
            self.project().await.unexamined().iter().map(|version| version.id).collect();
        for version in due {
            let examined = Command::RecordExamination { version, examined: Examined::default() };
            self.ledger.perform(Perform::by_worker(PROJECT, examined)).await.unwrap();
        }
    }

    async fn approve(&self, id: u128, by: PersonId, version: VersionId, role: Role) {
        let fingerprint = self.project().await.versions.get(version).unwrap().fingerprint;
        self.perform(by, Command::Approve { approval: ApprovalId(id), version, role, fingerprint }).await;
    }

    pub async fn perform(&self, by: PersonId, command: Command) {
        let actor = Actor::Person { id: by, studio_owner: by == OWNER };
        let perform = Perform { actor, ..Perform::by_worker(PROJECT, command) };
        self.ledger.perform(perform).await.unwrap();
    }

    async fn project(&self) -> Project {
        self.ledger.project(PROJECT).await.unwrap().unwrap().project.clone()
    }

    /// The newest.
    pub async fn render(&self) -> Render {
        self.project().await.renders_of(SONG).next_back().unwrap().clone()
    }

    /// Waits until a render is as asked.
    pub async fn until(&self, render: RenderId, what: &str, is: impl Fn(&Render) -> bool) -> Render {
        let found = async {
            loop {
                let now = self.project().await.renders.get(render).unwrap().clone();
                if is(&now) {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(PATIENCE, what, found).await
    }

    /// Outputs of a render that were accepted, by the facts.
    pub async fn completions(&self, id: RenderId) -> usize {
        let told = self.ledger.events(PROJECT, 0, 100_000).await.unwrap();
        let is = |fact: &Fact| matches!(fact, Fact::RenderCompleted { render, .. } if *render == id);
        told.iter().filter(|one| matches!(&one.kept, Kept::Event(event) if is(&event.fact))).count()
    }

    /// A master of the same sound as the mix, for somebody to look at.
    pub async fn unexamined_master(&self, id: u128) -> VersionId {
        let version = VersionId(id);
        let digest = self.project().await.versions.get(VersionId(20)).unwrap().main().unwrap().digest;
        let files = vec![NewFile { alternate: Alternate::Main, digest, name: format!("{id}.wav") }];
        let (kind, title, changelog) = (VersionKind::Master, String::new(), String::new());
        self.perform(MASTERER, Command::AddVersion { version, song: SONG, kind, title, changelog, files })
            .await;
        version
    }

    pub async fn examinations(&self, id: VersionId) -> usize {
        let told = self.ledger.events(PROJECT, 0, 100_000).await.unwrap();
        let is = |fact: &Fact| matches!(fact, Fact::VersionExamined { version, .. } if *version == id);
        told.iter().filter(|one| matches!(&one.kept, Kept::Event(event) if is(&event.fact))).count()
    }

    pub async fn masters(&self) -> usize {
        let project = self.project().await;
        project.versions_of(SONG).filter(|version| version.kind == VersionKind::Master).count()
    }

    fn command(&self, folder: &Path, lease_s: u32) -> Program {
        let mut command = process::verb("worker", folder, SETTINGS);
        command.env("DEADWAX_STORE__URL", &self.url);
        command.env("DEADWAX_RENDER__LEASE_SECONDS", lease_s.to_string());
        command
    }

    /// One that renders nothing, and examines.
    pub fn examiner(&self, name: &str) -> Worker {
        let folder = self.folder(name);
        let mut command = self.command(&folder, 30);
        command.env("DEADWAX_EXAMINE__WORKERS", "1").env("DEADWAX_RENDER__WORKERS", "0");
        Worker(Process::start(command, &folder.join("ready"), &folder.join("log")))
    }

    /// A process with a folder of this name, which works once this returns.
    pub fn worker(&self, name: &str, lease_s: u32) -> Worker {
        let folder = self.folder(name);
        let command = self.command(&folder, lease_s);
        Worker(Process::start(command, &folder.join("ready"), &folder.join("log")))
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.root.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("studio.toml"), "name = \"Gold Room\"\n").unwrap();
        symlink(self.root.path().join("audio/blobs"), folder.join("blobs")).unwrap();
        folder
    }

    /// What a second process on this folder says when it ends.
    pub fn refused(&self, name: &str) -> String {
        let ended = self.command(&self.root.path().join(name), 30).output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }
}

impl Worker {
    pub fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Tells it to stop, and what it has said in its life. It ends well.
    pub async fn end(mut self) -> String {
        self.signal(Signal::TERM);
        let ended = self.0.ended(PATIENCE).await;
        assert!(ended.success(), "{ended}: {}", self.0.told());
        self.0.told()
    }
}
