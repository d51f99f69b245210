//! The list on top of every screen as its words: what a filter looks in, what the mark stands on, how many lines there are. The screens draw from the same
//! rows; whoever adds a list adds it here. Never here: drawing, what a key does.

use std::collections::BTreeSet;

use deadwax_proto::v1::{
    DeskRow, HistoryEntry, NoteRow, ProjectSummary, RecordRow, RenderRow, SongRow, SongTurnaround, Stage,
    VersionRow,
};

use super::{
    album::Piece,
    draw,
    filter::{self, Filter},
    keys::{Bound, Kind},
    model::{Focus, Model, Screen, SongView},
    record,
    rows::{Brief, List, Project},
    words,
};

/// A line: what it is held by, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: String,
    pub text: String,
}

pub fn desk(row: &DeskRow) -> String {
    let kind = draw::desk_word(row);
    format!("{kind} {} {} {}", row.song_title, row.project_title, row.text)
}

pub fn project(row: &ProjectSummary) -> String {
    format!("{} {} {}", row.title, row.artist, words::roles(row.your_roles()))
}

pub fn song(row: &SongRow) -> String {
    song_words(&row.title, row.stage(), &row.waits_for)
}

fn song_words(title: &str, stage: Stage, waits_for: &str) -> String {
    format!("{title} {} {waits_for}", words::stage(stage))
}

/// The places of the songs that a filter shows, where there are many.
pub fn kept_songs(filter: &Filter, songs: List<'_, SongRow>) -> Vec<usize> {
    let words = |it: &Brief<'_>| song_words(&it.title, it.stage, &it.waits_for);
    songs.sift(&filter.typed, |it| filter.keeps(&words(it)))
}

/// The same of songs in an order of their own.
pub fn kept_of(filter: &Filter, rows: &Project, order: &[Piece]) -> Vec<usize> {
    let numbers = rows.song_numbers();
    let kept = kept_songs(filter, rows.songs()).into_iter();
    let held: BTreeSet<u32> = kept.filter_map(|at| numbers.get(at).copied()).collect();
    order.iter().enumerate().filter(|(_, it)| held.contains(&it.song)).map(|(at, _)| at).collect()
}

/// A list as the mark and a filter see it: how many lines there are, the places of those that are shown, where the mark stands.
pub struct Sight {
    pub len: usize,
    pub kept: Vec<usize>,
    pub at: usize,
}

/// Of the list on top. Where there can be thousands of lines none of them is made.
pub fn sight(model: &Model) -> Sight {
    let filter = model.hands.filter(model).filter(|it| !it.is_empty());
    let kept = |songs: List<'_, SongRow>| match filter {
        Some(filter) => kept_songs(filter, songs),
        None => (0..songs.len()).collect(),
    };
    match model.top() {
        Screen::Project { project, song } => {
            let mut sight = Sight { len: 0, kept: Vec::new(), at: 0 };
            let Some(rows) = model.projects.get(project) else { return sight };
            let chosen = draw::selected_song(rows, song.as_deref());
            for songs in words::STAGES.map(|stage| rows.songs_in(stage)) {
                let before = sight.len;
                sight.kept.extend(kept(songs).into_iter().map(|at| before + at));
                if let Some(at) = chosen.and_then(|it| songs.place_of(&it.song_id)) {
                    sight.at = before + at;
                }
                sight.len += songs.len();
            }
            sight
        }
        Screen::Album { project, at } => match model.projects.get(project) {
            Some(rows) => {
                let order = model.album.order(project, rows);
                let kept = match filter {
                    Some(filter) => kept_of(filter, rows, order.pieces()),
                    None => (0..order.len()).collect(),
                };
                Sight { len: order.len(), kept, at: *at }
            }
            None => Sight { len: 0, kept: Vec::new(), at: 0 },
        },
        Screen::Delivery { project, at } => match model.projects.get(project).map(Project::songs) {
            Some(songs) => Sight { len: songs.len(), kept: kept(songs), at: *at },
            None => Sight { len: 0, kept: Vec::new(), at: 0 },
        },
        _ => {
            let lines = lines(model);
            Sight { len: lines.len(), kept: shown(model, &lines), at: place(model, &lines) }
        }
    }
}

