//! The board of a project and the list of projects: several songs chosen at once, a project that was just made. `None`: the key means the same
//! here as elsewhere.

use super::{act, prompt::form};
use crate::tui::{
    draw,
    keys::Verb,
    model::{Model, Notice, Pending, Prompt, Screen},
    msg::Effect,
};

/// The songs that the next key is about, where several were chosen on the board that is open. In running order.
pub(super) fn chosen(model: &Model) -> Vec<String> {
    let Screen::Project { project, .. } = model.top() else { return Vec::new() };
    let Some(rows) = model.projects.get(project).filter(|_| !model.chosen.is_empty()) else {
        return Vec::new();
    };
    let songs = rows.songs();
    let mut chosen: Vec<(usize, &String)> =
        model.chosen.iter().filter_map(|id| Some((songs.place_of(id)?, id))).collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|(_, id)| id.clone()).collect()
}

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    if verb != Verb::Select {
        return None;
    }
    let Screen::Project { project, song } = model.top() else { return None };
    let rows = model.projects.get(project)?;
    let id = draw::selected_song(rows, song.as_deref())?.song_id.clone();
    if !model.chosen.remove(&id) {
        model.chosen.insert(id);
    }
    Some(Vec::new())
}

pub(super) fn press_list(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    if verb != Verb::NewProject {
        return None;
    }
    if !model.online() {
        model.notice = Some(act::offline());
    } else if model.me.as_ref().is_some_and(|it| !it.studio_owner) {
        model.notice = Some(Notice::Refused {
            text: "Only an owner of the studio makes projects.".into(),
            hint: "Ask an owner to make it and to add you as its manager.".into(),
        });
    } else {
        model.prompt = Some(Prompt { ask: form::new_project(), shown: false });
    }
    Some(Vec::new())
}

/// It is there: it opens, where its maker still looks at the list.
pub(super) fn made(model: &mut Model, pending: &Pending) {
    if matches!(model.top(), Screen::Projects { .. }) {
        model.stack.push(Screen::Project { project: pending.project_id.clone(), song: None });
    }
}
