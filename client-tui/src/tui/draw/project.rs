//! The board of a project: songs by stage. Four columns where the screen is wide, one table where it is not. Below it the chosen song, whole. What is
//! drawn is what is on the screen, however many songs there are.

use deadwax_proto::v1::{ApprovalState, ProjectRow, SongRow, Stage, VersionRow};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    Hit, NOTHING_FOUND, awaited, empty, first_shown, heading, put, row_of, selected_song, sought,
    text::{clip, pad, width, wrap},
    theme::Theme,
    waits_for,
};
use crate::tui::{
    keys::Verb,
    lists,
    model::{Model, SongView},
    presence,
    rows::{self, May, Project},
    update, words,
};

/// From this width on the stages stand side by side.
pub(in crate::tui) fn has_columns(screen_columns: u16) -> bool {
    screen_columns >= 100
}

/// Lines of a song in a column, with the empty one below.
const CARD: usize = 6;
/// Lines of what is said of the chosen song, with the heading.
const FOOT: u16 = 5;

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
    let count = model.chosen.len();
    let chosen_line =
        format!(" {} chosen: f fetches, z follows, Esc lets go", words::count(count, "song", "songs"));
    let about = if count > 0 { chosen_line } else { format!(" {}", subtitle(rows, head, &model.zone)) };
    let style = if count > 0 { theme.accent() } else { theme.dim() };
    put(frame, area, 0, Line::styled(clip(&about, usize::from(area.width)), style));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let Some(chosen) = selected_song(rows, song) else {
        let next = "Press n to add the first; then u on it uploads its first take.";
        return empty(theme, frame, body, &["There are no songs yet.", next]);
    };
    let below = FOOT.min(body.height / 3).max(2);
    let [list, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(below)]).areas(body);
    if has_columns(area.width) {
        columns(model, theme, frame, list, rows, chosen);
    } else {
        table(model, theme, frame, list, rows, chosen);
    }
    whole_song(model, theme, frame, foot, rows, chosen);
}

/// What a line or a card has no room for.
fn whole_song(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    song: &SongRow,
) {
    let isrc = if song.isrc.is_empty() { String::new() } else { format!("ISRC {}", song.isrc) };
    put(frame, area, 0, heading(theme, &clip(&song.title, 40), &isrc, area.width, false));
    let room = usize::from(area.width.saturating_sub(2));
    let mut said: Vec<(String, bool)> =
        wrap(&waits_for(rows, song), room).into_iter().take(2).map(|line| (line, false)).collect();
    let (alternates, missing) = alternates_told(model, rows, song);
    said.push((clip(&alternates, room), missing));
    let facts = facts(model, rows, song);
    if !facts.is_empty() {
        said.insert(said.len() - 1, (clip(&facts, room), song.overdue));
    }
    for (at, (line, warns)) in said.into_iter().enumerate() {
        let style = if warns { theme.warn() } else { theme.plain() };
        put(frame, area, u16::try_from(at + 1).unwrap_or(u16::MAX), Line::styled(format!(" {line}"), style));
    }
}

/// What else is to be known of the song: its date, holds, mixes that compete, what was found in the candidate, how far the handoff is.
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
    let holders: Vec<&str> = holds(rows, song).map(|it| it.name.as_str()).collect();
    if !holders.is_empty() {
        said.push(format!("‖ on hold by {}", holders.join(", ")));
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
            if it.package.is_some() { "handoff ready (f fetches it)" } else { "handoff being made" }.into(),
        );
    }
    said.join(" · ")
}

fn holds<'a>(rows: &'a Project, song: &SongRow) -> impl Iterator<Item = &'a deadwax_proto::v1::ApprovalView> {
    let approvals = rows.gate(&song.song_id).map_or(&[][..], |it| it.approvals.as_slice());
    approvals.iter().filter(|it| it.state() == ApprovalState::Hold)
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

/// What a song of the stage has not got where it has no version.
pub(super) fn lacks(stage: Stage) -> &'static str {
    match stage {
        Stage::Recording => "no take yet",
        Stage::Mixing => "no mix yet",
        Stage::Mastering | Stage::Delivered => "no master yet",
        Stage::Unspecified => "no file yet",
    }
}

