//! The upload of a new version: paths that were pasted, dropped or typed, what each file was taken for, and what goes with them. Nothing is sent before
//! the list of what will be sent as what was on the screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_proto::v1::{AddVersion, VersionKind};

use super::{CUT, Next, type_text};
use crate::{
    name,
    tui::{
        keys::Verb,
        model::{Ask, Model, Prompt, text_area},
        msg::Effect,
        transfers::{ALTERNATES, Found, Order, PANES, Pane, Sending, Sent, UploadAsk, What, paths_of},
        update::{
            act::{self, Subject},
            transfers,
        },
        words,
    },
    verbs::{
        house::kind_of_stage,
        push::{Unfit, check_alternates, contradictions, twins_block},
    },
};

pub(in crate::tui::update) fn prepare(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let song = rows.song(&subject.song).ok_or("There is no song here yet. n on the board adds one.")?;
    Ok(Ask::Upload(Box::new(UploadAsk {
        project: subject.project.clone(),
        song: song.song_id.clone(),
        song_title: crate::scrub::line(&song.title),
        kind: kind_of_stage(song.stage),
        consequence: act::consequence(model, subject, Verb::Upload),
        paths: text_area(""),
        files: Vec::new(),
        title: text_area(""),
        changelog: text_area(""),
        pane: Pane::Paths,
        at: 0,
        ticket: None,
        problem: None,
    })))
}

pub(super) fn key(model: &mut Model, mut ask: Box<UploadAsk>, event: KeyEvent, shown: bool) -> Next {
    let place = PANES.iter().position(|it| *it == ask.pane).unwrap_or(0);
    match event.code {
        KeyCode::Esc => return Next::Close,
        KeyCode::Tab => ask.pane = PANES[(place + 1) % PANES.len()],
        KeyCode::BackTab => ask.pane = PANES[(place + PANES.len() - 1) % PANES.len()],
        KeyCode::Enter if event.modifiers.is_empty() => {
            // What will be sent as what must have been on the screen.
            if shown && let Some(effects) = sent(model, &mut ask) {
                return Next::All(None, effects);
            }
        }
        _ => {
            ask.problem = None;
            match ask.pane {
                Pane::Paths => {
                    type_text(&mut ask.paths, event);
                    let effect = look(model, &mut ask);
                    return Next::All(Some(Ask::Upload(ask)), effect.into_iter().collect());
                }
                Pane::Files => files_key(&mut ask, event),
                Pane::Title => {
                    super::type_line(&mut ask.title, event);
                }
                Pane::Changelog => type_text(&mut ask.changelog, event),
            }
        }
    }
    Next::Keep(Ask::Upload(ask))
}

fn files_key(ask: &mut UploadAsk, event: KeyEvent) {
    let last = ask.files.len().saturating_sub(1);
    ask.at = ask.at.min(last);
    match event.code {
        KeyCode::Up => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down => ask.at = (ask.at + 1).min(last),
        KeyCode::Delete => {
            if ask.at < ask.files.len() {
                ask.files.remove(ask.at);
            }
            ask.at = ask.at.min(ask.files.len().saturating_sub(1));
        }
        KeyCode::Left | KeyCode::Right => {
            if let Some(file) = ask.files.get_mut(ask.at) {
                turn(file, event.code == KeyCode::Right);
            }
        }
        // Any of the house's words can be typed over what the name was read as.
        KeyCode::Backspace => {
            if let Some(file) = ask.files.get_mut(ask.at) {
                file.alternate.pop();
            }
        }
        KeyCode::Char(c) if event.modifiers.difference(KeyModifiers::SHIFT).is_empty() => {
            let plain = c.is_ascii_alphanumeric() || "-+.".contains(c);
            if let Some(file) = ask.files.get_mut(ask.at).filter(|it| plain && it.alternate.len() < 24) {
                file.alternate.push(c.to_ascii_lowercase());
            }
        }
        _ => {}
    }
}

/// Through what the name says and the usual words.
fn turn(file: &mut Sending, forward: bool) {
    let mut words: Vec<&str> = ALTERNATES.to_vec();
    if !words.contains(&file.guess.alternate.as_str()) {
        words.insert(0, &file.guess.alternate);
    }
    let at = words.iter().position(|it| *it == file.alternate);
    let next = match (at, forward) {
        (None, _) => 0,
        (Some(at), true) => (at + 1) % words.len(),
        (Some(at), false) => (at + words.len() - 1) % words.len(),
    };
    file.alternate = words[next].to_owned();
}

/// Asks what lies under the paths as they stand now.
fn look(model: &mut Model, ask: &mut UploadAsk) -> Option<Effect> {
    let paths = paths_of(&ask.paths.lines().join("\n"));
    if paths.is_empty() {
        ask.files.clear();
        ask.ticket = None;
        return None;
    }
    let ticket = model.next_ticket();
    ask.ticket = Some(ticket);
    Some(Effect::Transfer(Order::Look { ticket, paths }))
}

