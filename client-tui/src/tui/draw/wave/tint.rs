//! The colour of a picture of sound by how loud a row is: a gradient where the terminal shows true colours, one colour of the palette elsewhere. Never here:
//! anything that colour alone would tell.

use ratatui::style::{Color, Style};

use super::Look;
use crate::tui::{
    draw::theme::Theme,
    settings::{Colours, Ground},
};

/// From silence to full scale, on dark and on light.
const DARK: [(f32, [u8; 3]); 4] =
    [(0.0, [58, 110, 165]), (0.5, [64, 160, 190]), (0.8, [120, 200, 150]), (1.0, [235, 190, 90])];
const LIGHT: [(f32, [u8; 3]); 4] =
    [(0.0, [30, 80, 150]), (0.5, [20, 110, 140]), (0.8, [30, 120, 70]), (1.0, [165, 90, 0])];

pub(super) fn at(theme: &Theme, look: &Look, row: usize, height: usize) -> Style {
    if look.colours != Colours::True || height == 0 {
        return theme.wave();
    }
    let middle = (height as f32 - 1.0) / 2.0;
    let level = if middle > 0.0 { ((row as f32 - middle) / middle).abs() } else { 0.0 };
    let [red, green, blue] = rgb(level, look.ground);
    Style::default().fg(Color::Rgb(red, green, blue))
}

pub(super) fn rgb(level: f32, ground: Ground) -> [u8; 3] {
    let stops = if ground == Ground::Light { LIGHT } else { DARK };
    let level = level.clamp(0.0, 1.0);
    let next = stops.iter().position(|(at, _)| *at >= level).unwrap_or(stops.len() - 1).max(1);
    let ((from, a), (to, b)) = (stops[next - 1], stops[next]);
    let share = (level - from) / (to - from);
    std::array::from_fn(|part| {
        let (a, b) = (f32::from(a[part]), f32::from(b[part]));
        (a + (b - a) * share).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_begins_and_ends_where_it_says() {
        for (ground, stops) in [(Ground::Dark, DARK), (Ground::Light, LIGHT)] {
            assert_eq!(rgb(0.0, ground), stops[0].1);
            assert_eq!(rgb(1.0, ground), stops[3].1);
            assert_eq!(rgb(7.0, ground), stops[3].1);
        }
    }

    #[test]
    fn without_true_colours_there_is_one_of_the_palette_or_none() {
        let look =
            |colours| Look { dots: crate::tui::settings::Dots::Braille, colours, ground: Ground::Dark };
        let theme = Theme::of(&crate::tui::Model::new((80, 24), 0, 0));
        assert_eq!(at(&theme, &look(Colours::Sixteen), 0, 8), theme.wave());
        assert_ne!(at(&theme, &look(Colours::True), 0, 8), at(&theme, &look(Colours::True), 4, 8));
        let plain = Theme::bare();
        assert_eq!(at(&plain, &look(Colours::None), 0, 8), Style::default());
    }
}
