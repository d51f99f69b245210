//! Keys of the screen "Master" that are its own, and the sheets that it shows: asked for one at a time, kept, and read for the page of words too.

use std::sync::Arc;

use deadwax_dsp::sheet::Sheet;
use deadwax_proto::v1::RenderState;

use super::read;
use crate::{
    tui::{
        draw,
        keys::Verb,
        master::Paper,
        model::{Model, Notice, Screen},
        msg::{Effect, Failure, Page},
        rows::Project,
        words,
    },
    verbs::pages::Head,
};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    if !matches!(model.top(), Screen::Master { .. }) {
        return None;
    }
    match verb {
        Verb::NextPane => {
            model.master.pane = model.master.pane.next();
            Some(Vec::new())
        }
        Verb::Select => Some(beside(model)),
        _ => None,
    }
}

/// The chosen render stands beside every other from now on, until it is let go.
fn beside(model: &mut Model) -> Vec<Effect> {
    let Screen::Master { project, song, render } = model.top() else { return Vec::new() };
    let Some(rows) = model.projects.get(project) else { return Vec::new() };
    let Some(render) = draw::selected_render(rows, song, render.as_deref()) else {
        return read::tell(model, "There is no render yet. s starts one.");
    };
    if render.state() != RenderState::Done {
        return read::tell(model, "Only a render that is done can stand beside another.");
    }
    let id = render.render_id.clone();
    let name = rows.version(&render.master_version_id).map_or_else(|| "It".into(), words::version);
    if model.master.other.as_ref() == Some(&id) {
        model.master.other = None;
        return Vec::new();
    }
    model.master.other = Some(id);
    model.notice = Some(Notice::Done(format!("{name} stands beside the one you choose now.")));
    Vec::new()
}

/// The render that stands beside the chosen one, where it is of this song and another.
pub(in crate::tui) fn other<'a>(
    model: &Model,
    rows: &'a Project,
    song: &str,
    chosen: &str,
) -> Option<&'a deadwax_proto::v1::RenderRow> {
    let other = rows.render(model.master.other.as_deref()?)?;
    (other.song_id == song && other.render_id != chosen).then_some(other)
}

/// Renders whose sheets the screen shows, the chosen one first.
fn shown(model: &Model) -> Vec<String> {
    let Screen::Master { project, song, render } = model.top() else { return Vec::new() };
    let Some(rows) = model.projects.get(project) else { return Vec::new() };
    let Some(chosen) = draw::selected_render(rows, song, render.as_deref()) else { return Vec::new() };
    let beside = other(model, rows, song, &chosen.render_id);
    let all = [Some(chosen), beside].into_iter().flatten();
    all.filter(|it| it.has_sheet).map(|it| it.render_id.clone()).collect()
}

/// Asks for a sheet that the screen shows and does not have.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.online() || model.master.is_busy() {
        return;
    }
    let shown = shown(model);
    let Some(render) = shown.iter().find(|it| !model.master.sheets.contains_key(*it)) else { return };
    let Some(page) = page(model, render) else { return };
    let ticket = model.next_ticket();
    model.master.keep(render, Paper::Asked(ticket), &shown);
    effects.push(Effect::Read { ticket, page });
}

/// What is asked of the studio for a sheet of the song on the screen.
pub(super) fn page(model: &Model, render: &str) -> Option<Page> {
    let Screen::Master { project, song, .. } = model.top() else { return None };
    let rows = model.projects.get(project)?;
    let render = rows.render(render)?;
    let versions = [&render.master_version_id, &render.source_version_id].map(|id| rows.version(id));
    let head = Head::of(rows.song(song)?, rows.head()?, render, versions);
    let (project_id, render_id) = (project.clone(), render.render_id.clone());
    Some(Page::Sheet { project_id, render_id, head: Box::new(head) })
}

/// A sheet came, or why it did not.
pub(super) fn arrived(model: &mut Model, ticket: u64, page: &Page, outcome: &Result<String, Failure>) {
    let Page::Sheet { render_id, head, .. } = page else { return };
    let asked = |it: &Paper| matches!(it, Paper::Asked(asked) if *asked == ticket);
    if !model.master.sheets.get(render_id).is_some_and(asked) {
        return;
    }
    let paper = match outcome {
        Ok(json) => match serde_json::from_str::<Sheet>(json) {
            Ok(mut sheet) => {
                head.put_on(&mut sheet);
                Paper::Here(Arc::new(sheet))
            }
            Err(_) => Paper::Failed(read::UNREADABLE.into()),
        },
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => Paper::Failed(text.clone()),
    };
    model.master.sheets.insert(render_id.clone(), paper);
}
