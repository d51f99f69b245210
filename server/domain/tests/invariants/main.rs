//! P-1 to P-6 hold after every step of any sequence of commands, sensible or not, by anybody; and whatever is refused names its next step.

mod checks;
mod commands;
mod records;
mod steps;

use std::collections::BTreeMap;

use deadwax_domain::*;
use proptest::{collection::vec, prelude::*};

use crate::{
    checks::{check_immutable, check_proofs, check_stages, check_state},
    commands::PEOPLE,
    steps::{Step, command_of, opening, step},
};

/// Several projects with the same ids in them: what is done in one must not be felt in another.
const PROJECTS: usize = 2;

struct Run {
    project: Project,
    stream: Vec<Event>,
}

impl Run {
    fn perform(&mut self, actor: &Actor, command: &Command) {
        let events = match decide(&self.project, actor, command, Time(1)) {
            Ok(events) => events,
            Err(no) => {
                assert!(no.text.ends_with('.'), "a sentence: {no:?}");
                assert!(!no.hint.is_empty(), "a refusal names the next step: {no:?} of {command:?}");
                return;
            }
        };
        assert_eq!(check(&self.project, actor, command), Ok(()), "dry and real agree");
        let before = self.project.clone();
        check_stages(&before, &events);
        check_proofs(&before, &events);
        self.project.apply_all(&events);
        check_immutable(&before, &self.project);
        check_state(&self.project);
        self.stream.extend(events);
    }
}

fn named(at: usize) -> ProjectId {
    ProjectId(at as u128 + 1)
}

fn run(steps: &[(usize, Step)]) -> Vec<Run> {
    let mut runs: Vec<Run> =
        (0..PROJECTS).map(|at| Run { project: Project::named(named(at)), stream: Vec::new() }).collect();
    for (actor, command) in opening() {
        runs.iter_mut().for_each(|run| run.perform(&actor, &command));
    }
    for (count, (at, step)) in steps.iter().enumerate() {
        // Records need every song delivered: the way there is walked in one of the projects.
        let at = if matches!(step, Step::Press { .. }) { 1 } else { at % PROJECTS };
        let run = &mut runs[at];
        if let Some((actor, command)) = command_of(step, &run.project, count as u128) {
            run.perform(&actor, &command);
        }
    }
    runs
}

