//! Keys where no prompt is open: moving, opening, going back. Keys that ask the server for something go on to `act`.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use deadwax_proto::v1::{DeskKind, Stage};

use super::{
    act, album, board, compare, delivery, hands, history, label_copy, listen, master as mastering, offline,
    pages, people, presence, prompt, read, record, song, transfers, turnaround,
};
use crate::tui::{
    draw,
    hands::Step,
    keys::{Kind, Verb},
    model::{Ask, Focus, Model, Notice, PaletteAsk, Prompt, Screen, SongView},
    msg::Effect,
    rows::Project,
    words,
};

const LEAVE: &str = "Ctrl-C again throws the text away and leaves.";

pub(super) fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let before = told_on(model);
    let effects = pressed(model, event);
    leave_message(model, before);
    effects
}

/// The message that is to be read, and the screen that it stands on.
type ToldOn = Option<(Notice, Place)>;
/// Kind, project and song of a screen.
type Place = (Kind, Option<String>, Option<String>);

fn told_on(model: &Model) -> ToldOn {
    Some((model.notice.clone()?, place(model)))
}

fn place(model: &Model) -> Place {
    let song = match model.top() {
        Screen::Song(view) => Some(&view.song),
        Screen::Compare(view) => Some(&view.song),
        Screen::Master { song, .. } | Screen::History { song, .. } => Some(song),
        _ => None,
    };
    (model.top().kind(), model.project_id().map(str::to_owned), song.cloned())
}

/// A message is about what stood there: it goes with its screen, so that the first Esc on the next one leads on.
fn leave_message(model: &mut Model, before: ToldOn) {
    let Some((notice, from)) = before else { return };
    if model.notice.as_ref() == Some(&notice) && place(model) != from {
        model.notice = None;
    }
}

fn pressed(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let leave = Notice::Tell(LEAVE.into());
    // Leaving works everywhere, in a prompt too; what is written there is thrown away only by the second press.
    if model.settings.keys.find(Kind::Help, &event) == Some(Verb::Quit) {
        let written =
            model.prompt.as_ref().is_some_and(|it| prompt::holds_text(&it.ask)) || album::holds_draft(model);
        let asks = match (written, transfers::under_way(model)) {
            (true, _) => Some(leave),
            (false, true) => Some(Notice::Tell(transfers::UNDER_WAY.into())),
            (false, false) => None,
        };
        model.quit = asks.is_none() || model.notice == asks;
        if !model.quit {
            model.notice = asks;
        }
        return Vec::new();
    }
    // Good news was read once the next key is pressed.
    if matches!(&model.notice, Some(Notice::Done(_))) || model.notice.as_ref() == Some(&leave) {
        model.notice = None;
    }
    // Also under a question: what is written waits for the line.
    if !model.online() && model.settings.keys.find(Kind::Help, &event) == Some(Verb::Retry) {
        return offline::retry(model);
    }
    if model.prompt.is_some() {
        return prompt::key(model, event);
    }
    if let Some(effects) = hands::type_filter(model, event) {
        return effects;
    }
    let Some(verb) = model.settings.keys.find(model.top().kind(), &event) else { return Vec::new() };
    if verb == Verb::Back {
        if album::stays(model) {
            return Vec::new();
        }
        back(model, event.code != KeyCode::Esc);
        return Vec::new();
    }
    press(model, verb)
}

