//! `draw`: the model onto a frame. Reads only; computes its own layout; every foreign word goes through `text`, which scrubs it (S-1).
//! Frame: a title line, a banner where something is wrong with the line, the screen, one line of news, the keys.

mod album;
mod compare;
mod curve;
mod delivery;
mod desk;
mod footer;
mod found;
mod help;
mod hints;
mod history;
mod hit;
mod label_copy;
mod master;
mod notes;
mod people;
mod project;
mod prompt;
mod record;
mod report;
mod sheet;
mod song;
mod strip;
mod text;
mod theme;
mod transfers;
mod turnaround;
pub(crate) mod wave;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    filter::Filter,
    keys,
    model::{ConfirmAsk, Link, Model, Notice, Screen, SongView},
    presence,
    rows::Project,
    words,
};
use crate::scrub;
use deadwax_proto::v1::{GateLine, NoteRow, RenderRow, SongRow};
pub use hit::{Hit, areas_of, hit};
use text::{clip, width, wrap};
use theme::Theme;
pub(super) use {desk::word as desk_word, help::help_lines, project::has_columns};

/// Where a filter hides everything.
const NOTHING_FOUND: &[&str] =
    &["No line holds these words.", "Backspace takes letters away, Esc clears them."];

/// Below this nothing useful fits.
const SIZE_MIN: (u16, u16) = (40, 12);

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    paint(model, &Theme::of(model), frame);
}

fn paint(model: &Model, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SIZE_MIN.0 || area.height < SIZE_MIN.1 {
        let said = wrap("Deadwax needs 40 columns and 12 lines.", usize::from(area.width));
        for (row, line) in (0..).zip(said) {
            put(frame, area, row, Line::from(line));
        }
        return;
    }
    let banner = banner(model, theme);
    let news = news(model, theme, area.width);
    let strip = strip::line(model, theme, area.width);
    let [head, alarm, body, told, heard, foot] = areas(area, banner.len(), news.len(), strip.is_some());
    title(model, theme, frame, head);
    for (at, line) in banner.into_iter().enumerate() {
        put(frame, alarm, u16::try_from(at).unwrap_or(0), line);
    }
    match model.top() {
        Screen::Desk { at } => desk::desk(model, theme, frame, body, *at),
        Screen::Projects { at } => desk::projects(model, theme, frame, body, *at),
        Screen::Project { project, song } => {
            project::draw(model, theme, frame, body, project, song.as_deref());
        }
        Screen::Song(view) => song::draw(model, theme, frame, body, view),
        Screen::Master { project, song, render } => {
            master::draw(model, theme, frame, body, project, song, render.as_deref());
        }
        Screen::History { at, .. } => history::draw(model, theme, frame, body, *at),
        Screen::Turnaround { at, .. } => turnaround::draw(model, theme, frame, body, *at),
        Screen::Compare(view) => compare::draw(model, theme, frame, body, view),
        Screen::Album { project, at } => album::draw(model, theme, frame, body, project, *at),
        Screen::Delivery { project, at } => delivery::draw(model, theme, frame, body, project, *at),
        Screen::Record { project, .. } => record::draw(model, theme, frame, body, project),
        Screen::People { project, at } => people::draw(model, theme, frame, body, project, *at),
        Screen::LabelCopy { project, at } => label_copy::draw(model, theme, frame, body, project, *at),
        Screen::Transfers { at } => transfers::draw(model, theme, frame, body, *at),
        Screen::Help { of, at } => help::draw(model, theme, frame, body, *of, *at),
    }
    found::mark(model, theme, frame, body);
    for (at, line) in news.into_iter().enumerate() {
        put(frame, told, u16::try_from(at).unwrap_or(0), line);
    }
    if let Some(line) = strip {
        put(frame, heard, 0, line);
    }
    footer::draw(model, theme, frame, foot);
    if let Some(open) = &model.prompt {
        prompt::draw(model, theme, frame, body, &open.ask);
    }
}

/// Title line, banner, body, news, player and keys.
fn areas(area: Rect, banner: usize, news: usize, player: bool) -> [Rect; 6] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::try_from(banner).unwrap_or(1)),
        Constraint::Min(1),
        Constraint::Length(u16::try_from(news).unwrap_or(1).max(1)),
        Constraint::Length(u16::from(player)),
        Constraint::Length(1),
    ])
    .areas(area)
}

