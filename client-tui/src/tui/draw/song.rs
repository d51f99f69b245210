//! One song: the version's facts and picture, versions with alternates, the gate with who is missing, notes with threads.

use deadwax_proto::v1::{ApprovalState, NoteRow, NoteState, SongRow, VersionFile, VersionRow};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    empty, first_shown, heading, put, selected_note,
    text::{clip, pad, width, wrap},
    theme::Theme,
    waits_for, wave,
};
use crate::tui::{
    model::{Focus, Model, SongView, Wave, WaveState},
    rows::{self, Project},
    update, words,
};

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, view: &SongView) {
    let Some(rows) = model.projects.get(&view.project).filter(|it| it.loaded) else {
        return empty(theme, frame, area, &["The song has not arrived yet."]);
    };
    let Some(song) = rows.song(&view.song) else {
        return empty(theme, frame, area, &["This song is no longer there.", "Esc goes back."]);
    };
    let Some(version) = view.version(rows) else {
        put(frame, area, 0, Line::raw(format!(" {}", clip(&song.waits_for, usize::from(area.width) - 2))));
        let title = rows.head().map_or("", |it| it.title.as_str());
        let command = format!("In a shell: {}", update::push_command(title, &song.title));
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        return empty(theme, frame, below, &["Nothing is uploaded yet.", &command]);
    };
    let dots = if area.height >= 30 { 8 } else { 4 };
    let [head, picture, lower] =
        Layout::vertical([Constraint::Length(3), Constraint::Length(dots + 2), Constraint::Min(3)])
            .areas(area);
    header(model, theme, frame, head, rows, song, version, view);
    picture_of(model, theme, frame, picture, rows, version, view);
    let left = (area.width * 2 / 5).clamp(26, 52);
    let [left, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Min(20)]).spacing(1).areas(lower);
    let versions = version_lines(model, theme, usize::from(left.width), rows, version, view);
    let half = left.height.saturating_sub(left.height / 2);
    let top = u16::try_from(versions.len() + 1).unwrap_or(u16::MAX).min(half);
    let [top, bottom] = Layout::vertical([Constraint::Length(top), Constraint::Min(1)]).areas(left);
    put(frame, top, 0, heading(theme, "Versions", "", top.width, view.focus == Focus::Versions));
    list(frame, top, versions);
    gate_of(model, theme, frame, bottom, rows, song);
    notes_of(model, theme, frame, right, rows, view);
}

#[expect(clippy::too_many_arguments, reason = "a row of the layout, called once")]
fn header(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    song: &SongRow,
    version: &VersionRow,
    view: &SongView,
) {
    let columns = usize::from(area.width);
    let included = rows.head().map_or(0, |it| it.rounds_included);
    let right = format!("{} · round {} of {included} ", words::stage(song.stage()), song.rounds_used);
    let age = words::age(model.now_ms, version.at_ms);
    let name = words::version(version);
    let old = if version.superseded { "superseded" } else { "" };
    let parts = [name.as_str(), old, &version.uploaded_by, &age, &version.title];
    let left = parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" · ");
    let room = columns.saturating_sub(width(&right) + 2);
    let style = if version.superseded { theme.warn() } else { theme.head() };
    let spans =
        vec![Span::styled(format!(" {} ", pad(&left, room)), style), Span::styled(right, theme.dim())];
    put(frame, area, 0, Line::from(spans));
    let fresh = rows.is_fresh(&format!("song/{}", song.song_id));
    let waits = clip(&waits_for(rows, song), columns.saturating_sub(2));
    put(frame, area, 1, Line::styled(format!(" {waits}"), theme.row(false, fresh, model.online())));
    let file = version.files.get(view.file).or_else(|| version.files.first());
    let facts = file.map_or_else(String::new, facts);
    let blocks = version.preflight.iter().filter(|it| it.block).count();
    let preflight = match version.preflight.first() {
        None => Span::styled(" ✓ preflight ", theme.good()),
        Some(_) if blocks == 0 => Span::styled(" ! preflight warns ", theme.warn()),
        Some(_) => Span::styled(" × preflight blocks ", theme.bad()),
    };
    let room = columns.saturating_sub(width(&preflight.content) + 1);
    put(frame, area, 2, Line::from(vec![Span::raw(format!(" {}", pad(&facts, room))), preflight]));
}