/// Puts the mark on the line at this place of the list on top.
pub fn choose_at(model: &mut Model, place: usize) {
    let Model { stack, projects, .. } = model;
    match stack.last_mut() {
        Some(Screen::Project { project, song }) => {
            let Some(rows) = projects.get(project) else { return };
            let mut left = place;
            for songs in words::STAGES.map(|stage| rows.songs_in(stage)) {
                if let Some(it) = songs.get(left) {
                    *song = Some(it.song_id.clone());
                    return;
                }
                left -= songs.len();
            }
        }
        Some(Screen::Album { at, .. } | Screen::Delivery { at, .. }) => *at = place,
        _ => {
            let lines = lines(model);
            choose(model, place, &lines);
        }
    }
}

pub fn version(row: &VersionRow) -> String {
    format!("{} {} {}", words::version(row), row.title, row.uploaded_by)
}

pub fn note(row: &NoteRow) -> String {
    format!("{} {} {}", row.author, words::note_state(row.state()).1, row.text)
}

pub fn render(row: &RenderRow) -> String {
    format!("{} {}", words::render_state(row.state()).1, row.requested_by)
}

pub fn entry(row: &HistoryEntry) -> String {
    format!("{} {}", row.who, row.text)
}

pub fn turnaround(row: &SongTurnaround) -> String {
    row.title.clone()
}

pub fn record(row: &RecordRow) -> String {
    let state = record::state(row).1;
    format!("Record {} {state} {} {}", row.number, row.profiles.join(" "), row.by)
}

pub fn binding(row: &Bound<'_>) -> String {
    format!("{} {} {}", row.names(), row.short, row.does)
}

/// Songs in the order of the board.
pub fn songs(rows: &Project) -> impl Iterator<Item = &SongRow> {
    words::STAGES.into_iter().flat_map(|stage| rows.songs_in(stage).iter())
}

/// Every line of the list that has the keys, whether a filter shows it or not.
pub fn lines(model: &Model) -> Vec<Line> {
    let at = |(at, text): (usize, String)| Line { id: at.to_string(), text };
    match model.top() {
        Screen::Desk { .. } => model.desk.iter().flatten().map(desk).enumerate().map(at).collect(),
        Screen::Projects { .. } => model
            .list
            .iter()
            .flatten()
            .map(|it| Line { id: it.project_id.clone(), text: project(it) })
            .collect(),
        Screen::Project { project, .. } => {
            let rows = model.projects.get(project).into_iter();
            rows.flat_map(songs).map(|it| Line { id: it.song_id.clone(), text: song(it) }).collect()
        }
        Screen::Song(view) => {
            model.projects.get(&view.project).map_or_else(Vec::new, |rows| of_song(rows, view))
        }
        Screen::Master { project, song, .. } => {
            let renders = model.projects.get(project).map_or_else(Vec::new, |rows| rows.renders(song));
            renders.into_iter().map(|it| Line { id: it.render_id.clone(), text: render(it) }).collect()
        }
        Screen::History { .. } => {
            let entries = model.history.iter().flat_map(|page| &page.entries);
            entries.map(entry).enumerate().map(at).collect()
        }
        Screen::Turnaround { .. } => {
            let songs = model.turnaround.iter().filter_map(|page| page.songs.as_ref()).flatten();
            songs.map(turnaround).enumerate().map(at).collect()
        }
        Screen::Help { of, .. } => {
            draw::help_lines(model, *of).iter().map(binding).enumerate().map(at).collect()
        }
        Screen::Album { project, .. } => {
            let Some(rows) = model.projects.get(project) else { return Vec::new() };
            let order = model.album.order(project, rows);
            let songs = order.pieces().iter().filter_map(|it| rows.song_numbered(it.song));
            songs.map(|it| Line { id: it.song_id.clone(), text: song(it) }).collect()
        }
        Screen::Delivery { project, .. } => {
            let songs = model.projects.get(project).map(Project::songs);
            let songs = songs.iter().flat_map(|all| all.iter());
            songs.map(|it| Line { id: it.song_id.clone(), text: song(it) }).collect()
        }
        Screen::Record { project, .. } => {
            let records = model.projects.get(project).map(Project::records);
            let records = records.iter().flat_map(|all| all.iter());
            records.map(|it| Line { id: it.number.to_string(), text: record(it) }).collect()
        }
        Screen::Compare(_) | Screen::People { .. } | Screen::LabelCopy { .. } | Screen::Transfers { .. } => {
            Vec::new()
        }
    }
}

