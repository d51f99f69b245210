//! Who fills which approval of a gate: voices, the places that the needs ask for, and the lines that say which stay empty. Never here: whether an
//! approval counts at all, which is `approval.rs`.

use std::collections::BTreeSet;

use super::{APPROVALS_MAX, GateLine, Need, report::line};
use crate::{Approval, ApprovalState, PersonId, Project, Role, Roles, SongId, Stage, Version, asker::either};

/// A voice is what can fill one place: without self-approval a person, in whichever of the roles they signed; with it each
/// signature by itself, so that a solo artist who holds every role can pass alone.
pub(super) struct Voice {
    pub person: PersonId,
    pub roles: Roles,
}

/// Approvals of the stage that count now, by people who still hold the role.
pub(super) fn counting(project: &Project, song: SongId, stage: Stage) -> impl Iterator<Item = &Approval> {
    project.approvals_of(song).filter_map(move |(approval, state)| {
        let holds = project.holds_role(approval.person, approval.role);
        (state == ApprovalState::Counts && approval.stage == stage && holds).then_some(approval)
    })
}

/// `each_signature`: self-approval is allowed.
pub(super) fn voices(signatures: impl Iterator<Item = (PersonId, Role)>, each_signature: bool) -> Vec<Voice> {
    let mut voices: Vec<Voice> = Vec::new();
    for (person, role) in signatures {
        let same = voices.iter_mut().find(|voice| voice.person == person);
        match same.filter(|_| !each_signature) {
            Some(voice) => {
                voice.roles.insert(role);
            }
            None => voices.push(Voice { person, roles: Roles::from([role]) }),
        }
    }
    voices
}

pub(super) fn count(need: &Need) -> usize {
    usize::try_from(need.count.min(APPROVALS_MAX)).unwrap_or(0)
}

pub(super) fn places(needs: &[Need]) -> Vec<&Need> {
    needs.iter().flat_map(|need| std::iter::repeat_n(need, count(need))).collect()
}

/// Which voice fills which place: the largest matching, so that nobody's vote is wasted where two needs could take it. `seats[i]` is the voice of place i.
/// Kuhn's augmenting paths; there are at most [`APPROVALS_MAX`] places.
pub(super) fn seat(places: &[&Need], voices: &[Voice]) -> Vec<Option<usize>> {
    fn find(
        place: usize,
        places: &[&Need],
        voices: &[Voice],
        seats: &mut [Option<usize>],
        tried: &mut BTreeSet<usize>,
    ) -> bool {
        for (at, voice) in voices.iter().enumerate() {
            if voice.roles.is_disjoint(&places[place].any_of) || !tried.insert(at) {
                continue;
            }
            let taken = seats.iter().position(|seat| *seat == Some(at));
            if taken.is_none_or(|other| find(other, places, voices, seats, tried)) {
                seats[place] = Some(at);
                return true;
            }
        }
        false
    }
    let mut seats = vec![None; places.len()];
    for place in 0..places.len() {
        find(place, places, voices, &mut seats, &mut BTreeSet::new());
    }
    seats
}

pub(super) fn need_lines(
    project: &Project,
    song: SongId,
    stage: Stage,
    candidate: Option<&Version>,
    needs: &[Need],
) -> Vec<GateLine> {
    let own = project.self_approval(stage);
    let signatures = counting(project, song, stage).map(|approval| (approval.person, approval.role));
    let on = Table { project, candidate, own, voices: voices(signatures, own) };
    let seats = seat(&places(needs), &on.voices);
    let mut lines = Vec::new();
    let mut first = 0;
    for need in needs {
        let asked = count(need);
        let filled = seats[first..first + asked].iter().flatten().count();
        first += asked;
        lines.push(on.line(need, filled, asked));
    }
    lines
}

/// What every line of the needs is held against.
struct Table<'a> {
    project: &'a Project,
    candidate: Option<&'a Version>,
    /// One may approve one's own.
    own: bool,
    voices: Vec<Voice>,
}

impl Table<'_> {
    fn line(&self, need: &Need, filled: usize, asked: usize) -> GateLine {
        let who = either(&need.any_of);
        let text =
            format!("{who}: {filled} of {asked} {}.", if asked == 1 { "approval" } else { "approvals" });
        let mut line = line(filled >= asked, "APPROVALS", capital(&text));
        if line.met {
            return line;
        }
        line.missing_roles.clone_from(&need.any_of);
        let maker = self.candidate.and_then(|version| self.project.maker(version)).filter(|_| !self.own);
        let mut only_the_maker = false;
        for (person, member) in self.project.members.iter() {
            let could = |role: &Role| need.any_of.contains(role) && !self.spoke(person, *role);
            match member.roles.iter().any(could) {
                true if Some(person) == maker => only_the_maker = true,
                true => line.waits_for.push(person),
                false => {}
            }
        }
        if line.waits_for.is_empty() {
            line.code = "NOBODY_HOLDS_ROLE";
            line.text.push_str(if only_the_maker {
                " Only who made it could give it, and nobody approves their own work here: add a member, or allow self-approval."
            } else {
                " Nobody who could give it is a member: add somebody, or change the gate."
            });
        }
        line
    }

    fn spoke(&self, person: PersonId, role: Role) -> bool {
        self.voices.iter().any(|voice| voice.person == person && (!self.own || voice.roles.contains(&role)))
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
