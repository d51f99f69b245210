//! Steps taken back and done again: what only this person sees at once, what others see by a command of its own, whose verdict is the studio's. What signs, holds or
//! delivers has keys of its own and is never taken back by this one.

use deadwax_proto::v1::{self as v1, NoteState, action::Action as Do};

use super::given_back;
use crate::tui::{
    filter::Filter,
    hands::{Command, STEPS_MAX, Step},
    keys::Verb,
    model::{Ask, Model, Notice, Pending, Prompt, Screen, SongView},
    msg::Effect,
    rows::{self, PROJECT_KEY},
    update::act,
};

/// The reason that others read.
const TAKEN_BACK: &str = "Taken back.";

pub(in crate::tui::update) fn remember(model: &mut Model, step: Step) {
    model.hands.undone.clear();
    push(model, step);
}

fn push(model: &mut Model, step: Step) {
    let steps = &mut model.hands.steps;
    if steps.len() >= STEPS_MAX {
        steps.remove(0);
    }
    steps.push(step);
}

/// A text was left behind with Esc.
pub(in crate::tui::update) fn thrown_away(model: &mut Model, mut ask: Ask) {
    // Brought back it begins anew: the first Esc asks again.
    match &mut ask {
        Ask::Write(ask) => ask.problem = None,
        Ask::Revision(ask) => ask.problem = None,
        Ask::Vote(ask) => ask.problem = None,
        _ => {}
    }
    remember(model, Step::Text(Box::new(ask)));
    model.notice =
        Some(Notice::Done(format!("The text is put aside; {} brings it back.", model.key(Verb::Undo))));
}

/// Before the key drops a range.
pub(super) fn range_dropped(model: &mut Model) {
    if let Screen::Song(view) = model.top()
        && let Some(mark_ms) = view.mark_ms
    {
        let (project, song, cursor_ms) = (view.project.clone(), view.song.clone(), view.cursor_ms);
        remember(model, Step::Range { project, song, mark_ms, cursor_ms });
    }
}

pub(super) fn settled(model: &mut Model) {
    if let Screen::Song(view) = model.top() {
        let (project, song) = (view.project.clone(), view.song.clone());
        remember(model, Step::Settled { project, song });
    }
}

/// To that song where another screen is on top. `None`: it is not there. The words tell where it went.
fn go_to(model: &mut Model, project: &str, song: &str) -> Option<String> {
    if let Screen::Song(view) = model.top()
        && view.project == project
        && view.song == song
    {
        return Some(String::new());
    }
    model.projects.get(project)?.song(song)?;
    model.stack.push(Screen::Song(SongView::new(project.to_owned(), song.to_owned())));
    Some(format!(" on {}, which is open now", given_back::song_named(model, project, song, None)))
}

/// A command goes out: how it could be taken back has to be read from the rows before they change.
pub(in crate::tui::update) fn sent(model: &mut Model, pending: &Pending) {
    let Some(back) = inverse(model, pending) else { return };
    let batch = model.hands.batch.as_ref().filter(|it| it.waits_for.contains(&pending.command_id));
    let batch = batch.map_or(0, |it| it.number);
    let back = v1::Action { action: Some(back) };
    model.hands.on_way.push((pending.command_id.clone(), Command { there: pending.clone(), back, batch }));
}

/// The studio answered: what was done becomes a step.
pub(super) fn answered(model: &mut Model, command_id: &str, done: bool) {
    let Some(at) = model.hands.on_way.iter().position(|(id, _)| id == command_id) else { return };
    let (_, command) = model.hands.on_way.remove(at);
    if !done {
        return;
    }
    // A step that is being taken back or done again stands on the other pile already.
    if command.there.say.starts_with(BACK) || command.there.say.starts_with(AGAIN) {
        return;
    }
    let together = |it: &Command| command.batch != 0 && it.batch == command.batch;
    match model.hands.steps.last_mut() {
        Some(Step::Sent(commands)) if commands.iter().any(together) => commands.push(command),
        _ => remember(model, Step::Sent(vec![command])),
    }
}

