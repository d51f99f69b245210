//! The parts of a song: one is named at the cursor, the list is changed and sent as a whole. Never here: which names and places the studio takes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_proto::v1::{self as v1, Section, action::Action as Do};

use super::{CUT, DISCARD, Next};
use crate::{
    scrub,
    tui::{
        keys::Verb,
        model::{Ask, Model, Notice, Prompt, Screen, SectionsAsk},
        msg::Effect,
        rows::{self, May},
        update::{act, read},
    },
};

/// A section that begins this near to the cursor is the one that is meant.
const NEAR_MS: u64 = 250;
const NAME_CHARS_MAX: usize = 60;

pub(in crate::tui::update) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(subject) = act::subject(model) else { return Vec::new() };
    if let May::No(no) = act::may(model, Some(&subject), Verb::Sections) {
        model.notice = Some(Notice::Refused { text: no.text.clone(), hint: no.hint.clone() });
        return Vec::new();
    }
    let Screen::Song(view) = model.top() else { return Vec::new() };
    let version = model.projects.get(&view.project).and_then(|it| view.version(it));
    let Some(version) = version else { return read::tell(model, act::NO_VERSION) };
    let cursor_ms = view.cursor_ms;
    let list: Vec<(u64, String)> =
        version.sections.iter().map(|it| (it.start_ms, scrub::line(&it.name))).collect();
    let near = list.iter().position(|(at, _)| at.abs_diff(cursor_ms) <= NEAR_MS);
    let ask = SectionsAsk {
        project: view.project.clone(),
        version: version.version_id.clone(),
        consequence: act::consequence(model, &subject, Verb::Sections),
        at: near.unwrap_or(0),
        // Where none begins yet its name is asked at once.
        typing: near.is_none().then(|| (String::new(), true)),
        list,
        cursor_ms,
        length_ms: rows::length_ms(version),
        changed: false,
        problem: None,
    };
    model.notice = None;
    model.prompt = Some(Prompt { ask: Ask::Sections(Box::new(ask)), shown: false });
    Vec::new()
}

pub(super) fn key(model: &mut Model, mut ask: Box<SectionsAsk>, event: KeyEvent) -> Next {
    let asked = ask.problem.take();
    if ask.typing.is_some() {
        type_name(&mut ask, event);
        return Next::Keep(Ask::Sections(ask));
    }
    let last = ask.list.len().saturating_sub(1);
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => {
            if !ask.changed || asked == Some(DISCARD) {
                return Next::Close;
            }
            ask.problem = Some(DISCARD);
        }
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(last),
        KeyCode::Char('n') => {
            if ask.list.iter().any(|(at, _)| *at == ask.cursor_ms) {
                ask.problem = Some("A section begins at the cursor already: e names it anew.");
            } else {
                ask.typing = Some((String::new(), true));
            }
        }
        KeyCode::Char('e') => ask.typing = ask.list.get(ask.at).map(|(_, name)| (name.clone(), false)),
        KeyCode::Char('x') | KeyCode::Delete if ask.at < ask.list.len() => {
            ask.list.remove(ask.at);
            ask.at = ask.at.min(ask.list.len().saturating_sub(1));
            ask.changed = true;
        }
        KeyCode::Enter if !ask.changed => return Next::Close,
        KeyCode::Enter if !model.online() => ask.problem = Some(CUT),
        KeyCode::Enter => {
            let sections = ask.list.into_iter().map(|(start_ms, name)| Section { start_ms, name }).collect();
            let action = Do::SetSections(v1::SetSections { version_id: ask.version.clone(), sections });
            let about = format!("version/{}", ask.version);
            let say = "the sections".to_owned();
            return Next::Send(Box::new(act::pending(
                model,
                ask.project,
                Verb::Sections,
                about,
                action,
                say,
            )));
        }
        _ => {}
    }
    Next::Keep(Ask::Sections(ask))
}

fn type_name(ask: &mut SectionsAsk, event: KeyEvent) {
    let Some((name, new)) = &mut ask.typing else { return };
    match event.code {
        // A first name that was not wanted leaves the list as it is.
        KeyCode::Esc => ask.typing = None,
        KeyCode::Backspace => {
            name.pop();
        }
        KeyCode::Char('u') if super::is_ctrl(event, 'u') => name.clear(),
        KeyCode::Enter => {
            let (name, new) = (name.trim().to_owned(), *new);
            if name.is_empty() {
                ask.problem = Some("A section needs a name: Verse 1, Chorus, Bridge.");
                return;
            }
            ask.typing = None;
            ask.changed = true;
            if new {
                let at = ask.list.partition_point(|(start, _)| *start < ask.cursor_ms);
                ask.list.insert(at, (ask.cursor_ms, name));
                ask.at = at;
            } else if let Some(it) = ask.list.get_mut(ask.at) {
                it.1 = name;
            }
        }
        KeyCode::Char(c)
            if event.modifiers.difference(KeyModifiers::SHIFT).is_empty()
                && name.chars().count() < NAME_CHARS_MAX =>
        {
            name.push(c);
        }
        _ => {}
    }
}

pub(super) fn pasted(ask: &mut SectionsAsk, text: &str) {
    if let Some((name, _)) = &mut ask.typing {
        let room = NAME_CHARS_MAX.saturating_sub(name.chars().count());
        name.extend(scrub::line(text).chars().take(room));
    }
}
