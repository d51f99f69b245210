//! One song: the version's facts and picture, versions with alternates, the gate with who is missing, notes with threads.

use deadwax_proto::v1::{ApprovalState, ExaminationState, SongRow, VersionFile, VersionRow};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    Hit, empty, first_shown, heading, notes, put, row_of,
    text::{clip, pad, width, wrap},
    theme::Theme,
    waits_for, wave,
};
use crate::tui::{
    filter,
    keys::Verb,
    lists,
    model::{Focus, Model, SongView, Wave, WaveState},
    rows::{self, May, Project},
    settings::Colours,
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
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let subject = update::subject(model);
        let may = !matches!(update::may(model, subject.as_ref(), Verb::Upload), May::No(_));
        let next = format!("{} uploads its first file.", model.key(Verb::Upload));
        return empty(theme, frame, below, &["Nothing is uploaded yet.", if may { &next } else { "" }]);
    };
    let [head, picture, lower] = areas(area, version, !told(model, rows, song, version, view).is_empty());
    header(model, theme, frame, head, rows, song, version, view);
    found(theme, frame, head, version, told(model, rows, song, version, view));
    picture_of(model, theme, frame, picture, rows, version, view);
    let left = (area.width * 2 / 5).clamp(26, 52);
    let [left, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Min(20)]).spacing(1).areas(lower);
    let (versions, ids) = version_lines(model, theme, usize::from(left.width), rows, version, view);
    let half = left.height.saturating_sub(left.height / 2);
    let top = u16::try_from(versions.len() + 1).unwrap_or(u16::MAX).min(half);
    let [top, bottom] = Layout::vertical([Constraint::Length(top), Constraint::Min(1)]).areas(left);
    put(frame, top, 0, heading(theme, "Versions", shootout(song), top.width, view.focus == Focus::Versions));
    theme.hit(top, || Hit::Pane(Focus::Versions));
    let first = first_listed(top, &versions);
    let shown = ids.into_iter().skip(first).take(usize::from(top.height.saturating_sub(1)));
    for (row, id) in (1..).zip(shown) {
        theme.hit(row_of(top, row), || Hit::Version(id.to_owned()));
    }
    list(frame, top, versions);
    gate_of(model, theme, frame, bottom, rows, song);
    notes::draw(model, theme, frame, right, rows, view);
}

/// Head, picture and what lies below.
fn areas(area: Rect, version: &VersionRow, found: bool) -> [Rect; 3] {
    let tall = area.height >= 30;
    let dots = match area.height {
        30.. => 8,
        19.. => 4,
        _ => 3,
    };
    let lines = if version.closed_with_thanks || found { 4 } else { 3 };
    let around = wave::lines(!version.sections.is_empty(), tall);
    Layout::vertical([Constraint::Length(lines), Constraint::Length(dots + around), Constraint::Min(3)])
        .areas(area)
}

/// Only of columns that are of this very window: a stretched picture is drawn in characters.
pub(super) fn picture_ask(model: &Model, body: Rect, view: &SongView) -> Option<wave::pixels::Ask> {
    let wave = model.wave.as_ref().filter(|it| it.state == WaveState::Here)?;
    let rows = model.projects.get(&view.project).filter(|it| it.loaded)?;
    let (song, version) = (rows.song(&view.song)?, view.version(rows)?);
    let (first, last, answer) = wave.data.as_ref()?;
    let of_this = wave.ask.version_id == version.version_id && *first == wave.ask.start_frame;
    // Single samples are drawn as a line between points, which characters do as well.
    if !of_this || last.saturating_sub(*first) <= u64::from(wave.ask.columns) || answer.channels == 0 {
        return None;
    }
    let [_, picture, _] = areas(body, version, !told(model, rows, song, version, view).is_empty());
    let inner = wave::dots(
        Rect { x: picture.x + 1, width: picture.width.saturating_sub(2), ..picture },
        !version.sections.is_empty(),
    )?;
    let pixels = model.settings.pixels?;
    Some(wave::pixels::Ask {
        ticket: wave.ask.ticket,
        cells: (inner.width, inner.height),
        ground: model.settings.ground,
        pixels,
    })
}

