//! How loud it is over time: one bar a column, short-term loudness, with its scale. Never here: how loudness is measured.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{GUTTER, View};
use crate::tui::{
    draw::{put, text::pad_left, theme::Theme},
    settings::Dots,
};

/// From the loudest of the file down, in LU: what is softer draws nothing.
const SPAN_LU: f32 = 24.0;
/// Of silence, as the studio tells it.
const SILENCE_LUFS: f32 = -70.0;

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, left: u16, area: Rect, view: &View<'_>) {
    let columns = usize::from(area.width);
    let Some((_, _, answer)) = view.data else { return };
    let loud = |at: usize| {
        let a = view.column(at * 2, columns * 2).and_then(|it| answer.short_term_lufs.get(it));
        let b = view.column(at * 2 + 1, columns * 2).and_then(|it| answer.short_term_lufs.get(it));
        [a, b].into_iter().flatten().copied().filter(|it| it.is_finite()).reduce(f32::max)
    };
    let values: Vec<Option<f32>> = (0..columns).map(loud).collect();
    let Some(top) = values.iter().flatten().copied().reduce(f32::max).filter(|it| *it > SILENCE_LUFS) else {
        return;
    };
    // Steps of three, so that the scale keeps still while the window moves.
    let top = (top / 3.0).ceil() * 3.0;
    let steps = usize::from(area.height) * 8;
    for row in 0..area.height {
        let below = usize::from(area.height - 1 - row) * 8;
        let bar = |value: &Option<f32>| {
            let share = value.map_or(0.0, |it| ((it - top + SPAN_LU) / SPAN_LU).clamp(0.0, 1.0));
            let eighths = ((share * steps as f32).round() as usize).saturating_sub(below).min(8);
            match view.look.dots {
                Dots::Braille => BARS[eighths],
                Dots::Blocks => [' ', '▄', '█'][eighths.div_ceil(4).min(2)],
            }
        };
        put(frame, area, row, Line::styled(values.iter().map(bar).collect::<String>(), theme.dim()));
    }
    let gutter = Rect { x: left, width: area.x.saturating_sub(left), ..area };
    if gutter.width < GUTTER {
        return;
    }
    let room = usize::from(GUTTER) - 1;
    if area.height > 1 {
        let label = [format!("{top:.0} LU"), format!("{top:.0}LU")].into_iter().find(|it| it.len() <= room);
        put(frame, gutter, 0, Line::styled(pad_left(&label.unwrap_or_default(), room), theme.dim()));
    }
    // The value under the cursor: what the curve is there to be asked.
    let here = view.cell(view.cursor_us, columns).and_then(|at| values.get(at).copied().flatten());
    let here = here.map_or_else(|| "LUFS".to_owned(), |it| format!("{it:.1}"));
    put(frame, gutter, area.height - 1, Line::styled(pad_left(&here, room), theme.dim()));
}

#[cfg(test)]
mod tests {
    use deadwax_proto::v1::WaveformResponse;
    use ratatui::{Terminal, backend::TestBackend};

    use super::{super::tests::view, *};

    fn drawn(lufs: Vec<f32>) -> Vec<String> {
        let answer = WaveformResponse {
            channels: 1,
            min: vec![0; 8],
            max: vec![0; 8],
            short_term_lufs: lufs,
            ..WaveformResponse::default()
        };
        let data = (0, 1000, answer);
        let mut terminal = Terminal::new(TestBackend::new(10, 2)).unwrap();
        let theme = Theme::bare();
        terminal.draw(|frame| draw(&theme, frame, 0, Rect::new(6, 0, 4, 2), &view(Some(&data)))).unwrap();
        let cells = terminal.backend().buffer().content().chunks(10);
        cells.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>()).collect()
    }

    #[test]
    fn the_scale_ends_at_the_loudest_and_a_bar_falls_by_its_figure() {
        let lines = drawn(vec![-9.0, -9.0, -21.0, -21.0, -33.0, -33.0, -70.0, -70.0]);
        assert_eq!(lines, ["-9 LU █   ", " -9.0 ██  "]);
    }

    #[test]
    fn a_scale_of_two_figures_fits_beside_the_bars() {
        assert!(drawn(vec![-14.0; 8])[0].starts_with("-12LU "));
    }

    #[test]
    fn silence_and_broken_figures_draw_nothing() {
        for lufs in [vec![], vec![-70.0; 8], vec![f32::NAN; 8], vec![f32::INFINITY]] {
            assert_eq!(drawn(lufs), [" ".repeat(10), " ".repeat(10)]);
        }
    }
}
