//! The desk (what waits on me, across projects) and the list of projects.

use deadwax_proto::v1::{DeskKind, DeskRow, ProjectSummary};
use ratatui::{Frame, layout::Rect, text::Line};

use super::{
    Hit, NOTHING_FOUND, empty, first_shown, heading, put, row_of,
    text::{clip, pad, pad_left, width, wrap},
    theme::Theme,
};
use crate::tui::{filter, keys::Verb, lists, model::Model, words};

/// In a word.
pub(in crate::tui) fn word(row: &DeskRow) -> &'static str {
    kind(row).1
}

fn kind(row: &DeskRow) -> (&'static str, &'static str) {
    match row.kind() {
        DeskKind::Unspecified => ("·", ""),
        DeskKind::Approve => ("✓", "approve"),
        DeskKind::Upload => ("↑", "upload"),
        DeskKind::Note => ("○", "note"),
        DeskKind::Handoff => ("→", "handoff"),
        DeskKind::RenderFailed => ("×", "render"),
        DeskKind::Deliver => ("■", "deliver"),
        DeskKind::Pick => ("?", "pick"),
        DeskKind::Listen => ("♪", "listen"),
        DeskKind::Spacing => ("≡", "spacing"),
    }
}

pub(super) fn desk(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let Some(rows) = model.desk.as_deref() else {
        return empty(theme, frame, area, &["The desk has not arrived yet."]);
    };
    put(frame, area, 0, heading(theme, "Desk", &counts(model, rows), area.width, false));
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(5), ..area };
    if rows.is_empty() {
        let next = "Press 2 to look at your projects; what needs you will appear here by itself.";
        return empty(theme, frame, list, &["Nothing waits on you.", next, &first_steps(model)]);
    }
    let kept = filter::kept(model, rows, lists::desk);
    if kept.is_empty() {
        return empty(theme, frame, list, NOTHING_FOUND);
    }
    let at = at.min(rows.len() - 1);
    let shown = with_sections(rows, &kept);
    let marked = shown.iter().position(|it| *it == Shown::Row(at)).unwrap_or(0);
    let height = usize::from(list.height);
    let first = first_shown(marked, shown.len(), height);
    let columns = Columns::of(model, area.width, rows);
    for (place, it) in shown.iter().enumerate().skip(first).take(height) {
        let line = match it {
            Shown::Section(name) => Line::styled(format!(" {name}"), theme.dim()),
            Shown::Row(index) => {
                theme
                    .hit(row_of(list, u16::try_from(place - first).unwrap_or(u16::MAX)), || Hit::Row(*index));
                let text = columns.line(model, &rows[*index], *index == at);
                Line::styled(text, theme.row(*index == at, false, model.online()))
            }
        };
        put(frame, list, u16::try_from(place - first).unwrap_or(u16::MAX), line);
    }
    // What a narrow line cuts off stands whole below the list.
    let row = &rows[at];
    let foot = Rect { y: list.y + list.height, height: area.height.saturating_sub(list.height + 1), ..area };
    let room = usize::from(area.width.saturating_sub(4));
    let mut said: Vec<String> = Vec::new();
    if width(&row.text) > columns.text {
        said.extend(wrap(&row.text, room));
    }
    said.truncate(2);
    said.extend(facts(model, row));
    said.push(format!("Enter {}.", opens(row)));
    for (line, said) in said.into_iter().enumerate() {
        let said = clip(&format!("  {said}"), usize::from(area.width));
        put(frame, foot, u16::try_from(line).unwrap_or(u16::MAX), Line::styled(said, theme.plain()));
    }
}

/// "3 things wait on you, 1 blocks others, 1 late"
fn counts(model: &Model, rows: &[DeskRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let blocks = rows.iter().filter(|it| it.blocks > 0).count();
    let late = rows.iter().filter(|it| it.due_ms != 0 && it.due_ms < model.now_ms).count();
    let mut said = vec![words::count(rows.len(), "thing waits on you", "things wait on you")];
    if blocks > 0 {
        said.push(words::count(blocks, "blocks others", "block others"));
    }
    if late > 0 {
        said.push(format!("{late} late"));
    }
    said.join(", ")
}

/// What Enter does with the line, and the key that follows there.
fn opens(row: &DeskRow) -> &'static str {
    match row.kind() {
        DeskKind::Approve => "opens the version; a there approves it",
        DeskKind::Upload => "opens the song; u there uploads",
        DeskKind::Note => "opens the song at the note",
        DeskKind::Handoff => "opens the song; g there accepts the handoff",
        DeskKind::RenderFailed => "opens the render with the reason",
        DeskKind::Deliver => "opens the song; D there delivers",
        DeskKind::Pick => "opens the song; s there shows the mixes, V votes, P picks",
        DeskKind::Listen => "opens the version to hear it; Space there plays",
        DeskKind::Spacing => "opens the running order; A there approves it",
        DeskKind::Unspecified => "opens the project",
    }
}

