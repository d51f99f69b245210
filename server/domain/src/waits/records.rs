//! What the newest record waits for: that it is approved, delivered, or started again. Notes on the spacing wait on nobody: they are read where it is set.

use super::{Target, Wait, WaitKind};
use crate::{PersonId, Project, Record, RecordState, record};

pub(super) fn of(project: &Project) -> Vec<Wait> {
    let Some(newest) = project.records.last() else { return Vec::new() };
    if newest.state == RecordState::Failed {
        return failed(project, newest);
    }
    // One that was cancelled, or is being made, does not take the place of the one that is made.
    let Some(made) = record::newest_made(project).filter(|made| made.state == RecordState::Made) else {
        return Vec::new();
    };
    if record::is_outdated(project, made) {
        return Vec::new();
    }
    let name = made.name();
    if record::is_approved(project, made) {
        let text = format!("Deliver {name}.");
        return holders(project, &record::DELIVERERS)
            .into_iter()
            .map(|person| wait(made, person, WaitKind::Deliver, text.clone()))
            .collect();
    }
    let could = record::could_approve(project, made);
    could
        .into_iter()
        .map(|(person, role)| wait(made, person, WaitKind::Approve, format!("Approve {name} as {role}.")))
        .collect()
}

/// Whoever started it; where they left, whoever may start one.
fn failed(project: &Project, record: &Record) -> Vec<Wait> {
    let starters = holders(project, &record::STARTERS);
    let by = record.by.filter(|by| starters.contains(by));
    let asked = by.map_or(starters, |by| vec![by]);
    let text = format!("{} failed: look at the reason, and start it again.", record.name());
    asked.into_iter().map(|person| wait(record, person, WaitKind::RenderFailed, text.clone())).collect()
}

fn holders(project: &Project, any_of: &[crate::Role]) -> Vec<PersonId> {
    let holds = |person: &PersonId| any_of.iter().any(|role| project.holds_role(*person, *role));
    project.members.keys().filter(holds).collect()
}

fn wait(record: &Record, person: PersonId, kind: WaitKind, text: String) -> Wait {
    Wait {
        person,
        kind,
        song: None,
        target: Target::Record(record.number),
        text,
        since: record.state_since,
        due: None,
        blocks: 0,
    }
}
