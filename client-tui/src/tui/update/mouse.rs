//! The mouse: a click chooses, a second one on the same place opens, a wheel scrolls, a click or drag on the picture of a file moves the time cursor or marks
//! a range. What lies where is asked of the drawing itself. Nothing is signed or sent by a click.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Rect;

use super::{nav, prompt};
use crate::{
    play,
    tui::{
        draw::{self, Hit},
        hands::Press,
        keys::Verb,
        lists,
        model::{Ask, Focus, Model, Screen},
        msg::Effect,
        player::frame_of,
    },
};

/// How many lines a notch of the wheel moves.
const NOTCH: usize = 3;
/// Two presses this close are one of two. The clock of the model ticks twice a second.
const DOUBLE_MS: i64 = 500;

pub(super) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => down(model, event),
        MouseEventKind::Drag(MouseButton::Left) => drag(model, event),
        MouseEventKind::ScrollUp => wheel(model, event, true),
        MouseEventKind::ScrollDown => wheel(model, event, false),
        _ => Vec::new(),
    }
}

fn down(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let before = model.hands.press.take();
    let Some((area, hit)) = draw::hit(model, event.column, event.row) else { return Vec::new() };
    let now = Press { column: event.column, line: event.row, at_ms: model.now_ms, picture: None };
    let again =
        |it: &Press| it.line == now.line && model.now_ms - it.at_ms <= DOUBLE_MS && it.picture.is_none();
    let double = before.as_ref().is_some_and(again);
    model.hands.press = Some(now);
    let mut effects = match hit {
        Hit::Prompt => return Vec::new(),
        Hit::Choice(at) => return choice(model, at, double),
        Hit::Key(verb) => {
            model.hands.press = None;
            return if verb == Verb::Back { as_key(model, KeyCode::Esc) } else { nav::press(model, verb) };
        }
        Hit::Pane(focus) => {
            focus_on(model, focus);
            return Vec::new();
        }
        Hit::Picture { start_ms, end_ms } => return to_time(model, event, area, (start_ms, end_ms)),
        Hit::Row(at) => place(model, at),
        Hit::Id(id) => by_id(model, &id),
        Hit::Version(id) => {
            focus_on(model, Focus::Versions);
            by_id(model, &id)
        }
        Hit::Note(id) => {
            focus_on(model, Focus::Notes);
            by_id(model, &id)
        }
    };
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        effects.extend(nav::press(model, Verb::Select));
    } else if double {
        model.hands.press = None;
        effects.extend(nav::press(model, Verb::Open));
    }
    effects
}

fn place(model: &mut Model, at: usize) -> Vec<Effect> {
    match model.top_mut() {
        Screen::Album { at: now, .. }
        | Screen::Delivery { at: now, .. }
        | Screen::People { at: now, .. }
        | Screen::LabelCopy { at: now, .. }
        | Screen::Transfers { at: now } => *now = at,
        Screen::Compare(view) => view.at = at,
        _ => {
            let lines = lists::lines(model);
            lists::choose(model, at, &lines);
        }
    }
    Vec::new()
}

fn by_id(model: &mut Model, id: &str) -> Vec<Effect> {
    let Model { stack, projects, .. } = model;
    if let Some(Screen::Project { project, song }) = stack.last_mut() {
        if projects.get(project).is_some_and(|rows| rows.has_song(id)) {
            *song = Some(id.to_owned());
        }
        return Vec::new();
    }
    let lines = lists::lines(model);
    if let Some(at) = lines.iter().position(|it| it.id == id) {
        lists::choose(model, at, &lines);
    }
    Vec::new()
}

fn focus_on(model: &mut Model, focus: Focus) {
    if let Screen::Song(view) = model.top_mut() {
        view.focus = focus;
    }
}

fn as_key(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    nav::key(model, KeyEvent::new(code, KeyModifiers::NONE))
}