/// "Mix 2", or what the stage still lacks.
fn candidate(rows: &Project, song: &SongRow) -> String {
    if song.shootout.as_ref().is_some_and(|it| it.picked_version_id.is_empty()) {
        return "shootout".into();
    }
    rows.version(&song.candidate_version_id).map_or_else(|| lacks(song.stage()).into(), words::version)
}

/// A sign where something keeps the song: a hold before a date that went by.
fn sign(rows: &Project, song: &SongRow) -> &'static str {
    match (holds(rows, song).next().is_some(), song.overdue) {
        (true, true) => "‖!",
        (true, false) => "‖ ",
        (false, true) => "! ",
        (false, false) => "",
    }
}

fn rounds(rows: &Project, song: &SongRow) -> String {
    let included = rows.head().map_or(0, |it| it.rounds_included);
    format!("{}/{included}", song.rounds_used)
}

/// "2 d" and "!3 h"; empty where there is no date.
fn due(model: &Model, song: &SongRow) -> String {
    let left_ms = song.due_ms.saturating_sub(model.now_ms);
    match song.due_ms {
        0 => String::new(),
        _ if left_ms < 0 || song.overdue => format!("!{}", words::length(left_ms.saturating_neg())),
        _ => words::length(left_ms),
    }
}

fn is_fresh(rows: &Project, song: &SongRow) -> bool {
    rows.is_fresh(&format!("song/{}", song.song_id)) || rows.is_fresh(&format!("gate/{}", song.song_id))
}

/// Open ones, and "!" where the candidate leaves some of them untouched.
fn open_notes(rows: &Project, song: &SongRow) -> String {
    let untouched = rows.version(&song.candidate_version_id).map_or(0, |it| rows::untouched(rows, it));
    match (song.open_notes, untouched) {
        (0, _) => "–".into(),
        (open, 0) => format!("{open} ○"),
        (open, untouched) => format!("{open} ○ {untouched}!"),
    }
}

/// The letter of an alternate on the board.
fn letter(token: &str) -> &'static str {
    match token {
        "main" => "M",
        "instrumental" => "I",
        "tv" | "tv-lowered" => "T",
        "a-cappella" => "A",
        "clean" => "C",
        "radio-edit" => "R",
        "extended" => "E",
        "limited" | "unlimited" => "L",
        "lead-vocal-only" | "bgv-only" => "O",
        _ if token.starts_with("vocal-") => "V",
        _ if token.starts_with("stem-") => "S",
        _ if token.starts_with("cut-") => "K",
        _ => "+",
    }
}

/// What the letters stand for, in the order in which they stand.
const LETTERS: [(&str, &str); 13] = [
    ("M", "main"),
    ("I", "instrumental"),
    ("T", "tv"),
    ("A", "a cappella"),
    ("V", "vocal ±"),
    ("C", "clean"),
    ("R", "radio edit"),
    ("E", "extended"),
    ("L", "limited"),
    ("O", "vocals only"),
    ("S", "stems"),
    ("K", "cuts"),
    ("+", "others"),
];

fn newest<'a>(rows: &'a Project, song: &SongRow) -> Option<&'a VersionRow> {
    SongView::first(rows, &song.song_id)
}

/// Tokens that the gate of the song's stage asks for.
fn required<'a>(rows: &'a Project, song: &SongRow) -> &'a [String] {
    let gates = rows.head().map_or(&[][..], |it| it.gates.as_slice());
    gates.iter().find(|it| it.stage() == song.stage()).map_or(&[], |it| it.required_alternates.as_slice())
}

/// "MIV" and after a dash what the gate asks for and nobody sent: "MV -I".
fn letters(rows: &Project, song: &SongRow) -> String {
    let Some(version) = newest(rows, song) else { return String::new() };
    let mut said = String::new();
    for (letter_of, _) in LETTERS {
        if version.files.iter().any(|it| letter(&it.alternate) == letter_of) {
            said.push_str(letter_of);
        }
    }
    let mut missing: Vec<&str> = missing(rows, song, version).map(letter).collect();
    missing.dedup();
    if missing.is_empty() { said } else { format!("{said} -{}", missing.concat()) }
}

