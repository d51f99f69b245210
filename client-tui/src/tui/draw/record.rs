//! The record: those that there are, how far the chosen one is and whom it waits for, who signed it, what differs, and its files as a tree by profile. What is not
//! on the screen costs nothing.

use deadwax_proto::v1::RecordRow;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::Line,
};

use super::{
    Hit, NOTHING_FOUND, arrived, empty, first_shown, heading, put, row_of, sought,
    text::{clip, pad, pad_left, pad_path, wrap},
    theme::Theme,
};
use crate::{
    tui::{
        keys::{Kind, Verb},
        lists,
        model::Model,
        record::{self, Branch, is_under_way},
        rows::{May, Project},
        update, words,
    },
    verbs::record::told,
};

/// The two halves of the room on one line: this one, and the key of the other with what stands there.
pub(super) fn tabs(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project) {
    let kind = model.top().kind();
    let key = |verb: Verb| model.settings.keys.name(kind, verb);
    let (name, rest) = match kind {
        Kind::Record => ("Record", format!("{}: single songs", key(Verb::Songs))),
        _ => {
            let newest = rows.records().first().map_or_else(
                || "the record: none was made yet".to_owned(),
                |it| format!("Record {}, {}", it.number, record::state(it).1),
            );
            ("Songs", format!("{}: {newest}", key(Verb::Record)))
        }
    };
    put(frame, area, 0, heading(theme, name, &rest, area.width, false));
}

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, project: &str) {
    let Some(rows) = arrived(model, theme, frame, area, project) else { return };
    tabs(model, theme, frame, area, rows);
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let Some(row) = update::record_shown(model) else { return nothing_yet(model, theme, frame, body, rows) };
    let count = rows.records().len();
    let top = u16::try_from(count + 1).unwrap_or(u16::MAX).min((body.height / 4).max(3));
    let rest = body.height.saturating_sub(top);
    let said = about(model, theme, row, usize::from(body.width.saturating_sub(2)));
    let lines = model.record.tree.len(&model.record.open);
    // The files keep a few lines; what is said of the record has what it needs of the rest.
    let keeps = u16::try_from(lines + 1).unwrap_or(u16::MAX).min(5).max(rest * 2 / 5).min(rest);
    let told = u16::try_from(said.len() + 1).unwrap_or(u16::MAX).min(rest - keeps);
    let [list, middle, bottom] =
        Layout::vertical([Constraint::Length(top), Constraint::Length(told), Constraint::Min(0)]).areas(body);
    records(model, theme, frame, list, rows, row.number);
    let (sign, word) = record::state(row);
    let when = words::date(&model.zone, row.at_ms);
    let head = format!("{sign} {word}, with spacing {}, by {}, {when}", row.spacing, row.by);
    let name = format!("Record {}", row.number);
    put(frame, middle, 0, heading(theme, &name, &head, area.width, false));
    let room = usize::from(middle.height.saturating_sub(1));
    let more = said.len().saturating_sub(room);
    for (at, (text, style)) in said.into_iter().enumerate().take(room) {
        let text = if more > 0 && at + 1 == room { " … I tells all of it".into() } else { text };
        put(frame, middle, u16::try_from(at + 1).unwrap_or(u16::MAX), Line::styled(text, style));
    }
    files(model, theme, frame, bottom, row);
}

/// What is missing before a record can be made, in the studio's own words, or the key that begins one.
fn nothing_yet(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project) {
    let key = model.key(Verb::StartRecord);
    let spacing = rows.head().is_some_and(|it| it.spacing.is_some());
    let order = format!("{} opens the running order; saved there it is the spacing.", model.key(Verb::Album));
    let subject = update::subject(model);
    let refused = match update::may(model, subject.as_ref(), Verb::StartRecord) {
        May::No(no) => format!("{} {}", no.text, no.hint),
        May::Yes | May::Unsaid => {
            format!("{key} chooses profiles, shows every file before anything is made, and starts it.")
        }
    };
    let mut said = vec!["No record was made yet.", &refused];
    if !spacing {
        said.push(&order);
    }
    if !model.online() {
        said.push("Without a line none can be planned or started.");
    }
    empty(theme, frame, area, &said);
}

