//! Examinations, and what they let pass: the carry rule (P-4) by somebody who tries to smuggle a signature along.

use super::*;
use crate::{ApprovalState, GateLine, Need, PersonId, Role, Roles, gate, testing::*};

const MAIN: Alternate = Alternate::Main;

/// The artist and the label sign at the gate of mixing, with this carry rule.
fn carry(carry: Carry) -> Command {
    let need = |role| Need { any_of: Roles::from([role]), count: 1 };
    let needs = vec![need(Role::Artist), need(Role::Label)];
    Command::SetGate { rule: GateRule { carry, ..GateRule::new(Stage::Mixing, needs) } }
}

fn asked(rule: Carry) -> Given {
    Given::mixed().and(person(OWNER), carry(rule))
}

fn mix(number: u8) -> Command {
    add_version(10 + u128::from(number) - 1, crate::VersionKind::Mix, &[(MAIN, number + 1)])
}

/// What comes of comparing a mix with the one before.
fn like(version: u128, same: Sameness, residual_db: Option<f64>) -> Command {
    let against = Some(VersionId(version - 1));
    let examined = Examined { against, same, residual_db, ..Examined::default() };
    Command::RecordExamination { version: VersionId(version), examined }
}

fn states(given: &Given, who: PersonId) -> Vec<ApprovalState> {
    let mixing = given.project.approvals_of(SONG).filter(|(approval, _)| approval.stage == Stage::Mixing);
    mixing.filter(|(approval, _)| approval.person == who).map(|(_, state)| state).collect()
}

fn line(given: &Given, code: &str) -> GateLine {
    let report = gate::report(&given.project, SONG).expect("a gate");
    report.lines.into_iter().find(|line| line.code == code).expect("the line is there")
}

/// The label signed Mix 1, and Mix 2 is there.
fn signed(rule: Carry) -> Given {
    asked(rule).approved(LABEL, 10, Role::Label).and_unexamined(person(MIXER), &mix(2))
}

#[test]
fn p4_each_carry_rule_lets_pass_what_it_says_and_no_more() {
    let residual = |below_db| Carry::Residual { below_db };
    let (other, left, pcm, metadata) =
        (Sameness::Other, Sameness::Residual, Sameness::Pcm, Sameness::Metadata);
    for (rule, same, residual_db, passes) in [
        (Carry::Never, metadata, None, false),
        (Carry::Metadata, metadata, None, true),
        (Carry::Metadata, pcm, None, false),
        (Carry::SamePcm, metadata, None, true),
        (Carry::SamePcm, pcm, None, true),
        (Carry::SamePcm, left, Some(-144.0), false),
        (residual(-60.0), pcm, None, true),
        (residual(-60.0), left, Some(-60.1), true),
        (residual(-60.0), left, Some(-60.0), false),
        (residual(-60.0), left, Some(f64::NAN), false),
        (residual(-60.0), left, None, false),
        (residual(-60.0), other, Some(-90.0), false),
    ] {
        let given = signed(rule);
        let then = given.when(Actor::Worker, like(11, same, residual_db));
        if passes {
            then.facts(&["VERSION_EXAMINED", "APPROVALS_CARRIED"]);
        } else {
            then.facts(&["VERSION_EXAMINED"]);
        }
    }
}

