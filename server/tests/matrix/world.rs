//! Who asks and of what: a whole server, one person in each role, and two projects that are alike down to the last note. Never here: what they may do.

use deadwax_domain::{
    Actor, Alternate, ApprovalId, Command, Cover, Digest, Event, Fact, FadeShape, File, GateRule, LinkId,
    LinkScope, Need, NoteId, PersonId, ProjectId, Receipt, ReceivedFile, RecordFile, RecordId, RecordProfile,
    RecordSource, RenderId, Role, Roles, ShootoutId, SongId, SpacingItem, Stage, Time, VersionId,
    VersionKind, WebhookId, fingerprint, record::record_fingerprint,
};
use deadwax_server::{
    auth::{KeepLink, OpenLink},
    ledger::Perform,
    store::{Append, CommandKey, Store, StreamId},
    wire,
};

pub use crate::place::{ABSENT, FOREIGN, OWN, Place, at};
use crate::{
    common::{House, Seat, facts},
    media_kit::sha256,
};

/// The columns of the table. The last five are no members of the project that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    Artist,
    Producer,
    Mixer,
    Masterer,
    Label,
    Manager,
    Listener,
    /// Of the studio, no member.
    Owner,
    /// The manager of the other project.
    Other,
    /// Was a manager of this one.
    Removed,
    /// Signed in nowhere.
    Nobody,
    /// Came by a link to the song that is in mixing.
    Guest,
}

use Asker::*;
pub const ASKERS: [Asker; 12] =
    [Artist, Producer, Mixer, Masterer, Label, Manager, Listener, Owner, Other, Removed, Nobody, Guest];

impl Asker {
    pub fn role(self) -> Option<Role> {
        match self {
            Artist => Some(Role::Artist),
            Producer => Some(Role::Producer),
            Mixer => Some(Role::MixEngineer),
            Masterer => Some(Role::MasteringEngineer),
            Label => Some(Role::Label),
            Manager => Some(Role::Manager),
            Listener => Some(Role::Listener),
            Owner | Other | Removed | Nobody | Guest => None,
        }
    }

    /// Something of the project is there for them.
    pub fn is_inside(self) -> bool {
        self == Guest || self.role().is_some()
    }

    /// The role in which they ask: their own, or one that would help them.
    pub fn word(self) -> i32 {
        use deadwax_proto::v1;
        match self {
            Artist => v1::Role::Artist,
            Producer => v1::Role::Producer,
            Mixer => v1::Role::MixEngineer,
            Masterer => v1::Role::MasteringEngineer,
            Manager => v1::Role::Manager,
            Listener => v1::Role::Listener,
            Label | Owner | Other | Removed | Nobody | Guest => v1::Role::Label,
        }
        .into()
    }

    /// Internal notes are not for these.
    pub fn outside_the_workshop(self) -> bool {
        matches!(self, Artist | Label | Manager | Listener)
    }
}

/// How far the record of a project is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Songs,
    /// Only what is delivered, and no record of it.
    Signed,
    Making,
    Made,
    Approved,
}

pub struct Cast {
    pub seats: Vec<(Asker, Seat)>,
    /// Holds the second line of the shootout.
    pub second: PersonId,
}

impl Cast {
    pub fn seat(&self, asker: Asker) -> &Seat {
        self.seats.iter().find(|(who, _)| *who == asker).map(|(_, seat)| seat).expect("everybody has a seat")
    }

    pub fn id(&self, asker: Asker) -> PersonId {
        self.seat(asker).id
    }
}

pub struct World {
    pub house: House,
    pub cast: Cast,
    pub own: Place,
    pub state: State,
    pub foreign: Place,
    pub absent: Place,
}

impl World {
    pub async fn open() -> World {
        let house = House::open_with(|config| {
            // Nothing moves by itself.
            config.render.workers = 0;
            config.webhooks.enabled = false;
        })
        .await;
        let mut seats = Vec::new();
        for asker in ASKERS {
            let seat = match asker {
                Nobody => house.stranger().await,
                Guest => guest(&house).await,
                asker => house.person(&format!("{asker:?}"), asker == Owner).await,
            };
            seats.push((asker, seat));
        }
        let second = house.person("Second", false).await.id;
        let cast = Cast { seats, second };
        let absent = Place { project: ABSENT, base: ABSENT };
        let mut world = World { house, cast, own: absent, state: State::Songs, foreign: absent, absent };
        for base in [OWN, FOREIGN] {
            let place = Place { project: 0, base };
            for bytes in
                [place.master(), place.spare(), place.cover(), place.package(), place.track(), place.sheet()]
            {
                world.house.studio.blobs.put(bytes.into()).await.expect("a blob");
            }
        }
        world.foreign = world.make(FOREIGN, State::Songs).await;
        world.own = world.make(OWN, State::Songs).await;
        world
    }

