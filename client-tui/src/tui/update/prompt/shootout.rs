//! Mixes that compete: who takes part, and how they are ranked. The pick is a signature and stands with the approvals.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, Role, action::Action as Do};

use super::{CUT, DISCARD, Next, is_ctrl, text, type_text};
use crate::tui::{
    keys::Verb,
    model::{Ask, EntrantsAsk, Model, Prompt, Sends, VoteAsk, YesOrNo, text_area},
    msg::Effect,
    update::act::{self, Subject},
};

pub(in crate::tui::update) fn entrants(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let engineers = rows.members().into_iter().filter(|it| it.roles().any(|role| role == Role::MixEngineer));
    let mut people: Vec<_> = engineers.map(|it| (it.person_id.clone(), it.name.clone())).collect();
    people.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    if people.is_empty() {
        return Err("No mix engineer is a member yet. In a shell: deadwax member add.");
    }
    Ok(Ask::Entrants(Box::new(EntrantsAsk {
        project: subject.project.clone(),
        song: subject.song.clone(),
        consequence: act::consequence(model, subject, Verb::OpenShootout),
        people,
        chosen: Vec::new(),
        at: 0,
        blind: true,
        problem: None,
    })))
}

pub(super) fn entrants_key(
    model: &mut Model,
    mut ask: Box<EntrantsAsk>,
    event: KeyEvent,
    shown: bool,
) -> Next {
    ask.problem = None;
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => return Next::Close,
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => {
            ask.at = (ask.at + 1).min(ask.people.len().saturating_sub(1));
        }
        KeyCode::Tab | KeyCode::BackTab => ask.blind = !ask.blind,
        KeyCode::Char(' ') => {
            let Some((id, _)) = ask.people.get(ask.at) else { return Next::Close };
            match ask.chosen.iter().position(|it| it == id) {
                Some(at) => drop(ask.chosen.remove(at)),
                None => ask.chosen.push(id.clone()),
            }
        }
        KeyCode::Enter if shown => {
            if ask.chosen.is_empty() {
                ask.problem = Some("Choose who competes: Space.");
            } else if model.online() {
                let about = format!("song/{}", ask.song);
                let action = Do::OpenShootout(v1::OpenShootout {
                    shootout_id: model.new_id(),
                    song_id: ask.song,
                    entrant_ids: ask.chosen,
                    blind: ask.blind,
                });
                let say = "the shootout".to_owned();
                let pending = act::pending(model, ask.project, Verb::OpenShootout, about, action, say);
                return Next::Send(Box::new(pending));
            } else {
                ask.problem = Some("Not connected. Try again when the line is back.");
            }
        }
        _ => {}
    }
    Next::Keep(Ask::Entrants(ask))
}

/// The newest mix of each line, as I ranked them before, else in the order of the lines.
pub(in crate::tui::update) fn vote(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let none = "No mixes of this song compete.";
    let rows = model.projects.get(&subject.project).ok_or(none)?;
    let shootout = rows.song(&subject.song).and_then(|it| it.shootout.as_ref()).ok_or(none)?;
    let here = |id: &&String| !id.is_empty() && rows.version(id).is_some();
    let newest: Vec<String> =
        shootout.lines.iter().map(|it| &it.newest_version_id).filter(here).cloned().collect();
    if newest.is_empty() {
        return Err("No mix has come yet that could be voted for.");
    }
    let me = model.me.as_ref().map_or("", |it| it.name.as_str());
    let before = shootout.votes.iter().rev().find(|it| it.by == me);
    let mut order: Vec<String> = before.map_or_else(Vec::new, |it| it.ranking.clone());
    order.retain(|id| newest.contains(id));
    order.extend(newest.into_iter().filter(|id| !order.contains(id)).collect::<Vec<_>>());
    let voters = [Role::Artist, Role::Producer, Role::Label];
    let mut roles: Vec<Role> = model.my_roles().into_iter().filter(|role| voters.contains(role)).collect();
    if roles.is_empty() {
        roles = model.my_roles();
    }
    Ok(Ask::Vote(Box::new(VoteAsk {
        project: subject.project.clone(),
        song: subject.song.clone(),
        consequence: act::consequence(model, subject, Verb::Vote),
        roles,
        role: 0,
        order,
        at: 0,
        writing: false,
        blind: None,
        replaces_blind: before.is_some_and(|it| it.blind),
        area: text_area(&before.map_or_else(String::new, |it| crate::scrub::block(&it.reason))),
        problem: None,
    })))
}

