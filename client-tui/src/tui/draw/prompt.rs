//! Questions on top of a screen. An approval quotes what is signed: title, version, length, loudness, true peak, every file and the
//! whole fingerprint; the yes is never the default.

use deadwax_proto::v1::{self, VersionFile, VersionRow};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Clear},
};
use ratatui_textarea::TextArea;

use super::{
    first_shown, put,
    text::{clip, pad, pad_left, width, wrap},
    theme::Theme,
};
use crate::{
    scrub,
    tui::{
        model::{
            ApproveAsk, Ask, ConfirmAsk, Model, Purpose, ReadAsk, RecipeAsk, RecipeCheck, RevisionAsk,
            TickAsk, WriteAsk,
        },
        rows, update, words,
    },
};

/// Lines of a box: what is said, and how.
type Said = Vec<(String, Style)>;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &Ask) {
    match ask {
        Ask::Approve(ask) => approve(model, theme, frame, area, ask),
        Ask::Confirm(ask) => confirm(theme, frame, area, ask),
        Ask::Write(ask) => write(theme, frame, area, ask),
        Ask::Tick(ask) => tick(model, theme, frame, area, ask),
        Ask::Revision(ask) => revision(model, theme, frame, area, ask),
        Ask::Recipe(ask) => recipe(theme, frame, area, ask),
        Ask::Read(ask) => read(theme, frame, area, ask),
    }
}

/// A box in the middle, cleared; the answer is its inside.
fn open(theme: &Theme, frame: &mut Frame<'_>, area: Rect, title: &str, size: (u16, u16)) -> Rect {
    let (columns, lines) = (size.0.min(area.width), size.1.min(area.height));
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - lines) / 2,
        width: columns,
        height: lines,
    };
    frame.render_widget(Clear, place);
    let title = format!(" {} ", clip(title, usize::from(columns.saturating_sub(6))));
    let block = Block::bordered().title(title).border_style(theme.accent()).title_style(theme.head());
    let inner = block.inner(place);
    frame.render_widget(block, place);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

fn buttons<'a>(theme: &Theme, yes: &str, on_yes: bool, able: bool) -> Line<'a> {
    let style = |on: bool| if on { theme.chosen() } else { theme.plain() };
    if !able {
        return Line::from(vec![
            Span::styled("[ Cancel ]", theme.chosen()),
            Span::styled("   Nothing can be signed here; Enter or Esc closes", theme.dim()),
        ]);
    }
    Line::from(vec![
        Span::styled("[ Cancel ]", style(!on_yes)),
        Span::raw("   "),
        Span::styled(format!("[ {yes} ]"), style(on_yes)),
        Span::styled("   Tab moves, y is yes, Esc is no", theme.dim()),
    ])
}

fn say(frame: &mut Frame<'_>, area: Rect, from: u16, lines: Said) -> u16 {
    let mut row = from;
    for (line, style) in lines {
        put(frame, area, row, Line::styled(line, style));
        row += 1;
    }
    row
}

/// The lines of an approval for a body of this size: what is signed, its files, as whom, and whether it can be signed.
struct Quote {
    head: Said,
    files: Said,
    tail: Said,
    able: bool,
}

impl Quote {
    fn of(model: &Model, theme: &Theme, area: Rect, ask: &ApproveAsk) -> Quote {
        let room = usize::from(approve_columns(area).saturating_sub(4));
        let rows = model.projects.get(&ask.project);
        let version = rows.and_then(|rows| rows.version(&ask.version));
        let song = version.and_then(|it| rows?.song(&it.song_id)).map_or("", |it| it.title.as_str());
        let mut head: Said = vec![(clip(song, room), theme.head())];
        if let Some(version) = version {
            head.extend(quote(theme, version, room));
        }
        let digest = format!("Fingerprint {}", words::fingerprint(&ask.fingerprint));
        head.extend(whole(&digest, room, theme.plain()));
        head.extend(wrap(&ask.fingerprint, room).into_iter().map(|line| (line, theme.dim())));
        let role = |(at, role): (usize, &v1::Role)| {
            if at == ask.role { format!("({})", words::role(*role)) } else { words::role(*role).into() }
        };
        let roles: Vec<String> = ask.roles.iter().enumerate().map(role).collect();
        let choose = if ask.roles.len() > 1 { "   ↑↓ choose" } else { "" };
        let mut tail = whole(&format!("You sign as {}{choose}", roles.join(" ")), room, theme.plain());
        let problem = update::approve_problem(model, ask);
        let able = problem.is_none();
        tail.extend(match problem {
            None => {
                let exactly = "You sign exactly these files; a new upload needs a new signature.";
                whole(exactly, room, theme.dim())
            }
            Some((text, hint)) => whole(&format!("× {text} {hint}"), room, theme.bad()),
        });
        let files_room = usize::from(area.height).saturating_sub(head.len() + tail.len() + 6).max(1);
        let files = version.map_or_else(Vec::new, |it| files(theme, it, room, files_room));
        Quote { head, files, tail, able }
    }

