//! What stands on the label: the release line by line, a row for every song, and below it all that is said of the line under the mark. What blocks bears `!!`,
//! what is only told `!`.

use deadwax_dsp::profile::Finding;
use deadwax_proto::v1::{Role, SplitOf};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    arrived, empty, first_shown, heading, put,
    text::{clip, pad, width, wrap},
    theme::Theme,
};
use crate::{
    label_copy::{self as copy, Cells, Field, Sheet, cells, mark},
    tui::{
        keys::Verb,
        label_copy::{BEFORE_SONGS, Line as Of, Made, RELEASE, count, line},
        model::Model,
        words,
    },
};

const FOOT: u16 = 7;
const LABEL: usize = 18;
/// Of the columns behind the title.
const ISRC: usize = 15;
const EXPLICIT: usize = 8;
const CREDITS: usize = 7;
const SUM: usize = 11;

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
    at: usize,
) {
    if arrived(model, theme, frame, area, project).is_none() {
        return;
    }
    let roles = model.my_roles();
    if !roles.is_empty() && roles.iter().all(|it| *it == Role::Listener) {
        return empty(theme, frame, area, &["Listeners hear the songs and do not see the label copy."]);
    }
    let Some(made) = model.label_copy.made.as_ref().filter(|it| it.project == project) else { return };
    let at = at.min(count(&made.sheet).saturating_sub(1));
    let below = FOOT.min(area.height / 3);
    let [list, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(below)]).areas(area);
    draw_list(model, theme, frame, list, made, at);
    let room = usize::from(area.width.saturating_sub(4));
    let said = about(theme, model, made, line(&made.sheet, at), room);
    for (row, (text, style)) in (1..).zip(said.into_iter().take(usize::from(below).saturating_sub(1))) {
        put(frame, foot, row, Line::styled(format!("  {text}"), style));
    }
}

/// Two headings stand among the lines: before the first, and before the songs.
fn draw_list(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, made: &Made, at: usize) {
    let height = usize::from(area.height);
    let row_of = |at: usize| at + 1 + usize::from(at >= BEFORE_SONGS);
    let rows = count(&made.sheet) + 2;
    let first = if row_of(at) < height { 0 } else { first_shown(row_of(at), rows, height) };
    for (place, row) in (0..).zip(first..rows.min(first + height)) {
        let shown = match row {
            0 => heading(theme, "Release", &summary(made), area.width, false),
            _ if row == BEFORE_SONGS + 1 => songs_heading(theme, made, area.width),
            _ => {
                let of = if row > BEFORE_SONGS { row - 2 } else { row - 1 };
                let chosen = of == at;
                let style = theme.row(chosen, false, model.online());
                match line(&made.sheet, of) {
                    Of::Song(song) => song_line(theme, made, song, (chosen, style), area.width),
                    of => release_line(theme, model, made, of, (chosen, style), area.width),
                }
            }
        };
        put(frame, area, place, shown);
    }
}

/// "2 blocks, 1 warning for a label's archive"
fn summary(made: &Made) -> String {
    let blocks = made.findings.iter().filter(|it| it.block).count();
    let warns = made.findings.len() - blocks;
    match (blocks, warns) {
        (0, 0) => "✓ nothing is missing for a label's archive".to_owned(),
        (0, warns) => format!("! {} for a label's archive", words::count(warns, "warning", "warnings")),
        (blocks, warns) => {
            let warns = if warns == 0 {
                String::new()
            } else {
                format!(", {}", words::count(warns, "warning", "warnings"))
            };
            format!("!! {}{warns} for a label's archive", words::count(blocks, "block", "blocks"))
        }
    }
}

fn title_room(columns: u16) -> usize {
    let behind = ISRC + EXPLICIT + CREDITS + 2 * SUM + 5;
    usize::from(columns).saturating_sub(behind + 6).clamp(10, 60)
}

fn songs_heading(theme: &Theme, made: &Made, columns: u16) -> Line<'static> {
    let title = format!("Songs {}", made.sheet.songs.len());
    let text = format!(
        " {} {} {} {} {} {}",
        pad(&title, title_room(columns) + 5),
        pad("ISRC", ISRC),
        pad("Explicit", EXPLICIT),
        pad("Credits", CREDITS),
        pad("Composition", SUM),
        "Recording"
    );
    Line::styled(clip(&text, usize::from(columns)), theme.head())
}

fn tint(theme: &Theme, text: &str, (chosen, row): (bool, Style)) -> Style {
    match text {
        _ if chosen => row,
        it if it.starts_with("!!") => theme.bad(),
        it if it.starts_with('!') => theme.warn(),
        _ => row,
    }
}

