//! Keys of the screen "Master" that are its own, and the sheets that it shows: asked for one at a time, kept, and read for the page of words too.

use std::sync::Arc;

use deadwax_dsp::sheet::Sheet;
use deadwax_proto::v1::RenderState;

use super::{listen, read};
use crate::{
    play::{Deck, Order, Track},
    tui::{
        draw,
        keys::Verb,
        master::Paper,
        model::{Model, Notice, Screen},
        msg::{Effect, Failure, Page},
        player,
        rows::{self, Project},
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
        Verb::PlayPause if !listen::pauses(model) => play(model),
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

/// Where two masters stand beside each other both are heard, with the mix that the chosen one was made from. `None`: one stands alone.
fn play(model: &mut Model) -> Option<Vec<Effect>> {
    let Screen::Master { project, song, render } = model.top() else { return None };
    let (project, song) = (project.clone(), song.clone());
    let rows = model.projects.get(&project)?;
    let chosen = draw::selected_render(rows, &song, render.as_deref())?;
    let beside = other(model, rows, &song, &chosen.render_id)?;
    let track = |id: &str| {
        let version = rows.version(id)?;
        player::track(&project, version, rows::main_file(version)?)
    };
    // Both must be there; a mix that cannot be heard is left out.
    let (master, other) = (track(&chosen.master_version_id)?, track(&beside.master_version_id)?);
    let tracks: Vec<Track> = [other, master].into_iter().chain(track(&chosen.source_version_id)).collect();
    let on = model.player.is_on(&project, &song);
    if on && model.player.side().is_some_and(|(it, _)| it == tracks) {
        model.player.playing = true;
        return Some(vec![Effect::Play(Order::Play)]);
    }
    let at_us = if on { model.player.at_us().unwrap_or(0) } else { 0 };
    let deck = Some(Deck::Side { tracks, heard: 1 });
    Some(listen::load(model, deck, (project, song), at_us, true))
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