    /// With the border, the empty lines between the parts, and the buttons.
    fn lines(&self) -> usize {
        self.head.len() + self.files.len() + self.tail.len() + 6
    }
}

fn approve_columns(area: Rect) -> u16 {
    area.width.min(84)
}

/// As it stands where it fits, else broken into lines: nothing of what is signed may be cut off.
fn whole(text: &str, room: usize, style: Style) -> Said {
    let text = scrub::line(text);
    if width(&text) <= room {
        return vec![(text, style)];
    }
    wrap(&text, room).into_iter().map(|line| (line, style)).collect()
}

/// Whether a body of this size holds the whole question of an approval or a confirmation. The others scroll.
pub(super) fn fits(model: &Model, theme: &Theme, area: Rect, ask: &Ask) -> bool {
    let lines = match ask {
        Ask::Approve(ask) => Quote::of(model, theme, area, ask).lines(),
        Ask::Confirm(ask) => confirm_lines(theme, area, ask).len() + 4,
        _ => return true,
    };
    lines <= usize::from(area.height)
}

/// Instead of a question that would stand there in part: what is not on the screen cannot be answered.
fn too_small(theme: &Theme, frame: &mut Frame<'_>, area: Rect, title: &str, what: &str) {
    let columns = area.width.min(70);
    let text = format!("Make the window larger to {what}. Esc closes.");
    let said = whole(&text, usize::from(columns.saturating_sub(4)), theme.bad());
    let lines = u16::try_from(said.len() + 2).unwrap_or(u16::MAX);
    let inner = open(theme, frame, area, title, (columns, lines));
    say(frame, inner, 0, said);
}

fn approve(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &ApproveAsk) {
    let quote = Quote::of(model, theme, area, ask);
    let title = "Approve: sign these exact files?";
    let lines = u16::try_from(quote.lines()).unwrap_or(u16::MAX);
    if lines > area.height {
        return too_small(theme, frame, area, title, "sign");
    }
    let inner = open(theme, frame, area, title, (approve_columns(area), lines));
    let row = say(frame, inner, 0, quote.head);
    let row = say(frame, inner, row + 1, quote.files);
    let row = say(frame, inner, row + 1, quote.tail);
    put(frame, inner, row + 1, buttons(theme, "Approve", ask.on_yes, quote.able));
}

/// Title, who and when, length and levels of the Main.
fn quote(theme: &Theme, version: &VersionRow, room: usize) -> Said {
    let name = words::version(version);
    let title = if version.title.is_empty() { name } else { format!("{name}  {}", version.title) };
    let title = format!("{title}  by {}", version.uploaded_by);
    let length = words::clock(rows::length_ms(version), true);
    let levels =
        rows::main_file(version).and_then(|it| it.facts.as_ref()).map_or_else(String::new, |facts| {
            format!("{}   {}", words::lufs(facts.integrated_lufs), words::dbtp(facts.true_peak_dbtp))
        });
    let mut said = vec![(clip(&title, room), theme.head())];
    said.extend(whole(&format!("Length {length}   {levels}"), room, theme.plain()));
    said
}