fn missing<'a>(rows: &'a Project, song: &SongRow, version: &'a VersionRow) -> impl Iterator<Item = &'a str> {
    let asked = required(rows, song).iter().map(String::as_str);
    asked.filter(|token| !version.files.iter().any(|it| it.alternate == *token))
}

/// "Mix 2 has main, instrumental; - asked for and missing: tv", and whether something is missing.
fn alternates_told(model: &Model, rows: &Project, song: &SongRow) -> (String, bool) {
    let Some(version) = newest(rows, song) else {
        let subject = update::subject(model);
        let text = match update::may(model, subject.as_ref(), Verb::Upload) {
            May::No(_) => "No version yet.".to_owned(),
            _ => format!("No version yet: {} uploads one.", model.key(Verb::Upload)),
        };
        return (text, false);
    };
    let mut tokens: Vec<&str> = version.files.iter().map(|it| it.alternate.as_str()).collect();
    tokens.dedup();
    let there: Vec<String> = tokens.iter().map(|it| format!("{} {it}", letter(it))).collect();
    let missing: Vec<&str> = missing(rows, song, version).collect();
    let has = format!("{}: {}", words::version(version), there.join(", "));
    if missing.is_empty() {
        return (has, false);
    }
    (format!("- asked for and missing: {}. {has}", missing.join(", ")), true)
}

struct Widths {
    title: usize,
    version: usize,
    files: usize,
    due: usize,
    rest: usize,
}

/// Files, rounds and notes of a line of the table.
const ROUND: usize = 6;
const NOTES: usize = 7;

/// A line of the table: a heading a stage, and its songs.
enum Shown<'a> {
    Stage(Stage, usize),
    Song(&'a SongRow),
}

/// What the line says already is left out: who is to sign is named, "Mix 2 waits for its notes." is "its notes."
fn waits_short(rows: &Project, song: &SongRow) -> String {
    if let Some(names) = awaited(rows, song) {
        return names;
    }
    let whole = waits_for(rows, song);
    let rest = whole.split_once(" waits for ").map_or(whole.as_str(), |(_, rest)| rest);
    rest.strip_prefix("the ").unwrap_or(rest).to_owned()
}

/// What of all lines stands in the window; nothing else is looked at. Answers it with the place of the chosen song in it.
fn window<'a>(rows: &'a Project, chosen: &SongRow, height: usize) -> (Vec<Shown<'a>>, usize) {
    let stages = words::STAGES.map(|stage| (stage, rows.songs_in(stage)));
    let filled = || stages.iter().filter(|(_, songs)| !songs.is_empty());
    let mut len = 0;
    let mut place = 1;
    for (stage, songs) in filled() {
        if *stage == chosen.stage() {
            place = len + 1 + songs.place_of(&chosen.song_id).unwrap_or(0);
        }
        len += songs.len() + 1;
    }
    // The first song keeps the heading above it.
    let first = if place < height { 0 } else { first_shown(place, len, height) };
    let mut shown = Vec::with_capacity(height);
    let mut passed = 0;
    for (stage, songs) in filled() {
        let begins = passed;
        passed += songs.len() + 1;
        if passed <= first || shown.len() >= height {
            continue;
        }
        if first <= begins {
            shown.push(Shown::Stage(*stage, songs.len()));
        }
        let from = first.saturating_sub(begins + 1);
        let room = height - shown.len();
        shown.extend(songs.iter().skip(from).take(room).map(Shown::Song));
    }
    (shown, place - first)
}