    /// A project that nobody has touched yet.
    pub async fn renew(&mut self, state: State) {
        self.own = self.make(OWN, state).await;
        self.state = state;
    }

    pub async fn seq(&self) -> u64 {
        let now = self.house.studio.ledger.project(ProjectId(self.own.project)).await;
        now.expect("the ledger reads").map_or(0, |now| now.seq)
    }

    async fn make(&self, base: u128, state: State) -> Place {
        let project = uuid::Uuid::now_v7().as_u128();
        let place = Place { project, base };
        let owner = self.cast.id(Owner);
        let actor = Actor::Person { id: owner, studio_owner: true };
        let create = Command::CreateProject { title: "Nachtlied".into(), artist: "Ana".into() };
        let perform = Perform { actor, ..Perform::by_worker(ProjectId(project), create) };
        let ledger = &self.house.studio.ledger;
        let done = ledger.perform(perform).await.expect("a project");
        let facts = self.facts(place, state);
        let count = facts.len() as u64;
        let event = |(by, fact)| Event { at: Time(1_795_000_000_000), by, fact };
        let entries = facts.into_iter().map(|fact| wire::ledger::encode(&event(fact), 1)).collect();
        let append = Append {
            stream: StreamId(project),
            expected: done.last_seq,
            command: CommandKey { id: uuid::Uuid::now_v7().as_u128(), request_sha256: [0; 32] },
            entries,
            claims: Vec::new(),
            desk: Vec::new(),
        };
        self.house.store.append(append).await.expect("facts");
        // The ledger reads what it did not write itself as soon as it has to write. The second is how the owner leaves.
        let terms = Command::ChangeTerms {
            rounds_included: Some(5),
            self_approval: None,
            corrections_free: None,
            cut_off: None,
        };
        for command in [terms, Command::RemoveMember { person: owner }] {
            let perform = Perform { actor, ..Perform::by_worker(ProjectId(project), command) };
            if let Err(error) = ledger.perform(perform).await {
                panic!("a project could not be made: {error}");
            }
        }
        assert!(self.house.studio.ledger.project(ProjectId(project)).await.unwrap().unwrap().seq > count);
        place
    }

    fn facts(&self, place: Place, state: State) -> Vec<(Option<PersonId>, Fact)> {
        let mut facts = self.members(place);
        let delivered_alone = state != State::Songs;
        if !delivered_alone {
            facts.extend(self.songs(place));
        }
        facts.extend(self.delivered(place));
        facts.extend(self.record(place, state));
        facts
    }

    /// The people of the foreign project are one person, who has every role but listener.
    fn who(&self, place: Place, asker: Asker) -> PersonId {
        if place.base == OWN { self.cast.id(asker) } else { self.cast.id(Other) }
    }

    fn members(&self, place: Place) -> Vec<(Option<PersonId>, Fact)> {
        let by = Some(self.cast.id(Owner));
        let joined = |person, roles: &[Role]| {
            (by, Fact::MemberAdded { person, roles: roles.iter().copied().collect::<Roles>() })
        };
        let mut facts = Vec::new();
        if place.base == OWN {
            let members = ASKERS.iter().filter_map(|asker| Some((*asker, asker.role()?)));
            facts.extend(members.map(|(asker, role)| joined(self.cast.id(asker), &[role])));
            facts.push(joined(self.cast.id(Removed), &[Role::Manager]));
            facts.push((by, Fact::MemberRemoved { person: self.cast.id(Removed) }));
        } else {
            let all: Vec<Role> = ASKERS.iter().filter_map(|asker| asker.role()).collect();
            facts.push(joined(self.cast.id(Other), &all));
        }
        facts.push(joined(self.cast.second, &[Role::MixEngineer]));
        if place.base == OWN {
            let made = Fact::LinkMade {
                link: LINK,
                guest: self.cast.id(Guest),
                scope: LinkScope::Song(SongId(place.base + at::MIXING)),
                expires: Time(2_000_000_000_000),
                sessions_max: 100,
                download: true,
                notes: true,
                has_password: false,
            };
            facts.push((Some(self.cast.id(Manager)), made));
        }
        // One of these alone never opens it.
        let any_of: Roles = [Role::Artist, Role::Producer, Role::Label, Role::Manager].into();
        for stage in [Stage::Recording, Stage::Mixing, Stage::Mastering] {
            let needs = vec![Need { any_of: any_of.clone(), count: 4 }];
            facts.push((by, Fact::GateSet { rule: GateRule::new(stage, needs) }));
        }
        for bytes in [place.master(), place.spare()] {
            let file = ReceivedFile { digest: sha256(&bytes), name: "a.wav".into(), facts: audio(place) };
            facts.push((by, Fact::FileReceived { file }));
        }
        facts
    }

