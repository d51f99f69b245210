//! The simulated studio: its people and their project, made once; and the real server on a simulated disk, line and clock. What is not simulated: TLS (lines
//! are plain), the index (in memory, made from the journal at every start), decoders and renders (children), and files beside the ledger that no promise
//! rests on. Never here: what goes wrong.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use deadwax_domain::{Actor, AudioFacts, Command, Examined, PersonId, ProjectId, Role, Roles, SongId};
use deadwax_proto::v1;
use deadwax_server::{
    auth::{Directory, Redeem},
    config::Config,
    disk::{Drive, faulty::FaultyDisk, work},
    ledger::{Clock, Perform},
    listen::Source,
    render::{
        compare::CompareFiles,
        hearing::{Window, WindowAsked},
        inspect::{InspectError, Inspected, Program},
    },
    serve,
    store::{EmbeddedStore, embedded::Options},
    studio::{Inspect, Parts, Studio},
};
use futures::{FutureExt as _, future::BoxFuture};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    disk::Plug,
    people::{Place, Seat},
};
use crate::history::facts_of;

pub const PROJECT: ProjectId = ProjectId(0x1000);
pub const PORT: u16 = 4747;
/// 2026-01-01.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// Somebody with their role in the project, as the wire and as the rules call it.
pub type Chair = (&'static str, v1::Role, Role);

pub const PEOPLE: [Chair; 6] = [
    ("manager", v1::Role::Manager, Role::Manager),
    ("artist", v1::Role::Artist, Role::Artist),
    ("mixer", v1::Role::MixEngineer, Role::MixEngineer),
    ("masterer", v1::Role::MasteringEngineer, Role::MasteringEngineer),
    ("label", v1::Role::Label, Role::Label),
    ("label2", v1::Role::Label, Role::Label),
];

/// Wall time: that of the simulation, and whatever somebody does to the clock.
#[derive(Default)]
pub struct Wall {
    pub since_start_ms: AtomicI64,
    pub wrong_by_ms: AtomicI64,
}

impl Clock for Wall {
    fn now_ms(&self) -> i64 {
        EPOCH_MS + self.since_start_ms.load(Ordering::SeqCst) + self.wrong_by_ms.load(Ordering::SeqCst)
    }
}

/// A studio as it stands before each simulation.
pub struct House {
    pub disk: FaultyDisk,
    pub seats: Vec<Seat>,
    pub names: Arc<Directory>,
    folder: tempfile::TempDir,
}

impl House {
    pub fn build() -> Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the studio could not be made")?;
        let disk = FaultyDisk::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _here = work::simulate(Arc::new(|| Duration::ZERO));
        let (seats, names) = runtime.block_on(async {
            let drive = Drive::on(Arc::new(Plug::of(disk.clone(), folder.path())));
            let (_, studio) = open(folder.path(), drive, Arc::default()).await?;
            furnish(&studio, &PEOPLE).await
        })?;
        Ok(Self { disk, seats, names, folder })
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

pub fn options(folder: &Path) -> Options {
    // Small segments: a few of them begin in every run.
    Options { reserve_bytes: 0, segment_bytes: 48 << 10, ..Options::new(folder) }
}

async fn open(folder: &Path, drive: Drive, clock: Arc<Wall>) -> Result<(Arc<EmbeddedStore>, Arc<Studio>)> {
    let store = Arc::new(EmbeddedStore::open_on_disk(&options(folder), drive)?);
    let mut config = Config { tls: false, name: "Gold Room".into(), ..Config::default() };
    (config.limits.reserve_bytes, config.limits.upload_stall_s) = (0, 3);
    (config.render.workers, config.examine.workers) = (0, 0);
    let door = &mut config.door;
    (door.calls_per_s, door.calls_burst, door.connections_per_person) = (100_000, 100_000, 1_000);
    (door.keepalive_s, door.keepalive_timeout_s) = (2, 2);
    (door.connection_age_s, door.connection_age_grace_s) = (10, 1);
    let nowhere = Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let parts =
        Parts { store: store.clone(), clock, inspect: Arc::new(Ears), program: nowhere, fingerprint: None };
    let studio = Studio::assemble(folder, config, parts).await?;
    Ok((store, studio))
}

/// People, a project with all of them in it, and two songs.
pub async fn furnish(studio: &Studio, people: &[Chair]) -> Result<(Vec<Seat>, Arc<Directory>)> {
    let mut seats = Vec::new();
    for (number, (name, role, _)) in (1..).zip(people.iter().copied()) {
        let (person, studio_owner) = (PersonId(number), number == 1);
        studio
            .people
            .add_as(person, name, &format!("{}@x.example", name.replace(' ', ".")), studio_owner)
            .await?;
        let code = studio.people.issue_code(person).await?.code;
        let asked = Redeem { code: code.reveal(), device: "desk", ..Redeem::default() };
        let token = studio.people.redeem(asked).await?.token.reveal().to_owned();
        seats.push(Seat { name, person, role, studio_owner, token });
    }
    let owner = Actor::Person { id: PersonId(1), studio_owner: true };
    let create = Command::CreateProject { title: "Night".into(), artist: "Ana".into() };
    let members = (2..).zip(people.iter().skip(1)).map(|(number, (_, _, role))| Command::AddMember {
        person: PersonId(number),
        roles: Roles::from([*role]),
    });
    let gates = [deadwax_domain::Stage::Mixing, deadwax_domain::Stage::Mastering].map(|stage| {
        let rule = deadwax_domain::gate::default_rule(stage);
        rule.map(|rule| Command::SetGate {
            rule: deadwax_domain::GateRule { open_notes_allowed: true, ..rule },
        })
    });
    let songs = (1..=2).map(|number| Command::AddSong {
        song: SongId(0x2000 + number),
        title: format!("Nachtlied {number}"),
        isrc: String::new(),
    });
    let commands = [create].into_iter().chain(members).chain(gates.into_iter().flatten()).chain(songs);
    for command in commands {
        let perform = Perform { actor: owner, ..Perform::by_worker(PROJECT, command) };
        studio.ledger.perform(perform).await?;
    }
    Ok((seats, studio.people.directory()))
}

/// One start of the server, until its power goes. `Err`: it did not start although nothing failed under it.
pub async fn serve(folder: PathBuf, plug: Plug, clock: Arc<Wall>, place: Arc<Place>) -> Result<()> {
    let drive = Drive::on(Arc::new(plug));
    let (store, studio) = match open(&folder, drive.clone(), clock).await {
        // A sync that failed on the way up: it rightly does not start, and waits for whoever starts it again.
        Err(_) if drive.latch().reason().is_some() => return std::future::pending().await,
        opened => opened?,
    };
    place.book.started(&facts_of(&*store, PROJECT).await?);
    tokio::spawn(examine(Arc::clone(&studio)));
    let listener = turmoil::net::TcpListener::bind(("0.0.0.0", PORT)).await?;
    serve::answer(studio, Lines(listener), None, CancellationToken::new(), TaskTracker::new()).await
}

/// As if the examiner had looked at every version and found nothing: gates wait for it.
async fn examine(studio: Arc<Studio>) {
    let news = studio.ledger.news();
    loop {
        for now in news.take() {
            for version in now.project.unexamined().iter().map(|version| version.id) {
                let command = Command::RecordExamination { version, examined: Examined::default() };
                // Refused where the disk has failed; the next start looks again.
                let _ = studio.ledger.perform(Perform::by_worker(now.id, command)).await;
            }
        }
        news.changed().await;
    }
}

struct Lines(turmoil::net::TcpListener);

impl Source for Lines {
    type Line = turmoil::net::TcpStream;

    /// Without TLS a server answers on its own machine only; the simulated network is no other.
    fn address(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([127, 0, 0, 1], PORT)))
    }

    async fn accept(&mut self) -> io::Result<(Self::Line, SocketAddr)> {
        self.0.accept().await
    }
}

