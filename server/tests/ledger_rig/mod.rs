//! A small studio for the tests of ledger, views and watching: seven people, one in each role, and a walk of choices that makes projects with
//! internal notes. Whatever is internal carries `CANARY` in its text.
#![allow(dead_code, clippy::unwrap_used)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use deadwax_domain::*;
use deadwax_server::{
    auth::{Directory, Person},
    ledger::{Clock, Ledger, LedgerError, Perform, Performed},
    store::{Store, memory::MemoryStore},
    watch::Names,
};

pub const PROJECT: ProjectId = ProjectId(0x1000);
pub const SONG: SongId = SongId(0x2000);
pub const CANARY: &str = "CANARY";
pub const ROLES: [Role; 7] = [
    Role::Artist,
    Role::Producer,
    Role::MixEngineer,
    Role::MasteringEngineer,
    Role::Label,
    Role::Manager,
    Role::Listener,
];

pub struct Wall(pub AtomicI64);
impl Clock for Wall {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub struct Rig {
    pub store: Arc<dyn Store>,
    pub clock: Arc<Wall>,
    pub ledger: Arc<Ledger>,
    commands: AtomicU64,
}

pub fn who(role: Role) -> PersonId {
    PersonId(1 + ROLES.iter().position(|one| *one == role).unwrap() as u128)
}

pub fn actor(role: Role) -> Actor {
    Actor::Person { id: who(role), studio_owner: role == Role::Manager }
}

pub fn directory() -> Arc<Directory> {
    let person = |role: &Role| {
        let id = who(*role);
        let (name, email) = (format!("Name of {role}"), format!("{}@x.example", id.0));
        (id, Person { id, name, email, studio_owner: *role == Role::Manager })
    };
    Arc::new(Directory { people: ROLES.iter().map(person).collect::<HashMap<_, _>>() })
}

pub fn names() -> Names {
    let directory = directory();
    Arc::new(move || Arc::clone(&directory))
}

pub fn facts() -> AudioFacts {
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

impl Rig {
    pub async fn empty() -> Self {
        Self::over(Arc::new(MemoryStore::new())).await
    }

    pub async fn over(store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(Wall(AtomicI64::new(1_000)));
        let ledger = Ledger::open(Arc::clone(&store), Arc::clone(&clock) as Arc<dyn Clock>).await.unwrap();
        Self { store, clock, ledger, commands: AtomicU64::new(1) }
    }

    /// A project with everybody in it, a song in mixing and its first mix.
    pub async fn mixing() -> Self {
        let rig = Self::empty().await;
        let manager = Role::Manager;
        rig.ok(manager, Command::CreateProject { title: "Night".into(), artist: "Ana".into() }).await;
        for role in ROLES.into_iter().filter(|role| *role != manager) {
            rig.ok(manager, Command::AddMember { person: who(role), roles: Roles::from([role]) }).await;
        }
        let add = Command::AddSong { song: SONG, title: "Nachtlied".into(), isrc: String::new() };
        rig.ok(manager, add).await;
        rig.upload(Role::Artist, VersionKind::Take, 1).await.unwrap();
        rig.approve(Role::Producer, 1).await.unwrap();
        rig.upload(Role::MixEngineer, VersionKind::Mix, 2).await.unwrap();
        rig
    }

    pub async fn send(&self, role: Role, command: Command) -> Result<Performed, LedgerError> {
        self.clock.0.fetch_add(1_000, Ordering::Relaxed);
        let id = u128::from(self.commands.fetch_add(1, Ordering::Relaxed));
        self.ledger.perform(perform(id, actor(role), command)).await
    }

    pub async fn ok(&self, role: Role, command: Command) -> Performed {
        self.send(role, command).await.unwrap()
    }

    pub async fn project(&self) -> Arc<deadwax_server::ledger::Snapshot> {
        self.ledger.project(PROJECT).await.unwrap().unwrap()
    }

    pub async fn upload(&self, role: Role, kind: VersionKind, number: u8) -> Result<Performed, LedgerError> {
        let (digest, name) = (Digest([number; 32]), format!("file {number}.wav"));
        let file = ReceivedFile { digest, name: name.clone(), facts: facts() };
        self.send(role, Command::ReceiveFile { file }).await?;
        let files = vec![NewFile { alternate: Alternate::Main, digest, name }];
        let version = VersionId(0x3000 + u128::from(number));
        let (title, changelog) = (String::new(), "louder".into());
        self.send(role, Command::AddVersion { version, song: SONG, kind, title, changelog, files }).await
    }

    pub async fn approve(&self, role: Role, id: u128) -> Result<Performed, LedgerError> {
        let now = self.project().await;
        let candidate = now.project.candidate(SONG).unwrap();
        let (version, fingerprint) = (candidate.id, candidate.fingerprint);
        let approval = ApprovalId(0x4000 + id);
        self.send(role, Command::Approve { approval, version, role, fingerprint }).await
    }

    pub async fn note(
        &self,
        role: Role,
        id: u128,
        text: &str,
        internal: bool,
    ) -> Result<Performed, LedgerError> {
        let version = self.project().await.project.candidate(SONG).unwrap().id;
        let command = note(id, version, text, internal);
        self.send(role, command).await
    }

    /// One step of a walk; what the rules refuse is refused, and the walk goes on.
    pub async fn step(&self, at: usize, (what, a, b): (u8, u8, u8)) {
        let now = self.project().await;
        let version = now.project.candidate(SONG).map_or(VersionId(9), |candidate| candidate.id);
        let speaker = ROLES[usize::from(a) % 6];
        let notes: Vec<Note> = now.project.notes_of(SONG).cloned().collect();
        let some = (!notes.is_empty()).then(|| notes[usize::from(b) % notes.len().max(1)].clone());
        let text = |internal: bool| if internal { format!("{CANARY} {at}") } else { format!("plain {at}") };
        let engineer = Role::MixEngineer;
        let _refused_or_done = match (what % 12, some) {
            (0 | 1, _) => {
                let internal = b % 2 == 1 && audience::is_workshop(&Roles::from([speaker]));
                self.send(speaker, note(at as u128, version, &text(internal), internal)).await
            }
            (2, Some(parent)) => {
                let Command::AddNote { note, version, text, .. } =
                    note(at as u128, parent.version, &text(parent.internal), false)
                else {
                    return;
                };
                let reply = Command::AddNote {
                    note,
                    version,
                    text,
                    alternate: None,
                    parent: Some(parent.id),
                    span: None,
                    internal: false,
                    addressee: None,
                    checklist: Vec::new(),
                };
                let by = if parent.internal { engineer } else { speaker };
                self.send(by, reply).await
            }
            (3, Some(note)) => self.send(engineer, Command::AddressNote { note: note.id, version }).await,
            (4, Some(note)) => {
                let reason = text(note.internal);
                self.send(engineer, Command::DeclineNote { note: note.id, reason }).await
            }
            (5, Some(note)) => {
                let reason = text(note.internal);
                self.send(speaker, Command::ReopenNote { note: note.id, reason }).await
            }
            (6, Some(note)) => {
                let tick = Command::TickChecklist { note: note.id, item: 0, done: b.is_multiple_of(2) };
                self.send(Role::Producer, tick).await
            }
            (7, _) => self.upload(engineer, VersionKind::Mix, 10 + u8::try_from(at % 200).unwrap()).await,
            (8, _) if now.project.candidate(SONG).is_some() => self.approve(speaker, at as u128).await,
            (9, _) => {
                let open = now.project.open_notes(SONG).filter(|note| !note.internal);
                let notes = open.map(|note| note.id).collect();
                let (request, message) = (RequestId(0x6000 + at as u128), "again".into());
                let ask = Command::RequestRevision {
                    request,
                    version,
                    role: Role::Label,
                    message,
                    notes,
                    kind: RevisionKind::Change,
                    beyond_terms: true,
                };
                self.send(Role::Label, ask).await
            }
            (10, _) => {
                let title = Some(format!("Title {at}"));
                self.send(Role::Artist, Command::EditSong { song: SONG, title, isrc: None }).await
            }
            _ => {
                let role = if b % 2 == 0 { Role::Artist } else { Role::Listener };
                let change = Command::ChangeRoles { person: who(Role::Artist), roles: Roles::from([role]) };
                self.send(Role::Manager, change).await
            }
        };
    }

    pub async fn walk(&self, choices: &[(u8, u8, u8)]) {
        for (at, choice) in choices.iter().enumerate() {
            self.step(at, *choice).await;
        }
    }

    pub async fn events(&self) -> Vec<Event> {
        let kept = self.ledger.events(PROJECT, 0, usize::MAX).await.unwrap();
        let event = |one: deadwax_server::ledger::Recorded| match one.kept {
            deadwax_server::ledger::Kept::Event(event) => event,
            other => panic!("{other:?}"),
        };
        kept.into_iter().map(event).collect()
    }
}

pub fn perform(id: u128, actor: Actor, command: Command) -> Perform {
    Perform { command_id: id, request_sha256: [1; 32], project: PROJECT, actor, expected: None, command }
}

pub fn note(id: u128, version: VersionId, text: &str, internal: bool) -> Command {
    Command::AddNote {
        note: NoteId(0x5000 + id),
        version,
        alternate: None,
        parent: None,
        span: Some(Span { start_ms: 1_500, end_ms: None }),
        text: text.to_owned(),
        internal,
        addressee: Some(who(Role::MixEngineer)),
        checklist: vec![format!("{text}: first")],
    }
}
