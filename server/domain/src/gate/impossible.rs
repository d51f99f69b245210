//! In what way a rule could never be met by those who are members now. It is saved all the same: people are added, roles change; but it is said. Names do not
//! stand here: whoever reads it may not know them all.

use super::{
    GateRule,
    seats::{count, places, seat, voices},
};
use crate::{PersonId, Project, Role, Stage, asker::either, spacing, version};

/// Sentences with the next step; empty where the rule can be met.
pub fn impossible(project: &Project, rule: &GateRule) -> Vec<String> {
    let mut said = Vec::new();
    approvals(project, rule, &mut said);
    makers(project, rule, &mut said);
    spacings(project, rule, &mut said);
    if let Some(due) = rule.due.filter(|_| rule.is_closed(project.as_of)) {
        said.push(format!("It closed on {}: move the date, or let it stay open.", due.words()));
    }
    said
}

fn own(project: &Project, rule: &GateRule) -> bool {
    rule.self_approval.unwrap_or(project.terms.self_approval)
}

/// Places that stay empty if everybody but `without` says yes in every role that they hold.
fn empty_places(project: &Project, rule: &GateRule, without: Option<PersonId>) -> usize {
    let people = project.members.iter().filter(|(person, _)| Some(*person) != without);
    let signatures = people.flat_map(|(person, member)| member.roles.iter().map(move |role| (person, *role)));
    let voices = voices(signatures, own(project, rule));
    seat(&places(&rule.needs), &voices).iter().filter(|seat| seat.is_none()).count()
}

fn approvals(project: &Project, rule: &GateRule, said: &mut Vec<String>) {
    let before = said.len();
    for need in &rule.needs {
        let holds = |role: &Role| project.holders(*role).next().is_some();
        if !need.any_of.iter().any(holds) {
            let who = either(&need.any_of);
            said.push(format!("Nobody holds the role {who}: add a member who does, or ask somebody else."));
        }
    }
    let missing = empty_places(project, rule, None);
    if said.len() > before || missing == 0 {
        return;
    }
    let asked: usize = rule.needs.iter().map(count).sum();
    let given = asked - missing;
    said.push(if own(project, rule) {
        format!(
            "It asks for {asked} approvals and the members can give {given}: add members, or ask for fewer."
        )
    } else {
        format!(
            "It asks for {asked} approvals, one of each person, and the members can give {given}: add members, ask for fewer, or allow self-approval."
        )
    });
}

/// Somebody has to make what the gate looks at, and does not approve it then. Masters are rendered by the house.
fn makers(project: &Project, rule: &GateRule, said: &mut Vec<String>) {
    let Some(kind) = rule.stage.kind().filter(|_| rule.stage != Stage::Mastering) else { return };
    let word = kind.to_string().to_lowercase();
    let makes =
        |person: &PersonId| version::makers(kind).iter().any(|role| project.holds_role(*person, *role));
    let makers: Vec<PersonId> = project.members.keys().filter(makes).collect();
    if makers.is_empty() {
        let who = either(version::makers(kind));
        said.push(format!("Nobody here may add a {word}: add a {who}."));
        return;
    }
    if own(project, rule) || empty_places(project, rule, None) > 0 {
        return;
    }
    if makers.iter().all(|maker| empty_places(project, rule, Some(*maker)) > 0) {
        said.push(format!(
            "Whoever adds the {word} may not approve it, and without them too few are left: add members, or allow self-approval."
        ));
    }
}

fn spacings(project: &Project, rule: &GateRule, said: &mut Vec<String>) {
    for role in &rule.spacing_roles {
        if project.holders(*role).next().is_none() {
            said.push(format!(
                "Nobody holds the role {role}, which has to approve the spacing: add a member who does, or ask somebody else."
            ));
            return;
        }
    }
    if own(project, rule) || rule.spacing_roles.is_empty() {
        return;
    }
    let sets = |person: &PersonId| spacing::SETTERS.iter().any(|role| project.holds_role(*person, *role));
    let left = |setter: PersonId| {
        let other = |role: &Role| project.holders(*role).any(|person| person != setter);
        rule.spacing_roles.iter().all(other)
    };
    if !project.members.keys().filter(sets).any(left) {
        said.push(
            "Whoever sets the spacing may not approve it, and nobody else holds the role: add a member, or allow self-approval."
                .to_owned(),
        );
    }
}
