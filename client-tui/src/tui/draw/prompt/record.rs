//! The questions before a record: what it is for, its dry run with every file and finding, and the signature. What is signed stands there in full: number,
//! fingerprint, files, masters, and who signs. Only the lines in sight are made.

use deadwax_proto::v1::{PlanFinding, PlanResponse, PlannedFile, RecordRow};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{Said, editor, open, say, too_small, whole};
use crate::{
    tui::{
        draw::{
            first_shown, put,
            text::{clip, pad, pad_left, pad_path, width, wrap},
            theme::Theme,
        },
        keys::Verb,
        model::Model,
        record::{PAGES, Page, Pane, PlanAsk, ProfilesAsk, SignAsk},
        rows::Project,
        update, words,
    },
    verbs::record::told,
};

const COLUMNS: u16 = 110;
/// Of the names of the lines below the list.
const LABEL: u16 = 10;

fn last_row(area: Rect) -> u16 {
    area.height.saturating_sub(1)
}

pub(super) fn profiles(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &ProfilesAsk) {
    let inner = open(theme, frame, area, "What is the record for?", (area.width.min(COLUMNS), area.height));
    if inner.height < 7 {
        return put(frame, inner, 0, Line::styled("Make the window larger. Esc closes.", theme.bad()));
    }
    let columns = usize::from(inner.width);
    let list = model.record.profiles.as_deref().unwrap_or_default();
    let height = usize::from(inner.height - 5);
    match (&ask.ticket, list.is_empty()) {
        (Some(_), true) => put(frame, inner, 0, Line::styled("Asking for the profiles ...", theme.dim())),
        (None, true) => {
            let text = "The studio lists no profile. Below is room for one of your own.";
            put(frame, inner, 0, Line::styled(clip(text, columns), theme.dim()));
        }
        _ => {}
    }
    let wide = columns >= 90;
    let name = if wide { 26 } else { 21 };
    let first = first_shown(ask.at.min(list.len().saturating_sub(1)), list.len(), height);
    for (at, it) in list.iter().enumerate().skip(first).take(height) {
        let here = ask.pane == Pane::List && at == ask.at;
        let sign = if ask.chosen.contains(&it.name) { "[x]" } else { "[ ]" };
        let whose = if it.of_the_studio { "the studio's: " } else { "" };
        let about = columns.saturating_sub(6 + name + 12);
        let text = format!(
            "{}{sign} {} {} {}",
            if here { "▸" } else { " " },
            pad(&it.name, name),
            pad(&it.dated, 10),
            pad(&format!("{whose}{}", it.about), about)
        );
        let row = u16::try_from(at - first).unwrap_or(u16::MAX);
        put(frame, inner, row, Line::styled(text, theme.row(here, false, true)));
    }
    let below = inner.height - 5;
    line(theme, frame, inner, (below + 1, "Own TOML", ask.pane == Pane::Own), &ask.own);
    line(theme, frame, inner, (below + 2, "Loudest", ask.pane == Pane::Loudest), &ask.loudest);
    let hint = match ask.pane {
        Pane::List => match list.len().saturating_sub(first + height) {
            0 => format!("{} chosen", ask.chosen.len()),
            below => format!("{} chosen; {below} more below", ask.chosen.len()),
        },
        Pane::Own => "The path of a profile of yours; several beside each other".into(),
        Pane::Loudest => "LUFS of the loudest song, all moved together; empty: as signed".into(),
    };
    let (text, style) = match &ask.problem {
        Some(problem) => (problem.clone(), theme.bad()),
        None => (hint, theme.dim()),
    };
    put(frame, inner, below + 3, Line::styled(clip(&text, columns), style));
    let keys = "Space chooses, Tab moves on, Enter shows the dry run, Esc leaves";
    put(frame, inner, last_row(inner), Line::styled(clip(keys, columns), theme.dim()));
}

fn line(
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    (row, label, here): (u16, &str, bool),
    text: &ratatui_textarea::TextArea<'static>,
) {
    let mark = if here { "▸" } else { " " };
    let style = if here { theme.accent() } else { theme.dim() };
    put(frame, area, row, Line::styled(format!("{mark}{label}"), style));
    let left = LABEL.min(area.width);
    let beside = Rect { x: area.x + left, y: area.y + row, width: area.width - left, height: 1 };
    if here {
        editor(theme, frame, beside, text, false);
    } else {
        let text = clip(&text.lines().join(" "), usize::from(beside.width));
        put(frame, beside, 0, Line::raw(text));
    }
}

