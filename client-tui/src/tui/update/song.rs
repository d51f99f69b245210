//! Keys of the song's picture: the time cursor, the range, the window, the panes. Never here: what the studio is asked, the sound.

use crate::tui::{
    draw,
    keys::{Kind, Verb},
    model::{Focus, Model, Screen, SongView},
    msg::Effect,
    rows::{self, Place},
};

/// The closest view, in milliseconds: some fifty samples, each with dots of its own.
const WINDOW_MS_MIN: u64 = 1;

/// `None`: the key means the same here as elsewhere.
pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    if model.top().kind() != Kind::Song {
        return None;
    }
    match verb {
        Verb::Open => return Some(to_note(model)),
        Verb::Left
        | Verb::Right
        | Verb::NextPane
        | Verb::ZoomIn
        | Verb::ZoomOut
        | Verb::ZoomAll
        | Verb::NoteBefore
        | Verb::NoteAfter
        | Verb::MarkRange
        | Verb::Settled => wave(model, verb),
        Verb::Sections => return Some(super::prompt::sections::open(model)),
        _ => return None,
    }
    Some(Vec::new())
}

fn wave(model: &mut Model, verb: Verb) {
    let columns = u64::from(draw::wave_columns(model.size.0)).max(1);
    let Model { stack, projects, .. } = model;
    let Some(Screen::Song(view)) = stack.last_mut() else { return };
    let Some(rows) = projects.get(&view.project) else { return };
    let length_ms = view.version(rows).map_or(0, rows::length_ms);
    let (start_ms, end_ms) = view.window.unwrap_or((0, length_ms));
    let column_us = (end_ms.saturating_sub(start_ms).saturating_mul(1000) / columns).max(1);
    match verb {
        Verb::Left => view.set_cursor(view.cursor().saturating_sub(column_us)),
        Verb::Right => {
            view.set_cursor(view.cursor().saturating_add(column_us).min(length_ms.saturating_mul(1000)));
        }
        Verb::NextPane => {
            view.focus = if view.focus == Focus::Notes { Focus::Versions } else { Focus::Notes };
        }
        Verb::ZoomIn => zoom(view, length_ms, true),
        Verb::ZoomOut => zoom(view, length_ms, false),
        Verb::ZoomAll => view.window = None,
        Verb::MarkRange => {
            view.mark_ms = if view.mark_ms.is_some() { None } else { Some(view.cursor_ms) };
        }
        Verb::Settled => view.settled = !view.settled,
        Verb::NoteBefore | Verb::NoteAfter => {
            let notes = rows.notes(&view.song, view.settled);
            let shown = view.version(rows).map_or("", |it| it.version_id.as_str());
            let timed = notes.iter().filter_map(|it| Some((rows::place(it, shown).start_ms?, &it.note_id)));
            let next = if verb == Verb::NoteAfter {
                timed.filter(|(ms, _)| *ms > view.cursor_ms).min_by_key(|(ms, _)| *ms)
            } else {
                timed.filter(|(ms, _)| *ms < view.cursor_ms).max_by_key(|(ms, _)| *ms)
            };
            if let Some((ms, id)) = next {
                view.note = Some(id.clone());
                view.set_cursor(ms.saturating_mul(1000));
            }
        }
        _ => {}
    }
    follow_cursor(view);
}

fn zoom(view: &mut SongView, length_ms: u64, closer: bool) {
    let (start_ms, end_ms) = view.window.unwrap_or((0, length_ms));
    let span_ms = end_ms.saturating_sub(start_ms);
    let next_ms = if closer { (span_ms / 2).max(WINDOW_MS_MIN) } else { span_ms.saturating_mul(2) };
    if next_ms >= length_ms {
        view.window = None;
        return;
    }
    let start_ms = view.cursor_ms.saturating_sub(next_ms / 2).min(length_ms - next_ms);
    view.window = Some((start_ms, start_ms + next_ms));
}

/// The window moves by halves, so that the picture is not fetched anew at each step of the cursor.
pub(super) fn follow_cursor(view: &mut SongView) {
    let Some((start_ms, end_ms)) = view.window else { return };
    let span_ms = end_ms.saturating_sub(start_ms);
    if view.cursor_ms < start_ms || view.cursor_ms >= end_ms.max(start_ms + 1) {
        let start_ms = view.cursor_ms.saturating_sub(span_ms / 2).min(u64::MAX - span_ms);
        view.window = Some((start_ms, start_ms + span_ms));
    }
}

/// Enter on a note: the time cursor goes there, and the sound with it where this song plays.
fn to_note(model: &mut Model) -> Vec<Effect> {
    let Some(project) = model.project() else { return Vec::new() };
    let Screen::Song(view) = model.top() else { return Vec::new() };
    let Some(note) = draw::selected_note(project, view) else { return Vec::new() };
    let shown = view.version(project).map_or("", |it| it.version_id.as_str());
    let Place { start_ms, end_ms, .. } = rows::place(note, shown);
    let Screen::Song(view) = model.top_mut() else { return Vec::new() };
    let Some(start_ms) = start_ms else { return Vec::new() };
    view.set_cursor(end_ms.unwrap_or(start_ms).saturating_mul(1000));
    view.mark_ms = end_ms.map(|_| start_ms);
    follow_cursor(view);
    super::listen::after_jump(model)
}

/// Asks for the picture in pixels of what is drawn, where the terminal shows pixels.
pub(super) fn picture(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(ask) = draw::picture_ask(model) else { return };
    if model.picture.0.as_ref() == Some(&ask) {
        return;
    }
    let Some((_, _, answer)) = model.wave.as_ref().and_then(|it| it.data.as_ref()) else { return };
    effects.push(Effect::Picture { ask: ask.clone(), answer: Box::new(answer.clone()) });
    model.picture.0 = Some(ask);
}

/// A click or a drag on the picture: the time cursor goes there.
pub(super) fn point(model: &mut Model, us: u64) {
    let Model { stack, player, .. } = model;
    if let Some(Screen::Song(view)) = stack.last_mut() {
        view.set_cursor(us);
        player.follow = false;
        player.aimed = true;
    }
}
