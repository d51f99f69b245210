//! How long each song stood in each stage: asked for when its screen opens, kept until the next asking.

use deadwax_proto::v1::SongTurnaround;

use super::act;
use crate::tui::{
    model::{Model, Screen, TurnaroundPage},
    msg::{Effect, Failure},
};

pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Screen::Project { project, .. } = model.top() else { return Vec::new() };
    let project = project.clone();
    if !model.online() {
        model.notice = Some(act::offline());
        return Vec::new();
    }
    let ticket = model.next_ticket();
    model.turnaround = Some(TurnaroundPage { project: project.clone(), ticket, songs: None, problem: None });
    model.stack.push(Screen::Turnaround { project: project.clone(), at: 0 });
    vec![Effect::Turnaround { ticket, project_id: project }]
}

pub(super) fn arrived(model: &mut Model, ticket: u64, outcome: Result<Vec<SongTurnaround>, Failure>) {
    let Some(page) = model.turnaround.as_mut().filter(|page| page.ticket == ticket) else { return };
    match outcome {
        Ok(songs) => page.songs = Some(songs),
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => page.problem = Some(text),
    }
}
