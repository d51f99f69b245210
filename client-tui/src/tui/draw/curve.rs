//! Curves as bars of a few lines: what came out stands as bars, what went in as a line through them, so that both are read without colour. Values are
//! shares of the height; what is not there is not drawn. Never here: what the values mean.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    put,
    text::{pad, pad_left, width},
    theme::Theme,
};

/// Columns that the figures of the scale take.
pub(super) const GUTTER: u16 = 6;

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One value for each column, 0 at the bottom and 1 at the top.
pub(super) type Shares = Vec<Option<f64>>;

#[derive(Default)]
pub(super) struct Picture<'a> {
    /// What stands as bars.
    pub bars: Shares,
    /// What stands as a line.
    pub line: Shares,
    /// A level that is aimed at.
    pub mark: Option<f64>,
    /// Bars hang from the top.
    pub hangs: bool,
    /// At the top and at the bottom of the scale.
    pub scale: [String; 2],
    /// Below, from left to right.
    pub axis: Vec<&'a str>,
}

/// Columns that a picture has in an area.
pub(super) fn columns(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(GUTTER))
}

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, picture: &Picture<'_>) {
    let has_axis = area.height > 2 && !picture.axis.is_empty();
    let height = usize::from(area.height) - usize::from(has_axis);
    for row in 0..height {
        let label = match row {
            0 => picture.scale[0].as_str(),
            _ if row + 1 == height => picture.scale[1].as_str(),
            _ => "",
        };
        let mut spans =
            vec![Span::styled(format!("{} ", pad_left(label, usize::from(GUTTER) - 1)), theme.dim())];
        let cells = (0..columns(area)).map(|column| cell(theme, picture, column, row, height));
        // Neighbours of one style are one span.
        let mut run: Option<(String, Style)> = None;
        for (sign, style) in cells {
            match &mut run {
                Some((text, before)) if *before == style => text.push(sign),
                _ => {
                    spans.extend(run.take().map(|(text, style)| Span::styled(text, style)));
                    run = Some((sign.to_string(), style));
                }
            }
        }
        spans.extend(run.map(|(text, style)| Span::styled(text, style)));
        put(frame, area, u16::try_from(row).unwrap_or(u16::MAX), Line::from(spans));
    }
    if has_axis {
        let text = format!("{}{}", " ".repeat(usize::from(GUTTER)), spread(&picture.axis, columns(area)));
        put(frame, area, area.height - 1, Line::styled(text, theme.dim()));
    }
}

fn cell(theme: &Theme, picture: &Picture<'_>, column: usize, row: usize, height: usize) -> (char, Style) {
    let share = |of: &Shares| of.get(column).copied().flatten().filter(|it| it.is_finite());
    let from_top = |share: f64| {
        let at = ((1.0 - share.clamp(0.0, 1.0)) * height as f64) as usize;
        at.min(height.saturating_sub(1))
    };
    if let Some(value) = share(&picture.line)
        && (0.0..=1.0).contains(&value)
        && from_top(value) == row
    {
        return ('─', theme.head());
    }
    let bar = share(&picture.bars).map_or(0.0, |it| it.clamp(0.0, 1.0)) * height as f64;
    let sign = if picture.hangs {
        match bar - row as f64 {
            full if full >= 0.85 => '█',
            half if half >= 0.35 => '▀',
            some if some > 0.02 => '▔',
            _ => ' ',
        }
    } else {
        let eighths = (bar * 8.0).round() as usize;
        EIGHTHS[eighths.saturating_sub((height - 1 - row) * 8).min(8)]
    };
    if sign == ' ' && picture.mark.is_some_and(|it| (0.0..=1.0).contains(&it) && from_top(it) == row) {
        return ('┈', theme.dim());
    }
    (sign, theme.wave())
}

/// Words over a width, the first at the left edge and the last at the right.
fn spread(words: &[&str], columns: usize) -> String {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return String::new() };
    if words.len() == 1 {
        return pad(first, columns);
    }
    let mut text = (*first).to_owned();
    for (at, word) in words.iter().enumerate().skip(1).take(words.len() - 2) {
        let middle = columns * at / (words.len() - 1);
        let start = middle.saturating_sub(width(word) / 2);
        if start > width(&text) {
            text.push_str(&" ".repeat(start - width(&text)));
            text.push_str(word);
        }
    }
    let room = columns.saturating_sub(width(&text));
    if room > width(last) { format!("{text}{}", pad_left(last, room)) } else { text }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;

    fn drawn(picture: &Picture<'_>, size: (u16, u16)) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let theme = Theme::bare();
        terminal.draw(|frame| draw(&theme, frame, frame.area(), picture)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        buffer
            .content()
            .chunks(usize::from(size.0))
            .map(|row| row.iter().map(|it| it.symbol()).collect::<String>())
            .collect()
    }

    #[test]
    fn bars_and_line_are_told_apart_without_colour() {
        let picture = Picture {
            bars: vec![Some(1.0), Some(0.5), Some(0.0), None, Some(f64::NAN)],
            line: vec![Some(0.1), Some(0.9), None, Some(0.1), Some(7.0)],
            mark: Some(0.9),
            scale: ["-6".into(), "-30".into()],
            ..Picture::default()
        };
        assert_eq!(drawn(&picture, (11, 2)), ["   -6 █─┈┈┈", "  -30 ─█ ─ "]);
    }

    #[test]
    fn what_turns_down_hangs_from_the_top() {
        let picture = Picture {
            bars: vec![Some(1.0), Some(0.75), Some(0.55), Some(0.0)],
            hangs: true,
            ..Picture::default()
        };
        assert_eq!(drawn(&picture, (10, 2)), ["      ███ ", "      █▀▔ "]);
    }

    #[test]
    fn the_axis_keeps_its_ends_and_drops_what_does_not_fit() {
        assert_eq!(spread(&["0:00", "1:00", "2:00"], 20), "0:00    1:00    2:00");
        assert_eq!(spread(&["0:00", "1:00", "2:00"], 10), "0:00  2:00");
        assert_eq!(spread(&["a"], 3), "a  ");
        assert_eq!(spread(&[], 3), "");
    }
}