pub(super) fn vote_key(model: &mut Model, mut ask: Box<VoteAsk>, event: KeyEvent) -> Next {
    let last = ask.order.len().saturating_sub(1);
    match event.code {
        KeyCode::Esc => {
            if text(&ask.area).is_empty() || ask.problem == Some(DISCARD) {
                return Next::Close;
            }
            ask.problem = Some(DISCARD);
            return Next::Keep(Ask::Vote(ask));
        }
        KeyCode::Tab | KeyCode::BackTab => ask.writing = !ask.writing,
        KeyCode::Enter if ask.writing && event.modifiers.is_empty() => {
            if model.online() && ask.replaces_blind {
                return replace(model, ask);
            }
            if model.online() {
                return Next::Send(Box::new(ballot(model, *ask)));
            }
            ask.problem = Some(CUT);
            return Next::Keep(Ask::Vote(ask));
        }
        _ if ask.writing && is_ctrl(event, 'e') => {
            let text = ask.area.lines().join("\n");
            return Next::Run(Ask::Vote(ask), Box::new(Effect::Edit { text, suffix: ".txt" }));
        }
        _ if ask.writing => type_text(&mut ask.area, event),
        KeyCode::Enter => ask.writing = true,
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(last),
        KeyCode::Left | KeyCode::Right if !ask.roles.is_empty() => {
            ask.role = (ask.role + 1) % ask.roles.len();
        }
        KeyCode::Char('+' | 'K') if ask.at > 0 => {
            ask.order.swap(ask.at, ask.at - 1);
            ask.at -= 1;
        }
        KeyCode::Char('-' | 'J') if ask.at < last => {
            ask.order.swap(ask.at, ask.at + 1);
            ask.at += 1;
        }
        _ => {}
    }
    ask.problem = None;
    Next::Keep(Ask::Vote(ask))
}

/// A blind vote is worth more than one by somebody who knows: it gives way only to a yes.
fn replace(model: &mut Model, ask: Box<VoteAsk>) -> Next {
    let back = Some(Box::new(Ask::Vote(ask.clone())));
    let pending = ballot(model, *ask);
    let Some(action) = pending.action.action else { return Next::Close };
    let ask = YesOrNo {
        project: pending.project_id,
        verb: pending.verb,
        about: pending.about,
        title: "Replace your blind vote?".into(),
        lines: vec!["You voted blind. This vote is not blind, and stands there as one of somebody who knew which is which.".into()],
        yes: "Replace it",
        sends: Sends::Action(action),
        say: pending.say,
    }.asked_from(back);
    Next::Ask(Prompt { ask: Ask::Confirm(Box::new(ask)), shown: false })
}

fn ballot(model: &mut Model, ask: VoteAsk) -> crate::tui::model::Pending {
    let about = format!("song/{}", ask.song);
    let action = Do::CastVote(v1::CastVote {
        song_id: ask.song,
        role: ask.roles.get(ask.role).copied().unwrap_or_default().into(),
        ranking: ask.order,
        // By their lines, whoever ranks them knows which is which, and nothing was played at one level.
        blind: ask.blind.is_some(),
        matched_lufs: ask.blind.as_ref().map_or(0.0, |it| it.matched_lufs),
        reason: text(&ask.area),
    });
    act::pending(model, ask.project, Verb::Vote, about, action, "your vote".into())
}