/// Whether the open question stands on the screen as a whole. Only then may a yes count.
pub fn prompt_fits(model: &Model) -> bool {
    let (columns, lines) = model.size;
    if columns < SIZE_MIN.0 || lines < SIZE_MIN.1 {
        return false;
    }
    let theme = Theme::of(model);
    let body = body(model, &theme);
    model.prompt.as_ref().is_none_or(|open| prompt::fits(model, &theme, body, &open.ask))
}

/// How far a question with a yes and a no scrolls in this window.
pub fn confirm_last(model: &Model, ask: &ConfirmAsk) -> usize {
    let theme = Theme::of(model);
    prompt::confirm_last(model, &theme, body(model, &theme), ask)
}

/// What lies between the lines above and those below.
fn body(model: &Model, theme: &Theme) -> Rect {
    let (columns, lines) = model.size;
    let (banner, news) = (banner(model, theme).len(), news(model, theme, columns).len());
    let player = strip::lies(model);
    let [_, _, body, ..] = areas(Rect::new(0, 0, columns, lines), banner, news, player);
    body
}

/// How many columns the picture of a file has on a screen of this width.
pub fn wave_columns(screen_columns: u16) -> u16 {
    screen_columns.saturating_sub(2 + wave::GUTTER).max(1)
}

/// How many columns the song has on the screen "Compare".
pub fn compare_columns(screen_columns: u16) -> u16 {
    screen_columns.saturating_sub(2 + compare::GUTTER).max(1)
}

/// The picture in pixels that the song screen would show of the columns that are here; `None` where it shows characters.
pub(super) fn picture_ask(model: &Model) -> Option<wave::pixels::Ask> {
    let Screen::Song(view) = model.top() else { return None };
    model.settings.pixels?;
    song::picture_ask(model, body(model, &Theme::of(model)), view)
}

/// What the song waits for; where it waits for nothing, what became of it.
fn waits_for(rows: &Project, song: &SongRow) -> String {
    match (song.waits_for.as_str(), rows.deliveries(&song.song_id).first()) {
        ("", Some(it)) => {
            let files = words::count(it.files.len(), "file", "files");
            format!("Delivered by {}: {files}. Ctrl-F fetches them.", it.by)
        }
        ("", None) => "It waits for nothing.".into(),
        (text, _) => match (text.split_once(APPROVAL_OF), awaited(rows, song)) {
            (Some((what, _)), Some(names)) => format!("{what}{APPROVAL_OF}{names}."),
            _ => text.to_owned(),
        },
    }
}

const APPROVAL_OF: &str = " waits for the approval of ";

/// Who is asked to sign, by name, as the lines of the gate say it: roles alone leave one guessing. `None`: not every line names somebody.
fn awaited(rows: &Project, song: &SongRow) -> Option<String> {
    if !song.waits_for.contains(APPROVAL_OF) {
        return None;
    }
    let unmet = rows.gate(&song.song_id)?.lines.iter().filter(|it| !it.met && it.code == "APPROVALS");
    let name = |it: &GateLine| Some(it.text.rsplit_once("; waits for ")?.1.trim_end_matches('.').to_owned());
    let names: Vec<String> = unmet.map(name).collect::<Option<_>>()?;
    (!names.is_empty()).then(|| names.join(" and "))
}

/// The chosen song, else the first in running order.
pub fn selected_song<'a>(rows: &'a Project, song: Option<&str>) -> Option<&'a SongRow> {
    song.and_then(|id| rows.song(id))
        .or_else(|| words::STAGES.iter().find_map(|stage| rows.songs_in(*stage).first()))
}

/// The chosen note where the list shows it, else the list's first.
pub fn selected_note<'a>(rows: &'a Project, view: &SongView) -> Option<&'a NoteRow> {
    let notes = rows.notes(&view.song, view.settled);
    let chosen = view.note.as_deref().and_then(|id| notes.place_of(id)).and_then(|at| notes.get(at));
    chosen.or_else(|| notes.first())
}

/// The chosen render, else the newest.
pub fn selected_render<'a>(rows: &'a Project, song: &str, render: Option<&str>) -> Option<&'a RenderRow> {
    render.and_then(|id| rows.render(id)).or_else(|| rows.renders(song).first().copied())
}

/// One line at a row of an area, cut at the area's edge. The last gate of S-1: whatever a screen forgot to scrub is scrubbed here.
fn put<'a>(frame: &mut Frame<'_>, area: Rect, row: u16, line: impl Into<Line<'a>>) {
    if row >= area.height {
        return;
    }
    let mut line = line.into();
    for span in &mut line.spans {
        if span.content.chars().any(scrub::is_hostile) {
            span.content = scrub::line(&span.content).into();
        }
    }
    let at = Rect { x: area.x, y: area.y + row, width: area.width, height: 1 };
    frame.render_widget(line, at);
}

