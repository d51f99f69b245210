//! The truth table of an approval: every set of roles that a gate may ask, every set of roles that somebody may hold, every role in which they may speak, of their
//! own upload and of somebody else's. Never by the uploader alone where the gate forbids it. Never here: what else a gate asks.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use deadwax_domain::{
    Actor, Alternate, ApprovalId, AudioFacts, Command, Digest, Event, Fact, File, GateRule, Need, PersonId,
    Project, ProjectId, Reason, Role, Roles, SongId, Stage, Time, VersionId, VersionKind, decide,
    fingerprint,
};

const ROLES: [Role; 7] = [
    Role::Artist,
    Role::Producer,
    Role::MixEngineer,
    Role::MasteringEngineer,
    Role::Label,
    Role::Manager,
    Role::Listener,
];
const SIGNER: PersonId = PersonId(1);
const UPLOADER: PersonId = PersonId(2);
const SONG: SongId = SongId(10);
const MIX: VersionId = VersionId(11);

/// The set that these bits name.
fn set(bits: u32) -> Roles {
    (0..).zip(ROLES).filter(|(nth, _)| bits & (1 << nth) != 0).map(|(_, role)| role).collect()
}

fn files() -> Vec<File> {
    let facts = AudioFacts {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate_hz: 48_000,
        channels: 2,
        bits: 24,
        float: false,
        frames: 4_800_000,
        bytes: 28_800_044,
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
    };
    vec![File { alternate: Alternate::Main, digest: Digest([1; 32]), name: "a.wav".into(), facts }]
}

/// A song in mixing, with a mix of `uploader`'s and a gate that asks for `count` approvals in one of the roles.
fn project(members: &[(PersonId, Roles)], uploader: PersonId, rule: GateRule) -> Project {
    let mut project = Project::named(ProjectId(1));
    let mut facts = vec![Fact::ProjectCreated { title: "Dust".into(), artist: "Lena".into() }];
    facts.extend(
        members.iter().map(|(person, roles)| Fact::MemberAdded { person: *person, roles: roles.clone() }),
    );
    facts.push(Fact::SongAdded { song: SONG, title: "Ember".into(), isrc: String::new() });
    facts.push(Fact::GateSet { rule });
    let (from, to) = (Stage::Recording, Stage::Mixing);
    facts.push(Fact::StageLeft { song: SONG, from, to, version: VersionId(9) });
    let files = files();
    facts.push(Fact::VersionAdded {
        version: MIX,
        song: SONG,
        kind: VersionKind::Mix,
        number: 1,
        title: String::new(),
        changelog: String::new(),
        fingerprint: fingerprint(&files),
        files,
        render: None,
        line: None,
    });
    for fact in facts {
        project.apply(&Event { at: Time(1), by: Some(uploader), fact });
    }
    project
}

fn rule(any_of: Roles, count: u32, self_approval: Option<bool>) -> GateRule {
    let preflight_ignored = true;
    GateRule {
        self_approval,
        preflight_ignored,
        ..GateRule::new(Stage::Mixing, vec![Need { any_of, count }])
    }
}

fn approve(project: &Project, who: PersonId, role: Role, nth: u128) -> Result<Vec<Event>, Reason> {
    let actor = Actor::Person { id: who, studio_owner: false };
    let fingerprint = fingerprint(&files());
    let command = Command::Approve { approval: ApprovalId(100 + nth), version: MIX, role, fingerprint };
    decide(project, &actor, &command, Time(2)).map_err(|no| no.reason)
}

fn opens(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.fact, Fact::StageLeft { from: Stage::Mixing, .. }))
}

/// What should come of it.
fn expected(asked: &Roles, held: &Roles, role: Role, own_and_forbidden: bool) -> Result<(), Reason> {
    if role == Role::Listener || !held.contains(&role) {
        return Err(Reason::NotYourRole);
    }
    if !asked.contains(&role) {
        return Err(Reason::NotAskedByGate);
    }
    if own_and_forbidden { Err(Reason::SelfApproval) } else { Ok(()) }
}

#[test]
fn an_approval_counts_by_role_and_never_of_ones_own_where_that_is_forbidden() {
    let full = std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|form| form == "full");
    // A gate asks no listener. In the short form: each role alone, each two, and all.
    let asked = (1_u32..64).filter(|bits| full || matches!(bits.count_ones(), 1 | 2 | 6));
    let (mut cells, mut wrong) = (0_u32, Vec::new());
    for asked in asked.map(set) {
        for held in (1..128).map(set) {
            for (own, allowed) in
                [(false, None), (false, Some(false)), (true, None), (true, Some(false)), (true, Some(true))]
            {
                let uploader = if own { SIGNER } else { UPLOADER };
                let members = [(SIGNER, held.clone()), (UPLOADER, set(4))];
                let project = project(&members, uploader, rule(asked.clone(), 1, allowed));
                for role in ROLES {
                    cells += 1;
                    let answer = approve(&project, SIGNER, role, 0);
                    let should = expected(&asked, &held, role, own && allowed != Some(true));
                    let found = answer.as_ref().map(|_| ()).map_err(|reason| *reason);
                    let opened = answer.as_deref().is_ok_and(opens);
                    if found != should || opened != should.is_ok() {
                        wrong.push(format!(
                            "asked {asked:?}, held {held:?}, as {role}, own {own}, {allowed:?}: {found:?}"
                        ));
                    }
                }
            }
        }
    }
    let word = if wrong.is_empty() { "held" } else { "missed" };
    println!(
        "#gate ROLES {word} {cells} approvals by role sets and uploader, {} otherwise than the table",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two have to approve; of three people one uploaded it. Whoever tries in whatever order: it takes the two others.
#[test]
fn the_uploader_is_none_of_those_who_have_to_approve() {
    let third = PersonId(3);
    let people = [SIGNER, UPLOADER, third];
    let members = people.map(|person| (person, set(1 << 1)));
    let start = project(&members, UPLOADER, rule(set(1 << 1), 2, Some(false)));
    let mut orders = 0;
    for first in people {
        for second in people {
            for last in people {
                orders += 1;
                let (mut now, mut others, mut open) = (start.clone(), Vec::new(), false);
                for (nth, who) in (0..).zip([first, second, last]) {
                    let answer = approve(&now, who, Role::Producer, nth);
                    if let Ok(events) = &answer {
                        events.iter().for_each(|event| now.apply(event));
                        open |= opens(events);
                    }
                    if who == UPLOADER {
                        assert!(answer.is_err(), "the uploader approved");
                    } else if !others.contains(&who) && !open {
                        assert!(answer.is_ok(), "{answer:?}");
                        others.push(who);
                    } else if !others.contains(&who) {
                        others.push(who);
                    }
                    assert_eq!(open, others.len() == 2, "{first:?} {second:?} {last:?}");
                }
            }
        }
    }
    println!(
        "#gate ROLES held {orders} orders of three people at a gate for two, never opened by the uploader"
    );
}
