//! What hands want on every list: a filter typed ahead, several chosen at once, undo, copy. `None`: the key means the same here as elsewhere.

mod copy;
mod draft;
pub(super) mod given_back;
mod many;
mod undo;

use std::collections::BTreeSet;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub(super) use draft::{kept, reopened};
pub(super) use many::{answered, send_all};
pub(super) use undo::{place_of, remember, sent, thrown_away};

use crate::tui::{
    filter::{self, Filter},
    hands::{ChosenLines, RECENT_MAX, Step},
    keys::{Kind, Verb},
    lists,
    model::{Focus, Model, Notice, Screen},
    msg::Effect,
};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    recall(model, verb);
    match verb {
        Verb::Filter => open_filter(model),
        Verb::Select => select(model),
        Verb::Copy => return Some(copy::copy(model)),
        Verb::Undo => return Some(undo::undo(model)),
        Verb::Redo => return Some(undo::redo(model)),
        Verb::Suspend => return Some(vec![Effect::Suspend]),
        Verb::Settled => {
            undo::settled(model);
            return None;
        }
        Verb::MarkRange => {
            undo::range_dropped(model);
            return None;
        }
        Verb::Address | Verb::Accept => return many::press(model, verb),
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            return stepped(model, verb).then(Vec::new);
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// The palette shows first what was pressed last.
fn recall(model: &mut Model, verb: Verb) {
    let moves = crate::tui::keys::group(verb) == "Move";
    if moves || matches!(verb, Verb::Palette | Verb::Help | Verb::Back | Verb::Open) {
        return;
    }
    let recent = &mut model.hands.recent;
    recent.retain(|it| *it != verb);
    recent.insert(0, verb);
    recent.truncate(RECENT_MAX);
}

/// After every message: what belongs to a screen that is gone goes with it.
pub(super) fn settle(model: &mut Model) {
    let depth = model.stack.len();
    let kind_at = |at: usize| model.stack.get(at - 1).map(Screen::kind);
    let gone = |at: usize, kind: Kind| at == 0 || at > depth || kind_at(at) != Some(kind);
    let filters = model.hands.filters.iter().filter(|it| !gone(it.depth, it.kind)).count();
    if filters != model.hands.filters.len() {
        let kept = model.hands.filters.iter().filter(|it| !gone(it.depth, it.kind)).cloned().collect();
        model.hands.filters = kept;
    }
    if model.hands.chosen.as_ref().is_some_and(|it| gone(it.depth, it.kind)) {
        model.hands.chosen = None;
    }
    // Marks that are held by place can come to stand on a hidden line when rows arrive.
    let by_place = matches!(model.top(), Screen::Desk { .. } | Screen::Projects { .. } | Screen::Help { .. });
    if by_place && model.hands.filter(model).is_some_and(|it| !it.is_empty()) {
        onto_kept(model);
    }
}

fn open_filter(model: &mut Model) {
    let (depth, kind) = (model.stack.len(), model.top().kind());
    match model.hands.filters.last_mut().filter(|it| (it.depth, it.kind) == (depth, kind)) {
        Some(filter) => filter.typing = true,
        None => model.hands.filters.push(Filter::new(depth, kind)),
    }
}

/// Keys while a filter is typed. `false`: nobody types.
pub(super) fn type_filter(model: &mut Model, event: KeyEvent) -> Option<Vec<Effect>> {
    let here = (model.stack.len(), model.top().kind());
    let filter = model.hands.filters.last_mut().filter(|it| (it.depth, it.kind) == here && it.typing)?;
    let plain = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    let control = event.modifiers == KeyModifiers::CONTROL;
    let mut typed = filter.typed.clone();
    match event.code {
        KeyCode::Esc => {
            clear_filter(model);
            return Some(Vec::new());
        }
        KeyCode::Enter => {
            filter.typing = false;
            if filter.is_empty() {
                model.hands.filters.pop();
            }
            return Some(Vec::new());
        }
        KeyCode::Up => return Some(move_in(model, Verb::Up)),
        KeyCode::Down => return Some(move_in(model, Verb::Down)),
        KeyCode::PageUp => return Some(move_in(model, Verb::PageUp)),
        KeyCode::PageDown => return Some(move_in(model, Verb::PageDown)),
        KeyCode::Backspace => drop(typed.pop()),
        KeyCode::Char('u') if control => typed.clear(),
        KeyCode::Char('w') if control => {
            let end = typed.trim_end().rfind(' ').map_or(0, |at| at + 1);
            typed.truncate(end);
        }
        KeyCode::Char(c) if plain => typed.push(c),
        _ => return Some(Vec::new()),
    }
    filter.set(&typed);
    onto_kept(model);
    Some(Vec::new())
}

/// A paste while a filter is typed.
pub(super) fn paste(model: &mut Model, text: &str) -> bool {
    let here = (model.stack.len(), model.top().kind());
    let typing = |it: &&mut Filter| (it.depth, it.kind) == here && it.typing;
    let Some(filter) = model.hands.filters.last_mut().filter(typing) else { return false };
    let typed = format!("{}{text}", filter.typed);
    filter.set(&typed);
    onto_kept(model);
    true
}

fn move_in(model: &mut Model, verb: Verb) -> Vec<Effect> {
    super::nav::press(model, verb)
}

fn clear_filter(model: &mut Model) {
    let Some(filter) = model.hands.filters.pop() else { return };
    if !filter.is_empty() {
        let Filter { depth, kind, typed, .. } = filter;
        undo::remember(model, Step::Filter { depth, kind, typed });
    }
}

/// Esc: first the filter goes, then what was chosen, then the screen.
pub(super) fn let_go(model: &mut Model) -> bool {
    if model.hands.filter(model).is_some() {
        clear_filter(model);
        return true;
    }
    if model.hands.chosen(model).is_some() {
        if let Some(chosen) = model.hands.chosen.take() {
            undo::remember(model, Step::Chosen(chosen));
        }
        return true;
    }
    false
}

/// The mark never stands on a line that is not shown.
fn onto_kept(model: &mut Model) {
    let lists::Sight { kept, at, .. } = lists::sight(model);
    if !kept.contains(&at) && !kept.is_empty() {
        lists::choose_at(model, filter::nearest(&kept, at));
    }
}

/// Up and down among the lines that a filter shows. False where no filter stands: the screen moves its own mark.
fn stepped(model: &mut Model, verb: Verb) -> bool {
    let stands = model.hands.filter(model).is_some_and(|it| !it.is_empty());
    if !stands || !lists::knows(model.top().kind()) {
        return false;
    }
    let lists::Sight { kept, at, .. } = lists::sight(model);
    let now = kept.iter().position(|it| *it == at).unwrap_or(0);
    let next = super::nav::moved(now, kept.len(), verb);
    if let Some(place) = kept.get(next) {
        lists::choose_at(model, *place);
    }
    true
}

/// How many lines the filter shows, of how many; `None` where the screen counts for itself.
pub fn counted(model: &Model) -> Option<(usize, usize)> {
    if !lists::knows(model.top().kind()) {
        return None;
    }
    let sight = lists::sight(model);
    Some((sight.kept.len(), sight.len))
}

/// Chooses the line under the mark, or lets it go, and moves on: several are chosen by pressing the key several times.
fn select(model: &mut Model) {
    let takes = match model.top() {
        Screen::Song(view) => view.focus == Focus::Notes,
        _ => false,
    };
    if !takes {
        model.notice =
            Some(Notice::Tell("Several can be chosen among the notes of a song: Tab goes there.".into()));
        return;
    }
    let lines = lists::lines(model);
    let Some(line) = lines.get(lists::place(model, &lines)) else { return };
    let (depth, kind) = (model.stack.len(), model.top().kind());
    let mut ids = model.hands.chosen(model).cloned().unwrap_or_default();
    if !ids.remove(&line.id) {
        ids.insert(line.id.clone());
    }
    model.hands.chosen = Some(ChosenLines { depth, kind, ids });
    drop(super::nav::press(model, Verb::Down));
}

/// The chosen lines that are still there, in the order of the list.
pub(super) fn chosen_ids(model: &Model) -> Vec<String> {
    let none = BTreeSet::new();
    let chosen = model.hands.chosen(model).unwrap_or(&none);
    lists::lines(model).into_iter().map(|it| it.id).filter(|id| chosen.contains(id)).collect()
}