const BACK: &str = "taken back: ";
const AGAIN: &str = "again: ";

fn inverse(model: &Model, pending: &Pending) -> Option<Do> {
    let rows = model.projects.get(&pending.project_id)?;
    let reopen = |note_id: &str| {
        Do::ReopenNote(v1::ReopenNote { note_id: note_id.to_owned(), reason: TAKEN_BACK.into() })
    };
    Some(match pending.action.action.as_ref()? {
        Do::AcceptNote(it) => match rows.note(&it.note_id)?.state() {
            NoteState::Open | NoteState::Addressed => reopen(&it.note_id),
            _ => return None,
        },
        Do::AddressNote(it) => reopen(&it.note_id),
        Do::DeclineNote(it) => reopen(&it.note_id),
        Do::ReopenNote(it) => {
            let note = rows.note(&it.note_id)?;
            let note_id = it.note_id.clone();
            match note.state() {
                NoteState::Accepted => Do::AcceptNote(v1::AcceptNote { note_id }),
                NoteState::Declined => {
                    Do::DeclineNote(v1::DeclineNote { note_id, reason: note.reason.clone() })
                }
                NoteState::Addressed => {
                    let version_id = note.addressed_in_version_id.clone();
                    Do::AddressNote(v1::AddressNote { note_id, version_id })
                }
                _ => return None,
            }
        }
        Do::TickChecklist(it) => Do::TickChecklist(v1::TickChecklist { done: !it.done, ..it.clone() }),
        Do::Follow(it) => {
            let level = match rows.song(&it.song_id) {
                Some(song) => song.follow,
                None => rows.head()?.follow,
            };
            Do::Follow(v1::Follow { level, ..it.clone() })
        }
        Do::MoveNote(it) => {
            let place = rows::place(rows.note(&it.note_id)?, &it.version_id);
            let start_ms = place.start_ms?;
            Do::MoveNote(v1::MoveNote { start_ms, end_ms: place.end_ms, ..it.clone() })
        }
        _ => return None,
    })
}

pub(super) fn undo(model: &mut Model) -> Vec<Effect> {
    if model.hands.steps.is_empty() {
        return super::draft::bring_back(model);
    }
    let Some(step) = model.hands.steps.pop() else { return Vec::new() };
    taken(model, step, true)
}

pub(super) fn redo(model: &mut Model) -> Vec<Effect> {
    match model.hands.undone.pop() {
        Some(step) => taken(model, step, false),
        None => {
            model.notice = Some(Notice::Tell("There is nothing to do again.".into()));
            Vec::new()
        }
    }
}

/// One step to and fro: it changes piles, and holds what stood there before.
fn taken(model: &mut Model, step: Step, back: bool) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (turned, say) = match step {
        Step::Text(ask) => return text_back(model, ask, back),
        Step::Settled { project, song } => {
            let Some(there) = go_to(model, &project, &song) else { return nowhere(model) };
            if let Screen::Song(view) = model.top_mut() {
                view.settled = !view.settled;
            }
            let say = format!("settled notes shown or hidden{there}");
            (Some(Step::Settled { project, song }), Some(say))
        }
        Step::Range { project, song, mark_ms, cursor_ms } => {
            let Some(there) = go_to(model, &project, &song) else { return nowhere(model) };
            if let Screen::Song(view) = model.top_mut() {
                view.mark_ms = back.then_some(mark_ms);
                view.set_cursor(cursor_ms.saturating_mul(1000));
            }
            (Some(Step::Range { project, song, mark_ms, cursor_ms }), Some(format!("the range{there}")))
        }
        Step::Filter { depth, kind, typed } => {
            if back {
                let mut filter = Filter::new(depth, kind);
                filter.set(&typed);
                filter.typing = false;
                model.hands.filters.retain(|it| it.depth < depth);
                model.hands.filters.push(filter);
            } else {
                model.hands.filters.retain(|it| it.depth != depth);
            }
            (Some(Step::Filter { depth, kind, typed }), Some("the filter".to_owned()))
        }
        Step::Chosen(chosen) => {
            model.hands.chosen = back.then(|| chosen.clone());
            (Some(Step::Chosen(chosen)), Some("what was chosen".to_owned()))
        }
        Step::Sent(commands) => {
            if !model.online() {
                model.notice = Some(act::offline());
                let pile = if back { &mut model.hands.steps } else { &mut model.hands.undone };
                pile.push(Step::Sent(commands));
                return Vec::new();
            }
            for command in &commands {
                effects.push(resent(model, command, back));
            }
            (Some(Step::Sent(commands)), None)
        }
    };
    if let Some(step) = turned {
        if back {
            model.hands.undone.push(step);
        } else {
            push(model, step);
        }
    }
    if let Some(say) = say {
        let then = format!(" {} does it again.", model.key(Verb::Redo));
        let told = if back { format!("Taken back: {say}.{then}") } else { format!("Done again: {say}.") };
        model.notice = Some(Notice::Done(told));
    }
    effects
}

