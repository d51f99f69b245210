//! Which work on sound is begun first: what a label waits for, then everything else; among equals the oldest, by whoever asks. A pure question to the project.
//! Never here: what is due, and who does it.

use crate::{Project, Record, Render, Role, SongId, Version, gate, revision};

/// In the order in which work is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody of the label can do nothing until it is done.
    LabelWaits,
    Later,
}

/// A piece of work on sound.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// Makes a master.
    Render(&'a Render),
    /// Is to be examined; until then nobody is asked to approve it.
    Version(&'a Version),
    Record(&'a Record),
}

pub fn urgency(project: &Project, piece: Piece<'_>) -> Urgency {
    let label_waits = match piece {
        // The first master, or the one that the label has asked for; with another one to listen to, the label has something to do.
        Piece::Render(render) => match project.candidate(render.song) {
            None => label_is_missing(project, render.song),
            Some(candidate) => project
                .requests_of(render.song)
                .any(|request| request.role == Role::Label && revision::asks_of(project, request, candidate)),
        },
        Piece::Version(version) => {
            project.candidate(version.song).is_some_and(|candidate| candidate.id == version.id)
                && label_is_missing(project, version.song)
        }
        Piece::Record(record) => record.by.is_some_and(|by| project.holds_role(by, Role::Label)),
    };
    if label_waits { Urgency::LabelWaits } else { Urgency::Later }
}

/// The gate of the song's stage asks for an approval that only the label can give.
fn label_is_missing(project: &Project, song: SongId) -> bool {
    gate::report(project, song).is_some_and(|report| {
        report.lines.iter().any(|line| {
            let missing = &line.missing_roles;
            line.code == "APPROVALS" && !line.met && missing.len() == 1 && missing.contains(&Role::Label)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Actor, Alternate, Command, GateRule, Need, NoteId, RequestId, RevisionKind, Roles, Stage, VersionId,
        VersionKind, testing::*,
    };

    fn of_render(given: &Given) -> Urgency {
        let render = given.project.renders_of(SONG).next_back().expect("a render");
        urgency(&given.project, Piece::Render(render))
    }

    fn start(id: u128) -> Command {
        Command::StartRender { render: crate::RenderId(id), song: SONG, recipe: None }
    }

    fn asked(role: Role) -> Command {
        Command::RequestRevision {
            request: RequestId(1),
            version: VersionId(20),
            role,
            message: "Less bass.".to_owned(),
            notes: vec![NoteId(30)],
            kind: RevisionKind::Change,
            beyond_terms: false,
        }
    }

    #[test]
    fn a_label_waits_for_the_first_master_and_for_the_one_that_it_asked_for() {
        assert_eq!(of_render(&Given::mastering()), Urgency::LabelWaits);
        let mastered = Given::mastered();
        assert_eq!(of_render(&mastered.clone().and(person(MASTERER), start(5))), Urgency::Later);
        let of_the_artist = mastered
            .clone()
            .and(person(ARTIST), add_note(30, 20, false))
            .and(person(ARTIST), asked(Role::Artist));
        assert_eq!(of_render(&of_the_artist.and(person(MASTERER), start(5))), Urgency::Later);
        let of_the_label =
            mastered.and(person(LABEL), add_note(30, 20, false)).and(person(LABEL), asked(Role::Label));
        let of_the_label = of_the_label.and(person(MASTERER), start(5));
        assert_eq!(of_render(&of_the_label), Urgency::LabelWaits);
    }

    #[test]
    fn a_gate_that_asks_no_label_lets_none_wait() {
        let artist = Need { any_of: Roles::from([Role::Artist]), count: 1 };
        let rule = GateRule::new(Stage::Mastering, vec![artist]);
        let given = Given::mastering().and(person(OWNER), Command::SetGate { rule });
        assert_eq!(of_render(&given), Urgency::Later);
    }

    #[test]
    fn a_candidate_is_looked_into_before_what_no_gate_asks_about() {
        let of = |given: &Given, version| {
            urgency(
                &given.project,
                Piece::Version(given.project.versions.get(VersionId(version)).expect("it is there")),
            )
        };
        let second = add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]);
        let given = Given::mixed().and_unexamined(person(MIXER), &second);
        assert_eq!((of(&given, 11), of(&given, 10)), (Urgency::LabelWaits, Urgency::Later));
        let signed = Given::mixed().approved(LABEL, 10, Role::Label);
        assert_eq!(of(&signed, 10), Urgency::Later, "the label has signed it");
        let take = add_version(1, VersionKind::Take, &[(Alternate::Main, 19)]);
        let first = Given::studio().and_unexamined(person(ARTIST), &take);
        assert_eq!(of(&first, 1), Urgency::Later, "anybody may pass a take on");
    }

    #[test]
    fn urgency_is_the_order_of_work() {
        assert!(Urgency::LabelWaits < Urgency::Later);
        // Whoever leases it changes nothing about who waits.
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        assert_eq!(of_render(&given.and(Actor::Worker, lease(render))), Urgency::LabelWaits);
    }
}