fn of_song(rows: &Project, view: &SongView) -> Vec<Line> {
    match view.focus {
        Focus::Versions => {
            let versions = rows.versions(&view.song).into_iter();
            versions.map(|it| Line { id: it.version_id.clone(), text: version(it) }).collect()
        }
        Focus::Notes => {
            let notes = rows.notes(&view.song, view.settled);
            notes.iter().map(|it| Line { id: it.note_id.clone(), text: note(it) }).collect()
        }
    }
}

/// Which line the mark stands on.
pub fn place(model: &Model, lines: &[Line]) -> usize {
    let of = |id: &str| lines.iter().position(|it| it.id == id).unwrap_or(0);
    match model.top() {
        Screen::Desk { at }
        | Screen::Projects { at }
        | Screen::History { at, .. }
        | Screen::Turnaround { at, .. }
        | Screen::Help { at, .. }
        | Screen::Album { at, .. }
        | Screen::Delivery { at, .. }
        | Screen::People { at, .. }
        | Screen::LabelCopy { at, .. }
        | Screen::Transfers { at } => *at,
        Screen::Record { number, .. } => number.map_or(0, |it| of(&it.to_string())),
        Screen::Compare(view) => view.at,
        Screen::Project { project, song } => {
            let rows = model.projects.get(project);
            rows.and_then(|rows| draw::selected_song(rows, song.as_deref())).map_or(0, |it| of(&it.song_id))
        }
        Screen::Song(view) => {
            let Some(rows) = model.projects.get(&view.project) else { return 0 };
            match view.focus {
                Focus::Versions => view.version(rows).map_or(0, |it| of(&it.version_id)),
                Focus::Notes => draw::selected_note(rows, view).map_or(0, |it| of(&it.note_id)),
            }
        }
        Screen::Master { project, song, render } => {
            let rows = model.projects.get(project);
            let chosen = rows.and_then(|rows| draw::selected_render(rows, song, render.as_deref()));
            chosen.map_or(0, |it| of(&it.render_id))
        }
    }
}

/// Puts the mark on a line.
pub fn choose(model: &mut Model, place: usize, lines: &[Line]) {
    let Some(id) = lines.get(place).map(|it| it.id.clone()) else { return };
    let Model { stack, projects, .. } = model;
    let Some(top) = stack.last_mut() else { return };
    match top {
        Screen::Desk { at }
        | Screen::Projects { at }
        | Screen::History { at, .. }
        | Screen::Turnaround { at, .. }
        | Screen::Help { at, .. }
        | Screen::Album { at, .. }
        | Screen::Delivery { at, .. }
        | Screen::People { at, .. }
        | Screen::LabelCopy { at, .. }
        | Screen::Transfers { at } => *at = place,
        Screen::Record { number, .. } => *number = id.parse().ok().filter(|_| place > 0),
        Screen::Compare(view) => view.at = place,
        Screen::Project { song, .. } => *song = Some(id),
        Screen::Master { render, .. } => *render = Some(id),
        Screen::Song(view) if view.focus == Focus::Notes => view.note = Some(id),
        Screen::Song(view) => {
            let versions =
                projects.get(&view.project).map_or_else(Vec::new, |rows| rows.versions(&view.song));
            let newest = versions.first().is_some_and(|it| it.version_id == id);
            view.version = Some(id).filter(|_| !newest);
            view.file = 0;
        }
    }
}

/// The places of the lines that the filter shows.
pub fn shown(model: &Model, lines: &[Line]) -> Vec<usize> {
    filter::kept(model, lines, |line| line.text.clone())
}

/// Whether the mark of this kind of screen is moved here while a filter stands.
pub fn knows(kind: Kind) -> bool {
    !matches!(kind, Kind::Compare | Kind::People | Kind::LabelCopy | Kind::Transfers)
}