/// A line of a question that asks nothing but which line: the second press takes it, as Enter does.
fn choice(model: &mut Model, place: usize, double: bool) -> Vec<Effect> {
    match model.prompt.as_mut().map(|it| &mut it.ask) {
        Some(Ask::Palette(ask)) => ask.at = place,
        Some(Ask::Follow(ask)) => ask.at = place,
        Some(Ask::Tick(ask)) => ask.at = place,
        _ => return Vec::new(),
    }
    let palette = model.prompt.as_ref().is_some_and(|it| matches!(it.ask, Ask::Palette(_)));
    if double && palette {
        return prompt::key(model, KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    }
    Vec::new()
}

/// The time under a column.
fn time_at(column: u16, first: u16, columns: u16, (start_ms, end_ms): (u64, u64)) -> u64 {
    let last = u64::from(columns.saturating_sub(1)).max(1);
    let at = u64::from(column.saturating_sub(first)).min(last);
    let span = u128::from(end_ms.saturating_sub(start_ms));
    let passed = span * u128::from(at) / u128::from(last);
    start_ms.saturating_add(u64::try_from(passed).unwrap_or(0))
}

fn to_time(model: &mut Model, event: MouseEvent, area: Rect, window: (u64, u64)) -> Vec<Effect> {
    let ms = time_at(event.column, area.x, area.width, window);
    if let Some(press) = &mut model.hands.press {
        press.picture = Some((area.x, area.width, window.0, window.1, ms));
    }
    super::song::point(model, ms.saturating_mul(1000));
    if let Screen::Song(view) = model.top_mut() {
        view.mark_ms = None;
    }
    seek(model, ms)
}

/// What plays goes there too, where it is this song.
fn seek(model: &mut Model, ms: u64) -> Vec<Effect> {
    let Screen::Song(view) = model.top() else { return Vec::new() };
    if !model.player.is_on(&view.project, &view.song) {
        return Vec::new();
    }
    let at = frame_of(ms.saturating_mul(1000), model.player.rate());
    model.player.follow = true;
    model.player.aimed = false;
    vec![Effect::Play(play::Order::Seek { at })]
}

fn drag(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let Some(Press { picture: Some((first, columns, start_ms, end_ms, from_ms)), .. }) = model.hands.press
    else {
        return Vec::new();
    };
    let ms = time_at(event.column, first, columns, (start_ms, end_ms));
    super::song::point(model, ms.saturating_mul(1000));
    if let Screen::Song(view) = model.top_mut() {
        view.mark_ms = (ms != from_ms).then_some(from_ms);
    }
    Vec::new()
}

fn wheel(model: &mut Model, event: MouseEvent, up: bool) -> Vec<Effect> {
    let hit = draw::hit(model, event.column, event.row);
    match hit {
        Some((area, Hit::Picture { start_ms, end_ms }))
            if event.modifiers.contains(KeyModifiers::CONTROL) && model.prompt.is_none() =>
        {
            // Around the pointer, not around where the cursor happens to be.
            let ms = time_at(event.column, area.x, area.width, (start_ms, end_ms));
            super::song::point(model, ms.saturating_mul(1000));
            return nav::press(model, if up { Verb::ZoomIn } else { Verb::ZoomOut });
        }
        Some((_, Hit::Pane(focus))) => focus_on(model, focus),
        Some((_, Hit::Version(_))) => focus_on(model, Focus::Versions),
        Some((_, Hit::Note(_))) => focus_on(model, Focus::Notes),
        _ => {}
    }
    let mut effects = Vec::new();
    for _ in 0..NOTCH {
        if let Some(open) = &model.prompt {
            // What is signed, written or answered is not moved by a wheel.
            if matches!(
                open.ask,
                Ask::Read(_)
                    | Ask::Palette(_)
                    | Ask::Follow(_)
                    | Ask::Tick(_)
                    | Ask::Confirm(_)
                    | Ask::Plan(_)
            ) {
                effects.extend(as_key(model, if up { KeyCode::Up } else { KeyCode::Down }));
            }
        } else {
            effects.extend(nav::press(model, if up { Verb::Up } else { Verb::Down }));
        }
    }
    effects
}
