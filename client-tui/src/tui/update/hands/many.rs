//! One key, several chosen lines: a command for each, and the studio's verdicts summed up in one sentence. Never here: what needs a signature.

use deadwax_proto::v1::{self as v1, action::Action as Do};

use crate::tui::{
    hands::Batch,
    keys::Verb,
    model::{Model, Notice, Pending},
    msg::{Effect, Failure},
    rows::May,
    update::act::{self, Subject},
};

/// `None`: nothing is chosen, the key is about the line under the mark.
pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let chosen = super::chosen_ids(model);
    if chosen.is_empty() {
        return None;
    }
    if !model.online() {
        model.notice = Some(act::offline());
        return Some(Vec::new());
    }
    Some(notes(model, verb, &chosen))
}

fn notes(model: &mut Model, verb: Verb, chosen: &[String]) -> Vec<Effect> {
    let Some(subject) = act::subject(model) else { return Vec::new() };
    let mut pending = Vec::new();
    let mut refused = Vec::new();
    for id in chosen {
        let subject = Subject { note: Some(id.clone()), ..subject.clone() };
        if let May::No(no) = act::may(model, Some(&subject), verb) {
            refused.push(no.text.clone());
            continue;
        }
        match act::note_command(model, verb, &subject, format!("note/{id}")) {
            Ok(it) => pending.push(it),
            Err(why) => refused.push(why.to_owned()),
        }
    }
    out(model, pending, refused)
}

/// What one question sends, for every chosen line that it can be said of.
pub(in crate::tui::update) fn send_all(model: &mut Model, pending: Pending) -> Vec<Effect> {
    let chosen = super::chosen_ids(model);
    let own = pending.about.split_once('/').map_or("", |(_, id)| id).to_owned();
    if chosen.len() < 2 || !chosen.contains(&own) {
        return vec![act::send(model, pending)];
    }
    let mut all = Vec::new();
    for id in chosen {
        let action = match pending.action.action.clone() {
            Some(Do::ReopenNote(it)) => Do::ReopenNote(v1::ReopenNote { note_id: id.clone(), ..it }),
            Some(Do::DeclineNote(it)) => Do::DeclineNote(v1::DeclineNote { note_id: id.clone(), ..it }),
            _ => return vec![act::send(model, pending)],
        };
        let (noun, _) = pending.about.split_once('/').unwrap_or_default();
        let about = format!("{noun}/{id}");
        let project = pending.project_id.clone();
        all.push(act::pending(model, project, pending.verb, about, action, pending.say.clone()));
    }
    out(model, all, Vec::new())
}

fn out(model: &mut Model, pending: Vec<Pending>, refused: Vec<String>) -> Vec<Effect> {
    model.hands.chosen = None;
    let number = model.next_ticket();
    let waits_for = pending.iter().map(|it| it.command_id.clone()).collect();
    model.hands.batch = Some(Batch { number, waits_for, done: 0, refused });
    let effects = pending.into_iter().map(|it| act::send(model, it)).collect();
    model.notice = None;
    told(model);
    effects
}

/// The studio's verdict on a command. True where it belongs to several: then the sentence about all of them stands for it.
pub(in crate::tui::update) fn answered(
    model: &mut Model,
    command_id: &str,
    outcome: &Result<v1::PerformResponse, Failure>,
) -> bool {
    if matches!(outcome, Err(Failure::Offline(_))) {
        return false;
    }
    super::undo::answered(model, command_id, outcome.is_ok());
    let Some(batch) = &mut model.hands.batch else { return false };
    let Some(at) = batch.waits_for.iter().position(|it| it == command_id) else { return false };
    batch.waits_for.remove(at);
    match outcome {
        Err(Failure::Refused { text, .. }) => batch.refused.push(text.clone()),
        _ => batch.done += 1,
    }
    told(model);
    true
}

fn told(model: &mut Model) {
    let Some(batch) = model.hands.batch.as_ref().filter(|it| it.waits_for.is_empty()) else { return };
    let (done, refused) = (batch.done, batch.refused.len());
    model.notice = Some(match batch.refused.first() {
        None => Notice::Done(format!("{done} of {done} done. {} takes them back.", model.key(Verb::Undo))),
        Some(first) => Notice::Refused {
            text: format!("{done} of {} done, {refused} refused. The first: {first}", done + refused),
            hint: "What was refused is as it was.".into(),
        },
    });
    model.hands.batch = None;
}