/// Each file with its alternate, format, size and the first digits of its digest.
fn files(theme: &Theme, version: &VersionRow, room: usize, lines: usize) -> Said {
    if version.files.len() > lines {
        return groups(theme, version, room, lines);
    }
    let mut said: Said = Vec::new();
    let name = room.saturating_sub(15 + 13 + 9 + 2 + 12);
    for file in &version.files {
        let format = file.facts.as_ref().map_or_else(String::new, words::format);
        let size = file.facts.as_ref().map_or_else(String::new, |it| words::bytes(it.bytes));
        let digest: String = file.sha256.chars().take(12).collect();
        let line = format!(
            "{}{}{}{}  {}",
            pad(&file.alternate, 15),
            pad(&format, 13),
            pad(&file.name, name),
            pad_left(&size, 9),
            clip(&digest, 12)
        );
        said.push((line, theme.plain()));
    }
    said
}

/// Where the files are more than the lines: an alternate a line, with its formats.
fn groups(theme: &Theme, version: &VersionRow, room: usize, lines: usize) -> Said {
    let groups: Vec<&[VersionFile]> = version.files.chunk_by(|a, b| a.alternate == b.alternate).collect();
    let shown = if groups.len() > lines { lines.saturating_sub(1) } else { groups.len() };
    let mut said: Said = Vec::new();
    for group in &groups[..shown] {
        let facts = || group.iter().filter_map(|it| it.facts.as_ref());
        let size = words::bytes(facts().map(|it| it.bytes).sum());
        let formats = facts().map(words::format).collect::<Vec<_>>().join(", ");
        let middle = room.saturating_sub(15 + 9);
        let line = format!("{}{}{}", pad(&group[0].alternate, 15), pad(&formats, middle), pad_left(&size, 9));
        said.push((line, theme.plain()));
    }
    let left: usize = groups[shown..].iter().map(|group| group.len()).sum();
    if left > 0 {
        let more = words::count(left, "file more", "files more");
        said.push((format!("and {more}; the fingerprint holds them all"), theme.dim()));
    }
    said
}

fn confirm_columns(area: Rect) -> u16 {
    area.width.min(70)
}

fn confirm_lines(theme: &Theme, area: Rect, ask: &ConfirmAsk) -> Said {
    let room = usize::from(confirm_columns(area).saturating_sub(4));
    let mut said: Said = wrap(&ask.title, room).into_iter().map(|line| (line, theme.head())).collect();
    for line in ask.lines.iter().filter(|line| !line.is_empty()) {
        said.extend(wrap(line, room).into_iter().map(|line| (line, theme.plain())));
    }
    said
}

fn confirm(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &ConfirmAsk) {
    let said = confirm_lines(theme, area, ask);
    let lines = u16::try_from(said.len() + 4).unwrap_or(u16::MAX);
    if lines > area.height {
        return too_small(theme, frame, area, "Please confirm", "answer");
    }
    let inner = open(theme, frame, area, "Please confirm", (confirm_columns(area), lines));
    let row = say(frame, inner, 0, said);
    put(frame, inner, row + 1, buttons(theme, ask.yes, ask.on_yes, true));
}

fn editor(theme: &Theme, frame: &mut Frame<'_>, area: Rect, area_of: &TextArea<'static>, numbers: bool) {
    // The widget keeps its own styles; a copy takes the theme's, so that drawing never changes the model.
    let mut area_of = area_of.clone();
    if numbers {
        area_of.set_line_number_style(theme.dim());
    }
    frame.render_widget(&area_of, area);
}

fn write(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &WriteAsk) {
    let columns = area.width.min(76);
    // At the bottom, so that the picture with the marked time stays in sight.
    let lines = area.height.min(11);
    let bottom = Rect { y: area.y + area.height - lines, height: lines, ..area };
    let inner = open(theme, frame, bottom, &ask.title, (columns, lines));
    let [text, option, told] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(1), Constraint::Length(1)]).areas(inner);
    editor(theme, frame, text, &ask.area, false);
    let chosen = match (&ask.purpose, ask.internal) {
        (Purpose::Hold { roles, role, .. }, _) => {
            let name = roles.get(*role).map_or("nobody", |role| words::role(*role));
            let choose = if roles.len() > 1 { "   Tab changes the role" } else { "" };
            format!("You hold as {name}{choose}")
        }
        (_, Some(true)) => "Internal: only engineers and producer see it. Ctrl-T changes that.".into(),
        (_, Some(false)) => "Everybody sees it. Ctrl-T makes it internal to engineers and producer.".into(),
        _ => String::new(),
    };
    let room = usize::from(inner.width);
    put(frame, option, 0, Line::styled(clip(&chosen, room), theme.plain()));
    let line = match ask.problem {
        Some(problem) => Line::styled(clip(problem, room), theme.bad()),
        None => Line::styled(
            "Enter sends, Alt-Enter breaks the line, Ctrl-E opens $EDITOR, Esc leaves",
            theme.dim(),
        ),
    };
    put(frame, told, 0, line);
}

