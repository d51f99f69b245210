//! The gate as the main job meets it: approvals, holds, notes, files. The other options of a rule have their tests in `options.rs`.

use super::*;
use crate::{Command, NoteId, Reason, VersionKind, testing::*};

fn mixing(needs: &[(&[Role], u32)]) -> GateRule {
    let need =
        |(roles, count): &(&[Role], u32)| Need { any_of: roles.iter().copied().collect(), count: *count };
    GateRule::new(Stage::Mixing, needs.iter().map(need).collect())
}

fn unmet(given: &Given) -> Vec<&'static str> {
    let report = report(&given.project, SONG).unwrap();
    report.lines.iter().filter(|line| !line.met).map(|line| line.code).collect()
}

#[test]
fn p3_the_approval_that_meets_the_gate_hands_the_mix_over() {
    let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
    let events = given.when(person(LABEL), given.approve(10, Role::Label)).facts(&[
        "APPROVED",
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "RENDER_QUEUED",
    ]);
    let by: Vec<_> = events.iter().map(|event| event.by).collect();
    assert_eq!(by, [Some(LABEL), None, None, None]);
}

#[test]
fn p3_the_master_gate_leads_to_delivered() {
    let given = Given::mastered().approved(ARTIST, 20, Role::Artist);
    given.when(person(LABEL), given.approve(20, Role::Label)).facts(&["APPROVED", "STAGE_LEFT"]);
    assert_eq!(Given::delivered().stage(), Stage::Delivered);
}

#[test]
fn the_report_names_who_is_missing() {
    let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
    let report = report(&given.project, SONG).unwrap();
    let line = report.lines.iter().find(|line| !line.met).unwrap();
    assert_eq!((line.code, line.text.as_str()), ("APPROVALS", "Label: 0 of 1 approval."));
    assert_eq!(line.waits_for, [LABEL]);
    assert_eq!(line.missing_roles, Roles::from([Role::Label]));
}

#[test]
fn a_role_that_nobody_holds_is_said() {
    let given = Given::mixed().and(person(OWNER), Command::RemoveMember { person: LABEL });
    assert_eq!(unmet(&given), ["APPROVALS", "NOBODY_HOLDS_ROLE"]);
}

#[test]
fn an_open_note_keeps_the_gate_shut_and_answering_it_opens_it() {
    let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
    let given = given.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
    assert_eq!(unmet(&given), ["OPEN_NOTES"]);
    let opened = ["STAGE_LEFT", "HANDOFF_MADE", "RENDER_QUEUED"];
    let note = NoteId(7);
    let accepted: Vec<_> = ["NOTE_ACCEPTED"].into_iter().chain(opened).collect();
    given.when(person(ARTIST), Command::AcceptNote { note }).facts(&accepted);
    let declined: Vec<_> = ["NOTE_DECLINED"].into_iter().chain(opened).collect();
    let reason = "It is the arrangement.".to_owned();
    given.when(person(MIXER), Command::DeclineNote { note, reason }).facts(&declined);
}

#[test]
fn internal_notes_are_nobodys_gate() {
    let given = Given::mixed().and(person(MIXER), add_note(7, 10, true));
    assert!(!unmet(&given).contains(&"OPEN_NOTES"));
}

#[test]
fn a_requested_revision_keeps_the_gate_shut_until_the_next_mix() {
    let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
    let request = Command::RequestRevision {
        request: crate::RequestId(1),
        version: VersionId(10),
        role: Role::Artist,
        message: String::new(),
        notes: vec![NoteId(7)],
        kind: crate::RevisionKind::Change,
        beyond_terms: false,
    };
    let given = given.and(person(ARTIST), request);
    assert!(unmet(&given).contains(&"REVISION_REQUESTED"));
    let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]));
    assert!(!unmet(&given).contains(&"REVISION_REQUESTED"));
    assert_eq!(given.project.rounds_used(SONG), 1);
}

#[test]
fn required_alternates_and_preflight_keep_the_gate_shut() {
    let mut rule = mixing(&[(&[Role::Label], 1)]);
    rule.required_alternates = vec![Alternate::Instrumental, Alternate::ACappella];
    let given = Given::mixed().and(person(OWNER), Command::SetGate { rule });
    assert_eq!(unmet(&given), ["APPROVALS", "ALTERNATES"]);
    let clipped = crate::AudioFacts { clipped_samples: 40, ..clean_facts() };
    let given = Given::mixed().and(person(MIXER), Command::ReceiveFile { file: received(90, clipped) });
    let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 90)]));
    assert_eq!(unmet(&given), ["APPROVALS", "APPROVALS", "PREFLIGHT"]);
}

#[test]
fn a_changed_gate_opens_every_song_that_meets_it() {
    let given = Given::mixed().approved(LABEL, 10, Role::Label);
    let rule = mixing(&[(&[Role::Label, Role::Producer], 1)]);
    given.when(person(OWNER), Command::SetGate { rule }).facts(&[
        "GATE_SET",
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "RENDER_QUEUED",
    ]);
}

#[test]
fn votes_are_seated_so_that_none_is_wasted() {
    // The artist could fill both; the label only the first. A greedy count would stop at one.
    let roles = Roles::from([Role::Artist, Role::Producer]);
    let rule = mixing(&[(&[Role::Artist, Role::Label], 1), (&[Role::Artist, Role::Producer], 1)]);
    let given = Given::mixed()
        .and(person(OWNER), Command::ChangeRoles { person: ARTIST, roles })
        .and(person(OWNER), Command::SetGate { rule })
        .approved(ARTIST, 10, Role::Artist)
        .approved(LABEL, 10, Role::Label);
    assert_eq!(given.stage(), Stage::Mastering);
}

#[test]
fn rules_without_sense_are_refused() {
    let given = Given::studio();
    let refused = |rule: GateRule| {
        given.when(person(OWNER), Command::SetGate { rule }).refused(Reason::RuleInvalid);
    };
    refused(mixing(&[]));
    refused(mixing(&[(&[Role::Label], 0)]));
    refused(mixing(&[(&[], 1)]));
    refused(mixing(&[(&[Role::Listener], 1)]));
    refused(mixing(&[(&[Role::Label], u32::MAX), (&[Role::Artist], u32::MAX)]));
    refused(GateRule { stage: Stage::Delivered, ..mixing(&[(&[Role::Label], 1)]) });
    let rule = mixing(&[(&[Role::Label], 1)]);
    given.when(person(LABEL), Command::SetGate { rule }).refused(Reason::NotYourRole);
}