/// What the studio found out, and how much the viewer heard.
fn told(
    model: &Model,
    rows: &Project,
    song: &SongRow,
    version: &VersionRow,
    view: &SongView,
) -> Vec<(String, bool)> {
    let mut told = update::examined(rows, version);
    let file = view.file(version);
    let main = version.files.first().map(|it| it.alternate.as_str());
    let known = file.and_then(|file| {
        model.player.heard.get(&(version.version_id.clone(), file.alternate.clone())).copied()
    });
    // The row speaks of the main; of an alternate only the player knows.
    match file.filter(|file| Some(file.alternate.as_str()) != main).zip(known) {
        Some((file, percent)) => told.push((format!("heard {percent} % of {}", file.alternate), false)),
        None => told.extend(heard(rows, song, version, known)),
    }
    told
}

/// Mixes that compete are said where the versions stand.
fn shootout(song: &SongRow) -> &'static str {
    match &song.shootout {
        Some(it) if it.picked_version_id.is_empty() && it.blind => "compete, blind (s)",
        Some(it) if it.picked_version_id.is_empty() => "compete (s)",
        _ => "",
    }
}

/// How much the viewer heard; where the gate asks for more, the key that tells it of another player.
fn heard(rows: &Project, song: &SongRow, version: &VersionRow, known: Option<u32>) -> Option<(String, bool)> {
    let percent = version.heard_percent.max(known.unwrap_or(0));
    match rows.heard_asked(song) {
        asked if asked > percent && song.candidate_version_id == version.version_id => {
            Some((format!("! heard {percent} of {asked} % (E)"), true))
        }
        _ if percent > 0 => Some((format!("heard {percent} %"), false)),
        _ => None,
    }
}

/// What the studio found out by itself, before anyone is asked to listen.
fn found(theme: &Theme, frame: &mut Frame<'_>, area: Rect, version: &VersionRow, told: Vec<(String, bool)>) {
    let mut spans = vec![Span::raw(" ")];
    if version.closed_with_thanks {
        spans.push(Span::styled("closed with thanks: another mix was picked", theme.dim()));
    }
    for (text, warns) in told {
        if spans.len() > 1 {
            spans.push(Span::styled(" · ", theme.dim()));
        }
        spans.push(Span::styled(text, if warns { theme.warn() } else { theme.dim() }));
    }
    put(frame, area, 3, Line::from(spans));
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
    let due = match song.due_ms {
        0 => String::new(),
        due_ms => format!(
            " · {}{}",
            if song.overdue { "! " } else { "" },
            words::due(model.now_ms, due_ms, song.overdue)
        ),
    };
    let right = format!("{} · round {} of {included}{due} ", words::stage(song.stage()), song.rounds_used);
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
    let file = view.file(version);
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
    let file = view.file(version);
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
    let sample_rate = file.and_then(|it| it.facts.as_ref()).map_or(0, |it| it.sample_rate);
    let player = &model.player;
    let mine = player.is_on(&view.project, &view.song);
    // While somebody listens blind, nothing tells what it is that sounds.
    let playhead_us = player.at_us().filter(|_| mine);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let data = wave.and_then(|it| it.data.as_ref());
    let pixels = model.picture.1.as_ref().filter(|it| model.picture.0.as_ref() == Some(&it.ask));
    // A picture that characters cannot be written over goes where a question stands on it.
    let pixels = pixels.filter(|it| {
        Some(it.ask.ticket) == wave.map(|it| it.ask.ticket) && (it.overlays() || model.prompt.is_none())
    });
    let picture = wave::View {
        window_ms: view.window.unwrap_or((0, rows::length_ms(version))),
        sample_rate,
        cursor_us: view.cursor(),
        range_ms: view.range(),
        looped_us: player.looped_us().filter(|_| mine),
        playhead_us,
        playing: player.playing && mine && player.follow,
        others: others(model, view),
        marks: marks(rows, version, view, usize::from(wave::inside(inner).width)),
        sections: version.sections.iter().map(|it| (it.start_ms, it.name.as_str())).collect(),
        data,
        instead: &instead,
        look: look(model),
        pixels,
    };
    let (start_ms, end_ms) = picture.window_ms;
    theme.hit(wave::inside(inner), || Hit::Picture { start_ms, end_ms });
    wave::draw(theme, frame, inner, &picture);
}

