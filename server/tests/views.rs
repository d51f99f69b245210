//! V-1: no viewer receives what the audience rule hides: no text, no id, no count, no trace. The strongest form is tested: for whoever is outside the
//! workshop, a project with internal notes cannot be told apart from the same project without them.
#![allow(clippy::unwrap_used)]

mod ledger_rig;

use std::collections::BTreeSet;

use deadwax_domain::*;
use deadwax_proto::v1::row::Row as Kind;
use deadwax_server::{
    desk, wire,
    wire::view::{self, Rows, Viewer},
};
use ledger_rig::*;
use proptest::{collection::vec, prelude::*};
use prost::Message as _;

fn rows(project: &Project, role: Role) -> Rows {
    let names = directory();
    view::rows(&Viewer::new(PROJECT, project, who(role), &names).unwrap())
}

fn bytes(rows: &Rows) -> Vec<u8> {
    rows.values().flat_map(|row| row.encode_to_vec()).collect()
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The project as it would be had nobody ever written an internal note.
fn without_internal(events: &[Event]) -> Project {
    let internal: BTreeSet<NoteId> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::NoteAdded { note, internal: true, .. } => Some(*note),
            _ => None,
        })
        .collect();
    let about = |fact: &Fact| match fact {
        Fact::NoteAdded { note, .. }
        | Fact::NoteAddressed { note, .. }
        | Fact::NoteAccepted { note }
        | Fact::NoteReopened { note, .. }
        | Fact::NoteDeclined { note, .. }
        | Fact::ChecklistTicked { note, .. } => internal.contains(note),
        _ => false,
    };
    Project::of(events.iter().filter(|event| !about(&event.fact)))
}

#[test]
fn each_role_sees_exactly_its_notes() {
    block_on(async {
        let rig = Rig::mixing().await;
        rig.note(Role::Label, 1, "for everyone", false).await.unwrap();
        rig.note(Role::MixEngineer, 2, CANARY, true).await.unwrap();
        let now = rig.project().await;
        for (role, plain, internal) in [
            (Role::Artist, true, false),
            (Role::Producer, true, true),
            (Role::MixEngineer, true, true),
            (Role::MasteringEngineer, true, true),
            (Role::Label, true, false),
            (Role::Manager, true, false),
            (Role::Listener, false, false),
        ] {
            let bytes = bytes(&rows(&now.project, role));
            assert_eq!(holds(&bytes, "for everyone"), plain, "{role}");
            assert_eq!(holds(&bytes, CANARY), internal, "{role}");
        }
    });
}

#[test]
fn a_listener_sees_songs_and_versions_and_nothing_of_the_work() {
    block_on(async {
        let rig = Rig::mixing().await;
        rig.note(Role::Label, 1, "for everyone", false).await.unwrap();
        let rows = rows(&rig.project().await.project, Role::Listener);
        for (key, row) in &rows {
            match row.row.as_ref().unwrap() {
                Kind::Project(it) => assert!(it.gates.is_empty()),
                Kind::Song(it) => {
                    assert_eq!((it.open_notes, it.waits_for.as_str(), it.handoff.is_none()), (0, "", true));
                }
                Kind::Version(it) => {
                    assert!(it.files.iter().all(|file| !file.may_fetch) && it.preflight.is_empty());
                }
                Kind::Member(_) => {}
                _ => panic!("a listener got {key}"),
            }
        }
        assert!(rows.keys().any(|key| key.starts_with("version/")));
    });
}

#[test]
fn the_gate_says_who_is_missing_and_allowed_says_why_not() {
    block_on(async {
        let rig = Rig::mixing().await;
        let rows = rows(&rig.project().await.project, Role::MixEngineer);
        let gate = rows.iter().find(|(key, _)| key.starts_with("gate/")).unwrap().1;
        let Some(Kind::Gate(gate)) = &gate.row else { panic!() };
        let line = gate.lines.iter().find(|line| line.text.starts_with("Label")).unwrap();
        assert_eq!(line.text, "Label: 0 of 1 approval; waits for Name of label.");
        let song = rows.iter().find(|(key, _)| key.starts_with("song/")).unwrap().1;
        let Some(Kind::Song(song)) = &song.row else { panic!() };
        assert_eq!(song.waits_for, "Mix 1 waits for the approval of the artist and the label.");
        let version = format!("version/{}", wire::id(0x3002));
        let Some(Kind::Version(mix)) = &rows[&version].row else { panic!() };
        let approve = mix.allowed.iter().find(|one| one.action == "approve").unwrap();
        assert!(!approve.yes && !approve.reason.is_empty() && !approve.text.is_empty());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn outside_the_workshop_internal_notes_leave_no_trace(choices in vec(any::<(u8, u8, u8)>(), 0..40)) {
        block_on(async {
            let rig = Rig::mixing().await;
            rig.note(Role::MixEngineer, 999, CANARY, true).await.unwrap();
            rig.walk(&choices).await;
            let events = rig.events().await;
            let (now, plain) = (rig.project().await, without_internal(&events));
            let names = directory();
            assert!(holds(&bytes(&rows(&now.project, Role::MasteringEngineer)), CANARY));
            let kept = rig.ledger.events(PROJECT, 0, usize::MAX).await.unwrap();
            for role in [Role::Artist, Role::Label, Role::Manager, Role::Listener] {
                let seen = rows(&now.project, role);
                assert_eq!(&seen, &rows(&plain, role), "{role}");
                assert!(!holds(&bytes(&seen), CANARY));
                let told: Vec<_> = kept
                    .iter()
                    .filter_map(|one| wire::history::entry(&now.project, who(role), &names, one, None))
                    .collect();
                let text: Vec<u8> = told.iter().flat_map(prost::Message::encode_to_vec).collect();
                assert!(!holds(&text, CANARY));
                let of = |project: &Project| {
                    let rows = wire::desk::rows(PROJECT, project).into_iter();
                    rows.filter(|(person, _)| *person == who(role)).map(|(_, row)| row).collect::<Vec<_>>()
                };
                assert_eq!(of(&now.project), of(&plain), "{role}");
            }
        });
    }

    #[test]
    fn the_stored_desk_is_the_one_that_the_facts_give(choices in vec(any::<(u8, u8, u8)>(), 0..40)) {
        block_on(async {
            let rig = Rig::mixing().await;
            rig.walk(&choices).await;
            let now = rig.project().await;
            let wanted = desk::rows(&now);
            let mut stored = desk::Rows::new();
            for role in ROLES {
                for (key, row) in rig.ledger.desk(who(role)).await.unwrap() {
                    stored.insert((who(role), key), row);
                }
            }
            assert_eq!(stored, wanted);
        });
    }
}