/// "main  3:24  48 kHz 24 bit  -14.2 LUFS  -1.3 dBTP  LRA 6.1"
fn facts(file: &VersionFile) -> String {
    let Some(it) = &file.facts else { return format!("{}  not measured", file.alternate) };
    let bits = match (it.bits, it.float) {
        (0, _) => it.codec.clone(),
        (bits, true) => format!("{bits} bit float"),
        (bits, false) => format!("{bits} bit"),
    };
    format!(
        "{}  {}  {} {bits}  {}  {}  LRA {:.1}",
        file.alternate,
        words::clock(rows::duration_ms(it), false),
        words::rate(it.sample_rate),
        words::lufs(it.integrated_lufs),
        words::dbtp(it.true_peak_dbtp),
        it.loudness_range_lu
    )
}

fn picture_of(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    version: &VersionRow,
    view: &SongView,
) {
    let file = version.files.get(view.file).or_else(|| version.files.first());
    let mine = |wave: &&Wave| {
        wave.ask.version_id == version.version_id && file.is_some_and(|file| file.sha256 == wave.ask.sha256)
    };
    let wave = model.wave.as_ref().filter(mine);
    let instead = match wave.map(|it| &it.state) {
        Some(WaveState::Failed(why)) => clip(&format!("No picture: {why}"), usize::from(area.width)),
        Some(WaveState::Here) => String::new(),
        _ if model.online() => "Drawing ...".into(),
        _ => "No picture while offline.".into(),
    };
    let notes = rows.notes(&view.song, view.settled);
    let marks = notes.iter().enumerate().filter_map(|(at, note)| {
        Some(wave::Mark { label: label(at), start_ms: note.start_ms?, end_ms: note.end_ms })
    });
    let sample_rate = file.and_then(|it| it.facts.as_ref()).map_or(0, |it| it.sample_rate);
    let picture = wave::View {
        window_ms: view.window.unwrap_or((0, rows::length_ms(version))),
        sample_rate,
        cursor_ms: view.cursor_ms,
        range_ms: view.range(),
        marks: marks.collect(),
        data: wave.and_then(|it| it.data.as_ref()),
        instead: &instead,
    };
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    wave::draw(theme, frame, inner, &picture);
}

/// The sign that ties a note of the list to its mark on the picture.
fn label(at: usize) -> char {
    char::from_digit(u32::try_from(at + 1).unwrap_or(36), 36).unwrap_or('+')
}

/// Each version; below the shown one its files. The marked line is the one that must stay in sight.
fn version_lines(
    model: &Model,
    theme: &Theme,
    room: usize,
    rows: &Project,
    shown: &VersionRow,
    view: &SongView,
) -> Vec<(Line<'static>, bool)> {
    let focused = view.focus == Focus::Versions;
    let mut lines = Vec::new();
    for version in rows.versions(&view.song) {
        let is_shown = version.version_id == shown.version_id;
        let sign = if version.superseded { "·" } else { "●" };
        let mark = if is_shown { "▸" } else { " " };
        let text = format!("{mark}{sign} {}  {}", words::version(version), version.title);
        let fresh = rows.is_fresh(&format!("version/{}", version.version_id));
        let style = if version.superseded && !is_shown {
            theme.dim()
        } else {
            theme.row(is_shown && focused, fresh, model.online())
        };
        lines.push((Line::styled(pad(&text, room), style), is_shown && view.file == 0));
        if is_shown {
            let files = file_lines(version, view.file).into_iter();
            lines.extend(files.map(|(text, drawn)| {
                let style = if drawn { theme.plain() } else { theme.dim() };
                (Line::styled(clip(&text, room), style), drawn && view.file > 0)
            }));
        }
    }
    lines
}

