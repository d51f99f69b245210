//! What happens next: any command by anybody, or something that the state asks for, without which random walks would never get far. Never here: what must hold.

use deadwax_domain::*;
use proptest::{prelude::*, sample::select};

use crate::{
    commands::{PEOPLE, command, digest, facts, role},
    records,
};

#[derive(Clone, Debug)]
pub enum Step {
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
    /// The house examines a version that waits for it.
    Examine {
        pick: usize,
        same: Sameness,
        block: bool,
        verdict: Verdict,
    },
    /// Someone opens a shootout, enters a mix, votes or picks.
    Pick {
        who: u128,
        pick: usize,
        role: Role,
    },
    /// Someone does something about a note that is there.
    Answer {
        who: u128,
        pick: usize,
    },
    /// The worker packs a handoff, or notices a date.
    Keep {
        pick: usize,
        stage: Stage,
    },
    /// Somebody signs a version, the spacing or a record with a key, most times truly; who has none enrols one.
    Sign {
        who: u128,
        pick: usize,
        role: Role,
        spoil: usize,
    },
    /// The next thing on the way to a record that is delivered.
    Press {
        who: u128,
        pick: usize,
        role: Role,
    },
    /// The worker does the next thing to a render that is there.
    Worker {
        pick: usize,
        what: u8,
        digest: Digest,
    },
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        11 => (0..PEOPLE, any::<bool>(), command()).prop_map(|(who, owner, command)| Step::Any(who, owner, Box::new(command))),
        12 => (0..PEOPLE, any::<usize>(), prop_oneof![role(), select(vec![Role::Artist, Role::Label])], prop::bool::weighted(0.9))
            .prop_map(|(who, pick, role, true_fingerprint)| Step::Approve { who, pick, role, true_fingerprint }),
        2 => (0..PEOPLE, 0..2u128, digest()).prop_map(|(who, song, digest)| Step::Upload { who, song, digest }),
        6 => (any::<usize>(), select(vec![Sameness::Other, Sameness::Residual, Sameness::Pcm, Sameness::Metadata]), prop::bool::weighted(0.1), select(vec![Verdict::Unknown, Verdict::Changed, Verdict::Untouched]))
            .prop_map(|(pick, same, block, verdict)| Step::Examine { pick, same, block, verdict }),
        2 => (0..PEOPLE, any::<usize>(), role()).prop_map(|(who, pick, role)| Step::Pick { who, pick, role }),
        3 => (0..PEOPLE, any::<usize>()).prop_map(|(who, pick)| Step::Answer { who, pick }),
        1 => (any::<usize>(), select(Stage::ALL)).prop_map(|(pick, stage)| Step::Keep { pick, stage }),
        4 => (0..PEOPLE, any::<usize>(), role(), 0..60usize).prop_map(|(who, pick, role, spoil)| Step::Sign { who, pick, role, spoil }),
        4 => (0..4u128, any::<usize>(), prop_oneof![role(), Just(Role::Label)]).prop_map(|(who, pick, role)| Step::Press { who, pick, role }),
        4 => (any::<usize>(), 0..4u8, digest()).prop_map(|(pick, what, digest)| Step::Worker { pick, what, digest }),
    ]
}