/// A line of the desk: rows stand in the order in which they were sent, headed by what they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Section(&'static str),
    Row(usize),
}

fn section(row: &DeskRow) -> &'static str {
    match (row.blocks, row.due_ms) {
        (0, 0) => "No date, nobody waits",
        (0, _) => "With a date",
        _ => "Others wait for these",
    }
}

/// Headings only where there is something to tell apart.
fn with_sections(rows: &[DeskRow], kept: &[usize]) -> Vec<Shown> {
    let many = rows.iter().any(|row| section(row) != section(&rows[0]));
    let mut shown = Vec::new();
    let mut now = "";
    for (at, row) in kept.iter().map(|at| (*at, &rows[*at])) {
        if many && section(row) != now {
            now = section(row);
            shown.push(Shown::Section(now));
        }
        shown.push(Shown::Row(at));
    }
    shown
}

fn title(row: &DeskRow) -> &str {
    if row.song_title.is_empty() { &row.project_title } else { &row.song_title }
}

struct Columns {
    song: usize,
    project: usize,
    text: usize,
    due: usize,
    blocks: usize,
}

impl Columns {
    /// No column is wider than what stands in it: the task gets the rest.
    fn of(model: &Model, area: u16, rows: &[DeskRow]) -> Columns {
        let columns = usize::from(area);
        let widest = |text: &dyn Fn(&DeskRow) -> usize| rows.iter().map(text).max().unwrap_or(0);
        let song = widest(&|row| width(title(row))).clamp(8, (columns / 4).clamp(14, 30));
        let project = widest(&|row| width(&row.project_title)) + 1;
        let project = if columns >= 100 { project.min((columns / 5).min(24)) } else { 0 };
        let (due, blocks) = if columns >= 100 {
            let due = widest(&|row| width(&due(model, row, true)));
            (due + usize::from(due > 0), if rows.iter().any(|row| row.blocks > 0) { 10 } else { 0 })
        } else if columns >= 72 {
            (9, 0)
        } else {
            (0, 0)
        };
        let text = columns.saturating_sub(3 + 9 + song + project + due + blocks + 9 + 2);
        Columns { song, project, text, due, blocks }
    }

    fn line(&self, model: &Model, row: &DeskRow, chosen: bool) -> String {
        let (sign, word) = kind(row);
        let mark = if chosen { "▸" } else { " " };
        let mut parts = format!("{mark}{sign} {} ", pad(word, 8));
        parts.push_str(&pad(title(row), self.song));
        if self.project > 0 {
            parts.push(' ');
            parts.push_str(&pad(&row.project_title, self.project - 1));
        }
        parts.push_str(&format!("  {}", pad(&row.text, self.text)));
        if self.due > 0 {
            parts.push_str(&pad_left(&due(model, row, self.project > 0), self.due));
        }
        if self.blocks > 0 {
            let blocks = if row.blocks > 0 { format!("blocks {}", row.blocks) } else { String::new() };
            parts.push_str(&pad_left(&blocks, self.blocks));
        }
        parts.push_str(&pad_left(&words::age(model.now_ms, row.since_ms), 7));
        parts
    }
}

/// "due in 2 d" and "! late 3 h"; in a narrow column "in 2 d", and where there is no date how many wait.
fn due(model: &Model, row: &DeskRow, wide: bool) -> String {
    let left_ms = row.due_ms.saturating_sub(model.now_ms);
    match row.due_ms {
        0 if row.blocks > 0 && !wide => format!("blocks {}", row.blocks),
        0 => String::new(),
        _ if left_ms < 0 && wide => format!("! late {}", words::length(left_ms.saturating_neg())),
        _ if left_ms < 0 => format!("! {}", words::length(left_ms.saturating_neg())),
        _ if wide => format!("due in {}", words::length(left_ms)),
        _ => format!("in {}", words::length(left_ms)),
    }
}

