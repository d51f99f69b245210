//! Questions on top of a screen. An approval quotes what is signed: title, version, length, loudness, true peak, every file and the
//! whole fingerprint; the yes is never the default.

mod blind;
mod choose;
mod form;
mod recipe;
mod record;
mod revision;
mod sections;
mod shootout;
mod sign;
mod upload;
mod write;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, Clear},
};
use ratatui_textarea::TextArea;

use super::{
    Hit, first_shown, put, row_of,
    text::{clip, pad, width, wrap},
    theme::Theme,
};
use crate::{
    scrub,
    tui::{
        keys::Verb,
        model::{Ask, ConfirmAsk, Model, ReadAsk, Sends, TickAsk},
        update, words,
    },
};

const CANCEL: &str = "[ Cancel ]";

/// Lines of a box: what is said, and how.
type Said = Vec<(String, Style)>;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &Ask) {
    match ask {
        Ask::Approve(ask) => sign::draw(model, theme, frame, area, ask),
        Ask::Confirm(ask) => confirm(model, theme, frame, area, ask),
        Ask::Write(ask) => write::draw(theme, frame, area, ask, model.hands.refused.as_deref()),
        Ask::Tick(ask) => tick(model, theme, frame, area, ask),
        Ask::Revision(ask) => revision::draw(model, theme, frame, area, ask),
        Ask::Recipe(ask) => recipe::draw(theme, frame, area, ask),
        Ask::Entrants(ask) => shootout::entrants(theme, frame, area, ask),
        Ask::Vote(ask) => shootout::vote(model, theme, frame, area, ask),
        Ask::Blind(ask) => blind::draw(model, theme, frame, area, ask),
        Ask::Sections(ask) => sections::draw(theme, frame, area, ask),
        Ask::Follow(ask) => choose::follow(model, theme, frame, area, ask),
        Ask::Palette(ask) => choose::palette(model, theme, frame, area, ask),
        Ask::Read(ask) => read(theme, frame, area, ask),
        Ask::Form(ask) => form::draw(theme, frame, area, ask),
        Ask::Upload(ask) => upload::draw(theme, frame, area, ask),
        Ask::Search(ask) => form::search(model, theme, frame, area, ask),
        Ask::Link(ask) => form::link(model, theme, frame, area, ask),
        Ask::Profiles(ask) => record::profiles(model, theme, frame, area, ask),
        Ask::Plan(ask) => record::plan(model, theme, frame, area, ask),
        Ask::SignRecord(ask) => record::sign(model, theme, frame, area, ask),
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
    // Nothing below an open question can be pressed.
    theme.hit(frame.area(), || Hit::Prompt);
    let title = format!(" {} ", clip(title, usize::from(columns.saturating_sub(6))));
    let block = Block::bordered().title(title).border_style(theme.accent()).title_style(theme.head());
    let inner = block.inner(place);
    frame.render_widget(block, place);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// The no can be pressed by the mouse; the yes never can.
fn buttons(
    theme: &Theme,
    frame: &mut Frame<'_>,
    (area, row): (Rect, u16),
    yes: &str,
    on_yes: bool,
    able: bool,
) {
    let style = |on: bool| if on { theme.chosen() } else { theme.plain() };
    let mut spans = vec![Span::styled(CANCEL, style(!on_yes || !able))];
    if able {
        spans.push(Span::raw("   "));
        spans.push(Span::styled(format!("[ {yes} ]"), style(on_yes)));
        spans.push(Span::styled("   Tab moves, y is yes, Esc is no", theme.dim()));
    } else {
        spans.push(Span::styled("   Nothing can be signed here; Enter or Esc closes", theme.dim()));
    }
    let columns = u16::try_from(width(CANCEL)).unwrap_or(0).min(area.width);
    theme.hit(Rect { width: columns, ..row_of(area, row) }, || Hit::Key(Verb::Back));
    put(frame, area, row, Line::from(spans));
}

fn say(frame: &mut Frame<'_>, area: Rect, from: u16, lines: Said) -> u16 {
    let mut row = from;
    for (line, style) in lines {
        put(frame, area, row, Line::styled(line, style));
        row += 1;
    }
    row
}

/// As it stands where it fits, else broken into lines: nothing of what is signed may be cut off.
fn whole(text: &str, room: usize, style: Style) -> Said {
    let text = scrub::line(text);
    if width(&text) <= room {
        return vec![(text, style)];
    }
    wrap(&text, room).into_iter().map(|line| (line, style)).collect()
}

/// Whether a body of this size holds the whole question: what is signed or confirmed, and what follows from it. The others scroll.
pub(super) fn fits(model: &Model, theme: &Theme, area: Rect, ask: &Ask) -> bool {
    let lines = match ask {
        Ask::Approve(ask) => sign::lines(model, theme, area, ask),
        // What was not scrolled to was not read.
        Ask::Confirm(ask) => {
            return confirm_scrolls(area) && ask.at >= confirm_last(model, theme, area, ask);
        }
        Ask::Write(ask) => write::lines(area, ask),
        Ask::Entrants(ask) => shootout::entrants_lines(area, ask),
        Ask::Form(ask) => form::lines(theme, area, ask),
        Ask::Upload(_) => upload::lines(),
        Ask::Link(ask) => form::link_lines(model, theme, area, ask),
        Ask::SignRecord(ask) => record::sign_lines(model, theme, area, ask),
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

fn confirm_columns(area: Rect) -> u16 {
    area.width.min(70)
}

fn confirm_lines(model: &Model, theme: &Theme, area: Rect, ask: &ConfirmAsk) -> Said {
    let room = usize::from(confirm_columns(area).saturating_sub(4));
    let mut said: Said = wrap(&ask.title, room).into_iter().map(|line| (line, theme.head())).collect();
    for line in ask.lines.iter().filter(|line| !line.is_empty()) {
        said.extend(wrap(line, room).into_iter().map(|line| (line, theme.plain())));
    }
    if let Sends::Signed(signed) = &ask.sends {
        if let Some((text, warns)) = update::signing::line(model) {
            said.extend(whole(&text, room, if warns { theme.warn() } else { theme.plain() }));
        }
        if signed.passphrase.is_some() {
            said.extend(whole("Passphrase: type it, nothing is shown; Enter signs.", room, theme.head()));
        }
    }
    said
}

/// Of the box without what is said: two borders, a line of its own before the buttons, the buttons.
const CONFIRM_LINES: u16 = 4;

/// Below this nobody could read in it.
fn confirm_scrolls(area: Rect) -> bool {
    area.height >= CONFIRM_LINES + 4
}

/// The first line that is shown where the last one is in sight.
pub(super) fn confirm_last(model: &Model, theme: &Theme, area: Rect, ask: &ConfirmAsk) -> usize {
    let room = usize::from(area.height.saturating_sub(CONFIRM_LINES));
    confirm_lines(model, theme, area, ask).len().saturating_sub(room)
}

fn confirm(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &ConfirmAsk) {
    let said = confirm_lines(model, theme, area, ask);
    let lines = u16::try_from(said.len()).unwrap_or(u16::MAX).saturating_add(CONFIRM_LINES).min(area.height);
    if !confirm_scrolls(area) {
        return too_small(theme, frame, area, "Please confirm", "answer");
    }
    let inner = open(theme, frame, area, "Please confirm", (confirm_columns(area), lines));
    let room = usize::from(lines.saturating_sub(CONFIRM_LINES));
    let first = ask.at.min(said.len().saturating_sub(room));
    let left = said.len().saturating_sub(first + room);
    let row = say(frame, inner, 0, said.into_iter().skip(first).take(room).collect());
    if left > 0 {
        let more = words::count(left, "line more", "lines more");
        let more = format!("{more}, ↓ moves; a yes counts once all is read");
        put(frame, inner, row, Line::styled(more, theme.warn()));
    }
    buttons(theme, frame, (inner, row + 1), ask.yes, ask.on_yes, true);
}

fn editor(theme: &Theme, frame: &mut Frame<'_>, area: Rect, area_of: &TextArea<'static>, numbers: bool) {
    // The widget keeps its own styles; a copy takes the theme's, so that drawing never changes the model.
    let mut area_of = area_of.clone();
    if numbers {
        area_of.set_line_number_style(theme.dim());
    }
    frame.render_widget(&area_of, area);
}

/// The text of a question that has more than a text: edited while it is its turn, else shown.
fn written(
    theme: &Theme,
    frame: &mut Frame<'_>,
    (label, area): (Rect, Rect),
    title: &'static str,
    text: &TextArea<'static>,
    writing: bool,
) {
    put(frame, label, 0, Line::styled(title, if writing { theme.accent() } else { theme.dim() }));
    if writing {
        return editor(theme, frame, area, text, false);
    }
    let lines = wrap(&text.lines().join("\n"), usize::from(area.width));
    say(frame, area, 0, lines.into_iter().map(|line| (line, theme.dim())).collect());
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
        theme.hit(row_of(inner, row), || Hit::Choice(line));
        put(frame, inner, row, Line::styled(text, theme.row(line == ask.at, false, true)));
    }
    put(
        frame,
        inner,
        inner.height.saturating_sub(1),
        Line::styled("Enter ticks or clears, Esc leaves", theme.dim()),
    );
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
