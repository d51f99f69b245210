//! History: asked for page by page, searched while typing, kept up with what happens, and a way to what a line speaks of.

use std::collections::BTreeMap;

use deadwax_proto::v1::HistoryResponse;

use super::{act, nav};
use crate::tui::{
    form::SearchAsk,
    history::HistoryPage,
    keys::Verb,
    model::{Ask, Model, Notice, Prompt, Screen, SongView, text_area},
    msg::{Effect, Failure},
    rows::Project,
    words,
};

/// So many entries before the last, the next older ones are asked for.
const AHEAD: usize = 10;
/// Between two questions for what came since.
const NEWER_MS: i64 = 1_000;

/// Opens the history of what is on the screen, or asks for older entries of the one that is open.
pub(super) fn ask(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let (project, song) = match model.top() {
        Screen::Song(view) => (view.project.clone(), view.song.clone()),
        Screen::Master { project, song, .. } | Screen::History { project, song, .. } => {
            (project.clone(), song.clone())
        }
        Screen::Project { project, .. }
        | Screen::Album { project, .. }
        | Screen::Delivery { project, .. }
        | Screen::Record { project, .. }
        | Screen::People { project, .. }
        | Screen::LabelCopy { project, .. } => (project.clone(), String::new()),
        _ => return Vec::new(),
    };
    if !model.online() {
        model.notice = Some(act::offline());
        return Vec::new();
    }
    if verb == Verb::More {
        if model.history.as_ref().is_some_and(|it| it.next_before_seq == 0 && it.problem.is_none()) {
            model.notice = Some(Notice::Tell("There are no older entries.".into()));
            return Vec::new();
        }
        return older(model);
    }
    let ticket = model.next_ticket();
    let seen_seq = model.projects.get(&project).map_or(0, |it| it.seq);
    model.history = Some(HistoryPage {
        project: project.clone(),
        song: song.clone(),
        ticket,
        loading: true,
        seen_seq,
        asked_ms: model.now_ms,
        ..HistoryPage::default()
    });
    model.stack.push(Screen::History { project: project.clone(), song: song.clone(), at: 0 });
    vec![Effect::History { ticket, project_id: project, song_id: song, before_seq: 0 }]
}

fn older(model: &mut Model) -> Vec<Effect> {
    let free = model.history.as_ref().is_some_and(|page| !page.loading && page.newer.is_none());
    let ticket = if free { model.next_ticket() } else { return Vec::new() };
    let Some(page) = &mut model.history else { return Vec::new() };
    // The first page may have failed: then it is asked for again.
    page.loading = true;
    page.ticket = ticket;
    let (project_id, song_id, before_seq) = (page.project.clone(), page.song.clone(), page.next_before_seq);
    vec![Effect::History { ticket, project_id, song_id, before_seq }]
}

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::History { at, .. } = model.top() else { return None };
    let at = *at;
    match verb {
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            let page = model.history.as_ref()?;
            let len = page.places.len();
            let next = nav::moved(at, len, verb);
            let more = page.next_before_seq > 0 && page.problem.is_none();
            if let Screen::History { at, .. } = model.top_mut() {
                *at = next;
            }
            let down = matches!(verb, Verb::Down | Verb::PageDown | Verb::Last);
            let near = next + AHEAD >= len;
            Some(if down && near && more && model.online() { older(model) } else { Vec::new() })
        }
        Verb::Filter => {
            let mut area = text_area(model.history.as_ref().map_or("", |it| it.sought.as_str()));
            area.move_cursor(ratatui_textarea::CursorMove::End);
            model.prompt = Some(Prompt { ask: Ask::Search(Box::new(SearchAsk { area })), shown: false });
            Some(Vec::new())
        }
        Verb::Open => {
            open(model, at);
            Some(Vec::new())
        }
        _ => None,
    }
}

/// Shows what fits; the mark goes to the first of it.
pub(super) fn search(model: &mut Model, text: &str) {
    let Model { history, projects, stack, now_ms, zone, .. } = model;
    let Some(page) = history else { return };
    if page.sought == text {
        return;
    }
    page.sought = text.to_owned();
    name_songs(page, projects);
    page.lay_out(*now_ms, zone);
    if let Some(Screen::History { at, .. }) = stack.last_mut() {
        *at = 0;
    }
}