#[test]
fn p4_a_carried_approval_counts_until_the_sound_changes() {
    let given = signed(Carry::SamePcm);
    assert_eq!(states(&given, LABEL), [ApprovalState::Outdated]);
    let given = given.and(Actor::Worker, like(11, Sameness::Pcm, None));
    assert_eq!(states(&given, LABEL), [ApprovalState::Counts]);
    let why = &given.project.approvals_of(SONG).next().expect("one").0.carried[0].why;
    assert_eq!(why, "Mix 2 has the same samples as Mix 1.");
    given.when(person(LABEL), given.approve(11, Role::Label)).refused(Reason::AlreadyApproved);
    // Over two versions, and then no further.
    let third = given.and_unexamined(person(MIXER), &mix(3));
    let same = third.clone().and(Actor::Worker, like(12, Sameness::Metadata, None));
    assert_eq!(states(&same, LABEL), [ApprovalState::Counts]);
    same.when(person(ARTIST), same.approve(12, Role::Artist)).facts(&[
        "APPROVED",
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "RENDER_QUEUED",
    ]);
    let other = third.and(Actor::Worker, like(12, Sameness::Residual, Some(-70.0)));
    assert_eq!(states(&other, LABEL), [ApprovalState::Outdated]);
    // What carried over Mix 2 does not skip Mix 3.
    let fourth = other.and_unexamined(person(MIXER), &mix(4));
    let fourth = fourth.and(Actor::Worker, like(13, Sameness::Metadata, None));
    assert_eq!(states(&fourth, LABEL), [ApprovalState::Outdated]);
}

fn send_back(role: Role) -> Command {
    Command::RequestRevision {
        request: crate::RequestId(1),
        version: VersionId(10),
        role,
        message: String::new(),
        notes: vec![NoteId(7)],
        kind: crate::RevisionKind::Change,
        beyond_terms: false,
    }
}

/// Both signed Mix 1, and `who` sent it back all the same.
fn sent_back(who: PersonId, role: Role) -> Given {
    let given =
        asked(Carry::SamePcm).approved(LABEL, 10, Role::Label).and(person(ARTIST), add_note(7, 10, false));
    let given = given.and(person(who), send_back(role)).approved(ARTIST, 10, Role::Artist);
    given.and_unexamined(person(MIXER), &mix(2))
}

#[test]
fn p4_an_examination_that_brings_the_last_approval_opens_the_gate() {
    let given = sent_back(OWNER, Role::Manager);
    assert!(!line(&given, "EXAMINATION").met);
    given.when(Actor::Worker, like(11, Sameness::Pcm, None)).facts(&[
        "VERSION_EXAMINED",
        "APPROVALS_CARRIED",
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "RENDER_QUEUED",
    ]);
}

#[test]
fn p4_who_sent_the_mix_back_has_not_signed_the_next() {
    let given = sent_back(LABEL, Role::Label).and(Actor::Worker, like(11, Sameness::Metadata, None));
    assert_eq!(states(&given, LABEL), [ApprovalState::Outdated]);
    assert_eq!(states(&given, ARTIST), [ApprovalState::Counts]);
}

#[test]
fn p4_what_no_longer_spoke_does_not_carry() {
    let same = like(11, Sameness::Metadata, None);
    let plain = &["VERSION_EXAMINED"];
    // Withdrawn before the next mix.
    let given = asked(Carry::SamePcm).approved(LABEL, 10, Role::Label);
    let approval = given.project.approvals_of(SONG).next().expect("one").0.id;
    let withdrawn = given.and(person(LABEL), Command::WithdrawApproval { approval });
    withdrawn.and_unexamined(person(MIXER), &mix(2)).when(Actor::Worker, same.clone()).facts(plain);
    // The role went while the examination was awaited, and came back.
    let roles = |role| Command::ChangeRoles { person: LABEL, roles: Roles::from([role]) };
    let lost = signed(Carry::SamePcm).and_unexamined(person(OWNER), &roles(Role::Producer));
    lost.when(Actor::Worker, same.clone()).facts(plain);
    let back = lost.and_unexamined(person(OWNER), &roles(Role::Label));
    back.when(Actor::Worker, same.clone()).facts(plain);
    // Whoever signed Mix 1 made Mix 2.
    let both = Roles::from([Role::Label, Role::MixEngineer]);
    let maker = Command::ChangeRoles { person: LABEL, roles: both };
    let given = asked(Carry::SamePcm).and(person(OWNER), maker).approved(LABEL, 10, Role::Label);
    let own = given.and_unexamined(person(LABEL), &mix(2));
    own.when(Actor::Worker, same.clone()).facts(plain);
    // Compared with something else, or not at all, or in vain.
    let examined = |change: &dyn Fn(&mut Examined)| {
        let mut examined =
            Examined { against: Some(VersionId(10)), same: Sameness::Metadata, ..Examined::default() };
        change(&mut examined);
        Command::RecordExamination { version: VersionId(11), examined }
    };
    let given = signed(Carry::SamePcm);
    given.when(Actor::Worker, examined(&|one| one.against = Some(VersionId(1)))).facts(plain);
    given.when(Actor::Worker, examined(&|one| one.against = None)).facts(plain);
    given.when(Actor::Worker, examined(&|one| one.failed = Some("no".to_owned()))).facts(plain);
    given.when(Actor::Worker, examined(&|_| {})).facts(&["VERSION_EXAMINED", "APPROVALS_CARRIED"]);
    given.when(person(LABEL), same).refused(Reason::NotYourRole);
}

