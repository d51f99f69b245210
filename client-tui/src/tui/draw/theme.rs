//! Every style of every screen: true colours, sixteen, or none, on a dark or a light ground, with what a person changed. What colour says is said by a
//! word or sign as well. Never here: what is drawn where.

use std::cell::RefCell;

use ratatui::{
    layout::Rect,
    style::{Color, Modifier, Style},
};

use super::hit::Hit;
use crate::tui::{
    model::Model,
    settings::{Colours, Ground, Settings, Tint, contrast, nearest, rgb},
};

pub(super) struct Theme {
    colours: Colours,
    /// In the order of `Tint::ALL`; `None`: the terminal's own colour.
    tints: [Option<Color>; Tint::ALL.len()],
    /// Where something can be pressed; filled only while somebody asks.
    hits: Option<RefCell<Vec<(Rect, Hit)>>>,
}

impl Theme {
    pub fn of(model: &Model) -> Theme {
        if model.colour { Theme::with(&model.settings) } else { Theme::bare() }
    }

    /// Without any colour: also for whoever only measures.
    pub const fn bare() -> Theme {
        Theme { colours: Colours::None, tints: [None; Tint::ALL.len()], hits: None }
    }

    fn with(settings: &Settings) -> Theme {
        let colours = settings.colours;
        let tints = Tint::ALL.map(|tint| match (colours, settings.tints.get(&tint)) {
            (Colours::None, _) => None,
            (Colours::True, Some(own)) => Some(*own),
            (Colours::Sixteen, Some(own)) => Some(nearest(*own)),
            (_, None) => shipped(tint, colours, settings.ground),
        });
        Theme { colours, tints, hits: None }
    }

    /// The same, and it remembers what can be pressed.
    pub fn listening(mut self) -> Theme {
        self.hits = Some(RefCell::default());
        self
    }

    /// Says that this area can be pressed. What is told later lies on top.
    pub fn hit(&self, area: Rect, hit: impl FnOnce() -> Hit) {
        if let Some(hits) = &self.hits {
            hits.borrow_mut().push((area, hit()));
        }
    }

    pub fn heard(self) -> Vec<(Rect, Hit)> {
        self.hits.map(RefCell::into_inner).unwrap_or_default()
    }

    fn colour(&self, tint: Tint) -> Option<Color> {
        self.tints[tint as usize]
    }

    /// Text in the colour of its role.
    pub fn tint(&self, tint: Tint) -> Style {
        self.colour(tint).map_or_else(Style::default, |it| Style::default().fg(it))
    }

