//! What a gate does when it opens: by itself once it is met, by a manager who overrides it, and never after its date where it closes. Consequences are
//! facts by nobody.

use super::{GateReport, GateRule, report};
use crate::{
    Actor, Command, Event, Fact, Project, Reason, Refusal, Role, SongId, Stage, Time, VersionId,
    asker::Asker,
    decide::{Ruling, Touched, misrouted},
    refusal::no,
    render, text,
};

/// What a met gate does, in the same breath as the fact that met it (P-3): the song leaves its stage; out of mixing the mix is handed over and its
/// render queued; out of mastering, renders that nobody waits for any more end.
pub(crate) fn open_what_is_met(project: &Project, events: &mut Vec<Event>, touched: Touched, now: Time) {
    let songs: Vec<SongId> = match touched {
        Touched::None => return,
        Touched::Song(song) => vec![song],
        Touched::All => project.running_order.clone(),
    };
    let mut after = project.clone();
    after.apply_all(&*events);
    // A command that changed nothing yet asks at its own time too.
    after.as_of = after.as_of.max(now);
    for song in songs {
        let Some(report) = report(&after, song).filter(|report| report.met) else { continue };
        let Some(version) = report.candidate else { continue };
        for fact in left(&after, song, report.stage, version) {
            events.push(Event { at: now, by: None, fact });
        }
    }
}

fn left(project: &Project, song: SongId, stage: Stage, version: VersionId) -> Vec<Fact> {
    let Some(to) = stage.next() else { return Vec::new() };
    let mut facts = vec![Fact::StageLeft { song, from: stage, to, version }];
    match stage {
        Stage::Mixing => {
            facts.push(Fact::HandoffMade { song, version });
            facts.push(Fact::RenderQueued {
                render: render::gate_render_id(project, song, version),
                song,
                version,
                recipe: project.recipe_of(song).cloned(),
            });
        }
        Stage::Mastering => facts.extend(render::cancel_all(project, song)),
        Stage::Recording | Stage::Delivered => {}
    }
    facts
}

pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &Command,
    now: Time,
) -> Result<Ruling, Refusal> {
    match command {
        Command::OverrideGate { song, version, reason } => {
            override_gate(project, actor, (*song, *version), reason, now)
        }
        Command::PassDeadline { stage } => pass_deadline(project, actor, *stage, now),
        _ => misrouted(),
    }
}

/// A manager sends the song on although its gate is not met: with a reason, and with what was missing written beside it. What is missing stays missing: a hold
/// keeps the next gate shut.
fn override_gate(
    project: &Project,
    actor: &Actor,
    (song, seen): (SongId, Option<VersionId>),
    reason: &str,
    now: Time,
) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&[Role::Manager], "override a gate")?;
    let of = asker.song(song)?;
    if project.open_shootout(song).is_some_and(|_| of.stage == Stage::Mixing) {
        let text = format!("Mixes compete for \"{}\": there is none that could go on.", of.title);
        return no(Reason::ShootoutOpen, text, "Let a mix be picked first.");
    }
    let mut at_once = project.clone();
    at_once.as_of = at_once.as_of.max(now);
    let Some(report) = report(&at_once, song) else {
        let text = format!("\"{}\" has passed every gate.", of.title);
        return no(Reason::WrongStage, text, "Make the delivery.");
    };
    let Some(version) = report.candidate else {
        let text = format!("\"{}\" has nothing in {} that could go on.", of.title, report.stage);
        return no(Reason::WrongStage, text, "A version has to be added first.");
    };
    if seen.is_some_and(|seen| seen != version) {
        let name = project.version_name(version);
        let text = format!("{name} is the candidate by now; you looked at another version.");
        return no(Reason::VersionSuperseded, text, format!("Look at {name}, then decide again."));
    }
    if report.met {
        let text = format!("The gate of {} is met.", report.stage);
        return no(Reason::NothingToChange, text, "There is nothing to override.");
    }
    let reason = text::required("The reason", reason)?;
    let stage = report.stage;
    let unmet = unmet(report);
    Ok(Ruling {
        facts: vec![Fact::GateOverridden { song, stage, version, reason, unmet }],
        consequences: left(project, song, stage, version),
        touched: Touched::None,
    })
}

fn unmet(report: GateReport) -> Vec<String> {
    report.lines.into_iter().filter(|line| !line.met).map(|line| line.text).collect()
}

/// The house, once for each date.
fn pass_deadline(project: &Project, actor: &Actor, stage: Stage, now: Time) -> Result<Ruling, Refusal> {
    if *actor != Actor::Worker {
        let hint = "Give the gate a date; it passes by itself.";
        return no(Reason::NotYourRole, "Only the house tells that a date has come.", hint);
    }
    let due = project.gates.get(&stage).and_then(|rule: &GateRule| rule.due);
    match due.filter(|_| project.deadlines_due(now).contains(&stage)) {
        Some(due) => Ok(Ruling::fact(Fact::DeadlinePassed { stage, due })),
        None => {
            let text = format!("The gate of {stage} has no date that came and was not told.");
            no(Reason::NothingToChange, text, "There is nothing to do.")
        }
    }
}
