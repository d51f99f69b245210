//! P-1 to P-6 hold after every step of any sequence of commands, sensible or not, by anybody.
//! Ids come from a small pool, so that commands meet each other's objects, and so that nonsense ids are as frequent as good ones.

use std::collections::BTreeMap;

use deadwax_domain::*;
use proptest::{collection::vec, prelude::*, sample::select};

const PEOPLE: u128 = 6;

fn facts(rate: u32, frames: u64) -> AudioFacts {
    AudioFacts {
        container: "wav".to_owned(),
        codec: "pcm".to_owned(),
        sample_rate_hz: rate,
        channels: 2,
        bits: 24,
        float: false,
        frames,
        bytes: 1,
        integrated_lufs: -18.0,
        loudness_range_lu: 6.0,
        max_momentary_lufs: -12.0,
        max_short_term_lufs: -14.0,
        true_peak_dbtp: -4.0,
        sample_peak_dbfs: -4.2,
        dc_offset: 0.0,
        correlation: 0.7,
        head_silence_s: 1.0,
        tail_silence_s: 2.0,
        clipped_samples: 0,
        remarks: Vec::new(),
    }
}

fn id() -> impl Strategy<Value = u128> {
    0..4u128
}
fn role() -> impl Strategy<Value = Role> {
    select(Role::ALL)
}
fn text() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just("fine".to_owned()), 1 => Just(String::new()), 1 => Just("\u{202e}x".to_owned()), 1 => ".{0,12}"]
}
fn digest() -> impl Strategy<Value = Digest> {
    (0..6u8).prop_map(|n| Digest([n; 32]))
}
fn alternate() -> impl Strategy<Value = Alternate> {
    prop_oneof![
        4 => Just(Alternate::Main),
        1 => Just(Alternate::Instrumental),
        1 => any::<i16>().prop_map(|n| Alternate::Step(Element::Vocal, TenthsDb(n))),
        1 => any::<u8>().prop_map(Alternate::Cut),
    ]
}
fn span() -> impl Strategy<Value = Option<Span>> {
    proptest::option::of(
        (any::<u16>(), proptest::option::of(any::<u64>()))
            .prop_map(|(start, end)| Span { start_ms: u64::from(start), end_ms: end }),
    )
}
fn files() -> impl Strategy<Value = Vec<(Alternate, Digest)>> {
    prop_oneof![
        3 => digest().prop_map(|digest| vec![(Alternate::Main, digest)]),
        1 => vec((alternate(), digest()), 0..4),
    ]
}
fn rule() -> impl Strategy<Value = GateRule> {
    let need = (vec(role(), 0..3), 0..3u32)
        .prop_map(|(any_of, count)| Need { any_of: any_of.into_iter().collect(), count });
    (select(Stage::ALL), vec(need, 0..3), vec(alternate(), 0..2), any::<bool>()).prop_map(
        |(stage, needs, required_alternates, open_notes_allowed)| GateRule {
            required_alternates,
            open_notes_allowed,
            ..GateRule::new(stage, needs)
        },
    )
}
fn recipe() -> impl Strategy<Value = Recipe> {
    digest().prop_map(|hash| Recipe { toml: "a = 1".to_owned(), hash })
}

fn house() -> impl Strategy<Value = Command> {
    let roles = || vec(role(), 0..4).prop_map(|roles| roles.into_iter().collect::<Roles>());
    let who = || (0..PEOPLE).prop_map(PersonId);
    prop_oneof![
        (text(), text()).prop_map(|(title, artist)| Command::CreateProject { title, artist }),
        (proptest::option::of(any::<u32>()), proptest::option::of(any::<bool>())).prop_map(
            |(rounds_included, self_approval)| Command::ChangeTerms {
                rounds_included,
                self_approval,
                corrections_free: None,
                cut_off: None
            }
        ),
        (who(), roles()).prop_map(|(person, roles)| Command::AddMember { person, roles }),
        (who(), roles()).prop_map(|(person, roles)| Command::ChangeRoles { person, roles }),
        who().prop_map(|person| Command::RemoveMember { person }),
        (id(), text()).prop_map(|(id, title)| Command::AddSong {
            song: SongId(id),
            title,
            isrc: String::new()
        }),
        (id(), text()).prop_map(|(id, isrc)| Command::EditSong {
            song: SongId(id),
            title: None,
            isrc: Some(isrc)
        }),
        rule().prop_map(|rule| Command::SetGate { rule }),
    ]
}

