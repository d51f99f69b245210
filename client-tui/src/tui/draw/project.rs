//! One project: songs by stage. Four columns where the screen is wide, one list where it is not.

use deadwax_proto::v1::{ProjectRow, SongRow, Stage};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    Hit, NOTHING_FOUND, empty, first_shown, heading, put, row_of, selected_song, sought,
    text::{clip, pad, wrap},
    theme::Theme,
    waits_for,
};
use crate::tui::{lists, model::Model, presence, rows::Project, update, words};

/// From this width on the stages stand side by side.
pub(in crate::tui) fn has_columns(screen_columns: u16) -> bool {
    screen_columns >= 100
}

/// Lines of a song in a column, with the empty one below.
const CARD: usize = 5;

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    id: &str,
    song: Option<&str>,
) {
    let Some(rows) = model.projects.get(id).filter(|it| it.loaded) else {
        let later = "It was not opened on this machine before: it comes with the line.";
        let lines = ["The project has not arrived yet.", if model.online() { "" } else { later }];
        return empty(theme, frame, area, &lines);
    };
    let head = rows.head();
    let about = clip(&subtitle(rows, head, &model.zone), usize::from(area.width.saturating_sub(2)));
    put(frame, area, 0, Line::styled(format!(" {about}"), theme.dim()));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let Some(chosen) = selected_song(rows, song) else {
        let title = head.map_or("", |it| it.title.as_str());
        let add = format!("In a shell: {}", update::song_command(title));
        let push = format!("Then its first take: {}", update::push_command(title, "TITLE"));
        return empty(theme, frame, body, &["There are no songs yet.", &add, &push]);
    };
    let facts = facts(model, rows, chosen);
    let below = if facts.is_empty() { 3 } else { 4 };
    let [list, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(below)]).areas(body);
    if has_columns(area.width) {
        columns(model, theme, frame, list, rows, chosen);
    } else {
        lines(model, theme, frame, list, rows, chosen);
    }
    put(frame, foot, 0, heading(theme, &clip(&chosen.title, 40), "", area.width, false));
    let room = usize::from(area.width.saturating_sub(2));
    for (at, line) in wrap(&waits_for(rows, chosen), room).into_iter().take(2).enumerate() {
        put(frame, foot, u16::try_from(at + 1).unwrap_or(u16::MAX), Line::raw(format!(" {line}")));
    }
    put(frame, foot, 3, Line::styled(format!(" {}", clip(&facts, room)), theme.plain()));
}

/// What else is to be known of the song: its date, mixes that compete, what was found in the candidate, how far the handoff is.
fn facts(model: &Model, rows: &Project, song: &SongRow) -> String {
    let mut said = Vec::new();
    let here = presence::here(model, &song.song_id);
    if !here.is_empty() {
        said.push(format!("Here: {}", here.iter().map(presence::Here::words).collect::<Vec<_>>().join(", ")));
    }
    if song.due_ms != 0 {
        let sign = if song.overdue { "! " } else { "" };
        said.push(format!("{sign}{}", words::due(model.now_ms, song.due_ms, song.overdue)));
    }
    if let Some(it) = song.shootout.as_ref().filter(|it| it.picked_version_id.is_empty()) {
        let (lines, votes) = (it.lines.len(), it.votes_cast as usize);
        said.push(format!("{lines} mixes compete, {}", words::count(votes, "vote", "votes")));
    }
    if let Some(version) = rows.version(&song.candidate_version_id) {
        let told: Vec<String> = update::examined(rows, version).into_iter().map(|(text, _)| text).collect();
        if !told.is_empty() {
            said.push(format!("{}: {}", words::version(version), told.join(", ")));
        }
    }
    if let Some(it) = song.handoff.as_ref().filter(|_| song.stage() == Stage::Mastering) {
        said.push(
            if it.package.is_some() { "handoff ready (Z on the song)" } else { "handoff being made" }.into(),
        );
    }
    said.join(" · ")
}