fn song_line(theme: &Theme, made: &Made, at: usize, look: (bool, Style), columns: u16) -> Line<'static> {
    let Cells { title, isrc, explicit, credits, composition, recording } =
        cells(&made.sheet, &made.findings, at);
    let sign = if look.0 { "▸" } else { " " };
    let mut spans = vec![Span::styled(format!("{sign}{:>4} ", at + 1), look.1)];
    let all = [
        (title, title_room(columns)),
        (isrc, ISRC),
        (explicit, EXPLICIT),
        (credits, CREDITS),
        (composition, SUM),
        (recording, SUM),
    ];
    for (text, room) in all {
        let style = tint(theme, &text, look);
        spans.push(Span::styled(format!("{} ", pad(&text, room)), style));
    }
    Line::from(spans)
}

fn release_line(
    theme: &Theme,
    model: &Model,
    made: &Made,
    of: Of,
    look: (bool, Style),
    columns: u16,
) -> Line<'static> {
    let (name, text) = match of {
        Of::Release(key) => (copy::called(key), value(made, key)),
        _ if model.label_copy.busy => ("cover", "on its way ...".to_owned()),
        _ => ("cover", copy::cover_text(made.sheet.release.cover.as_ref())),
    };
    let sign = if look.0 { "▸ " } else { "  " };
    let style = tint(theme, &text, look);
    let room = usize::from(columns).saturating_sub(LABEL + 2);
    Line::from(vec![
        Span::styled(format!("{sign}{}", pad(name, LABEL)), if look.0 { look.1 } else { theme.dim() }),
        Span::styled(pad(&text, room), style),
    ])
}

fn value(made: &Made, key: &'static str) -> String {
    let text = copy::release(&made.sheet.release, key);
    let found = mark(&made.findings, None, Field::Release(key), text.is_empty());
    let shown = if text.is_empty() { "none" } else { text };
    match found {
        Some(true) => format!("!! {shown}"),
        Some(false) => format!("! {shown}"),
        None if text.is_empty() => "-".to_owned(),
        None => text.to_owned(),
    }
}

/// Of the line under the mark: what was found, whose rule it is and the next step; of a song the names too.
fn about(theme: &Theme, model: &Model, made: &Made, of: Of, room: usize) -> Vec<(String, Style)> {
    let mut said = Vec::new();
    let here: Vec<&Finding> = match of {
        Of::Release(key) => {
            let empty = copy::release(&made.sheet.release, key).is_empty();
            let mine =
                |it: &&Finding| mark(std::slice::from_ref(*it), None, Field::Release(key), empty).is_some();
            made.findings.iter().filter(mine).collect()
        }
        Of::Song(at) => made.findings.iter().filter(|it| it.songs.contains(&at)).collect(),
        Of::Cover => Vec::new(),
    };
    let alone = here.len() == 1;
    for it in here {
        let (sign, style) = if it.block { ("!!", theme.bad()) } else { ("!", theme.warn()) };
        let source = if it.source.is_empty() { String::new() } else { format!(" ({})", it.source) };
        let text = format!("{sign} {} {}{source}", it.text, it.mend);
        match alone {
            true => said.extend(wrap(&text, room).into_iter().map(|line| (line, style))),
            // One line for each: the room is small.
            false => said.push((clip(&text, room), style)),
        }
    }
    let mut tell = |text: &str| said.extend(wrap(text, room).into_iter().map(|line| (line, theme.plain())));
    match of {
        Of::Song(at) => names(&made.sheet, at).iter().for_each(|text| tell(text)),
        Of::Cover => {
            let key = |verb| model.key(verb);
            tell(&format!(
                "It goes into the tags of files. {} sets it, {} fetches it, {} takes it away.",
                key(Verb::Cover),
                key(Verb::FetchCover),
                key(Verb::RemoveCover)
            ));
        }
        Of::Release(key) => {
            // Whole, where the line above had to cut it.
            let text = copy::release(&made.sheet.release, key);
            let hint = RELEASE.iter().find(|it| it.0 == key).map_or("", |it| it.2);
            tell(if width(text) > room.saturating_sub(LABEL) { text } else { hint });
        }
    }
    said
}

/// "producer: Jo Bell; drums: Ann"
fn names(sheet: &Sheet, at: usize) -> Vec<String> {
    let song = &sheet.songs[at];
    let mut said = Vec::new();
    if !song.copy.credits.is_empty() {
        let all: Vec<String> =
            song.copy.credits.iter().map(|it| format!("{}: {}", it.role, it.name)).collect();
        said.push(all.join("; "));
    }
    for (of, word) in [(SplitOf::Composition, "Composition"), (SplitOf::Recording, "Recording")] {
        let all: Vec<String> =
            song.shares(of).map(|it| format!("{} {} %", it.name, copy::percent(it.share.into()))).collect();
        if !all.is_empty() {
            said.push(format!("{word}: {}", all.join(", ")));
        }
    }
    said
}