    fn songs(&self, place: Place) -> Vec<(Option<PersonId>, Fact)> {
        let (mixer, artist) = (self.who(place, Mixer), self.who(place, Artist));
        let mut all = Steps { place, facts: Vec::new() };
        for (song, title) in [
            (at::RECORDING, "Recording"),
            (at::MIXING, "Mixing"),
            (at::WAITING, "Waiting"),
            (at::COMPETING, "Competing"),
            (at::MASTERING, "Mastering"),
            (at::RENDERING, "Rendering"),
        ] {
            all.song(song, title);
        }
        all.version(mixer, (at::TAKE, at::RECORDING, VersionKind::Take, 1), None);
        for (song, stage) in [
            (at::MIXING, Stage::Mixing),
            (at::WAITING, Stage::Mixing),
            (at::COMPETING, Stage::Mixing),
            (at::MASTERING, Stage::Mixing),
            (at::RENDERING, Stage::Mixing),
        ] {
            all.left(song, Stage::Recording, stage, at::TAKE);
        }
        all.version(mixer, (at::MIX_1, at::MIXING, VersionKind::Mix, 1), None);
        all.note(artist, at::NOTE, Role::Artist, false);
        all.note(mixer, at::INTERNAL, Role::MixEngineer, true);
        all.note(artist, at::DONE, Role::Artist, false);
        all.add(artist, Fact::NoteAccepted { note: NoteId(place.base + at::DONE) });
        all.version(mixer, (at::MIX_2, at::MIXING, VersionKind::Mix, 2), None);
        all.version(mixer, (at::MIX_WAITING, at::WAITING, VersionKind::Mix, 1), None);
        all.signatures(self.who(place, Producer), self.who(place, Label));
        all.shootout(mixer, self.cast.second);
        all.mastering(self.who(place, Masterer));
        let webhook = WebhookId(place.base + at::WEBHOOK);
        let url = "https://hooks.example.org/x".to_owned();
        all.add(self.who(place, Manager), Fact::WebhookSet { webhook, url, codes: Vec::new() });
        all.facts
    }

    fn delivered(&self, place: Place) -> Vec<(Option<PersonId>, Fact)> {
        let (manager, artist) = (self.who(place, Manager), self.who(place, Artist));
        let mut all = Steps { place, facts: Vec::new() };
        all.song(at::DELIVERED, "Delivered");
        all.left(at::DELIVERED, Stage::Recording, Stage::Mixing, at::TAKE);
        all.version(self.who(place, Mixer), (at::MIX_DELIVERED, at::DELIVERED, VersionKind::Mix, 1), None);
        all.left(at::DELIVERED, Stage::Mixing, Stage::Mastering, at::MIX_DELIVERED);
        all.version(self.who(place, Masterer), (at::MASTER, at::DELIVERED, VersionKind::Master, 1), None);
        all.left(at::DELIVERED, Stage::Mastering, Stage::Delivered, at::MASTER);
        let cover = place.cover();
        let cover = Cover {
            digest: sha256(&cover),
            bytes: cover.len() as u64,
            mime: "image/png".into(),
            width: 1,
            height: 1,
        };
        all.add(manager, Fact::CoverSet { cover: Some(cover) });
        let key = sha256(&place.base.to_be_bytes());
        all.add(
            artist,
            Fact::KeyEnrolled {
                key,
                person: artist,
                public_key: "ssh-ed25519 AAAA".into(),
                proof: "proof".into(),
                vouched_by: None,
                vouch: String::new(),
            },
        );
        let receipt = Receipt { statement: "a statement\n".into(), signature: "a signature".into(), key };
        let kept = Fact::ReceiptKept { approval: ApprovalId(place.base + 55), sequence: 1, receipt };
        all.add(artist, kept);
        all.facts
    }