/// The filter of the screen on top, where something is typed in it.
fn sought(model: &Model) -> Option<&Filter> {
    model.hands.filter(model).filter(|it| !it.is_empty())
}

/// One line of an area.
fn row_of(area: Rect, row: u16) -> Rect {
    let y = area.y.saturating_add(row);
    Rect { y, height: u16::from(y < area.bottom()), ..area }
}

/// A heading with a rule to the edge: "Notes ── 3 open ─────".
fn heading(theme: &Theme, name: &str, rest: &str, columns: u16, focused: bool) -> Line<'static> {
    let style = if focused { theme.accent() } else { theme.head() };
    let name = clip(name, usize::from(columns).saturating_sub(2));
    let left = usize::from(columns).saturating_sub(width(&name) + 3);
    let rest = if rest.is_empty() || left < 2 { String::new() } else { format!("{} ", clip(rest, left)) };
    let used = width(&name) + width(&rest) + 3;
    let rule = "─".repeat(usize::from(columns).saturating_sub(used));
    let mark = if focused { "▸" } else { " " };
    Line::from(vec![
        Span::styled(format!("{mark}{name} "), style),
        Span::styled(rest, theme.dim()),
        Span::styled(rule, theme.dim()),
    ])
}

/// The first line that a list shows, so that the chosen one stays in sight with a little around it.
fn first_shown(at: usize, len: usize, height: usize) -> usize {
    if len <= height { 0 } else { at.saturating_sub(height / 2).min(len - height) }
}

/// The rows of a project; where they are still on their way that is said, and nothing else is drawn.
fn arrived<'a>(
    model: &'a Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
) -> Option<&'a Project> {
    let rows = model.projects.get(project).filter(|it| it.loaded);
    if rows.is_none() {
        empty(theme, frame, area, &["The project has not arrived yet."]);
    }
    rows
}

/// Sentences that say what to do next, where a list is empty.
fn empty(theme: &Theme, frame: &mut Frame<'_>, area: Rect, sentences: &[&str]) {
    let mut row = 1;
    for sentence in sentences {
        for line in wrap(sentence, usize::from(area.width.saturating_sub(4))) {
            put(frame, area, row, Line::styled(format!("  {line}"), theme.dim()));
            row += 1;
        }
    }
}

fn title(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let rows = model.project();
    let project = rows.and_then(Project::head).map_or("", |head| head.title.as_str());
    let song = match model.top() {
        Screen::Song(view) => Some(view.song.as_str()),
        Screen::Compare(view) => Some(view.song.as_str()),
        Screen::Master { song, .. } | Screen::History { song, .. } => Some(song.as_str()),
        _ => None,
    };
    let song = song.and_then(|id| rows?.song(id)).map_or("", |song| song.title.as_str());
    // A single is a project and a song of one title: said once. The screens of a project and a song need no name of their own.
    let song = if song == project { "" } else { song };
    let kind = match model.top().kind() {
        keys::Kind::Project | keys::Kind::Song if !project.is_empty() => "",
        kind => kind.title(),
    };
    let columns = usize::from(area.width);
    // Who else is here says more than where one is.
    let here = presence::line(model);
    let studio = if here.is_empty() { clip(&model.studio, columns / 4) } else { clip(&here, columns / 2) };
    let room = columns.saturating_sub(width(&studio) + 19 + width(kind));
    // Each gets what the other leaves; half of it where both are long.
    let first = clip(project, room.saturating_sub(width(song).min(room / 2)));
    let second = clip(song, room.saturating_sub(width(&first)));
    let mut spans = vec![Span::styled(" Deadwax ", theme.brand())];
    for (at, part) in
        [first.as_str(), second.as_str(), kind].into_iter().filter(|it| !it.is_empty()).enumerate()
    {
        if at > 0 {
            spans.push(Span::styled(" ›", theme.dim()));
        }
        spans.push(Span::styled(format!(" {part}"), theme.head()));
    }
    let used: usize = spans.iter().map(|span| width(&span.content)).sum();
    spans.push(" ".repeat(columns.saturating_sub(used + width(&studio) + 1)).into());
    spans.push(Span::styled(studio, if here.is_empty() { theme.dim() } else { theme.good() }));
    put(frame, area, 0, Line::from(spans));
}