    /// Black or white on a ground, whichever reads better; reversed where there is no colour for it.
    fn ground(&self, tint: Tint) -> Style {
        match self.colour(tint) {
            None => Style::default().add_modifier(Modifier::REVERSED),
            Some(ground) => {
                let parts = rgb(ground).unwrap_or_default();
                let black = contrast(parts, (0, 0, 0)) >= contrast(parts, (255, 255, 255));
                let (dark, light) = match self.colours {
                    Colours::True => (Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)),
                    _ => (Color::Black, Color::White),
                };
                Style::default().bg(ground).fg(if black { dark } else { light })
            }
        }
    }

    pub fn plain(&self) -> Style {
        Style::default()
    }

    pub fn dim(&self) -> Style {
        match self.colour(Tint::Dim) {
            Some(colour) => Style::default().fg(colour),
            None => Style::default().add_modifier(Modifier::DIM),
        }
    }

    pub fn head(&self) -> Style {
        Style::default().add_modifier(Modifier::BOLD)
    }

    pub fn brand(&self) -> Style {
        Style::default().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    pub fn accent(&self) -> Style {
        self.tint(Tint::Accent).add_modifier(Modifier::BOLD)
    }

    pub fn key(&self) -> Style {
        self.tint(Tint::Key)
    }

    pub fn good(&self) -> Style {
        self.tint(Tint::Good)
    }

    pub fn warn(&self) -> Style {
        self.tint(Tint::Warn)
    }

    pub fn bad(&self) -> Style {
        self.tint(Tint::Bad).add_modifier(Modifier::BOLD)
    }

    pub fn alarm(&self) -> Style {
        self.ground(Tint::Alarm)
    }

    /// The chosen line of a list.
    pub fn chosen(&self) -> Style {
        self.ground(Tint::Chosen)
    }

    /// A row that changed a moment ago.
    pub fn fresh(&self) -> Style {
        self.tint(Tint::Fresh).add_modifier(Modifier::BOLD)
    }

    pub fn wave(&self) -> Style {
        self.tint(Tint::Wave)
    }

    /// A word of the filter, where it stands. Keeps what lies below but its ground.
    pub fn found(&self) -> Style {
        match self.colour(Tint::Found) {
            Some(_) => self.ground(Tint::Found).add_modifier(Modifier::UNDERLINED),
            None => Style::default().add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
        }
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

/// What comes with the client. The chosen line is reversed everywhere: it reads as well as the terminal's own text does.
fn shipped(tint: Tint, colours: Colours, ground: Ground) -> Option<Color> {
    match (colours, ground) {
        (Colours::None, _) => None,
        (Colours::Sixteen, Ground::Dark) => sixteen_dark(tint),
        (Colours::Sixteen, Ground::Light) => sixteen_light(tint),
        (Colours::True, Ground::Dark) => true_dark(tint),
        (Colours::True, Ground::Light) => true_light(tint),
    }
}

fn sixteen_dark(tint: Tint) -> Option<Color> {
    Some(match tint {
        Tint::Accent | Tint::Key | Tint::Range => Color::Cyan,
        Tint::Good => Color::Green,
        Tint::Warn | Tint::Fresh | Tint::Alarm | Tint::Found => Color::Yellow,
        Tint::Bad | Tint::Clip => Color::LightRed,
        Tint::Dim => Color::DarkGray,
        Tint::Wave => Color::LightBlue,
        Tint::Loudness => Color::LightMagenta,
        Tint::Playhead => Color::LightYellow,
        Tint::Other => Color::Magenta,
        Tint::Chosen => return None,
    })
}

/// Most of the sixteen are too pale for a light ground; where none is left for it, the word stands in the terminal's own colour.
fn sixteen_light(tint: Tint) -> Option<Color> {
    Some(match tint {
        Tint::Accent | Tint::Key | Tint::Range | Tint::Wave => Color::Blue,
        Tint::Warn | Tint::Fresh | Tint::Loudness | Tint::Playhead | Tint::Other => Color::Magenta,
        Tint::Bad | Tint::Clip => Color::Red,
        Tint::Dim => Color::DarkGray,
        Tint::Alarm | Tint::Found => Color::Yellow,
        Tint::Good | Tint::Chosen => return None,
    })
}

fn true_dark(tint: Tint) -> Option<Color> {
    Some(match tint {
        Tint::Accent | Tint::Key => Color::Rgb(0x7d, 0xcf, 0xff),
        Tint::Good => Color::Rgb(0x9e, 0xce, 0x6a),
        Tint::Warn => Color::Rgb(0xe8, 0xb3, 0x5e),
        Tint::Bad | Tint::Clip => Color::Rgb(0xff, 0x86, 0x8e),
        Tint::Dim => Color::Rgb(0x9d, 0xa5, 0xb4),
        Tint::Fresh | Tint::Playhead => Color::Rgb(0xff, 0xd5, 0x80),
        Tint::Wave => Color::Rgb(0x82, 0xaa, 0xff),
        Tint::Range => Color::Rgb(0x6f, 0xe0, 0xd0),
        Tint::Loudness => Color::Rgb(0xc3, 0xa6, 0xff),
        Tint::Other => Color::Rgb(0xf5, 0xa9, 0xd8),
        Tint::Alarm | Tint::Found => Color::Rgb(0xe8, 0xb3, 0x5e),
        Tint::Chosen => return None,
    })
}

fn true_light(tint: Tint) -> Option<Color> {
    Some(match tint {
        Tint::Accent | Tint::Key => Color::Rgb(0x00, 0x5f, 0x87),
        Tint::Good => Color::Rgb(0x2e, 0x6b, 0x10),
        Tint::Warn => Color::Rgb(0x8a, 0x4b, 0x00),
        Tint::Bad | Tint::Clip => Color::Rgb(0xb0, 0x00, 0x20),
        Tint::Dim => Color::Rgb(0x5c, 0x60, 0x68),
        Tint::Fresh | Tint::Playhead => Color::Rgb(0x7a, 0x4a, 0x00),
        Tint::Wave => Color::Rgb(0x1f, 0x4f, 0xbf),
        Tint::Range => Color::Rgb(0x00, 0x66, 0x5c),
        Tint::Loudness => Color::Rgb(0x6a, 0x2f, 0xb0),
        Tint::Other => Color::Rgb(0x96, 0x1f, 0x6e),
        Tint::Alarm | Tint::Found => Color::Rgb(0xff, 0xd0, 0x66),
        Tint::Chosen => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grounds that people use: pure, the usual dark and light ones of editors.
    const DARK: [(u8, u8, u8); 3] = [(0, 0, 0), (0x1e, 0x1e, 0x1e), (0x28, 0x2c, 0x34)];
    const LIGHT: [(u8, u8, u8); 3] = [(255, 255, 255), (0xfd, 0xf6, 0xe3), (0xee, 0xee, 0xee)];

    #[test]
    fn text_of_the_shipped_true_colours_can_be_read_on_its_grounds() {
        for (ground, grounds) in [(Ground::Dark, DARK), (Ground::Light, LIGHT)] {
            for tint in Tint::ALL.into_iter().filter(|it| !it.is_ground()) {
                let colour = rgb(shipped(tint, Colours::True, ground).unwrap()).unwrap();
                for below in grounds {
                    let ratio = contrast(colour, below);
                    assert!(ratio >= 4.5, "{tint:?} on {below:?} has {ratio:.2} to 1");
                }
            }
        }
    }

    /// Sixteen colours belong to the terminal; these are the classic ones on black and on white. What is said in them stands beside a sign.
    #[test]
    fn the_sixteen_are_told_from_black_and_from_white() {
        for (ground, below) in [(Ground::Dark, (0, 0, 0)), (Ground::Light, (255, 255, 255))] {
            for tint in Tint::ALL.into_iter().filter(|it| !it.is_ground()) {
                let Some(colour) = shipped(tint, Colours::Sixteen, ground).and_then(rgb) else { continue };
                let ratio = contrast(colour, below);
                assert!(ratio >= 3.5, "{tint:?} on {ground:?} has {ratio:.2} to 1");
            }
        }
    }

    #[test]
    fn text_on_a_ground_of_its_own_can_be_read_whatever_the_ground() {
        for colours in [Colours::Sixteen, Colours::True] {
            for tint in [Tint::Found, Tint::Alarm, Tint::Chosen] {
                for own in [None, Some(Color::Rgb(0x30, 0x60, 0x90)), Some(Color::Red), Some(Color::Gray)] {
                    let mut settings = Settings { colours, ..Settings::default() };
                    settings.tints.extend(own.map(|it| (tint, it)));
                    let style = Theme::with(&settings).ground(tint);
                    let (Some(fg), Some(bg)) = (style.fg, style.bg) else {
                        assert!(style.add_modifier.contains(Modifier::REVERSED));
                        continue;
                    };
                    assert!(contrast(rgb(fg).unwrap(), rgb(bg).unwrap()) >= 4.5, "{tint:?} {own:?}");
                }
            }
        }
    }

    #[test]
    fn without_colour_every_role_is_a_weight_or_nothing() {
        let theme = Theme::bare();
        let styles =
            [theme.dim(), theme.accent(), theme.chosen(), theme.alarm(), theme.found(), theme.wave()];
        assert!(styles.iter().all(|it| it.fg.is_none() && it.bg.is_none()));
        assert!(
            [theme.dim(), theme.chosen(), theme.alarm(), theme.found()]
                .iter()
                .all(|it| !it.add_modifier.is_empty())
        );
    }

    #[test]
    fn a_colour_of_ones_own_is_brought_to_what_the_terminal_has() {
        let mut settings = Settings { colours: Colours::Sixteen, ..Settings::default() };
        settings.tints.insert(Tint::Good, Color::Rgb(0, 250, 0));
        assert_eq!(Theme::with(&settings).good().fg, Some(Color::LightGreen));
        settings.colours = Colours::True;
        assert_eq!(Theme::with(&settings).good().fg, Some(Color::Rgb(0, 250, 0)));
    }
}