    /// The running order as this state has it, a note on it, and the record.
    fn record(&self, place: Place, state: State) -> Vec<(Option<PersonId>, Fact)> {
        let label = self.who(place, Label);
        let mut all = Steps { place, facts: Vec::new() };
        let songs: &[u128] = if state == State::Songs { &[1, 2, 3, 4, 5, 6, 7] } else { &[7] };
        let items = songs.iter().enumerate().map(|(nth, song)| item(place, nth, *song)).collect();
        // Set by somebody who is none of those who approve it.
        all.add(self.cast.second, Fact::SpacingSet { number: 1, items });
        let note = NoteId(place.base + at::SPACING_NOTE);
        let text = "Closer together.".to_owned();
        all.add(self.who(place, Mixer), Fact::SpacingNoted { note, number: 1, song: None, text });
        if matches!(state, State::Songs | State::Signed) {
            return all.facts;
        }
        let record = RecordId(place.base + at::RECORD);
        let files = main_file(place);
        let source = RecordSource {
            song: SongId(place.base + at::DELIVERED),
            version: VersionId(place.base + at::MASTER),
            fingerprint: fingerprint(&files),
        };
        all.add(
            self.cast.second,
            Fact::RecordQueued {
                record,
                number: 1,
                spacing: 1,
                sources: vec![source],
                profiles: vec![RecordProfile { name: "house".into(), toml: "x".into() }],
                loudest_track_lufs: None,
                medium: String::new(),
            },
        );
        if state == State::Making {
            return all.facts;
        }
        all.facts.push((None, Fact::RecordLeased { record, attempt: 1, engine: "test".into() }));
        let files = record_files(place);
        let signed = record_fingerprint(&files);
        all.facts
            .push((None, Fact::RecordMade { record, files, fingerprint: signed, report_json: "{}".into() }));
        if state == State::Approved {
            let approval = ApprovalId(place.base + 56);
            all.add(label, Fact::RecordApproved { approval, record, role: Role::Label, fingerprint: signed });
        }
        all.facts
    }
}

/// By which the guest comes into each of the own projects.
const LINK: LinkId = LinkId(0x11_4E);

async fn guest(house: &House) -> Seat {
    let people = &house.studio.people;
    let guest = PersonId(uuid::Uuid::now_v7().as_u128());
    let keep = KeepLink {
        link: LINK,
        guest,
        recipient: "Dana Holt".into(),
        project: ProjectId(ABSENT),
        by: PersonId(1),
        expires_ms: 2_000_000_000_000,
        sessions_max: 100,
        phc: None,
    };
    let secret = people.keep_link(keep).await.expect("a link");
    let place = people.link_of(secret.reveal(), None).await.expect("its secret leads to it");
    let open = OpenLink { place, password: "", device: "a browser", address: None };
    let opened = people.open_link(open).await.expect("a session");
    let mut seat = house.stranger().await;
    (seat.token, seat.id) = (opened.token.reveal().to_owned(), guest);
    seat
}

pub fn record_files(place: Place) -> Vec<RecordFile> {
    let track = place.track();
    vec![RecordFile {
        profile: "house".into(),
        folder: "house".into(),
        name: "01_Delivered.wav".into(),
        digest: sha256(&track),
        bytes: track.len() as u64,
        kind: "track".into(),
        sample_rate_hz: 48_000,
        bits: 24,
        frames: 48_000,
        exact: true,
        integrated_lufs: Some(-14.0),
        true_peak_dbtp: Some(-1.0),
        over_full_scale: Some(0),
    }]
}

pub fn audio(place: Place) -> deadwax_domain::AudioFacts {
    facts(place.master().len() as u64)
}

pub fn main_file(place: Place) -> Vec<File> {
    let digest: Digest = sha256(&place.master());
    vec![File { alternate: Alternate::Main, digest, name: "a.wav".into(), facts: audio(place) }]
}

fn item(place: Place, nth: usize, song: u128) -> SpacingItem {
    SpacingItem {
        song: SongId(place.base + song),
        gap_ms: if nth == 0 { 0 } else { 500 },
        crossfade_ms: 0,
        fade_in_ms: 0,
        fade_out_ms: 0,
        shape: FadeShape::EqualPower,
        gain_cb: 0,
        trim_in_ms: 0,
        trim_out_ms: 0,
        hidden: false,
        begins_side: false,
    }
}

/// Facts in the order in which they happened.
struct Steps {
    place: Place,
    facts: Vec<(Option<PersonId>, Fact)>,
}

impl Steps {
    fn add(&mut self, by: PersonId, fact: Fact) {
        self.facts.push((Some(by), fact));
    }