pub(super) fn plan(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &PlanAsk) {
    let title = match ask.cut_on() {
        "" => "Dry run: nothing is made yet".to_owned(),
        medium => format!("Dry run on {medium}: nothing is made yet"),
    };
    let inner = open(theme, frame, area, &title, (area.width.min(COLUMNS), area.height));
    let columns = usize::from(inner.width);
    let Some(plan) = ask.plan.as_deref() else { return unplanned(theme, frame, inner, ask) };
    let (text, style) = match told::blocks(plan) {
        0 => (format!("✓ {}", told::sum(plan)), theme.good()),
        _ => (format!("× {}", told::sum(plan)), theme.bad()),
    };
    put(frame, inner, 0, Line::styled(clip(&text, columns), style));
    pages(theme, frame, inner, ask, plan);
    // What is said of the chosen finding stands below the list.
    let foot = match ask.page {
        Page::Findings => 5.min(inner.height / 3),
        Page::Files => 3.min(inner.height / 3),
        Page::Levels => 0,
    };
    let height = inner.height.saturating_sub(4 + foot);
    let list = Rect { y: inner.y + 2, height, ..inner };
    let len = update::plan_length(ask);
    let at = ask.at.min(len.saturating_sub(1));
    let rows = usize::from(height);
    let first = first_shown(at, len, rows);
    let project = model.projects.get(&ask.project);
    if len == 0 {
        put(frame, list, 0, Line::styled(nothing_on(ask.page), theme.dim()));
    }
    for (row, line) in (first..len.min(first + rows)).enumerate() {
        let here = line == at;
        let mark = if here { "▸" } else { " " };
        let (text, style) = match ask.page {
            Page::Findings => finding(theme, project, &plan.findings[line]),
            Page::Files => (file(&plan.files[line], columns.saturating_sub(1)), theme.plain()),
            Page::Levels => (ask.levels[line].clone(), theme.plain()),
        };
        let style = if here { theme.row(true, false, true) } else { style };
        let text = pad(&format!("{mark}{text}"), columns);
        put(frame, list, u16::try_from(row).unwrap_or(u16::MAX), Line::styled(text, style));
    }
    if let Some(it) = plan.findings.get(at).filter(|_| ask.page == Page::Findings) {
        let below = Rect { y: list.y + height, height: foot, ..inner };
        of_finding(theme, frame, below, it);
    }
    if let Some(it) = plan.files.get(at).filter(|_| ask.page == Page::Files) {
        of_file(theme, frame, Rect { y: list.y + height, height: foot, ..inner }, it);
    }
    foot_of_plan(model, theme, frame, inner, plan);
}

fn nothing_on(page: Page) -> &'static str {
    match page {
        Page::Findings => "✓ Nothing was found.",
        Page::Files => "No file would be made.",
        Page::Levels => "Nothing is said of its level.",
    }
}

fn unplanned(theme: &Theme, frame: &mut Frame<'_>, inner: Rect, ask: &PlanAsk) {
    let room = usize::from(inner.width);
    let said: Said = match &ask.problem {
        None => vec![("The studio lays out every file ...".into(), theme.dim())],
        Some((text, hint)) => {
            let mut said = whole(&format!("× {text}"), room, theme.bad());
            said.extend(whole(hint, room, theme.plain()));
            said
        }
    };
    say(frame, inner, 0, said);
    put(frame, inner, last_row(inner), Line::styled("Esc goes back to the profiles", theme.dim()));
}

fn pages(theme: &Theme, frame: &mut Frame<'_>, inner: Rect, ask: &PlanAsk, plan: &PlanResponse) {
    let mut spans = Vec::new();
    for page in PAGES {
        let name = match page {
            Page::Findings => format!("Findings {}", plan.findings.len()),
            Page::Files => format!("Files {}", plan.files.len()),
            Page::Levels => format!("Levels {}", ask.levels.len()),
        };
        let here = page == ask.page;
        let text = if here { format!("▸{name}  ") } else { format!(" {name}  ") };
        spans.push(Span::styled(text, if here { theme.accent() } else { theme.dim() }));
    }
    put(frame, inner, 1, Line::from(spans));
}

