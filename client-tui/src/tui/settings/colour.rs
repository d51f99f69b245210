//! Colours by name, by number, and how well one can be read on another. Pure figures.

use ratatui::style::Color;

/// Names for the sixteen colours, and their values where a terminal keeps the classic ones (xterm).
const SIXTEEN: [(&str, Color, (u8, u8, u8)); 16] = [
    ("black", Color::Black, (0, 0, 0)),
    ("red", Color::Red, (205, 0, 0)),
    ("green", Color::Green, (0, 205, 0)),
    ("yellow", Color::Yellow, (205, 205, 0)),
    ("blue", Color::Blue, (0, 0, 238)),
    ("magenta", Color::Magenta, (205, 0, 205)),
    ("cyan", Color::Cyan, (0, 205, 205)),
    ("gray", Color::Gray, (229, 229, 229)),
    ("dark-gray", Color::DarkGray, (127, 127, 127)),
    ("light-red", Color::LightRed, (255, 0, 0)),
    ("light-green", Color::LightGreen, (0, 255, 0)),
    ("light-yellow", Color::LightYellow, (255, 255, 0)),
    ("light-blue", Color::LightBlue, (92, 92, 255)),
    ("light-magenta", Color::LightMagenta, (255, 0, 255)),
    ("light-cyan", Color::LightCyan, (0, 255, 255)),
    ("white", Color::White, (255, 255, 255)),
];

/// What a colour may be called.
pub(super) const POSSIBLE: &str = "black, red, green, yellow, blue, magenta, cyan, gray, dark-gray, light-red, light-green, light-yellow, light-blue, light-magenta, light-cyan, white, or \"#rrggbb\"";

pub(super) fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        let whole = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| whole)?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    let name = text.to_lowercase().replace('_', "-").replace("grey", "gray");
    SIXTEEN.iter().find(|(it, ..)| *it == name).map(|(_, colour, _)| *colour)
}

/// Its parts; `None` for the terminal's own.
pub fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        other => SIXTEEN.iter().find(|(_, it, _)| *it == other).map(|(.., parts)| *parts),
    }
}

/// The one of the sixteen that comes closest, for a terminal that has no others.
pub fn nearest(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let apart = |(x, y, z): (u8, u8, u8)| {
        let square = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
        // Eyes see green best and blue least.
        2 * square(r, x) + 4 * square(g, y) + square(b, z)
    };
    SIXTEEN.iter().min_by_key(|(.., parts)| apart(*parts)).map_or(colour, |(_, it, _)| *it)
}

/// Contrast as WCAG 2.2 reckons it: 1 to 21.
pub fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

pub(super) fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

/// What a terminal answers when it is asked for its ground: "rgb:1e1e/1e1e/2e2e", with one to four digits a part.
pub fn of_reply(text: &str) -> Option<super::Ground> {
    let parts = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
    let mut values = parts.split('/').map(|part| {
        let most = (1u32 << (4 * u32::try_from(part.len()).ok().filter(|it| (1..=4).contains(it))?)) - 1;
        let value = u32::from_str_radix(part, 16).ok()?;
        u8::try_from(value * 255 / most).ok()
    });
    let (r, g, b) = (values.next()??, values.next()??, values.next()??);
    // Black or white text: whichever reads better says what the ground is.
    let here = (r, g, b);
    let light = contrast(here, (0, 0, 0)) > contrast(here, (255, 255, 255));
    Some(if light { super::Ground::Light } else { super::Ground::Dark })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::settings::Ground;

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
        assert!((contrast((118, 118, 118), (255, 255, 255)) - 4.54).abs() < 0.01);
    }

    #[test]
    fn colours_are_read_by_name_and_by_number() {
        assert_eq!(parse("#7dCFff"), Some(Color::Rgb(0x7d, 0xcf, 0xff)));
        assert_eq!(parse("Light_Grey"), None);
        assert_eq!(parse("dark-grey"), Some(Color::DarkGray));
        for wrong in ["#12345", "#12345g", "#+12345", "ultraviolet", ""] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(nearest(Color::Rgb(250, 10, 10)), Color::LightRed);
        assert_eq!(nearest(Color::Cyan), Color::Cyan);
    }

    #[test]
    fn a_terminal_tells_its_ground() {
        assert_eq!(of_reply("rgb:ffff/ffff/ffff"), Some(Ground::Light));
        assert_eq!(of_reply("rgb:fd/f6/e3"), Some(Ground::Light));
        assert_eq!(of_reply("rgb:1e1e/1e1e/2e2e"), Some(Ground::Dark));
        assert_eq!(of_reply("rgba:0000/0000/0000/ffff"), Some(Ground::Dark));
        for wrong in ["", "rgb:", "rgb:1/2", "rgb:fffff/0/0", "rgb:xx/00/00", "cmyk:1/2/3"] {
            assert_eq!(of_reply(wrong), None, "{wrong}");
        }
    }
}