fn steps(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<(usize, Step)>> {
    vec((prop_oneof![4 => Just(0), 1 => Just(1usize)], step()), count)
}

/// V-1: whoever comes by a link sees what it holds, and after its end nothing.
fn guests_see_their_scope(project: &Project) {
    for person in project.guests.keys() {
        let link = project.guest(person);
        for version in project.versions.values() {
            let seen = audience::sees_version(project, person, version);
            assert!(!seen || link.is_some_and(|link| link.holds(project, version)), "{person:?}");
        }
        let reads = |note: &&Note| audience::reads_note(project, person, note);
        assert!(project.notes.values().filter(reads).all(|note| !note.internal));
        assert!(waits(project).iter().all(|wait| wait.person != person || project.members.contains(person)));
    }
}

/// Every question that a view asks, answered without a panic.
fn ask_everything(project: &Project) {
    waits(project);
    guests_see_their_scope(project);
    for who in 0..PEOPLE {
        let actor = Actor::Person { id: PersonId(who), studio_owner: false };
        dry::project_actions(project, &actor);
        project.members.keys().for_each(|id| drop(dry::member_actions(project, &actor, id)));
        project.songs.keys().for_each(|id| drop(dry::song_actions(project, &actor, id)));
        project.versions.keys().for_each(|id| drop(dry::version_actions(project, &actor, id)));
        project.notes.keys().for_each(|id| drop(dry::note_actions(project, &actor, id)));
        project.renders.keys().for_each(|id| drop(dry::render_actions(project, &actor, id)));
        project.records.iter().for_each(|record| drop(dry::record_actions(project, &actor, record)));
    }
    for made in &project.records {
        let names = |_| "Somebody".to_owned();
        let told = record::differs(project, made)
            .into_iter()
            .chain([record::waits_for(project, made, &names)])
            .chain(record::cautions(project, made))
            .chain(record::outdated_by(project, made));
        assert_eq!(record::is_outdated(project, made), !record::outdated_by(project, made).is_empty());
        told.filter(|text| !text.is_empty()).for_each(|text| assert!(text.ends_with('.'), "{text}"));
    }
    project.versions.values().for_each(|version| drop(preflight::findings(project, version)));
    for version in project.versions.values() {
        let end_ms = version.main().map_or(0, |main| main.facts.frames * 1000 / 48_000);
        for who in 0..PEOPLE {
            let shown = project.sections_in(version, PersonId(who));
            assert!(
                shown.len() <= 64 && shown.windows(2).all(|two| two[0].start_ms < two[1].start_ms),
                "{shown:?}"
            );
            assert!(shown.iter().all(|section| section.start_ms < end_ms), "{shown:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p1_to_p6_hold_after_every_step(steps in steps(1..150)) {
        for (at, Run { project, stream }) in run(&steps).into_iter().enumerate() {
            let mut folded = Project::named(named(at));
            folded.apply_all(&stream);
            prop_assert_eq!(&folded, &project, "the fold of the stream is the state");
            ask_everything(&project);
            for event in &stream {
                let said = sentence(&project, event, &|_| "Somebody".to_owned());
                prop_assert!(said.text.ends_with('.'), "{:?}", said);
            }
        }
    }

    /// P-6: facts in any order, with any missing, never panic and never break P-1.
    #[test]
    fn p6_apply_is_total(steps in steps(1..80), picks in vec(any::<usize>(), 1..200)) {
        for Run { stream, .. } in run(&steps) {
            let mut project = Project::default();
            for pick in &picks {
                project.apply(&stream[pick % stream.len()]);
            }
            ask_everything(&project);
            for song in project.songs_in_order() {
                let mut numbers = BTreeMap::new();
                for version in project.versions_of(song.id) {
                    let last = numbers.entry((version.kind, version.line)).or_insert(0);
                    *last += 1;
                    prop_assert_eq!(version.number, *last);
                }
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
        let steps = steps(400).new_tree(&mut runner).expect("steps can be made").current();
        for event in run(&steps).iter().flat_map(|run| &run.stream) {
            *reached.entry(sentence::code(&event.fact)).or_default() += 1;
        }
    }
    for code in [
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "HANDOFF_RETURNED",
        "RENDER_COMPLETED",
        "DELIVERY_MADE",
        "VERSION_EXAMINED",
        "APPROVALS_CARRIED",
        "SHOOTOUT_OPENED",
        "VOTE_CAST",
        "MIX_PICKED",
        "MIX_SWAPPED",
        "PUT_FORWARD",
        "GATE_OVERRIDDEN",
        "NOTE_MOVED",
        "PREFLIGHT_SET",
        "SPACING_SET",
        "SECTIONS_SET",
        "VERSION_HEARD",
        "PACKAGE_MADE",
        "FOLLOWED",
        "LABEL_COPY_SET",
        "SONG_COPY_SET",
        "COVER_SET",
        "SPACING_NOTED",
        "SPACING_NOTE_CLOSED",
        "RECORD_QUEUED",
        "RECORD_LEASED",
        "RECORD_MADE",
        "RECORD_FAILED",
        "RECORD_CANCELLED",
        "RECORD_APPROVED",
        "RECORD_DELIVERED",
        "KEY_ENROLLED",
        "KEY_REVOKED",
        "RECEIPT_KEPT",
        "LINK_MADE",
        "LINK_REVOKED",
    ] {
        assert!(reached.contains_key(code), "{code} was never reached: {reached:?}");
    }
}