fn records(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project, shown: u32) {
    let all = rows.records();
    let columns = usize::from(area.width);
    let rest = columns.saturating_sub(2 + 12 + 14 + 20 + 9);
    let header = format!(
        "  {}{}{}{}{}",
        pad("Record", 12),
        pad("State", 14),
        pad("Files", 20),
        pad("For", rest),
        pad_left("Begun", 8)
    );
    let focused = !model.record.in_files;
    put(frame, area, 0, Line::styled(header, if focused { theme.accent() } else { theme.dim() }));
    let height = usize::from(area.height.saturating_sub(1));
    let kept: Vec<usize> = match sought(model) {
        Some(filter) => {
            let found = |(at, it): (usize, &RecordRow)| filter.keeps(&lists::record(it)).then_some(at);
            all.iter().enumerate().filter_map(found).collect()
        }
        None => (0..all.len()).collect(),
    };
    if kept.is_empty() {
        return empty(theme, frame, area, NOTHING_FOUND);
    }
    // Numbers count up to the newest, which stands first.
    let newest = all.first().map_or(0, |it| it.number);
    let at = usize::try_from(newest.saturating_sub(shown)).unwrap_or(0);
    let here = kept.iter().position(|it| *it >= at).unwrap_or(0);
    let first = first_shown(here, kept.len(), height);
    for (line, place) in kept.into_iter().skip(first).take(height).enumerate() {
        let Some(it) = all.get(place) else { continue };
        let chosen = it.number == shown;
        let (sign, word) = record::state(it);
        let files = match told::files(it) {
            0 => "–".to_owned(),
            files => format!("{}, {}", words::count(files, "file", "files"), words::bytes(told::bytes(it))),
        };
        let text = format!(
            "{}{}{}{}{}{} ",
            if chosen { "▸ " } else { "  " },
            pad(&format!("Record {}", it.number), 12),
            pad(&format!("{sign} {word}"), 14),
            pad(&files, 20),
            pad(&it.profiles.join(", "), rest),
            pad_left(&words::age(model.now_ms, it.at_ms), 8)
        );
        let fresh = rows.is_fresh(&format!("record/{}", it.number));
        let row = u16::try_from(line + 1).unwrap_or(u16::MAX);
        theme.hit(row_of(area, row), || Hit::Row(place));
        put(frame, area, row, Line::styled(text, theme.row(chosen && focused, fresh, model.online())));
    }
}

/// What outdated it, on the screen; a key lists all of it.
const REASONS: usize = 2;

/// How far it is, whom it waits for, who signed it and what differs.
fn about(model: &Model, theme: &Theme, row: &RecordRow, room: usize) -> Vec<(String, Style)> {
    let mut said: Vec<(String, Style)> = Vec::new();
    let mut say = |text: &str, style: Style| {
        said.extend(wrap(text, room.saturating_sub(1)).into_iter().map(|it| (format!(" {it}"), style)));
    };
    if is_under_way(row) {
        say(&progress(model, row, room), theme.wave());
    }
    if !row.reason.is_empty() {
        say(&format!("× {}", row.reason), theme.bad());
    }
    if row.outdated {
        let told = ["what it was made of is another by now.".to_owned()];
        let by = if row.outdated_by.is_empty() { &told[..] } else { &row.outdated_by };
        by.iter().take(REASONS).for_each(|it| say(&format!("! Outdated: {it}"), theme.warn()));
        if by.len() > REASONS {
            let key = model.key(Verb::About);
            say(&format!("! And {} more; {key} lists them.", by.len() - REASONS), theme.warn());
        }
    }
    row.cautions.iter().for_each(|it| say(&format!("! {it}"), theme.warn()));
    if row.delivered_ms != 0 {
        let when = words::date(&model.zone, row.delivered_ms);
        say(
            &format!("● Delivered {when} by {}, frozen; e shows the manifest", row.delivered_by),
            theme.good(),
        );
    }
    if !row.waits_for.is_empty() && !row.outdated {
        say(&row.waits_for, theme.plain());
    }
    if let May::No(no) = update::may(model, update::subject(model).as_ref(), Verb::StartRecord)
        && !is_under_way(row)
    {
        say(&format!("○ {} {}", no.text, no.hint), theme.dim());
    }
    for it in &row.approvals {
        let print = words::fingerprint(&it.fingerprint);
        let (text, counts) = update::record_approval(it);
        say(&format!("{text}, on {print}"), if counts { theme.good() } else { theme.dim() });
    }
    if !row.fingerprint.is_empty() {
        say(&format!("Fingerprint {}", words::fingerprint(&row.fingerprint)), theme.plain());
    }
    if let Some(lufs) = row.loudest_track_lufs {
        let text = format!("All songs moved together: the loudest plays at {lufs:.1} LUFS");
        say(&text, theme.plain());
    }
    let masters = words::count(row.sources.len(), "master", "masters");
    let on = if row.medium.is_empty() { String::new() } else { format!(" on {}", row.medium) };
    say(&format!("Made of {masters} for {}{on}", row.profiles.join(", ")), theme.dim());
    for (at, it) in row.differs.iter().enumerate() {
        // The first says what it is compared with.
        let is_head = at == 0 && row.differs.len() > 1;
        say(&if is_head { it.clone() } else { format!("≠ {it}") }, theme.plain());
    }
    said
}