fn title<'a>(rows: Option<&'a Project>, song_id: &str) -> &'a str {
    let song = rows.filter(|_| !song_id.is_empty()).and_then(|rows| rows.song(song_id));
    song.map_or("", |it| it.title.as_str())
}

fn finding(theme: &Theme, rows: Option<&Project>, it: &PlanFinding) -> (String, Style) {
    let sign = if it.block { "×" } else { "!" };
    let of: Vec<&str> =
        [it.profile.as_str(), title(rows, &it.song_id)].into_iter().filter(|it| !it.is_empty()).collect();
    let of = if of.is_empty() { String::new() } else { format!("{}: ", of.join(", ")) };
    (format!("{sign} {of}{}", it.text), if it.block { theme.bad() } else { theme.warn() })
}

fn of_finding(theme: &Theme, frame: &mut Frame<'_>, area: Rect, it: &PlanFinding) {
    let room = usize::from(area.width);
    let word = if it.block { "blocks" } else { "warns" };
    let mut said: Said = whole(&format!("{} {word}: {}", it.code, it.text), room, theme.plain());
    if !it.mend.is_empty() {
        said.extend(whole(&format!("Mend: {}", it.mend), room, theme.plain()));
    }
    if !it.source.is_empty() {
        said.extend(whole(&format!("From: {}", it.source), room, theme.dim()));
    }
    let fit = usize::from(area.height).saturating_sub(1);
    if said.len() > fit {
        said.truncate(fit);
        if let Some((last, _)) = said.last_mut() {
            *last = format!("{}…", clip(last, room.saturating_sub(1)));
        }
    }
    say(frame, area, 1, said);
}

/// In a narrow list a long path loses its beginning: here all of it stands.
fn of_file(theme: &Theme, frame: &mut Frame<'_>, area: Rect, it: &PlannedFile) {
    let lines = wrap(&path(it), usize::from(area.width)).into_iter();
    let fit = usize::from(area.height).saturating_sub(1);
    say(frame, area, 1, lines.take(fit).map(|line| (line, theme.dim())).collect());
}

/// From the folder of its profile on.
fn path(it: &PlannedFile) -> String {
    let inner = told::inner(&it.profile, &it.folder);
    let inner = if inner.is_empty() { String::new() } else { format!("{inner}/") };
    format!("{}/{inner}{}", it.profile, it.name)
}

fn file(it: &PlannedFile, columns: usize) -> String {
    let exact = if it.exact { "=" } else { " " };
    let name = columns.saturating_sub(24 + 9 + 11 + 2);
    format!(
        "{} {exact}{}{}{}",
        pad_path(&path(it), name),
        pad(&it.format, 23),
        pad_left(&told::length(it.frames, it.sample_rate), 9),
        pad_left(&told::planned_size(it), 11),
    )
}

fn foot_of_plan(model: &Model, theme: &Theme, frame: &mut Frame<'_>, inner: Rect, plan: &PlanResponse) {
    let keys = "Tab turns the page, ↑ ↓ move, Esc goes back to the profiles";
    let (text, style) = match told::blocks(plan) {
        _ if !model.online() => ("× Not connected: it cannot be started now.".to_owned(), theme.bad()),
        0 => (format!("{} starts it", model.key(Verb::StartRecord)), theme.accent()),
        blocks => {
            let what = words::count(blocks, "thing stands", "things stand");
            (format!("× {what} in the way: mend what blocks first"), theme.bad())
        }
    };
    let row = last_row(inner);
    let columns = usize::from(inner.width);
    put(frame, inner, row.saturating_sub(1), Line::styled(clip(&text, columns), style));
    put(frame, inner, row, Line::styled(clip(keys, columns), theme.dim()));
}

/// The lines of a signature for a body of this size.
struct Quote {
    said: Said,
    able: bool,
}

/// Masters that are named; the fingerprint holds the others too.
fn masters(rows: &Project, row: &RecordRow, room: usize, lines: usize, style: Style) -> Said {
    let all = row.sources.len();
    let named = if all > lines { lines.saturating_sub(1) } else { all };
    let mut said: Said = Vec::new();
    for (at, it) in row.sources.iter().take(named).enumerate() {
        let (song, master) = update::record_source(rows, it);
        // Which bytes is never what is cut off.
        let song = clip(&song, room.saturating_sub(width(&master) + 7));
        said.push((format!("{:>3}. {song}, {master}", at + 1), style));
    }
    if all > named {
        let more = words::count(all - named, "master more", "masters more");
        said.push((format!("     and {more}; the fingerprint holds them all"), style));
    }
    said
}