#[test]
fn p4_a_stricter_rule_takes_back_what_a_looser_one_carried() {
    let given = signed(Carry::SamePcm).and(Actor::Worker, like(11, Sameness::Pcm, None));
    assert_eq!(states(&given, LABEL), [ApprovalState::Counts]);
    for stricter in [Carry::Metadata, Carry::Never] {
        let strict = given.clone().and(person(OWNER), carry(stricter));
        assert_eq!(states(&strict, LABEL), [ApprovalState::Outdated], "{stricter:?}");
    }
    let looser = given.and(person(OWNER), carry(Carry::Residual { below_db: -60.0 }));
    assert_eq!(states(&looser, LABEL), [ApprovalState::Counts]);
}

#[test]
fn p4_a_looser_rule_carries_what_was_found_the_same_before() {
    let same = |given: Given, version| given.and(Actor::Worker, like(version, Sameness::Pcm, None));
    let given = same(signed(Carry::Never), 11).and_unexamined(person(MIXER), &mix(3));
    let given = same(given, 12);
    assert_eq!(states(&given, LABEL), [ApprovalState::Outdated]);
    given.when(person(OWNER), carry(Carry::Metadata)).facts(&["GATE_SET"]);
    let loose = carry(Carry::SamePcm);
    let carried = ["GATE_SET", "APPROVALS_CARRIED", "APPROVALS_CARRIED"];
    given.when(person(OWNER), loose.clone()).facts(&carried);
    let given = given.and(person(OWNER), loose);
    assert_eq!(states(&given, LABEL), [ApprovalState::Counts]);
    // Not through a mix that was other, and not twice.
    let given = given.and(person(OWNER), carry(Carry::Never));
    given.when(person(OWNER), carry(Carry::SamePcm)).facts(&["GATE_SET"]);
    let other = signed(Carry::Never).and(Actor::Worker, like(11, Sameness::Other, None));
    let other = same(other.and_unexamined(person(MIXER), &mix(3)), 12);
    other.when(person(OWNER), carry(Carry::SamePcm)).facts(&["GATE_SET"]);
}

#[test]
fn p4_a_carried_approval_is_withdrawn_and_spent_like_any_other() {
    let given = signed(Carry::SamePcm).and(Actor::Worker, like(11, Sameness::Pcm, None));
    let approval = given.project.approvals_of(SONG).next().expect("one").0.id;
    let answers = crate::dry::version_actions(&given.project, &person(LABEL), VersionId(11));
    let may = answers.iter().find(|(action, _)| *action == "withdraw_approval").expect("it is offered");
    assert!(may.1.is_ok());
    given.when(person(LABEL), Command::WithdrawApproval { approval }).facts(&["APPROVAL_WITHDRAWN"]);
    // A handoff that comes back spends it.
    let handed = given.approved(ARTIST, 11, Role::Artist);
    let back = Command::ReturnHandoff { song: SONG, reason: "It clips.".to_owned(), items: Vec::new() };
    let back = handed.and(person(MASTERER), back);
    assert_eq!(states(&back, LABEL), [ApprovalState::Outdated]);
    let third = back.and_unexamined(person(MIXER), &mix(3));
    third.when(Actor::Worker, like(12, Sameness::Metadata, None)).facts(&["VERSION_EXAMINED"]);
}