fn tick(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &TickAsk) {
    let note = model.projects.get(&ask.project).and_then(|rows| rows.note(&ask.note));
    let items = note.map_or(&[][..], |it| it.checklist.as_slice());
    let lines = u16::try_from(items.len() + 4).unwrap_or(u16::MAX);
    let inner = open(theme, frame, area, "Checklist", (area.width.min(60), lines));
    let height = usize::from(inner.height.saturating_sub(2));
    let first = first_shown(ask.at, items.len(), height);
    for (line, item) in items.iter().enumerate().skip(first).take(height) {
        let sign = if item.done { "[x]" } else { "[ ]" };
        let text = pad(&format!("{sign} {}", item.text), usize::from(inner.width));
        let row = u16::try_from(line - first).unwrap_or(u16::MAX);
        put(frame, inner, row, Line::styled(text, theme.row(line == ask.at, false, true)));
    }
    put(
        frame,
        inner,
        inner.height.saturating_sub(1),
        Line::styled("Enter ticks or clears, Esc leaves", theme.dim()),
    );
}

fn revision(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RevisionAsk) {
    let Some(rows) = model.projects.get(&ask.project) else { return };
    let version = rows.version(&ask.version);
    let name = version.map_or_else(|| "the version".into(), words::version);
    let included = rows.head().map_or(0, |it| it.rounds_included);
    let song = version.and_then(|it| rows.song(&it.song_id));
    let round = song.map_or(1, |it| it.rounds_used + 1);
    let title = format!("Ask for a revision of {name}: round {round} of {included} included");
    let lines = u16::try_from(ask.chosen.len()).unwrap_or(u16::MAX).clamp(2, 11) + 9;
    let inner = open(theme, frame, area, &title, (area.width.min(84), lines));
    let [top, list, label, text, told] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
        Constraint::Length(4),
        Constraint::Length(1),
    ])
    .areas(inner);
    let role = ask.roles.get(ask.role).map_or("nobody", |role| words::role(*role));
    let choose = if ask.roles.len() > 1 { "  (← → changes)" } else { "" };
    let beyond = if round > included { "  This round is beyond the terms." } else { "" };
    let style = if round > included { theme.warn() } else { theme.plain() };
    put(frame, top, 0, Line::styled(format!("As {role}{choose}{beyond}"), style));
    let height = usize::from(list.height);
    let first = first_shown(ask.at, ask.chosen.len(), height);
    for (line, (id, chosen)) in ask.chosen.iter().enumerate().skip(first).take(height) {
        let Some(note) = rows.note(id) else { continue };
        let sign = if *chosen { "[x]" } else { "[ ]" };
        let time = note.start_ms.map_or_else(|| "song".into(), |ms| words::clock(ms, true));
        let text = format!("{sign} {} {}: {}", pad(&time, 6), clip(&note.author, 14), note.text);
        let style = theme.row(line == ask.at && !ask.writing, false, true);
        let row = u16::try_from(line - first).unwrap_or(u16::MAX);
        put(frame, list, row, Line::styled(pad(&text, usize::from(list.width)), style));
    }
    put(frame, label, 0, Line::styled("Message", if ask.writing { theme.accent() } else { theme.dim() }));
    if ask.writing {
        editor(theme, frame, text, &ask.area, false);
    } else {
        let lines = wrap(&ask.area.lines().join("\n"), usize::from(text.width));
        say(frame, text, 0, lines.into_iter().map(|line| (line, theme.dim())).collect());
    }
    let room = usize::from(inner.width);
    let line = match (ask.problem, ask.writing) {
        (Some(problem), _) => Line::styled(clip(problem, room), theme.bad()),
        (_, true) => {
            Line::styled("Enter sends, Alt-Enter breaks the line, Tab to the notes, Esc leaves", theme.dim())
        }
        _ => Line::styled("Space chooses, Enter goes on to the message, Esc leaves", theme.dim()),
    };
    put(frame, told, 0, line);
}

