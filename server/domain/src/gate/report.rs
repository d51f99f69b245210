//! What a gate says of a song: one line for each thing asked, who is missing and what is the next step. Pure questions; nothing is decided here that
//! `open` would not hold itself to.

use std::collections::BTreeSet;

use super::{
    GateLine, GateReport, GateRule,
    seats::{counting, need_lines},
};
use crate::{
    Alternate, ApprovalState, NoteState, PersonId, Project, Role, Roles, SongId, Stage, Verdict, Version,
    VersionKind, asker::either, handoff, preflight, revision, spacing,
};

/// `None` where nothing lies ahead: an unknown song, or one that is delivered. Dates are held against [`Project::as_of`].
///
/// Open notes: a note (not a reply, not an internal one) keeps the gate shut while it is open, on whichever version it was written. One that is
/// addressed does not: the approvals are the judgement of the result, and whoever is not content reopens the note.
pub fn report(project: &Project, song: SongId) -> Option<GateReport> {
    try_stage(project, song, project.songs.get(song)?.stage)
}

/// What a rule would say, for a project of any moment; nothing is changed by it. The rule's stage counts, wherever the song stands. `None`: the rule that holds.
pub fn try_rule(project: &Project, song: SongId, rule: Option<&GateRule>) -> Option<GateReport> {
    let Some(rule) = rule else { return report(project, song) };
    let mut with = project.clone();
    with.gates.insert(rule.stage, rule.clone());
    try_stage(&with, song, rule.stage)
}

/// The gate of any stage, wherever the song stands.
pub fn try_stage(project: &Project, song: SongId, stage: Stage) -> Option<GateReport> {
    let (rule, kind) = (project.gate(stage)?, stage.kind()?);
    project.songs.get(song)?;
    let candidate = project.newest(song, kind);
    let mut lines = vec![candidate_line(project, song, kind, candidate)];
    lines.extend(need_lines(project, song, stage, candidate, &rule.needs));
    lines.extend(candidate.and_then(|candidate| heard_line(project, candidate, &rule)));
    lines.extend(signed_line(project, song, candidate, &rule));
    lines.extend(hold_line(project, song));
    if let Some(candidate) = candidate {
        lines.extend(returned_line(project, candidate));
        lines.extend(alternates_line(candidate, &rule.required_alternates));
        lines.extend(examination_line(project, candidate, rule.preflight_ignored));
        lines.push(preflight_line(project, candidate, rule.preflight_ignored));
        lines.extend(revision_line(project, song, candidate));
    }
    if !rule.open_notes_allowed {
        lines.push(notes_line(project, song));
    }
    lines.extend(candidate.and_then(|candidate| untouched_line(project, candidate)));
    lines.extend(spacing_line(project, stage, &rule.spacing_roles));
    lines.extend(deadline_line(project, &rule));
    let met = lines.iter().all(|line| line.met);
    Some(GateReport { song, stage, candidate: candidate.map(|version| version.id), met, lines })
}

pub(super) fn line(met: bool, code: &'static str, text: impl Into<String>) -> GateLine {
    GateLine { met, code, text: text.into(), missing_roles: Roles::new(), waits_for: Vec::new() }
}

/// While mixes compete nothing is the candidate. Letters of lines are no names: they may be told to everybody.
fn candidate_line(
    project: &Project,
    song: SongId,
    kind: VersionKind,
    candidate: Option<&Version>,
) -> GateLine {
    if let Some(version) = candidate {
        return line(true, "CANDIDATE", format!("{} is looked at.", version.name()));
    }
    if let Some(open) = project.open_shootout(song).filter(|_| kind == VersionKind::Mix) {
        let letters: Vec<String> = open.lines.iter().map(|(line, _)| line.letter()).collect();
        let deciders = project.deciders(open);
        let missing_roles: Roles = deciders.iter().map(|(_, role)| *role).collect();
        let waits_for = people(deciders.iter().map(|(person, _)| *person));
        let text =
            format!("Mixes of {} compete; the {} has to pick.", letters.join(", "), either(&missing_roles));
        return GateLine { waits_for, missing_roles, ..line(false, "SHOOTOUT", text) };
    }
    let text = match kind {
        VersionKind::Take => "There is no take yet: upload the first one.",
        VersionKind::Mix => "There is no mix yet: a mix engineer uploads the first one.",
        VersionKind::Master => {
            "There is no master yet: a render makes it, or the mastering engineer uploads one."
        }
    };
    line(false, "CANDIDATE", text)
}