/// What a key means here, however it was chosen.
pub(super) fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    presence::interrupt(model, verb);
    let own = match model.top().kind() {
        Kind::Compare => compare::press(model, verb),
        Kind::Album => album::press(model, verb),
        Kind::Delivery => delivery::press(model, verb),
        Kind::Record => record::press(model, verb),
        Kind::Master => mastering::press(model, verb),
        Kind::People => people::press(model, verb),
        Kind::LabelCopy => label_copy::press(model, verb),
        Kind::Project => board::press(model, verb),
        Kind::Projects => board::press_list(model, verb),
        Kind::History => history::press(model, verb),
        Kind::Transfers => transfers::press(model, verb),
        _ => None,
    };
    let own = own.or_else(|| hands::press(model, verb));
    let own = own.or_else(|| listen::press(model, verb));
    let own = own.or_else(|| song::press(model, verb));
    if let Some(effects) = own.or_else(|| presence::press(model, verb)) {
        return effects;
    }
    match verb {
        Verb::Back if album::stays(model) => {}
        Verb::Back => back(model, false),
        Verb::Help => {
            let of = model.top().kind();
            if of != Kind::Help {
                model.stack.push(Screen::Help { of, at: 0 });
            }
        }
        Verb::Palette => {
            let of = model.top().kind();
            let ask = Ask::Palette(PaletteAsk { of, typed: String::new(), at: 0 });
            model.prompt = Some(Prompt { ask, shown: false });
        }
        Verb::Desk => go(model, Screen::Desk { at: 0 }),
        Verb::Projects => {
            go(model, Screen::Projects { at: 0 });
            return vec![Effect::ListProjects];
        }
        Verb::History | Verb::More => return history::ask(model, verb),
        Verb::Master => master(model),
        Verb::Open => open(model),
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => step(model, verb),
        Verb::Left | Verb::Right if model.top().kind() == Kind::Project => across(model, verb == Verb::Right),
        Verb::About if model.top().kind() == Kind::Master => read::recipes(model),
        Verb::About => read::about(model),
        Verb::Gate => pages::gate(model),
        Verb::Shootout => pages::shootout(model),
        Verb::Handoff => pages::handoff(model),
        Verb::Spacing => room(model, Verb::Album),
        Verb::Terms => pages::terms(model),
        Verb::Turnaround => return turnaround::open(model),
        Verb::Sheet => return read::sheet(model),
        Verb::Compare => return compare::open(model),
        Verb::Board
        | Verb::Album
        | Verb::Delivery
        | Verb::Record
        | Verb::People
        | Verb::LabelCopy
        | Verb::Transfers => room(model, verb),
        Verb::Songs => room(model, Verb::Delivery),
        Verb::Outbox => offline::list(model),
        Verb::Retry => return offline::retry(model),
        Verb::Quit => model.quit = true,
        asks => return act::act(model, asks),
    }
    Vec::new()
}

fn back(model: &mut Model, leaves: bool) {
    let leave = Notice::Tell(transfers::UNDER_WAY.into());
    if leaves && model.stack.len() == 1 && transfers::under_way(model) {
        model.quit = model.notice.as_ref() == Some(&leave);
        model.notice = (!model.quit).then_some(leave);
        return;
    }
    // Good news needs no key of its own; a refusal and a told command do.
    if !matches!(model.notice.take(), None | Some(Notice::Done(_))) {
        return;
    }
    if hands::let_go(model) {
        return;
    }
    if let Screen::Song(view) = model.top_mut()
        && let Some(mark_ms) = view.mark_ms.take()
    {
        let (project, song, cursor_ms) = (view.project.clone(), view.song.clone(), view.cursor_ms);
        hands::remember(model, Step::Range { project, song, mark_ms, cursor_ms });
        return;
    }
    if !board::chosen(model).is_empty() {
        model.chosen.clear();
        return;
    }
    if model.stack.len() > 1 {
        model.stack.pop();
    } else if leaves {
        model.quit = true;
    }
}

/// The desk and the list of projects are roots: going there forgets the way that led elsewhere.
fn go(model: &mut Model, root: Screen) {
    model.stack.truncate(1);
    model.stack[0] = Screen::Desk { at: 0 };
    if !matches!(root, Screen::Desk { .. }) {
        model.stack.push(root);
    }
}

/// Another room of the project that is open. Going there from a room beside it forgets that one, so that Esc leads to the project.
fn room(model: &mut Model, verb: Verb) {
    if verb == Verb::Transfers {
        if model.top().kind() != Kind::Transfers {
            model.stack.push(Screen::Transfers { at: 0 });
        }
        return;
    }
    let Some(project) = model.project_id().map(str::to_owned) else {
        model.notice = Some(Notice::Tell("Open a project first: 2 lists them.".into()));
        return;
    };
    let board = |screen: &Screen| matches!(screen, Screen::Project { .. });
    let keep = model.stack.iter().position(board).map_or(1, |at| at + 1);
    model.stack.truncate(keep);
    if keep == 1 {
        model.stack.push(Screen::Project { project: project.clone(), song: None });
    }
    match verb {
        Verb::Album => model.stack.push(Screen::Album { project, at: 0 }),
        Verb::Delivery => model.stack.push(Screen::Delivery { project, at: 0 }),
        Verb::Record => model.stack.push(Screen::Record { project, number: None }),
        Verb::People => model.stack.push(Screen::People { project, at: 0 }),
        Verb::LabelCopy => model.stack.push(Screen::LabelCopy { project, at: 0 }),
        _ => {}
    }
}