/// By alternate, with what tells files apart: format and loudness. An alternate in several formats is folded to one line unless one of
/// them is the file that is drawn. Answers each line with whether it is that file.
fn file_lines(version: &VersionRow, drawn: usize) -> Vec<(String, bool)> {
    let names: Vec<&str> = version.files.iter().map(|it| it.alternate.as_str()).collect();
    let column = names.iter().map(|it| width(it)).max().unwrap_or(0).min(14);
    let mut lines = Vec::new();
    let mut from = 0;
    for group in version.files.chunk_by(|a, b| a.alternate == b.alternate) {
        let here = from..from + group.len();
        let alternate = pad(names[from], column);
        if group.len() > 1 && !here.contains(&drawn) {
            lines.push((
                format!("     {alternate} {}", words::count(group.len(), "format", "formats")),
                false,
            ));
        } else {
            for (at, file) in here.clone().zip(group) {
                let mark = if at == drawn { "~" } else { " " };
                let name = if at == from { alternate.clone() } else { pad("", column) };
                let format = file.facts.as_ref().map_or_else(String::new, words::format);
                // The formats of one alternate are equally loud: said once.
                let level = file
                    .facts
                    .as_ref()
                    .map(|it| it.integrated_lufs)
                    .filter(|it| at == from && it.is_finite());
                let level = level.map_or_else(String::new, |it| format!(" {it:.1}"));
                lines.push((format!("  {mark} {name} {format}{level}"), at == drawn));
            }
        }
        from = here.end;
    }
    lines
}

/// Lines below the heading, scrolled so that the marked one is in sight.
fn list(frame: &mut Frame<'_>, area: Rect, lines: Vec<(Line<'_>, bool)>) {
    let height = usize::from(area.height.saturating_sub(1));
    let at = lines.iter().position(|(_, marked)| *marked).unwrap_or(0);
    let first = first_shown(at, lines.len(), height);
    for (row, (line, _)) in lines.into_iter().skip(first).take(height).enumerate() {
        put(frame, area, u16::try_from(row + 1).unwrap_or(u16::MAX), line);
    }
}

fn gate_of(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project, song: &SongRow) {
    let Some(gate) = rows.gate(&song.song_id) else { return };
    let met = if gate.met { "met" } else { "not met" };
    put(frame, area, 0, heading(theme, "Gate", met, area.width, false));
    let room = usize::from(area.width.saturating_sub(3));
    let fresh = rows.is_fresh(&format!("gate/{}", song.song_id));
    let mut lines: Vec<(String, Style)> = Vec::new();
    let mut add = |sign: &str, text: &str, style: Style| {
        for (at, line) in wrap(text, room).into_iter().enumerate() {
            let sign = if at == 0 { sign } else { " " };
            lines.push((format!(" {sign} {line}"), style));
        }
    };
    for it in gate.lines.iter().filter(|it| !it.met) {
        add("×", &it.text, theme.row(false, fresh, model.online()));
    }
    for it in gate.approvals.iter().filter(|it| it.state() == ApprovalState::Hold) {
        add("!", &format!("Held by {}: {}", it.name, it.reason), theme.bad());
    }
    for it in gate.lines.iter().filter(|it| it.met) {
        add("✓", &it.text, if model.online() { theme.good() } else { theme.dim() });
    }
    for it in &gate.approvals {
        let version = rows.version(&it.version_id).map_or_else(String::new, words::version);
        let word = match it.state() {
            ApprovalState::Counts => "signed",
            ApprovalState::Outdated => "signed, outdated:",
            ApprovalState::Withdrawn => "withdrew",
            _ => continue,
        };
        let sign = if it.state() == ApprovalState::Counts { "✓" } else { "·" };
        add(sign, &format!("{} ({}) {word} {version}", it.name, words::role(it.role())), theme.dim());
    }
    let height = usize::from(area.height.saturating_sub(1));
    if lines.len() > height && height > 0 {
        lines.truncate(height - 1);
        lines.push((" …".into(), theme.dim()));
    }
    for (row, (line, style)) in lines.into_iter().enumerate() {
        put(frame, area, u16::try_from(row + 1).unwrap_or(u16::MAX), Line::styled(line, style));
    }
}

