//! What is worth copying where the mark stands. It goes into a clipboard and from there into shells: breaks stay, what a terminal would obey does not.

use crate::{
    scrub,
    tui::{
        draw, lists,
        model::{Focus, Model, Notice, Screen},
        msg::Effect,
        rows,
    },
};

/// A terminal drops longer ones, or the whole of them.
const BYTES_MAX: usize = 74_000;

pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let Some((what, text)) = meant(model).filter(|(_, text)| !text.is_empty()) else {
        model.notice = Some(Notice::Tell("There is nothing to copy on this line.".into()));
        return Vec::new();
    };
    let text = scrub::block(&text);
    if text.len() > BYTES_MAX {
        model.notice = Some(Notice::Refused {
            text: "That is too long for the clipboard of a terminal.".into(),
            hint: "Ctrl-E in the text opens your editor.".into(),
        });
        return Vec::new();
    }
    model.notice = Some(Notice::Done(format!("Copied: {what}.")));
    vec![Effect::Copy(text)]
}

/// What it is called, and the text.
fn meant(model: &Model) -> Option<(String, String)> {
    let named = |what: &str, text: &str| Some((what.to_owned(), text.to_owned()));
    match model.top() {
        Screen::Desk { at } => named("what waits on you", &model.desk.as_deref()?.get(*at)?.text),
        Screen::Projects { at } => {
            named("the id of the project", &model.list.as_deref()?.get(*at)?.project_id)
        }
        Screen::Project { project, song } => {
            let song = draw::selected_song(model.projects.get(project)?, song.as_deref())?;
            named("the title of the song", &song.title)
        }
        Screen::Song(view) => {
            let rows = model.projects.get(&view.project)?;
            let chosen = super::chosen_ids(model);
            if view.focus == Focus::Notes && !chosen.is_empty() {
                let notes: Vec<String> = chosen.iter().filter_map(|id| rows.note(id)).map(told).collect();
                return Some((format!("{} notes", notes.len()), notes.join("\n")));
            }
            if view.focus == Focus::Notes
                && let Some(note) = draw::selected_note(rows, view)
            {
                return named("the note", &note.text);
            }
            let version = view.version(rows)?;
            match version.files.get(view.file) {
                Some(file) if view.file > 0 => {
                    Some((format!("the SHA-256 of {}", file.alternate), file.sha256.clone()))
                }
                _ => named("the fingerprint of the version", &version.fingerprint),
            }
        }
        Screen::Master { project, song, render } => {
            let rows = model.projects.get(project)?;
            let render = draw::selected_render(rows, song, render.as_deref())?;
            match rows.version(&render.master_version_id) {
                Some(master) => named("the fingerprint of the master", &master.fingerprint),
                None => named("the recipe", &render.recipe_toml),
            }
        }
        Screen::History { at, .. } => named("the entry", &model.history.as_ref()?.entries.get(*at)?.text),
        Screen::People { .. } => {
            let asked = model.people.link.as_ref()?;
            Some((format!("the link for {}", asked.name), asked.link.clone()))
        }
        Screen::Turnaround { .. } | Screen::Help { .. } => {
            let lines = lists::lines(model);
            named("the line", &lines.get(lists::place(model, &lines))?.text)
        }
        // These say themselves what is worth it.
        Screen::Compare(_)
        | Screen::Album { .. }
        | Screen::Delivery { .. }
        | Screen::Record { .. }
        | Screen::LabelCopy { .. }
        | Screen::Transfers { .. } => None,
    }
}

/// "1:04.2 Ana: the s is sharp"
fn told(note: &deadwax_proto::v1::NoteRow) -> String {
    let place = rows::place(note, &note.version_id);
    let at = place.start_ms.map_or_else(|| "song".into(), |ms| crate::tui::words::clock(ms, true));
    format!("{at} {}: {}", note.author, note.text)
}