fn audio() -> impl Strategy<Value = Command> {
    let file = |(alternate, digest)| NewFile { alternate, digest, name: "a.wav".to_owned() };
    prop_oneof![
        1 => (digest(), any::<u32>(), any::<u64>()).prop_map(|(digest, rate, frames)| Command::ReceiveFile {
            file: ReceivedFile { digest, name: "a.wav".to_owned(), facts: facts(rate, frames) }
        }),
        3 => digest().prop_map(|digest| Command::ReceiveFile {
            file: ReceivedFile { digest, name: "a.wav".to_owned(), facts: facts(48_000, 4_800_000) }
        }),
        4 => (id(), id(), select(VersionKind::ALL), files()).prop_map(move |(version, song, kind, files)| {
            Command::AddVersion {
                version: VersionId(version + 10 * (kind as u128)),
                song: SongId(song % 2),
                kind,
                title: String::new(),
                changelog: String::new(),
                files: files.into_iter().map(file).collect(),
            }
        }),
    ]
}

fn version() -> impl Strategy<Value = VersionId> {
    (0..3u128, 0..4u128).prop_map(|(kind, id)| VersionId(kind * 10 + id))
}

fn talk() -> impl Strategy<Value = Command> {
    let note = || id().prop_map(NoteId);
    prop_oneof![
        (note(), version(), proptest::option::of(note()), span(), text(), any::<bool>(), vec(text(), 0..2))
            .prop_map(|(note, version, parent, span, text, internal, checklist)| Command::AddNote {
                note,
                version,
                alternate: None,
                parent,
                span,
                text,
                internal,
                addressee: None,
                checklist,
            }),
        (note(), version()).prop_map(|(note, version)| Command::AddressNote { note, version }),
        note().prop_map(|note| Command::AcceptNote { note }),
        (note(), text()).prop_map(|(note, reason)| Command::ReopenNote { note, reason }),
        (note(), text()).prop_map(|(note, reason)| Command::DeclineNote { note, reason }),
        (note(), any::<u32>(), any::<bool>()).prop_map(|(note, item, done)| Command::TickChecklist {
            note,
            item: item % 3,
            done
        }),
        (id(), version(), role(), vec(note(), 0..3)).prop_map(|(id, version, role, notes)| {
            Command::RequestRevision {
                request: RequestId(id),
                version,
                role,
                message: String::new(),
                notes,
                kind: RevisionKind::Change,
                beyond_terms: true,
            }
        }),
    ]
}

