//! Setting a gate: what shape a rule may have. A shape that no members whatsoever could meet is refused here; one that only the present members cannot
//! meet is saved and said (`impossible`).

use std::collections::BTreeSet;

use super::{ALTERNATES_MAX, APPROVALS_MAX, Carry, GateRule, NEEDS_MAX};
use crate::{
    Actor, Alternate, Fact, Project, Reason, Refusal, Role, Stage, Time,
    asker::{Asker, either},
    decide::{Ruling, Touched},
    examination, limits,
    refusal::no,
    spacing,
};

/// The manager. A rule that nobody present can meet is allowed: people are added later, and the report says so.
pub(crate) fn set(project: &Project, actor: &Actor, rule: &GateRule, now: Time) -> Result<Ruling, Refusal> {
    Asker::of(project, actor)?.must_hold(&[Role::Manager], "change a gate")?;
    sound(rule)?;
    new_date(project.gate(rule.stage).and_then(|present| present.due), rule, now)?;
    if project.gate(rule.stage).as_ref() == Some(rule) {
        let hint = "There is nothing to do.";
        return no(Reason::NothingToChange, "The gate asks exactly this already.", hint);
    }
    Ok(Ruling {
        facts: vec![Fact::GateSet { rule: rule.clone() }],
        consequences: examination::carried_by(project, rule, now),
        touched: Touched::All,
    })
}

/// May a rule be asked at all? Also for one that is only tried: whatever time it is, as what a date that is past does is worth a try too.
pub fn sound(rule: &GateRule) -> Result<(), Refusal> {
    if rule.stage == Stage::Delivered {
        let text = "Nothing comes after delivery; it has no gate.";
        return no(Reason::RuleInvalid, text, "Name recording, mixing or mastering.");
    }
    needs(rule)?;
    alternates(rule)?;
    if rule.heard_percent > 100 {
        let text = format!("Nobody can hear {} % of a mix.", rule.heard_percent);
        return no(Reason::RuleInvalid, text, "Ask for 1 to 100 %, or for 0 where it does not matter.");
    }
    let deaf: Vec<Role> =
        rule.spacing_roles.iter().filter(|role| !spacing::APPROVERS.contains(role)).copied().collect();
    if !deaf.is_empty() {
        let text = format!("The {} does not approve a spacing.", either(&deaf));
        return no(Reason::RuleInvalid, text, format!("Ask the {}.", either(&spacing::APPROVERS)));
    }
    dates(rule)?;
    carry(rule)
}

fn needs(rule: &GateRule) -> Result<(), Refusal> {
    let wrong = |text: &str, hint: &str| no(Reason::RuleInvalid, text, hint);
    let asked = rule.needs.iter().fold(0u32, |sum, need| sum.saturating_add(need.count));
    if rule.needs.is_empty() || rule.needs.iter().any(|need| need.count == 0 || need.any_of.is_empty()) {
        let text = "A gate needs at least one approval, and a role for each.";
        return wrong(text, "Name who has to approve, and how many.");
    }
    if rule.needs.len() > NEEDS_MAX || asked > APPROVALS_MAX {
        let text = format!("A gate asks for at most {APPROVALS_MAX} approvals in {NEEDS_MAX} lines.");
        return wrong(&text, "Ask for fewer.");
    }
    if rule.needs.iter().any(|need| need.any_of.contains(&Role::Listener)) {
        return wrong("A listener does not approve.", "Name another role.");
    }
    Ok(())
}

fn alternates(rule: &GateRule) -> Result<(), Refusal> {
    let wrong = |text: &str, hint: &str| no(Reason::RuleInvalid, text, hint);
    let distinct: BTreeSet<_> = rule.required_alternates.iter().collect();
    if distinct.len() != rule.required_alternates.len() || distinct.len() > ALTERNATES_MAX {
        return wrong("An alternate is required twice, or too many are.", "Name each once.");
    }
    if rule.required_alternates.iter().any(|alternate| !alternate.is_sound()) {
        let hint = "Steps go up to 24 dB; cuts and stems count from 1.";
        return wrong("A required alternate has a number that means nothing.", hint);
    }
    // Every version has its Main, asked or not.
    let files = distinct.iter().filter(|alternate| ***alternate != Alternate::Main).count() + 1;
    if files > limits::FILES_PER_VERSION_MAX {
        let most = limits::FILES_PER_VERSION_MAX;
        let text = format!("That asks for {files} files; a version holds at most {most}.");
        return wrong(&text, "Require fewer alternates.");
    }
    Ok(())
}

fn dates(rule: &GateRule) -> Result<(), Refusal> {
    if rule.closes_when_due && rule.due.is_none() {
        let text = "A gate that closes on its date needs a date.";
        return no(Reason::RuleInvalid, text, "Give a date, or let it stay open.");
    }
    Ok(())
}

/// The date that the gate has may be past: whoever changes something else leaves it as it is.
fn new_date(present: Option<Time>, rule: &GateRule, now: Time) -> Result<(), Refusal> {
    match rule.due.filter(|due| Some(*due) != present && *due <= now) {
        None => Ok(()),
        Some(due) => {
            let text = format!("The date {} is past.", due.words());
            no(Reason::RuleInvalid, text, "Give a later date, or none.")
        }
    }
}

fn carry(rule: &GateRule) -> Result<(), Refusal> {
    if rule.stage == Stage::Mastering && rule.carry != Carry::Never {
        let text = "Approvals of a master carry to no other: what is delivered is exactly what was signed.";
        return no(Reason::RuleInvalid, text, "Let the carry rule off at the gate of mastering.");
    }
    match rule.carry {
        Carry::Residual { below_db } if !below_db.is_finite() || below_db >= 0.0 => {
            let text = "What may be left when two mixes are laid over each other is a level below 0 dB.";
            no(Reason::RuleInvalid, text, "Give a level such as -60 dB.")
        }
        _ => Ok(()),
    }
}
