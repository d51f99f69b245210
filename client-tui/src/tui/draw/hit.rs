//! What lies where on the screen, for the mouse: told by the same code that draws it, so that a click can never meet something else than what is seen there.
//! Asked once for a click, never for a frame.

use ratatui::{Terminal, backend::TestBackend, layout::Rect};

use super::{paint, theme::Theme};
use crate::tui::{
    keys::Verb,
    model::{Focus, Model},
};

/// Something that can be pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A line of the screen's list, by its place in the whole list.
    Row(usize),
    /// A line of a list whose mark is held by id: a song of the board, a render.
    Id(String),
    Version(String),
    Note(String),
    /// One of the two lists of a song.
    Pane(Focus),
    /// The picture of a file from its first to its last column, in milliseconds.
    Picture {
        start_ms: u64,
        end_ms: u64,
    },
    /// A key that is named on the screen.
    Key(Verb),
    /// A line of an open question's list.
    Choice(usize),
    /// The open question: nothing below it can be pressed.
    Prompt,
}

/// Every area of the screen that can be pressed, the topmost last.
pub fn areas_of(model: &Model) -> Vec<(Rect, Hit)> {
    let theme = Theme::of(model).listening();
    let (columns, lines) = model.size;
    let Ok(mut page) = Terminal::new(TestBackend::new(columns, lines));
    let Ok(_) = page.draw(|frame| paint(model, &theme, frame));
    theme.heard()
}

/// What lies at a place.
pub fn hit(model: &Model, column: u16, line: u16) -> Option<(Rect, Hit)> {
    let place = ratatui::layout::Position::new(column, line);
    areas_of(model).into_iter().rev().find(|(area, _)| area.contains(place))
}