/// The mix came back from mastering: only another one, or somebody who answers for this one, brings the song on.
fn returned_line(project: &Project, candidate: &Version) -> Option<GateLine> {
    let (back, swapped) = project.came_back(candidate)?;
    let (name, reasons) = (candidate.name(), handoff::reasons(&back.reason, &back.items));
    let how = match (swapped, handoff::sender(project, back, swapped)) {
        (true, _) => "swapped out".to_owned(),
        (false, sender) if sender == "the mastering engineer" => "returned by mastering".to_owned(),
        (false, sender) => format!("returned by {sender}"),
    };
    let text = format!("{name} was {how}: {reasons} It waits for another mix.");
    let waits_for = project.mixers_of(candidate.song);
    let missing_roles = Roles::from([Role::MixEngineer]);
    Some(GateLine { waits_for, missing_roles, ..line(false, "RETURNED", text) })
}

fn heard_line(project: &Project, candidate: &Version, rule: &GateRule) -> Option<GateLine> {
    let asked = rule.heard_percent;
    if asked == 0 {
        return None;
    }
    let name = candidate.name();
    let is_asked = |role| rule.needs.iter().any(|need| need.any_of.contains(&role));
    let short: Vec<_> = counting(project, candidate.song, rule.stage)
        .filter(|approval| is_asked(approval.role))
        .filter(|approval| crate::approval::heard_of(project, approval, candidate.id) < asked)
        .collect();
    if short.is_empty() {
        return Some(heard_by_who_is_missing(project, candidate, rule));
    }
    let roles: Roles = short.iter().map(|approval| approval.role).collect();
    let text = format!(
        "The {} approved {name} and has heard less than {asked} % of it: listen to the rest.",
        and(&roles)
    );
    let mut line = line(false, "HEARD", text);
    line.waits_for = people(short.iter().map(|approval| approval.person));
    line.missing_roles = roles;
    Some(line)
}

/// Nobody who approved has heard too little: the rest lies with those whose approval is missing.
fn heard_by_who_is_missing(project: &Project, candidate: &Version, rule: &GateRule) -> GateLine {
    let (asked, name) = (rule.heard_percent, candidate.name());
    let needs = need_lines(project, candidate.song, rule.stage, Some(candidate), &rule.needs);
    if needs.iter().all(|need| need.met) {
        return line(true, "HEARD", format!("Whoever approved has heard {asked} % of {name}."));
    }
    let could = people(needs.iter().flat_map(|need| need.waits_for.iter().copied()));
    let heard = |person: &PersonId| project.heard_percent(candidate.id, *person) >= asked;
    let (yes, no): (Vec<PersonId>, Vec<PersonId>) = could.into_iter().partition(heard);
    match (yes.is_empty(), no.is_empty()) {
        (false, true) => {
            line(true, "HEARD", format!("Everybody who could still approve has heard {asked} % of {name}."))
        }
        (some_have_not, _) => {
            let who = if some_have_not { "Nobody" } else { "Not everybody" };
            let verb = if some_have_not { "would" } else { "could" };
            let text = format!("{who} who {verb} approve has heard {asked} % of {name} yet.");
            GateLine { waits_for: no, ..line(false, "HEARD", text) }
        }
    }
}