fn recipe(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RecipeAsk) {
    let inner = open(theme, frame, area, "Recipe of the song", (area.width.min(90), area.height));
    let [text, told, keys] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(2), Constraint::Length(1)]).areas(inner);
    if let Some(why) = &ask.why {
        // The cursor is in the line below.
        let mut still = ask.area.clone();
        still.set_cursor_style(theme.plain());
        editor(theme, frame, text, &still, true);
        return recipe_why(theme, frame, [told, keys], ask, why);
    }
    editor(theme, frame, text, &ask.area, true);
    let (said, style) = match &ask.check {
        RecipeCheck::Unknown => (String::new(), theme.plain()),
        RecipeCheck::Asked(_) => ("Checking ...".into(), theme.warn()),
        RecipeCheck::Answer(it) if it.valid => ("✓ The recipe is sound.".into(), theme.good()),
        RecipeCheck::Answer(it) => (format!("× Line {}: {}", it.line, it.text), theme.bad()),
        RecipeCheck::Failed(why) => (format!("× {why}"), theme.bad()),
    };
    let lines = wrap(&said, usize::from(told.width));
    say(frame, told, 0, lines.into_iter().map(|line| (line, style)).collect());
    let help = "Ctrl-S checks and saves, Ctrl-E opens $EDITOR, Esc leaves without saving";
    put(frame, keys, 0, Line::styled(clip(help, width(help).min(usize::from(keys.width))), theme.dim()));
}

/// The recipe is sound; why it is set is kept with it.
fn recipe_why(
    theme: &Theme,
    frame: &mut Frame<'_>,
    [told, keys]: [Rect; 2],
    ask: &RecipeAsk,
    why: &TextArea<'static>,
) {
    let (said, style) = match &ask.check {
        RecipeCheck::Failed(problem) => (format!("× {problem}"), theme.bad()),
        _ => ("✓ The recipe is sound. Why this change? It is kept with the recipe.".into(), theme.good()),
    };
    put(frame, told, 0, Line::styled(clip(&said, usize::from(told.width)), style));
    let line = Rect { y: told.y + 1, height: 1, ..told };
    editor(theme, frame, line, why, false);
    let help = "Enter saves, Esc goes back to the recipe";
    put(frame, keys, 0, Line::styled(clip(help, usize::from(keys.width)), theme.dim()));
}

fn read(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &ReadAsk) {
    // A page that was laid out wider gets the room it was made for.
    let longest = ask.lines.iter().map(|line| width(line) + 4).max().unwrap_or(0);
    let columns = area.width.min(u16::try_from(longest.max(90)).unwrap_or(u16::MAX));
    let room = usize::from(columns.saturating_sub(4));
    let wrapped: Vec<String> = ask.lines.iter().flat_map(|line| hanging(line, room)).collect();
    let lines = u16::try_from(wrapped.len() + 4).unwrap_or(u16::MAX);
    let inner = open(theme, frame, area, &ask.title, (columns, lines));
    let height = usize::from(inner.height.saturating_sub(2));
    let first = ask.at.min(wrapped.len().saturating_sub(height));
    let shown = wrapped
        .iter()
        .skip(first)
        .take(height)
        .map(|line| (line.clone(), if line.starts_with(' ') { theme.plain() } else { theme.head() }));
    say(frame, inner, 0, shown.collect());
    let more = wrapped.len().saturating_sub(first + height);
    let more = if more == 0 {
        String::new()
    } else {
        format!("{}, ↓ moves   ", words::count(more, "line more", "lines more"))
    };
    let keys = Line::styled(format!("{more}Esc closes"), theme.dim());
    put(frame, inner, inner.height.saturating_sub(1), keys);
}

/// Wrapped with its indent kept; an empty line stays one.
fn hanging(line: &str, room: usize) -> Vec<String> {
    let bare = line.trim_start();
    let indent = line.len() - bare.len();
    if bare.is_empty() {
        return vec![String::new()];
    }
    if width(line) <= room {
        return vec![line.to_owned()];
    }
    let lines = wrap(bare, room.saturating_sub(indent));
    lines.into_iter().map(|it| format!("{}{it}", " ".repeat(indent))).collect()
}