fn table(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project, chosen: &SongRow) {
    let height = usize::from(area.height.saturating_sub(1));
    let (shown, place) = match sought(model) {
        Some(filter) => {
            let kept: Vec<(Stage, usize)> = words::STAGES
                .into_iter()
                .flat_map(|stage| {
                    lists::kept_songs(filter, rows.songs_in(stage)).into_iter().map(move |at| (stage, at))
                })
                .collect();
            if kept.is_empty() {
                let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
                return empty(theme, frame, below, NOTHING_FOUND);
            }
            let here = rows.songs_in(chosen.stage()).place_of(&chosen.song_id).map(|at| (chosen.stage(), at));
            let at = here.and_then(|here| kept.iter().position(|it| *it == here)).unwrap_or(0);
            let first = first_shown(at, kept.len(), height);
            let shown = kept.into_iter().skip(first).take(height);
            let songs = shown.filter_map(|(stage, at)| rows.songs_in(stage).get(at));
            (songs.map(Shown::Song).collect(), at - first)
        }
        None => window(rows, chosen, height),
    };
    let columns = usize::from(area.width);
    let dated = shown.iter().any(|it| matches!(it, Shown::Song(song) if song.due_ms != 0));
    let longest = shown.iter().map(|it| match it {
        Shown::Song(song) => width(&candidate(rows, song)),
        Shown::Stage(..) => 0,
    });
    let version = longest.max().unwrap_or(0).clamp(9, 13) + 1;
    let (files, due) = (8, if dated { 7 } else { 0 });
    let title = (columns * 28 / 100).max(12);
    let rest = columns.saturating_sub(2 + title + 1 + 2 + version + files + ROUND + NOTES + due);
    let widths = Widths { title, version, files, due, rest };
    let head = format!(
        "  {}   {}{}{}{}{}{}",
        pad("Song", title),
        pad("Version", version),
        pad("Files", files),
        pad("Round", ROUND),
        pad("Notes", NOTES),
        pad("Due", due),
        pad("Waits for", rest)
    );
    put(frame, area, 0, Line::styled(head, theme.dim()));
    for (line, it) in shown.into_iter().enumerate() {
        let row = u16::try_from(line + 1).unwrap_or(u16::MAX);
        match it {
            Shown::Stage(stage, count) => {
                let text = format!(" {} {count}", words::stage(stage));
                put(frame, area, row, Line::styled(text, theme.head()));
            }
            Shown::Song(song) => {
                let style = theme.row(line == place, is_fresh(rows, song), model.online());
                theme.hit(row_of(area, row), || Hit::Id(song.song_id.clone()));
                let text = table_line(model, rows, song, line == place, &widths);
                put(frame, area, row, Line::styled(text, style));
            }
        }
    }
}

/// "▸" for where one is, "*" for what was chosen too.
fn marks(model: &Model, song: &SongRow, here: bool) -> String {
    let chosen = model.chosen.contains(&song.song_id);
    format!("{}{}", if here { "▸" } else { " " }, if chosen { "*" } else { " " })
}

fn table_line(model: &Model, rows: &Project, song: &SongRow, here: bool, widths: &Widths) -> String {
    format!(
        "{}{} {}{}{}{}{}{}{}",
        marks(model, song, here),
        titled(model, song, widths.title),
        pad(sign(rows, song), 2),
        pad(&candidate(rows, song), widths.version),
        pad(&letters(rows, song), widths.files),
        pad(&rounds(rows, song), ROUND),
        pad(&open_notes(rows, song), NOTES),
        pad(&due(model, song), widths.due),
        pad(&waits_short(rows, song), widths.rest)
    )
}

fn columns(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    chosen: &SongRow,
) {
    let [legend, area] = {
        let below = Rect { y: area.y + area.height.saturating_sub(1), height: 1.min(area.height), ..area };
        [below, Rect { height: area.height.saturating_sub(1), ..area }]
    };
    let areas: [Rect; 4] = Layout::horizontal([Constraint::Fill(1); 4]).spacing(1).areas(area);
    let mut seen = String::new();
    for (stage, area) in words::STAGES.into_iter().zip(areas) {
        column(model, theme, frame, area, rows, stage, chosen, &mut seen);
    }
    let told: Vec<String> = LETTERS
        .into_iter()
        .filter(|(letter, _)| seen.contains(letter))
        .map(|(letter, word)| format!("{letter} {word}"))
        .collect();
    let missing = if seen.contains('-') { "  - asked for and missing" } else { "" };
    let signs = "  ‖ on hold  ! late  ○ open notes";
    let text = format!(" {}{missing}{signs}", told.join("  "));
    put(frame, legend, 0, Line::styled(clip(&text, usize::from(legend.width)), theme.dim()));
}