/// Told before anybody comes to approve without a key: the approval itself is what is missing.
fn signed_line(
    project: &Project,
    song: SongId,
    candidate: Option<&Version>,
    rule: &GateRule,
) -> Option<GateLine> {
    if !rule.signed {
        return None;
    }
    let needs = need_lines(project, song, rule.stage, candidate, &rule.needs);
    let asked = people(needs.iter().flat_map(|need| need.waits_for.iter().copied()));
    let keyed = asked.iter().filter(|person| !project.keys_of(**person).is_empty()).count();
    let who = match keyed {
        all if all == asked.len() => "",
        0 => ", and nobody who is asked has one yet: `deadwax key new` makes it",
        _ => ", and not everybody who is asked has one yet: `deadwax key new` makes it",
    };
    Some(line(true, "SIGNED", format!("Every approval is signed with a key{who}.")))
}

fn hold_line(project: &Project, song: SongId) -> Option<GateLine> {
    let holds: Vec<_> =
        project.approvals_of(song).filter(|(_, state)| *state == ApprovalState::Hold).collect();
    if holds.is_empty() {
        return None;
    }
    let roles: Roles = holds.iter().map(|(hold, _)| hold.role).collect();
    let mut line = line(false, "ON_HOLD", format!("Held by the {} until lifted.", and(&roles)));
    line.waits_for = people(holds.iter().map(|(hold, _)| hold.person));
    line.missing_roles = roles;
    Some(line)
}

fn alternates_line(candidate: &Version, required: &[Alternate]) -> Option<GateLine> {
    let has = |wanted: &Alternate| candidate.files.iter().any(|file| file.alternate == *wanted);
    let missing: Vec<_> =
        required.iter().filter(|wanted| !has(wanted)).map(|wanted| wanted.words()).collect();
    match (required.is_empty(), missing.is_empty()) {
        (true, _) => None,
        (false, true) => Some(line(true, "ALTERNATES", "Every required alternate is there.")),
        (false, false) => {
            let text = format!("{} lacks: {}.", candidate.name(), missing.join(", "));
            Some(line(false, "ALTERNATES", text))
        }
    }
}

/// One that failed holds nobody up: preflight tells it as a warning.
fn examination_line(project: &Project, candidate: &Version, ignored: bool) -> Option<GateLine> {
    let name = candidate.name();
    if project.awaits_examination(candidate) {
        let text = if ignored {
            format!("{name} is still being examined; this gate does not wait for it.")
        } else {
            format!("{name} is still being examined.")
        };
        return Some(line(ignored, "EXAMINATION", text));
    }
    let examined = project.examinations.get(candidate.id)?;
    let text = match examined.failed {
        Some(_) => format!("{name} could not be examined."),
        None => format!("{name} was examined."),
    };
    Some(line(true, "EXAMINATION", text))
}

fn preflight_line(project: &Project, candidate: &Version, ignored: bool) -> GateLine {
    let findings = preflight::findings(project, candidate);
    let blocks: Vec<_> = findings.iter().filter(|finding| finding.block).collect();
    let Some(first) = blocks.first() else {
        return line(true, "PREFLIGHT", "Preflight found nothing that blocks.");
    };
    if ignored {
        let text = format!("Preflight blocks: {}; this gate passes over that.", blocks.len());
        return line(true, "PREFLIGHT", text);
    }
    let more = match blocks.len() {
        0 | 1 => String::new(),
        2 => " There is 1 more.".to_owned(),
        count => format!(" There are {} more.", count - 1),
    };
    let text =
        format!("Preflight blocks the {}: {} {}{more}", first.alternate.words(), first.text, first.mend);
    line(false, "PREFLIGHT", text)
}

fn revision_line(project: &Project, song: SongId, candidate: &Version) -> Option<GateLine> {
    let request = project.requests_of(song).find(|request| revision::asks_of(project, request, candidate))?;
    let text = format!("The {} asked for a revision of {}.", request.role, candidate.name());
    Some(line(false, "REVISION_REQUESTED", text))
}

fn notes_line(project: &Project, song: SongId) -> GateLine {
    match project.open_notes(song).filter(|note| !note.internal).count() {
        0 => line(true, "OPEN_NOTES", "No note is open."),
        1 => line(false, "OPEN_NOTES", "One note is open."),
        many => line(false, "OPEN_NOTES", format!("{many} notes are open.")),
    }
}

