//! The desk, told in stories. Never here: a rule.

use super::*;
use crate::{Alternate, Command, testing::*};

pub(super) fn of(given: &Given) -> Vec<(PersonId, WaitKind, String)> {
    waits(&given.project).into_iter().map(|wait| (wait.person, wait.kind, wait.text)).collect()
}

#[test]
fn the_desk_follows_the_main_job() {
    let approve = |who, text: &str| (who, WaitKind::Approve, text.to_owned());
    let mixed = Given::mixed();
    assert_eq!(
        of(&mixed),
        [approve(ARTIST, "Approve Mix 1 as artist."), approve(LABEL, "Approve Mix 1 as label.")]
    );
    let mastering = Given::mastering();
    assert_eq!(of(&mastering), [(MASTERER, WaitKind::Handoff, "Accept the handoff of Mix 1.".to_owned())]);
    let delivered = of(&Given::delivered());
    let people: Vec<_> = delivered.iter().map(|(who, kind, _)| (*who, *kind)).collect();
    let deliver = WaitKind::Deliver;
    assert_eq!(people, [(OWNER, deliver), (MASTERER, deliver), (LABEL, deliver)]);
}

#[test]
fn notes_that_alone_hold_a_mix_back_wait_on_the_engineer() {
    let noted = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
    assert!(of(&noted).iter().all(|(_, kind, _)| *kind == WaitKind::Approve), "reviewers first");
    let agreed = noted.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
    let text = "Answer the open notes: only they hold Mix 1 back.".to_owned();
    assert_eq!(of(&agreed), [(MIXER, WaitKind::Note, text)]);
}

#[test]
fn what_the_files_lack_waits_on_the_engineer() {
    let rule = crate::GateRule {
        required_alternates: vec![Alternate::Instrumental, Alternate::ACappella],
        ..gate::default_rule(Stage::Mixing).expect("mixing has a gate")
    };
    let lacking = Given::mixed().and(person(OWNER), Command::SetGate { rule });
    let found = of(&lacking).into_iter().find(|(who, ..)| *who == MIXER).expect("the mixer is asked");
    assert_eq!((found.1, found.2.starts_with("Upload Mix 2: Mix 1 lacks: ")), (WaitKind::Upload, true));
}

#[test]
fn an_asked_revision_waits_on_the_engineer_and_not_on_approvals() {
    let request = Command::RequestRevision {
        request: crate::RequestId(1),
        version: VersionId(10),
        role: Role::Artist,
        message: String::new(),
        notes: vec![NoteId(7)],
        kind: crate::RevisionKind::Change,
        beyond_terms: false,
    };
    let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false)).and(person(ARTIST), request);
    let text = "Upload Mix 2: the artist asked for a revision.".to_owned();
    assert_eq!(of(&given), [(MIXER, WaitKind::Upload, text)]);
    let given = given
        .and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]))
        .and(person(MIXER), Command::AddressNote { note: NoteId(7), version: VersionId(11) });
    let text = "Check your note: it is said to be done in Mix 2.".to_owned();
    assert_eq!(of(&given)[0], (ARTIST, WaitKind::Note, text));
}

const SECOND: PersonId = PersonId(8);

fn mix(id: u128, file: u8) -> Command {
    add_version(id, VersionKind::Mix, &[(Alternate::Main, file)])
}

fn blocks(given: &Given) -> Vec<(PersonId, u32)> {
    waits(&given.project).into_iter().map(|wait| (wait.person, wait.blocks)).collect()
}

#[test]
fn what_blocks_others_says_how_many() {
    // Mixer and mastering engineer have nothing to do until artist and label have listened.
    assert_eq!(blocks(&Given::mixed()), [(ARTIST, 2), (LABEL, 2)]);
    assert_eq!(blocks(&Given::mastering()), [(MASTERER, 2)]);
    // A delivery keeps nobody waiting.
    assert!(blocks(&Given::delivered()).iter().all(|(_, blocks)| *blocks == 0));
    // One note to be checked holds nobody up; the approvals do.
    let checked = Given::mixed()
        .and(person(ARTIST), add_note(7, 10, false))
        .and(person(MIXER), Command::AddressNote { note: NoteId(7), version: VersionId(10) });
    assert_eq!(blocks(&checked)[0], (ARTIST, 0));
    assert_eq!(blocks(&checked)[1..], [(ARTIST, 2), (LABEL, 2)]);
}

