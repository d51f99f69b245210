//! Sixteen colours of the terminal's own palette, and the same screens without any: what colour says is said by a word or sign as well.

use ratatui::style::{Color, Modifier, Style};

pub(super) struct Theme {
    pub colour: bool,
}

impl Theme {
    fn tint(&self, colour: Color) -> Style {
        if self.colour { Style::default().fg(colour) } else { Style::default() }
    }

    pub fn plain(&self) -> Style {
        Style::default()
    }

    pub fn dim(&self) -> Style {
        if self.colour {
            Style::default().fg(Color::DarkGray)
        } else {
            Style::default().add_modifier(Modifier::DIM)
        }
    }

    pub fn head(&self) -> Style {
        Style::default().add_modifier(Modifier::BOLD)
    }

    pub fn brand(&self) -> Style {
        Style::default().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    pub fn accent(&self) -> Style {
        self.tint(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub fn key(&self) -> Style {
        self.tint(Color::Cyan)
    }

    pub fn good(&self) -> Style {
        self.tint(Color::Green)
    }

    pub fn warn(&self) -> Style {
        self.tint(Color::Yellow)
    }

    pub fn bad(&self) -> Style {
        self.tint(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub fn alarm(&self) -> Style {
        if self.colour {
            Style::default().fg(Color::Black).bg(Color::Yellow)
        } else {
            Style::default().add_modifier(Modifier::REVERSED)
        }
    }

    /// The chosen line of a list.
    pub fn chosen(&self) -> Style {
        Style::default().add_modifier(Modifier::REVERSED)
    }

    /// A row that changed a moment ago.
    pub fn fresh(&self) -> Style {
        self.tint(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub fn wave(&self) -> Style {
        self.tint(Color::Blue)
    }

    /// For a line of a list: chosen wins over fresh, offline greys the rest.
    pub fn row(&self, chosen: bool, fresh: bool, online: bool) -> Style {
        match (chosen, fresh, online) {
            (true, ..) => self.chosen(),
            (_, true, _) => self.fresh(),
            (_, _, false) => self.dim(),
            _ => self.plain(),
        }
    }
}