fn subtitle(rows: &Project, head: Option<&ProjectRow>, zone: &jiff::tz::TimeZone) -> String {
    let Some(head) = head else { return String::new() };
    let rounds = format!("{} included", words::count(head.rounds_included as usize, "round", "rounds"));
    let own = if head.self_approval { "self-approval allowed" } else { "" };
    let corrections = match head.corrections_free {
        0 => String::new(),
        count => format!("{} free", words::count(count as usize, "correction", "corrections")),
    };
    let cut_off = match head.cut_off_ms {
        0 => String::new(),
        at_ms => format!("cut-off {}", words::date(zone, at_ms).split(' ').next().unwrap_or_default()),
    };
    let who: Vec<String> =
        rows.members().iter().map(|it| format!("{} ({})", it.name, words::roles(it.roles()))).collect();
    let parts = [head.artist.as_str(), &rounds, &corrections, &cut_off, own, &who.join(", ")];
    parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The title, and how many others are on the song: "Glass Hour ◉2".
fn titled(model: &Model, song: &SongRow, room: usize) -> String {
    let here = presence::here(model, &song.song_id).len();
    if here == 0 {
        return pad(&song.title, room);
    }
    let sign = format!(" ◉{here}");
    format!("{}{sign}", pad(&song.title, room.saturating_sub(sign.chars().count())))
}

/// "Mix 2", or what the stage still lacks.
fn candidate(rows: &Project, song: &SongRow) -> String {
    if song.shootout.as_ref().is_some_and(|it| it.picked_version_id.is_empty()) {
        return "shootout".into();
    }
    rows.version(&song.candidate_version_id).map_or_else(|| "no file".into(), words::version)
}

fn rounds(rows: &Project, song: &SongRow) -> String {
    let included = rows.head().map_or(0, |it| it.rounds_included);
    format!("{}/{included}", song.rounds_used)
}

fn is_fresh(rows: &Project, song: &SongRow) -> bool {
    rows.is_fresh(&format!("song/{}", song.song_id)) || rows.is_fresh(&format!("gate/{}", song.song_id))
}

fn lines(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project, chosen: &SongRow) {
    let columns = usize::from(area.width);
    let title = (columns * 3 / 10).max(12);
    let rest = columns.saturating_sub(2 + title + 1 + 10 + 11 + 6 + 8);
    let header = format!(
        "  {} {}{}{}{}{}",
        pad("Song", title),
        pad("Stage", 10),
        pad("Version", 11),
        pad("Round", 6),
        pad("Notes", 8),
        pad("Waits for", rest)
    );
    put(frame, area, 0, Line::styled(header, theme.dim()));
    let chosen_song = |song: &&SongRow| song.song_id == chosen.song_id;
    let height = usize::from(area.height.saturating_sub(1));
    let (shown, first, at) = match sought(model) {
        Some(filter) => {
            let kept: Vec<&SongRow> =
                lists::songs(rows).filter(|it| filter.keeps(&lists::song(it))).collect();
            if kept.is_empty() {
                let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
                return empty(theme, frame, below, NOTHING_FOUND);
            }
            let at = kept.iter().position(|it| chosen_song(it)).unwrap_or(0);
            let first = first_shown(at, kept.len(), height);
            (kept.into_iter().skip(first).take(height).collect(), first, at)
        }
        None => in_sight(rows, chosen, height),
    };
    for (line, song) in (first..).zip(shown) {
        let mark = if line == at { "▸ " } else { "  " };
        let text = format!(
            "{mark}{} {}{}{}{}{}",
            titled(model, song, title),
            pad(words::stage(song.stage()), 10),
            pad(&format!("{}{}", if song.overdue { "! " } else { "" }, candidate(rows, song)), 11),
            pad(&rounds(rows, song), 6),
            pad(&open_notes(rows, song), 8),
            pad(&waits_for(rows, song), rest)
        );
        let style = theme.row(line == at, is_fresh(rows, song), model.online());
        let row = u16::try_from(line - first + 1).unwrap_or(u16::MAX);
        theme.hit(row_of(area, row), || Hit::Id(song.song_id.clone()));
        put(frame, area, row, Line::styled(text, style));
    }
}

/// The songs that the height shows around the chosen one, the place of the first of them and that of the chosen one.
fn in_sight<'a>(rows: &'a Project, chosen: &SongRow, height: usize) -> (Vec<&'a SongRow>, usize, usize) {
    let stages = words::STAGES.map(|stage| rows.songs_in(stage));
    let (before, len) = (stages_before(rows, chosen), stages.iter().map(|it| it.len()).sum());
    let at = before + rows.songs_in(chosen.stage()).place_of(&chosen.song_id).unwrap_or(0);
    let first = first_shown(at, len, height);
    let mut passed = 0;
    let mut shown = Vec::with_capacity(height);
    for songs in &stages {
        let (from, room) = (first.saturating_sub(passed), height - shown.len());
        shown.extend(songs.iter().skip(from).take(room));
        passed += songs.len();
    }
    (shown, first, at)
}