#[test]
fn p5_no_master_is_delivered_on_the_signature_of_another() {
    let mut given = Given::mastered().approved(LABEL, 20, Role::Label);
    let rule =
        GateRule { carry: Carry::Metadata, ..gate::default_rule(Stage::Mastering).expect("it has one") };
    given.when(person(OWNER), Command::SetGate { rule: rule.clone() }).refused(Reason::RuleInvalid);
    // Even if such a rule stood there.
    given.project.gates.insert(Stage::Mastering, rule);
    let master = add_version(21, VersionKind::Master, &[(MAIN, 5)]);
    let given = given.and_unexamined(person(MASTERER), &master);
    let examined = Examined { against: Some(VersionId(20)), same: Sameness::Metadata, ..Examined::default() };
    let same = Command::RecordExamination { version: VersionId(21), examined };
    given.when(Actor::Worker, same).facts(&["VERSION_EXAMINED"]);
}

#[test]
fn who_carried_a_signature_need_not_hear_the_same_sound_twice() {
    let rule = |heard_percent| {
        let Command::SetGate { rule } = carry(Carry::SamePcm) else { unreachable!("it sets a gate") };
        Command::SetGate { rule: GateRule { heard_percent, ..rule } }
    };
    let heard = Command::RecordHeard { version: VersionId(10), percent: 95 };
    let given = Given::mixed().and(person(OWNER), rule(95)).and(person(LABEL), heard);
    let given = given.approved(LABEL, 10, Role::Label).and_unexamined(person(MIXER), &mix(2));
    let given = given.and(Actor::Worker, like(11, Sameness::Pcm, None));
    assert_eq!(line(&given, "HEARD").waits_for, [ARTIST], "the label heard this sound");
    let stricter = given.and(person(OWNER), rule(100));
    assert_eq!(line(&stricter, "HEARD").waits_for, [LABEL]);
}

#[test]
fn each_version_is_examined_once_and_only_where_there_is_something_to_find() {
    let given = Given::mixed().and_unexamined(person(MIXER), &mix(2));
    let due: Vec<VersionId> = given.project.unexamined().iter().map(|version| version.id).collect();
    assert_eq!(due, [VersionId(11)], "the first take has nothing beside it");
    let given = given.and(Actor::Worker, like(11, Sameness::Other, None));
    given.when(Actor::Worker, like(11, Sameness::Pcm, None)).refused(Reason::NothingToChange);
    given.when(Actor::Worker, like(99, Sameness::Pcm, None)).refused(Reason::NoSuchVersion);
}

#[test]
fn p4_many_small_steps_do_not_lead_away_from_what_was_signed() {
    let given = signed(Carry::Residual { below_db: -60.0 });
    let second = given.and(Actor::Worker, like(11, Sameness::Residual, Some(-70.0)));
    assert_eq!(states(&second, LABEL), [ApprovalState::Counts]);
    let third = second.and_unexamined(person(MIXER), &mix(3));
    // The same samples as Mix 2 are as near to Mix 1 as that was; a second difference is measured against nothing that was signed.
    let mut same = like(12, Sameness::Pcm, None);
    let mut step = like(12, Sameness::Residual, Some(-70.0));
    for command in [&mut same, &mut step] {
        if let Command::RecordExamination { examined, .. } = command {
            examined.against = Some(VersionId(11));
        }
    }
    let kept = third.clone().and(Actor::Worker, same);
    assert_eq!(states(&kept, LABEL), [ApprovalState::Counts]);
    third.when(Actor::Worker, step.clone()).facts(&["VERSION_EXAMINED"]);
    assert_eq!(states(&third.and(Actor::Worker, step), LABEL), [ApprovalState::Outdated]);
}