fn work() -> impl Strategy<Value = Command> {
    let song = || id().prop_map(|id| SongId(id % 2));
    let render = || id().prop_map(RenderId);
    prop_oneof![
        1 => (song(), role(), text()).prop_map(|(song, role, reason)| Command::Hold {
            approval: ApprovalId(song.0 + 90), song, role, reason
        }),
        4 => (0..2u128).prop_map(|id| Command::LiftHold { approval: ApprovalId(id + 90) }),
        2 => any::<u8>().prop_map(|id| Command::WithdrawApproval { approval: ApprovalId(u128::from(id)) }),
        1 => song().prop_map(|song| Command::AcceptHandoff { song }),
        2 => (song(), text()).prop_map(|(song, reason)| Command::ReturnHandoff { song, reason, items: Vec::new() }),
        1 => (proptest::option::of(song()), proptest::option::of(recipe()))
            .prop_map(|(song, recipe)| Command::SetRecipe { song, recipe, why: "w".to_owned() }),
        1 => (render(), song()).prop_map(|(render, song)| Command::StartRender { render, song, recipe: None }),
        1 => render().prop_map(|render| Command::CancelRender { render }),
        4 => (id(), song()).prop_map(|(id, song)| Command::MakeDelivery {
            delivery: DeliveryId(id), song, manifest_json: String::new()
        }),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Any(u128, bool, Box<Command>),
    /// Someone approves something that is there: blind guesses would never meet a gate.
    Approve {
        who: u128,
        pick: usize,
        role: Role,
        true_fingerprint: bool,
    },
    /// Someone uploads what the song's stage asks for.
    Upload {
        who: u128,
        song: u128,
        digest: Digest,
    },
    /// The worker does the next thing to a render that is there.
    Worker {
        pick: usize,
        what: u8,
        digest: Digest,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let command = prop_oneof![1 => house(), 2 => audio(), 4 => talk(), 5 => work()];
    prop_oneof![
        6 => (0..PEOPLE, any::<bool>(), command).prop_map(|(who, owner, command)| Step::Any(who, owner, Box::new(command))),
        12 => (0..PEOPLE, any::<usize>(), prop_oneof![role(), select(vec![Role::Artist, Role::Label])], prop::bool::weighted(0.9))
            .prop_map(|(who, pick, role, true_fingerprint)| Step::Approve { who, pick, role, true_fingerprint }),
        2 => (0..PEOPLE, 0..2u128, digest()).prop_map(|(who, song, digest)| Step::Upload { who, song, digest }),
        4 => (any::<usize>(), 0..4u8, digest()).prop_map(|(pick, what, digest)| Step::Worker { pick, what, digest }),
    ]
}

fn command_of(step: &Step, project: &Project, count: u128) -> Option<(Actor, Command)> {
    match step {
        Step::Any(who, owner, command) => {
            let mut command = (**command).clone();
            if let Command::AddNote { version, .. } | Command::RequestRevision { version, .. } = &mut command
            {
                // Mostly about something that is there.
                let place = usize::try_from(version.0).ok()? % (project.versions.len() + 1);
                *version = project.versions.keys().nth(place).unwrap_or(*version);
            }
            Some((Actor::Person { id: PersonId(*who), studio_owner: *owner }, command))
        }
        Step::Approve { who, pick, role, true_fingerprint } => {
            let candidate = project.candidate(SongId(*pick as u128 % 2));
            let any = project.versions.values().nth(pick % project.versions.len().max(1));
            let version = if pick % 8 < 6 { candidate } else { any }?;
            let fingerprint = if *true_fingerprint { version.fingerprint } else { Digest([9; 32]) };
            let approval = ApprovalId(1000 + count);
            let actor = Actor::Person { id: PersonId(*who), studio_owner: false };
            Some((actor, Command::Approve { approval, version: version.id, role: *role, fingerprint }))
        }
        Step::Upload { who, song, digest } => {
            let kind = project.songs.get(SongId(*song))?.stage.kind()?;
            let actor = Actor::Person { id: PersonId(*who), studio_owner: false };
            let file = NewFile { alternate: Alternate::Main, digest: *digest, name: "u.wav".to_owned() };
            let command = Command::AddVersion {
                version: VersionId(700 + count),
                song: SongId(*song),
                kind,
                title: String::new(),
                changelog: String::new(),
                files: vec![file],
            };
            Some((actor, command))
        }
        Step::Worker { pick, what, digest } => {
            let render = project.renders.values().nth(pick % project.renders.len().max(1))?;
            let attempt = render.attempt;
            let file = File {
                alternate: Alternate::Main,
                digest: *digest,
                name: "m.wav".to_owned(),
                facts: facts(48_000, 4_800_000),
            };
            let command = match what {
                0 | 1 => {
                    let recipe = Recipe { toml: "r".to_owned(), hash: *digest };
                    Command::LeaseRender { render: render.id, engine: "e".to_owned(), recipe }
                }
                2 => Command::FailRender { render: render.id, attempt, reason: "r".to_owned(), retry: true },
                _ => Command::CompleteRender {
                    render: render.id,
                    attempt,
                    version: VersionId(500 + count),
                    files: vec![file],
                    report_json: String::new(),
                    sheet: None,
                },
            };
            Some((Actor::Worker, command))
        }
    }
}

/// Everybody holds many roles, so that most commands get past the first question.
fn opening() -> Vec<(Actor, Command)> {
    let owner = Actor::Person { id: PersonId(0), studio_owner: true };
    let all: Roles = Role::ALL.iter().copied().collect();
    let mut story = vec![
        (owner, Command::CreateProject { title: "P".to_owned(), artist: "A".to_owned() }),
        (owner, Command::ChangeRoles { person: PersonId(0), roles: all.clone() }),
    ];
    for person in 1..4 {
        story.push((owner, Command::AddMember { person: PersonId(person), roles: all.clone() }));
    }
    for number in 0..6 {
        let facts = facts(48_000, 4_800_000);
        let file = ReceivedFile { digest: Digest([number; 32]), name: "a.wav".to_owned(), facts };
        story.push((owner, Command::ReceiveFile { file }));
    }
    for song in 0..2 {
        let title = format!("Song {song}");
        story.push((owner, Command::AddSong { song: SongId(song), title, isrc: String::new() }));
    }
    story
}

fn check_state(project: &Project) {
    for song in project.songs_in_order() {
        // P-1: numbers of a kind have no gaps.
        let mut numbers: BTreeMap<VersionKind, u32> = BTreeMap::new();
        for version in project.versions_of(song.id) {
            let last = numbers.entry(version.kind).or_default();
            *last += 1;
            assert_eq!(version.number, *last, "P-1");
            assert_eq!(version.fingerprint, fingerprint(&version.files), "P-2");
        }
        // P-2, P-4: what counts names the candidate of its stage and its exact files, and is nobody's own upload.
        for (approval, state) in project.approvals_of(song.id) {
            if state != ApprovalState::Counts {
                continue;
            }
            let Says::Yes { version, fingerprint } = &approval.says else {
                panic!("a hold counts as approval")
            };
            let version = project.versions.get(*version).expect("approved versions exist");
            assert_eq!(version.fingerprint, *fingerprint, "P-2");
            assert!(!project.is_superseded(version), "P-4");
            assert!(project.terms.self_approval || version.by != Some(approval.person));
        }
        for delivery in project.deliveries_of(song.id) {
            assert_eq!(fingerprint(&delivery.files), delivery.fingerprint, "P-5");
            let version = project.versions.get(delivery.version).expect("delivered versions exist");
            assert_eq!(version.files, delivery.files, "P-5");
            let signed = |approval: &Approval| matches!(&approval.says, Says::Yes { fingerprint, .. } if *fingerprint == delivery.fingerprint);
            assert!(project.approvals.values().any(signed), "P-5: nobody signed what was delivered");
        }
        assert!(project.renders_of(song.id).filter(|render| render.is_alive()).count() <= 1);
        if song.stage != Stage::Mastering {
            assert!(project.renders_of(song.id).all(|render| !render.is_alive()));
        }
    }
    if project.exists {
        assert!(project.holders(Role::Manager).next().is_some(), "a project keeps a manager");
    }
}

/// P-3: a stage is left only where a dry run just before said that the gate is met.
fn check_stages(before: &Project, events: &[Event]) {
    let mut project = before.clone();
    for event in events {
        if let Fact::StageLeft { song, from, to, version } = &event.fact {
            let report = gate::report(&project, *song).expect("a stage that was left has a gate");
            assert!(report.met, "P-3: {report:?}");
            assert_eq!((report.stage, report.candidate), (*from, Some(*version)), "P-3");
            assert_eq!(from.next(), Some(*to), "P-3");
        }
        let stages: Vec<_> = project.songs_in_order().map(|song| (song.id, song.stage)).collect();
        project.apply(event);
        for (song, stage) in stages {
            let now = project.songs.get(song).expect("songs stay").stage;
            let moved = matches!(event.fact, Fact::StageLeft { .. } | Fact::HandoffReturned { .. });
            assert!(now == stage || moved, "P-3");
        }
    }
    for song in project.songs_in_order() {
        let met = gate::report(&project, song.id).is_some_and(|report| report.met);
        assert!(!met, "a met gate never waits");
    }
}

fn check_immutable(before: &Project, after: &Project) {
    for version in before.versions.values() {
        assert_eq!(after.versions.get(version.id), Some(version), "P-1: a version is immutable");
    }
    for delivery in before.deliveries.values() {
        assert_eq!(after.deliveries.get(delivery.id), Some(delivery), "P-5");
    }
}

fn run(steps: &[Step]) -> (Project, Vec<Event>) {
    let mut project = Project::default();
    let mut stream = Vec::new();
    let mut perform = |project: &mut Project, actor: &Actor, command: &Command| {
        let Ok(events) = decide(project, actor, command, Time(1)) else { return };
        assert_eq!(check(project, actor, command), Ok(()), "dry and real agree");
        let before = project.clone();
        check_stages(&before, &events);
        project.apply_all(&events);
        check_immutable(&before, project);
        check_state(project);
        stream.extend(events);
    };
    for (actor, command) in opening() {
        perform(&mut project, &actor, &command);
    }
    for (count, step) in steps.iter().enumerate() {
        if let Some((actor, command)) = command_of(step, &project, count as u128) {
            perform(&mut project, &actor, &command);
        }
    }
    (project, stream)
}

/// Every question that a view asks, answered without a panic.
fn ask_everything(project: &Project) {
    waits(project);
    for who in 0..PEOPLE {
        let actor = Actor::Person { id: PersonId(who), studio_owner: false };
        dry::project_actions(project, &actor);
        project.members.keys().for_each(|id| drop(dry::member_actions(project, &actor, id)));
        project.songs.keys().for_each(|id| drop(dry::song_actions(project, &actor, id)));
        project.versions.keys().for_each(|id| drop(dry::version_actions(project, &actor, id)));
        project.notes.keys().for_each(|id| drop(dry::note_actions(project, &actor, id)));
        project.renders.keys().for_each(|id| drop(dry::render_actions(project, &actor, id)));
    }
    project.versions.values().for_each(|version| drop(preflight::findings(project, version)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p1_to_p6_hold_after_every_step(steps in vec(step(), 1..150)) {
        let (project, stream) = run(&steps);
        prop_assert_eq!(&Project::of(&stream), &project, "the fold of the stream is the state");
        ask_everything(&project);
        for event in &stream {
            let said = sentence(&project, event, &|_| "Somebody".to_owned());
            prop_assert!(said.text.ends_with('.'), "{:?}", said);
        }
    }

    /// P-6: facts in any order, with any missing, never panic and never break P-1.
    #[test]
    fn p6_apply_is_total(steps in vec(step(), 1..80), picks in vec(any::<usize>(), 1..200)) {
        let (_, stream) = run(&steps);
        let mut project = Project::default();
        for pick in picks {
            project.apply(&stream[pick % stream.len()]);
        }
        ask_everything(&project);
        for song in project.songs_in_order() {
            let mixes = project.versions_of(song.id).filter(|version| version.kind == VersionKind::Mix);
            for (at, mix) in mixes.enumerate() {
                prop_assert_eq!(mix.number as usize, at + 1);
            }
        }
    }
}

/// The random walk is worth something only if it gets far: among these sequences some reach a delivery.
#[test]
fn random_sequences_reach_every_stage() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..150 {
        let steps = vec(step(), 150).new_tree(&mut runner).expect("steps can be made").current();
        let (_, stream) = run(&steps);
        for event in &stream {
            *reached.entry(sentence::code(&event.fact)).or_default() += 1;
        }
    }
    for code in ["STAGE_LEFT", "HANDOFF_MADE", "HANDOFF_RETURNED", "RENDER_COMPLETED", "DELIVERY_MADE"] {
        assert!(reached.contains_key(code), "{code} was never reached: {reached:?}");
    }
}