/// "Blocks 3 others. Due 2026-11-24 18:00, in 2 d. Waits since 2026-11-21 04:20."
fn facts(model: &Model, row: &DeskRow) -> Option<String> {
    let mut said = Vec::new();
    if row.blocks > 0 {
        said.push(format!("Blocks {}.", words::count(row.blocks as usize, "other", "others")));
    }
    if row.due_ms != 0 {
        let due = words::due(model.now_ms, row.due_ms, false);
        said.push(format!("Until {}, {due}.", words::date(&model.zone, row.due_ms)));
    }
    if said.is_empty() {
        return None;
    }
    said.push(format!("Waits since {}.", words::date(&model.zone, row.since_ms)));
    Some(said.join(" "))
}

/// For whoever is here for the first time.
fn first_steps(model: &Model) -> String {
    format!(
        "{} finds any action by its words, {} shows every key of the screen, the mouse works too.",
        model.key(Verb::Palette),
        model.key(Verb::Help)
    )
}

/// Columns for "59 min", with a gap to the figure before it.
const CHANGED: usize = 8;
/// Columns for what one is in a project, on a wide screen.
const STANDING: usize = 20;

pub(super) fn projects(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    let Some(list) = model.list.as_deref() else {
        return empty(theme, frame, area, &["The projects have not arrived yet."]);
    };
    put(frame, area, 0, heading(theme, "Projects", "", area.width, false));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if list.is_empty() {
        let owner = model.me.as_ref().is_some_and(|it| it.studio_owner);
        let next = if owner {
            "n makes one; you become its manager and invite the others."
        } else {
            "A manager adds you with an invite. An owner of the studio makes projects."
        };
        return empty(theme, frame, body, &["You are in no project yet.", next, &first_steps(model)]);
    }
    let kept = filter::kept(model, list, lists::project);
    if kept.is_empty() {
        return empty(theme, frame, body, NOTHING_FOUND);
    }
    let at = at.min(list.len() - 1);
    let height = usize::from(body.height.saturating_sub(1));
    let marked = kept.iter().position(|it| *it == at).unwrap_or(0);
    let first = first_shown(marked, kept.len(), height);
    let columns = usize::from(area.width);
    let wide = columns >= 110;
    let cell = if wide { 11 } else { 5 };
    let shared = columns.saturating_sub(2 + 1 + cell * 4 + CHANGED + 2);
    // The names give way to what one is in it, or how old it is.
    let rest = if wide { STANDING } else { shared.saturating_sub(columns * 3 / 10) };
    let names = shared.saturating_sub(rest);
    let (title, artist) = if wide { (names * 3 / 5, names - names * 3 / 5) } else { (names, 0) };
    let head =
        if wide { ["Recording", "Mixing", "Mastering", "Delivered"] } else { ["Rec", "Mix", "Mstr", "Done"] };
    let head: String = head.iter().map(|it| pad_left(it, cell)).collect();
    let head = format!(
        "  {} {}{head}{}  {}",
        pad("Project", title),
        pad(if wide { "Artist" } else { "" }, artist),
        pad_left("Last", CHANGED),
        "You"
    );
    put(frame, body, 0, Line::styled(clip(&head, columns), theme.dim()));
    for (line, place) in kept.iter().copied().enumerate().skip(first).take(height) {
        let it = &list[place];
        let chosen = place == at;
        let mark = if chosen { "▸ " } else { "  " };
        let counts = [it.songs_recording, it.songs_mixing, it.songs_mastering, it.songs_delivered];
        let count = |it: &u32| pad_left(&if *it == 0 { "–".into() } else { it.to_string() }, cell);
        let counts: String = counts.iter().map(count).collect();
        let changed =
            if it.changed_ms == 0 { String::new() } else { words::age(model.now_ms, it.changed_ms) };
        let text = format!(
            "{mark}{} {}{counts}{}  {}",
            pad(&it.title, title),
            pad(&it.artist, artist),
            pad_left(&changed, CHANGED),
            clip(&standing(model, it), rest)
        );
        let style = theme.row(chosen, false, model.online());
        let row = u16::try_from(line - first + 1).unwrap_or(u16::MAX);
        theme.hit(row_of(body, row), || Hit::Row(place));
        put(frame, body, row, Line::styled(text, style));
    }
}

/// The roles that one has in it; without a line how old is what is kept of it.
fn standing(model: &Model, project: &ProjectSummary) -> String {
    match model.offline.seen.get(&project.project_id) {
        _ if model.online() => words::roles(project.your_roles()),
        Some(at_ms) => format!("kept, {}", words::age(model.now_ms, *at_ms)),
        None => "not kept".into(),
    }
}
