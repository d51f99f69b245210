//! The recipe in its editor, what the check said, and the reason that is kept with it.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};
use ratatui_textarea::TextArea;

use super::{editor, open, say};
use crate::tui::{
    draw::{
        put,
        text::{clip, width, wrap},
        theme::Theme,
    },
    model::{RecipeAsk, RecipeCheck},
};

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &RecipeAsk) {
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
