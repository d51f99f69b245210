//! The upload of a version: what was dropped, what each file was taken for, and what goes with them.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{open, say, too_small, whole, written};
use crate::tui::{
    draw::{
        first_shown, put,
        text::{clip, pad, pad_left, wrap},
        theme::Theme,
    },
    transfers::{Pane, Sending, UploadAsk},
    update, words,
};

const LINES_MIN: u16 = 16;

/// What the window must hold before Enter counts.
pub(super) fn lines() -> usize {
    usize::from(LINES_MIN)
}

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &UploadAsk) {
    let title = format!("{} for {}", update::kind_name(ask.kind), ask.song_title);
    if area.height < LINES_MIN {
        return too_small(theme, frame, area, &title, "see what is sent as what");
    }
    let inner = open(theme, frame, area, &title, (area.width.min(100), area.height.min(30)));
    let room = usize::from(inner.width);
    let told =
        if ask.consequence.is_empty() { Vec::new() } else { whole(&ask.consequence, room, theme.warn()) };
    let told: Vec<_> = told.into_iter().take(2).collect();
    let remarks: Vec<String> =
        update::remarks(ask).iter().flat_map(|it| wrap(&format!("! {it}"), room)).take(2).collect();
    let heights = [
        u16::try_from(told.len()).unwrap_or(0),
        1,
        2,
        1,
        0,
        u16::try_from(remarks.len()).unwrap_or(0),
        1,
        1,
        1,
        1,
        1,
    ];
    let areas: [Rect; 11] = Layout::vertical(
        heights
            .into_iter()
            .map(|lines| match lines {
                0 => Constraint::Fill(1),
                lines => Constraint::Length(lines),
            })
            .enumerate()
            .map(|(at, it)| match at {
                0 | 5 => Constraint::Length(heights[at]),
                _ => it,
            }),
    )
    .areas(inner);
    let [first, label, paths, head, list, doubts, title_label, title, changed_label, changed, foot] = areas;
    say(frame, first, 0, told);
    let here = |pane: Pane| ask.pane == pane;
    written(
        theme,
        frame,
        (label, paths),
        "Files: drop or paste them here, or type paths",
        &ask.paths,
        here(Pane::Paths),
    );
    files(theme, frame, (head, list), ask);
    say(frame, doubts, 0, remarks.into_iter().map(|line| (line, theme.warn())).collect());
    written(theme, frame, (title_label, title), "Title, if it has one", &ask.title, here(Pane::Title));
    let label = "What changed (Alt-Enter breaks the line)";
    written(theme, frame, (changed_label, changed), label, &ask.changelog, here(Pane::Changelog));
    let line = match &ask.problem {
        Some(problem) => Line::styled(clip(problem, room), theme.bad()),
        None if here(Pane::Files) => Line::styled(
            clip("← → or typing change what it is, Delete drops it, Tab moves, Enter sends", room),
            theme.dim(),
        ),
        None => Line::styled(clip("Enter sends, Tab moves on, Esc leaves", room), theme.dim()),
    };
    put(frame, foot, 0, line);
}

fn files(theme: &Theme, frame: &mut Frame<'_>, (head, list): (Rect, Rect), ask: &UploadAsk) {
    let here = ask.pane == Pane::Files;
    let count = match (ask.ticket, ask.files.len()) {
        (Some(_), _) => "looking ...".to_owned(),
        (None, 0) => String::new(),
        (None, count) => words::count(count, "file", "files"),
    };
    let label = format!("Taken for {}", if count.is_empty() { String::new() } else { format!("({count})") });
    put(frame, head, 0, Line::styled(label, if here { theme.accent() } else { theme.dim() }));
    if ask.files.is_empty() {
        let line = "  Nothing yet. A folder stands for the audio in it.";
        put(frame, list, 0, Line::styled(line, theme.dim()));
        return;
    }
    let height = usize::from(list.height);
    let first = first_shown(ask.at, ask.files.len(), height);
    let columns = usize::from(list.width);
    for (at, file) in ask.files.iter().enumerate().skip(first).take(height) {
        let chosen = here && at == ask.at;
        let style = match (&file.found.bytes, chosen) {
            (_, true) => theme.chosen(),
            (Err(_), _) => theme.bad(),
            _ => theme.plain(),
        };
        let row = u16::try_from(at - first).unwrap_or(u16::MAX);
        put(frame, list, row, Line::styled(line(file, chosen, columns), style));
    }
}

fn line(file: &Sending, chosen: bool, columns: usize) -> String {
    let name = file.found.path.file_name().map_or_else(
        || file.found.path.to_string_lossy().into_owned(),
        |it| it.to_string_lossy().into_owned(),
    );
    let (size, sign) = match &file.found.bytes {
        Ok(bytes) => (words::bytes(*bytes), " "),
        Err(why) => (why.clone(), "×"),
    };
    let mark = if chosen { "▸" } else { " " };
    let size_room = if file.found.bytes.is_ok() { 10 } else { columns / 3 };
    let name_room = columns.saturating_sub(2 + 19 + 1 + size_room);
    format!(
        "{mark}{sign}{} {}{}",
        pad(&file.alternate, 18),
        pad(&name, name_room),
        pad_left(&size, size_room)
    )
}