pub fn command_of(step: &Step, project: &Project, count: u128) -> Option<(Actor, Command)> {
    match step {
        Step::Any(who, owner, command) => {
            let mut command = (**command).clone();
            if let Command::AddNote { version, .. }
            | Command::RequestRevision { version, .. }
            | Command::MoveNote { version, .. }
            | Command::RecordHeard { version, .. }
            | Command::SetSections { version, .. } = &mut command
            {
                // Mostly about something that is there.
                let place = usize::try_from(version.0).ok()? % (project.versions.len() + 1);
                *version = project.versions.keys().nth(place).unwrap_or(*version);
            }
            match &mut command {
                Command::AddSpacingNote { number, .. } if *number > 0 => {
                    *number = project.spacings.last().map_or(*number, |newest| newest.number);
                }
                Command::CloseSpacingNote { note, .. } => {
                    let place = usize::try_from(note.0).ok()? % (project.spacing_notes.len() + 1);
                    *note = project.spacing_notes.get(place).map_or(*note, |known| known.id);
                }
                Command::RevokeKey { key, .. } => {
                    let place = usize::from(key.0[0]) % (project.keys.len() + 1);
                    *key = project.keys.keys().nth(place).unwrap_or(*key);
                }
                _ => {}
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
        Step::Examine { pick, same, block, verdict } => examine(project, *pick, *same, *block, *verdict),
        Step::Pick { who, pick, role } => compete(project, *who, *pick, *role),
        Step::Answer { who, pick } => answer(project, *who, *pick),
        Step::Keep { pick, stage } => {
            let handoff = project.songs.get(SongId(*pick as u128 % 2))?.handoff.as_ref();
            let command = match handoff.filter(|_| pick % 4 < 3) {
                Some(handoff) => Command::RecordPackage {
                    song: SongId(*pick as u128 % 2),
                    version: handoff.version,
                    digest: Digest([7; 32]),
                    name: "p.zip".to_owned(),
                    bytes: 1,
                },
                None => Command::PassDeadline { stage: *stage },
            };
            Some((Actor::Worker, command))
        }
        Step::Sign { who, pick, role, spoil } => records::sign(project, (*who, *role), *pick, *spoil, count),
        Step::Press { who, pick, role } => records::press(project, (*who, *role), *pick, count),
        Step::Worker { pick, what, digest } => worker(project, *pick, *what, *digest, count),
    }
}

/// Everybody holds many roles, so that most commands get past the first question.
pub fn opening() -> Vec<(Actor, Command)> {
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
    let need = |role| Need { any_of: Roles::from([role]), count: 1 };
    let mut rule = GateRule::new(Stage::Mixing, vec![need(Role::Artist), need(Role::Label)]);
    rule.carry = Carry::SamePcm;
    story.push((owner, Command::SetGate { rule }));
    story
}

fn examine(
    project: &Project,
    pick: usize,
    same: Sameness,
    block: bool,
    verdict: Verdict,
) -> Option<(Actor, Command)> {
    let due = project.unexamined();
    let version = due.get(pick % due.len().max(1))?;
    let span = Span { start_ms: pick as u64, end_ms: None };
    let outcome = |note: &Note| NoteOutcome {
        note: note.id,
        verdict,
        text: "change found".to_owned(),
        place: note.span.map(|_| Placed { kind: PlaceKind::Moved, span }),
    };
    let found =
        Found { block, code: "ALT_X".to_owned(), text: "Something.".to_owned(), alternate: Alternate::Main };
    let examined = Examined {
        against: project.predecessor(version).map(|before| before.id),
        failed: pick.is_multiple_of(16).then(|| "It could not be read.".to_owned()),
        found: if block { vec![found] } else { Vec::new() },
        notes: project.notes_of(version.song).map(outcome).collect(),
        changes: vec!["The voice is louder.".to_owned()],
        same,
        residual_db: (same == Sameness::Residual).then_some(-70.0),
        stretches: if pick.is_multiple_of(3) { stretches(pick as u64) } else { Vec::new() },
    };
    Some((Actor::Worker, Command::RecordExamination { version: version.id, examined }))
}

/// Something was cut out, and something else came in; sometimes the two halves changed places.
fn stretches(pick: u64) -> Vec<Stretch> {
    let stretch = |was_ms, was_end_ms, is_ms| Stretch {
        was_ms,
        was_end_ms,
        is_ms,
        is_end_ms: is_ms + (was_end_ms - was_ms),
    };
    let (cut, end) = (pick % 20_000, 50_000 + pick % 50_000);
    match pick % 2 {
        0 => vec![stretch(cut, 50_000, 0), stretch(50_000, 100_000, 60_000)],
        _ => vec![stretch(0, 50_000, end), stretch(50_000, 100_000, 0)],
    }
}

fn compete(project: &Project, who: u128, pick: usize, role: Role) -> Option<(Actor, Command)> {
    let song = SongId(pick as u128 % 2);
    let actor = Actor::Person { id: PersonId(who), studio_owner: false };
    let Some(open) = project.open_shootout(song) else {
        let entrants = vec![PersonId(1), PersonId(2)];
        let (shootout, blind) = (ShootoutId(pick as u128), pick.is_multiple_of(3));
        return Some((actor, Command::OpenShootout { shootout, song, entrants, blind }));
    };
    let newest = |(line, _): &(Line, PersonId)| project.newest_of_line(song, *line);
    let ranking: Vec<VersionId> = open.lines.iter().filter_map(newest).map(|version| version.id).collect();
    if pick % 4 < 2 {
        let reason = String::new();
        return Some((
            actor,
            Command::CastVote { song, role, ranking, blind: true, matched_lufs: -20.0, reason },
        ));
    }
    let version = open.lines.iter().filter_map(newest).nth(pick / 4 % ranking.len().max(1))?;
    let fingerprint = version.fingerprint;
    Some((actor, Command::PickMix { song, version: version.id, role, fingerprint, reason: String::new() }))
}

fn answer(project: &Project, who: u128, pick: usize) -> Option<(Actor, Command)> {
    let note = project.notes.values().nth(pick % project.notes.len().max(1))?;
    let newest = project.versions_of(note.song).next_back()?;
    let (id, version) = (note.id, newest.id);
    let span = Span { start_ms: (pick % 120_000) as u64, end_ms: None };
    let command = match pick / 7 % 4 {
        0 => Command::MoveNote { note: id, version, span },
        1 => Command::AddressNote { note: id, version },
        2 => Command::AcceptNote { note: id },
        _ => Command::ReopenNote { note: id, reason: String::new() },
    };
    Some((Actor::Person { id: PersonId(who), studio_owner: false }, command))
}

fn worker(project: &Project, pick: usize, what: u8, digest: Digest, count: u128) -> Option<(Actor, Command)> {
    let render = project.renders.values().nth(pick % project.renders.len().max(1))?;
    let attempt = render.attempt;
    let file = File {
        alternate: Alternate::Main,
        digest,
        name: "m.wav".to_owned(),
        facts: facts(48_000, 4_800_000),
    };
    let command = match what {
        0 if pick.is_multiple_of(7) => Command::GiveBackRender { render: render.id, attempt },
        0 | 1 => {
            let recipe = Recipe { toml: "r".to_owned(), hash: digest };
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