impl Quote {
    fn of(model: &Model, theme: &Theme, area: Rect, ask: &SignAsk) -> Quote {
        let room = usize::from(sign_columns(area).saturating_sub(4));
        let rows = model.projects.get(&ask.project);
        let row = rows.and_then(|rows| update::record_by_number(rows, ask.number));
        let mut said: Said = Vec::new();
        if let Some(row) = row {
            let files = words::count(told::files(row), "file", "files");
            let size = words::bytes(told::bytes(row));
            let head = format!("Record {}: {files}, {size}, with spacing {}", ask.number, row.spacing);
            said.extend(whole(&head, room, theme.head()));
            said.extend(whole(&format!("For {}", row.profiles.join(", ")), room, theme.plain()));
        }
        let print = format!("Fingerprint {}", words::fingerprint(&ask.fingerprint));
        said.extend(whole(&print, room, theme.plain()));
        said.extend(wrap(&ask.fingerprint, room).into_iter().map(|line| (line, theme.dim())));
        let mut tail: Said = Vec::new();
        let role = |(at, role): (usize, &deadwax_proto::v1::Role)| {
            if at == ask.role { format!("({})", words::role(*role)) } else { words::role(*role).into() }
        };
        let roles: Vec<String> = ask.roles.iter().enumerate().map(role).collect();
        let choose = if ask.roles.len() > 1 { "   ↑↓ choose" } else { "" };
        let who = model.me.as_ref().map_or("You", |it| it.name.as_str());
        tail.extend(whole(&format!("{who} signs as {}{choose}", roles.join(" ")), room, theme.plain()));
        for it in row.iter().flat_map(|row| &row.cautions) {
            tail.extend(whole(&format!("! {it}"), room, theme.warn()));
        }
        if !ask.consequence.is_empty() {
            tail.extend(whole(&ask.consequence, room, theme.warn()));
        }
        if let Some((text, warns)) = update::signing::line(model) {
            tail.extend(whole(&text, room, if warns { theme.warn() } else { theme.plain() }));
        }
        let problem = update::sign_problem(model, ask);
        if let Some((text, hint)) = &problem {
            tail.extend(whole(&format!("× {text} {hint}"), room, theme.bad()));
        }
        if let (Some(rows), Some(row)) = (rows, row) {
            let left = usize::from(area.height).saturating_sub(said.len() + tail.len() + 6);
            said.push((String::new(), theme.plain()));
            said.extend(masters(rows, row, room, left.min(12), theme.plain()));
        }
        said.push((String::new(), theme.plain()));
        said.extend(tail);
        Quote { said, able: problem.is_none() }
    }

    /// With its frame, and the keys below a line of their own.
    fn lines(&self) -> usize {
        self.said.len() + 4
    }
}

fn sign_columns(area: Rect) -> u16 {
    area.width.min(90)
}

pub(super) fn sign_lines(model: &Model, theme: &Theme, area: Rect, ask: &SignAsk) -> usize {
    Quote::of(model, theme, area, ask).lines()
}

pub(super) fn sign(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &SignAsk) {
    let quote = Quote::of(model, theme, area, ask);
    let lines = u16::try_from(quote.lines()).unwrap_or(u16::MAX);
    let title = "Approve the record: sign these exact files?";
    if lines > area.height {
        return too_small(theme, frame, area, title, "sign");
    }
    let inner = open(theme, frame, area, title, (sign_columns(area), lines));
    let able = quote.able;
    say(frame, inner, 0, quote.said);
    let keys = match (&ask.passphrase, able) {
        (_, false) => "Nothing can be signed here; Esc closes",
        (Some(_), true) => "Type the passphrase, it is not shown. Enter signs, Esc leaves",
        (None, true) => "y signs, nothing else does; Esc leaves",
    };
    let style = if able { theme.accent() } else { theme.dim() };
    let keys = clip(keys, usize::from(inner.width));
    put(frame, inner, last_row(inner), Line::styled(keys, style));
}