/// The question of a text opens on the song that it belongs to, and nowhere else.
pub(super) fn text_back(model: &mut Model, mut ask: Box<Ask>, back: bool) -> Vec<Effect> {
    if let Some((project, song, version)) = given_back::place(model, &ask)
        && !song.is_empty()
    {
        let Some(there) = go_to(model, &project, &song) else {
            let pile = if back { &mut model.hands.steps } else { &mut model.hands.undone };
            pile.push(Step::Text(ask));
            return nowhere(model);
        };
        if !there.is_empty() {
            if let Screen::Song(view) = model.top_mut() {
                view.version = version;
            }
            model.notice = Some(Notice::Tell(format!("Your text is back{there}.")));
        }
    }
    given_back::named(model, &mut ask);
    // Leaving it puts it aside anew.
    model.prompt = Some(Prompt { ask: *ask, shown: false });
    Vec::new()
}

fn nowhere(model: &mut Model) -> Vec<Effect> {
    let text = "The song of that step is not here: open its project first.";
    model.notice = Some(Notice::Tell(text.into()));
    Vec::new()
}

/// The title of the song of a command, where it is not the one on the screen.
fn elsewhere(model: &Model, pending: &Pending) -> String {
    let Some(rows) = model.projects.get(&pending.project_id) else { return String::new() };
    let song = rows.song_of(&pending.about);
    let here = matches!((model.top(), song), (Screen::Song(view), Some(song)) if view.song == song);
    match song {
        Some(song) if !here => given_back::song_named(model, &pending.project_id, song, None),
        _ => String::new(),
    }
}

fn resent(model: &mut Model, command: &Command, back: bool) -> Effect {
    let there = &command.there;
    let action = if back { command.back.clone() } else { there.action.clone() };
    let word = if back { BACK } else { AGAIN };
    let place = elsewhere(model, there);
    let place = if place.is_empty() { place } else { format!(" ({place})") };
    // The command of a command taken back already tells its place.
    let place = if there.say.ends_with(&place) { String::new() } else { place };
    let about = if there.about.is_empty() { PROJECT_KEY.to_owned() } else { there.about.clone() };
    let pending = Pending {
        command_id: model.new_id(),
        project_id: there.project_id.clone(),
        action,
        verb: there.verb,
        about,
        say: format!("{word}{}{place}", there.say),
        queued: false,
        late: false,
    };
    act::send(model, pending)
}

/// The song that a step taken back names.
pub(in crate::tui::update) fn place_of(say: &str) -> Option<&str> {
    let stepped = say.starts_with(BACK) || say.starts_with(AGAIN);
    stepped.then(|| say.strip_suffix(')')?.rsplit_once(" (")).flatten().map(|(_, place)| place)
}
