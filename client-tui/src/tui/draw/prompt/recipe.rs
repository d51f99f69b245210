//! The recipe in its editor: an error stands at its line, what each step does beside the text, recipes to begin with, and the reason that is kept with it.

use deadwax_dsp::recipe;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};
use ratatui_textarea::TextArea;

use super::{editor, open, say};
use crate::tui::{
    draw::{
        first_shown, put,
        text::{clip, pad, width, wrap},
        theme::Theme,
    },
    model::{Offers, RecipeAsk, RecipeCheck},
};

/// From here on the text and what its steps do stand beside each other.
const WIDE: u16 = 96;

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RecipeAsk) {
    let inner = open(theme, frame, area, "Recipe of the song", (area.width.min(118), area.height));
    let [body, told, keys] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(2), Constraint::Length(1)]).areas(inner);
    let wide = inner.width >= WIDE;
    let [text, side] = if wide {
        Layout::horizontal([Constraint::Percentage(56), Constraint::Fill(1)]).spacing(1).areas(body)
    } else {
        [body, body]
    };
    if let Some(why) = &ask.why {
        // The cursor is in the line below.
        let mut still = ask.area.clone();
        still.set_cursor_style(theme.plain());
        editor(theme, frame, text, &still, true);
        if wide {
            steps(theme, frame, side, ask);
        }
        return recipe_why(theme, frame, [told, keys], ask, why);
    }
    let other = ask.choosing.is_some() || ask.words;
    if wide || !other {
        editor(theme, frame, text, &ask.area, true);
        at_its_line(theme, frame, text, ask);
    }
    match ask.choosing {
        Some(at) => templates(theme, frame, side, ask, at),
        None if wide || other => steps(theme, frame, side, ask),
        None => {}
    }
    let (said, style) = verdict(theme, ask);
    let lines = wrap(&said, usize::from(told.width));
    say(frame, told, 0, lines.into_iter().map(|line| (line, style)).collect());
    let help = match (ask.choosing, wide, ask.words) {
        (Some(_), ..) => "↑ ↓ choose, Enter begins with it (Ctrl-U brings back what was there), Esc leaves",
        (_, true, _) => {
            "Ctrl-S checks and saves, Ctrl-T templates, Ctrl-E opens $EDITOR, Esc leaves without saving"
        }
        (_, _, true) => "Ctrl-O goes back to the text, Ctrl-S checks and saves",
        _ => "Ctrl-S saves, Ctrl-O explains, Ctrl-T templates, Ctrl-E $EDITOR, Esc leaves",
    };
    put(frame, keys, 0, Line::styled(clip(help, width(help).min(usize::from(keys.width))), theme.dim()));
}

/// The error that counts now: the studio's word where it was said of this text, else how this client reads it.
fn fault(ask: &RecipeAsk) -> Option<(usize, &str)> {
    match &ask.check {
        RecipeCheck::Answer(it) if it.valid => None,
        RecipeCheck::Answer(it) => Some((it.line as usize, it.text.as_str())),
        _ => ask.told.fault.as_ref().map(|(line, what)| (*line, what.as_str())),
    }
}

fn verdict(theme: &Theme, ask: &RecipeAsk) -> (String, ratatui::style::Style) {
    match (&ask.check, fault(ask)) {
        (RecipeCheck::Failed(why), _) => (format!("× {why}"), theme.bad()),
        (_, Some((0, what))) => (format!("× {what}"), theme.bad()),
        (_, Some((line, what))) => (format!("× Line {line}: {what}"), theme.bad()),
        (RecipeCheck::Answer(_), _) => ("✓ The studio finds it sound. Ctrl-S saves it.".into(), theme.good()),
        (RecipeCheck::Asked(_), _) => ("Checking ...".into(), theme.warn()),
        (RecipeCheck::Unknown, _) if ask.edited_ms.is_some() => {
            ("✓ It can be read; the studio is asked when you rest.".into(), theme.plain())
        }
        (RecipeCheck::Unknown, _) => (String::new(), theme.plain()),
    }
}

/// A sign at the number of the wrong line, and the error behind its text where there is room.
fn at_its_line(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RecipeAsk) {
    let Some((line, what)) = fault(ask).filter(|(line, _)| *line > 0) else { return };
    let gutter = ask.area.line_number_width().min(area.width);
    let buffer = frame.buffer_mut();
    let cells = |y: u16, from: u16, to: u16| {
        (from..to).filter_map(move |x| Some((x, y)).filter(|_| x < area.right()))
    };
    let row = (area.top()..area.bottom()).find(|y| {
        let number: String = cells(*y, area.x, area.x + gutter)
            .filter_map(|at| buffer.cell(at).map(|it| it.symbol().to_owned()))
            .collect();
        number.trim().parse::<usize>() == Ok(line)
    });
    let Some(y) = row else { return };
    let used = cells(y, area.x, area.right())
        .filter(|at| buffer.cell(*at).is_some_and(|it| it.symbol() != " "))
        .map(|(x, _)| x + 1)
        .max()
        .unwrap_or(area.x);
    if let Some(cell) = buffer.cell_mut((area.x, y)) {
        cell.set_symbol("×").set_style(theme.bad());
    }
    let room = usize::from(area.right().saturating_sub(used));
    if room >= 12 {
        let text = clip(&format!("  ‹ {what}"), room);
        buffer.set_string(used, y, text, theme.bad());
    }
}

/// What each step does.
fn steps(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RecipeAsk) {
    let room = usize::from(area.width);
    let stale = if ask.told.fault.is_some() { ", as it was last readable" } else { "" };
    let mut lines = vec![(format!("What it does{stale}"), theme.dim())];
    if ask.told.steps.is_empty() {
        lines.push(("Nothing yet: Ctrl-T has recipes to begin with.".into(), theme.plain()));
    }
    for (name, text) in &ask.told.steps {
        lines.push((clip(name, room), theme.head()));
        let body = wrap(text, room.saturating_sub(2));
        lines.extend(body.into_iter().map(|line| (format!("  {line}"), theme.plain())));
    }
    let height = usize::from(area.height);
    if lines.len() > height {
        lines.truncate(height.saturating_sub(1));
        lines.push(("…".into(), theme.dim()));
    }
    say(frame, area, 0, lines);
}

/// Recipes to begin with, each with what it is for.
fn templates(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RecipeAsk, at: usize) {
    let room = usize::from(area.width);
    let mut lines = Vec::new();
    match &ask.offers {
        Offers::Unasked | Offers::Asked(_) => lines.push(("Asking the studio ...".to_owned(), theme.warn())),
        Offers::Here(all, why) => {
            let head = why.clone().unwrap_or_else(|| "The studio's recipes".into());
            lines.extend(wrap(&head, room).into_iter().map(|line| (line, theme.dim())));
            let height = usize::from(area.height).saturating_sub(lines.len() + 4);
            let first = first_shown(at, all.len(), height);
            for (line, it) in all.iter().enumerate().skip(first).take(height) {
                let mark = if line == at { "▸ " } else { "  " };
                lines.push((pad(&format!("{mark}{}", it.name), room), theme.row(line == at, false, true)));
            }
            if let Some(it) = all.get(at) {
                let about = wrap(&recipe::described(&it.toml), room);
                lines.push((String::new(), theme.plain()));
                lines.extend(about.into_iter().take(3).map(|line| (line, theme.plain())));
            }
        }
    }
    say(frame, area, 0, lines);
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