/// The answer of the newest look. What was chosen by hand for a file stays.
pub(in crate::tui::update) fn looked(model: &mut Model, ticket: u64, found: Vec<Found>) {
    let Some(Prompt { ask: Ask::Upload(ask), shown }) = &mut model.prompt else { return };
    if ask.ticket != Some(ticket) {
        return;
    }
    ask.ticket = None;
    // The list changes under whoever reads it: it is to be read anew before Enter counts.
    *shown = false;
    let before = std::mem::take(&mut ask.files);
    for found in found {
        if ask.files.iter().any(|it| it.found.path == found.path) {
            continue;
        }
        let guess = name::parse(&found.path.to_string_lossy());
        let kept = before.iter().find(|it| it.found.path == found.path).map(|it| it.alternate.clone());
        let alternate = kept.unwrap_or_else(|| guess.alternate.clone());
        ask.files.push(Sending { found, guess, alternate });
    }
    ask.at = ask.at.min(ask.files.len().saturating_sub(1));
}

/// What is pasted or dropped on the files is a further path, whichever pane has the keys; elsewhere it is text.
pub(in crate::tui::update) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let Some(Prompt { ask: Ask::Upload(mut ask), .. }) = model.prompt.take() else { return Vec::new() };
    let effect = match ask.pane {
        Pane::Paths | Pane::Files => {
            let mut all = ask.paths.lines().join("\n").trim().to_owned();
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(&drawable(text));
            ask.paths = text_area(&all);
            ask.paths.move_cursor(ratatui_textarea::CursorMove::End);
            ask.paths.move_cursor(ratatui_textarea::CursorMove::Bottom);
            ask.paths.move_cursor(ratatui_textarea::CursorMove::End);
            look(model, &mut ask)
        }
        Pane::Title => {
            ask.title.insert_str(crate::scrub::line(text.trim()));
            None
        }
        Pane::Changelog => {
            ask.changelog.insert_str(crate::scrub::block(text));
            None
        }
    };
    model.prompt = Some(Prompt { ask: Ask::Upload(ask), shown: false });
    effect.into_iter().collect()
}

/// Nothing that a terminal would obey, and otherwise as it is: composed in another way it would name another file.
fn drawable(text: &str) -> String {
    let text: String =
        text.replace('\r', "\n").chars().filter(|c| *c == '\n' || !crate::scrub::is_hostile(*c)).collect();
    text.trim().to_owned()
}

/// What speaks against sending it, or what to look at twice. Sentences.
pub fn remarks(ask: &UploadAsk) -> Vec<String> {
    let guesses: Vec<name::Guess> = ask.files.iter().map(|it| it.guess.clone()).collect();
    let mut said = contradictions(&ask.song_title, ask.kind, &guesses);
    // A doubt about a word is settled once another was chosen.
    let doubted = ask.files.iter().filter(|it| it.alternate == it.guess.alternate);
    said.extend(doubted.flat_map(|it| it.guess.doubts.iter().cloned()));
    said.dedup();
    said
}

fn problem(model: &Model, ask: &UploadAsk) -> Option<String> {
    if ask.files.is_empty() {
        return Some("Paste or drop files first, or type their paths.".into());
    }
    if ask.ticket.is_some() {
        return Some("The files are still being looked at.".into());
    }
    if let Some(file) = ask.files.iter().find(|it| it.found.bytes.is_err()) {
        let why = file.found.bytes.as_ref().err().map_or("", String::as_str);
        let name = file.found.path.display().to_string();
        return Some(format!("{}: {why}. Delete takes it off the list.", crate::scrub::line(&name)));
    }
    let alternates: Vec<String> = ask.files.iter().map(|it| it.alternate.clone()).collect();
    if let Err(unfit) = check_alternates(&alternates) {
        // One line of 76: what is wrong, and the keys.
        return Some(match unfit {
            Unfit::NoWord(token) => {
                format!("\"{token}\" is no alternate. Tab, then ← → go through them all.")
            }
            Unfit::Twice(token) => {
                format!("Two files are \"{token}\". Tab, then ← → change what one is, Delete drops it.")
            }
            Unfit::NoMain => "No file is the main mix. Tab, then ← → change what one is.".into(),
        });
    }
    (!model.online()).then(|| CUT.to_owned())
}

fn sent(model: &mut Model, ask: &mut UploadAsk) -> Option<Vec<Effect>> {
    ask.problem = problem(model, ask);
    if ask.problem.is_some() {
        return None;
    }
    let (version_id, command_id) = (model.new_id(), model.new_id());
    let files: Vec<Sent> = ask
        .files
        .iter()
        .map(|it| Sent {
            path: it.found.path.clone(),
            alternate: it.alternate.clone(),
            bytes: it.found.bytes.clone().unwrap_or(0),
        })
        .collect();
    let title = format!(
        "{} for {}, {}",
        kind_name(ask.kind),
        ask.song_title,
        words::count(files.len(), "file", "files")
    );
    let add = AddVersion {
        version_id,
        song_id: ask.song.clone(),
        kind: ask.kind.into(),
        title: ask.title.lines().join(" ").trim().to_owned(),
        changelog: super::text(&ask.changelog),
        files: Vec::new(),
    };
    let head = model.projects.get(&ask.project).and_then(|it| it.head());
    let twins = head.is_some_and(|it| !twins_block(&it.preflight, ask.kind));
    let what = What::Send { project_id: ask.project.clone(), files, add: Box::new(add), command_id, twins };
    let effect = transfers::begin(model, title, ask.song_title.clone(), what);
    model.notice = Some(crate::tui::model::Notice::Done("The upload began. 8 shows how far.".into()));
    Some(vec![effect])
}

pub fn kind_name(kind: VersionKind) -> String {
    format!("New {}", words::kind(kind).to_lowercase())
}
