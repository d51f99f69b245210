//! A request for a revision: which notes, in which words, as a change or a correction. What it costs is the server's sentence; a round
//! beyond the terms goes out only after a yes to that sentence.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, NoteRow, NoteState, RevisionKind, Role, action::Action as Do};

use super::{CUT, DISCARD, EMPTY, Next, is_ctrl, text, type_text};
use crate::tui::{
    keys::Verb,
    model::{Ask, Model, Pending, RevisionAsk, Sends, YesOrNo, text_area},
    msg::Effect,
    rows::Project,
    update::act::{self, NO_VERSION, Subject},
};

pub(in crate::tui::update) fn prepare(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or(NO_VERSION)?;
    let version = subject.version.clone().ok_or(NO_VERSION)?;
    let open = open_notes(rows, &subject.song);
    if open.is_empty() {
        return Err("There are no open notes to ask for. Write what should change first: n.");
    }
    let picked = model.hands.chosen(model);
    let askers = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
    let mut roles: Vec<Role> = model.my_roles().into_iter().filter(|role| askers.contains(role)).collect();
    if roles.is_empty() {
        roles = model.my_roles();
    }
    Ok(Ask::Revision(Box::new(RevisionAsk {
        project: subject.project.clone(),
        version,
        roles,
        role: 0,
        kind: RevisionKind::Change,
        consequence: act::consequence(model, subject, Verb::RequestRevision),
        // What was chosen in the list is what is asked for; without it everything that is open.
        chosen: open
            .iter()
            .map(|note| (note.note_id.clone(), picked.is_none_or(|it| it.contains(&note.note_id))))
            .collect(),
        at: 0,
        writing: false,
        area: text_area(""),
        problem: None,
    })))
}

/// Addressed ones wait for their author, internal ones are not for the request's readers.
fn open_notes<'a>(rows: &'a Project, song: &str) -> Vec<&'a NoteRow> {
    let all = rows.notes(song, false).into_iter();
    all.filter(|note| note.state() == NoteState::Open && !note.internal).collect()
}

pub(super) fn key(model: &mut Model, mut ask: Box<RevisionAsk>, event: KeyEvent) -> Next {
    let count = ask.chosen.len();
    match event.code {
        KeyCode::Esc => {
            if text(&ask.area).is_empty() || ask.problem == Some(DISCARD) {
                return Next::Close;
            }
            ask.problem = Some(DISCARD);
            return Next::Keep(Ask::Revision(ask));
        }
        KeyCode::Tab => {
            ask.kind = match ask.kind {
                RevisionKind::Correction => RevisionKind::Change,
                _ => RevisionKind::Correction,
            }
        }
        KeyCode::BackTab => ask.writing = !ask.writing,
        KeyCode::Enter if ask.writing && event.modifiers.is_empty() => return send_revision(model, ask),
        _ if ask.writing && is_ctrl(event, 'e') => {
            let text = ask.area.lines().join("\n");
            return Next::Run(Ask::Revision(ask), Box::new(Effect::Edit { text, suffix: ".txt" }));
        }
        _ if ask.writing => type_text(&mut ask.area, event),
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(count.saturating_sub(1)),
        KeyCode::Left | KeyCode::Right if !ask.roles.is_empty() => {
            ask.role = (ask.role + 1) % ask.roles.len();
        }
        KeyCode::Char(' ' | 'x') => {
            if let Some(chosen) = ask.chosen.values_mut().nth(ask.at) {
                *chosen = !*chosen;
            }
        }
        KeyCode::Enter => ask.writing = true,
        _ => {}
    }
    ask.problem = None;
    Next::Keep(Ask::Revision(ask))
}

fn send_revision(model: &mut Model, mut ask: Box<RevisionAsk>) -> Next {
    let note_ids: Vec<String> =
        ask.chosen.iter().filter(|(_, yes)| **yes).map(|(id, _)| id.clone()).collect();
    let message = text(&ask.area);
    ask.problem = if note_ids.is_empty() {
        Some("Choose at least one note: Shift-Tab, then Space.")
    } else if message.is_empty() {
        Some(EMPTY)
    } else if model.online() {
        None
    } else {
        Some(CUT)
    };
    if ask.problem.is_some() {
        return Next::Keep(Ask::Revision(ask));
    }
    let about = format!("version/{}", ask.version);
    let action = Do::RequestRevision(v1::RequestRevision {
        request_id: model.new_id(),
        version_id: ask.version.clone(),
        role: ask.roles.get(ask.role).copied().unwrap_or_default().into(),
        message,
        note_ids,
        kind: ask.kind.into(),
        beyond_terms: false,
    });
    let say = "the revision request".into();
    Next::Send(Box::new(act::pending(model, ask.project.clone(), Verb::RequestRevision, about, action, say)))
}

/// The server says that this round lies beyond the terms. The same request goes out again only after a yes to that sentence; a no leads
/// back to what was written.
pub(in crate::tui::update) fn beyond_terms(model: &Model, pending: &Pending, text: &str) -> Option<Ask> {
    let Some(Do::RequestRevision(request)) = &pending.action.action else { return None };
    let rows = model.projects.get(&pending.project_id)?;
    let song = &rows.version(&request.version_id)?.song_id;
    let notes = open_notes(rows, song).into_iter();
    let chosen: BTreeMap<String, bool> =
        notes.map(|note| (note.note_id.clone(), request.note_ids.contains(&note.note_id))).collect();
    let mut roles = vec![request.role()];
    roles.extend(model.my_roles().into_iter().filter(|role| *role != request.role()));
    let back = RevisionAsk {
        project: pending.project_id.clone(),
        version: request.version_id.clone(),
        roles,
        role: 0,
        kind: request.kind(),
        consequence: text.to_owned(),
        chosen,
        at: 0,
        writing: true,
        area: text_area(&crate::scrub::block(&request.message)),
        problem: None,
    };
    let known = v1::RequestRevision { beyond_terms: true, ..request.clone() };
    Some(Ask::Confirm(Box::new(YesOrNo {
        project: pending.project_id.clone(),
        verb: pending.verb,
        about: pending.about.clone(),
        title: text.to_owned(),
        lines: vec!["Nothing was sent yet. Only a yes sends it as a round beyond the terms; no leads back to your text.".into()],
        yes: "Send it",
        sends: Sends::Action(Do::RequestRevision(known)),
        say: pending.say.clone(),
    }.asked_from(Some(Box::new(Ask::Revision(Box::new(back))))))))
}