/// How many songs stand in the stages before that of this song.
fn stages_before(rows: &Project, song: &SongRow) -> usize {
    words::STAGES.into_iter().take_while(|it| *it != song.stage()).map(|it| rows.songs_in(it).len()).sum()
}

/// Open ones, and "!" where the candidate leaves some of them untouched.
fn open_notes(rows: &Project, song: &SongRow) -> String {
    let untouched = rows.version(&song.candidate_version_id).and_then(|it| it.examination.as_ref());
    let untouched = untouched.map_or(0, |it| it.notes_untouched);
    match (song.open_notes, untouched) {
        (0, _) => "–".into(),
        (open, 0) => format!("{open} ○"),
        (open, untouched) => format!("{open} ○ {untouched}!"),
    }
}

fn columns(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    chosen: &SongRow,
) {
    let areas: [Rect; 4] = Layout::horizontal([Constraint::Fill(1); 4]).spacing(1).areas(area);
    for (stage, area) in words::STAGES.into_iter().zip(areas) {
        column(model, theme, frame, area, rows, stage, chosen);
    }
}

fn column(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    stage: Stage,
    chosen: &SongRow,
) {
    let all = rows.songs_in(stage);
    let kept: Option<Vec<&SongRow>> =
        sought(model).map(|filter| all.iter().filter(|it| filter.keeps(&lists::song(it))).collect());
    let len = kept.as_ref().map_or(all.len(), Vec::len);
    let count = len.to_string();
    put(frame, area, 0, heading(theme, words::stage(stage), &count, area.width, chosen.stage() == stage));
    let fit = (usize::from(area.height.saturating_sub(1)) / CARD).max(1);
    let at = match &kept {
        Some(kept) => kept.iter().position(|it| it.song_id == chosen.song_id),
        None => all.place_of(&chosen.song_id),
    };
    let first = first_shown(at.unwrap_or(0), len, fit);
    let room = usize::from(area.width.saturating_sub(2));
    let shown: Vec<&SongRow> = match kept {
        Some(kept) => kept.into_iter().skip(first).take(fit).collect(),
        None => all.iter().skip(first).take(fit).collect(),
    };
    for (line, song) in (first..).zip(shown) {
        let top = u16::try_from(1 + (line - first) * CARD).unwrap_or(u16::MAX);
        let is_chosen = at == Some(line);
        let style = theme.row(is_chosen, is_fresh(rows, song), model.online());
        let mark = if is_chosen { "▸ " } else { "  " };
        let card = u16::try_from(CARD - 1).unwrap_or(1);
        theme.hit(Rect { y: area.y + top, height: card, ..area }.intersection(area), || {
            Hit::Id(song.song_id.clone())
        });
        put(frame, area, top, Line::styled(format!("{mark}{}", titled(model, song, room)), style));
        let late = if song.overdue { "! " } else { "" };
        let facts = format!(
            "  {late}{} · round {} · {} notes",
            candidate(rows, song),
            rounds(rows, song),
            if song.open_notes == 0 { "no".into() } else { song.open_notes.to_string() }
        );
        put(frame, area, top + 1, Line::from(vec![Span::styled(clip(&facts, room + 2), theme.dim())]));
        for (at, text) in wrap(&waits_for(rows, song), room).into_iter().take(2).enumerate() {
            let row = top + 2 + u16::try_from(at).unwrap_or(0);
            let style = if model.online() { theme.plain() } else { theme.dim() };
            put(frame, area, row, Line::styled(format!("  {text}"), style));
        }
    }
}
