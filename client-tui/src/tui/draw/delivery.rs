//! Deliveries: which songs are ready and what the others lack, what the profiles say of the master, who signed which bytes, and the files.

use deadwax_proto::v1::{SongRow, VersionFile};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    Hit, arrived, empty, first_shown, heading, put, row_of, sought,
    text::{clip, pad, pad_left, wrap},
    theme::Theme,
    waits_for,
};
use crate::tui::{
    delivery::{self, Standing},
    lists,
    model::Model,
    rows::{List, Project},
    update, words,
};

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
    at: usize,
) {
    let Some(rows) = arrived(model, theme, frame, area, project) else { return };
    super::record::tabs(model, theme, frame, area, rows);
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let all = rows.songs();
    let at = at.min(all.len().saturating_sub(1));
    let Some(song) = all.get(at) else {
        return empty(theme, frame, area, &["There are no songs yet. The board tells how to add one: 3."]);
    };
    let height = u16::try_from(all.len() + 1).unwrap_or(u16::MAX).min((area.height / 3).max(4));
    let said = about(model, theme, rows, song, usize::from(area.width.saturating_sub(2)));
    let files = delivery::files(rows, song);
    let rest = area.height.saturating_sub(height);
    // The files keep four lines at least; what is said of the song has what it needs of the rest.
    let keeps = u16::try_from(files.len() + 1).unwrap_or(u16::MAX).min(5).max(rest * 2 / 5).min(rest);
    let told = u16::try_from(said.len() + 1).unwrap_or(u16::MAX).min(rest - keeps);
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(height), Constraint::Length(told), Constraint::Min(0)])
            .areas(area);
    songs(model, theme, frame, top, rows, (all, at));
    let version = delivery::version(rows, song).map_or_else(|| "no master yet".into(), words::version);
    put(frame, middle, 0, heading(theme, &clip(&song.title, 40), &version, area.width, false));
    let room = usize::from(middle.height.saturating_sub(1));
    let more = said.len().saturating_sub(room);
    for (row, (text, style)) in said.into_iter().enumerate().take(room) {
        let text = if more > 0 && row + 1 == room { " … c and e tell all of it".into() } else { text };
        put(frame, middle, u16::try_from(row + 1).unwrap_or(u16::MAX), Line::styled(text, style));
    }
    files_of(model, theme, frame, bottom, files);
}

/// A sign and a word.
fn state(standing: &Standing<'_>) -> (&'static str, &'static str) {
    match standing {
        Standing::Delivered(_) => ("●", "delivered"),
        Standing::Ready => ("✓", "ready"),
        Standing::Not { .. } => ("○", "not yet"),
        Standing::Unsaid => ("·", "not yours"),
    }
}

