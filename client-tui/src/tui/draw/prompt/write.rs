//! A text that somebody writes, with what follows from it above and whom it reaches below.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{Said, editor, open, say, too_small, whole};
use crate::tui::{
    draw::{put, text::clip, theme::Theme},
    model::{Addressee, Purpose, TEXT_CHARS_MAX, WriteAsk},
    words,
};

/// Of the box without the sentence of what follows.
const LINES: usize = 11;

fn columns(area: Rect) -> u16 {
    area.width.min(76)
}

fn consequence(area: Rect, ask: &WriteAsk) -> Vec<String> {
    let room = usize::from(columns(area).saturating_sub(4));
    if ask.consequence.is_empty() {
        return Vec::new();
    }
    whole(&ask.consequence, room, ratatui::style::Style::default())
        .into_iter()
        .map(|(line, _)| line)
        .collect()
}

/// What the window must hold before Enter counts: nothing where nothing follows.
pub(super) fn lines(area: Rect, ask: &WriteAsk) -> usize {
    match consequence(area, ask).len() {
        0 => 0,
        told => told + 7,
    }
}

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &WriteAsk, refused: Option<&str>) {
    if lines(area, ask) > usize::from(area.height) {
        return too_small(theme, frame, area, &ask.title, "read what follows from this");
    }
    let told: Said = consequence(area, ask).into_iter().map(|line| (line, theme.warn())).collect();
    let above = u16::try_from(told.len()).unwrap_or(u16::MAX);
    // At the bottom, so that the picture with the marked time stays in sight.
    let lines = area.height.min(u16::try_from(LINES).unwrap_or(u16::MAX).saturating_add(above));
    let bottom = Rect { y: area.y + area.height - lines, height: lines, ..area };
    let inner = open(theme, frame, bottom, &ask.title, (columns(area), lines));
    let [first, text, option, second, keys] = Layout::vertical([
        Constraint::Length(above),
        Constraint::Min(2),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(inner);
    say(frame, first, 0, told);
    editor(theme, frame, text, &ask.area, false);
    let room = usize::from(inner.width);
    let (one, two) = options(ask);
    put(frame, option, 0, Line::styled(clip(&one, room), theme.plain()));
    put(frame, second, 0, Line::styled(clip(&two, room), theme.plain()));
    let chars = text_area_chars(ask);
    let line = match (ask.problem, refused) {
        (Some(problem), _) => Line::styled(clip(problem, room), theme.bad()),
        (None, Some(refused)) => Line::styled(clip(&format!("× {refused}"), room), theme.bad()),
        (None, None) if chars > TEXT_CHARS_MAX => {
            let over = format!("{} of {}: too long to send", thousands(chars), thousands(TEXT_CHARS_MAX));
            Line::styled(clip(&over, room), theme.bad())
        }
        (None, None) if chars > TEXT_CHARS_MAX * 9 / 10 => {
            let told = format!(
                "{} of {}   Enter sends, Ctrl-E opens $EDITOR, Esc leaves",
                thousands(chars),
                thousands(TEXT_CHARS_MAX)
            );
            Line::styled(clip(&told, room), theme.warn())
        }
        (None, None) => Line::styled(
            "Enter sends, Alt-Enter breaks the line, Ctrl-E opens $EDITOR, Esc leaves",
            theme.dim(),
        ),
    };
    put(frame, keys, 0, line);
}

/// Two lines: whom it is for or as whom it is said, and who sees it.
fn options(ask: &WriteAsk) -> (String, String) {
    let seen = match ask.internal {
        Some(true) => "Internal: only engineers and producer see it. Ctrl-T changes that.",
        Some(false) => "Everybody sees it. Ctrl-T makes it internal to engineers and producer.",
        None => "",
    };
    match (&ask.purpose, &ask.addressee) {
        (Purpose::Hold { roles, role, .. }, _) => {
            let name = roles.get(*role).map_or("nobody", |role| words::role(*role));
            let choose = if roles.len() > 1 { "   Tab changes the role" } else { "" };
            (format!("You hold as {name}{choose}"), String::new())
        }
        (Purpose::Return { alternates, .. }, _) => {
            let text = ask.area.lines().join("\n");
            let items = crate::tui::update::parted(&text, alternates).1.len();
            let named = words::count(items, "file named", "files named");
            let how = format!("A line `instrumental: ends early` is said of that file. {named}.");
            (how, format!("Files: {}", alternates.join(", ")))
        }
        (Purpose::Decide(_), _) => ("The reason stands in History for everybody.".into(), String::new()),
        (Purpose::Pick { .. }, _) => {
            ("A reason helps those who were not picked; it may be empty.".into(), String::new())
        }
        (Purpose::Note { .. }, Some(people)) if seen.is_empty() => {
            (addressee(people), "A line that begins with [ ] becomes an item of its checklist.".into())
        }
        (_, Some(people)) => (addressee(people), seen.into()),
        _ => (String::new(), seen.into()),
    }
}

fn addressee(people: &Addressee) -> String {
    let name = people.chosen().map_or("nobody in particular", |(_, name)| name.as_str());
    format!("For: {}   (Tab changes)", clip(name, 40))
}

fn text_area_chars(ask: &WriteAsk) -> usize {
    ask.area.lines().join("\n").trim().chars().count()
}

/// "4,499"
fn thousands(count: usize) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}