/// Whatever comes is a song of a minute.
pub struct Ears;

impl Inspect for Ears {
    fn inspect<'a>(&'a self, _: &'a Path, _: &'a Path) -> BoxFuture<'a, Result<Inspected, InspectError>> {
        async { Ok(Inspected { facts: facts() }) }.boxed()
    }

    fn window<'a>(&'a self, _: &'a Path, _: WindowAsked) -> BoxFuture<'a, Result<Window, InspectError>> {
        async { Err(not_simulated()) }.boxed()
    }

    fn copy<'a>(&'a self, _: &'a Path, _: &'a Path, _: u64) -> BoxFuture<'a, Result<(), InspectError>> {
        async { Err(not_simulated()) }.boxed()
    }

    fn compare<'a>(&'a self, _: &'a CompareFiles) -> BoxFuture<'a, Result<(), InspectError>> {
        async { Err(not_simulated()) }.boxed()
    }
}

fn not_simulated() -> InspectError {
    InspectError::Failed("not simulated".into())
}

fn facts() -> AudioFacts {
    AudioFacts {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate_hz: 48_000,
        channels: 2,
        bits: 24,
        float: false,
        frames: 48_000 * 60,
        bytes: 17_280_044,
        integrated_lufs: -18.25,
        loudness_range_lu: 6.5,
        max_momentary_lufs: -12.0,
        max_short_term_lufs: -14.0,
        true_peak_dbtp: -4.0,
        sample_peak_dbfs: -4.25,
        dc_offset: 0.0,
        correlation: 0.75,
        head_silence_s: 0.5,
        tail_silence_s: 1.5,
        clipped_samples: 0,
        remarks: Vec::new(),
    }
}

/// Why a start ended while its power was on.
#[derive(Default)]
pub struct Failure(Mutex<Option<String>>);

impl Failure {
    pub fn tell(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
    }

    pub fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