fn songs(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    (all, at): (List<'_, SongRow>, usize),
) {
    let columns = usize::from(area.width);
    let title = (columns * 3 / 10).max(12);
    let rest = columns.saturating_sub(2 + 4 + title + 1 + 12 + 11);
    let header = format!(
        "{} {} {}{}{}",
        pad_left("#", 5),
        pad("Song", title),
        pad("State", 12),
        pad("Version", 11),
        pad("Why, or by whom", rest)
    );
    let focused = !model.delivery.in_files;
    put(frame, area, 0, Line::styled(header, if focused { theme.accent() } else { theme.dim() }));
    let height = usize::from(area.height.saturating_sub(1));
    let kept: Vec<usize> = match sought(model) {
        Some(filter) => lists::kept_songs(filter, all),
        None => (0..all.len()).collect(),
    };
    let here = kept.iter().position(|it| *it >= at).unwrap_or(0);
    let first = first_shown(here, kept.len(), height);
    let shown = kept.into_iter().skip(first).take(height);
    let songs = shown.filter_map(|line| all.get(line).map(|song| (line, song)));
    for (row, (line, song)) in songs.enumerate() {
        let standing = delivery::standing(rows, song);
        let (sign, word) = state(&standing);
        let why = match &standing {
            Standing::Delivered(it) => {
                format!("{}, {}", it.by, words::age(model.now_ms, it.at_ms))
            }
            Standing::Ready => "D makes the delivery".into(),
            Standing::Not { text, .. } => (*text).to_owned(),
            Standing::Unsaid => waits_for(rows, song),
        };
        let version = delivery::version(rows, song).map_or_else(|| "–".into(), words::version);
        let mark = if line == at { "▸ " } else { "  " };
        let text = format!(
            "{mark}{} {} {}{}{}",
            pad_left(&(line + 1).to_string(), 3),
            pad(&song.title, title),
            pad(&format!("{sign} {word}"), 12),
            pad(&version, 11),
            pad(&why, rest)
        );
        let fresh = rows.is_fresh(&format!("song/{}", song.song_id));
        let style = theme.row(line == at && focused, fresh, model.online());
        let row = u16::try_from(row + 1).unwrap_or(u16::MAX);
        theme.hit(row_of(area, row), || Hit::Row(line));
        put(frame, area, row, Line::styled(text, style));
    }
}

/// Ready or what is missing, the checks in one line each, who signed what.
fn about(model: &Model, theme: &Theme, rows: &Project, song: &SongRow, room: usize) -> Vec<(String, Style)> {
    let mut said: Vec<(String, Style)> = Vec::new();
    let mut say = |text: &str, style: Style| {
        said.extend(wrap(text, room.saturating_sub(1)).into_iter().map(|it| (format!(" {it}"), style)));
    };
    match delivery::standing(rows, song) {
        Standing::Delivered(it) => {
            let when = words::date(&model.zone, it.at_ms);
            let print = words::fingerprint(&it.fingerprint);
            say(&format!("● Delivered {when} by {}, frozen: fingerprint {print}", it.by), theme.good());
            let earlier = rows.deliveries(&song.song_id).len().saturating_sub(1);
            if earlier > 0 {
                let count = words::count(earlier, "delivery", "deliveries");
                say(&format!("· {count} before this one; e tells them"), theme.dim());
            }
        }
        Standing::Ready => {
            say("✓ Ready: D makes the delivery of exactly what was signed.", theme.good());
        }
        Standing::Not { text, hint } => {
            say(&format!("○ {text} {hint}"), theme.warn());
            let unmet = rows.gate(&song.song_id).into_iter().flat_map(|it| &it.lines).filter(|it| !it.met);
            for line in unmet {
                say(&format!("× {}", line.text), theme.warn());
            }
        }
        Standing::Unsaid => say(&format!("· {}", waits_for(rows, song)), theme.plain()),
    }
    let files = delivery::files(rows, song);
    if files.is_empty() {
        return said;
    }
    for profile in delivery::profiles() {
        let found = delivery::checked(profile, files);
        let blocks = found.iter().filter(|it| it.found.block).count();
        let (sign, text, style) = match (blocks, found.len() - blocks) {
            (0, 0) => ("✓", "nothing found".to_owned(), theme.good()),
            (0, warns) => ("!", words::count(warns, "warning", "warnings"), theme.warn()),
            (blocks, warns) => {
                let warns = words::count(warns, "warning", "warnings");
                ("×", format!("{}, {warns}", words::count(blocks, "block", "blocks")), theme.bad())
            }
        };
        let first = found.first().map_or_else(String::new, |it| format!(": {}", it.found.text));
        say(&format!("{sign} Profile {} of {}: {text}{first}", profile.name, profile.dated), style);
    }
    let signed = delivery::signed(rows, song);
    if signed.is_empty() {
        say("· Nobody has signed these bytes yet.", theme.dim());
    }
    for it in signed {
        let print = words::fingerprint(&it.fingerprint);
        say(&format!("{} on {print}", update::approval_line(rows, it)), theme.plain());
    }
    said
}

fn files_of(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, files: &[VersionFile]) {
    let focused = model.delivery.in_files;
    let bytes =
        files.iter().filter_map(|it| it.facts.as_ref()).fold(0u64, |sum, it| sum.saturating_add(it.bytes));
    let rest = match files.len() {
        0 => "none yet".into(),
        count => format!("{}, {}", words::count(count, "file", "files"), words::bytes(bytes)),
    };
    put(frame, area, 0, heading(theme, "Files", &rest, area.width, focused));
    if files.is_empty() {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        return empty(theme, frame, below, &["Files are here once the song has a master."]);
    }
    let columns = usize::from(area.width);
    let name = columns.saturating_sub(2 + 15 + 13 + 7 + 7 + 10 + 11);
    let height = usize::from(area.height.saturating_sub(1));
    let at = model.delivery.file.min(files.len() - 1);
    let first = first_shown(at, files.len(), height);
    for (line, file) in files.iter().enumerate().skip(first).take(height) {
        let here = focused && line == at;
        let number = |value: Option<f64>| {
            value.filter(|it| it.is_finite()).map_or_else(|| "–".into(), |it| format!("{it:.1}"))
        };
        let facts = file.facts.as_ref();
        let digest: String = file.sha256.chars().take(8).collect();
        let text = format!(
            "{}{} {} {}{}{}{}  {}",
            if here { "▸ " } else { "  " },
            pad(&file.alternate, 14),
            pad(&facts.map_or_else(String::new, words::format), 12),
            pad(&file.name, name),
            pad_left(&number(facts.map(|it| it.integrated_lufs)), 7),
            pad_left(&number(facts.map(|it| it.true_peak_dbtp)), 7),
            pad_left(&facts.map_or_else(String::new, |it| words::bytes(it.bytes)), 10),
            pad(&digest, 9),
        );
        let style = theme.row(here, false, model.online());
        put(
            frame,
            area,
            u16::try_from(line - first + 1).unwrap_or(u16::MAX),
            Line::from(Span::styled(text, style)),
        );
    }
}