#[expect(clippy::too_many_arguments, reason = "a column of one screen")]
fn column(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    stage: Stage,
    chosen: &SongRow,
    seen: &mut String,
) {
    let all = rows.songs_in(stage);
    let kept: Option<Vec<usize>> = sought(model).map(|filter| lists::kept_songs(filter, all));
    let len = kept.as_ref().map_or(all.len(), Vec::len);
    let count = len.to_string();
    put(frame, area, 0, heading(theme, words::stage(stage), &count, area.width, chosen.stage() == stage));
    let fit = (usize::from(area.height.saturating_sub(1)) / CARD).max(1);
    let place = all.place_of(&chosen.song_id);
    let at = match &kept {
        Some(kept) => place.and_then(|place| kept.iter().position(|it| *it == place)),
        None => place,
    };
    let first = first_shown(at.unwrap_or(0), len, fit);
    let shown: Vec<&SongRow> = match kept {
        Some(kept) => kept.into_iter().skip(first).take(fit).filter_map(|at| all.get(at)).collect(),
        None => all.iter().skip(first).take(fit).collect(),
    };
    let last = first + shown.len();
    for (line, song) in (first..).zip(shown) {
        let top = u16::try_from(1 + (line - first) * CARD).unwrap_or(u16::MAX);
        let left = area.height.saturating_sub(top);
        // The last one has the lines below it for itself.
        let lines = if line + 1 == last { left } else { left.min(u16::try_from(CARD - 1).unwrap_or(1)) };
        let card = Rect { y: area.y + top.min(area.height), height: lines, ..area };
        seen.push_str(&letters(rows, song));
        theme.hit(card, || Hit::Id(song.song_id.clone()));
        draw_card(model, theme, frame, card, rows, song, at == Some(line));
    }
}

/// As many lines as there is room for, the last with a sign where more is said.
fn first_lines(text: &str, room: usize, fit: usize) -> Vec<String> {
    let mut lines = wrap(text, room);
    if lines.len() > fit {
        lines.truncate(fit);
        if let Some(last) = lines.pop() {
            lines.push(format!("{}…", clip(&last, room.saturating_sub(1)).trim_end_matches('…')));
        }
    }
    lines
}

/// Title; version, rounds and notes; files and date; whom it waits for.
fn draw_card(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    song: &SongRow,
    here: bool,
) {
    let room = usize::from(area.width.saturating_sub(2));
    let style = theme.row(here, is_fresh(rows, song), model.online());
    put(
        frame,
        area,
        0,
        Line::styled(format!("{}{}", marks(model, song, here), titled(model, song, room)), style),
    );
    let notes = match song.open_notes {
        0 => "no notes".to_owned(),
        count => format!("{} {}", open_notes(rows, song), if count == 1 { "note" } else { "notes" }),
    };
    let facts =
        format!("  {}{} · round {} · {notes}", sign(rows, song), candidate(rows, song), rounds(rows, song));
    put(frame, area, 1, Line::styled(clip(&facts, room + 2), theme.dim()));
    let late = if song.overdue { theme.warn() } else { theme.dim() };
    let due = match due(model, song) {
        empty if empty.is_empty() => empty,
        left => match left.strip_prefix('!') {
            Some(late) => format!("! late {late}"),
            None => format!("due in {left}"),
        },
    };
    let files = letters(rows, song);
    let gap = if files.is_empty() || due.is_empty() { "" } else { " · " };
    let files = format!("  {files}{gap}");
    let due = clip(&due, (room + 2).saturating_sub(width(&files)));
    put(frame, area, 2, Line::from(vec![Span::styled(files, theme.dim()), Span::styled(due, late)]));
    let fit = usize::from(area.height.saturating_sub(3));
    let style = if model.online() { theme.plain() } else { theme.dim() };
    for (row, text) in (3..).zip(first_lines(&waits_for(rows, song), room, fit)) {
        put(frame, area, row, Line::styled(format!("  {text}"), style));
    }
}