/// The song of the line, and the version where its words name one.
fn open(model: &mut Model, at: usize) {
    let Some(page) = &model.history else { return };
    let Some(entry) = page.shown(at) else { return };
    let project = page.project.clone();
    let Some(rows) = model.projects.get(&project) else { return };
    if entry.song_id.is_empty()
        && let Some(number) = super::record::named(rows, &entry.text)
    {
        model.stack.push(Screen::Record { project, number: Some(number) });
        return;
    }
    if entry.song_id.is_empty() {
        model.notice = Some(Notice::Tell("This line speaks of the whole project: 3 opens it.".into()));
        return;
    }
    if rows.song(&entry.song_id).is_none() {
        model.notice = Some(Notice::Tell("The song of this line is not there any more.".into()));
        return;
    }
    let mut view = SongView::new(project, entry.song_id.clone());
    view.version = named_version(rows, &entry.song_id, &entry.text);
    model.stack.push(Screen::Song(view));
}

/// "approved Mix 2 of Glass Hour" speaks of Mix 2, and never of Mix 21.
fn named_version(rows: &Project, song: &str, text: &str) -> Option<String> {
    let names = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let after = text[at + name.len()..].chars().next();
            let before = text[..at].chars().next_back();
            !after.is_some_and(char::is_alphanumeric) && !before.is_some_and(char::is_alphanumeric)
        })
    };
    let versions = rows.versions(song);
    versions.iter().find(|it| names(&words::version(it))).map(|it| it.version_id.clone())
}

pub(super) fn arrived(model: &mut Model, ticket: u64, outcome: Result<HistoryResponse, Failure>) {
    let Model { history, projects, stack, now_ms, zone, .. } = model;
    let Some(page) = history else { return };
    if page.newer == Some(ticket) {
        page.newer = None;
        if let Ok(answer) = outcome {
            let count = page.places.len();
            take_newer(page, answer);
            name_songs(page, projects);
            page.lay_out(*now_ms, zone);
            // The mark stays on what is read; on the newest line it follows what comes.
            let came = page.places.len().saturating_sub(count);
            if let Some(Screen::History { at, .. }) = stack.last_mut().filter(|_| came > 0)
                && *at > 0
            {
                *at += came;
            }
        }
        return;
    }
    if page.ticket != ticket || !page.loading {
        return;
    }
    page.loading = false;
    match outcome {
        Ok(answer) => {
            page.entries.extend(answer.entries);
            page.next_before_seq = answer.next_before_seq;
            page.problem = None;
            name_songs(page, projects);
            page.lay_out(*now_ms, zone);
        }
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => page.problem = Some(text),
    }
}

/// In the history of a whole project an entry has to say of which song it is.
fn name_songs(page: &mut HistoryPage, projects: &BTreeMap<String, Project>) {
    let Some(rows) = projects.get(&page.project).filter(|_| page.song.is_empty()) else { return };
    for entry in &page.entries {
        if !entry.song_id.is_empty()
            && let Some(song) = rows.song(&entry.song_id)
        {
            page.titles.insert(entry.song_id.clone(), crate::scrub::line(&song.title));
        }
    }
}

fn take_newer(page: &mut HistoryPage, answer: HistoryResponse) {
    let newest = page.entries.first().map_or(0, |it| it.seq);
    let reaches = answer.next_before_seq == 0 || answer.entries.iter().any(|it| it.seq <= newest);
    if !reaches {
        // More happened than one page holds: the list begins anew.
        page.entries = answer.entries;
        page.next_before_seq = answer.next_before_seq;
        return;
    }
    let mut all: Vec<_> = answer.entries.into_iter().filter(|it| it.seq > newest).collect();
    all.append(&mut page.entries);
    page.entries = all;
}

/// What happens while History is open appears in it.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let Screen::History { project, .. } = model.top() else { return };
    if !model.online() {
        return;
    }
    let seq = model.projects.get(project).map_or(0, |it| it.seq);
    let now_ms = model.now_ms;
    let wants = |it: &&mut HistoryPage| {
        !it.loading
            && it.newer.is_none()
            && it.problem.is_none()
            && seq > it.seen_seq
            && now_ms.saturating_sub(it.asked_ms) >= NEWER_MS
    };
    let ticket = model.ticket + 1;
    let Some(page) = model.history.as_mut().filter(wants) else { return };
    page.newer = Some(ticket);
    page.seen_seq = seq;
    page.asked_ms = now_ms;
    model.ticket = ticket;
    let (project_id, song_id) = (page.project.clone(), page.song.clone());
    effects.push(Effect::History { ticket, project_id, song_id, before_seq: 0 });
}