/// Nothing while the line is up; two lines where the sentence needs them, since its end says what to do.
fn banner(model: &Model, theme: &Theme) -> Vec<Line<'static>> {
    let columns = usize::from(model.size.0);
    let text = match &model.link {
        Link::Online => return Vec::new(),
        Link::Connecting => {
            let old = model.as_of_ms().map(|at_ms| format!("What you see is {} old.", since(model, at_ms)));
            let line = format!(" Connecting ... {}", old.unwrap_or_default());
            return vec![Line::styled(clip(line.trim_end(), columns), theme.dim())];
        }
        Link::Ended { text, hint } => format!("! Signed out: {text} {hint}"),
        Link::Offline { since_ms, retry_at_ms, why, .. } => {
            let since_s = model.now_ms.saturating_sub(*since_ms).max(0) / 1000;
            let retry_s = retry_at_ms.saturating_sub(model.now_ms).max(0) / 1000;
            let again = match retry_s {
                0 => "trying now".to_owned(),
                _ => {
                    format!("next try in {retry_s} s; {} tries now", model.key(crate::tui::keys::Verb::Retry))
                }
            };
            format!("! Offline for {since_s} s, {again}. {} {}", how_old(model, since_s), short(why))
        }
    };
    let lines = wrap(text.trim_end(), columns.saturating_sub(2));
    let line = |text: String| Line::styled(text::pad(&format!(" {text}"), columns), theme.alarm());
    lines.into_iter().take(2).map(line).collect()
}

/// The reason with the host alone for its address, and without what the system adds to it.
fn short(why: &str) -> String {
    let mut said = String::new();
    for word in scrub::line(why).split(' ') {
        let host = word.split_once("://").map(|(_, rest)| rest.split(['/', ' ']).next().unwrap_or(rest));
        let host =
            host.map(|it| it.rsplit_once(':').map_or(it, |(host, _)| host).trim_end_matches([':', ',']));
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(host.unwrap_or(word));
    }
    match said.split_once(" could not be reached") {
        Some((host, _)) => format!("{host} could not be reached."),
        None => said,
    }
}

/// What is on the screen may be older than the cut: it was kept from an earlier time.
fn how_old(model: &Model, since_s: i64) -> String {
    match model.as_of_ms() {
        Some(at_ms) if model.now_ms.saturating_sub(at_ms) / 1000 > since_s + 5 => {
            let age_s = model.now_ms.saturating_sub(at_ms) / 1000;
            let age = if age_s < 60 { format!("{age_s} s") } else { since(model, at_ms) };
            format!("What you see is {age} old.")
        }
        _ => "What you see is that old.".into(),
    }
}

/// "3 h"
fn since(model: &Model, at_ms: i64) -> String {
    let now_ms = model.now_ms.max(at_ms.saturating_add(60_000));
    words::age(now_ms, at_ms)
}

/// One or two lines: a refusal with its hint, what was done, or what is still on its way.
fn news(model: &Model, theme: &Theme, columns: u16) -> Vec<Line<'static>> {
    let mut lines = told(model, theme, columns);
    lines.extend(found::line(model, theme, columns));
    lines
}

fn told(model: &Model, theme: &Theme, columns: u16) -> Vec<Line<'static>> {
    let room = usize::from(columns.saturating_sub(3));
    let (mark, style, text) = match &model.notice {
        Some(Notice::Refused { text, hint }) => {
            let close = if hint.is_empty() { " (Esc)".to_owned() } else { format!(" {hint} (Esc)") };
            ("×", theme.bad(), format!("{text}{close}"))
        }
        Some(Notice::Done(text)) => ("✓", theme.good(), text.clone()),
        Some(Notice::Tell(text)) => ("›", theme.head(), text.clone()),
        None => match model.pending.as_slice() {
            [] => return hints::line(model, theme, columns).into_iter().collect(),
            [one] if one.queued => ("…", theme.warn(), format!("Waits for the line: {}.", one.say)),
            [one] => ("…", theme.warn(), format!("Waiting for the studio: {}.", one.say)),
            more if more.iter().all(|it| it.queued) => {
                ("…", theme.warn(), format!("{} commands wait for the line; 9 lists them.", more.len()))
            }
            more => ("…", theme.warn(), format!("Waiting for the studio: {} commands.", more.len())),
        },
    };
    let mut lines = wrap(&text, room);
    if lines.len() > 3 {
        lines.truncate(3);
        let last = lines.pop().unwrap_or_default();
        lines.push(clip(&format!("{last} …"), room));
    }
    let indent = |at: usize| if at == 0 { format!(" {mark} ") } else { "   ".into() };
    lines
        .into_iter()
        .enumerate()
        .map(|(at, line)| Line::styled(format!("{}{line}", indent(at)), style))
        .collect()
}