fn notes_of(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    view: &SongView,
) {
    let notes = rows.notes(&view.song, view.settled);
    let all = rows.notes(&view.song, true).len();
    let hidden = if view.settled { 0 } else { all - notes.len() };
    let rest = match (notes.len(), hidden) {
        (0, 0) => String::new(),
        (shown, 0) => format!("{shown}"),
        (shown, hidden) => format!("{shown}, {hidden} settled hidden (f)"),
    };
    let focused = view.focus == Focus::Notes;
    put(frame, area, 0, heading(theme, "Notes", &rest, area.width, focused));
    if notes.is_empty() {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let next = "Move the cursor with ← and →, then n writes a note there.";
        return empty(theme, frame, below, &["No open notes.", next]);
    }
    let chosen = selected_note(rows, view).map(|it| it.note_id.as_str());
    let chosen_at = notes.iter().position(|it| Some(it.note_id.as_str()) == chosen).unwrap_or(0);
    let threads = rows.replies(&view.song);
    // Lines further away than the height of the list cannot be in sight: a song with a thousand notes draws like one with ten.
    let height = usize::from(area.height);
    let near = chosen_at.saturating_sub(height)..(chosen_at + height).min(notes.len());
    let mut lines = Vec::new();
    for at in near {
        let note = notes[at];
        let is_chosen = at == chosen_at;
        let thread = threads.get(note.note_id.as_str()).map_or(&[][..], Vec::as_slice);
        let entry = Entry { at, note, thread, open: is_chosen, focused };
        lines.push((note_line(model, theme, rows, &entry, area.width), is_chosen));
        if is_chosen {
            let details = note_details(theme, rows, note, thread, usize::from(area.width.saturating_sub(4)));
            lines.extend(details.into_iter().map(|line| (line, false)));
        }
    }
    list(frame, area, lines);
}

/// A note of the list, with what stands around it.
struct Entry<'a> {
    at: usize,
    note: &'a NoteRow,
    thread: &'a [&'a NoteRow],
    open: bool,
    focused: bool,
}

fn note_line<'a>(model: &Model, theme: &Theme, rows: &Project, entry: &Entry<'_>, columns: u16) -> Line<'a> {
    let note = entry.note;
    let chosen = entry.open && entry.focused;
    let (sign, state) = words::note_state(note.state());
    let thread = if entry.thread.is_empty() { String::new() } else { format!(" +{}", entry.thread.len()) };
    let time = note.start_ms.map_or_else(|| "song".into(), |ms| words::clock(ms, true));
    let mark = if chosen { "▸" } else { " " };
    let label = label(entry.at);
    let head = format!("{mark}{label}{sign} {} {}{thread}: ", pad(&time, 6), clip(&note.author, 12));
    let lock = if note.internal { "internal: " } else { "" };
    // The chosen note shows its whole text below, so its line tells the rest.
    let text = if entry.open {
        format!("{lock}{state}, as {}", words::role(note.author_role()))
    } else {
        format!("{lock}{}", note.text)
    };
    let key = format!("note/{}", note.note_id);
    let pending = model.pending.iter().any(|it| it.about == key);
    let text = if pending { format!("… {text}") } else { text };
    let room = usize::from(columns).saturating_sub(width(&head));
    let fresh =
        rows.is_fresh(&key) || entry.thread.iter().any(|it| rows.is_fresh(&format!("note/{}", it.note_id)));
    Line::styled(format!("{head}{}", pad(&text, room)), theme.row(chosen, fresh, model.online()))
}

/// The whole text of the chosen note, what became of it, its checklist and its thread.
fn note_details<'a>(
    theme: &Theme,
    rows: &Project,
    note: &NoteRow,
    thread: &[&NoteRow],
    room: usize,
) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut add = |text: &str, style: Style| {
        lines.extend(wrap(text, room).into_iter().map(|line| Line::styled(format!("    {line}"), style)));
    };
    add(&note.text, theme.plain());
    let version = rows.version(&note.version_id).map_or_else(String::new, words::version);
    let on = if note.alternate.is_empty() { version } else { format!("{version}, {}", note.alternate) };
    let mut facts = format!("on {on} · {}", words::span(note.start_ms, note.end_ms));
    if !note.addressee.is_empty() {
        facts.push_str(&format!(" · for {}", note.addressee));
    }
    add(&facts, theme.dim());
    if let Some(version) = rows.version(&note.addressed_in_version_id) {
        add(&format!("done in {}", words::version(version)), theme.good());
    }
    if note.state() == NoteState::Declined || !note.reason.is_empty() {
        add(&format!("declined: {}", note.reason), theme.warn());
    }
    for item in &note.checklist {
        let sign = if item.done { "[x]" } else { "[ ]" };
        add(&format!("{sign} {}", item.text), theme.plain());
    }
    for reply in thread {
        let lock = if reply.internal { " (internal)" } else { "" };
        add(&format!("↳ {}{lock}: {}", reply.author, reply.text), theme.plain());
    }
    lines
}
