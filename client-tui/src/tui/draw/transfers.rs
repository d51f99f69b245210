//! Files on their way: two lines each, a bar and figures, and below what is to be known of the chosen one.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    empty, first_shown, heading, put,
    text::{clip, pad, pad_left, wrap},
    theme::Theme,
};
use crate::tui::{
    model::Model,
    transfers::{State, Transfer, Way},
    words,
};

const FOOT: u16 = 4;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let list = &model.transfers.list;
    put(frame, area, 0, heading(theme, "Transfers", &counts(list), area.width, false));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if list.is_empty() {
        let next = "On a song u sends files, and Ctrl-F fetches them; on the board f fetches of all chosen songs. They go on while you do other things.";
        return empty(theme, frame, body, &["Nothing is on its way.", next]);
    }
    let [rows, foot] = Layout::vertical([Constraint::Min(2), Constraint::Length(FOOT)]).areas(body);
    let at = at.min(list.len() - 1);
    let fit = usize::from(rows.height / 2).max(1);
    let first = first_shown(at, list.len(), fit);
    for (line, it) in list.iter().enumerate().skip(first).take(fit) {
        let top = u16::try_from((line - first) * 2).unwrap_or(u16::MAX);
        transfer(theme, frame, rows, top, it, line == at);
    }
    let Some(it) = list.get(at) else { return };
    let room = usize::from(area.width.saturating_sub(4));
    let mut said = about(it, room);
    let fit = usize::from(FOOT) - 1;
    if said.len() > fit {
        said.truncate(fit);
        if let Some((last, _)) = said.last_mut() {
            *last = format!("{}…", clip(last, room.saturating_sub(1)).trim_end_matches('…'));
        }
    }
    for (row, (text, bad)) in said.into_iter().enumerate() {
        let style = if bad { theme.bad() } else { theme.plain() };
        put(
            frame,
            foot,
            u16::try_from(row + 1).unwrap_or(u16::MAX),
            Line::styled(format!("  {text}"), style),
        );
    }
}

fn counts(list: &[Transfer]) -> String {
    let count = |of: &dyn Fn(&State) -> bool, word: &str| {
        let count = list.iter().filter(|it| of(&it.state)).count();
        (count > 0).then(|| format!("{count} {word}"))
    };
    let parts = [
        count(&|it| *it == State::Running, "under way"),
        count(&|it| *it == State::Waiting, "waiting"),
        count(&|it| *it == State::Paused, "paused"),
        count(&|it| matches!(it, State::Cut { .. }), "cut"),
        count(&|it| matches!(it, State::Failed { .. }), "failed"),
        count(&|it| *it == State::Done, "done"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A sign and a word.
fn state(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Waiting => ("○", "waiting"),
        State::Running => ("▶", "under way"),
        State::Paused => ("‖", "paused"),
        State::Cut { .. } => ("…", "line is down"),
        State::Done => ("✓", "done"),
        State::Failed { .. } => ("×", "failed"),
    }
}

fn transfer(theme: &Theme, frame: &mut Frame<'_>, area: Rect, top: u16, it: &Transfer, chosen: bool) {
    let columns = usize::from(area.width);
    let (sign, word) = state(&it.state);
    let arrow = if it.way == Way::Up { "↑" } else { "↓" };
    let mark = if chosen { "▸" } else { " " };
    let place = if it.way == Way::Up { format!("to {}", it.place) } else { format!("into {}", it.place) };
    let title_room = (columns * 6 / 10).saturating_sub(20).max(20);
    let place_room = columns.saturating_sub(4 + title_room + 2 + 15);
    let line = format!(
        "{mark}{arrow} {} {}  {}",
        pad(&it.title, title_room),
        pad(&place, place_room),
        pad_left(&format!("{sign} {word}"), 14)
    );
    let style = match (chosen, &it.state) {
        (true, _) => theme.chosen(),
        (_, State::Failed { .. }) => theme.bad(),
        (_, State::Cut { .. }) => theme.warn(),
        _ => theme.plain(),
    };
    put(frame, area, top, Line::styled(line, style));
    let figures = figures(it);
    let bar = columns.saturating_sub(3 + 6 + 46).clamp(8, 60);
    let tint = if it.state == State::Done { theme.good() } else { theme.wave() };
    let line = Line::from(vec![
        Span::raw("   "),
        Span::styled(gauge(it, bar), tint),
        Span::styled(
            clip(&format!(" {} {figures}", percent(it)), columns.saturating_sub(bar + 3)),
            theme.dim(),
        ),
    ]);
    put(frame, area, top + 1, line);
}

fn share(it: &Transfer, of: usize) -> usize {
    let done = u128::from(it.bytes_done.min(it.bytes)) * of as u128;
    usize::try_from(done.checked_div(u128::from(it.bytes)).unwrap_or(0)).unwrap_or(of)
}

/// Full only where all of it is there.
fn gauge(it: &Transfer, columns: usize) -> String {
    let full = if it.state == State::Done { columns } else { share(it, columns) };
    format!("{}{}", "█".repeat(full), "░".repeat(columns - full))
}

pub(super) fn percent(it: &Transfer) -> String {
    let value = if it.state == State::Done { 100 } else { share(it, 100) };
    pad_left(&format!("{value} %"), 5)
}

/// "12.3 MB of 58.8 MB, 2.1 MB/s, 22 s left"
fn figures(it: &Transfer) -> String {
    let mut said = match it.state {
        State::Done => words::bytes(it.bytes),
        _ => format!("{} of {}", words::bytes(it.bytes_done), words::bytes(it.bytes)),
    };
    if it.state == State::Running && it.bytes_per_s > 0 {
        let left_s = it.bytes.saturating_sub(it.bytes_done).div_ceil(it.bytes_per_s);
        said.push_str(&format!(", {}/s, {} left", words::bytes(it.bytes_per_s), left(left_s)));
    }
    said
}

fn left(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// What it does, or why it does not; what to do next. Each with whether it is bad.
fn about(it: &Transfer, room: usize) -> Vec<(String, bool)> {
    let mut said = Vec::new();
    let mut tell = |text: &str, bad: bool| said.extend(wrap(text, room).into_iter().map(|line| (line, bad)));
    match &it.state {
        State::Failed { text, hint } => {
            tell(&format!("× {text}"), true);
            tell(hint, false);
        }
        State::Cut { text } => {
            tell(text, false);
            tell("It goes on by itself when the line is back.", false);
        }
        State::Paused => tell("Space lets it go on from where it stands.", false),
        State::Waiting => tell("Two go at a time; this one begins when there is room.", false),
        State::Running | State::Done if !it.step.is_empty() => tell(&it.step, false),
        State::Running | State::Done => {}
    }
    let to = if it.way == Way::Up { "To" } else { "Into" };
    tell(&format!("{to} {}", it.place), false);
    said
}

/// For every screen: "↓ 45 %" while something is under way.
pub(super) fn badge(model: &Model) -> String {
    let busy = |it: &&Transfer| it.state.is_under_way();
    let mut running = model.transfers.list.iter().filter(busy);
    let Some(first) = running.next_back() else { return String::new() };
    let arrow = if first.way == Way::Up { "↑" } else { "↓" };
    let more = running.count();
    let more = if more > 0 { format!(" +{more}") } else { String::new() };
    format!("{arrow} {}{more}  ", percent(first).trim())
}