#[test]
fn in_a_shootout_the_engineers_upload_then_the_others_vote_and_the_label_picks() {
    let roles = Roles::from([Role::MixEngineer]);
    let entrants = vec![MIXER, SECOND];
    let shootout = crate::ShootoutId(1);
    let given = Given::mixed()
        .and(person(OWNER), Command::AddMember { person: SECOND, roles })
        .and(person(OWNER), Command::OpenShootout { shootout, song: SONG, entrants, blind: true });
    let upload = |who, letter| {
        (who, WaitKind::Upload, format!("Upload your first mix: Mix {letter} 1. Mixes compete."))
    };
    assert_eq!(of(&given), [upload(MIXER, "A"), upload(SECOND, "B")]);
    let given = given.and(person(MIXER), mix(11, 3));
    assert_eq!(of(&given), [upload(SECOND, "B")], "and it does not tell of the other line");
    let left = given.clone().and(person(OWNER), Command::RemoveMember { person: SECOND });
    assert!(of(&left).iter().all(|(who, kind, _)| *who != SECOND && *kind == WaitKind::Pick));
    let given = given.and(person(SECOND), mix(12, 4));
    let pick = (LABEL, WaitKind::Pick, "Compare Mix A 1 and Mix B 1, and pick one as label.".to_owned());
    let vote = (ARTIST, WaitKind::Pick, "Compare Mix A 1 and Mix B 1, and vote.".to_owned());
    assert_eq!(of(&given), [pick.clone(), vote.clone()]);
    let cast = Command::CastVote {
        song: SONG,
        role: Role::Artist,
        ranking: vec![VersionId(11)],
        blind: true,
        matched_lufs: 0.0,
        reason: String::new(),
    };
    let voted = given.and(person(ARTIST), cast);
    assert_eq!(of(&voted), [pick]);
    // What was voted for is no longer the newest: asked again.
    let newer = voted.and(person(MIXER), mix(13, 5));
    assert_eq!(of(&newer).len(), 2);
}

#[test]
fn nobody_is_asked_to_listen_before_the_house_has_looked() {
    let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
    let events = crate::decide(&given.project, &person(MIXER), &mix(11, 3), Time(2000)).unwrap();
    let mut fresh = given.project.clone();
    fresh.apply_all(&events);
    assert!(waits(&fresh).iter().all(|wait| wait.kind != WaitKind::Approve), "{:?}", waits(&fresh));
    let outcome = crate::NoteOutcome {
        note: NoteId(7),
        verdict: Verdict::Untouched,
        text: "no change found".to_owned(),
        place: None,
    };
    let examined = crate::Examined { notes: vec![outcome], ..crate::Examined::default() };
    let record = Command::RecordExamination { version: VersionId(11), examined };
    let looked = Given { project: fresh }.and(crate::Actor::Worker, record);
    let told = of(&looked);
    let text = "Mix 2 leaves 1 note untouched: say why, or add another version.".to_owned();
    assert!(told.contains(&(MIXER, WaitKind::Note, text)), "{told:?}");
    assert!(told.iter().any(|(who, kind, _)| (*who, *kind) == (ARTIST, WaitKind::Approve)));
}

#[test]
fn nobody_who_left_waits_and_somebody_else_checks_their_notes() {
    let second = Command::AddMember { person: SECOND, roles: Roles::from([Role::Artist]) };
    let given = Given::mixed()
        .and(person(ARTIST), add_note(7, 10, false))
        .and(person(MIXER), Command::AddressNote { note: NoteId(7), version: VersionId(10) })
        .and(person(OWNER), second)
        .and(person(OWNER), Command::RemoveMember { person: ARTIST });
    let told = of(&given);
    assert!(told.iter().all(|(who, ..)| *who != ARTIST));
    let text = "Check a note of the artist: it is said to be done in Mix 1.".to_owned();
    assert_eq!(told[0], (SECOND, WaitKind::Note, text));
}