fn open(model: &mut Model) {
    let next = match model.top() {
        Screen::Desk { at } => {
            let Some(row) = model.desk.as_deref().and_then(|rows| rows.get(*at)) else { return };
            let row = row.clone();
            return open_desk(model, &row);
        }
        Screen::Projects { at } => model
            .list
            .as_deref()
            .and_then(|list| list.get(*at))
            .map(|it| Screen::Project { project: it.project_id.clone(), song: None }),
        Screen::Project { project, song } => model
            .projects
            .get(project)
            .and_then(|rows| draw::selected_song(rows, song.as_deref()))
            .map(|it| Screen::Song(SongView::new(project.clone(), it.song_id.clone()))),
        Screen::Master { project, song, render } => model
            .projects
            .get(project)
            .and_then(|rows| {
                let render = draw::selected_render(rows, song, render.as_deref())?;
                rows.version(&render.master_version_id)
            })
            .map(|master| {
                let mut view = SongView::new(project.clone(), song.clone());
                view.version = Some(master.version_id.clone());
                Screen::Song(view)
            }),
        Screen::Song(_)
        | Screen::History { .. }
        | Screen::Turnaround { .. }
        | Screen::Compare(_)
        | Screen::Album { .. }
        | Screen::Delivery { .. }
        | Screen::Record { .. }
        | Screen::People { .. }
        | Screen::LabelCopy { .. }
        | Screen::Transfers { .. }
        | Screen::Help { .. } => None,
    };
    match next {
        Some(screen) => model.stack.push(screen),
        None if model.top().kind() == Kind::Master => {
            model.notice = Some(Notice::Tell("This render has made no master yet.".into()));
        }
        None => {}
    }
}

fn open_desk(model: &mut Model, row: &deadwax_proto::v1::DeskRow) {
    let project = row.project_id.clone();
    model.stack.push(Screen::Project {
        project: project.clone(),
        song: (!row.song_id.is_empty()).then(|| row.song_id.clone()),
    });
    if row.kind() == DeskKind::Spacing {
        model.stack.push(Screen::Album { project, at: 0 });
        return;
    }
    if let Some(number) = row.target_key.strip_prefix("record/").and_then(|it| it.parse().ok()) {
        model.stack.push(Screen::Record { project, number: Some(number) });
        return;
    }
    if row.song_id.is_empty() {
        return;
    }
    let mut view = SongView::new(project.clone(), row.song_id.clone());
    let (noun, id) = row.target_key.split_once('/').unwrap_or_default();
    match noun {
        "note" => view.note = Some(id.to_owned()),
        "version" => view.version = Some(id.to_owned()),
        _ => {}
    }
    model.stack.push(Screen::Song(view));
    if noun == "render" || row.kind() == DeskKind::RenderFailed {
        let render = (noun == "render").then(|| id.to_owned());
        model.stack.push(Screen::Master { project, song: row.song_id.clone(), render });
    }
}

fn master(model: &mut Model) {
    let song = match model.top() {
        Screen::Song(view) => Some((view.project.clone(), view.song.clone())),
        Screen::Project { project, song } => model
            .projects
            .get(project)
            .and_then(|rows| draw::selected_song(rows, song.as_deref()))
            .map(|it| (project.clone(), it.song_id.clone())),
        _ => None,
    };
    if let Some((project, song)) = song {
        model.stack.push(Screen::Master { project, song, render: None });
    }
}

pub(super) fn moved(at: usize, len: usize, verb: Verb) -> usize {
    let last = len.saturating_sub(1);
    match verb {
        Verb::Up => at.saturating_sub(1),
        Verb::Down => at.saturating_add(1).min(last),
        Verb::PageUp => at.saturating_sub(10),
        Verb::PageDown => at.saturating_add(10).min(last),
        Verb::First => 0,
        Verb::Last => last,
        _ => at.min(last),
    }
}

/// Moves the mark of a list that is held by id.
fn moved_id(ids: &[String], now: Option<&str>, verb: Verb) -> Option<String> {
    let at = now.and_then(|now| ids.iter().position(|id| id == now)).unwrap_or(0);
    ids.get(moved(at, ids.len(), verb)).cloned()
}