/// "▶ ████░░░░ 43 %  cd: image, 3 of 10 files"
fn progress(model: &Model, row: &RecordRow, room: usize) -> String {
    let now = model.record.progress.as_ref().filter(|(id, _)| *id == row.record_id).map(|(_, it)| it);
    let Some(it) = now else {
        return if model.online() {
            "▶ How far it is comes in a moment.".into()
        } else {
            "▶ How far it is shows again when the line is back.".into()
        };
    };
    let bar = (room / 4).clamp(6, 30);
    let fraction = if it.fraction.is_finite() { it.fraction.clamp(0.0, 1.0) } else { 0.0 };
    let full = (fraction * bar as f64) as usize;
    let gauge = format!("{}{}", "█".repeat(full), "░".repeat(bar - full));
    let files = match it.files {
        0 => String::new(),
        files => format!(", {} of {files} files", it.files_done.min(files)),
    };
    let step = if it.step.is_empty() { "begins" } else { it.step.as_str() };
    format!("▶ {gauge} {:.0} %  {step}{files}", (fraction * 100.0).floor())
}

fn files(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, row: &RecordRow) {
    let room = &model.record;
    let focused = room.in_files;
    let rest = match told::files(row) {
        0 => "none yet".into(),
        count => {
            format!("{}, {}", words::count(count, "file", "files"), words::bytes(told::bytes(row)))
        }
    };
    put(frame, area, 0, heading(theme, "Files", &rest, area.width, focused));
    // Of another record: the tree follows with the next message.
    if row.files.is_empty() || !room.tree.is_of(row) {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let text = if is_under_way(row) {
            "They are here once the record is made."
        } else if !told::is_whole(row) {
            match model.online() {
                true => "They come in a moment.",
                false => "They are listed when the line is back.",
            }
        } else {
            "This record was not made: it has no files."
        };
        return empty(theme, frame, below, &[text]);
    }
    let lines = room.tree.len(&room.open);
    let at = room.line.min(lines.saturating_sub(1));
    let height = usize::from(area.height.saturating_sub(1));
    let first = first_shown(at, lines, height);
    for line in first..lines.min(first + height) {
        let Some(branch) = room.tree.line(line, &room.open) else { break };
        let here = focused && line == at;
        let text = branch_line(model, row, branch, here, usize::from(area.width));
        let style = match branch {
            Branch::Profile(_) if !here => theme.head(),
            _ => theme.row(here, false, model.online()),
        };
        let place = u16::try_from(line - first + 1).unwrap_or(u16::MAX);
        put(frame, area, place, Line::styled(text, style));
    }
}

fn branch_line(model: &Model, row: &RecordRow, branch: Branch, here: bool, columns: usize) -> String {
    let mark = if here { "▸" } else { " " };
    let tree = &model.record.tree;
    match branch {
        Branch::Profile(at) => {
            let Some(group) = tree.groups.get(at) else { return String::new() };
            let sign = if tree.is_open(group, &model.record.open) { "▾" } else { "▸" };
            let count = words::count(group.files, "file", "files");
            let text = format!("{mark}{sign} {}: {count}, {}", group.profile, words::bytes(group.bytes));
            clip(&text, columns)
        }
        Branch::File(at) => {
            let Some(file) = row.files.get(at) else { return String::new() };
            let inner = told::inner(&file.profile, &file.folder);
            let name = if inner.is_empty() { file.name.clone() } else { format!("{inner}/{}", file.name) };
            let digest: String = file.sha256.chars().take(8).collect();
            let lufs = file.integrated_lufs.filter(|it| it.is_finite());
            let lufs = lufs.map_or_else(String::new, |it| format!("{it:.1}"));
            let room = columns.saturating_sub(3 + 12 + 9 + 7 + 10 + 10);
            format!(
                "{mark}  {}{}{}{}{}  {}",
                pad_path(&name, room),
                pad(&format!(" {}", file.kind), 12),
                pad(&told::sound(file), 9),
                pad_left(&lufs, 7),
                pad_left(&words::bytes(file.bytes), 10),
                pad(&digest, 8)
            )
        }
    }
}