/// Of more notes than this only the first of every cell is looked for: a song with a hundred thousand draws like one with ten.
const MARKS_ALL: usize = 400;

/// Notes where they stand in the version that is drawn.
fn marks(rows: &Project, version: &VersionRow, view: &SongView, columns: usize) -> Vec<wave::Mark> {
    let notes = rows.notes(&view.song, view.settled);
    let mark = |(at, note): (usize, &deadwax_proto::v1::NoteRow)| {
        let place = rows::place(note, &version.version_id);
        Some(wave::Mark { label: label(at), start_ms: place.start_ms?, end_ms: place.end_ms })
    };
    if notes.len() <= MARKS_ALL {
        return notes.iter().enumerate().filter_map(mark).collect();
    }
    let (start_ms, end_ms) = view.window.unwrap_or((0, rows::length_ms(version)));
    let span_ms = end_ms.saturating_sub(start_ms);
    // They are in the order in which they were written into the song; those on the whole song come first.
    let first_from = |ms: u64| {
        let (mut low, mut high) = (0, notes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let before = notes.get(middle).is_some_and(|it| it.start_ms.is_none_or(|start| start < ms));
            if before { low = middle + 1 } else { high = middle }
        }
        low
    };
    let mut found: Vec<usize> = Vec::new();
    for cell in 0..columns as u64 {
        let from = start_ms
            + u64::try_from(u128::from(span_ms) * u128::from(cell) / columns.max(1) as u128).unwrap_or(0);
        let at = first_from(from);
        if at < notes.len() && found.last() != Some(&at) {
            found.push(at);
        }
    }
    found.into_iter().filter_map(|at| mark((at, notes.get(at)?))).collect()
}

pub(super) fn look(model: &Model) -> wave::Look {
    wave::Look {
        dots: model.settings.dots,
        colours: if model.colour { model.settings.colours } else { Colours::None },
        ground: model.settings.ground,
    }
}

/// Playheads of others on this song, as far as they share them.
fn others(model: &Model, view: &SongView) -> Vec<wave::Other> {
    let here = model.presence.attendees.iter().filter(|it| !it.you && it.song_id == view.song);
    here.filter_map(|it| {
        let age_ms = if it.playing { u64::from(it.age_ms) } else { 0 };
        let at_us = it.playhead_ms?.saturating_add(age_ms).saturating_mul(1000);
        Some(wave::Other { name: it.name.clone(), at_us })
    })
    .collect()
}

/// The sign that ties a note of the list to its mark on the picture.
pub(super) fn label(at: usize) -> char {
    char::from_digit(u32::try_from(at + 1).unwrap_or(36), 36).unwrap_or('+')
}