fn step(model: &mut Model, verb: Verb) {
    let desk_len = model.desk.as_deref().map_or(0, <[_]>::len);
    let list_len = model.list.as_deref().map_or(0, <[_]>::len);
    let turnaround = model.turnaround.as_ref().and_then(|page| page.songs.as_ref());
    let turnaround_len = turnaround.map_or(0, Vec::len);
    let columns_apart = draw::has_columns(model.size.0);
    let help_len = match model.top() {
        Screen::Help { of, .. } => draw::help_lines(model, *of).len(),
        _ => 0,
    };
    let Model { stack, projects, .. } = model;
    let Some(top) = stack.last_mut() else { return };
    match top {
        Screen::Desk { at } => *at = moved(*at, desk_len, verb),
        Screen::Projects { at } => *at = moved(*at, list_len, verb),
        Screen::Turnaround { at, .. } => *at = moved(*at, turnaround_len, verb),
        Screen::Help { at, .. } => *at = moved(*at, help_len, verb),
        Screen::Project { project, song } => {
            let Some(rows) = projects.get(project) else { return };
            let now = draw::selected_song(rows, song.as_deref()).map(|it| (it.stage(), it.song_id.clone()));
            let Some((stage, now)) = now else { return };
            let shown: &[Stage] = if columns_apart { &[stage] } else { &words::STAGES };
            *song = moved_song(rows, shown, stage, &now, verb).or(song.take());
        }
        Screen::Master { project, song, render } => {
            let Some(rows) = projects.get(project) else { return };
            let ids: Vec<_> = rows.renders(song).iter().map(|it| it.render_id.clone()).collect();
            *render = moved_id(&ids, render.as_deref(), verb);
        }
        // These move their own marks.
        Screen::Compare(_)
        | Screen::Album { .. }
        | Screen::Delivery { .. }
        | Screen::Record { .. }
        | Screen::People { .. }
        | Screen::LabelCopy { .. }
        | Screen::History { .. }
        | Screen::Transfers { .. } => {}
        Screen::Song(view) => {
            let Some(rows) = projects.get(&view.project) else { return };
            step_song(rows, view, verb);
        }
    }
}

fn step_song(rows: &Project, view: &mut SongView, verb: Verb) {
    match view.focus {
        Focus::Versions => {
            let ids: Vec<_> = rows.versions(&view.song).iter().map(|it| it.version_id.clone()).collect();
            let now = view.version(rows).map(|it| it.version_id.clone());
            let next = moved_id(&ids, now.as_deref(), verb);
            // Back on the newest: follow what comes.
            view.version = next.filter(|id| ids.first() != Some(id));
            view.file = 0;
        }
        Focus::Notes => {
            let notes = rows.notes(&view.song, view.settled);
            let at = view.note.as_deref().and_then(|id| notes.place_of(id)).unwrap_or(0);
            view.note = notes.get(moved(at, notes.len(), verb)).map(|it| it.note_id.clone());
        }
    }
}

/// The song that the mark moves to, in the list that the songs of these stages make.
fn moved_song(rows: &Project, shown: &[Stage], stage: Stage, now: &str, verb: Verb) -> Option<String> {
    let lists = || shown.iter().map(|stage| rows.songs_in(*stage));
    let before: usize = shown.iter().take_while(|it| **it != stage).map(|it| rows.songs_in(*it).len()).sum();
    let at = before + rows.songs_in(stage).place_of(now).unwrap_or(0);
    let mut at = moved(at, lists().map(|it| it.len()).sum(), verb);
    for songs in lists() {
        match songs.get(at) {
            Some(song) => return Some(song.song_id.clone()),
            None => at -= songs.len(),
        }
    }
    None
}

/// To the nearest stage on that side that holds songs.
fn across(model: &mut Model, right: bool) {
    let Model { stack, projects, .. } = model;
    let Some(Screen::Project { project, song }) = stack.last_mut() else { return };
    let Some(rows) = projects.get(project) else { return };
    let Some(now) = draw::selected_song(rows, song.as_deref()) else { return };
    let at = words::STAGES.iter().position(|stage| *stage == now.stage()).unwrap_or(0);
    let depth = rows.songs_in(now.stage()).place_of(&now.song_id).unwrap_or(0);
    let mut later = words::STAGES[at + 1..].iter().map(|stage| rows.songs_in(*stage));
    let mut earlier = words::STAGES[..at].iter().rev().map(|stage| rows.songs_in(*stage));
    let next = if right { later.find(|it| !it.is_empty()) } else { earlier.find(|it| !it.is_empty()) };
    if let Some(songs) = next {
        *song = songs.get(depth.min(songs.len() - 1)).map(|it| it.song_id.clone());
    }
}