/// Told before anybody is asked to listen, and never in the way. Internal notes are not counted: a count tells of what is hidden (V-1).
fn untouched_line(project: &Project, candidate: &Version) -> Option<GateLine> {
    let examined = project.examinations.get(candidate.id)?;
    let count = |wanted: &dyn Fn(NoteState) -> bool| {
        let of = |outcome: &&crate::NoteOutcome| {
            let note = project.notes.get(outcome.note);
            note.is_some_and(|note| !note.internal && note.parent.is_none() && wanted(note.state))
        };
        let all: Vec<_> = examined.notes.iter().filter(of).collect();
        (all.iter().filter(|outcome| outcome.verdict == Verdict::Untouched).count(), all.len())
    };
    let (open, of) = count(&|state| state == NoteState::Open);
    let (done, of_done) = count(&|state| matches!(state, NoteState::Addressed(_)));
    let name = candidate.name();
    let mut said = Vec::new();
    if open > 0 {
        let (notes, show) =
            (if of == 1 { "note" } else { "notes" }, if open == 1 { "shows" } else { "show" });
        said.push(format!("{open} of {of} open {notes} {show} no change in {name}."));
    }
    if done > 0 {
        let (notes, show) =
            (if of_done == 1 { "note" } else { "notes" }, if done == 1 { "shows" } else { "show" });
        said.push(format!("{done} of {of_done} {notes} said to be done {show} no change in {name}."));
    }
    (!said.is_empty()).then(|| line(true, "UNTOUCHED_NOTES", said.join(" ")))
}

fn spacing_line(project: &Project, stage: Stage, asked: &Roles) -> Option<GateLine> {
    if asked.is_empty() {
        return None;
    }
    let Some(newest) = project.spacings.last() else {
        return Some(line(false, "SPACING", "There is no spacing yet: set the running order and its gaps."));
    };
    let number = newest.number;
    if !spacing::names_every_song(project, &newest.items) {
        let text = format!("Spacing {number} does not name every song once: set a new one.");
        return Some(line(false, "SPACING", text));
    }
    let lacks = |role: &&Role| !spacing::is_approved(project, stage, **role);
    let missing: Roles = asked.iter().filter(lacks).copied().collect();
    if missing.is_empty() {
        return Some(line(true, "SPACING", format!("Spacing {number} is approved.")));
    }
    let mut text = format!("Spacing {number} is not approved by the {}.", and(&missing));
    let mut waits_for = BTreeSet::new();
    for role in &missing {
        let mut could = spacing::could_approve(project, stage, *role).peekable();
        if could.peek().is_none() {
            let why = if project.holders(*role).next().is_none() {
                format!(" Nobody holds the role {role}: add somebody, or change the gate.")
            } else {
                format!(" The only {role} set it, and nobody approves their own here: add another.")
            };
            text.push_str(&why);
        }
        waits_for.extend(could);
    }
    let waits_for = waits_for.into_iter().collect();
    Some(GateLine { waits_for, missing_roles: missing, ..line(false, "SPACING", text) })
}

fn deadline_line(project: &Project, rule: &GateRule) -> Option<GateLine> {
    let due = rule.due?;
    let (day, past) = (due.words(), due <= project.as_of);
    if rule.is_closed(project.as_of) {
        let text = format!("It closed on {day}: nothing goes through until the manager moves the date.");
        let waits_for = project.holders(Role::Manager).collect();
        let missing_roles = Roles::from([Role::Manager]);
        return Some(GateLine { waits_for, missing_roles, ..line(false, "DEADLINE", text) });
    }
    let text = match (rule.closes_when_due, past) {
        (true, _) => format!("Due {day}; after that the gate is closed."),
        (false, true) => format!("It was due {day}; the gate is open still."),
        (false, false) => format!("Due {day}."),
    };
    Some(line(true, "DEADLINE", text))
}

fn people(all: impl Iterator<Item = PersonId>) -> Vec<PersonId> {
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

fn and(roles: &Roles) -> String {
    roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and the ")
}