/// Each version; below the shown one its files. The marked line is the one that must stay in sight. Beside the lines: the version that each is of.
fn version_lines<'a>(
    model: &Model,
    theme: &Theme,
    room: usize,
    rows: &'a Project,
    shown: &VersionRow,
    view: &SongView,
) -> (Vec<(Line<'static>, bool)>, Vec<&'a str>) {
    let focused = view.focus == Focus::Versions;
    let song_of = rows.song(&view.song);
    let (mut lines, mut ids) = (Vec::new(), Vec::new());
    for version in rows.versions(&view.song) {
        if focused && !filter::keeps(model, &lists::version(version)) {
            continue;
        }
        let is_shown = version.version_id == shown.version_id;
        let sign = if version.superseded { "·" } else { "●" };
        let mark = if is_shown { "▸" } else { " " };
        let text = format!(
            "{mark}{sign} {}{}  {}",
            words::version(version),
            said(rows, song_of, version),
            version.title
        );
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
        ids.resize(lines.len(), version.version_id.as_str());
    }
    (lines, ids)
}

/// What must be known of a version in one glance: whose it is where that is told, that it is closed, being examined, or leaves notes alone.
fn said(rows: &Project, song: Option<&SongRow>, version: &VersionRow) -> String {
    let shootout = song.and_then(|it| it.shootout.as_ref());
    let line = shootout.and_then(|it| it.lines.iter().find(|line| line.letter == version.line));
    let engineer = line.map_or("", |it| it.engineer.as_str());
    let picked = shootout.is_some_and(|it| it.picked_version_id == version.version_id);
    let mut parts = Vec::new();
    if !engineer.is_empty() {
        parts.push(clip(engineer, 14));
    }
    if picked {
        parts.push("picked".into());
    }
    if version.closed_with_thanks {
        parts.push("closed with thanks".into());
    }
    if let Some(it) = &version.examination {
        match it.state() {
            ExaminationState::Done => match rows::untouched(rows, version) {
                0 => {}
                left => parts.push(format!("! {left} untouched")),
            },
            ExaminationState::Pending | ExaminationState::Unspecified => parts.push("… examining".into()),
            ExaminationState::Failed => parts.push("× not examined".into()),
        }
    }
    if parts.is_empty() { String::new() } else { format!("  {}", parts.join(", ")) }
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

/// Of such lines the first that is in sight.
pub(super) fn first_listed(area: Rect, lines: &[(Line<'_>, bool)]) -> usize {
    let at = lines.iter().position(|(_, marked)| *marked).unwrap_or(0);
    first_shown(at, lines.len(), usize::from(area.height.saturating_sub(1)))
}

/// Lines below the heading, scrolled so that the marked one is in sight.
pub(super) fn list(frame: &mut Frame<'_>, area: Rect, lines: Vec<(Line<'_>, bool)>) {
    let height = usize::from(area.height.saturating_sub(1));
    let first = first_listed(area, &lines);
    for (row, (line, _)) in lines.into_iter().skip(first).take(height).enumerate() {
        put(frame, area, u16::try_from(row + 1).unwrap_or(u16::MAX), line);
    }
}

fn gate_of(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, rows: &Project, song: &SongRow) {
    let Some(gate) = rows.gate(&song.song_id) else { return };
    let met = if gate.met { "met" } else { "not met" };
    let rest = match song.due_ms {
        0 => format!("{met} (e)"),
        due_ms => format!("{met}, {} (e)", words::due(model.now_ms, due_ms, song.overdue)),
    };
    put(frame, area, 0, heading(theme, "Gate", &rest, area.width, false));
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
        match (crate::verbs::is_only_told(it, song.overdue), model.online()) {
            (true, _) => add("!", &it.text, theme.warn()),
            (false, true) => add("✓", &it.text, theme.good()),
            (false, false) => add("✓", &it.text, theme.dim()),
        }
    }
    for it in &gate.approvals {
        if matches!(it.state(), ApprovalState::Counts | ApprovalState::Outdated | ApprovalState::Withdrawn) {
            let line = update::approval_line(rows, it);
            let (sign, text) = line.split_once(' ').unwrap_or(("·", &line));
            add(sign, text, theme.dim());
        }
    }
    let height = usize::from(area.height.saturating_sub(1));
    if lines.len() > height && height > 0 {
        lines.truncate(height - 1);
        lines.push((" … e shows every line".into(), theme.dim()));
    }
    for (row, (line, style)) in lines.into_iter().enumerate() {
        put(frame, area, u16::try_from(row + 1).unwrap_or(u16::MAX), Line::styled(line, style));
    }
}