    fn song(&mut self, song: u128, title: &str) {
        let song = SongId(self.place.base + song);
        self.facts.push((None, Fact::SongAdded { song, title: title.into(), isrc: String::new() }));
    }

    fn left(&mut self, song: u128, from: Stage, to: Stage, version: u128) {
        let (song, version) = (SongId(self.place.base + song), VersionId(self.place.base + version));
        self.facts.push((None, Fact::StageLeft { song, from, to, version }));
    }

    fn version(
        &mut self,
        by: PersonId,
        (version, song, kind, number): (u128, u128, VersionKind, u32),
        line: Option<deadwax_domain::Line>,
    ) {
        let files = main_file(self.place);
        let fact = Fact::VersionAdded {
            version: VersionId(self.place.base + version),
            song: SongId(self.place.base + song),
            kind,
            number,
            title: String::new(),
            changelog: String::new(),
            fingerprint: fingerprint(&files),
            files,
            render: None,
            line,
        };
        self.add(by, fact);
    }

    fn note(&mut self, by: PersonId, note: u128, role: Role, internal: bool) {
        let fact = Fact::NoteAdded {
            note: NoteId(self.place.base + note),
            song: SongId(self.place.base + at::MIXING),
            version: VersionId(self.place.base + at::MIX_1),
            alternate: None,
            parent: None,
            span: None,
            role,
            text: "The bridge is too loud.".into(),
            internal,
            addressee: None,
            checklist: vec!["level".into()],
        };
        self.add(by, fact);
    }

    fn signatures(&mut self, producer: PersonId, label: PersonId) {
        let base = self.place.base;
        let (song, version) = (SongId(base + at::WAITING), VersionId(base + at::MIX_WAITING));
        let fingerprint = fingerprint(&main_file(self.place));
        let approval = ApprovalId(base + at::APPROVAL);
        self.add(producer, Fact::Approved { approval, song, version, role: Role::Producer, fingerprint });
        let approval = ApprovalId(base + at::HOLD);
        let reason = "The vocals.".to_owned();
        self.add(label, Fact::HoldPlaced { approval, song, role: Role::Label, reason });
    }

    fn shootout(&mut self, first: PersonId, second: PersonId) {
        use deadwax_domain::Line;
        let song = SongId(self.place.base + at::COMPETING);
        let shootout = ShootoutId(self.place.base + at::SHOOTOUT);
        let opened = Fact::ShootoutOpened { shootout, song, entrants: vec![first, second], blind: true };
        self.facts.push((None, opened));
        self.version(first, (at::MIX_A, at::COMPETING, VersionKind::Mix, 1), Some(Line(1)));
        self.version(second, (at::MIX_B, at::COMPETING, VersionKind::Mix, 1), Some(Line(2)));
    }

    /// One song whose handoff waits, and one that is rendered.
    fn mastering(&mut self, masterer: PersonId) {
        let place = self.place;
        let (mixer, base) = (masterer, place.base);
        self.version(mixer, (at::MIX_MASTERING, at::MASTERING, VersionKind::Mix, 1), None);
        self.left(at::MASTERING, Stage::Mixing, Stage::Mastering, at::MIX_MASTERING);
        let (song, version) = (SongId(base + at::MASTERING), VersionId(base + at::MIX_MASTERING));
        self.facts.push((None, Fact::HandoffMade { song, version }));
        let package = place.package();
        let (digest, bytes) = (sha256(&package), package.len() as u64);
        self.facts.push((None, Fact::PackageMade { song, version, digest, name: "p.zip".into(), bytes }));
        self.version(mixer, (at::MIX_RENDERING, at::RENDERING, VersionKind::Mix, 1), None);
        self.left(at::RENDERING, Stage::Mixing, Stage::Mastering, at::MIX_RENDERING);
        let (song, version) = (SongId(base + at::RENDERING), VersionId(base + at::MIX_RENDERING));
        self.facts.push((None, Fact::HandoffMade { song, version }));
        // Packed already, as the other: nothing moves by itself.
        let name = "q.zip".to_owned();
        self.facts.push((None, Fact::PackageMade { song, version, digest, name, bytes }));
        let queued =
            |render| Fact::RenderQueued { render: RenderId(base + render), song, version, recipe: None };
        self.add(masterer, queued(at::SHEET));
        self.facts.push((
            None,
            Fact::RenderCompleted {
                render: RenderId(base + at::SHEET),
                version,
                report_json: "{}".into(),
                sheet: Some(sha256(&place.sheet())),
            },
        ));
        self.add(masterer, queued(at::RENDER));
    }
}
